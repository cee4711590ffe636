/* zmq_msg_*: life, sizes, sharing, free functions, flags, and memory that is no
 * message (manual pages zmq_msg_init to zmq_msg_gets). What the oracle dies of
 * is asked of ours only. */
#include "check.h"

static char buffer[1000];
static int freed;
static void *freed_data, *freed_hint;

static void count_free (void *data, void *hint)
{
    freed++;
    freed_data = data;
    freed_hint = hint;
}

static void fill (zmq_msg_t *msg, size_t size, int byte)
{
    REQUIRE (zmq_msg_init_size (msg, size) == 0);
    memset (zmq_msg_data (msg), byte, size);
}

static int holds (zmq_msg_t *msg, size_t size, int byte)
{
    const unsigned char *data = zmq_msg_data (msg);
    if (zmq_msg_size (msg) != size)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (data[i] != (unsigned char) byte)
            return 0;
    return 1;
}

TEST (a_new_message_is_empty)
{
    zmq_msg_t msg;
    memset (&msg, 0xff, sizeof msg);
    CHECK_OK (zmq_msg_init (&msg));
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK (zmq_msg_data (&msg) != NULL);
    CHECK_INT (zmq_msg_more (&msg), 0);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (the_type_is_64_bytes_aligned_as_a_pointer)
{
    CHECK_INT (sizeof (zmq_msg_t), 64);
    CHECK_INT (_Alignof (zmq_msg_t), sizeof (void *));
}

TEST (bodies_of_every_size_are_writable)
{
    static const size_t sizes[] = {0,   1,   2,   28,   29,    30,    31,
                                   32,  33,  34,  39,   40,    41,    63,
                                   64,  65,  255, 256,  4095,  4096,  8192,
                                   8193, 65535, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t msg;
        fill (&msg, sizes[i], (int) i + 1);
        CHECK (holds (&msg, sizes[i], (int) i + 1));
        CHECK_OK (zmq_msg_close (&msg));
    }
}

TEST (large_bodies_are_aligned)
{
    zmq_msg_t msg;
    REQUIRE (zmq_msg_init_size (&msg, 4096) == 0);
    CHECK_INT ((uintptr_t) zmq_msg_data (&msg) % sizeof (void *), 0);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (a_second_close_is_refused)
{
    zmq_msg_t small, large;
    fill (&small, 10, 1);
    fill (&large, 10000, 1);
    CHECK_OK (zmq_msg_close (&small));
    CHECK_ERR (zmq_msg_close (&small), EFAULT);
    CHECK_ERR (zmq_msg_close (&small), EFAULT);
    CHECK_OK (zmq_msg_close (&large));
    CHECK_ERR (zmq_msg_close (&large), EFAULT);
}

TEST (a_closed_message_may_be_initialised_again)
{
    zmq_msg_t msg;
    fill (&msg, 100, 1);
    CHECK_OK (zmq_msg_close (&msg));
    fill (&msg, 200, 2);
    CHECK (holds (&msg, 200, 2));
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (zeroed_memory_is_no_message)
{
    zmq_msg_t zeroed, msg;
    memset (&zeroed, 0, sizeof zeroed);
    fill (&msg, 50, 7);
    CHECK_ERR (zmq_msg_close (&zeroed), EFAULT);
    CHECK_ERR (zmq_msg_copy (&zeroed, &msg), EFAULT);
    CHECK_ERR (zmq_msg_copy (&msg, &zeroed), EFAULT);
    CHECK_ERR (zmq_msg_move (&zeroed, &msg), EFAULT);
    CHECK_ERR (zmq_msg_move (&msg, &zeroed), EFAULT);
    CHECK (holds (&msg, 50, 7));
    CHECK_INT (zmq_msg_more (&zeroed), 0);
    CHECK_INT (zmq_msg_get (&zeroed, ZMQ_MORE), 0);
    CHECK_INT (zmq_msg_get (&zeroed, ZMQ_SHARED), 0);
    CHECK_ERR (zmq_msg_get (&zeroed, ZMQ_SRCFD), EINVAL);
    errno = 0;
    CHECK (zmq_msg_gets (&zeroed, "Socket-Type") == NULL);
    CHECK_INT (errno, EINVAL);
    if (on_oracle ())
        return; /* it aborts */
    errno = 0;
    CHECK (zmq_msg_data (&zeroed) == NULL);
    CHECK_INT (errno, EFAULT);
    errno = 0;
    CHECK_INT (zmq_msg_size (&zeroed), 0);
    CHECK_INT (errno, EFAULT);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (garbage_is_no_message)
{
    static const int patterns[] = {0x5a, 0x7f, 0xff, 0x01};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        zmq_msg_t garbage;
        memset (&garbage, patterns[i], sizeof garbage);
        CHECK_ERR (zmq_msg_close (&garbage), EFAULT);
    }
}

TEST (null_is_no_message)
{
    zmq_msg_t msg;
    if (on_oracle ())
        return; /* it crashes */
    fill (&msg, 10, 3);
    CHECK_ERR (zmq_msg_init (NULL), EFAULT);
    CHECK_ERR (zmq_msg_init_size (NULL, 10), EFAULT);
    CHECK_ERR (zmq_msg_init_size (NULL, 10000), EFAULT);
    CHECK_ERR (zmq_msg_init_data (NULL, buffer, 10, count_free, NULL), EFAULT);
    CHECK_INT (freed, 0);
    CHECK_ERR (zmq_msg_close (NULL), EFAULT);
    CHECK_ERR (zmq_msg_copy (NULL, &msg), EFAULT);
    CHECK_ERR (zmq_msg_copy (&msg, NULL), EFAULT);
    CHECK_ERR (zmq_msg_move (NULL, &msg), EFAULT);
    CHECK_ERR (zmq_msg_move (&msg, NULL), EFAULT);
    CHECK_ERR (zmq_msg_more (NULL), EFAULT);
    CHECK_ERR (zmq_msg_get (NULL, ZMQ_MORE), EFAULT);
    CHECK_ERR (zmq_msg_set (NULL, ZMQ_MORE, 1), EFAULT);
    errno = 0;
    CHECK (zmq_msg_data (NULL) == NULL);
    CHECK_INT (errno, EFAULT);
    errno = 0;
    CHECK_INT (zmq_msg_size (NULL), 0);
    CHECK_INT (errno, EFAULT);
    errno = 0;
    CHECK (zmq_msg_gets (NULL, "Socket-Type") == NULL);
    CHECK_INT (errno, EFAULT);
    CHECK (holds (&msg, 10, 3));
}

TEST (more_than_memory_is_refused)
{
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 64,
                                   SIZE_MAX / 2, (size_t) 1 << 48};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t msg;
        memset (&msg, 0, sizeof msg);
        CHECK_ERR (zmq_msg_init_size (&msg, sizes[i]), ENOMEM);
        if (!on_oracle ()) /* it crashes */
            CHECK_ERR (zmq_msg_close (&msg), EFAULT);
    }
}

TEST (a_user_buffer_is_given_back_at_close)
{
    zmq_msg_t msg;
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 100, count_free, &freed));
    CHECK_INT (zmq_msg_size (&msg), 100);
    CHECK (zmq_msg_data (&msg) == buffer);
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 0);
    CHECK_INT (freed, 0);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 1);
    CHECK (freed_data == buffer && freed_hint == &freed);
    CHECK_ERR (zmq_msg_close (&msg), EFAULT);
    CHECK_INT (freed, 1);
}

