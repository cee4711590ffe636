/* What the options of a context do to its threads: names, scheduling,
 * processors, how many there are; and to its sockets. */
#include "kernel.h"
#include <sys/time.h>

enum { MOST = 16 };

/* The socket that started the threads. */
static void *starter;

/* The I/O threads of a fresh context with these options, once they run. */
static int io_threads (void *context, pid_t *found, int wanted)
{
    int count = 0;
    REQUIRE ((starter = zmq_socket (context, ZMQ_PAIR)) != NULL);
    for (long long until = now_ms () + AMPLE_MS; now_ms () < until; sleep_ms (2)) {
        count = 0;
        for (int i = 0; i < wanted; i++) {
            char name[32];
            snprintf (name, sizeof name, "ZMQbg/IO/%d", i);
            count += find_threads (name, found + count, MOST - count);
        }
        if (count >= wanted)
            break;
    }
    return count;
}

static void finish (void *context)
{
    CHECK_OK (zmq_close (starter));
    CHECK_OK (zmq_ctx_term (context));
}

/* A thread names itself first and asks for the rest a moment later. */
#define CHECK_SOON(EXPR, WANT) CHECK_BECOMES ((EXPR) == (WANT))

static pid_t only_io_thread (void *context)
{
    pid_t found[MOST];
    REQUIRE (io_threads (context, found, 1) == 1);
    return found[0];
}

TEST (as_many_as_were_asked_for)
{
    static const int counts[] = {1, 2, 4, 8};
    for (int i = 0; i < 4; i++) {
        pid_t found[MOST];
        void *context = zmq_ctx_new ();
        CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, counts[i]));
        CHECK_INT (io_threads (context, found, counts[i]), counts[i]);
        CHECK_INT (find_threads ("ZMQbg/IO/8", found, MOST), 0);
        finish (context);
    }
}

TEST (threads_end_with_their_context)
{
    pid_t found[MOST];
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 3));
    int before = count_threads ();
    void *s = zmq_socket (context, ZMQ_PAIR);
    CHECK (count_threads () >= before + 3);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (context));
    CHECK_BECOMES (count_threads () == before);
    CHECK_INT (find_threads ("ZMQbg/IO/0", found, MOST), 0);
}

/* For each thread of the program, which has them before it has its stack. */
static __thread volatile char variables[3 << 20];

TEST (many_thread_local_variables)
{
    begin ();
    void *push, *pull;
    variables[0] = 1;
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_INT (variables[0], 1);
    end (push, pull);
}

TEST (a_long_prefix_leaves_no_room_for_the_rest)
{
    pid_t found[MOST];
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, 123456789));
    REQUIRE (zmq_socket (context, ZMQ_PAIR) != NULL);
    CHECK_BECOMES (find_threads ("123456789/ZMQbg", found, MOST) > 0);
}

TEST (threads_run_as_others_do_unless_told)
{
    void *context = zmq_ctx_new ();
    pid_t thread = only_io_thread (context);
    cpu_set_t cpus, own;
    CHECK_INT (sched_getscheduler (thread), sched_getscheduler (0));
    CHECK_INT (getpriority (PRIO_PROCESS, (id_t) thread),
               getpriority (PRIO_PROCESS, 0));
    CHECK (sched_getaffinity (thread, sizeof cpus, &cpus) == 0
           && sched_getaffinity (0, sizeof own, &own) == 0);
    CHECK (CPU_EQUAL (&cpus, &own));
}

TEST (policies_that_anybody_may_choose)
{
    static const int policies[] = {SCHED_BATCH, SCHED_IDLE};
    for (int i = 0; i < 2; i++) {
        void *context = zmq_ctx_new ();
        CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, policies[i]));
        CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_SCHED_POLICY), policies[i]);
        pid_t thread = only_io_thread (context);
        CHECK_SOON (sched_getscheduler (thread), policies[i]);
        finish (context);
    }
}

static bool may_be_realtime (void)
{
    struct sched_param wanted = {.sched_priority = 3};
    struct sched_param before;
    int policy = sched_getscheduler (0);
    sched_getparam (0, &before);
    bool may = sched_setscheduler (0, SCHED_FIFO, &wanted) == 0;
    sched_setscheduler (0, policy, &before);
    return may;
}

TEST (realtime_priorities)
{
    if (!may_be_realtime ())
        return;
    struct sched_param has;
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, SCHED_FIFO));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, 3));
    pid_t thread = only_io_thread (context);
    CHECK_SOON (sched_getscheduler (thread), SCHED_FIFO);
    CHECK_OK (sched_getparam (thread, &has));
    CHECK_INT (has.sched_priority, 3);
    /* The application's own threads are left alone. */
    CHECK (sched_getscheduler (0) != SCHED_FIFO);
}

