/* Threads of one process around a socket of another thread: they send to it, receive
 * from it, or ask it.
 *
 * usage: fan KIND TRANSPORT THREADS COUNT SIZE
 *   push-in, dealer-in, pub-in: many PUSH to a PULL, DEALER to a ROUTER, PUB to a SUB
 *   push-out, pub-out: a PUSH to many PULL, a PUB to many SUB
 *   requests: many DEALER to a ROUTER that returns what it gets
 * prints: rate (messages received, or round trips, each second), cpu_ns (for each) */
#include "bench.h"
#include <stdatomic.h>

enum { MOST_THREADS = 64, UNDER_WAY = 64, LOOK_MS = 20 };

/* What a body begins with. */
struct letter
{
    uint64_t sender, number;
};

struct kind
{
    const char *name;
    int many, one;         /* the types of their sockets */
    peer_fn *run;          /* by each of the many */
    double (*serve) (void *socket); /* by the one: seconds it took */
};

static const struct kind *kind;
static void *context;
static struct peer peers[MOST_THREADS];
static uint64_t threads, count, share; /* of all, of each thread */
static size_t size;

static void *open_end (int type)
{
    void *socket = open_socket (context, type, 1000);
    if (type == ZMQ_PUB)
        set_int (socket, ZMQ_XPUB_NODROP, 1);
    if (type == ZMQ_SUB)
        CHECK (zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0) == 0);
    return socket;
}

/* A socket of one of the many, and which of them it is. */
static void *join (struct line line, uint64_t *id)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    hear (line, id, sizeof *id);
    void *socket = open_end (kind->many);
    CHECK (zmq_connect (socket, endpoint) == 0);
    return socket;
}

static void send_letter (void *socket, uint64_t sender, uint64_t number)
{
    char body[size];
    struct letter letter = {sender, number};
    memcpy (body, &letter, sizeof letter);
    CHECK (zmq_send (socket, body, size, 0) == (int) size);
}

/* False: there was none for as long as the socket waits. */
static bool receive_letter (void *socket, struct letter *letter)
{
    char body[size];
    int got = zmq_recv (socket, body, size, 0);
    CHECK (got == (int) size || errno == EAGAIN);
    memcpy (letter, body, sizeof *letter);
    return got != -1;
}

static bool has_word (struct line line)
{
    zmq_pollitem_t word = {NULL, line.in, ZMQ_POLLIN, 0};
    return zmq_poll (&word, 1, 1) == 1;
}

/* --- many to one --- */

static void send_share (struct line line)
{
    uint64_t id;
    void *socket = join (line, &id);
    do
        send_letter (socket, id, SYNC);
    while (!has_word (line));
    for (uint64_t number = 0; number < share; number++)
        send_letter (socket, id, number);
    await_all_received (line);
    await_all_received (line);
    CHECK (zmq_close (socket) == 0);
}

static struct letter receive_from_any (void *socket)
{
    struct letter letter;
    char id[16];
    if (kind->one == ZMQ_ROUTER)
        CHECK (zmq_recv (socket, id, sizeof id, 0) > 0);
    CHECK (receive_letter (socket, &letter));
    return letter;
}

static void say_to_all (void)
{
    for (uint64_t i = 0; i < threads; i++)
        say_all_received (peers[i].line);
}

static double receive_from_all (void *socket)
{
    bool here[MOST_THREADS] = {false};
    uint64_t expected[MOST_THREADS] = {0};
    for (uint64_t missing = threads; missing > 0;) {
        bool *sender = &here[receive_from_any (socket).sender];
        missing -= !*sender;
        *sender = true;
    }
    say_to_all ();
    double start = now_s ();
    for (uint64_t i = 0; i < count;) {
        struct letter letter = receive_from_any (socket);
        if (letter.number == SYNC)
            continue;
        CHECK (letter.number == expected[letter.sender]++);
        i++;
    }
    double elapsed = now_s () - start;
    say_to_all ();
    return elapsed;
}

/* --- one to many --- */

/* A socket that has received something, which only proves that the path is open. */
static void *join_and_listen (struct line line)
{
    uint64_t id;
    struct letter letter;
    void *socket = join (line, &id);
    CHECK (receive_letter (socket, &letter));
    say (line, "", 1);
    return socket;
}

