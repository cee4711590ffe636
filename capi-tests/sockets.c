/* Sockets as such, whatever their type: handles, types, who may send or
 * receive when, time-outs. */
#include "fixtures.h"

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
