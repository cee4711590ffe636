/* What a monitor tells of handshakes that fail, on the side that accepts and
 * on the side that connects, and of connections that end later; and which of
 * these a connecting socket takes for the last word. The peers speak bytes. */
#include "monitors.h"

/* A draft option, which the stable functions know by its number. */
#define RECONNECT_STOP 109
enum { STOP_HANDSHAKE = 2 };

/* A watched socket and its raw peer, which knows its greeting and READY. */
static int type = ZMQ_DEALER;
static void *s, *m;
static endpoint_t endpoint;
static int peer, listener;
static unsigned fd;

enum side { ACCEPTING, ACCEPTING_IPC, CONNECTING, SIDES };

static void meet (enum side side, int option, int value)
{
    begin ();
    s = new_socket (ctx, type);
    m = watch (s, ZMQ_EVENT_ALL);
    listener = -1;
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
    if (option)
        CHECK_OK (set_int (s, option, value));
    if (side == CONNECTING) {
        listener = raw_listen (endpoint);
        CHECK_OK (zmq_connect (s, endpoint));
        peer = accept (listener, NULL, NULL);
        REQUIRE (peer >= 0);
        CHECK_EVENT (m, ZMQ_EVENT_CONNECT_DELAYED, endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_CONNECTED, endpoint);
    } else {
        bind_to (s, side == ACCEPTING ? "tcp" : "ipc", endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
        peer = raw_connect (endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_ACCEPTED, endpoint);
    }
    fd = seen.value;
}

/* Ours goes out, theirs is read up to its READY. */
static void greet (void)
{
    unsigned char greeting[64], bytes[300];
    make_greeting (greeting);
    CHECK (raw_write (peer, greeting, 64));
    CHECK (raw_read (peer, bytes, 64));
    CHECK (raw_read (peer, bytes, 2));
    CHECK (raw_read (peer, bytes + 2, bytes[1]));
}

/* The connection has ended, and the socket tries again or it does not. */
static void check_ends (enum side side, bool again)
{
    CHECK_EVENT_VALUE (m, ZMQ_EVENT_DISCONNECTED, fd, endpoint);
    if (side == CONNECTING && again) {
        CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
        CHECK (seen.value >= 50 && seen.value < 100);
    }
    if (side == CONNECTING && !again) {
        struct pollfd item = {listener, POLLIN, 0};
        CHECK_INT (poll (&item, 1, 120), 0);
        CHECK_STOPS (s, m);
    }
}

static void part (void)
{
    close (peer);
    if (listener >= 0)
        close (listener);
    end (s, m);
}

static void reset (void)
{
    struct linger linger = {1, 0};
    setsockopt (peer, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    shutdown (peer, SHUT_RD);
    close (peer);
    peer = -1;
}

static void hang_up (void)
{
    close (peer);
    peer = -1;
}

/* A command: flags, length, name, data. */
static size_t make_command (unsigned char *to, const char *name,
                            const void *data, size_t size)
{
    size_t n = strlen (name);
    to[0] = 4;
    to[1] = (unsigned char) (1 + n + size);
    to[2] = (unsigned char) n;
    memcpy (to + 3, name, n);
    memcpy (to + 3 + n, data, size);
    return 3 + n + size;
}

TEST (a_good_handshake_succeeds)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, 0, 0);
        CHECK (raw_handshake (peer, "DEALER"));
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, endpoint);
        hang_up ();
        check_ends (side, true);
        part ();
    }
}

TEST (a_reset_after_the_handshake_disconnects)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, 0, 0);
        CHECK (raw_handshake (peer, "DEALER"));
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, endpoint);
        reset ();
        check_ends (side, true);
        part ();
    }
}

TEST (a_peer_that_hangs_up_in_the_handshake)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, 0, 0);
        greet ();
        hang_up ();
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE,
                           endpoint);
        check_ends (side, true);
        part ();
    }
}

TEST (a_peer_that_hangs_up_at_once)
{
    for (enum side side = 0; side < SIDES; side++) {
        unsigned char signature[10];
        meet (side, 0, 0);
        CHECK (raw_read (peer, signature, 10));
        hang_up ();
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE,
                           endpoint);
        check_ends (side, true);
        part ();
    }
}

TEST (a_reset_in_the_handshake)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, 0, 0);
        greet ();
        reset ();
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                           side == ACCEPTING_IPC ? EPIPE : ECONNRESET, endpoint);
        check_ends (side, true);
        part ();
    }
}

TEST (a_peer_that_keeps_silent)
{
    for (enum side side = 0; side < SIDES; side++)
        for (int greeted = 0; greeted < 2; greeted++) {
            meet (side, ZMQ_HANDSHAKE_IVL, 100);
            if (greeted) {
                unsigned char greeting[64];
                make_greeting (greeting);
                CHECK (raw_write (peer, greeting, 64));
            }
            CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EAGAIN,
                               endpoint);
            check_ends (side, true);
            part ();
        }
}

