/* forwarder: stands between publishers and subscribers, so that neither need
 * know the other. Messages go one way, subscriptions the other; a capture
 * socket sees both.
 *
 * usage: forwarder [endpoint for publishers] [endpoint for subscribers] */
#include "capture.h"

int main (int argc, char **argv)
{
    const char *front = text_arg (argc, argv, 1, "tcp://*:5561");
    const char *back = text_arg (argc, argv, 2, "tcp://*:5562");

    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *publishers = open_socket (context, ZMQ_XSUB);
    set_int (publishers, ZMQ_RCVHWM, 0); /* no limit: nothing is dropped, */
    CHECK (zmq_bind (publishers, front) == 0);
    void *subscribers = open_socket (context, ZMQ_XPUB);
    set_int (subscribers, ZMQ_SNDHWM, 0); /* however far they fall behind */
    CHECK (zmq_bind (subscribers, back) == 0);
    struct capture capture;
    start_capture (&capture, context);
    catch_interrupts ();
    printf ("ready on %s and %s\n", front, back);
    fflush (stdout);

    /* Runs until a signal interrupts it. */
    CHECK (zmq_proxy (publishers, subscribers, capture.socket) == -1);
    CHECK (errno == EINTR);

    finish_capture (&capture);
    CHECK (zmq_close (publishers) == 0);
    CHECK (zmq_close (subscribers) == 0);
    end_context (context);
    return EXIT_SUCCESS;
}
