/* What the machine gives without a library: the limits that the cells are
 * drawn against.
 *
 * usage: raw stream tcp|ipc SIZE COUNT [WRITE-SIZE]
 *        raw pingpong tcp|ipc SIZE ROUND-TRIPS spin|block|onecore
 *        raw requests tcp|ipc SIZE COUNT CONNECTIONS
 *        raw ring SIZE COUNT
 *        raw bounce ROUND-TRIPS
 * "stream" writes full buffers (64 KiB each, or what is said) to a reader that
 * never sleeps, and counts how many messages of that size, each with its header
 * on the wire, that is. "pingpong" sends a message back and forth: both ends
 * spin, sleep in the call, or sleep on one core. "requests" has two epoll loops pass
 * messages to and fro over connections, as many under way as in reqrep.c, and writes at
 * once what was read at once. "ring" hands slots of a cache line from thread to thread,
 * 64 at a time, "bounce" a single number.
 * prints: rate and mb_per_s or cpu_ns, or quantiles in µs, one way */
#include "bench.h"
#include "quantiles.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
    USUAL_WRITE = 64 << 10,
    READ_SIZE = 128 << 10,
    LEAST_BYTES = 256 << 20, /* less would be over before it has begun */
    LOOKS = 1000, /* before the core is offered to others */
    PAGE = 4096,
    SLOTS = 4096,
    BATCH = 64, /* slots handed over at once */
    UNDER_WAY = 64,
    EVENTS = 256, /* taken from the kernel at once */
    BACKLOG = 4096,
};

static bool tcp;
static size_t size, write_size, total;
static long round_trips, connections;
static bool spinning;

/* --- a connection --- */

static int listen_somewhere (char *path)
{
    int fd;
    if (tcp) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
        socklen_t length = sizeof address;
        fd = socket (AF_INET, SOCK_STREAM, 0);
        CHECK (fd != -1);
        CHECK (bind (fd, (struct sockaddr *) &address, length) == 0);
        CHECK (getsockname (fd, (struct sockaddr *) &address, &length) == 0);
        snprintf (path, ENDPOINT_SIZE, "%d", (int) address.sin_port);
    } else {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        snprintf (address.sun_path, sizeof address.sun_path, "raw-%d", getpid ());
        snprintf (path, ENDPOINT_SIZE, "%s", address.sun_path);
        fd = socket (AF_UNIX, SOCK_STREAM, 0);
        CHECK (fd != -1);
        CHECK (bind (fd, (struct sockaddr *) &address, sizeof address) == 0);
    }
    CHECK (listen (fd, BACKLOG) == 0);
    return fd;
}

static void tune (int fd)
{
    int on = 1;
    if (tcp)
        CHECK (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
}

static int connect_to (const char *path)
{
    int fd;
    if (tcp) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
                                      .sin_port = (in_port_t) atoi (path)};
        fd = socket (AF_INET, SOCK_STREAM, 0);
        CHECK (fd != -1);
        CHECK (connect (fd, (struct sockaddr *) &address, sizeof address) == 0);
    } else {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy (address.sun_path, path, sizeof address.sun_path - 1);
        fd = socket (AF_UNIX, SOCK_STREAM, 0);
        CHECK (fd != -1);
        CHECK (connect (fd, (struct sockaddr *) &address, sizeof address) == 0);
    }
    tune (fd);
    return fd;
}

/* Between two looks in vain; on a busy machine the other end may want the core. */
static void look_again (void)
{
    static _Thread_local int looks;
    if (++looks % LOOKS == 0)
        sched_yield ();
}

static void never_sleep (int fd)
{
    CHECK (fcntl (fd, F_SETFL, O_NONBLOCK) == 0);
}

static void send_whole (int fd, const char *buffer, size_t bytes)
{
    while (bytes > 0) {
        ssize_t sent = send (fd, buffer, bytes, MSG_NOSIGNAL);
        if (sent == -1 && errno == EAGAIN) {
            look_again ();
            continue;
        }
        CHECK (sent > 0);
        buffer += sent;
        bytes -= (size_t) sent;
    }
}

static void read_whole (int fd, char *buffer, size_t bytes)
{
    while (bytes > 0) {
        ssize_t got = recv (fd, buffer, bytes, 0);
        if (got == -1 && errno == EAGAIN) {
            look_again ();
            continue;
        }
        CHECK (got > 0);
        buffer += got;
        bytes -= (size_t) got;
    }
}

/* The kernel copies into and out of it as fast as it can: on some processors that
 * depends on how far into their pages source and destination lie, and what the
 * kernel has for us mostly begins with a page. */
static char *make_buffer (size_t bytes)
{
    size_t pages = bytes / PAGE + 1;
    char *buffer = aligned_alloc (PAGE, pages * PAGE);
    CHECK (buffer != NULL);
    memset (buffer, 0, bytes);
    return buffer;
}

/* --- stream --- */

