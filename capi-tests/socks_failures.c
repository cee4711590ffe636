/* socks_failures.c - proxies that refuse, go, hang, talk nonsense or are not
 * there: the attempt has failed as one does without a proxy, and the next one
 * comes after the interval for reconnects. */
#include "socks.h"

/* A socket that goes through the proxy, its monitor, and its first connection
 * to the proxy, which offers this method. */
static void *monitor;

static void *connecting (const char *name)
{
    void *s = through (ZMQ_DEALER);
    if (name)
        CHECK_OK (set_text (s, ZMQ_SOCKS_USERNAME, name));
    monitor = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, PEER));
    return s;
}

#define CHECK_FAILS()                                                          \
    do {                                                                       \
        CHECK_EVENT_VALUE (monitor, ZMQ_EVENT_CONNECT_DELAYED, EINPROGRESS,    \
                           at);                                                \
        CHECK_EVENT (monitor, ZMQ_EVENT_CLOSED, at);                           \
        CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_RETRIED, at);                  \
        CHECK (seen.value >= 50 && seen.value <= 100);                         \
    } while (0)

TEST (whatever_is_no_consent_ends_the_attempt_and_the_next_one_follows)
{
    static const struct
    {
        const char *name, *choice, *verdict, *reply;
        size_t reply_size;
    } refusals[] = {
      {NULL, "\4\0", NULL, NULL, 0},
      {NULL, "\5\1", NULL, NULL, 0},
      {NULL, "\5\377", NULL, NULL, 0},
      {NULL, "HT", NULL, NULL, 0},
      {"name", "\5\377", NULL, NULL, 0},
      {"name", "\5\2", "\1\1", NULL, 0},
      {"name", "\5\2", "\1\377", NULL, 0},
      {"name", "\5\2", "\5\0", NULL, 0},
      {NULL, "\5\0", NULL, BYTES ("\4\0\0\1\1\2\3\4\0\1")},
      {NULL, "\5\0", NULL, BYTES ("\5\0\7\1\1\2\3\4\0\1")},
      {NULL, "\5\0", NULL, BYTES ("\5\0\0\0\1\2\3\4\0\1")},
      {NULL, "\5\0", NULL, BYTES ("\5\0\0\2\1\2\3\4\0\1")},
      {NULL, "\5\0", NULL, BYTES ("\5\0\0\377\1\2\3\4\0\1")},
      {"name", "\5\2", "\1\0", BYTES ("\5\1\0\1\0\0\0\0\0\0")},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        void *s = connecting (refusals[i].name);
        for (int round = 0; round < 2; round++) {
            int fd = raw_accept (proxy);
            CHECK (reads (fd, refusals[i].name ? "\5\1\2" : "\5\1\0", 3));
            CHECK (raw_write (fd, refusals[i].choice, 2));
            if (refusals[i].verdict) {
                CHECK_READS (fd, "\1\4name\0");
                CHECK (raw_write (fd, refusals[i].verdict, 2));
            }
            if (refusals[i].reply) {
                CHECK_READS (fd, REQUEST);
                CHECK (raw_write (fd, refusals[i].reply, refusals[i].reply_size));
            }
            CHECK (raw_is_closed (fd));
            CHECK_FAILS ();
            close (fd);
        }
        close (proxy);
        end_failed (s, monitor);
    }
}

TEST (every_code_of_a_reply_but_0_is_a_refusal)
{
    void *s = connecting (NULL);
    for (int code = 1; code < 256; code += code < 10 ? 1 : 49) {
        unsigned char reply[10] = {5, (unsigned char) code, 0, 1};
        int fd = TAKE_REQUEST (REQUEST);
        CHECK (raw_write (fd, reply, sizeof reply));
        CHECK (raw_is_closed (fd));
        CHECK_FAILS ();
        close (fd);
    }
    end_failed (s, monitor);
}

