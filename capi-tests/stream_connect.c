/* STREAM: the connecting side. */
#include "raw_peers.h"

/* A STREAM that has connected to us. */
static void *dialed (int listener, const char *endpoint, int *fd, struct id *id)
{
    void *s = new_socket (ctx, ZMQ_STREAM);
    REQUIRE (zmq_connect (s, endpoint) == 0);
    *fd = raw_accept (listener);
    *id = notice (s);
    return s;
}


TEST (a_connect_tells_the_id_of_its_peer)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (zmq_setsockopt (s, ZMQ_ROUTING_ID, "mine", 4));
    CHECK_OK (zmq_connect (s, endpoint));
    struct id id = own_id (s);
    CHECK (is_automatic (id));
    /* Known before the connection has come about. */
    CHECK_INT (send_text_to (s, id, "early"), 0);
    fd = raw_accept (listener);
    CHECK (peer_reads (fd, "early"));
    CHECK (same_id (notice (s), id));
    CHECK (raw_write (fd, "answer", 6));
    CHECK (bytes_come (s, id, "answer"));
    /* A second connect is another connection. */
    CHECK_OK (zmq_connect (s, endpoint));
    int second = raw_accept (listener);
    CHECK (!same_id (own_id (s), id));
    CHECK (same_id (notice (s), own_id (s)));
    close (second);
    CHECK (same_id (notice (s), own_id (s)));
    end (s, NULL);
}

TEST (a_peer_may_be_named_before_the_connect)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "server", 6));
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_INT (own_id (s).size, 0);
    CHECK_INT (send_text_to (s, named ("server"), "hello"), 0);
    fd = raw_accept (listener);
    CHECK (peer_reads (fd, "hello"));
    CHECK (same_id (notice (s), named ("server")));
    CHECK (raw_write (fd, "x", 1));
    CHECK (bytes_come (s, named ("server"), "x"));
    /* The name was for one connect. */
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK (is_automatic (notice (s)));
    end (s, NULL);
}

static void name_twice (void)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    void *s = new_socket (ctx, ZMQ_STREAM);
    zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "server", 6);
    CHECK_OK (zmq_connect (s, endpoint));
    int fd = raw_accept (listener);
    zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "server", 6);
    CHECK_ERR (zmq_connect (s, endpoint), EINVAL);
    CHECK (same_id (notice (s), named ("server")));
    CHECK_INT (send_text_to (s, named ("server"), "still"), 0);
    CHECK (peer_reads (fd, "still"));
    end (s, NULL);
}

TEST (a_name_that_is_taken_is_refused)
{
    if (!on_oracle ())
        name_twice ();
    /* The oracle ends the process. */
}

TEST (a_lost_connection_is_made_again_under_the_same_id)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    struct id id;
    void *s = dialed (listener, endpoint, &fd, &id);
    CHECK (raw_write (fd, "before", 6));
    close (fd);
    CHECK (bytes_come (s, id, "before"));
    CHECK (same_id (notice (s), id));
    fd = raw_accept (listener);
    CHECK (same_id (notice (s), id));
    CHECK_INT (send_text_to (s, id, "out"), 0);
    CHECK (peer_reads (fd, "out"));
    CHECK (raw_write (fd, "in", 2));
    CHECK (bytes_come (s, id, "in"));
    end (s, NULL);
}

TEST (bytes_that_began_to_leave_are_not_sent_again)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    struct id id;
    static char data[1000000];
    void *s = dialed (listener, endpoint, &fd, &id);
    for (int i = 0; i < 20; i++) {
        memset (data, 'a' + i, sizeof data);
        CHECK_INT (send_bytes (s, id, data, sizeof data), 0);
    }
    char first;
    CHECK (raw_read (fd, &first, 1));
    CHECK_INT (first, 'a');
    close (fd);
    if (on_oracle ()) {
        /* It does the same, but may forget to tell of the end. */
        end (s, NULL);
        return;
    }
    CHECK (same_id (notice (s), id));
    fd = raw_accept (listener);
    CHECK (same_id (notice (s), id));
    /* The rest begins with a whole message, which is a later one. */
    CHECK (raw_read (fd, data, sizeof data));
    CHECK (data[0] > 'a' && data[0] == data[sizeof data - 1]);
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s) % (long long) sizeof data, 0);
    end (s, NULL);
}

