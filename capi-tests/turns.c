/* Whose message is next: the peers of a socket take turns, and a look whether
 * there is something to receive may settle the next one's. */
#include "sockets.h"

/* Three that connected in this order. */
static void *peers[3];

static void *meet (int type, int peer_type)
{
    const char *endpoint;
    void *socket = bound_socket (type, INPROC, &endpoint);
    if (type == ZMQ_SUB)
        CHECK_OK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0));
    if (type == ZMQ_XSUB)
        CHECK_OK (send_text (socket, "%01", 0));
    for (int i = 0; i < 3; i++) {
        peers[i] = connected_socket (peer_type, endpoint);
        settle (socket);
        settle (peers[i]);
    }
    return socket;
}

#define CHECK_NEXT(SOCKET, TEXT) CHECK_STR (last_frame (SOCKET), TEXT)

static const char *last_frame (void *socket)
{
    const char *text = recv_text (socket, ZMQ_DONTWAIT);
    const char *bar = text ? strrchr (text, '|') : NULL;
    return bar ? bar + 1 : text ? text : "nothing";
}

static void check_each_in_turn (void *socket)
{
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            CHECK_OK (send_text (peers[i], (char[2]) {(char) ('a' + i)}, 0));
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 3; i++)
            CHECK_NEXT (socket, ((char[2]) {(char) ('a' + i)}));
    CHECK_NEXT (socket, "nothing");
}

STORY (each_peer_in_turn)
{
    check_each_in_turn (meet (ZMQ_PULL, ZMQ_PUSH));
    check_each_in_turn (meet (ZMQ_SUB, ZMQ_PUB));
    check_each_in_turn (meet (ZMQ_XSUB, ZMQ_PUB));
    check_each_in_turn (meet (ZMQ_DEALER, ZMQ_DEALER));
    check_each_in_turn (meet (ZMQ_ROUTER, ZMQ_DEALER));
    check_each_in_turn (meet (ZMQ_STREAM, ZMQ_DEALER));
}

/* The first one's message is fetched by the look; of the others, who come to be
 * read later, the last takes the place of the first, which has no more. */
static void check_looked_at (void *socket)
{
    CHECK_OK (send_text (peers[0], "a", 0));
    CHECK_INT (int_option (socket, ZMQ_EVENTS) & ZMQ_POLLIN, ZMQ_POLLIN);
    CHECK_OK (send_text (peers[1], "b", 0));
    CHECK_OK (send_text (peers[2], "c", 0));
    settle (socket);
    CHECK_NEXT (socket, "a");
    CHECK_INT (int_option (socket, ZMQ_EVENTS) & ZMQ_POLLIN, ZMQ_POLLIN);
    CHECK_NEXT (socket, "c");
    CHECK_NEXT (socket, "b");
    CHECK_NEXT (socket, "nothing");
}

STORY (a_look_fetches_what_is_next)
{
    check_looked_at (meet (ZMQ_SUB, ZMQ_PUB));
    check_looked_at (meet (ZMQ_XSUB, ZMQ_PUB));
    check_looked_at (meet (ZMQ_ROUTER, ZMQ_DEALER));
    check_looked_at (meet (ZMQ_STREAM, ZMQ_DEALER));
}

/* In the midst of a message it settles nothing: whoever comes before its last
 * frame is received is in the circle when the turn passes on. */
static void check_looked_at_amid (void *socket)
{
    char first[16];
    CHECK_OK (send_text (peers[0], "aa|a", 0));
    CHECK_OK (send_text (peers[0], "a2", 0));
    CHECK_INT (zmq_recv (socket, first, sizeof first, ZMQ_DONTWAIT), 2);
    CHECK_INT (int_option (socket, ZMQ_EVENTS) & ZMQ_POLLIN, ZMQ_POLLIN);
    CHECK_OK (send_text (peers[1], "b", 0));
    settle (socket);
    CHECK_NEXT (socket, "a");
    CHECK_INT (int_option (socket, ZMQ_EVENTS) & ZMQ_POLLIN, ZMQ_POLLIN);
    CHECK_NEXT (socket, "b");
    CHECK_NEXT (socket, "a2");
    CHECK_NEXT (socket, "nothing");
}

STORY (a_look_amid_a_message_fetches_nothing)
{
    check_looked_at_amid (meet (ZMQ_SUB, ZMQ_PUB));
    check_looked_at_amid (meet (ZMQ_XSUB, ZMQ_PUB));
    check_looked_at_amid (meet (ZMQ_DEALER, ZMQ_DEALER));
    check_looked_at_amid (meet (ZMQ_PULL, ZMQ_PUSH));
}

MAIN
