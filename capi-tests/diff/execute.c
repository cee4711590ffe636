/* execute.c - carries out a sequence on the libzmq of this process.
 *
 * Each operation prints one line: what was asked, "=", what came back. Before
 * the next one begins, everything that the last one set off must have come to
 * rest, or else the results would tell of chance: sockets are called (some of
 * their work is done only then), and time is given to I/O threads.
 */
#define _GNU_SOURCE
#include "diff.h"
#include "text.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { LONGEST_WAIT_MS = 30, REMEMBERED = 4, MAX_FRAMES = 20, PROXIES = 4 };

static void *contexts[CONTEXTS];
static void *sockets[SLOTS];
static zmq_msg_t messages[MESSAGES];
static int message_alive[MESSAGES];
static int freed;
/* There is a REQ, which the oracle disconnects for a reply without delimiter. */
static int asking;
static int network_used, expected_at[BAD_ENDPOINTS];
static int wait_scale;
/* The last frame sent said that more would come. */
static int unfinished[SLOTS];
static struct proxy
{
    pthread_t thread;
    void *front, *back, *capture;
    int rc, err;
} proxies[PROXIES];
static int proxy_count;

static const char *const names[] = {"A", "BB", "CCC", "DDDDDDDDDDDDDDDDDDDDDDDD"};

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

static void rest (int ms)
{
    touch ();
    touch ();
    if (!network_used && !proxy_count && ms < 5)
        return;
    for (int i = 0; i < ms * wait_scale; i++) {
        usleep (1000);
        touch ();
    }
}

/* The closing of sockets is finished by a thread of the library. */
static void rest_after_close (void)
{
    for (int i = 0; i < 2; i++) {
        touch ();
        usleep (500u * (unsigned) wait_scale);
    }
    rest (network_used ? 4 : 0);
}

static long long clock_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int type_of (int s)
{
    int type = -1;
    size_t size = sizeof type;
    zmq_getsockopt (sockets[s], ZMQ_TYPE, &type, &size);
    return type;
}

/* A socket's time-out where a call may wait that long, or -1. */
static int time_out (void *socket, int option)
{
    int value = -1;
    size_t size = sizeof value;
    zmq_getsockopt (socket, option, &value, &size);
    return value > LONGEST_WAIT_MS ? -1 : value;
}

/* Waits no longer than the sequence can bear. */
static int bounded_flags (void *socket, int option, int flags)
{
    return time_out (socket, option) < 0 ? flags | ZMQ_DONTWAIT : flags;
}

static void result (int rc)
{
    int err = errno;
    if (rc >= 0)
        printf (" = %d", rc);
    else
        printf (" = %d %s", rc, errno_name (err));
}

/* Sending and receiving */

static struct
{
    unsigned char bytes[256];
    size_t size;
} remembered[SLOTS][REMEMBERED];

static void remember (int s, const void *bytes, size_t size)
{
    if (size == 0 || size > 255)
        return;
    for (int i = 0; i < REMEMBERED; i++)
        if (remembered[s][i].size == size
            && memcmp (remembered[s][i].bytes, bytes, size) == 0)
            return;
    memmove (&remembered[s][1], &remembered[s][0],
             sizeof remembered[s][0] * (REMEMBERED - 1));
    memcpy (remembered[s][0].bytes, bytes, size);
    remembered[s][0].size = size;
}

/* Bodies begin with what may be a topic or a subscription. None has 4 bytes or
 * is like an automatic routing id: text.c takes those for random numbers. */
static size_t fill_body (unsigned char *body, int size, uint32_t seed)
{
    static const unsigned char first[] = {'a', 'b', 'a', 'c', 1, 0};
    if (size == 4 || size == 5)
        size = 6;
    struct random random = {seed};
    for (int i = 0; i < size; i++)
        body[i] = (unsigned char) random_next (&random);
    if (size > 0)
        body[0] = first[seed % 6];
    if (size > 1)
        body[1] = "abx"[seed / 6 % 3];
    return (size_t) size;
}