TEST (a_small_user_buffer_is_not_copied)
{
    zmq_msg_t msg;
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 1, count_free, NULL));
    CHECK (zmq_msg_data (&msg) == buffer);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 1);
}

TEST (an_empty_user_buffer_is_given_back_too)
{
    zmq_msg_t msg;
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 0, count_free, buffer));
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK (zmq_msg_data (&msg) == buffer);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 1);
    CHECK (freed_data == buffer && freed_hint == buffer);
    CHECK_OK (zmq_msg_init_data (&msg, NULL, 0, count_free, &msg));
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 2);
    CHECK (freed_data == NULL && freed_hint == &msg);
}

TEST (a_buffer_without_free_function_is_only_pointed_at)
{
    zmq_msg_t msg, copy;
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 100, NULL, NULL));
    CHECK (zmq_msg_data (&msg) == buffer);
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_OK (zmq_msg_copy (&copy, &msg));
    CHECK (zmq_msg_data (&copy) == buffer);
    CHECK_INT (zmq_msg_get (&copy, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_close (&msg));
    buffer[99] = 42;
    CHECK_INT (((char *) zmq_msg_data (&copy))[99], 42);
    CHECK_OK (zmq_msg_close (&copy));
}

TEST (bytes_at_null_are_refused)
{
    zmq_msg_t msg;
    if (on_oracle ())
        return; /* it aborts */
    CHECK_ERR (zmq_msg_init_data (&msg, NULL, 10, count_free, NULL), EFAULT);
    CHECK_INT (freed, 0);
    CHECK_ERR (zmq_msg_close (&msg), EFAULT);
}

