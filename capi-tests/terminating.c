/* The end of a context as those see it who are in a call on one of its sockets:
 * each blocked call sleeps until then, and ends with ETERM. */
#include "fixtures.h"
#include <sys/eventfd.h>

/* ---- who can be blocked in what ---- */

static void *receiver (int type) { return new_socket (ctx, type); }

/* Blocked for want of a peer. */
static void *lonely_sender (int type) { return new_socket (ctx, type); }

/* Blocked by a peer that does not read. */
static void *full_sender (int type, void **peer, int peer_type, const char *where)
{
    void *s = new_socket (ctx, type);
    endpoint_t endpoint;
    *peer = new_socket (ctx, peer_type);
    set_int (s, ZMQ_SNDHWM, 1);
    set_int (*peer, ZMQ_RCVHWM, 1);
    if (type == ZMQ_XPUB)
        CHECK_OK (set_int (s, ZMQ_XPUB_NODROP, 1));
    if (type == ZMQ_ROUTER) {
        CHECK_OK (set_int (s, ZMQ_ROUTER_MANDATORY, 1));
        CHECK_OK (zmq_setsockopt (*peer, ZMQ_ROUTING_ID, "peer", 4));
    }
    bind_to (*peer, where, endpoint);
    REQUIRE (zmq_connect (s, endpoint) == 0);
    if (type == ZMQ_XPUB)
        CHECK_INT (zmq_send (*peer, "\1", 1, 0), 1);
    return s;
}

static void *body_recv_for_ever (struct call *c)
{
    set_int (c->a, ZMQ_RCVTIMEO, -1);
    return body_recv (c);
}

/* Sends until a call fails, which is one that had blocked. */
static void *body_send_on (struct call *c)
{
    static char body[100000];
    set_int (c->a, ZMQ_SNDTIMEO, -1);
    int type = get_int (c->a, ZMQ_TYPE);
    char byte;
    if (type == ZMQ_XPUB) /* its subscriber has come */
        zmq_recv (c->a, &byte, 1, 0);
    do {
        while (type == ZMQ_ROUTER
               && (c->rc = zmq_send (c->a, "peer", 4, ZMQ_SNDMORE)) < 0
               && errno == EHOSTUNREACH)
            sleep_ms (1);
        if (c->rc >= 0)
            c->rc = zmq_send (c->a, body, sizeof body, 0);
    } while (c->rc >= 0);
    c->err = errno;
    return NULL;
}

static void *body_poll_mixed (struct call *c)
{
    zmq_pollitem_t items[] = {{c->a, 0, ZMQ_POLLIN, 0},
                              {NULL, (int) (intptr_t) c->b, ZMQ_POLLIN, 0},
                              {c->a, 0, 0, 0}};
    c->rc = zmq_poll (items, 3, -1);
    c->err = errno;
    return NULL;
}

static void *body_poll_two (struct call *c)
{
    zmq_pollitem_t items[] = {{c->a, 0, ZMQ_POLLIN, 0}, {c->b, 0, ZMQ_POLLIN, 0}};
    c->rc = zmq_poll (items, 2, -1);
    c->err = errno;
    return NULL;
}

/* Many calls on sockets of one context. */
struct crowd
{
    struct call calls[32];
    void *sockets[64];
    int call_count, socket_count;
};

static void *crowd_keeps (struct crowd *w, void *socket)
{
    return w->sockets[w->socket_count++] = socket;
}

static void crowd_call (struct crowd *w, void *(*body) (struct call *), void *a,
                        void *b)
{
    call_start (&w->calls[w->call_count++], body, a, b);
}

static const int receiving[] = {ZMQ_PAIR,   ZMQ_SUB,  ZMQ_REP,  ZMQ_DEALER,
                                ZMQ_ROUTER, ZMQ_PULL, ZMQ_XPUB, ZMQ_XSUB};
