/* How long closing and terminating wait for messages not sent yet. */
#include "fixtures.h"

/* How long term takes with one message that nobody fetches. */
static long long term_time (int linger, const char *endpoint)
{
    void *ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, ZMQ_PUSH);
    REQUIRE (s != NULL);
    CHECK_OK (set_int (s, ZMQ_LINGER, linger));
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_SEND (s, "never fetched", 0);
    CHECK_OK (zmq_close (s));
    long long start = now_ms ();
    CHECK_OK (zmq_ctx_term (ctx));
    return now_ms () - start;
}

TEST (linger_bounds_term)
{
    /* A port that is bound but not listening refuses connections, and nobody
     * else can take it. */
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    REQUIRE (bind (fd, (void *) &in, sizeof in) == 0
             && getsockname (fd, (void *) &in, &size) == 0);
    endpoint_t nobody;
    snprintf (nobody, sizeof nobody, "tcp://127.0.0.1:%d", ntohs (in.sin_port));
    CHECK (term_time (0, nobody) < 5000);
    long long took = term_time (200, nobody);
    CHECK (took >= 150);
    CHECK (took < 5000);
    took = term_time (200, "ipc:///nonexistent/folder/socket");
    CHECK (took >= 150);
    CHECK (took < 5000);
    /* inproc messages are in their reader's hands: nothing to wait for. */
    CHECK (term_time (200, "inproc://never-bound") < 5000);
}

TEST (linger_may_be_shortened_by_nothing_to_send)
{
    endpoint_t endpoint;
    void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
    void *pull = new_socket (peers, ZMQ_PULL);
    bind_to (pull, "tcp", endpoint);
    void *push = zmq_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, 25000));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "fetched", 0);
    CHECK_RECV (pull, "fetched");
    long long start = now_ms ();
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK (now_ms () - start < 10000);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (peers));
}

TEST (close_then_term_delivers_what_was_sent)
{
    static const char *const transports[] = {"tcp", "ipc"};
    for (int t = 0; t < 2; t++) {
        endpoint_t endpoint;
        void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
        void *pull = new_socket (peers, ZMQ_PULL);
        bind_to (pull, transports[t], endpoint);
        void *push = zmq_socket (ctx, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push, endpoint));
        for (int i = 0; i < 500; i++)
            REQUIRE (zmq_send (push, &i, sizeof i, 0) == sizeof i);
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_ctx_term (ctx));
        int wrong = 0;
        for (int i = 0, got; i < 500; i++)
            wrong += zmq_recv (pull, &got, sizeof got, 0) != sizeof got
                     || got != i;
        CHECK_INT (wrong, 0);
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (peers));
    }
}

TEST (default_linger_waits_for_a_late_peer)
{
    endpoint_t endpoint;
    void *peers = zmq_ctx_new (), *ctx = zmq_ctx_new ();
    void *pull = new_socket (peers, ZMQ_PULL);
    bind_to (pull, "tcp", endpoint);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (peers));

    void *push = zmq_socket (ctx, ZMQ_PUSH);
    CHECK_INT (get_int (push, ZMQ_LINGER), -1);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "patience", 0);
    CHECK_OK (zmq_close (push));
    struct call term;
    call_start (&term, body_term, ctx, NULL);
    call_wait_blocked (&term);
    peers = zmq_ctx_new ();
    pull = new_socket (peers, ZMQ_PULL);
    CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
    CHECK_RECV (pull, "patience");
    call_join (&term);
    CHECK_OK (term.rc);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (peers));
}

TEST (blocky_off_makes_linger_zero)
{
    void *ctx = zmq_ctx_new ();
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_BLOCKY), 1);
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_BLOCKY, 0));
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_BLOCKY), 0);
    void *s = zmq_socket (ctx, ZMQ_PUSH);
    REQUIRE (s != NULL);
    CHECK_INT (get_int (s, ZMQ_LINGER), 0);
    CHECK_OK (zmq_connect (s, "ipc:///nonexistent/folder/socket"));
    CHECK_SEND (s, "dropped", 0);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

MAIN
