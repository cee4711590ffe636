/* Publish and subscribe: one PUB in one process, many SUBs in another. With
 * "filter" each SUB has topics of its own and a message goes to exactly one;
 * with "all" every message goes to all of them. Nothing may be dropped.
 *
 * usage: pubsub TRANSPORT SUBSCRIBERS COUNT SIZE filter|all TOPICS-EACH
 * prints: rate (messages delivered/s), cpu_ns (per delivery, both ends) */
#include "bench.h"

enum { TOPIC_SIZE = 10, LEAST_SIZE = TOPIC_SIZE + sizeof (uint64_t) };

static const char *transport;
static long subscribers, topics_each;
static size_t size;
static uint64_t count;
static bool filter;

/* The topic of a message: all in turn, far jumps between neighbours. */
static uint64_t topic_of (uint64_t number)
{
    uint64_t topics = (uint64_t) (subscribers * topics_each);
    /* A prime of 40 bits shares no factor with a sensible number of topics. */
    return number % topics * UINT64_C (1099511627689) % topics;
}

static void name_topic (char *place, uint64_t topic)
{
    place[0] = 'T';
    for (int i = TOPIC_SIZE - 1; i > 0; i--) {
        place[i] = (char) ('0' + topic % 10);
        topic /= 10;
    }
}

static void publish (void *pub, char *message, uint64_t topic, uint64_t number)
{
    name_topic (message, topic);
    memcpy (message + TOPIC_SIZE, &number, sizeof number);
    CHECK (zmq_send (pub, message, size, 0) == (int) size);
}

static uint64_t receive (void *sub, char *buffer)
{
    uint64_t number;
    CHECK (zmq_recv (sub, buffer, size, 0) == (int) size);
    memcpy (&number, buffer + TOPIC_SIZE, sizeof number);
    return number;
}

static uint64_t receive_past_sync (void *sub, char *buffer)
{
    uint64_t number;
    do
        number = receive (sub, buffer);
    while (number == SYNC);
    return number;
}

/* The last topic subscribed to: once it is in force, all of them are. */
static uint64_t last_topic (long subscriber)
{
    return (uint64_t) ((subscriber + 1) * topics_each - 1);
}

static void subscribe_all (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    raise_fd_limit ();
    void *context = open_context ();
    CHECK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, (int) subscribers + 10) == 0);
    void **subs = calloc ((size_t) subscribers, sizeof *subs);
    char *buffer = malloc (size);
    CHECK (subs != NULL && buffer != NULL);
    for (long i = 0; i < subscribers; i++) {
        subs[i] = open_socket (context, ZMQ_SUB, 0);
        char topic[TOPIC_SIZE];
        for (long j = 0; filter && j < topics_each; j++) {
            name_topic (topic, (uint64_t) (i * topics_each + j));
            CHECK (zmq_setsockopt (subs[i], ZMQ_SUBSCRIBE, topic, sizeof topic)
                   == 0);
        }
        if (!filter)
            CHECK (zmq_setsockopt (subs[i], ZMQ_SUBSCRIBE, "", 0) == 0);
        CHECK (zmq_connect (subs[i], endpoint) == 0);
    }
    for (long i = 0; i < subscribers; i++)
        CHECK (receive (subs[i], buffer) == SYNC);
    say (line, "", 1);

    double start = 0, cpu_before = cpu_s ();
    for (uint64_t number = 0; number < count; number++) {
        long first = filter ? (long) topic_of (number) / topics_each : 0;
        long last = filter ? first : subscribers - 1;
        for (long i = first; i <= last; i++)
            CHECK (receive_past_sync (subs[i], buffer) == number);
        if (number == 0)
            start = now_s ();
    }
    struct account account = {now_s () - start, cpu_s () - cpu_before};
    say (line, &account, sizeof account);

    for (long i = 0; i < subscribers; i++)
        CHECK (zmq_close (subs[i]) == 0);
    CHECK (zmq_ctx_term (context) == 0);
    free (subs);
    free (buffer);
}

/* Tells whether the peer has spoken, after a pause that leaves it time to read
 * what it was sent. */
static bool heard (struct line line)
{
    zmq_pollitem_t item = {NULL, line.in, ZMQ_POLLIN, 0};
    return zmq_poll (&item, 1, 5 + subscribers / 10) == 1;
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    subscribers = number_arg (argc, argv, 2, 1);
    count = (uint64_t) number_arg (argc, argv, 3, 2);
    size = (size_t) number_arg (argc, argv, 4, LEAST_SIZE);
    filter = same (text_arg (argc, argv, 5), "filter");
    topics_each = number_arg (argc, argv, 6, 1);
    alarm (WATCHDOG_SECONDS);

    struct peer readers;
    start_process (&readers, subscribe_all);
    raise_fd_limit ();
    void *context = open_context ();
    void *pub = open_socket (context, ZMQ_PUB, 0);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (pub, transport, endpoint);
    say_endpoint (readers.line, endpoint);
    char *message = calloc (1, size);
    CHECK (message != NULL);

    do {
        for (long i = 0; i < (filter ? subscribers : 1); i++)
            publish (pub, message, last_topic (i), SYNC);
    } while (!heard (readers.line));
    char ready;
    hear (readers.line, &ready, 1);

    double cpu_before = cpu_s ();
    for (uint64_t number = 0; number < count; number++)
        publish (pub, message, topic_of (number), number);

    struct account account;
    hear (readers.line, &account, sizeof account);
    account.cpu += cpu_s () - cpu_before;
    join_peer (&readers);
    free (message);
    close_all (context, pub);
    double deliveries = (double) count * (double) (filter ? 1 : subscribers);
    result ("rate", deliveries / account.elapsed);
    result ("cpu_ns", account.cpu / deliveries * 1e9);
    return EXIT_SUCCESS;
}
