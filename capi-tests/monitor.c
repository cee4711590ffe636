/* zmq_socket_monitor itself: its errors, its mask, how it begins and ends,
 * who may listen, and what becomes of events nobody takes. */
#include "monitors.h"

/* A bind that fails at once and tells nothing but that. */
#define NO_BIND "tcp://*:x"
#define BIND_FAILS(SOCKET) CHECK_INT (zmq_bind (SOCKET, NO_BIND), -1)
#define CHECK_FAILED_BIND(MONITOR)                                             \
    CHECK_EVENT_VALUE (MONITOR, ZMQ_EVENT_BIND_FAILED, EINVAL, "*:x")

TEST (the_endpoint_is_an_inproc_name)
{
    static const struct
    {
        const char *endpoint;
        int error;
    } cases[] = {
      {"", EINVAL},
      {"name", EINVAL},
      {"inproc", EINVAL},
      {"inproc:", EINVAL},
      {"inproc:/name", EINVAL},
      {"inproc://", EINVAL},
      {"tcp://", EINVAL},
      {"://name", EINVAL},
      {"tcp://127.0.0.1:9999", EPROTONOSUPPORT},
      {"tcp://*:*", EPROTONOSUPPORT},
      {"ipc:///tmp/name", EPROTONOSUPPORT},
      {"foo://name", EPROTONOSUPPORT},
      {"INPROC://name", EPROTONOSUPPORT},
      {"ws://127.0.0.1:9999", EPROTONOSUPPORT},
      {"udp://127.0.0.1:9999", ENOCOMPATPROTO},
    };
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_ERR (zmq_socket_monitor (s, cases[i].endpoint, ZMQ_EVENT_ALL),
                   cases[i].error);
    end (s, NULL);
}

TEST (the_mask_has_sixteen_bits)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_ERR (zmq_socket_monitor (s, "inproc://a", 0x10000), EINVAL);
    CHECK_ERR (zmq_socket_monitor (s, "inproc://a", -1), EINVAL);
    CHECK_ERR (zmq_socket_monitor (s, NULL, -1), EINVAL);
    CHECK_ERR (zmq_socket_monitor (s, "foo://a", -1), EINVAL);
    CHECK_OK (zmq_socket_monitor (s, "inproc://a", 0xffff));
    end (s, NULL);
}

TEST (what_is_no_socket_has_no_monitor)
{
    begin ();
    CHECK_ERR (zmq_socket_monitor (NULL, "inproc://a", ZMQ_EVENT_ALL), ENOTSOCK);
    CHECK_ERR (zmq_socket_monitor (ctx, "inproc://a", ZMQ_EVENT_ALL), ENOTSOCK);
    CHECK_ERR (zmq_socket_monitor (NULL, NULL, 0), ENOTSOCK);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (null_ends_a_monitor_or_nothing)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_socket_monitor (s, NULL, 0));
    CHECK_OK (zmq_socket_monitor (s, NULL, ZMQ_EVENT_ALL));
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_STOPS (s, m);
    CHECK_OK (zmq_socket_monitor (s, NULL, 0));
    BIND_FAILS (s);
    CHECK_OK (set_int (m, ZMQ_RCVTIMEO, 50));
    CHECK_ERR (zmq_recv (m, NULL, 0, 0), EAGAIN);
    end (s, m);
}

TEST (every_type_has_one_and_its_end_is_told)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        begin ();
        void *s = new_socket (ctx, type);
        void *m = watch (s, ZMQ_EVENT_ALL);
        CHECK_CLOSES (s, m);
        CHECK_OK (zmq_ctx_term (ctx));
    }
}

TEST (only_events_in_the_mask_are_told)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_LISTENING | ZMQ_EVENT_CLOSED);
    BIND_FAILS (s);
    bind_to (s, "tcp", endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
    CHECK_OK (zmq_unbind (s, endpoint));
    CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSED, endpoint);
    /* The end is not told either. */
    CHECK_OK (zmq_socket_monitor (s, NULL, 0));
    CHECK_OK (set_int (m, ZMQ_RCVTIMEO, 50));
    CHECK_ERR (zmq_recv (m, NULL, 0, 0), EAGAIN);
    end (s, m);
}

TEST (an_empty_mask_tells_nothing)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, 0);
    BIND_FAILS (s);
    CHECK_OK (zmq_close (s));
    CHECK_OK (set_int (m, ZMQ_RCVTIMEO, 50));
    CHECK_ERR (zmq_recv (m, NULL, 0, 0), EAGAIN);
    end (m, NULL);
}

