/* XPUB in manual mode (ZMQ_XPUB_MANUAL): peers ask, and the user says what
 * they get. */
#include "sockets.h"

static int subscribe (void *socket, const char *topic)
{
    return zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, strlen (topic));
}

static int unsubscribe (void *socket, const char *topic)
{
    return zmq_setsockopt (socket, ZMQ_UNSUBSCRIBE, topic, strlen (topic));
}

static void *manual_xpub (enum transport transport, const char **endpoint)
{
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL, 1));
    *endpoint = bind_any (xpub, transport);
    return xpub;
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

STORY_ON_EACH_TRANSPORT (a_wish_is_not_granted_by_itself)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *xsub = asking (xpub, endpoint, "%01A");
    SEND (xpub, "A1");
    CHECK_OK (subscribe (xpub, "A"));
    SEND (xpub, "A2");
    CHECK_RECV (xsub, "A2");
    CHECK_EMPTY (xsub);
}

STORY_ON_EACH_TRANSPORT (another_topic_than_the_wish_may_be_granted)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *xsub = asking (xpub, endpoint, "%01A");
    CHECK_OK (subscribe (xpub, "XA"));
    SEND (xpub, "A1");
    SEND (xpub, "XA1");
    SEND (xpub, "X");
    SEND (xpub, "XA2|part");
    CHECK_RECV (xsub, "XA1");
    CHECK_RECV (xsub, "XA2|part");
    CHECK_EMPTY (xsub);
}

STORY_ON_EACH_TRANSPORT (a_sub_filters_what_it_was_granted)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (sub, "A"));
    CHECK_RECV (xpub, "%01A");
    CHECK_OK (subscribe (xpub, "B"));
    CHECK_OK (subscribe (xpub, "A"));
    SEND (xpub, "B1");
    SEND (xpub, "A1");
    CHECK_RECV (sub, "A1");
    CHECK_EMPTY (sub);
}

STORY_ON_EACH_TRANSPORT (granting_is_for_whose_wish_was_received_last)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01A");
    void *b = asking (xpub, endpoint, "%01B");
    CHECK_OK (subscribe (xpub, "for b"));
    SEND (a, "%01C");
    AWAIT_IN (xpub);
    /* It has come, but was not received. */
    CHECK_OK (subscribe (xpub, "still b"));
    CHECK_RECV (xpub, "%01C");
    CHECK_OK (subscribe (xpub, "for a"));
    CHECK_OK (subscribe (xpub, "also a"));
    SEND (xpub, "for b");
    SEND (xpub, "still b");
    SEND (xpub, "for a");
    SEND (xpub, "also a");
    CHECK_RECV (b, "for b");
    CHECK_RECV (b, "still b");
    CHECK_RECV (a, "for a");
    CHECK_RECV (a, "also a");
    CHECK_EMPTY (a);
    CHECK_EMPTY (b);
}

STORY (pending_wishes_are_paired_with_their_peers)
{
    const char *endpoint;
    void *xpub = manual_xpub (INPROC, &endpoint);
    void *peers[4];
    for (int i = 0; i < 4; i++) {
        peers[i] = connected_socket (ZMQ_XSUB, endpoint);
        settle (xpub);
        SEND (peers[i], "%01same");
        settle (xpub);
    }
    for (int i = 0; i < 4; i++) {
        char topic[2] = {(char) ('0' + i), 0};
        CHECK_RECV (xpub, "%01same");
        CHECK_OK (subscribe (xpub, topic));
        SEND (xpub, topic);
        CHECK_RECV (peers[i], topic);
    }
    for (int i = 0; i < 4; i++)
        CHECK_EMPTY (peers[i]);
}

