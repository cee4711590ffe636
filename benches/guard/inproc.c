/* The hot paths that a C program takes within one process, one function each,
 * whose instructions guard.py counts. Sender and receiver are one thread, so that
 * nothing waits, and nothing depends on time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

enum { ROUNDS = 2000, BATCH = 100, TOPICS = 100 };

#define GUARD __attribute__ ((noinline)) static void

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf (stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, \
                     zmq_strerror (zmq_errno ())); \
            exit (EXIT_FAILURE); \
        } \
    } while (0)

static char buffer[16];

static void send_small (void *socket)
{
    CHECK (zmq_send (socket, buffer, sizeof buffer, 0) == sizeof buffer);
}

static void receive_small (void *socket)
{
    CHECK (zmq_recv (socket, buffer, sizeof buffer, 0) == sizeof buffer);
}

/* One message at a time. */
GUARD guard_inproc_one_by_one (void *sender, void *receiver)
{
    for (int i = 0; i < ROUNDS; i++) {
        send_small (sender);
        receive_small (receiver);
    }
}

/* Many, then all of them are read. */
GUARD guard_inproc_batches (void *sender, void *receiver)
{
    for (int i = 0; i < ROUNDS / BATCH; i++) {
        for (int j = 0; j < BATCH; j++)
            send_small (sender);
        for (int j = 0; j < BATCH; j++)
            receive_small (receiver);
    }
}

/* A body that does not fit into the message itself, and is not copied. */
GUARD guard_inproc_bodies (void *sender, void *receiver)
{
    zmq_msg_t in, out;
    CHECK (zmq_msg_init (&in) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK (zmq_msg_init_size (&out, 1024) == 0);
        CHECK (zmq_msg_send (&out, sender, 0) == 1024);
        CHECK (zmq_msg_recv (&in, receiver, 0) == 1024);
    }
    CHECK (zmq_msg_close (&in) == 0);
}

/* Messages for the last of many topics, and others that nobody wants. */
GUARD guard_inproc_publish (void *pub, void *sub)
{
    for (int i = 0; i < ROUNDS; i++) {
        buffer[0] = i % 2 ? '\xff' : TOPICS - 1;
        send_small (pub);
        if (i % 2 == 0)
            receive_small (sub);
    }
}

/* Polls for what is there. */
GUARD guard_inproc_poll (void *sender, void *receiver)
{
    zmq_pollitem_t items[] = {{sender, 0, ZMQ_POLLOUT, 0},
                              {receiver, 0, ZMQ_POLLIN, 0}};
    for (int i = 0; i < ROUNDS; i++)
        CHECK (zmq_poll (items, 2, 0) == 1);
}

typedef void guard_fn (void *sender, void *receiver);

/* Runs a guard twice on a fresh pair of sockets. */
static void run (guard_fn *guard, int sending, int receiving)
{
    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    void *sender = zmq_socket (context, sending);
    void *receiver = zmq_socket (context, receiving);
    CHECK (sender != NULL && receiver != NULL);
    CHECK (zmq_bind (sender, "inproc://guard") == 0);
    CHECK (zmq_connect (receiver, "inproc://guard") == 0);
    if (receiving == ZMQ_SUB) {
        for (char topic = 0; topic < TOPICS; topic++)
            CHECK (zmq_setsockopt (receiver, ZMQ_SUBSCRIBE, &topic, 1) == 0);
    }
    guard (sender, receiver);
    guard (sender, receiver);
    CHECK (zmq_close (sender) == 0);
    CHECK (zmq_close (receiver) == 0);
    CHECK (zmq_ctx_term (context) == 0);
}

int main (void)
{
    run (guard_inproc_one_by_one, ZMQ_PUSH, ZMQ_PULL);
    run (guard_inproc_batches, ZMQ_PUSH, ZMQ_PULL);
    run (guard_inproc_bodies, ZMQ_PAIR, ZMQ_PAIR);
    run (guard_inproc_publish, ZMQ_PUB, ZMQ_SUB);
    run (guard_inproc_poll, ZMQ_DEALER, ZMQ_ROUTER);
    return EXIT_SUCCESS;
}
