/* What the options of PUB and XPUB change: verbosity, inverted matching, only the
 * first frame subscribes; who takes them. Subscribers that come and go. */
#include "zmtp.h"

#ifndef ZMQ_XPUB_MANUAL_LAST_VALUE
#define ZMQ_XPUB_MANUAL_LAST_VALUE 98
#endif
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

static int welcome (void *socket, const char *body)
{
    return zmq_setsockopt (socket, ZMQ_XPUB_WELCOME_MSG, body, strlen (body));
}

/* ---- who takes them ---- */

STORY (the_options_are_for_publishers)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_PUB,  ZMQ_SUB,  ZMQ_REQ,
                                ZMQ_REP,  ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL,
                                ZMQ_PUSH, ZMQ_XPUB, ZMQ_XSUB};
    static const int options[] = {
      ZMQ_XPUB_VERBOSE, ZMQ_XPUB_VERBOSER, ZMQ_XPUB_NODROP, ZMQ_XPUB_MANUAL,
      ZMQ_XPUB_MANUAL_LAST_VALUE, ZMQ_ONLY_FIRST_SUBSCRIBE};
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        void *socket = open_socket (types[t]);
        int publishes = types[t] == ZMQ_PUB || types[t] == ZMQ_XPUB;
        char value[8];
        size_t size;
        for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
            int takes = publishes
                        || (options[o] == ZMQ_ONLY_FIRST_SUBSCRIBE
                            && types[t] == ZMQ_XSUB);
            static const int values[] = {1, 2, 7, 0, -1};
            for (size_t v = 0; v < 5; v++)
                CHECK_INT (set_int (socket, options[o], values[v]) == 0,
                           takes && values[v] >= 0);
            CHECK_ERR (zmq_setsockopt (socket, options[o], "", 0), EINVAL);
            CHECK_ERR (zmq_setsockopt (socket, options[o], "abc", 3), EINVAL);
            CHECK_ERR (zmq_setsockopt (socket, options[o], "abcde", 5), EINVAL);
            CHECK_ERR (zmq_setsockopt (socket, options[o], NULL, 0), EINVAL);
            CHECK_ERR ((size = 4, zmq_getsockopt (socket, options[o], value,
                                                  &size)),
                       EINVAL);
        }
        CHECK_INT (welcome (socket, "hello") == 0, publishes);
        CHECK_INT (welcome (socket, "") == 0, publishes);
        CHECK_INT (zmq_setsockopt (socket, ZMQ_XPUB_WELCOME_MSG, NULL, 0) == 0,
                   publishes);
        CHECK_ERR ((size = 8, zmq_getsockopt (socket, ZMQ_XPUB_WELCOME_MSG,
                                              value, &size)),
                   EINVAL);
        CHECK_OK (set_int (socket, ZMQ_INVERT_MATCHING, 7));
        CHECK_INT (int_option (socket, ZMQ_INVERT_MATCHING), 1);
    }
}

/* ---- verbosity ---- */

/* What an XPUB with this option set tells of two peers' subscriptions. */
static void verbosity (int option, int value, const char *const *told)
{
    void *xpub = open_socket (ZMQ_XPUB);
    if (option)
        CHECK_OK (set_int (xpub, option, value));
    const char *endpoint = bind_any (xpub, TCP);
    int a = peer_connect (endpoint, "SUB"), b = peer_connect (endpoint, "SUB");
    /* Each step: who, what; marks in between show what was not told. */
    static const struct
    {
        int who;
        const char *command, *topic;
    } steps[] = {
      {0, "CANCEL", "never"}, {0, "SUBSCRIBE", "T"}, {0, "SUBSCRIBE", "T"},
      {1, "SUBSCRIBE", "T"},  {1, "CANCEL", "T"},    {1, "CANCEL", "T"},
      {0, "CANCEL", "T"},     {0, "CANCEL", "T"},
    };
    for (int i = 0; i < 8; i++) {
        int fd = steps[i].who ? b : a;
        peer_command (fd, steps[i].command, steps[i].topic);
        peer_frame (fd, 0, "mark");
        if (*told[i])
            CHECK_RECV (xpub, told[i]);
        CHECK_RECV (xpub, "mark");
    }
    close (a);
    close (b);
}

