/* stream.c - one process of the reliability scenarios that `run` plays.
 *
 *   stream send TYPE bind|connect ENDPOINT FIRST COUNT HWM
 *       sends the messages FIRST ... FIRST+COUNT-1, says "queued" once it
 *       blocks or has handed over all of them, then closes and waits until
 *       all is delivered. A publisher waits for a line on stdin first. With
 *       COUNT 0 it sends until a line comes on stdin, says "last N", and keeps
 *       its socket open until the end of stdin: libzmq's reader over ipc, when
 *       its mark stops it while the sender closes, loses what it has not read.
 *   stream recv TYPE bind|connect ENDPOINT LIMIT HWM PAUSE_US
 *       prints the number of each message that came and its peer's address;
 *       after LIMIT of them (0: never) closes. A subscriber says "joined" when
 *       it heard the publisher.
 *   stream ask bind|connect ENDPOINT COUNT
 *       a REQ that asks again when no answer comes; prints what was answered.
 *   stream echo bind|connect ENDPOINT LIMIT
 *       a REP that answers LIMIT requests (0: for ever), then closes.
 *
 * A message is four frames: its number, a body that follows from the number,
 * an empty frame, the number. Whatever arrives otherwise is "torn". The last
 * word of a process that ended as it should is "ok".
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { LARGEST = 200000 };

static unsigned char body[LARGEST + 256];
static void *context, *subject;
static char came_from[64];

static void fail (const char *what, long number)
{
    printf ("failed: %s at %ld (errno %d: %s)\n", what, number, errno,
            zmq_strerror (errno));
    exit (1);
}

static size_t body_size (long n)
{
    return n % 500 == 499 ? LARGEST : (size_t) (n * 37 % 2000);
}

static int send_message (long n, int flags)
{
    int64_t number = n;
    size_t size = body_size (n);
    if (zmq_send (subject, &number, sizeof number, flags | ZMQ_SNDMORE) < 0)
        return -1;
    if (zmq_send (subject, body + n % 251, size, ZMQ_SNDMORE) != (int) size
        || zmq_send (subject, "", 0, ZMQ_SNDMORE) != 0
        || zmq_send (subject, &number, sizeof number, 0) != sizeof number)
        fail ("send of a later frame", n);
    return 0;
}

/* The number of the message that comes next; -1 when none comes in time. */
static long recv_message (void)
{
    int64_t number = -1, again = -1;
    zmq_msg_t part;
    int size = zmq_recv (subject, &number, sizeof number, 0);
    if (size < 0)
        return -1;
    int more = 0;
    size_t room = sizeof more;
    zmq_getsockopt (subject, ZMQ_RCVMORE, &more, &room);
    if (size == 5 && !more)
        return -2; /* a publisher's greeting */
    if (size != sizeof number || !more || number < 0)
        fail ("torn: first frame", number);
    zmq_msg_init (&part);
    if (zmq_msg_recv (&part, subject, ZMQ_DONTWAIT) != (int) body_size (number)
        || memcmp (zmq_msg_data (&part), body + number % 251, body_size (number))
        || !zmq_msg_more (&part))
        fail ("torn: body", number);
    const char *peer = zmq_msg_gets (&part, "Peer-Address");
    snprintf (came_from, sizeof came_from, "%s", peer ? peer : "nowhere");
    zmq_msg_close (&part);
    if (zmq_recv (subject, NULL, 0, ZMQ_DONTWAIT) != 0)
        fail ("torn: empty frame", number);
    if (zmq_recv (subject, &again, sizeof again, ZMQ_DONTWAIT) != sizeof again
        || again != number)
        fail ("torn: last frame", number);
    zmq_getsockopt (subject, ZMQ_RCVMORE, &more, &room);
    if (more)
        fail ("torn: too many frames", number);
    return number;
}

static void set (int option, int value)
{
    if (zmq_setsockopt (subject, option, &value, sizeof value) != 0)
        fail ("setsockopt", option);
}

static void attach (const char *way, const char *endpoint)
{
    if (strcmp (way, "connect") == 0) {
        if (zmq_connect (subject, endpoint) != 0)
            fail ("connect", 0);
        return;
    }
    /* The predecessor may still be leaving. */
    for (int tries = 0; zmq_bind (subject, endpoint) != 0; tries++) {
        if (errno != EADDRINUSE || tries == 500)
            fail ("bind", 0);
        poll (NULL, 0, 10);
    }
    char bound[256];
    size_t size = sizeof bound;
    zmq_getsockopt (subject, ZMQ_LAST_ENDPOINT, bound, &size);
    printf ("bound %s\n", bound);
}