static int size_from (uint32_t seed)
{
    static const int sizes[] = {0, 1, 2, 3, 6, 33, 40, 41, 255, 256, 1000, 9000};
    return sizes[(seed >> 8) % 12];
}

static unsigned char body[100000];

static int send_frame (int s, const void *bytes, size_t size, int flags)
{
    int timed = time_out (sockets[s], ZMQ_SNDTIMEO);
    long long begin = clock_ms ();
    if (unfinished[s])
        printf (" amid");
    /* A subscription with more frames to come takes effect at different times. */
    if (size > 0 && *(const unsigned char *) bytes <= 1 && type_of (s) == ZMQ_XSUB)
        flags &= ~ZMQ_SNDMORE;
    /* The oracle breaks its stream with a subscription that is a little shorter
     * than 256 bytes: COMPAT.md. */
    if (size > 240 && size < 260 && *(const unsigned char *) bytes <= 1
        && type_of (s) == ZMQ_XSUB)
        size = 240;
    int rc = zmq_send (sockets[s], bytes, size,
                       bounded_flags (sockets[s], ZMQ_SNDTIMEO, flags));
    int err = errno;
    if (rc < 0 && err == EAGAIN && !(flags & ZMQ_DONTWAIT) && timed > 0
        && clock_ms () - begin < timed - 1)
        printf (" early");
    if (rc >= 0)
        unfinished[s] = (flags & ZMQ_SNDMORE) != 0;
    errno = err;
    return rc;
}

static void send_frames (int s, int frames, int dontwait, uint32_t seed)
{
    int flags = dontwait ? ZMQ_DONTWAIT : 0;
    for (int i = 0; i < frames; i++) {
        size_t size = fill_body (body, size_from (seed + (uint32_t) i * 977), seed);
        printf (" %zu", size);
        int rc = send_frame (s, body, size,
                             flags | (i + 1 < frames ? ZMQ_SNDMORE : 0));
        result (rc);
        if (rc < 0)
            return;
    }
}

static void send_to (int s, int which, int frames, uint32_t seed)
{
    const void *id = names[which];
    size_t size = strlen (names[which]);
    if (frames && remembered[s][which].size) {
        id = remembered[s][which].bytes;
        size = remembered[s][which].size;
    }
    printf (" to ");
    print_bytes (id, size);
    int rc = send_frame (s, id, size, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    result (rc);
    if (rc < 0)
        return;
    if ((frames & 1) || asking) {
        rc = send_frame (s, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE);
        result (rc);
    }
    send_frames (s, frames ? frames / 2 + 1 : 1, 1, seed);
}

/* Receives the frames of one message; whether there was one. */
static int recv_whole (int s, int dontwait, int properties)
{
    static const char *const asked[] = {"Socket-Type", "Identity", "Peer-Address",
                                        "User-Id", "X-none", "socket-type",
                                        "Routing-Id", ""};
    int flags = dontwait ? ZMQ_DONTWAIT : 0;
    for (int i = 0; i < MAX_FRAMES; i++) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        int timed = time_out (sockets[s], ZMQ_RCVTIMEO);
        long long begin = clock_ms ();
        int rc = zmq_msg_recv (&frame, sockets[s],
                               bounded_flags (sockets[s], ZMQ_RCVTIMEO, flags));
        int err = errno;
        if (rc < 0) {
            if (err == EAGAIN && !dontwait && timed > 0
                && clock_ms () - begin < timed - 1)
                printf (" early");
            zmq_msg_close (&frame);
            errno = err;
            result (rc);
            return i > 0;
        }
        int more = zmq_msg_more (&frame);
        if (i == 0)
            remember (s, zmq_msg_data (&frame), zmq_msg_size (&frame));
        printf (" ");
        print_bytes (zmq_msg_data (&frame), zmq_msg_size (&frame));
        /* COMPAT.md: the id that ROUTER adds */
        if (properties && (i > 0 || type_of (s) != ZMQ_ROUTER)) {
            for (size_t p = 0; p < sizeof asked / sizeof *asked; p++) {
                errno = 0;
                const char *value = zmq_msg_gets (&frame, asked[p]);
                printf (" %s:", asked[p]);
                if (value)
                    print_text (value);
                else
                    printf ("%s", errno_name (errno));
            }
            printf (" fd:%d", zmq_msg_get (&frame, ZMQ_SRCFD) >= 0);
        }
        zmq_msg_close (&frame);
        if (!more)
            return 1;
        printf (" |");
    }
    return 1;
}

