/* raw.h - raw peers: plain sockets on tcp or ipc that speak bytes. */
#ifndef FERROZMQ_RAW_H
#define FERROZMQ_RAW_H

#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#define FIXTURE static inline __attribute__ ((unused))

typedef char endpoint_t[256];

/* Tries once to reach a tcp or ipc endpoint. */
FIXTURE int raw_try_connect (const char *endpoint)
{
    int fd;
    if (strncmp (endpoint, "tcp://", 6) == 0) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        in.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
        in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect (fd, (void *) &in, sizeof in) == 0) {
            int on = 1;
            setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return fd;
        }
    } else {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        strncpy (un.sun_path, endpoint + 6, sizeof un.sun_path - 1);
        fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect (fd, (void *) &un, sizeof un) == 0)
            return fd;
    }
    if (fd >= 0)
        close (fd);
    return -1;
}

FIXTURE int raw_connect (const char *endpoint)
{
    int fd = raw_try_connect (endpoint);
    REQUIRE (fd >= 0);
    return fd;
}

/* Listens on a port of its own and names it. */
FIXTURE int raw_listen (endpoint_t endpoint)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE (fd >= 0 && bind (fd, (void *) &in, sizeof in) == 0
             && listen (fd, 64) == 0
             && getsockname (fd, (void *) &in, &size) == 0);
    snprintf (endpoint, sizeof (endpoint_t), "tcp://127.0.0.1:%d",
              ntohs (in.sin_port));
    return fd;
}

/* Writes all of it; false when the peer is gone. */
FIXTURE bool raw_write (int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send (fd, (const char *) data + done, size - done,
                          MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t) n;
    }
    return true;
}

/* Reads all of it; false at the end of the stream or after AMPLE_MS. */
FIXTURE bool raw_read (int fd, void *data, size_t size)
{
    long long end = now_ms () + AMPLE_MS;
    for (size_t done = 0; done < size;) {
        struct pollfd item = {fd, POLLIN, 0};
        long long left = end - now_ms ();
        if (left <= 0 || poll (&item, 1, (int) left) < 0)
            return false;
        ssize_t n = item.revents ? recv (fd, (char *) data + done, size - done,
                                         0)
                                 : 0;
        if (n <= 0)
            return false;
        done += (size_t) n;
    }
    return true;
}

/* The peer ends the connection: whatever it still says is read and ignored. */
FIXTURE bool raw_is_closed (int fd)
{
    char sink[4096];
    for (long long end = now_ms () + AMPLE_MS, left;
         (left = end - now_ms ()) > 0;) {
        struct pollfd item = {fd, POLLIN, 0};
        if (poll (&item, 1, (int) left) > 0 && recv (fd, sink, sizeof sink, 0) <= 0)
            return true;
    }
    return false;
}

/* The 64 bytes of a ZMTP 3.0 greeting with the NULL mechanism. */
FIXTURE void make_greeting (unsigned char greeting[64])
{
    memset (greeting, 0, 64);
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    memcpy (greeting + 12, "NULL", 4);
}

/* A READY command that names the socket type; returns its size. */
FIXTURE size_t make_ready (unsigned char *to, const char *type)
{
    size_t n = strlen (type), body = 6 + 1 + 11 + 4 + n;
    to[0] = 4;
    to[1] = (unsigned char) body;
    memcpy (to + 2, "\5READY\13Socket-Type\0\0\0", 21);
    to[23] = (unsigned char) n;
    memcpy (to + 24, type, n);
    return body + 2;
}

/* Completes the handshake as a peer of the given type, whose greeting was sent. */
FIXTURE bool raw_handshake_after_greeting (int fd, const char *type)
{
    unsigned char mine[128], theirs[256];
    if (!raw_read (fd, theirs, 64) || !raw_write (fd, mine, make_ready (mine, type)))
        return false;
    return raw_read (fd, theirs, 2) && theirs[0] == 4
           && raw_read (fd, theirs + 2, theirs[1])
           && memcmp (theirs + 2, "\5READY", 6) == 0;
}

/* Completes the handshake as a peer of the given type. */
FIXTURE bool raw_handshake (int fd, const char *type)
{
    unsigned char greeting[64];
    make_greeting (greeting);
    return raw_write (fd, greeting, sizeof greeting)
           && raw_handshake_after_greeting (fd, type);
}

/* Sends one short message frame. */
FIXTURE bool raw_send_frame (int fd, const char *text)
{
    unsigned char head[2] = {0, (unsigned char) strlen (text)};
    return raw_write (fd, head, 2) && raw_write (fd, text, strlen (text));
}

#endif
