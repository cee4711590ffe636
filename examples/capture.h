/* A thread that counts what a proxy copies to its capture socket. */
#ifndef EXAMPLES_CAPTURE_H
#define EXAMPLES_CAPTURE_H

#include "support.h"

static const char capture_endpoint[] = "inproc://capture";
static const char capture_end[] = "end of capture";

struct capture
{
    void *socket; /* for the proxy; once it is done, for the closing word */
    void *reader;
    void *thread;
    long messages, frames;
    long long bytes;
};

static void count_captured (void *argument)
{
    struct capture *capture = argument;
    zmq_msg_t frame;
    CHECK (zmq_msg_init (&frame) == 0);
    for (;;) {
        CHECK (zmq_msg_recv (&frame, capture->reader, 0) >= 0);
        size_t size = zmq_msg_size (&frame);
        if (size == sizeof capture_end
            && memcmp (zmq_msg_data (&frame), capture_end, size) == 0)
            break;
        capture->frames++;
        capture->bytes += (long long) size;
        if (!zmq_msg_more (&frame))
            capture->messages++;
    }
    CHECK (zmq_msg_close (&frame) == 0);
    CHECK (zmq_close (capture->reader) == 0);
}

static void start_capture (struct capture *capture, void *context)
{
    memset (capture, 0, sizeof *capture);
    capture->reader = open_socket (context, ZMQ_PULL);
    CHECK (zmq_bind (capture->reader, capture_endpoint) == 0);
    capture->socket = open_socket (context, ZMQ_PUSH);
    CHECK (zmq_connect (capture->socket, capture_endpoint) == 0);
    hold_interrupts ();
    capture->thread = zmq_threadstart (count_captured, capture);
    CHECK (capture->thread != NULL);
    release_interrupts ();
}

/* Everything the proxy copied was counted when this returns. */
static void finish_capture (struct capture *capture)
{
    hold_interrupts (); /* the interrupt was heard, a second changes nothing */
    CHECK (zmq_send (capture->socket, capture_end, sizeof capture_end, 0) >= 0);
    zmq_threadclose (capture->thread);
    CHECK (zmq_close (capture->socket) == 0);
    printf ("captured %ld messages in %ld frames, %lld bytes\n",
            capture->messages, capture->frames, capture->bytes);
}

#endif