TEST (another_monitor_takes_the_place_of_the_first)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *first = watch (s, ZMQ_EVENT_ALL);
    void *second = watch (s, ZMQ_EVENT_BIND_FAILED);
    CHECK_EVENT (first, ZMQ_EVENT_MONITOR_STOPPED, "");
    BIND_FAILS (s);
    CHECK_FAILED_BIND (second);
    void *third = watch (s, ZMQ_EVENT_ALL);
    BIND_FAILS (s);
    CHECK_FAILED_BIND (third);
    CHECK_ERR (zmq_recv (first, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERR (zmq_recv (second, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_close (second));
    CHECK_OK (zmq_close (third));
    end (s, first);
}

TEST (a_call_that_is_malformed_leaves_the_monitor_alone)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_ERR (zmq_socket_monitor (s, "foo://x", ZMQ_EVENT_ALL), EPROTONOSUPPORT);
    CHECK_ERR (zmq_socket_monitor (s, "x", ZMQ_EVENT_ALL), EINVAL);
    CHECK_ERR (zmq_socket_monitor (s, "tcp://127.0.0.1:1", ZMQ_EVENT_ALL),
               EPROTONOSUPPORT);
    CHECK_ERR (zmq_socket_monitor (s, "inproc://x", 0x10000), EINVAL);
    CHECK_ERR (zmq_socket_monitor (s, NULL, 0x10000), EINVAL);
    BIND_FAILS (s);
    CHECK_FAILED_BIND (m);
    CHECK_STOPS (s, m);
    end (s, m);
}

TEST (a_taken_name_ends_the_monitor_that_was)
{
    begin ();
    void *other = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_bind (other, "inproc://taken"));
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_ERR (zmq_socket_monitor (s, "inproc://taken", ZMQ_EVENT_ALL),
               EADDRINUSE);
    CHECK_EVENT (m, ZMQ_EVENT_MONITOR_STOPPED, "");
    BIND_FAILS (s);
    CHECK_ERR (zmq_recv (m, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_close (m));
    end (s, other);
}

TEST (a_monitor_takes_its_name_and_gives_it_back)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER), *other = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_socket_monitor (s, "inproc://mine", ZMQ_EVENT_ALL));
    void *m = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_connect (m, "inproc://mine"));
    CHECK_ERR (zmq_bind (other, "inproc://mine"), EADDRINUSE);
    CHECK_ERR (zmq_socket_monitor (other, "inproc://mine", ZMQ_EVENT_ALL),
               EADDRINUSE);
    CHECK_ERR (zmq_unbind (s, "inproc://mine"), ENOENT);
    CHECK_STOPS (s, m);
    CHECK_OK (zmq_close (m));
    CHECK_BECOMES (zmq_bind (other, "inproc://mine") == 0);
    end (s, other);
}

TEST (its_name_is_free_at_once)
{
    if (on_oracle ())
        return; /* where it is freed some time later */
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    for (int i = 0; i < 50; i++)
        CHECK_OK (zmq_socket_monitor (s, "inproc://mine", ZMQ_EVENT_ALL));
    end (s, NULL);
}

TEST (monitors_count_among_the_sockets)
{
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 2));
    void *s = new_socket (ctx, ZMQ_DEALER), *other = new_socket (ctx, ZMQ_DEALER);
    CHECK_ERR (zmq_socket_monitor (s, "inproc://a", 0), EMFILE);
    CHECK_OK (zmq_close (other));
    CHECK_BECOMES (zmq_socket_monitor (s, "inproc://a", 0) == 0);
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EMFILE);
    CHECK_OK (zmq_socket_monitor (s, NULL, 0));
    void *again = NULL;
    CHECK_BECOMES ((again = zmq_socket (ctx, ZMQ_PAIR)) != NULL);
    end (s, again);
}

/* The oracle keeps its place until the context ends, and aborts then if there is none
 * left. */
TEST (a_listener_that_waited_in_vain_gives_up_its_place)
{
    if (on_oracle ())
        return;
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 2));
    void *s = new_socket (ctx, ZMQ_DEALER), *listener = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_connect (listener, "inproc://a"));
    CHECK_ERR (zmq_socket_monitor (s, "inproc://a", ZMQ_EVENT_ALL), EMFILE);
    CHECK_OK (zmq_close (listener));
    CHECK_OK (zmq_socket_monitor (s, "inproc://a", ZMQ_EVENT_ALL));
    end (s, NULL);
}

TEST (the_listener_may_connect_first)
{
    begin ();
    void *m = new_socket (ctx, ZMQ_PAIR), *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_connect (m, "inproc://later"));
    CHECK_OK (zmq_socket_monitor (s, "inproc://later", ZMQ_EVENT_ALL));
    BIND_FAILS (s);
    CHECK_FAILED_BIND (m);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_second_listener_is_turned_away)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_socket_monitor (s, "inproc://one", ZMQ_EVENT_ALL));
    void *m = new_socket (ctx, ZMQ_PAIR), *late = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_connect (m, "inproc://one"));
    CHECK_OK (zmq_connect (late, "inproc://one"));
    BIND_FAILS (s);
    CHECK_FAILED_BIND (m);
    CHECK_ERR (zmq_recv (late, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_close (late));
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_pull_may_listen_too)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER), *m = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_socket_monitor (s, "inproc://pull", ZMQ_EVENT_ALL));
    CHECK_OK (zmq_connect (m, "inproc://pull"));
    BIND_FAILS (s);
    CHECK_FAILED_BIND (m);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (what_a_listener_sends_disturbs_nothing)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    for (int i = 0; i < 10; i++)
        CHECK_SEND (m, "hello", ZMQ_DONTWAIT);
    BIND_FAILS (s);
    CHECK_FAILED_BIND (m);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_monitor_can_be_watched)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    void *mm = watch (m, ZMQ_EVENT_ALL);
    CHECK_CLOSES (s, m);
    CHECK_EVENT (mm, ZMQ_EVENT_MONITOR_STOPPED, "");
    end (mm, NULL);
}

