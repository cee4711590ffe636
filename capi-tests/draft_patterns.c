/* CLIENT and SERVER (RFC 41), SCATTER and GATHER (RFC 49), PEER (RFC 51), CHANNEL
 * (RFC 52). A message that a SERVER received bears the number of its peer: sent
 * back, it finds its way without any function of the draft API. */
#include "draft.h"

STORY_ON_EACH_TRANSPORT (a_server_answers_who_asked)
{
    if (!meets_over (transport))
        return;
    enum { CLIENTS = 3 };
    const char *endpoint;
    void *server = bound_socket (ZMQ_SERVER, transport, &endpoint);
    void *client[CLIENTS];
    zmq_msg_t request[CLIENTS];
    char text[8];
    for (int i = 0; i < CLIENTS; i++) {
        client[i] = connected_socket (ZMQ_CLIENT, endpoint);
        sprintf (text, "ask %d", i);
        SEND (client[i], text);
        request[i] = recv_message (server);
        CHECK_BODY (&request[i], text);
        CHECK_INT (zmq_msg_more (&request[i]), 0);
    }
    for (int round = 0; round < 2; round++)
        for (int i = CLIENTS; i-- > 0;) {
            zmq_msg_t reply;
            zmq_msg_init (&reply);
            CHECK_OK (zmq_msg_copy (&reply, &request[i]));
            CHECK_INT (zmq_msg_send (&reply, server, 0), 5);
        }
    for (int i = 0; i < CLIENTS; i++) {
        sprintf (text, "ask %d", i);
        CHECK_RECV (client[i], text);
        CHECK_RECV (client[i], text);
        CHECK_EMPTY (client[i]);
        zmq_msg_close (&request[i]);
    }
}

STORY_ON_EACH_TRANSPORT (a_server_may_connect)
{
    if (!meets_over (transport))
        return;
    void *client, *server;
    join_sockets (transport, ZMQ_CLIENT, &client, ZMQ_SERVER, &server);
    SEND (client, "ask");
    zmq_msg_t request = recv_message (server);
    CHECK_INT (zmq_msg_send (&request, server, 0), 3);
    CHECK_RECV (client, "ask");
}

STORY (a_message_without_a_number_goes_nowhere)
{
    void *client, *server;
    join_sockets (INPROC, ZMQ_SERVER, &server, ZMQ_CLIENT, &client);
    SEND (client, "a");
    CHECK_RECV (server, "a");
    CHECK_ERR (zmq_send (server, "b", 1, 0), EHOSTUNREACH);
    CHECK_INT (int_option (server, ZMQ_EVENTS), ZMQ_POLLOUT);
    SEND (client, "c");
    zmq_msg_t request = recv_message (server);
    /* The number stays with a message that is not sent ... */
    CHECK_ERR (zmq_msg_send (&request, server, ZMQ_SNDMORE), EINVAL);
    CHECK_INT (zmq_msg_send (&request, server, 0), 1);
    /* ... and goes with one that is. */
    CHECK_ERR (zmq_msg_send (&request, server, 0), EHOSTUNREACH);
    zmq_msg_close (&request);
    /* To a client it means nothing: what it got, it may send on. */
    zmq_msg_t reply = recv_message (client);
    CHECK_INT (zmq_msg_send (&reply, client, 0), 1);
    CHECK_RECV (server, "c");
}

STORY (the_number_travels_between_threads)
{
    void *client, *server, *front, *worker;
    join_sockets (INPROC, ZMQ_SERVER, &server, ZMQ_CLIENT, &client);
    join_sockets (INPROC, ZMQ_PAIR, &front, ZMQ_PAIR, &worker);
    SEND (client, "job");
    zmq_msg_t job = recv_message (server);
    CHECK_INT (zmq_msg_send (&job, front, 0), 3);
    job = recv_message (worker);
    CHECK_INT (zmq_msg_send (&job, worker, 0), 3);
    job = recv_message (front);
    CHECK_INT (zmq_msg_send (&job, server, 0), 3);
    CHECK_RECV (client, "job");
}

