/* REQ and REP (RFC 28): lockstep, the envelope, correlation, lost peers. */
#include "sockets.h"

STORY_ON_EACH_TRANSPORT (requests_and_replies_alternate)
{
    void *rep, *req;
    join_sockets (transport, ZMQ_REP, &rep, ZMQ_REQ, &req);
    for (int i = 0; i < 100; i++) {
        SEND (req, "ask|more");
        CHECK_RECV (rep, "ask|more");
        SEND (rep, "answer||more");
        CHECK_RECV (req, "answer||more");
    }
    SEND (req, "");
    CHECK_RECV (rep, "");
    SEND (rep, "");
    CHECK_RECV (req, "");
}

STORY_ON_EACH_TRANSPORT (rep_may_connect_and_req_bind)
{
    const char *endpoint;
    void *req = bound_socket (ZMQ_REQ, transport, &endpoint);
    CHECK_BLOCKED (req);
    void *rep = connected_socket (ZMQ_REP, endpoint);
    SEND (req, "ask");
    CHECK_RECV (rep, "ask");
    SEND (rep, "answer");
    CHECK_RECV (req, "answer");
}

STORY_ON_EACH_TRANSPORT (out_of_turn_is_efsm)
{
    void *rep, *req;
    join_sockets (transport, ZMQ_REP, &rep, ZMQ_REQ, &req);
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_ERR (zmq_recv (req, NULL, 0, 0), EFSM);
    CHECK_ERR (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EFSM);
    CHECK_ERR (zmq_msg_recv (&msg, req, 0), EFSM);
    CHECK_ERR (zmq_send (rep, "x", 1, 0), EFSM);
    CHECK_ERR (zmq_send (rep, "x", 1, ZMQ_DONTWAIT), EFSM);
    CHECK_ERR (zmq_msg_send (&msg, rep, 0), EFSM);
    CHECK_INT (int_option (rep, ZMQ_EVENTS), 0);
    CHECK_INT (int_option (req, ZMQ_EVENTS), ZMQ_POLLOUT);
    SEND (req, "one");
    CHECK_ERR (zmq_send (req, "two", 3, 0), EFSM);
    CHECK_ERR (zmq_send (req, "two", 3, ZMQ_DONTWAIT), EFSM);
    CHECK_INT (int_option (req, ZMQ_EVENTS), 0);
    CHECK_ERR (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    AWAIT_IN (rep);
    CHECK_INT (int_option (rep, ZMQ_EVENTS), ZMQ_POLLIN);
    CHECK_ERR (zmq_send (rep, "x", 1, 0), EFSM);
    CHECK_RECV (rep, "one");
    CHECK_INT (int_option (rep, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_ERR (zmq_recv (rep, NULL, 0, 0), EFSM);
    SEND (rep, "reply");
    CHECK_ERR (zmq_send (rep, "again", 5, 0), EFSM);
    AWAIT_IN (req);
    CHECK_INT (int_option (req, ZMQ_EVENTS), ZMQ_POLLIN);
    CHECK_RECV (req, "reply");
    CHECK_ERR (zmq_recv (req, NULL, 0, 0), EFSM);
    CHECK_INT (int_option (req, ZMQ_EVENTS), ZMQ_POLLOUT);
}

STORY_ON_EACH_TRANSPORT (in_the_midst_of_a_message_is_efsm_too)
{
    void *rep, *req;
    join_sockets (transport, ZMQ_REP, &rep, ZMQ_REQ, &req);
    CHECK_INT (zmq_send (req, "a", 1, ZMQ_SNDMORE), 1);
    CHECK_ERR (zmq_recv (req, NULL, 0, 0), EFSM);
    CHECK_INT (zmq_send (req, "b", 1, 0), 1);
    char c;
    CHECK_INT (zmq_recv (rep, &c, 1, 0), 1);
    CHECK_INT (c, 'a');
    CHECK_ERR (zmq_send (rep, "early", 5, 0), EFSM);
    CHECK_INT (int_option (rep, ZMQ_RCVMORE), 1);
    CHECK_INT (zmq_recv (rep, &c, 1, 0), 1);
    CHECK_INT (c, 'b');
    CHECK_INT (int_option (rep, ZMQ_RCVMORE), 0);
    CHECK_INT (zmq_send (rep, "c", 1, ZMQ_SNDMORE), 1);
    CHECK_ERR (zmq_recv (rep, NULL, 0, 0), EFSM);
    CHECK_INT (zmq_send (rep, "d", 1, 0), 1);
    CHECK_INT (zmq_recv (req, &c, 1, 0), 1);
    CHECK_ERR (zmq_send (req, "early", 5, 0), EFSM);
    CHECK_INT (zmq_recv (req, &c, 1, 0), 1);
    CHECK_INT (c, 'd');
    SEND (req, "next");
    CHECK_RECV (rep, "next");
}

STORY_ON_EACH_TRANSPORT (a_request_starts_with_an_empty_frame)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (zmq_setsockopt (req, ZMQ_ROUTING_ID, "R", 1));
    CHECK_OK (zmq_connect (req, endpoint));
    SEND (req, "ask|b");
    CHECK_RECV (router, "R||ask|b");
    SEND (router, "R||answer|c");
    CHECK_RECV (req, "answer|c");
}

STORY_ON_EACH_TRANSPORT (a_dealer_talks_to_rep_with_the_empty_frame)
{
    void *rep, *dealer;
    join_sockets (transport, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    SEND (dealer, "|one");
    SEND (dealer, "|two|parts");
    CHECK_RECV (rep, "one");
    SEND (rep, "1|x");
    CHECK_RECV (rep, "two|parts");
    SEND (rep, "2");
    CHECK_RECV (dealer, "|1|x");
    CHECK_RECV (dealer, "|2");
}

STORY_ON_EACH_TRANSPORT (rep_keeps_all_of_the_envelope)
{
    void *rep, *dealer;
    join_sockets (transport, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    SEND (dealer, "hop 1|hop 2|hop 3||body|more");
    CHECK_RECV (rep, "body|more");
    SEND (rep, "answer");
    CHECK_RECV (dealer, "hop 1|hop 2|hop 3||answer");
    /* Only the first empty frame ends the envelope. */
    SEND (dealer, "hop|||body");
    CHECK_RECV (rep, "|body");
    SEND (rep, "|answer");
    CHECK_RECV (dealer, "hop|||answer");
}

STORY_ON_EACH_TRANSPORT (rep_ignores_a_request_without_the_empty_frame)
{
    void *rep, *dealer;
    join_sockets (transport, ZMQ_REP, &rep, ZMQ_DEALER, &dealer);
    SEND (dealer, "no delimiter");
    SEND (dealer, "no|delimiter|either");
    SEND (dealer, "|good");
    CHECK_RECV (rep, "good");
    SEND (rep, "answer");
    CHECK_RECV (dealer, "|answer");
    CHECK_EMPTY (dealer);
}

STORY_ON_EACH_TRANSPORT (req_ignores_a_reply_without_the_empty_frame)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (zmq_setsockopt (req, ZMQ_ROUTING_ID, "R", 1));
    CHECK_OK (zmq_connect (req, endpoint));
    SEND (req, "ask");
    CHECK_RECV (router, "R||ask");
    SEND (router, "R||good");
    CHECK_RECV (req, "good");
}

/* A ROUTER that sends all back, as a proxy does, sends the probe back, too. */
STORY_ON_EACH_TRANSPORT (req_passes_over_its_own_probe)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (zmq_setsockopt (req, ZMQ_ROUTING_ID, "R", 1));
    CHECK_OK (set_int (req, ZMQ_PROBE_ROUTER, 1));
    CHECK_OK (zmq_connect (req, endpoint));
    CHECK_RECV (router, "R|");
    SEND (router, "R|");
    /* libzmq closes the connection, and does not try again. */
    if (on_oracle () && transport != INPROC)
        return;
    SEND (req, "ask");
    CHECK_RECV (router, "R||ask");
    SEND (router, "R||answer");
    CHECK_RECV (req, "answer");
}

STORY_ON_EACH_TRANSPORT (a_request_amid_which_the_peer_leaves_is_out)
{
    void *rep, *req;
    join_sockets (transport, ZMQ_REP, &rep, ZMQ_REQ, &req);
    CHECK_INT (zmq_send (req, "a", 1, ZMQ_SNDMORE), 1);
    close_socket (rep);
    settle (req);
    CHECK_INT (zmq_send (req, "b", 1, 0), 1);
    /* libzmq's may not have noticed. */
    if (on_oracle () && transport == INPROC)
        return;
    CHECK_ERR (zmq_send (req, "c", 1, ZMQ_DONTWAIT), EFSM);
    CHECK_ERR (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
}

/* What came in before the next question is no answer to it. */
STORY_ON_EACH_TRANSPORT (req_drops_replies_that_nobody_waits_for)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (zmq_setsockopt (req, ZMQ_ROUTING_ID, "R", 1));
    CHECK_OK (zmq_connect (req, endpoint));
    SEND (req, "ask");
    CHECK_RECV (router, "R||ask");
    SEND (router, "R||first");
    SEND (router, "R||second");
    CHECK_RECV (req, "first");
    SEND (req, "next");
    CHECK_RECV (router, "R||next");
    SEND (router, "R||third");
    const char *text = recv_text (req, 0);
    REQUIRE (text);
    /* Over the network the second may come after the next question. */
    CHECK (!strcmp (text, "third")
           || (transport != INPROC && !strcmp (text, "second")));
}

STORY_ON_EACH_TRANSPORT (correlated_requests_carry_a_number)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (zmq_setsockopt (req, ZMQ_ROUTING_ID, "R", 1));
    CHECK_OK (set_int (req, ZMQ_REQ_CORRELATE, 1));
    CHECK_OK (zmq_connect (req, endpoint));
    unsigned char id[2][8];
    for (int i = 0; i < 2; i++) {
        char frame[16];
        SEND (req, "ask");
        CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 1);
        CHECK_INT (zmq_recv (router, id[i], 8, 0), 4);
        CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 0);
        CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 3);
        CHECK_INT (int_option (router, ZMQ_RCVMORE), 0);
        /* A stale answer is passed over. */
        unsigned char wrong[4] = {1, 2, 3, 4};
        zmq_send (router, "R", 1, ZMQ_SNDMORE);
        zmq_send (router, wrong, 4, ZMQ_SNDMORE);
        zmq_send (router, "", 0, ZMQ_SNDMORE);
        zmq_send (router, "stale", 5, 0);
        zmq_send (router, "R", 1, ZMQ_SNDMORE);
        zmq_send (router, id[i], 4, ZMQ_SNDMORE);
        zmq_send (router, "", 0, ZMQ_SNDMORE);
        zmq_send (router, "right", 5, 0);
        CHECK_RECV (req, "right");
    }
    CHECK (memcmp (id[0], id[1], 4) != 0);
    uint32_t first, second;
    memcpy (&first, id[0], 4);
    memcpy (&second, id[1], 4);
    CHECK_INT (second - first, 1);
}

