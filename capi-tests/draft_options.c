/* Options that libzmq has only where it was built with the draft API. See draft_api.h
 * for where they run; elsewhere they are EINVAL. */
#include "draft_api.h"

enum { HICCUP_MSG = 114, XSUB_VERBOSE_UNSUBSCRIBE = 115, TOPICS_COUNT = 116, BUSY_POLL = 113 };

static int set_text (void *s, int option, const char *text)
{
    return zmq_setsockopt (s, option, text, strlen (text));
}

STORY (without_the_draft_api_they_are_none)
{
    if (has_draft ())
        return;
    void *router = open_socket (ZMQ_ROUTER), *xsub = open_socket (ZMQ_XSUB);
    CHECK_ERR (set_int (router, ZMQ_ROUTER_NOTIFY, 1), EINVAL);
    CHECK_ERR (set_text (router, ZMQ_HELLO_MSG, "x"), EINVAL);
    CHECK_ERR (set_text (router, ZMQ_DISCONNECT_MSG, "x"), EINVAL);
    CHECK_ERR (set_int (router, ZMQ_PRIORITY, 1), EINVAL);
    CHECK_ERR (set_int (xsub, XSUB_VERBOSE_UNSUBSCRIBE, 1), EINVAL);
    int count;
    size_t size = sizeof count;
    CHECK_ERR (zmq_getsockopt (xsub, TOPICS_COUNT, &count, &size), EINVAL);
}

DRAFT_STORY_ON_EACH_TRANSPORT (each_connection_begins_with_the_hello)
{
    static const int types[][2] = {{ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_SERVER, ZMQ_CLIENT}};
    for (int i = 0; i < 2; i++) {
        void *bound = open_socket (types[i][0]);
        CHECK_OK (set_text (bound, ZMQ_HELLO_MSG, "hello"));
        const char *endpoint = bind_any (bound, transport);
        void *one = connected_socket (types[i][1], endpoint);
        if (transport == INPROC)
            settle (bound);
        CHECK_RECV (one, "hello");
        void *two = open_socket (types[i][1]);
        CHECK_OK (set_text (two, ZMQ_HELLO_MSG, "from two"));
        CHECK_OK (zmq_connect (two, endpoint));
        if (transport == INPROC)
            settle (bound);
        CHECK_RECV (two, "hello");
        zmq_msg_t message = recv_message (bound);
        if (types[i][0] == ZMQ_ROUTER) {
            zmq_msg_close (&message);
            message = recv_message (bound);
        }
        CHECK_BODY (&message, "from two");
        zmq_msg_close (&message);
        CHECK_EMPTY (one);
    }
    CHECK_ERR (set_text (open_socket (ZMQ_PUB), ZMQ_HELLO_MSG, "x"), EINVAL);
}

DRAFT_STORY_ON_NETWORK_TRANSPORTS (who_goes_leaves_a_message)
{
    void *server = open_socket (ZMQ_SERVER), *client = open_socket (ZMQ_CLIENT);
    CHECK_OK (set_text (server, ZMQ_DISCONNECT_MSG, "gone"));
    CHECK_OK (set_text (client, HICCUP_MSG, "hiccup"));
    set_int (client, ZMQ_RECONNECT_IVL, 10);
    char endpoint[256];
    strcpy (endpoint, bind_any (server, transport));
    CHECK_OK (zmq_connect (client, endpoint));
    SEND (client, "a");
    zmq_msg_t message = recv_message (server);
    uint32_t number = draft.zmq_msg_routing_id (&message);
    zmq_msg_close (&message);
    void *brief = connected_socket (ZMQ_CLIENT, endpoint);
    SEND (brief, "b");
    CHECK_RECV (server, "b");
    close_socket (brief);
    message = recv_message (server);
    CHECK_BODY (&message, "gone");
    CHECK (draft.zmq_msg_routing_id (&message) != number);
    zmq_msg_close (&message);
    close_socket (server);
    CHECK_RECV (client, "hiccup");
    server = open_socket (ZMQ_SERVER);
    rebind (server, endpoint);
    SEND (client, "back");
    CHECK_RECV (server, "back");
    CHECK_ERR (set_text (server, HICCUP_MSG, "x"), EINVAL);
    CHECK_ERR (set_text (client, ZMQ_DISCONNECT_MSG, "x"), EINVAL);
}

