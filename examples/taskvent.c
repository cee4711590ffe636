/* taskvent: hands out tasks. A task is a number of milliseconds to sleep; the
 * list is the same in every run, so that runs can be compared. The sink learns
 * beforehand how many results to expect.
 *
 * usage: taskvent [bind endpoint] [sink endpoint] [tasks] [longest task, ms]
 *                 [time for workers to connect, ms] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://*:5557");
    const char *sink_endpoint = text_arg (argc, argv, 2, "tcp://localhost:5558");
    long tasks = number_arg (argc, argv, 3, 100);
    long longest_ms = number_arg (argc, argv, 4, 100);
    long settle_ms = number_arg (argc, argv, 5, 1000);

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *workers = open_socket (context, ZMQ_PUSH);
    CHECK (zmq_bind (workers, endpoint) == 0);
    void *sink = open_socket (context, ZMQ_PUSH);
    CHECK (zmq_connect (sink, sink_endpoint) == 0);

    /* Tasks go out in turn to the workers that are connected: a worker that
     * comes late would find everything given away. */
    sleep_ms (settle_ms);

    char text[32];
    snprintf (text, sizeof text, "expect %ld", tasks);
    CHECK (send_text (sink, text, 0) >= 0);

    long total_ms = 0;
    for (long i = 0; i < tasks; i++) {
        /* A stride that shares no factor with 97 visits all residues. */
        long task_ms = longest_ms ? 1 + i * 37 % 97 * longest_ms / 97 : 0;
        total_ms += task_ms;
        snprintf (text, sizeof text, "%ld", task_ms);
        CHECK (send_text (workers, text, 0) >= 0);
    }
    printf ("%ld tasks, %ld ms of work\n", tasks, total_ms);

    CHECK (zmq_close (workers) == 0);
    CHECK (zmq_close (sink) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