/* Reads what is there, a line for each message. */
static void drain (int s)
{
    for (int i = 0; i < 40; i++) {
        printf ("left s%d", s);
        int any = recv_whole (s, 1, 0);
        printf ("\n");
        fflush (stdout);
        rest (0);
        if (!any)
            return;
    }
}

static void recv_into (int s, int size, int flags)
{
    static unsigned char buffer[1024];
    memset (buffer, 0xAA, sizeof buffer);
    int rc = zmq_recv (sockets[s], buffer, (size_t) size,
                       bounded_flags (sockets[s], ZMQ_RCVTIMEO, flags));
    result (rc);
    if (rc < 0 || (rc == 5 && size < 5)) /* perhaps part of a random id */
        return;
    size_t got = rc < size ? (size_t) rc : (size_t) size;
    printf (" ");
    print_bytes (buffer, got);
    remember (s, buffer, got);
    for (size_t i = got; i < sizeof buffer; i++)
        if (buffer[i] != 0xAA) {
            printf (" wrote beyond");
            break;
        }
}

/* Options */

static void set_option (int s, const struct option *option, int size, uint32_t seed)
{
    static unsigned char value[512];
    memset (value, 0, sizeof value);
    struct random random = {seed};
    if (option->kind == INT || option->kind == INT64) {
        int64_t number = int_values[below (&random, int_value_count)];
        memcpy (value, &number, sizeof number);
        printf (" %d", (int) number);
    } else {
        for (int i = 0; i < size; i++)
            value[i] = (unsigned char) ("ab\0A:/1"[below (&random, 7)]);
        if (chance (&random, 50))
            memset (value, 'a' + below (&random, 3), (size_t) size);
        if (chance (&random, 10) && size > 0)
            value[0] = 0;
        printf (" ");
        print_bytes (value, (size_t) size);
    }
    errno = 0;
    result (zmq_setsockopt (sockets[s], option->number, value, (size_t) size));
}

static void get_option (int s, const struct option *option, int size)
{
    static unsigned char value[512];
    memset (value, 0xAA, sizeof value);
    size_t got = (size_t) size;
    int rc = zmq_getsockopt (sockets[s], option->number, value, &got);
    result (rc);
    if (rc < 0 || option->number == ZMQ_FD) {
        printf (" size %zu", got);
        return;
    }
    if (option->number == ZMQ_LAST_ENDPOINT) {
        printf (" %s ", got == strlen ((char *) value) + 1 ? "whole" : "odd");
        print_text ((char *) value);
        return;
    }
    printf (" size %zu ", got);
    if (got == sizeof (int)) {
        int number;
        memcpy (&number, value, sizeof number);
        printf ("%d", number);
    } else
        print_bytes (value, got < sizeof value ? got : sizeof value);
    printf (" ~%x", hash_bytes (value, sizeof value));
}

/* Messages */

static void count_free (void *data, void *hint)
{
    (void) data;
    (void) hint;
    __atomic_add_fetch (&freed, 1, __ATOMIC_SEQ_CST);
}

static const char *const msg_call_names[MSG_CALLS] = {
  "init", "init_size", "init_data", "init_data free", "close", "move", "copy",
  "size", "data", "more", "get", "set", "gets", "send", "send more", "recv",
  "write", "init_size huge"};

