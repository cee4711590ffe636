/* XSUB and SUB upstream: what they say on the wire, what counts as a
 * subscription, users' messages. */
#include "zmtp.h"

#ifndef ZMQ_ONLY_FIRST_SUBSCRIBE
#define ZMQ_ONLY_FIRST_SUBSCRIBE 108
#endif

static int subscribe (void *socket, const char *topic)
{
    return zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, strlen (topic));
}

static int unsubscribe (void *socket, const char *topic)
{
    return zmq_setsockopt (socket, ZMQ_UNSUBSCRIBE, topic, strlen (topic));
}

/* An XSUB and a publisher by hand. */
static void *by_hand (int minor, int *fd)
{
    char endpoint[64];
    int listener = peer_listen (endpoint);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
    *fd = peer_accept (listener, minor, "XPUB");
    close (listener);
    /* The connection is known to the socket when something has come. */
    peer_frame (*fd, 0, "ready");
    CHECK_RECV (xsub, "ready");
    return xsub;
}

STORY (subscriptions_by_hand_travel_as_they_were_written)
{
    for (int minor = 0; minor < 2; minor++) {
        int fd;
        void *xsub = by_hand (minor, &fd);
        SEND (xsub, "%01A");
        CHECK_FRAME (fd, "0:%01A");
        SEND (xsub, "u1|%01sub|%00sub|end");
        CHECK_FRAME (fd, "1:u1");
        CHECK_FRAME (fd, "1:%01sub");
        CHECK_FRAME (fd, "1:%00sub");
        CHECK_FRAME (fd, "0:end");
        SEND (xsub, "%01first|u2|%01second");
        CHECK_FRAME (fd, "1:%01first");
        CHECK_FRAME (fd, "1:u2");
        CHECK_FRAME (fd, "0:%01second");
        SEND (xsub, "hello");
        CHECK_FRAME (fd, "0:hello");
        SEND (xsub, "|%01z");
        CHECK_FRAME (fd, "1:");
        CHECK_FRAME (fd, "0:%01z");
        close (fd);
    }
}

STORY (subscriptions_by_hand_are_counted)
{
    int fd;
    void *xsub = by_hand (1, &fd);
    SEND (xsub, "%00never");
    SEND (xsub, "%01A");
    SEND (xsub, "%01A");
    SEND (xsub, "%00A");
    SEND (xsub, "%00A");
    SEND (xsub, "%00A");
    SEND (xsub, "end");
    CHECK_FRAME (fd, "0:%01A");
    CHECK_FRAME (fd, "0:%01A");
    CHECK_FRAME (fd, "0:%00A");
    CHECK_FRAME (fd, "0:end");
    close (fd);
}

STORY (an_end_nobody_is_to_know_is_left_out_of_its_message)
{
    int fd;
    void *xsub = by_hand (1, &fd);
    SEND (xsub, "h|%00unknown|t");
    CHECK_FRAME (fd, "1:h");
    CHECK_FRAME (fd, "0:t");
    SEND (xsub, "%00unknown|%01f");
    CHECK_FRAME (fd, "0:%01f");
    SEND (xsub, "%00unknown|%00unknown");
    SEND (xsub, "next");
    CHECK_FRAME (fd, "0:next");
    /* libzmq goes on with the next message here as if it were the same. */
    SEND (xsub, "h|%00unknown");
    SEND (xsub, "next");
    CHECK_FRAME (fd, "1:h");
    if (!on_oracle ())
        CHECK_FRAME (fd, "0:");
    CHECK_FRAME (fd, "0:next");
    close (fd);
}