TEST (events_nobody_takes_are_dropped)
{
    if (on_oracle ())
        return; /* whose calls block for ever */
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_socket_monitor (s, "inproc://nobody", ZMQ_EVENT_ALL));
    bind_to (s, "tcp", endpoint);
    CHECK_OK (zmq_socket_monitor (s, NULL, 0));
    CHECK_OK (zmq_socket_monitor (s, "inproc://nobody", ZMQ_EVENT_ALL));
    BIND_FAILS (s);
    /* Whoever comes hears what happens from then on. */
    void *m = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_connect (m, "inproc://nobody"));
    CHECK_OK (zmq_unbind (s, endpoint));
    CHECK_EVENT (m, ZMQ_EVENT_CLOSED, endpoint);
    /* One that has gone may be followed by another. */
    CHECK_OK (zmq_close (m));
    BIND_FAILS (s);
    m = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_connect (m, "inproc://nobody"));
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_full_listener_loses_the_newest)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER), *m = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (set_int (m, ZMQ_RCVHWM, 5));
    CHECK_OK (zmq_socket_monitor (s, "inproc://full", ZMQ_EVENT_ALL));
    CHECK_OK (zmq_connect (m, "inproc://full"));
    /* Its own water mark, and a PAIR's of 1000; the oracle blocks then. */
    int count = on_oracle () ? 500 : 3000, taken = 0;
    for (int i = 0; i < count; i++)
        zmq_bind (s, NO_BIND);
    while (taken < (on_oracle () ? 500 : 1005)) {
        if (!next_event (m, NULL) || seen.number != ZMQ_EVENT_BIND_FAILED)
            break;
        taken++;
    }
    CHECK_INT (taken, on_oracle () ? 500 : 1005);
    CHECK_ERR (zmq_recv (m, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    BIND_FAILS (s);
    CHECK_FAILED_BIND (m);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (an_unread_monitor_keeps_nobody_waiting)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    bind_to (s, "tcp", endpoint);
    CHECK_OK (zmq_close (s));
    end (m, NULL);
}

TEST (after_shutdown_there_is_none)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_ERR (zmq_socket_monitor (s, "inproc://a", ZMQ_EVENT_ALL), ETERM);
    CHECK_ERR (zmq_socket_monitor (s, "a", ZMQ_EVENT_ALL), EINVAL);
    CHECK_OK (zmq_socket_monitor (s, NULL, 0));
    /* Once the socket knows, nothing else is looked at. */
    CHECK_ERR (zmq_recv (s, NULL, 0, ZMQ_DONTWAIT), ETERM);
    CHECK_ERR (zmq_socket_monitor (s, "inproc://a", ZMQ_EVENT_ALL), ETERM);
    CHECK_ERR (zmq_socket_monitor (s, "a", ZMQ_EVENT_ALL), ETERM);
    CHECK_ERR (zmq_socket_monitor (s, NULL, 0), ETERM);
    end (s, NULL);
}

TEST (success_leaves_errno_alone)
{
    if (on_oracle ())
        return;
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    errno = 77;
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_INT (errno, 77);
    CHECK_ERR (zmq_bind (s, NO_BIND), EINVAL); /* EAGAIN of the oracle */
    end (s, m);
}

/* ---- many threads ---- */

static void *body_churn (struct call *c)
{
    for (int i = 0; i < 40; i++) {
        void *peer = new_socket (ctx, ZMQ_DEALER);
        zmq_connect (peer, c->a);
        zmq_send (peer, "x", 1, 0);
        sleep_ms (1);
        zmq_close (peer);
    }
    return NULL;
}

static void *body_watch (struct call *c)
{
    struct event *last = c->b;
    for (;;) {
        unsigned char head[6];
        char endpoint[256];
        if (zmq_recv (c->a, head, 6, 0) != 6)
            break;
        zmq_recv (c->a, endpoint, sizeof endpoint, 0);
        uint16_t number;
        memcpy (&number, head, 2);
        last->number = number;
        last->value++;
        if (number == ZMQ_EVENT_MONITOR_STOPPED)
            break;
    }
    return NULL;
}

TEST (events_come_from_many_threads)
{
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 3));
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    bind_to (s, "tcp", endpoint);
    struct call churn[3], watcher;
    struct event last = {0};
    call_start (&watcher, body_watch, m, &last);
    for (int i = 0; i < 3; i++)
        call_start (&churn[i], body_churn, endpoint, NULL);
    for (int i = 0; i < 3; i++)
        call_join (&churn[i]);
    CHECK_OK (zmq_close (s));
    call_join (&watcher);
    CHECK_INT (last.number, ZMQ_EVENT_MONITOR_STOPPED);
    CHECK (last.value > 3);
    end (m, NULL);
}

MAIN
