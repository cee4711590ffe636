/* zmq_socket_monitor_versioned and zmq_socket_monitor_pipes_stats. See draft_api.h
 * for where they run. */
#include "draft_api.h"

struct told
{
    uint64_t event, count, values[4];
    char local[128], remote[128];
};

static int take (void *s, void *to, size_t size)
{
    int got = zmq_recv (s, to, size, 0);
    MUST (got >= 0 && got <= (int) size);
    return got;
}

/* An event in the second format. */
static struct told next_event (void *s)
{
    struct told told;
    memset (&told, 0, sizeof told);
    CHECK_INT (take (s, &told.event, 8), 8);
    CHECK_INT (take (s, &told.count, 8), 8);
    MUST (told.count <= 4);
    for (uint64_t i = 0; i < told.count; i++)
        CHECK_INT (take (s, &told.values[i], 8), 8);
    take (s, told.local, 127);
    CHECK_INT (int_option (s, ZMQ_RCVMORE), 1);
    take (s, told.remote, 127);
    CHECK_INT (int_option (s, ZMQ_RCVMORE), 0);
    return told;
}

static void *monitor (void *s, uint64_t events, int type, int collector, const char *name)
{
    CHECK_OK (draft.zmq_socket_monitor_versioned (s, name, events, 2, type));
    void *m = open_socket (collector);
    if (collector == ZMQ_SUB)
        MUST (!zmq_setsockopt (m, ZMQ_SUBSCRIBE, "", 0));
    MUST (!zmq_connect (m, name));
    return m;
}

