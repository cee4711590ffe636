/* ROUTER: routing ids, where messages go, and where they are lost. */
#include "sockets.h"

static void *named_dealer (const char *id, const char *endpoint)
{
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, id, strlen (id)));
    CHECK_OK (zmq_connect (dealer, endpoint));
    return dealer;
}

STORY_ON_EACH_TRANSPORT (automatic_ids_have_five_bytes_and_a_leading_zero)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint), *dealer[3];
    unsigned char id[3][16];
    for (int i = 0; i < 3; i++) {
        char body[8];
        dealer[i] = connected_socket (ZMQ_DEALER, endpoint);
        SEND (dealer[i], "hi");
        CHECK_INT (zmq_recv (router, id[i], sizeof id[i], 0), 5);
        CHECK_INT (id[i][0], 0);
        CHECK_INT (zmq_recv (router, body, sizeof body, 0), 2);
        for (int j = 0; j < i; j++)
            CHECK (memcmp (id[i], id[j], 5) != 0);
    }
    for (int i = 0; i < 3; i++) {
        char text[2] = {(char) ('0' + i), 0};
        CHECK_INT (zmq_send (router, id[i], 5, ZMQ_SNDMORE), 5);
        CHECK_INT (zmq_send (router, text, 1, 0), 1);
        CHECK_RECV (dealer[i], text);
    }
}

STORY_ON_EACH_TRANSPORT (a_peer_may_name_itself)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *a = named_dealer ("Alice", endpoint), *b = named_dealer ("B", endpoint);
    SEND (a, "from a|x");
    CHECK_RECV (router, "Alice|from a|x");
    SEND (b, "");
    CHECK_RECV (router, "B|");
    SEND (router, "B|for b||y");
    SEND (router, "Alice|for a");
    CHECK_RECV (a, "for a");
    CHECK_RECV (b, "for b||y");
}

STORY_ON_EACH_TRANSPORT (a_name_may_have_255_bytes)
{
    static char name[256];
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *dealer = open_socket (ZMQ_DEALER);
    memset (name, 'n', sizeof name);
    CHECK_ERR (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, name, 256), EINVAL);
    CHECK_ERR (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, name, 0), EINVAL);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, name, 255));
    CHECK_OK (zmq_connect (dealer, endpoint));
    SEND (dealer, "hi");
    char got[256];
    CHECK_INT (zmq_recv (router, got, sizeof got, 0), 255);
    CHECK (memcmp (got, name, 255) == 0);
    CHECK_INT (zmq_recv (router, got, sizeof got, 0), 2);
    zmq_send (router, name, 255, ZMQ_SNDMORE);
    zmq_send (router, "yes", 3, 0);
    CHECK_RECV (dealer, "yes");
}

STORY (a_name_reads_back_as_it_was_set)
{
    void *dealer = open_socket (ZMQ_DEALER);
    char got[300];
    size_t size = sizeof got;
    CHECK_OK (zmq_getsockopt (dealer, ZMQ_ROUTING_ID, got, &size));
    CHECK_INT (size, 0);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "a\0b", 3));
    size = sizeof got;
    CHECK_OK (zmq_getsockopt (dealer, ZMQ_ROUTING_ID, got, &size));
    CHECK_INT (size, 3);
    CHECK (memcmp (got, "a\0b", 3) == 0);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_IDENTITY, "old name", 8));
    size = sizeof got;
    CHECK_OK (zmq_getsockopt (dealer, ZMQ_IDENTITY, got, &size));
    CHECK_INT (size, 8);
}

STORY_ON_EACH_TRANSPORT (messages_for_the_unknown_are_dropped_silently)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    SEND (router, "nobody|hello|more");
    SEND (router, "|empty name");
    SEND (router, "alone");
    CHECK_INT (int_option (router, ZMQ_EVENTS), ZMQ_POLLOUT);
    void *dealer = named_dealer ("D", endpoint);
    SEND (dealer, "hi");
    CHECK_RECV (router, "D|hi");
    SEND (router, "nobody|hello");
    SEND (router, "D|you");
    CHECK_RECV (dealer, "you");
    CHECK_EMPTY (dealer);
}

