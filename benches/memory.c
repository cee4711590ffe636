/* What an idle connection holds: a ROUTER accepts many DEALERs that sit in
 * others. Each sends one message, so that all are really connected.
 *
 * usage: memory TRANSPORT CONNECTIONS
 * prints: accepted_bytes, accepted_fds, connecting_bytes, connecting_fds (per
 * connection, its socket included on the connecting side) */
#include "bench.h"

#include <dirent.h>

/* As many as a process has descriptors for, on any library. */
enum { EACH = 4000, MAX_PROCESSES = 16 };

static const char *transport;
static long connections; /* of this process; of all of them in the server */

struct holding
{
    double bytes, fds;
};

static struct holding held (void)
{
    FILE *statm = fopen ("/proc/self/statm", "r");
    long pages = 0;
    CHECK (statm != NULL && fscanf (statm, "%*d %ld", &pages) == 1);
    fclose (statm);

    DIR *open_fds = opendir ("/proc/self/fd");
    CHECK (open_fds != NULL);
    long fds = 0;
    while (readdir (open_fds) != NULL)
        fds++;
    closedir (open_fds);
    return (struct holding) {(double) pages * (double) sysconf (_SC_PAGESIZE),
                             (double) fds};
}

static struct holding per_connection (struct holding before)
{
    struct holding after = held ();
    double count = (double) (connections - 1);
    return (struct holding) {(after.bytes - before.bytes) / count,
                             (after.fds - before.fds) / count};
}

static void exchange (void *router)
{
    char id[256], body[1];
    int size = zmq_recv (router, id, sizeof id, 0);
    CHECK (size > 0 && size < 256);
    CHECK (zmq_recv (router, body, sizeof body, 0) == 1);
    CHECK (zmq_send (router, id, (size_t) size, ZMQ_SNDMORE) == size);
    CHECK (zmq_send (router, body, sizeof body, 0) == 1);
}

static void *open_client (void *context, const char *endpoint)
{
    void *dealer = open_socket (context, ZMQ_DEALER, 1000);
    CHECK (zmq_connect (dealer, endpoint) == 0);
    CHECK (zmq_send (dealer, "x", 1, 0) == 1);
    return dealer;
}

static void await_answer (void *dealer)
{
    char body[1];
    CHECK (zmq_recv (dealer, body, sizeof body, 0) == 1);
}

static void connect_all (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    raise_fd_limit ();
    void *context = open_context ();
    CHECK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, (int) connections + 10) == 0);
    void **dealers = calloc ((size_t) connections, sizeof *dealers);
    CHECK (dealers != NULL);
    dealers[0] = open_client (context, endpoint);
    await_answer (dealers[0]);

    char word;
    hear (line, &word, 1);
    struct holding before = held ();
    for (long i = 1; i < connections; i++)
        dealers[i] = open_client (context, endpoint);
    for (long i = 1; i < connections; i++)
        await_answer (dealers[i]);
    struct holding each = per_connection (before);
    say (line, &each, sizeof each);
    hear (line, &word, 1);

    for (long i = 0; i < connections; i++)
        CHECK (zmq_close (dealers[i]) == 0);
    CHECK (zmq_ctx_term (context) == 0);
    free (dealers);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    long all = number_arg (argc, argv, 2, 2);
    alarm (WATCHDOG_SECONDS);

    struct peer clients[MAX_PROCESSES];
    int processes = (int) ((all + EACH - 1) / EACH);
    CHECK (processes <= MAX_PROCESSES);
    for (int i = 0; i < processes; i++) {
        connections = (all + i) / processes;
        start_process (&clients[i], connect_all);
    }
    raise_fd_limit ();
    void *context = open_context ();
    void *router = open_socket (context, ZMQ_ROUTER, 1000);
    set_int (router, ZMQ_BACKLOG, 4096);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (router, transport, endpoint);

    struct holding before = {0, 0}, connecting = {0, 0};
    for (int i = 0; i < processes; i++) {
        say_endpoint (clients[i].line, endpoint);
        connections = (all + i) / processes;
        exchange (router); /* one connection first: what comes only once */
        if (i == 0)
            before = held ();
        say (clients[i].line, "", 1);
        for (long j = 1; j < connections; j++)
            exchange (router);
        struct holding each;
        hear (clients[i].line, &each, sizeof each);
        connecting.bytes += each.bytes / processes;
        connecting.fds += each.fds / processes;
    }
    connections = all;
    struct holding accepted = per_connection (before);
    result ("accepted_bytes", accepted.bytes);
    result ("accepted_fds", accepted.fds);
    result ("connecting_bytes", connecting.bytes);
    result ("connecting_fds", connecting.fds);
    for (int i = 0; i < processes; i++) {
        say (clients[i].line, "", 1);
        join_peer (&clients[i]);
    }
    close_all (context, router);
    return EXIT_SUCCESS;
}
