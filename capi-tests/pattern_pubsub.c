/* PUB and SUB (RFC 29): filtering, joining, dropping. */
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
    void *xpub, *sub;
    join_sockets (transport, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
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
    void *pub, *sub;
    join_sockets (INPROC, ZMQ_PUB, &pub, ZMQ_SUB, &sub);
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
    void *pub, *sub;
    join_sockets (INPROC, ZMQ_PUB, &pub, ZMQ_SUB, &sub);
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
    void *pub, *sub;
    join_sockets (INPROC, ZMQ_PUB, &pub, ZMQ_SUB, &sub);
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
    CHECK (ends_with (sub, pub, 99));
    CHECK_EMPTY (sub);
}

MAIN
