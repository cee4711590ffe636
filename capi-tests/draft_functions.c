/* The draft API's functions on messages, contexts and sockets. See draft_api.h for
 * where they run. */
#include "draft_api.h"

STORY (has_says_whether_they_are_there)
{
    CHECK_INT (zmq_has ("draft"), has_draft ());
}

DRAFT_STORY (a_message_bears_number_and_group)
{
    zmq_msg_t message, copy;
    zmq_msg_init (&message);
    CHECK_INT (draft.zmq_msg_routing_id (&message), 0);
    CHECK_STR (draft.zmq_msg_group (&message), "");
    CHECK_ERR (draft.zmq_msg_set_routing_id (&message, 0), EINVAL);
    CHECK_OK (draft.zmq_msg_set_routing_id (&message, 0xfffffffe));
    CHECK_OK (draft.zmq_msg_set_group (&message, "weather"));
    char name[300];
    memset (name, 'n', sizeof name);
    name[256] = 0;
    CHECK_ERR (draft.zmq_msg_set_group (&message, name), EINVAL);
    CHECK_STR (draft.zmq_msg_group (&message), "weather");
    name[255] = 0;
    CHECK_OK (draft.zmq_msg_set_group (&message, name));
    CHECK_STR (draft.zmq_msg_group (&message), name);
    zmq_msg_init (&copy);
    CHECK_OK (zmq_msg_copy (&copy, &message));
    CHECK_INT (draft.zmq_msg_routing_id (&copy), 0xfffffffe);
    CHECK_STR (draft.zmq_msg_group (&copy), name);
    zmq_msg_close (&message);
    CHECK_STR (draft.zmq_msg_group (&copy), name);
    CHECK (!zmq_msg_gets (&copy, "Socket-Type"));
    zmq_msg_close (&copy);
    CHECK_ERR (draft.zmq_msg_set_routing_id (&copy, 1), EFAULT);
    CHECK_INT (draft.zmq_msg_routing_id (&copy), 0);
    CHECK_ERR (draft.zmq_msg_set_group (&copy, "a"), EFAULT);
    CHECK (!draft.zmq_msg_group (NULL));
}

DRAFT_STORY (a_buffer_is_copied)
{
    char buffer[1000];
    static const int sizes[] = {0, 1, 33, 40, 41, 1000};
    for (int i = 0; i < 6; i++) {
        zmq_msg_t message;
        memset (buffer, 'a', sizeof buffer);
        CHECK_OK (draft.zmq_msg_init_buffer (&message, buffer, (size_t) sizes[i]));
        memset (buffer, 'b', sizeof buffer);
        CHECK_INT (zmq_msg_size (&message), sizes[i]);
        int good = 0;
        for (int j = 0; j < sizes[i]; j++)
            good += ((char *) zmq_msg_data (&message))[j] == 'a';
        CHECK_INT (good, sizes[i]);
        CHECK_OK (zmq_msg_close (&message));
    }
    zmq_msg_t message;
    CHECK_OK (draft.zmq_msg_init_buffer (&message, NULL, 0));
    zmq_msg_close (&message);
    CHECK_ERR (draft.zmq_msg_init_buffer (&message, NULL, 1), EFAULT);
    CHECK_ERR (draft.zmq_msg_init_buffer (NULL, "", 0), EFAULT);
    CHECK_ERR (draft.zmq_msg_init_buffer (&message, "", SIZE_MAX), ENOMEM);
}