STORY (options_and_reconnects_subscribe_by_command)
{
    char endpoint[64];
    int listener = peer_listen (endpoint);
    void *sub = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (sub, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (sub, endpoint));
    int fd = peer_accept (listener, 1, "PUB");
    CHECK_OK (subscribe (sub, "b"));
    CHECK_FRAME (fd, "4:%09SUBSCRIBEb");
    CHECK_OK (subscribe (sub, "b"));
    CHECK_FRAME (fd, "4:%09SUBSCRIBEb");
    CHECK_OK (subscribe (sub, ""));
    CHECK_FRAME (fd, "4:%09SUBSCRIBE");
    CHECK_OK (subscribe (sub, "ab"));
    CHECK_FRAME (fd, "4:%09SUBSCRIBEab");
    CHECK_OK (subscribe (sub, "gone"));
    CHECK_FRAME (fd, "4:%09SUBSCRIBEgone");
    CHECK_OK (unsubscribe (sub, "unknown"));
    CHECK_OK (unsubscribe (sub, "b"));
    CHECK_OK (unsubscribe (sub, "gone"));
    CHECK_FRAME (fd, "4:%06CANCELgone");
    close (fd);
    /* Told in the order of their bytes, each once. */
    while (settle (sub), poll (&(struct pollfd) {listener, POLLIN, 0}, 1, 5) == 0)
        ;
    fd = peer_accept (listener, 1, "PUB");
    peer_frame (fd, 0, "wake up");
    CHECK_RECV (sub, "wake up");
    settle (sub);
    CHECK_FRAME (fd, "4:%09SUBSCRIBE");
    CHECK_FRAME (fd, "4:%09SUBSCRIBEab");
    CHECK_FRAME (fd, "4:%09SUBSCRIBEb");
    CHECK_OK (unsubscribe (sub, "b"));
    CHECK_FRAME (fd, "4:%06CANCELb");
    close (fd);
    close (listener);
}

STORY (older_peers_get_messages)
{
    char endpoint[64];
    int listener = peer_listen (endpoint);
    void *sub = open_socket (ZMQ_SUB);
    CHECK_OK (subscribe (sub, "b"));
    CHECK_OK (zmq_connect (sub, endpoint));
    int fd = peer_accept (listener, 0, "PUB");
    CHECK_FRAME (fd, "0:%01b");
    CHECK_OK (unsubscribe (sub, "b"));
    CHECK_FRAME (fd, "0:%00b");
    CHECK_OK (subscribe (sub, ""));
    CHECK_FRAME (fd, "0:%01");
    close (fd);
    close (listener);
}

STORY (with_only_first_the_first_frame_decides)
{
    int fd;
    char endpoint[64];
    void *xsub = by_hand (1, &fd);
    CHECK_OK (set_int (xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1));
    SEND (xsub, "%01A");
    CHECK_FRAME (fd, "0:%01A");
    SEND (xsub, "u1|%01user|end");
    CHECK_FRAME (fd, "1:u1");
    CHECK_FRAME (fd, "1:%01user");
    CHECK_FRAME (fd, "0:end");
    SEND (xsub, "%01first|u2|%01second");
    CHECK_FRAME (fd, "1:%01first");
    CHECK_FRAME (fd, "1:u2");
    CHECK_FRAME (fd, "0:%01second");
    /* A user's frame, not the end of something unknown. */
    SEND (xsub, "h|%00unknown|t");
    CHECK_FRAME (fd, "1:h");
    CHECK_FRAME (fd, "1:%00unknown");
    CHECK_FRAME (fd, "0:t");
    SEND (xsub, "%00unknown|%01f");
    CHECK_FRAME (fd, "0:%01f");
    close (fd);
    /* What counted is what the next publisher is told. */
    int listener = peer_listen (endpoint);
    CHECK_OK (zmq_connect (xsub, endpoint));
    fd = peer_accept (listener, 1, "XPUB");
    peer_frame (fd, 0, "ready");
    CHECK_RECV (xsub, "ready");
    CHECK_FRAME (fd, "4:%09SUBSCRIBEA");
    CHECK_FRAME (fd, "4:%09SUBSCRIBEf");
    CHECK_FRAME (fd, "4:%09SUBSCRIBEfirst");
    CHECK_FRAME (fd, "4:%09SUBSCRIBEsecond");
    SEND (xsub, "end");
    CHECK_FRAME (fd, "0:end");
    close (fd);
    close (listener);
}

STORY_ON_EACH_TRANSPORT (subscriptions_amid_a_message_cut_it)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
    SEND (xsub, "u1|u2|%01sub|u3");
    CHECK_RECV (xpub, "u1|u2|%01sub");
    CHECK_RECV (xpub, "u3");
    SEND (xsub, "%01first|u2|%01second");
    CHECK_RECV (xpub, "%01first");
    CHECK_RECV (xpub, "u2|%01second");
    SEND (xsub, "%01x|%01y");
    CHECK_RECV (xpub, "%01x");
    CHECK_RECV (xpub, "%01y");
    SEND (xpub, "sub");
    SEND (xpub, "first");
    SEND (xpub, "second");
    SEND (xpub, "x");
    SEND (xpub, "u");
    SEND (xpub, "y");
    CHECK_RECV (xsub, "sub");
    CHECK_RECV (xsub, "first");
    CHECK_RECV (xsub, "second");
    CHECK_RECV (xsub, "x");
    CHECK_RECV (xsub, "y");
    CHECK_EMPTY (xsub);
}

