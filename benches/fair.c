/* Fairness: how long a request takes while another client of the same ROUTER
 * does its best to keep it busy. Many DEALERs ask in turn, one question at a
 * time; then the busy one joins, with requests in stock all the time.
 *
 * usage: fair TRANSPORT CLIENTS ROUND-TRIPS
 * prints: p99_alone_us, p99_beside_us (round trips), times (one to the other),
 * busy_rate (round trips/s of the busy one) */
#include "bench.h"
#include "quantiles.h"

enum { UNDER_WAY = 64 };

static const char *transport;
static long clients, round_trips;

static void round_trip (void *dealer, long number)
{
    long answer;
    CHECK (zmq_send (dealer, &number, sizeof number, 0) == sizeof number);
    CHECK (zmq_recv (dealer, &answer, sizeof answer, 0) == sizeof answer);
    CHECK (answer == number);
}

/* The p99 of round trips of all clients in turn. */
static double measure (void **dealers, double *times)
{
    for (long i = 0; i < round_trips; i++) {
        double start = now_s ();
        round_trip (dealers[i % clients], i);
        times[i] = now_s () - start;
    }
    qsort (times, (size_t) round_trips, sizeof *times, by_value);
    return quantile_us (times, (size_t) round_trips, 0.99);
}

static void run_clients (struct line line)
{
    char endpoint[ENDPOINT_SIZE], word;
    hear_endpoint (line, endpoint);
    raise_fd_limit ();
    void *context = open_context ();
    CHECK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, (int) clients + 10) == 0);
    void **dealers = calloc ((size_t) clients, sizeof *dealers);
    double *times = calloc ((size_t) round_trips, sizeof *times);
    CHECK (dealers != NULL && times != NULL);
    for (long i = 0; i < clients; i++) {
        dealers[i] = open_socket (context, ZMQ_DEALER, 1000);
        CHECK (zmq_connect (dealers[i], endpoint) == 0);
        round_trip (dealers[i], i);
    }
    double alone = measure (dealers, times);
    say (line, &alone, sizeof alone);
    hear (line, &word, 1);
    double beside = measure (dealers, times);
    say (line, &beside, sizeof beside);
    hear (line, &word, 1);
    for (long i = 0; i < clients; i++)
        CHECK (zmq_close (dealers[i]) == 0);
    CHECK (zmq_ctx_term (context) == 0);
    free (dealers);
    free (times);
}

static bool heard (struct line line)
{
    zmq_pollitem_t item = {NULL, line.in, ZMQ_POLLIN, 0};
    return zmq_poll (&item, 1, 0) == 1;
}

/* Keeps questions under way from the first word to the second. */
static void run_busy (struct line line)
{
    char endpoint[ENDPOINT_SIZE], word;
    hear_endpoint (line, endpoint);
    void *context = open_context ();
    void *dealer = open_socket (context, ZMQ_DEALER, 1000);
    CHECK (zmq_connect (dealer, endpoint) == 0);
    round_trip (dealer, 0);
    hear (line, &word, 1);
    double start = now_s ();
    long asked = 0, answered = 0;
    for (bool stop = false; !stop || answered < asked;) {
        while (!stop && asked < answered + UNDER_WAY) {
            CHECK (zmq_send (dealer, &asked, sizeof asked, 0) == sizeof asked);
            if (++asked == 2 * UNDER_WAY) /* in full swing */
                say (line, "", 1);
        }
        long answer;
        CHECK (zmq_recv (dealer, &answer, sizeof answer, 0) == sizeof answer);
        CHECK (answer == answered);
        answered++;
        stop = stop || (answered % 256 == 0 && heard (line));
    }
    double rate = (double) answered / (now_s () - start);
    say (line, &rate, sizeof rate);
    close_all (context, dealer);
}

/* The server, in a thread of this process: echoes until its context ends. */
static void *serve (void *router)
{
    zmq_msg_t id, body;
    CHECK (zmq_msg_init (&id) == 0 && zmq_msg_init (&body) == 0);
    while (zmq_msg_recv (&id, router, 0) != -1) {
        CHECK (zmq_msg_recv (&body, router, 0) == sizeof (long));
        CHECK (zmq_msg_send (&id, router, ZMQ_SNDMORE) > 0);
        CHECK (zmq_msg_send (&body, router, 0) == sizeof (long));
    }
    CHECK (zmq_errno () == ETERM);
    CHECK (zmq_close (router) == 0);
    return NULL;
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    clients = number_arg (argc, argv, 2, 2) - 1;
    round_trips = number_arg (argc, argv, 3, 100);
    alarm (WATCHDOG_SECONDS);

    struct peer others, busy;
    start_process (&others, run_clients);
    start_process (&busy, run_busy);
    raise_fd_limit ();
    void *context = open_context ();
    void *router = open_socket (context, ZMQ_ROUTER, 1000);
    set_int (router, ZMQ_BACKLOG, 4096);
    char endpoint[ENDPOINT_SIZE], word;
    bind_somewhere (router, transport, endpoint);
    say_endpoint (others.line, endpoint);
    say_endpoint (busy.line, endpoint);
    pthread_t server;
    CHECK (pthread_create (&server, NULL, serve, router) == 0);

    double alone, beside, rate;
    hear (others.line, &alone, sizeof alone);
    say (busy.line, "", 1);
    hear (busy.line, &word, 1);
    say (others.line, "", 1);
    hear (others.line, &beside, sizeof beside);
    say (busy.line, "", 1);
    hear (busy.line, &rate, sizeof rate);
    say (others.line, "", 1);
    join_peer (&busy);
    join_peer (&others);
    CHECK (zmq_ctx_term (context) == 0);
    CHECK (pthread_join (server, NULL) == 0);
    result ("p99_alone_us", alone);
    result ("p99_beside_us", beside);
    result ("times", beside / alone);
    result ("busy_rate", rate);
    return EXIT_SUCCESS;
}