STORY (what_is_told_of_repeated_subscriptions)
{
    /* The end of what was not there is always told. */
    static const char *const quiet[] = {"%00never", "%01T", "", "", "",
                                        "%00T", "%00T", "%00T"};
    static const char *const verbose[] = {"%00never", "%01T", "%01T", "%01T", "",
                                          "%00T", "%00T", "%00T"};
    static const char *const verboser[] = {"%00never", "%01T", "%01T", "%01T",
                                           "%00T", "%00T", "%00T", "%00T"};
    verbosity (0, 0, quiet);
    verbosity (ZMQ_XPUB_VERBOSE, 0, quiet);
    verbosity (ZMQ_XPUB_VERBOSE, 5, verbose);
    verbosity (ZMQ_XPUB_VERBOSER, 1, verboser);
    verbosity (ZMQ_XPUB_MANUAL, 1, verboser);
}

STORY (each_verbosity_replaces_the_other)
{
    static const struct
    {
        int first, value_1, second, value_2;
        int starts, ends;
    } cases[] = {
      {ZMQ_XPUB_VERBOSE, 1, ZMQ_XPUB_VERBOSER, 1, 2, 2},
      {ZMQ_XPUB_VERBOSER, 1, ZMQ_XPUB_VERBOSE, 1, 2, 1},
      {ZMQ_XPUB_VERBOSER, 1, ZMQ_XPUB_VERBOSE, 0, 1, 1},
      {ZMQ_XPUB_VERBOSE, 1, ZMQ_XPUB_VERBOSER, 0, 1, 1},
      {ZMQ_XPUB_VERBOSER, 1, ZMQ_XPUB_VERBOSER, 0, 1, 1},
    };
    for (int i = 0; i < 5; i++) {
        const char *endpoint;
        void *xpub = bound_socket (ZMQ_XPUB, INPROC, &endpoint);
        CHECK_OK (set_int (xpub, cases[i].first, cases[i].value_1));
        CHECK_OK (set_int (xpub, cases[i].second, cases[i].value_2));
        void *a = connected_socket (ZMQ_SUB, endpoint);
        void *b = connected_socket (ZMQ_SUB, endpoint);
        CHECK_OK (subscribe (a, "T"));
        CHECK_OK (subscribe (b, "T"));
        CHECK_INT (drain (xpub), cases[i].starts);
        CHECK_OK (unsubscribe (a, "T"));
        CHECK_OK (unsubscribe (b, "T"));
        CHECK_INT (drain (xpub), cases[i].ends);
    }
}

STORY_ON_EACH_TRANSPORT (what_is_told_of_a_peer_that_leaves)
{
    for (int verboser = 0; verboser < 2; verboser++) {
        void *xpub = open_socket (ZMQ_XPUB);
        CHECK_OK (set_int (xpub, ZMQ_XPUB_VERBOSER, verboser));
        const char *endpoint = bind_any (xpub, transport);
        void *a = connected_socket (ZMQ_XSUB, endpoint);
        SEND (a, "%01shared");
        CHECK_RECV (xpub, "%01shared");
        SEND (a, "%01b");
        CHECK_RECV (xpub, "%01b");
        SEND (a, "%01a");
        CHECK_RECV (xpub, "%01a");
        void *b = connected_socket (ZMQ_XSUB, endpoint);
        SEND (b, "%01shared");
        SEND (b, "%01mark");
        if (verboser)
            CHECK_RECV (xpub, "%01shared");
        CHECK_RECV (xpub, "%01mark");
        close_socket (a);
        /* In the order of their bytes. */
        CHECK_RECV (xpub, "%00a");
        CHECK_RECV (xpub, "%00b");
        if (verboser)
            CHECK_RECV (xpub, "%00shared");
        CHECK_OK (zmq_disconnect (b, endpoint));
        CHECK_RECV_BESIDE (xpub, b, "%00mark");
        CHECK_RECV (xpub, "%00shared");
        CHECK_EMPTY (xpub);
    }
}

