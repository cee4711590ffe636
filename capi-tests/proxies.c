/* zmq_proxy: what it carries between which sockets, what it shows the capture
 * socket, and how it ends. */
#include "fixtures.h"

static void *body_captured_proxy (struct call *c)
{
    void **sockets = c->a;
    c->rc = zmq_proxy (sockets[0], sockets[1], sockets[2]);
    c->err = errno;
    return NULL;
}

/* A proxy that runs until proxy_stop. */
static struct call proxy;
static void *proxied[3];
static endpoint_t front_at, back_at;

static void proxy_start (const char *where, int front, int back, void *capture)
{
    begin ();
    proxied[0] = new_socket (ctx, front);
    proxied[1] = new_socket (ctx, back);
    proxied[2] = capture;
    bind_to (proxied[0], strcmp (where, "inproc") ? where : "inproc://front",
             front_at);
    bind_to (proxied[1], strcmp (where, "inproc") ? where : "inproc://back",
             back_at);
}

static void proxy_run (void)
{
    call_start (&proxy, body_captured_proxy, proxied, NULL);
}

static void *connected (int type, const char *endpoint)
{
    void *s = new_socket (ctx, type);
    REQUIRE (zmq_connect (s, endpoint) == 0);
    return s;
}

static void close_all (void **others, int count)
{
    for (int i = 0; i < count; i++)
        CHECK_OK (zmq_close (others[i]));
    for (int i = 0; i < 3; i++)
        if (proxied[i])
            CHECK_OK (zmq_close (proxied[i]));
    CHECK_OK (zmq_ctx_term (ctx));
}

static void proxy_stop (void **others, int count)
{
    CHECK_OK (zmq_ctx_shutdown (ctx));
    call_join (&proxy);
    CHECK_INT (proxy.rc, -1);
    CHECK_INT (proxy.err, ETERM);
    close_all (others, count);
}

static const char *const places[] = {"inproc", "tcp", "ipc"};

TEST (router_and_dealer)
{
    for (int i = 0; i < 3; i++) {
        proxy_start (places[i], ZMQ_ROUTER, ZMQ_DEALER, NULL);
        proxy_run ();
        void *s[] = {connected (ZMQ_REQ, front_at), connected (ZMQ_REQ, front_at),
                     connected (ZMQ_REP, back_at)};
        for (int n = 0; n < 20; n++) {
            CHECK_SEND (s[0], "from one", 0);
            CHECK_RECV (s[2], "from one");
            CHECK_SEND (s[2], "to one", 0);
            CHECK_RECV (s[0], "to one");
            CHECK_SEND (s[1], "from two", 0);
            CHECK_RECV (s[2], "from two");
            CHECK_SEND (s[2], "to two", 0);
            CHECK_RECV (s[1], "to two");
        }
        proxy_stop (s, 3);
    }
}

TEST (multipart_messages_stay_whole)
{
    for (int i = 0; i < 2; i++) {
        proxy_start (places[i], ZMQ_ROUTER, ZMQ_DEALER, NULL);
        proxy_run ();
        void *s[] = {connected (ZMQ_REQ, front_at), connected (ZMQ_REP, back_at)};
        CHECK_SEND (s[0], "one", ZMQ_SNDMORE);
        CHECK_SEND (s[0], "", ZMQ_SNDMORE);
        CHECK_SEND (s[0], "three", 0);
        CHECK_RECV (s[1], "one");
        CHECK_INT (get_int (s[1], ZMQ_RCVMORE), 1);
        CHECK_RECV (s[1], "");
        CHECK_INT (get_int (s[1], ZMQ_RCVMORE), 1);
        CHECK_RECV (s[1], "three");
        CHECK_INT (get_int (s[1], ZMQ_RCVMORE), 0);
        CHECK_SEND (s[1], "four", ZMQ_SNDMORE);
        CHECK_SEND (s[1], "five", 0);
        CHECK_RECV (s[0], "four");
        CHECK_INT (get_int (s[0], ZMQ_RCVMORE), 1);
        CHECK_RECV (s[0], "five");
        CHECK_INT (get_int (s[0], ZMQ_RCVMORE), 0);
        proxy_stop (s, 2);
    }
}

