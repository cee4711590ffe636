/* events.h - what the tests of ZMQ_FD and ZMQ_EVENTS share. */
#ifndef FERROZMQ_EVENTS_H
#define FERROZMQ_EVENTS_H

#include "fixtures.h"

static const char *const everywhere[] __attribute__ ((unused)) =
  {"inproc", "ipc", "tcp"};

FIXTURE int fd_of (void *s)
{
    int fd = get_int (s, ZMQ_FD);
    REQUIRE (fd >= 0);
    return fd;
}

FIXTURE int readable (int fd, int timeout)
{
    struct pollfd item = {fd, POLLIN, 0};
    return poll (&item, 1, timeout) == 1;
}

/* Waits for the fd and looks at EVENTS, as a loop does, until they are what
 * the test waits for: the fd may be readable for less. */
FIXTURE bool becomes (void *s, int events)
{
    int fd = fd_of (s);
    for (long long end = now_ms () + AMPLE_MS, left;
         (left = end - now_ms ()) > 0;) {
        if (get_int (s, ZMQ_EVENTS) == events)
            return true;
        if (!readable (fd, (int) left))
            return false;
    }
    return false;
}

#define CHECK_BECOMES_EVENTS(S, EVENTS) CHECK (becomes (S, EVENTS))

static int serial __attribute__ ((unused));
FIXTURE void bind_pair (const char *where, void *server, void *client,
                       endpoint_t endpoint)
{
    endpoint_t name;
    snprintf (name, sizeof name, "inproc://loop-%d", serial++);
    bind_to (server, strcmp (where, "inproc") == 0 ? name : where, endpoint);
    REQUIRE (zmq_connect (client, endpoint) == 0);
}

#endif
