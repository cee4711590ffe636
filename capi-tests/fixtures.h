/* fixtures.h - what several topics' tests need beside check.h: endpoints,
 * pairs of connected sockets, threads that can be seen to block, signals that
 * keep coming until they were noticed; and, from raw.h, raw peers that speak
 * bytes.
 */
#ifndef FERROZMQ_FIXTURES_H
#define FERROZMQ_FIXTURES_H

#include "check.h"
#include "raw.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* ---- sockets and endpoints ---- */

/* A socket that does not keep its context alive and whose calls end with
 * EAGAIN rather than block for ever. */
FIXTURE void *new_socket (void *context, int type)
{
    void *s = zmq_socket (context, type);
    REQUIRE (s != NULL);
    int linger = 0, timeout = AMPLE_MS;
    CHECK_OK (zmq_setsockopt (s, ZMQ_LINGER, &linger, sizeof linger));
    CHECK_OK (zmq_setsockopt (s, ZMQ_RCVTIMEO, &timeout, sizeof timeout));
    CHECK_OK (zmq_setsockopt (s, ZMQ_SNDTIMEO, &timeout, sizeof timeout));
    return s;
}

/* The context of tests that need just one, and their usual end. */
static void *ctx __attribute__ ((unused));

FIXTURE void begin (void) { REQUIRE ((ctx = zmq_ctx_new ()) != NULL); }

FIXTURE void end (void *a, void *b)
{
    CHECK_OK (zmq_close (a));
    if (b)
        CHECK_OK (zmq_close (b));
    CHECK_OK (zmq_ctx_term (ctx));
}

FIXTURE int set_int (void *s, int option, int value)
{
    return zmq_setsockopt (s, option, &value, sizeof value);
}

FIXTURE int get_int (void *s, int option)
{
    int value = -12345;
    size_t size = sizeof value;
    if (zmq_getsockopt (s, option, &value, &size) != 0)
        return -1;
    return value;
}

FIXTURE void last_endpoint (void *s, endpoint_t endpoint)
{
    size_t size = sizeof (endpoint_t);
    endpoint[0] = 0;
    CHECK_OK (zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, endpoint, &size));
}

/* A folder for the program's ipc sockets, gone when the program ends. */
static char folder[32] = "/tmp/ferrozmq-XXXXXX";
static pid_t folder_owner;

__attribute__ ((constructor)) static void make_folder (void)
{
    if (mkdtemp (folder))
        folder_owner = getpid ();
}

__attribute__ ((destructor)) static void remove_folder (void)
{
    if (getpid () != folder_owner)
        return;
    DIR *d = opendir (folder);
    for (struct dirent *e; d && (e = readdir (d));)
        if (e->d_name[0] != '.')
            unlinkat (dirfd (d), e->d_name, 0);
    if (d)
        closedir (d);
    rmdir (folder);
}

/* Binds and tells where: "tcp" and "ipc" to an address of their own, anything
 * else as it stands. */
FIXTURE void bind_to (void *s, const char *where, endpoint_t endpoint)
{
    static int ipc_paths;
    endpoint_t path;
    if (strcmp (where, "tcp") == 0)
        where = "tcp://127.0.0.1:*";
    else if (strcmp (where, "ipc") == 0) {
        snprintf (path, sizeof path, "ipc://%s/%d-%d", folder, getpid (),
                  ipc_paths++);
        where = path;
    }
    REQUIRE (zmq_bind (s, where) == 0);
    last_endpoint (s, endpoint);
}

/* Two sockets that are known to be connected when the types allow to show it:
 * the second one binds. */
FIXTURE void connect_pair (void *context, const char *where, int type_a, void **a,
                           int type_b, void **b)
{
    endpoint_t endpoint;
    *a = new_socket (context, type_a);
    *b = new_socket (context, type_b);
    bind_to (*b, where, endpoint);
    REQUIRE (zmq_connect (*a, endpoint) == 0);
}

/* Receives one message part and compares it with a string. */
#define CHECK_RECV(SOCKET, TEXT)                                               \
    do {                                                                       \
        char body_[256] = {0};                                                 \
        int size_ = zmq_recv (SOCKET, body_, sizeof body_ - 1, 0);             \
        CHECK_INT (size_, strlen (TEXT));                                      \
        CHECK_STR (body_, TEXT);                                               \
    } while (0)

#define CHECK_SEND(SOCKET, TEXT, FLAGS)                                        \
    CHECK_INT (zmq_send (SOCKET, TEXT, strlen (TEXT), FLAGS), strlen (TEXT))

/* ---- what the process holds ---- */

/* The thread sanitizer, if it is there, has a thread of its own, which starts
 * with the first one of the process: it is to be counted from the beginning. */
FIXTURE void *thread_nothing (void *arg)
{
    *(int *) arg = (int) syscall (SYS_gettid);
    return NULL;
}

FIXTURE void start_sanitizer (void)
{
    static pid_t started_in;
    if (!__tsan_init || started_in == getpid ())
        return;
    started_in = getpid ();
    pthread_t thread;
    int tid = 0;
    char path[64];
    REQUIRE (pthread_create (&thread, NULL, thread_nothing, &tid) == 0);
    REQUIRE (pthread_join (thread, NULL) == 0);
    snprintf (path, sizeof path, "/proc/self/task/%d", tid);
    while (access (path, F_OK) == 0)
        sched_yield ();
}

