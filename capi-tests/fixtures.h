/* fixtures.h - what several topics' tests need beside check.h: endpoints,
 * pairs of connected sockets, threads that can be seen to block, signals that
 * keep coming until they were noticed, and raw peers that speak bytes.
 */
#ifndef FERROZMQ_FIXTURES_H
#define FERROZMQ_FIXTURES_H

#include "check.h"
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

#define FIXTURE static inline __attribute__ ((unused))

typedef char endpoint_t[256];

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
 * with the first one of the process, and a program that names functions, with
 * pipes that lead to it, from the first report that is suppressed: both are to
 * be counted from the beginning. */
__attribute__ ((weak)) void __tsan_init (void);
__attribute__ ((weak)) void
__sanitizer_symbolize_pc (void *pc, const char *format, char *out, size_t size);

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
    char path[64], name[64];
    REQUIRE (pthread_create (&thread, NULL, thread_nothing, &tid) == 0);
    REQUIRE (pthread_join (thread, NULL) == 0);
    snprintf (path, sizeof path, "/proc/self/task/%d", tid);
    while (access (path, F_OK) == 0)
        sched_yield ();
    __sanitizer_symbolize_pc (__builtin_return_address (0), "%f", name,
                              sizeof name);
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

/* ---- raw peers ---- */

/* Tries once to reach a tcp or ipc endpoint. */
FIXTURE int raw_try_connect (const char *endpoint)
{
    int fd;
    if (strncmp (endpoint, "tcp://", 6) == 0) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        in.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
        in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect (fd, (void *) &in, sizeof in) == 0) {
            int on = 1;
            setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return fd;
        }
    } else {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        strncpy (un.sun_path, endpoint + 6, sizeof un.sun_path - 1);
        fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect (fd, (void *) &un, sizeof un) == 0)
            return fd;
    }
    if (fd >= 0)
        close (fd);
    return -1;
}

FIXTURE int raw_connect (const char *endpoint)
{
    int fd = raw_try_connect (endpoint);
    REQUIRE (fd >= 0);
    return fd;
}

/* Listens on a port of its own and names it. */
FIXTURE int raw_listen (endpoint_t endpoint)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE (fd >= 0 && bind (fd, (void *) &in, sizeof in) == 0
             && listen (fd, 64) == 0
             && getsockname (fd, (void *) &in, &size) == 0);
    snprintf (endpoint, sizeof (endpoint_t), "tcp://127.0.0.1:%d",
              ntohs (in.sin_port));
    return fd;
}

/* Writes all of it; false when the peer is gone. */
FIXTURE bool raw_write (int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send (fd, (const char *) data + done, size - done,
                          MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t) n;
    }
    return true;
}

/* Reads all of it; false at the end of the stream or after AMPLE_MS. */
FIXTURE bool raw_read (int fd, void *data, size_t size)
{
    long long end = now_ms () + AMPLE_MS;
    for (size_t done = 0; done < size;) {
        struct pollfd item = {fd, POLLIN, 0};
        long long left = end - now_ms ();
        if (left <= 0 || poll (&item, 1, (int) left) < 0)
            return false;
        ssize_t n = item.revents ? recv (fd, (char *) data + done, size - done,
                                         0)
                                 : 0;
        if (n <= 0)
            return false;
        done += (size_t) n;
    }
    return true;
}

/* The peer ends the connection: whatever it still says is read and ignored. */
FIXTURE bool raw_is_closed (int fd)
{
    char sink[4096];
    for (long long end = now_ms () + AMPLE_MS, left;
         (left = end - now_ms ()) > 0;) {
        struct pollfd item = {fd, POLLIN, 0};
        if (poll (&item, 1, (int) left) > 0 && recv (fd, sink, sizeof sink, 0) <= 0)
            return true;
    }
    return false;
}

/* The 64 bytes of a ZMTP 3.0 greeting with the NULL mechanism. */
FIXTURE void make_greeting (unsigned char greeting[64])
{
    memset (greeting, 0, 64);
    greeting[0] = 0xff;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    memcpy (greeting + 12, "NULL", 4);
}

/* A READY command that names the socket type; returns its size. */
FIXTURE size_t make_ready (unsigned char *to, const char *type)
{
    size_t n = strlen (type), body = 6 + 1 + 11 + 4 + n;
    to[0] = 4;
    to[1] = (unsigned char) body;
    memcpy (to + 2, "\5READY\13Socket-Type\0\0\0", 21);
    to[23] = (unsigned char) n;
    memcpy (to + 24, type, n);
    return body + 2;
}

/* Completes the handshake as a peer of the given type. */
FIXTURE bool raw_handshake (int fd, const char *type)
{
    unsigned char mine[128], theirs[256];
    make_greeting (mine);
    if (!raw_write (fd, mine, 64) || !raw_read (fd, theirs, 64))
        return false;
    if (!raw_write (fd, mine, make_ready (mine, type)))
        return false;
    return raw_read (fd, theirs, 2) && theirs[0] == 4
           && raw_read (fd, theirs + 2, theirs[1])
           && memcmp (theirs + 2, "\5READY", 6) == 0;
}

/* Sends one short message frame. */
FIXTURE bool raw_send_frame (int fd, const char *text)
{
    unsigned char head[2] = {0, (unsigned char) strlen (text)};
    return raw_write (fd, head, 2) && raw_write (fd, text, strlen (text));
}

#endif
