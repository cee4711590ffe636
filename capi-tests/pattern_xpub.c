/* XPUB and XSUB (RFC 29): subscriptions seen, passed on, and sent again. */
#include "sockets.h"

static int subscribe (void *sub, const char *topic)
{
    return zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, strlen (topic));
}

static int unsubscribe (void *sub, const char *topic)
{
    return zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, topic, strlen (topic));
}

STORY (unsubscribing_what_was_not_subscribed_does_nothing)
{
    void *xpub, *sub;
    join_sockets (INPROC, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    CHECK_OK (unsubscribe (sub, "never"));
    CHECK_OK (unsubscribe (sub, ""));
    CHECK_OK (subscribe (sub, "x"));
    CHECK_OK (unsubscribe (sub, "xy"));
    CHECK_RECV (xpub, "%01x");
    CHECK_EMPTY (xpub);
    SEND (xpub, "x");
    CHECK_RECV (sub, "x");
}

STORY_ON_EACH_TRANSPORT (subscriptions_made_before_connecting_count)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = open_socket (ZMQ_SUB);
    CHECK_OK (subscribe (sub, "b"));
    CHECK_OK (subscribe (sub, "a"));
    CHECK_OK (zmq_connect (sub, endpoint));
    const char *first = recv_text (xpub, 0), *second = recv_text (xpub, 0);
    REQUIRE (first && second);
    CHECK ((!strcmp (first, "%01a") && !strcmp (second, "%01b"))
           || (!strcmp (first, "%01b") && !strcmp (second, "%01a")));
    SEND (xpub, "a1");
    SEND (xpub, "c");
    SEND (xpub, "b1");
    CHECK_RECV (sub, "a1");
    CHECK_RECV (sub, "b1");
}

STORY_ON_EACH_TRANSPORT (what_came_twice_is_sent_on_to_all)
{
    enum { N = 2, SIZE = 8000 };
    static char body[SIZE], got[SIZE];
    void *xpub = open_socket (ZMQ_XPUB), *xsub = open_socket (ZMQ_XSUB);
    set_int (xpub, ZMQ_XPUB_VERBOSE, 1);
    for (int i = 0; i < N; i++) {
        const char *endpoint = fresh_endpoint (transport);
        CHECK_OK (zmq_bind (xpub, endpoint));
        CHECK_OK (zmq_connect (xsub, endpoint));
    }
    /* libzmq frees the body too early. */
    if (on_oracle () && transport == INPROC)
        return;
    SEND (xsub, "%01");
    for (int i = 0; i < N; i++)
        CHECK_RECV (xpub, "%01");
    memset (body, 'a', SIZE);
    CHECK_INT (zmq_send (xsub, body, SIZE, 0), SIZE);
    for (int i = 0; i < N; i++) {
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_INT (zmq_msg_recv (&msg, xpub, 0), SIZE);
        CHECK_INT (zmq_msg_send (&msg, xpub, 0), SIZE);
    }
    for (int i = 0; i < N * N; i++) {
        CHECK_INT (zmq_recv (xsub, got, SIZE, 0), SIZE);
        CHECK (memcmp (got, body, SIZE) == 0);
    }
}

STORY_ON_EACH_TRANSPORT (xpub_sees_each_topic_come_and_go_once)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *a = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (a, "topic"));
    CHECK_RECV (xpub, "%01topic");
    void *b = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (b, "topic"));
    CHECK_OK (subscribe (b, "other"));
    CHECK_RECV (xpub, "%01other");
    /* Again by the same: not even sent. */
    CHECK_OK (subscribe (a, "topic"));
    CHECK_OK (unsubscribe (a, "topic"));
    CHECK_OK (unsubscribe (a, "topic"));
    CHECK_OK (subscribe (a, "mark"));
    CHECK_RECV (xpub, "%01mark");
    CHECK_OK (unsubscribe (b, "topic"));
    CHECK_RECV (xpub, "%00topic");
    CHECK_OK (subscribe (b, ""));
    CHECK_RECV (xpub, "%01");
    CHECK_OK (unsubscribe (b, ""));
    CHECK_RECV (xpub, "%00");
    CHECK_EMPTY (xpub);
}

