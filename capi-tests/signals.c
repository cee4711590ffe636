/* Signals: caught ones interrupt what blocks, also under SA_RESTART; the
 * library itself never raises one, nor lets its threads receive one. */
#include "fixtures.h"
#include "raw.h"
#include <sys/eventfd.h>
#include <sys/time.h>

static const int handler_flags[] = {0, SA_RESTART};

/* Runs EXPR with both kinds of handler, under a pest. */
#define CHECK_EINTR(EXPR)                                                      \
    for (int flags_ = 0; flags_ < 2; flags_++) {                               \
        struct pest pest_;                                                     \
        catch_signal (SIGUSR1, handler_flags[flags_]);                         \
        pest_start (&pest_);                                                   \
        CHECK_ERR (EXPR, EINTR);                                               \
        pest_stop (&pest_);                                                    \
        CHECK (signals_seen > 0);                                              \
        signals_seen = 0;                                                      \
    }

TEST (recv_is_interrupted)
{
    static const char *const where[] = {"inproc://here", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        char byte;
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        connect_pair (ctx, where[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        CHECK_EINTR (zmq_recv (b, &byte, 1, 0));
        CHECK_EINTR (zmq_msg_recv (&msg, b, 0));
        set_int (b, ZMQ_RCVTIMEO, -1);
        CHECK_EINTR (zmq_recv (b, &byte, 1, 0));
        /* The socket is none the worse. */
        CHECK_SEND (a, "fine", 0);
        CHECK_RECV (b, "fine");
        end (a, b);
    }
}

TEST (send_is_interrupted)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    zmq_msg_t msg;
    zmq_msg_init_size (&msg, 4);
    memcpy (zmq_msg_data (&msg), "kept", 4);
    CHECK_EINTR (zmq_send (push, "x", 1, 0));
    CHECK_EINTR (zmq_send_const (push, "x", 1, 0));
    CHECK_EINTR (zmq_msg_send (&msg, push, 0));
    set_int (push, ZMQ_SNDTIMEO, -1);
    CHECK_EINTR (zmq_send (push, "x", 1, 0));
    endpoint_t endpoint;
    bind_to (push, "tcp", endpoint);
    CHECK_EINTR (zmq_send (push, "x", 1, 0));
    CHECK_OK (zmq_connect (pull, endpoint));
    CHECK_INT (zmq_msg_send (&msg, push, 0), 4);
    CHECK_RECV (pull, "kept");
    end (push, pull);
}

/* A thread that has just sent to many sockets has work left when it begins to wait: a
 * signal that comes meanwhile is not forgotten. One that comes just before the thread
 * sleeps may be, once in a while. */
TEST (a_wait_after_many_sends_is_interrupted)
{
    enum { MANY = 100, ROUNDS = 16, PATIENCE_MS = 300 };
    void *push[MANY], *pull[MANY];
    begin ();
    void *other_ctx = zmq_ctx_new ();
    REQUIRE (other_ctx != NULL);
    for (int i = 0; i < MANY; i++) {
        endpoint_t there;
        push[i] = new_socket (ctx, ZMQ_PUSH);
        pull[i] = new_socket (other_ctx, ZMQ_PULL);
        bind_to (pull[i], "tcp", there);
        CHECK_OK (zmq_connect (push[i], there));
    }
    void *quiet = new_socket (ctx, ZMQ_PULL);
    endpoint_t endpoint;
    bind_to (quiet, "tcp", endpoint);
    set_int (quiet, ZMQ_RCVTIMEO, PATIENCE_MS);
    catch_signal (SIGALRM, 0);
    int lost = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 6 * MANY; i++)
            CHECK_SEND (push[i % MANY], "some words", 0);
        struct itimerval once = {.it_value = {0, 120 + 20 * round}};
        REQUIRE (setitimer (ITIMER_REAL, &once, NULL) == 0);
        char byte;
        CHECK_INT (zmq_recv (quiet, &byte, 1, 0), -1);
        lost += errno != EINTR;
        for (int i = 0; i < 6 * MANY; i++)
            CHECK_RECV (pull[i % MANY], "some words");
    }
    CHECK (signals_seen > 0 && lost <= ROUNDS * 3 / 4);
    signals_seen = 0;
    for (int i = 0; i < MANY; i++) {
        CHECK_OK (zmq_close (push[i]));
        CHECK_OK (zmq_close (pull[i]));
    }
    CHECK_OK (zmq_ctx_term (other_ctx));
    end (quiet, NULL);
}

static bool talks;

/* Asks again and again whether the other end is alive. */
static void *body_ask (struct call *c)
{
    enum { PINGS = 100 };
    static const char ping[] = "\4\7\4PING\0";
    char pings[PINGS * sizeof ping], pongs[1 << 16];
    int fd = raw_connect (c->a);
    REQUIRE (raw_handshake (fd, "PUSH"));
    for (int i = 0; i < PINGS; i++)
        memcpy (pings + i * sizeof ping, ping, sizeof ping);
    while (__atomic_load_n (&talks, __ATOMIC_RELAXED)) {
        CHECK (raw_write (fd, pings, sizeof pings));
        while (recv (fd, pongs, sizeof pongs, MSG_DONTWAIT) > 0) {
        }
        usleep (20);
    }
    close (fd);
    return NULL;
}

