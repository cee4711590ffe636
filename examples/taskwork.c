/* taskwork: takes tasks, sleeps as long as they say, reports to the sink.
 * Works until it is told to stop.
 *
 * usage: taskwork [ventilator endpoint] [sink endpoint] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *source_endpoint =
      text_arg (argc, argv, 1, "tcp://localhost:5557");
    const char *sink_endpoint = text_arg (argc, argv, 2, "tcp://localhost:5558");
    catch_interrupts ();

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *source = open_socket (context, ZMQ_PULL);
    CHECK (zmq_connect (source, source_endpoint) == 0);
    void *sink = open_socket (context, ZMQ_PUSH);
    CHECK (zmq_connect (sink, sink_endpoint) == 0);
    printf ("ready\n");
    fflush (stdout);

    long done = 0;
    char task[32];
    while (!interrupted && receive_text (source, task, sizeof task)) {
        sleep_ms (strtol (task, NULL, 10));
        CHECK (send_text (sink, task, 0) >= 0);
        done++;
    }

    printf ("%ld tasks done\n", done);
    CHECK (zmq_close (source) == 0);
    CHECK (zmq_close (sink) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
