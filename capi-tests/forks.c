/* Processes that fork: what a child may do with what it inherited, and which
 * fds go where. */
#include "fixtures.h"

/* Runs BODY in a child that must exit by itself. */
#define IN_CHILD(BODY)                                                         \
    do {                                                                       \
        fflush (stdout);                                                       \
        pid_t child_ = fork ();                                                \
        if (child_ == 0) {                                                     \
            BODY;                                                              \
            fflush (stdout);                                                   \
            _exit (7);                                                         \
        }                                                                      \
        check_child (child_, __LINE__);                                        \
    } while (0)

static void check_child (pid_t child, int line)
{
    int status = 0;
    while (waitpid (child, &status, 0) < 0 && errno == EINTR)
        ;
    char how[64];
    snprintf (how, sizeof how, " failed: status %#x", (unsigned) status);
    check_report (WIFEXITED (status) && WEXITSTATUS (status) == 7, __FILE__,
                  line, "child", how);
}

static void close_and_term (void *a, void *b)
{
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    /* The oracle says EINTR, without harm. */
    int rc = zmq_ctx_term (ctx);
    CHECK (rc == 0 || on_oracle ());
}

static void talk (void *a, void *b, int times)
{
    int wrong = 0;
    for (int i = 0, got; i < times; i++) {
        wrong += zmq_send (a, &i, sizeof i, 0) != sizeof i;
        wrong += zmq_recv (b, &got, sizeof got, 0) != sizeof got || got != i;
        wrong += zmq_send (b, &i, sizeof i, 0) != sizeof i;
        wrong += zmq_recv (a, &got, sizeof got, 0) != sizeof got || got != i;
    }
    CHECK_INT (wrong, 0);
}

static const char *const places[] = {"tcp", "ipc", "inproc://fork"};

TEST (a_child_closes_and_terms_what_it_inherited)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, places[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        talk (a, b, 20);
        IN_CHILD (close_and_term (a, b));
        talk (a, b, 20);
        IN_CHILD (close_and_term (a, b));
        talk (a, b, 20);
        end (a, b);
    }
}

TEST (the_parent_goes_on_while_the_child_ends)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    talk (a, b, 10);
    pid_t children[5];
    for (int i = 0; i < 5; i++) {
        if ((children[i] = fork ()) == 0) {
            close_and_term (a, b);
            _exit (7);
        }
        talk (a, b, 50);
    }
    for (int i = 0; i < 5; i++)
        check_child (children[i], __LINE__);
    talk (a, b, 10);
    end (a, b);
}

TEST (unread_messages_survive_a_child)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        connect_pair (ctx, places[i], ZMQ_PUSH, &a, ZMQ_PULL, &b);
        for (int n = 0; n < 100; n++)
            CHECK_SEND (a, "unread", 0);
        CHECK_RECV (b, "unread");
        IN_CHILD (close_and_term (a, b));
        for (int n = 1; n < 100; n++)
            CHECK_RECV (b, "unread");
        end (a, b);
    }
}

TEST (new_peers_connect_after_a_child_closed_the_listener)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        void *pull = new_socket (ctx, ZMQ_PULL), *early = new_socket (ctx, ZMQ_PUSH);
        endpoint_t endpoint;
        bind_to (pull, places[i], endpoint);
        CHECK_OK (zmq_connect (early, endpoint));
        IN_CHILD (close_and_term (pull, early));
        /* The listener listens, an ipc path is still there. */
        void *late = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (zmq_connect (late, endpoint));
        CHECK_SEND (late, "late", 0);
        CHECK_RECV (pull, "late");
        CHECK_SEND (early, "early", 0);
        CHECK_RECV (pull, "early");
        CHECK_OK (zmq_close (late));
        end (pull, early);
    }
}

TEST (a_child_that_just_exits)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    talk (a, b, 10);
    IN_CHILD ((void) 0);
    talk (a, b, 10);
    /* exit () runs what the library registered, if anything. */
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        folder_owner = 0;
        exit (7);
    }
    check_child (child, __LINE__);
    talk (a, b, 10);
    end (a, b);
}

/* libzmq notices with the first look for news, which a send or receive may leave out. */
#define CHECK_REFUSED(EXPR)                                                    \
    do {                                                                       \
        int rc_ = (EXPR);                                                      \
        CHECK ((rc_ == -1 && errno == EINTR) || on_oracle ());                 \
    } while (0)

