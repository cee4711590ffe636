/* The counters of a socket, an option that libzmq does not have. */

#include "monitors.h"
#include "../include/ferrozmq.h"

typedef ferrozmq_counters_t counters_t;

/* Everything is 0 on the oracle. */
static counters_t counters (void *s)
{
    counters_t c;
    size_t size = sizeof c;
    memset (&c, 0, sizeof c);
    if (on_oracle ())
        CHECK_ERR (zmq_getsockopt (s, FERROZMQ_COUNTERS, &c, &size), EINVAL);
    else
        CHECK_OK (zmq_getsockopt (s, FERROZMQ_COUNTERS, &c, &size));
    return c;
}

/* A counter has this value, now or soon; nothing has on the oracle. */
#define CHECK_COUNT(SOCKET, FIELD, VALUE)                                      \
    do {                                                                       \
        if (on_oracle ())                                                      \
            counters (SOCKET);                                                 \
        else {                                                                 \
            CHECK_BECOMES (counters (SOCKET).FIELD == (VALUE));                \
            CHECK_INT (counters (SOCKET).FIELD, VALUE);                        \
        }                                                                      \
    } while (0)

TEST (as_much_is_written_as_fits)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    unsigned char bytes[1000];
    size_t size = 7;
    CHECK_ERR (zmq_getsockopt (s, FERROZMQ_COUNTERS, bytes, &size), EINVAL);
    CHECK_ERR (zmq_setsockopt (s, FERROZMQ_COUNTERS, bytes, 8), EINVAL);
    size_t sizes[] = {8, 12, sizeof (counters_t), sizeof bytes};
    for (int i = 0; i < 4; i++) {
        memset (bytes, 0xaa, sizeof bytes);
        size = sizes[i];
        int rc = zmq_getsockopt (s, FERROZMQ_COUNTERS, bytes, &size);
        if (on_oracle ()) {
            CHECK_INT (rc, -1);
            continue;
        }
        counters_t head;
        memcpy (&head, bytes, 8);
        CHECK_OK (rc);
        CHECK_INT (size, i < 3 ? sizes[i] : sizeof (counters_t));
        CHECK_INT (head.size, sizeof (counters_t));
        CHECK_INT (head.version, 1);
        CHECK_INT (bytes[size], 0xaa);
    }
    end (s, NULL);
}

static void check_pipeline (const char *where)
{
    void *push, *pull;
    begin ();
    connect_pair (ctx, where, ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    for (int i = 0; i < 5; i++) {
        CHECK_SEND (push, "one", ZMQ_SNDMORE);
        CHECK_SEND (push, "two", 0);
    }
    CHECK_RECV (pull, "one");
    CHECK_RECV (pull, "two");
    CHECK_COUNT (push, messages_out, 5);
    CHECK_COUNT (push, queued_out, strcmp (where, "inproc://a") ? 0 : 4);
    CHECK_COUNT (pull, queued_in, 4);
    CHECK_COUNT (pull, messages_in, 1);
    CHECK_COUNT (pull, messages_out, 0);
    CHECK_COUNT (push, peers, 1);
    if (strcmp (where, "inproc://a") && !on_oracle ()) {
        counters_t sent = counters (push), received = counters (pull);
        CHECK_INT (sent.connects, 1);
        CHECK_INT (received.accepts, 1);
        CHECK_INT (sent.bytes_out, received.bytes_in);
        CHECK_INT (sent.bytes_in, received.bytes_out);
        /* Two frames of 3 bytes with heads of 2, and the handshake. */
        CHECK (sent.bytes_out >= 5 * 10 + 64 && sent.bytes_out < 5 * 10 + 64 + 100);
    }
    end (push, pull);
}

TEST (messages_are_counted_over_inproc) { check_pipeline ("inproc://a"); }
TEST (messages_are_counted_over_tcp) { check_pipeline ("tcp"); }
TEST (messages_are_counted_over_ipc) { check_pipeline ("ipc"); }

TEST (subscriptions_are_no_messages)
{
    void *sub, *pub;
    begin ();
    connect_pair (ctx, "tcp", ZMQ_SUB, &sub, ZMQ_XPUB, &pub);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "a", 1));
    CHECK_RECV (pub, "\1a");
    CHECK_COUNT (sub, messages_out, 0);
    CHECK_COUNT (sub, queued_out, 0);
    CHECK_COUNT (pub, messages_in, 0);
    CHECK_SEND (pub, "b", 0);
    CHECK_SEND (pub, "a", 0);
    CHECK_RECV (sub, "a");
    CHECK_COUNT (pub, dropped_no_subscriber, 1);
    CHECK_COUNT (pub, messages_out, 1);
    CHECK_COUNT (sub, messages_in, 1);
    end (sub, pub);
}

