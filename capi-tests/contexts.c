/* Contexts: their life, their options' edges, and how they end. */
#include "fixtures.h"

TEST (new_and_term)
{
    void *ctx = zmq_ctx_new ();
    REQUIRE (ctx != NULL);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (old_names)
{
    void *ctx = zmq_init (2);
    REQUIRE (ctx != NULL);
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_IO_THREADS), 2);
    CHECK_OK (zmq_term (ctx));

    ctx = zmq_init (0);
    REQUIRE (ctx != NULL);
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_IO_THREADS), 0);
    CHECK_OK (zmq_ctx_destroy (ctx));

    errno = 0;
    CHECK (zmq_init (-1) == NULL);
    CHECK_INT (errno, EINVAL);
}

TEST (null_context_is_efault)
{
    CHECK_ERR (zmq_ctx_term (NULL), EFAULT);
    CHECK_ERR (zmq_term (NULL), EFAULT);
    CHECK_ERR (zmq_ctx_destroy (NULL), EFAULT);
    CHECK_ERR (zmq_ctx_shutdown (NULL), EFAULT);
    CHECK_ERR (zmq_ctx_set (NULL, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERR (zmq_ctx_get (NULL, ZMQ_IO_THREADS), EFAULT);
    errno = 0;
    CHECK (zmq_socket (NULL, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EFAULT);
}

TEST (foreign_memory_is_efault)
{
    static uint64_t memory[512];
    for (int fill = 0; fill < 2; fill++) {
        memset (memory, fill ? 0xa5 : 0, sizeof memory);
        CHECK_ERR (zmq_ctx_term (memory), EFAULT);
        CHECK_ERR (zmq_ctx_shutdown (memory), EFAULT);
        CHECK_ERR (zmq_ctx_set (memory, ZMQ_IO_THREADS, 1), EFAULT);
        CHECK_ERR (zmq_ctx_get (memory, ZMQ_IO_THREADS), EFAULT);
        errno = 0;
        CHECK (zmq_socket (memory, ZMQ_PAIR) == NULL);
        CHECK_INT (errno, EFAULT);
    }
}

TEST (a_socket_is_no_context)
{
    void *ctx = zmq_ctx_new ();
    void *s = new_socket (ctx, ZMQ_PAIR);
    CHECK_ERR (zmq_ctx_term (s), EFAULT);
    CHECK_ERR (zmq_ctx_shutdown (s), EFAULT);
    CHECK_ERR (zmq_ctx_set (s, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERR (zmq_ctx_get (s, ZMQ_IO_THREADS), EFAULT);
    errno = 0;
    CHECK (zmq_socket (s, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EFAULT);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (terminated_context_is_efault)
{
    if (on_oracle ())
        return; /* reads freed memory: usually EFAULT, sometimes a crash */
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK_ERR (zmq_ctx_term (ctx), EFAULT);
    CHECK_ERR (zmq_ctx_shutdown (ctx), EFAULT);
    CHECK_ERR (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERR (zmq_ctx_get (ctx, ZMQ_IO_THREADS), EFAULT);
    errno = 0;
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EFAULT);
}

TEST (set_and_get_edges)
{
    void *ctx = zmq_ctx_new ();
    CHECK_ERR (zmq_ctx_get (ctx, -1), EINVAL);
    CHECK_ERR (zmq_ctx_get (ctx, 9999), EINVAL);
    CHECK_ERR (zmq_ctx_set (ctx, 9999, 1), EINVAL);
    CHECK_ERR (zmq_ctx_set (ctx, ZMQ_IO_THREADS, -1), EINVAL);
    CHECK_ERR (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 0), EINVAL);
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_IO_THREADS), 1);
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 4));
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_IO_THREADS), 4);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (many_contexts)
{
    void *ctxs[40];
    for (int i = 0; i < 40; i++) {
        REQUIRE ((ctxs[i] = zmq_ctx_new ()) != NULL);
        void *s = zmq_socket (ctxs[i], ZMQ_PAIR);
        REQUIRE (s != NULL);
        CHECK_OK (zmq_bind (s, "inproc://same"));
        CHECK_OK (zmq_close (s));
    }
    for (int i = 0; i < 40; i++)
        CHECK_OK (zmq_ctx_term (ctxs[i]));
}

TEST (inproc_names_belong_to_a_context)
{
    void *one = zmq_ctx_new (), *two = zmq_ctx_new ();
    void *a = new_socket (one, ZMQ_PAIR), *b = new_socket (two, ZMQ_PAIR);
    CHECK_OK (zmq_bind (a, "inproc://name"));
    CHECK_OK (zmq_bind (b, "inproc://name"));
    void *c = new_socket (one, ZMQ_PAIR);
    CHECK_OK (zmq_connect (c, "inproc://name"));
    CHECK_SEND (c, "hello", 0);
    CHECK_RECV (a, "hello");
    CHECK_ERR (zmq_recv (b, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_close (c));
    CHECK_OK (zmq_ctx_term (one));
    CHECK_OK (zmq_ctx_term (two));
}

TEST (term_waits_for_the_last_socket)
{
    void *ctx = zmq_ctx_new ();
    void *a = new_socket (ctx, ZMQ_PULL), *b = new_socket (ctx, ZMQ_PAIR);
    struct call term;
    call_start (&term, body_term, ctx, NULL);
    char byte;
    CHECK_ERR (zmq_recv (a, &byte, 1, 0), ETERM);
    CHECK_OK (zmq_close (a));
    call_wait_blocked (&term);
    CHECK_ERR (zmq_recv (b, &byte, 1, ZMQ_DONTWAIT), ETERM);
    CHECK_OK (zmq_close (b));
    call_join (&term);
    CHECK_OK (term.rc);
}

TEST (term_wakes_recv_send_and_poll)
{
    void *ctx = zmq_ctx_new ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    void *pair = new_socket (ctx, ZMQ_PAIR);
    set_int (pull, ZMQ_RCVTIMEO, -1);
    set_int (push, ZMQ_SNDTIMEO, -1);
    struct call recv_, send_, poll_, term;
    call_start (&recv_, body_recv, pull, NULL);
    call_start (&send_, body_send, push, NULL);
    call_start (&poll_, body_poll, pair, NULL);
    call_wait_blocked (&recv_);
    call_wait_blocked (&send_);
    call_wait_blocked (&poll_);
    call_start (&term, body_term, ctx, NULL);
    call_join (&recv_);
    CHECK_INT (recv_.rc, -1);
    CHECK_INT (recv_.err, ETERM);
    call_join (&send_);
    CHECK_INT (send_.rc, -1);
    CHECK_INT (send_.err, ETERM);
    call_join (&poll_);
    CHECK_INT (poll_.rc, -1);
    CHECK_INT (poll_.err, ETERM);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pair));
    call_join (&term);
    CHECK_OK (term.rc);
}