STORY_ON_EACH_TRANSPORT (a_leaving_subscriber_unsubscribes)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *a = connected_socket (ZMQ_SUB, endpoint);
    void *b = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (a, "only a"));
    CHECK_RECV (xpub, "%01only a");
    CHECK_OK (subscribe (a, "shared"));
    CHECK_RECV (xpub, "%01shared");
    CHECK_OK (subscribe (b, "shared"));
    CHECK_OK (subscribe (b, "mark"));
    CHECK_RECV (xpub, "%01mark");
    close_socket (a);
    CHECK_RECV (xpub, "%00only a");
    CHECK_OK (unsubscribe (b, "mark"));
    CHECK_RECV (xpub, "%00mark");
    SEND (xpub, "shared");
    CHECK_RECV (b, "shared");
    close_socket (b);
    CHECK_RECV (xpub, "%00shared");
    CHECK_EMPTY (xpub);
}

STORY_ON_EACH_TRANSPORT (disconnecting_unsubscribes)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (sub, "t"));
    CHECK_RECV (xpub, "%01t");
    CHECK_OK (zmq_disconnect (sub, endpoint));
    CHECK_RECV_BESIDE (xpub, sub, "%00t");
    /* The subscription stays with the socket. */
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_RECV (xpub, "%01t");
    SEND (xpub, "t");
    CHECK_RECV (sub, "t");
}

STORY_ON_EACH_TRANSPORT (verbose_passes_every_subscription)
{
    const char *endpoint;
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_VERBOSE, 1));
    endpoint = bind_any (xpub, transport);
    void *a = connected_socket (ZMQ_SUB, endpoint);
    void *b = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (a, "t"));
    CHECK_RECV (xpub, "%01t");
    CHECK_OK (subscribe (b, "t"));
    CHECK_RECV (xpub, "%01t");
    /* But not every end of one. */
    CHECK_OK (unsubscribe (a, "t"));
    CHECK_OK (subscribe (a, "mark"));
    CHECK_RECV (xpub, "%01mark");
    CHECK_OK (unsubscribe (b, "t"));
    CHECK_RECV (xpub, "%00t");
    CHECK_EMPTY (xpub);
}

STORY_ON_EACH_TRANSPORT (verboser_passes_every_end_too)
{
    const char *endpoint;
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_VERBOSER, 1));
    endpoint = bind_any (xpub, transport);
    void *a = connected_socket (ZMQ_SUB, endpoint);
    void *b = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (a, "t"));
    CHECK_RECV (xpub, "%01t");
    CHECK_OK (subscribe (b, "t"));
    CHECK_RECV (xpub, "%01t");
    CHECK_OK (unsubscribe (a, "t"));
    CHECK_RECV (xpub, "%00t");
    CHECK_OK (unsubscribe (b, "t"));
    CHECK_RECV (xpub, "%00t");
    CHECK_EMPTY (xpub);
}