TEST (xsub_and_xpub)
{
    for (int i = 0; i < 3; i++) {
        proxy_start (places[i], ZMQ_XSUB, ZMQ_XPUB, NULL);
        proxy_run ();
        void *s[] = {connected (ZMQ_XPUB, front_at), connected (ZMQ_SUB, back_at),
                     connected (ZMQ_SUB, back_at)};
        char body[64] = {0};
        CHECK_OK (zmq_setsockopt (s[1], ZMQ_SUBSCRIBE, "a", 1));
        CHECK_INT (zmq_recv (s[0], body, sizeof body, 0), 2);
        CHECK (memcmp (body, "\1a", 2) == 0);
        CHECK_OK (zmq_setsockopt (s[2], ZMQ_SUBSCRIBE, "b", 1));
        CHECK_INT (zmq_recv (s[0], body, sizeof body, 0), 2);
        CHECK (memcmp (body, "\1b", 2) == 0);
        CHECK_SEND (s[0], "c nobody", 0);
        CHECK_SEND (s[0], "a one", ZMQ_SNDMORE);
        CHECK_SEND (s[0], "more", 0);
        CHECK_SEND (s[0], "b two", 0);
        CHECK_RECV (s[1], "a one");
        CHECK_RECV (s[1], "more");
        CHECK_INT (get_int (s[1], ZMQ_RCVMORE), 0);
        CHECK_RECV (s[2], "b two");
        CHECK_ERR (zmq_recv (s[1], body, 1, ZMQ_DONTWAIT), EAGAIN);
        CHECK_ERR (zmq_recv (s[2], body, 1, ZMQ_DONTWAIT), EAGAIN);
        CHECK_OK (zmq_setsockopt (s[1], ZMQ_UNSUBSCRIBE, "a", 1));
        CHECK_INT (zmq_recv (s[0], body, sizeof body, 0), 2);
        CHECK (memcmp (body, "\0a", 2) == 0);
        proxy_stop (s, 3);
    }
}

TEST (pull_and_push)
{
    for (int i = 0; i < 3; i++) {
        proxy_start (places[i], ZMQ_PULL, ZMQ_PUSH, NULL);
        proxy_run ();
        void *s[] = {connected (ZMQ_PUSH, front_at), connected (ZMQ_PULL, back_at)};
        int wrong = 0, got;
        for (int n = 0; n < 500; n++)
            wrong += zmq_send (s[0], &n, sizeof n, 0) != sizeof n;
        for (int n = 0; n < 500; n++)
            wrong += zmq_recv (s[1], &got, sizeof got, 0) != sizeof got
                     || got != n;
        CHECK_INT (wrong, 0);
        proxy_stop (s, 2);
    }
}

static void *body_flood (struct call *c)
{
    for (int i = 0; i < 3000; i++)
        c->rc += zmq_send (c->a, &i, sizeof i, 0) != sizeof i;
    return NULL;
}

