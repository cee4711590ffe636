/* One good CURVE client sends to a server that is beset: by connections that
 * never say a word, that talk noise, that break off in their greeting, and by
 * clients with a wrong key. Each comes again as soon as a client of libzmq's
 * would, whenever the server drops it. How much does the good one lose? (On a
 * machine of few cores that includes what the attackers themselves take.)
 *
 * usage: hostile CONNECTIONS SIZE COUNT
 * prints: rate (messages/s when beset), share (percent of the rate when alone) */
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench.h"

/* Turns of both measurements, since a machine's speed drifts. */
enum { TURNS = 3 };
/* The default reconnect interval, and as much again by chance. */
static double pause_s (void) { return 0.1 * (1 + (double) rand () / RAND_MAX); }

/* The half-open ones, too, are dropped within a run. */
enum { HANDSHAKE_MS = 1000 };

static long connections;
static size_t size;

/* --- the good client --- */

static void send_on (struct line line)
{
    char endpoint[ENDPOINT_SIZE], server_key[KEY_SIZE];
    hear_endpoint (line, endpoint);
    hear (line, server_key, sizeof server_key);
    void *push = open_socket (open_context (), ZMQ_PUSH, hwm_for (size));
    join_curve (push, server_key);
    CHECK (zmq_connect (push, endpoint) == 0);
    char *buffer = calloc (1, size);
    CHECK (buffer != NULL);
    for (;;)
        CHECK (zmq_send (push, buffer, size, 0) == (int) size);
}

/* --- the hostile ones --- */

enum manner { SILENCE, NOISE, HALF_GREETING, WRONG_KEY, MANNERS };

struct attacker
{
    int fd; /* -1: none */
    double again_s;
};

static struct sockaddr_in target;
static int epoll_fd;

static size_t greet (unsigned char *bytes)
{
    static const unsigned char head[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f,
                                         3, 0, 'C', 'U', 'R', 'V', 'E'};
    memset (bytes, 0, 64);
    memcpy (bytes, head, sizeof head);
    return 64;
}

/* What an attacker has to say: right after the connection, all at once. */
static size_t speech (enum manner manner, unsigned char *bytes)
{
    enum { HELLO = 202, NOISE_SIZE = 300, BROKEN_OFF = 11 };
    switch (manner) {
    case NOISE:
        for (int i = 0; i < NOISE_SIZE; i++)
            bytes[i] = (unsigned char) rand ();
        return NOISE_SIZE;
    case HALF_GREETING:
        greet (bytes);
        return BROKEN_OFF;
    case WRONG_KEY: {
        /* A HELLO as it should be, but for its box. */
        unsigned char *hello = bytes + greet (bytes);
        memset (hello, 0, HELLO);
        memcpy (hello, "\4\xc8\5HELLO\1", 9);
        for (int i = 82; i < HELLO; i++)
            hello[i] = (unsigned char) rand ();
        return 64 + HELLO;
    }
    default:
        return 0;
    }
}

static void begin_attack (struct attacker *attackers, long number)
{
    struct attacker *attacker = &attackers[number];
    attacker->fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CHECK (attacker->fd != -1);
    connect (attacker->fd, (struct sockaddr *) &target, sizeof target);
    struct epoll_event event = {EPOLLOUT, {.u64 = (uint64_t) number}};
    CHECK (epoll_ctl (epoll_fd, EPOLL_CTL_ADD, attacker->fd, &event) == 0);
}

static void end_attack (struct attacker *attacker)
{
    close (attacker->fd);
    attacker->fd = -1;
    attacker->again_s = now_s () + pause_s ();
}

static void attack_on (struct attacker *attackers, const struct epoll_event *event)
{
    struct attacker *attacker = &attackers[event->data.u64];
    unsigned char bytes[512];
    if (event->events & (EPOLLERR | EPOLLHUP)) {
        end_attack (attacker);
    } else if (event->events & EPOLLOUT) {
        size_t length = speech ((enum manner) (event->data.u64 % MANNERS), bytes);
        if (send (attacker->fd, bytes, length, MSG_NOSIGNAL) < 0)
            return end_attack (attacker);
        struct epoll_event next = {EPOLLIN, event->data};
        CHECK (epoll_ctl (epoll_fd, EPOLL_CTL_MOD, attacker->fd, &next) == 0);
    } else if (recv (attacker->fd, bytes, sizeof bytes, 0) <= 0) {
        end_attack (attacker);
    }
}

