/* PUB, SUB, XPUB and XSUB (RFC 29): filtering, subscriptions, dropping. */
#include "sockets.h"

static int subscribe (void *sub, const char *topic)
{
    return zmq_setsockopt (sub, ZMQ_SUBSCRIBE, topic, strlen (topic));
}

static int unsubscribe (void *sub, const char *topic)
{
    return zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, topic, strlen (topic));
}

/* Publishes something of this topic until each of the subscribers, who want
 * it, has had it; then nothing of it is left with them. */
static void sync_with (void *pub, void **subs, int count, const char *topic)
{
    char begin[64], end[64];
    int got[16] = {0}, waiting = count;
    snprintf (begin, sizeof begin, "%ssync", topic);
    snprintf (end, sizeof end, "%ssync-end", topic);
    while (waiting) {
        SEND (pub, begin);
        for (int i = 0; i < count; i++)
            if (wait_event (subs[i], ZMQ_POLLIN, 5) > 0 && drain (subs[i])
                && !got[i]++)
                waiting--;
    }
    SEND (pub, end);
    for (int i = 0; i < count; i++)
        for (const char *text = ""; text && strcmp (text, end);)
            text = recv_text (subs[i], 0);
}

/* A publisher and one subscriber to this topic, already joined. */
static void joined (enum transport transport, int pub_type, void **pub,
                    int sub_type, void **sub, const char *topic)
{
    const char *endpoint;
    *pub = bound_socket (pub_type, transport, &endpoint);
    *sub = connected_socket (sub_type, endpoint);
    if (sub_type == ZMQ_SUB)
        CHECK_OK (subscribe (*sub, topic));
    else {
        char text[64];
        snprintf (text, sizeof text, "%%01%s", topic);
        SEND (*sub, text);
    }
    sync_with (*pub, sub, 1, topic);
}

STORY_ON_EACH_TRANSPORT (a_topic_is_a_prefix_of_the_first_frame)
{
    void *pub, *sub;
    joined (transport, ZMQ_PUB, &pub, ZMQ_SUB, &sub, "ab");
    SEND (pub, "a");
    SEND (pub, "ab");
    SEND (pub, "b");
    SEND (pub, "abc");
    SEND (pub, "Ab");
    SEND (pub, "xab");
    SEND (pub, "ab|second|third");
    SEND (pub, "a|ab");
    SEND (pub, "abx");
    CHECK_RECV (sub, "ab");
    CHECK_RECV (sub, "abc");
    CHECK_RECV (sub, "ab|second|third");
    CHECK_RECV (sub, "abx");
    CHECK_EMPTY (sub);
}

STORY_ON_EACH_TRANSPORT (the_empty_topic_wants_all)
{
    void *pub, *sub;
    joined (transport, ZMQ_PUB, &pub, ZMQ_SUB, &sub, "");
    SEND (pub, "");
    SEND (pub, "|x");
    SEND (pub, "anything");
    SEND (pub, "%00");
    CHECK_RECV (sub, "");
    CHECK_RECV (sub, "|x");
    CHECK_RECV (sub, "anything");
    CHECK_RECV (sub, "%00");
}

STORY_ON_EACH_TRANSPORT (topics_may_hold_any_byte)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "\0\xff", 2));
    CHECK_RECV (xpub, "%01%00%FF");
    SEND (xpub, "%00");
    SEND (xpub, "%00%FE");
    SEND (xpub, "%00%FF");
    SEND (xpub, "%00%FFmore");
    CHECK_RECV (sub, "%00%FF");
    CHECK_RECV (sub, "%00%FFmore");
    CHECK_EMPTY (sub);
}

STORY (sub_gets_nothing_before_it_subscribes)
{
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, INPROC, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    SEND (pub, "early");
    CHECK_EMPTY (sub);
    CHECK_OK (subscribe (sub, ""));
    settle (pub);
    SEND (pub, "late");
    CHECK_RECV (sub, "late");
    CHECK_EMPTY (sub);
}

