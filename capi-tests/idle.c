/* Nothing to do costs nothing: over ten seconds in which nothing happens, no thread
 * is woken, whatever is open, and whoever waits in a call. */
#include "check.h"
#include <dirent.h>
#include <pthread.h>

enum { IDLE_MS = 10000, CALM_MS = 500 };

/* --- what the kernel has counted --- */

struct activity
{
    long switches;  /* each time a thread was woken, it went to sleep again */
    long long run_ns; /* on a core, all threads but the one that measures */
};

static long line_value (const char *text, const char *name)
{
    const char *line = strstr (text, name);
    return line ? strtol (line + strlen (name), NULL, 10) : 0;
}

static size_t read_file (const char *path, char *text, size_t size)
{
    FILE *file = fopen (path, "r");
    size_t got = file ? fread (text, 1, size - 1, file) : 0;
    if (file)
        fclose (file);
    text[got] = '\0';
    return got;
}

/* Of all threads but the calling one. */
static struct activity activity (void)
{
    struct activity all = {0, 0};
    DIR *tasks = opendir ("/proc/self/task");
    REQUIRE (tasks != NULL);
    struct dirent *entry;
    while ((entry = readdir (tasks)) != NULL) {
        long task = strtol (entry->d_name, NULL, 10);
        if (task == 0 || task == (long) gettid ())
            continue;
        char path[64], text[4096];
        snprintf (path, sizeof path, "/proc/self/task/%ld/status", task);
        read_file (path, text, sizeof text);
        all.switches += line_value (text, "\nvoluntary_ctxt_switches:");
        all.switches += line_value (text, "\nnonvoluntary_ctxt_switches:");
        snprintf (path, sizeof path, "/proc/self/task/%ld/schedstat", task);
        read_file (path, text, sizeof text);
        all.run_ns += strtoll (text, NULL, 10);
    }
    closedir (tasks);
    return all;
}

/* What follows the last message may still be at work. */
static void await_calm (void)
{
    long long end = now_ms () + AMPLE_MS;
    struct activity before, after = activity ();
    do {
        before = after;
        sleep_ms (CALM_MS);
        after = activity ();
    } while (after.switches != before.switches && now_ms () < end);
}

/* Nobody is woken, and nobody runs. Sanitizers have threads of their own. */
static void check_idle (void)
{
    if (sanitized ())
        return;
    await_calm ();
    struct activity before = activity ();
    sleep_ms (IDLE_MS);
    struct activity after = activity ();
    CHECK_INT (after.switches - before.switches, 0);
    CHECK_INT (after.run_ns - before.run_ns, 0);
}

/* --- what is open --- */

static void *new_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    REQUIRE (socket != NULL);
    return socket;
}

/* A bound and a connected socket. */
static void open_pair (void *context, int bound_type, int connected_type,
                       const char *wish, void **bound, void **connected)
{
    char endpoint[256];
    size_t size = sizeof endpoint;
    *bound = new_socket (context, bound_type);
    *connected = new_socket (context, connected_type);
    CHECK_OK (zmq_bind (*bound, wish));
    CHECK_OK (zmq_getsockopt (*bound, ZMQ_LAST_ENDPOINT, endpoint, &size));
    if (connected_type == ZMQ_SUB)
        CHECK_OK (zmq_setsockopt (*connected, ZMQ_SUBSCRIBE, "", 0));
    CHECK_OK (zmq_connect (*connected, endpoint));
}

static void stream (void *from, void *to)
{
    char word[8];
    for (int i = 0; i < 1000; i++)
        CHECK_INT (zmq_send (from, "message", 7, 0), 7);
    for (int i = 0; i < 1000; i++)
        CHECK_INT (zmq_recv (to, word, sizeof word, 0), 7);
}

static void *receive_until_closed (void *socket)
{
    char word[8];
    CHECK_ERR (zmq_recv (socket, word, sizeof word, 0), ETERM);
    CHECK_OK (zmq_close (socket));
    return NULL;
}

static void *poll_until_closed (void *socket)
{
    zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
    CHECK_ERR (zmq_poll (&item, 1, -1), ETERM);
    CHECK_OK (zmq_close (socket));
    return NULL;
}

static const char *const WISHES[] = {"tcp://127.0.0.1:*", "ipc://*", "inproc://idle"};

/* Pipelines and publishers over all transports; threads wait for the receivers, in
 * either way. */
struct attended
{
    void *context, *senders[6];
    pthread_t waiting[6];
};

static void open_attended (struct attended *all)
{
    all->context = zmq_ctx_new ();
    REQUIRE (all->context != NULL);
    CHECK_OK (zmq_ctx_set (all->context, ZMQ_IO_THREADS, 2));
    for (int i = 0; i < 3; i++) {
        void *pull, *sub;
        char wish[64];
        open_pair (all->context, ZMQ_PULL, ZMQ_PUSH, WISHES[i], &pull,
                   &all->senders[2 * i]);
        stream (all->senders[2 * i], pull);
        CHECK_OK (pthread_create (&all->waiting[2 * i], NULL, receive_until_closed,
                                  pull));
        snprintf (wish, sizeof wish, "%s%s", WISHES[i], i == 2 ? "-pub" : "");
        open_pair (all->context, ZMQ_PUB, ZMQ_SUB, wish, &all->senders[2 * i + 1],
                   &sub);
        CHECK_OK (pthread_create (&all->waiting[2 * i + 1], NULL, poll_until_closed,
                                  sub));
    }
}

static void close_attended (struct attended *all)
{
    for (int i = 0; i < 6; i++)
        CHECK_OK (zmq_close (all->senders[i]));
    CHECK_OK (zmq_ctx_term (all->context));
    for (int i = 0; i < 6; i++)
        CHECK_OK (pthread_join (all->waiting[i], NULL));
}

/* Requests and replies over tcp and ipc, on sockets that nobody waits for. */
struct unattended
{
    void *context, *rep[2], *req[2];
};

static void open_unattended (struct unattended *all)
{
    char word[8];
    all->context = zmq_ctx_new ();
    REQUIRE (all->context != NULL);
    for (int i = 0; i < 2; i++)
        open_pair (all->context, ZMQ_REP, ZMQ_REQ, WISHES[i], &all->rep[i],
                   &all->req[i]);
    for (int i = 0; i < 200; i++) {
        CHECK_INT (zmq_send (all->req[i % 2], "ping", 4, 0), 4);
        CHECK_INT (zmq_recv (all->rep[i % 2], word, sizeof word, 0), 4);
        CHECK_INT (zmq_send (all->rep[i % 2], "pong", 4, 0), 4);
        CHECK_INT (zmq_recv (all->req[i % 2], word, sizeof word, 0), 4);
    }
}

static void close_unattended (struct unattended *all)
{
    for (int i = 0; i < 2; i++) {
        CHECK_OK (zmq_close (all->req[i]));
        CHECK_OK (zmq_close (all->rep[i]));
    }
    CHECK_OK (zmq_ctx_term (all->context));
}

TEST (nobody_is_woken_while_nothing_happens)
{
    struct attended attended;
    struct unattended unattended;
    open_attended (&attended);
    open_unattended (&unattended);
    check_idle ();
    close_unattended (&unattended);
    close_attended (&attended);
}

MAIN