static const int lonely[] = {ZMQ_PAIR, ZMQ_REQ, ZMQ_DEALER, ZMQ_PUSH};
static const int full[][2] = {{ZMQ_PAIR, ZMQ_PAIR},
                              {ZMQ_DEALER, ZMQ_DEALER},
                              {ZMQ_PUSH, ZMQ_PULL},
                              {ZMQ_XPUB, ZMQ_XSUB},
                              {ZMQ_ROUTER, ZMQ_DEALER}};

static void block_receivers (struct crowd *w)
{
    for (size_t i = 0; i < sizeof receiving / sizeof *receiving; i++) {
        void *s = crowd_keeps (w, receiver (receiving[i]));
        endpoint_t endpoint;
        if (i % 2)
            bind_to (s, "tcp", endpoint);
        crowd_call (w, body_recv_for_ever, s, NULL);
    }
}

static void block_senders (struct crowd *w)
{
    for (size_t i = 0; i < sizeof lonely / sizeof *lonely; i++)
        crowd_call (w, body_send_on, crowd_keeps (w, lonely_sender (lonely[i])),
                    NULL);
    for (size_t i = 0; i < 2 * sizeof full / sizeof *full; i++) {
        void *peer;
        void *s = crowd_keeps (w, full_sender (full[i / 2][0], &peer,
                                               full[i / 2][1],
                                               i % 2 ? "tcp" : "ipc"));
        crowd_keeps (w, peer);
        crowd_call (w, body_send_on, s, NULL);
    }
}

static void block_pollers (struct crowd *w)
{
    static int event;
    event = eventfd (0, EFD_CLOEXEC);
    endpoint_t endpoint;
    for (int i = 0; i < 2; i++) {
        void *a = crowd_keeps (w, receiver (ZMQ_PULL));
        void *b = crowd_keeps (w, receiver (ZMQ_PULL));
        void *c = crowd_keeps (w, receiver (ZMQ_SUB));
        void *front = crowd_keeps (w, receiver (ZMQ_PULL));
        void *back = crowd_keeps (w, receiver (ZMQ_PUSH));
        if (i)
            for (int n = 1; n <= 5; n++)
                bind_to (w->sockets[w->socket_count - n], "tcp", endpoint);
        crowd_call (w, body_poll, a, NULL);
        crowd_call (w, body_poll_mixed, b, (void *) (intptr_t) event);
        crowd_call (w, body_poll_two, crowd_keeps (w, receiver (ZMQ_PULL)), c);
        crowd_call (w, body_proxy, front, back);
    }
}

/* All of them sleep, are told of the end, and let the context go. */
static void crowd_ends (struct crowd *w, bool by_shutdown)
{
    struct call term = {0};
    for (int i = 0; i < w->call_count; i++)
        call_wait_blocked (&w->calls[i]);
    CHECK_BECOMES (rests_for_ms (300));
    if (by_shutdown)
        CHECK_OK (zmq_ctx_shutdown (ctx));
    else
        call_start (&term, body_term, ctx, NULL);
    for (int i = 0; i < w->call_count; i++) {
        call_join (&w->calls[i]);
        CHECK_INT (w->calls[i].rc, -1);
        CHECK_INT (w->calls[i].err, ETERM);
    }
    CHECK (!term.done);
    for (int i = 0; i < w->socket_count; i++)
        CHECK_OK (zmq_close (w->sockets[i]));
    if (by_shutdown)
        CHECK_OK (zmq_ctx_term (ctx));
    else {
        call_join (&term);
        CHECK_OK (term.rc);
    }
}

