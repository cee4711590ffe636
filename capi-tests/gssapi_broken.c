/* GSSAPI: tokens and commands that are none, and what becomes of connections that
 * are tampered with. */
#include "kerberos.h"
#include <sys/inotify.h>

struct saying
{
    const char *body;
    size_t size;
    /* The error's code; 0: no context. */
    unsigned code;
};
#define SAYING(BODY, CODE) {BODY, sizeof (BODY) - 1, CODE}

static void check_told_why (void *monitor, unsigned code)
{
    if (code)
        CHECK_FAILS (monitor, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, code);
    else {
        CHECK_TOLD_OF (monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        CHECK_TOLD_OF (monitor, ZMQ_EVENT_DISCONNECTED);
    }
}

TEST (every_broken_token_of_a_client_ends_the_connection)
{
    static const struct saying sayings[] = {
      SAYING ("", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED),
      SAYING ("\10INIT", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED),
      SAYING ("\10INITIATE", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
      SAYING ("\10INITIATE\0\0\0",
              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
      SAYING ("\10INITIATE\0\0\0\1",
              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
      SAYING ("\10INITIATE\0\0\0\2xyz",
              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
      SAYING ("\10INITIATE\377\377\377\377xyz",
              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
      SAYING ("\5READY\0\0", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
      SAYING ("\5ERROR\3" "400", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
      SAYING ("\7MESSAGE\0\0\0\1x", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
      SAYING ("\10INITIATE\0\0\0\1x", 0),
      SAYING ("\10INITIATE\0\0\0\20\x60\x0e\x06\x09\x2a\x86\x48\x86\xf7\x12\x01"
              "\x02\x02\x01\x00\x6e",
              0),
    };
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, 300));
    bind_to (server, "tcp", endpoint);
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++) {
        int fd = raw_connect (endpoint);
        CHECK (raw_greet (fd, "GSSAPI"));
        CHECK (raw_command (fd, sayings[i].body, sayings[i].size));
        check_told_why (watcher, sayings[i].code);
        CHECK (raw_is_closed (fd));
        close (fd);
    }
    finish (NULL);
}

/* How often a file was opened since it is watched. */
static int count_opens (int watch)
{
    struct inotify_event events[64];
    ssize_t size = read (watch, events, sizeof events);
    return size < 0 ? 0 : (int) (size / (ssize_t) sizeof *events);
}

/* What a server does for a stranger has a bound: one that has no key does not search
 * its keytab for each of them. (libzmq does, and loses memory each time.) */
TEST (strangers_do_not_make_a_server_search_for_a_key_without_end)
{
    if (on_oracle ())
        return;
    enum { PEERS = 40 };
    leaks_are_not_ours ("gss_acquire_cred, see gssapi.c");
    const char *keytab = realm_file ("empty.keytab");
    setenv ("KRB5_KTNAME", keytab, 1);
    int watch = inotify_init1 (IN_NONBLOCK);
    REQUIRE (inotify_add_watch (watch, strchr (keytab, ':') + 1, IN_OPEN) >= 0);
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    bind_to (server, "tcp", endpoint);
    long long start = now_ms ();
    int each = 0, opens = 0;
    for (int i = 0; i < PEERS; i++) {
        int fd = raw_connect (endpoint);
        CHECK (raw_greet (fd, "GSSAPI"));
        CHECK (raw_command (fd, "\10INITIATE\0\0\0\1x", 14));
        CHECK (raw_is_closed (fd));
        close (fd);
        opens += count_opens (watch);
        if (i == 0)
            each = opens;
    }
    CHECK (each > 0);
    long long seconds = (now_ms () - start) / 1000 + 1;
    CHECK (opens <= each * (seconds + 1) || seconds >= PEERS);
    close (watch);
    finish (NULL);
}

/* The server lives through tokens of any size and goes on to serve. */
TEST (large_tokens_are_refused)
{
    set_up (ZMQ_REP, ZMQ_REQ, 0);
    CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, 300));
    bind_to (server, "tcp", endpoint);
    static unsigned char frame[1 << 20];
    static const size_t sizes[] = {1000, 60000, 65536, 70000, (1 << 20) - 22};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t body = 13 + sizes[i];
        memset (frame, 0x60, sizeof frame);
        frame[0] = 6;
        for (int j = 0; j < 8; j++)
            frame[1 + j] = (unsigned char) ((uint64_t) body >> (56 - 8 * j));
        memcpy (frame + 9, "\10INITIATE", 9);
        for (int j = 0; j < 4; j++)
            frame[18 + j] = (unsigned char) (sizes[i] >> (24 - 8 * j));
        int fd = raw_connect (endpoint);
        CHECK (raw_greet (fd, "GSSAPI"));
        raw_write (fd, frame, 9 + body);
        CHECK (raw_is_closed (fd));
        close (fd);
    }
    CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, 30000));
    CHECK_OK (zmq_connect (client, endpoint));
    check_works ();
    finish (NULL);
}

TEST (every_broken_answer_of_a_server_ends_the_connection)
{
    static const struct saying sayings[] = {
      SAYING ("", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED),
      SAYING ("junk", ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED),
      SAYING ("\10INITIATE\0\0\0",
              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
      SAYING ("\10INITIATE\0\0\0\4xxx",
              ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_INITIATE),
      SAYING ("\5READY\0\0", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
      SAYING ("\7MESSAGE\0\0\0\1x", ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND),
      SAYING ("\10INITIATE\0\0\0\0", 0),
      SAYING ("\10INITIATE\0\0\0\3xxx", 0),
    };
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++) {
        set_up (ZMQ_PULL, ZMQ_PUSH, 0);
        CHECK_OK (set_int (client, ZMQ_HANDSHAKE_IVL, 500));
        int listener = raw_listen (endpoint);
        CHECK_OK (zmq_connect (client, endpoint));
        int fd = accept (listener, NULL, NULL);
        unsigned char head[9], token[4096];
        REQUIRE (fd >= 0 && raw_greet (fd, "GSSAPI") && raw_read (fd, head, 9));
        CHECK_INT (head[0], 6);
        size_t size = (size_t) head[7] << 8 | head[8];
        CHECK (raw_read (fd, token, size) && memcmp (token, "\10INITIATE", 9) == 0);
        CHECK (raw_command (fd, sayings[i].body, sayings[i].size));
        check_told_why (told, sayings[i].code);
        close (fd);
        close (listener);
        finish (NULL);
    }
}

/* What an ERROR says is told; the oracle does not know the command here. */
TEST (an_error_of_the_servers_is_told)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    int listener = raw_listen (endpoint);
    CHECK_OK (zmq_connect (client, endpoint));
    int fd = accept (listener, NULL, NULL);
    REQUIRE (fd >= 0 && raw_greet (fd, "GSSAPI"));
    RAW_COMMAND (fd, "\5ERROR\3" "400");
    if (on_oracle ())
        CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                     ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    else
        CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    close (fd);
    close (listener);
    finish (NULL);
}

TEST (two_servers_wait_for_each_other)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    CHECK_OK (set_int (client, ZMQ_GSSAPI_SERVER, 1));
    CHECK_OK (set_int (client, ZMQ_HANDSHAKE_IVL, 200));
    meet ();
    CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EAGAIN);
    finish (NULL);
}