STORY_ON_EACH_TRANSPORT (a_client_that_has_left_is_unreachable)
{
    if (!meets_over (transport))
        return;
    void *client, *server;
    join_sockets (transport, ZMQ_SERVER, &server, ZMQ_CLIENT, &client);
    SEND (client, "a");
    zmq_msg_t request = recv_message (server);
    close_socket (client);
    if (on_oracle ()) {
        /* It may not have heard of it, or only of a part of it. */
        int rc = zmq_msg_send (&request, server, ZMQ_DONTWAIT);
        CHECK (rc == 1 || errno == EAGAIN || errno == EHOSTUNREACH);
    } else {
        zmq_msg_t copy;
        int rc;
        do {
            zmq_msg_init (&copy);
            zmq_msg_copy (&copy, &request);
            rc = zmq_msg_send (&copy, server, ZMQ_DONTWAIT);
            int error = errno;
            zmq_msg_close (&copy);
            if (rc < 0 && error == EAGAIN)
                sleep_ms (1); /* full, and the end is not known yet */
            errno = error;
        } while (rc == 1 || errno == EAGAIN);
        CHECK_INT (errno, EHOSTUNREACH);
        CHECK_ERR (zmq_msg_send (&request, server, 0), EHOSTUNREACH);
    }
    zmq_msg_close (&request);
}

STORY (a_full_client_makes_its_server_wait)
{
    void *server = open_socket (ZMQ_SERVER), *client = open_socket (ZMQ_CLIENT);
    set_int (server, ZMQ_SNDHWM, 2);
    set_int (client, ZMQ_RCVHWM, 2);
    const char *endpoint = bind_any (server, INPROC);
    CHECK_OK (zmq_connect (client, endpoint));
    SEND (client, "x");
    zmq_msg_t request = recv_message (server), copy;
    for (int i = 0; i < 5; i++) {
        zmq_msg_init (&copy);
        zmq_msg_copy (&copy, &request);
        if (i < 4)
            CHECK_INT (zmq_msg_send (&copy, server, 0), 1);
    }
    CHECK_ERR (zmq_msg_send (&copy, server, ZMQ_DONTWAIT), EAGAIN);
    set_int (server, ZMQ_SNDTIMEO, 20);
    CHECK_ERR (zmq_msg_send (&copy, server, 0), EAGAIN);
    CHECK_BODY (&copy, "x");
    CHECK_INT (drain (client), 4);
    CHECK_INT (zmq_msg_send (&copy, server, 0), 1);
    CHECK_RECV (client, "x");
    zmq_msg_close (&request);
}

STORY_ON_EACH_TRANSPORT (a_client_spreads_over_its_servers)
{
    if (!meets_over (transport))
        return;
    enum { N = 3 };
    void *client = open_socket (ZMQ_CLIENT), *server[N];
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        server[i] = bound_socket (ZMQ_SERVER, transport, &endpoint);
        CHECK_OK (zmq_connect (client, endpoint));
    }
    CHECK_INT (send_numbered (client, 0, 300), 300);
    int good = 0;
    for (int i = 0; i < 300; i++) {
        zmq_msg_t request = recv_message (server[i % N]);
        good += atoi (zmq_msg_data (&request)) == i;
        MUST (zmq_msg_send (&request, server[i % N], 0) > 0);
    }
    CHECK_INT (good, 300);
    for (int i = 0; i < 300; i++)
        MUST (recv_text (client, 0));
    CHECK_EMPTY (client);
}

STORY_ON_EACH_TRANSPORT (scatter_and_gather_are_one_way)
{
    if (!meets_over (transport))
        return;
    enum { N = 3 };
    void *scatter = open_socket (ZMQ_SCATTER), *gather[N];
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        gather[i] = bound_socket (ZMQ_GATHER, transport, &endpoint);
        CHECK_OK (zmq_connect (scatter, endpoint));
    }
    CHECK_INT (send_numbered (scatter, 0, 300), 300);
    int good = 0;
    for (int i = 0; i < 300; i++) {
        const char *text = recv_text (gather[i % N], 0);
        good += text && atoi (text) == i;
    }
    CHECK_INT (good, 300);
    CHECK_ERR (zmq_send (gather[0], "", 0, 0), ENOTSUP);
    CHECK_ERR (zmq_recv (scatter, NULL, 0, 0), ENOTSUP);
}

