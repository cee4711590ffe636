/* What a connection carries after one that was cut: whole messages from their
 * first frame, never the rest of one, nor a command that was under way. The
 * peers here are raw ones that reset the connection wherever they like. */
#include "sockets.h"
#include "raw.h"

/* A frame, and what the kernel is to hold of it on either side: far less, so
 * that a cut finds some of the frame unsent; but several of its segments (64
 * KiB on the loopback), since the receiver lets the sender of a single one wait
 * for its acknowledgement, 40 ms for each. */
enum { LARGE = 4000000, KERNEL = 131072 };

/* The library's socket, and the raw peer that it connects to. */
static void *from;
static int listener, fd;

static void prepare (int type, int immediate)
{
    static endpoint_t endpoint;
    from = open_socket (type);
    CHECK_OK (set_int (from, ZMQ_IMMEDIATE, immediate));
    CHECK_OK (set_int (from, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (set_int (from, ZMQ_SNDBUF, KERNEL));
    listener = raw_listen (endpoint);
    int room = KERNEL;
    setsockopt (listener, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    MUST (zmq_connect (from, endpoint) == 0);
}

static void take_connection (const char *peer_type)
{
    struct pollfd item = {listener, POLLIN, 0};
    MUST (poll (&item, 1, AMPLE_MS) == 1);
    fd = accept (listener, NULL, NULL);
    int on = 1;
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    MUST (fd >= 0 && raw_handshake (fd, peer_type));
}

static void cut_connection (void)
{
    struct linger reset = {1, 0};
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close (fd);
}

/* The next frame: its flags and size, the first bytes of its body. */
struct frame
{
    unsigned char flags;
    size_t size;
    char text[32];
};

static int read_frame (struct frame *frame)
{
    unsigned char length[8];
    int bytes;
    memset (frame, 0, sizeof *frame);
    if (!raw_read (fd, &frame->flags, 1))
        return 0;
    bytes = frame->flags & 2 ? 8 : 1;
    if (!raw_read (fd, length, (size_t) bytes))
        return 0;
    for (int i = 0; i < bytes; i++)
        frame->size = frame->size * 256 + length[i];
    if (frame->size > LARGE)
        return 0;
    static char body[LARGE];
    if (!raw_read (fd, body, frame->size))
        return 0;
    memcpy (frame->text, body, frame->size < 31 ? frame->size : 31);
    return 1;
}

#define CHECK_FRAME(FLAGS, SIZE, TEXT)                                         \
    do {                                                                       \
        struct frame frame_;                                                   \
        CHECK (read_frame (&frame_));                                          \
        CHECK_INT (frame_.flags, FLAGS);                                       \
        CHECK_INT (frame_.size, SIZE);                                         \
        CHECK_STR (frame_.text, TEXT);                                         \
    } while (0)

/* A message of three frames, the middle one larger than all buffers. */
static void send_large (char name)
{
    static char body[LARGE];
    char head[] = {'h', name}, tail[] = {'t', name};
    CHECK_INT (zmq_send (from, head, 2, ZMQ_SNDMORE), 2);
    CHECK_INT (zmq_send (from, body, LARGE, ZMQ_SNDMORE), LARGE);
    CHECK_INT (zmq_send (from, tail, 2, 0), 2);
}

static void check_rest (char name)
{
    char tail[] = {'t', name, 0};
    CHECK_FRAME (3, LARGE, "");
    CHECK_FRAME (0, 2, tail);
}

static void check_large (char name)
{
    char head[] = {'h', name, 0};
    CHECK_FRAME (1, 2, head);
    check_rest (name);
}

/* How much of the message the peer reads before it cuts. */
static const size_t cuts[] = {0, 1, 4, 13, 5000, 1000000, 3000000};

STORY (a_message_cut_anywhere_comes_again_from_its_first_frame)
{
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        static char waste[LARGE];
        prepare (ZMQ_PUSH, 0);
        send_large ('1');
        send_large ('2');
        take_connection ("PULL");
        MUST (raw_read (fd, waste, cuts[i]));
        cut_connection ();
        take_connection ("PULL");
        struct frame first;
        CHECK (read_frame (&first));
        CHECK_INT (first.flags, 1);
        /* The oracle drops what it began. */
        if (!on_oracle () || strcmp (first.text, "h2") != 0) {
            CHECK_STR (first.text, "h1");
            check_rest ('1');
            check_large ('2');
        } else
            check_rest ('2');
        cut_connection ();
        close (listener);
        close_socket (from);
    }
}

STORY (a_message_cut_twice_comes_once)
{
    if (on_oracle ())
        return; /* drops it */
    prepare (ZMQ_DEALER, 0);
    send_large ('1');
    for (int i = 0; i < 3; i++) {
        static char waste[LARGE];
        take_connection ("ROUTER");
        MUST (raw_read (fd, waste, 100000));
        cut_connection ();
    }
    take_connection ("ROUTER");
    check_large ('1');
    SEND (from, "2");
    CHECK_FRAME (0, 1, "2");
    cut_connection ();
}

/* Its first frames have left, the last one was not sent yet. */
STORY (a_message_cut_before_its_end_was_sent)
{
    prepare (ZMQ_PUSH, 0);
    take_connection ("PULL");
    SEND (from, "first");
    CHECK_FRAME (0, 5, "first");
    CHECK_INT (zmq_send (from, "a", 1, ZMQ_SNDMORE), 1);
    cut_connection ();
    take_connection ("PULL");
    CHECK_INT (zmq_send (from, "b", 1, 0), 1);
    SEND (from, "last");
    struct frame frame;
    CHECK (read_frame (&frame));
    /* All of it, or nothing. */
    if (frame.flags == 1) {
        CHECK_STR (frame.text, "a");
        CHECK_FRAME (0, 1, "b");
        CHECK (read_frame (&frame));
    }
    CHECK_INT (frame.flags, 0);
    CHECK_STR (frame.text, "last");
    cut_connection ();
}

/* With IMMEDIATE a connection takes its messages with it. */
STORY (with_immediate_nothing_is_sent_again)
{
    prepare (ZMQ_PUSH, 1);
    for (int i = 0; i < 3; i++) {
        take_connection ("PULL");
        AWAIT_OUT (from);
        SEND (from, "new");
        CHECK_FRAME (0, 3, "new");
        send_large ('1');
        send_large ('2');
        cut_connection ();
        CHECK_BECOMES (int_option (from, ZMQ_EVENTS) == 0);
    }
    cut_connection ();
}

static bool owner_called_and_bytes_came (void)
{
    struct pollfd item = {fd, POLLIN, 0};
    settle (from);
    return poll (&item, 1, 5) == 1;
}

/* Heartbeats and subscriptions wait like messages; a new connection begins
 * with the handshake all the same, and commands are made anew. */
STORY (no_command_is_sent_again)
{
    prepare (ZMQ_SUB, 0);
    CHECK_OK (zmq_setsockopt (from, ZMQ_SUBSCRIBE, "A", 1));
    for (int i = 0; i < 3; i++) {
        take_connection ("PUB");
        CHECK_BECOMES (owner_called_and_bytes_came ());
        CHECK_FRAME (0, 2, "\1A");
        cut_connection ();
    }
    close_socket (from);
    close (listener);

    from = open_socket (ZMQ_PUSH);
    endpoint_t endpoint;
    listener = raw_listen (endpoint);
    CHECK_OK (set_int (from, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (set_int (from, ZMQ_HEARTBEAT_IVL, 20));
    CHECK_OK (set_int (from, ZMQ_HEARTBEAT_TIMEOUT, 60));
    CHECK_OK (zmq_connect (from, endpoint));
    for (int i = 0; i < 3; i++) {
        take_connection ("PULL");
        struct frame frame;
        CHECK (read_frame (&frame));
        CHECK_INT (frame.flags, 4);
        CHECK (memcmp (frame.text, "\4PING", 5) == 0);
        CHECK (raw_is_closed (fd)); /* nobody answered */
        close (fd);
    }
    take_connection ("PULL");
    SEND (from, "x");
    struct frame frame;
    do
        CHECK (read_frame (&frame));
    while (frame.flags & 4);
    CHECK_STR (frame.text, "x");
    close (fd);
}

MAIN