TEST (copies_of_large_bodies_share_them)
{
    zmq_msg_t msg, copy;
    fill (&msg, 1000, 5);
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 0);
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_OK (zmq_msg_copy (&copy, &msg));
    CHECK (zmq_msg_data (&copy) == zmq_msg_data (&msg));
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 1);
    CHECK_INT (zmq_msg_get (&copy, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK (holds (&copy, 1000, 5));
    CHECK_INT (zmq_msg_get (&copy, ZMQ_SHARED), 1); /* it was, once */
    CHECK_OK (zmq_msg_close (&copy));
}

TEST (neighbours_are_no_copies)
{
    enum { MANY = 3000 };
    static zmq_msg_t msgs[MANY];
    zmq_msg_t copy;
    for (int i = 0; i < MANY; i++)
        fill (&msgs[i], 41 + (size_t) i % 600, (char) i);
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_OK (zmq_msg_copy (&copy, &msgs[7]));
    for (int i = 0; i < MANY; i++) {
        CHECK (holds (&msgs[i], 41 + (size_t) i % 600, (char) i));
        CHECK ((uintptr_t) zmq_msg_data (&msgs[i]) % 8 == 0);
        CHECK_INT (zmq_msg_get (&msgs[i], ZMQ_SHARED), i == 7);
    }
    for (int i = 0; i < MANY; i += 2)
        CHECK_OK (zmq_msg_close (&msgs[i]));
    for (int i = 1; i < MANY; i += 2) {
        CHECK (holds (&msgs[i], 41 + (size_t) i % 600, (char) i));
        CHECK_OK (zmq_msg_close (&msgs[i]));
    }
    CHECK (holds (&copy, 48, 7));
    CHECK_OK (zmq_msg_close (&copy));
}

TEST (copies_of_small_bodies_are_apart)
{
    zmq_msg_t msg, copy;
    fill (&msg, 10, 5);
    CHECK_OK (zmq_msg_init (&copy));
    CHECK_OK (zmq_msg_copy (&copy, &msg));
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 0);
    CHECK_INT (zmq_msg_get (&copy, ZMQ_SHARED), 0);
    memset (zmq_msg_data (&copy), 6, 10);
    CHECK (holds (&msg, 10, 5));
    CHECK (holds (&copy, 10, 6));
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_OK (zmq_msg_close (&copy));
}

TEST (a_user_buffer_is_given_back_after_its_last_copy)
{
    zmq_msg_t msg, copies[10];
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 500, count_free, NULL));
    for (int i = 0; i < 10; i++) {
        zmq_msg_init (&copies[i]);
        CHECK_OK (zmq_msg_copy (&copies[i], i ? &copies[i - 1] : &msg));
        CHECK (zmq_msg_data (&copies[i]) == buffer);
    }
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 1);
    CHECK_OK (zmq_msg_close (&msg));
    for (int i = 0; i < 10; i++) {
        CHECK_INT (freed, 0);
        CHECK_OK (zmq_msg_close (&copies[i]));
    }
    CHECK_INT (freed, 1);
}