#define ENDS(NAME, BLOCK)                                                      \
    TEST (NAME##_end_by_shutdown)                                              \
    {                                                                          \
        static struct crowd w;                                                 \
        begin ();                                                              \
        BLOCK (&w);                                                            \
        crowd_ends (&w, true);                                                 \
    }                                                                          \
    TEST (NAME##_end_by_term)                                                  \
    {                                                                          \
        static struct crowd w;                                                 \
        begin ();                                                              \
        BLOCK (&w);                                                            \
        crowd_ends (&w, false);                                                \
    }

ENDS (receives, block_receivers)
ENDS (sends, block_senders)
ENDS (polls_and_proxies, block_pollers)

/* ---- around the end ---- */

TEST (what_still_works_after_shutdown)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    zmq_msg_t msg, copy;
    zmq_msg_init (&msg);
    zmq_msg_init (&copy);
    CHECK_INT (zmq_msg_recv (&msg, b, 0), 1);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_IO_THREADS), 1);
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 7));
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_MAX_SOCKETS), 7);
    CHECK_STR (zmq_msg_gets (&msg, "Socket-Type"), "PAIR");
    CHECK_OK (zmq_msg_copy (&copy, &msg));
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (zmq_msg_size (&copy), 1);
    CHECK_OK (zmq_msg_close (&copy));
    CHECK_OK (zmq_poll (NULL, 0, 0));
    end (a, b);
}

/* Who has begun to read a message, or was told of one, gets it: the end is noticed
 * by a call that finds nothing there, or looks at events. */
static void what_is_there_is_received (const char *where)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, where, ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "a", ZMQ_SNDMORE);
    CHECK_SEND (push, "b", ZMQ_SNDMORE);
    CHECK_SEND (push, "c", 0);
    CHECK_RECV (pull, "a");
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_INT (get_int (pull, ZMQ_RCVMORE), 1);
    CHECK_RECV (pull, "b");
    CHECK_RECV (pull, "c");
    CHECK_INT (get_int (pull, ZMQ_RCVMORE), 0);
    CHECK_ERR (zmq_recv (pull, NULL, 0, 0), ETERM);
    int more;
    size_t size = sizeof more;
    CHECK_ERR (zmq_getsockopt (pull, ZMQ_RCVMORE, &more, &size), ETERM);
    end (push, pull);
}

TEST (a_message_that_is_being_read_is_read_to_its_end)
{
    what_is_there_is_received ("tcp");
    what_is_there_is_received ("ipc");
    what_is_there_is_received ("inproc://end");
}

/* libzmq's senders look once in a millisecond, where nothing blocks them: the rest of a
 * message, and what follows at once, is sent, unless that time is over. */
TEST (a_message_that_is_being_sent_is_sent_to_its_end)
{
    begin ();
    void *dealer, *router;
    connect_pair (ctx, "inproc://end", ZMQ_DEALER, &dealer, ZMQ_ROUTER, &router);
    CHECK_SEND (dealer, "a", ZMQ_SNDMORE);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    int rc = zmq_send (dealer, "b", 1, ZMQ_SNDMORE);
    CHECK (rc == 1 || (on_oracle () && errno == ETERM));
    rc = zmq_send (dealer, "c", 1, 0);
    CHECK (rc == 1 || (on_oracle () && errno == ETERM));
    if (!on_oracle ())
        CHECK_ERR (zmq_send (dealer, "d", 1, 0), ETERM);
    end (dealer, router);
}

/* A message without an end does not hide that of the context. */
TEST (frames_that_are_sent_without_end_do_not_hide_the_end)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://end", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "x", ZMQ_SNDMORE);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    while (zmq_send (push, "x", 1, ZMQ_SNDMORE) == 1)
        continue;
    CHECK_INT (errno, ETERM);
    end (push, pull);
}

TEST (a_message_that_a_poll_has_told_of_is_received)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "told", 0);
    zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_RECV (pull, "told");
    CHECK_ERR (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT), ETERM);
    end (push, pull);
}

TEST (a_poll_notices_the_end_though_there_is_a_message)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://end", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "first", 0);
    CHECK_SEND (push, "second", 0);
    CHECK_RECV (pull, "first");
    CHECK_OK (zmq_ctx_shutdown (ctx));
    zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
    CHECK_ERR (zmq_poll (&item, 1, -1), ETERM);
    CHECK_ERR (zmq_recv (pull, NULL, 0, 0), ETERM);
    end (push, pull);
}

