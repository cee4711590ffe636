/* DEALER (RFC 28): a load balancer out, a fair queue in, no state. */
#include "sockets.h"

STORY_ON_EACH_TRANSPORT (two_dealers_talk_freely)
{
    void *a, *b;
    join_sockets (transport, ZMQ_DEALER, &a, ZMQ_DEALER, &b);
    SEND (b, "1");
    SEND (b, "2|x||");
    SEND (b, "3");
    CHECK_RECV (a, "1");
    SEND (a, "back");
    SEND (a, "and again");
    CHECK_RECV (a, "2|x||");
    CHECK_RECV (a, "3");
    CHECK_RECV (b, "back");
    CHECK_RECV (b, "and again");
}

STORY_ON_EACH_TRANSPORT (messages_go_round_the_peers_in_turn)
{
    enum { N = 3 };
    void *dealer = open_socket (ZMQ_DEALER), *peer[N];
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        peer[i] = bound_socket (ZMQ_DEALER, transport, &endpoint);
        CHECK_OK (zmq_connect (dealer, endpoint));
    }
    CHECK_INT (send_numbered (dealer, 0, 90), 90);
    int good = 0;
    for (int i = 0; i < 90; i++) {
        const char *text = recv_text (peer[i % N], 0);
        good += text && atoi (text) == i;
    }
    CHECK_INT (good, 90);
}

STORY_ON_EACH_TRANSPORT (it_blocks_without_peers)
{
    const char *endpoint;
    void *dealer = bound_socket (ZMQ_DEALER, transport, &endpoint);
    CHECK_BLOCKED (dealer);
    CHECK_EMPTY (dealer);
    CHECK_INT (int_option (dealer, ZMQ_EVENTS), 0);
    void *peer = connected_socket (ZMQ_DEALER, endpoint);
    AWAIT_OUT (dealer);
    SEND (dealer, "hello");
    CHECK_RECV (peer, "hello");
    CHECK_INT (int_option (dealer, ZMQ_EVENTS), ZMQ_POLLOUT);
}

STORY (it_blocks_at_the_mark_and_reopens)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *a = open_socket (ZMQ_DEALER), *b = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (a, ZMQ_SNDHWM, 4));
    CHECK_OK (set_int (b, ZMQ_RCVHWM, 5));
    CHECK_OK (zmq_bind (a, endpoint));
    CHECK_OK (zmq_connect (b, endpoint));
    CHECK_INT (fill (a, 100), 9);
    for (int i = 0; i < 5; i++) {
        CHECK_INT (int_option (a, ZMQ_EVENTS), 0);
        CHECK_INT (recv_numbered (b, i, 1), 1);
    }
    CHECK_INT (int_option (a, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (fill (a, 100), 5);
}

STORY_ON_NETWORK_TRANSPORTS (an_absent_peer_is_sent_exactly_sndhwm)
{
    const char *endpoint = fresh_endpoint (transport);
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (dealer, ZMQ_SNDHWM, 6));
    CHECK_OK (zmq_connect (dealer, endpoint));
    CHECK_INT (fill (dealer, 100), 6);
    void *peer = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_bind (peer, endpoint));
    CHECK_INT (recv_numbered (peer, 0, 6), 6);
}

STORY (it_takes_from_its_peers_in_turn)
{
    enum { N = 4, EACH = 10 };
    const char *endpoint;
    void *dealer = bound_socket (ZMQ_DEALER, INPROC, &endpoint);
    for (int i = 0; i < N; i++) {
        char text[2] = {(char) ('A' + i), 0};
        void *peer = connected_socket (ZMQ_DEALER, endpoint);
        for (int j = 0; j < EACH; j++)
            SEND (peer, text);
    }
    char order[N * EACH];
    int counts[N] = {0};
    for (int i = 0; i < N * EACH; i++) {
        const char *text = recv_text (dealer, 0);
        REQUIRE (text && text[0] >= 'A' && text[0] < 'A' + N);
        order[i] = text[0];
        counts[text[0] - 'A']++;
    }
    for (int i = 0; i < N; i++)
        CHECK_INT (counts[i], EACH);
    for (int i = 0; i + N < N * EACH; i++)
        CHECK_INT (order[i + N], order[i]);
}

STORY_ON_EACH_TRANSPORT (many_requests_may_be_under_way)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "D", 1));
    CHECK_OK (zmq_connect (dealer, endpoint));
    CHECK_INT (send_numbered (dealer, 0, 500), 500);
    char text[32], want[32];
    int good = 0;
    for (int i = 0; i < 500; i++) {
        const char *got = recv_text (router, 0);
        snprintf (want, sizeof want, "D|%d", i);
        snprintf (text, sizeof text, "D|%d", i);
        good += got && strcmp (got, want) == 0
                && send_text (router, text, 0) == 0;
    }
    CHECK_INT (good, 500);
    CHECK_INT (recv_numbered (dealer, 0, 500), 500);
}

STORY_ON_EACH_TRANSPORT (a_dealer_shares_work_among_reps)
{
    enum { N = 3 };
    void *dealer = open_socket (ZMQ_DEALER), *rep[N];
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        rep[i] = bound_socket (ZMQ_REP, transport, &endpoint);
        CHECK_OK (zmq_connect (dealer, endpoint));
    }
    for (int i = 0; i < N; i++)
        SEND (dealer, "|work");
    for (int i = 0; i < N; i++) {
        char answer[2] = {(char) ('0' + i), 0};
        CHECK_RECV (rep[i], "work");
        SEND (rep[i], answer);
    }
    int seen = 0;
    for (int i = 0; i < N; i++) {
        const char *text = recv_text (dealer, 0);
        REQUIRE (text && strlen (text) == 2);
        seen |= 1 << (text[1] - '0');
    }
    CHECK_INT (seen, (1 << N) - 1);
}

STORY_ON_EACH_TRANSPORT (a_peer_that_left_gets_no_share)
{
    const char *endpoint;
    void *dealer = bound_socket (ZMQ_DEALER, transport, &endpoint);
    void *stays = connected_socket (ZMQ_DEALER, endpoint);
    void *leaves = connected_socket (ZMQ_DEALER, endpoint);
    SEND (stays, "here");
    SEND (leaves, "here");
    CHECK_RECV (dealer, "here");
    CHECK_RECV (dealer, "here");
    close_socket (leaves);
    /* Until both of two in a row reach the one that stays. */
    long long end = now_ms () + WAIT_MS;
    for (int row = 0; row < 4;) {
        REQUIRE (now_ms () < end);
        SEND (dealer, "m");
        row = wait_event (stays, ZMQ_POLLIN, 20) ? row + 1 : 0;
        drain (stays);
    }
    for (int i = 0; i < 20; i++) {
        SEND (dealer, "yours");
        CHECK_RECV (stays, "yours");
    }
}

STORY_ON_EACH_TRANSPORT (conflate_keeps_only_the_last)
{
    const char *endpoint;
    void *to = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (to, ZMQ_CONFLATE, 1));
    endpoint = bind_any (to, transport);
    void *from = connected_socket (ZMQ_DEALER, endpoint);
    CHECK_INT (send_numbered (from, 0, 200), 200);
    CHECK (ends_with (to, from, 199));
    CHECK_EMPTY (to);
}

MAIN
