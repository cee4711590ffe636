/* peer.c - one side of a conversation between two processes, which may run on
 * two libraries. Built once with -lzmq; LD_LIBRARY_PATH chooses the library.
 *
 *   peer ROLE TYPE bind|connect ENDPOINT COUNT BIG
 *
 * ROLE says what this side does:
 *   send   publishes or pushes the messages 0 ... COUNT-1
 *   recv   expects exactly those, in order
 *   ask    sends them, at most WINDOW ahead, and expects each back in order
 *   echo   expects them in order, and sends each back
 *
 * Message number n is the same everywhere: its frames, their sizes and every
 * byte follow from n, so the receiver knows what must come. Losing, repeating,
 * swapping or tearing one shows at once. BIG messages among them hold a body
 * of 64 MiB. Whoever binds prints the endpoint; each side prints "library PATH"
 * first, "done" when it has all it waits for, and "ok" last. Anything else on
 * stdout is the failure. A side that is done keeps its socket open until the
 * end of stdin: an early close may cost what the other has not yet read.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "security.h"

enum { WINDOW = 400, MAX_FRAMES = 8, BIG_SIZE = 64 << 20, PERIOD = 4093 };

static const int edge_sizes[] = {0, 1, 33, 34, 255, 256, 65535, 65536};
static unsigned char *pattern;
static long count, big;
static void *subject;
static int wants_id, wants_delimiter;

static void fail (const char *what, long number)
{
    printf ("failed: %s at message %ld (errno %d: %s)\n", what, number, errno,
            zmq_strerror (errno));
    fflush (stdout);
    _exit (1);
}

static void must (int ok, const char *what, long number)
{
    if (!ok)
        fail (what, number);
}

/* The frames of message n: their number, and their sizes. */
static int shape (long n, int *sizes)
{
    /* The big ones are spread evenly, the first of them not at the start. */
    if (big && n % (count / big) == count / big / 2) {
        sizes[0] = 5, sizes[1] = BIG_SIZE, sizes[2] = 0;
        return 3;
    }
    /* Every 64th has an edge size; most of those are small. */
    if (n % 64 == 0) {
        int edge = (int) (n / 64 % 16);
        sizes[0] = edge_sizes[edge < 8 ? edge : edge % 6];
        if (edge >= 8)
            sizes[0] = edge_sizes[edge % 6], sizes[1] = 0, sizes[2] = sizes[0];
        return edge < 8 ? 1 : 3;
    }
    if (n % 7 == 0) {
        int frames = 2 + (int) (n % MAX_FRAMES) % (MAX_FRAMES - 1);
        for (int i = 0; i < frames; i++)
            sizes[i] = (int) ((n / 7 + i * 11) % 40);
        sizes[n / 7 % frames] = 0;
        return frames;
    }
    sizes[0] = (int) (n % 100);
    return 1;
}

static const unsigned char *content (long n, int frame)
{
    return pattern + (n * 31 + frame * 7) % PERIOD;
}

static void keep (void *data, void *hint)
{
    (void) data, (void) hint;
}

static int send_part (const void *data, size_t size, int flags, long n)
{
    int rc;
    if (size == BIG_SIZE) {
        zmq_msg_t msg;
        zmq_msg_init_data (&msg, (void *) data, size, keep, NULL);
        rc = zmq_msg_send (&msg, subject, flags);
    } else
        rc = zmq_send (subject, data, size, flags);
    if (rc < 0 && (errno == EHOSTUNREACH || errno == EAGAIN))
        return -1;
    must (rc == (int) size, "send", n);
    return rc;
}

static void send_message (long n)
{
    int sizes[MAX_FRAMES], frames = shape (n, sizes);
    if (wants_id)
        /* A router may not know its peer yet. */
        while (send_part ("peer", 4, ZMQ_SNDMORE, n) < 0) {
            must (n == 0 && errno == EHOSTUNREACH, "route", n);
            zmq_pollitem_t item = {subject, 0, ZMQ_POLLIN, 0};
            zmq_poll (&item, 1, 1);
        }
    if (wants_delimiter)
        must (send_part ("", 0, ZMQ_SNDMORE, n) == 0, "send", n);
    for (int i = 0; i < frames; i++)
        must (send_part (content (n, i), (size_t) sizes[i],
                         i + 1 < frames ? ZMQ_SNDMORE : 0, n) == sizes[i],
              "send", n);
}

