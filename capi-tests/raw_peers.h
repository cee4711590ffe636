/* raw_peers.h - what the tests of STREAM and of ROUTER_RAW share: messages of
 * two frames, a routing id and bytes, and peers that are plain connections.
 */
#ifndef FERROZMQ_RAW_PEERS_H
#define FERROZMQ_RAW_PEERS_H

#include "fixtures.h"

struct id
{
    unsigned char bytes[256];
    int size;
};

FIXTURE struct id named (const char *name)
{
    struct id id = {.size = (int) strlen (name)};
    memcpy (id.bytes, name, strlen (name));
    return id;
}

FIXTURE bool same_id (struct id a, struct id b)
{
    return a.size == b.size && memcmp (a.bytes, b.bytes, (size_t) a.size) == 0;
}

/* An id that the socket has chosen. */
FIXTURE bool is_automatic (struct id id)
{
    return id.size == 5 && id.bytes[0] == 0;
}

FIXTURE struct id own_id (void *s)
{
    struct id id;
    size_t size = sizeof id.bytes;
    CHECK_OK (zmq_getsockopt (s, ZMQ_ROUTING_ID, id.bytes, &size));
    id.size = (int) size;
    return id;
}

/* Receives an id and the frame behind it; the size of that, or -1. */
FIXTURE int recv_from (void *s, struct id *id, void *body, size_t size, int flags)
{
    id->size = zmq_recv (s, id->bytes, sizeof id->bytes, flags);
    if (id->size < 0)
        return -1;
    if (get_int (s, ZMQ_RCVMORE) != 1)
        REQUIRE (!"an id alone");
    int got = zmq_recv (s, body, size, 0);
    if (got < 0 || get_int (s, ZMQ_RCVMORE) != 0)
        REQUIRE (!"two frames");
    return got;
}

/* The next message is empty: a connection has begun or ended. Whose? */
FIXTURE struct id notice (void *s)
{
    struct id id = {.size = 0};
    char byte;
    CHECK_INT (recv_from (s, &id, &byte, 1, 0), 0);
    return id;
}

/* These bytes come from this peer, in however many messages. */
FIXTURE bool bytes_come (void *s, struct id from, const char *text)
{
    size_t done = 0, size = strlen (text);
    while (done < size) {
        struct id id;
        char body[8192];
        int got = recv_from (s, &id, body, sizeof body, 0);
        if (got <= 0 || !same_id (id, from) || (size_t) got > size - done
            || memcmp (body, text + done, (size_t) got) != 0)
            return false;
        done += (size_t) got;
    }
    return true;
}

/* Receives at least `size` bytes from this peer; how many, or -1. */
FIXTURE int recv_at_least (void *s, struct id from, unsigned char *to, int size,
                           int room)
{
    int done = 0;
    while (done < size) {
        struct id id;
        int got = recv_from (s, &id, to + done, (size_t) (room - done), 0);
        if (got <= 0 || !same_id (id, from))
            return -1;
        done += got;
    }
    return done;
}

/* Sends an id and the frame behind it: 0, or the errno. */
FIXTURE int send_bytes (void *s, struct id to, const void *data, size_t size)
{
    if (zmq_send (s, to.bytes, (size_t) to.size, ZMQ_SNDMORE) != to.size)
        return errno;
    return zmq_send (s, data, size, 0) == (int) size ? 0 : errno;
}

FIXTURE int send_text_to (void *s, struct id to, const char *text)
{
    return send_bytes (s, to, text, strlen (text));
}

/* As send_text_to, but as soon as there is no room it is EAGAIN. */
FIXTURE int try_text_to (void *s, struct id to, const char *text)
{
    int size = zmq_send (s, to.bytes, (size_t) to.size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    if (size != to.size)
        return errno;
    return zmq_send (s, text, strlen (text), ZMQ_DONTWAIT) < 0 ? errno : 0;
}

/* The peer is given this text. */
FIXTURE bool peer_reads (int fd, const char *text)
{
    char got[512];
    return raw_read (fd, got, strlen (text))
           && memcmp (got, text, strlen (text)) == 0;
}

/* Counts what the peer is given until its connection ends, while the socket is
 * looked after; -1 when that does not end. */
FIXTURE long long peer_reads_to_end (int fd, void *s)
{
    static char sink[65536];
    long long total = 0;
    for (long long end = now_ms () + AMPLE_MS; now_ms () < end;) {
        struct pollfd item = {fd, POLLIN, 0};
        if (s)
            get_int (s, ZMQ_EVENTS);
        if (poll (&item, 1, 5) <= 0)
            continue;
        ssize_t n = recv (fd, sink, sizeof sink, 0);
        if (n <= 0)
            return total;
        total += n;
    }
    return -1;
}

/* Nothing is there to receive. */
#define CHECK_NOTHING(SOCKET)                                                  \
    do {                                                                       \
        get_int (SOCKET, ZMQ_EVENTS);                                          \
        CHECK_ERR (zmq_recv (SOCKET, NULL, 0, ZMQ_DONTWAIT), EAGAIN);          \
    } while (0)

/* A message that ZMQ_EVENTS has looked at is kept. */
FIXTURE void drop_looked_at (void *s)
{
    struct id id;
    char body[8];
    CHECK_INT (recv_from (s, &id, body, sizeof body, ZMQ_DONTWAIT), 6);
}

/* Takes a connection from a listening descriptor. */
FIXTURE int raw_accept (int listener)
{
    struct pollfd item = {listener, POLLIN, 0};
    REQUIRE (poll (&item, 1, AMPLE_MS) == 1);
    int fd = accept (listener, NULL, NULL), on = 1;
    REQUIRE (fd >= 0);
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

#endif
