/* check.h - the small harness every C test in this folder is written with.
 *
 * A file holds tests of one topic:
 *
 *     #include "check.h"
 *     TEST (pull_cannot_send) { ... CHECK (...); CHECK_ERR (expr, ENOTSUP); }
 *     MAIN
 *
 * Each TEST runs in a child process of its own under a time limit, so that a
 * crash or a hang of the library under test fails that test alone. The last
 * line printed is "N passed, N failed", counted in checks.
 *
 * `prog --list` names the tests, `prog NAME...` runs those only. CHECK_TIME_LIMIT
 * is another limit, in seconds; CHECK_ON_HANG a command to be run, with the
 * number of the process behind it, before a test that hangs is ended.
 */
#ifndef FERROZMQ_CHECK_H
#define FERROZMQ_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <zmq.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct check_test
{
    const char *name;
    void (*run) (void);
    struct check_test *next;
};
static struct check_test *check_first, **check_last = &check_first;
/* Counts live in memory shared with the children. */
static struct
{
    int passed, failed;
    int unlimited; /* the test has limits of its own */
    int leaks_elsewhere; /* memory is lost in a library that ours calls */
} *check_counts;
static unsigned check_time_limit_s = 30;

#define TEST(NAME)                                                             \
    static void test_##NAME (void);                                           \
    static struct check_test entry_##NAME = {#NAME, test_##NAME, NULL};        \
    __attribute__ ((constructor)) static void register_##NAME (void)          \
    {                                                                          \
        *check_last = &entry_##NAME;                                           \
        check_last = &entry_##NAME.next;                                       \
    }                                                                          \
    static void test_##NAME (void)

static inline void check_report (int ok, const char *file, int line,
                                 const char *what, const char *extra)
{
    if (ok)
        __atomic_add_fetch (&check_counts->passed, 1, __ATOMIC_RELAXED);
    else {
        __atomic_add_fetch (&check_counts->failed, 1, __ATOMIC_RELAXED);
        printf ("FAIL %s:%d: %s%s\n", file, line, what, extra);
        fflush (stdout);
    }
}