STORY (users_messages_do_not_change_whose_turn_it_is)
{
    const char *endpoint;
    void *xpub = manual_xpub (INPROC, &endpoint);
    void *a = asking (xpub, endpoint, "%01A");
    void *b = connected_socket (ZMQ_XSUB, endpoint);
    SEND (b, "hello");
    CHECK_RECV (xpub, "hello");
    CHECK_OK (subscribe (xpub, "1"));
    SEND (xpub, "1");
    CHECK_RECV (a, "1");
    CHECK_EMPTY (b);
    /* libzmq gives a wish to the wrong peer when a user's message was
     * received before it. */
    SEND (b, "hello");
    settle (xpub);
    SEND (b, "%01B");
    settle (xpub);
    SEND (a, "%01AA");
    settle (xpub);
    CHECK_RECV (xpub, "hello");
    CHECK_RECV (xpub, "%01B");
    CHECK_OK (subscribe (xpub, "2"));
    CHECK_RECV (xpub, "%01AA");
    SEND (xpub, "2");
    if (on_oracle ())
        CHECK_RECV (a, "2");
    else
        CHECK_RECV (b, "2");
    CHECK_EMPTY (a);
    CHECK_EMPTY (b);
}

STORY_ON_EACH_TRANSPORT (every_wish_is_told_whoever_had_it_before)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    void *b = asking (xpub, endpoint, "%01T");
    SEND (a, "%01T");
    CHECK_RECV (xpub, "%01T");
    SEND (b, "%00T");
    CHECK_RECV (xpub, "%00T");
    /* An XSUB counts: the first end is only its own. */
    SEND (a, "%00T");
    SEND (a, "%00T");
    CHECK_RECV (xpub, "%00T");
    SEND (a, "%00T");
    SEND (a, "%01end");
    CHECK_RECV (xpub, "%01end");
    CHECK_EMPTY (xpub);
}

STORY_ON_EACH_TRANSPORT (the_end_of_a_wish_ends_nothing_by_itself)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    SEND (a, "%00T");
    CHECK_RECV (xpub, "%00T");
    SEND (xpub, "T1");
    CHECK_RECV (a, "T1");
    CHECK_OK (unsubscribe (xpub, "T"));
    SEND (xpub, "T2");
    SEND (a, "%01U");
    CHECK_RECV (xpub, "%01U");
    CHECK_OK (subscribe (xpub, "U"));
    SEND (xpub, "U");
    CHECK_RECV (a, "U");
    CHECK_EMPTY (a);
}

STORY_ON_EACH_TRANSPORT (a_grant_is_taken_from_one_peer_only)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    void *b = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "T"));
    CHECK_OK (unsubscribe (xpub, "T"));
    SEND (xpub, "T1");
    CHECK_RECV (a, "T1");
    CHECK_OK (unsubscribe (xpub, "T"));
    CHECK_OK (unsubscribe (xpub, "never"));
    CHECK_OK (subscribe (xpub, ""));
    SEND (xpub, "all");
    CHECK_RECV (b, "all");
    CHECK_EMPTY (a);
    CHECK_EMPTY (b);
}

STORY_ON_EACH_TRANSPORT (granting_twice_is_granting_once)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "G"));
    CHECK_OK (subscribe (xpub, "G"));
    SEND (xpub, "G1");
    CHECK_OK (unsubscribe (xpub, "G"));
    SEND (xpub, "G2");
    CHECK_OK (subscribe (xpub, "end"));
    SEND (xpub, "end");
    CHECK_RECV (a, "G1");
    CHECK_RECV (a, "end");
    CHECK_EMPTY (a);
}

STORY (granting_before_any_wish_does_nothing)
{
    const char *endpoint;
    void *xpub = manual_xpub (INPROC, &endpoint);
    CHECK_OK (subscribe (xpub, "T"));
    CHECK_OK (unsubscribe (xpub, "T"));
    void *a = connected_socket (ZMQ_XSUB, endpoint);
    settle (xpub);
    CHECK_OK (subscribe (xpub, "T"));
    SEND (xpub, "T");
    CHECK_EMPTY (a);
}

