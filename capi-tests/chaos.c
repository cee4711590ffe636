/* Hostile callers: from a seed, threads make calls of all kinds on the same few
 * sockets, whose types, options, endpoints and monitors change under each other's
 * hands, and which each of them may close, while strangers say nonsense to what is
 * bound. Nobody cares for what a call answers; the process goes on, the context ends,
 * and what it had of the system is given back.
 *
 * libzmq's sockets are for one thread each: it has no part in this.
 *
 * CHAOS_SEED=n runs that one alone, CHAOS_COUNT=n so many in each test. */
#include "fixtures.h"
#include "raw.h"

enum { THREADS = 5, SOCKETS = 4, NAMES = 6, STEPS = 400 };

static const int all_types[] = {ZMQ_PAIR, ZMQ_PUB,    ZMQ_SUB,  ZMQ_REQ,
                                ZMQ_REP,  ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL,
                                ZMQ_PUSH, ZMQ_XPUB,   ZMQ_XSUB, ZMQ_STREAM};

static void *context;
/* Whoever puts another socket in a place closes the one that was there. */
static void *sockets[SOCKETS];
/* Endpoints that somebody has bound. */
static endpoint_t names[NAMES];
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;

struct caller
{
    pthread_t thread;
    unsigned random;
    zmq_msg_t kept;
};

static unsigned pick (struct caller *c, unsigned below)
{
    c->random = c->random * 1664525u + 1013904223u;
    return (c->random >> 8) % below;
}

static void *any_socket (struct caller *c)
{
    return __atomic_load_n (&sockets[pick (c, SOCKETS)], __ATOMIC_SEQ_CST);
}

static void put_socket (struct caller *c, void *s)
{
    void *old = __atomic_exchange_n (&sockets[pick (c, SOCKETS)], s, __ATOMIC_SEQ_CST);
    if (old)
        zmq_close (old);
}

static void open_another (struct caller *c)
{
    void *s = zmq_socket (context, all_types[pick (c, 12)]);
    if (!s)
        return;
    set_int (s, ZMQ_LINGER, (int) pick (c, 3));
    set_int (s, ZMQ_SNDTIMEO, 1);
    set_int (s, ZMQ_RCVTIMEO, 1);
    set_int (s, ZMQ_SNDHWM, (int) pick (c, 8));
    set_int (s, ZMQ_RCVHWM, (int) pick (c, 8));
    set_int (s, ZMQ_RECONNECT_IVL, 1);
    set_int (s, ZMQ_IMMEDIATE, (int) pick (c, 2));
    zmq_setsockopt (s, ZMQ_SUBSCRIBE, "", 0);
    put_socket (c, s);
}

static void any_name (struct caller *c, endpoint_t name)
{
    pthread_mutex_lock (&names_lock);
    memcpy (name, names[pick (c, NAMES)], sizeof (endpoint_t));
    pthread_mutex_unlock (&names_lock);
}

static void bind_somewhere (struct caller *c, void *s)
{
    endpoint_t name;
    unsigned place = pick (c, NAMES);
    if (place < 2)
        snprintf (name, sizeof name, "inproc://chaos-%u", place);
    else if (place < 4)
        snprintf (name, sizeof name, "ipc://%s/chaos-%u", folder, place);
    else
        strcpy (name, "tcp://127.0.0.1:*");
    size_t size = sizeof name;
    if (zmq_bind (s, name) != 0
        || zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, name, &size) != 0)
        return;
    pthread_mutex_lock (&names_lock);
    memcpy (names[place], name, sizeof name);
    pthread_mutex_unlock (&names_lock);
}

/* A stranger says something, sometimes with a good beginning, and goes. */
static void say_nonsense (struct caller *c)
{
    endpoint_t name;
    any_name (c, name);
    if (strncmp (name, "inproc", 6) == 0)
        return;
    int fd = raw_try_connect (name);
    if (fd < 0)
        return;
    unsigned char bytes[300];
    size_t size = pick (c, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char) pick (c, 256);
    if (pick (c, 2)) {
        make_greeting (bytes);
        if (pick (c, 2))
            make_ready (bytes + 64, pick (c, 2) ? "DEALER" : "SUB");
    }
    raw_write (fd, bytes, size);
    close (fd);
}

