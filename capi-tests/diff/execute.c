/* execute.c - carries out a sequence on the libzmq of this process.
 *
 * Each operation prints one line: what was asked, "=", what came back. Before
 * the next one begins, everything that the last one set off must have come to
 * rest, or else the results would tell of chance: sockets are called (some of
 * their work is done only then), and time is given to I/O threads.
 */
#define _GNU_SOURCE
#include "diff.h"
#include "execute.h"
#include "text.h"
#include "threads.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { PROXIES = 4, NAP_US = 150, LONGEST_SETTLING = 60, RECONNECTED_MS = 25,
       MOST_ITEMS = 4 * SLOTS + 2 };

static void *contexts[CONTEXTS];
static int context_of[SLOTS];
void *sockets[SLOTS];
/* There is a REQ, which the oracle disconnects for a reply without delimiter. */
int asking;
int network_used;
static int expected_at[BAD_ENDPOINTS];
static int wait_scale;
/* The last frame sent said that more would come. */
int unfinished[SLOTS];
static struct proxy
{
    pthread_t thread;
    void *front, *back, *capture;
    int rc, err;
} proxies[PROXIES];
static int proxy_count;

static const char *const metadata[] = {"X-a:value", "X-bb:\x01other"};
static const char *const filters[] = {"127.0.0.0/8", "10.1.2.3"};
const char *const names[] = {"A", "BB", "CCC", "DDDDDDDDDDDDDDDDDDDDDDDD"};

/* Coming to rest */

static void touch (void)
{
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s]) {
            int events;
            size_t size = sizeof events;
            zmq_getsockopt (sockets[s], ZMQ_EVENTS, &events, &size);
        }
}

/* Until the other threads sleep, and calling the sockets wakes none of them. */
void settle (void)
{
    int quiet = 0;
    for (int i = 0; i < LONGEST_SETTLING * wait_scale && quiet <= wait_scale; i++) {
        touch ();
        long long before = others_worked_ns ();
        usleep (NAP_US);
        quiet = others_worked_ns () == before ? quiet + 1 : 0;
        if (quiet > wait_scale && others_awake ())
            quiet = 0;
    }
    touch ();
}

/* Of inproc, only closing is the work of other threads. */
void rest (void)
{
    touch ();
    touch ();
    if (network_used || proxy_count)
        settle ();
}

/* For what happens by the clock: reconnects. */
static void rest_for (int ms)
{
    settle ();
    usleep (1000u * (unsigned) (ms * wait_scale));
    settle ();
}

long long clock_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int type_of (int s)
{
    int type = -1;
    size_t size = sizeof type;
    zmq_getsockopt (sockets[s], ZMQ_TYPE, &type, &size);
    return type;
}

/* A socket's time-out where a call may wait that long, or -1. */
int time_out (void *socket, int option)
{
    int value = -1;
    size_t size = sizeof value;
    zmq_getsockopt (socket, option, &value, &size);
    return value > LONGEST_WAIT_MS ? -1 : value;
}

/* Waits no longer than the sequence can bear. */
int bounded_flags (void *socket, int option, int flags)
{
    return time_out (socket, option) < 0 ? flags | ZMQ_DONTWAIT : flags;
}

void result (int rc)
{
    int err = errno;
    if (rc >= 0)
        printf (" = %d", rc);
    else
        printf (" = %d %s", rc, errno_name (err));
}

/* Polling, proxies, functions without a socket */

static void poll_sockets (int mask, int events, int z)
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

static void *run_proxy (void *argument)
{
    struct proxy *proxy = argument;
    proxy->rc = zmq_proxy (proxy->front, proxy->back, proxy->capture);
    proxy->err = errno;
    return NULL;
}

/* Sockets in a proxy's hands are nobody else's. No REP: from one that drops a
 * request without an envelope the oracle's proxy ends with EAGAIN. */
static void start_proxy (int front, int back, int capture)
{
    if (!sockets[front] || !sockets[back] || proxy_count == PROXIES
        || type_of (front) == ZMQ_REP || type_of (back) == ZMQ_REP) {
        printf (" none");
        return;
    }
    if (capture >= 0 && (capture == front || capture == back))
        capture = -1;
    struct proxy *proxy = &proxies[proxy_count++];
    proxy->front = sockets[front];
    proxy->back = sockets[back];
    proxy->capture = capture >= 0 ? sockets[capture] : NULL;
    sockets[front] = sockets[back] = NULL;
    if (capture >= 0)
        sockets[capture] = NULL;
    pthread_create (&proxy->thread, NULL, run_proxy, proxy);
}