static int recv_part (zmq_msg_t *part, long n)
{
    zmq_msg_init (part);
    int rc = zmq_msg_recv (part, subject, 0);
    must (rc >= 0, "receive", n);
    return rc;
}

static void recv_rest (long n, int from, zmq_msg_t *part)
{
    int sizes[MAX_FRAMES], frames = shape (n, sizes);
    for (int i = from; i < frames; i++) {
        if (i > 0)
            recv_part (part, n);
        if (zmq_msg_size (part) != (size_t) sizes[i]) {
            printf ("frame %d has %zu bytes, not %d; ", i, zmq_msg_size (part),
                    sizes[i]);
            fail ("wrong size", n);
        }
        must (memcmp (zmq_msg_data (part), content (n, i), (size_t) sizes[i]) == 0,
              "wrong bytes", n);
        must (zmq_msg_more (part) == (i + 1 < frames), "wrong number of frames",
              n);
        zmq_msg_close (part);
    }
}

static void recv_message (long n)
{
    zmq_msg_t part;
    if (wants_id) {
        must (recv_part (&part, n) == 4
                && memcmp (zmq_msg_data (&part), "peer", 4) == 0
                && zmq_msg_more (&part),
              "wrong routing id", n);
        zmq_msg_close (&part);
    }
    if (wants_delimiter) {
        must (recv_part (&part, n) == 0 && zmq_msg_more (&part),
              "missing delimiter", n);
        zmq_msg_close (&part);
    }
    recv_part (&part, n);
    recv_rest (n, 0, &part);
}

/* Publishing starts when the subscriber is there: greetings until the driver
 * says on stdin that one was received, then one that ends them. */
static void greet_subscribers (void)
{
    struct pollfd told = {0, POLLIN, 0};
    do
        must (zmq_send (subject, "greeting", 8, 0) == 8, "greet", -1);
    while (poll (&told, 1, 2) == 0);
    must (zmq_send (subject, "start", 5, 0) == 5, "greet", -1);
}

static void await_greetings (void)
{
    for (int greeted = 0;;) {
        char text[16];
        int size = zmq_recv (subject, text, sizeof text, 0);
        must (size == 8 || size == 5, "greeting", -1);
        if (size == 5)
            return;
        if (!greeted++)
            puts ("greeted");
        fflush (stdout);
    }
}

static void await_other_side (void)
{
    char told[16];
    puts ("done");
    fflush (stdout);
    while (read (0, told, sizeof told) > 0)
        ;
}

static int type_of (const char *name)
{
    static const char *const names[] = {"PAIR",   "PUB",  "SUB",  "REQ",
                                        "REP",    "DEALER", "ROUTER", "PULL",
                                        "PUSH",   "XPUB", "XSUB"};
    for (int i = 0; i < 11; i++)
        if (strcmp (names[i], name) == 0)
            return i;
    fail ("unknown socket type", -1);
    return -1;
}