STORY_ON_EACH_TRANSPORT (granting_to_a_peer_that_has_gone_does_nothing)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *b = asking (xpub, endpoint, "%01B");
    CHECK_OK (subscribe (xpub, "B"));
    void *a = asking (xpub, endpoint, "%01A");
    close_socket (a);
    CHECK_RECV (xpub, "%00A");
    CHECK_OK (subscribe (xpub, "A"));
    CHECK_OK (unsubscribe (xpub, "B"));
    /* Nor does a newcomer inherit it. */
    void *c = connected_socket (ZMQ_XSUB, endpoint);
    SEND (c, "hello");
    CHECK_RECV (xpub, "hello");
    CHECK_OK (subscribe (xpub, "A"));
    SEND (xpub, "A1");
    SEND (xpub, "B1");
    CHECK_RECV (b, "B1");
    CHECK_EMPTY (b);
    CHECK_EMPTY (c);
}

STORY_ON_EACH_TRANSPORT (a_wish_received_after_its_peer_has_gone)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *b = asking (xpub, endpoint, "%01B");
    CHECK_OK (subscribe (xpub, "B"));
    void *a = connected_socket (ZMQ_XSUB, endpoint);
    SEND (a, "%01A");
    AWAIT_IN (xpub);
    close_socket (a);
    CHECK_RECV (xpub, "%01A");
    CHECK_RECV (xpub, "%00A");
    CHECK_OK (subscribe (xpub, "A"));
    SEND (xpub, "A1");
    SEND (xpub, "B1");
    CHECK_RECV (b, "B1");
    CHECK_EMPTY (b);
}

STORY_ON_EACH_TRANSPORT (a_leaving_peers_wishes_end_not_its_grants)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%012");
    CHECK_OK (subscribe (xpub, "granted"));
    SEND (a, "%010");
    CHECK_RECV (xpub, "%010");
    SEND (a, "%011");
    CHECK_RECV (xpub, "%011");
    CHECK_OK (subscribe (xpub, "1"));
    close_socket (a);
    CHECK_RECV (xpub, "%000");
    CHECK_RECV (xpub, "%001");
    CHECK_RECV (xpub, "%002");
    CHECK_EMPTY (xpub);
}

STORY_ON_EACH_TRANSPORT (each_leaving_peers_wishes_are_told)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "S"));
    void *b = asking (xpub, endpoint, "%01T");
    CHECK_OK (subscribe (xpub, "S"));
    close_socket (a);
    CHECK_RECV (xpub, "%00T");
    SEND (xpub, "S1");
    CHECK_RECV (b, "S1");
    close_socket (b);
    CHECK_RECV (xpub, "%00T");
    CHECK_EMPTY (xpub);
}

STORY (switched_on_it_leaves_what_was_there)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, INPROC, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_ERR (subscribe (xpub, "U"), EINVAL);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL, 1));
    SEND (xpub, "T1");
    CHECK_RECV (a, "T1");
    /* Its wish was granted at once: it is nobody's turn. */
    CHECK_OK (subscribe (xpub, "U"));
    SEND (xpub, "U");
    CHECK_EMPTY (a);
    SEND (a, "%00T");
    CHECK_RECV (xpub, "%00T");
    SEND (xpub, "T2");
    CHECK_RECV (a, "T2");
    CHECK_OK (unsubscribe (xpub, "T"));
    SEND (xpub, "T3");
    CHECK_EMPTY (a);
}

