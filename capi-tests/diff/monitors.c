/* monitors.c - what monitors tell, after each operation.
 *
 * What happens by the clock is passed over: how often a connect was tried again.
 */
#include "diff.h"
#include "execute.h"
#include "text.h"
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void *monitors[SLOTS];
/* Of each context, who waits at which name for a monitor, after one that could not be
 * had: were it closed, libzmq would count it among the sockets still (COMPAT.md). */
static struct
{
    void *context, *pair;
    char address[40];
} waiting[CONTEXTS];
/* Where it listens. */
static char listening[SLOTS][4][512];

static const char *name_of (int event)
{
    static const char *const event_names[] = {
      "CONNECTED", "CONNECT_DELAYED", "CONNECT_RETRIED", "LISTENING", "BIND_FAILED",
      "ACCEPTED", "ACCEPT_FAILED", "CLOSED", "CLOSE_FAILED", "DISCONNECTED",
      "MONITOR_STOPPED", "HANDSHAKE_FAILED_NO_DETAIL", "HANDSHAKE_SUCCEEDED",
      "HANDSHAKE_FAILED_PROTOCOL", "HANDSHAKE_FAILED_AUTH"};
    for (int i = 0; i < 15; i++)
        if (event == 1 << i)
            return event_names[i];
    return "?";
}

static int value_is_descriptor (int event)
{
    return event & (ZMQ_EVENT_CONNECTED | ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED
                    | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED);
}

/* Attempts to connect, and their ends. */
static int by_the_clock (int s, int event, const char *endpoint)
{
    static int at;
    if (event == ZMQ_EVENT_LISTENING)
        strcpy (listening[s][at++ % 4], endpoint);
    if (event == ZMQ_EVENT_CLOSED) {
        for (int i = 0; i < 4; i++)
            if (strcmp (listening[s][i], endpoint) == 0)
                return 0;
        return 1;
    }
    return event == ZMQ_EVENT_CONNECT_RETRIED || event == ZMQ_EVENT_CONNECT_DELAYED;
}

/* One event; whether there was one. */
static int read_event (int s)
{
    unsigned char head[16];
    char endpoint[512];
    int rc = zmq_recv (monitors[s], head, sizeof head, ZMQ_DONTWAIT);
    if (rc < 0)
        return 0;
    int size = zmq_recv (monitors[s], endpoint, sizeof endpoint - 1, ZMQ_DONTWAIT);
    endpoint[size > 0 ? size : 0] = 0;
    uint16_t event;
    int32_t value;
    memcpy (&event, head, sizeof event);
    memcpy (&value, head + sizeof event, sizeof value);
    /* STOPPED: the oracle keeps closed sockets that wait at an inproc name. */
    if (!by_the_clock (s, event, endpoint) && event != ZMQ_EVENT_MONITOR_STOPPED) {
        printf ("\n   event s%d %d %s", s, rc, name_of (event));
        /* The errno of a connection that breaks in its handshake is chance. */
        if (!value_is_descriptor (event) && event != ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL)
            printf (" %d", (int) value);
        printf (" ");
        print_text (endpoint);
    }
    return 1;
}

void read_monitors (void)
{
    for (int s = 0; s < SLOTS; s++)
        while (monitors[s] && read_event (s))
            ;
}

/* Who waits in the context, at a name that is still free; -1 where there can be none. */
static int wait_for_a_monitor (void *context)
{
    static int count;
    int w = 0;
    while (waiting[w].context && waiting[w].context != context)
        w++;
    waiting[w].context = context;
    if (waiting[w].pair)
        return w;
    void *pair = zmq_socket (context, ZMQ_PAIR);
    if (!pair)
        return -1;
    snprintf (waiting[w].address, sizeof waiting[w].address, "inproc://monitor%d", count++);
    if (zmq_connect (pair, waiting[w].address)) {
        zmq_close (pair);
        return -1;
    }
    waiting[w].pair = pair;
    return w;
}

static void end_monitor (int s)
{
    if (monitors[s]) {
        zmq_close (monitors[s]);
        monitors[s] = NULL;
    }
}

/* The peer is there first: libzmq blocks without one (COMPAT.md). */
void monitor (int s, void *context, int events)
{
    if (events < 0) {
        printf (" no more");
        result (zmq_socket_monitor (sockets[s], NULL, 0));
        rest ();
        read_monitors ();
        end_monitor (s);
        return;
    }
    printf (" events %x", (unsigned) events);
    if (monitors[s] || !context) {
        printf (" not tried");
        return;
    }
    int w = wait_for_a_monitor (context);
    if (w < 0) {
        printf (" no peer");
        return;
    }
    int rc = zmq_socket_monitor (sockets[s], waiting[w].address, events);
    result (rc);
    memset (listening[s], 0, sizeof listening[s]);
    if (rc == 0) {
        monitors[s] = waiting[w].pair;
        waiting[w].pair = NULL;
    }
}

void end_monitors (void)
{
    for (int s = 0; s < SLOTS; s++)
        end_monitor (s);
    for (int w = 0; w < CONTEXTS; w++)
        if (waiting[w].pair)
            zmq_close (waiting[w].pair);
}