DRAFT_STORY (context_options_may_be_text)
{
    void *c = zmq_ctx_new ();
    char text[64];
    size_t size = sizeof text;
    CHECK_OK (draft.zmq_ctx_get_ext (c, ZMQ_THREAD_NAME_PREFIX, text, &size));
    CHECK_INT (size, 1);
    CHECK_STR (text, "");
    CHECK_OK (draft.zmq_ctx_set_ext (c, ZMQ_THREAD_NAME_PREFIX, "MyApp", 6));
    size = sizeof text;
    CHECK_OK (draft.zmq_ctx_get_ext (c, ZMQ_THREAD_NAME_PREFIX, text, &size));
    CHECK_INT (size, 6);
    CHECK_STR (text, "MyApp");
    size = 5;
    CHECK_ERR (draft.zmq_ctx_get_ext (c, ZMQ_THREAD_NAME_PREFIX, text, &size), EINVAL);
    CHECK_INT (zmq_ctx_get (c, ZMQ_THREAD_NAME_PREFIX), 0);
    CHECK_OK (zmq_ctx_set (c, ZMQ_THREAD_NAME_PREFIX, 42));
    size = sizeof text;
    CHECK_OK (draft.zmq_ctx_get_ext (c, ZMQ_THREAD_NAME_PREFIX, text, &size));
    CHECK_STR (text, "42");
    CHECK_ERR (draft.zmq_ctx_set_ext (c, ZMQ_THREAD_NAME_PREFIX, "", 0), EINVAL);
    CHECK_ERR (draft.zmq_ctx_set_ext (c, ZMQ_THREAD_NAME_PREFIX, "far too long a prefix", 21),
               EINVAL);
    int value = 7;
    CHECK_OK (draft.zmq_ctx_set_ext (c, ZMQ_MAX_SOCKETS, &value, sizeof value));
    value = 0, size = sizeof value;
    CHECK_OK (draft.zmq_ctx_get_ext (c, ZMQ_MAX_SOCKETS, &value, &size));
    CHECK_INT (value, 7);
    CHECK_INT (size, 4);
    CHECK_ERR (draft.zmq_ctx_set_ext (c, ZMQ_MAX_SOCKETS, &value, 3), EINVAL);
    value = 0;
    CHECK_ERR (draft.zmq_ctx_set_ext (c, ZMQ_MAX_SOCKETS, &value, 4), EINVAL);
    CHECK_ERR (draft.zmq_ctx_set_ext (c, 4711, &value, 4), EINVAL);
    CHECK_ERR (draft.zmq_ctx_set_ext (c, ZMQ_MAX_SOCKETS, NULL, 4), EFAULT);
    CHECK_ERR (draft.zmq_ctx_get_ext (NULL, ZMQ_MAX_SOCKETS, &value, &size), EFAULT);
    CHECK_ERR (draft.zmq_ctx_get_ext (c, ZMQ_MAX_SOCKETS, &value, NULL), EFAULT);
    CHECK_OK (draft.zmq_ctx_set_ext (c, ZMQ_THREAD_NAME_PREFIX, "MyApp", 5));
    void *s = zmq_socket (c, ZMQ_PAIR);
    CHECK (s);
    char command[128];
    /* The kernel keeps 15 letters. */
    sprintf (command, "grep -q '^MyApp/ZMQbg/IO/' /proc/%d/task/*/comm", (int) getpid ());
    CHECK_BECOMES (system (command) == 0);
    zmq_close (s);
    CHECK_OK (zmq_ctx_term (c));
}

DRAFT_STORY_ON_EACH_TRANSPORT (a_dish_receives_what_its_groups_are_sent)
{
    void *radio, *dish;
    join_sockets (transport, ZMQ_RADIO, &radio, ZMQ_DISH, &dish);
    CHECK_ERR (draft.zmq_leave (dish, "weather"), EINVAL);
    CHECK_OK (draft.zmq_join (dish, "weather"));
    CHECK_ERR (draft.zmq_join (dish, "weather"), EINVAL);
    CHECK_OK (draft.zmq_join (dish, ""));
    /* Until it has come: what nobody has joined is dropped. */
    zmq_msg_t message;
    zmq_msg_init (&message);
    set_int (dish, ZMQ_RCVTIMEO, 10);
    do
        CHECK_INT (send_to_group (radio, "weather", "hello"), 5);
    while (zmq_msg_recv (&message, dish, 0) < 0);
    CHECK_STR (draft.zmq_msg_group (&message), "weather");
    if (transport == INPROC)
        CHECK (!zmq_msg_gets (&message, "Socket-Type"));
    else
        CHECK_STR (zmq_msg_gets (&message, "Socket-Type"), "RADIO");
    zmq_msg_close (&message);
    while (zmq_recv (dish, NULL, 0, 0) >= 0)
        ;
    set_int (dish, ZMQ_RCVTIMEO, WAIT_MS);
    CHECK_INT (send_to_group (radio, "weathe", "too short"), 9);
    CHECK_INT (send_to_group (radio, "weather!", "too long"), 8);
    CHECK_INT (send_to_group (radio, "weather", "right"), 5);
    SEND (radio, "to the one without a name");
    CHECK_GROUP (dish, "weather", "right");
    CHECK_GROUP (dish, "", "to the one without a name");
    CHECK_EMPTY (dish);
    /* What is on its way to a group that was left is dropped. */
    CHECK_INT (send_to_group (radio, "weather", "late"), 4);
    CHECK_OK (draft.zmq_leave (dish, "weather"));
    SEND (radio, "last");
    CHECK_GROUP (dish, "", "last");
    CHECK_EMPTY (dish);
}