STORY_ON_EACH_TRANSPORT (xsub_subscribes_by_messages)
{
    void *xpub, *xsub;
    join_sockets (transport, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    SEND (xsub, "%01A");
    CHECK_RECV (xpub, "%01A");
    SEND (xpub, "B");
    SEND (xpub, "A|more");
    CHECK_RECV (xsub, "A|more");
    SEND (xsub, "%00A");
    CHECK_RECV (xpub, "%00A");
    SEND (xpub, "A");
    SEND (xsub, "%01end");
    CHECK_RECV (xpub, "%01end");
    SEND (xpub, "end");
    CHECK_RECV (xsub, "end");
    CHECK_EMPTY (xsub);
}

STORY_ON_EACH_TRANSPORT (xsub_may_send_user_messages_upstream)
{
    void *xpub, *xsub;
    join_sockets (transport, ZMQ_XPUB, &xpub, ZMQ_XSUB, &xsub);
    SEND (xsub, "%01t");
    CHECK_RECV (xpub, "%01t");
    SEND (xsub, "hello");
    CHECK_RECV (xpub, "hello");
    SEND (xsub, "%02x|%01part");
    CHECK_RECV (xpub, "%02x|%01part");
    SEND (xsub, "");
    CHECK_RECV (xpub, "");
    /* A later frame that looks like a subscription is one all the same. */
    SEND (xpub, "part");
    CHECK_RECV (xsub, "part");
    SEND (xpub, "x");
    SEND (xpub, "t");
    CHECK_RECV (xsub, "t");
    CHECK_EMPTY (xsub);
}

STORY_ON_EACH_TRANSPORT (subscriptions_cross_a_forwarder)
{
    const char *front, *back;
    void *xsub = bound_socket (ZMQ_XSUB, transport, &front);
    void *xpub = bound_socket (ZMQ_XPUB, transport, &back);
    void *pub = connected_socket (ZMQ_XPUB, front);
    void *sub = connected_socket (ZMQ_SUB, back);
    CHECK_OK (subscribe (sub, "news"));
    const char *text = recv_text (xpub, 0);
    REQUIRE (text);
    CHECK_STR (text, "%01news");
    SEND (xsub, text);
    CHECK_RECV (pub, "%01news");
    SEND (pub, "old");
    SEND (pub, "news|x");
    CHECK_RECV (xsub, "news|x");
    SEND (xpub, "news|x");
    CHECK_RECV (sub, "news|x");
    CHECK_OK (unsubscribe (sub, "news"));
    CHECK_RECV (xpub, "%00news");
    SEND (xsub, "%00news");
    CHECK_RECV (pub, "%00news");
}

STORY_ON_EACH_TRANSPORT (xsub_that_connects_later_sends_what_it_wants)
{
    void *xsub = open_socket (ZMQ_XSUB);
    SEND (xsub, "%01a");
    SEND (xsub, "%01b");
    SEND (xsub, "%00a");
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    CHECK_OK (zmq_connect (xsub, endpoint));
    CHECK_RECV (xpub, "%01b");
    SEND (xsub, "end");
    CHECK_RECV (xpub, "end");
    SEND (xpub, "a");
    SEND (xpub, "b");
    CHECK_RECV (xsub, "b");
}

STORY_ON_NETWORK_TRANSPORTS (subscriptions_are_sent_again_to_a_restarted_publisher)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (sub, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_OK (subscribe (sub, "keep"));
    CHECK_OK (subscribe (sub, "gone"));
    CHECK_RECV (xpub, "%01keep");
    CHECK_RECV (xpub, "%01gone");
    CHECK_OK (unsubscribe (sub, "gone"));
    CHECK_RECV (xpub, "%00gone");
    for (int restart = 0; restart < 3; restart++) {
        close_socket (xpub);
        xpub = open_socket (ZMQ_XPUB);
        rebind (xpub, endpoint);
        CHECK_RECV_BESIDE (xpub, sub, "%01keep");
        SEND (xpub, "gone");
        SEND (xpub, "keep it");
        CHECK_RECV (sub, "keep it");
    }
    CHECK_EMPTY (xpub);
}

STORY_ON_NETWORK_TRANSPORTS (subscriptions_made_while_away_reach_the_publisher)
{
    void *sub = open_socket (ZMQ_SUB);
    const char *endpoint = fresh_endpoint (transport);
    CHECK_OK (set_int (sub, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_OK (subscribe (sub, "a"));
    CHECK_OK (subscribe (sub, "b"));
    CHECK_OK (unsubscribe (sub, "a"));
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (zmq_bind (xpub, endpoint));
    int wants_b = 0;
    while (!wants_b) {
        const char *text = recv_text (xpub, 0);
        REQUIRE (text);
        wants_b = strcmp (text, "%01b") == 0;
    }
    SEND (xpub, "a");
    SEND (xpub, "b");
    CHECK_RECV (sub, "b");
}

STORY_ON_EACH_TRANSPORT (ten_thousand_subscriptions)
{
    enum { N = 10000 };
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = open_socket (ZMQ_SUB);
    char topic[32];
    /* Made before connecting, so that none waits in a full pipe. */
    CHECK_OK (set_int (xpub, ZMQ_RCVHWM, 0));
    CHECK_OK (set_int (sub, ZMQ_SNDHWM, 0));
    for (int i = 0; i < N; i++) {
        snprintf (topic, sizeof topic, "topic-%d.", i);
        MUST (subscribe (sub, topic) == 0);
    }
    CHECK_OK (zmq_connect (sub, endpoint));
    static char seen[N];
    int distinct = 0;
    for (int i = 0; i < N; i++) {
        const char *text = recv_text (xpub, 0);
        int number = -1;
        REQUIRE (text && sscanf (text, "%%01topic-%d.", &number) == 1);
        REQUIRE (number >= 0 && number < N);
        distinct += !seen[number]++;
    }
    CHECK_INT (distinct, N);
    for (int i = 0; i < N; i += 97) {
        snprintf (topic, sizeof topic, "topic-%d", i);
        SEND (xpub, topic);
        snprintf (topic, sizeof topic, "topic-%d.x", i);
        SEND (xpub, topic);
        CHECK_RECV (sub, topic);
    }
    for (int i = 0; i < N; i++) {
        snprintf (topic, sizeof topic, "topic-%d.", i);
        MUST (unsubscribe (sub, topic) == 0);
    }
    int ended = 0;
    for (int i = 0; i < N; i++) {
        const char *text = recv_text (xpub, 0);
        ended += text && strncmp (text, "%00topic-", 9) == 0;
    }
    CHECK_INT (ended, N);
    SEND (xpub, "topic-5.");
    CHECK_EMPTY (sub);
}

STORY_ON_EACH_TRANSPORT (a_topic_may_be_long)
{
    enum { SIZE = 100000 };
    static char topic[SIZE + 1];
    void *xpub, *sub;
    join_sockets (transport, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    memset (topic, 'x', sizeof topic);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, SIZE));
    static char got[SIZE + 2];
    CHECK_INT (zmq_recv (xpub, got, sizeof got, 0), SIZE + 1);
    CHECK_INT (got[0], 1);
    CHECK (memcmp (got + 1, topic, SIZE) == 0);
    CHECK_INT (zmq_send (xpub, topic, SIZE - 1, 0), SIZE - 1);
    CHECK_INT (zmq_send (xpub, topic, SIZE, 0), SIZE);
    CHECK_INT (zmq_recv (sub, got, sizeof got, 0), SIZE);
    CHECK_EMPTY (sub);
}

/* Over inproc; in a network it is chance. */
STORY (peers_that_leave_are_told_in_the_order_in_which_they_left)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, INPROC, &endpoint), *subs[3];
    static const char *const came[] = {"%01a", "%01b", "%01c"};
    static const char *const left[] = {"%00a", "%00b", "%00c"};
    for (int i = 0; i < 3; i++) {
        subs[i] = open_socket (ZMQ_SUB);
        CHECK_OK (zmq_setsockopt (subs[i], ZMQ_SUBSCRIBE, &"abc"[i], 1));
        CHECK_OK (zmq_connect (subs[i], endpoint));
        CHECK_RECV (xpub, came[i]);
    }
    for (int i = 0; i < 3; i++)
        CHECK_OK (zmq_disconnect (subs[i], endpoint));
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < 4; i++)
            settle (i < 3 ? subs[i] : xpub);
    for (int i = 0; i < 3; i++)
        CHECK_RECV (xpub, left[i]);
}

MAIN
