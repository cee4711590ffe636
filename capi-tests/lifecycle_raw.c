/* What a plain TCP peer sees of connections: when they are made, made again,
 * kept alive by heartbeats, and given up. */
#include "sockets.h"

/* A plain stream socket that listens; its endpoint for zmq_connect. */
static int raw_listener (const char **endpoint)
{
    static char text[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    REQUIRE (bind (fd, (void *) &address, size) == 0 && listen (fd, 16) == 0
             && getsockname (fd, (void *) &address, &size) == 0);
    snprintf (text, sizeof text, "tcp://127.0.0.1:%d", ntohs (address.sin_port));
    *endpoint = text;
    return fd;
}

/* The next connection to a raw listener, -1 when none comes in time. */
static int raw_accept (int listener, int timeout_ms)
{
    struct pollfd item = {listener, POLLIN, 0};
    return poll (&item, 1, timeout_ms) == 1 ? accept (listener, NULL, NULL) : -1;
}

static int raw_connect (const char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    address.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
    REQUIRE (connect (fd, (void *) &address, sizeof address) == 0);
    return fd;
}

static void read_exactly (int fd, void *buffer, size_t size)
{
    struct pollfd item = {fd, POLLIN, 0};
    for (size_t done = 0; done < size;) {
        MUST (poll (&item, 1, WAIT_MS) == 1);
        ssize_t got = read (fd, (char *) buffer + done, size - done);
        MUST (got > 0);
        done += (size_t) got;
    }
}

/* Speaks ZMTP 3.0 with NULL as a DEALER up to READY; the peer's READY is read. */
static void raw_handshake (int fd)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0};
    static const unsigned char ready[] = "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06"
                                         "DEALER";
    unsigned char reply[64], head[2], body[255];
    memcpy (greeting + 12, "NULL", 4);
    REQUIRE (write (fd, greeting, 64) == 64);
    read_exactly (fd, reply, 64);
    CHECK (reply[0] == 0xff && reply[9] == 0x7f && reply[10] == 3);
    CHECK (memcmp (reply + 12, "NULL", 5) == 0);
    REQUIRE (write (fd, ready, sizeof ready - 1) == sizeof ready - 1);
    read_exactly (fd, head, 2);
    CHECK_INT (head[0], 4);
    read_exactly (fd, body, head[1]);
    CHECK (memcmp (body, "\5READY", 6) == 0);
}

/* Waits until the peer closes, passing over what it still says. */
static int closed_within (int fd, int timeout_ms)
{
    long long until = now_ms () + timeout_ms;
    struct pollfd item = {fd, POLLIN, 0};
    char waste[4096];
    while (now_ms () < until)
        if (poll (&item, 1, (int) (until - now_ms ())) == 1
            && read (fd, waste, sizeof waste) <= 0)
            return 1;
    return 0;
}

STORY (a_lost_connection_is_made_again_at_the_interval)
{
    const char *endpoint;
    int listener = raw_listener (&endpoint);
    void *socket = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (socket, ZMQ_RECONNECT_IVL, 100));
    CHECK_OK (zmq_connect (socket, endpoint));
    int fd = raw_accept (listener, WAIT_MS);
    REQUIRE (fd >= 0);
    for (int i = 0; i < 4; i++) {
        raw_handshake (fd);
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
    const char *endpoint;
    int listener = raw_listener (&endpoint);
    void *socket = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (socket, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (zmq_connect (socket, endpoint));
    int fd = raw_accept (listener, WAIT_MS);
    REQUIRE (fd >= 0);
    raw_handshake (fd);
    close (fd);
    CHECK_INT (raw_accept (listener, 400), -1);
}

STORY (the_interval_grows_up_to_its_maximum)
{
    /* Refused connections: the time until one succeeds is not told, so a raw
     * peer that hangs up at once counts the tries. */
    const char *endpoint;
    int listener = raw_listener (&endpoint), tries = 0;
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
        const char *endpoint;
        int listener = raw_listener (&endpoint);
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
        const char *endpoint;
        int listener = raw_listener (&endpoint);
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
    raw_handshake (fd);
    /* A PING comes: command, "\4PING", time to live, no context. */
    unsigned char ping[9];
    long long start = now_ms ();
    read_exactly (fd, ping, sizeof ping);
    CHECK (memcmp (ping, "\x04\x07\x04PING\0\0", 9) == 0);
    CHECK (closed_within (fd, 5000));
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
    raw_handshake (fd);
    for (int i = 0; i < 10; i++) {
        unsigned char ping[9];
        read_exactly (fd, ping, sizeof ping);
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
    raw_handshake (fd);
    REQUIRE (write (fd, "\x04\x0a\x04PING\0\0ctx", 12) == 12);
    unsigned char pong[10];
    read_exactly (fd, pong, sizeof pong);
    CHECK (memcmp (pong, "\x04\x08\x04PONGctx", 10) == 0);
    close (fd);
}

STORY (a_ttl_in_a_ping_ends_the_connection_of_a_peer_gone_silent)
{
    const char *endpoint;
    bound_socket (ZMQ_ROUTER, TCP, &endpoint);
    int fd = raw_connect (endpoint);
    raw_handshake (fd);
    long long start = now_ms ();
    /* Three tenths of a second. */
    REQUIRE (write (fd, "\x04\x07\x04PING\0\3", 9) == 9);
    CHECK (closed_within (fd, 5000));
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
    CHECK (closed_within (fd, 5000));
    CHECK (now_ms () - start >= 190);
    CHECK (now_ms () - start < 4000);
}

MAIN
