/* How long closing and terminating wait for messages not sent yet. */
#include "kernel.h"

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

/* A peer that is there gets what its socket has just sent: libzmq's I/O thread is nearly
 * always faster than the close. */
TEST (without_linger_what_the_kernel_takes_is_sent)
{
    enum { SENT = 300 };
    static const char *const transports[] = {"tcp", "ipc"};
    for (int i = 0; i < 6; i++) {
        endpoint_t endpoint;
        bool binds = i / 2 == 2;
        void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (peers, ZMQ_PULL);
        CHECK_OK (set_int (push, ZMQ_LINGER, 0));
        bind_to (binds ? push : pull, transports[i % 2], endpoint);
        CHECK_OK (zmq_connect (binds ? pull : push, endpoint));
        CHECK_SEND (push, "x", 0);
        CHECK_RECV (pull, "x");
        for (int n = 0; n < SENT; n++)
            REQUIRE (zmq_send (push, &n, sizeof n, 0) == sizeof n);
        if (i / 2 == 1)
            CHECK_OK (zmq_disconnect (push, endpoint));
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_ctx_term (ctx));
        int wrong = 0;
        for (int n = 0, got; n < SENT && !on_oracle (); n++)
            wrong += zmq_recv (pull, &got, sizeof got, 0) != sizeof got || got != n;
        CHECK_INT (wrong, 0);
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (peers));
    }
}

TEST (linger_is_asked_when_the_socket_closes)
{
    endpoint_t nobody;
    int fd = refusing (nobody);
    static const int before[] = {-1, 0, 20000}, at_close[] = {0, 150, 0};
    for (int i = 0; i < 3; i++) {
        void *ctx = zmq_ctx_new ();
        void *s = zmq_socket (ctx, ZMQ_DEALER);
        CHECK_OK (set_int (s, ZMQ_LINGER, before[i]));
        CHECK_OK (zmq_connect (s, nobody));
        CHECK_SEND (s, "never fetched", 0);
        CHECK_OK (set_int (s, ZMQ_LINGER, at_close[i]));
        CHECK_OK (zmq_close (s));
        long long start = now_ms ();
        CHECK_OK (zmq_ctx_term (ctx));
        long long took = now_ms () - start;
        CHECK (took >= at_close[i] - 50);
        CHECK (took < 8000);
    }
    close (fd);
}

TEST (nothing_sent_nothing_lingers)
{
    endpoint_t nobody;
    int fd = refusing (nobody);
    static const int types[] = {ZMQ_PUSH, ZMQ_PUB,  ZMQ_REQ, ZMQ_DEALER,
                                ZMQ_PAIR, ZMQ_PULL, ZMQ_ROUTER};
    void *ctx = zmq_ctx_new ();
    for (int i = 0; i < 7; i++) {
        void *s = zmq_socket (ctx, types[i]);
        CHECK_OK (set_int (s, ZMQ_LINGER, -1));
        CHECK_OK (zmq_connect (s, nobody));
        CHECK_OK (zmq_close (s));
    }
    long long start = now_ms ();
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK (now_ms () - start < 8000);
    close (fd);
}

/* What every peer gets first keeps nobody waiting for a peer. */
TEST (greetings_do_not_linger)
{
    static const int types[] = {ZMQ_DEALER, ZMQ_ROUTER, ZMQ_REQ, ZMQ_REP, ZMQ_XPUB};
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        void *ctx = zmq_ctx_new ();
        void *s = zmq_socket (ctx, types[i]);
        REQUIRE (s != NULL);
        if (types[i] == ZMQ_XPUB)
            CHECK_OK (zmq_setsockopt (s, ZMQ_XPUB_WELCOME_MSG, "hello", 5));
        else
            CHECK_OK (set_int (s, ZMQ_PROBE_ROUTER, 1));
        CHECK_OK (set_int (s, ZMQ_LINGER, 30000));
        CHECK_OK (zmq_connect (s, "ipc:///nonexistent/folder/socket"));
        /* libzmq waits for one that was asked anything since. */
        if (!on_oracle ())
            CHECK_OK (zmq_poll (&(zmq_pollitem_t){s, 0, ZMQ_POLLIN, 0}, 1, 0));
        CHECK_OK (zmq_close (s));
        long long start = now_ms ();
        CHECK_OK (zmq_ctx_term (ctx));
        CHECK (now_ms () - start < 10000);
    }
}