STORY_ON_EACH_TRANSPORT (xsub_does_not_filter)
{
    const char *endpoint;
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL, 1));
    endpoint = bind_any (xpub, transport);
    void *xsub = open_socket (ZMQ_XSUB);
    CHECK_OK (set_int (xsub, ZMQ_INVERT_MATCHING, 1));
    CHECK_OK (zmq_connect (xsub, endpoint));
    SEND (xsub, "%01A");
    CHECK_RECV (xpub, "%01A");
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_SUBSCRIBE, "", 0));
    SEND (xpub, "A1");
    SEND (xpub, "B1|x");
    CHECK_RECV (xsub, "A1");
    CHECK_RECV (xsub, "B1|x");
}

STORY (a_subscription_amid_a_dropped_message_is_not_dropped)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *xpub = open_socket (ZMQ_XPUB), *xsub = open_socket (ZMQ_XSUB);
    CHECK_OK (set_int (xpub, ZMQ_RCVHWM, 1));
    CHECK_OK (set_int (xsub, ZMQ_SNDHWM, 1));
    CHECK_OK (zmq_bind (xpub, endpoint));
    CHECK_OK (zmq_connect (xsub, endpoint));
    for (int i = 0; i < 4; i++)
        SEND (xsub, "user");
    if (on_oracle ())
        return;
    SEND (xsub, "u|%01T|end");
    SEND (xsub, "%01U");
    CHECK_RECV (xpub, "user");
    CHECK_RECV (xpub, "user");
    CHECK_RECV (xpub, "%01T");
    CHECK_RECV (xpub, "%01U");
    CHECK_EMPTY (xpub);
    SEND (xpub, "T");
    SEND (xpub, "U");
    CHECK_RECV (xsub, "T");
    CHECK_RECV (xsub, "U");
}

STORY_ON_EACH_TRANSPORT (no_water_mark_drops_subscriptions)
{
    enum { N = 3000 };
    const char *endpoint;
    void *xpub = open_socket (ZMQ_XPUB), *xsub = open_socket (ZMQ_XSUB);
    int told = 0;
    if (on_oracle ())
        return;
    CHECK_OK (set_int (xpub, ZMQ_RCVHWM, 1));
    CHECK_OK (set_int (xsub, ZMQ_SNDHWM, 1));
    endpoint = bind_any (xpub, transport);
    CHECK_OK (zmq_connect (xsub, endpoint));
    for (int i = 0; i < N; i++) {
        char text[32];
        snprintf (text, sizeof text, "%%01%d.", i);
        MUST (send_text (xsub, text, 0) == 0);
    }
    for (int i = 0; i < N; i++)
        told += recv_text (xpub, 0) != NULL;
    CHECK_INT (told, N);
    SEND (xpub, "2999.");
    CHECK_RECV (xsub, "2999.");
}

STORY_ON_EACH_TRANSPORT (a_chain_of_forwarders_carries_subscriptions)
{
    enum { LINKS = 3 };
    const char *endpoint;
    void *pub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *fronts[LINKS], *backs[LINKS];
    for (int i = 0; i < LINKS; i++) {
        fronts[i] = connected_socket (ZMQ_XSUB, endpoint);
        backs[i] = bound_socket (ZMQ_XPUB, transport, &endpoint);
    }
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    const char *steps[] = {"%01news", "%01", "%00news"};
    CHECK_OK (subscribe (sub, "news"));
    for (int step = 0; step < 3; step++) {
        if (step == 1)
            CHECK_OK (subscribe (sub, ""));
        if (step == 2)
            CHECK_OK (unsubscribe (sub, "news"));
        for (int i = LINKS - 1; i >= 0; i--) {
            CHECK_RECV (backs[i], steps[step]);
            SEND (fronts[i], steps[step]);
        }
        CHECK_RECV (pub, steps[step]);
        SEND (pub, "news|a part");
        for (int i = 0; i < LINKS; i++) {
            CHECK_RECV (fronts[i], "news|a part");
            SEND (backs[i], "news|a part");
        }
        CHECK_RECV (sub, "news|a part");
    }
}