static void message_call (int s, int call, int m, int z)
{
    static char constant[64] = "constant data of a message, as long as one line of text is";
    int other = z >> 24, argument = z & 0xFFFFFF;
    zmq_msg_t *msg = &messages[m];
    int property = (argument >> 4) % 6 - 1;
    printf (" m%d %s", m, msg_call_names[call]);
    fflush (stdout); /* where the oracle may die */
    if (call <= 3 || call == 17) {
        if (message_alive[m])
            zmq_msg_close (msg);
        message_alive[m] = 1;
    }
    switch (call) {
        case 0:
            result (zmq_msg_init (msg));
            return;
        case 1: {
            size_t size = (size_t) (argument & 0x1FF);
            if (size == 4 || size == 5)
                size = 6;
            printf (" %zu", size);
            result (zmq_msg_init_size (msg, size));
            memset (zmq_msg_data (msg), 'a' + argument % 2, size);
            return;
        }
        case 2:
            result (zmq_msg_init_data (msg, constant,
                                       (size_t) (argument % 50 + 6), NULL, NULL));
            return;
        case 3:
            result (zmq_msg_init_data (msg, constant,
                                       (size_t) (argument % 50 + 6), count_free, NULL));
            return;
        case 4:
            result (zmq_msg_close (msg));
            message_alive[m] = 0;
            break;
        case 5:
        case 6: {
            printf (" from m%d", other);
            fflush (stdout);
            if (other == m) { /* onto itself: COMPAT.md */
                printf (" not tried");
                return;
            }
            int rc = call == 5 ? zmq_msg_move (msg, &messages[other])
                               : zmq_msg_copy (msg, &messages[other]);
            result (rc);
            break;
        }
        case 13:
        case 14: {
            if (sockets[s] && type_of (s) == ZMQ_XSUB)
                call = 13;
            if (!sockets[s] || !message_alive[m]) { /* the oracle aborts */
                printf (" none");
                return;
            }
            printf (" to s%d", s);
            if (unfinished[s])
                printf (" amid");
            int rc = zmq_msg_send (msg, sockets[s],
                                   ZMQ_DONTWAIT | (call == 14 ? ZMQ_SNDMORE : 0));
            result (rc);
            if (rc >= 0)
                unfinished[s] = call == 14;
            break;
        }
        case 15: {
            if (!sockets[s]) {
                printf (" none");
                return;
            }
            printf (" from s%d", s);
            int rc = zmq_msg_recv (msg, sockets[s], ZMQ_DONTWAIT);
            result (rc);
            if (rc >= 0) {
                printf (" ");
                print_bytes (zmq_msg_data (msg), zmq_msg_size (msg));
            }
            break;
        }
        case 17: {
            int rc = zmq_msg_init_size (msg, (size_t) -1 - (size_t) (argument % 200));
            result (rc);
            if (rc < 0)
                zmq_msg_init (msg); /* COMPAT.md: it counts as closed */
            return;
        }
        default:
            if (!message_alive[m]) { /* COMPAT.md: a message that was closed */
                printf (" not tried");
                return;
            }
            switch (call) {
                case 7:
                    printf (" = %zu", zmq_msg_size (msg));
                    return;
                case 8:
                    printf (" = ");
                    print_bytes (zmq_msg_data (msg), zmq_msg_size (msg));
                    return;
                case 9:
                    result (zmq_msg_more (msg));
                    return;
                case 10:
                    printf (" %d", property);
                    if (property == ZMQ_SRCFD)
                        printf (" = %d", zmq_msg_get (msg, property) >= 0);
                    else if (property == ZMQ_SHARED && zmq_msg_size (msg) >= 34
                             && zmq_msg_size (msg) <= 40)
                        printf (" not tried"); /* COMPAT.md: inline here */
                    else
                        result (zmq_msg_get (msg, property));
                    return;
                case 11:
                    printf (" %d", property);
                    result (zmq_msg_set (msg, property, argument % 3));
                    return;
                case 12: {
                    const char *value = zmq_msg_gets (msg, "Socket-Type");
                    printf (" = %s", value ? value : errno_name (errno));
                    return;
                }
                default:
                    return;
            }
    }
    printf (" freed %d", __atomic_load_n (&freed, __ATOMIC_SEQ_CST));
}