/* Receives what the others do not. */
static void receive_some (struct line line)
{
    static atomic_uint_fast64_t received;
    void *socket = join_and_listen (line);
    set_int (socket, ZMQ_RCVTIMEO, LOOK_MS);
    double last = 0;
    for (uint64_t all = 0, fresh = 0; all < count; fresh = 0) {
        for (struct letter letter; receive_letter (socket, &letter); last = now_s ())
            fresh += letter.number != SYNC;
        all = atomic_fetch_add (&received, fresh) + fresh;
    }
    say (line, &last, sizeof last);
    CHECK (zmq_close (socket) == 0);
}

static void receive_all (struct line line)
{
    void *socket = join_and_listen (line);
    for (uint64_t number = 0; number < share;) {
        struct letter letter;
        CHECK (receive_letter (socket, &letter));
        if (letter.number == SYNC)
            continue;
        CHECK (letter.number == number++);
    }
    double last = now_s ();
    say (line, &last, sizeof last);
    CHECK (zmq_close (socket) == 0);
}

static double send_to_all (void *socket)
{
    char word;
    for (uint64_t i = 0; i < threads; i++) {
        do
            send_letter (socket, 0, SYNC);
        while (!has_word (peers[i].line));
        hear (peers[i].line, &word, 1);
    }
    double start = now_s (), end = start;
    for (uint64_t number = 0; number < (kind->one == ZMQ_PUB ? share : count); number++)
        send_letter (socket, 0, number);
    for (uint64_t i = 0; i < threads; i++) {
        double last;
        hear (peers[i].line, &last, sizeof last);
        end = last > end ? last : end;
    }
    return end - start;
}

/* --- there and back --- */

static void ask (struct line line)
{
    uint64_t id, window = UNDER_WAY / threads;
    struct letter letter;
    void *socket = join (line, &id);
    for (uint64_t number = 0; number < share + window; number++) {
        if (number >= window) {
            CHECK (receive_letter (socket, &letter));
            CHECK (letter.sender == id && letter.number == number - window);
        }
        if (number < share)
            send_letter (socket, id, number);
    }
    CHECK (zmq_close (socket) == 0);
}

static double answer (void *socket)
{
    double start = now_s ();
    char id[16], body[size];
    for (uint64_t i = 0; i < count; i++) {
        int id_size = zmq_recv (socket, id, sizeof id, 0);
        CHECK (id_size > 0 && zmq_recv (socket, body, size, 0) == (int) size);
        CHECK (zmq_send (socket, id, (size_t) id_size, ZMQ_SNDMORE) == id_size);
        CHECK (zmq_send (socket, body, size, 0) == (int) size);
    }
    return now_s () - start;
}

static const struct kind kinds[] = {
  {"push-in", ZMQ_PUSH, ZMQ_PULL, send_share, receive_from_all},
  {"dealer-in", ZMQ_DEALER, ZMQ_ROUTER, send_share, receive_from_all},
  {"pub-in", ZMQ_PUB, ZMQ_SUB, send_share, receive_from_all},
  {"push-out", ZMQ_PULL, ZMQ_PUSH, receive_some, send_to_all},
  {"pub-out", ZMQ_SUB, ZMQ_PUB, receive_all, send_to_all},
  {"requests", ZMQ_DEALER, ZMQ_ROUTER, ask, answer},
};

int main (int argc, char **argv)
{
    const char *name = text_arg (argc, argv, 1);
    for (kind = kinds; !same (kind->name, name); kind++)
        CHECK (kind + 1 < kinds + sizeof kinds / sizeof *kinds);
    const char *transport = text_arg (argc, argv, 2);
    threads = (uint64_t) number_arg (argc, argv, 3, 1);
    count = (uint64_t) number_arg (argc, argv, 4, (long) threads);
    size = (size_t) number_arg (argc, argv, 5, sizeof (struct letter));
    CHECK (threads <= MOST_THREADS);
    share = count / threads;
    count = share * threads; /* the same for each */
    alarm (WATCHDOG_SECONDS);

    context = open_context ();
    void *socket = open_end (kind->one);
    char endpoint[ENDPOINT_SIZE];
    bind_somewhere (socket, transport, endpoint);
    for (uint64_t i = 0; i < threads; i++) {
        start_thread (&peers[i], kind->run);
        say_endpoint (peers[i].line, endpoint);
        say (peers[i].line, &i, sizeof i);
    }
    double cpu_before = cpu_s ();
    double elapsed = kind->serve (socket);
    double cpu = cpu_s () - cpu_before;
    for (uint64_t i = 0; i < threads; i++)
        join_peer (&peers[i]);
    close_all (context, socket);
    result ("rate", (double) count / elapsed);
    result ("cpu_ns", cpu / (double) count * 1e9);
    return EXIT_SUCCESS;
}