TEST (a_full_back_end_holds_back_the_front_end)
{
    begin ();
    void *s[2];
    proxied[0] = new_socket (ctx, ZMQ_PULL);
    proxied[1] = new_socket (ctx, ZMQ_PUSH);
    s[0] = new_socket (ctx, ZMQ_PUSH);
    s[1] = new_socket (ctx, ZMQ_PULL);
    for (int i = 0; i < 2; i++) {
        CHECK_OK (set_int (s[i], i ? ZMQ_RCVHWM : ZMQ_SNDHWM, 3));
        CHECK_OK (set_int (proxied[i], i ? ZMQ_SNDHWM : ZMQ_RCVHWM, 3));
    }
    CHECK_OK (zmq_bind (proxied[0], "inproc://front"));
    CHECK_OK (zmq_bind (proxied[1], "inproc://back"));
    CHECK_OK (zmq_connect (s[0], "inproc://front"));
    CHECK_OK (zmq_connect (s[1], "inproc://back"));
    proxy_run ();
    struct call flood;
    call_start (&flood, body_flood, s[0], NULL);
    call_wait_blocked (&flood);
    if (!on_oracle ()) /* its proxy spins now */
        call_wait_blocked (&proxy);
    int wrong = 0, got;
    for (int n = 0; n < 3000; n++)
        wrong += zmq_recv (s[1], &got, sizeof got, 0) != sizeof got || got != n;
    CHECK_INT (wrong, 0);
    call_join (&flood);
    CHECK_INT (flood.rc, 0);
    proxy_stop (s, 2);
}

/* Nobody is there to whom the capture could send, and it does not wait. */
TEST (a_capture_that_takes_nothing_in_its_time_ends_the_proxy)
{
    static const int none = 0;
    begin ();
    void *capture = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_setsockopt (capture, ZMQ_SNDTIMEO, &none, sizeof none));
    void *s[] = {new_socket (ctx, ZMQ_PULL), new_socket (ctx, ZMQ_PUSH), capture,
                 new_socket (ctx, ZMQ_PUSH), new_socket (ctx, ZMQ_PULL)};
    CHECK_OK (zmq_bind (s[0], "inproc://in"));
    CHECK_OK (zmq_bind (s[1], "inproc://out"));
    CHECK_OK (zmq_connect (s[3], "inproc://in"));
    CHECK_OK (zmq_connect (s[4], "inproc://out"));
    CHECK_SEND (s[3], "seen by nobody", 0);
    CHECK_ERR (zmq_proxy (s[0], s[1], s[2]), EAGAIN);
    for (int i = 0; i < 5; i++)
        CHECK_OK (zmq_close (s[i]));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (capture_sees_both_directions)
{
    /* PUSH, PUB and PAIR may capture. */
    static const int types[] = {ZMQ_PUSH, ZMQ_PUB, ZMQ_PAIR};
    static const int readers[] = {ZMQ_PULL, ZMQ_SUB, ZMQ_PAIR};
    for (int i = 0; i < 3; i++) {
        proxy_start ("tcp", ZMQ_ROUTER, ZMQ_DEALER, NULL);
        proxied[2] = new_socket (ctx, types[i]);
        CHECK_OK (zmq_bind (proxied[2], "inproc://capture"));
        void *s[] = {connected (ZMQ_REQ, front_at), connected (ZMQ_REP, back_at),
                     connected (readers[i], "inproc://capture")};
        if (readers[i] == ZMQ_SUB)
            CHECK_OK (zmq_setsockopt (s[2], ZMQ_SUBSCRIBE, "", 0));
        if (types[i] == ZMQ_PUB) /* processes the subscription */
            CHECK (get_int (proxied[2], ZMQ_EVENTS) >= 0);
        proxy_run ();
        CHECK_SEND (s[0], "question", ZMQ_SNDMORE);
        CHECK_SEND (s[0], "details", 0);
        CHECK_RECV (s[1], "question");
        CHECK_RECV (s[1], "details");
        CHECK_SEND (s[1], "answer", 0);
        CHECK_RECV (s[0], "answer");
        char peer[32], again[32];
        int size = zmq_recv (s[2], peer, sizeof peer, 0);
        CHECK_INT (size, 5);
        CHECK_INT (get_int (s[2], ZMQ_RCVMORE), 1);
        CHECK_RECV (s[2], "");
        CHECK_INT (get_int (s[2], ZMQ_RCVMORE), 1);
        CHECK_RECV (s[2], "question");
        CHECK_INT (get_int (s[2], ZMQ_RCVMORE), 1);
        CHECK_RECV (s[2], "details");
        CHECK_INT (get_int (s[2], ZMQ_RCVMORE), 0);
        CHECK_INT (zmq_recv (s[2], again, sizeof again, 0), 5);
        CHECK (memcmp (peer, again, 5) == 0);
        CHECK_RECV (s[2], "");
        CHECK_RECV (s[2], "answer");
        CHECK_INT (get_int (s[2], ZMQ_RCVMORE), 0);
        CHECK_ERR (zmq_recv (s[2], NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        proxy_stop (s, 3);
    }
}

TEST (capture_sees_subscriptions)
{
    proxy_start ("inproc", ZMQ_XSUB, ZMQ_XPUB, NULL);
    proxied[2] = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_bind (proxied[2], "inproc://capture"));
    void *s[] = {connected (ZMQ_XPUB, front_at), connected (ZMQ_SUB, back_at),
                 connected (ZMQ_PULL, "inproc://capture")};
    proxy_run ();
    char body[8] = {0};
    CHECK_OK (zmq_setsockopt (s[1], ZMQ_SUBSCRIBE, "news", 4));
    CHECK_INT (zmq_recv (s[0], body, sizeof body, 0), 5);
    CHECK_SEND (s[0], "news!", 0);
    CHECK_RECV (s[1], "news!");
    CHECK_RECV (s[2], "\1news");
    CHECK_RECV (s[2], "news!");
    proxy_stop (s, 3);
}

static void *body_proxy_alone (struct call *c)
{
    c->rc = zmq_proxy (c->a, c->a, NULL);
    c->err = errno;
    return NULL;
}

TEST (one_socket_on_both_sides_echoes)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        memset (proxied, 0, sizeof proxied);
        proxied[0] = new_socket (ctx, ZMQ_ROUTER);
        bind_to (proxied[0], i ? "tcp" : "inproc://echo", front_at);
        call_start (&proxy, body_proxy_alone, proxied[0], NULL);
        void *s[] = {connected (ZMQ_DEALER, front_at)};
        for (int n = 0; n < 10; n++) {
            CHECK_SEND (s[0], "hello", ZMQ_SNDMORE);
            CHECK_SEND (s[0], "again", 0);
            CHECK_RECV (s[0], "hello");
            CHECK_INT (get_int (s[0], ZMQ_RCVMORE), 1);
            CHECK_RECV (s[0], "again");
            CHECK_INT (get_int (s[0], ZMQ_RCVMORE), 0);
        }
        proxy_stop (s, 1);
    }
}

