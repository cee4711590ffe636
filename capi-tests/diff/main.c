/* diff-run - random sequences of calls, on the libzmq that this process has.
 *
 *   diff-run [-s SCALE] [-p PARALLEL] FIRST COUNT   the sequences of these seeds
 *   diff-run [-s SCALE] -k 0,3,7 SEED 1  of one, these operations only
 *
 * Each sequence runs in a process of its own and a directory of its own within
 * the working directory, several at once, since most of their time they wait.
 * Its results follow a line "seed N", and are followed by "end", "died SIGNAL" or
 * "hung".
 */
#define _GNU_SOURCE
#include "diff.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST_MS = 4000, LONGER_MS = 2000, MOST_AT_ONCE = 64, TICK_MS = 100 };

/* A sequence under way. */
struct child
{
    pid_t pid; /* 0: none */
    long long until_ms;
    uint64_t seed;
    int answers;
};

/* A clock that goes no further than a tick while this process cannot run, and so neither
 * can the sequences. */
static long long awake_ms (void)
{
    static long long seen, awake;
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    long long now = time.tv_sec * 1000LL + time.tv_nsec / 1000000;
    awake += now - seen > 2 * TICK_MS ? 2 * TICK_MS : now - seen;
    seen = now;
    return awake;
}

static void run (const struct child *child, const char *keep, int scale)
{
    static struct sequence sequence;
    sigset_t none;
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    char directory[64];
    struct rlimit no_core = {0, 0};
    setrlimit (RLIMIT_CORE, &no_core);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    prctl (PR_SET_TIMERSLACK, 1000);
    int null = open ("/dev/null", O_RDWR);
    dup2 (null, 0);
    dup2 (child->answers, 1);
    dup2 (null, 2); /* the last words of a library that aborts */
    close (null);
    snprintf (directory, sizeof directory, "d%d", (int) getpid ());
    if (mkdir (directory, 0700) || chdir (directory))
        _exit (3);
    generate (child->seed, &sequence);
    execute (&sequence, keep, scale);
    _exit (0);
}

static void report (const struct child *child, int status)
{
    static char text[1 << 16];
    printf ("seed %llu\n", (unsigned long long) child->seed);
    lseek (child->answers, 0, SEEK_SET);
    for (ssize_t got; (got = read (child->answers, text, sizeof text)) > 0;)
        fwrite (text, 1, (size_t) got, stdout);
    if (WIFSIGNALED (status) && WTERMSIG (status) == SIGALRM)
        printf ("\nhung\n");
    else if (WIFSIGNALED (status))
        printf ("\ndied %d\n", WTERMSIG (status));
    else
        printf ("end\n");
    fflush (stdout);
    close (child->answers);
}

static void begin (struct child *child, uint64_t seed, const char *keep, int scale)
{
    child->seed = seed;
    child->answers = memfd_create ("answers", MFD_CLOEXEC);
    child->until_ms = awake_ms () + LONGEST_MS + scale * LONGER_MS;
    child->pid = fork ();
    if (child->pid == 0)
        run (child, keep, scale);
}

/* Whether it has ended; it is made to when its time is up. */
static int has_ended (struct child *child)
{
    int status = 0;
    if (waitpid (child->pid, &status, WNOHANG) != child->pid) {
        if (awake_ms () > child->until_ms)
            kill (child->pid, SIGALRM);
        return 0;
    }
    report (child, status);
    child->pid = 0;
    return 1;
}

static void run_all (uint64_t first, int count, int at_once, const char *keep,
                     int scale)
{
    static struct child children[MOST_AT_ONCE];
    const struct timespec tick = {0, TICK_MS * 1000000};
    int begun = 0, ended = 0;
    sigset_t ends;
    sigemptyset (&ends);
    sigaddset (&ends, SIGCHLD);
    sigprocmask (SIG_BLOCK, &ends, NULL);
    while (ended < count) {
        for (int i = 0; i < at_once && begun < count; i++)
            if (children[i].pid == 0)
                begin (&children[i], first + (uint64_t) begun++, keep, scale);
        sigtimedwait (&ends, NULL, &tick);
        for (int i = 0; i < at_once; i++)
            if (children[i].pid)
                ended += has_ended (&children[i]);
    }
}

int main (int argc, char **argv)
{
    static char keep[MAX_OPS];
    int scale = 1, at_once = 1, option;
    memset (keep, 1, sizeof keep);
    while ((option = getopt (argc, argv, "s:p:k:")) != -1)
        if (option == 's')
            scale = atoi (optarg);
        else if (option == 'p')
            at_once = atoi (optarg);
        else if (option == 'k') {
            memset (keep, 0, sizeof keep);
            for (char *at = strtok (optarg, ","); at; at = strtok (NULL, ","))
                if (atoi (at) >= 0 && atoi (at) < MAX_OPS)
                    keep[atoi (at)] = 1;
        } else
            return 2;
    if (argc - optind != 2)
        return 2;
    if (at_once < 1 || at_once > MOST_AT_ONCE)
        at_once = MOST_AT_ONCE;
    run_all (strtoull (argv[optind], NULL, 10), atoi (argv[optind + 1]), at_once, keep,
             scale);
    return 0;
}