/* Polling, proxies, functions without a socket */

static void poll_sockets (int mask, int events, int z)
{
    zmq_pollitem_t items[SLOTS + 2];
    int slot[SLOTS + 2], count = 0, quiet[2], ready[2];
    if (pipe (quiet) || pipe (ready) || write (ready[1], "x", 1) != 1)
        return;
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s] && (mask >> s & 1)) {
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
        drain (op->s);
        rest_after_close ();
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
    rest (late ? 45 : network_used ? 4 : 0);
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
    const char *value = option == ZMQ_ROUTING_ID || option == ZMQ_CONNECT_ROUTING_ID
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
    result (sockets[s] ? 0 : -1);
    if (sockets[s]) {
        int ivl = 10; /* the default makes waiting long */
        zmq_setsockopt (sockets[s], ZMQ_RECONNECT_IVL, &ivl, sizeof ivl);
    }
    asking |= type == ZMQ_REQ;
    memset (remembered[s], 0, sizeof remembered[s]);
    unfinished[s] = 0;
}

static void close_socket (int s)
{
    int linger = 0;
    size_t size = sizeof linger;
    zmq_getsockopt (sockets[s], ZMQ_LINGER, &linger, &size);
    if (linger < 0 || linger > LONGEST_WAIT_MS) {
        linger = LONGEST_WAIT_MS;
        zmq_setsockopt (sockets[s], ZMQ_LINGER, &linger, sizeof linger);
    }
    result (zmq_close (sockets[s]));
    sockets[s] = NULL;
    rest_after_close ();
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
        if (option->number == ZMQ_THREAD_SCHED_POLICY)
            printf (" = %d", value); /* -1 is a value */
        else
            result (value);
    }
}

static const char *const op_names[] = {
  "ctx_new", "ctx_set", "ctx_get", "ctx_shutdown", "socket", "close", "set",
  "set", "subscribe", "get", "bind", "connect", "unbind", "disconnect", "send",
  "send_whole", "send_to", "recv", "recv_whole", "poll", "msg", "proxy", "pure",
  "wait"};

static void carry_out (const struct op *op)
{
    int s = op->s;
    if (op->code >= OP_CLOSE && op->code <= OP_RECV_WHOLE) {
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
            rest (5);
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
            size_t size = fill_body (body, op->x, (uint32_t) op->z);
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
        case OP_WAIT:
            rest (30);
            return;
    }
    rest (2);
}

/* Reads what is left, closes everything. */
static void finish (void)
{
    if (proxy_count) {
        rest (10);
        for (int c = 0; c < CONTEXTS; c++)
            if (contexts[c])
                zmq_ctx_shutdown (contexts[c]);
        rest (5);
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
    for (int m = 0; m < MESSAGES; m++)
        if (message_alive[m])
            zmq_msg_close (&messages[m]);
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s]) {
            int zero = 0;
            zmq_setsockopt (sockets[s], ZMQ_LINGER, &zero, sizeof zero);
            printf ("close s%d", s);
            result (zmq_close (sockets[s]));
            printf ("\n");
        }
    fflush (stdout);
    for (int c = 0; c < CONTEXTS; c++)
        if (contexts[c]) {
            printf ("term ctx%d", c);
            result (zmq_ctx_term (contexts[c]));
            printf ("\n");
        }
    printf ("freed %d\n", __atomic_load_n (&freed, __ATOMIC_SEQ_CST));
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
        printf ("\n");
        fflush (stdout);
    }
    finish ();
}
