/* Hostile peers: what raw bytes on tcp and ipc may do to a socket, which is
 * nothing but lose their own connection. Beside each stands a good peer that
 * must not notice. */
#include "fixtures.h"

static const char *const places[] = {"tcp", "ipc"};

/* A socket under attack and its good peer. */
static void *target, *good;
static endpoint_t endpoint;

static void besiege (const char *where, int option, int value)
{
    begin ();
    target = new_socket (ctx, ZMQ_PULL);
    good = new_socket (ctx, ZMQ_PUSH);
    if (option)
        CHECK_OK (set_int (target, option, value));
    bind_to (target, where, endpoint);
    CHECK_OK (zmq_connect (good, endpoint));
    CHECK_SEND (good, "hello", 0);
    CHECK_RECV (target, "hello");
}

/* The good peer's next message arrives. What a raw peer smuggled in as a
 * message of an old protocol version may come before. */
static void check_undisturbed (void)
{
    static int number;
    char text[32], body[64];
    snprintf (text, sizeof text, "undisturbed %d", ++number);
    CHECK_SEND (good, text, 0);
    int size = 0;
    for (int i = 0; i < 2000 && size >= 0; i++) {
        memset (body, 0, sizeof body);
        size = zmq_recv (target, body, sizeof body - 1, 0);
        if (size == (int) strlen (text) && strcmp (body, text) == 0)
            break;
    }
    CHECK_STR (body, text);
}

static void relieve (void) { end (target, good); }

static uint32_t dice = 12345;
static uint32_t roll (void) { return dice = dice * 1664525u + 1013904223u, dice >> 8; }

TEST (random_bytes)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        unsigned char noise[1500];
        for (int n = 0; n < 150; n++) {
            int fd = raw_connect (endpoint);
            for (unsigned k = 0; k < sizeof noise; k++)
                noise[k] = (unsigned char) roll ();
            raw_write (fd, noise, 1 + roll () % sizeof noise);
            close (fd);
            if (n % 25 == 0)
                check_undisturbed ();
        }
        check_undisturbed ();
        relieve ();
    }
}

TEST (random_bytes_after_a_greeting)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        unsigned char noise[600];
        for (int n = 0; n < 150; n++) {
            int fd = raw_connect (endpoint);
            make_greeting (noise);
            for (unsigned k = 64; k < sizeof noise; k++)
                noise[k] = (unsigned char) roll ();
            raw_write (fd, noise, 64 + roll () % (sizeof noise - 64));
            close (fd);
        }
        check_undisturbed ();
        relieve ();
    }
}

TEST (random_bytes_after_a_handshake)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], ZMQ_RCVHWM, 0);
        unsigned char noise[600];
        for (int n = 0; n < 100; n++) {
            int fd = raw_connect (endpoint);
            CHECK (raw_handshake (fd, "PUSH"));
            for (unsigned k = 0; k < sizeof noise; k++)
                noise[k] = (unsigned char) roll ();
            /* The first frame is a command or one longer than memory. */
            noise[0] = n % 2 ? 0x04 : 0x06;
            raw_write (fd, noise, 1 + roll () % (sizeof noise - 1));
            close (fd);
        }
        check_undisturbed ();
        relieve ();
    }
}

TEST (greetings_cut_short)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        unsigned char bytes[128];
        make_greeting (bytes);
        size_t size = 64 + make_ready (bytes + 64, "PUSH");
        for (size_t cut = 0; cut < size; cut++) {
            int fd = raw_connect (endpoint);
            CHECK (raw_write (fd, bytes, cut));
            if (cut % 2) {
                struct linger reset = {1, 0};
                setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            }
            close (fd);
        }
        check_undisturbed ();
        relieve ();
    }
}

TEST (silence_ends_with_the_handshake_interval)
{
    static const size_t after[] = {0, 1, 10, 12, 63, 64, 70};
    for (int i = 0; i < 2; i++) {
        besiege (places[i], ZMQ_HANDSHAKE_IVL, 200);
        unsigned char bytes[128];
        int fds[7];
        make_greeting (bytes);
        make_ready (bytes + 64, "PUSH");
        for (int n = 0; n < 7; n++) {
            fds[n] = raw_connect (endpoint);
            CHECK (raw_write (fds[n], bytes, after[n]));
        }
        for (int n = 0; n < 7; n++) {
            CHECK (raw_is_closed (fds[n]));
            close (fds[n]);
        }
        check_undisturbed ();
        relieve ();
    }
}

