/* Cancelled threads: calls that wait are cancellation points. What they worked
 * with is as after any call that failed. */
#include "fixtures.h"
#include <sys/uio.h>

static volatile int cleaned;

static void note_cleanup (void *arg)
{
    (void) arg;
    cleaned++;
}

/* Any of the bodies, under a handler of the caller's. */
static void *(*within) (struct call *);

static void *body_with_handler (struct call *c)
{
    pthread_cleanup_push (note_cleanup, NULL);
    within (c);
    pthread_cleanup_pop (0);
    return NULL;
}

/* The thread ends, as one that was cancelled. */
static void join_cancelled (struct call *c)
{
    void *result = NULL;
    struct timespec end;
    clock_gettime (CLOCK_REALTIME, &end);
    end.tv_sec += AMPLE_MS / 1000;
    REQUIRE (pthread_timedjoin_np (c->thread, &result, &end) == 0);
    CHECK (result == PTHREAD_CANCELED);
    CHECK (!c->done);
}

/* A thread that is blocked in the call ends at once when it is cancelled, and
 * runs its handlers. */
static void check_cancelled (void *(*body) (struct call *), void *a, void *b)
{
    struct call c;
    cleaned = 0;
    within = body;
    call_start (&c, body_with_handler, a, b);
    call_wait_blocked (&c);
    CHECK_INT (cleaned, 0);
    REQUIRE (pthread_cancel (c.thread) == 0);
    join_cancelled (&c);
    CHECK_INT (cleaned, 1);
}

static void *body_msg_recv (struct call *c)
{
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    zmq_msg_recv (&msg, c->a, 0);
    return NULL;
}

static void *body_recviov (struct call *c)
{
    struct iovec buffers[2];
    size_t count = 2;
    zmq_recviov (c->a, buffers, &count, 0);
    return NULL;
}

static const char *const everywhere[] = {"inproc://here", "tcp", "ipc"};

TEST (receiving)
{
    static void *(*const bodies[]) (struct call *) = {body_recv, body_msg_recv,
                                                      body_recviov, body_poll};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, everywhere[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        CHECK_SEND (a, "first", 0);
        CHECK_RECV (b, "first");
        set_int (b, ZMQ_RCVTIMEO, -1);
        for (int j = 0; j < 4; j++)
            check_cancelled (bodies[j], b, NULL);
        set_int (b, ZMQ_RCVTIMEO, AMPLE_MS);
        CHECK_SEND (a, "there", 0);
        CHECK_RECV (b, "there");
        CHECK_SEND (b, "back", 0);
        CHECK_RECV (a, "back");
        end (a, b);
    }
}

static void *body_send_on (struct call *c)
{
    while (zmq_send (c->a, "x", 1, 0) == 1) {
    }
    return NULL;
}

TEST (sending)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_to (push, everywhere[i], endpoint);
        set_int (push, ZMQ_SNDTIMEO, -1);
        check_cancelled (body_send, push, NULL);
        check_cancelled (body_send_on, push, NULL);
        CHECK_OK (zmq_connect (pull, endpoint));
        CHECK_SEND (push, "sent", 0);
        CHECK_RECV (pull, "sent");
        end (push, pull);
    }
}

static void *body_poll_mixed (struct call *c)
{
    zmq_pollitem_t items[] = {{c->a, 0, ZMQ_POLLIN, 0},
                              {NULL, *(int *) c->b, ZMQ_POLLIN, 0}};
    zmq_poll (items, 2, -1);
    return NULL;
}

static void *body_poll_two (struct call *c)
{
    zmq_pollitem_t items[] = {{c->a, 0, ZMQ_POLLIN, 0}, {c->b, 0, ZMQ_POLLIN, 0}};
    zmq_poll (items, 2, -1);
    return NULL;
}

static void *body_poll_nothing (struct call *c)
{
    (void) c;
    zmq_poll (NULL, 0, -1);
    return NULL;
}