DRAFT_STORY (the_second_format_has_a_frame_for_each_value)
{
    static const int types[][2] = {{ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_PUSH, ZMQ_PULL}, {ZMQ_PUB, ZMQ_SUB}};
    for (int i = 0; i < 3; i++) {
        void *bound = open_socket (ZMQ_PULL), *connected = open_socket (ZMQ_PUSH);
        char name[64];
        sprintf (name, "inproc://bound-%d", i);
        void *m = monitor (bound, 0x1ffff, types[i][0], types[i][1], name);
        sprintf (name, "inproc://connected-%d", i);
        void *n = monitor (connected, 0x1ffff, types[i][0], types[i][1], name);
        const char *endpoint = bind_any (bound, TCP);
        struct told told = next_event (m);
        CHECK_INT (told.event, ZMQ_EVENT_LISTENING);
        CHECK_INT (told.count, 1);
        CHECK_STR (told.local, endpoint);
        CHECK_STR (told.remote, "");
        CHECK_OK (zmq_connect (connected, endpoint));
        told = next_event (m);
        CHECK_INT (told.event, ZMQ_EVENT_ACCEPTED);
        CHECK_STR (told.local, endpoint);
        do
            told = next_event (n);
        while (told.event == ZMQ_EVENT_CONNECT_DELAYED);
        CHECK_INT (told.event, ZMQ_EVENT_CONNECTED);
        CHECK_STR (told.local, "");
        CHECK_STR (told.remote, endpoint);
        CHECK_INT (next_event (m).event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        CHECK_INT (next_event (n).event, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
        CHECK_OK (draft.zmq_socket_monitor_versioned (connected, NULL, 0, 2, ZMQ_PAIR));
        CHECK_INT (next_event (n).event, ZMQ_EVENT_MONITOR_STOPPED);
        close_socket (connected);
        close_socket (bound);
    }
}

/* A PUB's first frame is the event: who is interested in one subscribes to it. */
DRAFT_STORY (subscribers_choose_events)
{
    void *s = open_socket (ZMQ_PULL);
    const char *name = "inproc://monitor";
    CHECK_OK (draft.zmq_socket_monitor_versioned (s, name, ZMQ_EVENT_ALL, 2, ZMQ_PUB));
    uint64_t wanted = ZMQ_EVENT_MONITOR_STOPPED;
    void *sub = open_socket (ZMQ_SUB), *all = open_socket (ZMQ_SUB);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, &wanted, sizeof wanted));
    CHECK_OK (zmq_setsockopt (all, ZMQ_SUBSCRIBE, "", 0));
    CHECK_OK (zmq_connect (sub, name));
    CHECK_OK (zmq_connect (all, name));
    bind_any (s, TCP);
    CHECK_OK (draft.zmq_socket_monitor_versioned (s, NULL, 0, 2, ZMQ_PAIR));
    CHECK_INT (next_event (all).event, ZMQ_EVENT_LISTENING);
    CHECK_INT (next_event (all).event, ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_INT (next_event (sub).event, ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_EMPTY (sub);
}

DRAFT_STORY (the_first_format_is_that_of_zmq_socket_monitor)
{
    void *s = open_socket (ZMQ_PULL);
    CHECK_OK (draft.zmq_socket_monitor_versioned (s, "inproc://m", ZMQ_EVENT_ALL, 1, ZMQ_PUSH));
    void *m = connected_socket (ZMQ_PULL, "inproc://m");
    const char *endpoint = bind_any (s, TCP);
    unsigned char head[6];
    uint16_t event;
    CHECK_INT (zmq_recv (m, head, 6, 0), 6);
    memcpy (&event, head, 2);
    CHECK_INT (event, ZMQ_EVENT_LISTENING);
    CHECK_RECV (m, endpoint);
}

DRAFT_STORY (what_cannot_be_a_monitor_is_refused)
{
    void *s = open_socket (ZMQ_PULL);
    CHECK_ERR (draft.zmq_socket_monitor_versioned (s, "inproc://m", 1, 3, ZMQ_PAIR), EINVAL);
    CHECK_ERR (draft.zmq_socket_monitor_versioned (s, "inproc://m", 1, 0, ZMQ_PAIR), EINVAL);
    CHECK_ERR (draft.zmq_socket_monitor_versioned (s, "inproc://m", 1, 2, ZMQ_DEALER), EINVAL);
    CHECK_ERR (draft.zmq_socket_monitor_versioned (s, "inproc://m", 1, 2, 99), EINVAL);
    CHECK_ERR (draft.zmq_socket_monitor_versioned (s, "inproc://m", 0x10000, 1, ZMQ_PAIR), EINVAL);
    CHECK_ERR (draft.zmq_socket_monitor_versioned (s, "tcp://127.0.0.1:*", 1, 2, ZMQ_PAIR),
               EPROTONOSUPPORT);
    CHECK_ERR (draft.zmq_socket_monitor_versioned (NULL, "inproc://m", 1, 2, ZMQ_PAIR), ENOTSOCK);
    CHECK_ERR (draft.zmq_socket_monitor_pipes_stats (NULL), ENOTSOCK);
}

DRAFT_STORY_ON_EACH_TRANSPORT (queues_are_counted)
{
    const char *endpoint;
    void *a = bound_socket (ZMQ_PAIR, transport, &endpoint), *b = open_socket (ZMQ_PAIR);
    CHECK_ERR (draft.zmq_socket_monitor_pipes_stats (a), EINVAL);
    void *m = monitor (a, ZMQ_EVENT_PIPES_STATS, ZMQ_PAIR, ZMQ_PAIR, "inproc://m");
    CHECK_ERR (draft.zmq_socket_monitor_pipes_stats (a), EAGAIN);
    CHECK_OK (zmq_connect (b, endpoint));
    SEND (b, "one|frame|and another");
    SEND (b, "two");
    AWAIT_IN (a);
    CHECK_RECV (a, "one|frame|and another");
    AWAIT_IN (a);
    CHECK_OK (draft.zmq_socket_monitor_pipes_stats (a));
    struct told told = next_event (m);
    CHECK_INT (told.event, ZMQ_EVENT_PIPES_STATS);
    CHECK_INT (told.count, 2);
    CHECK_INT (told.values[0], 0);
    CHECK_INT (told.values[1], 1);
    CHECK_STR (told.local, endpoint);
    if (transport == INPROC) {
        SEND (a, "x|y");
        SEND (a, "z");
        CHECK_OK (draft.zmq_socket_monitor_pipes_stats (a));
        told = next_event (m);
        CHECK_INT (told.values[0], 2);
        CHECK_INT (told.values[1], 1);
    }
    CHECK_RECV (a, "two");
}

MAIN
