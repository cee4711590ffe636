/* The weather of the guide, from end to end: a server publishes updates of
 * 100 000 places as text, and five subscribers in processes of their own want
 * one place each. Each checks that it got all of its updates, in their order.
 *
 * usage: weather TRANSPORT UPDATES
 * prints: rate (updates/s), cpu_ns (per update, all processes) */
#include "bench.h"

enum { SUBSCRIBERS = 5, PLACES = 100000, TEXT_SIZE = 64 };

static const char *transport;
static long updates;
static long place_wanted; /* this subscriber's */

/* The weather: the same for everybody who asks. */
static uint32_t next_random (uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static long place_of (int subscriber)
{
    return 10001 + 17777 * subscriber;
}

static void publish (void *pub, long place, int temperature, int humidity,
                     long number)
{
    char text[TEXT_SIZE];
    int size = snprintf (text, sizeof text, "%05ld %d %d %ld", place, temperature,
                         humidity, number);
    CHECK (zmq_send (pub, text, (size_t) size, 0) == size);
}

static void publish_all (void *pub)
{
    uint32_t state = 1;
    for (long number = 0; number < updates; number++) {
        uint32_t random = next_random (&state);
        publish (pub, random % PLACES, (int) (random % 215) - 80,
                 (int) (random % 50) + 10, number);
    }
    for (int i = 0; i < SUBSCRIBERS; i++)
        publish (pub, place_of (i), 0, 0, updates); /* the end */
}

/* The number of the next update after `number` that has the wanted place. */
static long next_wanted (uint32_t *state, long number)
{
    while (++number < updates
           && (long) (next_random (state) % PLACES) != place_wanted)
        ;
    return number < updates ? number : updates;
}

static long receive_number (void *sub)
{
    char text[TEXT_SIZE];
    long place, number;
    int temperature, humidity;
    int size = zmq_recv (sub, text, sizeof text - 1, 0);
    CHECK (size > 0 && size < TEXT_SIZE);
    text[size] = '\0';
    CHECK (sscanf (text, "%ld %d %d %ld", &place, &temperature, &humidity, &number)
           == 4);
    CHECK (place == place_wanted);
    return number;
}

static void subscribe (struct line line)
{
    char endpoint[ENDPOINT_SIZE], filter[TEXT_SIZE];
    hear_endpoint (line, endpoint);
    void *context = open_context ();
    void *sub = open_socket (context, ZMQ_SUB, 1000);
    snprintf (filter, sizeof filter, "%05ld ", place_wanted);
    CHECK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, filter, strlen (filter)) == 0);
    CHECK (zmq_connect (sub, endpoint) == 0);
    long number = receive_number (sub);
    CHECK (number == -1);
    say (line, "", 1);
    do
        number = receive_number (sub);
    while (number == -1);
    uint32_t state = 1;
    long expected = -1;
    do {
        expected = next_wanted (&state, expected);
        CHECK (number == expected);
        if (number < updates)
            number = receive_number (sub);
    } while (expected < updates);
    say_all_received (line);
    close_all (context, sub);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    updates = number_arg (argc, argv, 2, 1);
    alarm (WATCHDOG_SECONDS);

    double cpu_before = cpu_s ();
    struct peer subscribers[SUBSCRIBERS];
    for (int i = 0; i < SUBSCRIBERS; i++) {
        place_wanted = place_of (i);
        start_process (&subscribers[i], subscribe);
    }
    void *context = open_context ();
    void *pub = open_socket (context, ZMQ_PUB, 1000);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (pub, transport, endpoint);
    for (int i = 0; i < SUBSCRIBERS; i++)
        say_endpoint (subscribers[i].line, endpoint);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        zmq_pollitem_t ready = {NULL, subscribers[i].line.in, ZMQ_POLLIN, 0};
        do
            publish (pub, place_of (i), 0, 0, -1);
        while (zmq_poll (&ready, 1, 5) == 0);
        char word;
        hear (subscribers[i].line, &word, 1);
    }

    double start = now_s ();
    publish_all (pub);
    for (int i = 0; i < SUBSCRIBERS; i++)
        await_all_received (subscribers[i].line);
    double elapsed = now_s () - start;
    for (int i = 0; i < SUBSCRIBERS; i++)
        join_peer (&subscribers[i]);
    close_all (context, pub);
    result ("rate", (double) updates / elapsed);
    result ("cpu_ns", (cpu_s () - cpu_before) / (double) updates * 1e9);
    return EXIT_SUCCESS;
}