TEST (a_full_subscriber_is_counted)
{
    begin ();
    void *pub = new_socket (ctx, ZMQ_XPUB), *sub = new_socket (ctx, ZMQ_SUB);
    CHECK_OK (set_int (pub, ZMQ_SNDHWM, 2));
    CHECK_OK (set_int (sub, ZMQ_RCVHWM, 3));
    CHECK_OK (zmq_bind (pub, "inproc://pub"));
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0));
    CHECK_OK (zmq_connect (sub, "inproc://pub"));
    CHECK_RECV (pub, "\1");
    for (int i = 0; i < 9; i++)
        CHECK_SEND (pub, "a", 0);
    CHECK_COUNT (pub, messages_out, 5);
    CHECK_COUNT (pub, dropped_full, 4);
    CHECK_COUNT (sub, queued_in, 5);
    end (sub, pub);
}

TEST (a_message_to_nobody_is_counted)
{
    begin ();
    void *router = new_socket (ctx, ZMQ_ROUTER);
    CHECK_SEND (router, "nobody", ZMQ_SNDMORE);
    CHECK_SEND (router, "body", 0);
    CHECK_COUNT (router, dropped_unroutable, 1);
    CHECK_COUNT (router, messages_out, 0);
    end (router, NULL);
}

TEST (what_a_rep_cannot_answer_is_counted)
{
    void *dealer, *rep;
    begin ();
    connect_pair (ctx, "inproc://rep", ZMQ_DEALER, &dealer, ZMQ_REP, &rep);
    CHECK_SEND (dealer, "no envelope", 0);
    CHECK_SEND (dealer, "", ZMQ_SNDMORE);
    CHECK_SEND (dealer, "question", 0);
    CHECK_RECV (rep, "question");
    CHECK_COUNT (rep, dropped_malformed, 1);
    CHECK_COUNT (rep, messages_in, 2);
    end (dealer, rep);
}

TEST (a_late_reply_is_counted)
{
    void *req, *rep;
    begin ();
    connect_pair (ctx, "inproc://rep", ZMQ_REQ, &req, ZMQ_REP, &rep);
    CHECK_OK (set_int (req, ZMQ_REQ_RELAXED, 1));
    CHECK_OK (set_int (req, ZMQ_REQ_CORRELATE, 1));
    CHECK_SEND (req, "1", 0);
    CHECK_RECV (rep, "1");
    CHECK_SEND (rep, "late", 0);
    CHECK_SEND (req, "2", 0);
    CHECK_RECV (rep, "2");
    CHECK_SEND (rep, "good", 0);
    CHECK_RECV (req, "good");
    CHECK_COUNT (req, dropped_stale, 1);
    end (req, rep);
}

