/* Request and reply: many DEALER clients in one process, one ROUTER that
 * returns what it gets. Each client keeps a few requests under way.
 *
 * usage: reqrep TRANSPORT CLIENTS COUNT SIZE
 * prints: rate (round trips/s), cpu_ns (per round trip, both ends) */
#include "bench.h"

enum { UNDER_WAY = 64 };

static const char *transport;
static long clients;
static uint64_t count, window;
static size_t size;

static void ask (void *dealer, char *buffer, uint64_t number)
{
    memcpy (buffer, &number, sizeof number);
    CHECK (zmq_send (dealer, buffer, size, 0) == (int) size);
}

static void expect (void *dealer, char *buffer, uint64_t number)
{
    CHECK (zmq_recv (dealer, buffer, size, 0) == (int) size);
    CHECK (memcmp (buffer, &number, sizeof number) == 0);
}

static void run_clients (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    raise_fd_limit ();
    void *context = open_context ();
    CHECK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, (int) clients + 10) == 0);
    void **dealers = calloc ((size_t) clients, sizeof *dealers);
    char *buffer = calloc (1, size);
    CHECK (dealers != NULL && buffer != NULL);
    for (long i = 0; i < clients; i++) {
        dealers[i] = open_socket (context, ZMQ_DEALER, 1000);
        CHECK (zmq_connect (dealers[i], endpoint) == 0);
        ask (dealers[i], buffer, SYNC);
    }
    for (long i = 0; i < clients; i++)
        expect (dealers[i], buffer, SYNC);

    double start = now_s (), cpu_before = cpu_s ();
    uint64_t per_client = count / (uint64_t) clients;
    for (uint64_t number = 0; number < per_client + window; number++) {
        for (long i = 0; i < clients; i++) {
            if (number >= window)
                expect (dealers[i], buffer, number - window);
            if (number < per_client)
                ask (dealers[i], buffer, number);
        }
    }
    struct account account = {now_s () - start, cpu_s () - cpu_before};
    say (line, &account, sizeof account);

    for (long i = 0; i < clients; i++)
        CHECK (zmq_close (dealers[i]) == 0);
    CHECK (zmq_ctx_term (context) == 0);
    free (dealers);
    free (buffer);
}

static void serve (void *router, uint64_t requests)
{
    zmq_msg_t id, body;
    CHECK (zmq_msg_init (&id) == 0);
    CHECK (zmq_msg_init (&body) == 0);
    for (uint64_t i = 0; i < requests; i++) {
        CHECK (zmq_msg_recv (&id, router, 0) > 0);
        CHECK (zmq_msg_recv (&body, router, 0) == (int) size);
        CHECK (zmq_msg_send (&id, router, ZMQ_SNDMORE) > 0);
        CHECK (zmq_msg_send (&body, router, 0) == (int) size);
    }
    CHECK (zmq_msg_close (&id) == 0);
    CHECK (zmq_msg_close (&body) == 0);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    clients = number_arg (argc, argv, 2, 1);
    count = (uint64_t) number_arg (argc, argv, 3, clients);
    size = (size_t) number_arg (argc, argv, 4, sizeof (uint64_t));
    count -= count % (uint64_t) clients; /* the same share for each */
    window = clients < UNDER_WAY ? (uint64_t) (UNDER_WAY / clients) : 1;
    alarm (WATCHDOG_SECONDS);

    struct peer others;
    start_process (&others, run_clients);
    raise_fd_limit ();
    void *context = open_context ();
    void *router = open_socket (context, ZMQ_ROUTER, 1000);
    set_int (router, ZMQ_BACKLOG, 4096);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (router, transport, endpoint);
    say_endpoint (others.line, endpoint);

    serve (router, (uint64_t) clients); /* everybody is connected */
    double cpu_before = cpu_s ();
    serve (router, count);

    struct account account;
    hear (others.line, &account, sizeof account);
    account.cpu += cpu_s () - cpu_before;
    join_peer (&others);
    close_all (context, router);
    result ("rate", (double) count / account.elapsed);
    result ("cpu_ns", account.cpu / (double) count * 1e9);
    return EXIT_SUCCESS;
}
