/* Peers that come late, leave, and come back; what is kept for them and what
 * is dropped: connect before bind, reconnect, linger, disconnect, unbind. */
#include "sockets.h"
#include <dirent.h>
#include <pthread.h>

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

/* How many sockets this process has open. */
static int open_connections (void)
{
    DIR *folder = opendir ("/proc/self/fd");
    int count = 0;
    MUST (folder);
    for (struct dirent *entry; (entry = readdir (folder));) {
        char path[300], target[64];
        snprintf (path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        ssize_t size = readlink (path, target, sizeof target - 1);
        count += size > 7 && memcmp (target, "socket:", 7) == 0;
    }
    closedir (folder);
    return count;
}

/* Waits until both sides know that they are parted: whoever has noticed closes
 * its end. What is sent from then on waits for the next connection. */
static void await_no_connections (int before)
{
    int tries = 0;
    while (open_connections () > before && tries++ < WAIT_MS)
        poll (NULL, 0, 1);
    MUST (tries < WAIT_MS);
}

static void rebind (void *socket, const char *endpoint)
{
    for (int tries = 0; zmq_bind (socket, endpoint) != 0; tries++) {
        REQUIRE (errno == EADDRINUSE && tries < 1000);
        poll (NULL, 0, 10);
    }
}

STORY_ON_EACH_TRANSPORT (connecting_before_binding_works)
{
    const char *endpoint = fresh_endpoint (transport);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    SEND (push, "early|bird");
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_RECV (pull, "early|bird");
    SEND (push, "later");
    CHECK_RECV (pull, "later");
}

STORY_ON_EACH_TRANSPORT (many_may_connect_before_the_bind)
{
    enum { N = 20 };
    const char *endpoint = fresh_endpoint (transport);
    int seen[N] = {0}, distinct = 0;
    for (int i = 0; i < N; i++) {
        void *push = connected_socket (ZMQ_PUSH, endpoint);
        char text[8];
        snprintf (text, sizeof text, "%d", i);
        SEND (push, text);
    }
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    for (int i = 0; i < N; i++) {
        const char *text = recv_text (pull, 0);
        REQUIRE (text);
        distinct += !seen[atoi (text)]++;
    }
    CHECK_INT (distinct, N);
}

STORY_ON_EACH_TRANSPORT (ten_thousand_messages_through_a_late_bind)
{
    const char *endpoint = fresh_endpoint (transport);
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 0));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 10000), 10000);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_INT (recv_numbered (pull, 0, 10000), 10000);
    CHECK_EMPTY (pull);
}

STORY_ON_NETWORK_TRANSPORTS (messages_wait_for_a_peer_that_went_away)
{
    int before = open_connections ();
    const char *endpoint;
    void *server = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *client = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (client, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_setsockopt (client, ZMQ_ROUTING_ID, "C", 1));
    CHECK_OK (zmq_connect (client, endpoint));
    for (int restart = 0; restart < 3; restart++) {
        SEND (client, "hello");
        CHECK_RECV (server, "C|hello");
        SEND (server, "C|last words");
        CHECK_RECV (client, "last words");
        close_socket (server);
        await_no_connections (before);
        CHECK_INT (send_numbered (client, 0, 50), 50);
        server = open_socket (ZMQ_ROUTER);
        rebind (server, endpoint);
        int good = 0;
        for (int i = 0; i < 50; i++) {
            const char *text = recv_text (server, 0);
            good += text && strncmp (text, "C|", 2) == 0 && atoi (text + 2) == i;
        }
        CHECK_INT (good, 50);
    }
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

STORY (a_second_inproc_connect_makes_a_second_pipe)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, INPROC, &endpoint);
    void *dealer = connected_socket (ZMQ_DEALER, endpoint);
    CHECK_OK (zmq_connect (dealer, endpoint));
    unsigned char id[2][8];
    for (int i = 0; i < 2; i++) {
        char body[8];
        SEND (dealer, "hi");
        CHECK_INT (zmq_recv (router, id[i], 8, 0), 5);
        CHECK_INT (zmq_recv (router, body, 8, 0), 2);
    }
    CHECK (memcmp (id[0], id[1], 5) != 0);
}