static void make (int type)
{
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (unsigned char) (i * i + i / 7);
    context = zmq_ctx_new ();
    subject = zmq_socket (context, type);
    if (!subject)
        fail ("socket", type);
    set (ZMQ_LINGER, -1);
    set (ZMQ_RECONNECT_IVL, 10);
}

static void finish (void)
{
    if (zmq_close (subject) != 0 || zmq_ctx_term (context) != 0)
        fail ("close", 0);
    puts ("ok");
}

static int type_of (const char *name)
{
    static const struct
    {
        const char *name;
        int type;
    } types[] = {{"PUSH", ZMQ_PUSH},     {"PULL", ZMQ_PULL}, {"PUB", ZMQ_PUB},
                 {"SUB", ZMQ_SUB},       {"PAIR", ZMQ_PAIR},
                 {"DEALER", ZMQ_DEALER}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp (types[i].name, name) == 0)
            return types[i].type;
    fail ("unknown type", 0);
    return -1;
}

/* A line has come on stdin. */
static int told_within (int ms)
{
    struct pollfd told = {0, POLLIN, 0};
    return poll (&told, 1, ms) > 0;
}

static void run_send (char **argument)
{
    make (type_of (argument[0]));
    long first = atol (argument[3]), count = atol (argument[4]);
    set (ZMQ_SNDHWM, atoi (argument[5]));
    attach (argument[1], argument[2]);
    if (strcmp (argument[0], "PUB") == 0)
        do
            zmq_send (subject, "hello", 5, 0);
        while (!told_within (5));
    int queued = 0;
    long n = first;
    for (; count ? n < first + count : !told_within (0); n++)
        if (send_message (n, ZMQ_DONTWAIT) != 0) {
            if (!queued++)
                puts ("queued");
            if (send_message (n, 0) != 0)
                fail ("send", n);
        }
    if (!queued)
        puts ("queued");
    if (!count) {
        char told[16];
        printf ("last %ld\n", n - 1);
        while (read (0, told, sizeof told) > 0)
            ;
    }
    finish ();
}

static void run_recv (char **argument)
{
    make (type_of (argument[0]));
    long limit = atol (argument[3]);
    int pause = atoi (argument[5]), joined = 0;
    set (ZMQ_RCVHWM, atoi (argument[4]));
    /* A subscription that waits for a lost publisher is no reason to linger. */
    set (ZMQ_LINGER, 0);
    if (strcmp (argument[0], "SUB") == 0)
        zmq_setsockopt (subject, ZMQ_SUBSCRIBE, "", 0);
    attach (argument[1], argument[2]);
    for (long got = 0; !limit || got < limit;) {
        long n = recv_message ();
        if (n == -1)
            fail ("receive", got);
        if (n == -2) {
            if (!joined++)
                puts ("joined");
            continue;
        }
        printf ("%ld %s\n", n, came_from);
        got++;
        if (pause && got % 50 == 0)
            usleep ((useconds_t) pause);
    }
    finish ();
}

static void run_ask (char **argument)
{
    make (ZMQ_REQ);
    set (ZMQ_REQ_RELAXED, 1);
    set (ZMQ_REQ_CORRELATE, 1);
    set (ZMQ_LINGER, 0);
    attach (argument[0], argument[1]);
    for (long n = 0; n < atol (argument[2]); n++) {
        long answer = -1;
        set (ZMQ_RCVTIMEO, 250);
        for (int tries = 0; answer == -1; tries++) {
            if (tries == 40)
                fail ("no answer", n);
            if (send_message (n, 0) != 0)
                fail ("ask", n);
            answer = recv_message ();
        }
        if (answer != n)
            fail ("wrong answer", n);
        printf ("%ld\n", n);
    }
    finish ();
}

static void run_echo (char **argument)
{
    make (ZMQ_REP);
    attach (argument[0], argument[1]);
    long limit = atol (argument[2]);
    for (long done = 0; !limit || done < limit; done++) {
        long n = recv_message ();
        if (n < 0 || send_message (n, 0) != 0)
            fail ("echo", n);
        printf ("%ld\n", n);
    }
    finish ();
}

int main (int argc, char **argv)
{
    setvbuf (stdout, NULL, _IOLBF, 0);
    if (argc == 8 && strcmp (argv[1], "send") == 0)
        run_send (argv + 2);
    else if (argc == 8 && strcmp (argv[1], "recv") == 0)
        run_recv (argv + 2);
    else if (argc == 5 && strcmp (argv[1], "ask") == 0)
        run_ask (argv + 2);
    else if (argc == 5 && strcmp (argv[1], "echo") == 0)
        run_echo (argv + 2);
    else
        fail ("usage: see the head of stream.c", argc);
    return 0;
}
