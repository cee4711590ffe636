/* zmq_poll: sockets and raw fds, time-outs, and what it says of items that
 * cannot be polled. */
#include "fixtures.h"
#include <sys/eventfd.h>

#define ITEM(SOCKET, EVENTS) {SOCKET, 0, EVENTS, 0x7f}
#define FD_ITEM(FD, EVENTS) {NULL, FD, EVENTS, 0x7f}

TEST (nothing_to_poll)
{
    zmq_pollitem_t item = ITEM (NULL, 0);
    CHECK_OK (zmq_poll (NULL, 0, 0));
    CHECK_OK (zmq_poll (&item, 0, 0));
    long long start = now_ms ();
    CHECK_OK (zmq_poll (NULL, 0, 100));
    long long took = now_ms () - start;
    CHECK (took >= 95 && took < 5000);
    start = now_ms ();
    CHECK_OK (zmq_poll (&item, 0, 100));
    took = now_ms () - start;
    CHECK (took >= 95 && took < 5000);
}

TEST (null_items_are_efault)
{
    CHECK_ERR (zmq_poll (NULL, 1, 0), EFAULT);
    CHECK_ERR (zmq_poll (NULL, 5, -1), EFAULT);
}

TEST (a_negative_count_is_einval)
{
    zmq_pollitem_t item = ITEM (NULL, 0);
    CHECK_ERR (zmq_poll (&item, -1, 0), EINVAL);
}

TEST (timeouts)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    int pipes[2];
    REQUIRE (pipe (pipes) == 0);
    zmq_pollitem_t items[] = {ITEM (s, ZMQ_POLLIN), FD_ITEM (pipes[0], ZMQ_POLLIN)};
    for (int n = 0; n < 3; n++) {
        /* The socket, the fd, both. */
        zmq_pollitem_t *first = n == 1 ? items + 1 : items;
        int count = n == 2 ? 2 : 1;
        long long start = now_ms ();
        CHECK_OK (zmq_poll (first, count, 0));
        CHECK (now_ms () - start < 5000);
        start = now_ms ();
        CHECK_OK (zmq_poll (first, count, 100));
        long long took = now_ms () - start;
        CHECK (took >= 95 && took < 5000);
        start = now_ms ();
        CHECK_OK (zmq_poll (first, count, 1));
        CHECK (now_ms () - start < 5000);
    }
    end (s, NULL);
}

TEST (a_poll_that_finds_nothing_clears_revents)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    int fd = eventfd (0, 0);
    zmq_pollitem_t items[] = {ITEM (s, ZMQ_POLLIN), FD_ITEM (fd, ZMQ_POLLIN),
                              ITEM (s, 0)};
    CHECK_OK (zmq_poll (items, 3, 0));
    for (int i = 0; i < 3; i++)
        CHECK_INT (items[i].revents, 0);
    items[0].revents = items[1].revents = items[2].revents = 0x7f;
    CHECK_OK (zmq_poll (items, 3, 20));
    for (int i = 0; i < 3; i++)
        CHECK_INT (items[i].revents, 0);
    end (s, NULL);
}

TEST (sockets_readable)
{
    static const char *const where[] = {"inproc://in", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, where[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        zmq_pollitem_t items[] = {ITEM (pull, ZMQ_POLLIN), ITEM (push, ZMQ_POLLIN)};
        CHECK_OK (zmq_poll (items, 2, 0));
        CHECK_SEND (push, "x", 0);
        CHECK_INT (zmq_poll (items, 2, -1), 1);
        CHECK_INT (items[0].revents, ZMQ_POLLIN);
        CHECK_INT (items[1].revents, 0);
        /* It stays so until read. */
        CHECK_INT (zmq_poll (items, 2, 0), 1);
        CHECK_INT (zmq_poll (items, 2, AMPLE_MS), 1);
        CHECK_RECV (pull, "x");
        CHECK_OK (zmq_poll (items, 2, 0));
        CHECK_INT (items[0].revents, 0);
        end (push, pull);
    }
}

TEST (sockets_writable)
{
    begin ();
    void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
    set_int (a, ZMQ_SNDHWM, 1);
    set_int (b, ZMQ_RCVHWM, 1);
    zmq_pollitem_t items[] = {ITEM (a, ZMQ_POLLIN | ZMQ_POLLOUT),
                              ITEM (b, ZMQ_POLLIN | ZMQ_POLLOUT)};
    CHECK_OK (zmq_poll (items, 2, 0));
    CHECK_OK (zmq_bind (a, "inproc://out"));
    CHECK_OK (zmq_connect (b, "inproc://out"));
    CHECK_INT (zmq_poll (items, 2, -1), 2);
    CHECK_INT (items[0].revents, ZMQ_POLLOUT);
    CHECK_INT (items[1].revents, ZMQ_POLLOUT);
    CHECK_SEND (a, "1", 0);
    CHECK_SEND (a, "2", 0);
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, ZMQ_POLLIN | ZMQ_POLLOUT);
    /* Only what was asked for is told. */
    items[1].events = ZMQ_POLLOUT;
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[1].revents, ZMQ_POLLOUT);
    items[1].events = ZMQ_POLLIN;
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    items[1].events = 0;
    CHECK_OK (zmq_poll (items, 2, 0));
    CHECK_INT (items[1].revents, 0);
    CHECK_RECV (b, "1");
    CHECK_RECV (b, "2");
    CHECK_INT (zmq_poll (items, 1, -1), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLOUT);
    end (a, b);
}

