/* sweep.h - what the sweeps share: cases that run in a child each or many to
 * a child, and are told as a line each, so that the lines of two libraries can
 * be compared. A case that ends its process says "died". */
#ifndef FERROZMQ_SWEEP_H
#define FERROZMQ_SWEEP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <zmq.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* The case under way, in memory that outlives the child, and its line. */
static struct
{
    int index;
    char label[200];
} *now;

/* Cases up to this one were told by a child that died of the last of them. */
static int skip_until;

/* Begins a case; false when it was told before. */
__attribute__ ((format (printf, 1, 2))) static inline int
begin_case (const char *format, ...)
{
    va_list args;
    if (++now->index <= skip_until)
        return 0;
    va_start (args, format);
    vsnprintf (now->label, sizeof now->label, format, args);
    va_end (args);
    errno = 0;
    return 1;
}

__attribute__ ((format (printf, 1, 2))) static inline void
tell (const char *format, ...)
{
    char line[1000];
    va_list args;
    int n = snprintf (line, sizeof line, "%s: ", now->label);
    va_start (args, format);
    n += vsnprintf (line + n, sizeof line - (size_t) n, format, args);
    va_end (args);
    line[n++] = '\n';
    if (write (1, line, (size_t) n) != n)
        _exit (3);
}

/* Runs a list of cases in a child, and what follows a case that died in
 * another one. */
static inline void in_children (void (*cases) (void *), void *arg)
{
    if (!now)
        now = mmap (NULL, sizeof *now, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    skip_until = 0;
    for (;;) {
        int status = 0;
        now->index = 0;
        pid_t child = fork ();
        if (child == 0) {
            struct rlimit no_core = {0, 0};
            setrlimit (RLIMIT_CORE, &no_core);
            dup2 (open ("/dev/null", O_WRONLY), 2); /* last words */
            alarm (120);
            cases (arg);
            _exit (0);
        }
        while (waitpid (child, &status, 0) < 0 && errno == EINTR)
            ;
        if (WIFEXITED (status))
            return;
        tell (WTERMSIG (status) == SIGALRM ? "hung" : "died");
        skip_until = now->index;
    }
}

#endif
