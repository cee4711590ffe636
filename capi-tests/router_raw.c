/* ZMQ_ROUTER_RAW: a ROUTER whose tcp peers speak no ZMTP. */
#include "raw_peers.h"

static void *raw_router (void)
{
    void *s = new_socket (ctx, ZMQ_ROUTER);
    CHECK_OK (set_int (s, ZMQ_ROUTER_RAW, 1));
    return s;
}

static void *served (int *fd, struct id *id, endpoint_t endpoint)
{
    void *s = raw_router ();
    bind_to (s, "tcp", endpoint);
    *fd = raw_connect (endpoint);
    *id = notice (s);
    return s;
}

TEST (the_option_is_for_router_and_rep)
{
    begin ();
    static const struct
    {
        int type, takes;
    } types[] = {{ZMQ_PAIR, 0}, {ZMQ_PUB, 0},    {ZMQ_SUB, 0},    {ZMQ_REQ, 0},
                 {ZMQ_REP, 1},  {ZMQ_DEALER, 0}, {ZMQ_ROUTER, 1}, {ZMQ_PULL, 0},
                 {ZMQ_PUSH, 0}, {ZMQ_XPUB, 0},   {ZMQ_XSUB, 0},   {ZMQ_STREAM, 0}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *s = new_socket (ctx, types[i].type);
        int value = 0;
        size_t size = sizeof value;
        for (int v = 0; v < 3; v++) {
            errno = 0;
            int rc = set_int (s, ZMQ_ROUTER_RAW, v);
            CHECK_INT (rc == 0 ? 0 : errno, types[i].takes ? 0 : EINVAL);
        }
        CHECK_ERR (set_int (s, ZMQ_ROUTER_RAW, -1), EINVAL);
        CHECK_ERR (zmq_setsockopt (s, ZMQ_ROUTER_RAW, "abcdefgh", 8), EINVAL);
        CHECK_ERR (zmq_getsockopt (s, ZMQ_ROUTER_RAW, &value, &size), EINVAL);
        CHECK_OK (zmq_close (s));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (peers_are_announced_and_addressed_by_automatic_ids)
{
    begin ();
    endpoint_t endpoint;
    int fd, other;
    struct id id, second;
    void *s = served (&fd, &id, endpoint);
    other = raw_connect (endpoint);
    second = notice (s);
    CHECK (is_automatic (id) && is_automatic (second));
    CHECK (!same_id (id, second));
    CHECK_INT (own_id (s).size, 0);
    CHECK (raw_write (fd, "hello", 5));
    CHECK (bytes_come (s, id, "hello"));
    CHECK (raw_write (other, "hey", 3));
    CHECK (bytes_come (s, second, "hey"));
    CHECK_INT (send_text_to (s, id, "one"), 0);
    CHECK_INT (send_text_to (s, second, "two"), 0);
    CHECK (peer_reads (fd, "one"));
    CHECK (peer_reads (other, "two"));
    end (s, NULL);
}

TEST (a_routing_id_of_ones_own_is_not_announced)
{
    begin ();
    endpoint_t endpoint;
    void *s = raw_router ();
    CHECK_OK (zmq_setsockopt (s, ZMQ_ROUTING_ID, "me", 2));
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    struct id id = notice (s);
    CHECK (same_id (own_id (s), named ("me")));
    CHECK_INT (send_text_to (s, id, "first bytes"), 0);
    CHECK (peer_reads (fd, "first bytes"));
    end (s, NULL);
}

TEST (the_end_is_announced_after_the_bytes)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK (raw_write (fd, "bye", 3));
    close (fd);
    CHECK (bytes_come (s, id, "bye"));
    CHECK (same_id (notice (s), id));
    CHECK_NOTHING (s);
    CHECK_INT (send_text_to (s, id, "dropped"), 0);
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
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (s, "two", 3, 0), 3);
    CHECK (peer_reads (fd, "onetwo"));
    /* Neither to somebody unknown. */
    CHECK_INT (zmq_send (s, "who", 3, ZMQ_SNDMORE), 3);
    CHECK_INT (zmq_send (s, "x", 1, ZMQ_SNDMORE), 1);
    CHECK_INT (send_text_to (s, id, "three"), 0);
    CHECK (peer_reads (fd, "three"));
    end (s, NULL);
}