static void pure_call (int which, int argument)
{
    static const int numbers[] = {0, 1, 11, 22, 113, 9999, -1, ZMQ_HAUSNUMERO,
                                  EFSM, ENOCOMPATPROTO, ETERM, EMTHREAD,
                                  ENOTSUP, EHOSTUNREACH, ZMQ_HAUSNUMERO + 18,
                                  ZMQ_HAUSNUMERO + 55};
    if (which < 2) {
        int number = numbers[argument % 16];
        printf (" strerror %d = %s", number, zmq_strerror (number));
    } else {
        const char *name = capabilities[argument % capability_count];
        printf (" has '%s'", name);
        result (zmq_has (name));
    }
}

/* Endpoints */

/* What is left to send must not keep the context from ending. */
static void shorten_linger (int s)
{
    int linger = 0;
    size_t size = sizeof linger;
    zmq_getsockopt (sockets[s], ZMQ_LINGER, &linger, &size);
    if (linger < 0 || linger > LONGEST_WAIT_MS) {
        linger = LONGEST_WAIT_MS;
        zmq_setsockopt (sockets[s], ZMQ_LINGER, &linger, sizeof linger);
    }
}

static void connection_call (const struct op *op)
{
    char text[512], wild[512] = "";
    void *socket = sockets[op->s];
    int place = op->x < BAD_ENDPOINTS ? op->x : -1;
    size_t size = sizeof wild;
    spell_endpoint (endpoints[op->x], text);
    if ((op->code == OP_UNBIND || op->code == OP_DISCONNECT) && op->y
        && zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, wild, &size) == 0)
        strcpy (text, wild);
    else if (op->code == OP_CONNECT)
        last_wildcard (op->x, text);
    printf (" '");
    print_text (text);
    printf ("'");
    int conflate = 0;
    size_t width = sizeof conflate;
    zmq_getsockopt (socket, ZMQ_CONFLATE, &conflate, &width);
    /* The oracle drops what was sent; it tells of subscriptions that end only
     * when the peer has read everything. */
    if ((conflate || type_of (op->s) == ZMQ_XPUB)
        && (op->code == OP_UNBIND || op->code == OP_DISCONNECT)) {
        printf (" not tried");
        return;
    }
    if (strncmp (text, "inproc:", 7) != 0)
        network_used = 1;
    /* What part of the messages that came a disconnect drops depends on how far
     * they were read: COMPAT.md. */
    if (op->code == OP_UNBIND || op->code == OP_DISCONNECT) {
        printf ("\n");
        shorten_linger (op->s);
        drain (op->s);
        settle ();
        printf ("   %s s%d ", op->code == OP_UNBIND ? "unbind" : "disconnect", op->s);
        print_text (text);
    }
    int late = op->code == OP_BIND && place >= IPC_ENDPOINTS && expected_at[place];
    if (op->code == OP_CONNECT && place >= 0)
        expected_at[place] = 1;
    switch (op->code) {
        case OP_BIND: {
            int rc = zmq_bind (socket, text);
            result (rc);
            if (rc == 0 && (place == WILD_TCP || place == WILD_IPC)
                && zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, wild, &size) == 0)
                note_wildcard (op->x, wild);
            break;
        }
        case OP_CONNECT:
            result (zmq_connect (socket, text));
            break;
        case OP_UNBIND:
            result (zmq_unbind (socket, text));
            break;
        default:
            result (zmq_disconnect (socket, text));
    }
    if (late)
        rest_for (RECONNECTED_MS);
    else
        rest ();
}

static void subscribe (int s, int option, int which)
{
    if (option < 0) {
        char frame[16] = {(char) (option == -2), 0};
        strcpy (frame + 1, topics[which]);
        print_bytes (frame, 1 + strlen (topics[which]));
        result (zmq_send (sockets[s], frame, 1 + strlen (topics[which]), ZMQ_DONTWAIT));
        return;
    }
    const char *value = option == ZMQ_METADATA            ? metadata[which % 2]
                        : option == ZMQ_TCP_ACCEPT_FILTER ? filters[which % 2]
                        : option == ZMQ_ROUTING_ID || option == ZMQ_CONNECT_ROUTING_ID
                          ? names[which]
                          : topics[which];
    printf (" option %d ", option);
    print_bytes (value, strlen (value));
    result (zmq_setsockopt (sockets[s], option, value, strlen (value)));
}

