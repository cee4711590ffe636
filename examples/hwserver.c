/* hwserver: answers every greeting with "World", until it is told to stop.
 *
 * usage: hwserver [endpoint] [milliseconds of work per request] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://*:5555");
    long work_ms = number_arg (argc, argv, 2, 0);
    catch_interrupts ();

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *server = open_socket (context, ZMQ_REP);
    CHECK (zmq_bind (server, endpoint) == 0);
    printf ("ready on %s\n", endpoint);
    fflush (stdout);

    long answered = 0;
    char request[256];
    while (!interrupted && receive_text (server, request, sizeof request)) {
        sleep_ms (work_ms);
        CHECK (send_text (server, "World", 0) >= 0);
        answered++;
    }

    printf ("answered %ld requests\n", answered);
    CHECK (zmq_close (server) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
