/* One connection that is always answered keeps nobody else waiting: while a thread and
 * its peer A answer each other as fast as they can, others of the same I/O thread are
 * heard, let in, asked for a sign of life, given up and connected to. */
#include "raw.h"
#include "zmtp.h"
#include <pthread.h>
#include <sched.h>

enum { HEARTBEAT_MS = 50, RECONNECT_MS = 30, ROUNDS = 5 };

/* What is due happens within so many answers to A, or so long a time: whichever is
 * later, since the system may let any of these threads rest. */
enum { ANSWERS = 1000, GRACE_MS = 200 };

/* --- A, and the thread that answers it --- */

static int answered, over;

static int so_far (void) { return __atomic_load_n (&answered, __ATOMIC_SEQ_CST); }

/* A request as a REP wants it: an empty frame, and one byte. */
static void ask_for (int fd, char body)
{
    peer_write (fd, (char[5]) {1, 0, 0, 1, body}, 5);
}

/* The byte of the next answer; 0 when none comes. Where there is more than one core the
 * thread looks for it for a while before it sleeps, so that the next request follows at
 * once: what the library leaves out of its work then is what this is about. */
static int next_answer (int fd)
{
    char frames[5];
    cpu_set_t cores;
    MUST (sched_getaffinity (0, sizeof cores, &cores) == 0);
    for (int looks = CPU_COUNT (&cores) > 1 ? 1000 : 0; looks > 0; looks--)
        if (recv (fd, frames, 5, MSG_PEEK | MSG_DONTWAIT) == 5)
            break;
    return peer_read (fd, frames, 5) && memcmp (frames, "\1\0\0\1", 4) == 0 ? frames[4] : 0;
}

static int peer_at (const char *endpoint)
{
    int fd = raw_connect (endpoint);
    peer_handshake (fd, 1, "REQ");
    return fd;
}

/* A: raw, so that its end is the same with both libraries. */
static void *ask (void *fd)
{
    int a = *(int *) fd;
    do {
        ask_for (a, 'a');
        if (next_answer (a) != 'a')
            return NULL;
        __atomic_add_fetch (&answered, 1, __ATOMIC_SEQ_CST);
    } while (!__atomic_load_n (&over, __ATOMIC_SEQ_CST));
    ask_for (a, 'z');
    return NULL;
}

/* Sends back what has come, if anything has; its last byte, else 0. */
static char echo (void *socket, int flags)
{
    char frames[3][255];
    int sizes[3], last = 0;
    while ((sizes[last] = zmq_recv (socket, frames[last], sizeof frames[0], flags)) >= 0
           && int_option (socket, ZMQ_RCVMORE))
        MUST (++last < 3);
    if (sizes[last] < 0)
        return 0;
    for (int i = 0; i <= last; i++)
        MUST (zmq_send (socket, frames[i], (size_t) sizes[i], i < last ? ZMQ_SNDMORE : 0)
              == sizes[i]);
    return frames[last][0];
}

/* Until it was a "z". */
static void *answer (void *socket)
{
    char body;
    do
        MUST ((body = echo (socket, 0)));
    while (body != 'z');
    return NULL;
}

/* --- what is due meanwhile --- */

/* The socket that it is due to: the one that answers A, or another of its context, which
 * a thread waits for, or nobody. */
enum whose { THE_SAME, ANOTHER, UNATTENDED };

static struct
{
    enum whose whose;
    void *socket;
    const char *endpoint; /* without heartbeats */
    int b, d, listener;
} beside;

struct moment
{
    long long ms;
    int answered;
};

static struct moment moment (void) { return (struct moment) {now_ms (), so_far ()}; }

/* It has happened by now, and A is answered all the while. */
static void check_prompt (const char *what, struct moment since, int due_ms)
{
    long long late_ms = now_ms () - since.ms - due_ms;
    int answers = so_far () - since.answered;
    char extra[128];
    snprintf (extra, sizeof extra, ": %d answers and %lld ms late", answers, late_ms);
    check_report (answers <= ANSWERS || late_ms <= GRACE_MS * slowness (), __FILE__,
                  __LINE__, what, extra);
    CHECK_BECOMES (so_far () > since.answered + 10);
}

/* A single message. */
static void check_heard (void)
{
    struct moment since = moment ();
    ask_for (beside.b, 'b');
    if (beside.whose == UNATTENDED)
        CHECK_BECOMES (echo (beside.socket, ZMQ_DONTWAIT) == 'b');
    CHECK_INT (next_answer (beside.b), 'b');
    check_prompt ("B is heard", since, 0);
}