STORY_ON_EACH_TRANSPORT (gather_takes_turns)
{
    if (!meets_over (transport))
        return;
    const char *endpoint;
    void *gather = bound_socket (ZMQ_GATHER, transport, &endpoint), *scatter[2];
    for (int i = 0; i < 2; i++) {
        scatter[i] = connected_socket (ZMQ_SCATTER, endpoint);
        SEND (scatter[i], "hello");
        CHECK_RECV (gather, "hello");
    }
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 2; j++)
            SEND (scatter[j], j ? "b" : "a");
    int count[2] = {0, 0};
    for (int i = 0; i < 20; i++)
        count[*recv_text (gather, 0) == 'b']++;
    CHECK_INT (count[0], 10);
    CHECK_INT (count[1], 10);
}

STORY_ON_EACH_TRANSPORT (a_channel_has_one_peer)
{
    if (!meets_over (transport))
        return;
    const char *endpoint;
    void *bound = bound_socket (ZMQ_CHANNEL, transport, &endpoint);
    CHECK_ERR (zmq_send (bound, "a", 1, ZMQ_DONTWAIT), EAGAIN);
    void *first = connected_socket (ZMQ_CHANNEL, endpoint);
    SEND (first, "to");
    CHECK_RECV (bound, "to");
    SEND (bound, "fro");
    CHECK_RECV (first, "fro");
    void *second = connected_socket (ZMQ_CHANNEL, endpoint);
    zmq_send (second, "third", 5, ZMQ_DONTWAIT);
    SEND (first, "again");
    CHECK_RECV (bound, "again");
    CHECK_EMPTY (bound);
    SEND (bound, "fro");
    CHECK_RECV (first, "fro");
}

STORY (peers_that_were_not_spoken_to_cannot_be)
{
    void *a, *b;
    join_sockets (INPROC, ZMQ_PEER, &a, ZMQ_PEER, &b);
    CHECK_ERR (zmq_send (a, "x", 1, 0), EHOSTUNREACH);
    CHECK_ERR (zmq_send (b, "x", 1, 0), EHOSTUNREACH);
    CHECK_EMPTY (a);
    CHECK_INT (int_option (b, ZMQ_EVENTS), ZMQ_POLLOUT);
}

/* By hand: the oracle cannot begin, and its peers have no name over tcp. */
STORY (a_peer_answers_a_peer)
{
    if (on_oracle ())
        return;
    const char *endpoint;
    void *s = bound_socket (ZMQ_PEER, TCP, &endpoint);
    int one = peer_connect (endpoint, "PEER"), two = peer_connect (endpoint, "PEER");
    peer_frame (one, 0, "one");
    zmq_msg_t from_one = recv_message (s);
    peer_frame (two, 0, "two");
    zmq_msg_t from_two = recv_message (s);
    CHECK_STR (zmq_msg_gets (&from_one, "Socket-Type"), "PEER");
    CHECK_INT (zmq_msg_send (&from_two, s, 0), 3);
    CHECK_INT (zmq_msg_send (&from_one, s, 0), 3);
    CHECK_FRAME (two, "0:two");
    CHECK_FRAME (one, "0:one");
    close (one);
    close (two);
}

/* What is sent while a peer is away waits for it. */
STORY (a_reconnected_client_loses_nothing)
{
    if (on_oracle ())
        return;
    const char *endpoint;
    void *server = bound_socket (ZMQ_SERVER, TCP, &endpoint);
    void *client = connected_socket (ZMQ_CLIENT, endpoint);
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    SEND (client, "a");
    CHECK_RECV (server, "a");
    char copy[128];
    strcpy (copy, endpoint);
    close_socket (server);
    SEND (client, "b");
    server = open_socket (ZMQ_SERVER);
    rebind (server, copy);
    SEND (client, "c");
    const char *text = recv_text (server, 0);
    /* The first connection may have taken it. */
    if (text && !strcmp (text, "b"))
        text = recv_text (server, 0);
    CHECK_STR (text ? text : "nothing", "c");
}

MAIN
