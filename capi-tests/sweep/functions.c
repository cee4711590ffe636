/* Every function with handles and pointers that are none. Prints a line for
 * each case: what was returned, and errno if that is an error. Labels begin
 * with "stale" where libzmq would read memory it has freed, and with "lenient"
 * where only survival counts, since there is no error to return. */
#include "sweep.h"

#pragma weak zmq_socket_monitor
#pragma weak zmq_proxy_steerable
#pragma weak zmq_device
#pragma weak zmq_timers_new
#pragma weak zmq_timers_destroy
#pragma weak zmq_timers_add
#pragma weak zmq_timers_cancel
#pragma weak zmq_timers_set_interval
#pragma weak zmq_timers_reset
#pragma weak zmq_timers_timeout
#pragma weak zmq_timers_execute
#pragma weak zmq_sendmsg
#pragma weak zmq_recvmsg
#pragma weak zmq_sendiov
#pragma weak zmq_recviov
#pragma weak zmq_z85_encode
#pragma weak zmq_z85_decode
#pragma weak zmq_curve_keypair
#pragma weak zmq_curve_public
int zmq_sendiov (void *s, struct iovec *iov, size_t count, int flags);
int zmq_recviov (void *s, struct iovec *iov, size_t *count, int flags);

#include <sys/uio.h>

static void *ctx, *s, *peer;
static zmq_msg_t msg;
static uint64_t zeros[1024];
static char bytes[512];
static size_t size = 4;
static int number;

/* Functions that are weak may be missing. */
static int is_there (void *function)
{
    return function != NULL;
}

static void timer (int id, void *arg)
{
    (void) id;
    (void) arg;
}

