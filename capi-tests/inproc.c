/* inproc: what a connect before the bind knows of its peer, connects that have
 * ended, and whose options count. */
#include "sockets.h"

/* A socket that connects, and only then one that binds. */
static void meet_late (int connecter, int binder, const char *id, void **c, void **b)
{
    const char *endpoint = fresh_endpoint (INPROC);
    *c = open_socket (connecter);
    *b = open_socket (binder);
    if (id)
        MUST (zmq_setsockopt (*c, ZMQ_ROUTING_ID, id, strlen (id)) == 0);
    CHECK_OK (zmq_connect (*c, endpoint));
    CHECK_OK (zmq_bind (*b, endpoint));
}

STORY (req_and_rep_meet_when_the_connect_came_first)
{
    void *req, *rep;
    meet_late (ZMQ_REQ, ZMQ_REP, NULL, &req, &rep);
    SEND (req, "question");
    CHECK_RECV (rep, "question");
    SEND (rep, "answer");
    CHECK_RECV (req, "answer");
}

STORY (a_request_sent_before_the_bind_is_answered)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *req = open_socket (ZMQ_REQ), *rep = open_socket (ZMQ_REP);
    CHECK_OK (zmq_connect (req, endpoint));
    SEND (req, "early");
    CHECK_OK (zmq_bind (rep, endpoint));
    CHECK_RECV (rep, "early");
    SEND (rep, "answer");
    CHECK_RECV (req, "answer");
}

/* It is delivered at the bind, whatever ZMQ_LINGER says, and what comes after it is
 * what a peer is known by that has left. */
STORY (what_was_sent_before_the_bind_outlives_its_sender)
{
    static const int pairs[][2] = {{ZMQ_PUSH, ZMQ_PULL},     {ZMQ_DEALER, ZMQ_ROUTER},
                                   {ZMQ_PAIR, ZMQ_PAIR},     {ZMQ_REQ, ZMQ_REP},
                                   {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_REQ, ZMQ_ROUTER}};
    for (int linger = -1; linger < 1; linger++)
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
            const char *endpoint = fresh_endpoint (INPROC);
            void *early = open_socket (pairs[i][0]), *late = open_socket (pairs[i][1]);
            int routed = pairs[i][1] == ZMQ_ROUTER;
            CHECK_OK (set_int (early, ZMQ_LINGER, linger));
            if (routed)
                MUST (zmq_setsockopt (early, ZMQ_ROUTING_ID, "early", 5) == 0);
            CHECK_OK (zmq_connect (early, endpoint));
            SEND (early, "one|message");
            if (pairs[i][0] != ZMQ_REQ) {
                SEND (early, "another");
                CHECK_INT (zmq_send (early, "a part", 6, ZMQ_SNDMORE), 6);
            }
            close_socket (early);
            CHECK_OK (zmq_bind (late, endpoint));
            CHECK_RECV (late, !routed                   ? "one|message"
                              : pairs[i][0] == ZMQ_REQ ? "early||one|message"
                                                       : "early|one|message");
            if (pairs[i][0] != ZMQ_REQ)
                CHECK_RECV (late, routed ? "early|another" : "another");
            if (pairs[i][1] == ZMQ_REP)
                SEND (late, "to nobody");
            CHECK_EMPTY (late);
            close_socket (late);
        }
}

STORY (a_pair_hears_who_has_left_and_then_another)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *early = open_socket (ZMQ_PAIR), *late = open_socket (ZMQ_PAIR);
    CHECK_OK (zmq_connect (early, endpoint));
    SEND (early, "hello");
    close_socket (early);
    CHECK_OK (zmq_bind (late, endpoint));
    CHECK_RECV (late, "hello");
    settle (late);
    if (on_oracle ())
        return; /* which keeps the place */
    void *next = connected_socket (ZMQ_PAIR, endpoint);
    SEND (next, "me now");
    CHECK_RECV (late, "me now");
}

static int bodies_freed;

static void count_body (void *data, void *hint)
{
    (void) data;
    (void) hint;
    __atomic_add_fetch (&bodies_freed, 1, __ATOMIC_SEQ_CST);
}

