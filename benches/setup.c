/* What it costs to begin and to end: a context, a socket, a bind, and all of
 * it taken down again; or a whole process that loads the library.
 *
 * usage: setup TRANSPORT|load CYCLES
 * prints: rate (cycles/s), cpu_ns (per cycle) */
#include "bench.h"

static void open_and_close (const char *transport)
{
    char endpoint[ENDPOINT_SIZE];
    void *context = open_context ();
    void *socket = open_socket (context, ZMQ_PULL, 1000);
    bind_somewhere (socket, transport, endpoint);
    close_all (context, socket);
}

/* Runs this program once more, only to ask for the version. */
static void load (char *program)
{
    pid_t child = vfork ();
    CHECK (child != -1);
    if (child == 0) {
        execl ("/proc/self/exe", program, "loaded", "1", (char *) NULL);
        _exit (127);
    }
    int status;
    CHECK (waitpid (child, &status, 0) == child);
    CHECK (status == 0);
}

int main (int argc, char **argv)
{
    const char *what = text_arg (argc, argv, 1);
    long cycles = number_arg (argc, argv, 2, 1);
    alarm (WATCHDOG_SECONDS);
    if (same (what, "loaded")) {
        int major, minor, patch;
        zmq_version (&major, &minor, &patch);
        return major == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
    }

    double start = 0, cpu_before = 0;
    for (long i = -cycles / 20 - 1; i < cycles; i++) {
        if (i == 0) {
            start = now_s ();
            cpu_before = cpu_s ();
        }
        if (same (what, "load"))
            load (argv[0]);
        else
            open_and_close (what);
    }
    result ("rate", (double) cycles / (now_s () - start));
    result ("cpu_ns", (cpu_s () - cpu_before) / (double) cycles * 1e9);
    return EXIT_SUCCESS;
}
