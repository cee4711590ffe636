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
#include <time.h>
#include <unistd.h>

/* No thread wakes for less, and no two readings of the clocks differ by more. */
enum { JITTER_NS = 1500 };

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

static int is_awake (const char *name)
{
    char path[300], text[512];
    snprintf (path, sizeof path, "/proc/self/task/%s/stat", name);
    int file = open (path, O_RDONLY | O_CLOEXEC);
    if (file < 0) /* it ended a moment ago */
        return 0;
    ssize_t got = read (file, text, sizeof text - 1);
    close (file);
    text[got > 0 ? got : 0] = 0;
    const char *state = strrchr (text, ')');
    return state && state[1] == ' ' && state[2] != 'S';
}

int others_awake (void)
{
    int awake = 0;
    pid_t self = gettid ();
    DIR *tasks = opendir ("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir (tasks));)
        if (entry->d_name[0] != '.' && atoi (entry->d_name) != self)
            awake |= is_awake (entry->d_name);
    if (tasks)
        closedir (tasks);
    return awake;
}