TEST (another_mechanism)
{
    static const char *const names[] = {"PLAIN", "CURVE", "GSSAPI", "WHATEVER",
                                        "NULLS", "null", ""};
    for (enum side side = 0; side < SIDES; side++)
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            unsigned char greeting[64];
            meet (side, 0, 0);
            make_greeting (greeting);
            memset (greeting + 12, 0, 20);
            memcpy (greeting + 12, names[i], strlen (names[i]));
            CHECK (raw_write (peer, greeting, 64));
            CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                               ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
                               endpoint);
            check_ends (side, false);
            part ();
        }
}

TEST (what_is_not_expected_in_the_handshake)
{
    static const struct
    {
        const char *bytes;
        size_t size;
    } cases[] = {
      {"\4\7\3FOOxyz", 9},  {"\4\1\0", 3},     {"\4\0", 2},
      {"\4\1\11", 3},       {"\4\4\5REA", 6},  {"\4\5\5ERRO", 7},
      {"\0\3abc", 5},       {"\1\0", 2},       {"\4\7\4PING\0\0", 9},
      {"\4\6\5HELLO", 8},   {"\4\10\7WELCOME", 10}, {"\4\6\5ready", 8},
      {"\4\12\11SUBSCRIBE", 12},
    };
    for (enum side side = 0; side < SIDES; side++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            meet (side, 0, 0);
            greet ();
            CHECK (raw_write (peer, cases[i].bytes, cases[i].size));
            CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                               ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND,
                               endpoint);
            check_ends (side, false);
            part ();
        }
}

TEST (an_error_command_without_a_whole_reason)
{
    static const struct
    {
        const char *data;
        size_t size;
    } cases[] = {{"", 0}, {"\3ab", 3}, {"\377", 1}};
    for (enum side side = 0; side < SIDES; side++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            unsigned char bytes[64];
            meet (side, 0, 0);
            greet ();
            CHECK (raw_write (peer, bytes,
                              make_command (bytes, "ERROR", cases[i].data,
                                            cases[i].size)));
            CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                               ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_ERROR,
                               endpoint);
            check_ends (side, false);
            part ();
        }
}

TEST (an_error_command_with_a_status)
{
    static const struct
    {
        const char *data;
        unsigned status;
    } cases[] = {{"\003300", 300}, {"\003400", 400}, {"\003500", 500},
                 {"\003400 and more", 400}};
    for (enum side side = 0; side < SIDES; side++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            unsigned char bytes[64];
            meet (side, 0, 0);
            greet ();
            CHECK (raw_write (peer, bytes,
                              make_command (bytes, "ERROR", cases[i].data,
                                            strlen (cases[i].data))));
            CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH,
                               cases[i].status, endpoint);
            check_ends (side, false);
            part ();
        }
}

TEST (an_error_command_with_another_reason_only_disconnects)
{
    static const struct
    {
        const char *data;
        size_t size;
    } cases[] = {{"\0", 1}, {"\2no", 3}, {"\003200", 4}, {"\0043000", 5}};
    for (enum side side = 0; side < SIDES; side++)
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            unsigned char bytes[64];
            meet (side, 0, 0);
            greet ();
            CHECK (raw_write (peer, bytes,
                              make_command (bytes, "ERROR", cases[i].data,
                                            cases[i].size)));
            check_ends (side, false);
            part ();
        }
}

/* Each hears the other one's READY, so that the one that connected gives up. */
TEST (sockets_that_do_not_fit_meet_once)
{
    static const char *const places[] = {"tcp", "ipc"};
    for (int i = 0; i < 2; i++) {
        begin ();
        void *a = new_socket (ctx, ZMQ_PUSH), *b = new_socket (ctx, ZMQ_PUSH);
        void *accepting = watch (a, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
        void *connecting = watch (b, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CONNECT_RETRIED);
        bind_to (a, places[i], endpoint);
        CHECK_OK (set_int (b, ZMQ_RECONNECT_IVL, 10));
        CHECK_OK (set_int (b, ZMQ_LINGER, 0));
        CHECK_OK (zmq_connect (b, endpoint));
        CHECK_EVENT (connecting, ZMQ_EVENT_DISCONNECTED, endpoint);
        CHECK_EVENT (accepting, ZMQ_EVENT_ACCEPTED, endpoint);
        CHECK_EVENT (accepting, ZMQ_EVENT_DISCONNECTED, endpoint);
        zmq_pollitem_t items[] = {{connecting, 0, ZMQ_POLLIN, 0},
                                  {accepting, 0, ZMQ_POLLIN, 0}};
        CHECK_INT (zmq_poll (items, 2, 100), 0);
        CHECK_OK (zmq_close (connecting));
        CHECK_OK (zmq_close (accepting));
        end (a, b);
    }
}

TEST (types_that_do_not_fit_only_disconnect)
{
    static const char *const types[] = {"PUB", "PUSH", "PAIR", "WHATEVER", ""};
    for (enum side side = 0; side < SIDES; side++)
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            unsigned char bytes[64];
            meet (side, 0, 0);
            greet ();
            CHECK (raw_write (peer, bytes, make_ready (bytes, types[i])));
            check_ends (side, false);
            part ();
        }
}

