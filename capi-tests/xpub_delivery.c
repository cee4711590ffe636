/* PUB and XPUB: the welcome message (ZMQ_XPUB_WELCOME_MSG), and publishing
 * without drops (ZMQ_XPUB_NODROP). */
#include "sockets.h"
#include <pthread.h>

static int subscribe (void *socket, const char *topic)
{
    return zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, strlen (topic));
}

static int welcome (void *socket, const char *body)
{
    return zmq_setsockopt (socket, ZMQ_XPUB_WELCOME_MSG, body, strlen (body));
}

/* ---- welcome message ---- */

STORY_ON_EACH_TRANSPORT (a_newcomer_is_welcomed_first)
{
    for (int type = 0; type < 2; type++) {
        void *pub = open_socket (type ? ZMQ_XPUB : ZMQ_PUB);
        CHECK_OK (welcome (pub, "Welcome"));
        const char *endpoint = bind_any (pub, transport);
        void *sub = open_socket (ZMQ_SUB);
        CHECK_OK (subscribe (sub, "W"));
        CHECK_OK (zmq_connect (sub, endpoint));
        settle (pub);
        CHECK_RECV_BESIDE (sub, pub, "Welcome");
        /* Whatever it has subscribed to: its own filter sees to that. */
        void *xsub = connected_socket (ZMQ_XSUB, endpoint);
        CHECK_RECV_BESIDE (xsub, pub, "Welcome");
        SEND (pub, "unwanted");
        CHECK_EMPTY (xsub);
    }
}

STORY_ON_EACH_TRANSPORT (a_sub_may_subscribe_to_the_welcome_later)
{
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (welcome (xpub, "Welcome"));
    const char *endpoint = bind_any (xpub, transport);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    settle (xpub);
    CHECK_OK (subscribe (sub, "Wel"));
    CHECK_RECV_BESIDE (sub, xpub, "Welcome");
    CHECK_RECV (xpub, "%01Wel");
    CHECK_EMPTY (xpub);
}

STORY_ON_EACH_TRANSPORT (each_return_is_welcomed)
{
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (welcome (xpub, "Welcome"));
    const char *endpoint = bind_any (xpub, transport);
    void *xsub = open_socket (ZMQ_XSUB);
    for (int i = 0; i < 3; i++) {
        CHECK_OK (zmq_connect (xsub, endpoint));
        CHECK_RECV_BESIDE (xsub, xpub, "Welcome");
        CHECK_OK (zmq_disconnect (xsub, endpoint));
        settle (xpub);
    }
}

STORY_ON_EACH_TRANSPORT (an_xpub_that_connects_welcomes_too)
{
    const char *endpoint;
    void *xsub = bound_socket (ZMQ_XSUB, transport, &endpoint);
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (welcome (xpub, "Welcome"));
    CHECK_OK (zmq_connect (xpub, endpoint));
    CHECK_RECV (xsub, "Welcome");
}

STORY (the_welcome_may_change_and_hold_any_byte)
{
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, INPROC, &endpoint);
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, "A\0B", 3));
    void *a = connected_socket (ZMQ_XSUB, endpoint);
    settle (xpub);
    CHECK_RECV (a, "A%00B");
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, "", 1));
    void *b = connected_socket (ZMQ_XSUB, endpoint);
    settle (xpub);
    CHECK_RECV (b, "%00");
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, NULL, 0));
    void *c = connected_socket (ZMQ_XSUB, endpoint);
    settle (xpub);
    CHECK_EMPTY (c);
    static char large[3000];
    char got[3000] = "no";
    CHECK_OK (zmq_setsockopt (xpub, ZMQ_XPUB_WELCOME_MSG, large, sizeof large));
    for (int i = 0; i < 2; i++) {
        void *d = connected_socket (ZMQ_XSUB, endpoint);
        settle (xpub);
        CHECK_INT (zmq_recv (d, got, sizeof got, 0), sizeof large);
        CHECK_OK (memcmp (got, large, sizeof large));
    }
    CHECK_EMPTY (a);
}