static void make_socket (int s, int context, int type)
{
    printf (" ctx%d type %d", context, type);
    if (sockets[s] || !contexts[context]) {
        printf (" not tried");
        return;
    }
    errno = 0;
    sockets[s] = zmq_socket (contexts[context], type);
    context_of[s] = context;
    result (sockets[s] ? 0 : -1);
    if (sockets[s]) {
        int ivl = 10; /* the default makes waiting long */
        zmq_setsockopt (sockets[s], ZMQ_RECONNECT_IVL, &ivl, sizeof ivl);
    }
    asking |= type == ZMQ_REQ;
    forget_peers (s);
    unfinished[s] = 0;
}

static void close_socket (int s)
{
    shorten_linger (s);
    result (zmq_close (sockets[s]));
    sockets[s] = NULL;
    settle ();
}

static void context_option (const struct op *op)
{
    const struct option *option = &context_options[op->x];
    printf (" ctx%d %s", op->s, option->name);
    if (op->code == OP_CTX_SET) {
        printf (" %d", op->y);
        result (zmq_ctx_set (contexts[op->s], option->number, op->y));
    } else {
        int value = zmq_ctx_get (contexts[op->s], option->number);
        if (option->number == ZMQ_THREAD_SCHED_POLICY || value < -1)
            printf (" = %d", value); /* negative, but no error */
        else
            result (value);
    }
}

static const char *const op_names[] = {
  "ctx_new", "ctx_set", "ctx_get", "ctx_shutdown", "socket", "close", "set",
  "set", "subscribe", "get", "bind", "connect", "unbind", "disconnect", "send",
  "send_whole", "send_to", "recv", "recv_whole", "old", "monitor", "bind",
  "poll", "msg", "proxy", "pure", "timer", "z85", "wait"};

static void carry_out (const struct op *op)
{
    int s = op->s;
    if (op->code >= OP_CLOSE && op->code <= OP_BIND_FD) {
        printf (" s%d", s);
        if (!sockets[s]) {
            printf (" none");
            return;
        }
    }
    if (op->code <= OP_CTX_SHUTDOWN && op->code != OP_CTX_NEW && !contexts[s]) {
        printf (" none");
        return;
    }
    switch (op->code) {
        case OP_CTX_NEW:
            if (!contexts[s])
                contexts[s] = zmq_ctx_new ();
            return;
        case OP_CTX_SET: /* s: context, x: index of option, y: value */
        case OP_CTX_GET:
            context_option (op);
            return;
        case OP_CTX_SHUTDOWN:
            result (zmq_ctx_shutdown (contexts[s]));
            settle ();
            return;
        case OP_SOCKET: /* x: context, y: type */
            make_socket (s, op->x, op->y);
            return;
        case OP_CLOSE:
            close_socket (s);
            return;
        case OP_SET: /* x: index of option, y: size, z: seed of the value */
            printf (" %s size %d", socket_options[op->x].name, op->y);
            set_option (s, &socket_options[op->x], op->y, (uint32_t) op->z);
            return;
        case OP_SET_INT: /* x: option, y: value */
            printf (" option %d value %d", op->x, op->y);
            result (zmq_setsockopt (sockets[s], op->x, &op->y, sizeof op->y));
            return;
        case OP_SUBSCRIBE: /* x: option, or -1, -2: by message; y: which name */
            subscribe (s, op->x, op->y);
            break;
        case OP_GET: /* x: index of option, y: size */
            printf (" %s size %d", socket_options[op->x].name, op->y);
            get_option (s, &socket_options[op->x], op->y);
            return;
        case OP_BIND: /* x: endpoint; unbind, disconnect: y: the last one */
        case OP_CONNECT:
        case OP_UNBIND:
        case OP_DISCONNECT:
            connection_call (op);
            return;
        case OP_SEND: { /* x: size, y: flags, z: seed of the body */
            size_t size = fill_body (op->x, (uint32_t) op->z);
            /* Subscriptions in the midst of messages mean nothing. */
            int flags = type_of (s) == ZMQ_XSUB ? op->y & ~ZMQ_SNDMORE : op->y;
            printf (" %zu flags %d", size, flags);
            result (send_frame (s, body, size, flags));
            break;
        }
        case OP_SEND_WHOLE: /* x: frames, y: without waiting, z: seed */
            send_frames (s, op->x, op->y, (uint32_t) op->z);
            break;
        case OP_SEND_TO: /* x: whom, y: how, z: seed */
            send_to (s, op->x, op->y, (uint32_t) op->z);
            break;
        case OP_RECV: /* x: size, y: flags */
            printf (" %d flags %d", op->x, op->y);
            recv_into (s, op->x, op->y);
            break;
        case OP_RECV_WHOLE: /* x: without waiting, y: with properties */
            recv_whole (s, op->x, op->y);
            break;
        case OP_OLD: /* x: call, y: count, z: seed */
            old_call (s, op->x, op->y, (uint32_t) op->z);
            break;
        case OP_MONITOR: /* x: mask of events */
            monitor (s, contexts[context_of[s]], op->x);
            break;
        case OP_BIND_FD: { /* x: endpoint */
            char text[512];
            spell_endpoint (endpoints[op->x], text);
            printf (" ");
            print_text (text);
            bind_descriptor (s, text);
            network_used = 1;
            break;
        }
        case OP_POLL: /* s: mask of sockets, x: events, y: see there */
            poll_sockets (s, op->x, op->y);
            return;
        case OP_MSG: /* s: socket, x: call, y: message, z: arguments */
            message_call (s, op->x, op->y, op->z);
            break;
        case OP_PROXY: /* s, x, y: front, back, capture or -1 */
            start_proxy (s, op->x, op->y);
            break;
        case OP_PURE: /* x: which, y: argument */
            pure_call (op->x, op->y);
            return;
        case OP_TIMER: /* x: call, y: which, z: arguments */
            timer_call (op->x, op->y, op->z);
            return;
        case OP_Z85: /* x: decoding, y: size, z: seed */
            z85_call (op->x, op->y, (uint32_t) op->z);
            return;
        case OP_WAIT:
            rest_for (RECONNECTED_MS);
            return;
    }
    rest ();
}

