/* ZMQ_EVENTS and ZMQ_FD, as event loops use them. */
#include "events.h"

TEST (events_tell_what_would_not_block)
{
    begin ();
    void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
    CHECK_INT (get_int (a, ZMQ_EVENTS), 0);
    CHECK_OK (zmq_bind (a, "inproc://events"));
    CHECK_INT (get_int (a, ZMQ_EVENTS), 0);
    CHECK_OK (zmq_connect (b, "inproc://events"));
    CHECK_INT (get_int (a, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (get_int (b, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_SEND (a, "x", 0);
    CHECK_INT (get_int (b, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    CHECK_INT (get_int (a, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_RECV (b, "x");
    CHECK_INT (get_int (b, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_OK (zmq_close (a));
    CHECK_BECOMES (get_int (b, ZMQ_EVENTS) == 0);
    end (b, NULL);
}

TEST (events_of_request_and_reply)
{
    begin ();
    void *req, *rep;
    connect_pair (ctx, "inproc://turns", ZMQ_REQ, &req, ZMQ_REP, &rep);
    CHECK_INT (get_int (req, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (get_int (rep, ZMQ_EVENTS), 0);
    CHECK_SEND (req, "question", 0);
    CHECK_INT (get_int (req, ZMQ_EVENTS), 0);
    CHECK_INT (get_int (rep, ZMQ_EVENTS), ZMQ_POLLIN);
    CHECK_RECV (rep, "question");
    CHECK_INT (get_int (rep, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_SEND (rep, "answer", 0);
    CHECK_INT (get_int (req, ZMQ_EVENTS), ZMQ_POLLIN);
    CHECK_RECV (req, "answer");
    CHECK_INT (get_int (req, ZMQ_EVENTS), ZMQ_POLLOUT);
    end (req, rep);
}

TEST (fd_dance)
{
    static const char *const where[] = {"inproc://dance", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, where[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        CHECK_SEND (push, "first", 0);
        CHECK_RECV (pull, "first");
        int fd = fd_of (pull);
        REQUIRE (fd >= 0);
        CHECK_INT (fd_of (pull), fd);
        /* Once ZMQ_EVENTS says there is nothing, the fd is quiet. */
        CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
        CHECK_INT (readable (fd, 0), 0);
        /* A message makes it readable: level, until looked at. */
        CHECK_SEND (push, "second", 0);
        CHECK_INT (readable (fd, AMPLE_MS), 1);
        CHECK_INT (readable (fd, 0), 1);
        CHECK_BECOMES (get_int (pull, ZMQ_EVENTS) == ZMQ_POLLIN);
        /* Looked at: quiet although the message is still there. */
        CHECK_INT (readable (fd, 0), 0);
        CHECK_INT (get_int (pull, ZMQ_EVENTS), ZMQ_POLLIN);
        CHECK_RECV (pull, "second");
        CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
        CHECK_INT (readable (fd, 0), 0);
        /* Drained: it speaks again. */
        CHECK_SEND (push, "third", 0);
        CHECK_INT (readable (fd, AMPLE_MS), 1);
        CHECK_BECOMES (get_int (pull, ZMQ_EVENTS) == ZMQ_POLLIN);
        CHECK_RECV (pull, "third");
        end (push, pull);
    }
}

TEST (fd_starts_readable)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://fresh", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    CHECK_INT (readable (fd_of (b), 0), 1);
    CHECK_INT (get_int (b, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    CHECK_RECV (b, "x");
    end (a, b);
}

/* An event loop as bindings write it: look at the fd only after ZMQ_EVENTS
 * said there is nothing to do. Never misses a message. */
static void *body_flood (struct call *c)
{
    for (int i = 0; i < 2000; i++) {
        if (zmq_send (c->a, &i, sizeof i, 0) != sizeof i)
            c->rc++;
        if (i % 100 == 0)
            sleep_ms (1);
    }
    return NULL;
}

TEST (fd_never_misses_a_message)
{
    static const char *const where[] = {"inproc://loop", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, where[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        int fd = fd_of (pull), next = 0, wrong = 0, silent = 0;
        struct call flood;
        call_start (&flood, body_flood, push, NULL);
        while (next < 2000 && !silent) {
            while (get_int (pull, ZMQ_EVENTS) & ZMQ_POLLIN) {
                int got = -1;
                zmq_recv (pull, &got, sizeof got, ZMQ_DONTWAIT);
                wrong += got != next++;
            }
            if (next < 2000)
                silent = !readable (fd, AMPLE_MS);
        }
        CHECK_INT (next, 2000);
        CHECK_INT (wrong, 0);
        CHECK_INT (silent, 0);
        call_join (&flood);
        CHECK_INT (flood.rc, 0);
        end (push, pull);
    }
}

TEST (fd_tells_of_room_to_send)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    set_int (push, ZMQ_SNDHWM, 2);
    set_int (pull, ZMQ_RCVHWM, 2);
    CHECK_OK (zmq_bind (pull, "inproc://room"));
    CHECK_OK (zmq_connect (push, "inproc://room"));
    int fd = fd_of (push), sent = 0;
    while (zmq_send (push, "x", 1, ZMQ_DONTWAIT) == 1)
        sent++;
    CHECK_INT (sent, 4);
    CHECK_INT (get_int (push, ZMQ_EVENTS), 0);
    CHECK_INT (readable (fd, 0), 0);
    for (int i = 0; i < 4; i++)
        CHECK_RECV (pull, "x");
    CHECK_INT (readable (fd, AMPLE_MS), 1);
    CHECK_BECOMES (get_int (push, ZMQ_EVENTS) == ZMQ_POLLOUT);
    CHECK_INT (zmq_send (push, "x", 1, ZMQ_DONTWAIT), 1);
    end (push, pull);
}

TEST (fd_tells_of_the_end)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    int fd = fd_of (s);
    CHECK_INT (get_int (s, ZMQ_EVENTS), 0);
    CHECK_INT (readable (fd, 0), 0);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_INT (readable (fd, AMPLE_MS), 1);
    int value;
    size_t size = sizeof value;
    CHECK_ERR (zmq_getsockopt (s, ZMQ_EVENTS, &value, &size), ETERM);
    end (s, NULL);
}

MAIN
