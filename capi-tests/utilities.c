/* Errors and versions, stop watches, sleep, threads and atomic counters: what
 * the library lends to C programs. What the oracle dies of is asked of ours
 * only. */
#include "check.h"
#include <pthread.h>

TEST (errno_is_told)
{
    errno = 4711;
    CHECK_INT (zmq_errno (), 4711);
    errno = EFSM;
    CHECK_INT (zmq_errno (), EFSM);
}

TEST (private_errors_have_texts)
{
    CHECK_STR (zmq_strerror (EFSM),
               "Operation cannot be accomplished in current state");
    CHECK_STR (zmq_strerror (ENOCOMPATPROTO),
               "The protocol is not compatible with the socket type");
    CHECK_STR (zmq_strerror (ETERM), "Context was terminated");
    CHECK_STR (zmq_strerror (EMTHREAD), "No thread available");
    CHECK_STR (zmq_strerror (EHOSTUNREACH), "Host unreachable");
}

TEST (other_errors_have_those_of_the_system)
{
    int same = 0;
    for (int error = -1; error < 200; error++) {
        char ours[100];
        snprintf (ours, sizeof ours, "%s", zmq_strerror (error));
        same += error != EHOSTUNREACH && strcmp (ours, strerror (error)) == 0;
    }
    CHECK_INT (same, 200);
    CHECK (strstr (zmq_strerror (ZMQ_HAUSNUMERO), "Unknown error") != NULL);
    CHECK (strstr (zmq_strerror (INT32_MAX), "Unknown error") != NULL);
    CHECK (strstr (zmq_strerror (INT32_MIN), "Unknown error") != NULL);
}

TEST (version_takes_null)
{
    int minor = -1;
    if (on_oracle ())
        return; /* it crashes */
    zmq_version (NULL, &minor, NULL);
    CHECK_INT (minor, 3);
    zmq_version (NULL, NULL, NULL);
}

TEST (has_knows_its_capabilities_by_exact_name)
{
    CHECK_INT (zmq_has ("ipc"), 1);
    CHECK_INT (zmq_has ("curve"), 1);
    CHECK_INT (zmq_has ("draft"), 0);
    CHECK_INT (zmq_has ("tcp"), 0);
    CHECK_INT (zmq_has ("inproc"), 0);
    CHECK_INT (zmq_has ("IPC"), 0);
    CHECK_INT (zmq_has ("ipc "), 0);
    CHECK_INT (zmq_has (""), 0);
    CHECK_INT (zmq_has ("vmci"), 0);
    if (!on_oracle ()) /* it crashes */
        CHECK_INT (zmq_has (NULL), 0);
}

TEST (a_stop_watch_tells_microseconds)
{
    long long before = now_ms ();
    void *watch = zmq_stopwatch_start ();
    REQUIRE (watch != NULL);
    usleep (20000);
    unsigned long first = zmq_stopwatch_intermediate (watch);
    CHECK (first >= 20000);
    usleep (10000);
    unsigned long second = zmq_stopwatch_intermediate (watch);
    CHECK (second >= first + 10000);
    unsigned long last = zmq_stopwatch_stop (watch);
    CHECK (last >= second);
    CHECK (last <= (unsigned long) (now_ms () - before + 1) * 1000);
}

TEST (stop_watches_run_apart)
{
    void *one = zmq_stopwatch_start ();
    usleep (20000);
    void *two = zmq_stopwatch_start ();
    unsigned long later = zmq_stopwatch_stop (two);
    CHECK (zmq_stopwatch_stop (one) >= later + 20000);
}

TEST (sleep_takes_whole_seconds)
{
    long long start = now_ms ();
    zmq_sleep (0);
    CHECK (now_ms () - start < 500);
    errno = 4711;
    zmq_sleep (1);
    CHECK_INT (errno, 4711);
    CHECK (now_ms () - start >= 1000);
}

static void ignore (int signal)
{
    (void) signal;
}

TEST (a_caught_signal_ends_the_sleep)
{
    struct sigaction action = {.sa_handler = ignore};
    sigaction (SIGCHLD, &action, NULL);
    long long start = now_ms ();
    if (fork () == 0) {
        usleep (100000);
        _exit (0);
    }
    zmq_sleep (20);
    CHECK (now_ms () - start < 10000);
}

struct seen
{
    void *argument;
    char name[32];
    sigset_t blocked;
    pthread_t thread;
};

