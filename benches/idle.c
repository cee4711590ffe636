/* What a context costs that has open connections and nothing to do.
 *
 * usage: idle MILLISECONDS
 * prints: cpu_us_per_s, switches_per_s (of all threads; the one that sleeps
 * and measures makes about one itself) */
#include "bench.h"

static long switches (void)
{
    struct rusage used;
    CHECK (getrusage (RUSAGE_SELF, &used) == 0);
    return used.ru_nvcsw + used.ru_nivcsw;
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

    double start = now_s (), cpu_before = cpu_s ();
    long switches_before = switches ();
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    CHECK (nanosleep (&pause, NULL) == 0);
    double elapsed = now_s () - start;
    result ("cpu_us_per_s", (cpu_s () - cpu_before) / elapsed * 1e6);
    result ("switches_per_s", (double) (switches () - switches_before) / elapsed);

    CHECK (zmq_close (client) == 0);
    close_all (context, server);
    return EXIT_SUCCESS;
}