static void change_an_option (struct caller *c, void *s)
{
    static const int options[] = {
      ZMQ_LINGER,           ZMQ_SNDHWM,           ZMQ_RCVHWM,
      ZMQ_IMMEDIATE,        ZMQ_CONFLATE,         ZMQ_ROUTER_MANDATORY,
      ZMQ_ROUTER_HANDOVER,  ZMQ_PROBE_ROUTER,     ZMQ_REQ_RELAXED,
      ZMQ_REQ_CORRELATE,    ZMQ_XPUB_VERBOSE,     ZMQ_XPUB_MANUAL,
      ZMQ_XPUB_NODROP,      ZMQ_INVERT_MATCHING,  ZMQ_PLAIN_SERVER,
      ZMQ_HEARTBEAT_IVL,    ZMQ_HANDSHAKE_IVL,    ZMQ_MAXMSGSIZE,
      ZMQ_STREAM_NOTIFY,    ZMQ_ROUTER_RAW};
    switch (pick (c, 6)) {
        case 0: zmq_setsockopt (s, ZMQ_SUBSCRIBE, "topic", pick (c, 6)); break;
        case 1: zmq_setsockopt (s, ZMQ_UNSUBSCRIBE, "topic", pick (c, 6)); break;
        case 2: zmq_setsockopt (s, ZMQ_ROUTING_ID, "name", 1 + pick (c, 4)); break;
        case 3: zmq_setsockopt (s, ZMQ_XPUB_WELCOME_MSG, "hi", pick (c, 3)); break;
        default: set_int (s, options[pick (c, 20)], (int) pick (c, 3));
    }
    /* For the calls that follow, which may block. */
    set_int (s, ZMQ_LINGER, 0);
}

static void read_an_option (struct caller *c, void *s)
{
    static const int options[] = {ZMQ_EVENTS, ZMQ_FD, ZMQ_RCVMORE, ZMQ_LAST_ENDPOINT,
                                  ZMQ_TYPE, ZMQ_SNDHWM, ZMQ_MECHANISM};
    char value[256];
    size_t size = sizeof value;
    int option = options[pick (c, 7)];
    if (option != ZMQ_LAST_ENDPOINT)
        size = sizeof (int);
    zmq_getsockopt (s, option, value, &size);
}

static void send_something (struct caller *c, void *s)
{
    static const char body[20000];
    static const size_t sizes[] = {0, 1, 40, 41, 300, 20000};
    for (unsigned n = pick (c, 8); n > 0; n--) {
        int flags = pick (c, 4) ? ZMQ_DONTWAIT : 0;
        if (pick (c, 4) == 0)
            flags |= ZMQ_SNDMORE;
        if (pick (c, 4))
            zmq_send (s, body, sizes[pick (c, 6)], flags);
        else {
            zmq_msg_t msg;
            zmq_msg_init (&msg);
            zmq_msg_copy (&msg, &c->kept);
            if (zmq_msg_send (&msg, s, flags) < 0)
                zmq_msg_close (&msg);
        }
    }
}

static void receive_something (struct caller *c, void *s)
{
    char byte;
    for (unsigned n = pick (c, 8); n > 0; n--) {
        int flags = pick (c, 4) ? ZMQ_DONTWAIT : 0;
        if (pick (c, 2))
            zmq_recv (s, &byte, 1, flags);
        else
            zmq_msg_recv (&c->kept, s, flags);
    }
}

static void poll_them (struct caller *c)
{
    zmq_pollitem_t items[SOCKETS + 1];
    int count = 0;
    for (int i = 0; i < SOCKETS; i++)
        if ((items[count].socket = any_socket (c)))
            items[count++].events = (short) (1 + pick (c, 3));
    items[count++] = (zmq_pollitem_t) {NULL, 0, ZMQ_POLLIN, 0};
    zmq_poll (items, count - (int) pick (c, 2), (long) pick (c, 3));
}

static void watch_it (struct caller *c, void *s)
{
    endpoint_t name;
    snprintf (name, sizeof name, "inproc://watch-%u", pick (c, 2));
    if (zmq_socket_monitor (s, pick (c, 4) ? name : NULL, ZMQ_EVENT_ALL) != 0)
        return;
    void *pair = zmq_socket (context, ZMQ_PAIR);
    if (!pair)
        return;
    zmq_connect (pair, name);
    set_int (pair, ZMQ_RCVTIMEO, 1);
    receive_something (c, pair);
    zmq_close (pair);
}

static void step (struct caller *c)
{
    endpoint_t name;
    void *s = any_socket (c);
    switch (s ? pick (c, 40) : 0) {
        case 0 ... 1: open_another (c); break;
        case 2: put_socket (c, NULL); break;
        /* One that others are at, too, and may close as well. */
        case 3: zmq_close (s); break;
        case 4 ... 6: bind_somewhere (c, s); break;
        case 7 ... 12: any_name (c, name), zmq_connect (s, name); break;
        case 13: any_name (c, name), zmq_disconnect (s, name); break;
        case 14: any_name (c, name), zmq_unbind (s, name); break;
        case 15 ... 17: change_an_option (c, s); break;
        case 18 ... 20: read_an_option (c, s); break;
        case 21 ... 22: poll_them (c); break;
        case 23: watch_it (c, s); break;
        case 24 ... 25: say_nonsense (c); break;
        case 26 ... 32: send_something (c, s); break;
        default: receive_something (c, s);
    }
}

static void *call_on (void *arg)
{
    struct caller *c = arg;
    zmq_msg_init (&c->kept);
    for (int i = 0; i < STEPS / (sanitized () ? 4 : 1); i++)
        step (c);
    zmq_msg_close (&c->kept);
    return NULL;
}

static int ended;