TEST (messages_for_the_unknown_and_ids_alone_are_dropped)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    CHECK_INT (send_text_to (s, named ("who"), "x"), 0);
    CHECK_INT (zmq_send (s, "who", 3, 0), 3);
    CHECK_INT (zmq_send (s, id.bytes, 5, 0), 5);
    CHECK_INT (get_int (s, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (send_text_to (s, id, "you"), 0);
    CHECK (peer_reads (fd, "you"));
    end (s, NULL);
}

TEST (with_mandatory_the_unknown_are_unreachable)
{
    begin ();
    endpoint_t endpoint;
    void *s = raw_router ();
    CHECK_OK (set_int (s, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_INT (get_int (s, ZMQ_EVENTS), 0);
    bind_to (s, "tcp", endpoint);
    CHECK_ERR (zmq_send (s, "who", 3, ZMQ_SNDMORE), EHOSTUNREACH);
    CHECK_INT (zmq_send (s, "who", 3, 0), 3);
    int fd = raw_connect (endpoint);
    struct id id = notice (s);
    CHECK_INT (get_int (s, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (send_text_to (s, id, "you"), 0);
    CHECK (peer_reads (fd, "you"));
    close (fd);
    CHECK (same_id (notice (s), id));
    CHECK_BECOMES (try_text_to (s, id, "x") == EHOSTUNREACH
                   || (get_int (s, ZMQ_EVENTS), 0));
    CHECK_BECOMES (get_int (s, ZMQ_EVENTS) == 0);
    end (s, NULL);
}

TEST (with_mandatory_a_full_peer_blocks)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    close (listener);
    void *s = raw_router ();
    CHECK_OK (set_int (s, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_OK (set_int (s, ZMQ_SNDHWM, 3));
    CHECK_OK (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "peer", 4));
    CHECK_OK (zmq_connect (s, endpoint));
    for (int i = 0; i < 3; i++)
        CHECK_INT (try_text_to (s, named ("peer"), "x"), 0);
    CHECK_INT (try_text_to (s, named ("peer"), "x"), EAGAIN);
    end (s, NULL);
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
    CHECK_NOTHING (s);
    CHECK_INT (send_text_to (s, id, "dropped"), 0);
    fd = raw_connect (endpoint);
    struct id next = notice (s);
    CHECK (!same_id (next, id));
    CHECK_INT (zmq_send (s, next.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (s, "", 0, ZMQ_SNDMORE), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    end (s, NULL);
}

TEST (a_connecting_router_is_raw_too)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    void *s = raw_router ();
    CHECK_OK (zmq_connect (s, endpoint));
    int fd = raw_accept (listener);
    struct id id = notice (s);
    CHECK (is_automatic (id));
    CHECK_INT (own_id (s).size, 0);
    CHECK_INT (send_text_to (s, id, "request"), 0);
    CHECK (peer_reads (fd, "request"));
    close (fd);
    CHECK (same_id (notice (s), id));
    fd = raw_accept (listener);
    CHECK (same_id (notice (s), id));
    CHECK (raw_write (fd, "again", 5));
    CHECK (bytes_come (s, id, "again"));
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s), 0);
    end (s, NULL);
}

TEST (a_connected_peer_may_be_named)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    void *s = raw_router ();
    CHECK_OK (zmq_setsockopt (s, ZMQ_CONNECT_ROUTING_ID, "srv", 3));
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_INT (send_text_to (s, named ("srv"), "early"), 0);
    int fd = raw_accept (listener);
    CHECK (peer_reads (fd, "early"));
    CHECK (same_id (notice (s), named ("srv")));
    CHECK (raw_write (fd, "hi", 2));
    CHECK (bytes_come (s, named ("srv"), "hi"));
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
    for (int i = 0; i < 2; i++) {
        zmq_msg_t m;
        zmq_msg_init (&m);
        CHECK (zmq_msg_recv (&m, s, 0) >= 0);
        const char *address = zmq_msg_gets (&m, "Peer-Address");
        CHECK_STR (address ? address : "none", "127.0.0.1");
        CHECK (zmq_msg_get (&m, ZMQ_SRCFD) > 2);
        CHECK (zmq_msg_gets (&m, "Socket-Type") == NULL);
        zmq_msg_close (&m);
    }
    end (s, NULL);
}

TEST (connections_keep_what_they_were_made_with)
{
    begin ();
    endpoint_t endpoint;
    unsigned char greeting[10];
    char body[8];
    void *s = new_socket (ctx, ZMQ_ROUTER);
    bind_to (s, "tcp", endpoint);
    CHECK_OK (set_int (s, ZMQ_ROUTER_RAW, 1));
    int fd = raw_connect (endpoint);
    CHECK (raw_read (fd, greeting, 10));
    CHECK (greeting[0] == 0xff && greeting[9] == 0x7f);
    close (fd);
    /* To the socket its ZMTP peers are raw, too: no id of theirs counts, and
     * a message has a single frame. */
    void *d = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_setsockopt (d, ZMQ_ROUTING_ID, "D", 1));
    CHECK_OK (zmq_connect (d, endpoint));
    CHECK_SEND (d, "hi", 0);
    struct id id;
    CHECK_INT (recv_from (s, &id, body, sizeof body, 0), 2);
    CHECK (is_automatic (id));
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (s, "a", 1, ZMQ_SNDMORE), 1);
    CHECK_RECV (d, "a");
    CHECK_INT (get_int (d, ZMQ_RCVMORE), 0);
    CHECK_OK (zmq_close (d));
    end (s, NULL);
}

TEST (raw_connections_stay_raw)
{
    begin ();
    endpoint_t endpoint;
    char body[8];
    void *s = raw_router ();
    bind_to (s, "tcp", endpoint);
    CHECK_OK (set_int (s, ZMQ_ROUTER_RAW, 0));
    int fd = raw_connect (endpoint);
    struct id id = notice (s), from;
    CHECK (is_automatic (id));
    CHECK (raw_write (fd, "hi", 2));
    CHECK_INT (recv_from (s, &from, body, sizeof body, 0), 2);
    CHECK (same_id (from, id));
    /* All frames of a message count now; their bytes go one after the other. */
    CHECK_INT (zmq_send (s, id.bytes, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (s, "part1", 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (s, "part2", 5, 0), 5);
    CHECK (peer_reads (fd, "part1"));
    if (!on_oracle ()) {
        /* The oracle sends no more than that, and ends the process. */
        CHECK (peer_reads (fd, "part2"));
        CHECK_INT (send_text_to (s, id, ""), 0);
        CHECK_INT (send_text_to (s, id, "on"), 0);
        CHECK (peer_reads (fd, "on"));
    }
    end (s, NULL);
}

TEST (probing_sends_nothing_to_raw_peers)
{
    if (on_oracle ())
        return; /* It ends the process. */
    begin ();
    endpoint_t endpoint;
    void *s = raw_router ();
    CHECK_OK (set_int (s, ZMQ_PROBE_ROUTER, 1));
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    struct id id = notice (s);
    CHECK_INT (send_text_to (s, id, "first"), 0);
    CHECK (peer_reads (fd, "first"));
    end (s, NULL);
}

TEST (over_inproc_a_raw_router_gives_ids_of_its_own)
{
    begin ();
    void *s = raw_router (), *d = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_bind (s, "inproc://raw"));
    CHECK_OK (zmq_setsockopt (d, ZMQ_ROUTING_ID, "D", 1));
    CHECK_OK (zmq_connect (d, "inproc://raw"));
    CHECK_SEND (d, "hi", 0);
    struct id id;
    char body[8];
    CHECK_INT (recv_from (s, &id, body, sizeof body, 0), 2);
    CHECK (is_automatic (id));
    CHECK_INT (send_text_to (s, named ("D"), "x"), 0);
    CHECK_INT (send_text_to (s, id, "more"), 0);
    CHECK_RECV (d, "more");
    end (s, d);
}

TEST (a_raw_rep_hears_nothing)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_REP);
    CHECK_OK (set_int (s, ZMQ_ROUTER_RAW, 1));
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    CHECK (raw_write (fd, "request", 7));
    CHECK_OK (set_int (s, ZMQ_RCVTIMEO, 150));
    char byte;
    CHECK_ERR (zmq_recv (s, &byte, 1, 0), EAGAIN);
    CHECK_ERR (zmq_send (s, "x", 1, 0), EFSM);
    end (s, NULL);
}

TEST (a_raw_router_sees_a_zmtp_peer_as_bytes)
{
    begin ();
    endpoint_t endpoint;
    void *s = raw_router (), *d = new_socket (ctx, ZMQ_DEALER);
    bind_to (s, "tcp", endpoint);
    CHECK_OK (zmq_connect (d, endpoint));
    struct id id = notice (s);
    unsigned char got[256];
    CHECK (recv_at_least (s, id, got, 10, sizeof got) >= 10);
    CHECK (got[0] == 0xff && got[9] == 0x7f);
    end (s, d);
}

TEST (an_http_answer_by_hand)
{
    begin ();
    endpoint_t endpoint;
    int fd;
    struct id id;
    void *s = served (&fd, &id, endpoint);
    const char *request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const char *answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    CHECK (raw_write (fd, request, strlen (request)));
    CHECK (bytes_come (s, id, request));
    CHECK_INT (send_text_to (s, id, answer), 0);
    CHECK_INT (send_text_to (s, id, ""), 0);
    CHECK_INT (peer_reads_to_end (fd, s), strlen (answer));
    end (s, NULL);
}

MAIN
