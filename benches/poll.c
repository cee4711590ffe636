/* zmq_poll over many sockets of which none, or one, has something to read.
 *
 * usage: poll SOCKETS MILLISECONDS idle|one
 * prints: rate (calls/s), cpu_ns (per call) */
#include "bench.h"

enum { CALLS_PER_LOOK = 10 }; /* at the clock */

int main (int argc, char **argv)
{
    int sockets = (int) number_arg (argc, argv, 1, 1);
    double least_s = (double) number_arg (argc, argv, 2, 1) / 1e3;
    bool one_ready = same (text_arg (argc, argv, 3), "one");
    alarm (WATCHDOG_SECONDS);
    raise_fd_limit ();

    void *context = open_context ();
    CHECK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 2 * sockets + 10) == 0);
    void **pulls = calloc ((size_t) sockets, sizeof *pulls);
    void **pushes = calloc ((size_t) sockets, sizeof *pushes);
    zmq_pollitem_t *items = calloc ((size_t) sockets, sizeof *items);
    CHECK (pulls != NULL && pushes != NULL && items != NULL);
    for (int i = 0; i < sockets; i++) {
        char endpoint[ENDPOINT_SIZE];
        pulls[i] = open_socket (context, ZMQ_PULL, 1000);
        bind_somewhere (pulls[i], "inproc", endpoint);
        pushes[i] = open_socket (context, ZMQ_PUSH, 1000);
        CHECK (zmq_connect (pushes[i], endpoint) == 0);
        items[i] = (zmq_pollitem_t) {pulls[i], 0, ZMQ_POLLIN, 0};
    }
    int expected = one_ready ? 1 : 0;
    if (one_ready)
        CHECK (zmq_send (pushes[sockets - 1], "x", 1, 0) == 1);
    CHECK (zmq_poll (items, sockets, expected ? 1000 : 0) == expected);

    double start = now_s (), cpu_before = cpu_s ();
    double elapsed;
    long calls = 0;
    do {
        for (int i = 0; i < CALLS_PER_LOOK; i++)
            CHECK (zmq_poll (items, sockets, 0) == expected);
        calls += CALLS_PER_LOOK;
        elapsed = now_s () - start;
    } while (elapsed < least_s);
    double cpu = cpu_s () - cpu_before;

    for (int i = 0; i < sockets; i++) {
        CHECK (zmq_close (pushes[i]) == 0);
        CHECK (zmq_close (pulls[i]) == 0);
    }
    CHECK (zmq_ctx_term (context) == 0);
    free (pulls);
    free (pushes);
    free (items);
    result ("rate", (double) calls / elapsed);
    result ("cpu_ns", cpu / (double) calls * 1e9);
    return EXIT_SUCCESS;
}
