/* STREAM: connections without ZMTP, each addressed by its routing id. */
#include "raw_peers.h"

/* A bound STREAM with one connected peer that has been noticed. */
static void *served (int *fd, struct id *id, endpoint_t endpoint)
{
    void *s = new_socket (ctx, ZMQ_STREAM);
    bind_to (s, "tcp", endpoint);
    *fd = raw_connect (endpoint);
    *id = notice (s);
    return s;
}

TEST (a_fresh_stream_may_send_and_has_no_id)
{
    begin ();
    void *s = zmq_socket (ctx, ZMQ_STREAM);
    REQUIRE (s);
    CHECK_INT (get_int (s, ZMQ_TYPE), ZMQ_STREAM);
    CHECK_INT (get_int (s, ZMQ_LINGER), -1);
    CHECK_INT (get_int (s, ZMQ_SNDHWM), 1000);
    CHECK_INT (get_int (s, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (own_id (s).size, 0);
    CHECK_NOTHING (s);
    end (s, NULL);
}

TEST (peers_are_announced_and_their_bytes_come_behind_their_id)
{
    begin ();
    endpoint_t endpoint;
    int fd[3];
    struct id id[3];
    void *s = served (&fd[0], &id[0], endpoint);
    for (int i = 1; i < 3; i++) {
        fd[i] = raw_connect (endpoint);
        id[i] = notice (s);
    }
    for (int i = 0; i < 3; i++) {
        CHECK (is_automatic (id[i]));
        CHECK (!same_id (id[i], id[(i + 1) % 3]));
        CHECK (raw_write (fd[i], "GET", 3));
        CHECK (bytes_come (s, id[i], "GET"));
        CHECK_INT (send_text_to (s, id[i], "reply"), 0);
        CHECK (peer_reads (fd[i], "reply"));
    }
    CHECK (same_id (own_id (s), id[2]));
    end (s, NULL);
}

TEST (the_end_of_a_connection_is_announced_after_its_bytes)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "last words", 10));
    close (fd);
    CHECK (bytes_come (s, id, "last words"));
    CHECK (same_id (notice (s), id));
    CHECK_NOTHING (s);
    CHECK_BECOMES (try_text_to (s, id, "gone") == EHOSTUNREACH
                   || (get_int (s, ZMQ_EVENTS), 0));
    end (s, NULL);
}

TEST (a_half_closed_connection_counts_as_closed)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "request", 7));
    shutdown (fd, SHUT_WR);
    CHECK (bytes_come (s, id, "request"));
    CHECK (same_id (notice (s), id));
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    end (s, NULL);
}

TEST (a_reset_connection_is_announced_too)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    struct linger reset = {1, 0};
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close (fd);
    CHECK (same_id (notice (s), id));
    CHECK_NOTHING (s);
    end (s, NULL);
}

TEST (one_that_comes_and_goes_at_once_is_announced_twice)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM);
    bind_to (s, "tcp", endpoint);
    close (raw_connect (endpoint));
    struct id id = notice (s);
    CHECK (same_id (notice (s), id));
    CHECK_NOTHING (s);
    end (s, NULL);
}

TEST (without_notify_only_bytes_come)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (set_int (s, ZMQ_STREAM_NOTIFY, 0));
    bind_to (s, "tcp", endpoint);
    int silent = raw_connect (endpoint), fd = raw_connect (endpoint);
    close (silent);
    struct id id;
    char body[8];
    CHECK (raw_write (fd, "hi", 2));
    CHECK_INT (recv_from (s, &id, body, sizeof body, 0), 2);
    CHECK (is_automatic (id));
    CHECK_INT (send_text_to (s, id, "you"), 0);
    CHECK (peer_reads (fd, "you"));
    close (fd);
    CHECK_BECOMES (try_text_to (s, id, "x") == EHOSTUNREACH
                   || get_int (s, ZMQ_EVENTS) != ZMQ_POLLOUT || on_oracle ());
    CHECK_NOTHING (s);
    end (s, NULL);
}

