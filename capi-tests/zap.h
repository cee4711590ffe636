/* zap.h - what the tests of security share: an authenticator that the test
 * itself plays, step by step (RFC 27), raw peers that name a mechanism, bodies of
 * any size, and monitors read for what they say of handshakes.
 */
#ifndef FERROZMQ_ZAP_H
#define FERROZMQ_ZAP_H

#include "monitors.h"

#define ZMQ_ZAP_ENFORCE_DOMAIN_ 93

FIXTURE int set_text (void *s, int option, const char *text)
{
    return zmq_setsockopt (s, option, text, strlen (text));
}

/* ---- the authenticator ---- */

FIXTURE void *bind_authenticator (int type)
{
    void *s = new_socket (ctx, type);
    REQUIRE (zmq_bind (s, "inproc://zeromq.zap.01") == 0);
    return s;
}

/* A message as text: its frames with a bar between them. */
FIXTURE const char *frames_of (void *s)
{
    static char text[4096];
    char *to = text;
    for (int more = 1, first = 1; more; more = get_int (s, ZMQ_RCVMORE)) {
        if (!first)
            *to++ = '|';
        first = 0;
        int size = zmq_recv (s, to, 600, 0);
        if (size < 0)
            return zmq_strerror (errno);
        to += size;
        REQUIRE (to < text + sizeof text - 700);
    }
    *to = 0;
    return text;
}

#define CHECK_FRAMES(SOCKET, TEXT)                                             \
    do {                                                                       \
        const char *frames_ = frames_of (SOCKET);                              \
        CHECK (strcmp (frames_, TEXT) == 0);                                   \
        if (strcmp (frames_, TEXT) != 0)                                       \
            printf ("  the frames are %s\n", frames_);                         \
    } while (0)

/* Answers the request that was received last; the metadata has a size. */
FIXTURE void answer_with (void *handler, const char *status, const char *user,
                          const void *metadata, size_t size)
{
    CHECK_SEND (handler, "1.0", ZMQ_SNDMORE);
    CHECK_SEND (handler, "1", ZMQ_SNDMORE);
    CHECK_SEND (handler, status, ZMQ_SNDMORE);
    CHECK_SEND (handler, "text", ZMQ_SNDMORE);
    CHECK_SEND (handler, user, ZMQ_SNDMORE);
    CHECK_INT (zmq_send (handler, metadata, size, 0), size);
}

FIXTURE void answer (void *handler, const char *status)
{
    answer_with (handler, status, "joe", "", 0);
}

/* ---- what monitors say ---- */

/* Events of handshakes, and of connections that end. */
#define HANDSHAKES                                                             \
    (ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL       \
     | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH                                         \
     | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_DISCONNECTED)

/* Monitors and the sockets they watch: the oracle ends some connections only
 * while their socket is looked after. */
static struct
{
    void *socket, *monitor;
} watched[8];

FIXTURE void *watch_socket (void *s, int events)
{
    static int count;
    int place = count++ % 8;
    watched[place].socket = s;
    return watched[place].monitor = watch (s, events);
}

FIXTURE bool is_told (void *monitor)
{
    for (int i = 0; i < 8; i++)
        if (watched[i].monitor == monitor)
            return next_event (monitor, watched[i].socket);
    return false;
}

#define CHECK_TOLD(MONITOR, NUMBER, VALUE)                                     \
    do {                                                                       \
        CHECK (is_told (MONITOR));                                             \
        CHECK_INT (seen.number, NUMBER);                                       \
        CHECK_INT (seen.value, VALUE);                                         \
    } while (0)

#define CHECK_TOLD_OF(MONITOR, NUMBER)                                         \
    do {                                                                       \
        CHECK (is_told (MONITOR));                                             \
        CHECK_INT (seen.number, NUMBER);                                       \
    } while (0)

/* The next event is this one, and the connection's end is the one after it. */
#define CHECK_FAILS(MONITOR, NUMBER, VALUE)                                    \
    do {                                                                       \
        CHECK_TOLD (MONITOR, NUMBER, VALUE);                                   \
        CHECK_TOLD_OF (MONITOR, ZMQ_EVENT_DISCONNECTED);                       \
    } while (0)

/* The same where the oracle sometimes says nothing of the end. */
#define CHECK_FAILS_AT_LEAST(MONITOR, NUMBER, VALUE)                           \
    do {                                                                       \
        CHECK_TOLD (MONITOR, NUMBER, VALUE);                                   \
        if (!on_oracle ())                                                     \
            CHECK_TOLD_OF (MONITOR, ZMQ_EVENT_DISCONNECTED);                   \
    } while (0)

/* ---- traffic ---- */

/* Sends a message of two frames of this size from one to the other. */
FIXTURE void carry (void *from, void *to, size_t size)
{
    static unsigned char body[1 << 20], got[(1 << 20) + 1];
    for (size_t i = 0; i < size; i++)
        body[i] = (unsigned char) (i * 31 + size);
    CHECK_INT (zmq_send (from, body, size, ZMQ_SNDMORE), size);
    CHECK_INT (zmq_send (from, body, size, 0), size);
    for (int frame = 0; frame < 2; frame++) {
        memset (got, 0, size);
        CHECK_INT (zmq_recv (to, got, sizeof got, 0), size);
        CHECK (memcmp (got, body, size) == 0);
        CHECK_INT (get_int (to, ZMQ_RCVMORE), frame == 0);
    }
}

/* ---- raw peers ---- */

FIXTURE bool raw_greet (int fd, const char *mechanism)
{
    unsigned char mine[64], theirs[64];
    make_greeting (mine);
    memset (mine + 12, 0, 20);
    memcpy (mine + 12, mechanism, strlen (mechanism));
    return raw_write (fd, mine, 64) && raw_read (fd, theirs, 64)
           && memcmp (theirs + 12, mine + 12, 20) == 0;
}

/* Sends a short command frame with this body. */
FIXTURE bool raw_command (int fd, const void *body, size_t size)
{
    unsigned char head[2] = {4, (unsigned char) size};
    return raw_write (fd, head, 2) && raw_write (fd, body, size);
}

/* The body of a literal without its terminating zero. */
#define RAW_COMMAND(FD, LITERAL)                                               \
    CHECK (raw_command (FD, LITERAL, sizeof (LITERAL) - 1))

/* The next bytes are those of a command frame with this body. */
FIXTURE bool raw_hears (int fd, const void *body, size_t size)
{
    unsigned char got[260] = {0};
    return raw_read (fd, got, size + 2) && got[0] == 4 && got[1] == size
           && memcmp (got + 2, body, size) == 0;
}

#define CHECK_HEARS(FD, LITERAL)                                               \
    CHECK (raw_hears (FD, LITERAL, sizeof (LITERAL) - 1))

#endif
