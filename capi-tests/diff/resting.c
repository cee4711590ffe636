/* resting.c - waits until everything that an operation set off has come to rest. */
#include "crowds.h"
#include "threads.h"
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum { NAP_US = 150, LONGEST_SETTLING = 60 };

int wait_scale;

static void touch (void)
{
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s]) {
            int events;
            size_t size = sizeof events;
            zmq_getsockopt (sockets[s], ZMQ_EVENTS, &events, &size);
        }
    touch_crowd ();
}

/* Until the other threads sleep, and calling the sockets wakes none of them. */
void settle (void)
{
    int quiet = 0;
    for (int i = 0; i < LONGEST_SETTLING * wait_scale && quiet <= wait_scale; i++) {
        touch ();
        long long before = others_worked_ns ();
        usleep (NAP_US);
        quiet = others_worked_ns () == before ? quiet + 1 : 0;
        if (quiet > wait_scale && others_awake ())
            quiet = 0;
    }
    touch ();
}

/* Of inproc, only closing is the work of other threads. */
void rest (void)
{
    touch ();
    touch ();
    if (network_used || proxies_begun ())
        settle ();
}

void rest_for (int ms)
{
    settle ();
    usleep (1000u * (unsigned) (ms * wait_scale));
    settle ();
}

long long clock_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
