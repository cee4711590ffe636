/* mtserver: a server with several threads. The outside sees one endpoint; the
 * requests are shared out over inproc to threads that each have a REP socket.
 *
 * usage: mtserver [endpoint] [threads] */
#include "support.h"

enum { MOST_THREADS = 64 };

static void serve (void *context)
{
    void *worker = open_socket (context, ZMQ_REP);
    CHECK (zmq_connect (worker, "inproc://workers") == 0);

    char request[64], reply[80];
    while (receive_text (worker, request, sizeof request)) {
        snprintf (reply, sizeof reply, "done: %s", request);
        if (send_text (worker, reply, 0) == -1) {
            CHECK (errno == ETERM);
            break;
        }
    }
    CHECK (zmq_close (worker) == 0);
}

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://*:5559");
    long count = number_arg (argc, argv, 2, 4);
    if (count < 1 || count > MOST_THREADS) {
        fprintf (stderr, "between 1 and %d threads, please\n", MOST_THREADS);
        return EXIT_FAILURE;
    }

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *clients = open_socket (context, ZMQ_ROUTER);
    CHECK (zmq_bind (clients, endpoint) == 0);
    void *workers = open_socket (context, ZMQ_DEALER);
    CHECK (zmq_bind (workers, "inproc://workers") == 0);

    void *threads[MOST_THREADS];
    hold_interrupts ();
    for (long i = 0; i < count; i++) {
        threads[i] = zmq_threadstart (serve, context);
        CHECK (threads[i] != NULL);
    }
    release_interrupts ();
    catch_interrupts ();
    printf ("ready on %s with %ld threads\n", endpoint, count);
    fflush (stdout);

    /* Runs until a signal interrupts it. */
    CHECK (zmq_proxy (clients, workers, NULL) == -1);
    CHECK (errno == EINTR);

    /* The threads' next call answers ETERM: they close their sockets and end. */
    CHECK (zmq_ctx_shutdown (context) == 0);
    for (long i = 0; i < count; i++)
        zmq_threadclose (threads[i]);
    CHECK (zmq_close (clients) == 0);
    CHECK (zmq_close (workers) == 0);
    end_context (context);
    printf ("stopped\n");
    return EXIT_SUCCESS;
}