STORY_ON_EACH_TRANSPORT (with_mandatory_the_unknown_are_unreachable)
{
    const char *endpoint;
    void *router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
    endpoint = bind_any (router, transport);
    CHECK_ERR (zmq_send (router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_ERR (zmq_send (router, "nobody", 6, ZMQ_SNDMORE | ZMQ_DONTWAIT),
               EHOSTUNREACH);
    void *dealer = named_dealer ("D", endpoint);
    SEND (dealer, "hi");
    CHECK_RECV (router, "D|hi");
    /* After the failure a new message starts. */
    CHECK_ERR (zmq_send (router, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    SEND (router, "D|you");
    CHECK_RECV (dealer, "you");
    close_socket (dealer);
    CHECK_BECOMES (send_text (router, "D|gone", ZMQ_DONTWAIT) == -1
                   && errno == EHOSTUNREACH);
}

STORY (with_mandatory_a_full_peer_blocks)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *router = open_socket (ZMQ_ROUTER), *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_OK (set_int (router, ZMQ_SNDHWM, 2));
    CHECK_OK (set_int (dealer, ZMQ_RCVHWM, 3));
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "D", 1));
    CHECK_OK (zmq_bind (router, endpoint));
    CHECK_OK (zmq_connect (dealer, endpoint));
    SEND (dealer, "hi");
    CHECK_RECV (router, "D|hi");
    for (int i = 0; i < 5; i++)
        CHECK_OK (try_send (router, "D|x"));
    CHECK_ERR (zmq_send (router, "D", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (set_int (router, ZMQ_SNDTIMEO, 50));
    long long start = now_ms ();
    CHECK_ERR (zmq_send (router, "D", 1, ZMQ_SNDMORE), EAGAIN);
    CHECK (now_ms () - start >= 45);
    CHECK_INT (int_option (router, ZMQ_EVENTS) & ZMQ_POLLOUT, 0);
    for (int i = 0; i < 5; i++)
        CHECK_RECV (dealer, "x");
    CHECK_OK (try_send (router, "D|again"));
    CHECK_RECV (dealer, "again");
    CHECK_EMPTY (dealer);
}

STORY (without_mandatory_a_full_peer_drops)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *router = open_socket (ZMQ_ROUTER), *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (router, ZMQ_SNDHWM, 2));
    CHECK_OK (set_int (dealer, ZMQ_RCVHWM, 3));
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "D", 1));
    CHECK_OK (zmq_bind (router, endpoint));
    CHECK_OK (zmq_connect (dealer, endpoint));
    SEND (dealer, "hi");
    CHECK_RECV (router, "D|hi");
    for (int i = 0; i < 20; i++) {
        char text[16];
        snprintf (text, sizeof text, "D|%d", i);
        CHECK_OK (try_send (router, text));
    }
    CHECK_INT (recv_numbered (dealer, 0, 5), 5);
    CHECK_EMPTY (dealer);
    CHECK_OK (try_send (router, "D|after"));
    CHECK_RECV (dealer, "after");
}

STORY (without_mandatory_a_router_is_always_ready_to_send)
{
    void *plain = open_socket (ZMQ_ROUTER), *strict = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (strict, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_INT (int_option (plain, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (int_option (strict, ZMQ_EVENTS), 0);
    const char *endpoint = bind_any (strict, INPROC);
    void *dealer = connected_socket (ZMQ_DEALER, endpoint);
    CHECK_INT (int_option (strict, ZMQ_EVENTS), ZMQ_POLLOUT);
    close_socket (dealer);
    CHECK_BECOMES (int_option (strict, ZMQ_EVENTS) == 0);
}

STORY_ON_EACH_TRANSPORT (a_second_peer_of_the_same_name_is_ignored)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *first = named_dealer ("same", endpoint);
    SEND (first, "one");
    CHECK_RECV (router, "same|one");
    void *second = named_dealer ("same", endpoint);
    for (int i = 0; i < 5; i++)
        try_send (second, "intruder");
    for (int i = 0; i < 10; i++) {
        SEND (router, "same|to the first");
        CHECK_RECV (first, "to the first");
        SEND (first, "from the first");
        CHECK_RECV (router, "same|from the first");
    }
    CHECK_QUIET (router);
    CHECK_EMPTY (second);
}

STORY_ON_EACH_TRANSPORT (a_second_peer_is_served_once_the_name_is_free)
{
    if (on_oracle ())
        return; /* never serves it */
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *first = named_dealer ("same", endpoint);
    SEND (first, "one");
    CHECK_RECV (router, "same|one");
    void *second = named_dealer ("same", endpoint);
    SEND (second, "two");
    CHECK_QUIET (router);
    close_socket (first);
    CHECK_RECV (router, "same|two");
    SEND (router, "same|to the second");
    CHECK_RECV (second, "to the second");
}

STORY (inproc_peers_name_themselves_too_when_the_router_connects)
{
    const char *endpoint;
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "bound", 5));
    endpoint = bind_any (dealer, INPROC);
    void *router = connected_socket (ZMQ_ROUTER, endpoint);
    SEND (router, "bound|hi");
    CHECK_RECV (dealer, "hi");
    SEND (dealer, "yes");
    CHECK_RECV (router, "bound|yes");
}