TEST (a_copy_gives_up_what_the_destination_held)
{
    zmq_msg_t dest, src;
    CHECK_OK (zmq_msg_init_data (&dest, buffer, 100, count_free, NULL));
    fill (&src, 60, 9);
    CHECK_OK (zmq_msg_copy (&dest, &src));
    CHECK_INT (freed, 1);
    CHECK (holds (&dest, 60, 9));
    CHECK (holds (&src, 60, 9));
    CHECK_OK (zmq_msg_close (&dest));
    CHECK_OK (zmq_msg_close (&src));
    CHECK_INT (freed, 1);
}

TEST (a_move_empties_the_source)
{
    static const size_t sizes[] = {0, 10, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        zmq_msg_t dest, src;
        fill (&src, sizes[i], 4);
        fill (&dest, 77, 1);
        CHECK_OK (zmq_msg_move (&dest, &src));
        CHECK (holds (&dest, sizes[i], 4));
        CHECK_INT (zmq_msg_size (&src), 0);
        CHECK_OK (zmq_msg_close (&src));
        CHECK_OK (zmq_msg_close (&dest));
    }
}

TEST (a_move_gives_up_what_the_destination_held)
{
    zmq_msg_t dest, src;
    CHECK_OK (zmq_msg_init_data (&dest, buffer, 100, count_free, &dest));
    CHECK_OK (zmq_msg_init_data (&src, buffer + 500, 50, count_free, &src));
    CHECK_OK (zmq_msg_move (&dest, &src));
    CHECK_INT (freed, 1);
    CHECK (freed_hint == &dest);
    CHECK (zmq_msg_data (&dest) == buffer + 500);
    CHECK_OK (zmq_msg_close (&src));
    CHECK_INT (freed, 1);
    CHECK_OK (zmq_msg_close (&dest));
    CHECK_INT (freed, 2);
    CHECK (freed_hint == &src);
}

TEST (a_move_onto_itself_empties_it)
{
    zmq_msg_t msg;
    fill (&msg, 100, 1);
    CHECK_OK (zmq_msg_move (&msg, &msg));
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 100, count_free, NULL));
    CHECK_OK (zmq_msg_move (&msg, &msg));
    CHECK_INT (freed, 1);
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 1);
}

TEST (a_copy_onto_itself_keeps_it)
{
    zmq_msg_t msg;
    if (on_oracle ())
        return; /* it destroys the message and aborts later */
    fill (&msg, 10, 1);
    CHECK_OK (zmq_msg_copy (&msg, &msg));
    CHECK (holds (&msg, 10, 1));
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 100, count_free, NULL));
    CHECK_OK (zmq_msg_copy (&msg, &msg));
    CHECK_INT (freed, 0);
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 0);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 1);
}