TEST (other_mechanisms_are_turned_away)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    bind_to (server, "tcp", endpoint);
    unsigned char greeting[64];
    make_greeting (greeting);
    int fd = raw_connect (endpoint);
    CHECK (raw_write (fd, greeting, 64));
    CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                 ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    CHECK (raw_is_closed (fd));
    close (fd);
    finish (NULL);
}


/* ---- tampering ---- */

enum tampering
{
    NOTHING,
    FLIP,   /* one bit, at the end */
    REPEAT, /* the frame twice */
    CUT,    /* its last byte */
    REPLACE /* by a text */
};

/* What is done to which frame of the client's: 0 has its token, 2 its READY, 3 its
 * first message. */
static struct
{
    int number;
    enum tampering what;
} tampering;

struct direction
{
    int from, to, tampers;
};

/* Reads a frame, header and all; gives where its body begins, 0 at the end. */
static size_t read_frame (int fd, unsigned char *frame, size_t room, size_t *size)
{
    size_t head = 2, body = 0;
    if (!raw_read (fd, frame, 2))
        return 0;
    if (frame[0] & 2) {
        head = 9;
        if (!raw_read (fd, frame + 2, 7))
            return 0;
        for (int i = 1; i < 9; i++)
            body = body << 8 | frame[i];
    } else
        body = frame[1];
    *size = head + body;
    return *size <= room && raw_read (fd, frame + head, body) ? head : 0;
}