TEST (notify_holds_from_the_next_bind_on)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM);
    bind_to (s, "tcp", endpoint);
    CHECK_OK (set_int (s, ZMQ_STREAM_NOTIFY, 0));
    int fd = raw_connect (endpoint);
    struct id id = notice (s);
    close (fd);
    CHECK (same_id (notice (s), id));
    bind_to (s, "tcp", endpoint);
    fd = raw_connect (endpoint);
    CHECK (raw_write (fd, "x", 1));
    char body[8];
    CHECK_INT (recv_from (s, &id, body, sizeof body, 0), 1);
    end (s, NULL);
}

TEST (options_of_stream)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_STREAM), *d = new_socket (ctx, ZMQ_DEALER);
    void *r = new_socket (ctx, ZMQ_ROUTER);
    int value = 0;
    size_t size = sizeof value;
    CHECK_OK (set_int (s, ZMQ_STREAM_NOTIFY, 1));
    CHECK_OK (set_int (s, ZMQ_STREAM_NOTIFY, 0));
    CHECK_ERR (set_int (s, ZMQ_STREAM_NOTIFY, 2), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_STREAM_NOTIFY, -1), EINVAL);
    CHECK_ERR (zmq_setsockopt (s, ZMQ_STREAM_NOTIFY, "a", 1), EINVAL);
    CHECK_ERR (zmq_getsockopt (s, ZMQ_STREAM_NOTIFY, &value, &size), EINVAL);
    CHECK_ERR (set_int (d, ZMQ_STREAM_NOTIFY, 0), EINVAL);
    CHECK_ERR (set_int (r, ZMQ_STREAM_NOTIFY, 0), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_ROUTER_RAW, 1), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_ROUTER_RAW, 0), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_ROUTER_MANDATORY, 1), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_ROUTER_HANDOVER, 1), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_PROBE_ROUTER, 1), EINVAL);
    CHECK_ERR (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "", 0), EINVAL);
    CHECK_OK (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "a", 1));
    CHECK_OK (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "\0abc", 4));
    CHECK_ERR (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "", 0), EINVAL);
    CHECK_ERR (zmq_getsockopt (s, ZMQ_CONNECT_ROUTING_ID, &value, &size), EINVAL);
    CHECK_OK (zmq_close (r));
    end (s, d);
}

/* ---- sending ---- */

TEST (nobody_is_unreachable)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK_ERR (zmq_send (s, "nobody", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_ERR (zmq_send (s, "nobody", 6, ZMQ_SNDMORE | ZMQ_DONTWAIT),
               EHOSTUNREACH);
    CHECK_ERR (zmq_send (s, "", 0, ZMQ_SNDMORE), EHOSTUNREACH);
    /* The next frame is an id again. */
    CHECK_INT (send_text_to (s, id, "you"), 0);
    CHECK (peer_reads (fd, "you"));
    end (s, NULL);
}

TEST (an_id_alone_makes_the_next_frame_go_nowhere)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK_INT (zmq_send (s, id.bytes, 5, 0), 5);
    CHECK_INT (zmq_send (s, "nowhere", 7, 0), 7);
    CHECK_INT (zmq_send (s, "stranger", 8, 0), 8);
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (send_text_to (s, id, "here"), 0);
    CHECK (peer_reads (fd, "here"));
    end (s, NULL);
}

TEST (more_behind_the_bytes_means_nothing)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (s, "one", 3, ZMQ_SNDMORE), 3);
    CHECK_ERR (zmq_send (s, "two", 3, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_INT (send_text_to (s, id, "three"), 0);
    CHECK (peer_reads (fd, "onethree"));
    end (s, NULL);
}

TEST (sending_and_receiving_do_not_disturb_each_other)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "in", 2));
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK (bytes_come (s, id, "in"));
    CHECK_INT (zmq_send (s, "out", 3, 0), 3);
    CHECK (peer_reads (fd, "out"));
    CHECK (raw_write (fd, "in", 2));
    char body[8];
    CHECK_INT (zmq_recv (s, body, sizeof body, 0), 5);
    CHECK_INT (get_int (s, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
    CHECK_INT (send_text_to (s, id, "amid"), 0);
    CHECK_INT (zmq_recv (s, body, sizeof body, 0), 2);
    CHECK (peer_reads (fd, "amid"));
    end (s, NULL);
}

TEST (a_peer_that_goes_between_id_and_bytes_costs_the_bytes)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    close (fd);
    CHECK (same_id (notice (s), id));
    CHECK_INT (zmq_send (s, "late", 4, 0), 4);
    CHECK_BECOMES (try_text_to (s, id, "x") == EHOSTUNREACH
                   || (get_int (s, ZMQ_EVENTS), 0));
    end (s, NULL);
}

