/* A zmq_proxy in a process of its own between a source and a drain in two
 * others: PULL–PUSH, XSUB–XPUB, or ROUTER–DEALER with answers on the way back.
 *
 * usage: proxy push|pubsub|reqrep TRANSPORT COUNT SIZE
 * prints: rate (messages, or round trips, per second), cpu_ns (per message or
 * round trip, all three processes) */
#include "bench.h"

enum { UNDER_WAY = 64 };
enum kind { PUSH, PUBSUB, REQREP };

/* The sockets of the source, the proxy's front and back, and the drain. Water
 * marks are off for publishing, which would drop. */
static const struct
{
    const char *name;
    int source, front, back, drain, hwm;
} KINDS[] = {
  [PUSH] = {"push", ZMQ_PUSH, ZMQ_PULL, ZMQ_PUSH, ZMQ_PULL, 1000},
  [PUBSUB] = {"pubsub", ZMQ_PUB, ZMQ_XSUB, ZMQ_XPUB, ZMQ_SUB, 0},
  [REQREP] = {"reqrep", ZMQ_DEALER, ZMQ_ROUTER, ZMQ_DEALER, ZMQ_ROUTER, 1000},
};

static enum kind kind;
static const char *transport;
static uint64_t count;
static size_t size;

static void run_proxy (struct line line)
{
    void *context = open_context ();
    void *front = open_socket (context, KINDS[kind].front, KINDS[kind].hwm);
    void *back = open_socket (context, KINDS[kind].back, KINDS[kind].hwm);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (front, transport, endpoint);
    say_endpoint (line, endpoint);
    bind_somewhere (back, transport, endpoint);
    say_endpoint (line, endpoint);
    zmq_proxy (front, back, NULL); /* until killed */
}

static void send_number (void *socket, char *buffer, uint64_t number)
{
    memcpy (buffer, &number, sizeof number);
    CHECK (zmq_send (socket, buffer, size, 0) == (int) size);
}

static uint64_t receive_number (void *socket, char *buffer)
{
    uint64_t number;
    CHECK (zmq_recv (socket, buffer, size, 0) == (int) size);
    memcpy (&number, buffer, sizeof number);
    return number;
}

/* Sends until the other end has seen that the path is open. */
static void open_path (struct line line, void *source, char *buffer)
{
    zmq_pollitem_t opened = {NULL, line.in, ZMQ_POLLIN, 0};
    do
        send_number (source, buffer, SYNC);
    while (zmq_poll (&opened, 1, 5) == 0);
    char word;
    hear (line, &word, 1);
}

static void send_all (void *source, char *buffer)
{
    uint64_t window = kind == REQREP ? UNDER_WAY : count;
    for (uint64_t number = 0; number < count + window; number++) {
        if (kind == REQREP && number >= window) {
            uint64_t answer;
            do
                answer = receive_number (source, buffer);
            while (answer == SYNC);
            CHECK (answer == number - window);
        }
        if (number < count)
            send_number (source, buffer, number);
        else if (kind != REQREP)
            break;
    }
}

static void run_source (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    void *context = open_context ();
    void *source = open_socket (context, KINDS[kind].source, KINDS[kind].hwm);
    CHECK (zmq_connect (source, endpoint) == 0);
    char *buffer = calloc (1, size);
    CHECK (buffer != NULL);
    open_path (line, source, buffer);
    send_all (source, buffer);
    free (buffer);
    await_all_received (line);
    close_all (context, source);
}

/* Receives one message; as a ROUTER (behind the proxy's DEALER) it sends the
 * message back where it came from. */
static uint64_t take (void *drain, char *buffer)
{
    if (kind != REQREP)
        return receive_number (drain, buffer);
    /* Two addresses: the proxy's, and the client's as the proxy knows it. */
    char address[2][256];
    int length[2];
    for (int i = 0; i < 2; i++) {
        length[i] = zmq_recv (drain, address[i], sizeof address[i], 0);
        CHECK (length[i] >= 0 && length[i] <= 255);
    }
    uint64_t number = receive_number (drain, buffer);
    for (int i = 0; i < 2; i++)
        CHECK (zmq_send (drain, address[i], (size_t) length[i], ZMQ_SNDMORE)
               == length[i]);
    send_number (drain, buffer, number);
    return number;
}

int main (int argc, char **argv)
{
    const char *name = text_arg (argc, argv, 1);
    while (kind < REQREP && !same (name, KINDS[kind].name))
        kind++;
    transport = text_arg (argc, argv, 2);
    count = (uint64_t) number_arg (argc, argv, 3, 1);
    size = (size_t) number_arg (argc, argv, 4, sizeof (uint64_t));
    alarm (WATCHDOG_SECONDS);

    double cpu_before = cpu_s ();
    struct peer proxy, source;
    start_process (&proxy, run_proxy);
    start_process (&source, run_source);
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (proxy.line, endpoint);
    say_endpoint (source.line, endpoint);
    hear_endpoint (proxy.line, endpoint);

    void *context = open_context ();
    void *drain = open_socket (context, KINDS[kind].drain, KINDS[kind].hwm);
    if (kind == PUBSUB)
        CHECK (zmq_setsockopt (drain, ZMQ_SUBSCRIBE, "", 0) == 0);
    CHECK (zmq_connect (drain, endpoint) == 0);
    char *buffer = malloc (size);
    CHECK (buffer != NULL);

    CHECK (take (drain, buffer) == SYNC);
    say (source.line, "", 1);
    uint64_t number;
    do
        number = take (drain, buffer);
    while (number == SYNC);
    CHECK (number == 0);
    double start = now_s ();
    for (uint64_t expected = 1; expected < count; expected++)
        CHECK (take (drain, buffer) == expected);
    double elapsed = now_s () - start;

    say_all_received (source.line);
    join_peer (&source);
    kill_peer (&proxy);
    free (buffer);
    close_all (context, drain);
    result ("rate", (double) (count - 1) / elapsed);
    result ("cpu_ns", (cpu_s () - cpu_before) / (double) count * 1e9);
    return EXIT_SUCCESS;
}