/* Passes on between whatever is there, until the context ends. */
static void *proxy_on (void *arg)
{
    struct caller *c = arg;
    while (!__atomic_load_n (&ended, __ATOMIC_SEQ_CST)) {
        void *capture = pick (c, 2) ? any_socket (c) : NULL;
        zmq_proxy (any_socket (c), any_socket (c), capture);
        sched_yield ();
    }
    return NULL;
}

static void *term_too (void *arg)
{
    zmq_ctx_term (arg);
    return NULL;
}

/* In a process of its own. */
static void run_chaos (unsigned seed)
{
    struct caller callers[THREADS];
    start_sanitizer ();
    int fds = count_fds (), threads = count_threads ();
    for (int i = 0; i < NAMES; i++)
        strcpy (names[i], i < 2 ? "inproc://chaos-0" : "tcp://127.0.0.1:1");
    context = zmq_ctx_new ();
    zmq_ctx_set (context, ZMQ_IO_THREADS, 1 + (int) seed % 3);
    for (int i = 0; i < THREADS; i++) {
        callers[i].random = seed * 31 + (unsigned) i * 7919;
        REQUIRE (pthread_create (&callers[i].thread, NULL, call_on, &callers[i]) == 0);
    }
    /* In every other one the end comes amid all that, which ends a proxy, too. */
    struct caller proxy = {.random = seed};
    if (seed % 2) {
        REQUIRE (pthread_create (&proxy.thread, NULL, proxy_on, &proxy) == 0);
        usleep (1000 * (seed % 16));
        CHECK_OK (zmq_ctx_shutdown (context));
        __atomic_store_n (&ended, 1, __ATOMIC_SEQ_CST);
        pthread_join (proxy.thread, NULL);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join (callers[i].thread, NULL);
    pthread_t other;
    REQUIRE (pthread_create (&other, NULL, term_too, context) == 0);
    for (int i = 0; i < SOCKETS; i++)
        if (sockets[i])
            zmq_close (sockets[i]);
    int rc = zmq_ctx_term (context);
    CHECK (rc == 0 || errno == EFAULT);
    pthread_join (other, NULL);
    /* The kernel lists a thread for a moment after it was joined. */
    CHECK_BECOMES (count_threads () == threads);
    CHECK_INT (count_fds (), fds);
}

static void run_many (unsigned first)
{
    if (on_oracle ())
        return;
    const char *seed = getenv ("CHAOS_SEED"), *count = getenv ("CHAOS_COUNT");
    unsigned runs = sanitized () ? 15 : 40;
    if (count)
        runs = (unsigned) atoi (count);
    if (seed)
        first = (unsigned) atoi (seed), runs = 1;
    check_counts->unlimited = 1; /* each has an alarm */
    for (unsigned n = first; n < first + runs; n++) {
        fflush (stdout);
        pid_t child = fork ();
        if (child == 0) {
            alarm (20 * (unsigned) slowness ());
            run_chaos (n);
            bool leaks = __lsan_do_recoverable_leak_check
                         && __lsan_do_recoverable_leak_check ();
            fflush (stdout);
            _exit (leaks ? CHECK_LEAKS : 0);
        }
        int status = -1;
        while (waitpid (child, &status, 0) < 0 && errno == EINTR)
            ;
        if (status != 0)
            printf ("chaos %u: status %x\n", n, (unsigned) status);
        CHECK_INT (status, 0);
    }
}

TEST (any_calls_by_any_threads_1) { run_many (1); }
TEST (any_calls_by_any_threads_2) { run_many (1001); }
TEST (any_calls_by_any_threads_3) { run_many (2001); }

/* ---- timers ---- */

static void *timers;

static void on_timer (int id, void *arg)
{
    (void) arg;
    zmq_timers_reset (timers, id);
}

static void *use_timers (void *arg)
{
    struct caller *c = arg;
    for (int i = 0; i < 600; i++) {
        int id = 1 + (int) pick (c, 60);
        switch (pick (c, 8)) {
            case 0 ... 1: zmq_timers_add (timers, pick (c, 3), on_timer, NULL); break;
            case 2: zmq_timers_cancel (timers, id); break;
            case 3: zmq_timers_set_interval (timers, id, pick (c, 3)); break;
            case 4: zmq_timers_reset (timers, id); break;
            case 5: zmq_timers_timeout (timers); break;
            default: zmq_timers_execute (timers);
        }
    }
    return NULL;
}

TEST (timers_by_any_threads)
{
    if (on_oracle ())
        return;
    struct caller callers[THREADS];
    for (int round = 0; round < 8; round++) {
        timers = zmq_timers_new ();
        for (int i = 0; i < THREADS; i++) {
            callers[i].random = (unsigned) (round * 100 + i);
            REQUIRE (pthread_create (&callers[i].thread, NULL, use_timers, &callers[i])
                     == 0);
        }
        void *mine = timers;
        if (round % 2) {
            usleep (300);
            CHECK_OK (zmq_timers_destroy (&mine));
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join (callers[i].thread, NULL);
        if (mine)
            CHECK_OK (zmq_timers_destroy (&mine));
    }
}

MAIN
