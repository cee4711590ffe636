/* rrworker: a server that connects to a broker instead of being connected to.
 * Answers "done: " and the request, until it is told to stop.
 *
 * usage: rrworker [endpoint] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://localhost:5560");
    catch_interrupts ();

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *worker = open_socket (context, ZMQ_REP);
    CHECK (zmq_connect (worker, endpoint) == 0);
    printf ("ready\n");
    fflush (stdout);

    long answered = 0;
    char request[64], reply[80];
    while (!interrupted && receive_text (worker, request, sizeof request)) {
        snprintf (reply, sizeof reply, "done: %s", request);
        CHECK (send_text (worker, reply, 0) >= 0);
        answered++;
    }

    printf ("answered %ld requests\n", answered);
    CHECK (zmq_close (worker) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
