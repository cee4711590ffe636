/* Multipart messages stay whole when another peer goes in the midst of one. */
#include "sockets.h"

enum { PEERS = 3 };

/* libzmq may go on with the wrong one of those who are left, if they are two. */
static int peers (void) { return on_oracle () ? 2 : PEERS; }

/* Until both sides have noticed. */
static void disconnect (void *socket, const char *endpoint, void *peer)
{
    CHECK_OK (zmq_disconnect (socket, endpoint));
    settle (peer);
    sleep_ms (10);
    settle (socket);
}

static void send_amid_a_disconnect (enum transport transport, int own, int other)
{
    void *push = open_socket (ZMQ_PUSH), *pull[PEERS];
    const char *endpoint[PEERS];
    for (int i = 0; i < peers (); i++) {
        pull[i] = bound_socket (ZMQ_PULL, transport, &endpoint[i]);
        CHECK_OK (zmq_connect (push, endpoint[i]));
    }
    for (int i = 0; i < own; i++)
        SEND (push, "before");
    CHECK_INT (zmq_send (push, "head", 4, ZMQ_SNDMORE), 4);
    disconnect (push, endpoint[other], pull[other]);
    SEND (push, "tail");
    CHECK_RECV (pull[own], "head|tail");
    for (int i = 0; i < peers (); i++)
        if (i != other) {
            if (i < own)
                CHECK_RECV (pull[i], "before");
            CHECK_EMPTY (pull[i]);
        }
}

STORY_ON_EACH_TRANSPORT (what_is_sent_stays_whole_when_another_is_disconnected)
{
    for (int own = 0; own < peers (); own++)
        for (int other = 0; other < peers (); other++)
            if (own != other)
                send_amid_a_disconnect (transport, own, other);
}

static void receive_amid_a_disconnect (enum transport transport, int own, int other)
{
    static const char *const messages[PEERS] = {"0|0", "1|1", "2|2"};
    void *pull = open_socket (ZMQ_PULL), *push[PEERS];
    const char *endpoint[PEERS];
    for (int i = 0; i < peers (); i++) {
        push[i] = bound_socket (ZMQ_PUSH, transport, &endpoint[i]);
        CHECK_OK (zmq_connect (pull, endpoint[i]));
        AWAIT_OUT (push[i]);
        SEND (push[i], messages[i]);
    }
    char head, tail, rest;
    for (;;) {
        REQUIRE (zmq_recv (pull, &head, 1, 0) == 1);
        if (head == '0' + own)
            break;
        REQUIRE (zmq_recv (pull, &rest, 1, 0) == 1);
    }
    disconnect (pull, endpoint[other], push[other]);
    CHECK_INT (zmq_recv (pull, &tail, 1, 0), 1);
    CHECK_INT (tail, head);
    CHECK_INT (int_option (pull, ZMQ_RCVMORE), 0);
}

STORY_ON_EACH_TRANSPORT (what_is_received_stays_whole_when_another_is_disconnected)
{
    for (int own = 0; own < peers (); own++)
        for (int other = 0; other < peers (); other++)
            if (own != other)
                receive_amid_a_disconnect (transport, own, other);
}

MAIN
