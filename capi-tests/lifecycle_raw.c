/* What a plain TCP peer sees of connections: when they are made, made again,
 * kept alive by heartbeats, and given up. */
#include "sockets.h"
#include "raw.h"
#include <pthread.h>

/* The next connection to a raw listener, -1 when none comes in time. */
static int raw_accept (int listener, int timeout_ms)
{
    struct pollfd item = {listener, POLLIN, 0};
    return poll (&item, 1, timeout_ms) == 1 ? accept (listener, NULL, NULL) : -1;
}

STORY (a_lost_connection_is_made_again_at_the_interval)
{
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    void *socket = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (socket, ZMQ_RECONNECT_IVL, 100));
    CHECK_OK (zmq_connect (socket, endpoint));
    int fd = raw_accept (listener, WAIT_MS);
    REQUIRE (fd >= 0);
    for (int i = 0; i < 4; i++) {
        CHECK (raw_handshake (fd, "DEALER"));
        long long start = now_ms ();
        close (fd);
        fd = raw_accept (listener, WAIT_MS);
        REQUIRE (fd >= 0);
        long long took = now_ms () - start;
        /* The interval plus something random below it. */
        CHECK (took >= 95);
        CHECK (took < 1500);
    }
}

STORY (with_interval_minus_one_a_lost_connection_stays_lost)
{
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    void *socket = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (socket, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (zmq_connect (socket, endpoint));
    int fd = raw_accept (listener, WAIT_MS);
    REQUIRE (fd >= 0);
    CHECK (raw_handshake (fd, "DEALER"));
    close (fd);
    CHECK_INT (raw_accept (listener, 400), -1);
}

STORY (the_interval_grows_up_to_its_maximum)
{
    /* Refused connections: the time until one succeeds is not told, so a raw
     * peer that hangs up at once counts the tries. */
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), tries = 0;
    void *socket = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (socket, ZMQ_RECONNECT_IVL, 20));
    CHECK_OK (set_int (socket, ZMQ_RECONNECT_IVL_MAX, 80));
    CHECK_OK (zmq_connect (socket, endpoint));
    long long start = now_ms ();
    for (int fd; now_ms () - start < 1500; tries++) {
        REQUIRE ((fd = raw_accept (listener, WAIT_MS)) >= 0);
        close (fd);
    }
    CHECK (tries >= 6);
    CHECK (tries <= 75);
}

/* How many connections two connects to one endpoint make. */
STORY (a_second_connect_to_the_same_endpoint_is_ignored_by_some_types)
{
    static const struct
    {
        int type, connections;
    } cases[] = {{ZMQ_DEALER, 1}, {ZMQ_SUB, 1},    {ZMQ_PUB, 1},
                 {ZMQ_REQ, 1},    {ZMQ_PUSH, 2},   {ZMQ_PULL, 2},
                 {ZMQ_ROUTER, 2}, {ZMQ_REP, 2},    {ZMQ_XPUB, 2},
                 {ZMQ_XSUB, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        endpoint_t endpoint;
        int listener = raw_listen (endpoint);
        void *socket = open_socket (cases[i].type);
        CHECK_OK (zmq_connect (socket, endpoint));
        CHECK_OK (zmq_connect (socket, endpoint));
        CHECK (raw_accept (listener, WAIT_MS) >= 0);
        int second = raw_accept (listener, cases[i].connections == 2 ? WAIT_MS : 100);
        CHECK_INT (second >= 0, cases[i].connections == 2);
        CHECK_INT (raw_accept (listener, 0), -1);
        close (listener);
        close_socket (socket);
    }
}

/* Only the identical text is the same endpoint. */
STORY (a_connect_to_another_spelling_is_another_connection)
{
    static const char *const spellings[][2] = {
        {"tcp://127.0.0.1:%d", "tcp://localhost:%d"},
        {"tcp://127.0.0.1:%d", "tcp://127.0.0.1:0%d"},
        {"tcp://127.0.0.1:%d", "tcp://127.1:%d"},
        {"tcp://127.0.0.1:%d", "tcp://127.0.0.2:0;127.0.0.1:%d"},
        {"tcp://localhost:%d", "tcp://LOCALHOST:%d"}};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        endpoint_t endpoint;
        int listener = raw_listen (endpoint);
        void *socket = open_socket (ZMQ_DEALER);
        for (int k = 0; k < 2; k++) {
            char text[64];
            snprintf (text, sizeof text, spellings[i][k],
                      atoi (strrchr (endpoint, ':') + 1));
            CHECK_OK (zmq_connect (socket, text));
        }
        CHECK (raw_accept (listener, WAIT_MS) >= 0);
        CHECK (raw_accept (listener, WAIT_MS) >= 0);
        close (listener);
        close_socket (socket);
    }
}