/* After the reply it has none to give; the oracle takes that for an error. */
TEST (a_req_ends_no_proxy)
{
    proxy_start ("inproc", ZMQ_ROUTER, ZMQ_REQ, NULL);
    proxy_run ();
    void *s[] = {connected (ZMQ_DEALER, front_at), connected (ZMQ_REP, back_at)};
    for (int n = 0; n < (on_oracle () ? 1 : 5); n++) {
        char id[5];
        CHECK_SEND (s[0], "question", 0);
        CHECK_INT (zmq_recv (s[1], id, sizeof id, 0), sizeof id);
        CHECK_RECV (s[1], "question");
        CHECK_INT (zmq_send (s[1], id, sizeof id, ZMQ_SNDMORE), sizeof id);
        CHECK_SEND (s[1], "answer", 0);
        CHECK_RECV (s[0], "answer");
    }
    if (on_oracle ()) {
        call_join (&proxy);
        CHECK_INT (proxy.rc, -1);
        CHECK_INT (proxy.err, EFSM);
        close_all (s, 2);
    } else
        proxy_stop (s, 2);
}

/* Nothing is to be passed on from a socket that cannot receive, or not now. */
TEST (sockets_that_do_not_receive_are_waited_for)
{
    static const int pairs[][2] = {{ZMQ_PUSH, ZMQ_PULL}, {ZMQ_PUB, ZMQ_XSUB},
                                   {ZMQ_REQ, ZMQ_DEALER}, {ZMQ_PUSH, ZMQ_PUSH}};
    for (int i = 0; i < 4; i++) {
        proxy_start ("inproc", pairs[i][0], pairs[i][1], NULL);
        proxy_run ();
        usleep (20000);
        proxy_stop (NULL, 0);
    }
}

