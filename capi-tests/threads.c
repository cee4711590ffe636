/* Threads: sockets handed from one to another, contexts shared by many, free
 * functions on whichever thread; and one socket used by several at once. */
#include "fixtures.h"
#include <semaphore.h>

static const char *const places[] = {"inproc://place", "tcp", "ipc"};

static void *body_use_socket (struct call *c)
{
    CHECK_SEND (c->a, "from the other thread", 0);
    CHECK_RECV (c->a, "to the other thread");
    return NULL;
}

static void *body_close (struct call *c)
{
    c->rc = zmq_close (c->a);
    return NULL;
}

TEST (a_socket_passes_between_threads)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, places[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        for (int round = 0; round < 5; round++) {
            struct call c;
            call_start (&c, body_use_socket, a, NULL);
            CHECK_RECV (b, "from the other thread");
            CHECK_SEND (b, "to the other thread", 0);
            call_join (&c);
            CHECK_SEND (a, "here", 0);
            CHECK_RECV (b, "here");
        }
        struct call c;
        call_start (&c, body_close, a, NULL);
        call_join (&c);
        CHECK_INT (c.rc, 0);
        end (b, NULL);
    }
}

static void *body_answer (struct call *c)
{
    int got;
    for (int i = 0; i < 500; i++)
        if (zmq_recv (c->a, &got, sizeof got, 0) != sizeof got
            || zmq_send (c->a, &got, sizeof got, 0) != sizeof got || got != i)
            c->rc++;
    return NULL;
}

TEST (two_threads_play_ping_pong)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *req, *rep;
        connect_pair (ctx, places[i], ZMQ_REQ, &req, ZMQ_REP, &rep);
        struct call c;
        call_start (&c, body_answer, rep, NULL);
        int wrong = 0, got;
        for (int n = 0; n < 500; n++)
            wrong += zmq_send (req, &n, sizeof n, 0) != sizeof n
                     || zmq_recv (req, &got, sizeof got, 0) != sizeof got
                     || got != n;
        CHECK_INT (wrong, 0);
        call_join (&c);
        CHECK_INT (c.rc, 0);
        end (req, rep);
    }
}

static endpoint_t hub;
static void *body_push_from_own_socket (struct call *c)
{
    void *s = zmq_socket (ctx, ZMQ_PUSH);
    c->rc += !s || zmq_connect (s, hub) != 0;
    for (int i = 0; i < 200; i++) {
        int out[2] = {(int) (intptr_t) c->a, i};
        c->rc += zmq_send (s, out, sizeof out, 0) != sizeof out;
    }
    c->rc += zmq_close (s) != 0;
    return NULL;
}

TEST (each_thread_its_socket)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *pull = new_socket (ctx, ZMQ_PULL);
        bind_to (pull, places[i], hub);
        struct call c[8];
        for (int n = 0; n < 8; n++)
            call_start (&c[n], body_push_from_own_socket, (void *) (intptr_t) n,
                        NULL);
        int next[8] = {0}, wrong = 0, got[2];
        for (int n = 0; n < 8 * 200; n++)
            if (zmq_recv (pull, got, sizeof got, 0) != sizeof got || got[0] < 0
                || got[0] > 7 || next[got[0]]++ != got[1])
                wrong++;
        CHECK_INT (wrong, 0);
        for (int n = 0; n < 8; n++) {
            call_join (&c[n]);
            CHECK_INT (c[n].rc, 0);
        }
        end (pull, NULL);
    }
}

/* Few enough to stay below ZMQ_MAX_SOCKETS however late sockets go. */
static void *body_open_and_close (struct call *c)
{
    for (int i = 0; i < 50; i++) {
        char name[64];
        snprintf (name, sizeof name, "inproc://%p-%d", (void *) c, i);
        void *a = zmq_socket (ctx, ZMQ_PAIR), *b = zmq_socket (ctx, ZMQ_PAIR);
        char byte = 0;
        c->rc += !a || !b || zmq_connect (a, name) != 0
                 || zmq_bind (b, name) != 0 || zmq_send (a, "x", 1, 0) != 1
                 || zmq_recv (b, &byte, 1, 0) != 1 || byte != 'x'
                 || zmq_close (a) != 0 || zmq_close (b) != 0;
    }
    return NULL;
}