TEST (subscriptions_do_not_linger)
{
    for (int disconnects = 0; disconnects < 2; disconnects++) {
        endpoint_t nobody;
        int fd = refusing (nobody);
        void *ctx = zmq_ctx_new ();
        void *s = zmq_socket (ctx, ZMQ_SUB);
        REQUIRE (s != NULL);
        /* libzmq waits for one that was asked anything since, or is disconnected. */
        CHECK_OK (set_int (s, ZMQ_LINGER, on_oracle () && disconnects ? 0 : 30000));
        CHECK_OK (zmq_connect (s, nobody));
        CHECK_OK (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "topic", 5));
        if (!on_oracle ())
            CHECK_OK (zmq_poll (&(zmq_pollitem_t){s, 0, ZMQ_POLLIN, 0}, 1, 0));
        if (disconnects)
            CHECK_OK (zmq_disconnect (s, nobody));
        CHECK_OK (zmq_close (s));
        long long start = now_ms ();
        CHECK_OK (zmq_ctx_term (ctx));
        CHECK (now_ms () - start < 10000);
        close (fd);
    }
}

TEST (they_reach_a_peer_that_is_there)
{
    enum { TOPICS = 500 };
    endpoint_t endpoint;
    void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
    void *sub = zmq_socket (ctx, ZMQ_SUB), *xpub = new_socket (peers, ZMQ_XPUB);
    REQUIRE (sub != NULL);
    bind_to (xpub, "tcp", endpoint);
    CHECK_OK (set_int (sub, ZMQ_LINGER, 30000));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "first", 5));
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_RECV (xpub, "\1first");
    char topic[16];
    for (int i = 0; i < TOPICS; i++) {
        int size = snprintf (topic, sizeof topic, "%d", i);
        REQUIRE (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, (size_t) size) == 0);
    }
    CHECK_OK (zmq_close (sub));
    int wrong = 0;
    for (int i = 0; i < TOPICS; i++) {
        char got[17] = "", expected[17];
        snprintf (expected, sizeof expected, "\1%d", i);
        wrong += zmq_recv (xpub, got, sizeof got - 1, 0) < 0 || strcmp (got, expected) != 0;
    }
    CHECK_INT (wrong, 0);
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK_OK (zmq_close (xpub));
    CHECK_OK (zmq_ctx_term (peers));
}

/* The last of several values goes with the socket where no connection takes it. */
TEST (conflated_values_do_not_wait_for_a_peer)
{
    static const int types[] = {ZMQ_PUSH, ZMQ_DEALER};
    for (int i = 0; i < 4; i++) {
        endpoint_t nobody;
        int fd = refusing (nobody);
        void *ctx = zmq_ctx_new ();
        void *s = zmq_socket (ctx, types[i % 2]);
        REQUIRE (s != NULL);
        CHECK_OK (set_int (s, ZMQ_LINGER, 30000));
        CHECK_OK (set_int (s, ZMQ_CONFLATE, 1));
        const char *endpoint = i < 2 ? nobody : "ipc:///nonexistent/folder/socket";
        CHECK_OK (zmq_connect (s, endpoint));
        CHECK_SEND (s, "first", 0);
        CHECK_SEND (s, "last", 0);
        if (i % 2)
            CHECK_OK (zmq_disconnect (s, endpoint));
        CHECK_OK (zmq_close (s));
        long long start = now_ms ();
        CHECK_OK (zmq_ctx_term (ctx));
        CHECK (now_ms () - start < 10000);
        close (fd);
    }
}

