/* What a distribution of latencies is told as, and on which cores it is taken. */
#ifndef QUANTILES_H
#define QUANTILES_H

#include <sched.h>

/* Confines the calling thread, and what it starts, to the core at `index`
 * among those that the process may use. */
UNUSED_FUNCTION static void stay_on_core (int index)
{
    cpu_set_t cores;
    CHECK (sched_getaffinity (0, sizeof cores, &cores) == 0);
    index %= CPU_COUNT (&cores);
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (CPU_ISSET (core, &cores) && index-- != 0)
            CPU_CLR (core, &cores);
    }
    CHECK (sched_setaffinity (0, sizeof cores, &cores) == 0);
}

static int by_value (const void *left, const void *right)
{
    double a = *(const double *) left, b = *(const double *) right;
    return (a > b) - (a < b);
}

/* The value, in µs, below which this share of the sorted `times` lies. */
static double quantile_us (const double *times, size_t count, double share)
{
    size_t index = (size_t) ((double) count * share);
    return times[index < count ? index : count - 1] * 1e6;
}

/* Prints quantiles of the round trips that took these times, halved: one way. */
UNUSED_FUNCTION static void report_one_way (double *times, size_t count)
{
    static const double SHARES[] = {1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9};
    qsort (times, count, sizeof *times, by_value);
    for (size_t i = 0; i < sizeof SHARES / sizeof *SHARES; i++) {
        char name[32];
        snprintf (name, sizeof name, "p%g_us", SHARES[i]);
        result (name, quantile_us (times, count, SHARES[i] / 100) / 2);
    }
}

#endif