DRAFT_STORY_ON_EACH_TRANSPORT (groups_joined_before_the_connection_count)
{
    const char *endpoint = fresh_endpoint (transport);
    void *dish = open_socket (ZMQ_DISH), *radio = open_socket (ZMQ_RADIO);
    CHECK_OK (draft.zmq_join (dish, "a"));
    CHECK_OK (zmq_connect (dish, endpoint));
    CHECK_OK (draft.zmq_join (dish, "b"));
    CHECK_OK (zmq_bind (radio, endpoint));
    set_int (dish, ZMQ_RCVTIMEO, 10);
    char group[2] = "b";
    do
        CHECK_INT (send_to_group (radio, "b", "hello"), 5);
    while (zmq_recv (dish, group, 1, 0) < 0);
    while (zmq_recv (dish, NULL, 0, 0) >= 0)
        ;
    set_int (dish, ZMQ_RCVTIMEO, WAIT_MS);
    CHECK_INT (send_to_group (radio, "a", "one"), 3);
    CHECK_GROUP (dish, "a", "one");
}

DRAFT_STORY_ON_EACH_TRANSPORT (each_of_many_dishes_gets_its_own)
{
    enum { N = 4 };
    const char *endpoint;
    void *radio = bound_socket (ZMQ_RADIO, transport, &endpoint), *dish[N];
    char group[8], text[16];
    for (int i = 0; i < N; i++) {
        dish[i] = connected_socket (ZMQ_DISH, endpoint);
        sprintf (group, "g%d", i);
        CHECK_OK (draft.zmq_join (dish[i], group));
        CHECK_OK (draft.zmq_join (dish[i], "all"));
        set_int (dish[i], ZMQ_RCVTIMEO, 10);
        do
            send_to_group (radio, "all", "ready");
        while (zmq_recv (dish[i], NULL, 0, 0) < 0);
    }
    for (int i = 0; i < N; i++) {
        while (zmq_recv (dish[i], NULL, 0, 0) >= 0)
            ;
        set_int (dish[i], ZMQ_RCVTIMEO, WAIT_MS);
    }
    for (int i = 0; i < 100; i++) {
        sprintf (group, "g%d", i % N);
        sprintf (text, "%d", i);
        send_to_group (radio, group, text);
        send_to_group (radio, "nobody", text);
    }
    send_to_group (radio, "all", "end");
    for (int i = 0; i < N; i++) {
        for (int j = i; j < 100; j += N) {
            sprintf (group, "g%d", i);
            sprintf (text, "%d", j);
            CHECK_GROUP (dish[i], group, text);
        }
        CHECK_GROUP (dish[i], "all", "end");
        CHECK_EMPTY (dish[i]);
    }
}

/* By hand: what is said on the wire, and that a reconnect begins with all groups. */
DRAFT_STORY (joins_are_said_anew_on_each_connection)
{
    char endpoint[64];
    int listener = peer_listen (endpoint);
    void *dish = open_socket (ZMQ_DISH);
    set_int (dish, ZMQ_RECONNECT_IVL, 10);
    CHECK_OK (draft.zmq_join (dish, "one"));
    CHECK_OK (zmq_connect (dish, endpoint));
    int peer = peer_accept (listener, 1, "RADIO");
    CHECK_FRAME (peer, "4:%04JOINone");
    CHECK_OK (draft.zmq_join (dish, "two"));
    CHECK_FRAME (peer, "4:%04JOINtwo");
    CHECK_OK (draft.zmq_leave (dish, "one"));
    CHECK_FRAME (peer, "4:%05LEAVEone");
    peer_frame (peer, 1, "two");
    peer_frame (peer, 0, "body");
    CHECK_GROUP (dish, "two", "body");
    close (peer);
    /* A peer of ZMTP 3.0 is told in the same way. */
    peer = peer_accept (listener, 0, "RADIO");
    CHECK_FRAME (peer, "4:%04JOINtwo");
    close (peer);
    close (listener);
}

DRAFT_STORY (other_types_have_no_groups)
{
    void *sub = open_socket (ZMQ_SUB), *radio = open_socket (ZMQ_RADIO), *dish = open_socket (ZMQ_DISH);
    CHECK_ERR (draft.zmq_join (sub, "a"), ENOTSUP);
    CHECK_ERR (draft.zmq_leave (radio, "a"), ENOTSUP);
    CHECK_ERR (draft.zmq_join (NULL, "a"), ENOTSOCK);
    CHECK_ERR (draft.zmq_join (dish, NULL), EFAULT);
    char name[257];
    memset (name, 'g', 256);
    name[256] = 0;
    CHECK_ERR (draft.zmq_join (dish, name), EINVAL);
    CHECK_OK (draft.zmq_join (dish, name + 1));
    CHECK_OK (draft.zmq_leave (dish, name + 1));
}