TEST (a_proxy_may_go_at_any_byte)
{
    static const char says[] = "\5\2\1\0" GRANTED;
    void *s = connecting ("name");
    for (size_t size = 0; size < sizeof says - 1; size++) {
        int fd = raw_accept (proxy);
        CHECK_READS (fd, "\5\1\2");
        CHECK (raw_write (fd, says, size));
        if (size >= 2)
            CHECK_READS (fd, "\1\4name\0");
        if (size >= 4)
            CHECK_READS (fd, REQUEST);
        close (fd);
        CHECK_FAILS ();
    }
    /* By a reset, too. */
    struct linger hard = {1, 0};
    int fd = raw_accept (proxy);
    CHECK_READS (fd, "\5\1\2");
    CHECK_OK (setsockopt (fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
    close (fd);
    CHECK_FAILS ();
    end_failed (s, monitor);
}

TEST (a_proxy_that_is_not_there_is_tried_again_and_stops_nothing)
{
    void *s = through (ZMQ_DEALER);
    struct sockaddr_in in;
    socklen_t size = sizeof in;
    CHECK_OK (getsockname (proxy, (void *) &in, &size));
    close (proxy);
    /* ZMQ_RECONNECT_STOP: the peer has not refused */
    CHECK_OK (set_int (s, 109, 1));
    monitor = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, PEER));
    CHECK_FAILS ();
    CHECK_FAILS ();
    int on = 1;
    proxy = socket (AF_INET, SOCK_STREAM, 0);
    setsockopt (proxy, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    REQUIRE (bind (proxy, (void *) &in, size) == 0 && listen (proxy, 8) == 0);
    int fd = TAKE_REQUEST (REQUEST);
    CHECK (grant (fd, BYTES (GRANTED)));
    CHECK (raw_handshake (fd, "DEALER"));
    end_failed (s, monitor);
}

TEST (without_reconnects_there_is_one_attempt)
{
    void *s = through (ZMQ_DEALER);
    monitor = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (zmq_connect (s, PEER));
    int fd = raw_accept (proxy);
    WRITE (fd, "\5\377");
    CHECK (raw_is_closed (fd));
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_DELAYED, at);
    CHECK_EVENT (monitor, ZMQ_EVENT_CLOSED, at);
    CHECK_STOPS (s, monitor);
    end_failed (s, monitor);
}

TEST (the_interval_grows_while_the_proxy_refuses_and_begins_anew_after_a_connection)
{
    void *s = through (ZMQ_DEALER);
    monitor = watch (s, ZMQ_EVENT_CONNECT_RETRIED);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL_MAX, 200));
    CHECK_OK (zmq_connect (s, PEER));
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept (proxy);
        WRITE (fd, "\5\377");
        CHECK (raw_is_closed (fd));
        close (fd);
        CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_RETRIED, at);
        CHECK ((int) seen.value >= 50 << i && (int) seen.value <= (50 << i) + 50);
    }
    int fd = TAKE_REQUEST (REQUEST);
    CHECK (grant (fd, BYTES (GRANTED)));
    CHECK (raw_handshake (fd, "DEALER"));
    close (fd);
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_RETRIED, at);
    CHECK (seen.value <= 100);
    end_failed (s, monitor);
}

TEST (proxies_that_cannot_be_are_tried_all_the_same)
{
    static const char *const texts[] = {"abc", "abc:", "no.such.host.invalid:1",
                                        "*:5", ":5", "tcp://127.0.0.1:5", " "};
    begin ();
    void *s = new_socket (ctx, ZMQ_PUB);
    monitor = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        snprintf (at, sizeof at, "tcp://%s", texts[i]);
        CHECK_OK (set_text (s, ZMQ_SOCKS_PROXY, texts[i]));
        CHECK_OK (zmq_connect (s, PEER));
        /* Some of an earlier one's may be on their way. */
        do
            CHECK (next_event (monitor, s));
        while (strcmp (seen.endpoint, at) != 0 && seen.number);
        CHECK_INT (seen.number, ZMQ_EVENT_CONNECT_RETRIED);
        CHECK_OK (zmq_disconnect (s, PEER));
    }
    end (s, monitor);
}

TEST (what_no_request_can_carry_is_as_a_host_that_is_unknown)
{
    if (on_oracle ())
        return; /* it aborts, or fails once it has connected to the proxy */
    char host[300] = "tcp://";
    memset (host + 6, 'h', 256);
    strcpy (host + 6 + 256, ":5");
    const char *const endpoints[] = {"tcp://a:0", "tcp://a:65536", host};
    for (int i = 0; i < 3; i++) {
        void *s = through (ZMQ_DEALER);
        monitor = watch (s, ZMQ_EVENT_ALL);
        CHECK_OK (zmq_connect (s, endpoints[i]));
        CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_RETRIED, at);
        CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_RETRIED, at);
        CHECK_OK (zmq_disconnect (s, endpoints[i]));
        CHECK_CLOSES (s, monitor);
        CHECK_OK (zmq_ctx_term (ctx));
        close (proxy);
    }
}