STORY_ON_EACH_TRANSPORT (correlated_req_and_rep_work_together)
{
    const char *endpoint;
    void *rep = bound_socket (ZMQ_REP, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (set_int (req, ZMQ_REQ_CORRELATE, 1));
    CHECK_OK (set_int (req, ZMQ_REQ_RELAXED, 1));
    CHECK_OK (zmq_connect (req, endpoint));
    for (int i = 0; i < 20; i++) {
        SEND (req, "a|b");
        CHECK_RECV (rep, "a|b");
        SEND (rep, "c|d");
        CHECK_RECV (req, "c|d");
    }
}

STORY_ON_EACH_TRANSPORT (a_relaxed_req_may_ask_again)
{
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (zmq_setsockopt (req, ZMQ_ROUTING_ID, "R", 1));
    CHECK_OK (set_int (router, ZMQ_ROUTER_HANDOVER, 1));
    CHECK_OK (set_int (req, ZMQ_REQ_RELAXED, 1));
    CHECK_OK (set_int (req, ZMQ_REQ_CORRELATE, 1));
    CHECK_OK (zmq_connect (req, endpoint));
    char frame[16];
    unsigned char id[3][4];
    for (int i = 0; i < 3; i++) {
        SEND (req, "ask");
        if (i == 0) {
            CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 1);
            CHECK_INT (zmq_recv (router, id[i], 4, 0), 4);
            CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 0);
            CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 3);
        }
    }
    CHECK_INT (int_option (req, ZMQ_EVENTS) & ZMQ_POLLIN, 0);
}