STORY (switched_off_it_leaves_what_was_granted)
{
    const char *endpoint;
    void *xpub = manual_xpub (INPROC, &endpoint);
    void *a = asking (xpub, endpoint, "%01B");
    CHECK_OK (subscribe (xpub, "BB"));
    CHECK_OK (set_int (xpub, ZMQ_XPUB_MANUAL, 0));
    CHECK_ERR (subscribe (xpub, "B"), EINVAL);
    CHECK_ERR (unsubscribe (xpub, "BB"), EINVAL);
    SEND (xpub, "B1");
    SEND (xpub, "BB1");
    CHECK_RECV (a, "BB1");
    CHECK_EMPTY (a);
    SEND (a, "%01C");
    CHECK_RECV (xpub, "%01C");
    SEND (xpub, "C");
    CHECK_RECV (a, "C");
    close_socket (a);
    CHECK_RECV (xpub, "%00BB");
    CHECK_RECV (xpub, "%00C");
    CHECK_EMPTY (xpub);
}

STORY (verbosity_makes_no_difference)
{
    for (int option = 0; option < 2; option++) {
        const char *endpoint;
        void *xpub = manual_xpub (INPROC, &endpoint);
        CHECK_OK (set_int (
          xpub, option ? ZMQ_XPUB_VERBOSER : ZMQ_XPUB_VERBOSE, 1));
        void *a = asking (xpub, endpoint, "%01T");
        void *b = asking (xpub, endpoint, "%01T");
        SEND (b, "%00T");
        CHECK_RECV (xpub, "%00T");
        close_socket (b);
        close_socket (a);
        CHECK_RECV (xpub, "%00T");
        CHECK_EMPTY (xpub);
    }
}

STORY_ON_EACH_TRANSPORT (granting_amid_a_message_concerns_the_next)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *a = asking (xpub, endpoint, "%01T");
    CHECK_INT (zmq_send (xpub, "T1", 2, ZMQ_SNDMORE), 2);
    CHECK_OK (subscribe (xpub, "T"));
    SEND (xpub, "T2");
    CHECK_INT (zmq_send (xpub, "T3", 2, ZMQ_SNDMORE), 2);
    CHECK_OK (unsubscribe (xpub, "T"));
    SEND (xpub, "T4");
    CHECK_OK (subscribe (xpub, "end"));
    SEND (xpub, "end");
    CHECK_RECV (a, "T3|T4");
    CHECK_RECV (a, "end");
    CHECK_EMPTY (a);
}

STORY_ON_EACH_TRANSPORT (a_pub_in_manual_mode_grants_nothing)
{
    const char *endpoint;
    void *pub = open_socket (ZMQ_PUB);
    CHECK_OK (set_int (pub, ZMQ_XPUB_MANUAL, 1));
    endpoint = bind_any (pub, transport);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (sub, ""));
    CHECK_OK (subscribe (pub, ""));
    CHECK_OK (unsubscribe (pub, ""));
    CHECK_INT (int_option (pub, ZMQ_EVENTS), ZMQ_POLLOUT);
    SEND (pub, "T");
    CHECK_QUIET (sub);
    CHECK_OK (set_int (pub, ZMQ_XPUB_MANUAL, 0));
    CHECK_ERR (subscribe (pub, ""), EINVAL);
}

STORY_ON_EACH_TRANSPORT (a_manual_forwarder_renames_topics)
{
    const char *endpoint;
    void *xpub = manual_xpub (transport, &endpoint);
    void *subs[3];
    for (int i = 0; i < 3; i++) {
        char topic[8], own[16];
        subs[i] = connected_socket (ZMQ_SUB, endpoint);
        snprintf (topic, sizeof topic, "u%d", i);
        CHECK_OK (subscribe (subs[i], topic));
        const char *wish = recv_text (xpub, 0);
        REQUIRE (wish && strncmp (wish, "%01", 3) == 0);
        snprintf (own, sizeof own, "%s.", wish + 3);
        CHECK_OK (subscribe (xpub, own));
    }
    for (int i = 0; i < 3; i++) {
        char body[16];
        snprintf (body, sizeof body, "u%d", i);
        SEND (xpub, body);
        snprintf (body, sizeof body, "u%d.x", i);
        SEND (xpub, body);
        CHECK_RECV (subs[i], body);
        CHECK_EMPTY (subs[i]);
    }
}

MAIN
