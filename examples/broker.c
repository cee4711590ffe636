/* broker: stands between any number of clients (REQ) and workers (REP). It
 * hands requests to the workers in turn and leads the answers back, and shows
 * a copy of all that passes to a capture socket.
 *
 * usage: broker [endpoint for clients] [endpoint for workers] */
#include "capture.h"

int main (int argc, char **argv)
{
    const char *front = text_arg (argc, argv, 1, "tcp://*:5559");
    const char *back = text_arg (argc, argv, 2, "tcp://*:5560");

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *clients = open_socket (context, ZMQ_ROUTER);
    CHECK (zmq_bind (clients, front) == 0);
    void *workers = open_socket (context, ZMQ_DEALER);
    CHECK (zmq_bind (workers, back) == 0);
    struct capture capture;
    start_capture (&capture, context);
    catch_interrupts ();
    printf ("ready on %s and %s\n", front, back);
    fflush (stdout);

    /* Runs until a signal interrupts it. */
    CHECK (zmq_proxy (clients, workers, capture.socket) == -1);
    CHECK (errno == EINTR);

    finish_capture (&capture);
    CHECK (zmq_close (clients) == 0);
    CHECK (zmq_close (workers) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