FIXTURE int count_entries (const char *folder)
{
    start_sanitizer ();
    DIR *d = opendir (folder);
    int n = 0;
    for (struct dirent *e; d && (e = readdir (d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir (d);
    return n;
}

FIXTURE int count_threads (void) { return count_entries ("/proc/self/task"); }

/* Open fds, the one that reads the folder not counted. */
FIXTURE int count_fds (void) { return count_entries ("/proc/self/fd") - 1; }

FIXTURE double cpu_seconds (void)
{
    struct rusage u;
    getrusage (RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec
           + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* Whether so long a time passes without any work. For CHECK_BECOMES: on a busy machine
 * what came before may still be under way, while what spins never rests. */
FIXTURE int rests_for_ms (int ms)
{
    double before = cpu_seconds ();
    sleep_ms (ms);
    return cpu_seconds () - before < 0.01;
}

/* ---- threads ---- */

/* One library call made on a thread of its own. */
struct call
{
    void *(*body) (struct call *);
    void *a, *b;
    int rc, err;
    pthread_t thread;
    volatile int tid, done;
};

FIXTURE void *call_run (void *arg)
{
    struct call *c = arg;
    __atomic_store_n (&c->tid, (int) syscall (SYS_gettid), __ATOMIC_SEQ_CST);
    c->body (c);
    __atomic_store_n (&c->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

FIXTURE void call_start (struct call *c, void *(*body) (struct call *), void *a,
                         void *b)
{
    memset (c, 0, sizeof *c);
    c->body = body;
    c->a = a;
    c->b = b;
    REQUIRE (pthread_create (&c->thread, NULL, call_run, c) == 0);
}

FIXTURE void call_join (struct call *c)
{
    REQUIRE (pthread_join (c->thread, NULL) == 0);
}

/* The thread sleeps in the kernel (or has ended). */
FIXTURE bool thread_sleeps (int tid)
{
    char path[64], line[512], *state;
    snprintf (path, sizeof path, "/proc/self/task/%d/stat", tid);
    FILE *f = fopen (path, "r");
    if (!f)
        return true;
    bool sleeps = fgets (line, sizeof line, f) && (state = strrchr (line, ')'))
                  && state[1] && state[2] == 'S';
    fclose (f);
    return sleeps;
}

/* Waits until the call is blocked: asleep each time it is looked at for a
 * while. */
FIXTURE void call_wait_blocked (struct call *c)
{
    int seen = 0;
    for (long long end = now_ms () + AMPLE_MS; seen < 5 && now_ms () < end;) {
        int tid = __atomic_load_n (&c->tid, __ATOMIC_SEQ_CST);
        seen = tid && thread_sleeps (tid) ? seen + 1 : 0;
        sleep_ms (4);
    }
    CHECK (!c->done);
}

FIXTURE void *body_recv (struct call *c)
{
    char byte;
    c->rc = zmq_recv (c->a, &byte, 1, 0);
    c->err = errno;
    return NULL;
}

FIXTURE void *body_send (struct call *c)
{
    c->rc = zmq_send (c->a, "x", 1, 0);
    c->err = errno;
    return NULL;
}

FIXTURE void *body_poll (struct call *c)
{
    zmq_pollitem_t item = {c->a, 0, ZMQ_POLLIN, 0};
    c->rc = zmq_poll (&item, 1, -1);
    c->err = errno;
    return NULL;
}

FIXTURE void *body_term (struct call *c)
{
    c->rc = zmq_ctx_term (c->a);
    c->err = errno;
    return NULL;
}

FIXTURE void *body_proxy (struct call *c)
{
    c->rc = zmq_proxy (c->a, c->b, NULL);
    c->err = errno;
    return NULL;
}

/* ---- signals ---- */

static volatile sig_atomic_t signals_seen __attribute__ ((unused));

FIXTURE void note_signal (int number)
{
    (void) number;
    signals_seen++;
}

FIXTURE void catch_signal (int number, int flags)
{
    struct sigaction action = {.sa_handler = note_signal, .sa_flags = flags};
    sigemptyset (&action.sa_mask);
    REQUIRE (sigaction (number, &action, NULL) == 0);
}

struct pest
{
    pthread_t thread, target;
    volatile int stop;
};

FIXTURE void *pest_run (void *arg)
{
    struct pest *p = arg;
    while (!__atomic_load_n (&p->stop, __ATOMIC_SEQ_CST)) {
        sleep_ms (20);
        if (!__atomic_load_n (&p->stop, __ATOMIC_SEQ_CST))
            pthread_kill (p->target, SIGUSR1);
    }
    return NULL;
}

/* Sends SIGUSR1 to the calling thread every 20 ms until stopped: sooner or
 * later one arrives while it blocks, whenever that begins. */
FIXTURE void pest_start (struct pest *p)
{
    p->target = pthread_self ();
    p->stop = 0;
    REQUIRE (pthread_create (&p->thread, NULL, pest_run, p) == 0);
}

FIXTURE void pest_stop (struct pest *p)
{
    __atomic_store_n (&p->stop, 1, __ATOMIC_SEQ_CST);
    pthread_join (p->thread, NULL);
}

#endif
