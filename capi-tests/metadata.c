/* What a message tells of the peer that sent it: zmq_msg_gets, ZMQ_SRCFD, and
 * the properties that a program adds with ZMQ_METADATA (a draft option that the
 * stable functions know by its number). */
#include "kernel.h"

#define METADATA 95

static int add_property (void *s, const char *text)
{
    return zmq_setsockopt (s, METADATA, text, strlen (text));
}

static const char *gets (zmq_msg_t *msg, const char *name)
{
    errno = 0;
    const char *value = zmq_msg_gets (msg, name);
    return value ? value : errno == EINVAL ? "(none)" : "(wrong errno)";
}

/* Receives a message that `from` sends. */
static void pass (void *from, void *to, zmq_msg_t *msg)
{
    CHECK_SEND (from, "m", 0);
    CHECK_OK (zmq_msg_init (msg));
    CHECK_INT (zmq_msg_recv (msg, to, 0), 1);
}

static void check_common (const char *where, const char *address)
{
    void *a, *b;
    zmq_msg_t msg;
    begin ();
    connect_pair (ctx, where, ZMQ_DEALER, &a, ZMQ_DEALER, &b);
    pass (b, a, &msg);
    CHECK_STR (gets (&msg, "Socket-Type"), "DEALER");
    CHECK_STR (gets (&msg, "Identity"), "");
    CHECK_STR (gets (&msg, "Routing-Id"), "(none)");
    CHECK_STR (gets (&msg, "User-Id"), "(none)");
    CHECK_STR (gets (&msg, "Resource"), "(none)");
    CHECK_STR (gets (&msg, "socket-type"), "(none)");
    CHECK_STR (gets (&msg, ""), "(none)");
    CHECK_STR (gets (&msg, "Peer-Address"), address);
    char fd[20];
    snprintf (fd, sizeof fd, "%d", zmq_msg_get (&msg, ZMQ_SRCFD));
    CHECK_STR (gets (&msg, "__fd"), fd);
    CHECK_OK (zmq_msg_close (&msg));
    end (a, b);
}

TEST (tcp) { check_common ("tcp", "127.0.0.1"); }

TEST (ipc)
{
    char address[100];
    snprintf (address, sizeof address, "localhost:%d:%d:%d", (int) getuid (),
              (int) getgid (), getpid ());
    check_common ("ipc", address);
}

TEST (inproc_has_none)
{
    void *a, *b;
    zmq_msg_t msg;
    begin ();
    connect_pair (ctx, "inproc://none", ZMQ_DEALER, &a, ZMQ_DEALER, &b);
    CHECK_OK (add_property (b, "X-a:b"));
    pass (b, a, &msg);
    static const char *const names[] = {"Socket-Type", "Identity",
                                        "Peer-Address", "X-a", "__fd"};
    for (int i = 0; i < 5; i++)
        CHECK_STR (gets (&msg, names[i]), "(none)");
    CHECK_ERR (zmq_msg_get (&msg, ZMQ_SRCFD), EINVAL);
    CHECK_OK (zmq_msg_close (&msg));
    end (a, b);
}

TEST (identities_are_told_by_three_types)
{
    static const struct
    {
        int type, peer;
        const char *identity;
    } types[] = {{ZMQ_DEALER, ZMQ_DEALER, "name"},
                 {ZMQ_PUSH, ZMQ_PULL, "(none)"},
                 {ZMQ_PAIR, ZMQ_PAIR, "(none)"}};
    for (int i = 0; i < 3; i++) {
        endpoint_t endpoint;
        zmq_msg_t msg;
        begin ();
        void *from = new_socket (ctx, types[i].type);
        void *to = new_socket (ctx, types[i].peer);
        CHECK_OK (zmq_setsockopt (from, ZMQ_ROUTING_ID, "name", 4));
        bind_to (to, "tcp", endpoint);
        CHECK_OK (zmq_connect (from, endpoint));
        pass (from, to, &msg);
        CHECK_STR (gets (&msg, "Identity"), types[i].identity);
        CHECK_OK (zmq_msg_close (&msg));
        end (from, to);
    }
}

