/* ZMQ_LAST_ENDPOINT, unbind and disconnect, and what becomes of connections
 * and messages then. */
#include "fixtures.h"

TEST (last_endpoint_names_what_was_bound)
{
    begin ();
    void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
    endpoint_t endpoint, again;
    last_endpoint (a, endpoint);
    CHECK_STR (endpoint, "");
    bind_to (a, "tcp", endpoint);
    CHECK (strncmp (endpoint, "tcp://127.0.0.1:", 16) == 0);
    CHECK (atoi (endpoint + 16) > 0);
    CHECK_OK (zmq_connect (b, endpoint));
    last_endpoint (b, again);
    CHECK_STR (again, endpoint);
    CHECK_OK (zmq_bind (b, "inproc://name"));
    last_endpoint (b, again);
    CHECK_STR (again, "inproc://name");
    /* A failed bind changes nothing. */
    CHECK_ERR (zmq_bind (b, "inproc://name"), EADDRINUSE);
    CHECK_ERR (zmq_bind (b, "nonsense"), EINVAL);
    last_endpoint (b, again);
    CHECK_STR (again, "inproc://name");
    CHECK_OK (chdir (folder));
    bind_to (b, "ipc://*", again);
    CHECK (strncmp (again, "ipc://", 6) == 0);
    CHECK (strchr (again, '*') == NULL);
    CHECK_OK (zmq_unbind (b, again));
    end (a, b);
}

TEST (unbind)
{
    static const char *const where[] = {"inproc://gone", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *a = new_socket (ctx, ZMQ_PULL), *b = new_socket (ctx, ZMQ_PULL);
        bind_to (a, where[i], endpoint);
        CHECK_OK (zmq_unbind (a, endpoint));
        CHECK_ERR (zmq_unbind (a, endpoint), ENOENT);
        CHECK_ERR (zmq_unbind (b, endpoint), ENOENT);
        CHECK_ERR (zmq_disconnect (a, endpoint), ENOENT);
        /* The address is free again. */
        CHECK_BECOMES (zmq_bind (b, endpoint) == 0);
        end (a, b);
    }
}

TEST (disconnect)
{
    static const char *const where[] = {"inproc://gone", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        CHECK_ERR (zmq_disconnect (push, endpoint), ENOENT);
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_SEND (push, "x", 0);
        CHECK_RECV (pull, "x");
        CHECK_OK (zmq_disconnect (push, endpoint));
        CHECK_ERR (zmq_disconnect (push, endpoint), ENOENT);
        CHECK_ERR (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_SEND (push, "y", 0);
        CHECK_RECV (pull, "y");
        end (push, pull);
    }
}

TEST (bad_names_for_unbind_and_disconnect)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PAIR);
    static const char *const bad[] = {"", "nonsense", "tcp", "://", "inproc:/x"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_ERR (zmq_unbind (s, bad[i]), EINVAL);
        CHECK_ERR (zmq_disconnect (s, bad[i]), EINVAL);
    }
    CHECK_ERR (zmq_unbind (s, NULL), EINVAL);
    CHECK_ERR (zmq_disconnect (s, NULL), EINVAL);
    CHECK_ERR (zmq_unbind (s, "nosuch://x"), EPROTONOSUPPORT);
    CHECK_ERR (zmq_disconnect (s, "nosuch://x"), EPROTONOSUPPORT);
    CHECK_ERR (zmq_unbind (s, "tcp://127.0.0.1:1"), ENOENT);
    CHECK_ERR (zmq_disconnect (s, "tcp://127.0.0.1:1"), ENOENT);
    CHECK_ERR (zmq_unbind (s, "inproc://x"), ENOENT);
    CHECK_ERR (zmq_disconnect (s, "ipc:///tmp/x"), ENOENT);
    end (s, NULL);
}

TEST (unbind_ends_the_connections_it_accepted)
{
    static const char *const where[] = {"tcp", "ipc"};
    for (int i = 0; i < 2; i++) {
        begin ();
        endpoint_t endpoint;
        void *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        int fd = raw_connect (endpoint);
        CHECK (raw_handshake (fd, "PUSH"));
        CHECK (raw_write (fd, "\0\3one\0\3two", 10));
        CHECK_RECV (pull, "one");
        CHECK_OK (zmq_unbind (pull, endpoint));
        /* What had arrived is delivered, then the connection closes. */
        CHECK_RECV (pull, "two");
        struct pollfd item = {fd, POLLIN, 0};
        CHECK_BECOMES (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT) == -1
                       && poll (&item, 1, 0) == 1);
        char byte;
        CHECK (recv (fd, &byte, 1, 0) <= 0);
        close (fd);
        CHECK_BECOMES (raw_try_connect (endpoint) == -1);
        end (pull, NULL);
    }
}

TEST (unbind_leaves_inproc_peers)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://stays", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "before", 0);
    CHECK_RECV (pull, "before");
    CHECK_OK (zmq_unbind (pull, "inproc://stays"));
    CHECK_SEND (push, "after", 0);
    CHECK_RECV (pull, "after");
    end (push, pull);
}

TEST (messages_arrived_outlive_their_sender)
{
    static const char *const where[] = {"inproc://left", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *push = zmq_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        CHECK_OK (zmq_connect (push, endpoint));
        for (int n = 0; n < 100; n++)
            CHECK_SEND (push, "left behind", 0);
        CHECK_OK (zmq_close (push));
        for (int n = 0; n < 100; n++)
            CHECK_RECV (pull, "left behind");
        end (pull, NULL);
    }
}

TEST (connect_before_bind)
{
    static const char *const where[] = {"inproc://late", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        endpoint_t endpoint;
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, where[i], endpoint);
        CHECK_OK (zmq_unbind (pull, endpoint));
        CHECK_OK (zmq_connect (push, endpoint));
        for (int n = 0; n < 10; n++)
            CHECK_SEND (push, "early", ZMQ_DONTWAIT);
        CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
        for (int n = 0; n < 10; n++)
            CHECK_RECV (pull, "early");
        end (push, pull);
    }
}

TEST (closing_an_inproc_peer_closes_the_pipe)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://peer", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "unread", 0);
    CHECK_OK (zmq_close (pull));
    CHECK_BECOMES (zmq_send (push, "x", 1, ZMQ_DONTWAIT) == -1
                   && errno == EAGAIN);
    end (push, NULL);
}

TEST (a_socket_bound_and_connected_many_times)
{
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    static const char *const where[] = {"tcp", "ipc", "inproc://many", "tcp"};
    endpoint_t endpoint;
    for (int i = 0; i < 4; i++) {
        bind_to (pull, where[i], endpoint);
        CHECK_OK (zmq_connect (push, endpoint));
    }
    for (int i = 0; i < 40; i++)
        CHECK_SEND (push, "x", 0);
    for (int i = 0; i < 40; i++)
        CHECK_RECV (pull, "x");
    end (push, pull);
}

MAIN