STORY_ON_EACH_TRANSPORT (a_message_matching_twice_comes_once)
{
    void *pub, *sub;
    joined (transport, ZMQ_PUB, &pub, ZMQ_SUB, &sub, "");
    CHECK_OK (subscribe (sub, "a"));
    CHECK_OK (subscribe (sub, "ab"));
    SEND (pub, "abc");
    SEND (pub, "end");
    CHECK_RECV (sub, "abc");
    CHECK_RECV (sub, "end");
    CHECK_EMPTY (sub);
}

/* Over inproc subscriptions are there at once. */
STORY (subscriptions_are_counted)
{
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, INPROC, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    for (int i = 0; i < 3; i++)
        CHECK_OK (subscribe (sub, "t"));
    for (int i = 0; i < 2; i++) {
        CHECK_OK (unsubscribe (sub, "t"));
        settle (pub);
        SEND (pub, "t");
        CHECK_RECV (sub, "t");
    }
    CHECK_OK (unsubscribe (sub, "t"));
    settle (pub);
    SEND (pub, "t");
    CHECK_EMPTY (sub);
}

STORY (unsubscribing_ends_that_topic_only)
{
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, INPROC, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (sub, "a"));
    CHECK_OK (subscribe (sub, "ab"));
    CHECK_OK (subscribe (sub, ""));
    CHECK_OK (unsubscribe (sub, ""));
    settle (pub);
    SEND (pub, "b");
    SEND (pub, "ab");
    CHECK_RECV (sub, "ab");
    CHECK_OK (unsubscribe (sub, "a"));
    settle (pub);
    SEND (pub, "a");
    SEND (pub, "abc");
    CHECK_RECV (sub, "abc");
    CHECK_OK (unsubscribe (sub, "ab"));
    settle (pub);
    SEND (pub, "abc");
    CHECK_EMPTY (sub);
}

STORY (unsubscribing_what_was_not_subscribed_does_nothing)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, INPROC, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (unsubscribe (sub, "never"));
    CHECK_OK (unsubscribe (sub, ""));
    CHECK_OK (subscribe (sub, "x"));
    CHECK_OK (unsubscribe (sub, "xy"));
    CHECK_RECV (xpub, "%01x");
    CHECK_EMPTY (xpub);
    SEND (xpub, "x");
    CHECK_RECV (sub, "x");
}