STORY_ON_EACH_TRANSPORT (conflating_subscribers_keep_their_subscriptions)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (sub, ZMQ_CONFLATE, 1));
    CHECK_OK (subscribe (sub, "A"));
    CHECK_OK (subscribe (sub, "B"));
    CHECK_OK (zmq_connect (sub, endpoint));
    /* libzmq keeps the last one only. */
    if (!on_oracle ())
        CHECK_RECV (xpub, "%01A");
    CHECK_RECV (xpub, "%01B");
    SEND (xpub, "B1");
    CHECK_RECV (sub, "B1");
    if (!on_oracle ()) {
        SEND (xpub, "A1");
        CHECK_RECV (sub, "A1");
    }
}

STORY (over_inproc_the_connecting_side_conflates)
{
    for (int bound = 0; bound < 2; bound++)
        for (int connecting = 0; connecting < 2; connecting++) {
            const char *endpoint = fresh_endpoint (INPROC);
            void *pub = open_socket (ZMQ_PUB), *sub = open_socket (ZMQ_SUB);
            CHECK_OK (set_int (pub, ZMQ_CONFLATE, bound));
            CHECK_OK (set_int (sub, ZMQ_CONFLATE, connecting));
            CHECK_OK (subscribe (sub, ""));
            CHECK_OK (zmq_bind (pub, endpoint));
            CHECK_OK (zmq_connect (sub, endpoint));
            settle (pub);
            CHECK_INT (send_numbered (pub, 0, 3), 3);
            if (!connecting)
                CHECK_INT (recv_numbered (sub, 0, 2), 2);
            CHECK_RECV (sub, "2");
            CHECK_EMPTY (sub);
        }
}

STORY_ON_EACH_TRANSPORT (a_late_bind_finds_what_was_asked_for)
{
    const char *endpoint = fresh_endpoint (transport);
    void *sub = open_socket (ZMQ_SUB), *xsub = open_socket (ZMQ_XSUB);
    CHECK_OK (subscribe (sub, "before"));
    CHECK_OK (set_int (sub, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (set_int (xsub, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_OK (subscribe (sub, "after"));
    CHECK_OK (unsubscribe (sub, "before"));
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (zmq_bind (xpub, endpoint));
    const char *text;
    do {
        while (wait_event (xpub, ZMQ_POLLIN, 5) == 0)
            settle (sub);
        text = recv_text (xpub, 0);
    } while (text && strcmp (text, "%01after") != 0);
    CHECK (text != NULL);
    /* The end of the other has come, or it never did. */
    CHECK_OK (subscribe (sub, "mark"));
    do
        text = recv_text (xpub, 0);
    while (text && strcmp (text, "%01mark") != 0);
    SEND (xpub, "before");
    SEND (xpub, "after");
    CHECK_RECV (sub, "after");
    CHECK_EMPTY (sub);
    CHECK_OK (zmq_connect (xsub, endpoint));
    SEND (xsub, "hello");
    CHECK_RECV (xpub, "hello");
}

STORY (subscribe_options_take_any_bytes)
{
    void *sub = open_socket (ZMQ_SUB);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, NULL, 0));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, NULL, 0));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_UNSUBSCRIBE, "never", 5));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "\0\1\2", 3));
    char value[8];
    size_t size = sizeof value;
    CHECK_ERR (zmq_getsockopt (sub, ZMQ_SUBSCRIBE, value, &size), EINVAL);
    CHECK_ERR (zmq_getsockopt (sub, ZMQ_UNSUBSCRIBE, value, &size), EINVAL);
    CHECK_ERR (set_int (sub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1), EINVAL);
    void *xsub = open_socket (ZMQ_XSUB);
    CHECK_ERR (subscribe (xsub, "a"), EINVAL);
    CHECK_OK (set_int (xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, 5));
    CHECK_ERR (set_int (xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, -1), EINVAL);
    CHECK_ERR (zmq_setsockopt (xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, "", 0), EINVAL);
    CHECK_ERR (zmq_getsockopt (xsub, ZMQ_ONLY_FIRST_SUBSCRIBE, value, &size),
               EINVAL);
}

MAIN