STORY (those_who_wait_for_a_bind_are_welcomed)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *xsub = connected_socket (ZMQ_XSUB, endpoint);
    void *xpub = open_socket (ZMQ_XPUB);
    CHECK_OK (welcome (xpub, "Welcome"));
    CHECK_OK (zmq_bind (xpub, endpoint));
    settle (xpub);
    CHECK_RECV (xsub, "Welcome");
}

STORY (the_welcome_counts_towards_the_water_mark)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *xpub = open_socket (ZMQ_XPUB), *xsub = open_socket (ZMQ_XSUB);
    CHECK_OK (set_int (xpub, ZMQ_SNDHWM, 1));
    CHECK_OK (set_int (xsub, ZMQ_RCVHWM, 1));
    CHECK_OK (welcome (xpub, "W"));
    CHECK_OK (zmq_bind (xpub, endpoint));
    SEND (xsub, "%01");
    CHECK_OK (zmq_connect (xsub, endpoint));
    CHECK_RECV (xpub, "%01");
    for (int i = 1; i < 4; i++)
        CHECK_INT (send_numbered (xpub, i, 1), 1);
    CHECK_RECV (xsub, "W");
    CHECK_RECV (xsub, "1");
    CHECK_EMPTY (xsub);
}

/* ---- no drop ---- */

/* A publisher that drops nothing, with two subscribers over inproc: one has
 * room for `room` messages in all, the other for more. */
static void *no_drop (int type, int room, void **narrow, const char *topic_n,
                      void **wide, const char *topic_w)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *pub = open_socket (type);
    CHECK_OK (set_int (pub, ZMQ_XPUB_NODROP, 1));
    CHECK_OK (set_int (pub, ZMQ_SNDHWM, 1));
    CHECK_OK (zmq_bind (pub, endpoint));
    *narrow = open_socket (ZMQ_SUB);
    *wide = open_socket (ZMQ_SUB);
    CHECK_OK (set_int (*narrow, ZMQ_RCVHWM, room - 1));
    CHECK_OK (set_int (*wide, ZMQ_RCVHWM, 1000));
    CHECK_OK (subscribe (*narrow, topic_n));
    CHECK_OK (subscribe (*wide, topic_w));
    CHECK_OK (zmq_connect (*narrow, endpoint));
    CHECK_OK (zmq_connect (*wide, endpoint));
    settle (pub);
    return pub;
}

STORY (without_drops_a_message_goes_to_all_or_none)
{
    for (int type = 0; type < 2; type++) {
        void *narrow, *wide;
        void *pub = no_drop (type ? ZMQ_XPUB : ZMQ_PUB, 5, &narrow, "", &wide, "");
        CHECK_INT (fill (pub, 100), 5);
        CHECK_INT (int_option (pub, ZMQ_EVENTS) & ZMQ_POLLOUT, ZMQ_POLLOUT);
        CHECK_OK (set_int (pub, ZMQ_SNDTIMEO, 50));
        CHECK_ERR (zmq_send (pub, "x", 1, 0), EAGAIN);
        CHECK_INT (recv_numbered (wide, 0, 5), 5);
        CHECK_EMPTY (wide);
        CHECK_ERR (try_send (pub, "x"), EAGAIN);
        CHECK_INT (recv_numbered (narrow, 0, 5), 5);
        CHECK_EMPTY (narrow);
        CHECK_OK (try_send (pub, "5"));
        CHECK_RECV (narrow, "5");
        CHECK_RECV (wide, "5");
    }
}

STORY (only_those_who_want_a_message_hold_it_up)
{
    void *narrow, *wide;
    void *xpub = no_drop (ZMQ_XPUB, 2, &narrow, "A", &wide, "B");
    CHECK_RECV (xpub, "%01A");
    CHECK_RECV (xpub, "%01B");
    CHECK_OK (try_send (xpub, "A1"));
    CHECK_OK (try_send (xpub, "A2"));
    CHECK_ERR (try_send (xpub, "A3"), EAGAIN);
    CHECK_OK (try_send (xpub, "B1"));
    CHECK_OK (try_send (xpub, "nobody's"));
    CHECK_ERR (try_send (xpub, "A3"), EAGAIN);
    CHECK_RECV (wide, "B1");
    CHECK_RECV (narrow, "A1");
    CHECK_RECV (narrow, "A2");
    CHECK_OK (try_send (xpub, "A3"));
    CHECK_RECV (narrow, "A3");
}