TEST (polling)
{
    begin ();
    int ends[2];
    REQUIRE (pipe (ends) == 0);
    for (int i = 0; i < 3; i++) {
        void *a, *b, *other = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_to (other, "tcp", endpoint);
        connect_pair (ctx, everywhere[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        check_cancelled (body_poll_mixed, b, ends);
        check_cancelled (body_poll_two, b, other);
        CHECK_SEND (a, "there", 0);
        CHECK_RECV (b, "there");
        CHECK_OK (zmq_close (other));
        CHECK_OK (zmq_close (a));
        CHECK_OK (zmq_close (b));
    }
    check_cancelled (body_poll_nothing, NULL, NULL);
    end (new_socket (ctx, ZMQ_PULL), NULL);
}

TEST (proxies)
{
    begin ();
    void *front = new_socket (ctx, ZMQ_PULL), *back = new_socket (ctx, ZMQ_PUSH);
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    endpoint_t in, out;
    bind_to (front, "tcp", in);
    bind_to (back, "inproc://back", out);
    CHECK_OK (zmq_connect (push, in));
    CHECK_OK (zmq_connect (pull, out));
    struct call c;
    within = body_proxy;
    call_start (&c, body_with_handler, front, back);
    CHECK_SEND (push, "passed", 0);
    CHECK_RECV (pull, "passed");
    call_wait_blocked (&c);
    REQUIRE (pthread_cancel (c.thread) == 0);
    join_cancelled (&c);
    /* The proxy has ended, its sockets have not. */
    CHECK_SEND (push, "held", 0);
    CHECK_RECV (front, "held");
    CHECK_OK (zmq_close (front));
    CHECK_OK (zmq_close (back));
    end (push, pull);
}

/* A termination that was cancelled is begun, and may be ended by another one. */
TEST (terminating)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    char byte;
    check_cancelled (body_term, ctx, NULL);
    CHECK_ERR (zmq_recv (s, &byte, 1, 0), ETERM);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

static void *body_sleep (struct call *c)
{
    (void) c;
    zmq_sleep (100);
    return NULL;
}

static void sleep_long (void *arg)
{
    (void) arg;
    sleep (100);
}

static void *body_threadclose (struct call *c)
{
    zmq_threadclose (c->a);
    return NULL;
}

TEST (helpers)
{
    check_cancelled (body_sleep, NULL, NULL);
    /* Who is cancelled in the thread sanitizer's pthread_join, whoever calls it, is
     * taken for one that ends amid what it was told to overlook. */
    if (!__tsan_init)
        check_cancelled (body_threadclose, zmq_threadstart (sleep_long, NULL), NULL);
}

static void *body_recv_undisturbed (struct call *c)
{
    pthread_setcancelstate (PTHREAD_CANCEL_DISABLE, NULL);
    body_recv (c);
    return NULL;
}

/* Threads that do not want to be cancelled are not. */
TEST (disabled)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, everywhere[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        struct call c;
        call_start (&c, body_recv_undisturbed, b, NULL);
        call_wait_blocked (&c);
        REQUIRE (pthread_cancel (c.thread) == 0);
        call_wait_blocked (&c);
        CHECK_SEND (a, "x", 0);
        call_join (&c);
        CHECK_INT (c.rc, 1);
        end (a, b);
    }
}

static void *body_echo (struct call *c)
{
    char byte;
    while (zmq_recv (c->a, &byte, 1, 0) == 1 && zmq_send (c->a, &byte, 1, 0) == 1) {
    }
    return NULL;
}

static void *body_ask_on (struct call *c)
{
    char byte;
    while (zmq_send (c->a, "x", 1, 0) == 1 && zmq_recv (c->a, &byte, 1, 0) == 1)
        __atomic_add_fetch ((int *) c->b, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* A thread that never waits for long is cancelled all the same. Not on libzmq:
 * it may be cancelled there while it tells its I/O thread something, with a lock
 * held that nobody gives back. */
TEST (busy)
{
    if (on_oracle ())
        return;
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, everywhere[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        set_int (a, ZMQ_RCVTIMEO, -1);
        set_int (b, ZMQ_RCVTIMEO, -1);
        struct call asks, echoes;
        int answers = 0;
        call_start (&asks, body_ask_on, a, &answers);
        call_start (&echoes, body_echo, b, NULL);
        while (__atomic_load_n (&answers, __ATOMIC_SEQ_CST) < 1000)
            sleep_ms (1);
        REQUIRE (pthread_cancel (echoes.thread) == 0);
        join_cancelled (&echoes);
        REQUIRE (pthread_cancel (asks.thread) == 0);
        join_cancelled (&asks);
        end (a, b);
    }
}

static void close_at_once (void *s)
{
    set_int (s, ZMQ_LINGER, 0);
    zmq_close (s);
}

static void *body_talk (struct call *c)
{
    void *s = zmq_socket (ctx, ZMQ_DEALER);
    pthread_cleanup_push (close_at_once, s);
    CHECK_OK (zmq_connect (s, c->a));
    for (int i = 0; i < 30; i++)
        CHECK_INT (zmq_send (s, "word", 4, 0), 4);
    char word[4];
    while (zmq_recv (s, word, 4, 0) >= 0) {
    }
    pthread_cleanup_pop (1);
    return NULL;
}

/* Threads that wake up all the time, and lead each other's sockets, leave none of
 * that half done when they are cancelled: a signal that was meant for a sleep may come
 * when it is over. Not on libzmq, see above. */
TEST (amid_traffic)
{
    enum { THREADS = 6, ROUNDS = 200 };
    if (on_oracle ())
        return;
    begin ();
    void *router = new_socket (ctx, ZMQ_ROUTER);
    endpoint_t endpoint;
    bind_to (router, "tcp", endpoint);
    for (int round = 0; round < ROUNDS; round++) {
        struct call talk[THREADS];
        for (int i = 0; i < THREADS; i++)
            call_start (&talk[i], body_talk, endpoint, NULL);
        for (int i = 0; i < 30 * THREADS; i++) {
            char who[8], word[8];
            int size = zmq_recv (router, who, sizeof who, 0);
            REQUIRE (size > 0 && zmq_recv (router, word, sizeof word, 0) == 4);
            CHECK_INT (zmq_send (router, who, size, ZMQ_SNDMORE), size);
            CHECK_INT (zmq_send (router, word, 4, 0), 4);
        }
        sleep_ms (1);
        for (int i = 0; i < THREADS; i++)
            REQUIRE (pthread_cancel (talk[i].thread) == 0);
        for (int i = 0; i < THREADS; i++)
            join_cancelled (&talk[i]);
    }
    end (router, NULL);
}

/* Of threads that wait for different sockets, whichever is cancelled, the other
 * one goes on. */
TEST (one_of_two)
{
    static const char *const where[] = {"tcp", "ipc"};
    for (int i = 0; i < 4; i++) {
        begin ();
        void *a[2], *b[2];
        struct call calls[2];
        for (int j = 0; j < 2; j++) {
            connect_pair (ctx, where[i % 2], ZMQ_PAIR, &a[j], ZMQ_PAIR, &b[j]);
            CHECK_SEND (a[j], "first", 0);
            CHECK_RECV (b[j], "first");
        }
        for (int j = 0; j < 2; j++) {
            call_start (&calls[j], body_recv, b[j], NULL);
            call_wait_blocked (&calls[j]);
        }
        int gone = i / 2;
        REQUIRE (pthread_cancel (calls[gone].thread) == 0);
        join_cancelled (&calls[gone]);
        for (int j = 0; j < 2; j++)
            CHECK_SEND (a[j], "y", 0);
        call_join (&calls[!gone]);
        CHECK_INT (calls[!gone].rc, 1);
        CHECK_RECV (b[gone], "y");
        CHECK_OK (zmq_close (a[0]));
        CHECK_OK (zmq_close (b[0]));
        end (a[1], b[1]);
    }
}

MAIN