TEST (what_conflation_replaces_is_counted)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_CONFLATE, 1));
    CHECK_OK (set_int (pull, ZMQ_CONFLATE, 1));
    CHECK_OK (zmq_bind (pull, "inproc://a"));
    CHECK_OK (zmq_connect (push, "inproc://a"));
    CHECK_SEND (push, "1", 0);
    CHECK_SEND (push, "2", 0);
    CHECK_SEND (push, "3", 0);
    CHECK_COUNT (push, dropped_conflated, 2);
    CHECK_COUNT (push, queued_out, 1);
    CHECK_COUNT (pull, queued_in, 1);
    CHECK_RECV (pull, "3");
    CHECK_COUNT (push, queued_out, 0);
    end (push, pull);
}

TEST (counts_outlive_their_peers)
{
    void *push, *pull;
    begin ();
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "1", 0);
    CHECK_SEND (push, "2", 0);
    CHECK_RECV (pull, "1");
    CHECK_COUNT (pull, queued_in, 1);
    CHECK_OK (zmq_close (push));
    CHECK_RECV (pull, "2");
    /* The pipe is given up once it was found to be at its end. */
    CHECK_ERR (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_COUNT (pull, messages_in, 2);
    CHECK_COUNT (pull, disconnects, 1);
    if (!on_oracle ())
        CHECK_BECOMES ((zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT),
                        counters (pull).peers == 0));
    end (pull, NULL);
}

TEST (reconnects_and_failures_are_counted)
{
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    endpoint_t endpoint;
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 1));
    bind_to (pull, "tcp", endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "1", 0);
    CHECK_RECV (pull, "1");
    CHECK_COUNT (push, connects, 1);
    /* What is sent before the end is seen goes with the connection. */
    void *monitor =
        watch (push, ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_close (pull));
    CHECK_EVENT (monitor, ZMQ_EVENT_DISCONNECTED, endpoint);
    CHECK_STOPS (push, monitor);
    CHECK_OK (zmq_close (monitor));
    CHECK_COUNT (push, disconnects, 1);
    if (!on_oracle ())
        CHECK_BECOMES (counters (push).connect_failures > 0);
    pull = new_socket (ctx, ZMQ_PULL);
    CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
    CHECK_SEND (push, "2", 0);
    CHECK_RECV (pull, "2");
    CHECK_COUNT (push, connects, 2);
    CHECK_COUNT (push, reconnects, 1);
    end (push, pull);
}

TEST (a_failed_handshake_is_counted)
{
    begin ();
    void *pub = new_socket (ctx, ZMQ_PUB), *req = new_socket (ctx, ZMQ_REQ);
    endpoint_t endpoint;
    bind_to (pub, "tcp", endpoint);
    CHECK_OK (zmq_connect (req, endpoint));
    CHECK_COUNT (req, handshake_failures, 1);
    CHECK_COUNT (pub, handshake_failures, 1);
    CHECK_COUNT (pub, accepts, 1);
    end (pub, req);
}

/* Each thread counts its own; nothing is lost between them. */
static void *send_some (void *endpoint)
{
    void *push = new_socket (ctx, ZMQ_PUSH);
    int linger = -1;
    CHECK_OK (zmq_setsockopt (push, ZMQ_LINGER, &linger, sizeof linger));
    CHECK_OK (zmq_connect (push, endpoint));
    for (int i = 0; i < 2000; i++)
        REQUIRE (zmq_send (push, "x", 1, 0) == 1);
    CHECK_COUNT (push, messages_out, 2000);
    CHECK_OK (zmq_close (push));
    return NULL;
}

TEST (counters_may_be_asked_for_at_any_time)
{
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL);
    endpoint_t endpoint;
    bind_to (pull, "tcp", endpoint);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        REQUIRE (pthread_create (&threads[i], NULL, send_some, endpoint) == 0);
    for (int i = 0; i < 6000; i++) {
        REQUIRE (zmq_recv (pull, NULL, 0, 0) == 1);
        if (i % 100 == 0)
            counters (pull);
    }
    for (int i = 0; i < 3; i++)
        pthread_join (threads[i], NULL);
    CHECK_COUNT (pull, messages_in, 6000);
    CHECK_COUNT (pull, queued_in, 0);
    end (pull, NULL);
}

MAIN
