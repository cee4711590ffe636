/* Misuse: handles that are none, pointers that lead nowhere, to every function
 * that takes one. The oracle dies of many of these; each runs in a child of
 * its own, and counts on the oracle only where it survives. */
#include "fixtures.h"

/* What a case may use. */
static void *s, *peer, *gone;
static char buffer[64];
static zmq_msg_t msg;

static struct
{
    long long rc;
    int err;
} *outcome;

/* In the child: a context, two connected sockets and one that is closed. */
static void prepare (void)
{
    int null = open ("/dev/null", O_WRONLY);
    dup2 (null, 2); /* the oracle's last words */
    struct rlimit no_core = {0, 0};
    setrlimit (RLIMIT_CORE, &no_core);
    alarm (20);
    begin ();
    connect_pair (ctx, "inproc://misuse", ZMQ_PAIR, &s, ZMQ_PAIR, &peer);
    gone = new_socket (ctx, ZMQ_PAIR);
    zmq_msg_init (&msg);
}

/* Waits for the case; true when its outcome counts. */
static bool outcome_counts (pid_t child, int line)
{
    int status = 0;
    while (waitpid (child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED (status) && WEXITSTATUS (status) == 7)
        return true;
    if (!on_oracle ())
        check_report (0, __FILE__, line, "case", " did not survive");
    return false;
}

#define IN_CASE(EXPR)                                                          \
    if (!outcome)                                                              \
        outcome = mmap (NULL, sizeof *outcome, PROT_READ | PROT_WRITE,         \
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);                    \
    fflush (stdout);                                                           \
    pid_t child_ = fork ();                                                    \
    if (child_ == 0) {                                                         \
        prepare ();                                                            \
        errno = 0;                                                             \
        outcome->rc = (long long) (intptr_t) (EXPR);                           \
        outcome->err = errno;                                                  \
        /* Whatever was refused, the others are none the worse. */             \
        CHECK_SEND (s, "fine", 0);                                             \
        CHECK_RECV (peer, "fine");                                             \
        CHECK_OK (zmq_close (gone));                                           \
        end (s, peer);                                                         \
        fflush (stdout);                                                       \
        _exit (7);                                                             \
    }                                                                          \
    bool counts_ = outcome_counts (child_, __LINE__)

/* Fails with RC and one of two errnos. */
#define REFUSES(EXPR, RC, ERRNO, OR)                                           \
    do {                                                                       \
        IN_CASE (EXPR);                                                        \
        char extra_[128];                                                      \
        snprintf (extra_, sizeof extra_, " gave %lld, errno %d (%s)",          \
                  outcome->rc, outcome->err, zmq_strerror (outcome->err));     \
        if (counts_)                                                           \
            check_report (outcome->rc == (RC)                                  \
                            && (outcome->err == (ERRNO)                        \
                                || outcome->err == (OR)),                      \
                          __FILE__, __LINE__, #EXPR, extra_);                  \
    } while (0)

/* Returns, whatever it says. */
#define SURVIVES(EXPR)                                                         \
    do {                                                                       \
        IN_CASE ((EXPR, 0));                                                   \
        if (counts_)                                                           \
            check_report (1, __FILE__, __LINE__, #EXPR, "");                   \
    } while (0)

static uint64_t zeros[1024];

/* Handles that are none: of these only the address is known. */
enum { WILD = 12 };
static void *wild (int which)
{
    static char *misaligned;
    switch (which) {
        case 0: return NULL;
        case 1: return (void *) 1;
        case 2: return (void *) 8;
        case 3: return (void *) 0xdeadbeefUL;
        case 4: return (void *) UINTPTR_MAX;
        case 5: return (void *) (UINTPTR_MAX - 7);
        case 6: return (void *) (UINTPTR_MAX / 2 + 1);
        case 7: return zeros;
        case 8: return (char *) zeros + 3;
        case 9: return (void *) (uintptr_t) wild;
        case 10: return misaligned = malloc (4096), misaligned + 1;
        default: return stdout;
    }
}

TEST (wild_contexts)
{
    for (int i = 0; i < WILD; i++) {
        REFUSES (zmq_ctx_term (wild (i)), -1, EFAULT, EFAULT);
        REFUSES (zmq_ctx_shutdown (wild (i)), -1, EFAULT, EFAULT);
        REFUSES (zmq_ctx_set (wild (i), ZMQ_IO_THREADS, 1), -1, EFAULT, EFAULT);
        REFUSES (zmq_ctx_get (wild (i), ZMQ_IO_THREADS), -1, EFAULT, EFAULT);
        REFUSES (zmq_socket (wild (i), ZMQ_PAIR), 0, EFAULT, EFAULT);
    }
    REFUSES (zmq_ctx_destroy (wild (3)), -1, EFAULT, EFAULT);
    REFUSES (zmq_term (wild (8)), -1, EFAULT, EFAULT);
}

TEST (wild_sockets)
{
    for (int i = 0; i < WILD; i++) {
        REFUSES (zmq_send (wild (i), "x", 1, 0), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_recv (wild (i), buffer, 1, 0), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_close (wild (i)), -1, ENOTSOCK, ENOTSOCK);
    }
    static const int some[] = {3, 8};
    for (int n = 0; n < 2; n++) {
        int i = some[n], value = 0;
        size_t size = sizeof value;
        zmq_pollitem_t item = {wild (i), 0, ZMQ_POLLIN, 0};
        REFUSES (zmq_send_const (wild (i), "x", 1, 0), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_msg_send (&msg, wild (i), 0), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_msg_recv (&msg, wild (i), 0), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_bind (wild (i), "inproc://x"), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_connect (wild (i), "inproc://x"), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_unbind (wild (i), "inproc://x"), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_disconnect (wild (i), "inproc://x"), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_setsockopt (wild (i), ZMQ_LINGER, &value, size), -1,
                 ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_getsockopt (wild (i), ZMQ_LINGER, &value, &size), -1,
                 ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_poll (&item, 1, 0), -1, ENOTSOCK, ENOTSOCK);
        if (on_oracle ()) /* its proxy looks at none of them */
            continue;
        REFUSES (zmq_proxy (wild (i), s, NULL), -1, ENOTSOCK, EFAULT);
        REFUSES (zmq_proxy (s, wild (i), NULL), -1, ENOTSOCK, EFAULT);
        REFUSES (zmq_proxy (s, peer, wild (i)), -1, ENOTSOCK, EFAULT);
    }
}

TEST (addresses_beside_a_handle)
{
    static const int by[] = {1, 4, 8, 16, 64, -1, -8};
    for (unsigned i = 0; i < sizeof by / sizeof *by; i++) {
        REFUSES (zmq_send ((char *) s + by[i], "x", 1, 0), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_close ((char *) s + by[i]), -1, ENOTSOCK, ENOTSOCK);
        REFUSES (zmq_ctx_get ((char *) ctx + by[i], ZMQ_IO_THREADS), -1, EFAULT,
                 EFAULT);
    }
}

TEST (handles_of_the_other_kind)
{
    REFUSES (zmq_send (ctx, "x", 1, 0), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_close (ctx), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_close (&msg), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_recv (&msg, buffer, 1, 0), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_ctx_term (s), -1, EFAULT, EFAULT);
    REFUSES (zmq_ctx_term (&msg), -1, EFAULT, EFAULT);
    REFUSES (zmq_socket (s, ZMQ_PAIR), 0, EFAULT, EFAULT);
    REFUSES (zmq_close (zmq_atomic_counter_new ()), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_ctx_term (zmq_stopwatch_start ()), -1, EFAULT, EFAULT);
}

static void *closed_socket (void)
{
    void *t = zmq_socket (ctx, ZMQ_PAIR);
    zmq_close (t);
    return t;
}

static void *closed_context (void)
{
    void *t = zmq_ctx_new ();
    zmq_ctx_term (t);
    return t;
}

TEST (closed_handles)
{
    /* The oracle reads memory it has freed: nothing it says counts. */
    if (on_oracle ())
        return;
    int value = 0;
    size_t size = sizeof value;
    REFUSES (zmq_close (closed_socket ()), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_send (closed_socket (), "x", 1, 0), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_recv (closed_socket (), buffer, 1, 0), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_bind (closed_socket (), "inproc://x"), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_connect (closed_socket (), "tcp://127.0.0.1:1"), -1, ENOTSOCK,
             ENOTSOCK);
    REFUSES (zmq_setsockopt (closed_socket (), ZMQ_LINGER, &value, size), -1,
             ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_getsockopt (closed_socket (), ZMQ_FD, &value, &size), -1,
             ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_proxy (closed_socket (), s, NULL), -1, ENOTSOCK, ENOTSOCK);
    REFUSES (zmq_ctx_term (closed_context ()), -1, EFAULT, EFAULT);
    REFUSES (zmq_ctx_shutdown (closed_context ()), -1, EFAULT, EFAULT);
    REFUSES (zmq_ctx_get (closed_context (), ZMQ_IO_THREADS), -1, EFAULT, EFAULT);
    REFUSES (zmq_socket (closed_context (), ZMQ_PAIR), 0, EFAULT, EFAULT);
}

TEST (null_bodies)
{
    REFUSES (zmq_send (s, NULL, 5, 0), -1, EFAULT, EINVAL);
    REFUSES (zmq_send (s, NULL, 5000, ZMQ_DONTWAIT), -1, EFAULT, EINVAL);
    if (!on_oracle ()) { /* the message carries NULL to its reader */
        REFUSES (zmq_send_const (s, NULL, 5, 0), -1, EFAULT, EINVAL);
        REFUSES ((zmq_send (peer, "x", 1, 0), zmq_recv (s, NULL, 5, 0)), -1,
                 EFAULT, EINVAL);
    }
    REFUSES (zmq_msg_send (NULL, s, 0), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_recv (NULL, s, 0), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_recv (NULL, s, ZMQ_DONTWAIT), -1, EFAULT, EINVAL);
}

TEST (null_endpoints)
{
    REFUSES (zmq_bind (s, NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_connect (s, NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_unbind (s, NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_disconnect (s, NULL), -1, EFAULT, EINVAL);
}

TEST (null_options)
{
    static const int options[] = {ZMQ_LINGER, ZMQ_AFFINITY, ZMQ_MAXMSGSIZE,
                                  ZMQ_ROUTING_ID, ZMQ_SNDHWM, ZMQ_IPV6};
    for (unsigned i = 0; i < sizeof options / sizeof *options; i++) {
        int option = options[i], value = 0;
        size_t size = option == ZMQ_AFFINITY || option == ZMQ_MAXMSGSIZE ? 8 : 4;
        REFUSES (zmq_setsockopt (s, option, NULL, size), -1, EFAULT, EINVAL);
        REFUSES (zmq_getsockopt (s, option, NULL, &size), -1, EFAULT, EINVAL);
        REFUSES (zmq_getsockopt (s, option, &value, NULL), -1, EFAULT, EINVAL);
        REFUSES (zmq_getsockopt (s, option, NULL, NULL), -1, EFAULT, EINVAL);
    }
    size_t size = 100;
    REFUSES (zmq_getsockopt (s, ZMQ_EVENTS, NULL, &size), -1, EFAULT, EINVAL);
    REFUSES (zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, NULL, &size), -1, EFAULT,
             EINVAL);
    REFUSES (zmq_getsockopt (s, ZMQ_FD, &size, NULL), -1, EFAULT, EINVAL);
}

TEST (null_messages)
{
    REFUSES (zmq_msg_init (NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_init_size (NULL, 5), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_init_data (NULL, buffer, 5, NULL, NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_close (NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_copy (NULL, &msg), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_copy (&msg, NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_move (NULL, &msg), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_move (&msg, NULL), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_get (NULL, ZMQ_MORE), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_set (NULL, ZMQ_MORE, 1), -1, EFAULT, EINVAL);
    REFUSES (zmq_msg_gets (NULL, "Socket-Type"), 0, EFAULT, EINVAL);
    REFUSES (zmq_msg_gets (&msg, NULL), 0, EFAULT, EINVAL);
    SURVIVES (zmq_msg_data (NULL));
    SURVIVES (zmq_msg_size (NULL));
    SURVIVES (zmq_msg_more (NULL));
}

/* A message nobody ever initialised. */
static zmq_msg_t *blank (int fill)
{
    static zmq_msg_t m;
    memset (&m, fill, sizeof m);
    return &m;
}

TEST (blank_messages)
{
    static const int fills[] = {0, 0xff, 0xa5};
    for (int i = 0; i < 3; i++) {
        int fill = fills[i];
        REFUSES (zmq_msg_close (blank (fill)), -1, EFAULT, EFAULT);
        REFUSES (zmq_msg_send (blank (fill), s, 0), -1, EFAULT, EFAULT);
        REFUSES (zmq_msg_copy (&msg, blank (fill)), -1, EFAULT, EFAULT);
        REFUSES (zmq_msg_move (&msg, blank (fill)), -1, EFAULT, EFAULT);
        SURVIVES (zmq_msg_data (blank (fill)));
        SURVIVES (zmq_msg_size (blank (fill)));
        SURVIVES (zmq_msg_more (blank (fill)));
    }
}

TEST (sizes_beyond_memory)
{
    REFUSES (zmq_msg_init_size (&msg, SIZE_MAX), -1, ENOMEM, ENOMEM);
    REFUSES (zmq_msg_init_size (&msg, SIZE_MAX - 32), -1, ENOMEM, ENOMEM);
    REFUSES (zmq_msg_init_size (&msg, SIZE_MAX / 2), -1, ENOMEM, ENOMEM);
    REFUSES (zmq_send (s, buffer, SIZE_MAX / 2, 0), -1, ENOMEM, ENOMEM);
    REFUSES (zmq_send (s, buffer, SIZE_MAX, 0), -1, ENOMEM, ENOMEM);
}

TEST (poll_arguments)
{
    zmq_pollitem_t item = {NULL, 0, 0, 0};
    REFUSES (zmq_poll (NULL, 3, 0), -1, EFAULT, EFAULT);
    REFUSES (zmq_poll (&item, -1, 0), -1, EINVAL, EINVAL);
    REFUSES (zmq_poll (NULL, -1, 0), -1, EINVAL, EFAULT);
}

TEST (null_utilities)
{
    void *none = NULL;
    REFUSES (zmq_has (NULL), 0, 0, EFAULT);
    SURVIVES (zmq_strerror (-1));
    SURVIVES (zmq_strerror (0x7fffffff));
    SURVIVES (zmq_version (NULL, NULL, NULL));
    SURVIVES (zmq_atomic_counter_set (NULL, 1));
    SURVIVES (zmq_atomic_counter_inc (NULL));
    SURVIVES (zmq_atomic_counter_dec (NULL));
    SURVIVES (zmq_atomic_counter_value (NULL));
    SURVIVES (zmq_atomic_counter_destroy (NULL));
    SURVIVES (zmq_atomic_counter_destroy (&none));
    SURVIVES (zmq_stopwatch_intermediate (NULL));
    SURVIVES (zmq_stopwatch_stop (NULL));
    SURVIVES (zmq_threadclose (NULL));
    SURVIVES (zmq_sleep (0));
}

MAIN