STORY (directions_are_one_way)
{
    void *pub = open_socket (ZMQ_PUB), *sub = open_socket (ZMQ_SUB);
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_ERR (zmq_recv (pub, NULL, 0, ZMQ_DONTWAIT), ENOTSUP);
    CHECK_ERR (zmq_recv (pub, NULL, 0, 0), ENOTSUP);
    CHECK_ERR (zmq_msg_recv (&msg, pub, 0), ENOTSUP);
    CHECK_ERR (zmq_send (sub, "", 0, ZMQ_DONTWAIT), ENOTSUP);
    CHECK_ERR (zmq_send (sub, "\1a", 2, 0), ENOTSUP);
    CHECK_ERR (zmq_msg_send (&msg, sub, 0), ENOTSUP);
    CHECK_INT (int_option (pub, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (int_option (sub, ZMQ_EVENTS), 0);
}

STORY (only_sub_takes_the_subscribe_options)
{
    static const int types[] = {ZMQ_PUB,  ZMQ_XPUB, ZMQ_PUSH, ZMQ_PULL,
                                ZMQ_PAIR, ZMQ_REQ,  ZMQ_REP,  ZMQ_DEALER,
                                ZMQ_ROUTER, ZMQ_XSUB};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *socket = open_socket (types[i]);
        CHECK_ERR (subscribe (socket, "a"), EINVAL);
        CHECK_ERR (unsubscribe (socket, "a"), EINVAL);
    }
}

STORY (publishing_never_blocks_without_subscribers)
{
    void *pub = open_socket (ZMQ_PUB), *xpub = open_socket (ZMQ_XPUB);
    const char *endpoint;
    CHECK_INT (send_numbered (pub, 0, 5000), 5000);
    CHECK_INT (send_numbered (xpub, 0, 5000), 5000);
    void *bound = bound_socket (ZMQ_PUB, TCP, &endpoint);
    CHECK_INT (send_numbered (bound, 0, 5000), 5000);
    CHECK_INT (int_option (bound, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (int_option (xpub, ZMQ_EVENTS), ZMQ_POLLOUT);
}

STORY (beyond_the_mark_messages_are_dropped)
{
    for (int type = 0; type < 2; type++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *pub = open_socket (type ? ZMQ_XPUB : ZMQ_PUB);
        void *sub = open_socket (ZMQ_SUB);
        CHECK_OK (set_int (pub, ZMQ_SNDHWM, 5));
        CHECK_OK (set_int (sub, ZMQ_RCVHWM, 6));
        CHECK_OK (zmq_bind (pub, endpoint));
        CHECK_OK (zmq_connect (sub, endpoint));
        CHECK_OK (subscribe (sub, ""));
        settle (pub);
        CHECK_INT (send_numbered (pub, 0, 50), 50);
        CHECK_INT (int_option (pub, ZMQ_EVENTS) & ZMQ_POLLOUT, ZMQ_POLLOUT);
        CHECK_INT (recv_numbered (sub, 0, 11), 11);
        CHECK_EMPTY (sub);
        /* What was dropped does not stop what comes later. */
        settle (pub);
        SEND (pub, "50");
        CHECK_RECV (sub, "50");
    }
}

STORY (a_full_subscriber_does_not_hinder_another)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *pub = open_socket (ZMQ_PUB), *slow = open_socket (ZMQ_SUB);
    void *fast = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (pub, ZMQ_SNDHWM, 2));
    CHECK_OK (set_int (slow, ZMQ_RCVHWM, 2));
    CHECK_OK (set_int (fast, ZMQ_RCVHWM, 1000));
    CHECK_OK (zmq_bind (pub, endpoint));
    CHECK_OK (zmq_connect (slow, endpoint));
    CHECK_OK (zmq_connect (fast, endpoint));
    CHECK_OK (subscribe (slow, ""));
    CHECK_OK (subscribe (fast, ""));
    settle (pub);
    CHECK_INT (send_numbered (pub, 0, 500), 500);
    CHECK_INT (recv_numbered (fast, 0, 500), 500);
    CHECK_INT (recv_numbered (slow, 0, 4), 4);
    CHECK_EMPTY (slow);
}

STORY (a_dropped_multipart_message_is_dropped_whole)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *pub = open_socket (ZMQ_PUB), *sub = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (pub, ZMQ_SNDHWM, 1));
    CHECK_OK (set_int (sub, ZMQ_RCVHWM, 1));
    CHECK_OK (zmq_bind (pub, endpoint));
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_OK (subscribe (sub, ""));
    for (int i = 0; i < 10; i++)
        SEND (pub, "one|two|three");
    CHECK_RECV (sub, "one|two|three");
    CHECK_RECV (sub, "one|two|three");
    CHECK_EMPTY (sub);
}

STORY_ON_EACH_TRANSPORT (a_late_joiner_gets_what_comes_after)
{
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, transport, &endpoint), *subs[2];
    subs[0] = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (subs[0], ""));
    sync_with (pub, subs, 1, "");
    CHECK_INT (send_numbered (pub, 0, 100), 100);
    subs[1] = connected_socket (ZMQ_SUB, endpoint);
    CHECK_INT (recv_numbered (subs[0], 0, 100), 100);
    CHECK_OK (subscribe (subs[1], ""));
    sync_with (pub, subs, 2, "");
    CHECK_INT (send_numbered (pub, 100, 100), 100);
    CHECK_INT (recv_numbered (subs[0], 100, 100), 100);
    CHECK_INT (recv_numbered (subs[1], 100, 100), 100);
}