STORY_ON_NETWORK_TRANSPORTS (with_immediate_nothing_is_queued_for_the_absent)
{
    const char *endpoint = fresh_endpoint (transport), *other;
    void *push = open_socket (ZMQ_PUSH), *pull;
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_BLOCKED (push);
    pull = bound_socket (ZMQ_PULL, transport, &other);
    CHECK_OK (zmq_connect (push, other));
    for (int i = 0; i < 10; i++) {
        SEND (push, "to the present");
        CHECK_RECV (pull, "to the present");
    }
    void *late = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (late, endpoint));
    int got = 0;
    for (int tries = 0; !got && tries < 10000; tries++) {
        SEND (push, "to either");
        got = drain (late);
        drain (pull);
    }
    CHECK (got > 0);
}

STORY_ON_NETWORK_TRANSPORTS (with_immediate_the_socket_blocks_when_its_peer_left)
{
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    void *push = open_socket (ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (push, endpoint));
    SEND (push, "one");
    CHECK_RECV (pull, "one");
    close_socket (pull);
    for (int i = 0; i < WAIT_MS && int_option (push, ZMQ_EVENTS); i++)
        poll (NULL, 0, 1);
    CHECK_BLOCKED (push);
    pull = open_socket (ZMQ_PULL);
    rebind (pull, endpoint);
    SEND (push, "two");
    CHECK_RECV (pull, "two");
}

STORY_ON_NETWORK_TRANSPORTS (with_endless_linger_all_is_delivered_after_close)
{
    const char *endpoint;
    void *pull = open_socket (ZMQ_PULL), *push = open_socket (ZMQ_PUSH);
    /* libzmq's reader over ipc, when it is stopped by its mark while the sender
     * closes, takes the end for an error and loses what it has not read. */
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, on_oracle () && transport == IPC ? 0 : 10));
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 0));
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    endpoint = bind_any (pull, transport);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 10000), 10000);
    close_socket (push);
    CHECK_INT (recv_numbered (pull, 0, 10000), 10000);
}

STORY_ON_NETWORK_TRANSPORTS (lingering_waits_for_a_late_bind)
{
    const char *endpoint = fresh_endpoint (transport);
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 100), 100);
    close_socket (push);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_INT (recv_numbered (pull, 0, 100), 100);
}

static void *terminate (void *context)
{
    return (void *) (intptr_t) zmq_ctx_term (context);
}

STORY_ON_NETWORK_TRANSPORTS (terminating_waits_for_lingering_messages)
{
    const char *endpoint = fresh_endpoint (transport);
    void *other = zmq_ctx_new (), *push = zmq_socket (other, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 100), 100);
    CHECK_OK (zmq_close (push));
    pthread_t thread;
    struct timespec limit;
    void *rc;
    REQUIRE (pthread_create (&thread, NULL, terminate, other) == 0);
    clock_gettime (CLOCK_REALTIME, &limit);
    limit.tv_nsec += 50000000;
    limit.tv_sec += limit.tv_nsec / 1000000000;
    limit.tv_nsec %= 1000000000;
    CHECK_INT (pthread_timedjoin_np (thread, &rc, &limit), ETIMEDOUT);
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    REQUIRE (pthread_join (thread, &rc) == 0);
    CHECK_INT ((intptr_t) rc, 0);
    CHECK_INT (recv_numbered (pull, 0, 100), 100);
}

