/* What ferrozmq has beyond the C API of libzmq: a socket's counters.
 *
 *     ferrozmq_counters_t counters;
 *     size_t size = sizeof counters;
 *     if (zmq_getsockopt (socket, FERROZMQ_COUNTERS, &counters, &size) == 0)
 *         printf ("%llu\n", (unsigned long long) counters.messages_out);
 *
 * libzmq does not know the option and answers EINVAL: a program that asks for it
 * runs on both.
 *
 * The structure only ever grows at its end. As many bytes are written as there
 * is room for, at least the first 8, else the answer is EINVAL; the option's
 * length says how many those are, and the field size how many there would be.
 * A program sets what it has not been given to 0, or compares sizes.
 *
 * Counting costs nothing for a message: messages are counted by the queues that
 * they pass anyway, bytes once for each call to the kernel. They are put together
 * when they are asked for, so that they are a few steps apart. */

#ifndef FERROZMQ_H_INCLUDED
#define FERROZMQ_H_INCLUDED

#include <stdint.h>

/* An option of zmq_getsockopt; zmq_setsockopt answers EINVAL. */
#define FERROZMQ_COUNTERS 0x465A0001

typedef struct ferrozmq_counters_t
{
    uint32_t size;    /* of the whole structure, in the library */
    uint32_t version; /* 1; another one where a field means something else */

    /* Whole messages handed to peers, a PUB's once for each of them; and taken
     * from peers, with those that were dropped then. Subscriptions are none. */
    uint64_t messages_out;
    uint64_t messages_in;
    /* Bytes given to the kernel and taken from it, for tcp and ipc: with frames'
     * heads, handshakes and heartbeats. inproc moves no bytes. */
    uint64_t bytes_out;
    uint64_t bytes_in;
    /* Messages that wait now: for their peer, its connection or the kernel; and to
     * be received. Of more than 10000 frames each counts as a message. */
    uint64_t queued_out;
    uint64_t queued_in;
    /* Peers now, those that are to be connected included. */
    uint64_t peers;

    /* Connections that connects have brought about, and those among them that
     * replaced one that was lost; attempts that came to nothing. */
    uint64_t connects;
    uint64_t reconnects;
    uint64_t connect_failures;
    /* Connections that binds have taken in; that could not be taken in, or that a
     * filter turned away. */
    uint64_t accepts;
    uint64_t accept_failures;
    /* Connections that have ended, not by this socket; those among them whose
     * handshake was not done. */
    uint64_t disconnects;
    uint64_t handshake_failures;

    /* Messages that were dropped, by cause: */
    uint64_t dropped_full;          /* the peer's queue is full; for each peer */
    uint64_t dropped_no_subscriber; /* nobody has subscribed to it */
    uint64_t dropped_unroutable;    /* no peer has the routing id it names */
    uint64_t dropped_cut;           /* the peer left while it was sent */
    uint64_t dropped_unsubscribed;  /* received, and matches no subscription */
    uint64_t dropped_stale;         /* received, and answers no request */
    uint64_t dropped_malformed;     /* received, and has no envelope */
    uint64_t dropped_conflated;     /* a later one replaced it */
    uint64_t dropped_unsent;        /* lost with its peer or connection */
    uint64_t dropped_unread;        /* had come, and its peer was given up */
} ferrozmq_counters_t;

#endif