int main (int argc, char **argv)
{
    must (argc == 7, "usage: peer ROLE TYPE bind|connect ENDPOINT COUNT BIG", -1);
    const char *role = argv[1], *endpoint = argv[4];
    int type = type_of (argv[2]), binds = strcmp (argv[3], "bind") == 0;
    int publishes = type == ZMQ_PUB || type == ZMQ_XPUB;
    int subscribes = type == ZMQ_SUB || type == ZMQ_XSUB;
    count = atol (argv[5]);
    big = atol (argv[6]);
    Dl_info library;
    void *entry = dlsym (RTLD_DEFAULT, "zmq_version");
    must (entry && dladdr (entry, &library), "no library", -1);
    printf ("library %s\n", library.dli_fname);

    size_t room = (big ? BIG_SIZE : 65536) + PERIOD + 64;
    pattern = malloc (room);
    must (pattern != NULL, "memory", -1);
    unsigned x = 2463534242u;
    for (size_t i = 0; i < PERIOD; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        pattern[i] = (unsigned char) x;
    }
    for (size_t done = PERIOD; done < room; done *= 2)
        memcpy (pattern + done, pattern, done < room - done ? done : room - done);

    void *context = zmq_ctx_new ();
    subject = zmq_socket (context, type);
    must (subject != NULL, "socket", -1);
    int minute = 60000, none = 0, yes = 1;
    zmq_setsockopt (subject, ZMQ_RCVTIMEO, &minute, sizeof minute);
    zmq_setsockopt (subject, ZMQ_SNDTIMEO, &minute, sizeof minute);
    if (publishes || subscribes) {
        /* Nothing may be dropped for want of room. */
        zmq_setsockopt (subject, ZMQ_SNDHWM, &none, sizeof none);
        zmq_setsockopt (subject, ZMQ_RCVHWM, &none, sizeof none);
    }
    if (type == ZMQ_ROUTER)
        zmq_setsockopt (subject, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    if (type == ZMQ_SUB)
        zmq_setsockopt (subject, ZMQ_SUBSCRIBE, "", 0);
    if (type == ZMQ_XSUB)
        must (zmq_send (subject, "\1", 1, 0) == 1, "subscribe", -1);
    if (!publishes && !subscribes && type != ZMQ_PUSH && type != ZMQ_PULL)
        zmq_setsockopt (subject, ZMQ_ROUTING_ID, "peer", 4);
    /* REQ and REP keep the empty frame to themselves; the driver says by the
     * environment when the other side needs it written out. */
    wants_id = type == ZMQ_ROUTER;
    wants_delimiter = getenv ("PEER_DELIMITER") != NULL
                      && (type == ZMQ_DEALER || type == ZMQ_ROUTER);

    const char *mechanism = getenv ("PEER_MECHANISM");
    must (!mechanism || secure (subject, mechanism, "", binds) == 0, "security", -1);
    /* PLAIN lets nobody in without one; CURVE does, and so we have both. */
    if (binds && mechanism && strcmp (mechanism, "PLAIN") == 0)
        must (start_authenticator (context) == 0, "authenticator", -1);
    const char *proxy = getenv ("PEER_PROXY");
    if (proxy && !binds)
        must (zmq_setsockopt (subject, ZMQ_SOCKS_PROXY, proxy, strlen (proxy)) == 0,
              "proxy", -1);
    if (binds) {
        char bound[256];
        size_t size = sizeof bound;
        must (zmq_bind (subject, endpoint) == 0, "bind", -1);
        zmq_getsockopt (subject, ZMQ_LAST_ENDPOINT, bound, &size);
        printf ("bound %s\n", bound);
    } else
        must (zmq_connect (subject, endpoint) == 0, "connect", -1);
    fflush (stdout);

    long window = type == ZMQ_REQ ? 1 : WINDOW;
    if (publishes)
        greet_subscribers ();
    else if (subscribes)
        await_greetings ();
    if (strcmp (role, "send") == 0)
        for (long n = 0; n < count; n++)
            send_message (n);
    else if (strcmp (role, "recv") == 0)
        for (long n = 0; n < count; n++)
            recv_message (n);
    else if (strcmp (role, "ask") == 0)
        for (long sent = 0, got = 0; got < count; recv_message (got++))
            while (sent < count && sent < got + window)
                send_message (sent++);
    else
        for (long n = 0; n < count; n++) {
            recv_message (n);
            send_message (n);
        }
    /* Nothing more may come: a message sent twice would be here. */
    if (strcmp (role, "recv") == 0 || strcmp (role, "ask") == 0) {
        zmq_pollitem_t item = {subject, 0, ZMQ_POLLIN, 0};
        must (zmq_poll (&item, 1, 20) == 0, "more than was sent", count);
    }
    await_other_side ();
    must (zmq_close (subject) == 0, "close", count);
    must (zmq_ctx_term (context) == 0, "terminate", count);
    puts ("ok");
    return 0;
}