/* Reads what is left, closes everything. */
static void finish (void)
{
    if (proxy_count) {
        settle ();
        for (int c = 0; c < CONTEXTS; c++)
            if (contexts[c])
                zmq_ctx_shutdown (contexts[c]);
        settle ();
    }
    for (int i = 0; i < proxy_count; i++) {
        pthread_join (proxies[i].thread, NULL);
        errno = proxies[i].err;
        printf ("proxy %d", i);
        result (proxies[i].rc);
        printf ("\n");
        int zero = 0;
        void *held[] = {proxies[i].front, proxies[i].back, proxies[i].capture};
        for (int k = 0; k < 3; k++)
            if (held[k] && (k == 0 || held[k] != held[k - 1])) {
                zmq_setsockopt (held[k], ZMQ_LINGER, &zero, sizeof zero);
                zmq_close (held[k]);
            }
    }
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s])
            drain (s);
    close_messages ();
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s]) {
            int zero = 0;
            zmq_setsockopt (sockets[s], ZMQ_LINGER, &zero, sizeof zero);
            printf ("close s%d", s);
            result (zmq_close (sockets[s]));
            printf ("\n");
        }
    for (int s = 0; s < SLOTS; s++)
        end_monitor (s); /* which end of a connection is the first to go is chance */
    fflush (stdout);
    for (int c = 0; c < CONTEXTS; c++)
        if (contexts[c]) {
            printf ("term ctx%d", c);
            result (zmq_ctx_term (contexts[c]));
            printf ("\n");
        }
    print_freed ();
    printf ("\n");
    fflush (stdout);
}

void execute (const struct sequence *sequence, const char *keep, int scale)
{
    wait_scale = scale;
    contexts[0] = zmq_ctx_new ();
    contexts[1] = zmq_ctx_new ();
    for (int i = 0; i < sequence->count; i++) {
        if (!keep[i])
            continue;
        printf ("%02d %s", i, op_names[sequence->ops[i].code]);
        fflush (stdout);
        carry_out (&sequence->ops[i]);
        read_monitors ();
        printf ("\n");
        fflush (stdout);
    }
    finish ();
}
