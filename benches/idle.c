/* What a context costs that has open connections and nothing to do.
 *
 * usage: idle MILLISECONDS
 * prints: cpu_us_per_s, switches_per_s (of all threads but the one that sleeps
 * and measures) */
#include "bench.h"

struct work
{
    double cpu;
    long switches;
};

static struct work of (int whose)
{
    struct rusage used;
    CHECK (getrusage (whose, &used) == 0);
    return (struct work) {cpu_of (&used), used.ru_nvcsw + used.ru_nivcsw};
}

/* The sum of all threads is read later than the own share of it: what comes between
 * counts for the others. So the least of some readings. */
static struct work of_others (void)
{
    struct work least = {0};
    for (int i = 0; i < 20; i++) {
        struct work own = of (RUSAGE_THREAD), all = of (RUSAGE_SELF);
        double cpu = all.cpu - own.cpu;
        if (i == 0 || cpu < least.cpu)
            least = (struct work) {cpu, all.switches - own.switches};
    }
    return least;
}

int main (int argc, char **argv)
{
    long milliseconds = number_arg (argc, argv, 1, 1);
    alarm (WATCHDOG_SECONDS);

    void *context = open_context ();
    void *server = open_socket (context, ZMQ_REP, 1000);
    char endpoint[ENDPOINT_SIZE], word[8];
    bind_somewhere (server, "tcp", endpoint);
    void *client = open_socket (context, ZMQ_REQ, 1000);
    CHECK (zmq_connect (client, endpoint) == 0);
    for (int i = 0; i < 100; i++) {
        CHECK (zmq_send (client, "ping", 4, 0) == 4);
        CHECK (zmq_recv (server, word, sizeof word, 0) == 4);
        CHECK (zmq_send (server, "pong", 4, 0) == 4);
        CHECK (zmq_recv (client, word, sizeof word, 0) == 4);
    }
    usleep (200000); /* what follows the last message may still be at work */

    struct work before = of_others ();
    double start = now_s ();
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    CHECK (nanosleep (&pause, NULL) == 0);
    double elapsed = now_s () - start;
    struct work after = of_others ();
    double cpu = after.cpu - before.cpu;
    /* Less than a call takes is none. */
    result ("cpu_us_per_s", cpu < 10e-6 ? 0 : cpu / elapsed * 1e6);
    result ("switches_per_s", (double) (after.switches - before.switches) / elapsed);

    CHECK (zmq_close (client) == 0);
    close_all (context, server);
    return EXIT_SUCCESS;
}
