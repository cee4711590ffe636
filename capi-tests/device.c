/* zmq_device: zmq_proxy by its old name, with a type that says nothing. */
#include "fixtures.h"

static int type;

static void *body_device (struct call *c)
{
    c->rc = zmq_device (type, c->a, c->b);
    c->err = errno;
    return NULL;
}

static const int types[] = {ZMQ_STREAMER, ZMQ_FORWARDER, ZMQ_QUEUE, 0, -1, 77};

TEST (a_queue)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        endpoint_t front_at, back_at;
        struct call device;
        begin ();
        void *front = new_socket (ctx, ZMQ_ROUTER),
             *back = new_socket (ctx, ZMQ_DEALER),
             *req = new_socket (ctx, ZMQ_REQ), *rep = new_socket (ctx, ZMQ_REP);
        bind_to (front, i % 2 ? "tcp" : "inproc://front", front_at);
        bind_to (back, i % 2 ? "tcp" : "inproc://back", back_at);
        CHECK_OK (zmq_connect (req, front_at));
        CHECK_OK (zmq_connect (rep, back_at));
        type = types[i];
        call_start (&device, body_device, front, back);
        for (int n = 0; n < 3; n++) {
            CHECK_SEND (req, "question", ZMQ_SNDMORE);
            CHECK_SEND (req, "details", 0);
            CHECK_RECV (rep, "question");
            CHECK_RECV (rep, "details");
            CHECK_SEND (rep, "answer", 0);
            CHECK_RECV (req, "answer");
        }
        CHECK_OK (zmq_ctx_shutdown (ctx));
        call_join (&device);
        CHECK_INT (device.rc, -1);
        CHECK_INT (device.err, ETERM);
        CHECK_OK (zmq_close (req));
        CHECK_OK (zmq_close (rep));
        end (front, back);
    }
}

TEST (a_streamer)
{
    struct call device;
    begin ();
    void *front = new_socket (ctx, ZMQ_PULL), *back = new_socket (ctx, ZMQ_PUSH),
         *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_bind (front, "inproc://front"));
    CHECK_OK (zmq_bind (back, "inproc://back"));
    CHECK_OK (zmq_connect (push, "inproc://front"));
    CHECK_OK (zmq_connect (pull, "inproc://back"));
    type = ZMQ_STREAMER;
    call_start (&device, body_device, front, back);
    int wrong = 0, got;
    for (int i = 0; i < 500; i++)
        wrong += zmq_send (push, &i, sizeof i, 0) != sizeof i;
    for (int i = 0; i < 500; i++)
        wrong += zmq_recv (pull, &got, sizeof got, 0) != sizeof got || got != i;
    CHECK_INT (wrong, 0);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    call_join (&device);
    CHECK_INT (device.err, ETERM);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    end (front, back);
}

TEST (a_signal_ends_it)
{
    struct pest pest;
    begin ();
    void *front = new_socket (ctx, ZMQ_PULL), *back = new_socket (ctx, ZMQ_PUSH);
    catch_signal (SIGUSR1, SA_RESTART);
    pest_start (&pest);
    CHECK_ERR (zmq_device (ZMQ_QUEUE, front, back), EINTR);
    pest_stop (&pest);
    end (front, back);
}

TEST (sockets_that_are_none)
{
    static uint64_t memory[1024];
    begin ();
    void *s = new_socket (ctx, ZMQ_ROUTER), *gone = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (zmq_close (gone));
    if (!on_oracle ()) { /* it crashes, or works with freed memory */
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
            CHECK_ERR (zmq_device (types[i], NULL, NULL), EFAULT);
            CHECK_ERR (zmq_device (types[i], s, NULL), EFAULT);
            CHECK_ERR (zmq_device (types[i], NULL, s), EFAULT);
        }
        CHECK_ERR (zmq_device (ZMQ_QUEUE, s, gone), ENOTSOCK);
        CHECK_ERR (zmq_device (ZMQ_QUEUE, gone, s), ENOTSOCK);
        CHECK_ERR (zmq_device (ZMQ_QUEUE, s, memory), ENOTSOCK);
        CHECK_ERR (zmq_device (ZMQ_QUEUE, (void *) 8, s), ENOTSOCK);
    }
    CHECK_ERR (zmq_device (ZMQ_QUEUE, memory, s), ENOTSOCK);
    end (s, NULL);
}

TEST (at_once_in_a_terminated_context)
{
    begin ();
    void *front = new_socket (ctx, ZMQ_PULL), *back = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        CHECK_ERR (zmq_device (types[i], front, back), ETERM);
    end (front, back);
}

MAIN
