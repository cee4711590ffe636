/* draft.h - for tests of the socket types of the draft API (RFC 41, 48, 49, 51,
 * 52), which zmq_socket makes whatever the header says.
 *
 * The oracle, built without that API, aborts when one of them meets a peer over
 * tcp or ipc: it has no names for them to announce. Over inproc it shows what it
 * does; over the network our tests have peers that speak ZMTP by hand.
 */
#ifndef FERROZMQ_DRAFT_H
#define FERROZMQ_DRAFT_H

#include "zmtp.h"

#ifndef ZMQ_SERVER
enum
{
    ZMQ_SERVER = 12,
    ZMQ_CLIENT,
    ZMQ_RADIO,
    ZMQ_DISH,
    ZMQ_GATHER,
    ZMQ_SCATTER,
    ZMQ_DGRAM,
    ZMQ_PEER,
    ZMQ_CHANNEL
};
#endif

/* Whether peers can be met that way. */
static inline int meets_over (enum transport transport)
{
    return transport == INPROC || !on_oracle ();
}

/* Receives a message to send it back: it bears the number of its peer. */
static inline zmq_msg_t recv_message (void *socket)
{
    zmq_msg_t message;
    MUST (zmq_msg_init (&message) == 0);
    MUST (zmq_msg_recv (&message, socket, 0) >= 0);
    return message;
}

#define CHECK_BODY(MESSAGE, TEXT)                                              \
    do {                                                                       \
        CHECK_INT (zmq_msg_size (MESSAGE), strlen (TEXT));                     \
        CHECK (!memcmp (zmq_msg_data (MESSAGE), TEXT, strlen (TEXT)));         \
    } while (0)

#endif
