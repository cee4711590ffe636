/* zmq_sendmsg, zmq_recvmsg, zmq_sendiov and zmq_recviov: what programs of old
 * send and receive with. What the oracle dies of is asked of ours only. */
#include "fixtures.h"
#include <sys/uio.h>

static void *a, *b;

static void begin_pair (const char *where)
{
    begin ();
    connect_pair (ctx, where, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
}

static void fill (zmq_msg_t *msg, const char *text)
{
    CHECK_OK (zmq_msg_init_size (msg, strlen (text)));
    memcpy (zmq_msg_data (msg), text, strlen (text));
}

TEST (sendmsg_and_recvmsg_pass_frames)
{
    static const char *const places[] = {"inproc://old", "tcp", "ipc"};
    for (int i = 0; i < 3; i++) {
        begin_pair (places[i]);
        zmq_msg_t msg;
        fill (&msg, "hello");
        CHECK_INT (zmq_sendmsg (a, &msg, ZMQ_SNDMORE), 5);
        CHECK_INT (zmq_msg_size (&msg), 0);
        CHECK_OK (zmq_msg_close (&msg));
        fill (&msg, "you");
        CHECK_INT (zmq_sendmsg (a, &msg, 0), 3);
        CHECK_INT (zmq_recvmsg (b, &msg, 0), 5);
        CHECK_INT (zmq_msg_more (&msg), 1);
        CHECK (memcmp (zmq_msg_data (&msg), "hello", 5) == 0);
        CHECK_INT (zmq_recvmsg (b, &msg, 0), 3);
        CHECK_INT (zmq_msg_more (&msg), 0);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
        CHECK_OK (zmq_msg_close (&msg));
        end (a, b);
    }
}

TEST (sendmsg_passes_large_messages)
{
    begin_pair ("tcp");
    zmq_msg_t msg;
    CHECK_OK (zmq_msg_init_size (&msg, 3000000));
    memset (zmq_msg_data (&msg), 'l', 3000000);
    CHECK_INT (zmq_sendmsg (a, &msg, 0), 3000000);
    CHECK_INT (zmq_recvmsg (b, &msg, 0), 3000000);
    CHECK_INT (((char *) zmq_msg_data (&msg))[2999999], 'l');
    CHECK_OK (zmq_msg_close (&msg));
    end (a, b);
}

TEST (sendmsg_that_fails_keeps_the_message)
{
    begin ();
    void *rep = new_socket (ctx, ZMQ_REP), *push = new_socket (ctx, ZMQ_PUSH),
         *pull = new_socket (ctx, ZMQ_PULL);
    zmq_msg_t msg;
    fill (&msg, "kept");
    CHECK_ERR (zmq_sendmsg (rep, &msg, 0), EFSM);
    CHECK_INT (zmq_msg_size (&msg), 4);
    CHECK_ERR (zmq_sendmsg (push, &msg, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (zmq_msg_size (&msg), 4);
    CHECK_ERR (zmq_sendmsg (pull, &msg, 0), ENOTSUP);
    CHECK_ERR (zmq_sendmsg (NULL, &msg, 0), ENOTSOCK);
    CHECK_INT (zmq_msg_size (&msg), 4);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_OK (zmq_close (rep));
    end (push, pull);
}

TEST (recvmsg_fails_as_msg_recv_does)
{
    begin ();
    void *req = new_socket (ctx, ZMQ_REQ), *push = new_socket (ctx, ZMQ_PUSH),
         *pull = new_socket (ctx, ZMQ_PULL);
    zmq_msg_t msg;
    fill (&msg, "content");
    CHECK_ERR (zmq_recvmsg (req, &msg, 0), EFSM);
    CHECK_INT (zmq_msg_size (&msg), 7);
    CHECK_ERR (zmq_recvmsg (push, &msg, 0), ENOTSUP);
    CHECK_ERR (zmq_recvmsg (NULL, &msg, 0), ENOTSOCK);
    CHECK_INT (zmq_msg_size (&msg), 7);
    CHECK_ERR (zmq_recvmsg (pull, &msg, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, 20));
    CHECK_ERR (zmq_recvmsg (pull, &msg, 0), EAGAIN);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_OK (zmq_close (req));
    end (push, pull);
}

TEST (sendmsg_and_recvmsg_of_no_message)
{
    begin_pair ("inproc://old");
    zmq_msg_t closed;
    CHECK_OK (zmq_msg_init (&closed));
    CHECK_OK (zmq_msg_close (&closed));
    CHECK_ERR (zmq_recvmsg (a, NULL, 0), EFAULT);
    CHECK_ERR (zmq_recvmsg (a, &closed, 0), EFAULT);
    CHECK_ERR (zmq_recvmsg (NULL, NULL, 0), ENOTSOCK);
    CHECK_ERR (zmq_sendmsg (NULL, NULL, 0), ENOTSOCK);
    if (!on_oracle ()) { /* it crashes */
        CHECK_ERR (zmq_sendmsg (a, NULL, 0), EFAULT);
        CHECK_ERR (zmq_sendmsg (a, &closed, 0), EFAULT);
    }
    end (a, b);
}

/* Buffers of 0, 1, 2, … bytes. */
static struct iovec *digits (void)
{
    static struct iovec buffers[10];
    for (size_t i = 0; i < 10; i++)
        buffers[i] = (struct iovec){"0123456789", i};
    return buffers;
}

TEST (sendiov_with_sndmore_sends_one_message)
{
    static const char *const places[] = {"inproc://old", "tcp", "ipc"};
    for (int place = 0; place < 3; place++) {
        begin_pair (places[place]);
        for (int count = 1; count < 10; count += 4) {
            CHECK_INT (zmq_sendiov (a, digits (), (size_t) count, ZMQ_SNDMORE),
                       count - 1);
            for (int i = 0; i < count; i++) {
                char body[16];
                CHECK_INT (zmq_recv (b, body, sizeof body, 0), i);
                CHECK (memcmp (body, "0123456789", (size_t) i) == 0);
                CHECK_INT (get_int (b, ZMQ_RCVMORE), i + 1 < count);
            }
        }
        end (a, b);
    }
}

TEST (sendiov_without_it_sends_a_message_for_each_buffer)
{
    begin_pair ("inproc://old");
    CHECK_INT (zmq_sendiov (a, digits (), 4, 0), 3);
    CHECK_INT (zmq_sendiov (a, digits () + 5, 1, ZMQ_DONTWAIT), 5);
    for (int i = 0; i < 4; i++) {
        CHECK_INT (zmq_recv (b, NULL, 0, 0), i);
        CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
    }
    CHECK_INT (zmq_recv (b, NULL, 0, 0), 5);
    CHECK_ERR (zmq_recv (b, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    end (a, b);
}

TEST (sendiov_leaves_the_buffers_alone)
{
    begin_pair ("inproc://old");
    char body[] = "body";
    struct iovec buffers[2] = {{body, 4}, {NULL, 0}};
    CHECK_INT (zmq_sendiov (a, buffers, 2, ZMQ_SNDMORE), 0);
    strcpy (body, "####");
    CHECK (buffers[0].iov_base == body && buffers[0].iov_len == 4);
    CHECK (buffers[1].iov_base == NULL && buffers[1].iov_len == 0);
    CHECK_RECV (b, "body");
    CHECK_RECV (b, "");
    end (a, b);
}

TEST (sendiov_errors_in_their_order)
{
    static uint64_t memory[1024];
    begin_pair ("inproc://old");
    void *pull = new_socket (ctx, ZMQ_PULL), *rep = new_socket (ctx, ZMQ_REP),
         *push = new_socket (ctx, ZMQ_PUSH), *gone = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_close (gone));
    CHECK_ERR (zmq_sendiov (NULL, NULL, 0, 0), ENOTSOCK);
    CHECK_ERR (zmq_sendiov (NULL, digits (), 3, 0), ENOTSOCK);
    CHECK_ERR (zmq_sendiov (memory, digits (), 0, 0), ENOTSOCK);
    CHECK_ERR (zmq_sendiov (a, digits (), 0, 0), EINVAL);
    CHECK_ERR (zmq_sendiov (a, NULL, 3, 0), EINVAL);
    CHECK_ERR (zmq_sendiov (a, NULL, 0, 0), EINVAL);
    CHECK_ERR (zmq_sendiov (pull, digits (), 3, 0), ENOTSUP);
    CHECK_ERR (zmq_sendiov (rep, digits (), 3, 0), EFSM);
    CHECK_ERR (zmq_sendiov (push, digits (), 3, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (set_int (push, ZMQ_SNDTIMEO, 20));
    CHECK_ERR (zmq_sendiov (push, digits (), 3, ZMQ_SNDMORE), EAGAIN);
    if (!on_oracle ()) { /* it reads freed memory, or crashes */
        CHECK_ERR (zmq_sendiov (gone, digits (), 3, 0), ENOTSOCK);
        CHECK_ERR (zmq_sendiov (gone, NULL, 0, 0), ENOTSOCK);
        struct iovec null = {NULL, 5};
        CHECK_ERR (zmq_sendiov (a, &null, 1, 0), EFAULT);
        CHECK_ERR (zmq_sendiov (a, digits (), SIZE_MAX, 0), EINVAL);
    }
    CHECK_ERR (zmq_recv (b, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_ERR (zmq_sendiov (a, digits (), 3, 0), ETERM);
    CHECK_ERR (zmq_sendiov (a, digits (), 0, 0), EINVAL);
    CHECK_ERR (zmq_sendiov (a, NULL, 3, 0), EINVAL);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (rep));
    CHECK_OK (zmq_close (push));
    end (a, b);
}

TEST (sendiov_that_fails_midway_has_sent_what_came_before)
{
    begin_pair ("inproc://old");
    struct iovec buffers[] = {{"one", 3}, {"x", SIZE_MAX / 4}, {"three", 5}};
    CHECK_ERR (zmq_sendiov (a, buffers, 3, 0), ENOMEM);
    CHECK_RECV (b, "one");
    CHECK_ERR (zmq_recv (b, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    /* Of one message it is the beginning. */
    CHECK_ERR (zmq_sendiov (a, buffers, 3, ZMQ_SNDMORE), ENOMEM);
    CHECK_ERR (zmq_recv (b, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_SEND (a, "end", 0);
    CHECK_RECV (b, "one");
    CHECK_INT (get_int (b, ZMQ_RCVMORE), 1);
    CHECK_RECV (b, "end");
    CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
    end (a, b);
}

TEST (sendiov_at_the_water_mark)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 1));
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 1));
    CHECK_OK (zmq_bind (push, "inproc://old"));
    CHECK_OK (zmq_connect (pull, "inproc://old"));
    CHECK_ERR (zmq_sendiov (push, digits (), 5, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (zmq_recv (pull, NULL, 0, 0), 0);
    CHECK_INT (zmq_recv (pull, NULL, 0, 0), 1);
    CHECK_ERR (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    /* One message has room, however many frames it has. */
    CHECK (get_int (push, ZMQ_EVENTS) & ZMQ_POLLOUT);
    CHECK_INT (zmq_sendiov (push, digits (), 5, ZMQ_DONTWAIT | ZMQ_SNDMORE), 4);
    for (int i = 0; i < 5; i++)
        CHECK_INT (zmq_recv (pull, NULL, 0, 0), i);
    end (push, pull);
}

/* What buffers hold that nothing was received into. */
static void *const untouched = (void *) 0x5555555555555555UL;

static void clear (struct iovec *buffers, int count)
{
    for (int i = 0; i < count; i++)
        buffers[i] = (struct iovec){untouched, 77};
}

/* The buffers hold frames of FIRST, FIRST + 1, … bytes; then they are freed,
 * as they are the caller's. */
static void check_buffers (struct iovec *buffers, int count, int first)
{
    for (int i = 0; i < count; i++) {
        CHECK_INT (buffers[i].iov_len, first + i);
        REQUIRE (buffers[i].iov_base != untouched && buffers[i].iov_base);
        CHECK (memcmp (buffers[i].iov_base, "0123456789", (size_t) (first + i))
               == 0);
        free (buffers[i].iov_base);
    }
    CHECK (buffers[count].iov_base == untouched && buffers[count].iov_len == 77);
}

TEST (recviov_receives_the_frames_of_one_message)
{
    static const char *const places[] = {"inproc://old", "tcp", "ipc"};
    for (int place = 0; place < 3; place++) {
        begin_pair (places[place]);
        struct iovec buffers[8];
        for (size_t room = 3; room < 8; room += 2) {
            size_t count = room;
            clear (buffers, 8);
            zmq_sendiov (a, digits (), 3, ZMQ_SNDMORE);
            CHECK_INT (zmq_recviov (b, buffers, &count, 0), 3);
            CHECK_INT (count, 3);
            check_buffers (buffers, 3, 0);
            CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
        }
        end (a, b);
    }
}

TEST (recviov_receives_one_message_only)
{
    begin_pair ("inproc://old");
    struct iovec buffers[8];
    zmq_sendiov (a, digits (), 3, 0);
    for (int i = 0; i < 3; i++) {
        size_t count = 5;
        clear (buffers, 8);
        CHECK_INT (zmq_recviov (b, buffers, &count, i == 1 ? ZMQ_SNDMORE : 0),
                   1);
        CHECK_INT (count, 1);
        check_buffers (buffers, 1, i);
    }
    end (a, b);
}

TEST (recviov_goes_on_where_the_buffers_ended)
{
    begin_pair ("inproc://old");
    struct iovec buffers[8];
    size_t count = 2;
    clear (buffers, 8);
    zmq_sendiov (a, digits (), 5, ZMQ_SNDMORE);
    CHECK_INT (zmq_recviov (b, buffers, &count, 0), 2);
    CHECK_INT (count, 2);
    check_buffers (buffers, 2, 0);
    CHECK_INT (get_int (b, ZMQ_RCVMORE), 1);
    CHECK_INT (zmq_recv (b, NULL, 0, 0), 2);
    count = 7;
    clear (buffers, 8);
    CHECK_INT (zmq_recviov (b, buffers, &count, ZMQ_DONTWAIT), 2);
    CHECK_INT (count, 2);
    check_buffers (buffers, 2, 3);
    CHECK_INT (get_int (b, ZMQ_RCVMORE), 0);
    end (a, b);
}

TEST (recviov_takes_any_count_for_room)
{
    begin_pair ("inproc://old");
    struct iovec buffers[4];
    size_t count = SIZE_MAX;
    clear (buffers, 4);
    zmq_sendiov (a, digits (), 2, ZMQ_SNDMORE);
    CHECK_INT (zmq_recviov (b, buffers, &count, 0), 2);
    CHECK_INT (count, 2);
    check_buffers (buffers, 2, 0);
    end (a, b);
}

TEST (recviov_of_large_frames)
{
    begin_pair ("tcp");
    enum { LARGE = 2000000 };
    char *body = malloc (LARGE);
    memset (body, 'l', LARGE);
    struct iovec sent[2] = {{body, LARGE}, {body, LARGE - 1}}, got[2];
    size_t count = 2;
    CHECK_INT (zmq_sendiov (a, sent, 2, ZMQ_SNDMORE), LARGE - 1);
    REQUIRE (zmq_recviov (b, got, &count, 0) == 2);
    CHECK_INT (got[0].iov_len, LARGE);
    CHECK_INT (got[1].iov_len, LARGE - 1);
    CHECK (memcmp (got[0].iov_base, body, LARGE) == 0);
    CHECK (memcmp (got[1].iov_base, body, LARGE - 1) == 0);
    free (got[0].iov_base);
    free (got[1].iov_base);
    free (body);
    end (a, b);
}

TEST (recviov_errors_in_their_order)
{
    static uint64_t memory[1024];
    begin_pair ("inproc://old");
    struct iovec buffers[4];
    clear (buffers, 4);
    void *push = new_socket (ctx, ZMQ_PUSH), *req = new_socket (ctx, ZMQ_REQ),
         *gone = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_close (gone));
    size_t count = 3, none = 0;
    CHECK_ERR (zmq_recviov (NULL, NULL, NULL, 0), ENOTSOCK);
    CHECK_ERR (zmq_recviov (NULL, buffers, &none, 0), ENOTSOCK);
    CHECK_ERR (zmq_recviov (memory, buffers, NULL, 0), ENOTSOCK);
    CHECK_ERR (zmq_recviov (memory, buffers, &count, 0), ENOTSOCK);
    CHECK_ERR (zmq_recviov (b, buffers, NULL, 0), EINVAL);
    CHECK_ERR (zmq_recviov (b, NULL, &count, 0), EINVAL);
    CHECK_ERR (zmq_recviov (b, NULL, &none, 0), EINVAL);
    CHECK_ERR (zmq_recviov (b, buffers, &none, 0), EINVAL);
    CHECK_INT (none, 0);
    CHECK_INT (count, 3);
    if (!on_oracle ()) /* it reads freed memory */
        CHECK_ERR (zmq_recviov (gone, buffers, &count, 0), ENOTSOCK);
    CHECK_INT (count, 3);
    /* From here on nothing was received, and the count says so. */
    CHECK_ERR (zmq_recviov (push, buffers, &count, 0), ENOTSUP);
    CHECK_INT (count, 0);
    count = 3;
    CHECK_ERR (zmq_recviov (req, buffers, &count, 0), EFSM);
    CHECK_INT (count, 0);
    count = 3;
    CHECK_ERR (zmq_recviov (b, buffers, &count, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (count, 0);
    CHECK_OK (set_int (b, ZMQ_RCVTIMEO, 20));
    count = 3;
    CHECK_ERR (zmq_recviov (b, buffers, &count, 0), EAGAIN);
    CHECK_INT (count, 0);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    count = 3;
    CHECK_ERR (zmq_recviov (b, buffers, &count, 0), ETERM);
    CHECK_INT (count, 0);
    CHECK_ERR (zmq_recviov (b, buffers, &count, 0), EINVAL);
    CHECK (buffers[0].iov_base == untouched && buffers[0].iov_len == 77);
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (req));
    end (a, b);
}

static void *body_recviov (struct call *c)
{
    struct iovec buffers[2];
    size_t count = 2;
    c->rc = zmq_recviov (c->a, buffers, &count, 0);
    c->err = errno;
    for (int i = 0; i < c->rc; i++)
        free (buffers[i].iov_base);
    return NULL;
}

TEST (recviov_waits)
{
    begin_pair ("tcp");
    struct call call;
    call_start (&call, body_recviov, b, NULL);
    call_wait_blocked (&call);
    zmq_sendiov (a, digits (), 2, ZMQ_SNDMORE);
    call_join (&call);
    CHECK_INT (call.rc, 2);
    call_start (&call, body_recviov, b, NULL);
    call_wait_blocked (&call);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    call_join (&call);
    CHECK_INT (call.rc, -1);
    CHECK_INT (call.err, ETERM);
    end (a, b);
}

MAIN
