/* hwclient: says "Hello" and waits for the answer, a number of times. It may
 * be started before its server: the requests wait until the server is there.
 *
 * usage: hwclient [endpoint] [requests] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://localhost:5555");
    long requests = number_arg (argc, argv, 2, 10);

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *client = open_socket (context, ZMQ_REQ);
    CHECK (zmq_connect (client, endpoint) == 0);
    printf ("connecting to %s\n", endpoint);
    fflush (stdout);

    for (long number = 1; number <= requests; number++) {
        char reply[256];
        CHECK (send_text (client, "Hello", 0) >= 0);
        CHECK (receive_text (client, reply, sizeof reply));
        printf ("round trip %ld: %s\n", number, reply);
    }

    CHECK (zmq_close (client) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