TEST (every_part_tells_it_and_copies_do)
{
    void *a, *b;
    zmq_msg_t msg, copy;
    begin ();
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (b, "one", ZMQ_SNDMORE);
    CHECK_SEND (b, "two", 0);
    CHECK_OK (zmq_msg_init (&msg));
    for (int part = 0; part < 2; part++) {
        CHECK_INT (zmq_msg_recv (&msg, a, 0), 3);
        CHECK_INT (zmq_msg_get (&msg, ZMQ_MORE), part == 0);
        CHECK_STR (gets (&msg, "Peer-Address"), "127.0.0.1");
        CHECK (zmq_msg_get (&msg, ZMQ_SRCFD) > 2);
    }
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_OK (zmq_msg_copy (&copy, &msg));
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_STR (gets (&copy, "Socket-Type"), "PAIR");
    CHECK_OK (zmq_msg_init (&msg));
    CHECK_OK (zmq_msg_move (&msg, &copy));
    CHECK_STR (gets (&msg, "Socket-Type"), "PAIR");
    CHECK_STR (gets (&copy, "Socket-Type"), "(none)");
    /* The socket may be gone. */
    end (a, b);
    CHECK_STR (gets (&msg, "Socket-Type"), "PAIR");
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_OK (zmq_msg_close (&copy));
}

