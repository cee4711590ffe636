/* story: messages go from a PUSH to a PULL, for benches/guard/story.py to count.
 *
 * usage: story TRANSPORT SIZE BURST BURSTS
 *
 * BURST messages are sent, then they are received, BURSTS times. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#define CHECK(what) \
    do { \
        if (!(what)) { \
            fprintf (stderr, "story: %s: %s\n", #what, zmq_strerror (zmq_errno ())); \
            exit (EXIT_FAILURE); \
        } \
    } while (0)

int main (int argc, char **argv)
{
    CHECK (argc == 5);
    size_t size = (size_t) atol (argv[2]);
    int burst = atoi (argv[3]), bursts = atoi (argv[4]);
    char endpoint[256];
    size_t length = sizeof endpoint;
    char *body = calloc (1, size + 1);

    void *context = zmq_ctx_new ();
    void *push = zmq_socket (context, ZMQ_PUSH), *pull = zmq_socket (context, ZMQ_PULL);
    CHECK (zmq_bind (pull, strcmp (argv[1], "tcp") ? "inproc://story" : "tcp://127.0.0.1:*") == 0);
    CHECK (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0);
    CHECK (zmq_connect (push, endpoint) == 0);
    for (int n = 0; n < bursts; n++) {
        for (int i = 0; i < burst; i++)
            CHECK (zmq_send (push, body, size, 0) == (int) size);
        for (int i = 0; i < burst; i++)
            CHECK (zmq_recv (pull, body, size, 0) == (int) size);
    }
    zmq_close (push);
    zmq_close (pull);
    free (body);
    return zmq_ctx_term (context);
}
