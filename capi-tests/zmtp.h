/* zmtp.h - for tests written with sockets.h: a peer that speaks ZMTP 3.x by
 * hand over tcp, to say what a library never says and to see what it does.
 * Frames and commands are written as text in the way of sockets.h.
 */
#ifndef FERROZMQ_ZMTP_H
#define FERROZMQ_ZMTP_H

#include "sockets.h"

static inline void peer_write (int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t rc = send (fd, (const char *) data + done, size - done,
                           MSG_NOSIGNAL);
        MUST (rc > 0);
        done += (size_t) rc;
    }
}

/* False when nothing comes, or the end. */
static inline int peer_read (int fd, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        struct pollfd item = {fd, POLLIN, 0};
        if (poll (&item, 1, WAIT_MS) <= 0)
            return 0;
        ssize_t rc = recv (fd, (char *) data + done, size - done, 0);
        if (rc <= 0)
            return 0;
        done += (size_t) rc;
    }
    return 1;
}

/* A frame with these flags: 1 more, 4 a command. */
static inline void peer_frame (int fd, int flags, const char *text)
{
    unsigned char frame[260];
    size_t size = 2;
    for (; *text; size++) {
        MUST (size < 257);
        if (*text == '%') {
            frame[size] = (unsigned char) (hex_digit (text[1]) * 16
                                           + hex_digit (text[2]));
            text += 3;
        } else
            frame[size] = (unsigned char) *text++;
    }
    frame[0] = (unsigned char) flags;
    frame[1] = (unsigned char) (size - 2);
    peer_write (fd, frame, size);
}

static inline void peer_command (int fd, const char *name, const char *text)
{
    char body[512];
    snprintf (body, sizeof body, "%%%02X%s%s", (unsigned) strlen (name), name,
              text);
    peer_frame (fd, 4, body);
}

/* The next frame: its flags, a colon and its body; "nothing" when none comes. */
static inline const char *peer_next (int fd)
{
    static char texts[4][2048];
    static int count;
    char *text = texts[count++ % 4];
    unsigned char head[2], body[255];
    if (!peer_read (fd, head, 2) || (head[0] & 2)
        || !peer_read (fd, body, head[1]))
        return "nothing";
    int used = sprintf (text, "%d:", head[0]);
    for (int i = 0; i < head[1]; i++)
        used += sprintf (text + used,
                         body[i] < 32 || body[i] > 126 ? "%%%02X" : "%c",
                         body[i]);
    return text;
}

#define CHECK_FRAME(FD, TEXT) CHECK_STR (peer_next (FD), TEXT)

/* Greetings of ZMTP 3.`minor` and READY, in both directions. */
static inline void peer_handshake (int fd, int minor, const char *type)
{
    unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3};
    char ready[64];
    greeting[11] = (unsigned char) minor;
    memcpy (greeting + 12, "NULL", 4);
    peer_write (fd, greeting, sizeof greeting);
    MUST (peer_read (fd, greeting, sizeof greeting));
    snprintf (ready, sizeof ready, "%%0BSocket-Type%%00%%00%%00%%%02X%s",
              (unsigned) strlen (type), type);
    peer_command (fd, "READY", ready);
    MUST (strncmp (peer_next (fd), "4:%05READY", 10) == 0);
}

static inline int tcp_port (const char *endpoint)
{
    return atoi (strrchr (endpoint, ':') + 1);
}

/* A peer connected to this socket's tcp endpoint. */
static inline int peer_connect (const char *endpoint, const char *type)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    address.sin_port = htons ((uint16_t) tcp_port (endpoint));
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    MUST (fd >= 0
          && connect (fd, (struct sockaddr *) &address, sizeof address) == 0);
    peer_handshake (fd, 1, type);
    return fd;
}

/* A listener and its endpoint. */
static inline int peer_listen (char *endpoint)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    MUST (fd >= 0 && bind (fd, (struct sockaddr *) &address, size) == 0
          && listen (fd, 8) == 0
          && getsockname (fd, (struct sockaddr *) &address, &size) == 0);
    sprintf (endpoint, "tcp://127.0.0.1:%d", ntohs (address.sin_port));
    return fd;
}

/* The next that connects there, which speaks ZMTP 3.`minor`. */
static inline int peer_accept (int listener, int minor, const char *type)
{
    struct pollfd item = {listener, POLLIN, 0};
    MUST (poll (&item, 1, WAIT_MS) == 1);
    int fd = accept (listener, NULL, NULL);
    MUST (fd >= 0);
    peer_handshake (fd, minor, type);
    return fd;
}

#endif
