/* What single messages cost that come now and then: a PUSH sends one every ten
 * milliseconds to a PULL that sleeps in zmq_recv, or in zmq_poll.
 *
 * usage: trickle TRANSPORT MESSAGES recv|poll
 * prints: cpu_us, switches (per message, all threads of both ends) */
#include "bench.h"

enum { PAUSE_US = 10000 };

static const char *transport;
static long messages;

static long switches (void)
{
    struct rusage used;
    CHECK (getrusage (RUSAGE_SELF, &used) == 0);
    return used.ru_nvcsw + used.ru_nivcsw;
}

struct cost
{
    double cpu;
    long switches;
};

static struct cost cost_so_far (void)
{
    return (struct cost) {cpu_s (), switches ()};
}

static struct cost cost_since (struct cost before)
{
    struct cost now = cost_so_far ();
    return (struct cost) {now.cpu - before.cpu, now.switches - before.switches};
}

static void send_now_and_then (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    void *context = open_context ();
    void *push = open_socket (context, ZMQ_PUSH, 1000);
    CHECK (zmq_connect (push, endpoint) == 0);
    struct cost before = cost_so_far ();
    for (long i = -1; i < messages; i++) {
        if (i == 0)
            before = cost_so_far ();
        CHECK (zmq_send (push, &i, sizeof i, 0) == sizeof i);
        usleep (PAUSE_US);
    }
    struct cost all = cost_since (before);
    say (line, &all, sizeof all);
    await_all_received (line);
    close_all (context, push);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    messages = number_arg (argc, argv, 2, 1);
    bool poll = same (text_arg (argc, argv, 3), "poll");
    alarm (WATCHDOG_SECONDS);

    struct peer sender;
    start_process (&sender, send_now_and_then);
    void *context = open_context ();
    void *pull = open_socket (context, ZMQ_PULL, 1000);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (pull, transport, endpoint);
    say_endpoint (sender.line, endpoint);

    struct cost before = cost_so_far ();
    for (long expected = -1; expected < messages; expected++) {
        zmq_pollitem_t item = {pull, 0, ZMQ_POLLIN, 0};
        if (poll)
            CHECK (zmq_poll (&item, 1, -1) == 1);
        long number;
        CHECK (zmq_recv (pull, &number, sizeof number, 0) == sizeof number);
        CHECK (number == expected);
        if (number == -1)
            before = cost_so_far ();
    }
    struct cost all = cost_since (before), far;
    hear (sender.line, &far, sizeof far);
    say_all_received (sender.line);
    join_peer (&sender);
    close_all (context, pull);
    result ("cpu_us", (all.cpu + far.cpu) / (double) messages * 1e6);
    result ("switches",
            (double) (all.switches + far.switches) / (double) messages);
    return EXIT_SUCCESS;
}
