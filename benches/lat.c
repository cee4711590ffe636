/* Latency: one message goes back and forth; one way is half a round trip.
 *
 * usage: lat TRANSPORT SIZE ROUND-TRIPS reqrep|pair any|apart|onecore
 * "any" leaves the threads to the scheduler, "apart" gives each end of an
 * inproc pair a core of its own (else it sometimes puts both on one), and
 * "onecore" confines everything to one.
 * prints: p1_us to p99.9_us (one way), cpu_ns (per message, both ends) */
#include "bench.h"
#include "quantiles.h"

static const char *transport;
static size_t size;
static long round_trips, warm_up;
static bool pairs, apart;
static void *shared_context;

static void echo (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    if (apart)
        stay_on_core (1);
    hear_endpoint (line, endpoint);
    void *context = shared_context ? shared_context : open_context ();
    void *socket = open_socket (context, pairs ? ZMQ_PAIR : ZMQ_REP, 1000);
    CHECK (zmq_connect (socket, endpoint) == 0);

    zmq_msg_t message;
    CHECK (zmq_msg_init (&message) == 0);
    for (long i = 0; i < warm_up + round_trips; i++) {
        CHECK (zmq_msg_recv (&message, socket, 0) == (int) size);
        CHECK (zmq_msg_send (&message, socket, 0) == (int) size);
    }
    CHECK (zmq_msg_close (&message) == 0);
    CHECK (zmq_close (socket) == 0);
    if (!shared_context)
        CHECK (zmq_ctx_term (context) == 0);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    size = (size_t) number_arg (argc, argv, 2, sizeof (long));
    round_trips = number_arg (argc, argv, 3, 1);
    pairs = same (text_arg (argc, argv, 4), "pair");
    const char *place = text_arg (argc, argv, 5);
    apart = same (place, "apart");
    warm_up = round_trips / 20 + 1;
    alarm (WATCHDOG_SECONDS);
    if (same (place, "onecore"))
        stay_on_core (0);

    struct peer other;
    void *context;
    if (same (transport, "inproc")) {
        context = shared_context = open_context ();
        start_thread (&other, echo);
    } else {
        start_process (&other, echo);
        context = open_context ();
    }
    if (apart)
        stay_on_core (0);
    void *socket = open_socket (context, pairs ? ZMQ_PAIR : ZMQ_REQ, 1000);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (socket, transport, endpoint);
    say_endpoint (other.line, endpoint);

    double *times = calloc ((size_t) round_trips, sizeof *times);
    CHECK (times != NULL);
    zmq_msg_t message;
    CHECK (zmq_msg_init_size (&message, size) == 0);
    memset (zmq_msg_data (&message), 0, size);
    double cpu_before = 0;
    for (long i = -warm_up; i < round_trips; i++) {
        if (i == 0)
            cpu_before = cpu_s ();
        double start = now_s ();
        memcpy (zmq_msg_data (&message), &i, sizeof i);
        CHECK (zmq_msg_send (&message, socket, 0) == (int) size);
        CHECK (zmq_msg_recv (&message, socket, 0) == (int) size);
        if (i >= 0)
            times[i] = now_s () - start;
        CHECK (memcmp (zmq_msg_data (&message), &i, sizeof i) == 0);
    }
    CHECK (zmq_msg_close (&message) == 0);

    join_peer (&other);
    close_all (context, socket);
    report_one_way (times, (size_t) round_trips);
    result ("cpu_ns", (cpu_s () - cpu_before)
                        / (double) (2 * round_trips) * 1e9);
    free (times);
    return EXIT_SUCCESS;
}