STORY (heartbeats_end_a_silent_peer)
{
    const char *endpoint;
    void *router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_HEARTBEAT_IVL, 100));
    CHECK_OK (set_int (router, ZMQ_HEARTBEAT_TIMEOUT, 200));
    endpoint = bind_any (router, TCP);
    int fd = raw_connect (endpoint);
    CHECK (raw_handshake (fd, "DEALER"));
    /* A PING comes: command, "\4PING", time to live, no context. */
    unsigned char ping[9];
    long long start = now_ms ();
    MUST (raw_read (fd, ping, sizeof ping));
    CHECK (memcmp (ping, "\x04\x07\x04PING\0\0", 9) == 0);
    CHECK (raw_is_closed (fd));
    CHECK (now_ms () - start >= 190);
}

STORY (heartbeats_spare_a_peer_that_answers)
{
    const char *endpoint;
    void *router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_HEARTBEAT_IVL, 50));
    CHECK_OK (set_int (router, ZMQ_HEARTBEAT_TIMEOUT, 1000));
    endpoint = bind_any (router, TCP);
    int fd = raw_connect (endpoint);
    CHECK (raw_handshake (fd, "DEALER"));
    for (int i = 0; i < 10; i++) {
        unsigned char ping[9];
        MUST (raw_read (fd, ping, sizeof ping));
        CHECK (memcmp (ping, "\x04\x07\x04PING", 7) == 0);
        REQUIRE (write (fd, "\x04\x05\x04PONG", 7) == 7);
    }
    REQUIRE (write (fd, "\x00\x02hi", 4) == 4);
    char id[8], body[8];
    CHECK_INT (zmq_recv (router, id, sizeof id, 0), 5);
    CHECK_INT (zmq_recv (router, body, sizeof body, 0), 2);
    close (fd);
}

STORY (a_ping_is_answered_with_its_context)
{
    const char *endpoint;
    bound_socket (ZMQ_ROUTER, TCP, &endpoint);
    int fd = raw_connect (endpoint);
    CHECK (raw_handshake (fd, "DEALER"));
    REQUIRE (write (fd, "\x04\x0a\x04PING\0\0ctx", 12) == 12);
    unsigned char pong[10];
    MUST (raw_read (fd, pong, sizeof pong));
    CHECK (memcmp (pong, "\x04\x08\x04PONGctx", 10) == 0);
    close (fd);
}

STORY (a_ttl_in_a_ping_ends_the_connection_of_a_peer_gone_silent)
{
    const char *endpoint;
    bound_socket (ZMQ_ROUTER, TCP, &endpoint);
    int fd = raw_connect (endpoint);
    CHECK (raw_handshake (fd, "DEALER"));
    long long start = now_ms ();
    /* Three tenths of a second. */
    REQUIRE (write (fd, "\x04\x07\x04PING\0\3", 9) == 9);
    CHECK (raw_is_closed (fd));
    CHECK (now_ms () - start >= 290);
}

STORY (a_peer_that_never_speaks_is_dropped_after_the_handshake_interval)
{
    const char *endpoint;
    void *router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_HANDSHAKE_IVL, 200));
    endpoint = bind_any (router, TCP);
    int fd = raw_connect (endpoint);
    long long start = now_ms ();
    CHECK (raw_is_closed (fd));
    CHECK (now_ms () - start >= 190);
    CHECK (now_ms () - start < 4000);
}

enum { VISITORS = 1000 };
static struct pollfd visitors[VISITORS];

/* Comes back as soon as the first one is shown out; whether it is let in again. */
static void *come_back (void *endpoint)
{
    CHECK (poll (visitors, VISITORS, AMPLE_MS) > 0);
    int again = raw_try_connect (endpoint);
    if (again < 0)
        return NULL;
    close (again);
    return endpoint;
}

/* It would be let in by a socket that serves nobody any more. */
STORY_ON_NETWORK_TRANSPORTS (who_is_shown_out_by_a_close_is_not_let_in_again)
{
    const char *endpoint;
    void *dealer = bound_socket (ZMQ_DEALER, transport, &endpoint), *let_in;
    for (int i = 0; i < VISITORS; i++) {
        visitors[i] = (struct pollfd){raw_connect (endpoint), POLLIN, 0};
        CHECK (raw_handshake (visitors[i].fd, "DEALER"));
    }
    pthread_t thread;
    REQUIRE (pthread_create (&thread, NULL, come_back, (void *) endpoint) == 0);
    close_socket (dealer);
    REQUIRE (pthread_join (thread, &let_in) == 0);
    CHECK (!let_in);
    for (int i = 0; i < VISITORS; i++)
        close (visitors[i].fd);
}

MAIN
