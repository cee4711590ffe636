/* wuserver: publishes made-up weather of made-up places as fast as it can, on
 * several endpoints at once, until it is told to stop. An update reads
 * "ZZZZZ TTT HH": zip code, temperature and humidity.
 *
 * usage: wuserver [endpoint]... */
#include "support.h"

enum { ZIP_CODES = 100000, UPDATES_PER_REPORT = 1000000 };

/* Marsaglia's xorshift: random enough for weather, and cheap. */
static uint32_t random_below (uint32_t limit)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (uint32_t) ((uint64_t) state * limit >> 32);
}

static void put_digits (char *place, int digits, uint32_t value)
{
    while (digits-- > 0) {
        place[digits] = (char) ('0' + value % 10);
        value /= 10;
    }
}

int main (int argc, char **argv)
{
    const char *usual[] = {"tcp://*:5556", "ipc://weather.ipc"};
    const char **endpoints = argc > 1 ? (const char **) argv + 1 : usual;
    int count = argc > 1 ? argc - 1 : 2;
    catch_interrupts ();

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *publisher = open_socket (context, ZMQ_PUB);
    set_int (publisher, ZMQ_LINGER, 0); /* weather of the past helps nobody */
    for (int i = 0; i < count; i++) {
        CHECK (zmq_bind (publisher, endpoints[i]) == 0);
        printf ("publishing on %s\n", endpoints[i]);
    }
    fflush (stdout);

    double start = seconds_now ();
    long published = 0;
    while (!interrupted) {
        char update[] = "ZZZZZ TTT HH";
        put_digits (update, 5, random_below (ZIP_CODES));
        put_digits (update + 6, 3, random_below (120));
        put_digits (update + 10, 2, 10 + random_below (50));
        if (zmq_send (publisher, update, sizeof update - 1, 0) == -1) {
            CHECK (errno == EINTR);
            break;
        }
        if (++published % UPDATES_PER_REPORT == 0) {
            printf ("%ld updates so far\n", published);
            fflush (stdout);
        }
    }
    printf ("%ld updates published in %.3f seconds\n", published,
            seconds_now () - start);

    CHECK (zmq_close (publisher) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