TEST (what_waits_for_a_bind_in_vain_ends_with_the_context)
{
    static char bytes[100];
    void *ctx = zmq_ctx_new (), *push = zmq_socket (ctx, ZMQ_PUSH);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init_data (&message, bytes, sizeof bytes, count_body, NULL));
    CHECK_OK (zmq_connect (push, "inproc://nobody"));
    CHECK_INT (zmq_msg_send (&message, push, 0), sizeof bytes);
    CHECK_OK (zmq_close (push));
    CHECK_INT (__atomic_load_n (&bodies_freed, __ATOMIC_SEQ_CST), 0);
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK_INT (__atomic_load_n (&bodies_freed, __ATOMIC_SEQ_CST), 1);
}

/* libzmq has no places for further sockets long before. */
TEST (what_is_left_for_a_bind_is_bounded)
{
    if (on_oracle ())
        return;
    void *ctx = zmq_ctx_new ();
    int left = 0, refused = 0, received = 0;
    for (int n = 0; n < 10100; n++) {
        void *push = zmq_socket (ctx, ZMQ_PUSH);
        if (zmq_connect (push, "inproc://later") == 0)
            left += zmq_send (push, "x", 1, 0);
        else
            refused += errno == EMFILE;
        zmq_close (push);
    }
    CHECK_INT (left, 10000);
    CHECK_INT (refused, 100);
    void *pull = zmq_socket (ctx, ZMQ_PULL), *push = zmq_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_bind (pull, "inproc://later"));
    while (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT) == 1)
        received++;
    CHECK_INT (received, left);
    CHECK_OK (zmq_connect (push, "inproc://another"));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (ctx));
}

STORY (a_router_knows_who_connected_before_it_bound)
{
    void *dealer, *router;
    meet_late (ZMQ_DEALER, ZMQ_ROUTER, "name", &dealer, &router);
    SEND (dealer, "x");
    CHECK_RECV (router, "name|x");
    SEND (router, "name|y");
    CHECK_RECV (dealer, "y");
}

STORY (a_router_that_connects_before_the_bind_knows_its_peer)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *router = open_socket (ZMQ_ROUTER), *dealer = open_socket (ZMQ_DEALER);
    MUST (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "name", 4) == 0);
    CHECK_OK (zmq_connect (router, endpoint));
    CHECK_OK (zmq_bind (dealer, endpoint));
    settle (router);
    SEND (router, "name|x");
    CHECK_RECV (dealer, "x");
    SEND (dealer, "y");
    CHECK_RECV (router, "name|y");
}

STORY (two_routers_meet_late)
{
    void *one, *other;
    meet_late (ZMQ_ROUTER, ZMQ_ROUTER, "one", &one, &other);
    settle (other);
    SEND (other, "one|x");
    settle (one);
    const char *text = recv_text (one, 0);
    CHECK (text && strlen (text) > 2 && strcmp (text + strlen (text) - 2, "|x") == 0);
}

STORY (a_connect_whose_peer_has_left_cannot_be_ended)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *binder = open_socket (ZMQ_DEALER), *guest = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_bind (binder, endpoint));
    CHECK_OK (zmq_connect (guest, endpoint));
    SEND (binder, "x");
    CHECK_RECV (guest, "x");
    close_socket (binder);
    CHECK_BECOMES ((settle (guest), !(int_option (guest, ZMQ_EVENTS) & ZMQ_POLLOUT)));
    /* On the oracle this is so a moment later. */
    if (!on_oracle ())
        CHECK_ERR (zmq_disconnect (guest, endpoint), ENOENT);
}

STORY (a_connect_that_was_turned_away_cannot_be_ended)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *binder = open_socket (ZMQ_PAIR), *guest = open_socket (ZMQ_PAIR),
         *second = open_socket (ZMQ_PAIR);
    CHECK_OK (zmq_bind (binder, endpoint));
    CHECK_OK (zmq_connect (guest, endpoint));
    CHECK_OK (zmq_connect (second, endpoint));
    for (int i = 0; i < 3; i++) {
        settle (binder);
        settle (second);
    }
    CHECK_ERR (zmq_unbind (second, endpoint), ENOENT);
    CHECK_OK (zmq_unbind (guest, endpoint));
}