TEST (nor_for_one_that_is_stuck)
{
    enum { SENT = 40 };
    static char large[1000000];
    endpoint_t endpoint;
    void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
    void *push = zmq_socket (ctx, ZMQ_PUSH), *pull = new_socket (peers, ZMQ_PULL);
    REQUIRE (push != NULL);
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 1));
    bind_to (pull, "tcp", endpoint);
    /* libzmq ends as well, unless its session reads at the moment of the close: then that
     * is lost in place of the value. */
    CHECK_OK (set_int (push, ZMQ_LINGER, on_oracle () ? 0 : 30000));
    CHECK_OK (set_int (push, ZMQ_CONFLATE, 1));
    CHECK_OK (zmq_connect (push, endpoint));
    for (int i = 0; i < SENT; i++) {
        REQUIRE (zmq_send (push, large, sizeof large, 0) == sizeof large);
        sleep_ms (2);
    }
    CHECK_OK (zmq_close (push));
    long long start = now_ms ();
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK (now_ms () - start < 10000);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (peers));
}

/* One that the kernel takes leaves all the same. */
TEST (a_conflated_value_reaches_a_peer_that_is_there)
{
    static const char *const transports[] = {"tcp", "ipc"};
    for (int t = 0; t < 2; t++) {
        endpoint_t endpoint;
        void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
        void *push = zmq_socket (ctx, ZMQ_PUSH), *pull = new_socket (peers, ZMQ_PULL);
        REQUIRE (push != NULL);
        bind_to (pull, transports[t], endpoint);
        CHECK_OK (set_int (push, ZMQ_CONFLATE, 1));
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_SEND (push, "first", 0);
        CHECK_RECV (pull, "first");
        CHECK_SEND (push, "last", 0);
        /* libzmq's delimiter replaces what its session has not read. */
        if (on_oracle ())
            CHECK_RECV (pull, "last");
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_ctx_term (ctx));
        if (!on_oracle ())
            CHECK_RECV (pull, "last");
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (peers));
    }
}

/* What no peer is owed ends, though the peer has not even finished its handshake; libzmq
 * waits for that. */
TEST (nothing_sent_does_not_wait_for_a_handshake)
{
    static const int types[] = {ZMQ_PULL, ZMQ_PUB, ZMQ_SUB, ZMQ_REQ, ZMQ_DEALER};
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        endpoint_t endpoint;
        int listener = refusing (endpoint);
        REQUIRE (listen (listener, 5) == 0);
        void *ctx = zmq_ctx_new ();
        void *s = zmq_socket (ctx, types[i]);
        REQUIRE (s != NULL);
        CHECK_OK (set_int (s, ZMQ_LINGER, on_oracle () ? 0 : 30000));
        CHECK_OK (zmq_connect (s, endpoint));
        int fd = accept_within (listener, 10000);
        CHECK (fd >= 0);
        CHECK_OK (zmq_close (s));
        long long start = now_ms ();
        CHECK_OK (zmq_ctx_term (ctx));
        CHECK (now_ms () - start < 10000);
        close (fd);
        close (listener);
    }
}

TEST (messages_behind_a_greeting_linger)
{
    void *ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, ZMQ_DEALER);
    REQUIRE (s != NULL);
    CHECK_OK (set_int (s, ZMQ_PROBE_ROUTER, 1));
    CHECK_OK (set_int (s, ZMQ_LINGER, 200));
    CHECK_OK (zmq_connect (s, "ipc:///nonexistent/folder/socket"));
    CHECK_SEND (s, "never fetched", 0);
    CHECK_OK (zmq_close (s));
    long long start = now_ms ();
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK (now_ms () - start >= 150);
}

