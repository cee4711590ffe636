/* Peers that are not known yet, and may never be: what they can make a socket
 * hold and do before their handshake is over, how long they may take for it, and
 * what they learn. Where keys are needed, a real client's words are carried to
 * the server by the test, as far as it likes. */
#include "zap.h"

static char server_public[41], server_secret[41];
static char client_public[41], client_secret[41];
static void *server, *client;
static endpoint_t endpoint;

enum mechanism { OPEN, PLAIN, CURVE, MECHANISMS };
static const char *const names[] = {"NULL", "PLAIN", "CURVE"};

static void make_keys (void)
{
    REQUIRE (zmq_curve_keypair (server_public, server_secret) == 0);
    REQUIRE (zmq_curve_keypair (client_public, client_secret) == 0);
}

static void be_server (void *s, enum mechanism mechanism)
{
    if (mechanism == PLAIN)
        CHECK_OK (set_int (s, ZMQ_PLAIN_SERVER, 1));
    if (mechanism == CURVE) {
        CHECK_OK (set_int (s, ZMQ_CURVE_SERVER, 1));
        CHECK_OK (set_text (s, ZMQ_CURVE_SECRETKEY, server_secret));
    }
}

static void be_client (void *s, enum mechanism mechanism)
{
    if (mechanism == PLAIN) {
        CHECK_OK (set_text (s, ZMQ_PLAIN_USERNAME, "joe"));
        CHECK_OK (set_text (s, ZMQ_PLAIN_PASSWORD, "secret"));
    }
    if (mechanism == CURVE) {
        CHECK_OK (set_text (s, ZMQ_CURVE_SERVERKEY, server_public));
        CHECK_OK (set_text (s, ZMQ_CURVE_PUBLICKEY, client_public));
        CHECK_OK (set_text (s, ZMQ_CURVE_SECRETKEY, client_secret));
    }
}

/* A bound PULL, and a PUSH that is not connected. */
static void set_up (enum mechanism mechanism, int handshake_ms)
{
    begin ();
    make_keys ();
    server = new_socket (ctx, ZMQ_PULL);
    client = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, handshake_ms));
    be_server (server, mechanism);
    be_client (client, mechanism);
    bind_to (server, "tcp", endpoint);
}

/* ---- time ---- */

TEST (who_is_silent_is_shed_whatever_the_mechanism)
{
    for (int m = OPEN; m < MECHANISMS; m++) {
        set_up ((enum mechanism) m, 150);
        long long start = now_ms ();
        int silent = raw_connect (endpoint), greeted = raw_connect (endpoint);
        CHECK (raw_greet (greeted, names[m]));
        CHECK (raw_is_closed (silent));
        CHECK (raw_is_closed (greeted));
        CHECK (now_ms () - start >= 140);
        close (silent);
        close (greeted);
        end (server, client);
    }
}

TEST (who_is_slow_is_shed_though_never_silent)
{
    for (int m = OPEN; m < MECHANISMS; m++) {
        set_up ((enum mechanism) m, 300);
        unsigned char greeting[64];
        make_greeting (greeting);
        int fd = raw_connect (endpoint), said = 0;
        while (said < 64 && raw_write (fd, greeting + said, 1)) {
            said++;
            sleep_ms (25);
        }
        CHECK (said < 64);
        CHECK (raw_is_closed (fd));
        close (fd);
        end (server, client);
    }
}

/* Reads a frame, header included; its size, or 0. */
static size_t read_frame (int fd, unsigned char frame[1024])
{
    if (!raw_read (fd, frame, 2))
        return 0;
    size_t head = 2, body = frame[1];
    if (frame[0] & 2) {
        head = 9;
        if (!raw_read (fd, frame + 2, 7))
            return 0;
        body = (size_t) frame[7] << 8 | frame[8];
    }
    return body < 1000 && raw_read (fd, frame + head, body) ? head + body : 0;
}

static size_t carry (int from, int to, unsigned char frame[1024])
{
    size_t size = read_frame (from, frame);
    return size && raw_write (to, frame, size) ? size : 0;
}

/* The client's connection and ours to the server, both greeted. */
static int listener, client_fd, server_fd;

static void stand_between (void)
{
    endpoint_t here;
    listener = raw_listen (here);
    CHECK_OK (zmq_connect (client, here));
    client_fd = accept (listener, NULL, NULL);
    server_fd = raw_connect (endpoint);
    CHECK (raw_greet (client_fd, "CURVE"));
    CHECK (raw_greet (server_fd, "CURVE"));
}