TEST (shutdown_wakes_who_waits)
{
    void *ctx = zmq_ctx_new ();
    void *pull = new_socket (ctx, ZMQ_PULL), *req = new_socket (ctx, ZMQ_REQ);
    set_int (pull, ZMQ_RCVTIMEO, -1);
    set_int (req, ZMQ_SNDTIMEO, -1);
    struct call recv_, send_;
    call_start (&recv_, body_recv, pull, NULL);
    call_start (&send_, body_send, req, NULL);
    call_wait_blocked (&recv_);
    call_wait_blocked (&send_);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    call_join (&recv_);
    CHECK_INT (recv_.rc, -1);
    CHECK_INT (recv_.err, ETERM);
    call_join (&send_);
    CHECK_INT (send_.rc, -1);
    CHECK_INT (send_.err, ETERM);
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_close (req));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (after_shutdown_everything_says_eterm)
{
    void *ctx = zmq_ctx_new ();
    void *s = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    char byte;
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_ERR (zmq_recv (s, &byte, 1, 0), ETERM);
    CHECK_ERR (zmq_recv (s, &byte, 1, ZMQ_DONTWAIT), ETERM);
    CHECK_ERR (zmq_send (s, "x", 1, 0), ETERM);
    CHECK_ERR (zmq_send (s, "x", 1, ZMQ_DONTWAIT), ETERM);
    CHECK_ERR (zmq_send_const (s, "x", 1, 0), ETERM);
    CHECK_ERR (zmq_msg_recv (&msg, s, 0), ETERM);
    CHECK_ERR (zmq_msg_send (&msg, s, 0), ETERM);
    CHECK_ERR (zmq_bind (s, "inproc://late"), ETERM);
    CHECK_ERR (zmq_connect (s, "inproc://late"), ETERM);
    CHECK_ERR (zmq_unbind (s, "inproc://late"), ETERM);
    CHECK_ERR (zmq_disconnect (s, "inproc://late"), ETERM);
    static const char *const malformed[] = {"", "x", "inproc://", "foo://x", "tcp://x"};
    for (int i = 0; i < 5; i++) {
        CHECK_ERR (zmq_bind (s, malformed[i]), ETERM);
        CHECK_ERR (zmq_connect (s, malformed[i]), ETERM);
        CHECK_ERR (zmq_unbind (s, malformed[i]), ETERM);
        CHECK_ERR (zmq_disconnect (s, malformed[i]), ETERM);
    }
    zmq_msg_close (&msg);
    CHECK_ERR (zmq_msg_recv (&msg, s, 0), ETERM);
    CHECK_ERR (set_int (s, ZMQ_LINGER, 0), ETERM);
    int value;
    size_t size = sizeof value;
    CHECK_ERR (zmq_getsockopt (s, ZMQ_EVENTS, &value, &size), ETERM);
    CHECK_ERR (zmq_getsockopt (s, ZMQ_TYPE, &value, &size), ETERM);
    zmq_pollitem_t item = {s, 0, ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    CHECK_ERR (zmq_poll (&item, 1, 0), ETERM);
    CHECK_ERR (zmq_poll (&item, 1, -1), ETERM);
    errno = 0;
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, ETERM);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_IO_THREADS), 1);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