/* Takes what the XPUB's peer has said. */
static void check_told (void *xpub, const char *text)
{
    zmq_msg_t msg;
    CHECK_OK (zmq_msg_init (&msg));
    CHECK_INT (zmq_msg_recv (&msg, xpub, 0), strlen (text));
    CHECK (memcmp (zmq_msg_data (&msg), text, strlen (text)) == 0);
    CHECK_STR (gets (&msg, "X-who"), "subscriber");
    CHECK_STR (gets (&msg, "Socket-Type"), "XSUB");
    CHECK (zmq_msg_get (&msg, ZMQ_SRCFD) > 2);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (an_xpub_tells_it_of_subscriptions_that_another_call_has_read)
{
    endpoint_t endpoint;
    char body[8];
    begin ();
    void *xpub = new_socket (ctx, ZMQ_XPUB), *xsub = new_socket (ctx, ZMQ_XSUB);
    CHECK_OK (add_property (xsub, "X-who:subscriber"));
    CHECK_OK (set_int (xsub, ZMQ_RCVTIMEO, 10));
    bind_to (xpub, "tcp", endpoint);
    /* A call that does not ask for it. */
    CHECK_ERR (zmq_recv (xpub, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_connect (xsub, endpoint));
    CHECK_SEND (xsub, "message", 0);
    CHECK_SEND (xsub, "\1topic", 0);
    /* Sending reads what subscribers say. */
    do
        CHECK_SEND (xpub, "topic", 0);
    while (zmq_recv (xsub, body, sizeof body, 0) != 5);
    check_told (xpub, "message");
    check_told (xpub, "\1topic");
    end (xpub, xsub);
}

TEST (the_source_is_the_connection)
{
    void *a, *b;
    begin ();
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    CHECK_SEND (b, "x", 0);
    struct sockaddr_in at_b = {0}, at_a = {0};
    socklen_t size = sizeof at_b;
    CHECK_OK (getpeername (receive_source (b), (void *) &at_b, &size));
    CHECK_OK (getsockname (receive_source (a), (void *) &at_a, &size));
    CHECK_INT (at_a.sin_port, at_b.sin_port);
    end (a, b);
}

TEST (shared_and_unknown_properties)
{
    zmq_msg_t small, large, copy;
    CHECK_OK (zmq_msg_init_size (&small, 10));
    CHECK_OK (zmq_msg_init_size (&large, 1000));
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_INT (zmq_msg_get (&large, ZMQ_SHARED), 0);
    CHECK_OK (zmq_msg_copy (&copy, &large));
    CHECK_INT (zmq_msg_get (&large, ZMQ_SHARED), 1);
    CHECK_INT (zmq_msg_get (&copy, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_copy (&copy, &small));
    CHECK_INT (zmq_msg_get (&small, ZMQ_SHARED), 0);
    CHECK_INT (zmq_msg_get (&copy, ZMQ_SHARED), 0);
    CHECK_ERR (zmq_msg_get (&small, 0), EINVAL);
    CHECK_ERR (zmq_msg_get (&small, -1), EINVAL);
    CHECK_ERR (zmq_msg_get (&small, 99), EINVAL);
    CHECK_ERR (zmq_msg_set (&small, ZMQ_MORE, 1), EINVAL);
    CHECK_ERR (zmq_msg_set (&small, ZMQ_SHARED, 1), EINVAL);
    CHECK_INT (zmq_msg_get (&small, ZMQ_MORE), 0);
    CHECK_OK (zmq_msg_close (&small));
    CHECK_OK (zmq_msg_close (&large));
    CHECK_OK (zmq_msg_close (&copy));
}

TEST (programs_add_properties)
{
    endpoint_t endpoint;
    zmq_msg_t msg;
    begin ();
    void *from = new_socket (ctx, ZMQ_DEALER), *to = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (add_property (from, "X-hello:world:x"));
    CHECK_OK (add_property (from, "X-space: b "));
    CHECK_OK (add_property (from, "X-hello:not this one"));
    CHECK_OK (zmq_setsockopt (from, METADATA, "X-zero:end\0more", 15));
    CHECK_OK (add_property (to, "X-other:way"));
    bind_to (to, "tcp", endpoint);
    CHECK_OK (zmq_connect (from, endpoint));
    pass (from, to, &msg);
    CHECK_STR (gets (&msg, "X-hello"), "world:x");
    CHECK_STR (gets (&msg, "x-hello"), "(none)");
    CHECK_STR (gets (&msg, "X-space"), " b ");
    CHECK_STR (gets (&msg, "X-zero"), "end");
    CHECK_STR (gets (&msg, "X-other"), "(none)");
    CHECK_OK (zmq_msg_close (&msg));
    pass (to, from, &msg);
    CHECK_STR (gets (&msg, "X-other"), "way");
    CHECK_OK (zmq_msg_close (&msg));
    end (from, to);
}

/* What READY says behind its first 8 + 21 bytes and the socket type. */
static void check_ready (const char *const *properties, const void *want,
                         size_t size)
{
    endpoint_t endpoint;
    unsigned char mine[64], got[300];
    begin ();
    void *s = new_socket (ctx, ZMQ_PUSH);
    for (; *properties; properties++)
        CHECK_OK (add_property (s, *properties));
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    make_greeting (mine);
    CHECK (raw_write (fd, mine, 64) && raw_read (fd, got, 64));
    REQUIRE (raw_read (fd, got, 2) && raw_read (fd, got + 2, got[1]));
    CHECK_INT (got[0], 4);
    size_t head = 2 + 6 + 1 + 11 + 4 + 4;
    CHECK_INT (got[1] + 2u, head + size);
    CHECK (got[1] + 2u == head + size && memcmp (got + head, want, size) == 0);
    close (fd);
    end (s, NULL);
}

TEST (on_the_wire_they_are_in_the_order_of_their_names)
{
    static const char *const none[] = {NULL};
    check_ready (none, "", 0);
    static const char *const some[] = {"X-b:c:d", "X-a:e", "X-zz:1",
                                       "X-Identity:q", "X-a:later", NULL};
    check_ready (some,
                 "\12X-Identity\0\0\0\1q"
                 "\3X-a\0\0\0\1e"
                 "\3X-b\0\0\0\3c:d"
                 "\4X-zz\0\0\0\0011",
                 16 + 9 + 11 + 10);
    static const char *const odd[] = {"X-::b", "X-a::", NULL};
    check_ready (odd, "\2X-\0\0\0\2:b\3X-a\0\0\0\1:", 9 + 9);
}

TEST (what_is_no_property_is_refused)
{
    static const char *const texts[] = {
      "X-:b", "a:b", "X-a", "X-a:", "X-ab:", "x-a:b", "XX-a:b", ":X-a:b",
      "foo",  ":",   "X-",  "X:a",  ""};
    begin ();
    void *s = new_socket (ctx, ZMQ_PUSH);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_ERR (add_property (s, texts[i]), EINVAL);
    CHECK_ERR (zmq_setsockopt (s, METADATA, NULL, 0), EINVAL);
    char text[300];
    memset (text, 'x', sizeof text);
    memcpy (text, "X-", 2);
    text[255] = ':';
    CHECK_OK (zmq_setsockopt (s, METADATA, text, 258));
    text[255] = 'x';
    text[256] = ':';
    CHECK_ERR (zmq_setsockopt (s, METADATA, text, 259), EINVAL);
    size_t size = sizeof text;
    CHECK_ERR (zmq_getsockopt (s, METADATA, text, &size), EINVAL);
    end (s, NULL);
}

TEST (long_values_make_long_handshakes)
{
    endpoint_t endpoint;
    zmq_msg_t msg;
    static char text[20000];
    begin ();
    void *from = new_socket (ctx, ZMQ_PUSH), *to = new_socket (ctx, ZMQ_PULL);
    memset (text, 'v', sizeof text - 1);
    memcpy (text, "X-long:", 7);
    CHECK_OK (add_property (from, text));
    bind_to (to, "tcp", endpoint);
    CHECK_OK (zmq_connect (from, endpoint));
    pass (from, to, &msg);
    CHECK_INT (strlen (gets (&msg, "X-long")), sizeof text - 1 - 7);
    CHECK_OK (zmq_msg_close (&msg));
    end (from, to);
}

MAIN