static void leave (void)
{
    close (client_fd);
    close (server_fd);
    close (listener);
}

TEST (who_stops_amid_the_handshake_of_curve_is_shed_by_both)
{
    for (int steps = 0; steps < 4; steps++) {
        unsigned char frame[1024];
        set_up (CURVE, 300);
        CHECK_OK (set_int (client, ZMQ_HANDSHAKE_IVL, 300));
        CHECK_OK (set_int (client, ZMQ_RECONNECT_IVL, 10));
        stand_between ();
        for (int step = 0; step < steps; step++)
            CHECK (step % 2 ? carry (server_fd, client_fd, frame)
                            : carry (client_fd, server_fd, frame));
        /* After an INITIATE the server is done, and stays. */
        if (steps < 3)
            CHECK (raw_is_closed (server_fd));
        CHECK (raw_is_closed (client_fd));
        close (client_fd);
        /* The client comes again. */
        client_fd = accept (listener, NULL, NULL);
        CHECK (client_fd >= 0);
        leave ();
        end (server, client);
    }
}

/* ---- memory ---- */

/* Sends what the kernel takes, and does not wait. */
static void pour (int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send (fd, (const char *) data + done, size - done,
                          MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0)
            return;
        done += (size_t) n;
    }
}

static unsigned char *add_property (unsigned char *to, size_t value)
{
    memcpy (to, "\1X", 2);
    to[2] = to[3] = 0;
    to[4] = (unsigned char) (value >> 8);
    to[5] = (unsigned char) value;
    memset (to + 6, 'v', value);
    return to + 6 + value;
}

/* A READY of so many properties of this size. */
static size_t make_long_ready (unsigned char *to, int properties, size_t value)
{
    unsigned char *at = to + 9 + make_ready (to + 7, "PUSH") - 2;
    for (int i = 0; i < properties; i++)
        at = add_property (at, value);
    size_t body = (size_t) (at - to) - 9;
    memset (to, 0, 9);
    to[0] = 6;
    to[7] = (unsigned char) (body >> 8);
    to[8] = (unsigned char) body;
    return body + 9;
}

enum { UNKNOWN = 300, MOST_KB = 64 };

/* Many peers say this after their greeting, and go on with a flood; none of them
 * makes the server hold more than it may. */
static void check_held (const char *mechanism, const unsigned char *bytes,
                        size_t size, size_t step, bool flood)
{
    static unsigned char noise[1 << 18];
    int fds[UNKNOWN];
    long before = 0;
    for (int n = 0; n < UNKNOWN; n++) {
        /* What the first ones cost is the library's own. */
        if (n == UNKNOWN / 3)
            before = resident_kb ();
        fds[n] = raw_connect (endpoint);
        REQUIRE (raw_greet (fds[n], mechanism));
        for (size_t done = 0; done < size; done += step)
            CHECK (raw_write (fds[n], bytes + done,
                              size - done < step ? size - done : step));
        if (flood)
            pour (fds[n], noise, sizeof noise);
        if (n % 10 == 0)
            sleep_ms (5);
    }
    sleep_ms (200);
    long held_kb = (resident_kb () - before) / (UNKNOWN - UNKNOWN / 3);
    CHECK (held_kb <= MOST_KB);
    if (held_kb > MOST_KB)
        printf ("  %ld KiB each\n", held_kb);
    for (int n = 0; n < UNKNOWN; n++)
        close (fds[n]);
}

TEST (commands_that_never_end_are_held_in_part)
{
    if (on_oracle ())
        return; /* keeps whatever comes */
    static unsigned char bytes[1 << 15] = {6, 0, 0, 0, 0, 0, 0, 0x7f, 0xff};
    for (int m = OPEN; m < MECHANISMS; m++)
        for (size_t step = 3000; step <= sizeof bytes; step *= 10) {
            set_up ((enum mechanism) m, 30000);
            check_held (names[m], bytes, sizeof bytes - 100, step, false);
            end (server, client);
        }
}

TEST (commands_longer_than_that_are_refused_by_their_header)
{
    if (on_oracle ())
        return;
    static const char *const heads[] = {
      "\6\0\0\0\0\0\0\x80\1", "\6\0\0\0\0\x10\0\0\0", "\6\xff\xff\xff\xff\xff\xff\xff\xff"};
    for (int m = OPEN; m < MECHANISMS; m++)
        for (int i = 0; i < 3; i++) {
            set_up ((enum mechanism) m, 30000);
            int fd = raw_connect (endpoint);
            CHECK (raw_greet (fd, names[m]));
            CHECK (raw_write (fd, heads[i], 9));
            CHECK (raw_is_closed (fd));
            close (fd);
            end (server, client);
        }
}