STORY_ON_EACH_TRANSPORT (each_subscriber_gets_its_own_topics)
{
    enum { N = 5 };
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, transport, &endpoint), *subs[N];
    char topic[32];
    for (int i = 0; i < N; i++) {
        subs[i] = connected_socket (ZMQ_SUB, endpoint);
        snprintf (topic, sizeof topic, "t%d ", i);
        CHECK_OK (subscribe (subs[i], topic));
        sync_with (pub, &subs[i], 1, topic);
    }
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < N; i++) {
            snprintf (topic, sizeof topic, "t%d %d", i, round);
            MUST (send_text (pub, topic, 0) == 0);
        }
    for (int i = 0; i < N; i++) {
        int good = 0;
        for (int round = 0; round < 20; round++) {
            snprintf (topic, sizeof topic, "t%d %d", i, round);
            const char *got = recv_text (subs[i], 0);
            good += got && strcmp (got, topic) == 0;
        }
        CHECK_INT (good, 20);
        CHECK_EMPTY (subs[i]);
    }
}

STORY_ON_EACH_TRANSPORT (one_subscriber_may_follow_several_publishers)
{
    void *pub[3], *sub = open_socket (ZMQ_SUB);
    CHECK_OK (subscribe (sub, ""));
    for (int i = 0; i < 3; i++) {
        const char *endpoint;
        pub[i] = bound_socket (ZMQ_PUB, transport, &endpoint);
        CHECK_OK (zmq_connect (sub, endpoint));
        sync_with (pub[i], &sub, 1, "");
    }
    int count[3] = {0};
    for (int i = 0; i < 30; i++) {
        char text[2] = {(char) ('0' + i % 3), 0};
        SEND (pub[i % 3], text);
    }
    for (int i = 0; i < 30; i++) {
        const char *got = recv_text (sub, 0);
        REQUIRE (got && got[0] >= '0' && got[0] <= '2');
        count[got[0] - '0']++;
    }
    for (int i = 0; i < 3; i++)
        CHECK_INT (count[i], 10);
}

STORY_ON_EACH_TRANSPORT (a_publisher_may_connect_to_a_bound_subscriber)
{
    const char *endpoint;
    void *sub = bound_socket (ZMQ_SUB, transport, &endpoint);
    CHECK_OK (subscribe (sub, "x"));
    void *pub = connected_socket (ZMQ_PUB, endpoint);
    sync_with (pub, &sub, 1, "x");
    SEND (pub, "y");
    SEND (pub, "x1");
    CHECK_RECV (sub, "x1");
    CHECK_EMPTY (sub);
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
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
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
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
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

STORY_ON_EACH_TRANSPORT (pub_ignores_user_messages_from_xsub)
{
    void *pub, *xsub;
    joined (transport, ZMQ_PUB, &pub, ZMQ_XSUB, &xsub, "t");
    for (int i = 0; i < 100; i++)
        SEND (xsub, "nobody reads this");
    SEND (pub, "t");
    CHECK_RECV (xsub, "t");
    CHECK_INT (int_option (pub, ZMQ_EVENTS), ZMQ_POLLOUT);
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
        for (int tries = 0; zmq_bind (xpub, endpoint) != 0; tries++) {
            REQUIRE (errno == EADDRINUSE && tries < 1000);
            poll (NULL, 0, 10);
        }
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
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
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

STORY_ON_EACH_TRANSPORT (conflate_keeps_the_last)
{
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, transport, &endpoint);
    void *sub = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (sub, ZMQ_CONFLATE, 1));
    CHECK_OK (subscribe (sub, ""));
    CHECK_OK (zmq_connect (sub, endpoint));
    sync_with (pub, &sub, 1, "");
    for (int i = 0; i < 100; i++)
        MUST (send_numbered (pub, i, 1) == 1);
    int last = -1, ordered = 1;
    while (last != 99) {
        const char *text = recv_text (sub, 0);
        REQUIRE (text);
        ordered &= atoi (text) > last;
        last = atoi (text);
    }
    CHECK (ordered);
    CHECK_EMPTY (sub);
}

MAIN