TEST (many_threads_open_and_close_sockets)
{
    begin ();
    struct call c[4];
    for (int n = 0; n < 4; n++)
        call_start (&c[n], body_open_and_close, NULL, NULL);
    for (int n = 0; n < 4; n++) {
        call_join (&c[n]);
        CHECK_INT (c[n].rc, 0);
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

static void *body_until_eterm (struct call *c)
{
    void *s = zmq_socket (ctx, ZMQ_PAIR);
    __atomic_add_fetch ((int *) c->a, 1, __ATOMIC_SEQ_CST);
    char byte;
    do
        c->rc = zmq_recv (s, &byte, 1, 0);
    while (c->rc == 0);
    c->err = errno;
    if (zmq_close (s) != 0)
        c->rc = 0;
    return NULL;
}

TEST (term_gathers_many_threads)
{
    begin ();
    int started = 0;
    struct call c[8];
    for (int n = 0; n < 8; n++)
        call_start (&c[n], body_until_eterm, &started, NULL);
    CHECK_BECOMES (__atomic_load_n (&started, __ATOMIC_SEQ_CST) == 8);
    CHECK_OK (zmq_ctx_term (ctx));
    for (int n = 0; n < 8; n++) {
        call_join (&c[n]);
        CHECK_INT (c[n].rc, -1);
        CHECK_INT (c[n].err, ETERM);
    }
}

/* ---- free functions ---- */

enum { BODIES = 600 };
static volatile int times_freed[BODIES];
static char bodies[BODIES][300];
static void note_freed (void *data, void *hint)
{
    int index = (int) (intptr_t) hint;
    if (data != bodies[index])
        abort ();
    __atomic_add_fetch (&times_freed[index], 1, __ATOMIC_SEQ_CST);
}

static void check_all_freed_once (int count)
{
    int wrong = 0;
    for (int i = 0; i < count; i++)
        wrong += times_freed[i] != 1;
    CHECK_INT (wrong, 0);
    memset ((void *) times_freed, 0, sizeof times_freed);
}

static void *body_push_user_buffers (struct call *c)
{
    for (int i = 0; i < BODIES; i++) {
        zmq_msg_t msg;
        c->rc += zmq_msg_init_data (&msg, bodies[i], (size_t) (i % 300),
                                    note_freed, (void *) (intptr_t) i)
                 != 0;
        c->rc += zmq_msg_send (&msg, c->a, 0) != i % 300;
    }
    return NULL;
}

TEST (free_functions_run_once)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, places[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        struct call c;
        call_start (&c, body_push_user_buffers, push, NULL);
        int wrong = 0;
        for (int n = 0; n < BODIES; n++)
            wrong += zmq_recv (pull, NULL, 0, 0) != n % 300;
        CHECK_INT (wrong, 0);
        call_join (&c);
        CHECK_INT (c.rc, 0);
        end (push, pull);
        check_all_freed_once (BODIES);
    }
}

TEST (free_functions_run_once_for_messages_nobody_got)
{
    /* To a peer that leaves, to nobody, into a dropping socket. */
    begin ();
    void *push, *pull, *pub = new_socket (ctx, ZMQ_PUB);
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    for (int i = 0; i < 300; i++) {
        zmq_msg_t msg;
        CHECK_OK (zmq_msg_init_data (&msg, bodies[i], 300, note_freed,
                                     (void *) (intptr_t) i));
        CHECK_INT (zmq_msg_send (&msg, i % 2 ? push : pub, 0), 300);
        if (i == 150)
            CHECK_OK (zmq_close (pull));
    }
    CHECK_OK (zmq_close (pub));
    end (push, NULL);
    check_all_freed_once (300);
}

TEST (free_functions_run_once_for_shared_messages)
{
    begin ();
    void *push[4], *pull[4], *pub = new_socket (ctx, ZMQ_PUB);
    for (int n = 0; n < 4; n++)
        connect_pair (ctx, n % 2 ? "tcp" : n ? "inproc://two" : "inproc://one",
                      ZMQ_PUSH, &push[n], ZMQ_PULL, &pull[n]);
    for (int i = 0; i < 100; i++) {
        zmq_msg_t msg, copy;
        CHECK_OK (zmq_msg_init_data (&msg, bodies[i], 300, note_freed,
                                     (void *) (intptr_t) i));
        for (int n = 0; n < 4; n++) {
            CHECK_OK (zmq_msg_init (&copy));
            CHECK_OK (zmq_msg_copy (&copy, &msg));
            CHECK_INT (zmq_msg_send (&copy, push[n], 0), 300);
        }
        CHECK_OK (zmq_msg_close (&msg));
    }
    for (int n = 0; n < 4; n++)
        for (int i = 0; i < 100; i++)
            CHECK_INT (zmq_recv (pull[n], NULL, 0, 0), 300);
    for (int n = 0; n < 4; n++) {
        CHECK_OK (zmq_close (push[n]));
        CHECK_OK (zmq_close (pull[n]));
    }
    end (pub, NULL);
    check_all_freed_once (100);
}

static void *asked_when_freed;
static volatile int answers;
static void ask_when_freed (void *data, void *hint)
{
    (void) data;
    (void) hint;
    int events;
    size_t size = sizeof events;
    if (zmq_getsockopt (asked_when_freed, ZMQ_EVENTS, &events, &size) == 0)
        __atomic_add_fetch (&answers, 1, __ATOMIC_SEQ_CST);
}

TEST (free_functions_may_call_the_library)
{
    if (on_oracle ())
        return; /* its sockets must not be used on the thread that frees */
    for (int i = 0; i < 3; i++) {
        begin ();
        static char body[5000];
        void *push, *pull;
        connect_pair (ctx, places[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        asked_when_freed = push;
        answers = 0;
        for (int n = 0; n < 20; n++) {
            zmq_msg_t msg;
            CHECK_OK (zmq_msg_init_data (&msg, body, sizeof body,
                                         ask_when_freed, NULL));
            CHECK_INT (zmq_msg_send (&msg, push, 0), 5000);
            CHECK_INT (zmq_recv (pull, NULL, 0, 0), 5000);
        }
        CHECK_BECOMES (__atomic_load_n (&answers, __ATOMIC_SEQ_CST) == 20);
        end (push, pull);
    }
}

/* ---- one socket, several threads: the oracle corrupts its memory ---- */

static void *body_push_shared (struct call *c)
{
    for (int i = 0; i < 1000; i++) {
        int out = (int) (intptr_t) c->b * 1000 + i;
        c->rc += zmq_send (c->a, &out, sizeof out, 0) != sizeof out;
    }
    return NULL;
}

static unsigned char arrived[4000];
static void *body_pull_shared (struct call *c)
{
    for (int i = 0, got = -1; i < 1000; i++) {
        c->rc += zmq_recv (c->a, &got, sizeof got, 0) != sizeof got;
        if (got >= 0 && got < 4000)
            __atomic_add_fetch (&arrived[got], 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

TEST (several_threads_share_both_ends)
{
    if (on_oracle ())
        return;
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push, *pull;
        connect_pair (ctx, places[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        struct call out[4], in[4];
        memset (arrived, 0, sizeof arrived);
        for (int n = 0; n < 4; n++) {
            call_start (&in[n], body_pull_shared, pull, NULL);
            call_start (&out[n], body_push_shared, push, (void *) (intptr_t) n);
        }
        for (int n = 0; n < 4; n++) {
            call_join (&out[n]);
            call_join (&in[n]);
            CHECK_INT (out[n].rc, 0);
            CHECK_INT (in[n].rc, 0);
        }
        int wrong = 0;
        for (int n = 0; n < 4000; n++)
            wrong += arrived[n] != 1;
        CHECK_INT (wrong, 0);
        end (push, pull);
    }
}

TEST (one_thread_sends_while_another_waits_to_receive)
{
    if (on_oracle ())
        return;
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, places[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        set_int (a, ZMQ_RCVTIMEO, -1);
        struct call c;
        call_start (&c, body_recv, a, NULL);
        call_wait_blocked (&c);
        for (int n = 0; n < 100; n++) {
            CHECK_SEND (a, "meanwhile", 0);
            CHECK_RECV (b, "meanwhile");
        }
        CHECK_INT (get_int (a, ZMQ_EVENTS), ZMQ_POLLOUT);
        CHECK_INT (c.done, 0);
        CHECK_SEND (b, "x", 0);
        call_join (&c);
        CHECK_INT (c.rc, 1);
        end (a, b);
    }
}

enum { ASKED = 200000 };

static void *body_ask_when_told (struct call *c)
{
    static char body[ASKED];
    for (int i = 0; i < 500; i++) {
        sem_wait (c->b);
        c->rc += zmq_send (c->a, body, ASKED, 0) != ASKED;
    }
    return NULL;
}

/* A raw peer that answers as soon as it sees a question. */
static void *body_answer_early (struct call *c)
{
    static char body[ASKED];
    int fd = (int) (intptr_t) c->a;
    for (int i = 0; i < 500; i++)
        c->rc += !raw_read (fd, body, 9) || !raw_send_frame (fd, "x")
                 || !raw_read (fd, body, ASKED);
    return NULL;
}

/* The answers arrive while the sender is still about the connection. */
TEST (one_thread_asks_while_another_hears_the_answers)
{
    if (on_oracle ())
        return;
    begin ();
    endpoint_t endpoint;
    void *dealer = new_socket (ctx, ZMQ_DEALER);
    int listener = raw_listen (endpoint);
    CHECK_OK (zmq_connect (dealer, endpoint));
    int fd = accept (listener, NULL, NULL), on = 1;
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    REQUIRE (raw_handshake (fd, "DEALER"));
    sem_t may_ask;
    sem_init (&may_ask, 0, 1);
    struct call asks, answers;
    call_start (&answers, body_answer_early, (void *) (intptr_t) fd, NULL);
    call_start (&asks, body_ask_when_told, dealer, &may_ask);
    int heard = 0;
    for (char got; heard < 500 && zmq_recv (dealer, &got, 1, 0) == 1; heard++)
        sem_post (&may_ask);
    REQUIRE (heard == 500);
    call_join (&asks);
    CHECK_INT (asks.rc, 0);
    call_join (&answers);
    CHECK_INT (answers.rc, 0);
    close (fd);
    close (listener);
    end (dealer, NULL);
}

TEST (several_threads_wait_on_one_socket)
{
    if (on_oracle ())
        return;
    begin ();
    void *push, *pull;
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    set_int (pull, ZMQ_RCVTIMEO, -1);
    struct call c[4];
    for (int n = 0; n < 4; n++) {
        call_start (&c[n], body_recv, pull, NULL);
        call_wait_blocked (&c[n]);
    }
    for (int n = 0; n < 4; n++)
        CHECK_SEND (push, "x", 0);
    for (int n = 0; n < 4; n++) {
        call_join (&c[n]);
        CHECK_INT (c[n].rc, 1);
    }
    end (push, pull);
}

TEST (closing_a_socket_others_wait_on)
{
    if (on_oracle ())
        return;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    set_int (s, ZMQ_RCVTIMEO, -1);
    struct call recv_, poll_;
    call_start (&recv_, body_recv, s, NULL);
    call_start (&poll_, body_poll, s, NULL);
    call_wait_blocked (&recv_);
    call_wait_blocked (&poll_);
    CHECK_OK (zmq_close (s));
    call_join (&recv_);
    CHECK_INT (recv_.rc, -1);
    CHECK_INT (recv_.err, ENOTSOCK);
    call_join (&poll_);
    CHECK_INT (poll_.rc, -1);
    CHECK_INT (poll_.err, ENOTSOCK);
    CHECK_OK (zmq_ctx_term (ctx));
}

static void *body_close_many (struct call *c)
{
    void **sockets = c->a;
    for (int i = 0; i < 200; i++)
        c->rc += zmq_close (sockets[i]) == 0;
    return NULL;
}

TEST (two_threads_close_the_same_sockets)
{
    if (on_oracle ())
        return;
    begin ();
    void *sockets[200];
    for (int i = 0; i < 200; i++)
        sockets[i] = new_socket (ctx, ZMQ_PAIR);
    struct call c[2];
    call_start (&c[0], body_close_many, sockets, NULL);
    call_start (&c[1], body_close_many, sockets, NULL);
    call_join (&c[0]);
    call_join (&c[1]);
    /* Each closes once, whoever it was that came first. */
    CHECK_INT (c[0].rc + c[1].rc, 200);
    CHECK_OK (zmq_ctx_term (ctx));
}

MAIN
