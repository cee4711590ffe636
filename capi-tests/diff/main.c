/* diff-run - random sequences of calls, on the libzmq that this process has.
 *
 *   diff-run [-s SCALE] FIRST COUNT      the sequences of these seeds
 *   diff-run [-s SCALE] -k 0,3,7 SEED 1  of one, these operations only
 *
 * Each sequence runs in a process of its own and a directory of its own within
 * the working directory. Its results follow a line "seed N", and are followed
 * by "end", "died SIGNAL" or "hung".
 */
#define _GNU_SOURCE
#include "diff.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_S = 12 };

static void run (uint64_t seed, const char *keep, int scale)
{
    static struct sequence sequence;
    char directory[64];
    struct rlimit no_core = {0, 0};
    setrlimit (RLIMIT_CORE, &no_core);
    int null = open ("/dev/null", O_RDWR);
    dup2 (null, 0);
    dup2 (null, 2); /* the last words of a library that aborts */
    close (null);
    snprintf (directory, sizeof directory, "d%d", (int) getpid ());
    if (mkdir (directory, 0700) || chdir (directory))
        _exit (3);
    alarm (LONGEST_S + (unsigned) scale);
    generate (seed, &sequence);
    execute (&sequence, keep, scale);
    _exit (0);
}

static void report (uint64_t seed, const char *keep, int scale)
{
    int status = 0;
    printf ("seed %llu\n", (unsigned long long) seed);
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0)
        run (seed, keep, scale);
    waitpid (child, &status, 0);
    if (WIFSIGNALED (status) && WTERMSIG (status) == SIGALRM)
        printf ("\nhung\n");
    else if (WIFSIGNALED (status))
        printf ("\ndied %d\n", WTERMSIG (status));
    else
        printf ("end\n");
    fflush (stdout);
}

int main (int argc, char **argv)
{
    static char keep[MAX_OPS];
    int scale = 1, option;
    memset (keep, 1, sizeof keep);
    while ((option = getopt (argc, argv, "s:k:")) != -1)
        if (option == 's')
            scale = atoi (optarg);
        else if (option == 'k') {
            memset (keep, 0, sizeof keep);
            for (char *at = strtok (optarg, ","); at; at = strtok (NULL, ","))
                if (atoi (at) >= 0 && atoi (at) < MAX_OPS)
                    keep[atoi (at)] = 1;
        } else
            return 2;
    if (argc - optind != 2)
        return 2;
    uint64_t first = strtoull (argv[optind], NULL, 10);
    int count = atoi (argv[optind + 1]);
    for (int i = 0; i < count; i++)
        report (first + (uint64_t) i, keep, scale);
    return 0;
}