TEST (closing_and_disconnecting_end_a_conversation)
{
    void *s = connecting (NULL);
    int fd = raw_accept (proxy);
    CHECK_READS (fd, "\5\1\0");
    CHECK_OK (zmq_disconnect (s, PEER));
    /* libzmq waits for the socket's end */
    CHECK (on_oracle () || raw_is_closed (fd));
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_DELAYED, at);
    CHECK (on_oracle () || next_event (monitor, s));
    CHECK_OK (zmq_connect (s, PEER));
    int other = TAKE_REQUEST (REQUEST);
    end (s, monitor);
    CHECK (raw_is_closed (other) && raw_is_closed (fd));
}

TEST (messages_that_linger_keep_the_conversation_for_so_long)
{
    void *s = through (ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_LINGER, -1));
    CHECK_OK (zmq_connect (s, PEER));
    CHECK_SEND (s, "late", 0);
    int fd = TAKE_REQUEST (REQUEST);
    struct call term;
    CHECK_OK (zmq_close (s));
    call_start (&term, body_term, ctx, NULL);
    call_wait_blocked (&term);
    CHECK (grant (fd, BYTES (GRANTED)));
    CHECK (raw_handshake (fd, "PULL"));
    CHECK_READS (fd, "\0\4late");
    call_join (&term);
    CHECK_INT (term.rc, 0);

    s = through (ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_LINGER, 200));
    CHECK_OK (zmq_connect (s, PEER));
    CHECK_SEND (s, "never", 0);
    fd = TAKE_REQUEST (REQUEST);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK (raw_is_closed (fd));
}

/* ---- limits of time, of which libzmq has none here ---- */

TEST (a_proxy_that_cannot_be_reached_in_time_is_given_up)
{
    if (on_oracle ())
        return;
    endpoint_t busy;
    begin ();
    busy_endpoint (busy);
    strcpy (at, busy);
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
    CHECK_OK (set_int (s, ZMQ_CONNECT_TIMEOUT, 100));
    CHECK_OK (set_text (s, ZMQ_SOCKS_PROXY, busy + 6));
    monitor = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, PEER));
    CHECK_FAILS ();
    end (s, monitor);
}

/* The proxy says so much and falls silent: whether it is given up in time. */
static bool is_given_up (const char *says, size_t size, int option, int limit_ms)
{
    void *s = through (ZMQ_DEALER);
    CHECK_OK (set_int (s, option, limit_ms));
    monitor = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, PEER));
    long long start = now_ms ();
    int fd = raw_accept (proxy);
    CHECK_READS (fd, "\5\1\0");
    CHECK (raw_write (fd, says, size));
    if (size >= 2)
        CHECK_READS (fd, REQUEST);
    struct pollfd item = {fd, POLLIN, 0};
    bool gone = poll (&item, 1, limit_ms * 5) == 1;
    if (gone) {
        CHECK (now_ms () - start >= limit_ms);
        CHECK_FAILS ();
    }
    close (fd);
    end (s, monitor);
    close (proxy);
    return gone;
}

TEST (a_silent_proxy_is_given_up)
{
    if (on_oracle ())
        return;
    CHECK (is_given_up (BYTES (""), ZMQ_CONNECT_TIMEOUT, 200));
    CHECK (is_given_up (BYTES ("\5"), ZMQ_CONNECT_TIMEOUT, 200));
    CHECK (is_given_up (BYTES ("\5\0"), ZMQ_CONNECT_TIMEOUT, 200));
    CHECK (is_given_up (BYTES ("\5\0\5\0\0"), ZMQ_CONNECT_TIMEOUT, 200));
    CHECK (is_given_up (BYTES (""), ZMQ_HANDSHAKE_IVL, 200));
    CHECK (is_given_up (BYTES ("\5"), ZMQ_HANDSHAKE_IVL, 200));
    /* It may be connecting, which is no part of a handshake. */
    CHECK (!is_given_up (BYTES ("\5\0"), ZMQ_HANDSHAKE_IVL, 200));
}

TEST (a_proxy_that_drips_is_given_up)
{
    if (on_oracle ())
        return;
    static const char reply[] = "\5\0\5\0\0\3\377";
    void *s = through (ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_CONNECT_TIMEOUT, 300));
    monitor = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, PEER));
    int fd = raw_accept (proxy);
    bool gone = false;
    for (size_t i = 0; i < 10000 && !gone; i++) {
        gone = !raw_write (fd, i < sizeof reply - 1 ? reply + i : "x", 1);
        sleep_ms (5);
    }
    CHECK (gone);
    CHECK_FAILS ();
    close (fd);
    end (s, monitor);
}

MAIN
