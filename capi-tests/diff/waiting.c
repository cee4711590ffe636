/* waiting.c - zmq_poll and ZMQ_FD of several sockets, and waits that another
 * thread ends.
 */
#define _GNU_SOURCE
#include "execute.h"
#include "text.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
#include <zmq.h>

enum { MOST_ITEMS = 4 * SLOTS + 2, SENT_AFTER_US = 2000, WAIT_MS = 15 };

void poll_sockets (int mask, int events, int z)
{
    zmq_pollitem_t items[MOST_ITEMS];
    int slot[MOST_ITEMS], count = 0, quiet[2], ready[2];
    if (pipe (quiet) || pipe (ready) || write (ready[1], "x", 1) != 1)
        return;
    for (int i = 0; i < SLOTS * (z & 8 ? 4 : 1); i++)
        if (sockets[i % SLOTS] && (mask >> i % SLOTS & 1)) {
            int s = i % SLOTS;
            slot[count] = s;
            items[count++] = (zmq_pollitem_t) {sockets[s], 0, (short) events, 0};
        }
    if (z & 2) {
        slot[count] = -1;
        items[count++] = (zmq_pollitem_t) {NULL, ready[0], (short) events, 0};
    }
    if (z & 4) {
        slot[count] = -2;
        items[count++] = (zmq_pollitem_t) {NULL, quiet[0], (short) events, 0};
    }
    int rc = zmq_poll (items, count, z & 1 ? 10 : 0);
    result (rc);
    for (int i = 0; i < count && rc >= 0; i++) /* else they mean nothing */
        printf (" %d:%d", slot[i], items[i].revents);
    close (quiet[0]);
    close (quiet[1]);
    close (ready[0]);
    close (ready[1]);
}

/* A thread that sends once the others wait. */
struct sender
{
    int slot;
    size_t size;
    int rc, err;
};

static void *send_soon (void *argument)
{
    struct sender *sender = argument;
    usleep (SENT_AFTER_US);
    sender->rc = zmq_send (sockets[sender->slot], body, sender->size, ZMQ_DONTWAIT);
    sender->err = errno;
    return NULL;
}

/* Whether there is something to receive: then a descriptor need not tell of more. */
static int is_readable (int s)
{
    int events = 0;
    size_t size = sizeof events;
    zmq_getsockopt (sockets[s], ZMQ_EVENTS, &events, &size);
    return events & ZMQ_POLLIN;
}

/* Waits as event loops do: until a descriptor tells, then looks, and waits on if
 * that was for nothing. */
static const char *wait_for_descriptors (struct pollfd *items, const int *slots, int count)
{
    long long end = clock_ms () + WAIT_MS * wait_scale;
    for (;;) {
        long long left = end - clock_ms ();
        int told = left > 0 && poll (items, (nfds_t) count, (int) left) > 0;
        for (int i = 0; i < count; i++)
            if (is_readable (slots[i]))
                return told ? "told by descriptor" : "not told";
        if (!told)
            return "nothing by descriptor";
    }
}

static const char *wait_for_events (const int *slots, int count)
{
    zmq_pollitem_t items[SLOTS];
    for (int i = 0; i < count; i++)
        items[i] = (zmq_pollitem_t) {sockets[slots[i]], 0, ZMQ_POLLIN, 0};
    return zmq_poll (items, count, WAIT_MS * wait_scale) > 0 ? "woken" : "in vain";
}

/* One sends while this thread waits for those of the mask. */
void await (int s, int mask, int descriptors, uint32_t seed)
{
    int slots[SLOTS], count = 0;
    for (int i = 0; i < SLOTS; i++)
        if (sockets[i] && i != s && (mask >> i & 1) && !(descriptors && is_readable (i)))
            slots[count++] = i;
    if (!sockets[s]) {
        printf (" none");
        return;
    }
    printf (" s%d for", s);
    for (int i = 0; i < count; i++)
        printf (" %d", slots[i]);
    if (count == 0) {
        printf (" none");
        return;
    }
    struct pollfd items[SLOTS];
    for (int i = 0; i < count; i++) {
        size_t size = sizeof items[i].fd;
        items[i] = (struct pollfd) {.events = POLLIN};
        zmq_getsockopt (sockets[slots[i]], ZMQ_FD, &items[i].fd, &size);
    }
    rest (); /* not later: the sender's socket is its thread's then */
    struct sender sender = {.slot = s, .size = fill_body (100, seed)};
    pthread_t thread;
    pthread_create (&thread, NULL, send_soon, &sender);
    const char *outcome = descriptors ? wait_for_descriptors (items, slots, count)
                                      : wait_for_events (slots, count);
    pthread_join (thread, NULL);
    printf (" %s%s", outcome, unfinished[s] ? " amid" : "");
    if (sender.rc >= 0)
        unfinished[s] = 0;
    errno = sender.err;
    result (sender.rc);
}