STORY_ON_NETWORK_TRANSPORTS (linger_ends_when_its_time_is_over)
{
    const char *endpoint = fresh_endpoint (transport);
    void *other = zmq_ctx_new (), *push = zmq_socket (other, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, 200));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 10), 10);
    long long start = now_ms ();
    CHECK_OK (zmq_close (push));
    CHECK (now_ms () - start < 100);
    CHECK_OK (zmq_ctx_term (other));
    CHECK (now_ms () - start >= 190);
    CHECK (now_ms () - start < 3000);
}

STORY_ON_NETWORK_TRANSPORTS (without_linger_the_unsent_is_dropped)
{
    const char *endpoint = fresh_endpoint (transport);
    void *other = zmq_ctx_new (), *push = zmq_socket (other, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, 0));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 100), 100);
    CHECK_OK (zmq_close (push));
    long long start = now_ms ();
    CHECK_OK (zmq_ctx_term (other));
    CHECK (now_ms () - start < 1000);
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_QUIET (pull);
}

/* Over inproc the reader has it already: linger plays no part. */
STORY (what_an_inproc_sender_left_behind_is_received_whatever_its_linger)
{
    static const int lingers[] = {0, -1, 100};
    for (size_t i = 0; i < sizeof lingers / sizeof *lingers; i++) {
        const char *endpoint;
        void *pull = bound_socket (ZMQ_PULL, INPROC, &endpoint);
        void *push = open_socket (ZMQ_PUSH);
        CHECK_OK (set_int (push, ZMQ_LINGER, lingers[i]));
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_INT (send_numbered (push, 0, 100), 100);
        close_socket (push);
        int got = 0;
        while (got < 100 && recv_text (pull, ZMQ_DONTWAIT))
            got++;
        CHECK_INT (got, 100);
    }
}

STORY (closing_an_inproc_receiver_makes_the_sender_block)
{
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, INPROC, &endpoint);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    SEND (push, "read");
    CHECK_RECV (pull, "read");
    SEND (push, "unread");
    close_socket (pull);
    for (int i = 0; i < WAIT_MS && int_option (push, ZMQ_EVENTS); i++)
        poll (NULL, 0, 1);
    CHECK_BLOCKED (push);
    /* inproc does not connect again. */
    pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_BLOCKED (push);
    CHECK_OK (zmq_connect (push, endpoint));
    SEND (push, "anew");
    CHECK_RECV (pull, "anew");
}

STORY_ON_EACH_TRANSPORT (disconnecting_drops_what_was_not_yet_received)
{
    const char *endpoint;
    void *push = bound_socket (ZMQ_PUSH, transport, &endpoint);
    void *pull = connected_socket (ZMQ_PULL, endpoint);
    AWAIT_OUT (push);
    CHECK_INT (send_numbered (push, 0, 10), 10);
    CHECK_INT (recv_numbered (pull, 0, 3), 3);
    CHECK_OK (zmq_disconnect (pull, endpoint));
    CHECK_ERR (zmq_disconnect (pull, endpoint), ENOENT);
    CHECK_EMPTY (pull);
    CHECK_OK (zmq_connect (pull, endpoint));
    /* The first may still go to the connection that ends. */
    for (int tries = 0; tries < 100 && !wait_event (pull, ZMQ_POLLIN, 20); tries++)
        SEND (push, "new");
    CHECK_RECV (pull, "new");
}

STORY_ON_NETWORK_TRANSPORTS (disconnecting_with_linger_sends_what_was_queued)
{
    const char *endpoint;
    void *pull = open_socket (ZMQ_PULL), *push = open_socket (ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    endpoint = bind_any (pull, transport);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 500), 500);
    CHECK_OK (zmq_disconnect (push, endpoint));
    CHECK_INT (recv_numbered (pull, 0, 500), 500);
    CHECK_BLOCKED (push);
}

STORY_ON_NETWORK_TRANSPORTS (disconnecting_without_linger_drops_what_was_queued)
{
    const char *endpoint = fresh_endpoint (transport);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    CHECK_INT (send_numbered (push, 0, 100), 100);
    CHECK_OK (zmq_disconnect (push, endpoint));
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_OK (zmq_connect (push, endpoint));
    SEND (push, "new");
    CHECK_RECV (pull, "new");
}