TEST (properties_of_a_message_of_ones_own)
{
    static const int unknown[] = {0, -1, 4, 5, 1000, INT32_MAX, INT32_MIN};
    zmq_msg_t msg;
    fill (&msg, 100, 1);
    CHECK_INT (zmq_msg_get (&msg, ZMQ_MORE), 0);
    CHECK_INT (zmq_msg_get (&msg, ZMQ_SHARED), 0);
    CHECK_ERR (zmq_msg_get (&msg, ZMQ_SRCFD), EINVAL);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        CHECK_ERR (zmq_msg_get (&msg, unknown[i]), EINVAL);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (no_property_can_be_set)
{
    zmq_msg_t msg;
    fill (&msg, 100, 1);
    CHECK_ERR (zmq_msg_set (&msg, ZMQ_MORE, 1), EINVAL);
    CHECK_ERR (zmq_msg_set (&msg, ZMQ_SHARED, 1), EINVAL);
    CHECK_ERR (zmq_msg_set (&msg, ZMQ_SRCFD, 0), EINVAL);
    CHECK_ERR (zmq_msg_set (&msg, 0, 0), EINVAL);
    CHECK_INT (zmq_msg_more (&msg), 0);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (a_message_of_ones_own_has_no_metadata)
{
    static const char *const names[] = {"Socket-Type", "Identity", "User-Id",
                                        "Peer-Address", "__fd", "", "X"};
    zmq_msg_t msg;
    fill (&msg, 100, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        errno = 0;
        CHECK (zmq_msg_gets (&msg, names[i]) == NULL && errno == EINVAL);
    }
    errno = 0;
    CHECK (zmq_msg_gets (&msg, NULL) == NULL && errno == EINVAL);
    CHECK_OK (zmq_msg_close (&msg));
}

TEST (success_leaves_errno_alone)
{
    zmq_msg_t msg, copy;
    errno = 4711;
    zmq_msg_init (&copy);
    zmq_msg_init_size (&msg, 1 << 20);
    zmq_msg_copy (&copy, &msg);
    zmq_msg_data (&msg);
    zmq_msg_size (&msg);
    zmq_msg_more (&msg);
    zmq_msg_get (&msg, ZMQ_SHARED);
    zmq_msg_move (&copy, &msg);
    zmq_msg_close (&msg);
    zmq_msg_close (&copy);
    CHECK_INT (errno, 4711);
}

static void close_64 (void *arg)
{
    zmq_msg_t *msgs = arg;
    for (int i = 0; i < 64; i++)
        CHECK (holds (&msgs[i], (size_t) i * 100, i)
               && zmq_msg_close (&msgs[i]) == 0);
}

TEST (messages_may_be_closed_on_another_thread)
{
    zmq_msg_t msgs[64];
    for (int i = 0; i < 64; i++)
        fill (&msgs[i], (size_t) i * 100, i);
    void *thread = zmq_threadstart (close_64, msgs);
    REQUIRE (thread != NULL);
    zmq_threadclose (thread);
    for (int i = 0; i < 64; i++)
        CHECK_ERR (zmq_msg_close (&msgs[i]), EFAULT);
}

/* A connected pair of PAIR sockets. */
static void *context, *left, *right;
static void connect_pair (void)
{
    context = zmq_ctx_new ();
    left = zmq_socket (context, ZMQ_PAIR);
    right = zmq_socket (context, ZMQ_PAIR);
    REQUIRE (zmq_bind (left, "inproc://messages") == 0);
    REQUIRE (zmq_connect (right, "inproc://messages") == 0);
}
static void part_pair (void)
{
    CHECK_OK (zmq_close (left));
    CHECK_OK (zmq_close (right));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (more_is_kept_by_copy_and_move)
{
    zmq_msg_t msg, copy, moved;
    connect_pair ();
    CHECK_INT (zmq_send (left, "a", 1, ZMQ_SNDMORE), 1);
    CHECK_INT (zmq_send (left, "b", 1, 0), 1);
    zmq_msg_init (&msg);
    zmq_msg_init (&copy);
    zmq_msg_init (&moved);
    CHECK_INT (zmq_msg_recv (&msg, right, 0), 1);
    CHECK_INT (zmq_msg_more (&msg), 1);
    CHECK_INT (zmq_msg_get (&msg, ZMQ_MORE), 1);
    CHECK_OK (zmq_msg_copy (&copy, &msg));
    CHECK_INT (zmq_msg_more (&copy), 1);
    CHECK_OK (zmq_msg_move (&moved, &msg));
    CHECK_INT (zmq_msg_more (&moved), 1);
    CHECK_INT (zmq_msg_more (&msg), 0);
    CHECK_INT (zmq_msg_recv (&msg, right, 0), 1);
    CHECK_INT (zmq_msg_more (&msg), 0);
    zmq_msg_close (&msg);
    zmq_msg_close (&copy);
    zmq_msg_close (&moved);
    part_pair ();
}

TEST (a_sent_message_is_empty_and_a_user_buffer_arrives_as_it_is)
{
    zmq_msg_t msg;
    connect_pair ();
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 600, count_free, NULL));
    CHECK_INT (zmq_msg_send (&msg, left, 0), 600);
    CHECK_INT (zmq_msg_size (&msg), 0);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 0);
    zmq_msg_init (&msg);
    CHECK_INT (zmq_msg_recv (&msg, right, 0), 600);
    CHECK (zmq_msg_data (&msg) == buffer);
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_INT (freed, 1);
    part_pair ();
}

