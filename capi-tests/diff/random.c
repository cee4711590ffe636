/* random.c - numbers from a seed, the same everywhere. */
#include "diff.h"

uint64_t random_next (struct random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int below (struct random *r, int bound)
{
    return (int) (random_next (r) % (uint64_t) bound);
}

int chance (struct random *r, int percent)
{
    return below (r, 100) < percent;
}