/* Options that need no look at the mailbox are answered until some call took
 * that look. */
TEST (options_answer_until_the_end_is_noticed)
{
    void *ctx = zmq_ctx_new ();
    void *s = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_INT (get_int (s, ZMQ_TYPE), ZMQ_PAIR);
    CHECK_OK (set_int (s, ZMQ_LINGER, 7));
    CHECK_INT (get_int (s, ZMQ_LINGER), 7);
    int value;
    size_t size = sizeof value;
    CHECK_ERR (zmq_getsockopt (s, ZMQ_EVENTS, &value, &size), ETERM);
    CHECK_ERR (zmq_getsockopt (s, ZMQ_TYPE, &value, &size), ETERM);
    CHECK_ERR (set_int (s, ZMQ_LINGER, 0), ETERM);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (shutdown_before_any_socket)
{
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_shutdown (ctx));
    CHECK_OK (zmq_ctx_shutdown (ctx));
    errno = 0;
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, ETERM);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (shutdown_drops_a_message_already_there)
{
    void *ctx = zmq_ctx_new (), *a, *b;
    connect_pair (ctx, "inproc://pair", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "x", 0);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    char byte;
    CHECK_ERR (zmq_recv (b, &byte, 1, 0), ETERM);
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (term_is_interrupted_and_called_again)
{
    void *ctx = zmq_ctx_new ();
    void *s = new_socket (ctx, ZMQ_PULL);
    catch_signal (SIGUSR1, 0);
    struct pest pest;
    pest_start (&pest);
    CHECK_ERR (zmq_ctx_term (ctx), EINTR);
    CHECK_ERR (zmq_ctx_term (ctx), EINTR);
    pest_stop (&pest);
    char byte;
    CHECK_ERR (zmq_recv (s, &byte, 1, 0), ETERM);
    errno = 0;
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, ETERM);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (max_sockets_is_emfile)
{
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 3));
    void *s[3];
    for (int i = 0; i < 3; i++)
        s[i] = new_socket (ctx, ZMQ_PAIR);
    errno = 0;
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EMFILE);
    CHECK_OK (zmq_close (s[1]));
    CHECK_BECOMES ((s[1] = zmq_socket (ctx, ZMQ_PAIR)) != NULL);
    for (int i = 0; i < 3; i++)
        CHECK_OK (zmq_close (s[i]));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_socket_that_lingers_keeps_its_place)
{
    /* Over tcp the peer takes no more than its water mark and the kernel's buffers. */
    enum { SENT = 40 };
    static char large[1000000];
    endpoint_t endpoint;
    void *ctx = zmq_ctx_new (), *peers = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 1));
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (peers, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 1));
    bind_to (pull, "tcp", endpoint);
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 0));
    CHECK_OK (zmq_connect (push, endpoint));
    for (int i = 0; i < SENT; i++)
        REQUIRE (zmq_send (push, large, sizeof large, 0) == sizeof large);
    CHECK_OK (zmq_close (push));
    for (int i = 0; i < 3; i++) {
        errno = 0;
        CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
        CHECK_INT (errno, EMFILE);
        sleep_ms (10);
    }
    for (int i = 0; i < SENT; i++)
        REQUIRE (zmq_recv (pull, large, sizeof large, 0) == sizeof large);
    void *pair;
    CHECK_BECOMES ((pair = zmq_socket (ctx, ZMQ_PAIR)) != NULL);
    CHECK_OK (zmq_close (pair));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK_OK (zmq_ctx_term (peers));
}

