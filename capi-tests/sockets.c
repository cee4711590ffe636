/* Sockets as such, whatever their type: handles, sending and receiving,
 * time-outs, events, endpoints. */
#include "fixtures.h"

static void *ctx;
static void *begin (void) { return ctx = zmq_ctx_new (); }
static void end (void *a, void *b)
{
    CHECK_OK (zmq_close (a));
    if (b)
        CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (types)
{
    begin ();
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *s = zmq_socket (ctx, type);
        REQUIRE (s != NULL);
        CHECK_INT (get_int (s, ZMQ_TYPE), type);
        CHECK_OK (zmq_close (s));
    }
    static const int bad[] = {-1, -2, 21, 64, 1000, 0x7fffffff, -0x7fffffff - 1};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        errno = 0;
        CHECK (zmq_socket (ctx, bad[i]) == NULL);
        CHECK_INT (errno, EINVAL);
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

/* Every function that takes a socket says ENOTSOCK. */
static void check_no_socket (void *s)
{
    char byte = 0;
    int value = 0;
    size_t size = sizeof value;
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_ERR (zmq_send (s, "x", 1, 0), ENOTSOCK);
    CHECK_ERR (zmq_send (s, "x", 1, ZMQ_DONTWAIT), ENOTSOCK);
    CHECK_ERR (zmq_send_const (s, "x", 1, 0), ENOTSOCK);
    CHECK_ERR (zmq_recv (s, &byte, 1, 0), ENOTSOCK);
    CHECK_ERR (zmq_recv (s, &byte, 1, ZMQ_DONTWAIT), ENOTSOCK);
    CHECK_ERR (zmq_msg_send (&msg, s, 0), ENOTSOCK);
    CHECK_ERR (zmq_msg_recv (&msg, s, 0), ENOTSOCK);
    CHECK_ERR (zmq_bind (s, "inproc://x"), ENOTSOCK);
    CHECK_ERR (zmq_connect (s, "inproc://x"), ENOTSOCK);
    CHECK_ERR (zmq_unbind (s, "inproc://x"), ENOTSOCK);
    CHECK_ERR (zmq_disconnect (s, "inproc://x"), ENOTSOCK);
    CHECK_ERR (zmq_setsockopt (s, ZMQ_LINGER, &value, sizeof value), ENOTSOCK);
    CHECK_ERR (zmq_getsockopt (s, ZMQ_LINGER, &value, &size), ENOTSOCK);
    CHECK_ERR (zmq_close (s), ENOTSOCK);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (null_is_no_socket) { check_no_socket (NULL); }

TEST (foreign_memory_is_no_socket)
{
    static uint64_t memory[1024];
    check_no_socket (memory);
    memset (memory, 0xa5, sizeof memory);
    check_no_socket (memory);
}

TEST (a_context_is_no_socket)
{
    begin ();
    check_no_socket (ctx);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_closed_socket_is_no_socket)
{
    if (on_oracle ())
        return; /* reads freed memory: ENOTSOCK while the memory is not reused */
    begin ();
    void *s = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_close (s));
    check_no_socket (s);
    void *other = new_socket (ctx, ZMQ_PAIR);
    if (other != s)
        check_no_socket (s);
    CHECK_OK (zmq_close (other));
    CHECK_OK (zmq_ctx_term (ctx));
    check_no_socket (s);
}

TEST (request_and_reply_take_turns)
{
    begin ();
    void *req, *rep;
    connect_pair (ctx, "inproc://turns", ZMQ_REQ, &req, ZMQ_REP, &rep);
    char byte;
    CHECK_ERR (zmq_recv (req, &byte, 1, 0), EFSM);
    CHECK_ERR (zmq_recv (req, &byte, 1, ZMQ_DONTWAIT), EFSM);
    CHECK_ERR (zmq_send (rep, "x", 1, 0), EFSM);
    CHECK_ERR (zmq_send (rep, "x", 1, ZMQ_DONTWAIT), EFSM);
    CHECK_SEND (req, "question", 0);
    CHECK_ERR (zmq_send (req, "x", 1, 0), EFSM);
    CHECK_RECV (rep, "question");
    CHECK_ERR (zmq_recv (rep, &byte, 1, 0), EFSM);
    CHECK_SEND (rep, "answer", 0);
    CHECK_ERR (zmq_send (rep, "x", 1, 0), EFSM);
    CHECK_RECV (req, "answer");
    CHECK_ERR (zmq_recv (req, &byte, 1, 0), EFSM);
    CHECK_SEND (req, "again", 0);
    end (req, rep);
}

TEST (one_way_types)
{
    begin ();
    static const int senders[] = {ZMQ_PUSH, ZMQ_PUB};
    static const int receivers[] = {ZMQ_PULL, ZMQ_SUB};
    for (int i = 0; i < 2; i++) {
        char byte;
        zmq_msg_t msg;
        void *s = new_socket (ctx, senders[i]), *r = new_socket (ctx, receivers[i]);
        zmq_msg_init_size (&msg, 3);
        CHECK_ERR (zmq_recv (s, &byte, 1, 0), ENOTSUP);
        CHECK_ERR (zmq_recv (s, &byte, 1, ZMQ_DONTWAIT), ENOTSUP);
        CHECK_ERR (zmq_msg_recv (&msg, s, 0), ENOTSUP);
        CHECK_ERR (zmq_send (r, "x", 1, 0), ENOTSUP);
        CHECK_ERR (zmq_send (r, "x", 1, ZMQ_DONTWAIT), ENOTSUP);
        CHECK_ERR (zmq_send_const (r, "x", 1, 0), ENOTSUP);
        CHECK_ERR (zmq_msg_send (&msg, r, 0), ENOTSUP);
        CHECK_INT (zmq_msg_size (&msg), 3);
        CHECK_INT (get_int (r, ZMQ_EVENTS) & ZMQ_POLLOUT, 0);
        CHECK_INT (get_int (s, ZMQ_EVENTS) & ZMQ_POLLIN, 0);
        zmq_msg_close (&msg);
        CHECK_OK (zmq_close (s));
        CHECK_OK (zmq_close (r));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (dontwait_is_eagain)
{
    begin ();
    static const int receivers[] = {ZMQ_PAIR, ZMQ_SUB,  ZMQ_REP,    ZMQ_DEALER,
                                    ZMQ_PULL, ZMQ_XPUB, ZMQ_ROUTER, ZMQ_XSUB};
    static const int senders[] = {ZMQ_PAIR, ZMQ_REQ, ZMQ_DEALER, ZMQ_PUSH};
    char byte;
    for (unsigned i = 0; i < sizeof receivers / sizeof *receivers; i++) {
        void *s = new_socket (ctx, receivers[i]);
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_ERR (zmq_recv (s, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
        CHECK_ERR (zmq_msg_recv (&msg, s, ZMQ_DONTWAIT), EAGAIN);
        set_int (s, ZMQ_RCVTIMEO, 0);
        CHECK_ERR (zmq_recv (s, &byte, 1, 0), EAGAIN);
        CHECK_OK (zmq_close (s));
    }
    for (unsigned i = 0; i < sizeof senders / sizeof *senders; i++) {
        void *s = new_socket (ctx, senders[i]);
        CHECK_ERR (zmq_send (s, "x", 1, ZMQ_DONTWAIT), EAGAIN);
        set_int (s, ZMQ_SNDTIMEO, 0);
        CHECK_ERR (zmq_send (s, "x", 1, 0), EAGAIN);
        CHECK_OK (zmq_close (s));
    }
    /* These drop what nobody takes. */
    static const int droppers[] = {ZMQ_PUB, ZMQ_XPUB};
    for (unsigned i = 0; i < 2; i++) {
        void *s = new_socket (ctx, droppers[i]);
        CHECK_INT (zmq_send (s, "x", 1, 0), 1);
        CHECK_OK (zmq_close (s));
    }
    void *router = new_socket (ctx, ZMQ_ROUTER);
    CHECK_INT (zmq_send (router, "peer", 4, ZMQ_SNDMORE), 4);
    CHECK_INT (zmq_send (router, "x", 1, 0), 1);
    end (router, NULL);
}

TEST (timeouts_of_recv_and_send)
{
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    set_int (pull, ZMQ_RCVTIMEO, 100);
    set_int (push, ZMQ_SNDTIMEO, 100);
    char byte;
    long long start = now_ms ();
    CHECK_ERR (zmq_recv (pull, &byte, 1, 0), EAGAIN);
    long long took = now_ms () - start;
    CHECK (took >= 95 && took < 5000);
    start = now_ms ();
    CHECK_ERR (zmq_send (push, "x", 1, 0), EAGAIN);
    took = now_ms () - start;
    CHECK (took >= 95 && took < 5000);
    /* DONTWAIT wins over the time-out. */
    set_int (pull, ZMQ_RCVTIMEO, 20000);
    start = now_ms ();
    CHECK_ERR (zmq_recv (pull, &byte, 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK (now_ms () - start < 10000);
    end (pull, push);
}

TEST (a_blocked_recv_is_woken_by_a_message)
{
    static const char *const where[] = {"inproc://wake", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, where[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        set_int (pull, ZMQ_RCVTIMEO, -1);
        struct call c;
        call_start (&c, body_recv, pull, NULL);
        call_wait_blocked (&c);
        CHECK_SEND (push, "x", 0);
        call_join (&c);
        CHECK_INT (c.rc, 1);
        end (push, pull);
    }
}

TEST (a_blocked_send_is_woken_by_a_peer)
{
    static const char *const where[] = {"inproc://wake", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_to (push, where[i], endpoint);
        set_int (push, ZMQ_SNDTIMEO, -1);
        struct call c;
        call_start (&c, body_send, push, NULL);
        call_wait_blocked (&c);
        CHECK_OK (zmq_connect (pull, endpoint));
        CHECK_RECV (pull, "x");
        call_join (&c);
        CHECK_INT (c.rc, 1);
        end (push, pull);
    }
}

TEST (a_blocked_send_is_woken_by_a_reader)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    set_int (push, ZMQ_SNDHWM, 1);
    set_int (pull, ZMQ_RCVHWM, 1);
    CHECK_OK (zmq_bind (pull, "inproc://full"));
    CHECK_OK (zmq_connect (push, "inproc://full"));
    CHECK_SEND (push, "1", ZMQ_DONTWAIT);
    CHECK_SEND (push, "2", ZMQ_DONTWAIT);
    CHECK_ERR (zmq_send (push, "3", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (get_int (push, ZMQ_EVENTS), 0);
    set_int (push, ZMQ_SNDTIMEO, -1);
    struct call c;
    call_start (&c, body_send, push, NULL);
    call_wait_blocked (&c);
    CHECK_RECV (pull, "1");
    CHECK_RECV (pull, "2");
    CHECK_RECV (pull, "x");
    call_join (&c);
    CHECK_INT (c.rc, 1);
    end (push, pull);
}

TEST (recv_truncates_and_tells_the_full_size)
{
    static const char *const where[] = {"inproc://cut", "tcp"};
    for (int i = 0; i < 2; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, where[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        char buffer[16] = "################";
        CHECK_SEND (a, "0123456789", 0);
        CHECK_INT (zmq_recv (b, buffer, 4, 0), 10);
        CHECK (memcmp (buffer, "0123############", 16) == 0);
        /* The rest is gone: the next message comes next. */
        CHECK_SEND (a, "next", 0);
        CHECK_RECV (b, "next");
        CHECK_SEND (a, "0123456789", 0);
        CHECK_INT (zmq_recv (b, buffer, 0, 0), 10);
        CHECK_SEND (a, "0123456789", 0);
        CHECK_INT (zmq_recv (b, NULL, 0, 0), 10);
        char *big = calloc (1, 100000);
        CHECK_INT (zmq_send (a, big, 100000, 0), 100000);
        CHECK_INT (zmq_recv (b, buffer, 16, 0), 100000);
        free (big);
        end (a, b);
    }
}

TEST (empty_messages)
{
    static const char *const where[] = {"inproc://empty", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, where[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        char buffer[4] = "###";
        CHECK_INT (zmq_send (a, NULL, 0, 0), 0);
        CHECK_INT (zmq_send (a, "x", 0, ZMQ_SNDMORE), 0);
        CHECK_INT (zmq_send_const (a, NULL, 0, 0), 0);
        CHECK_INT (zmq_recv (b, buffer, 4, 0), 0);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
        CHECK_INT (zmq_recv (b, buffer, 4, 0), 0);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 1);
        CHECK_INT (zmq_recv (b, buffer, 4, 0), 0);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
        CHECK_STR (buffer, "###");
        end (a, b);
    }
}

TEST (send_const_does_not_copy)
{
    static const char constant[4096] = "constant";
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://const", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_INT (zmq_send_const (a, constant, sizeof constant, 0), 4096);
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_INT (zmq_msg_recv (&msg, b, 0), 4096);
    CHECK (zmq_msg_data (&msg) == constant);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (zmq_send_const (a, "short", 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send_const (a, constant, 8, 0), 8);
    CHECK_RECV (b, "short");
    CHECK_RECV (b, "constant");
    end (a, b);
}

TEST (send_copies)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://copy", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    char buffer[200] = "mine";
    CHECK_INT (zmq_send (a, buffer, sizeof buffer, 0), 200);
    memset (buffer, 'x', sizeof buffer);
    char got[200];
    CHECK_INT (zmq_recv (b, got, sizeof got, 0), 200);
    CHECK_STR (got, "mine");
    end (a, b);
}

TEST (rcvmore_follows_the_parts)
{
    static const char *const where[] = {"inproc://parts", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, where[i], ZMQ_DEALER, &a, ZMQ_DEALER, &b);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
        CHECK_SEND (a, "one", ZMQ_SNDMORE);
        CHECK_SEND (a, "two", ZMQ_SNDMORE);
        /* Nothing is seen before the last part was sent. */
        CHECK_ERR (zmq_recv (b, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        CHECK_SEND (a, "three", 0);
        CHECK_SEND (a, "alone", 0);
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_INT (zmq_msg_recv (&msg, b, 0), 3);
        CHECK_INT (zmq_msg_more (&msg), 1);
        CHECK_INT (zmq_msg_get (&msg, ZMQ_MORE), 1);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 1);
        /* The other parts are there already. */
        CHECK_INT (zmq_msg_recv (&msg, b, ZMQ_DONTWAIT), 3);
        CHECK_INT (zmq_msg_more (&msg), 1);
        CHECK_INT (zmq_msg_recv (&msg, b, ZMQ_DONTWAIT), 5);
        CHECK_INT (zmq_msg_more (&msg), 0);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
        CHECK_INT (zmq_msg_recv (&msg, b, 0), 5);
        CHECK_INT (zmq_msg_more (&msg), 0);
        CHECK (memcmp (zmq_msg_data (&msg), "alone", 5) == 0);
        CHECK_OK (zmq_msg_close (&msg));
        end (a, b);
    }
}

TEST (an_unfinished_message_never_arrives)
{
    static const char *const where[] = {"inproc://half", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *pull = new_socket (ctx, ZMQ_PULL), *a = new_socket (ctx, ZMQ_PUSH);
        bind_to (pull, where[i], endpoint);
        CHECK_OK (zmq_connect (a, endpoint));
        CHECK_SEND (a, "whole", 0);
        CHECK_RECV (pull, "whole");
        CHECK_SEND (a, "half", ZMQ_SNDMORE);
        CHECK_SEND (a, "half", ZMQ_SNDMORE);
        CHECK_OK (zmq_close (a));
        void *b = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (zmq_connect (b, endpoint));
        CHECK_SEND (b, "other", 0);
        CHECK_RECV (pull, "other");
        CHECK_INT (get_int (pull, ZMQ_RCVMORE), 0);
        CHECK_ERR (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        end (b, pull);
    }
}

TEST (a_sent_message_is_empty_after)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://own", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    static const int sizes[] = {0, 1, 29, 33, 34, 255, 5000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t msg, got;
        CHECK_OK (zmq_msg_init_size (&msg, (size_t) sizes[i]));
        memset (zmq_msg_data (&msg), 'm', (size_t) sizes[i]);
        CHECK_INT (zmq_msg_send (&msg, a, 0), sizes[i]);
        CHECK_INT (zmq_msg_size (&msg), 0);
        CHECK_INT (zmq_msg_more (&msg), 0);
        CHECK_OK (zmq_msg_init (&got));
        CHECK_INT (zmq_msg_recv (&got, b, 0), sizes[i]);
        CHECK_INT (zmq_msg_size (&got), sizes[i]);
        if (sizes[i])
            CHECK (((char *) zmq_msg_data (&got))[sizes[i] - 1] == 'm');
        /* Emptied, not closed: it can be sent again, as an empty one. */
        CHECK_INT (zmq_msg_send (&msg, a, 0), 0);
        CHECK_INT (zmq_msg_recv (&got, b, 0), 0);
        CHECK_INT (zmq_msg_size (&got), 0);
        CHECK_OK (zmq_msg_close (&got));
        CHECK_OK (zmq_msg_close (&msg));
    }
    end (a, b);
}

TEST (a_message_not_sent_stays_whole)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    zmq_msg_t msg;
    zmq_msg_init_size (&msg, 5);
    memcpy (zmq_msg_data (&msg), "still", 5);
    CHECK_ERR (zmq_msg_send (&msg, s, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (zmq_msg_size (&msg), 5);
    CHECK_ERR (zmq_msg_send (&msg, s, ZMQ_DONTWAIT | ZMQ_SNDMORE), EAGAIN);
    CHECK_ERR (zmq_msg_send (&msg, pull, 0), ENOTSUP);
    CHECK_ERR (zmq_msg_recv (&msg, s, 0), ENOTSUP);
    CHECK_INT (zmq_msg_size (&msg), 5);
    CHECK (memcmp (zmq_msg_data (&msg), "still", 5) == 0);
    CHECK_OK (zmq_bind (pull, "inproc://still"));
    CHECK_OK (zmq_connect (s, "inproc://still"));
    CHECK_INT (zmq_msg_send (&msg, s, 0), 5);
    CHECK_RECV (pull, "still");
    CHECK_INT (get_int (pull, ZMQ_RCVMORE), 0);
    end (s, pull);
}

TEST (a_recv_that_finds_nothing_empties_the_message)
{
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL);
    zmq_msg_t msg;
    zmq_msg_init_size (&msg, 5);
    CHECK_ERR (zmq_msg_recv (&msg, pull, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK_OK (zmq_msg_close (&msg));
    end (pull, NULL);
}

TEST (a_closed_message_cannot_travel)
{
    if (on_oracle ())
        return; /* aborts on its own check */
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://closed", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    zmq_msg_t msg;
    zmq_msg_init_size (&msg, 5);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_ERR (zmq_msg_send (&msg, a, 0), EFAULT);
    CHECK_ERR (zmq_msg_send (&msg, a, ZMQ_DONTWAIT), EFAULT);
    CHECK_ERR (zmq_recv (b, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_SEND (a, "x", 0);
    CHECK_ERR (zmq_msg_recv (&msg, b, 0), EFAULT);
    CHECK_RECV (b, "x");
    end (a, b);
}

static volatile int freed;
static void count_free (void *data, void *hint)
{
    (void) data;
    __atomic_add_fetch (&freed, hint ? *(int *) hint : 1, __ATOMIC_SEQ_CST);
}

TEST (recv_releases_what_the_message_held)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://held", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    static char body[100];
    zmq_msg_t msg;
    CHECK_OK (zmq_msg_init_data (&msg, body, sizeof body, count_free, NULL));
    CHECK_SEND (a, "new", 0);
    CHECK_INT (zmq_msg_recv (&msg, b, 0), 3);
    CHECK_INT (freed, 1);
    CHECK_INT (zmq_msg_size (&msg), 3);
    CHECK_OK (zmq_msg_close (&msg));
    end (a, b);
}

TEST (user_buffers_are_freed_after_use)
{
    static const char *const where[] = {"inproc://freed", "tcp", "ipc"};
    static char body[2000];
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, where[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        freed = 0;
        for (int n = 0; n < 50; n++) {
            zmq_msg_t msg;
            CHECK_OK (zmq_msg_init_data (&msg, body, sizeof body, count_free,
                                         NULL));
            CHECK_INT (zmq_msg_send (&msg, a, 0), 2000);
        }
        for (int n = 0; n < 25; n++)
            CHECK_INT (zmq_recv (b, NULL, 0, 0), 2000);
        /* What was not received is freed with the sockets. */
        end (a, b);
        CHECK_INT (freed, 50);
    }
}

TEST (conflate_keeps_the_last)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_CONFLATE, 1));
    CHECK_OK (set_int (push, ZMQ_CONFLATE, 1));
    CHECK_OK (zmq_bind (pull, "inproc://last"));
    CHECK_OK (zmq_connect (push, "inproc://last"));
    for (int i = 0; i < 2500; i++)
        REQUIRE (zmq_send (push, &i, sizeof i, ZMQ_DONTWAIT) == sizeof i);
    int got = -1;
    CHECK_INT (zmq_recv (pull, &got, sizeof got, 0), sizeof got);
    CHECK_INT (got, 2499);
    CHECK_ERR (zmq_recv (pull, &got, sizeof got, ZMQ_DONTWAIT), EAGAIN);
    CHECK_SEND (push, "more", 0);
    CHECK_RECV (pull, "more");
    end (push, pull);
}

TEST (conflate_over_tcp_ends_with_the_last)
{
    begin ();
    endpoint_t endpoint;
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_CONFLATE, 1));
    bind_to (pull, "tcp", endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    for (int i = 0; i < 500; i++)
        REQUIRE (zmq_send (push, &i, sizeof i, 0) == sizeof i);
    int got = -1, last = -1, backwards = 0;
    while (last != 499
           && zmq_recv (pull, &got, sizeof got, 0) == (int) sizeof got) {
        backwards += got <= last;
        last = got;
    }
    CHECK_INT (last, 499);
    CHECK_INT (backwards, 0);
    CHECK_ERR (zmq_recv (pull, &got, sizeof got, ZMQ_DONTWAIT), EAGAIN);
    end (push, pull);
}

TEST (immediate_waits_for_a_connection)
{
    begin ();
    endpoint_t endpoint;
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    void *eager = new_socket (ctx, ZMQ_PUSH);
    bind_to (pull, "tcp", endpoint);
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_OK (zmq_connect (eager, endpoint));
    CHECK_ERR (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (get_int (push, ZMQ_EVENTS) & ZMQ_POLLOUT, 0);
    CHECK_SEND (eager, "queued", ZMQ_DONTWAIT);
    CHECK_INT (get_int (eager, ZMQ_EVENTS) & ZMQ_POLLOUT, ZMQ_POLLOUT);
    CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
    CHECK_RECV (pull, "queued");
    CHECK_SEND (push, "now", 0);
    CHECK_RECV (pull, "now");
    CHECK_OK (zmq_close (eager));
    end (pull, push);
}

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

static int fd_of (void *s) { return get_int (s, ZMQ_FD); }
static int readable (int fd, int timeout)
{
    struct pollfd item = {fd, POLLIN, 0};
    return poll (&item, 1, timeout) == 1;
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

TEST (last_endpoint_names_what_was_bound)
{
    begin ();
    void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
    endpoint_t endpoint, again;
    last_endpoint (a, endpoint);
    CHECK_STR (endpoint, "");
    bind_to (a, "tcp", endpoint);
    CHECK (strncmp (endpoint, "tcp://127.0.0.1:", 16) == 0);
    CHECK (atoi (endpoint + 16) > 0);
    CHECK_OK (zmq_connect (b, endpoint));
    last_endpoint (b, again);
    CHECK_STR (again, endpoint);
    CHECK_OK (zmq_bind (b, "inproc://name"));
    last_endpoint (b, again);
    CHECK_STR (again, "inproc://name");
    /* A failed bind changes nothing. */
    CHECK_ERR (zmq_bind (b, "inproc://name"), EADDRINUSE);
    CHECK_ERR (zmq_bind (b, "nonsense"), EINVAL);
    last_endpoint (b, again);
    CHECK_STR (again, "inproc://name");
    CHECK_OK (chdir (folder));
    bind_to (b, "ipc://*", again);
    CHECK (strncmp (again, "ipc://", 6) == 0);
    CHECK (strchr (again, '*') == NULL);
    CHECK_OK (zmq_unbind (b, again));
    end (a, b);
}

TEST (unbind)
{
    static const char *const where[] = {"inproc://gone", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *a = new_socket (ctx, ZMQ_PULL), *b = new_socket (ctx, ZMQ_PULL);
        bind_to (a, where[i], endpoint);
        CHECK_OK (zmq_unbind (a, endpoint));
        CHECK_ERR (zmq_unbind (a, endpoint), ENOENT);
        CHECK_ERR (zmq_unbind (b, endpoint), ENOENT);
        CHECK_ERR (zmq_disconnect (a, endpoint), ENOENT);
        /* The address is free again. */
        CHECK_BECOMES (zmq_bind (b, endpoint) == 0);
        end (a, b);
    }
}

TEST (disconnect)
{
    static const char *const where[] = {"inproc://gone", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        CHECK_ERR (zmq_disconnect (push, endpoint), ENOENT);
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_SEND (push, "x", 0);
        CHECK_RECV (pull, "x");
        CHECK_OK (zmq_disconnect (push, endpoint));
        CHECK_ERR (zmq_disconnect (push, endpoint), ENOENT);
        CHECK_ERR (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_SEND (push, "y", 0);
        CHECK_RECV (pull, "y");
        end (push, pull);
    }
}

TEST (bad_names_for_unbind_and_disconnect)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PAIR);
    static const char *const bad[] = {"", "nonsense", "tcp", "://", "inproc:/x"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_ERR (zmq_unbind (s, bad[i]), EINVAL);
        CHECK_ERR (zmq_disconnect (s, bad[i]), EINVAL);
    }
    CHECK_ERR (zmq_unbind (s, NULL), EINVAL);
    CHECK_ERR (zmq_disconnect (s, NULL), EINVAL);
    CHECK_ERR (zmq_unbind (s, "nosuch://x"), EPROTONOSUPPORT);
    CHECK_ERR (zmq_disconnect (s, "nosuch://x"), EPROTONOSUPPORT);
    CHECK_ERR (zmq_unbind (s, "tcp://127.0.0.1:1"), ENOENT);
    CHECK_ERR (zmq_disconnect (s, "tcp://127.0.0.1:1"), ENOENT);
    CHECK_ERR (zmq_unbind (s, "inproc://x"), ENOENT);
    CHECK_ERR (zmq_disconnect (s, "ipc:///tmp/x"), ENOENT);
    end (s, NULL);
}

TEST (unbind_ends_the_connections_it_accepted)
{
    static const char *const where[] = {"tcp", "ipc"};
    for (int i = 0; i < 2; i++) {
        begin ();
        endpoint_t endpoint;
        void *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        int fd = raw_connect (endpoint);
        CHECK (raw_handshake (fd, "PUSH"));
        CHECK (raw_write (fd, "\0\3one\0\3two", 10));
        CHECK_RECV (pull, "one");
        CHECK_OK (zmq_unbind (pull, endpoint));
        /* What had arrived is delivered, then the connection closes. */
        CHECK_RECV (pull, "two");
        struct pollfd item = {fd, POLLIN, 0};
        CHECK_BECOMES (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT) == -1
                       && poll (&item, 1, 0) == 1);
        char byte;
        CHECK (recv (fd, &byte, 1, 0) <= 0);
        close (fd);
        CHECK_BECOMES (raw_try_connect (endpoint) == -1);
        end (pull, NULL);
    }
}

TEST (unbind_leaves_inproc_peers)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://stays", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "before", 0);
    CHECK_RECV (pull, "before");
    CHECK_OK (zmq_unbind (pull, "inproc://stays"));
    CHECK_SEND (push, "after", 0);
    CHECK_RECV (pull, "after");
    end (push, pull);
}

TEST (messages_arrived_outlive_their_sender)
{
    static const char *const where[] = {"inproc://left", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *push = zmq_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        CHECK_OK (zmq_connect (push, endpoint));
        for (int n = 0; n < 100; n++)
            CHECK_SEND (push, "left behind", 0);
        CHECK_OK (zmq_close (push));
        for (int n = 0; n < 100; n++)
            CHECK_RECV (pull, "left behind");
        end (pull, NULL);
    }
}

TEST (connect_before_bind)
{
    static const char *const where[] = {"inproc://late", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        CHECK_OK (zmq_unbind (pull, endpoint));
        CHECK_OK (zmq_connect (push, endpoint));
        for (int n = 0; n < 10; n++)
            CHECK_SEND (push, "early", ZMQ_DONTWAIT);
        CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
        for (int n = 0; n < 10; n++)
            CHECK_RECV (pull, "early");
        end (push, pull);
    }
}

TEST (closing_an_inproc_peer_closes_the_pipe)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://peer", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "unread", 0);
    CHECK_OK (zmq_close (pull));
    CHECK_BECOMES (zmq_send (push, "x", 1, ZMQ_DONTWAIT) == -1
                   && errno == EAGAIN);
    end (push, NULL);
}

TEST (a_socket_bound_and_connected_many_times)
{
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    static const char *const where[] = {"tcp", "ipc", "inproc://many", "tcp"};
    endpoint_t endpoint;
    for (int i = 0; i < 4; i++) {
        bind_to (pull, where[i], endpoint);
        CHECK_OK (zmq_connect (push, endpoint));
    }
    for (int i = 0; i < 40; i++)
        CHECK_SEND (push, "x", 0);
    for (int i = 0; i < 40; i++)
        CHECK_RECV (pull, "x");
    end (push, pull);
}

TEST (many_sockets)
{
    begin ();
    enum { N = 300 };
    static void *push[N];
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, "inproc://hub"));
    int bad = 0, sum = 0;
    for (int i = 0; i < N; i++) {
        push[i] = zmq_socket (ctx, ZMQ_PUSH);
        REQUIRE (push[i] != NULL);
        bad += zmq_connect (push[i], "inproc://hub") != 0;
        bad += zmq_send (push[i], &i, sizeof i, 0) != sizeof i;
    }
    for (int i = 0; i < N; i++) {
        int got = -1;
        bad += zmq_recv (pull, &got, sizeof got, 0) != sizeof got;
        sum += got;
    }
    CHECK_INT (bad, 0);
    CHECK_INT (sum, N * (N - 1) / 2);
    for (int i = 0; i < N; i++)
        bad += zmq_close (push[i]) != 0;
    CHECK_INT (bad, 0);
    end (pull, NULL);
}

TEST (sizes_arrive_whole)
{
    static const char *const where[] = {"inproc://sizes", "tcp", "ipc"};
    static const size_t sizes[] = {1,    29,   30,    33,    34,    64,
                                   254,  255,  256,   8191,  8192,  65535,
                                   65536, 1000000, 5000000};
    unsigned char *out = malloc (5000000), *in = malloc (5000000);
    for (size_t i = 0; i < 5000000; i++)
        out[i] = (unsigned char) (i * 31 + i / 251);
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, where[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        for (unsigned n = 0; n < sizeof sizes / sizeof *sizes; n++) {
            CHECK_INT (zmq_send (a, out, sizes[n], 0), sizes[n]);
            CHECK_INT (zmq_recv (b, in, 5000000, 0), sizes[n]);
            CHECK (memcmp (in, out, sizes[n]) == 0);
        }
        end (a, b);
    }
    free (in);
    free (out);
}

TEST (success_leaves_errno_alone)
{
    if (on_oracle ())
        return; /* leaves traces of its inner attempts, such as EAGAIN */
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://errno", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    errno = 4321;
    char byte;
    CHECK_INT (zmq_send (a, "x", 1, 0), 1);
    CHECK_INT (zmq_recv (b, &byte, 1, 0), 1);
    CHECK_INT (zmq_errno (), 4321);
    end (a, b);
}

MAIN