static void write_all (struct line line)
{
    char path[ENDPOINT_SIZE];
    hear_endpoint (line, path);
    int fd = connect_to (path);
    char *buffer = make_buffer (write_size);
    for (size_t written = 0; written < total; written += write_size)
        send_whole (fd, buffer, write_size);
    await_all_received (line);
    close (fd);
    free (buffer);
}

static void run_stream (uint64_t count)
{
    size_t frame = size + (size < 256 ? 2 : 9);
    total = count * frame;
    if (total < LEAST_BYTES)
        total = LEAST_BYTES;
    total -= total % write_size;
    struct peer writer;
    start_process (&writer, write_all);
    char path[ENDPOINT_SIZE] = "";
    int listener = listen_somewhere (path);
    say_endpoint (writer.line, path);
    int fd = accept (listener, NULL, NULL);
    CHECK (fd != -1);
    never_sleep (fd);

    char *buffer = make_buffer (READ_SIZE);
    double start = now_s ();
    for (size_t seen = 0; seen < total;) {
        ssize_t got = recv (fd, buffer, READ_SIZE, 0);
        if (got == -1 && errno == EAGAIN) {
            look_again ();
            continue;
        }
        CHECK (got > 0);
        seen += (size_t) got;
    }
    double elapsed = now_s () - start;
    say_all_received (writer.line);
    join_peer (&writer);
    free (buffer);
    result ("rate", (double) total / elapsed / (double) frame);
    result ("mb_per_s", (double) total / elapsed / 1e6);
}

/* --- pingpong --- */

static void echo (struct line line)
{
    char path[ENDPOINT_SIZE];
    hear_endpoint (line, path);
    int fd = connect_to (path);
    if (spinning)
        never_sleep (fd);
    char *buffer = make_buffer (size);
    for (long i = 0; i < round_trips; i++) {
        read_whole (fd, buffer, size);
        send_whole (fd, buffer, size);
    }
    close (fd);
    free (buffer);
}

static void run_pingpong (void)
{
    struct peer other;
    start_process (&other, echo);
    char path[ENDPOINT_SIZE] = "";
    int listener = listen_somewhere (path);
    say_endpoint (other.line, path);
    int fd = accept (listener, NULL, NULL);
    CHECK (fd != -1);
    tune (fd);
    if (spinning)
        never_sleep (fd);

    char *buffer = make_buffer (size);
    double *times = calloc ((size_t) round_trips, sizeof *times);
    CHECK (times != NULL);
    for (long i = 0; i < round_trips; i++) {
        double start = now_s ();
        send_whole (fd, buffer, size);
        read_whole (fd, buffer, size);
        times[i] = now_s () - start;
    }
    join_peer (&other);
    report_one_way (times, (size_t) round_trips);
    free (buffer);
    free (times);
}

/* --- requests --- */

