/* ages.h - raw peers of every age of ZMTP: 1.0 (RFC 13), 2.0 (RFC 15), 3.0
 * (RFC 23), 3.1 (RFC 37). They meet a socket of the library, which binds or
 * connects, and then say and hear bytes, or messages written as in sockets.h
 * in the frames of their age.
 */
#ifndef FERROZMQ_AGES_H
#define FERROZMQ_AGES_H

#include "sockets.h"
#include "raw.h"

enum age
{
    V1,         /* an identity, messages */
    V1_LONG,    /* the same; the identity's length in eight bytes */
    REVISION_0, /* a greeting, but then all as in 1.0 */
    V2,
    V3_0,
    V3_1
};
static const char *const age_names[] = {"1.0",        "1.0 (long)", "revision 0",
                                        "2.0",        "3.0",        "3.1"};

/* Old peers have an identity in place of a handshake. */
#define EACH_OLD_AGE(AGE) for (enum age AGE = V1; AGE <= V2; AGE++)

/* Who of the two, the library's socket and the raw peer, binds. */
enum role
{
    BINDS,
    CONNECTS
};
#define EACH_ROLE(ROLE) for (enum role ROLE = BINDS; ROLE <= CONNECTS; ROLE++)

#define SIGNATURE "\xff\0\0\0\0\0\0\0\1\x7f"

/* Bytes in the making. */
struct bytes
{
    unsigned char data[8192];
    size_t size;
};

FIXTURE void put (struct bytes *to, const void *data, size_t size)
{
    MUST (to->size + size <= sizeof to->data);
    memcpy (to->data + to->size, data, size);
    to->size += size;
}

FIXTURE void put_length (struct bytes *to, uint64_t length)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        put (to, &(unsigned char){(unsigned char) (length >> shift)}, 1);
}

FIXTURE void put_frame (struct bytes *to, enum age age, int more,
                        const void *body, size_t size)
{
    unsigned char flags = (unsigned char) more;
    if (age >= V2) {
        flags |= size > 255 ? 2 : 0;
        put (to, &flags, 1);
        if (size > 255)
            put_length (to, size);
        else
            put (to, &(unsigned char){(unsigned char) size}, 1);
    } else {
        if (size + 1 < 255)
            put (to, &(unsigned char){(unsigned char) (size + 1)}, 1);
        else {
            put (to, "\xff", 1);
            put_length (to, size + 1);
        }
        put (to, &flags, 1);
    }
    put (to, body, size);
}

/* The frames of a text, see sockets.h. */
FIXTURE void put_message (struct bytes *to, enum age age, const char *text)
{
    for (;; text++) {
        unsigned char frame[1024];
        size_t size = 0;
        for (; *text && *text != '|'; text++, size++) {
            MUST (size < sizeof frame);
            frame[size] = (unsigned char) *text;
            if (*text == '%') {
                frame[size] = (unsigned char) (hex_digit (text[1]) * 16
                                               + hex_digit (text[2]));
                text += 2;
            }
        }
        put_frame (to, age, *text == '|', frame, size);
        if (!*text)
            return;
    }
}

/* All that a peer says before its first message. */
FIXTURE void put_opening (struct bytes *to, enum age age, int type,
                          const char *identity, size_t size)
{
    static const char *const names[] = {"PAIR",   "PUB",  "SUB",  "REQ",
                                        "REP",    "DEALER", "ROUTER", "PULL",
                                        "PUSH",   "XPUB", "XSUB"};
    if (age == V1_LONG) {
        put (to, "\xff", 1);
        put_length (to, size + 1);
        put (to, "\0", 1);
        put (to, identity, size);
        return;
    }
    if (age == REVISION_0 || age == V2) {
        put (to, SIGNATURE, 10);
        put (to, (unsigned char[]){age == V2, (unsigned char) type}, 2);
    }
    if (age <= V2) {
        put_frame (to, age, 0, identity, size);
        return;
    }
    unsigned char greeting[64], ready[64];
    make_greeting (greeting);
    greeting[11] = age == V3_1;
    put (to, greeting, 64);
    put (to, ready, make_ready (ready, names[type]));
}