/* Passes on greetings as they come, then frames. */
static void *pass_on (void *argument)
{
    struct direction *way = argument;
    unsigned char frame[70000];
    size_t size, head;
    for (int left = 64; left > 0;) {
        ssize_t rc = recv (way->from, frame, (size_t) left, 0);
        if (rc <= 0)
            return NULL;
        raw_write (way->to, frame, (size_t) rc);
        left -= (int) rc;
    }
    for (int number = 0; (head = read_frame (way->from, frame, sizeof frame, &size));
         number++) {
        enum tampering what = way->tampers && number == tampering.number
                                ? tampering.what : NOTHING;
        if (what == FLIP)
            frame[size - 1] ^= 1;
        if (what == CUT)
            frame[1]--, size--;
        if (what == REPLACE) {
            memcpy (frame + head, "hello, nothing to see here", 26);
            frame[1] = 26, size = head + 26;
        }
        raw_write (way->to, frame, size);
        if (what == REPEAT)
            raw_write (way->to, frame, size);
    }
    shutdown (way->to, SHUT_WR);
    return NULL;
}

static struct direction ways[2];
static pthread_t threads[2];

/* Connects the client to the server through somebody who does this to one frame. */
static void meet_through (int number, enum tampering what)
{
    endpoint_t tapped;
    tampering.number = number;
    tampering.what = what;
    bind_to (server, "tcp", endpoint);
    int listener = raw_listen (tapped);
    /* Once is enough. */
    CHECK_OK (set_int (client, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (zmq_connect (client, tapped));
    int near = accept (listener, NULL, NULL), far = raw_connect (endpoint);
    REQUIRE (near >= 0);
    close (listener);
    ways[0] = (struct direction) {near, far, 1};
    ways[1] = (struct direction) {far, near, 0};
    for (int i = 0; i < 2; i++)
        REQUIRE (pthread_create (&threads[i], NULL, pass_on, &ways[i]) == 0);
}

/* Both have left: so does who was between them. */
static void finish_through (void)
{
    finish (NULL);
    for (int i = 0; i < 2; i++)
        shutdown (ways[i].from, SHUT_RDWR);
    for (int i = 0; i < 2; i++)
        CHECK_INT (pthread_join (threads[i], NULL), 0);
    for (int i = 0; i < 2; i++)
        close (ways[i].from);
}

TEST (who_only_passes_on_is_not_noticed)
{
    set_up (ZMQ_REP, ZMQ_REQ, 0);
    meet_through (0, NOTHING);
    check_works ();
    finish_through ();
}

TEST (a_token_that_was_changed_gives_no_context)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    meet_through (0, FLIP);
    check_told_why (watcher, 0);
    finish_through ();
}

TEST (messages_are_taken_as_they_were_sent_and_once)
{
    static const struct
    {
        int number;
        enum tampering what;
        unsigned code;
        int arrives;
    } cases[] = {
      {2, FLIP, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, 0},
      {2, REPEAT, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, 0},
      {2, REPLACE, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED, 0},
      {3, FLIP, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, 0},
      {3, REPEAT, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC, 1},
      {3, CUT, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_MESSAGE, 0},
      {3, REPLACE, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        set_up (ZMQ_PULL, ZMQ_PUSH, 0);
        meet_through (cases[i].number, cases[i].what);
        CHECK_SEND (client, "once", 0);
        /* What was begun well is told as well. */
        CHECK (is_told (watcher));
        if (seen.number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            CHECK (is_told (watcher));
        CHECK_INT (seen.number, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL);
        CHECK_INT (seen.value, cases[i].code);
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
        if (cases[i].arrives)
            CHECK_RECV (server, "once");
        CHECK_OK (set_int (server, ZMQ_RCVTIMEO, 50));
        CHECK_ERR (zmq_recv (server, NULL, 0, 0), EAGAIN);
        finish_through ();
    }
}

KERBEROS_MAIN
