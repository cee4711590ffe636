/* STREAM: how connections end, by us and by the peer, and what becomes of the
 * bytes on their way; other transports and peers; HTTP by hand. */
#include "raw_peers.h"
#include "monitors.h"

/* A bound STREAM with one connected peer that has been noticed. */
static void *served (int *fd, struct id *id, endpoint_t endpoint)
{
    void *s = new_socket (ctx, ZMQ_STREAM);
    bind_to (s, "tcp", endpoint);
    *fd = raw_connect (endpoint);
    *id = notice (s);
    return s;
}

TEST (an_empty_frame_closes_the_connection)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK_INT (send_text_to (s, id, "bye"), 0);
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 3);
    CHECK_BECOMES (try_text_to (s, id, "x") == EHOSTUNREACH);
    /* Who closes is not told of it. */
    CHECK_NOTHING (s);
    int other = raw_connect (endpoint);
    CHECK (!same_id (notice (s), id));
    close (other);
    end (s, NULL);
}

/* Nor is a monitor. (libzmq's is when the socket is not called until the peer
 * has closed, too.) */
TEST (an_empty_frame_is_no_event)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM), *m = watch (s, ZMQ_EVENT_ALL);
    bind_to (s, "tcp", endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
    for (int i = 0; i < 3; i++) {
        int fd = raw_connect (endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_ACCEPTED, endpoint);
        struct id id = notice (s);
        CHECK_INT (send_text_to (s, id, ""), 0);
        CHECK_INT (peer_reads_to_end (fd, s), 0);
        close (fd);
    }
    CHECK_STOPS (s, m);
    end (s, m);
}

TEST (an_empty_frame_with_more_closes_as_well)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (s, "", 0, ZMQ_SNDMORE), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    CHECK_ERR (zmq_send (s, "x", 1, ZMQ_SNDMORE), EHOSTUNREACH);
    end (s, NULL);
}

TEST (what_was_sent_before_a_close_arrives_whatever_the_linger)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    static char data[1000000];
    void *s = served (&fd, &id, endpoint);
    for (int i = 0; i < 12; i++)
        CHECK_INT (send_bytes (s, id, data, sizeof data), 0);
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 12000000);
    end (s, NULL);
}

TEST (bytes_not_received_before_a_close_are_dropped)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "unread", 6));
    CHECK_BECOMES (get_int (s, ZMQ_EVENTS) & ZMQ_POLLIN);
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    drop_looked_at (s);
    CHECK_NOTHING (s);
    end (s, NULL);
}

TEST (a_closed_peer_that_does_not_read_holds_nothing_up)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    static char data[1000000];
    void *s = served (&fd, &id, endpoint);
    for (int i = 0; i < 20; i++)
        CHECK_INT (send_bytes (s, id, data, sizeof data), 0);
    CHECK_INT (send_text_to (s, id, ""), 0);
    long long start = now_ms ();
    end (s, NULL);
    CHECK (now_ms () - start < 5000);
    close (fd);
}

TEST (a_gone_peer_is_unreachable_before_its_notice_is_read)
{
    if (on_oracle ())
        return; /* It goes on to take messages for a while, then blocks. */
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    close (fd);
    CHECK_BECOMES (try_text_to (s, id, "x") == EHOSTUNREACH);
    CHECK_ERR (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK (same_id (notice (s), id));
    end (s, NULL);
}

TEST (unbind_ends_connections_without_a_notice)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "unread", 6));
    CHECK_BECOMES (get_int (s, ZMQ_EVENTS) & ZMQ_POLLIN);
    CHECK_OK (zmq_unbind (s, endpoint));
    CHECK (bytes_come (s, id, "unread"));
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    CHECK_NOTHING (s);
    CHECK_BECOMES (try_text_to (s, id, "x") == EHOSTUNREACH);
    end (s, NULL);
}

TEST (what_was_sent_before_zmq_close_arrives_with_linger)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    static char data[1000000];
    void *s = served (&fd, &id, endpoint);
    CHECK_OK (set_int (s, ZMQ_LINGER, -1));
    for (int i = 0; i < 8; i++)
        CHECK_INT (send_bytes (s, id, data, sizeof data), 0);
    CHECK_OK (zmq_close (s));
    CHECK_INT (peer_reads_to_end (fd, NULL), 8000000);
    CHECK_OK (zmq_ctx_term (ctx));
}

/* ---- other transports, other peers ---- */

TEST (ipc_carries_bytes_too)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM), *c = new_socket (ctx, ZMQ_STREAM);
    bind_to (s, "ipc", endpoint);
    int fd = raw_connect (endpoint);
    struct id id = notice (s);
    CHECK (raw_write (fd, "hi", 2));
    CHECK (bytes_come (s, id, "hi"));
    CHECK_INT (send_text_to (s, id, "you"), 0);
    CHECK (peer_reads (fd, "you"));
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    CHECK_OK (zmq_connect (c, endpoint));
    id = notice (s);
    struct id back = notice (c);
    CHECK_INT (send_text_to (c, back, "from c"), 0);
    CHECK (bytes_come (s, id, "from c"));
    end (s, c);
}