static void look_around (void *arg)
{
    struct seen *seen = arg;
    seen->argument = arg;
    pthread_getname_np (pthread_self (), seen->name, sizeof seen->name);
    pthread_sigmask (SIG_BLOCK, NULL, &seen->blocked);
    seen->thread = pthread_self ();
}

TEST (a_thread_runs_the_function_under_a_name_of_its_own)
{
    struct seen seen;
    memset (&seen, 0, sizeof seen);
    void *thread = zmq_threadstart (look_around, &seen);
    REQUIRE (thread != NULL);
    zmq_threadclose (thread);
    CHECK (seen.argument == &seen);
    CHECK_STR (seen.name, "ZMQapp");
    CHECK (!pthread_equal (seen.thread, pthread_self ()));
}

TEST (a_thread_gets_no_signals_and_the_starter_keeps_its_own)
{
    struct seen seen;
    sigset_t mine, after;
    sigemptyset (&mine);
    sigaddset (&mine, SIGUSR2);
    pthread_sigmask (SIG_SETMASK, &mine, NULL);
    void *thread = zmq_threadstart (look_around, &seen);
    REQUIRE (thread != NULL);
    zmq_threadclose (thread);
    CHECK (sigismember (&seen.blocked, SIGINT) == 1);
    CHECK (sigismember (&seen.blocked, SIGTERM) == 1);
    CHECK (sigismember (&seen.blocked, SIGUSR1) == 1);
    CHECK (sigismember (&seen.blocked, SIGCHLD) == 1);
    pthread_sigmask (SIG_SETMASK, NULL, &after);
    CHECK (sigismember (&after, SIGUSR2) == 1);
    CHECK (sigismember (&after, SIGUSR1) == 0);
}

static void leave_early (void *arg)
{
    *(int *) arg = 1;
    pthread_exit (NULL);
}

TEST (a_thread_may_be_left_by_pthread_exit)
{
    int ran = 0;
    void *thread = zmq_threadstart (leave_early, &ran);
    REQUIRE (thread != NULL);
    zmq_threadclose (thread);
    CHECK_INT (ran, 1);
}

static pthread_t cancelled;
static void wait_to_be_cancelled (void *arg)
{
    cancelled = pthread_self ();
    __atomic_store_n ((int *) arg, 1, __ATOMIC_RELEASE);
    for (;;)
        pause ();
}

TEST (a_thread_may_be_cancelled)
{
    int runs = 0;
    void *thread = zmq_threadstart (wait_to_be_cancelled, &runs);
    REQUIRE (thread != NULL);
    while (!__atomic_load_n (&runs, __ATOMIC_ACQUIRE))
        usleep (1000);
    pthread_cancel (cancelled);
    zmq_threadclose (thread);
    CHECK_INT (runs, 1);
}

TEST (null_handles_do_no_harm)
{
    void *null = NULL;
    if (on_oracle ())
        return; /* it crashes */
    errno = 0;
    CHECK_INT (zmq_stopwatch_intermediate (NULL), 0);
    CHECK_INT (errno, EFAULT);
    CHECK_INT (zmq_stopwatch_stop (NULL), 0);
    CHECK (zmq_threadstart (NULL, NULL) == NULL);
    CHECK_INT (errno, EFAULT);
    zmq_threadclose (NULL);
    CHECK_ERR (zmq_atomic_counter_value (NULL), EFAULT);
    CHECK_ERR (zmq_atomic_counter_inc (NULL), EFAULT);
    CHECK_ERR (zmq_atomic_counter_dec (NULL), EFAULT);
    zmq_atomic_counter_set (NULL, 1);
    zmq_atomic_counter_destroy (NULL);
    zmq_atomic_counter_destroy (&null);
    CHECK (null == NULL);
}

static void do_nothing (void *arg)
{
    (void) arg;
}

