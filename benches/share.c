/* Several I/O threads that share the connections of one socket: a PULL with
 * eight connections, each from a PUSH of its own in another process.
 *
 * usage: share TRANSPORT IO-THREADS COUNT SIZE
 * prints: rate (messages/s), cpu_ns (per message, both ends) */
#include "bench.h"

enum { CONNECTIONS = 8 };

static const char *transport;
static int io_threads;
static uint64_t count;
static size_t size;

struct letter
{
    uint64_t sender, number;
};

static void *open_shared_context (void)
{
    void *context = open_context ();
    CHECK (zmq_ctx_set (context, ZMQ_IO_THREADS, io_threads) == 0);
    return context;
}

static void send_all (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    void *context = open_shared_context ();
    void *pushes[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        pushes[i] = open_socket (context, ZMQ_PUSH, 1000);
        CHECK (zmq_connect (pushes[i], endpoint) == 0);
    }
    char *buffer = calloc (1, size);
    CHECK (buffer != NULL);
    for (uint64_t i = 0; i < count; i++) {
        struct letter letter = {i % CONNECTIONS, i / CONNECTIONS};
        memcpy (buffer, &letter, sizeof letter);
        CHECK (zmq_send (pushes[letter.sender], buffer, size, 0) == (int) size);
    }
    await_all_received (line);
    free (buffer);
    for (int i = 0; i < CONNECTIONS; i++)
        CHECK (zmq_close (pushes[i]) == 0);
    CHECK (zmq_ctx_term (context) == 0);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    io_threads = (int) number_arg (argc, argv, 2, 1);
    count = (uint64_t) number_arg (argc, argv, 3, CONNECTIONS + 1);
    size = (size_t) number_arg (argc, argv, 4, sizeof (struct letter));
    alarm (WATCHDOG_SECONDS);

    double cpu_before = cpu_s ();
    struct peer sender;
    start_process (&sender, send_all);
    void *context = open_shared_context ();
    void *pull = open_socket (context, ZMQ_PULL, 1000);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (pull, transport, endpoint);
    say_endpoint (sender.line, endpoint);

    char *buffer = malloc (size);
    CHECK (buffer != NULL);
    uint64_t expected[CONNECTIONS] = {0};
    double start = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct letter letter;
        CHECK (zmq_recv (pull, buffer, size, 0) == (int) size);
        memcpy (&letter, buffer, sizeof letter);
        CHECK (letter.sender < CONNECTIONS);
        CHECK (letter.number == expected[letter.sender]++);
        if (i == 0)
            start = now_s ();
    }
    double elapsed = now_s () - start;
    free (buffer);
    say_all_received (sender.line);
    join_peer (&sender);
    close_all (context, pull);
    result ("rate", (double) (count - 1) / elapsed);
    result ("cpu_ns", (cpu_s () - cpu_before) / (double) count * 1e9);
    return EXIT_SUCCESS;
}
