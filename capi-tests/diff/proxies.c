/* proxies.c - zmq_proxy and zmq_proxy_steerable, each on a thread of its own. */
#define _GNU_SOURCE
#include "execute.h"
#include "text.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum { PROXIES = 4, COUNTERS = 8, ANSWER_MS = 100, MOST_MESSAGES = 200 };

static struct proxy
{
    pthread_t thread;
    void *front, *back, *capture;
    /* The end that it reads, and ours; NULL: it cannot be steered. */
    void *control, *steering;
    int rc, err, ended;
} proxies[PROXIES];
static int proxy_count;

int proxies_begun (void)
{
    return proxy_count;
}

static void *run_proxy (void *argument)
{
    struct proxy *proxy = argument;
    if (proxy->control)
        proxy->rc = zmq_proxy_steerable (proxy->front, proxy->back, proxy->capture,
                                         proxy->control);
    else
        proxy->rc = zmq_proxy (proxy->front, proxy->back, proxy->capture);
    proxy->err = errno;
    __atomic_store_n (&proxy->ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* A pair of sockets to steer with; false if there are not to be had. */
static int take_controls (struct proxy *proxy, void *context)
{
    char name[32];
    int none = 0, patience = ANSWER_MS * wait_scale;
    snprintf (name, sizeof name, "inproc://control%d", proxy_count);
    proxy->control = zmq_socket (context, ZMQ_PAIR);
    proxy->steering = zmq_socket (context, ZMQ_PAIR);
    if (proxy->control && proxy->steering && zmq_bind (proxy->control, name) == 0
        && zmq_connect (proxy->steering, name) == 0) {
        zmq_setsockopt (proxy->steering, ZMQ_RCVTIMEO, &patience, sizeof patience);
        zmq_setsockopt (proxy->steering, ZMQ_LINGER, &none, sizeof none);
        return 1;
    }
    if (proxy->control)
        zmq_close (proxy->control);
    if (proxy->steering)
        zmq_close (proxy->steering);
    settle (); /* the oracle's other threads free their places */
    proxy->control = proxy->steering = NULL;
    return 0;
}

/* Sockets in a proxy's hands are nobody else's. No REP: from one that drops a
 * request without an envelope the oracle's proxy ends with EAGAIN. */
void start_proxy (int front, int back, int capture, void *context_to_steer)
{
    if (!sockets[front] || !sockets[back] || proxy_count == PROXIES
        || type_of (front) == ZMQ_REP || type_of (back) == ZMQ_REP) {
        printf (" none");
        return;
    }
    /* Another proxy may have it. */
    if (capture >= 0 && (!sockets[capture] || capture == front || capture == back))
        capture = -1;
    struct proxy *proxy = &proxies[proxy_count];
    memset (proxy, 0, sizeof *proxy);
    printf (" s%d to s%d", front, back);
    if (capture >= 0)
        printf (" seen by s%d", capture);
    if (context_to_steer && !take_controls (proxy, context_to_steer)) {
        printf (" no control");
        return;
    }
    proxy_count++;
    shorten_linger (front);
    shorten_linger (back);
    if (capture >= 0)
        shorten_linger (capture);
    proxy->front = sockets[front];
    proxy->back = sockets[back];
    proxy->capture = capture >= 0 ? sockets[capture] : NULL;
    sockets[front] = sockets[back] = NULL;
    if (capture >= 0)
        sockets[capture] = NULL;
    pthread_create (&proxy->thread, NULL, run_proxy, proxy);
}

static void read_statistics (struct proxy *proxy)
{
    uint64_t counts[COUNTERS] = {0};
    int many = 0;
    for (int i = 0; i < COUNTERS; i++) {
        int rc = zmq_recv (proxy->steering, &counts[i], sizeof counts[i], 0);
        if (rc != sizeof counts[i]) {
            result (rc);
            return;
        }
        /* Messages that come back to where they came from go round for ever. */
        many |= i % 2 == 0 && counts[i] > MOST_MESSAGES;
    }
    for (int i = 0; i < COUNTERS && !many; i++)
        printf (" %llu", (unsigned long long) counts[i]);
}

void steer_proxy (int which, int command)
{
    static const char *const commands[STEER_CALLS] = {"PAUSE", "RESUME", "STATISTICS",
                                                      "STATISTICS", "TERMINATE"};
    struct proxy *proxy = &proxies[which % PROXIES];
    printf (" %d %s", which, commands[command]);
    if (which >= proxy_count || !proxy->steering
        || __atomic_load_n (&proxy->ended, __ATOMIC_SEQ_CST)) {
        printf (" none");
        return;
    }
    result (zmq_send (proxy->steering, commands[command], strlen (commands[command]),
                      ZMQ_DONTWAIT));
    if (strcmp (commands[command], "STATISTICS") == 0)
        read_statistics (proxy);
}

/* After the contexts were shut down. */
void end_proxies (void)
{
    for (int i = 0; i < proxy_count; i++) {
        pthread_join (proxies[i].thread, NULL);
        errno = proxies[i].err;
        printf ("proxy %d", i);
        result (proxies[i].rc);
        printf ("\n");
        int zero = 0;
        void *held[] = {proxies[i].front, proxies[i].back, proxies[i].capture,
                        proxies[i].control, proxies[i].steering};
        for (int k = 0; k < 5; k++)
            if (held[k] && (k == 0 || held[k] != held[k - 1])) {
                zmq_setsockopt (held[k], ZMQ_LINGER, &zero, sizeof zero);
                zmq_close (held[k]);
            }
    }
}