/* The same of peers that an authenticator thinks about, whose READY has so many
 * properties of this size. */
static void check_held_meanwhile (int properties, size_t value)
{
    if (on_oracle ())
        return;
    static unsigned char ready[1 << 16];
    begin ();
    server = new_socket (ctx, ZMQ_PULL);
    void *handler = bind_authenticator (ZMQ_ROUTER);
    CHECK_OK (set_int (handler, ZMQ_RCVHWM, 0));
    CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, "home"));
    bind_to (server, "tcp", endpoint);
    size_t size = make_long_ready (ready, properties, value);
    check_held ("NULL", ready, size, size, true);
    end (server, handler);
}

TEST (a_long_property_waits_for_an_authenticator) { check_held_meanwhile (1, 32000); }

TEST (many_properties_wait_for_an_authenticator) { check_held_meanwhile (120, 250); }

TEST (many_short_ones_wait_for_an_authenticator) { check_held_meanwhile (120, 1); }

TEST (the_refused_are_not_listened_to)
{
    if (on_oracle ())
        return;
    set_up (PLAIN, 30000);
    void *handler = bind_authenticator (ZMQ_REP);
    static unsigned char noise[1 << 18];
    long before = resident_kb ();
    for (int n = 0; n < 30; n++) {
        int fd = raw_connect (endpoint);
        CHECK (raw_greet (fd, "PLAIN"));
        RAW_COMMAND (fd, "\5HELLO\3joe\5guess");
        frames_of (handler);
        answer (handler, "400");
        pour (fd, noise, sizeof noise);
        CHECK (raw_is_closed (fd));
        close (fd);
    }
    CHECK (resident_kb () - before < 4096);
    CHECK_OK (zmq_close (handler));
    end (server, client);
}

/* ---- limits that are for messages ---- */

