/* tasksink: learns from the ventilator how many results there will be, gathers
 * them and tells how long that took. The ventilator's word and the workers'
 * results come over different connections, in any order.
 *
 * usage: tasksink [endpoint] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://*:5558");

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *sink = open_socket (context, ZMQ_PULL);
    CHECK (zmq_bind (sink, endpoint) == 0);
    printf ("ready on %s\n", endpoint);
    fflush (stdout);

    long results = 0, expected = -1;
    double start = 0;
    do {
        char text[32];
        CHECK (receive_text (sink, text, sizeof text));
        if (start == 0)
            start = seconds_now ();
        if (sscanf (text, "expect %ld", &expected) != 1)
            results++;
    } while (results != expected);

    printf ("%ld results in %.3f seconds\n", results, seconds_now () - start);
    CHECK (zmq_close (sink) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