TEST (a_full_peer_blocks_at_its_id)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_STREAM);
    /* Nobody is there: nothing leaves. */
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    close (listener);
    CHECK_OK (set_int (s, ZMQ_SNDHWM, 7));
    CHECK_OK (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "peer", 4));
    CHECK_OK (zmq_connect (s, endpoint));
    for (int i = 0; i < 7; i++)
        CHECK_INT (try_text_to (s, named ("peer"), "x"), 0);
    CHECK_ERR (zmq_send (s, "peer", 4, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (get_int (s, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_OK (set_int (s, ZMQ_SNDTIMEO, 50));
    long long start = now_ms ();
    CHECK_ERR (zmq_send (s, "peer", 4, ZMQ_SNDMORE), EAGAIN);
    CHECK (now_ms () - start >= 45);
    CHECK_ERR (zmq_send (s, "other", 5, ZMQ_SNDMORE), EHOSTUNREACH);
    end (s, NULL);
}

TEST (large_writes_arrive_whole)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    enum { SIZE = 4000000 };
    static char data[SIZE], got[SIZE];
    for (int i = 0; i < SIZE; i++)
        data[i] = (char) (i * 7 + i / 1000);
    CHECK_INT (send_bytes (s, id, data, SIZE), 0);
    CHECK_INT (send_text_to (s, id, "tail"), 0);
    CHECK (raw_read (fd, got, SIZE));
    CHECK (memcmp (data, got, SIZE) == 0);
    CHECK (peer_reads (fd, "tail"));
    end (s, NULL);
}

/* ---- receiving ---- */

TEST (much_arrives_in_order_and_in_pieces_of_at_most_8_KiB)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id, from;
    void *s = served (&fd, &id, endpoint);
    enum { SIZE = 300000 };
    static char data[SIZE], got[SIZE + 65536];
    for (int i = 0; i < SIZE; i++)
        data[i] = (char) (i * 3 + i / 999);
    CHECK (raw_write (fd, data, SIZE));
    size_t done = 0;
    int largest = 0;
    while (done < SIZE) {
        int n = recv_from (s, &from, got + done, 65536, 0);
        REQUIRE (n > 0 && same_id (from, id));
        largest = n > largest ? n : largest;
        done += (size_t) n;
    }
    CHECK_INT (done, SIZE);
    CHECK (memcmp (data, got, SIZE) == 0);
    CHECK_INT (largest, 8192);
    end (s, NULL);
}

TEST (a_peer_that_is_not_read_is_slowed_down)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (set_int (s, ZMQ_RCVHWM, 2));
    CHECK_OK (set_int (s, ZMQ_RCVBUF, 16384));
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    struct id id = notice (s), from;
    static char data[65536];
    memset (data, 'd', sizeof data);
    long long sent = 0, got = 0;
    /* Until the kernel takes nothing for a while. */
    for (int idle = 0; idle < 30;) {
        ssize_t n = send (fd, data, sizeof data, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0)
            sent += n, idle = 0;
        else
            idle++, sleep_ms (10);
    }
    CHECK (sent < 32 * 1024 * 1024);
    static char body[65536];
    while (got < sent) {
        int n = recv_from (s, &from, body, sizeof body, 0);
        REQUIRE (n > 0 && n <= 8192);
        got += n;
    }
    CHECK_INT (got, sent);
    CHECK (raw_write (fd, "again", 5));
    CHECK (bytes_come (s, id, "again"));
    end (s, NULL);
}

