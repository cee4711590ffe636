/* What stays in memory: messages that the program keeps, and nothing of peers
 * that have gone. */
#include "sockets.h"
#include "raw.h"

/* A message that is kept keeps what came with it only in bounds: of much that
 * was received, a little is kept. */
STORY_ON_NETWORK_TRANSPORTS (small_messages_do_not_hold_on_to_large_buffers)
{
    if (on_oracle ())
        return; /* each keeps the 8 KiB it was read with */
    enum { KEPT = 5000, FILLER = 8000 };
    static const int sizes[] = {50, 300, 1000};
    static zmq_msg_t kept[KEPT];
    static char body[FILLER];
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    for (int i = 0; i < 3; i++) {
        long before = 0;
        for (int n = -500; n < KEPT; n++) {
            if (n == 0)
                before = resident_kb ();
            MUST (zmq_send (push, body, (size_t) sizes[i], 0) == sizes[i]);
            MUST (zmq_send (push, body, FILLER, 0) == FILLER);
            zmq_msg_t passing, *to = n < 0 ? &passing : &kept[n];
            zmq_msg_init (to);
            MUST (zmq_msg_recv (to, pull, 0) == sizes[i]);
            if (n < 0)
                zmq_msg_close (to);
            MUST (zmq_recv (pull, body, FILLER, 0) == FILLER);
        }
        CHECK (resident_kb () - before < KEPT * (sizes[i] * 2L + 200) / 1024 + 2048);
        for (int n = 0; n < KEPT; n++)
            zmq_msg_close (&kept[n]);
    }
}

/* A raw peer that goes without a word. */
static void reset (int fd)
{
    struct linger now = {1, 0};
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close (fd);
}

enum { PEERS = 150, FIRST = 50, QUEUED = 200, BODY = 10000 };

/* Each of the peers had 2 MB queued for it. */
STORY (what_was_queued_for_a_subscriber_goes_with_it)
{
    static char body[BODY];
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, TCP, &endpoint);
    CHECK_OK (set_int (xpub, ZMQ_SNDBUF, 16384));
    long before = 0;
    for (int n = 0; n < PEERS; n++) {
        if (n == FIRST)
            before = resident_kb ();
        int fd = raw_connect (endpoint);
        MUST (raw_handshake (fd, "SUB") && raw_send_frame (fd, "\1"));
        CHECK_RECV (xpub, "%01");
        for (int i = 0; i < QUEUED; i++)
            MUST (zmq_send (xpub, body, BODY, 0) == BODY);
        reset (fd);
        CHECK_RECV (xpub, "%00");
    }
    CHECK (resident_kb () - before < 16 * 1024);
}

static bool is_unreachable (void *router, const char *id)
{
    if (zmq_send (router, id, 5, ZMQ_SNDMORE | ZMQ_DONTWAIT) == 5) {
        MUST (zmq_send (router, "x", 1, 0) == 1);
        return false;
    }
    return errno == EHOSTUNREACH;
}

STORY (what_was_queued_for_a_peer_of_a_router_goes_with_it)
{
    static char body[BODY];
    const char *endpoint;
    void *router = bound_socket (ZMQ_ROUTER, TCP, &endpoint);
    CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
    CHECK_OK (set_int (router, ZMQ_SNDBUF, 16384));
    long before = 0;
    for (int n = 0; n < PEERS; n++) {
        char id[5];
        if (n == FIRST)
            before = resident_kb ();
        int fd = raw_connect (endpoint);
        MUST (raw_handshake (fd, "DEALER") && raw_send_frame (fd, "hi"));
        MUST (zmq_recv (router, id, 5, 0) == 5 && zmq_recv (router, body, 5, 0) == 2);
        for (int i = 0; i < QUEUED; i++)
            MUST (zmq_send (router, id, 5, ZMQ_SNDMORE) == 5
                  && zmq_send (router, body, BODY, 0) == BODY);
        reset (fd);
        CHECK_BECOMES (is_unreachable (router, id));
    }
    CHECK (resident_kb () - before < 16 * 1024);
}

/* A connecter's peer that comes and goes finds one queue, not one each time. */
STORY (reconnecting_takes_no_memory)
{
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    void *dealer = open_socket (ZMQ_DEALER);
    CHECK_OK (set_int (dealer, ZMQ_RECONNECT_IVL, 1));
    CHECK_OK (zmq_connect (dealer, endpoint));
    long before = 0;
    for (int n = 0; n < 1000; n++) {
        if (n == 200)
            before = resident_kb ();
        int fd = accept (listener, NULL, NULL), on = 1;
        setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        MUST (fd >= 0 && raw_handshake (fd, "ROUTER") && raw_send_frame (fd, "hi"));
        CHECK_RECV (dealer, "hi");
        reset (fd);
    }
    CHECK (resident_kb () - before < 4 * 1024);
    close (listener);
}

MAIN