static void watch (int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    CHECK (epoll_ctl (epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* Sends back what comes, but no more than `answers` bytes, until `bytes` have come. */
static void pass_on (int epoll, size_t bytes, size_t answers)
{
    static char buffer[READ_SIZE];
    struct epoll_event events[EVENTS];
    for (size_t come = 0; come < bytes;) {
        int ready = epoll_wait (epoll, events, EVENTS, -1);
        CHECK (ready > 0);
        for (int i = 0; i < ready; i++) {
            ssize_t got = recv (events[i].data.fd, buffer, sizeof buffer, 0);
            CHECK (got > 0);
            come += (size_t) got;
            size_t answer = (size_t) got < answers ? (size_t) got : answers;
            send_whole (events[i].data.fd, buffer, answer);
            answers -= answer;
        }
    }
}

static void answer_all (struct line line)
{
    raise_fd_limit ();
    int epoll = epoll_create1 (0);
    CHECK (epoll != -1);
    char path[ENDPOINT_SIZE] = "";
    int listener = listen_somewhere (path);
    say_endpoint (line, path);
    for (long i = 0; i < connections; i++) {
        int fd = accept (listener, NULL, NULL);
        CHECK (fd != -1);
        tune (fd);
        watch (epoll, fd);
    }
    double cpu_before = cpu_s ();
    pass_on (epoll, total, total);
    double cpu = cpu_s () - cpu_before;
    say (line, &cpu, sizeof cpu);
    await_all_received (line);
}

static void run_requests (uint64_t count)
{
    size_t frame = size + 2;
    total = count * frame;
    struct peer server;
    start_process (&server, answer_all);
    raise_fd_limit ();
    char path[ENDPOINT_SIZE];
    hear_endpoint (server.line, path);
    int *fds = calloc ((size_t) connections, sizeof *fds);
    int epoll = epoll_create1 (0);
    CHECK (fds != NULL && epoll != -1);
    for (long i = 0; i < connections; i++)
        watch (epoll, fds[i] = connect_to (path));
    long window = connections < UNDER_WAY ? UNDER_WAY / connections : 1;
    char first[UNDER_WAY * frame];
    memset (first, 0, sizeof first);
    CHECK (count >= (uint64_t) (connections * window));

    double start = now_s (), cpu_before = cpu_s ();
    for (long i = 0; i < connections; i++)
        send_whole (fds[i], first, (size_t) window * frame);
    pass_on (epoll, total, total - (size_t) (connections * window) * frame);
    double elapsed = now_s () - start, cpu = cpu_s () - cpu_before, server_cpu;
    hear (server.line, &server_cpu, sizeof server_cpu);
    say_all_received (server.line);
    join_peer (&server);
    free (fds);
    result ("rate", (double) count / elapsed);
    result ("cpu_ns", (cpu + server_cpu) / (double) count * 1e9);
}

/* --- between threads --- */

struct slot
{
    _Alignas (64) char content[48];
};

static struct slot slots[SLOTS];
static _Alignas (64) atomic_ulong filled;
static _Alignas (64) atomic_ulong taken;
static uint64_t handed; /* a multiple of BATCH */

static void fill_ring (struct line line)
{
    stay_on_core (1);
    char word;
    hear (line, &word, 1);
    char content[sizeof slots[0].content] = "";
    for (uint64_t i = 0; i < handed; i++) {
        while (i % BATCH == 0
               && i - atomic_load_explicit (&taken, memory_order_acquire)
                    > SLOTS - BATCH)
            look_again ();
        memcpy (content, &i, sizeof i);
        memcpy (slots[i % SLOTS].content, content, sizeof content);
        if ((i + 1) % BATCH == 0)
            atomic_store_explicit (&filled, i + 1, memory_order_release);
    }
}

static void run_ring (void)
{
    struct peer writer;
    start_thread (&writer, fill_ring);
    stay_on_core (0);
    say (writer.line, "", 1);
    double start = now_s ();
    for (uint64_t i = 0; i < handed; i++) {
        while (i % BATCH == 0
               && atomic_load_explicit (&filled, memory_order_acquire) <= i)
            look_again ();
        uint64_t number;
        memcpy (&number, slots[i % SLOTS].content, sizeof number);
        CHECK (number == i);
        if ((i + 1) % BATCH == 0)
            atomic_store_explicit (&taken, i + 1, memory_order_release);
    }
    double elapsed = now_s () - start;
    join_peer (&writer);
    result ("rate", (double) handed / elapsed);
    result ("mb_per_s", (double) handed * (double) size / elapsed / 1e6);
}

static _Alignas (64) atomic_long there;
static _Alignas (64) atomic_long back;

static void bounce (struct line line)
{
    (void) line;
    stay_on_core (1);
    for (long i = 1; i <= round_trips; i++) {
        while (atomic_load_explicit (&there, memory_order_acquire) != i)
            look_again ();
        atomic_store_explicit (&back, i, memory_order_release);
    }
}

static void run_bounce (void)
{
    struct peer other;
    start_thread (&other, bounce);
    stay_on_core (0);
    double *times = calloc ((size_t) round_trips, sizeof *times);
    CHECK (times != NULL);
    for (long i = 1; i <= round_trips; i++) {
        double start = now_s ();
        atomic_store_explicit (&there, i, memory_order_release);
        while (atomic_load_explicit (&back, memory_order_acquire) != i)
            look_again ();
        times[i - 1] = now_s () - start;
    }
    join_peer (&other);
    report_one_way (times, (size_t) round_trips);
    free (times);
}

int main (int argc, char **argv)
{
    const char *what = text_arg (argc, argv, 1);
    alarm (WATCHDOG_SECONDS);
    if (same (what, "ring")) {
        size = (size_t) number_arg (argc, argv, 2, 1);
        handed = (uint64_t) number_arg (argc, argv, 3, 1);
        handed += BATCH - handed % BATCH;
        run_ring ();
        return EXIT_SUCCESS;
    }
    if (same (what, "bounce")) {
        round_trips = number_arg (argc, argv, 2, 1);
        run_bounce ();
        return EXIT_SUCCESS;
    }
    tcp = same (text_arg (argc, argv, 2), "tcp");
    size = (size_t) number_arg (argc, argv, 3, 1);
    if (same (what, "stream")) {
        write_size = argc > 5 ? (size_t) number_arg (argc, argv, 5, 1) : USUAL_WRITE;
        run_stream ((uint64_t) number_arg (argc, argv, 4, 1));
    } else if (same (what, "requests")) {
        connections = number_arg (argc, argv, 5, 1);
        run_requests ((uint64_t) number_arg (argc, argv, 4, 1));
    } else {
        round_trips = number_arg (argc, argv, 4, 1);
        spinning = same (text_arg (argc, argv, 5), "spin");
        if (same (argv[5], "onecore"))
            stay_on_core (0);
        run_pingpong ();
    }
    return EXIT_SUCCESS;
}