TEST (events_that_sockets_do_not_have)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://odd", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    zmq_pollitem_t item = ITEM (a, ZMQ_POLLERR | ZMQ_POLLPRI);
    CHECK_OK (zmq_poll (&item, 1, 0));
    CHECK_INT (item.revents, 0);
    end (a, b);
}

TEST (the_same_socket_twice)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://twice", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    zmq_pollitem_t items[] = {ITEM (b, ZMQ_POLLIN), ITEM (b, ZMQ_POLLOUT),
                              ITEM (b, ZMQ_POLLIN)};
    CHECK_INT (zmq_poll (items, 3, -1), 3);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    CHECK_INT (items[1].revents, ZMQ_POLLOUT);
    CHECK_INT (items[2].revents, ZMQ_POLLIN);
    end (a, b);
}

TEST (a_socket_goes_before_its_fd)
{
    /* The fd of an item that names a socket is not looked at. */
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://both", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    zmq_pollitem_t item = {b, 9999, ZMQ_POLLIN, 0};
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLIN);
    end (a, b);
}

TEST (raw_fds)
{
    int pipes[2], event = eventfd (0, 0);
    REQUIRE (event >= 0 && pipe (pipes) == 0);
    zmq_pollitem_t items[] = {FD_ITEM (pipes[0], ZMQ_POLLIN),
                              FD_ITEM (pipes[1], ZMQ_POLLOUT),
                              FD_ITEM (event, ZMQ_POLLIN | ZMQ_POLLOUT)};
    CHECK_INT (zmq_poll (items, 3, -1), 2);
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, ZMQ_POLLOUT);
    CHECK_INT (items[2].revents, ZMQ_POLLOUT);
    CHECK_INT (write (pipes[1], "x", 1), 1);
    CHECK_INT (eventfd_write (event, 1), 0);
    CHECK_INT (zmq_poll (items, 3, -1), 3);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    CHECK_INT (items[2].revents, ZMQ_POLLIN | ZMQ_POLLOUT);
    char byte;
    CHECK_INT (read (pipes[0], &byte, 1), 1);
    CHECK_OK (zmq_poll (items, 1, 0));
    CHECK_INT (items[0].revents, 0);
    /* The other end is gone: an error, which nobody needs to ask for. */
    close (pipes[1]);
    CHECK_INT (zmq_poll (items, 1, -1), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLERR);
}

TEST (a_full_pipe_is_not_writable)
{
    int pipes[2];
    REQUIRE (pipe2 (pipes, O_NONBLOCK) == 0);
    static char block[4096];
    while (write (pipes[1], block, sizeof block) > 0)
        ;
    zmq_pollitem_t item = FD_ITEM (pipes[1], ZMQ_POLLOUT);
    CHECK_OK (zmq_poll (&item, 1, 0));
    CHECK_INT (item.revents, 0);
    while (read (pipes[0], block, sizeof block) > 0)
        ;
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLOUT);
}

TEST (a_bad_fd_has_an_error)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    int fd = dup (0);
    close (fd);
    zmq_pollitem_t items[] = {FD_ITEM (fd, ZMQ_POLLIN), ITEM (s, ZMQ_POLLIN)};
    CHECK_INT (zmq_poll (items, 1, -1), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLERR);
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLERR);
    CHECK_INT (items[1].revents, 0);
    items[0].fd = 100000;
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLERR);
    end (s, NULL);
}

TEST (a_regular_file_is_always_ready)
{
    char path[64];
    snprintf (path, sizeof path, "%s/file", folder);
    int fd = open (path, O_RDWR | O_CREAT, 0600);
    REQUIRE (fd >= 0);
    zmq_pollitem_t item = FD_ITEM (fd, ZMQ_POLLIN | ZMQ_POLLOUT);
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLIN | ZMQ_POLLOUT);
}