STORY_ON_EACH_TRANSPORT (leaving_its_peers_an_xpub_is_told_too)
{
    const char *endpoint;
    void *sub = bound_socket (ZMQ_SUB, transport, &endpoint);
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (subscribe (sub, "A"));
    for (int i = 0; i < 2; i++) {
        CHECK_OK (zmq_connect (xpub, endpoint));
        CHECK_RECV_BESIDE (xpub, sub, "%01A");
        CHECK_OK (zmq_disconnect (xpub, endpoint));
        CHECK_RECV_BESIDE (xpub, sub, "%00A");
    }
    CHECK_EMPTY (xpub);
}

STORY_ON_NETWORK_TRANSPORTS (unbinding_ends_the_subscriptions_that_came_there)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (sub, "A"));
    CHECK_RECV (xpub, "%01A");
    CHECK_OK (zmq_unbind (xpub, endpoint));
    CHECK_RECV (xpub, "%00A");
    SEND (xpub, "A");
    CHECK_EMPTY (xpub);
}

/* ---- inverted matching ---- */

STORY_ON_EACH_TRANSPORT (inverted_matching_sends_what_is_not_wanted)
{
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_INVERT_MATCHING, 1));
    const char *endpoint = bind_any (xpub, transport);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
    void *inverted = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (inverted, ZMQ_INVERT_MATCHING, 1));
    CHECK_OK (zmq_connect (inverted, endpoint));
    void *plain = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_VERBOSE, 1));
    SEND (xsub, "%01A");
    CHECK_OK (subscribe (inverted, "A"));
    CHECK_OK (subscribe (plain, "A"));
    for (int i = 0; i < 3; i++)
        CHECK_RECV (xpub, "%01A");
    SEND (xpub, "A1");
    SEND (xpub, "B1");
    SEND (xpub, "A2|B");
    SEND (xpub, "B2|A");
    void *all[] = {xsub, inverted};
    for (int i = 0; i < 2; i++) {
        CHECK_RECV (all[i], "B1");
        CHECK_RECV (all[i], "B2|A");
    }
    /* Changed while peers exist, at either side. */
    CHECK_OK (set_int (xpub, ZMQ_INVERT_MATCHING, 0));
    SEND (xpub, "A3");
    SEND (xpub, "B3");
    CHECK_RECV (xsub, "A3");
    CHECK_RECV (plain, "A3");
    CHECK_OK (set_int (inverted, ZMQ_INVERT_MATCHING, 0));
    SEND (xpub, "A4");
    CHECK_RECV (xsub, "A4");
    CHECK_RECV (plain, "A4");
    CHECK_RECV (inverted, "A3");
    CHECK_RECV (inverted, "A4");
    CHECK_EMPTY (xsub);
}

STORY_ON_EACH_TRANSPORT (who_wants_nothing_gets_all_when_inverted)
{
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_INVERT_MATCHING, 1));
    const char *endpoint = bind_any (xpub, transport);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
    SEND (xsub, "hello");
    CHECK_RECV (xpub, "hello");
    SEND (xpub, "anything");
    SEND (xpub, "");
    CHECK_RECV (xsub, "anything");
    CHECK_RECV (xsub, "");
    SEND (xsub, "%01");
    CHECK_RECV (xpub, "%01");
    SEND (xpub, "nothing");
    SEND (xsub, "%00");
    CHECK_RECV (xpub, "%00");
    SEND (xpub, "again");
    CHECK_RECV (xsub, "again");
}

/* ---- only the first frame subscribes ---- */