TEST (peers_are_read_in_turn)
{
    begin ();
    endpoint_t endpoint;
    int fd[3];
    struct id id[3], from;
    void *s = served (&fd[0], &id[0], endpoint);
    fd[1] = raw_connect (endpoint);
    id[1] = notice (s);
    fd[2] = raw_connect (endpoint);
    id[2] = notice (s);
    static char data[80000], body[8192];
    for (int i = 0; i < 3; i++)
        CHECK (raw_write (fd[i], data, sizeof data));
    int left[3] = {80000, 80000, 80000}, last = -1, repeats = 0;
    while (left[0] + left[1] + left[2] > 0) {
        int n = recv_from (s, &from, body, sizeof body, 0), i = 0;
        REQUIRE (n > 0);
        while (i < 2 && !same_id (from, id[i]))
            i++;
        left[i] -= n;
        repeats += i == last && left[0] > 0 && left[1] > 0 && left[2] > 0
                   && left[(i + 1) % 3] < 40000 && left[(i + 2) % 3] < 40000;
        last = i;
    }
    CHECK (left[0] == 0 && left[1] == 0 && left[2] == 0);
    CHECK (repeats <= 8);
    end (s, NULL);
}

TEST (limits_and_times_of_zmtp_do_not_concern_bytes)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_STREAM);
    int64_t limit = 4;
    CHECK_OK (zmq_setsockopt (s, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
    CHECK_OK (set_int (s, ZMQ_HANDSHAKE_IVL, 60));
    CHECK_OK (set_int (s, ZMQ_HEARTBEAT_IVL, 30));
    CHECK_OK (set_int (s, ZMQ_CONFLATE, 1));
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    struct id id = notice (s);
    sleep_ms (300);
    CHECK_NOTHING (s);
    CHECK (raw_write (fd, "0123456789", 10));
    CHECK (bytes_come (s, id, "0123456789"));
    CHECK_INT (send_text_to (s, id, "no PING before this"), 0);
    CHECK (peer_reads (fd, "no PING before this"));
    end (s, NULL);
}

TEST (messages_know_their_peer)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "x", 1));
    close (fd);
    /* Of bytes and of the notice of the end, both frames. */
    for (int i = 0; i < 4; i++) {
        zmq_msg_t m;
        zmq_msg_init (&m);
        CHECK (zmq_msg_recv (&m, s, 0) >= 0);
        const char *address = zmq_msg_gets (&m, "Peer-Address");
        CHECK_STR (address ? address : "none", "127.0.0.1");
        CHECK (zmq_msg_get (&m, ZMQ_SRCFD) > 2);
        CHECK (zmq_msg_gets (&m, "Socket-Type") == NULL);
        CHECK_ERR (zmq_msg_gets (&m, "Identity") ? 0 : -1, EINVAL);
        zmq_msg_close (&m);
    }
    end (s, NULL);
}

/* Whatever call received the id in front. */
TEST (bodies_know_their_peer_when_the_id_was_copied)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "x", 1));
    char copy[16];
    CHECK_INT (zmq_recv (s, copy, sizeof copy, 0), 5);
    zmq_msg_t m;
    zmq_msg_init (&m);
    CHECK_INT (zmq_msg_recv (&m, s, 0), 1);
    const char *address = zmq_msg_gets (&m, "Peer-Address");
    CHECK_STR (address ? address : "none", "127.0.0.1");
    zmq_msg_close (&m);
    close (fd);
    end (s, NULL);
}

TEST (the_descriptor_tells_of_peers_and_bytes)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    struct pollfd item = {get_int (s, ZMQ_FD), POLLIN, 0};
    CHECK_INT (get_int (s, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK (raw_write (fd, "x", 1));
    CHECK_INT (poll (&item, 1, AMPLE_MS), 1);
    CHECK_BECOMES (get_int (s, ZMQ_EVENTS) == (ZMQ_POLLIN | ZMQ_POLLOUT));
    CHECK (bytes_come (s, id, "x"));
    CHECK_INT (get_int (s, ZMQ_EVENTS), ZMQ_POLLOUT);
    close (fd);
    CHECK_INT (poll (&item, 1, AMPLE_MS), 1);
    CHECK_BECOMES (get_int (s, ZMQ_EVENTS) == (ZMQ_POLLIN | ZMQ_POLLOUT));
    CHECK (same_id (notice (s), id));
    end (s, NULL);
}

MAIN