TEST (over_inproc_sockets_exchange_frames_without_notices)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_STREAM), *c = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (zmq_bind (s, "inproc://stream"));
    CHECK_OK (zmq_connect (c, "inproc://stream"));
    struct id back = own_id (c);
    CHECK_INT (send_text_to (c, back, "hello"), 0);
    struct id id;
    char body[8];
    CHECK_INT (recv_from (s, &id, body, sizeof body, 0), 5);
    CHECK (same_id (own_id (s), id));
    CHECK_INT (send_text_to (s, id, "you"), 0);
    CHECK (bytes_come (c, back, "you"));
    void *d = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_connect (d, "inproc://stream"));
    CHECK_SEND (d, "from d", 0);
    CHECK_INT (recv_from (s, &id, body, sizeof body, 0), 6);
    CHECK_INT (send_text_to (s, id, "to d"), 0);
    CHECK_RECV (d, "to d");
    if (!on_oracle ()) {
        /* The oracle ends the process over several frames. */
        CHECK_SEND (d, "one", ZMQ_SNDMORE);
        CHECK_SEND (d, "two", 0);
        CHECK (bytes_come (s, id, "onetwo"));
    }
    CHECK_OK (zmq_close (d));
    end (s, c);
}

TEST (streams_talk_to_each_other)
{
    begin ();
    endpoint_t endpoint;
    void *a = new_socket (ctx, ZMQ_STREAM), *b = new_socket (ctx, ZMQ_STREAM);
    bind_to (a, "tcp", endpoint);
    CHECK_OK (zmq_connect (b, endpoint));
    struct id to_b = notice (a), to_a = notice (b);
    CHECK_INT (send_text_to (b, to_a, "hello"), 0);
    CHECK (bytes_come (a, to_b, "hello"));
    CHECK_INT (send_text_to (a, to_b, "you"), 0);
    CHECK (bytes_come (b, to_a, "you"));
    CHECK_INT (send_text_to (a, to_b, ""), 0);
    CHECK_BECOMES (get_int (a, ZMQ_EVENTS) && (get_int (b, ZMQ_EVENTS) & ZMQ_POLLIN));
    /* b is told, and comes back as somebody else. */
    CHECK (same_id (notice (b), to_a));
    CHECK (same_id (notice (b), to_a));
    CHECK (!same_id (notice (a), to_b));
    end (a, b);
}

TEST (a_zmtp_peer_is_seen_to_send_its_greeting)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM), *d = new_socket (ctx, ZMQ_DEALER);
    bind_to (s, "tcp", endpoint);
    CHECK_OK (zmq_connect (d, endpoint));
    struct id id = notice (s);
    unsigned char mine[128], got[256];
    CHECK (recv_at_least (s, id, got, 10, sizeof got) >= 10);
    CHECK (got[0] == 0xff && got[9] == 0x7f);
    /* Played by hand, step by step, the handshake succeeds. */
    make_greeting (mine);
    CHECK_INT (send_bytes (s, id, mine, 64), 0);
    CHECK (recv_at_least (s, id, got, 54, sizeof got) >= 54);
    CHECK_INT (send_bytes (s, id, mine, make_ready (mine, "DEALER")), 0);
    CHECK_SEND (d, "to you", 0);
    CHECK_INT (send_bytes (s, id, "\0\5hello", 7), 0);
    CHECK_RECV (d, "hello");
    end (s, d);
}

TEST (bytes_that_are_no_zmtp_do_not_reach_a_zmtp_socket)
{
    begin ();
    endpoint_t endpoint;
    void *d = new_socket (ctx, ZMQ_DEALER), *s = new_socket (ctx, ZMQ_STREAM);
    bind_to (d, "tcp", endpoint);
    CHECK_OK (zmq_connect (s, endpoint));
    struct id id = notice (s);
    unsigned char mine[128];
    make_greeting (mine);
    CHECK_INT (send_bytes (s, id, mine, 64), 0);
    /* No ZMTP socket is a STREAM. */
    CHECK_INT (send_bytes (s, id, mine, make_ready (mine, "STREAM")), 0);
    struct id from;
    char got[256];
    int n;
    while ((n = recv_from (s, &from, got, sizeof got, 0)) > 0)
        ;
    CHECK_INT (n, 0);
    CHECK_NOTHING (d);
    end (s, d);
}

/* ---- HTTP by hand ---- */

TEST (an_http_server_and_its_client)
{
    begin ();
    endpoint_t endpoint;
    void *server = new_socket (ctx, ZMQ_STREAM);
    void *client = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (set_int (server, ZMQ_STREAM_NOTIFY, 0));
    bind_to (server, "tcp", endpoint);
    CHECK_OK (zmq_connect (client, endpoint));
    struct id to_server = own_id (client), id, from;
    CHECK (same_id (notice (client), to_server));
    const char *request = "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";
    CHECK_INT (send_text_to (client, to_server, request), 0);
    char got[4096] = {0};
    size_t size = 0;
    while (!strstr (got, "\r\n\r\n")) {
        int n = recv_from (server, &id, got + size, sizeof got - 1 - size, 0);
        REQUIRE (n > 0);
        size += (size_t) n;
    }
    CHECK (strcmp (got, request) == 0);
    const char *answer = "HTTP/1.0 200 OK\r\nContent-Length: 13\r\n\r\n";
    CHECK_INT (send_text_to (server, id, answer), 0);
    CHECK_INT (send_text_to (server, id, "Hello, World!"), 0);
    CHECK_INT (send_text_to (server, id, ""), 0);
    CHECK_BECOMES (get_int (server, ZMQ_EVENTS)
                   && (get_int (client, ZMQ_EVENTS) & ZMQ_POLLIN));
    memset (got, 0, sizeof got);
    for (size = 0;;) {
        get_int (server, ZMQ_EVENTS);
        int n = recv_from (client, &from, got + size, sizeof got - 1 - size,
                           ZMQ_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            sleep_ms (2);
            continue;
        }
        CHECK (same_id (from, to_server));
        if (n <= 0)
            break;
        size += (size_t) n;
    }
    CHECK (strncmp (got, answer, strlen (answer)) == 0);
    CHECK (strcmp (got + strlen (answer), "Hello, World!") == 0);
    end (server, client);
}

MAIN