STORY_ON_EACH_TRANSPORT (with_only_first_users_frames_are_left_alone)
{
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (set_int (xpub, ZMQ_ONLY_FIRST_SUBSCRIBE, 1));
    const char *endpoint = bind_any (xpub, transport);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
    SEND (xsub, "u|%01a|%00a");
    CHECK_RECV (xpub, "u|%01a|%00a");
    SEND (xsub, "%01b|u|%01c");
    CHECK_RECV (xpub, "%01b");
    CHECK_RECV (xpub, "u|%01c");
    SEND (xsub, "%01d|%01e");
    CHECK_RECV (xpub, "%01d");
    CHECK_RECV (xpub, "%01e");
    SEND (xsub, "%01f");
    CHECK_RECV (xpub, "%01f");
    SEND (xpub, "a");
    SEND (xpub, "b");
    SEND (xpub, "c");
    SEND (xpub, "d");
    SEND (xpub, "e");
    SEND (xpub, "f");
    CHECK_RECV (xsub, "b");
    CHECK_RECV (xsub, "c");
    CHECK_RECV (xsub, "d");
    CHECK_RECV (xsub, "e");
    CHECK_RECV (xsub, "f");
    CHECK_EMPTY (xsub);
}

STORY (commands_subscribe_wherever_they_come)
{
    for (int only_first = 0; only_first < 2; only_first++) {
        void *xpub = open_socket (ZMQ_XPUB);
        CHECK_OK (set_int (xpub, ZMQ_ONLY_FIRST_SUBSCRIBE, only_first));
        int fd = peer_connect (bind_any (xpub, TCP), "SUB");
        peer_frame (fd, 1, "x");
        peer_command (fd, "SUBSCRIBE", "T");
        peer_frame (fd, 0, "y");
        /* libzmq passes on the bytes of the command. */
        if (only_first && on_oracle ())
            CHECK_RECV (xpub, "x|%09SUBSCRIBET");
        else {
            CHECK_RECV (xpub, "x|%01T");
            SEND (xpub, "T1");
            CHECK_FRAME (fd, "0:T1");
        }
        CHECK_RECV (xpub, "y");
        close (fd);
    }
}

/* ---- messages and peers ---- */

STORY_ON_EACH_TRANSPORT (who_comes_amid_a_message_gets_none_of_it)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *a = connected_socket (ZMQ_XSUB, endpoint);
    SEND (a, "%01");
    CHECK_RECV (xpub, "%01");
    CHECK_OK (set_int (xpub, ZMQ_XPUB_VERBOSE, 1));
    CHECK_INT (zmq_send (xpub, "p1", 2, ZMQ_SNDMORE), 2);
    void *b = connected_socket (ZMQ_XSUB, endpoint);
    SEND (b, "%01");
    CHECK_RECV (xpub, "%01");
    CHECK_INT (zmq_send (xpub, "p2", 2, ZMQ_SNDMORE), 2);
    SEND (xpub, "p3");
    SEND (xpub, "next");
    CHECK_RECV (a, "p1|p2|p3");
    CHECK_RECV (a, "next");
    CHECK_RECV (b, "next");
}

STORY_ON_EACH_TRANSPORT (who_cancels_amid_a_message_gets_it_whole)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *a = connected_socket (ZMQ_XSUB, endpoint);
    SEND (a, "%01T");
    CHECK_RECV (xpub, "%01T");
    CHECK_INT (zmq_send (xpub, "T1", 2, ZMQ_SNDMORE), 2);
    SEND (a, "%00T");
    CHECK_RECV (xpub, "%00T");
    SEND (xpub, "p2");
    SEND (xpub, "T2");
    CHECK_RECV (a, "T1|p2");
    SEND (a, "%01end");
    CHECK_RECV (xpub, "%01end");
    SEND (xpub, "end");
    CHECK_RECV (a, "end");
    CHECK_EMPTY (a);
}

STORY_ON_EACH_TRANSPORT (what_was_not_read_is_filtered_by_what_is_wanted_now)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (sub, "A"));
    CHECK_OK (subscribe (sub, "B"));
    CHECK_RECV (xpub, "%01A");
    CHECK_RECV (xpub, "%01B");
    SEND (xpub, "A1");
    SEND (xpub, "A2|B");
    SEND (xpub, "B1");
    AWAIT_IN (sub);
    /* POLLIN was promised for the first. */
    CHECK_OK (unsubscribe (sub, "A"));
    CHECK_RECV (sub, "A1");
    CHECK_RECV (sub, "B1");
    CHECK_EMPTY (sub);
}

MAIN