TEST (handles_that_were_given_up)
{
    if (on_oracle ())
        return; /* it uses freed memory */
    void *watch = zmq_stopwatch_start ();
    zmq_stopwatch_stop (watch);
    errno = 0;
    CHECK_INT (zmq_stopwatch_stop (watch), 0);
    CHECK_INT (errno, EFAULT);
    CHECK_INT (zmq_stopwatch_intermediate (watch), 0);
    void *thread = zmq_threadstart (do_nothing, NULL);
    zmq_threadclose (thread);
    errno = 0;
    zmq_threadclose (thread);
    CHECK_INT (errno, EFAULT);
    void *counter = zmq_atomic_counter_new (), *gone = counter;
    zmq_atomic_counter_destroy (&counter);
    CHECK_ERR (zmq_atomic_counter_value (gone), EFAULT);
    CHECK_ERR (zmq_atomic_counter_inc (gone), EFAULT);
    CHECK_ERR (zmq_atomic_counter_dec (gone), EFAULT);
    zmq_atomic_counter_set (gone, 1);
    zmq_atomic_counter_destroy (&gone);
    CHECK (gone == NULL);
}

TEST (handles_that_never_were_one)
{
    static uint64_t memory[64];
    void *const none[] = {(void *) 1,          (void *) 8,
                          (void *) 0xdeadbeef, (void *) UINTPTR_MAX,
                          memory,              (char *) memory + 3};
    if (on_oracle ())
        return; /* it crashes */
    /* Of the other kinds, too. */
    void *watch = zmq_stopwatch_start (), *counter = zmq_atomic_counter_new ();
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        void *handle = none[i];
        errno = 0;
        CHECK_INT (zmq_stopwatch_intermediate (handle), 0);
        CHECK_INT (zmq_stopwatch_stop (handle), 0);
        CHECK_INT (errno, EFAULT);
        errno = 0;
        zmq_threadclose (handle);
        CHECK_INT (errno, EFAULT);
        CHECK_ERR (zmq_atomic_counter_value (handle), EFAULT);
        zmq_atomic_counter_destroy (&handle);
        CHECK (handle == NULL);
    }
    CHECK_ERR (zmq_atomic_counter_value (watch), EFAULT);
    CHECK_INT (zmq_stopwatch_stop (counter), 0);
    zmq_stopwatch_stop (watch);
    CHECK_INT (zmq_atomic_counter_inc (counter), 0);
    zmq_atomic_counter_destroy (&counter);
}

TEST (a_counter_counts)
{
    void *counter = zmq_atomic_counter_new ();
    REQUIRE (counter != NULL);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    CHECK_INT (zmq_atomic_counter_inc (counter), 0);
    CHECK_INT (zmq_atomic_counter_inc (counter), 1);
    CHECK_INT (zmq_atomic_counter_inc (counter), 2);
    CHECK_INT (zmq_atomic_counter_value (counter), 3);
    CHECK_INT (zmq_atomic_counter_dec (counter), 1);
    CHECK_INT (zmq_atomic_counter_dec (counter), 1);
    CHECK_INT (zmq_atomic_counter_dec (counter), 0);
    CHECK_INT (zmq_atomic_counter_value (counter), 0);
    zmq_atomic_counter_destroy (&counter);
    CHECK (counter == NULL);
    zmq_atomic_counter_destroy (&counter);
    CHECK (counter == NULL);
}

TEST (a_counter_goes_below_zero_and_wraps)
{
    void *counter = zmq_atomic_counter_new ();
    CHECK_INT (zmq_atomic_counter_dec (counter), 1);
    CHECK_INT (zmq_atomic_counter_value (counter), -1);
    zmq_atomic_counter_set (counter, INT32_MAX);
    CHECK_INT (zmq_atomic_counter_inc (counter), INT32_MAX);
    CHECK_INT (zmq_atomic_counter_value (counter), INT32_MIN);
    zmq_atomic_counter_set (counter, -5);
    CHECK_INT (zmq_atomic_counter_value (counter), -5);
    zmq_atomic_counter_destroy (&counter);
}

enum
{
    ROUNDS = 20000
};

static void count_up (void *counter)
{
    for (int i = 0; i < ROUNDS; i++)
        zmq_atomic_counter_inc (counter);
}

static void count_down (void *counter)
{
    for (int i = 0; i < ROUNDS; i++)
        zmq_atomic_counter_dec (counter);
}

TEST (threads_count_together)
{
    void *counter = zmq_atomic_counter_new ();
    void *threads[4];
    for (int i = 0; i < 4; i++)
        threads[i] = zmq_threadstart (i == 3 ? count_down : count_up, counter);
    for (int i = 0; i < 4; i++)
        zmq_threadclose (threads[i]);
    CHECK_INT (zmq_atomic_counter_value (counter), 2 * ROUNDS);
    zmq_atomic_counter_destroy (&counter);
}

MAIN