TEST (a_full_queue_does_not_hide_the_end)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://end", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    for (int i = 0; i < 500; i++)
        CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_OK (zmq_ctx_shutdown (ctx));
    int received = 0;
    while (zmq_recv (pull, NULL, 0, 0) == 1)
        received++;
    CHECK_INT (errno, ETERM);
    CHECK_INT (received, 99);
    end (push, pull);
}

/* What a call is refused for in any case comes first. */
TEST (a_refused_receive_does_not_notice_the_end)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *req = new_socket (ctx, ZMQ_REQ);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_ERR (zmq_recv (push, NULL, 0, 0), ENOTSUP);
    CHECK_ERR (zmq_recv (req, NULL, 0, 0), EFSM);
    CHECK_INT (get_int (req, ZMQ_TYPE), ZMQ_REQ);
    CHECK_ERR (zmq_send (push, "x", 1, 0), ETERM);
    CHECK_ERR (zmq_send (req, "x", 1, 0), ETERM);
    CHECK_ERR (zmq_recv (push, NULL, 0, 0), ETERM);
    CHECK_ERR (zmq_recv (req, NULL, 0, 0), ETERM);
    end (push, req);
}

static void *body_shutdown (struct call *c)
{
    c->rc = zmq_ctx_shutdown (c->a);
    return NULL;
}

TEST (several_threads_shut_down)
{
    for (int round = 0; round < 20; round++) {
        begin ();
        void *s = new_socket (ctx, ZMQ_PULL);
        struct call recv_, calls[4];
        call_start (&recv_, body_recv, s, NULL);
        for (int i = 0; i < 4; i++)
            call_start (&calls[i], body_shutdown, ctx, NULL);
        for (int i = 0; i < 4; i++) {
            call_join (&calls[i]);
            CHECK_OK (calls[i].rc);
        }
        call_join (&recv_);
        CHECK_INT (recv_.err, ETERM);
        end (s, NULL);
    }
}

/* Waiting for an application that keeps a socket open costs nothing. */
TEST (a_term_that_waits_sleeps)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    endpoint_t endpoint;
    bind_to (s, "tcp", endpoint);
    struct call term;
    call_start (&term, body_term, ctx, NULL);
    call_wait_blocked (&term);
    CHECK_BECOMES (rests_for_ms (300));
    CHECK_OK (zmq_close (s));
    call_join (&term);
    CHECK_OK (term.rc);
}

/* A linger that waits for a peer which never comes costs nothing either. */
TEST (a_term_that_lingers_sleeps)
{
    begin ();
    void *s = zmq_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_LINGER, 400));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
    CHECK_OK (zmq_connect (s, "ipc:///nonexistent/folder/socket"));
    CHECK_SEND (s, "x", 0);
    CHECK_OK (zmq_close (s));
    double before = cpu_seconds ();
    long long start = now_ms ();
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK (now_ms () - start >= 350);
    CHECK (cpu_seconds () - before < 0.15);
}

/* A thread closes what another one waits on; here, not in libzmq. */
TEST (sockets_closed_under_every_blocked_call)
{
    if (on_oracle ())
        return;
    static struct crowd w;
    begin ();
    block_receivers (&w);
    block_senders (&w);
    for (int i = 0; i < w.call_count; i++)
        call_wait_blocked (&w.calls[i]);
    for (int i = 0; i < w.socket_count; i++)
        CHECK_OK (zmq_close (w.sockets[i]));
    for (int i = 0; i < w.call_count; i++) {
        call_join (&w.calls[i]);
        CHECK_INT (w.calls[i].rc, -1);
        CHECK_INT (w.calls[i].err, ENOTSOCK);
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

MAIN
