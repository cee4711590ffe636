/* Large bodies that come in pieces, are followed by small ones in the same piece, or
 * never come to their end. How much is read at once, and where to, depends on what
 * came before; what is received does not. */
#include "zmtp.h"

static const size_t sizes[] = {
    0, 1, 300, 65536, 65536, 49151, 49152, 8191, 8192, 8193, 200000, 3, 131072,
    41, 40, 65527, 65528, 1100000, 7, 7, 7, 57344, 32768, 1048576, 1048577, 100,
};
enum { COUNT = sizeof sizes / sizeof *sizes, LARGEST = 1100000 };

static void *to;
static const char *endpoint;

/* Opens the receiving socket, with these options. */
static void open_receiver (int option, int value, int another, int its_value)
{
    to = open_socket (ZMQ_PULL);
    if (option)
        CHECK_OK (set_int (to, option, value));
    if (another)
        CHECK_OK (set_int (to, another, its_value));
    endpoint = bind_any (to, TCP);
}

/* The bytes of body number `number`. */
static void fill_body (char *body, size_t size, int number)
{
    for (size_t i = 0; i < size; i++)
        body[i] = (char) (i * 7 + i / 251 + (size_t) number);
}

/* Appends body number `number` as a frame; returns what that took. */
static size_t add_frame (unsigned char *bytes, size_t size, int number)
{
    size_t head = 2;
    bytes[0] = size > 255 ? 2 : 0;
    bytes[1] = (unsigned char) size;
    if (size > 255) {
        for (int i = 0; i < 8; i++)
            bytes[1 + i] = (unsigned char) (size >> (56 - 8 * i));
        head = 9;
    }
    fill_body ((char *) bytes + head, size, number);
    return head + size;
}

/* All bodies, one after the other. */
static unsigned char *make_stream (size_t *total)
{
    unsigned char *bytes = malloc (COUNT * 16 + 8 * LARGEST);
    MUST (bytes);
    *total = 0;
    for (int i = 0; i < COUNT; i++)
        *total += add_frame (bytes + *total, sizes[i], i);
    MUST (*total <= COUNT * 16 + 8 * LARGEST);
    return bytes;
}

static void check_bodies (void)
{
    static char wanted[LARGEST];
    for (int i = 0; i < COUNT; i++) {
        zmq_msg_t msg;
        CHECK_OK (zmq_msg_init (&msg));
        CHECK_INT (zmq_msg_recv (&msg, to, 0), (int) sizes[i]);
        fill_body (wanted, sizes[i], i);
        CHECK (zmq_msg_size (&msg) == sizes[i]
               && memcmp (zmq_msg_data (&msg), wanted, sizes[i]) == 0);
        CHECK_OK (zmq_msg_close (&msg));
    }
}

struct writer
{
    int fd;
    size_t piece, total;
    const unsigned char *bytes;
};

/* Writes in pieces of this size, or about so. */
static void write_pieces (void *arg)
{
    struct writer *w = arg;
    size_t piece = w->piece;
    for (size_t done = 0; done < w->total;) {
        size_t left = w->total - done;
        size_t size = piece < left ? piece : left;
        peer_write (w->fd, w->bytes + done, size);
        done += size;
        piece = piece == w->piece ? w->piece + done % 1000 : w->piece;
    }
}

static void check_pieces (int rcvbuf)
{
    static const size_t pieces[] = {1500, 8192, 65536, 131072, 1000003, SIZE_MAX / 2};
    size_t total;
    unsigned char *bytes = make_stream (&total);
    open_receiver (rcvbuf ? ZMQ_RCVBUF : 0, rcvbuf, 0, 0);
    int fd = peer_connect (endpoint, "PUSH");
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct writer writer = {fd, pieces[i], total, bytes};
        void *thread = zmq_threadstart (write_pieces, &writer);
        check_bodies ();
        zmq_threadclose (thread);
    }
    close (fd);
    free (bytes);
}

STORY (bodies_of_all_sizes_come_whole_however_they_are_cut) { check_pieces (0); }

STORY (a_small_kernel_buffer_cuts_them_too) { check_pieces (20000); }

STORY_ON_NETWORK_TRANSPORTS (bodies_of_all_sizes_pass_between_two_sockets)
{
    const char *where = fresh_endpoint (transport);
    void *from = open_socket (ZMQ_PUSH);
    to = open_socket (ZMQ_PULL);
    MUST (zmq_bind (to, where) == 0 && zmq_connect (from, where) == 0);
    static char body[LARGEST];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            fill_body (body, sizes[i], i);
            CHECK_INT (zmq_send (from, body, sizes[i], 0), (int) sizes[i]);
        }
        check_bodies ();
    }
}

/* A frame that says it is long, and a part of its body. */
static int begin_body (size_t size, size_t part)
{
    unsigned char *bytes = malloc (size + 16);
    MUST (bytes);
    add_frame (bytes, size, 0);
    int fd = peer_connect (endpoint, "PUSH");
    peer_write (fd, bytes, 9 + part);
    free (bytes);
    return fd;
}

STORY (a_body_that_trickles_in_keeps_its_connection)
{
    open_receiver (ZMQ_HEARTBEAT_IVL, 50, ZMQ_HEARTBEAT_TIMEOUT, 300);
    enum { SIZE = 200000, PIECE = 10000 };
    /* libzmq wants a whole frame in that time. */
    if (on_oracle ())
        return;
    static char body[SIZE], got[SIZE];
    fill_body (body, SIZE, 0);
    int fd = begin_body (SIZE, 0);
    for (size_t done = 0; done < SIZE; done += PIECE) {
        CHECK_ERR (zmq_recv (to, got, SIZE, ZMQ_DONTWAIT), EAGAIN);
        sleep_ms (40);
        peer_write (fd, body + done, PIECE);
    }
    CHECK_INT (zmq_recv (to, got, SIZE, 0), SIZE);
    CHECK (memcmp (got, body, SIZE) == 0);
    close (fd);
}

STORY (a_peer_that_stops_within_a_body_is_given_up)
{
    open_receiver (ZMQ_HEARTBEAT_IVL, 50, ZMQ_HEARTBEAT_TIMEOUT, 200);
    int fd = begin_body (200000, 100000);
    /* PINGs, then the end. */
    unsigned char byte;
    struct pollfd item = {fd, POLLIN, 0};
    ssize_t got = 1;
    while (got > 0 && poll (&item, 1, WAIT_MS) == 1)
        got = recv (fd, &byte, 1, 0);
    CHECK (got <= 0);
    close (fd);
    /* Nothing of it is received; the next peer's are. */
    fd = peer_connect (endpoint, "PUSH");
    peer_frame (fd, 0, "whole");
    char text[8] = "";
    CHECK_INT (zmq_recv (to, text, sizeof text, 0), 5);
    CHECK_STR (text, "whole");
    close (fd);
}

STORY (a_peer_that_leaves_within_a_body_leaves_nothing)
{
    open_receiver (0, 0, 0, 0);
    for (size_t part = 0; part < 200000; part += 39999) {
        int fd = begin_body (200000, part);
        close (fd);
    }
    int fd = peer_connect (endpoint, "PUSH");
    peer_frame (fd, 0, "whole");
    char text[8] = "";
    CHECK_INT (zmq_recv (to, text, sizeof text, 0), 5);
    CHECK_STR (text, "whole");
    close (fd);
}

MAIN
