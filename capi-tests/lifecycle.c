/* Peers that come late, leave, and come back; what is kept for them and what
 * is dropped: connect before bind, reconnect, linger, disconnect, unbind. */
#include "sockets.h"
#include <dirent.h>
#include <pthread.h>

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
    long long end = now_ms () + WAIT_MS;
    while (open_connections () > before && now_ms () < end)
        sleep_ms (1);
    MUST (open_connections () <= before);
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
    for (long long end = now_ms () + WAIT_MS; !got && now_ms () < end;) {
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
    CHECK_BECOMES (int_option (push, ZMQ_EVENTS) == 0);
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
    CHECK_OK (set_int (push, ZMQ_LINGER, 1000));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (send_numbered (push, 0, 10), 10);
    long long start = now_ms ();
    CHECK_OK (zmq_close (push));
    CHECK (now_ms () - start < 900);
    CHECK_OK (zmq_ctx_term (other));
    CHECK (now_ms () - start >= 990);
    CHECK (now_ms () - start < 9000);
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
    CHECK (now_ms () - start < 5000);
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
    CHECK_BECOMES (int_option (push, ZMQ_EVENTS) == 0);
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
    long long end = now_ms () + WAIT_MS;
    while (!wait_event (pull, ZMQ_POLLIN, 20) && now_ms () < end)
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
    CHECK_BECOMES ((settle (pull), int_option (push, ZMQ_EVENTS) == 0));
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

STORY (over_inproc_a_lost_peer_is_not_connected_again)
{
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, INPROC, &endpoint);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    SEND (push, "one");
    CHECK_RECV (pull, "one");
    close_socket (pull);
    CHECK_BECOMES (int_option (push, ZMQ_EVENTS) == 0);
    pull = open_socket (ZMQ_PULL);
    rebind (pull, endpoint);
    CHECK_BLOCKED (push);
    CHECK_OK (zmq_connect (push, endpoint));
    SEND (push, "two");
    CHECK_RECV (pull, "two");
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
