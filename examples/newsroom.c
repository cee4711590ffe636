/* newsroom: publishes numbered stories on four topics through a forwarder.
 * It waits for a number of topics to have readers first; being an XPUB, it
 * sees their subscriptions arrive.
 *
 * usage: newsroom [endpoint] [stories per topic] [topics to wait for] */
#include "support.h"

int main (int argc, char **argv)
{
    const char *endpoint = text_arg (argc, argv, 1, "tcp://localhost:5561");
    long stories = number_arg (argc, argv, 2, 10000);
    long topics = number_arg (argc, argv, 3, 1);

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *press = open_socket (context, ZMQ_XPUB);
    set_int (press, ZMQ_SNDHWM, 0); /* no limit: every story is to arrive */
    CHECK (zmq_connect (press, endpoint) == 0);

    for (long seen = 0; seen < topics; seen++) {
        char subscription[64];
        CHECK (receive_text (press, subscription, sizeof subscription));
        if (subscription[0] != 1) {
            fprintf (stderr, "a reader left before the first story\n");
            return EXIT_FAILURE;
        }
        printf ("readers for topic %s\n", subscription + 1);
        fflush (stdout);
    }

    static const char *const names[] = {"arts", "city", "moon", "sport"};
    enum { TOPICS = sizeof names / sizeof names[0] };
    for (long number = 1; number <= stories; number++) {
        for (int i = 0; i < TOPICS; i++) {
            char story[32];
            snprintf (story, sizeof story, "story %ld", number);
            CHECK (send_text (press, names[i], ZMQ_SNDMORE) >= 0);
            CHECK (send_text (press, story, 0) >= 0);
        }
    }
    printf ("published %ld stories\n", stories * TOPICS);

    CHECK (zmq_close (press) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