TEST (received_content_replaces_what_the_message_held)
{
    zmq_msg_t msg;
    connect_pair ();
    CHECK_INT (zmq_send (left, "x", 1, 0), 1);
    CHECK_OK (zmq_msg_init_data (&msg, buffer, 600, count_free, NULL));
    CHECK_INT (zmq_msg_recv (&msg, right, 0), 1);
    CHECK_INT (freed, 1);
    CHECK (holds (&msg, 1, 'x'));
    CHECK_OK (zmq_msg_close (&msg));
    part_pair ();
}

TEST (undelivered_user_buffers_are_given_back_at_the_end)
{
    connect_pair ();
    for (int i = 0; i < 5; i++) {
        zmq_msg_t msg;
        zmq_msg_init_data (&msg, buffer, 600, count_free, NULL);
        CHECK_INT (zmq_msg_send (&msg, left, 0), 600);
    }
    part_pair ();
    CHECK_INT (freed, 5);
}

TEST (a_message_from_tcp_knows_its_peer)
{
    zmq_msg_t msg, copy;
    char endpoint[64];
    size_t size = sizeof endpoint;
    void *ctx = zmq_ctx_new ();
    void *pull = zmq_socket (ctx, ZMQ_PULL), *push = zmq_socket (ctx, ZMQ_PUSH);
    REQUIRE (zmq_bind (pull, "tcp://127.0.0.1:*") == 0);
    REQUIRE (zmq_getsockopt (pull, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    REQUIRE (zmq_connect (push, endpoint) == 0);
    CHECK_INT (zmq_send (push, "hello", 5, 0), 5);
    zmq_msg_init (&msg);
    zmq_msg_init (&copy);
    CHECK_INT (zmq_msg_recv (&msg, pull, 0), 5);
    CHECK_OK (zmq_msg_copy (&copy, &msg));
    CHECK_OK (zmq_msg_close (&msg));
    REQUIRE (zmq_msg_gets (&copy, "Socket-Type") != NULL);
    CHECK_STR (zmq_msg_gets (&copy, "Socket-Type"), "PUSH");
    REQUIRE (zmq_msg_gets (&copy, "Peer-Address") != NULL);
    CHECK_STR (zmq_msg_gets (&copy, "Peer-Address"), "127.0.0.1");
    CHECK (zmq_msg_get (&copy, ZMQ_SRCFD) > 2);
    errno = 0;
    CHECK (zmq_msg_gets (&copy, "X-Nothing") == NULL && errno == EINVAL);
    errno = 0;
    CHECK (zmq_msg_gets (&copy, "socket-type") == NULL && errno == EINVAL);
    CHECK_OK (zmq_msg_close (&copy));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (ctx));
}

/* A SUB fetches a message when it is asked whether there is one. */
TEST (a_message_that_was_looked_for_knows_its_peer_too)
{
    zmq_msg_t msg;
    char endpoint[64], byte;
    size_t size = sizeof endpoint;
    void *ctx = zmq_ctx_new ();
    void *sub = zmq_socket (ctx, ZMQ_SUB), *push = zmq_socket (ctx, ZMQ_PUB);
    REQUIRE (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0) == 0);
    REQUIRE (zmq_bind (sub, "tcp://127.0.0.1:*") == 0);
    REQUIRE (zmq_getsockopt (sub, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    REQUIRE (zmq_connect (push, endpoint) == 0);
    zmq_pollitem_t item = {sub, 0, ZMQ_POLLIN, 0};
    for (int i = 0; i < 1000 && zmq_poll (&item, 1, 10) == 0; i++)
        zmq_send (push, "1", 1, 0);
    REQUIRE (item.revents == ZMQ_POLLIN);
    while (zmq_recv (sub, &byte, 1, ZMQ_DONTWAIT) == 1)
        ;
    zmq_send (push, "2", 1, 0);
    REQUIRE (zmq_poll (&item, 1, 10000) == 1);
    zmq_msg_init (&msg);
    CHECK_INT (zmq_msg_recv (&msg, sub, 0), 1);
    const char *type = zmq_msg_gets (&msg, "Socket-Type");
    CHECK_STR (type ? type : "nothing", "PUB");
    CHECK_OK (zmq_msg_close (&msg));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (sub));
    CHECK_OK (zmq_ctx_term (ctx));
}

MAIN