/* Whoever waits for one socket serves others meanwhile: a signal that comes then is
 * not forgotten. */
TEST (a_wait_beside_a_busy_connection_is_interrupted)
{
    enum { ROUNDS = 40, PATIENCE_MS = 200 };
    begin ();
    void *busy = new_socket (ctx, ZMQ_PULL), *quiet = new_socket (ctx, ZMQ_PULL);
    endpoint_t endpoint, unused;
    bind_to (busy, "tcp", endpoint);
    bind_to (quiet, "tcp", unused);
    set_int (quiet, ZMQ_RCVTIMEO, PATIENCE_MS);
    sigset_t alarm_only, before;
    sigemptyset (&alarm_only);
    sigaddset (&alarm_only, SIGALRM);
    talks = true;
    struct call asks[2];
    /* Threads inherit that they take no alarm. */
    pthread_sigmask (SIG_BLOCK, &alarm_only, &before);
    for (int i = 0; i < 2; i++)
        call_start (&asks[i], body_ask, endpoint, NULL);
    pthread_sigmask (SIG_SETMASK, &before, NULL);
    catch_signal (SIGALRM, 0);
    int lost = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct itimerval once = {.it_value = {0, 5000 + 137 * round}};
        REQUIRE (setitimer (ITIMER_REAL, &once, NULL) == 0);
        char byte;
        CHECK_INT (zmq_recv (quiet, &byte, 1, 0), -1);
        lost += errno != EINTR;
    }
    CHECK (signals_seen > 0 && lost <= ROUNDS / 4);
    signals_seen = 0;
    __atomic_store_n (&talks, false, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        call_join (&asks[i]);
    end (busy, quiet);
}

TEST (poll_is_interrupted)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    zmq_pollitem_t items[] = {{s, 0, ZMQ_POLLIN, 0},
                              {NULL, eventfd (0, 0), ZMQ_POLLIN, 0}};
    CHECK_EINTR (zmq_poll (items, 1, -1));
    CHECK_EINTR (zmq_poll (items + 1, 1, -1));
    CHECK_EINTR (zmq_poll (items, 2, -1));
    CHECK_EINTR (zmq_poll (items, 2, AMPLE_MS));
    CHECK_EINTR (zmq_poll (NULL, 0, -1));
    end (s, NULL);
}

TEST (proxy_is_interrupted)
{
    begin ();
    void *front = new_socket (ctx, ZMQ_PULL), *back = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_bind (front, "inproc://front"));
    CHECK_OK (zmq_bind (back, "inproc://back"));
    CHECK_EINTR (zmq_proxy (front, back, NULL));
    end (front, back);
}

TEST (term_is_interrupted)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_EINTR (zmq_ctx_term (ctx));
    end (s, NULL);
}

TEST (a_lingering_term_is_interrupted)
{
    begin ();
    void *s = zmq_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_LINGER, 1500));
    CHECK_OK (zmq_connect (s, "ipc:///nonexistent/folder/socket"));
    CHECK_SEND (s, "x", 0);
    CHECK_OK (zmq_close (s));
    catch_signal (SIGUSR1, SA_RESTART);
    struct pest pest;
    pest_start (&pest);
    CHECK_ERR (zmq_ctx_term (ctx), EINTR);
    pest_stop (&pest);
    CHECK_OK (zmq_ctx_term (ctx));
}

static void *body_kill_then_send (struct call *c)
{
    for (int i = 0; i < 20; i++) {
        pthread_kill (*(pthread_t *) c->b, SIGUSR1);
        sleep_ms (5);
    }
    zmq_send (c->a, "x", 1, 0);
    return NULL;
}

TEST (ignored_and_blocked_signals_do_not_interrupt)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    pthread_t self = pthread_self ();
    struct call c;
    signal (SIGUSR1, SIG_IGN);
    call_start (&c, body_kill_then_send, a, &self);
    CHECK_RECV (b, "x");
    call_join (&c);
    catch_signal (SIGUSR1, 0);
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGUSR1);
    pthread_sigmask (SIG_BLOCK, &set, NULL);
    call_start (&c, body_kill_then_send, a, &self);
    CHECK_RECV (b, "x");
    call_join (&c);
    CHECK_INT (signals_seen, 0);
    end (a, b);
}

/* Another process stops this one again and again, and lets it go on. */
static void *body_be_stopped_then_send (struct call *c)
{
    pid_t pid = getpid (), other = fork ();
    if (other == 0) {
        for (int i = 0; i < 5; i++) {
            sleep_ms (10);
            kill (pid, SIGSTOP);
            sleep_ms (2);
            kill (pid, SIGCONT);
        }
        _exit (0);
    }
    waitpid (other, NULL, 0);
    zmq_send (c->a, "x", 1, 0);
    return NULL;
}

