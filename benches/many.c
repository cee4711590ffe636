/* Many connections to one socket: how long until all are there, how fast they
 * are together, and whether the idle ones slow down a busy one. One PULL
 * accepts; the PUSHes in another process have up to 500 connections each, and
 * come one after the other, so that no queue of the kernel overflows.
 *
 * usage: many TRANSPORT CONNECTIONS COUNT
 * prints: setup_rate (connections/s), setup_cpu_us (per connection, both ends),
 * all_rate (messages/s over all of them), busy_rate (messages/s over one more,
 * the others idle), busy_share (of its rate before there were others, in %) */
#include "bench.h"

enum { CONNECTIONS_EACH = 500 };

static const char *transport;
static long connections;
static uint64_t count;

static void send_number (void *push, uint64_t number)
{
    CHECK (zmq_send (push, &number, sizeof number, 0) == sizeof number);
}

static uint64_t receive_number (void *pull)
{
    uint64_t number;
    CHECK (zmq_recv (pull, &number, sizeof number, 0) == sizeof number);
    return number;
}

/* The one that is busy: a stream each time it is asked for one. */
static void run_busy (struct line line)
{
    char endpoint[ENDPOINT_SIZE], word;
    hear_endpoint (line, endpoint);
    void *context = open_context ();
    void *push = open_socket (context, ZMQ_PUSH, 1000);
    CHECK (zmq_connect (push, endpoint) == 0);
    for (hear (line, &word, 1); word == 's'; hear (line, &word, 1)) {
        for (uint64_t number = 0; number < count; number++)
            send_number (push, number);
    }
    close_all (context, push);
}

static void *connect_some (void *context, const char *endpoint, long how_many)
{
    void *push = open_socket (context, ZMQ_PUSH, 1000);
    for (long i = 0; i < how_many; i++)
        CHECK (zmq_connect (push, endpoint) == 0);
    for (long i = 0; i < how_many; i++) /* one goes over each */
        send_number (push, SYNC);
    return push;
}

static void run_many (struct line line)
{
    char endpoint[ENDPOINT_SIZE], word;
    hear_endpoint (line, endpoint);
    raise_fd_limit ();
    void *context = open_context ();
    long sockets = (connections + CONNECTIONS_EACH - 1) / CONNECTIONS_EACH;
    void **pushes = calloc ((size_t) sockets, sizeof *pushes);
    CHECK (pushes != NULL);

    double cpu_before = cpu_s ();
    for (long i = 0; i < sockets; i++) {
        long left = connections - i * CONNECTIONS_EACH;
        hear (line, &word, 1);
        pushes[i] = connect_some (context, endpoint,
                                  left < CONNECTIONS_EACH ? left
                                                          : CONNECTIONS_EACH);
    }
    hear (line, &word, 1);
    double cpu = cpu_s () - cpu_before;
    say (line, &cpu, sizeof cpu);

    hear (line, &word, 1);
    for (uint64_t number = 0; number < count; number++)
        send_number (pushes[number % (uint64_t) sockets], number);
    hear (line, &word, 1);
    for (long i = 0; i < sockets; i++)
        CHECK (zmq_close (pushes[i]) == 0);
    CHECK (zmq_ctx_term (context) == 0);
    free (pushes);
}

/* One stream, in its order. */
static double busy_rate (struct peer *busy, void *pull)
{
    say (busy->line, "s", 1);
    CHECK (receive_number (pull) == 0);
    double start = now_s ();
    for (uint64_t expected = 1; expected < count; expected++)
        CHECK (receive_number (pull) == expected);
    return (double) (count - 1) / (now_s () - start);
}

/* All streams: each number once, whatever its way. */
static double all_rate (struct peer *many, void *pull)
{
    char *seen = calloc (count, 1);
    CHECK (seen != NULL);
    double start = now_s ();
    say (many->line, "", 1);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t number = receive_number (pull);
        CHECK (number < count && !seen[number]);
        seen[number] = 1;
    }
    double elapsed = now_s () - start;
    free (seen);
    return (double) count / elapsed;
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    connections = number_arg (argc, argv, 2, 1);
    count = (uint64_t) number_arg (argc, argv, 3, 2);
    alarm (WATCHDOG_SECONDS);

    struct peer busy, many;
    start_process (&busy, run_busy);
    start_process (&many, run_many);
    raise_fd_limit ();
    void *context = open_context ();
    void *pull = open_socket (context, ZMQ_PULL, 1000);
    set_int (pull, ZMQ_BACKLOG, 4096);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (pull, transport, endpoint);
    say_endpoint (busy.line, endpoint);
    say_endpoint (many.line, endpoint);
    busy_rate (&busy, pull); /* warms up */
    double alone = busy_rate (&busy, pull);

    double start = now_s (), cpu_before = cpu_s ();
    for (long there = 0; there < connections;) {
        say (many.line, "", 1);
        long wanted = there + CONNECTIONS_EACH;
        for (; there < wanted && there < connections; there++)
            CHECK (receive_number (pull) == SYNC);
    }
    double elapsed = now_s () - start, cpu;
    say (many.line, "", 1);
    hear (many.line, &cpu, sizeof cpu);
    result ("setup_rate", (double) connections / elapsed);
    result ("setup_cpu_us",
            (cpu + cpu_s () - cpu_before) / (double) connections * 1e6);

    result ("all_rate", all_rate (&many, pull));
    double beside = busy_rate (&busy, pull);
    result ("busy_rate", beside);
    result ("busy_share", 100 * beside / alone);
    say (many.line, "", 1);
    say (busy.line, "e", 1);
    join_peer (&many);
    join_peer (&busy);
    close_all (context, pull);
    return EXIT_SUCCESS;
}