STORY_ON_NETWORK_TRANSPORTS (unbinding_refuses_new_peers_and_frees_the_endpoint)
{
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    void *old = connected_socket (ZMQ_PUSH, endpoint);
    SEND (old, "one");
    CHECK_RECV (pull, "one");
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_ERR (zmq_unbind (pull, endpoint), ENOENT);
    void *other = open_socket (ZMQ_PULL);
    rebind (other, endpoint);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    SEND (push, "to the new");
    const char *text = NULL;
    while (!text || strcmp (text, "to the new")) {
        text = recv_text (other, 0);
        REQUIRE (text);
    }
    CHECK_STR (text, "to the new");
}

STORY_ON_NETWORK_TRANSPORTS (unbinding_ends_the_connections_made_there)
{
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    void *push = open_socket (ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (zmq_connect (push, endpoint));
    SEND (push, "one");
    CHECK_RECV (pull, "one");
    CHECK_OK (zmq_unbind (pull, endpoint));
    for (int i = 0; i < WAIT_MS && int_option (push, ZMQ_EVENTS); i++) {
        settle (pull);
        poll (NULL, 0, 1);
    }
    CHECK_BLOCKED (push);
}

STORY_ON_NETWORK_TRANSPORTS (unbinding_keeps_what_was_received)
{
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    CHECK_INT (send_numbered (push, 0, 10), 10);
    CHECK_INT (recv_numbered (pull, 0, 1), 1);
    poll (NULL, 0, 100);
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_INT (recv_numbered (pull, 1, 9), 9);
}

STORY_ON_NETWORK_TRANSPORTS (unbinding_with_linger_sends_what_was_queued)
{
    const char *endpoint;
    void *push = open_socket (ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    endpoint = bind_any (push, transport);
    void *pull = connected_socket (ZMQ_PULL, endpoint);
    AWAIT_OUT (push);
    CHECK_INT (send_numbered (push, 0, 500), 500);
    CHECK_OK (zmq_unbind (push, endpoint));
    CHECK_INT (recv_numbered (pull, 0, 500), 500);
}

STORY (unbinding_inproc_frees_the_name)
{
    void *a = open_socket (ZMQ_PULL), *b = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (a, "inproc://name"));
    CHECK_ERR (zmq_bind (b, "inproc://name"), EADDRINUSE);
    CHECK_OK (zmq_unbind (a, "inproc://name"));
    CHECK_OK (zmq_bind (b, "inproc://name"));
    void *push = connected_socket (ZMQ_PUSH, "inproc://name");
    SEND (push, "for b");
    CHECK_RECV (b, "for b");
    CHECK_EMPTY (a);
}

STORY (closing_an_inproc_socket_frees_its_name)
{
    for (int i = 0; i < 20; i++) {
        void *pull = open_socket (ZMQ_PULL);
        /* Closing takes its time on another thread. */
        rebind (pull, "inproc://again");
        void *push = connected_socket (ZMQ_PUSH, "inproc://again");
        SEND (push, "x");
        CHECK_RECV (pull, "x");
        close_socket (push);
        close_socket (pull);
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

STORY_ON_NETWORK_TRANSPORTS (a_client_outlives_many_restarts_of_its_server)
{
    int before = open_connections ();
    const char *endpoint;
    void *rep = bound_socket (ZMQ_REP, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (set_int (req, ZMQ_RECONNECT_IVL, 5));
    CHECK_OK (zmq_connect (req, endpoint));
    for (int i = 0; i < 10; i++) {
        SEND (req, "ask");
        CHECK_RECV (rep, "ask");
        SEND (rep, "answer");
        CHECK_RECV (req, "answer");
        close_socket (rep);
        await_no_connections (before);
        rep = open_socket (ZMQ_REP);
        rebind (rep, endpoint);
    }
}

MAIN
