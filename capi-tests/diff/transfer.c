/* transfer.c - sending and receiving, with what came and went on the line. */
#include "execute.h"
#include "diff.h"
#include "text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

enum { REMEMBERED = 4, MAX_FRAMES = 20 };

/* Whom a ROUTER has heard from: the first frames that it received. */
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

unsigned char body[100000];

/* Bodies begin with what may be a topic or a subscription. None has 4 bytes or
 * is like an automatic routing id: text.c takes those for random numbers. */
size_t fill_body (int size, uint32_t seed)
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

int send_frame (int s, const void *bytes, size_t size, int flags)
{
    int timed = time_out (sockets[s], ZMQ_SNDTIMEO);
    long long begin = clock_ms ();
    if (unfinished[s])
        printf (" amid");
    /* A subscription with more frames to come takes effect at different times. */
    if (size > 0 && *(const unsigned char *) bytes <= 1 && type_of (s) == ZMQ_XSUB) {
        flags &= ~ZMQ_SNDMORE;
        /* What follows a message whose last frame is not passed on: COMPAT.md. */
        if (unfinished[s] && bytes == body)
            body[0] = 'a';
    }
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

void send_frames (int s, int frames, int dontwait, uint32_t seed)
{
    int flags = dontwait ? ZMQ_DONTWAIT : 0;
    for (int i = 0; i < frames; i++) {
        size_t size = fill_body (size_from (seed + (uint32_t) i * 977), seed);
        printf (" %zu", size);
        int rc = send_frame (s, body, size,
                             flags | (i + 1 < frames ? ZMQ_SNDMORE : 0));
        result (rc);
        if (rc < 0)
            return;
    }
}

void send_to (int s, int which, int frames, uint32_t seed)
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
int recv_whole (int s, int dontwait, int properties)
{
    static const char *const asked[] = {"Socket-Type", "Identity", "Peer-Address",
                                        "User-Id", "X-a", "X-bb", "socket-type",
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
void drain (int s)
{
    int last = 0;
    for (int i = 0; i < 40; i++) {
        printf ("left s%d", s);
        int any = recv_whole (s, 1, 0);
        printf ("\n");
        fflush (stdout);
        /* What waited for room may come now. */
        rest ();
        if (!any && (last || !network_used))
            return;
        last = !any;
    }
}

void recv_into (int s, int size, int flags)
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

void forget_peers (int s)
{
    memset (remembered[s], 0, sizeof remembered[s]);
}