TEST (any_priority_makes_other_threads_least_nice)
{
    if (geteuid () != 0)
        return;
    static const int priorities[] = {3, 0};
    for (int i = 0; i < 2; i++) {
        pid_t child = fork ();
        if (child == 0) {
            /* Whoever runs the tests may be nice; the oracle counts from there. */
            CHECK_OK (setpriority (PRIO_PROCESS, 0, 0));
            void *context = zmq_ctx_new ();
            CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, priorities[i]));
            pid_t thread = only_io_thread (context);
            CHECK_SOON (getpriority (PRIO_PROCESS, (id_t) thread), -20);
            CHECK_INT (getpriority (PRIO_PROCESS, 0), 0);
            fflush (stdout);
            _exit (0);
        }
        int status = 0;
        CHECK (waitpid (child, &status, 0) == child && status == 0);
    }
}

TEST (what_the_system_refuses_changes_nothing)
{
    if (on_oracle ())
        return; /* aborts */
    static const int settings[][3] = {
      {ZMQ_THREAD_SCHED_POLICY, 99, -1},
      {ZMQ_THREAD_SCHED_POLICY, SCHED_RR, 500},
      {ZMQ_THREAD_SCHED_POLICY, SCHED_RR, -1},
      {ZMQ_THREAD_AFFINITY_CPU_ADD, 5000, -1},
      {ZMQ_THREAD_AFFINITY_CPU_ADD, 1023, -1},
    };
    for (int i = 0; i < 5; i++) {
        void *a, *b;
        begin ();
        CHECK_OK (zmq_ctx_set (ctx, settings[i][0], settings[i][1]));
        if (settings[i][2] >= 0)
            CHECK_OK (zmq_ctx_set (ctx, ZMQ_THREAD_PRIORITY, settings[i][2]));
        connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        CHECK_SEND (a, "works", 0);
        CHECK_RECV (b, "works");
        CHECK_INT (sched_getscheduler (only_io_thread (ctx)),
                   sched_getscheduler (0));
        CHECK_OK (zmq_close (starter));
        end (a, b);
    }
}

static int cpus_of (pid_t thread)
{
    cpu_set_t cpus;
    CPU_ZERO (&cpus);
    sched_getaffinity (thread, sizeof cpus, &cpus);
    return CPU_COUNT (&cpus) * 1000 + (CPU_ISSET (0, &cpus) ? 1 : 0);
}

TEST (processors)
{
    cpu_set_t own;
    sched_getaffinity (0, sizeof own, &own);
    if (!CPU_ISSET (0, &own) || CPU_COUNT (&own) < 2)
        return;
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    pid_t thread = only_io_thread (context);
    CHECK_SOON (cpus_of (thread), 1001);
    CHECK (CPU_COUNT (&own) > 1 && cpus_of (0) / 1000 == CPU_COUNT (&own));
}

TEST (processors_may_be_taken_back)
{
    cpu_set_t own;
    sched_getaffinity (0, sizeof own, &own);
    if (!CPU_ISSET (0, &own) || !CPU_ISSET (1, &own))
        return;
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 1));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
    CHECK_SOON (cpus_of (only_io_thread (context)), 1000);
}

TEST (after_the_first_socket_nothing_changes)
{
    pid_t found[MOST];
    void *context = zmq_ctx_new ();
    pid_t thread = only_io_thread (context);
    int policy = sched_getscheduler (thread), cpus = cpus_of (thread);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, 5));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, SCHED_BATCH));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 4));
    REQUIRE (zmq_socket (context, ZMQ_PAIR) != NULL);
    CHECK_INT (find_threads ("ZMQbg/IO/0", found, MOST), 1);
    CHECK_INT (find_threads ("ZMQbg/IO/1", found, MOST), 0);
    CHECK_INT (sched_getscheduler (thread), policy);
    CHECK_INT (cpus_of (thread), cpus);
}

TEST (affinity_permits_existing_threads_only)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 2));
    static const struct
    {
        uint64_t affinity;
        int works;
    } cases[] = {{0, 1},      {1, 1},       {2, 1}, {3, 1}, {~0ull, 1},
                 {1 << 2, 0}, {1ull << 63, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *s = new_socket (context, ZMQ_PULL);
        CHECK_OK (zmq_setsockopt (s, ZMQ_AFFINITY, &cases[i].affinity, 8));
        if (cases[i].works) {
            CHECK_OK (zmq_bind (s, "tcp://127.0.0.1:*"));
            CHECK_OK (zmq_connect (s, "tcp://127.0.0.1:9"));
        } else {
            CHECK_ERR (zmq_bind (s, "tcp://127.0.0.1:*"), EMTHREAD);
            CHECK_ERR (zmq_connect (s, "tcp://127.0.0.1:9"), EMTHREAD);
            char name[40];
            snprintf (name, sizeof name, "inproc://no-thread-%zu", i);
            CHECK_OK (zmq_bind (s, name));
        }
        CHECK_OK (zmq_close (s));
    }
    CHECK_OK (zmq_ctx_term (context));
}

