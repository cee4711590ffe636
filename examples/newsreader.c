/* newsreader: reads the stories of one topic through a forwarder, and checks
 * that all of them come, in order.
 *
 * usage: newsreader [endpoint] [topic] [stories] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://localhost:5562");
    const char *topic = text_arg (argc, argv, 2, "moon");
    long stories = number_arg (argc, argv, 3, 10000);

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *reader = open_socket (context, ZMQ_SUB);
    set_int (reader, ZMQ_RCVHWM, 0);
    CHECK (zmq_setsockopt (reader, ZMQ_SUBSCRIBE, topic, strlen (topic)) == 0);
    CHECK (zmq_connect (reader, endpoint) == 0);
    printf ("reading %s from %s\n", topic, endpoint);
    fflush (stdout);

    for (long number = 1; number <= stories; number++) {
        char name[32], story[32], expected[32];
        snprintf (expected, sizeof expected, "story %ld", number);
        CHECK (receive_text (reader, name, sizeof name));
        CHECK (more_follows (reader));
        CHECK (receive_text (reader, story, sizeof story));
        if (strcmp (name, topic) != 0 || strcmp (story, expected) != 0
            || more_follows (reader)) {
            fprintf (stderr, "expected %s/%s, got %s/%s\n", topic, expected,
                     name, story);
            return EXIT_FAILURE;
        }
    }
    printf ("read %ld stories of %s\n", stories, topic);

    CHECK (zmq_close (reader) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