TEST (bad_metadata_only_disconnects)
{
    static const struct
    {
        const char *data;
        size_t size;
    } cases[] = {{"\2ab\0\0", 5}, {"\2ab\0\0\0\5v", 8}, {"\377", 1},
                 {"\2ab\377\377\377\377", 7}};
    /* The oracle takes the last one, a length of -1, for good. */
    size_t count = sizeof cases / sizeof *cases - (on_oracle () ? 1 : 0);
    for (enum side side = 0; side < SIDES; side++)
        for (size_t i = 0; i < count; i++) {
            unsigned char bytes[64];
            meet (side, 0, 0);
            greet ();
            CHECK (raw_write (peer, bytes,
                              make_command (bytes, "READY", cases[i].data,
                                            cases[i].size)));
            check_ends (side, false);
            part ();
        }
}

TEST (a_command_beyond_all_memory_only_disconnects)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, 0, 0);
        greet ();
        CHECK (raw_write (peer, "\6\377\377\377\377\377\377\377\377", 9));
        check_ends (side, false);
        part ();
    }
}

TEST (a_message_beyond_all_memory_is_the_last)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, 0, 0);
        CHECK (raw_handshake (peer, "DEALER"));
        CHECK_EVENT (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
        CHECK (raw_write (peer, "\2\377\377\377\377\377\377\377\377", 9));
        check_ends (side, false);
        part ();
    }
}

TEST (a_heartbeat_that_stops_disconnects)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, ZMQ_HEARTBEAT_IVL, 100);
        CHECK (raw_handshake (peer, "DEALER"));
        CHECK_EVENT (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
        check_ends (side, true);
        part ();
    }
}

TEST (a_time_to_live_that_passes_disconnects)
{
    for (enum side side = 0; side < SIDES; side++) {
        meet (side, 0, 0);
        CHECK (raw_handshake (peer, "DEALER"));
        CHECK_EVENT (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
        CHECK (raw_write (peer, "\4\7\4PING\0\2", 9));
        check_ends (side, true);
        part ();
    }
}

TEST (each_connection_of_a_socket_is_told_apart)
{
    begin ();
    endpoint_t one, two;
    s = new_socket (ctx, ZMQ_DEALER);
    m = watch (s, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                    | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    bind_to (s, "tcp", one);
    bind_to (s, "ipc", two);
    for (int i = 0; i < 10; i++) {
        unsigned char bytes[64];
        peer = raw_connect (i % 2 ? one : two);
        if (i % 3 == 0) {
            CHECK (raw_read (peer, bytes, 10));
            close (peer);
            CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE,
                               i % 2 ? one : two);
            continue;
        }
        make_greeting (bytes);
        bytes[12] = 'X';
        CHECK (raw_write (peer, bytes, 64));
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                           ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH,
                           i % 2 ? one : two);
        close (peer);
    }
    end (s, m);
}

/* Without a protocol there is no handshake, and so none that was ever done. */
TEST (the_end_of_a_raw_connection_is_that_of_a_failed_handshake)
{
    for (enum side side = 0; side < SIDES; side++)
        for (int i = 0; i < 4; i++) {
            bool hangs_up = i % 2 == 0, router = i < 2;
            type = router ? ZMQ_ROUTER : ZMQ_STREAM;
            meet (side, router ? ZMQ_ROUTER_RAW : 0, 1);
            CHECK (raw_write (peer, "bytes", 5));
            char body[8];
            for (int frames = 0; frames < 4; frames++)
                CHECK (zmq_recv (s, body, sizeof body, 0) >= 0);
            hangs_up ? hang_up () : reset ();
            CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL,
                               hangs_up || side == ACCEPTING_IPC ? EPIPE
                                                                 : ECONNRESET,
                               endpoint);
            check_ends (side, true);
            part ();
        }
    type = ZMQ_DEALER;
}

TEST (a_raw_connection_that_ends_may_be_the_last)
{
    type = ZMQ_STREAM;
    meet (CONNECTING, RECONNECT_STOP, STOP_HANDSHAKE);
    type = ZMQ_DEALER;
    CHECK (raw_write (peer, "bytes", 5));
    hang_up ();
    CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE, endpoint);
    check_ends (CONNECTING, false);
    static const int sizes[] = {5, 0, 5, 5, 5, 0};
    for (int i = 0; i < 6; i++) {
        char body[8];
        CHECK_INT (zmq_recv (s, body, sizeof body, 0), sizes[i]);
    }
    part ();
}

MAIN