STORY_ON_NETWORK_TRANSPORTS (a_connecting_router_learns_the_name_of_who_bound)
{
    const char *endpoint;
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "bound", 5));
    endpoint = bind_any (dealer, transport);
    void *router = connected_socket (ZMQ_ROUTER, endpoint);
    SEND (dealer, "first word");
    CHECK_RECV (router, "bound|first word");
    SEND (router, "bound|hi");
    CHECK_RECV (dealer, "hi");
}

STORY_ON_EACH_TRANSPORT (a_router_may_name_whom_it_connects_to)
{
    const char *endpoint[2];
    void *dealer[2], *router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
    for (int i = 0; i < 2; i++) {
        dealer[i] = bound_socket (ZMQ_DEALER, transport, &endpoint[i]);
        CHECK_OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID,
                                  i ? "second" : "first", i ? 6 : 5));
        CHECK_OK (zmq_connect (router, endpoint[i]));
    }
    /* Known at once, before any handshake. */
    SEND (router, "second|2");
    SEND (router, "first|1");
    CHECK_RECV (dealer[0], "1");
    CHECK_RECV (dealer[1], "2");
    SEND (dealer[1], "back");
    CHECK_RECV (router, "second|back");
    SEND (dealer[0], "back");
    CHECK_RECV (router, "first|back");
}

STORY_ON_EACH_TRANSPORT (who_has_left_cannot_be_sent_to_though_he_is_still_read)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "D", 1));
    CHECK_OK (zmq_connect (dealer, endpoint));
    SEND (dealer, "1");
    SEND (dealer, "2");
    CHECK_RECV (router, "D|1");
    AWAIT_IN (router);
    close_socket (dealer);
    for (int i = 0; i < 100 && zmq_send (router, "D", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 1; i++) {
        CHECK_INT (zmq_send (router, "", 0, ZMQ_DONTWAIT), 0);
        sleep_ms (10);
    }
    CHECK_ERR (zmq_send (router, "D", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EHOSTUNREACH);
    /* libzmq's is writable all the same. */
    if (!on_oracle ())
        CHECK_INT (int_option (router, ZMQ_EVENTS), ZMQ_POLLIN);
    CHECK_RECV (router, "D|2");
}

STORY (a_connect_routing_id_can_only_be_set_and_must_be_sound)
{
    void *router = open_socket (ZMQ_ROUTER), *dealer = open_socket (ZMQ_DEALER);
    char got[16];
    size_t size = sizeof got;
    CHECK_ERR (zmq_getsockopt (router, ZMQ_CONNECT_ROUTING_ID, got, &size),
               EINVAL);
    CHECK_ERR (zmq_setsockopt (dealer, ZMQ_CONNECT_ROUTING_ID, "x", 1), EINVAL);
    CHECK_ERR (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "", 0), EINVAL);
    CHECK_OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "x", 1));
}

STORY_ON_NETWORK_TRANSPORTS (messages_for_a_named_absent_peer_wait_for_it)
{
    const char *endpoint = fresh_endpoint (transport);
    void *router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_OK (set_int (router, ZMQ_SNDHWM, 3));
    CHECK_OK (zmq_setsockopt (router, ZMQ_CONNECT_ROUTING_ID, "P", 1));
    CHECK_OK (zmq_connect (router, endpoint));
    for (int i = 0; i < 3; i++)
        CHECK_OK (try_send (router, "P|waits"));
    CHECK_ERR (zmq_send (router, "P", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_bind (dealer, endpoint));
    for (int i = 0; i < 3; i++)
        CHECK_RECV (dealer, "waits");
}

STORY_ON_EACH_TRANSPORT (probing_tells_the_peer_who_is_there)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (dealer, ZMQ_PROBE_ROUTER, 1));
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "probe", 5));
    CHECK_OK (zmq_connect (dealer, endpoint));
    CHECK_RECV (router, "probe|");
    SEND (router, "probe|hi");
    CHECK_RECV (dealer, "hi");
    CHECK_EMPTY (router);
}

STORY_ON_EACH_TRANSPORT (a_probing_router_makes_itself_known_to_a_router)
{
    const char *endpoint;
    void *server = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *client = open_socket (ZMQ_ROUTER);
    CHECK_OK (zmq_setsockopt (client, ZMQ_ROUTING_ID, "client", 6));
    CHECK_OK (zmq_setsockopt (client, ZMQ_CONNECT_ROUTING_ID, "server", 6));
    CHECK_OK (set_int (client, ZMQ_PROBE_ROUTER, 1));
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_RECV (server, "client|");
    SEND (server, "client|welcome");
    CHECK_RECV (client, "server|welcome");
    SEND (client, "server|thanks|bye");
    CHECK_RECV (server, "client|thanks|bye");
}