DRAFT_STORY_ON_EACH_TRANSPORT (a_router_is_told_who_comes_and_goes)
{
    void *router = open_socket (ZMQ_ROUTER), *dealer = open_socket (ZMQ_DEALER);
    CHECK_ERR (set_int (router, ZMQ_ROUTER_NOTIFY, 4), EINVAL);
    CHECK_ERR (set_int (dealer, ZMQ_ROUTER_NOTIFY, 1), EINVAL);
    CHECK_OK (set_int (router, ZMQ_ROUTER_NOTIFY, ZMQ_NOTIFY_CONNECT | ZMQ_NOTIFY_DISCONNECT));
    const char *endpoint = bind_any (router, transport);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "me", 2));
    CHECK_OK (zmq_connect (dealer, endpoint));
    CHECK_RECV (router, "me|");
    SEND (dealer, "x");
    CHECK_RECV (router, "me|x");
    SEND (router, "me|y");
    CHECK_RECV (dealer, "y");
    close_socket (dealer);
    CHECK_RECV (router, "me|");
    CHECK_EMPTY (router);
}

DRAFT_STORY (topics_are_counted)
{
    void *xpub, *sub;
    join_sockets (INPROC, ZMQ_XPUB, &xpub, ZMQ_SUB, &sub);
    CHECK_INT (int_option (sub, TOPICS_COUNT), 0);
    CHECK_OK (set_text (sub, ZMQ_SUBSCRIBE, "a"));
    CHECK_OK (set_text (sub, ZMQ_SUBSCRIBE, "b"));
    CHECK_OK (set_text (sub, ZMQ_SUBSCRIBE, "b"));
    CHECK_INT (int_option (sub, TOPICS_COUNT), 2);
    CHECK_RECV (xpub, "%01a");
    CHECK_INT (int_option (xpub, TOPICS_COUNT), 2);
    CHECK_OK (set_text (sub, ZMQ_UNSUBSCRIBE, "a"));
    CHECK_INT (int_option (sub, TOPICS_COUNT), 1);
    int count;
    size_t size = sizeof count;
    CHECK_ERR (zmq_getsockopt (open_socket (ZMQ_PAIR), TOPICS_COUNT, &count, &size), EINVAL);
}

DRAFT_STORY (every_end_of_a_subscription_may_be_sent)
{
    char endpoint[64];
    int listener = peer_listen (endpoint);
    void *xsub = open_socket (ZMQ_XSUB);
    CHECK_OK (set_int (xsub, XSUB_VERBOSE_UNSUBSCRIBE, 1));
    CHECK_OK (zmq_connect (xsub, endpoint));
    int peer = peer_accept (listener, 1, "PUB");
    SEND (xsub, "%01a");
    SEND (xsub, "%01a");
    SEND (xsub, "%00a");
    SEND (xsub, "%00a");
    SEND (xsub, "%00never");
    CHECK_FRAME (peer, "0:%01a");
    CHECK_FRAME (peer, "0:%01a");
    CHECK_FRAME (peer, "0:%00a");
    CHECK_FRAME (peer, "0:%00a");
    CHECK_FRAME (peer, "0:%00never");
    close (peer);
    close (listener);
}

DRAFT_STORY (the_kernel_is_told_of_priorities)
{
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_PRIORITY, 3));
    CHECK_INT (int_option (push, ZMQ_PRIORITY), 3);
    CHECK_ERR (set_int (push, ZMQ_PRIORITY, -1), EINVAL);
    CHECK_OK (set_int (pull, BUSY_POLL, 20));
    CHECK_INT (int_option (pull, BUSY_POLL), 20);
    const char *endpoint = bind_any (pull, TCP);
    CHECK_OK (zmq_connect (push, endpoint));
    SEND (push, "x");
    CHECK_RECV (pull, "x");
    int found = 0;
    for (int fd = 3; fd < 64; fd++) {
        int value = 0;
        socklen_t size = sizeof value;
        if (!getsockopt (fd, SOL_SOCKET, SO_PRIORITY, &value, &size) && value == 3)
            found++;
    }
    CHECK (found >= 1);
}

MAIN