TEST (being_stopped_does_not_interrupt)
{
    static const char *const where[] = {"inproc://here", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, where[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        zmq_pollitem_t items[] = {{b, 0, ZMQ_POLLIN, 0},
                                  {NULL, eventfd (0, 0), ZMQ_POLLIN, 0}};
        struct call c;
        for (int round = 0; round < 4; round++) {
            call_start (&c, body_be_stopped_then_send, a, NULL);
            if (round > 1)
                CHECK_INT (zmq_poll (items, round - 1, -1), 1);
            CHECK_RECV (b, "x");
            call_join (&c);
        }
        end (a, b);
    }
}

/* Everything that does not block goes through under a storm of signals. */
TEST (nothing_is_lost_in_a_storm)
{
    static const char *const where[] = {"inproc://storm", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        catch_signal (SIGUSR1, SA_RESTART);
        connect_pair (ctx, where[i], ZMQ_REQ, &a, ZMQ_REP, &b);
        struct pest pest;
        pest_start (&pest);
        int wrong = 0, got, rc;
        signals_seen = 0;
        for (int n = 0; n < 300 || signals_seen < 5; n++) {
            while ((rc = zmq_send (a, &n, sizeof n, 0)) < 0 && errno == EINTR)
                ;
            wrong += rc != sizeof n;
            while ((rc = zmq_recv (b, &got, sizeof got, 0)) < 0 && errno == EINTR)
                ;
            wrong += rc != sizeof n || got != n;
            while ((rc = zmq_send (b, &n, sizeof n, 0)) < 0 && errno == EINTR)
                ;
            wrong += rc != sizeof n;
            while ((rc = zmq_recv (a, &got, sizeof got, 0)) < 0 && errno == EINTR)
                ;
            wrong += rc != sizeof n || got != n;
        }
        CHECK_INT (wrong, 0);
        pest_stop (&pest);
        end (a, b);
    }
}

TEST (writing_to_a_reset_peer_raises_no_signal)
{
    /* SIGPIPE at its default action would kill the test. */
    static const char *const where[] = {"tcp", "ipc"};
    for (int i = 0; i < 2; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH);
        endpoint_t endpoint;
        bind_to (push, where[i], endpoint);
        set_int (push, ZMQ_SNDTIMEO, 0);
        for (int round = 0; round < 20; round++) {
            int fd = raw_connect (endpoint);
            CHECK (raw_handshake (fd, "PULL"));
            /* Connected: its pipe takes messages until the reset is noticed. */
            static char body[50000];
            CHECK_BECOMES (zmq_send (push, body, sizeof body, 0) >= 0);
            struct linger reset = {1, 0};
            setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
            close (fd);
            while (zmq_send (push, body, sizeof body, 0) >= 0)
                ;
        }
        end (push, NULL);
    }
}

static volatile int wrong_thread, right_thread;
static pid_t main_tid;
static void note_thread (int number)
{
    (void) number;
    if (syscall (SYS_gettid) == main_tid)
        right_thread++;
    else
        wrong_thread++;
}

TEST (background_threads_take_no_signals)
{
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 3));
    void *a, *b;
    main_tid = (pid_t) syscall (SYS_gettid);
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    CHECK_RECV (b, "x");
    struct sigaction action = {.sa_handler = note_thread};
    sigaction (SIGUSR2, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
    /* While the main thread blocks it, a signal to the process stays pending
     * unless some other thread would take it. */
    sigset_t set, pending;
    sigemptyset (&set);
    sigaddset (&set, SIGUSR2);
    sigaddset (&set, SIGTERM);
    pthread_sigmask (SIG_BLOCK, &set, NULL);
    kill (getpid (), SIGUSR2);
    kill (getpid (), SIGTERM);
    CHECK_SEND (a, "x", 0);
    CHECK_RECV (b, "x");
    sigpending (&pending);
    CHECK (sigismember (&pending, SIGUSR2));
    CHECK (sigismember (&pending, SIGTERM));
    CHECK_INT (wrong_thread, 0);
    pthread_sigmask (SIG_UNBLOCK, &set, NULL);
    CHECK_INT (right_thread, 2);
    CHECK_INT (wrong_thread, 0);
    end (a, b);
}

TEST (the_callers_mask_is_left_alone)
{
    sigset_t before, after;
    pthread_sigmask (SIG_SETMASK, NULL, &before);
    struct sigaction pipe_before, pipe_after;
    sigaction (SIGPIPE, NULL, &pipe_before);
    begin ();
    void *a, *b;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    CHECK_RECV (b, "x");
    pthread_sigmask (SIG_SETMASK, NULL, &after);
    sigaction (SIGPIPE, NULL, &pipe_after);
    for (int n = 1; n < 32; n++)
        CHECK_INT (sigismember (&after, n), sigismember (&before, n));
    CHECK (pipe_before.sa_handler == pipe_after.sa_handler);
    end (a, b);
}

MAIN