static void nod (struct line line) { say (line, "", 1); }

static void await_nod (struct line line)
{
    char any;
    hear (line, &any, 1);
}

/* Comes and goes at a nod, and nods when it has. */
static void beset (struct line line)
{
    int port;
    hear (line, &port, sizeof port);
    target.sin_family = AF_INET;
    target.sin_port = htons ((uint16_t) port);
    target.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    raise_fd_limit ();
    struct attacker *attackers = calloc ((size_t) connections, sizeof *attackers);
    CHECK (attackers != NULL);
    for (;;) {
        await_nod (line);
        epoll_fd = epoll_create1 (0);
        CHECK (epoll_fd != -1);
        struct epoll_event event = {EPOLLIN, {.u64 = UINT64_MAX}};
        CHECK (epoll_ctl (epoll_fd, EPOLL_CTL_ADD, line.in, &event) == 0);
        for (long i = 0; i < connections; i++)
            begin_attack (attackers, i);
        nod (line);

        for (bool over = false; !over;) {
            struct epoll_event events[64];
            int ready = epoll_wait (epoll_fd, events, 64, 10);
            CHECK (ready >= 0);
            for (int i = 0; i < ready; i++) {
                if (events[i].data.u64 == UINT64_MAX)
                    over = true;
                else
                    attack_on (attackers, &events[i]);
            }
            double now = now_s ();
            for (long i = 0; i < connections; i++)
                if (attackers[i].fd == -1 && attackers[i].again_s <= now)
                    begin_attack (attackers, i);
        }
        await_nod (line);
        for (long i = 0; i < connections; i++)
            if (attackers[i].fd != -1)
                close (attackers[i].fd);
        close (epoll_fd);
        nod (line);
    }
}

/* --- the server --- */

static double receive_s (void *pull, long count)
{
    zmq_msg_t message;
    CHECK (zmq_msg_init (&message) == 0);
    double start = now_s ();
    for (long i = 0; i < count; i++)
        CHECK (zmq_msg_recv (&message, pull, 0) == (int) size);
    double elapsed = now_s () - start;
    CHECK (zmq_msg_close (&message) == 0);
    return elapsed;
}

/* The rate is taken when the first rush is over. */
static double settled_s (void *pull, long count)
{
    receive_s (pull, count / 4 + 1);
    return receive_s (pull, count);
}

int main (int argc, char **argv)
{
    connections = number_arg (argc, argv, 1, 1);
    size = (size_t) number_arg (argc, argv, 2, 1);
    long count = number_arg (argc, argv, 3, 1);
    alarm (WATCHDOG_SECONDS);

    struct peer client, attackers;
    start_process (&client, send_on);
    start_process (&attackers, beset);
    raise_fd_limit ();
    void *pull = open_socket (open_context (), ZMQ_PULL, hwm_for (size));
    set_int (pull, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    char endpoint[ENDPOINT_SIZE], public_key[KEY_SIZE];
    serve_curve (pull, public_key);
    bind_somewhere (pull, "tcp", endpoint);
    int port = atoi (strrchr (endpoint, ':') + 1);
    say (attackers.line, &port, sizeof port);
    say_endpoint (client.line, endpoint);
    say (client.line, public_key, sizeof public_key);
    receive_s (pull, count / 10 + 1);

    double alone_s = 0, beset_s = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        alone_s += settled_s (pull, count);
        nod (attackers.line);
        await_nod (attackers.line);
        beset_s += settled_s (pull, count);
        nod (attackers.line);
        await_nod (attackers.line);
    }
    result ("rate", (double) count * TURNS / beset_s);
    result ("share", 100 * alone_s / beset_s);
    kill_peer (&client);
    kill_peer (&attackers);
    return EXIT_SUCCESS;
}