TEST (without_reconnects_the_id_ends_with_its_connection)
{
    if (on_oracle ())
        return; /* It may forget to tell of the end. */
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (zmq_connect (s, endpoint));
    fd = raw_accept (listener);
    struct id id = notice (s);
    close (fd);
    CHECK (same_id (notice (s), id));
    CHECK_BECOMES (try_text_to (s, id, "x") == EHOSTUNREACH
                   || (get_int (s, ZMQ_EVENTS), 0));
    end (s, NULL);
}

TEST (a_connection_that_was_closed_is_not_made_again)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    struct id id;
    void *s = dialed (listener, endpoint, &fd, &id);
    CHECK_INT (send_text_to (s, id, "bye"), 0);
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 3);
    struct pollfd item = {listener, POLLIN, 0};
    CHECK_INT (poll (&item, 1, 400), 0);
    CHECK_NOTHING (s);
    CHECK_OK (zmq_disconnect (s, endpoint));
    CHECK_ERR (zmq_disconnect (s, endpoint), ENOENT);
    CHECK_OK (zmq_connect (s, endpoint));
    fd = raw_accept (listener);
    CHECK (!same_id (notice (s), id));
    end (s, NULL);
}

TEST (a_disconnect_drops_what_was_not_received)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    struct id id;
    void *s = dialed (listener, endpoint, &fd, &id);
    CHECK (raw_write (fd, "unread", 6));
    CHECK_BECOMES (get_int (s, ZMQ_EVENTS) & ZMQ_POLLIN);
    CHECK_OK (zmq_disconnect (s, endpoint));
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    drop_looked_at (s);
    CHECK_NOTHING (s);
    CHECK_ERR (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_ERR (zmq_disconnect (s, endpoint), ENOENT);
    end (s, NULL);
}

TEST (with_immediate_each_connection_has_its_id)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (set_int (s, ZMQ_IMMEDIATE, 1));
    CHECK_OK (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "server", 6));
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_ERR (zmq_send (s, "server", 6, ZMQ_SNDMORE), EHOSTUNREACH);
    fd = raw_accept (listener);
    struct id id = notice (s);
    CHECK (is_automatic (id));
    CHECK (same_id (own_id (s), id));
    close (fd);
    if (!on_oracle ()) {
        /* The oracle may not notice, and does not receive any more. */
        CHECK (same_id (notice (s), id));
        fd = raw_accept (listener);
        struct id next = notice (s);
        CHECK (is_automatic (next) && !same_id (next, id));
        CHECK (raw_write (fd, "x", 1));
        CHECK (bytes_come (s, next, "x"));
    }
    end (s, NULL);
}

TEST (peers_that_were_never_there_are_not_announced)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    close (listener);
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (zmq_connect (s, endpoint));
    sleep_ms (150);
    CHECK_NOTHING (s);
    CHECK_ERR (zmq_connect (s, "tcp://nonsense"), EINVAL);
    end (s, NULL);
}

static void flap (void)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint), fd;
    void *s = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (set_int (s, ZMQ_RCVHWM, 3));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 1));
    CHECK_OK (zmq_connect (s, endpoint));
    for (int i = 0; i < 2; i++)
        close (raw_accept (listener));
    /* Beginning and end twice: there is no room to tell of a third. */
    fd = raw_accept (listener);
    CHECK (raw_write (fd, "third", 5));
    close (fd);
    struct id id = notice (s);
    for (int i = 0; i < 4; i++)
        CHECK (same_id (notice (s), id));
    CHECK (bytes_come (s, id, "third"));
    CHECK (same_id (notice (s), id));
    end (s, NULL);
}

TEST (connections_come_and_go_at_the_pace_of_the_receiver)
{
    if (!on_oracle ())
        flap ();
    /* The oracle may end the process. */
}

MAIN
