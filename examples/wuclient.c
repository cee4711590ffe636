/* wuclient: collects updates of one zip code and tells their average. All
 * filtering is left to the subscription: an update of another place would be
 * an error.
 *
 * usage: wuclient [endpoint] [zip code] [updates] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://localhost:5556");
    const char *zip_code = text_arg (argc, argv, 2, "10001");
    long wanted = number_arg (argc, argv, 3, 100);

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *subscriber = open_socket (context, ZMQ_SUB);
    CHECK (zmq_setsockopt (subscriber, ZMQ_SUBSCRIBE, zip_code,
                           strlen (zip_code))
           == 0);
    CHECK (zmq_connect (subscriber, endpoint) == 0);
    printf ("collecting weather of %s from %s\n", zip_code, endpoint);
    fflush (stdout);

    long temperatures = 0;
    for (long collected = 0; collected < wanted; collected++) {
        char update[64], place[8];
        int temperature, humidity;
        CHECK (receive_text (subscriber, update, sizeof update));
        if (sscanf (update, "%7s %d %d", place, &temperature, &humidity) != 3
            || strcmp (place, zip_code) != 0) {
            fprintf (stderr, "not an update of %s: %s\n", zip_code, update);
            return EXIT_FAILURE;
        }
        temperatures += temperature;
    }
    printf ("%ld updates of %s, average temperature %.1f\n", wanted, zip_code,
            wanted ? (double) temperatures / (double) wanted : 0.0);

    CHECK (zmq_close (subscriber) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