STORY_ON_EACH_TRANSPORT (a_relaxed_req_gets_the_answer_to_its_last_question)
{
    enum { N = 3 };
    void *rep[N], *req = open_socket (ZMQ_REQ);
    CHECK_OK (set_int (req, ZMQ_REQ_RELAXED, 1));
    CHECK_OK (set_int (req, ZMQ_REQ_CORRELATE, 1));
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        rep[i] = bound_socket (ZMQ_REP, transport, &endpoint);
        CHECK_OK (zmq_connect (req, endpoint));
    }
    /* Questions go round; each but the last stays without an answer. */
    for (int i = 0; i < N; i++) {
        char text[2] = {(char) ('0' + i), 0};
        SEND (req, text);
        CHECK_RECV (rep[i], text);
    }
    for (int i = 0; i < N; i++)
        send_text (rep[i], i == N - 1 ? "last" : "stale", 0);
    CHECK_RECV (req, "last");
    CHECK_ERR (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EFSM);
}

STORY_ON_EACH_TRANSPORT (req_asks_its_peers_in_turn)
{
    enum { N = 4 };
    void *rep[N], *req = open_socket (ZMQ_REQ);
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        rep[i] = bound_socket (ZMQ_REP, transport, &endpoint);
        CHECK_OK (zmq_connect (req, endpoint));
    }
    for (int i = 0; i < 5 * N; i++) {
        char text[2] = {(char) ('a' + i % N), 0};
        SEND (req, text);
        CHECK_RECV (rep[i % N], text);
        SEND (rep[i % N], text);
        CHECK_RECV (req, text);
    }
}

