/* threads.c - whether the other threads of this process have come to rest: they
 * sleep, and have not run since the last look.
 */
#define _GNU_SOURCE
#include "threads.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* No thread wakes for less, and no two readings of the clocks differ by more. */
enum { JITTER_NS = 1500 };
enum { MOST_THREADS = 64 };

static long long read_clock (clockid_t clock)
{
    struct timespec now;
    clock_gettime (clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

long long others_worked_ns (void)
{
    static long long known;
    long long own = read_clock (CLOCK_THREAD_CPUTIME_ID);
    long long all = read_clock (CLOCK_PROCESS_CPUTIME_ID);
    long long own_after = read_clock (CLOCK_THREAD_CPUTIME_ID);
    long long others = all - (own + own_after) / 2;
    if (others > known + JITTER_NS)
        known = others;
    return known;
}

/* The other threads' states: opening them anew for each look would cost most of it. */
static int states[MOST_THREADS], state_count = -1;
/* How many threads there were then. */
static nlink_t listed;

static void forget_threads (void)
{
    while (state_count > 0)
        close (states[--state_count]);
    state_count = -1;
}

static void list_threads (void)
{
    char path[300];
    struct stat tasks_stat;
    DIR *tasks = opendir ("/proc/self/task");
    if (!tasks)
        return;
    state_count = 0;
    fstat (dirfd (tasks), &tasks_stat);
    listed = tasks_stat.st_nlink;
    for (struct dirent *entry; (entry = readdir (tasks)) && state_count < MOST_THREADS;) {
        snprintf (path, sizeof path, "/proc/self/task/%s/stat", entry->d_name);
        if (entry->d_name[0] == '.' || atoi (entry->d_name) == gettid ())
            continue;
        int file = open (path, O_RDONLY | O_CLOEXEC);
        if (file >= 0)
            states[state_count++] = file;
    }
    closedir (tasks);
}

/* -1: it has ended. */
static int is_awake (int file)
{
    char text[512];
    ssize_t got = pread (file, text, sizeof text - 1, 0);
    if (got <= 0)
        return -1;
    text[got] = 0;
    const char *state = strrchr (text, ')');
    return state && state[1] == ' ' && state[2] != 'S';
}

int others_awake (void)
{
    struct stat tasks;
    if (state_count >= 0 && (stat ("/proc/self/task", &tasks) || tasks.st_nlink != listed))
        forget_threads ();
    if (state_count < 0)
        list_threads ();
    for (int i = 0; i < state_count; i++) {
        int awake = is_awake (states[i]);
        if (awake < 0)
            forget_threads (); /* and look again */
        if (awake)
            return 1;
    }
    return 0;
}
