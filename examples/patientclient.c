/* patientclient: a client that outlives its server. It waits a limited
 * time for each answer; when the time is up, it throws its socket away (a REQ
 * socket that waits for an answer cannot ask again), opens a fresh one and
 * repeats the request.
 *
 * usage: patientclient [endpoint] [requests] [time-out ms] [tries]
 *                      [pause between requests, ms] */
#include "support.h"

static void *open_client (void *context, const char *endpoint, int timeout_ms)
{
    void *client = open_socket (context, ZMQ_REQ);
    set_int (client, ZMQ_RCVTIMEO, timeout_ms);
    set_int (client, ZMQ_LINGER, 0); /* an abandoned request is not kept */
    CHECK (zmq_connect (client, endpoint) == 0);
    return client;
}

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://localhost:5555");
    long requests = number_arg (argc, argv, 2, 10);
    int timeout_ms = (int) number_arg (argc, argv, 3, 500);
    long tries = number_arg (argc, argv, 4, 20);
    long pause_ms = number_arg (argc, argv, 5, 0);

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *client = open_client (context, endpoint, timeout_ms);

    long retries = 0;
    for (long number = 1; number <= requests; number++) {
        char reply[64];
        for (long attempt = 1;; attempt++) {
            CHECK (send_text (client, "Hello", 0) >= 0);
            if (receive_text (client, reply, sizeof reply))
                break;
            if (attempt == tries) {
                fprintf (stderr, "no answer after %ld tries\n", tries);
                return EXIT_FAILURE;
            }
            printf ("request %ld: no answer, trying again\n", number);
            fflush (stdout);
            retries++;
            CHECK (zmq_close (client) == 0);
            client = open_client (context, endpoint, timeout_ms);
        }
        printf ("request %ld: %s\n", number, reply);
        fflush (stdout);
        sleep_ms (pause_ms);
    }
    printf ("%ld requests answered, %ld retries\n", requests, retries);

    CHECK (zmq_close (client) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
