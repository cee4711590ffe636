/* What the benchmark programs share: checked calls, clocks, processor time,
 * peers in processes of their own, and the way results are printed.
 *
 * A program forks its peers before it touches the library, so that each cell
 * is one command, and both ends run on the same library. Results are lines
 * "name value" on stdout; run.py reads them. */
#ifndef BENCH_H
#define BENCH_H

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#define UNUSED_FUNCTION __attribute__ ((unused))

/* No run may last longer: the default action of SIGALRM ends it. */
enum { WATCHDOG_SECONDS = 40, ENDPOINT_SIZE = 256 };

/* The number that marks messages which only prove that a path is open. */
static const uint64_t SYNC = UINT64_MAX;

/* Whoever started this process waits for messages that would never come. */
static pid_t waiting_parent;

UNUSED_FUNCTION static void give_up (void)
{
    if (waiting_parent != 0)
        kill (waiting_parent, SIGTERM);
    exit (EXIT_FAILURE);
}

UNUSED_FUNCTION static void fail (const char *file, int line, const char *what)
{
    fprintf (stderr, "%s:%d: %s: %s\n", file, line, what,
             zmq_strerror (zmq_errno ()));
    give_up ();
}

#define CHECK(condition) \
    do { \
        if (!(condition)) \
            fail (__FILE__, __LINE__, #condition); \
    } while (0)

UNUSED_FUNCTION static double now_s (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

UNUSED_FUNCTION static double cpu_of (const struct rusage *used)
{
    return (double) (used->ru_utime.tv_sec + used->ru_stime.tv_sec)
           + (double) (used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
}

/* Processor seconds of this process and of its peers that have ended. */
UNUSED_FUNCTION static double cpu_s (void)
{
    struct rusage own, peers;
    CHECK (getrusage (RUSAGE_SELF, &own) == 0);
    CHECK (getrusage (RUSAGE_CHILDREN, &peers) == 0);
    return cpu_of (&own) + cpu_of (&peers);
}

UNUSED_FUNCTION static void result (const char *name, double value)
{
    printf ("%s %.6g\n", name, value);
    fflush (stdout);
}

/* The argument at `index`; usage errors are the driver's own. */
UNUSED_FUNCTION static const char *text_arg (int argc, char **argv, int index)
{
    if (index >= argc) {
        fprintf (stderr, "%s: argument %d is missing\n", argv[0], index);
        exit (EXIT_FAILURE);
    }
    return argv[index];
}

UNUSED_FUNCTION static long
number_arg (int argc, char **argv, int index, long least)
{
    char *end;
    long value = strtol (text_arg (argc, argv, index), &end, 10);
    if (*end != '\0' || value < least) {
        fprintf (stderr, "%s: argument %d must be a number from %ld\n", argv[0],
                 index, least);
        exit (EXIT_FAILURE);
    }
    return value;
}

UNUSED_FUNCTION static bool same (const char *left, const char *right)
{
    return strcmp (left, right) == 0;
}

/* --- sockets --- */

UNUSED_FUNCTION static void *open_context (void)
{
    void *context = zmq_ctx_new ();
    CHECK (context != NULL);
    return context;
}

UNUSED_FUNCTION static void set_int (void *socket, int option, int value)
{
    CHECK (zmq_setsockopt (socket, option, &value, sizeof value) == 0);
}

/* A socket with both water marks at `hwm`; 0 means none. */
UNUSED_FUNCTION static void *open_socket (void *context, int type, int hwm)
{
    void *socket = zmq_socket (context, type);
    CHECK (socket != NULL);
    set_int (socket, ZMQ_SNDHWM, hwm);
    set_int (socket, ZMQ_RCVHWM, hwm);
    return socket;
}

/* The usual water mark, less where messages are so big that a thousand of
 * them would fill the memory. */
UNUSED_FUNCTION static int hwm_for (size_t size)
{
    size_t fitting = ((size_t) 64 << 20) / (size ? size : 1);
    return fitting > 1000 ? 1000 : (int) fitting;
}

/* Binds where the transport has room, and tells where that is. */
UNUSED_FUNCTION static void
bind_somewhere (void *socket, const char *transport, char *endpoint)
{
    static int bound;
    char wish[ENDPOINT_SIZE];
    if (same (transport, "tcp"))
        snprintf (wish, sizeof wish, "tcp://127.0.0.1:*");
    else
        snprintf (wish, sizeof wish, "%s://bench-%d-%d", transport,
                  (int) getpid (), bound++);
    CHECK (zmq_bind (socket, wish) == 0);
    size_t size = ENDPOINT_SIZE;
    memset (endpoint, 0, size);
    CHECK (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
}

/* --- CURVE --- */

/* A key as text, with its terminating zero. */
enum { KEY_SIZE = 41 };

static void set_key (void *socket, int option, const char *key)
{
    CHECK (zmq_setsockopt (socket, option, key, KEY_SIZE) == 0);
}

/* Makes this a server's socket, and tells its public key. */
UNUSED_FUNCTION static void serve_curve (void *socket, char *public_key)
{
    char secret_key[KEY_SIZE];
    CHECK (zmq_curve_keypair (public_key, secret_key) == 0);
    set_int (socket, ZMQ_CURVE_SERVER, 1);
    set_key (socket, ZMQ_CURVE_SECRETKEY, secret_key);
}

/* Makes this a client's socket, with the keys that all of this process have. */
UNUSED_FUNCTION static void join_curve (void *socket, const char *server_key)
{
    static char public_key[KEY_SIZE], secret_key[KEY_SIZE];
    if (public_key[0] == '\0')
        CHECK (zmq_curve_keypair (public_key, secret_key) == 0);
    set_key (socket, ZMQ_CURVE_SERVERKEY, server_key);
    set_key (socket, ZMQ_CURVE_PUBLICKEY, public_key);
    set_key (socket, ZMQ_CURVE_SECRETKEY, secret_key);
}

UNUSED_FUNCTION static void close_all (void *context, void *socket)
{
    CHECK (zmq_close (socket) == 0);
    CHECK (zmq_ctx_term (context) == 0);
}

/* --- peers --- */

/* One end of a line between two processes, or two threads. */
struct line
{
    int in, out;
};

UNUSED_FUNCTION static void say (struct line line, const void *data, size_t size)
{
    CHECK (write (line.out, data, size) == (ssize_t) size);
}

UNUSED_FUNCTION static void hear (struct line line, void *data, size_t size)
{
    char *place = data;
    while (size > 0) {
        ssize_t got = read (line.in, place, size);
        if (got <= 0) {
            fprintf (stderr, "the peer is gone\n");
            give_up ();
        }
        place += got;
        size -= (size_t) got;
    }
}

UNUSED_FUNCTION static void say_endpoint (struct line line, const char *endpoint)
{
    say (line, endpoint, ENDPOINT_SIZE);
}

UNUSED_FUNCTION static void hear_endpoint (struct line line, char *endpoint)
{
    hear (line, endpoint, ENDPOINT_SIZE);
}

/* What a peer found out about the part of its life that counts. */
struct account
{
    double elapsed, cpu;
};

/* A sender closes only when its receiver has everything: libzmq drops what is
 * still on its way to a receiver that is at its water mark by then. */
UNUSED_FUNCTION static void say_all_received (struct line line)
{
    say (line, "", 1);
}

UNUSED_FUNCTION static void await_all_received (struct line line)
{
    char word;
    hear (line, &word, 1);
}

typedef void peer_fn (struct line line);

struct peer
{
    struct line line;
    pid_t pid; /* 0: a thread */
    pthread_t thread;
    peer_fn *run;
    struct line far;
};

UNUSED_FUNCTION static void *run_thread (void *argument)
{
    struct peer *peer = argument;
    peer->run (peer->far);
    return NULL;
}

static void open_lines (struct peer *peer, peer_fn *run)
{
    int there[2], back[2];
    CHECK (pipe (there) == 0);
    CHECK (pipe (back) == 0);
    peer->line = (struct line) {back[0], there[1]};
    peer->far = (struct line) {there[0], back[1]};
    peer->run = run;
}

/* Starts `run` in a process of its own. Only before the library is used. */
UNUSED_FUNCTION static void start_process (struct peer *peer, peer_fn *run)
{
    open_lines (peer, run);
    pid_t parent = getpid ();
    peer->pid = fork ();
    CHECK (peer->pid != -1);
    if (peer->pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        if (getppid () != parent)
            _exit (EXIT_FAILURE);
        waiting_parent = parent;
        alarm (WATCHDOG_SECONDS);
        close (peer->line.in);
        close (peer->line.out);
        run (peer->far);
        exit (EXIT_SUCCESS);
    }
    close (peer->far.in);
    close (peer->far.out);
}

UNUSED_FUNCTION static void start_thread (struct peer *peer, peer_fn *run)
{
    open_lines (peer, run);
    peer->pid = 0;
    CHECK (pthread_create (&peer->thread, NULL, run_thread, peer) == 0);
}

/* Waits until the peer has ended, and ended well. */
UNUSED_FUNCTION static void join_peer (struct peer *peer)
{
    if (peer->pid == 0) {
        CHECK (pthread_join (peer->thread, NULL) == 0);
        return;
    }
    int status;
    CHECK (waitpid (peer->pid, &status, 0) == peer->pid);
    if (!WIFEXITED (status) || WEXITSTATUS (status) != EXIT_SUCCESS) {
        fprintf (stderr, "the peer failed\n");
        exit (EXIT_FAILURE);
    }
}

/* Ends a peer that would go on for ever. */
UNUSED_FUNCTION static void kill_peer (struct peer *peer)
{
    CHECK (kill (peer->pid, SIGKILL) == 0);
    CHECK (waitpid (peer->pid, NULL, 0) == peer->pid);
}

/* As many fds as this process may have. */
UNUSED_FUNCTION static void raise_fd_limit (void)
{
    struct rlimit limit;
    CHECK (getrlimit (RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    CHECK (setrlimit (RLIMIT_NOFILE, &limit) == 0);
}

#endif