static void begin (void)
{
    int linger = 0, timeout = 200;
    ctx = zmq_ctx_new ();
    s = zmq_socket (ctx, ZMQ_PAIR);
    peer = zmq_socket (ctx, ZMQ_PAIR);
    zmq_setsockopt (s, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt (s, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    zmq_setsockopt (s, ZMQ_SNDTIMEO, &timeout, sizeof timeout);
    zmq_bind (peer, "inproc://sweep");
    zmq_connect (s, "inproc://sweep");
    zmq_msg_init (&msg);
    size = 4;
}

static void *closed_socket (void)
{
    void *closed = zmq_socket (ctx, ZMQ_PAIR);
    zmq_close (closed);
    return closed;
}

static void *ended_context (void)
{
    void *ended = zmq_ctx_new ();
    zmq_ctx_term (ended);
    return ended;
}

/* One case: an expression that gives an int, or a pointer. */
#define CASE(FUNCTION, LABEL, EXPR)                                            \
    if (begin_case ("%s%s %s", LABEL, #FUNCTION, #EXPR)) {                     \
        if (!is_there ((void *) FUNCTION))                                     \
            tell ("absent");                                                   \
        else {                                                                 \
            begin ();                                                          \
            errno = 0;                                                         \
            long rc = (long) (EXPR);                                           \
            tell ("%ld errno %d", rc, rc == -1 ? errno : 0);                   \
        }                                                                      \
    }
#define POINTER_CASE(FUNCTION, LABEL, EXPR)                                    \
    if (begin_case ("%s%s %s", LABEL, #FUNCTION, #EXPR)) {                     \
        if (!is_there ((void *) FUNCTION))                                     \
            tell ("absent");                                                   \
        else {                                                                 \
            begin ();                                                          \
            errno = 0;                                                         \
            const void *rc = (EXPR);                                           \
            tell ("%s errno %d", rc ? "a pointer" : "NULL", rc ? 0 : errno);   \
        }                                                                      \
    }

/* A function on each handle that is no socket. */
#define ON_SOCKETS(FUNCTION, ...)                                              \
    CASE (FUNCTION, "", FUNCTION (NULL __VA_OPT__ (, ) __VA_ARGS__))           \
    CASE (FUNCTION, "", FUNCTION (zeros __VA_OPT__ (, ) __VA_ARGS__))          \
    CASE (FUNCTION, "", FUNCTION (&msg __VA_OPT__ (, ) __VA_ARGS__))           \
    CASE (FUNCTION, "", FUNCTION (ctx __VA_OPT__ (, ) __VA_ARGS__))            \
    CASE (FUNCTION, "", FUNCTION ((char *) s + 8 __VA_OPT__ (, ) __VA_ARGS__)) \
    CASE (FUNCTION, "stale ",                                                  \
          FUNCTION (closed_socket () __VA_OPT__ (, ) __VA_ARGS__))

#define ON_CONTEXTS(KIND, FUNCTION, ...)                                       \
    KIND (FUNCTION, "", FUNCTION (NULL __VA_OPT__ (, ) __VA_ARGS__))           \
    KIND (FUNCTION, "", FUNCTION (zeros __VA_OPT__ (, ) __VA_ARGS__))          \
    KIND (FUNCTION, "", FUNCTION (&msg __VA_OPT__ (, ) __VA_ARGS__))           \
    KIND (FUNCTION, "stale ", FUNCTION (s __VA_OPT__ (, ) __VA_ARGS__))        \
    KIND (FUNCTION, "stale ",                                                  \
          FUNCTION (ended_context () __VA_OPT__ (, ) __VA_ARGS__))

static void contexts (void *arg)
{
    (void) arg;
    ON_CONTEXTS (CASE, zmq_ctx_term)
    ON_CONTEXTS (CASE, zmq_ctx_destroy)
    ON_CONTEXTS (CASE, zmq_term)
    ON_CONTEXTS (CASE, zmq_ctx_shutdown)
    ON_CONTEXTS (CASE, zmq_ctx_set, ZMQ_IO_THREADS, 1)
    ON_CONTEXTS (CASE, zmq_ctx_set, 999, 1)
    ON_CONTEXTS (CASE, zmq_ctx_get, ZMQ_IO_THREADS)
    ON_CONTEXTS (CASE, zmq_ctx_get, 999)
    ON_CONTEXTS (POINTER_CASE, zmq_socket, ZMQ_PAIR)
    ON_CONTEXTS (POINTER_CASE, zmq_socket, 999)
    POINTER_CASE (zmq_socket, "", zmq_socket (ctx, -1))
    POINTER_CASE (zmq_socket, "", zmq_socket (ctx, 999))
    POINTER_CASE (zmq_init, "", zmq_init (-1))
    POINTER_CASE (zmq_init, "", zmq_init (INT_MIN))
}

static void sockets (void *arg)
{
    (void) arg;
    zmq_pollitem_t item = {0};
    struct iovec part = {bytes, 8};
    size_t parts = 1;
    ON_SOCKETS (zmq_close)
    ON_SOCKETS (zmq_setsockopt, ZMQ_LINGER, &number, sizeof number)
    ON_SOCKETS (zmq_setsockopt, 999, &number, sizeof number)
    ON_SOCKETS (zmq_setsockopt, ZMQ_LINGER, NULL, 0)
    ON_SOCKETS (zmq_getsockopt, ZMQ_LINGER, &number, &size)
    ON_SOCKETS (zmq_getsockopt, 999, &number, &size)
    ON_SOCKETS (zmq_getsockopt, ZMQ_LINGER, NULL, NULL)
    ON_SOCKETS (zmq_bind, "inproc://x")
    ON_SOCKETS (zmq_bind, NULL)
    ON_SOCKETS (zmq_bind, "nonsense")
    ON_SOCKETS (zmq_connect, "inproc://x")
    ON_SOCKETS (zmq_connect, NULL)
    ON_SOCKETS (zmq_unbind, "inproc://x")
    ON_SOCKETS (zmq_unbind, NULL)
    ON_SOCKETS (zmq_disconnect, "inproc://x")
    ON_SOCKETS (zmq_disconnect, NULL)
    ON_SOCKETS (zmq_send, "x", 1, 0)
    ON_SOCKETS (zmq_send, NULL, 0, 0)
    ON_SOCKETS (zmq_send_const, "x", 1, 0)
    ON_SOCKETS (zmq_recv, bytes, 1, 0)
    ON_SOCKETS (zmq_recv, NULL, 0, ZMQ_DONTWAIT)
    ON_SOCKETS (zmq_sendmsg, &msg, 0)
    ON_SOCKETS (zmq_recvmsg, &msg, 0)
    ON_SOCKETS (zmq_sendiov, &part, 1, 0)
    ON_SOCKETS (zmq_recviov, &part, &parts, 0)
    ON_SOCKETS (zmq_socket_monitor, "inproc://m", ZMQ_EVENT_ALL)
    ON_SOCKETS (zmq_socket_monitor, NULL, 0)
    CASE (zmq_bind, "", zmq_bind (s, NULL))
    CASE (zmq_connect, "", zmq_connect (s, NULL))
    CASE (zmq_unbind, "", zmq_unbind (s, NULL))
    CASE (zmq_disconnect, "", zmq_disconnect (s, NULL))
    CASE (zmq_bind, "", zmq_bind (s, ""))
    CASE (zmq_connect, "", zmq_connect (s, ""))
    CASE (zmq_unbind, "", zmq_unbind (s, ""))
    CASE (zmq_disconnect, "", zmq_disconnect (s, ""))
    CASE (zmq_send, "", zmq_send (s, NULL, 0, 0))
    CASE (zmq_send, "", zmq_send (s, NULL, 5, 0))
    CASE (zmq_send, "", zmq_send (s, bytes, SIZE_MAX, 0))
    CASE (zmq_recv, "", zmq_recv (s, NULL, 0, ZMQ_DONTWAIT))
    CASE (zmq_recv, "", zmq_recv (s, NULL, 5, ZMQ_DONTWAIT))
    CASE (zmq_msg_send, "", zmq_msg_send (NULL, s, 0))
    CASE (zmq_msg_recv, "", zmq_msg_recv (NULL, s, ZMQ_DONTWAIT))
    CASE (zmq_msg_send, "", zmq_msg_send (&msg, NULL, 0))
    CASE (zmq_msg_send, "", zmq_msg_send (&msg, zeros, 0))
    CASE (zmq_msg_send, "stale ", zmq_msg_send (&msg, closed_socket (), 0))
    CASE (zmq_msg_recv, "", zmq_msg_recv (&msg, NULL, 0))
    CASE (zmq_msg_recv, "", zmq_msg_recv (&msg, zeros, 0))
    CASE (zmq_msg_recv, "stale ", zmq_msg_recv (&msg, closed_socket (), 0))
    CASE (zmq_sendmsg, "", zmq_sendmsg (s, NULL, 0))
    CASE (zmq_recvmsg, "", zmq_recvmsg (s, NULL, ZMQ_DONTWAIT))
    CASE (zmq_sendiov, "", zmq_sendiov (s, NULL, 1, 0))
    CASE (zmq_sendiov, "", zmq_sendiov (s, NULL, 0, 0))
    CASE (zmq_sendiov, "", zmq_sendiov (s, &part, 0, 0))
    CASE (zmq_recviov, "", zmq_recviov (s, NULL, &parts, ZMQ_DONTWAIT))
    CASE (zmq_recviov, "", zmq_recviov (s, &part, NULL, ZMQ_DONTWAIT))
    CASE (zmq_socket_monitor, "", zmq_socket_monitor (s, NULL, ZMQ_EVENT_ALL))
    CASE (zmq_socket_monitor, "", zmq_socket_monitor (s, "", ZMQ_EVENT_ALL))
    CASE (zmq_socket_monitor, "", zmq_socket_monitor (s, "nonsense", 1))
    CASE (zmq_socket_monitor, "", zmq_socket_monitor (s, "tcp://127.0.0.1:*", 1))
    CASE (zmq_poll, "", zmq_poll (NULL, 0, 0))
    CASE (zmq_poll, "", zmq_poll (NULL, 1, 0))
    CASE (zmq_poll, "", zmq_poll (NULL, -1, 0))
    CASE (zmq_poll, "", zmq_poll (&item, -1, 0))
    CASE (zmq_poll, "", (item.socket = zeros, zmq_poll (&item, 1, 0)))
    CASE (zmq_poll, "", (item.socket = ctx, zmq_poll (&item, 1, 0)))
    CASE (zmq_poll, "stale ", (item.socket = closed_socket (), zmq_poll (&item, 1, 0)))
    CASE (zmq_proxy, "", zmq_proxy (NULL, NULL, NULL))
    CASE (zmq_proxy, "", zmq_proxy (s, NULL, NULL))
    CASE (zmq_proxy, "", zmq_proxy (NULL, s, NULL))
    CASE (zmq_proxy, "stale ", zmq_proxy (closed_socket (), s, NULL))
    CASE (zmq_proxy_steerable, "", zmq_proxy_steerable (NULL, NULL, NULL, NULL))
    CASE (zmq_proxy_steerable, "", zmq_proxy_steerable (s, NULL, NULL, NULL))
    CASE (zmq_device, "", zmq_device (ZMQ_QUEUE, NULL, NULL))
    CASE (zmq_device, "", zmq_device (ZMQ_QUEUE, s, NULL))
}

static zmq_msg_t *blank (void)
{
    static zmq_msg_t m;
    memset (&m, 0, sizeof m);
    return &m;
}

static void messages (void *arg)
{
    (void) arg;
    CASE (zmq_msg_init, "", zmq_msg_init (NULL))
    CASE (zmq_msg_init_size, "", zmq_msg_init_size (NULL, 5))
    CASE (zmq_msg_init_size, "", zmq_msg_init_size (&msg, SIZE_MAX))
    CASE (zmq_msg_init_data, "", zmq_msg_init_data (NULL, bytes, 5, NULL, NULL))
    CASE (zmq_msg_init_data, "", zmq_msg_init_data (&msg, NULL, 0, NULL, NULL))
    CASE (zmq_msg_close, "", zmq_msg_close (NULL))
    CASE (zmq_msg_close, "", zmq_msg_close (blank ()))
    CASE (zmq_msg_close, "", (zmq_msg_close (&msg), zmq_msg_close (&msg)))
    CASE (zmq_msg_move, "", zmq_msg_move (NULL, NULL))
    CASE (zmq_msg_move, "", zmq_msg_move (NULL, &msg))
    CASE (zmq_msg_move, "", zmq_msg_move (&msg, NULL))
    CASE (zmq_msg_move, "", zmq_msg_move (&msg, blank ()))
    CASE (zmq_msg_move, "", zmq_msg_move (blank (), &msg))
    CASE (zmq_msg_copy, "", zmq_msg_copy (NULL, NULL))
    CASE (zmq_msg_copy, "", zmq_msg_copy (NULL, &msg))
    CASE (zmq_msg_copy, "", zmq_msg_copy (&msg, NULL))
    CASE (zmq_msg_copy, "", zmq_msg_copy (&msg, blank ()))
    CASE (zmq_msg_copy, "", zmq_msg_copy (blank (), &msg))
    CASE (zmq_msg_get, "", zmq_msg_get (NULL, ZMQ_MORE))
    CASE (zmq_msg_get, "", zmq_msg_get (&msg, 999))
    CASE (zmq_msg_get, "", zmq_msg_get (&msg, ZMQ_SRCFD))
    CASE (zmq_msg_get, "", zmq_msg_get (&msg, ZMQ_SHARED))
    CASE (zmq_msg_get, "", zmq_msg_get (&msg, ZMQ_MORE))
    CASE (zmq_msg_set, "", zmq_msg_set (NULL, ZMQ_MORE, 1))
    CASE (zmq_msg_set, "", zmq_msg_set (&msg, ZMQ_MORE, 1))
    CASE (zmq_msg_set, "", zmq_msg_set (&msg, 999, 1))
    POINTER_CASE (zmq_msg_gets, "", zmq_msg_gets (NULL, "Socket-Type"))
    POINTER_CASE (zmq_msg_gets, "", zmq_msg_gets (&msg, "Socket-Type"))
    POINTER_CASE (zmq_msg_gets, "", zmq_msg_gets (&msg, ""))
    POINTER_CASE (zmq_msg_gets, "", zmq_msg_gets (&msg, NULL))
    POINTER_CASE (zmq_msg_data, "lenient ", zmq_msg_data (NULL))
    CASE (zmq_msg_size, "lenient ", zmq_msg_size (NULL))
    CASE (zmq_msg_more, "lenient ", zmq_msg_more (NULL))
    POINTER_CASE (zmq_msg_data, "lenient ", zmq_msg_data (blank ()))
    CASE (zmq_msg_size, "lenient ", zmq_msg_size (blank ()))
    CASE (zmq_msg_more, "lenient ", zmq_msg_more (blank ()))
}

static void *ended_timers (void)
{
    void *timers = zmq_timers_new (), *kept = timers;
    zmq_timers_destroy (&timers);
    return kept;
}

static void helpers (void *arg)
{
    (void) arg;
    void *none = NULL, *wild = zeros, *stale;
    CASE (zmq_timers_destroy, "", zmq_timers_destroy (NULL))
    CASE (zmq_timers_destroy, "", zmq_timers_destroy (&none))
    CASE (zmq_timers_destroy, "", zmq_timers_destroy (&wild))
    CASE (zmq_timers_destroy, "stale ", (stale = ended_timers (), zmq_timers_destroy (&stale)))
    ON_CONTEXTS (CASE, zmq_timers_add, 5, timer, NULL)
    ON_CONTEXTS (CASE, zmq_timers_cancel, 1)
    ON_CONTEXTS (CASE, zmq_timers_set_interval, 1, 5)
    ON_CONTEXTS (CASE, zmq_timers_reset, 1)
    ON_CONTEXTS (CASE, zmq_timers_timeout)
    ON_CONTEXTS (CASE, zmq_timers_execute)
    CASE (zmq_timers_add, "", zmq_timers_add (zmq_timers_new (), 5, NULL, NULL))
    CASE (zmq_timers_cancel, "", zmq_timers_cancel (zmq_timers_new (), 5))
    CASE (zmq_timers_reset, "", zmq_timers_reset (zmq_timers_new (), 5))
    CASE (zmq_timers_set_interval, "", zmq_timers_set_interval (zmq_timers_new (), 5, 5))
    POINTER_CASE (zmq_z85_encode, "", zmq_z85_encode (bytes, (uint8_t *) zeros, 3))
    POINTER_CASE (zmq_z85_encode, "", zmq_z85_encode (NULL, (uint8_t *) zeros, 4))
    POINTER_CASE (zmq_z85_encode, "", zmq_z85_encode (bytes, NULL, 4))
    POINTER_CASE (zmq_z85_encode, "", zmq_z85_encode (bytes, NULL, 0))
    POINTER_CASE (zmq_z85_decode, "", zmq_z85_decode ((uint8_t *) bytes, "abcd"))
    POINTER_CASE (zmq_z85_decode, "", zmq_z85_decode ((uint8_t *) bytes, "ab\"de"))
    POINTER_CASE (zmq_z85_decode, "", zmq_z85_decode ((uint8_t *) bytes, ""))
    POINTER_CASE (zmq_z85_decode, "", zmq_z85_decode ((uint8_t *) bytes, NULL))
    POINTER_CASE (zmq_z85_decode, "", zmq_z85_decode (NULL, "abcde"))
    CASE (zmq_curve_keypair, "", zmq_curve_keypair (NULL, NULL))
    CASE (zmq_curve_public, "", zmq_curve_public (NULL, NULL))
    CASE (zmq_has, "lenient ", zmq_has (NULL))
    CASE (zmq_has, "", zmq_has (""))
    CASE (zmq_has, "", zmq_has ("nonsense"))
    CASE (zmq_has, "", zmq_has ("ipc"))
    POINTER_CASE (zmq_strerror, "", zmq_strerror (-1))
    POINTER_CASE (zmq_strerror, "", zmq_strerror (INT_MAX))
    CASE (zmq_version, "lenient ", (zmq_version (NULL, NULL, NULL), 0))
    CASE (zmq_atomic_counter_inc, "lenient ", zmq_atomic_counter_inc (NULL))
    CASE (zmq_atomic_counter_dec, "lenient ", zmq_atomic_counter_dec (NULL))
    CASE (zmq_atomic_counter_value, "lenient ", zmq_atomic_counter_value (NULL))
    CASE (zmq_atomic_counter_set, "lenient ", (zmq_atomic_counter_set (NULL, 1), 0))
    CASE (zmq_atomic_counter_destroy, "lenient ", (zmq_atomic_counter_destroy (NULL), 0))
    CASE (zmq_atomic_counter_destroy, "lenient ", (zmq_atomic_counter_destroy (&none), 0))
    CASE (zmq_stopwatch_intermediate, "lenient ", zmq_stopwatch_intermediate (NULL))
    CASE (zmq_stopwatch_stop, "lenient ", zmq_stopwatch_stop (NULL))
    CASE (zmq_threadclose, "lenient ", (zmq_threadclose (NULL), 0))
    CASE (zmq_sleep, "", (zmq_sleep (0), 0))
}

int main (void)
{
    in_children (contexts, NULL);
    in_children (sockets, NULL);
    in_children (messages, NULL);
    in_children (helpers, NULL);
    return 0;
}
