/* socks.h - what the tests of SOCKS5 proxies share: a proxy that is the test
 * itself, and a socket that goes through it.
 *
 * libzmq aborts when a socket is closed after its proxy has failed once: what
 * does so is left open there. */
#ifndef FERROZMQ_SOCKS_H
#define FERROZMQ_SOCKS_H

#include "monitors.h"
#include "raw_peers.h"

#ifndef ZMQ_SOCKS_USERNAME
#define ZMQ_SOCKS_USERNAME 99
#define ZMQ_SOCKS_PASSWORD 100
#endif

#define PEER "tcp://192.0.2.1:5555"
#define REQUEST "\5\1\0\1\300\0\2\1\25\263"
#define GRANTED "\5\0\0\1\177\0\0\1\22\64"

/* Where the proxy listens, and its endpoint, under which monitors know it. */
static int proxy __attribute__ ((unused));
static endpoint_t at __attribute__ ((unused));

FIXTURE int set_text (void *s, int option, const char *text)
{
    return zmq_setsockopt (s, option, text, strlen (text));
}

/* A socket that goes through the proxy and comes back at once. */
FIXTURE void *through (int type)
{
    begin ();
    proxy = raw_listen (at);
    void *s = new_socket (ctx, type);
    CHECK_OK (set_text (s, ZMQ_SOCKS_PROXY, at + 6));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
    return s;
}

/* Ends a socket whose proxy has failed. */
FIXTURE void end_failed (void *s, void *monitor)
{
    if (!on_oracle ())
        end (s, monitor);
}

FIXTURE bool reads (int fd, const char *bytes, size_t size)
{
    char got[1024];
    return raw_read (fd, got, size) && memcmp (got, bytes, size) == 0;
}

/* The next bytes are those of a literal. */
#define CHECK_READS(FD, BYTES) CHECK (reads (FD, BYTES, sizeof (BYTES) - 1))
#define WRITE(FD, BYTES) CHECK (raw_write (FD, BYTES, sizeof (BYTES) - 1))

/* Takes a connection that offers no authentication and reads its request. */
FIXTURE int take_request (const char *request, size_t size)
{
    int fd = raw_accept (proxy);
    CHECK_READS (fd, "\5\1\0");
    WRITE (fd, "\5\0");
    CHECK (reads (fd, request, size));
    return fd;
}

#define TAKE_REQUEST(REQUEST) take_request (REQUEST, sizeof (REQUEST) - 1)

/* Sends a reply and waits until the other side has begun to speak as to a peer:
 * libzmq now and then misses what comes together with the reply. */
FIXTURE bool grant (int fd, const char *reply, size_t size)
{
    struct pollfd item = {fd, POLLIN, 0};
    return raw_write (fd, reply, size) && poll (&item, 1, AMPLE_MS) == 1;
}

/* A literal and its size. */
#define BYTES(TEXT) TEXT, sizeof (TEXT) - 1

#endif
