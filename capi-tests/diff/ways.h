/* ways.h - the ways in which programs wait until they can send or receive. */
#ifndef FERROZMQ_DIFF_WAYS_H
#define FERROZMQ_DIFF_WAYS_H

#include <stddef.h>

/* In the call; in the call with a time-out, again and again; in zmq_poll; in zmq_poll
 * with a time-out; in poll (2) for ZMQ_FD; not at all. */
enum way { BLOCKING, IMPATIENT, POLLING, POLLING_BRIEFLY, BY_DESCRIPTOR, SPINNING, WAYS };

enum { MOST_WAITED_FOR = 16 };

/* Sends a frame as soon as that can be: -1 for any error but EAGAIN. */
int send_by (enum way way, void *socket, const void *bytes, size_t size, int more);

/* Sockets of which one thread takes what comes. */
struct sources
{
    enum way way;
    int count;
    void *sockets[MOST_WAITED_FOR];
    int next; /* who is looked at first */
};

/* Receives the first frame of a message, from whichever has one: its size, with *from;
 * -1 for any error but EAGAIN. */
int receive_by (struct sources *sources, void *bytes, size_t size, int *from);

#endif