STORY (of_a_name_that_is_bound_and_connected_the_bind_ends_first)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *both = open_socket (ZMQ_DEALER), *binder = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_bind (binder, endpoint));
    CHECK_OK (zmq_connect (both, endpoint));
    CHECK_OK (zmq_unbind (binder, endpoint));
    CHECK_OK (zmq_bind (both, endpoint));
    CHECK_OK (zmq_unbind (both, endpoint));
    SEND (both, "still connected");
    CHECK_RECV (binder, "still connected");
    CHECK_OK (zmq_unbind (both, endpoint));
    CHECK_ERR (zmq_unbind (both, endpoint), ENOENT);
}

STORY (a_connect_that_ended_is_not_taken_for_another_peer_at_its_name)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *binder = open_socket (ZMQ_DEALER), *both = open_socket (ZMQ_DEALER),
         *guest = open_socket (ZMQ_DEALER);
    CHECK_OK (zmq_bind (binder, endpoint));
    CHECK_OK (zmq_connect (both, endpoint));
    close_socket (binder);
    CHECK_BECOMES ((settle (both), !(int_option (both, ZMQ_EVENTS) & ZMQ_POLLOUT)));
    CHECK_OK (zmq_bind (both, endpoint));
    CHECK_OK (zmq_connect (guest, endpoint));
    SEND (guest, "hello");
    CHECK_RECV (both, "hello");
    CHECK_OK (zmq_unbind (both, endpoint));
    CHECK_ERR (zmq_unbind (both, endpoint), ENOENT);
    SEND (both, "still there");
    CHECK_RECV (guest, "still there");
}

/* How many of three messages arrive. */
static int arriving (int conflate_binder, int conflate_guest)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *pull = open_socket (ZMQ_PULL), *push = open_socket (ZMQ_PUSH);
    MUST (set_int (pull, ZMQ_CONFLATE, conflate_binder) == 0);
    MUST (set_int (push, ZMQ_CONFLATE, conflate_guest) == 0);
    MUST (zmq_bind (pull, endpoint) == 0);
    MUST (zmq_connect (push, endpoint) == 0);
    for (int i = 0; i < 3; i++)
        SEND (push, "x");
    return drain (pull);
}

STORY (it_is_the_connecters_conflate_that_counts)
{
    CHECK_INT (arriving (0, 0), 3);
    CHECK_INT (arriving (0, 1), 1);
    CHECK_INT (arriving (1, 0), 3);
    CHECK_INT (arriving (1, 1), 1);
}

/* To see whether there is a message, a ROUTER or XSUB fetches one: it stays
 * when its connection goes. */
STORY (a_message_that_was_looked_at_survives_a_disconnect)
{
    static const int pairs[][2] = {{ZMQ_DEALER, ZMQ_ROUTER}, {ZMQ_XPUB, ZMQ_XSUB}};
    for (int i = 0; i < 2; i++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *sender = open_socket (pairs[i][0]), *guest = open_socket (pairs[i][1]);
        CHECK_OK (zmq_bind (sender, endpoint));
        CHECK_OK (zmq_connect (guest, endpoint));
        if (i == 1) {
            SEND (guest, "%01");
            CHECK_RECV (sender, "%01");
        }
        SEND (sender, "looked at");
        SEND (sender, "not looked at");
        AWAIT_IN (guest);
        CHECK_OK (zmq_disconnect (guest, endpoint));
        const char *text = recv_text (guest, ZMQ_DONTWAIT);
        CHECK (text && strstr (text, "looked at"));
        CHECK_EMPTY (guest);
    }
}

/* Whose turn it is does not change when a look fetched the first message. */
STORY (a_router_that_was_looked_at_keeps_its_order)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *router = open_socket (ZMQ_ROUTER), *guests[2];
    CHECK_OK (zmq_bind (router, endpoint));
    for (int i = 0; i < 2; i++) {
        guests[i] = open_socket (ZMQ_DEALER);
        MUST (zmq_setsockopt (guests[i], ZMQ_ROUTING_ID, i ? "b" : "a", 1) == 0);
        CHECK_OK (zmq_connect (guests[i], endpoint));
        settle (router);
    }
    SEND (guests[1], "1");
    settle (router);
    SEND (guests[1], "2");
    SEND (guests[0], "3");
    CHECK_RECV (router, "b|1");
    CHECK_RECV (router, "b|2");
    CHECK_RECV (router, "a|3");
}

MAIN