STORY_ON_EACH_TRANSPORT (two_routers_talk_once_they_know_their_names)
{
    const char *endpoint;
    void *a = open_socket (ZMQ_ROUTER), *b = open_socket (ZMQ_ROUTER);
    CHECK_OK (zmq_setsockopt (a, ZMQ_ROUTING_ID, "A", 1));
    CHECK_OK (zmq_setsockopt (b, ZMQ_ROUTING_ID, "B", 1));
    CHECK_OK (set_int (a, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_OK (set_int (b, ZMQ_ROUTER_MANDATORY, 1));
    endpoint = bind_any (a, transport);
    CHECK_OK (zmq_connect (b, endpoint));
    while (send_text (a, "B|hello", 0) != 0) {
        REQUIRE (errno == EHOSTUNREACH);
        wait_event (a, ZMQ_POLLIN, 1);
    }
    while (send_text (b, "A|hello|there", 0) != 0) {
        REQUIRE (errno == EHOSTUNREACH);
        wait_event (b, ZMQ_POLLIN, 1);
    }
    CHECK_RECV (b, "A|hello");
    CHECK_RECV (a, "B|hello|there");
}

STORY (a_router_takes_from_its_peers_in_turn)
{
    enum { N = 3, EACH = 10 };
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, INPROC, &endpoint);
    for (int i = 0; i < N; i++) {
        char name[2] = {(char) ('A' + i), 0};
        void *dealer = named_dealer (name, endpoint);
        for (int j = 0; j < EACH; j++)
            SEND (dealer, "x|y");
    }
    char order[N * EACH];
    for (int i = 0; i < N * EACH; i++) {
        const char *text = recv_text (router, 0);
        REQUIRE (text);
        order[i] = text[0];
    }
    int counts[N] = {0};
    for (int i = 0; i < N * EACH; i++)
        counts[order[i] - 'A']++;
    for (int i = 0; i < N; i++)
        CHECK_INT (counts[i], EACH);
    for (int i = 0; i + N < N * EACH; i++)
        CHECK_INT (order[i + N], order[i]);
}

STORY_ON_EACH_TRANSPORT (a_hundred_peers_are_told_apart)
{
    enum { N = 100 };
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint), *dealer[N];
    char text[64];
    for (int i = 0; i < N; i++) {
        snprintf (text, sizeof text, "peer-%d", i);
        dealer[i] = open_socket (ZMQ_DEALER);
        MUST (zmq_setsockopt (dealer[i], ZMQ_ROUTING_ID, text, strlen (text)) == 0
              && zmq_connect (dealer[i], endpoint) == 0);
        snprintf (text, sizeof text, "%d", i);
        SEND (dealer[i], text);
    }
    int good = 0;
    for (int i = 0; i < N; i++) {
        int name, body;
        const char *got = recv_text (router, 0);
        REQUIRE (got && sscanf (got, "peer-%d|%d", &name, &body) == 2);
        good += name == body;
        snprintf (text, sizeof text, "peer-%d|for %d", name, body);
        SEND (router, text);
    }
    CHECK_INT (good, N);
    for (int i = 0; i < N; i++) {
        snprintf (text, sizeof text, "for %d", i);
        CHECK_RECV (dealer[i], text);
    }
}

STORY_ON_NETWORK_TRANSPORTS (a_peer_that_comes_back_keeps_its_name)
{
    const char *endpoint;
    void *router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
    endpoint = bind_any (router, transport);
    for (int i = 0; i < 3; i++) {
        void *dealer = named_dealer ("again", endpoint);
        SEND (dealer, "here");
        /* Who comes while the last one is still leaving may be taken for a
         * second of that name: it has to come again. */
        long long end = now_ms () + WAIT_MS;
        while (wait_event (router, ZMQ_POLLIN, 300) == 0) {
            REQUIRE (now_ms () < end);
            close_socket (dealer);
            dealer = named_dealer ("again", endpoint);
            SEND (dealer, "here");
        }
        CHECK_RECV (router, "again|here");
        SEND (router, "again|welcome");
        CHECK_RECV (dealer, "welcome");
        close_socket (dealer);
        CHECK_BECOMES (send_text (router, "again|still there?", ZMQ_DONTWAIT) < 0
                       && errno == EHOSTUNREACH);
    }
}

STORY (the_routing_options_belong_to_router)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_PUB, ZMQ_SUB, ZMQ_DEALER, ZMQ_REQ};
    void *router = open_socket (ZMQ_ROUTER);
    CHECK_ERR (set_int (router, ZMQ_ROUTER_MANDATORY, -1), EINVAL);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 0));
    CHECK_OK (set_int (router, ZMQ_ROUTER_HANDOVER, 1));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *other = open_socket (types[i]);
        CHECK_ERR (set_int (other, ZMQ_ROUTER_MANDATORY, 1), EINVAL);
        CHECK_ERR (set_int (other, ZMQ_ROUTER_HANDOVER, 1), EINVAL);
    }
}

MAIN
