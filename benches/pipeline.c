/* The task pipeline of the guide, from end to end: a ventilator deals tasks out
 * to four workers in processes of their own, which pass them on to a sink. The
 * work itself takes no time here. The sink sees each task once.
 *
 * usage: pipeline TRANSPORT TASKS
 * prints: rate (tasks/s), cpu_ns (per task, all processes) */
#include "bench.h"

enum { WORKERS = 4, TEXT_SIZE = 32 };

static const char *transport;
static long tasks;
static int worker_id; /* this worker's */

static void send_text (void *socket, const char *format, long number)
{
    char text[TEXT_SIZE];
    int size = snprintf (text, sizeof text, format, number);
    CHECK (zmq_send (socket, text, (size_t) size, 0) == size);
}

static int receive_text (void *socket, char *text)
{
    int size = zmq_recv (socket, text, TEXT_SIZE - 1, 0);
    CHECK (size > 0 && size < TEXT_SIZE);
    text[size] = '\0';
    return size;
}

/* Waits until all workers are there ("?" went to each), then deals. */
static void ventilate (struct line line)
{
    void *context = open_context ();
    void *push = open_socket (context, ZMQ_PUSH, 1000);
    char endpoint[ENDPOINT_SIZE], word;
    bind_somewhere (push, transport, endpoint);
    say_endpoint (line, endpoint);
    zmq_pollitem_t ready = {NULL, line.in, ZMQ_POLLIN, 0};
    do
        CHECK (zmq_send (push, "?", 1, 0) == 1);
    while (zmq_poll (&ready, 1, 1) == 0);
    hear (line, &word, 1);
    for (long number = 0; number < tasks; number++)
        send_text (push, "%ld", number);
    await_all_received (line);
    close_all (context, push);
}

/* Does what it gets until it is killed. */
static void work (struct line line)
{
    char source[ENDPOINT_SIZE], sink[ENDPOINT_SIZE], text[TEXT_SIZE];
    hear_endpoint (line, source);
    hear_endpoint (line, sink);
    void *context = open_context ();
    void *pull = open_socket (context, ZMQ_PULL, 1000);
    void *push = open_socket (context, ZMQ_PUSH, 1000);
    CHECK (zmq_connect (push, sink) == 0);
    CHECK (zmq_connect (pull, source) == 0);
    for (;;) {
        int size = receive_text (pull, text);
        if (same (text, "?"))
            send_text (push, "?%ld", worker_id);
        else
            CHECK (zmq_send (push, text, (size_t) size, 0) == size);
    }
}

static void await_workers (void *sink)
{
    bool seen[WORKERS] = {false};
    for (int missing = WORKERS; missing > 0;) {
        char text[TEXT_SIZE];
        receive_text (sink, text);
        CHECK (text[0] == '?');
        bool *worker = &seen[atoi (text + 1)];
        missing -= !*worker;
        *worker = true;
    }
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    tasks = number_arg (argc, argv, 2, 1);
    alarm (WATCHDOG_SECONDS);

    double cpu_before = cpu_s ();
    struct peer ventilator, workers[WORKERS];
    start_process (&ventilator, ventilate);
    for (worker_id = 0; worker_id < WORKERS; worker_id++)
        start_process (&workers[worker_id], work);
    char source[ENDPOINT_SIZE], endpoint[ENDPOINT_SIZE];
    hear_endpoint (ventilator.line, source);
    void *context = open_context ();
    void *sink = open_socket (context, ZMQ_PULL, 1000);
    bind_somewhere (sink, transport, endpoint);
    for (int i = 0; i < WORKERS; i++) {
        say_endpoint (workers[i].line, source);
        say_endpoint (workers[i].line, endpoint);
    }
    await_workers (sink);

    char *seen = calloc ((size_t) tasks, 1);
    CHECK (seen != NULL);
    say (ventilator.line, "", 1);
    double start = now_s ();
    for (long arrived = 0; arrived < tasks;) {
        char text[TEXT_SIZE];
        receive_text (sink, text);
        if (text[0] == '?')
            continue;
        long number = atol (text);
        CHECK (number >= 0 && number < tasks && !seen[number]);
        seen[number] = 1;
        arrived++;
    }
    double elapsed = now_s () - start;
    free (seen);
    say_all_received (ventilator.line);
    join_peer (&ventilator);
    for (int i = 0; i < WORKERS; i++)
        kill_peer (&workers[i]);
    close_all (context, sink);
    result ("rate", (double) tasks / elapsed);
    result ("cpu_ns", (cpu_s () - cpu_before) / (double) tasks * 1e9);
    return EXIT_SUCCESS;
}