STORY (room_is_asked_for_at_the_first_frame)
{
    void *narrow, *wide;
    void *xpub = no_drop (ZMQ_XPUB, 3, &narrow, "", &wide, "");
    for (int i = 0; i < 3; i++)
        CHECK_OK (try_send (xpub, "p1|p2|p3|p4|p5"));
    CHECK_ERR (try_send (xpub, "p1|p2"), EAGAIN);
    for (int i = 0; i < 3; i++)
        CHECK_RECV (narrow, "p1|p2|p3|p4|p5");
    CHECK_INT (drain (wide), 3);
    CHECK_OK (try_send (xpub, "p1|p2"));
    CHECK_RECV (narrow, "p1|p2");
}

STORY (no_drop_may_be_switched_while_full)
{
    void *narrow, *wide;
    void *xpub = no_drop (ZMQ_XPUB, 2, &narrow, "", &wide, "");
    CHECK_INT (fill (xpub, 100), 2);
    CHECK_OK (set_int (xpub, ZMQ_XPUB_NODROP, 0));
    CHECK_OK (try_send (xpub, "2"));
    CHECK_OK (set_int (xpub, ZMQ_XPUB_NODROP, 1));
    /* libzmq goes on dropping for those who missed something before. */
    if (!on_oracle ())
        CHECK_ERR (try_send (xpub, "3"), EAGAIN);
    CHECK_INT (recv_numbered (wide, 0, 3), 3);
    CHECK_INT (drain (narrow), 2);
}

STORY (a_full_peer_that_leaves_holds_nothing_up)
{
    void *narrow, *wide;
    void *xpub = no_drop (ZMQ_XPUB, 2, &narrow, "", &wide, "");
    CHECK_INT (fill (xpub, 100), 2);
    close_socket (narrow);
    CHECK_BECOMES (try_send (xpub, "2") == 0);
    CHECK_INT (recv_numbered (wide, 0, 3), 3);
}

static void *receive_all (void *sub)
{
    int good = 0;
    for (int i = 0; i < 5000; i++) {
        char text[32] = {0};
        int size = zmq_recv (sub, text, sizeof text - 1, 0);
        good += size > 0 && atoi (text) == i;
    }
    return (void *) (intptr_t) good;
}

STORY_ON_EACH_TRANSPORT (a_blocked_publisher_waits_for_its_slowest_subscriber)
{
    enum { SUBS = 3, N = 5000 };
    void *xpub = open_socket (ZMQ_XPUB), *subs[SUBS];
    pthread_t threads[SUBS];
    CHECK_OK (set_int (xpub, ZMQ_XPUB_NODROP, 1));
    CHECK_OK (set_int (xpub, ZMQ_SNDHWM, 10));
    const char *endpoint = bind_any (xpub, transport);
    for (int i = 0; i < SUBS; i++) {
        subs[i] = open_socket (ZMQ_SUB);
        CHECK_OK (set_int (subs[i], ZMQ_RCVHWM, 10));
        CHECK_OK (subscribe (subs[i], ""));
        CHECK_OK (zmq_connect (subs[i], endpoint));
    }
    CHECK_OK (set_int (xpub, ZMQ_XPUB_VERBOSE, 1));
    for (int i = 0; i < SUBS; i++)
        CHECK_RECV (xpub, "%01");
    for (int i = 0; i < SUBS; i++)
        MUST (pthread_create (&threads[i], NULL, receive_all, subs[i]) == 0);
    CHECK_INT (send_numbered (xpub, 0, N), N);
    for (int i = 0; i < SUBS; i++) {
        void *good;
        MUST (pthread_join (threads[i], &good) == 0);
        CHECK_INT ((intptr_t) good, N);
    }
}

MAIN