static void check_let_in (void)
{
    struct moment since = moment ();
    close (peer_at (beside.endpoint));
    check_prompt ("C is let in", since, 0);
}

/* D says nothing of itself, but answers. */
static void check_asked (void)
{
    struct moment since = moment ();
    CHECK (strncmp (peer_next (beside.d), "4:%04PING", 9) == 0);
    check_prompt ("D is asked for a sign of life", since, HEARTBEAT_MS);
    peer_command (beside.d, "PONG", "");
}

/* E says nothing at all. */
static void check_given_up (const char *endpoint)
{
    char byte[64];
    int e = peer_at (endpoint);
    struct moment since = moment ();
    while (peer_read (e, byte, 1))
        ;
    check_prompt ("E is given up", since, 2 * HEARTBEAT_MS);
    close (e);
}

/* libzmq waits for up to twice the interval. */
static void check_connected (void)
{
    struct moment since = moment ();
    close (peer_accept (beside.listener, 1, "REQ"));
    check_prompt ("the next attempt to connect", since, 2 * RECONNECT_MS);
}

/* --- all of it --- */

/* Binds anew, with heartbeats that may be answered as late as that. */
static const char *bind_with_heartbeats (enum transport transport, int timeout_ms)
{
    CHECK_OK (set_int (beside.socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS));
    CHECK_OK (set_int (beside.socket, ZMQ_HEARTBEAT_TIMEOUT, timeout_ms));
    return bind_any (beside.socket, transport);
}

/* Connects to where nobody listens yet. */
static void connect_in_vain (void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    char endpoint[64];
    beside.listener = socket (AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    MUST (bind (beside.listener, (void *) &address, size) == 0
          && getsockname (beside.listener, (void *) &address, &size) == 0);
    sprintf (endpoint, "tcp://127.0.0.1:%d", ntohs (address.sin_port));
    CHECK_OK (set_int (beside.socket, ZMQ_RECONNECT_IVL, RECONNECT_MS));
    CHECK_OK (zmq_connect (beside.socket, endpoint));
}

static void check_fairness (enum transport transport, int type, enum whose whose)
{
    pthread_t asking, answering, another;
    const char *endpoint;
    void *socket = bound_socket (type, transport, &endpoint);
    int a = peer_at (endpoint);
    beside.whose = whose;
    beside.socket = socket;
    if (whose != THE_SAME)
        beside.socket = bound_socket (type, transport, &endpoint);
    beside.endpoint = endpoint;
    beside.b = peer_at (endpoint);
    connect_in_vain ();
    const char *short_lived = bind_with_heartbeats (transport, HEARTBEAT_MS);
    const char *long_lived = bind_with_heartbeats (transport, WAIT_MS);

    MUST (pthread_create (&answering, NULL, answer, socket) == 0);
    if (whose == ANOTHER)
        MUST (pthread_create (&another, NULL, answer, beside.socket) == 0);
    MUST (pthread_create (&asking, NULL, ask, &a) == 0);
    CHECK_BECOMES (so_far () > ANSWERS);

    beside.d = peer_at (long_lived);
    MUST (listen (beside.listener, 8) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        check_connected ();
        check_heard ();
        check_asked ();
        check_let_in ();
    }
    check_given_up (short_lived);

    __atomic_store_n (&over, 1, __ATOMIC_SEQ_CST);
    if (whose == ANOTHER) {
        ask_for (beside.b, 'z');
        pthread_join (another, NULL);
    }
    pthread_join (asking, NULL);
    pthread_join (answering, NULL);
    close (beside.listener);
    close (beside.b);
    close (beside.d);
    close (a);
}

STORY_ON_NETWORK_TRANSPORTS (others_of_the_same_rep)
{
    check_fairness (transport, ZMQ_REP, THE_SAME);
}

STORY_ON_NETWORK_TRANSPORTS (others_of_a_rep_that_a_thread_waits_for)
{
    check_fairness (transport, ZMQ_REP, ANOTHER);
}

STORY_ON_NETWORK_TRANSPORTS (others_of_a_rep_that_nobody_waits_for)
{
    check_fairness (transport, ZMQ_REP, UNATTENDED);
}

STORY_ON_NETWORK_TRANSPORTS (others_of_the_same_router)
{
    check_fairness (transport, ZMQ_ROUTER, THE_SAME);
}

STORY_ON_NETWORK_TRANSPORTS (others_of_a_router_that_a_thread_waits_for)
{
    check_fairness (transport, ZMQ_ROUTER, ANOTHER);
}

STORY_ON_NETWORK_TRANSPORTS (others_of_a_router_that_nobody_waits_for)
{
    check_fairness (transport, ZMQ_ROUTER, UNATTENDED);
}

MAIN