/* The condition holds. */
#define CHECK(COND)                                                            \
    check_report (!!(COND), __FILE__, __LINE__, #COND, "")

/* Two integers are equal; both are shown when not. */
#define CHECK_INT(GOT, WANT)                                                   \
    do {                                                                       \
        long long got_ = (long long) (GOT), want_ = (long long) (WANT);        \
        char extra_[128];                                                      \
        snprintf (extra_, sizeof extra_, " is %lld, not %lld (errno %d: %s)", \
                  got_, want_, errno, zmq_strerror (errno));                  \
        check_report (got_ == want_, __FILE__, __LINE__, #GOT, extra_);        \
    } while (0)

/* The call succeeds with 0. */
#define CHECK_OK(EXPR) CHECK_INT (EXPR, 0)

/* The call fails with -1 and this errno. */
#define CHECK_ERR(EXPR, ERRNO)                                                 \
    do {                                                                       \
        errno = 0;                                                             \
        long long rc_ = (long long) (EXPR);                                    \
        int err_ = errno;                                                      \
        char extra_[128];                                                      \
        snprintf (extra_, sizeof extra_,                                       \
                  " gave %lld with errno %d (%s), not -1 with %s", rc_, err_, \
                  zmq_strerror (err_), #ERRNO);                                \
        check_report (rc_ == -1 && err_ == (ERRNO), __FILE__, __LINE__, #EXPR, \
                      extra_);                                                 \
    } while (0)

/* Two strings are equal. */
#define CHECK_STR(GOT, WANT)                                                   \
    do {                                                                       \
        const char *got_ = (GOT), *want_ = (WANT);                             \
        char extra_[600];                                                      \
        snprintf (extra_, sizeof extra_, " is \"%s\", not \"%s\"", got_,       \
                  want_);                                                      \
        check_report (strcmp (got_, want_) == 0, __FILE__, __LINE__, #GOT,     \
                      extra_);                                                 \
    } while (0)

/* Nothing after this can work: ends the test. */
#define REQUIRE(COND)                                                          \
    do {                                                                       \
        int ok_ = !!(COND);                                                    \
        check_report (ok_, __FILE__, __LINE__, #COND, " (test ended)");        \
        if (!ok_) {                                                            \
            printf ("  errno %d: %s\n", errno, zmq_strerror (errno));          \
            fflush (stdout);                                                   \
            _exit (1);                                                         \
        }                                                                      \
    } while (0)

/* The library under test is the oracle (libzmq itself). */
static inline int on_oracle (void)
{
    const char *lib = getenv ("CHECK_LIBRARY");
    return lib && strcmp (lib, "oracle") == 0;
}

/* Monotonic milliseconds. */
static inline long long now_ms (void)
{
    struct timespec t;
    clock_gettime (CLOCK_MONOTONIC, &t);
    return (long long) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Long enough for anything that is going to happen, on a busy machine. */
#define AMPLE_MS 15000

static inline void sleep_ms (int ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};
    while (nanosleep (&t, &t) != 0 && errno == EINTR)
        ;
}

/* A sanitizer, if one is there. The one for addresses holds on to what was
 * freed; the one for threads keeps a multiple of all memory for itself. */
__attribute__ ((weak)) void __asan_init (void);
__attribute__ ((weak)) void __tsan_init (void);

static inline int sanitized (void) { return __asan_init || __tsan_init; }

/* How many times as long as otherwise the library may take. */
static inline int slowness (void) { return sanitized () ? 10 : 1; }

/* The process's memory in use; 0 where it tells nothing. */
static inline long resident_kb (void)
{
    if (sanitized ())
        return 0;
    long pages = 0, total;
    FILE *f = fopen ("/proc/self/statm", "r");
    if (fscanf (f, "%ld %ld", &total, &pages) != 2)
        pages = 0;
    fclose (f);
    return pages * (sysconf (_SC_PAGESIZE) / 1024);
}

/* What this test loses is lost in another library, as WHY says: no leak of it fails
 * the test. */
static inline __attribute__ ((unused)) void leaks_are_not_ours (const char *why)
{
    (void) why;
    check_counts->leaks_elsewhere = 1;
}

/* Waits until COND holds; whether it ever did is a check. */
#define CHECK_BECOMES(COND)                                                    \
    do {                                                                       \
        long long deadline_ = now_ms () + AMPLE_MS;                            \
        int holds_;                                                           \
        while (!(holds_ = (COND)) && now_ms () < deadline_)                    \
            sleep_ms (2);                                                      \
        check_report (holds_, __FILE__, __LINE__, #COND, " never became true"); \
    } while (0)

/* With a leak sanitizer, a test that loses memory fails with this status. */
__attribute__ ((weak)) int __lsan_do_recoverable_leak_check (void);
#define CHECK_LEAKS 99

/* A second that takes so long was interrupted: the machine, or all that runs
 * here, was suspended. */
#define CHECK_GAP_MS 5000

/* Waits for the test's process; ends it, and says so, when it reaches the
 * limit. Only those seconds count in which this process runs, too: nothing
 * hangs while everything is suspended. */
static int check_hangs (pid_t child, int *status, int *suspended)
{
    const struct timespec second = {1, 0};
    sigset_t ended;
    sigemptyset (&ended);
    sigaddset (&ended, SIGCHLD);
    for (unsigned seconds = 0; waitpid (child, status, WNOHANG) != child;) {
        long long begin = now_ms ();
        int over = sigtimedwait (&ended, NULL, &second) < 0 && errno == EAGAIN;
        *suspended |= now_ms () - begin > CHECK_GAP_MS;
        if (!over || ++seconds < check_time_limit_s || check_counts->unlimited)
            continue;
        const char *command = getenv ("CHECK_ON_HANG");
        char line[1024];
        if (command) {
            snprintf (line, sizeof line, "%s %d", command, (int) child);
            if (system (line) != 0)
                puts ("CHECK_ON_HANG failed");
        }
        kill (-child, SIGKILL);
        while (waitpid (child, status, 0) < 0 && errno == EINTR)
            ;
        return 1;
    }
    return 0;
}

/* Runs a test in a process of its own. Says whether everything was suspended
 * meanwhile; that is no excuse for a crash. */
static int check_run (const struct check_test *t)
{
    check_counts->unlimited = check_counts->leaks_elsewhere = 0;
    fflush (stdout);
    sigset_t mask, ended;
    sigemptyset (&ended);
    sigaddset (&ended, SIGCHLD);
    sigprocmask (SIG_BLOCK, &ended, &mask);
    pid_t child = fork ();
    if (child == 0) {
        sigprocmask (SIG_SETMASK, &mask, NULL);
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        setpgid (0, 0);
        t->run ();
        fflush (stdout);
        if (__lsan_do_recoverable_leak_check && !check_counts->leaks_elsewhere)
            _exit (__lsan_do_recoverable_leak_check () ? CHECK_LEAKS : 0);
        _exit (0);
    }
    int status = 0, suspended = 0;
    int hangs = check_hangs (child, &status, &suspended);
    sigprocmask (SIG_SETMASK, &mask, NULL);
    kill (-child, SIGKILL); /* whatever the test left running */
    if (WIFEXITED (status) && WEXITSTATUS (status) > 1) {
        check_counts->failed++;
        printf ("FAIL %s: ended with status %d\n", t->name,
                WEXITSTATUS (status));
    }
    if (WIFSIGNALED (status)) {
        check_counts->failed++;
        printf ("FAIL %s: %s\n", t->name,
                hangs ? "hangs (time limit reached)"
                      : strsignal (WTERMSIG (status)));
    }
    return suspended && (hangs || !WIFSIGNALED (status));
}

static int check_main (int argc, char **argv)
{
    int ran = 0;
    const char *limit = getenv ("CHECK_TIME_LIMIT");
    if (limit)
        check_time_limit_s = (unsigned) atoi (limit);
    check_counts = mmap (NULL, sizeof *check_counts, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (struct check_test *t = check_first; t; t = t->next) {
        if (argc > 1 && strcmp (argv[1], "--list") == 0) {
            puts (t->name);
            continue;
        }
        int chosen = argc < 2;
        for (int i = 1; i < argc; i++)
            chosen |= strcmp (argv[i], t->name) == 0;
        if (!chosen)
            continue;
        ran++;
        /* Time has run out for whatever waited when everything was suspended:
         * such a test has another try. */
        int passed = check_counts->passed, failed = check_counts->failed;
        if (check_run (t) && check_counts->failed > failed) {
            printf ("again: %s, which was suspended\n", t->name);
            check_counts->passed = passed;
            check_counts->failed = failed;
            check_run (t);
        }
    }
    if (argc > 1 && strcmp (argv[1], "--list") == 0)
        return 0;
    printf ("%d passed, %d failed\n", check_counts->passed,
            check_counts->failed);
    return check_counts->failed != 0 || ran == 0;
}

#define MAIN                                                                   \
    int main (int argc, char **argv)                                           \
    {                                                                          \
        return check_main (argc, argv);                                        \
    }

#endif