FIXTURE void say (int fd, const struct bytes *bytes)
{
    MUST (raw_write (fd, bytes->data, bytes->size));
}

/* Says a string constant, zeros included. */
#define SAY(FD, BYTES) MUST (raw_write (FD, BYTES, sizeof BYTES - 1))

FIXTURE void say_message (int fd, enum age age, const char *text)
{
    struct bytes bytes = {.size = 0};
    put_message (&bytes, age, text);
    say (fd, &bytes);
}

/* The next bytes to be heard are these; a check of line `line`. */
FIXTURE void check_hears (int fd, const void *wanted, size_t size,
                          const char *file, int line)
{
    unsigned char got[8192];
    char extra[200] = " came not";
    bool came = size <= sizeof got && raw_read (fd, got, size);
    bool right = came && memcmp (got, wanted, size) == 0;
    if (came && !right)
        for (size_t i = 0; i < size && i < 40; i++)
            sprintf (extra + i * 3, " %02x", got[i]);
    check_report (right, file, line, "hears what it should; got", extra);
}

/* The next bytes are those of a string constant. */
#define CHECK_HEARS(FD, BYTES)                                                 \
    check_hears (FD, BYTES, sizeof BYTES - 1, __FILE__, __LINE__)

/* The next bytes are the frames of this message. */
#define CHECK_HEARS_MESSAGE(FD, AGE, TEXT)                                     \
    do {                                                                       \
        struct bytes bytes_ = {.size = 0};                                     \
        put_message (&bytes_, AGE, TEXT);                                      \
        check_hears (FD, bytes_.data, bytes_.size, __FILE__, __LINE__);        \
    } while (0)

FIXTURE bool is_quiet (int fd, int ms)
{
    struct pollfd item = {fd, POLLIN, 0};
    return poll (&item, 1, ms) == 0;
}

/* Nothing more is said. What comes later than this waits fails the next
 * CHECK_HEARS; so a busy machine fails nothing here. */
#define CHECK_SILENT(FD) CHECK (is_quiet (FD, 30))

/* The socket meets a raw peer, which has said and heard nothing yet. */
FIXTURE int meet (void *socket, enum role role)
{
    if (role == BINDS)
        return raw_connect (bind_any (socket, TCP));
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    MUST (zmq_connect (socket, endpoint) == 0);
    int fd = accept (listener, NULL, NULL), on = 1;
    MUST (fd >= 0);
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close (listener);
    return fd;
}

/* Hears the socket's opening, up to its first message, after a peer's was said. */
FIXTURE void hear_opening (int fd, enum age age)
{
    unsigned char heard[512];
    MUST (raw_read (fd, heard, 10));
    size_t name = (size_t) heard[7] * 256 + heard[8] - 1;
    if (age >= V3_0) {
        MUST (raw_read (fd, heard, 54 + 2)
              && raw_read (fd, heard + 56, heard[55]));
        return;
    }
    /* Version, socket type, and the header of the identity's frame. */
    if (age > V1_LONG)
        name += 2 + (age == REVISION_0 && name > 253 ? 10 : 2);
    MUST (name <= sizeof heard && raw_read (fd, heard, name));
}

/* Exchanges openings: messages come next. */
FIXTURE void open_peer (int fd, enum age age, int type, const char *identity,
                        size_t size)
{
    struct bytes opening = {.size = 0};
    put_opening (&opening, age, type, identity, size);
    say (fd, &opening);
    hear_opening (fd, age);
}

/* meet and open_peer in one. */
FIXTURE int meet_peer (void *socket, enum role role, enum age age, int type,
                       const char *identity)
{
    int fd = meet (socket, role);
    open_peer (fd, age, type, identity, strlen (identity));
    return fd;
}

#endif