STORY_ON_EACH_TRANSPORT (rep_answers_whoever_asked)
{
    enum { N = 20, ROUNDS = 20 };
    const char *endpoint;
    void *rep = bound_socket (ZMQ_REP, transport, &endpoint), *req[N];
    for (int i = 0; i < N; i++)
        req[i] = connected_socket (ZMQ_REQ, endpoint);
    int good = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char text[32];
        for (int i = 0; i < N; i++) {
            snprintf (text, sizeof text, "%d-%d", i, round);
            SEND (req[i], text);
        }
        for (int i = 0; i < N; i++) {
            const char *asked = recv_text (rep, 0);
            REQUIRE (asked);
            SEND (rep, asked);
        }
        for (int i = 0; i < N; i++) {
            snprintf (text, sizeof text, "%d-%d", i, round);
            const char *got = recv_text (req[i], 0);
            good += got && strcmp (got, text) == 0;
        }
    }
    CHECK_INT (good, N * ROUNDS);
}

STORY (rep_serves_its_clients_fairly)
{
    enum { N = 3, EACH = 10 };
    const char *endpoint;
    void *rep = bound_socket (ZMQ_REP, INPROC, &endpoint), *dealer[N];
    for (int i = 0; i < N; i++) {
        char text[3] = {'|', (char) ('A' + i), 0};
        dealer[i] = connected_socket (ZMQ_DEALER, endpoint);
        for (int j = 0; j < EACH; j++)
            SEND (dealer[i], text);
    }
    char order[N * EACH];
    for (int i = 0; i < N * EACH; i++) {
        const char *text = recv_text (rep, 0);
        REQUIRE (text);
        order[i] = text[0];
        SEND (rep, text);
    }
    for (int i = 0; i + N < N * EACH; i++)
        CHECK_INT (order[i + N], order[i]);
    for (int i = 0; i < N; i++)
        CHECK_INT (drain (dealer[i]), EACH);
}

STORY_ON_EACH_TRANSPORT (answering_a_peer_that_left_drops_the_answer)
{
    const char *endpoint;
    void *rep = bound_socket (ZMQ_REP, transport, &endpoint);
    for (int i = 0; i < 5; i++) {
        void *leaver = connected_socket (ZMQ_REQ, endpoint);
        SEND (leaver, "ask");
        CHECK_RECV (rep, "ask");
        close_socket (leaver);
        settle (rep);
        SEND (rep, "to nobody|at all");
    }
    void *req = connected_socket (ZMQ_REQ, endpoint);
    SEND (req, "ask");
    CHECK_RECV (rep, "ask");
    SEND (rep, "answer");
    CHECK_RECV (req, "answer");
}