TEST (affinity_says_which_thread_serves)
{
    enum { THREADS = 4 };
    int sets[THREADS];
    void *a[THREADS], *b[THREADS];
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, THREADS));
    for (int i = 0; i < THREADS; i++) {
        endpoint_t endpoint;
        uint64_t affinity = 1ull << i;
        a[i] = new_socket (ctx, ZMQ_PAIR);
        b[i] = new_socket (ctx, ZMQ_PAIR);
        CHECK_OK (zmq_setsockopt (a[i], ZMQ_AFFINITY, &affinity, 8));
        CHECK_OK (zmq_setsockopt (b[i], ZMQ_AFFINITY, &affinity, 8));
        bind_to (b[i], "tcp", endpoint);
        CHECK_OK (zmq_connect (a[i], endpoint));
        CHECK_SEND (a[i], "x", 0);
        CHECK_SEND (b[i], "x", 0);
        sets[i] = poll_set_of (receive_source (b[i]));
        CHECK (sets[i] > 0);
        CHECK_INT (poll_set_of (receive_source (a[i])), sets[i]);
        for (int j = 0; j < i; j++)
            CHECK (sets[j] != sets[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        CHECK_OK (zmq_close (a[i]));
        CHECK_OK (zmq_close (b[i]));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (without_affinity_connections_are_spread)
{
    enum { PEERS = 4 };
    endpoint_t endpoint;
    int sets[PEERS], others = 0;
    void *push[PEERS], *peers = zmq_ctx_new ();
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 2));
    void *pull = new_socket (ctx, ZMQ_PULL);
    bind_to (pull, "tcp", endpoint);
    for (int i = 0; i < PEERS; i++) {
        push[i] = new_socket (peers, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push[i], endpoint));
        CHECK_SEND (push[i], "x", 0);
        sets[i] = poll_set_of (receive_source (pull));
        others += sets[i] != sets[0];
    }
    CHECK (others > 0);
    for (int i = 0; i < PEERS; i++)
        CHECK_OK (zmq_close (push[i]));
    CHECK_OK (zmq_ctx_term (peers));
    end (pull, NULL);
}

TEST (traffic_over_four_threads)
{
    enum { PEERS = 12 };
    endpoint_t endpoint;
    begin ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 4));
    void *pull = new_socket (ctx, ZMQ_PULL), *push[PEERS];
    bind_to (pull, "tcp", endpoint);
    for (int i = 0; i < PEERS; i++) {
        uint64_t affinity = 1ull << (i % 4);
        push[i] = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (zmq_setsockopt (push[i], ZMQ_AFFINITY, &affinity, 8));
        CHECK_OK (zmq_connect (push[i], endpoint));
        for (int n = 0; n < 20; n++)
            CHECK_SEND (push[i], "x", 0);
    }
    int received = 0;
    while (received < PEERS * 20 && zmq_recv (pull, NULL, 0, 0) == 1)
        received++;
    CHECK_INT (received, PEERS * 20);
    for (int i = 0; i < PEERS; i++)
        CHECK_OK (zmq_close (push[i]));
    end (pull, NULL);
}

TEST (max_sockets_counts_what_is_open)
{
    enum { MANY = 50 };
    void *context = zmq_ctx_new (), *s[MANY];
    CHECK_INT (zmq_ctx_get (context, ZMQ_SOCKET_LIMIT), 65535);
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, MANY));
    for (int i = 0; i < MANY; i++)
        CHECK ((s[i] = zmq_socket (context, i % 11)) != NULL);
    errno = 0;
    CHECK (zmq_socket (context, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EMFILE);
    /* Told first or last, an unknown type is refused. */
    CHECK (zmq_socket (context, 999) == NULL);
    for (int i = 0; i < MANY; i++)
        CHECK_OK (zmq_close (s[i]));
    CHECK_BECOMES ((s[0] = zmq_socket (context, ZMQ_PAIR)) != NULL);
    CHECK_OK (zmq_close (s[0]));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (larger_than_the_limit_is_taken)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 65535));
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), 65535);
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 65536));
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), 65536);
    CHECK_ERR (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 0), EINVAL);
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), 65536);
    CHECK_OK (zmq_ctx_term (context));
}

/* Whether a message of this size passes when the receiver's context allows
 * 1000 bytes. */
static bool passes (size_t size, const char *where)
{
    static char body[4000];
    endpoint_t endpoint;
    void *sender = zmq_ctx_new (), *receiver = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (receiver, ZMQ_MAX_MSGSZ, 1000));
    void *pull = new_socket (receiver, ZMQ_PULL);
    void *push = new_socket (sender, ZMQ_PUSH);
    bind_to (pull, where, endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (zmq_send (push, body, size, 0), size);
    CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, size > 1000 && !on_oracle () ? 300 : AMPLE_MS));
    bool came = zmq_recv (pull, NULL, 0, 0) == (int) size;
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (sender));
    CHECK_OK (zmq_ctx_term (receiver));
    return came;
}

TEST (max_msgsz_bounds_what_comes)
{
    CHECK (passes (1000, "tcp"));
    CHECK (passes (1000, "ipc"));
    CHECK_INT (passes (1001, "tcp"), on_oracle ()); /* which ignores it */
    CHECK_INT (passes (1001, "ipc"), on_oracle ());
}

MAIN