/* Whatever would reach the parent's peers, or wait for them, is refused at once. */
static void try_all_calls (void *a, void *b, const char *endpoint)
{
    char byte;
    zmq_msg_t message;
    alarm (20);
    CHECK_REFUSED (zmq_send (a, "child", 5, 0));
    CHECK_REFUSED (zmq_send (a, "child", 5, ZMQ_DONTWAIT));
    CHECK_ERR (zmq_recv (a, &byte, 1, 0), EINTR);
    CHECK_REFUSED (zmq_recv (a, &byte, 1, ZMQ_DONTWAIT));
    CHECK_OK (zmq_msg_init_size (&message, 100));
    CHECK_REFUSED (zmq_msg_send (&message, a, 0));
    CHECK (zmq_msg_size (&message) == 100 || on_oracle ());
    CHECK_ERR (zmq_msg_recv (&message, a, 0), EINTR);
    CHECK_OK (zmq_msg_close (&message));
    zmq_pollitem_t items[] = {{a, 0, ZMQ_POLLOUT, 0}, {NULL, 1, ZMQ_POLLOUT, 0}};
    CHECK_ERR (zmq_poll (items, 1, -1), EINTR);
    CHECK_ERR (zmq_poll (items, 2, 0), EINTR);
    CHECK_ERR (zmq_proxy (a, b, NULL), EINTR);
    size_t size = sizeof (int);
    CHECK_ERR (zmq_getsockopt (a, ZMQ_EVENTS, &(int) {0}, &size), EINTR);
    CHECK_ERR (zmq_bind (a, "tcp://127.0.0.1:*"), EINTR);
    CHECK_ERR (zmq_connect (a, endpoint), EINTR);
    CHECK_ERR (zmq_unbind (b, endpoint), EINTR);
    CHECK_ERR (zmq_disconnect (a, endpoint), EINTR);
    /* What a program does before it closes a socket. */
    CHECK_INT (get_int (a, ZMQ_TYPE), ZMQ_PAIR);
    CHECK (get_int (a, ZMQ_FD) >= 0);
    CHECK_OK (set_int (a, ZMQ_LINGER, 0));
    CHECK_OK (set_int (a, ZMQ_SNDHWM, 5));
    CHECK_OK (zmq_socket_monitor (a, NULL, 0));
    close_and_term (a, b);
}

TEST (a_child_does_not_speak_for_its_parent)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *a, *b;
        endpoint_t endpoint;
        connect_pair (ctx, places[i], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        last_endpoint (b, endpoint);
        talk (a, b, 20);
        IN_CHILD (try_all_calls (a, b, endpoint));
        talk (a, b, 20);
        IN_CHILD (IN_CHILD (try_all_calls (a, b, endpoint)));
        talk (a, b, 20);
        end (a, b);
    }
}

/* What signals a socket's descriptor is shared, and only the parent would quieten it. */
static void signal_inherited_sockets (void *a, void *b)
{
    void *push = new_socket (ctx, ZMQ_PUSH);
    alarm (20);
    CHECK_OK (zmq_connect (push, "inproc://fork"));
    CHECK_OK (zmq_socket_monitor (a, NULL, 0));
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_OK (zmq_close (push));
    close_and_term (a, b);
}

