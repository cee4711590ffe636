/* XPUB with ZMQ_XPUB_MANUAL_LAST_VALUE: manual mode, and the first message after
 * a wish was received goes to who had it. */
#include "sockets.h"

#ifndef ZMQ_XPUB_MANUAL_LAST_VALUE
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#endif

static int subscribe (void *socket, const char *topic)
{
    return zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, strlen (topic));
}

/* An XSUB that sends this and is known to have: it passes on all it receives,
 * so that tests see what was sent to whom. */
static void *asking (void *xpub, const char *endpoint, const char *wish)
{
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
    SEND (xsub, wish);
    CHECK_RECV (xpub, wish);
    return xsub;
}

static void *last_value_xpub (enum transport transport, const char **endpoint)
{
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL_LAST_VALUE, 1));
    *endpoint = bind_any (xpub, transport);
    return xpub;
}

/* Both get what they were granted from here on: the mark is of this number. */
static void check_both (void *xpub, void *a, void *b, const char *mark)
{
    SEND (xpub, mark);
    CHECK_RECV (a, mark);
    CHECK_RECV (b, mark);
}

STORY_ON_EACH_TRANSPORT (the_first_message_goes_to_the_last_subscriber)
{
    const char *endpoint;
    void *xpub = last_value_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    SEND (xpub, "T1");
    CHECK_RECV (a, "T1");
    void *b = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    SEND (xpub, "T2|whole");
    CHECK_RECV (b, "T2|whole");
    check_both (xpub, a, b, "T3");
    CHECK_EMPTY (a);
}

STORY (receiving_a_wish_is_enough)
{
    const char *endpoint;
    void *xpub = last_value_xpub (INPROC, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    void *b = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    SEND (xpub, "for b");
    check_both (xpub, a, b, "T1");
    SEND (a, "%01U");
    CHECK_RECV (xpub, "%01U");
    SEND (xpub, "T2");
    CHECK_RECV (a, "T2");
    /* Too late: the turn is over. */
    CHECK_OK (subscribe (xpub, "U"));
    SEND (xpub, "U");
    CHECK_EMPTY (a);
    check_both (xpub, a, b, "T3");
    SEND (b, "%00T");
    CHECK_RECV (xpub, "%00T");
    SEND (xpub, "T4");
    CHECK_RECV (b, "T4");
    check_both (xpub, a, b, "T5");
    CHECK_EMPTY (a);
    CHECK_EMPTY (b);
}

STORY (a_first_message_nobody_wants_counts)
{
    const char *endpoint;
    void *xpub = last_value_xpub (INPROC, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    SEND (xpub, "other");
    void *b = asking (xpub, endpoint, "%01T");
    SEND (xpub, "T1");
    CHECK_EMPTY (a);
    CHECK_EMPTY (b);
    SEND (xpub, "T2");
    CHECK_RECV (a, "T2");
    CHECK_EMPTY (b);
}

STORY (the_last_subscriber_may_leave_before)
{
    const char *endpoint;
    void *xpub = last_value_xpub (INPROC, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    SEND (xpub, "T1");
    CHECK_RECV (a, "T1");
    void *b = asking (xpub, endpoint, "%01B");
    CHECK_OK (subscribe (xpub, "T"));
    close_socket (b);
    AWAIT_IN (xpub);
    SEND (xpub, "T2");
    CHECK_RECV (a, "T2");
    CHECK_RECV (xpub, "%00B");
}

STORY (last_value_switches_manual_mode)
{
    const char *endpoint;
    void *xpub = last_value_xpub (INPROC, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL_LAST_VALUE, 0));
    CHECK_ERR (subscribe (xpub, "T"), EINVAL);
    SEND (a, "%01U");
    CHECK_RECV (xpub, "%01U");
    SEND (xpub, "U");
    CHECK_RECV (a, "U");
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL_LAST_VALUE, 1));
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL, 0));
    CHECK_ERR (subscribe (xpub, "T"), EINVAL);
}

STORY (a_first_message_that_waits_for_room_is_still_the_first)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *xpub = open_socket (ZMQ_XPUB), *peers[2];
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL_LAST_VALUE, 1));
    CHECK_OK (set_int (xpub, ZMQ_XPUB_NODROP, 1));
    CHECK_OK (set_int (xpub, ZMQ_SNDHWM, 1));
    CHECK_OK (zmq_bind (xpub, endpoint));
    for (int i = 0; i < 2; i++) {
        peers[i] = open_socket (ZMQ_XSUB);
        CHECK_OK (set_int (peers[i], ZMQ_RCVHWM, 1));
        CHECK_OK (zmq_connect (peers[i], endpoint));
        SEND (peers[i], "%01T");
        CHECK_RECV (xpub, "%01T");
        CHECK_OK (subscribe (xpub, "T"));
        SEND (xpub, "no topic");
    }
    CHECK_INT (fill (xpub, 0), 0);
    SEND (xpub, "T1");
    SEND (xpub, "T2");
    CHECK_ERR (try_send (xpub, "T3"), EAGAIN);
    SEND (peers[0], "%01U");
    CHECK_RECV (xpub, "%01U");
    CHECK_ERR (try_send (xpub, "T4"), EAGAIN);
    CHECK_INT (drain (peers[0]), 2);
    CHECK_INT (drain (peers[1]), 2);
    CHECK_OK (try_send (xpub, "T5"));
    CHECK_RECV (peers[0], "T5");
    /* libzmq has forgotten it by then, and everybody gets the message. */
    CHECK_INT (drain (peers[1]), on_oracle ());
}

MAIN