TEST (urgent_data_of_a_tcp_fd)
{
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), out = raw_connect (endpoint);
    int in = accept (listener, NULL, NULL);
    REQUIRE (in >= 0);
    zmq_pollitem_t item = FD_ITEM (in, ZMQ_POLLPRI);
    CHECK_OK (zmq_poll (&item, 1, 0));
    CHECK_INT (send (out, "!", 1, MSG_OOB), 1);
    CHECK_INT (zmq_poll (&item, 1, AMPLE_MS), 1);
    CHECK_INT (item.revents, ZMQ_POLLPRI);
}

TEST (sockets_and_fds_together)
{
    static const char *const where[] = {"inproc://mixed", "tcp"};
    for (int i = 0; i < 2; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, where[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        int event = eventfd (0, 0);
        zmq_pollitem_t items[] = {FD_ITEM (event, ZMQ_POLLIN),
                                  ITEM (pull, ZMQ_POLLIN)};
        CHECK_OK (zmq_poll (items, 2, 0));
        CHECK_SEND (push, "x", 0);
        CHECK_INT (zmq_poll (items, 2, -1), 1);
        CHECK_INT (items[0].revents, 0);
        CHECK_INT (items[1].revents, ZMQ_POLLIN);
        CHECK_INT (eventfd_write (event, 1), 0);
        CHECK_INT (zmq_poll (items, 2, -1), 2);
        CHECK_INT (items[0].revents, ZMQ_POLLIN);
        CHECK_INT (items[1].revents, ZMQ_POLLIN);
        CHECK_RECV (pull, "x");
        CHECK_INT (zmq_poll (items, 2, -1), 1);
        CHECK_INT (items[1].revents, 0);
        end (push, pull);
        close (event);
    }
}

TEST (closed_null_and_foreign_sockets)
{
    begin ();
    void *a = new_socket (ctx, ZMQ_PULL);
    static uint64_t memory[1024];
    int event = eventfd (1, 0);
    zmq_pollitem_t items[] = {ITEM (a, ZMQ_POLLIN), ITEM (memory, ZMQ_POLLIN),
                              FD_ITEM (event, ZMQ_POLLIN)};
    CHECK_ERR (zmq_poll (items, 2, 0), ENOTSOCK);
    CHECK_ERR (zmq_poll (items, 2, -1), ENOTSOCK);
    /* Even when something else is ready. */
    CHECK_ERR (zmq_poll (items, 3, 0), ENOTSOCK);
    CHECK_ERR (zmq_poll (items + 1, 2, -1), ENOTSOCK);
    items[1].events = 0;
    CHECK_ERR (zmq_poll (items, 2, 0), ENOTSOCK);
    items[1].events = ZMQ_POLLIN;
    CHECK_OK (zmq_close (a));
    if (!on_oracle ()) { /* reads freed memory */
        CHECK_ERR (zmq_poll (items, 1, 0), ENOTSOCK);
        CHECK_ERR (zmq_poll (items, 1, -1), ENOTSOCK);
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_terminated_context_is_seen_beside_ready_items)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL), *other = zmq_ctx_new ();
    void *a, *b;
    connect_pair (other, "inproc://ready", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    zmq_pollitem_t items[] = {ITEM (b, ZMQ_POLLIN), ITEM (s, ZMQ_POLLIN)};
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_ERR (zmq_poll (items, 2, 0), ETERM);
    CHECK_ERR (zmq_poll (items, 2, -1), ETERM);
    CHECK_INT (zmq_poll (items, 1, -1), 1);
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_ctx_term (other));
    end (s, NULL);
}

static void *body_poll_many (struct call *c)
{
    zmq_pollitem_t items[] = {ITEM (c->a, ZMQ_POLLIN),
                              FD_ITEM ((int) (intptr_t) c->b, ZMQ_POLLIN)};
    c->rc = zmq_poll (items, 2, -1);
    c->err = errno;
    if (c->rc >= 0)
        c->err = items[0].revents | items[1].revents << 8;
    return NULL;
}

