/* monitors.h - what the tests of zmq_socket_monitor share: a PAIR that
 * listens, events taken apart, and checks of what comes next. */
#ifndef FERROZMQ_MONITORS_H
#define FERROZMQ_MONITORS_H

#include "fixtures.h"

struct event
{
    unsigned number, value;
    endpoint_t endpoint;
};

/* The event seen last. */
static struct event seen;

/* Connects a PAIR to a new monitor of the socket. */
FIXTURE void *watch (void *s, int events)
{
    static int count;
    endpoint_t name;
    snprintf (name, sizeof name, "inproc://monitor-%d", count++);
    CHECK_OK (zmq_socket_monitor (s, name, events));
    void *monitor = new_socket (ctx, ZMQ_PAIR);
    REQUIRE (zmq_connect (monitor, name) == 0);
    return monitor;
}

/* Receives an event into `seen`; false when none comes. Some of what a socket
 * does happens in the oracle only while its owner calls into it: `beside` is
 * called while we wait. */
FIXTURE bool next_event (void *monitor, void *beside)
{
    memset (&seen, 0, sizeof seen);
    for (long long end = now_ms () + AMPLE_MS; beside && now_ms () < end;) {
        zmq_pollitem_t item = {monitor, 0, ZMQ_POLLIN, 0};
        get_int (beside, ZMQ_EVENTS);
        if (zmq_poll (&item, 1, 5) == 1)
            break;
    }
    unsigned char head[16] = {0};
    int size = zmq_recv (monitor, head, sizeof head, 0);
    if (size < 0)
        return false;
    CHECK_INT (size, 6);
    CHECK_INT (get_int (monitor, ZMQ_RCVMORE), 1);
    uint16_t number;
    uint32_t value;
    memcpy (&number, head, 2);
    memcpy (&value, head + 2, 4);
    seen.number = number;
    seen.value = value;
    size = zmq_recv (monitor, seen.endpoint, sizeof seen.endpoint - 1, 0);
    CHECK (size >= 0);
    CHECK_INT (get_int (monitor, ZMQ_RCVMORE), 0);
    return size >= 0;
}

/* The next event is this one, at this endpoint. */
#define CHECK_EVENT_BESIDE(MONITOR, BESIDE, NUMBER, ENDPOINT)                  \
    do {                                                                       \
        CHECK (next_event (MONITOR, BESIDE));                                  \
        CHECK_INT (seen.number, NUMBER);                                       \
        CHECK_STR (seen.endpoint, ENDPOINT);                                   \
    } while (0)

#define CHECK_EVENT(MONITOR, NUMBER, ENDPOINT)                                 \
    CHECK_EVENT_BESIDE (MONITOR, NULL, NUMBER, ENDPOINT)

/* The same, with its value. */
#define CHECK_EVENT_VALUE(MONITOR, NUMBER, VALUE, ENDPOINT)                    \
    do {                                                                       \
        CHECK_EVENT (MONITOR, NUMBER, ENDPOINT);                               \
        CHECK_INT (seen.value, VALUE);                                         \
    } while (0)

/* Nothing else was told: the next event is the monitor's end. */
#define CHECK_STOPS(SOCKET, MONITOR)                                           \
    do {                                                                       \
        CHECK_OK (zmq_socket_monitor (SOCKET, NULL, 0));                       \
        CHECK_EVENT_VALUE (MONITOR, ZMQ_EVENT_MONITOR_STOPPED, 0, "");         \
    } while (0)

/* Closes the socket; the next event is the monitor's end. */
#define CHECK_CLOSES(SOCKET, MONITOR)                                          \
    do {                                                                       \
        CHECK_OK (zmq_close (SOCKET));                                         \
        CHECK_EVENT_VALUE (MONITOR, ZMQ_EVENT_MONITOR_STOPPED, 0, "");         \
        CHECK_OK (zmq_close (MONITOR));                                        \
    } while (0)

/* A tcp endpoint that nobody listens at, nor will until the descriptor that is
 * returned is closed: other tests look for ports, too. */
FIXTURE int absent_endpoint (endpoint_t endpoint)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE (fd >= 0 && bind (fd, (void *) &in, sizeof in) == 0
             && getsockname (fd, (void *) &in, &size) == 0);
    snprintf (endpoint, sizeof (endpoint_t), "tcp://127.0.0.1:%d",
              ntohs (in.sin_port));
    return fd;
}

/* A tcp endpoint whose listener's queue is full: connecting there goes on
 * and on. */
FIXTURE void busy_endpoint (endpoint_t endpoint)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE (fd >= 0 && bind (fd, (void *) &in, sizeof in) == 0
             && listen (fd, 0) == 0
             && getsockname (fd, (void *) &in, &size) == 0);
    for (int i = 0; i < 4; i++) {
        int peer = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect (peer, (void *) &in, sizeof in);
    }
    snprintf (endpoint, sizeof (endpoint_t), "tcp://127.0.0.1:%d",
              ntohs (in.sin_port));
}

#endif