TEST (a_slow_peer_is_no_hostile_one)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        unsigned char bytes[128];
        make_greeting (bytes);
        size_t size = 64 + make_ready (bytes + 64, "PUSH");
        memcpy (bytes + size, "\0\4slow", 6);
        int fd = raw_connect (endpoint);
        for (size_t n = 0; n < size + 6; n++) {
            CHECK (raw_write (fd, bytes + n, 1));
            sleep_ms (1);
        }
        CHECK_RECV (target, "slow");
        close (fd);
        relieve ();
    }
}

/* Each is sent in place of a greeting or right after one; the connection is
 * dropped. */
static const struct
{
    const char *what;
    int greet;
    size_t size;
    const char *bytes;
} rejected[] = {
  {"an unknown mechanism", 0, 64,
   "\xff\0\0\0\0\0\0\0\0\x7f\3\0NOSUCH\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
  {"another mechanism", 0, 64,
   "\xff\0\0\0\0\0\0\0\0\x7f\3\0PLAIN\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
  {"a peer of the wrong type", 1, 27, "\4\x19\5READY\13Socket-Type\0\0\0\3PUB"},
  {"a type that is none", 1, 27, "\4\x19\5READY\13Socket-Type\0\0\0\3XYZ"},
  {"a command that is not READY", 1, 8, "\4\6\5HELLO"},
  {"a command name longer than the command", 1, 8, "\4\6\xffREADY"},
  {"an empty command", 1, 2, "\4\0"},
  {"a property name longer than the command", 1, 12, "\4\x0a\5READY\xffSoc"},
  {"a property value longer than the command", 1, 27,
   "\4\x19\5READY\13Socket-Type\0\0\1\3PUS"},
  {"a property value of 4 GB", 1, 27,
   "\4\x19\5READY\13Socket-Type\xff\xff\xff\xffPUS"},
  {"a property cut short", 1, 22, "\4\x14\5READY\13Socket-Type\0\0"},
  {"a command longer than memory", 1, 9, "\6\xff\xff\xff\xff\xff\xff\xff\xff"},
  {"a command of half the address space", 1, 9, "\6\x7f\xff\xff\xff\xff\xff\xff\xff"},
};

TEST (bad_handshakes_are_dropped)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        for (unsigned n = 0; n < sizeof rejected / sizeof *rejected; n++) {
            unsigned char greeting[64];
            int fd = raw_connect (endpoint);
            make_greeting (greeting);
            if (rejected[n].greet)
                raw_write (fd, greeting, 64);
            raw_write (fd, rejected[n].bytes, rejected[n].size);
            check_report (raw_is_closed (fd), __FILE__, __LINE__,
                          rejected[n].what, " was not dropped");
            close (fd);
            check_undisturbed ();
        }
        relieve ();
    }
}

TEST (frames_longer_than_memory)
{
    static const char *const frames[] = {
      "\2\xff\xff\xff\xff\xff\xff\xff\xff", "\2\x80\0\0\0\0\0\0\0",
      "\2\x7f\xff\xff\xff\xff\xff\xff\xff", "\3\xff\xff\xff\xff\xff\xff\xf0\0"};
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        for (int n = 0; n < 4; n++) {
            int fd = raw_connect (endpoint);
            CHECK (raw_handshake (fd, "PUSH"));
            CHECK (raw_send_frame (fd, "before"));
            CHECK_RECV (target, "before");
            raw_write (fd, frames[n], 9);
            CHECK (raw_is_closed (fd));
            close (fd);
            check_undisturbed ();
        }
        relieve ();
    }
}