TEST (null_sockets_are_efault)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_ROUTER);
    CHECK_ERR (zmq_proxy (NULL, NULL, NULL), EFAULT);
    CHECK_ERR (zmq_proxy (s, NULL, NULL), EFAULT);
    CHECK_ERR (zmq_proxy (NULL, s, NULL), EFAULT);
    CHECK_ERR (zmq_proxy (NULL, NULL, s), EFAULT);
    end (s, NULL);
}

TEST (closed_and_foreign_sockets)
{
    if (on_oracle ())
        return; /* does not check them: crashes */
    begin ();
    static uint64_t memory[1024];
    void *s = new_socket (ctx, ZMQ_ROUTER), *gone = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_close (gone));
    CHECK_ERR (zmq_proxy (memory, s, NULL), ENOTSOCK);
    CHECK_ERR (zmq_proxy (s, memory, NULL), ENOTSOCK);
    CHECK_ERR (zmq_proxy (s, s, memory), ENOTSOCK);
    CHECK_ERR (zmq_proxy (gone, s, NULL), ENOTSOCK);
    CHECK_ERR (zmq_proxy (s, gone, NULL), ENOTSOCK);
    end (s, NULL);
}

TEST (ends_when_one_of_two_contexts_ends)
{
    begin ();
    void *other = zmq_ctx_new ();
    void *front = new_socket (ctx, ZMQ_PULL), *back = new_socket (other, ZMQ_PUSH);
    call_start (&proxy, body_proxy, front, back);
    call_wait_blocked (&proxy);
    CHECK_OK (zmq_ctx_shutdown (other));
    call_join (&proxy);
    CHECK_INT (proxy.rc, -1);
    CHECK_INT (proxy.err, ETERM);
    CHECK_OK (zmq_close (back));
    CHECK_OK (zmq_ctx_term (other));
    end (front, NULL);
}

TEST (does_not_begin_when_the_context_of_its_capture_has_ended)
{
    void *other = zmq_ctx_new (), *capture = zmq_socket (other, ZMQ_PUSH);
    proxy_start ("inproc", ZMQ_PULL, ZMQ_PUSH, capture);
    void *s[] = {connected (ZMQ_PUSH, front_at), connected (ZMQ_PULL, back_at)};
    CHECK_OK (zmq_ctx_shutdown (other));
    proxy_run ();
    if (on_oracle ()) /* it looks when there is something to show */
        CHECK_SEND (s[0], "message", 0);
    call_join (&proxy);
    CHECK_INT (proxy.rc, -1);
    CHECK_INT (proxy.err, ETERM);
    close_all (s, 2);
    CHECK_OK (zmq_ctx_term (other));
}

TEST (ends_at_once_in_a_terminated_context)
{
    begin ();
    void *front = new_socket (ctx, ZMQ_PULL), *back = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_ERR (zmq_proxy (front, back, NULL), ETERM);
    end (front, back);
}

TEST (an_idle_proxy_uses_no_cpu)
{
    proxy_start ("tcp", ZMQ_ROUTER, ZMQ_DEALER, NULL);
    proxy_run ();
    void *s[] = {connected (ZMQ_REQ, front_at), connected (ZMQ_REP, back_at)};
    CHECK_SEND (s[0], "x", 0);
    CHECK_RECV (s[1], "x");
    CHECK_SEND (s[1], "y", 0);
    CHECK_RECV (s[0], "y");
    call_wait_blocked (&proxy);
    CHECK_BECOMES (rests_for_ms (500));
    proxy_stop (s, 2);
}

MAIN
