/* measure: runs a program and writes down what it used. demo.py starts
 * everything through it, because the figures the kernel keeps for a child of a
 * big process (Python) include that process's own memory.
 *
 * usage: measure REPORT [NAME=VALUE]... PROGRAM [ARGUMENT]...
 *
 * REPORT receives the line "pid N" at the start, and at the end
 * "cpu SECONDS rss KIB status N". Program and measure die with their parent. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double seconds (struct timeval time)
{
    return (double) time.tv_sec + (double) time.tv_usec / 1e6;
}

int main (int argc, char **argv)
{
    if (argc < 3) {
        fprintf (stderr, "usage: measure REPORT [NAME=VALUE]... PROGRAM "
                         "[ARGUMENT]...\n");
        return EXIT_FAILURE;
    }
    prctl (PR_SET_PDEATHSIG, SIGKILL);

    FILE *report = fopen (argv[1], "we");
    if (report == NULL) {
        perror (argv[1]);
        return EXIT_FAILURE;
    }
    int program = 2;
    while (program < argc - 1 && strchr (argv[program], '=') != NULL)
        program++;

    pid_t child = fork ();
    if (child == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 2; i < program; i++)
            putenv (argv[i]);
        execv (argv[program], argv + program);
        perror (argv[program]);
        _exit (127);
    }
    if (child == -1) {
        perror ("fork");
        return EXIT_FAILURE;
    }
    fprintf (report, "pid %d\n", (int) child);
    fflush (report);

    int status;
    struct rusage used;
    if (wait4 (child, &status, 0, &used) == -1) {
        perror ("wait4");
        return EXIT_FAILURE;
    }
    fprintf (report, "cpu %.6f rss %ld status %d\n",
             seconds (used.ru_utime) + seconds (used.ru_stime), used.ru_maxrss,
             WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status));
    fclose (report);
    return EXIT_SUCCESS;
}