TEST (a_child_does_not_wake_its_parent)
{
    begin ();
    void *push, *pull;
    connect_pair (ctx, "inproc://fork", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    void *monitor = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_socket_monitor (pull, "inproc://monitor", ZMQ_EVENT_ALL));
    CHECK_OK (zmq_connect (monitor, "inproc://monitor"));
    CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
    struct pollfd fds[] = {{get_int (pull, ZMQ_FD), POLLIN, 0},
                           {get_int (monitor, ZMQ_FD), POLLIN, 0}};
    CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
    CHECK_INT (get_int (monitor, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (poll (fds, 2, 0), 0);
    IN_CHILD (signal_inherited_sockets (pull, push));
    CHECK_INT (poll (fds, 2, 0), 0);
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_OK (zmq_close (monitor));
    end (push, pull);
}

TEST (a_child_leaves_its_parent_what_wakes_it)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "inproc://fork", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    struct pollfd fd = {get_int (a, ZMQ_FD), POLLIN, 0};
    CHECK_INT (get_int (a, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_SEND (b, "x", 0);
    CHECK_INT (poll (&fd, 1, 0), 1);
    size_t size = sizeof (int);
    IN_CHILD (CHECK_ERR (zmq_getsockopt (a, ZMQ_EVENTS, &(int) {0}, &size), EINTR));
    CHECK_INT (poll (&fd, 1, 0), 1);
    CHECK_RECV (a, "x");
    end (a, b);
}

/* What is told of one connection by the kernel is told to one process. */
static void wait_in_a_context_of_its_parent (const char *endpoint)
{
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    alarm (20);
    CHECK_REFUSED (zmq_bind (pull, "tcp://127.0.0.1:*"));
    CHECK_REFUSED (zmq_connect (pull, endpoint));
    CHECK_OK (zmq_bind (pull, "inproc://child"));
    CHECK_OK (zmq_connect (push, "inproc://child"));
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, 300));
    CHECK_ERR (zmq_recv (pull, NULL, 0, 0), EAGAIN);
}

TEST (a_child_does_not_hear_what_its_parent_is_told)
{
    begin ();
    void *a, *b;
    endpoint_t endpoint;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    last_endpoint (b, endpoint);
    talk (a, b, 20);
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        wait_in_a_context_of_its_parent (endpoint);
        _exit (7);
    }
    for (long long until = now_ms () + 500; now_ms () < until;)
        talk (a, b, 20);
    check_child (child, __LINE__);
    end (a, b);
}

/* A topic that a child adds is not told to the publisher, which would send the parent
 * what it does not want. */
TEST (a_child_does_not_subscribe_for_its_parent)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *sub, *xpub;
        char topic[8];
        connect_pair (ctx, places[i], ZMQ_SUB, &sub, ZMQ_XPUB, &xpub);
        CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "first", 5));
        CHECK_INT (zmq_recv (xpub, topic, sizeof topic, 0), 6);
        IN_CHILD (CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "child", 5)));
        CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "last", 4));
        CHECK_INT (zmq_recv (xpub, topic, sizeof topic, 0), 5);
        end (sub, xpub);
    }
}

static void child_pushes (const char *endpoint)
{
    void *own = zmq_ctx_new (), *push = zmq_socket (own, ZMQ_PUSH);
    REQUIRE (push != NULL);
    CHECK_OK (zmq_connect (push, endpoint));
    for (int i = 0; i < 100; i++)
        CHECK_INT (zmq_send (push, &i, sizeof i, 0), sizeof i);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_ctx_term (own));
}

TEST (a_child_with_a_context_of_its_own_talks_to_its_parent)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        void *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_to (pull, places[i], endpoint);
        IN_CHILD (child_pushes (endpoint));
        int wrong = 0;
        for (int n = 0, got; n < 100; n++)
            wrong += zmq_recv (pull, &got, sizeof got, 0) != sizeof got
                     || got != n;
        CHECK_INT (wrong, 0);
        /* The same after it got rid of what it inherited. */
        IN_CHILD (zmq_close (pull); zmq_ctx_term (ctx); child_pushes (endpoint));
        for (int n = 0, got; n < 100; n++)
            wrong += zmq_recv (pull, &got, sizeof got, 0) != sizeof got
                     || got != n;
        CHECK_INT (wrong, 0);
        end (pull, NULL);
    }
}

TEST (a_grandchild_too)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "ipc", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    talk (a, b, 10);
    IN_CHILD (IN_CHILD (close_and_term (a, b)); close_and_term (a, b));
    talk (a, b, 10);
    end (a, b);
}

TEST (children_of_a_terminated_context)
{
    begin ();
    void *a, *b;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    talk (a, b, 10);
    end (a, b);
    IN_CHILD (begin (); connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
              talk (a, b, 10); end (a, b));
}

/* How many fds a program has that this process starts. */
static int fds_after_exec (void)
{
    char line[256];
    int count = 0;
    FILE *list = popen ("exec ls /proc/self/fd", "r");
    REQUIRE (list != NULL);
    while (fgets (line, sizeof line, list))
        count++;
    pclose (list);
    return count;
}

