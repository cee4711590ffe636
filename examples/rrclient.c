/* rrclient: sends numbered requests, one at a time, and checks that each
 * answer belongs to its request.
 *
 * usage: rrclient [endpoint] [requests] [name] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://localhost:5559");
    long requests = number_arg (argc, argv, 2, 1000);
    const char *name = text_arg (argc, argv, 3, "client");

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *client = open_socket (context, ZMQ_REQ);
    CHECK (zmq_connect (client, endpoint) == 0);

    for (long number = 1; number <= requests; number++) {
        char request[64], expected[80], reply[80];
        snprintf (request, sizeof request, "%.32s %ld", name, number);
        snprintf (expected, sizeof expected, "done: %s", request);
        CHECK (send_text (client, request, 0) >= 0);
        CHECK (receive_text (client, reply, sizeof reply));
        if (strcmp (reply, expected) != 0) {
            fprintf (stderr, "asked \"%s\", got \"%s\"\n", request, reply);
            return EXIT_FAILURE;
        }
    }
    printf ("%ld requests answered\n", requests);

    CHECK (zmq_close (client) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