TEST (a_small_maxmsgsize_lets_handshakes_pass)
{
    if (on_oracle ())
        return; /* talks to nobody then */
    for (int m = OPEN; m < MECHANISMS; m++) {
        begin ();
        make_keys ();
        void *handler = bind_authenticator (ZMQ_REP);
        int64_t limit = 5;
        server = new_socket (ctx, ZMQ_PULL);
        client = new_socket (ctx, ZMQ_PUSH);
        be_server (server, (enum mechanism) m);
        be_client (client, (enum mechanism) m);
        CHECK_OK (zmq_setsockopt (server, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
        CHECK_OK (zmq_setsockopt (client, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
        bind_to (server, "tcp", endpoint);
        CHECK_OK (zmq_connect (client, endpoint));
        if (m != OPEN) {
            frames_of (handler);
            answer (handler, "200");
        }
        CHECK_SEND (client, "short", 0);
        CHECK_RECV (server, "short");
        void *watcher = watch_socket (server, ZMQ_EVENT_DISCONNECTED);
        CHECK_SEND (client, "longer", 0);
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
        CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        CHECK_OK (zmq_close (watcher));
        CHECK_OK (zmq_close (handler));
        end (server, client);
    }
}

/* ---- what is learnt ---- */

/* The server hangs up without another word. The oracle does so only while its
 * socket is looked after. */
static void check_learns_nothing (int fd)
{
    char byte;
    struct pollfd item = {fd, POLLIN, 0};
    for (long long end = now_ms () + AMPLE_MS; now_ms () < end;) {
        get_int (server, ZMQ_EVENTS);
        if (poll (&item, 1, 10) > 0)
            break;
    }
    CHECK (item.revents && recv (fd, &byte, 1, 0) <= 0);
}

TEST (who_does_not_know_the_servers_key_hears_its_greeting_and_no_more)
{
    unsigned char hello[200] = "\5HELLO\1";
    set_up (CURVE, 30000);
    for (int i = 0; i < 20; i++) {
        for (int k = 80; k < 200; k++)
            hello[k] = (unsigned char) (k * 7 + i);
        int fd = raw_connect (endpoint);
        CHECK (raw_greet (fd, "CURVE"));
        CHECK (raw_command (fd, hello, sizeof hello));
        check_learns_nothing (fd);
        close (fd);
    }
    end (server, client);
}

TEST (a_handshake_that_was_overheard_opens_nothing)
{
    unsigned char hello[1024], welcome[1024], initiate[1024], ready[1024];
    unsigned char message[1024], got[1024];
    set_up (CURVE, 30000);
    stand_between ();
    size_t hello_size = carry (client_fd, server_fd, hello);
    CHECK (carry (server_fd, client_fd, welcome));
    size_t initiate_size = carry (client_fd, server_fd, initiate);
    CHECK (carry (server_fd, client_fd, ready));
    CHECK_SEND (client, "for the server alone", 0);
    size_t message_size = carry (client_fd, server_fd, message);
    CHECK (hello_size && initiate_size && message_size);
    CHECK (!memmem (message, message_size, "alone", 5));
    CHECK_RECV (server, "for the server alone");

    /* All of it once more: the box of a HELLO is good, but its cookie was for
     * another connection. */
    int fd = raw_connect (endpoint);
    CHECK (raw_greet (fd, "CURVE"));
    CHECK (raw_write (fd, hello, hello_size));
    CHECK (read_frame (fd, got));
    CHECK (memcmp (got, welcome, 40) != 0);
    CHECK (raw_write (fd, initiate, initiate_size));
    check_learns_nothing (fd);
    close (fd);

    /* The message once more, on the connection it came on. */
    void *watcher = watch_socket (server, HANDSHAKES);
    CHECK (raw_write (server_fd, message, message_size));
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                ZMQ_PROTOCOL_ERROR_ZMTP_INVALID_SEQUENCE);
    if (!on_oracle ()) /* leaves it open */
        check_learns_nothing (server_fd);
    CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_close (watcher));
    leave ();
    end (server, client);
}

TEST (a_message_changed_on_its_way_ends_the_connection)
{
    unsigned char frame[1024];
    for (int at = 0; at < 60; at += 7) {
        set_up (CURVE, 30000);
        stand_between ();
        for (int step = 0; step < 4; step++)
            CHECK (step % 2 ? carry (server_fd, client_fd, frame)
                            : carry (client_fd, server_fd, frame));
        CHECK_SEND (client, "twenty-one characters", 0);
        size_t size = read_frame (client_fd, frame);
        CHECK_INT (size, 2 + 16 + 16 + 1 + 21);
        if (at >= (int) size - 2)
            at = (int) size - 3;
        frame[2 + at] ^= 0x10;
        CHECK (raw_write (server_fd, frame, size));
        check_learns_nothing (server_fd);
        CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        leave ();
        end (server, client);
        if (at == (int) size - 3)
            break;
    }
}

/* ---- numbers ---- */

/* One of four kinds of peers that will never get in. */
static int besieger (int kind)
{
    unsigned char bytes[300];
    int fd = raw_connect (endpoint);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char) (i * 31 + (size_t) kind);
    switch (kind % 4) {
    case 1:
        raw_write (fd, bytes, sizeof bytes);
        break;
    case 2:
        raw_write (fd, "\xff\0\0\0\0\0\0\0\0\x7f\3", 11);
        break;
    case 3:
        make_greeting (bytes);
        memset (bytes + 12, 0, 20);
        memcpy (bytes + 12, "CURVE", 5);
        memcpy (bytes + 64, "\4\xc8\5HELLO\1", 9);
        raw_write (fd, bytes, 64 + 202);
        break;
    }
    return fd;
}

TEST (a_good_client_talks_through_a_storm)
{
    enum { STORM = 250, ROUNDS = 4 };
    set_up (CURVE, 30000);
    CHECK_OK (set_int (server, ZMQ_BACKLOG, 1000));
    CHECK_OK (zmq_unbind (server, endpoint));
    bind_to (server, "tcp", endpoint);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_SEND (client, "before", 0);
    CHECK_RECV (server, "before");
    int quiet_fds = count_fds (), fds[STORM];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < STORM; i++) {
            fds[i] = besieger (i);
            if (i % 10 == 0) {
                CHECK_SEND (client, "amid", 0);
                CHECK_RECV (server, "amid");
            }
        }
        /* A newcomer gets in beside them. */
        void *another = new_socket (ctx, ZMQ_PUSH);
        be_client (another, CURVE);
        CHECK_OK (zmq_connect (another, endpoint));
        CHECK_SEND (another, "new", 0);
        CHECK_RECV (server, "new");
        CHECK_OK (zmq_close (another));
        for (int i = 0; i < STORM; i++)
            close (fds[i]);
    }
    CHECK_BECOMES (count_fds () <= quiet_fds);
    CHECK_SEND (client, "after", 0);
    CHECK_RECV (server, "after");
    end (server, client);
}

MAIN