TEST (programs_started_inherit_no_fd)
{
    int before = fds_after_exec ();
    CHECK (before > 0);
    begin ();
    void *a, *b, *c, *d, *e, *f;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    connect_pair (ctx, "ipc", ZMQ_PAIR, &c, ZMQ_PAIR, &d);
    connect_pair (ctx, "inproc://x", ZMQ_PAIR, &e, ZMQ_PAIR, &f);
    CHECK (get_int (a, ZMQ_FD) >= 0);
    CHECK (get_int (e, ZMQ_FD) >= 0);
    talk (a, b, 1);
    talk (c, d, 1);
    talk (e, f, 1);
    CHECK_INT (fds_after_exec (), before);
    CHECK_OK (zmq_close (c));
    CHECK_OK (zmq_close (d));
    CHECK_OK (zmq_close (e));
    CHECK_OK (zmq_close (f));
    end (a, b);
}

TEST (term_returns_every_fd_and_thread)
{
    int fds = count_fds (), threads = count_threads ();
    for (int round = 0; round < 5; round++) {
        begin ();
        void *a, *b, *c, *d, *e;
        endpoint_t endpoint;
        connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        connect_pair (ctx, "ipc", ZMQ_DEALER, &c, ZMQ_DEALER, &d);
        talk (a, b, 1);
        talk (c, d, 1);
        CHECK (get_int (a, ZMQ_FD) >= 0);
        zmq_pollitem_t items[] = {{a, 0, ZMQ_POLLIN, 0}, {b, 0, ZMQ_POLLIN, 0}};
        CHECK_OK (zmq_poll (items, 2, 1));
        e = new_socket (ctx, ZMQ_PULL);
        bind_to (e, "tcp", endpoint);
        CHECK_OK (zmq_unbind (e, endpoint));
        CHECK_OK (zmq_connect (e, endpoint));
        CHECK_OK (zmq_close (c));
        CHECK_OK (zmq_close (d));
        CHECK_OK (zmq_close (e));
        end (a, b);
        CHECK_BECOMES (count_threads () == threads);
        CHECK_INT (count_fds (), fds);
    }
}