TEST (woken_from_another_thread)
{
    static const char *const where[] = {"inproc://wake", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, where[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        int event = eventfd (0, 0);
        struct call c;
        call_start (&c, body_poll, pull, NULL);
        call_wait_blocked (&c);
        CHECK_SEND (push, "x", 0);
        call_join (&c);
        CHECK_INT (c.rc, 1);
        CHECK_RECV (pull, "x");
        /* With a raw fd in the list: by the socket, then by the fd. */
        call_start (&c, body_poll_many, pull, (void *) (intptr_t) event);
        call_wait_blocked (&c);
        CHECK_SEND (push, "x", 0);
        call_join (&c);
        CHECK_INT (c.rc, 1);
        CHECK_INT (c.err, ZMQ_POLLIN);
        CHECK_RECV (pull, "x");
        call_start (&c, body_poll_many, pull, (void *) (intptr_t) event);
        call_wait_blocked (&c);
        CHECK_INT (eventfd_write (event, 1), 0);
        call_join (&c);
        CHECK_INT (c.rc, 1);
        CHECK_INT (c.err, ZMQ_POLLIN << 8);
        end (push, pull);
        close (event);
    }
}

TEST (woken_by_termination)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        void *s = new_socket (ctx, ZMQ_PULL);
        int event = eventfd (0, 0);
        struct call c;
        call_start (&c, i ? body_poll_many : body_poll, s,
                    (void *) (intptr_t) event);
        call_wait_blocked (&c);
        CHECK_OK (zmq_ctx_shutdown (ctx));
        call_join (&c);
        CHECK_INT (c.rc, -1);
        CHECK_INT (c.err, ETERM);
        end (s, NULL);
        close (event);
    }
}

TEST (woken_by_room_to_send)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    zmq_pollitem_t item = ITEM (push, ZMQ_POLLOUT);
    endpoint_t endpoint;
    bind_to (push, "tcp", endpoint);
    CHECK_OK (zmq_poll (&item, 1, 0));
    CHECK_OK (zmq_connect (pull, endpoint));
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLOUT);
    CHECK_INT (zmq_send (push, "x", 1, ZMQ_DONTWAIT), 1);
    CHECK_RECV (pull, "x");
    end (push, pull);
}

TEST (sockets_of_two_contexts)
{
    begin ();
    void *other = zmq_ctx_new (), *a, *b, *c, *d;
    connect_pair (ctx, "inproc://one", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    connect_pair (other, "inproc://one", ZMQ_PAIR, &c, ZMQ_PAIR, &d);
    zmq_pollitem_t items[] = {ITEM (b, ZMQ_POLLIN), ITEM (d, ZMQ_POLLIN)};
    CHECK_SEND (c, "x", 0);
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    CHECK_SEND (a, "x", 0);
    CHECK_INT (zmq_poll (items, 2, -1), 2);
    CHECK_OK (zmq_close (c));
    CHECK_OK (zmq_close (d));
    CHECK_OK (zmq_ctx_term (other));
    end (a, b);
}

TEST (items_may_change_between_calls)
{
    begin ();
    void *a, *b, *c, *d;
    connect_pair (ctx, "inproc://one", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    connect_pair (ctx, "inproc://two", ZMQ_PAIR, &c, ZMQ_PAIR, &d);
    zmq_pollitem_t item = ITEM (b, ZMQ_POLLIN);
    CHECK_SEND (c, "x", 0);
    CHECK_OK (zmq_poll (&item, 1, 0));
    item.socket = d;
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    item.socket = b;
    CHECK_OK (zmq_poll (&item, 1, 0));
    item.events = ZMQ_POLLOUT;
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLOUT);
    int event = eventfd (1, 0);
    item.socket = NULL;
    item.fd = event;
    item.events = ZMQ_POLLIN;
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    close (event);
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLERR);
    CHECK_OK (zmq_close (c));
    CHECK_OK (zmq_close (d));
    end (a, b);
}

TEST (a_thousand_sockets)
{
    struct rlimit fds;
    getrlimit (RLIMIT_NOFILE, &fds);
    fds.rlim_cur = fds.rlim_max;
    setrlimit (RLIMIT_NOFILE, &fds);
    enum { N = 1000 };
    static zmq_pollitem_t items[N];
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, N + 10));
    int bad = 0;
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf (name, sizeof name, "inproc://%d", i);
        REQUIRE ((items[i].socket = zmq_socket (ctx, ZMQ_PULL)) != NULL);
        items[i].events = ZMQ_POLLIN;
        bad += zmq_bind (items[i].socket, name) != 0;
    }
    CHECK_INT (bad, 0);
    CHECK_OK (zmq_poll (items, N, 0));
    void *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, "inproc://777"));
    CHECK_OK (zmq_connect (push, "inproc://0"));
    CHECK_OK (zmq_connect (push, "inproc://999"));
    for (int i = 0; i < 3; i++)
        CHECK_SEND (push, "x", 0);
    CHECK_INT (zmq_poll (items, N, -1), 3);
    for (int i = 0; i < N; i++)
        bad += items[i].revents != (i == 0 || i == 777 || i == 999);
    CHECK_INT (bad, 0);
    for (int i = 0; i < N; i++)
        bad += zmq_close (items[i].socket) != 0;
    CHECK_INT (bad, 0);
    end (push, NULL);
}

MAIN
