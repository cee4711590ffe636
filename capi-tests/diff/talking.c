/* talking.c - what sockets send, receive, subscribe to and are asked. */
#include "belief.h"
#include <zmq.h>

static int size_of_frame (struct belief *b)
{
    static const int sizes[] = {0, 1, 1, 2, 2, 3, 6, 10, 32, 33, 34, 40, 41,
                                100, 254, 255, 256, 257, 1000, 8191, 8192,
                                8193, 70000};
    return sizes[below (&b->random, sizeof sizes / sizeof *sizes)];
}

static int flags_of_send (struct belief *b)
{
    struct random *r = &b->random;
    return (chance (r, 80) ? ZMQ_DONTWAIT : 0) | (chance (r, 15) ? ZMQ_SNDMORE : 0)
           | (chance (r, 1) ? 4 : 0);
}

void talk (struct belief *b)
{
    struct random *r = &b->random;
    int s = socket_slot (b), type = b->type[s];
    int sends = type == ZMQ_PUB || type == ZMQ_PUSH || type == ZMQ_XPUB;
    int receives = type == ZMQ_SUB || type == ZMQ_PULL;
    int sending = (sends ? 95 : receives ? 3 : 50);
    if (chance (r, sending)) {
        int times = chance (r, 12) ? 1 + below (r, 8) : 1;
        while (times--)
            if ((type == ZMQ_ROUTER || type == ZMQ_STREAM || type == RAW) && chance (r, 75))
                emit (b, OP_SEND_TO, s, below (r, 4), below (r, 6), seed_of_body (b));
            else if (chance (r, 6))
                emit (b, OP_OLD, s, chance (r, 50) ? 3 : below (r, 2), below (r, 6),
                      seed_of_body (b));
            else if (chance (r, 40))
                emit (b, OP_SEND, s, size_of_frame (b), flags_of_send (b),
                      seed_of_body (b));
            else
                emit (b, OP_SEND_WHOLE, s, 1 + (chance (r, 40) ? below (r, 4) : 0),
                      chance (r, 85), seed_of_body (b));
    } else if (chance (r, 8))
        emit (b, OP_OLD, s, chance (r, 50) ? 2 : 4, 1 + below (r, 5), 0);
    else if (chance (r, 30))
        emit (b, OP_RECV, s, chance (r, 50) ? 300 : below (r, 40),
              (chance (r, 85) ? ZMQ_DONTWAIT : 0) | (chance (r, 1) ? 6 : 0),
              0);
    else
        emit (b, OP_RECV_WHOLE, s, chance (r, 85), chance (r, 20), 0);
}

void look (struct belief *b)
{
    struct random *r = &b->random;
    static const int telling[] = {ZMQ_EVENTS, ZMQ_EVENTS, ZMQ_RCVMORE,
                                  ZMQ_LAST_ENDPOINT, ZMQ_TYPE, ZMQ_FD};
    int s = socket_slot (b);
    if (chance (r, 8))
        emit (b, OP_AWAIT, s, below (r, 1 << SLOTS), chance (r, 50), seed_of_body (b));
    else if (chance (r, 3))
        emit (b, OP_MONITOR, s, -1, 0, 0);
    else if (chance (r, 40))
        emit (b, OP_POLL, below (r, 1 << SLOTS), below (r, chance (r, 5) ? 64 : 4),
              below (r, 16), 0);
    else
        for (int i = 0; i < socket_option_count; i++)
            if (socket_options[i].number == telling[below (r, 6)]) {
                emit (b, OP_GET, s, i, 255, 0);
                break;
            }
}

void interest (struct belief *b)
{
    struct random *r = &b->random;
    int s = socket_slot (b);
    if (b->type[s] == ZMQ_SUB || chance (r, b->type[s] == ZMQ_XPUB ? 30 : 5)) {
        int add = chance (r, 60);
        /* A topic that begins with 1 is not cancelled: COMPAT.md. */
        emit (b, OP_SUBSCRIBE, s, add ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE,
              below (r, add ? TOPICS : TOPICS - 1), 0);
    }
    else if (b->type[s] == ZMQ_XSUB)
        emit (b, OP_SUBSCRIBE, s, -(1 + chance (r, 60)), below (r, TOPICS), 0);
    else
        talk (b);
}

void handle_messages (struct belief *b)
{
    struct random *r = &b->random;
    emit (b, OP_MSG, socket_slot (b), below (r, MSG_CALLS), below (r, MESSAGES),
          (below (r, MESSAGES) << 24) | below (r, 1 << 24));
}