TEST (long_frames_that_never_come)
{
    besiege ("tcp", 0, 0);
    long before = resident_kb ();
    int fds[20];
    for (int n = 0; n < 20; n++) {
        fds[n] = raw_connect (endpoint);
        CHECK (raw_handshake (fds[n], "PUSH"));
        /* 1 GB each is announced, five bytes come. */
        CHECK (raw_write (fds[n], "\2\0\0\0\0\x40\0\0\0hello", 14));
    }
    check_undisturbed ();
    CHECK (resident_kb () - before < 64 * 1024);
    for (int n = 0; n < 20; n++)
        close (fds[n]);
    check_undisturbed ();
    CHECK_ERR (zmq_recv (target, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    relieve ();
}

TEST (frames_longer_than_maxmsgsize)
{
    for (int i = 0; i < 2; i++) {
        int64_t limit = 1000;
        char body[1100] = {0};
        begin ();
        target = new_socket (ctx, ZMQ_PULL);
        good = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (zmq_setsockopt (target, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
        bind_to (target, places[i], endpoint);
        CHECK_OK (zmq_connect (good, endpoint));
        check_undisturbed ();
        int fd = raw_connect (endpoint);
        CHECK (raw_handshake (fd, "PUSH"));
        /* As long as allowed. */
        CHECK (raw_write (fd, "\2\0\0\0\0\0\0\x03\xe8", 9));
        CHECK (raw_write (fd, body, 1000));
        CHECK_INT (zmq_recv (target, body, sizeof body, 0), 1000);
        /* One byte longer: refused by its length alone. */
        CHECK (raw_write (fd, "\2\0\0\0\0\0\0\x03\xe9", 9));
        CHECK (raw_is_closed (fd));
        close (fd);
        check_undisturbed ();
        CHECK_INT (zmq_send (good, body, 1000, 0), 1000);
        CHECK_INT (zmq_recv (target, body, sizeof body, 0), 1000);
        CHECK_ERR (zmq_recv (target, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        /* The limit holds for each part. */
        CHECK_INT (zmq_send (good, body, 900, ZMQ_SNDMORE), 900);
        CHECK_INT (zmq_send (good, body, 900, 0), 900);
        CHECK_INT (zmq_recv (target, body, sizeof body, 0), 900);
        CHECK_INT (zmq_recv (target, body, sizeof body, 0), 900);
        relieve ();
    }
}

TEST (frames_cut_short)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        static const char whole[] = "\2\0\0\0\0\0\0\0\5hello";
        for (size_t cut = 0; cut < 14; cut++) {
            int fd = raw_connect (endpoint);
            CHECK (raw_handshake (fd, "PUSH"));
            CHECK (raw_write (fd, whole, cut));
            close (fd);
        }
        check_undisturbed ();
        CHECK_ERR (zmq_recv (target, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        relieve ();
    }
}

TEST (messages_cut_short)
{
    for (int i = 0; i < 2; i++) {
        besiege (places[i], 0, 0);
        for (int n = 0; n < 10; n++) {
            int fd = raw_connect (endpoint);
            CHECK (raw_handshake (fd, "PUSH"));
            /* A whole message, then two parts of one whose end never comes. */
            CHECK (raw_write (fd, "\0\5whole\1\4part\1\4part", 19));
            CHECK_RECV (target, "whole");
            CHECK_INT (get_int (target, ZMQ_RCVMORE), 0);
            close (fd);
        }
        char body[32] = {0};
        CHECK_SEND (good, "good", ZMQ_SNDMORE);
        CHECK_SEND (good, "end", 0);
        CHECK_RECV (target, "good");
        CHECK_INT (get_int (target, ZMQ_RCVMORE), 1);
        CHECK_RECV (target, "end");
        CHECK_INT (get_int (target, ZMQ_RCVMORE), 0);
        CHECK_ERR (zmq_recv (target, body, 1, ZMQ_DONTWAIT), EAGAIN);
        relieve ();
    }
}

TEST (thousands_of_connects_and_closes)
{
    for (int i = 0; i < 2; i++) {
        /* A full queue would make the kernel wait for seconds. */
        besiege (places[i], ZMQ_BACKLOG, 2000);
        int fds = count_fds (), refused = 0;
        for (int n = 0; n < 1500; n++) {
            int fd = raw_try_connect (endpoint);
            refused += fd < 0;
            struct linger reset = {1, 0};
            if (n % 3 == 0)
                setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close (fd);
        }
        CHECK_INT (refused, 0);
        check_undisturbed ();
        CHECK_BECOMES (count_fds () <= fds);
        relieve ();
    }
}

TEST (thousands_of_handshakes_leave_nothing)
{
    besiege ("tcp", 0, 0);
    int fds = count_fds ();
    long before = 0;
    for (int n = 0; n < 1200; n++) {
        if (n == 200)
            before = resident_kb ();
        int fd = raw_connect (endpoint);
        struct linger reset = {1, 0};
        setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (!raw_handshake (fd, "PUSH"))
            CHECK (!"handshake");
        close (fd);
        if (n % 100 == 0)
            check_undisturbed ();
    }
    check_undisturbed ();
    CHECK_BECOMES (count_fds () <= fds);
    CHECK (resident_kb () - before < 8 * 1024);
    relieve ();
}

/* A message may have very many frames, each of which takes memory; one that
 * does not end is cut off. */
TEST (a_message_of_many_frames)
{
    enum { FRAMES = 100 * 1000 };
    static unsigned char frames[FRAMES * 3];
    for (int i = 0; i < FRAMES; i++)
        memcpy (frames + 3 * i, i < FRAMES - 1 ? "\1\1x" : "\0\1y", 3);
    besiege ("tcp", 0, 0);
    int fd = raw_connect (endpoint);
    REQUIRE (raw_handshake (fd, "PUSH"));
    CHECK (raw_write (fd, frames, sizeof frames));
    int count = 0;
    char byte;
    do
        count += zmq_recv (target, &byte, 1, 0);
    while (byte == 'x' && get_int (target, ZMQ_RCVMORE) == 1);
    CHECK_INT (count, FRAMES);
    CHECK_INT (byte, 'y');
    /* libzmq takes all there is. */
    if (!on_oracle ()) {
        for (int i = 0; i < FRAMES; i++)
            frames[3 * i] = 1;
        bool open = true;
        for (int i = 0; i < 20 && open; i++)
            open = raw_write (fd, frames, sizeof frames);
        CHECK (!open || raw_is_closed (fd));
    }
    close (fd);
    check_undisturbed ();
    relieve ();
}

/* While nobody calls in, peers that come and go cannot take all memory: no more
 * are accepted in the end. (libzmq accepts all, and keeps 10 KB of each.) */
TEST (peers_that_nobody_looks_at)
{
    if (on_oracle ())
        return;
    begin ();
    target = new_socket (ctx, ZMQ_PULL);
    bind_to (target, "tcp", endpoint);
    bool accepted = true;
    for (int n = 0; n < 12 * 1000 && accepted; n++) {
        int fd = raw_connect (endpoint);
        struct pollfd item = {fd, POLLIN, 0};
        unsigned char greeting[64];
        make_greeting (greeting);
        struct linger reset = {1, 0};
        setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        raw_write (fd, greeting, sizeof greeting);
        accepted = poll (&item, 1, 2000) == 1;
        if (accepted)
            CHECK (raw_handshake_after_greeting (fd, "PUSH"));
        close (fd);
    }
    CHECK (!accepted);
    good = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (good, endpoint));
    check_undisturbed ();
    relieve ();
}

/* Nor can a server to which many connects lead, and which ends each connection
 * that is made. With ZMQ_IMMEDIATE each brings a queue of its own. (libzmq comes
 * back without end.) */
TEST (a_server_that_nobody_looks_at)
{
    enum { CONNECTS = 32 };
    if (on_oracle ())
        return;
    begin ();
    int listener = raw_listen (endpoint);
    target = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (target, ZMQ_IMMEDIATE, 1));
    CHECK_OK (set_int (target, ZMQ_RECONNECT_IVL, 1));
    for (int n = 0; n < CONNECTS; n++)
        CHECK_OK (zmq_connect (target, endpoint));
    bool again = true;
    for (int n = 0; n < 12 * 1000 && again; n++) {
        struct pollfd item = {listener, POLLIN, 0};
        again = poll (&item, 1, 2000) == 1;
        if (!again)
            break;
        int fd = accept (listener, NULL, NULL), on = 1;
        setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        REQUIRE (raw_handshake (fd, "PUSH"));
        struct linger reset = {1, 0};
        setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close (fd);
    }
    CHECK (!again);
    /* Once somebody looks, they come again. */
    CHECK_ERR (zmq_recv (target, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    int fd = accept (listener, NULL, NULL);
    CHECK (raw_handshake (fd, "PUSH"));
    CHECK (raw_send_frame (fd, "hi"));
    CHECK_RECV (target, "hi");
    close (fd);
    close (listener);
    end (target, NULL);
}

/* Nor can sockets of the process itself that come and go; libzmq has places for a
 * thousand of them, and no more until somebody looks. */
TEST (sockets_that_nobody_looks_at)
{
    enum { SOCKETS = 60 * 1000 };
    if (on_oracle ())
        return;
    for (int sends = 0; sends < 2; sends++) {
        begin ();
        target = new_socket (ctx, ZMQ_PULL);
        CHECK_OK (zmq_bind (target, "inproc://idle"));
        int sent = 0, refused = 0;
        long before = 0;
        for (int n = 0; n < SOCKETS; n++) {
            void *passing = zmq_socket (ctx, ZMQ_PUSH);
            if (zmq_connect (passing, "inproc://idle") != 0)
                refused += errno == EMFILE;
            else if (sends)
                sent += zmq_send (passing, "x", 1, 0);
            zmq_close (passing);
            if (n == SOCKETS / 2)
                before = resident_kb ();
        }
        CHECK (resident_kb () - before < 16 * 1024);
        CHECK (sends ? refused > 0 : refused == 0);
        /* What was sent arrives, and then there is room again. */
        int received = 0;
        while (zmq_recv (target, NULL, 0, ZMQ_DONTWAIT) == 1)
            received++;
        CHECK_INT (received, sent);
        good = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (zmq_connect (good, "inproc://idle"));
        check_undisturbed ();
        relieve ();
    }
}

/* Nor can strangers who let an authenticator be asked that does not listen. */
TEST (an_authenticator_that_looks_at_nobody)
{
    enum { PEERS = 24 * 1000 };
    if (on_oracle ())
        return;
    begin ();
    void *zap = new_socket (ctx, ZMQ_REP);
    CHECK_OK (zmq_bind (zap, "inproc://zeromq.zap.01"));
    target = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_setsockopt (target, ZMQ_ZAP_DOMAIN, "domain", 6));
    bind_to (target, "tcp", endpoint);
    long before = 0;
    int greeted = 0;
    for (int n = 0; n < PEERS; n++) {
        unsigned char bytes[192];
        make_greeting (bytes);
        size_t size = 64 + make_ready (bytes + 64, "PUSH");
        int fd = raw_try_connect (endpoint);
        greeted += raw_write (fd, bytes, size) && raw_read (fd, bytes, 64);
        close (fd);
        if (n == PEERS / 2)
            before = resident_kb ();
    }
    CHECK_INT (greeted, PEERS);
    CHECK (resident_kb () - before < 24 * 1024);
    CHECK_OK (zmq_close (zap));
    CHECK_OK (zmq_close (target));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_handshake_without_end_is_cut_off)
{
    if (on_oracle ())
        return; /* buffers all of it */
    besiege ("tcp", 0, 0);
    static unsigned char greeting[64], block[65536];
    make_greeting (greeting);
    int fd = raw_connect (endpoint);
    CHECK (raw_write (fd, greeting, 64));
    /* A READY of 256 MB. */
    CHECK (raw_write (fd, "\6\0\0\0\0\x10\0\0\0\5READY", 15));
    int written = 0;
    while (written < 64 * 16 && raw_write (fd, block, sizeof block))
        written++;
    CHECK (written < 64 * 16);
    close (fd);
    check_undisturbed ();
    relieve ();
}

TEST (a_subscription_of_two_megabytes)
{
    begin ();
    void *xpub = new_socket (ctx, ZMQ_XPUB), *sub = new_socket (ctx, ZMQ_SUB);
    bind_to (xpub, "tcp", endpoint);
    CHECK_OK (zmq_connect (sub, endpoint));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "x", 1));
    char body[8];
    CHECK_INT (zmq_recv (xpub, body, sizeof body, 0), 2);
    enum { SIZE = 2 << 20 };
    unsigned char *topic = malloc (SIZE);
    memset (topic, 's', SIZE);
    topic[0] = 1;
    int fd = raw_connect (endpoint);
    CHECK (raw_handshake (fd, "SUB"));
    CHECK (raw_write (fd, "\2\0\0\0\0\0\x20\0\0", 9));
    CHECK (raw_write (fd, topic, SIZE));
    CHECK_INT (zmq_recv (xpub, body, sizeof body, 0), SIZE);
    CHECK_SEND (xpub, "x goes on", 0);
    CHECK_RECV (sub, "x goes on");
    /* Its peer leaves: the subscription goes. */
    close (fd);
    CHECK_INT (zmq_recv (xpub, body, sizeof body, 0), SIZE);
    CHECK_INT (body[0], 0);
    CHECK_SEND (xpub, "x goes on", 0);
    CHECK_RECV (sub, "x goes on");
    free (topic);
    end (xpub, sub);
}

TEST (a_hostile_server)
{
    /* The same from the other side: who was connected to talks nonsense. */
    begin ();
    endpoint_t evil, fine;
    int listener = raw_listen (evil);
    target = new_socket (ctx, ZMQ_PULL);
    good = new_socket (ctx, ZMQ_PUSH);
    bind_to (good, "tcp", fine);
    CHECK_OK (set_int (target, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (target, evil));
    CHECK_OK (zmq_connect (target, fine));
    check_undisturbed ();
    for (int n = 0; n < 15; n++) {
        /* It comes again after each disconnect. */
        struct pollfd item = {listener, POLLIN, 0};
        CHECK_INT (poll (&item, 1, AMPLE_MS), 1);
        int fd = accept (listener, NULL, NULL);
        unsigned char bytes[64];
        make_greeting (bytes);
        if (n % 3)
            raw_write (fd, bytes, n % 3 == 1 ? 64 : 20);
        close (fd);
    }
    check_undisturbed ();
    close (listener);
    relieve ();
}

MAIN