DRAFT_STORY_ON_EACH_TRANSPORT (a_peer_that_connects_speaks_first)
{
    const char *endpoint;
    void *bound = bound_socket (ZMQ_PEER, transport, &endpoint), *s[2];
    uint32_t number[2];
    for (int i = 0; i < 2; i++) {
        s[i] = open_socket (ZMQ_PEER);
        number[i] = draft.zmq_connect_peer (s[i], endpoint);
        CHECK (number[i] != 0);
        CHECK_INT (send_numbered_to (s[i], number[i], i ? "two" : "one"), 3);
        zmq_msg_t message = recv_message (bound);
        CHECK_BODY (&message, i ? "two" : "one");
        CHECK (draft.zmq_msg_routing_id (&message) != 0);
        CHECK_INT (zmq_msg_send (&message, bound, 0), 3);
        message = recv_message (s[i]);
        CHECK_INT (draft.zmq_msg_routing_id (&message), number[i]);
        zmq_msg_close (&message);
    }
    CHECK (draft.zmq_connect_peer (s[0], endpoint) != number[0]);
    /* What was connected can be disconnected in either way. */
    CHECK_OK (draft.zmq_disconnect_peer (s[1], number[1]));
    CHECK_ERR (draft.zmq_disconnect_peer (s[1], number[1]), EHOSTUNREACH);
    CHECK_ERR (send_numbered_to (s[1], number[1], "gone"), EHOSTUNREACH);
}

DRAFT_STORY (connecting_a_peer_may_fail)
{
    void *peer = open_socket (ZMQ_PEER), *server = open_socket (ZMQ_SERVER);
    CHECK_INT (draft.zmq_connect_peer (server, "inproc://a"), 0);
    CHECK_INT (errno, ENOTSUP);
    CHECK_INT (draft.zmq_connect_peer (NULL, "inproc://a"), 0);
    CHECK_INT (errno, ENOTSOCK);
    CHECK_INT (draft.zmq_connect_peer (peer, "nonsense"), 0);
    CHECK_INT (errno, EINVAL);
    CHECK_INT (draft.zmq_connect_peer (peer, "foo://a"), 0);
    CHECK_INT (errno, EPROTONOSUPPORT);
    set_int (peer, ZMQ_IMMEDIATE, 1);
    CHECK_INT (draft.zmq_connect_peer (peer, "tcp://127.0.0.1:9"), 0);
    CHECK_INT (errno, EFAULT);
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_ERR (draft.zmq_disconnect_peer (dealer, 1), ENOTSUP);
    CHECK_ERR (draft.zmq_disconnect_peer (server, 1), EHOSTUNREACH);
}

DRAFT_STORY_ON_EACH_TRANSPORT (a_server_disconnects_a_client)
{
    const char *endpoint;
    void *server = bound_socket (ZMQ_SERVER, transport, &endpoint);
    void *client = connected_socket (ZMQ_CLIENT, endpoint);
    void *other = connected_socket (ZMQ_CLIENT, endpoint);
    SEND (other, "other");
    zmq_msg_t from_other = recv_message (server);
    SEND (client, "a");
    zmq_msg_t message = recv_message (server);
    uint32_t number = draft.zmq_msg_routing_id (&message);
    zmq_msg_close (&message);
    CHECK_OK (draft.zmq_disconnect_peer (server, number));
    CHECK_ERR (send_numbered_to (server, number, "b"), EHOSTUNREACH);
    CHECK_INT (zmq_msg_send (&from_other, server, 0), 5);
    CHECK_RECV (other, "other");
}

DRAFT_STORY (a_router_knows_the_state_of_its_peers)
{
    const char *endpoint;
    void *router = open_socket (ZMQ_ROUTER), *dealer = open_socket (ZMQ_DEALER);
    set_int (router, ZMQ_SNDHWM, 1);
    set_int (dealer, ZMQ_RCVHWM, 1);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "me", 2));
    endpoint = bind_any (router, INPROC);
    CHECK_ERR (draft.zmq_socket_get_peer_state (router, "me", 2), EHOSTUNREACH);
    CHECK_OK (zmq_connect (dealer, endpoint));
    CHECK_INT (draft.zmq_socket_get_peer_state (router, "me", 2), ZMQ_POLLOUT);
    SEND (dealer, "x");
    CHECK_INT (draft.zmq_socket_get_peer_state (router, "me", 2), ZMQ_POLLIN | ZMQ_POLLOUT);
    CHECK_RECV (router, "me|x");
    SEND (router, "me|1");
    SEND (router, "me|2");
    CHECK_INT (draft.zmq_socket_get_peer_state (router, "me", 2), 0);
    CHECK_ERR (draft.zmq_socket_get_peer_state (router, "you", 3), EHOSTUNREACH);
    CHECK_ERR (draft.zmq_socket_get_peer_state (dealer, "me", 2), ENOTSUP);
    CHECK_ERR (draft.zmq_socket_get_peer_state (router, NULL, 2), EFAULT);
    CHECK_ERR (draft.zmq_socket_get_peer_state (NULL, "me", 2), ENOTSOCK);
}

MAIN