TEST (the_longest_linger_of_all_sockets_counts)
{
    endpoint_t nobody;
    int fd = refusing (nobody);
    static const int lingers[] = {0, 300, 100, 0};
    void *ctx = zmq_ctx_new ();
    long long start = now_ms ();
    for (int i = 0; i < 4; i++) {
        void *s = zmq_socket (ctx, ZMQ_PUSH);
        CHECK_OK (set_int (s, ZMQ_LINGER, lingers[i]));
        CHECK_OK (zmq_connect (s, nobody));
        CHECK_SEND (s, "x", 0);
        CHECK_OK (zmq_close (s));
    }
    CHECK_OK (zmq_ctx_term (ctx));
    long long took = now_ms () - start;
    CHECK (took >= 250);
    CHECK (took < 8000);
    close (fd);
}

TEST (close_does_not_wait)
{
    endpoint_t nobody;
    int fd = refusing (nobody);
    void *ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_LINGER, 10000));
    CHECK_OK (zmq_connect (s, nobody));
    CHECK_SEND (s, "x", 0);
    long long start = now_ms ();
    CHECK_OK (zmq_close (s));
    CHECK (now_ms () - start < 5000);
    close (fd);
    /* The context is left behind: its end is not waited for. */
}

TEST (what_a_bound_socket_queued_is_still_sent)
{
    static const char *const transports[] = {"tcp", "ipc"};
    for (int t = 0; t < 2; t++) {
        endpoint_t endpoint;
        void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
        void *push = zmq_socket (ctx, ZMQ_PUSH);
        void *pull = new_socket (peers, ZMQ_PULL);
        bind_to (push, transports[t], endpoint);
        CHECK_OK (zmq_connect (pull, endpoint));
        for (int i = 0; i < 300; i++)
            REQUIRE (zmq_send (push, &i, sizeof i, 0) == sizeof i);
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_ctx_term (ctx));
        int wrong = 0;
        for (int i = 0, got; i < 300; i++)
            wrong += zmq_recv (pull, &got, sizeof got, 0) != sizeof got
                     || got != i;
        CHECK_INT (wrong, 0);
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (peers));
    }
}

/* libzmq drops what the kernel has not taken. */
TEST (unbinding_lingers_too)
{
    enum { SENT = 40 };
    static char large[1000000];
    static const char *const transports[] = {"tcp", "ipc"};
    for (int t = 0; t < 2; t++) {
        endpoint_t endpoint;
        void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
        void *push = zmq_socket (ctx, ZMQ_PUSH), *pull = new_socket (peers, ZMQ_PULL);
        REQUIRE (push != NULL);
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, 1));
        /* And there ctx_term may wait for what it has dropped. */
        CHECK_OK (set_int (push, ZMQ_LINGER, on_oracle () ? 0 : -1));
        bind_to (push, transports[t], endpoint);
        CHECK_OK (zmq_connect (pull, endpoint));
        for (int i = 0; i < SENT; i++)
            REQUIRE (zmq_send (push, large, sizeof large, 0) == sizeof large);
        CHECK_OK (zmq_unbind (push, endpoint));
        CHECK_OK (zmq_close (push));
        for (int i = 0; i < SENT && !on_oracle (); i++)
            CHECK_INT (zmq_recv (pull, large, sizeof large, 0), sizeof large);
        CHECK_OK (zmq_ctx_term (ctx));
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (peers));
    }
}

TEST (disconnecting_lingers_too)
{
    static const int lingers[] = {0, -1};
    for (int i = 0; i < 2; i++) {
        endpoint_t endpoint;
        int fd = refusing (endpoint);
        void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
        void *push = zmq_socket (ctx, ZMQ_PUSH);
        CHECK_OK (set_int (push, ZMQ_LINGER, lingers[i]));
        CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 20));
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_SEND (push, "later", 0);
        CHECK_OK (zmq_disconnect (push, endpoint));
        CHECK_ERR (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
        close (fd);
        void *pull = new_socket (peers, ZMQ_PULL);
        CHECK_OK (zmq_bind (pull, endpoint));
        if (lingers[i] < 0)
            CHECK_RECV (pull, "later");
        else {
            CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, 200));
            CHECK_ERR (zmq_recv (pull, NULL, 0, 0), EAGAIN);
        }
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_ctx_term (ctx));
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (peers));
    }
}

MAIN