TEST (so_does_one_whose_peer_is_not_there)
{
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 1));
    void *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, 300));
    CHECK_OK (zmq_connect (push, "ipc:///nonexistent/folder/socket"));
    CHECK_SEND (push, "never fetched", 0);
    CHECK_OK (zmq_close (push));
    errno = 0;
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EMFILE);
    void *pair;
    CHECK_BECOMES ((pair = zmq_socket (ctx, ZMQ_PAIR)) != NULL);
    CHECK_OK (zmq_close (pair));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_full_context_does_not_look_at_the_type)
{
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 1));
    void *s = new_socket (ctx, ZMQ_PAIR);
    errno = 0;
    CHECK (zmq_socket (ctx, 99) == NULL);
    CHECK_INT (errno, EMFILE);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_wrong_type_is_the_first_socket_too)
{
    void *ctx = zmq_ctx_new ();
    errno = 0;
    CHECK (zmq_socket (ctx, 99) == NULL);
    CHECK_INT (errno, EINVAL);
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 1));
    void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (max_sockets_counts_from_the_first_socket)
{
    /* A limit set after the first socket comes too late. */
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 2));
    void *a = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_MAX_SOCKETS, 10));
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_MAX_SOCKETS), 10);
    void *b = new_socket (ctx, ZMQ_PAIR);
    errno = 0;
    CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EMFILE);
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (threads_start_with_the_first_socket)
{
    int before = count_threads (), fds = count_fds ();
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 3));
    CHECK_INT (zmq_ctx_get (ctx, ZMQ_MAX_SOCKETS), ZMQ_MAX_SOCKETS_DFLT);
    CHECK_INT (count_threads (), before);
    CHECK (count_fds () <= fds + 1);
    void *s = new_socket (ctx, ZMQ_PAIR);
    CHECK (count_threads () >= before + 3);
    int with_one = count_threads ();
    void *other = new_socket (ctx, ZMQ_PAIR);
    CHECK_INT (count_threads (), with_one);
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_close (other));
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK_BECOMES (count_threads () == before);
}