STORY_ON_NETWORK_TRANSPORTS (req_waits_on_when_its_peer_dies_after_the_request)
{
    const char *endpoint;
    void *rep = bound_socket (ZMQ_REP, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (set_int (req, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (req, endpoint));
    SEND (req, "ask");
    CHECK_RECV (rep, "ask");
    close_socket (rep);
    rep = open_socket (ZMQ_REP);
    rebind (rep, endpoint);
    /* The request is not sent again, and the next one is out of turn. */
    CHECK_INT (wait_event (req, ZMQ_POLLIN, 150), 0);
    CHECK_ERR (zmq_send (req, "again", 5, 0), EFSM);
    CHECK_EMPTY (rep);
}

STORY_ON_NETWORK_TRANSPORTS (a_relaxed_req_asks_the_restarted_peer)
{
    const char *endpoint;
    void *rep = bound_socket (ZMQ_REP, transport, &endpoint);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (set_int (req, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (set_int (req, ZMQ_REQ_RELAXED, 1));
    CHECK_OK (set_int (req, ZMQ_REQ_CORRELATE, 1));
    CHECK_OK (zmq_connect (req, endpoint));
    SEND (req, "ask");
    CHECK_RECV (rep, "ask");
    close_socket (rep);
    rep = open_socket (ZMQ_REP);
    rebind (rep, endpoint);
    const char *text = NULL;
    for (long long end = now_ms () + WAIT_MS; !text && now_ms () < end;) {
        SEND (req, "again");
        if (wait_event (rep, ZMQ_POLLIN, 100))
            text = recv_text (rep, 0);
    }
    CHECK_STR (text ? text : "nothing", "again");
    SEND (rep, "answer");
    CHECK_RECV (req, "answer");
}

STORY_ON_NETWORK_TRANSPORTS (a_request_made_before_the_bind_is_answered)
{
    const char *endpoint = fresh_endpoint (transport);
    void *req = connected_socket (ZMQ_REQ, endpoint);
    SEND (req, "early");
    void *rep = open_socket (ZMQ_REP);
    CHECK_OK (zmq_bind (rep, endpoint));
    CHECK_RECV (rep, "early");
    SEND (rep, "answer");
    CHECK_RECV (req, "answer");
}

STORY_ON_EACH_TRANSPORT (a_router_dealer_broker_is_transparent)
{
    enum { N = 3 };
    const char *front, *back;
    void *router = bound_socket (ZMQ_ROUTER, transport, &front);
    void *dealer = bound_socket (ZMQ_DEALER, transport, &back);
    void *req[N], *rep = connected_socket (ZMQ_REP, back);
    for (int i = 0; i < N; i++) {
        char text[2] = {(char) ('0' + i), 0};
        req[i] = connected_socket (ZMQ_REQ, front);
        SEND (req[i], text);
    }
    for (int i = 0; i < N; i++) {
        for (int way = 0; way < 2; way++) {
            void *from = way ? dealer : router, *to = way ? router : dealer;
            int more;
            if (way) {
                const char *text = recv_text (rep, 0);
                REQUIRE (text);
                SEND (rep, text);
            }
            do {
                zmq_msg_t part;
                zmq_msg_init (&part);
                REQUIRE (zmq_msg_recv (&part, from, 0) >= 0);
                more = zmq_msg_more (&part);
                REQUIRE (zmq_msg_send (&part, to, more ? ZMQ_SNDMORE : 0) >= 0);
            } while (more);
        }
    }
    for (int i = 0; i < N; i++) {
        char text[2] = {(char) ('0' + i), 0};
        CHECK_RECV (req[i], text);
    }
}

STORY (relaxed_gives_the_old_request_up_even_without_a_peer)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *req = open_socket (ZMQ_REQ);
    CHECK_OK (set_int (req, ZMQ_REQ_RELAXED, 1));
    CHECK_OK (zmq_connect (req, endpoint));
    SEND (req, "old");
    CHECK_ERR (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_disconnect (req, endpoint));
    CHECK_ERR (zmq_send (req, "new", 3, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERR (zmq_recv (req, NULL, 0, ZMQ_DONTWAIT), EFSM);
}

MAIN
