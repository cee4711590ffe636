/* ways.c - waits as programs do, on threads of their own. */
#define _GNU_SOURCE
#include "ways.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <zmq.h>

enum { BRIEFLY_MS = 1 };

static int events_of (void *socket)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size) ? -1 : events;
}

static void wait_for_descriptors (void **sockets, int count, int event)
{
    struct pollfd items[MOST_WAITED_FOR];
    for (int i = 0; i < count; i++) {
        size_t size = sizeof items[i].fd;
        items[i] = (struct pollfd) {.events = POLLIN};
        zmq_getsockopt (sockets[i], ZMQ_FD, &items[i].fd, &size);
    }
    /* The descriptor tells of changes since this. */
    for (int i = 0; i < count; i++)
        if (events_of (sockets[i]) & event)
            return;
    poll (items, (nfds_t) count, -1);
}

static void wait_by (enum way way, void **sockets, int count, int event)
{
    zmq_pollitem_t items[MOST_WAITED_FOR];
    if (way == BY_DESCRIPTOR)
        wait_for_descriptors (sockets, count, event);
    else if (way == POLLING || way == POLLING_BRIEFLY || (way != SPINNING && count > 1)) {
        for (int i = 0; i < count; i++)
            items[i] = (zmq_pollitem_t) {sockets[i], 0, (short) event, 0};
        zmq_poll (items, count, way == POLLING_BRIEFLY ? BRIEFLY_MS : -1);
    } else if (way == SPINNING)
        sched_yield ();
}

static void be_impatient (void *socket, int option)
{
    int briefly = BRIEFLY_MS;
    zmq_setsockopt (socket, option, &briefly, sizeof briefly);
}

/* Whether the call is to wait itself. */
static int waits_inside (enum way way, int count)
{
    return count == 1 && (way == BLOCKING || way == IMPATIENT);
}

int send_by (enum way way, void *socket, const void *bytes, size_t size, int more)
{
    int flags = (waits_inside (way, 1) ? 0 : ZMQ_DONTWAIT) | (more ? ZMQ_SNDMORE : 0);
    if (way == IMPATIENT)
        be_impatient (socket, ZMQ_SNDTIMEO);
    int rc;
    while ((rc = zmq_send (socket, bytes, size, flags)) < 0 && zmq_errno () == EAGAIN)
        if (flags & ZMQ_DONTWAIT)
            wait_by (way, &socket, 1, ZMQ_POLLOUT);
    return rc;
}

int receive_by (struct sources *sources, void *bytes, size_t size, int *from)
{
    int inside = waits_inside (sources->way, sources->count);
    if (inside && sources->way == IMPATIENT)
        be_impatient (sources->sockets[0], ZMQ_RCVTIMEO);
    for (;;) {
        for (int i = 0; i < sources->count; i++) {
            int at = (sources->next + i) % sources->count;
            int rc = zmq_recv (sources->sockets[at], bytes, size, inside ? 0 : ZMQ_DONTWAIT);
            if (rc >= 0 || zmq_errno () != EAGAIN) {
                sources->next = at + 1;
                *from = at;
                return rc;
            }
        }
        if (!inside)
            wait_by (sources->way, sources->sockets, sources->count, ZMQ_POLLIN);
    }
}