TEST (a_context_made_before_fork_works_in_the_child)
{
    /* What a daemon does: nothing was started yet, so nothing is missing. */
    void *ctx = zmq_ctx_new (), *a, *b;
    pid_t child = fork ();
    if (child == 0) {
        connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        CHECK_SEND (a, "hello", 0);
        CHECK_RECV (b, "hello");
        CHECK_OK (zmq_close (a));
        CHECK_OK (zmq_close (b));
        if (!on_oracle ()) /* EINTR for ever: it was made by another process */
            CHECK_OK (zmq_ctx_term (ctx));
        _exit (7);
    }
    int status = 0;
    CHECK_INT (waitpid (child, &status, 0), child);
    CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 7);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (no_io_threads)
{
    void *ctx = zmq_ctx_new (), *a, *b;
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 0));
    connect_pair (ctx, "inproc://here", ZMQ_REQ, &a, ZMQ_REP, &b);
    CHECK_SEND (a, "hello", 0);
    CHECK_RECV (b, "hello");
    CHECK_SEND (b, "world", 0);
    CHECK_RECV (a, "world");
    CHECK_ERR (zmq_bind (b, "tcp://127.0.0.1:*"), EMTHREAD);
    CHECK_ERR (zmq_connect (a, "tcp://127.0.0.1:5555"), EMTHREAD);
    CHECK_ERR (zmq_bind (b, "ipc://*"), EMTHREAD);
    CHECK_ERR (zmq_connect (a, "ipc:///tmp/nobody"), EMTHREAD);
    CHECK_ERR (zmq_connect (a, "tcp://x"), EMTHREAD);
    CHECK_ERR (zmq_bind (b, "tcp://127.0.0.1:x"), EMTHREAD);
    CHECK_ERR (zmq_connect (a, "tcp://"), EINVAL);
    CHECK_ERR (zmq_connect (a, "foo://x"), EPROTONOSUPPORT);
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (several_io_threads)
{
    void *ctx = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (ctx, ZMQ_IO_THREADS, 4));
    endpoint_t endpoint;
    void *pull = new_socket (ctx, ZMQ_PULL), *push[8];
    bind_to (pull, "tcp", endpoint);
    for (int i = 0; i < 8; i++) {
        push[i] = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (zmq_connect (push[i], endpoint));
        CHECK_SEND (push[i], "x", 0);
    }
    for (int i = 0; i < 8; i++)
        CHECK_RECV (pull, "x");
    for (int i = 0; i < 8; i++)
        CHECK_OK (zmq_close (push[i]));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (an_idle_context_uses_no_cpu)
{
    void *ctx = zmq_ctx_new (), *a, *b, *c, *d;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    connect_pair (ctx, "ipc", ZMQ_PUSH, &c, ZMQ_PULL, &d);
    CHECK_SEND (a, "x", 0);
    CHECK_RECV (b, "x");
    CHECK_SEND (c, "x", 0);
    CHECK_RECV (d, "x");
    CHECK_BECOMES (rests_for_ms (1000));
    /* Nor does a thread that waits in it. */
    double before = cpu_seconds ();
    set_int (b, ZMQ_RCVTIMEO, 1000);
    char byte;
    CHECK_ERR (zmq_recv (b, &byte, 1, 0), EAGAIN);
    CHECK (cpu_seconds () - before < 0.02);
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_close (c));
    CHECK_OK (zmq_close (d));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_stream_that_is_stuck_uses_no_cpu)
{
    static const char *const where[] = {"tcp", "ipc"};
    for (int i = 0; i < 4; i++) {
        static char body[100000];
        size_t size = i < 2 ? 1000 : sizeof body;
        void *ctx = zmq_ctx_new (), *push, *pull;
        connect_pair (ctx, where[i % 2], ZMQ_PUSH, &push, ZMQ_PULL, &pull);
        set_int (push, ZMQ_SNDTIMEO, 300);
        while (zmq_send (push, body, size, 0) >= 0)
            ;
        CHECK_BECOMES (rests_for_ms (500));
        CHECK_OK (zmq_close (push));
        CHECK_OK (zmq_close (pull));
        CHECK_OK (zmq_ctx_term (ctx));
    }
}

TEST (term_with_a_connect_that_never_succeeds)
{
    void *ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (s, "ipc:///nonexistent/folder/socket"));
    CHECK_OK (zmq_close (s));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (term_while_peers_still_connect)
{
    for (int round = 0; round < 20; round++) {
        void *ctx = zmq_ctx_new (), *a, *b;
        connect_pair (ctx, round % 2 ? "tcp" : "ipc", ZMQ_PUSH, &a, ZMQ_PULL,
                      &b);
        CHECK_OK (zmq_close (a));
        CHECK_OK (zmq_close (b));
        CHECK_OK (zmq_ctx_term (ctx));
    }
}

MAIN