TEST (closed_sockets_return_their_fds)
{
    begin ();
    void *first = new_socket (ctx, ZMQ_PAIR), *a, *b;
    int fds = count_fds ();
    for (int round = 0; round < 10; round++) {
        connect_pair (ctx, places[round % 3], ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        talk (a, b, 1);
        CHECK (get_int (a, ZMQ_FD) >= 0);
        CHECK_OK (zmq_close (a));
        CHECK_OK (zmq_close (b));
        CHECK_BECOMES (count_fds () <= fds);
    }
    end (first, NULL);
}

/* Forked while other threads are in the midst of calls: what they held at that
 * moment stays held in the child. */
static volatile int stop_talking;
static void *body_talk_on (struct call *c)
{
    void *const *pair = c->a;
    int out = 0, got;
    while (!stop_talking) {
        zmq_send (pair[0], &out, sizeof out, ZMQ_DONTWAIT);
        zmq_recv (pair[1], &got, sizeof got, ZMQ_DONTWAIT);
        zmq_pollitem_t items[] = {{pair[0], 0, ZMQ_POLLIN, 0},
                                  {pair[1], 0, ZMQ_POLLIN, 0}};
        if (out++ % 4 == 0)
            zmq_poll (items, 2, out % 8 == 0);
    }
    return NULL;
}

static void *body_open_and_close (struct call *c)
{
    while (!stop_talking) {
        void *s = zmq_socket (ctx, ZMQ_PAIR);
        zmq_connect (s, c->a);
        zmq_close (s);
        sched_yield ();
    }
    return NULL;
}

static void close_all_and_term (void *pairs[3][2])
{
    alarm (20);
    for (int i = 0; i < 3; i++) {
        CHECK_OK (zmq_close (pairs[i][0]));
        CHECK_OK (zmq_close (pairs[i][1]));
    }
    int rc = zmq_ctx_term (ctx);
    CHECK (rc == 0 || on_oracle ());
}

TEST (forks_amid_the_calls_of_other_threads)
{
    void *pairs[3][2];
    struct call talkers[3], opener;
    endpoint_t endpoint;
    begin ();
    void *server = new_socket (ctx, ZMQ_ROUTER);
    bind_to (server, "inproc://openers", endpoint);
    for (int i = 0; i < 3; i++) {
        connect_pair (ctx, places[i], ZMQ_PAIR, &pairs[i][0], ZMQ_PAIR,
                      &pairs[i][1]);
        call_start (&talkers[i], body_talk_on, pairs[i], NULL);
    }
    call_start (&opener, body_open_and_close, endpoint, NULL);
    for (int i = 0; i < 100; i++) {
        usleep (500);
        if (on_oracle ()) /* term would wait for the child's other sockets */
            IN_CHILD ();
        else
            IN_CHILD (close_all_and_term (pairs));
    }
    stop_talking = 1;
    for (int i = 0; i < 3; i++) {
        call_join (&talkers[i]);
        CHECK_OK (zmq_close (pairs[i][0]));
        CHECK_OK (zmq_close (pairs[i][1]));
    }
    call_join (&opener);
    end (server, NULL);
}

/* What all contexts share, locks above all, must serve a child as well when it was forked
 * in the midst of a change. */
static void *body_make_and_close (struct call *c)
{
    (void) c;
    while (!stop_talking) {
        void *own = zmq_ctx_new (), *s[4];
        for (int i = 0; i < 4; i++)
            s[i] = zmq_socket (own, i % 2 ? ZMQ_PUSH : ZMQ_PULL);
        for (int i = 0; i < 4; i++)
            zmq_close (s[i]);
        zmq_ctx_term (own);
    }
    return NULL;
}

static void talk_in_a_context_of_its_own (void)
{
    void *push, *pull;
    alarm (20);
    begin ();
    for (int i = 0; i < 3; i++) {
        connect_pair (ctx, places[i], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        CHECK_SEND (push, "its own", 0);
        CHECK_RECV (pull, "its own");
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_close (pull));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (children_of_a_process_whose_threads_make_and_close)
{
    struct call makers[4];
    stop_talking = 0;
    for (int i = 0; i < 4; i++)
        call_start (&makers[i], body_make_and_close, NULL, NULL);
    for (int i = 0; i < 50; i++) {
        usleep (500);
        if (on_oracle ()) /* may wait for what a thread of its parent's held */
            IN_CHILD ();
        else
            IN_CHILD (talk_in_a_context_of_its_own ());
    }
    stop_talking = 1;
    for (int i = 0; i < 4; i++)
        call_join (&makers[i]);
}

static void *body_ask_timers (struct call *c)
{
    while (!stop_talking)
        zmq_timers_timeout (c->a);
    return NULL;
}

TEST (a_child_destroys_timers_that_a_thread_of_its_parent_asks)
{
    struct call asker;
    void *timers = zmq_timers_new ();
    stop_talking = 0;
    call_start (&asker, body_ask_timers, timers, NULL);
    for (int i = 0; i < 50; i++)
        IN_CHILD (alarm (5); CHECK_OK (zmq_timers_destroy (&timers)));
    stop_talking = 1;
    call_join (&asker);
    CHECK_OK (zmq_timers_destroy (&timers));
}

static void *body_echo (struct call *c)
{
    int n;
    while (zmq_recv (c->a, &n, sizeof n, 0) == sizeof n && n >= 0)
        CHECK_INT (zmq_send (c->a, &n, sizeof n, 0), sizeof n);
    return NULL;
}

/* Sleeps for a socket and a descriptor at once, with an answer to come. */
static void poll_for_answers (int times)
{
    void *a, *b;
    struct call echo;
    int fds[2], wrong = 0;
    alarm (40);
    begin ();
    connect_pair (ctx, "inproc://echo", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    REQUIRE (pipe (fds) == 0);
    call_start (&echo, body_echo, b, NULL);
    for (int i = 0, got; i < times; i++) {
        zmq_pollitem_t items[] = {{a, 0, ZMQ_POLLIN, 0}, {NULL, fds[0], ZMQ_POLLIN, 0}};
        wrong += zmq_send (a, &i, sizeof i, 0) != sizeof i;
        wrong += zmq_poll (items, 2, -1) != 1;
        wrong += zmq_recv (a, &got, sizeof got, ZMQ_DONTWAIT) != sizeof got || got != i;
    }
    CHECK_INT (wrong, 0);
    CHECK_INT (zmq_send (a, &(int) {-1}, sizeof (int), 0), sizeof (int));
    call_join (&echo);
    close (fds[0]);
    close (fds[1]);
    end (a, b);
    alarm (0);
}

/* What wakes a thread, made when it first polled, must not be shared with its child. */
TEST (a_child_is_not_woken_in_place_of_its_parent)
{
    poll_for_answers (2);
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        poll_for_answers (3000);
        _exit (7);
    }
    poll_for_answers (3000);
    check_child (child, __LINE__);
}

MAIN
