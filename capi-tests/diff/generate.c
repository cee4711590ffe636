/* generate.c - from a seed to a sequence of operations.
 *
 * Nothing here looks at what a library answers: both of them are asked exactly
 * the same. The generator keeps a rough idea of which slots hold what, so that
 * most operations mean something, and does the wrong thing now and then.
 */
#include "belief.h"
#include <zmq.h>

struct op *emit (struct belief *b, enum opcode code, int s, int x, int y,
                        int z)
{
    static struct op excess;
    struct op *op = b->out->count < MAX_OPS ? &b->out->ops[b->out->count++]
                                            : &excess;
    *op = (struct op) {code, s, x, y, z};
    return op;
}

int seed_of_body (struct belief *b)
{
    return (int) (random_next (&b->random) & 0x7FFFFFFF);
}

int any_type (struct belief *b)
{
    int type;
    do
        type = below (&b->random, TYPES);
    while (type_missing (type));
    return type;
}

static int odd_type (struct belief *b)
{
    int type;
    do
        type = below (&b->random, 26) - 2;
    while (type_missing (type));
    return type;
}

int socket_slot (struct belief *b)
{
    for (int tries = 0; tries < 20; tries++) {
        int s = below (&b->random, SLOTS);
        if (b->type[s] >= 0)
            return s;
    }
    return 0;
}

void new_socket (struct belief *b, int s, int type)
{
    emit (b, OP_SOCKET, s, chance (&b->random, 4) ? 1 : 0,
          type == RAW ? ZMQ_ROUTER : type, 0);
    if (type == RAW)
        emit (b, OP_SET_INT, s, ZMQ_ROUTER_RAW, 1, 0);
    b->type[s] = type;
    b->place[s] = -1;
    b->paired[s] = 0;
    b->role[s] = UNDECIDED;
}

void leave (struct belief *b, enum opcode code, int s, int place, int last)
{
    if (b->orderly)
        emit (b, OP_DRAIN, 0, 0, 0, 0);
    emit (b, code, s, place, last, 0);
}

/* Few threads: the oracle does not survive that there are none left. */
static int context_value (struct belief *b, int option)
{
    int value = int_values[below (&b->random, int_value_count)];
    return context_options[option].number == ZMQ_IO_THREADS && value > 5 ? 2 : value;
}

/* The oracle closes a REQ's connection for a probe: COMPAT.md. */
static int shows_to_req (struct belief *b, int s)
{
    int any = 0;
    for (int i = 0; i < SLOTS; i++)
        any |= b->type[i] == ZMQ_REQ;
    return any && (b->type[s] == ZMQ_ROUTER || b->type[s] == ZMQ_REP);
}

/* Options with any size and value; drawn only where no message's fate depends
 * on them. */
static void try_options (struct belief *b)
{
    struct random *r = &b->random;
    int s = socket_slot (b), i;
    if (chance (r, 12)) {
        i = below (r, context_option_count);
        emit (b, chance (r, 50) ? OP_CTX_SET : OP_CTX_GET, chance (r, 80) ? 0 : 1, i,
              context_value (b, i), 0);
        return;
    }
    do
        i = below (r, socket_option_count);
    while (option_secures (socket_options[i].number) && !b->secures);
    enum value_kind kind = socket_options[i].kind;
    static const int odd_sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33,
                                    40, 41, 254, 255, 256, 300};
    int size = kind == INT ? 4 : kind == INT64 ? 8 : below (r, 256);
    if (chance (r, 30))
        size = odd_sizes[below (r, sizeof odd_sizes / sizeof *odd_sizes)];
    /* Names would be looked up, which takes its time. */
    if (socket_options[i].number == ZMQ_SOCKS_PROXY && !b->secures)
        size = NUMERIC_PROXY;
    /* A bind would take any descriptor there is: COMPAT.md. OP_BIND_FD has its own. */
    if (chance (r, 55) && socket_options[i].number != ZMQ_USE_FD
        && !(socket_options[i].number == ZMQ_PROBE_ROUTER && shows_to_req (b, s)))
        emit (b, OP_SET, s, i, size, seed_of_body (b));
    if (chance (r, 60))
        emit (b, OP_GET, s, i, size < 0 || chance (r, 60) ? 255 : size, 0);
}

static void laboratory (struct belief *b)
{
    struct random *r = &b->random;
    if (chance (r, 30)) {
        int i = below (r, context_option_count);
        emit (b, OP_CTX_SET, 0, i, context_value (b, i), 0);
    }
    b->secures = chance (r, 20);
    int sockets = 1 + below (r, 3);
    for (int s = 0; s < sockets; s++)
        new_socket (b, s, chance (r, 2) ? odd_type (b) : any_type (b));
    int length = 10 + below (r, 40);
    for (int i = 0; i < length; i++) {
        int dice = below (r, 100);
        if (dice < 50)
            try_options (b);
        else if (dice < 62)
            change_connections (b);
        else if (dice < 72)
            handle_messages (b);
        else if (dice < 82)
            look (b);
        else if (dice < 90)
            talk (b);
        else if (dice < 92) {
            int times = 1 + below (r, 6);
            while (times--)
                emit (b, OP_TIMER, 0, below (r, TIMER_CALLS), below (r, 4), below (r, 1 << 20));
        } else if (dice < 93)
            emit (b, OP_Z85, 0, chance (r, 50), below (r, 100), seed_of_body (b));
        else if (dice < 94)
            emit (b, OP_PURE, 0, below (r, PURE_CALLS), below (r, 1 << 20), 0);
        else if (dice < 97)
            new_socket (b, below (r, SLOTS), any_type (b));
        else if (dice < 98)
            emit (b, OP_CTX_SHUTDOWN, chance (r, 80) ? 0 : 1, 0, 0, 0);
        else if (dice < 99)
            emit (b, OP_CTX_NEW, below (r, CONTEXTS), 0, 0, 0);
        else
            interest (b);
    }
}

/* Not MAX_MSGSZ: the oracle does not heed it (COMPAT.md). */
static void limit_context (struct belief *b)
{
    struct random *r = &b->random;
    int i = below (r, context_option_count);
    if (context_options[i].number != ZMQ_MAX_MSGSZ)
        emit (b, OP_CTX_SET, 0, i, below (r, 8), 0);
}

static void conversation (struct belief *b)
{
    struct random *r = &b->random;
    if (chance (r, 10))
        limit_context (b);
    meet (b);
    if (chance (r, 30))
        meet (b);
    int network = b->out->kind == NETWORK;
    int length = (network ? 6 : 10) + below (r, network ? 25 : 45);
    for (int i = 0; i < length; i++) {
        int dice = below (r, 1000);
        if (dice < 640)
            talk (b);
        else if (dice < 730)
            look (b);
        else if (dice < 810)
            interest (b);
        else if (dice < 870)
            change_connections (b);
        else if (dice < 910)
            handle_messages (b);
        else if (dice < 935)
            meet (b);
        else if (dice < 960)
            emit (b, OP_WAIT, 0, 0, 0, 0);
        else if (dice < 970)
            settle_on (b, socket_slot (b));
        else if (dice < 976) {
            int front = socket_slot (b), back = socket_slot (b);
            /* From one to the other messages would go round for ever; STREAM's notices,
             * sent back, close connections, which come again by the clock. */
            int counted = (front == back || b->place[front] != b->place[back])
                          && !is_raw (b->type[front]) && !is_raw (b->type[back]);
            int capture = chance (r, 30) ? socket_slot (b) : -1;
            if (capture >= 0
                && (b->place[capture] == b->place[front] || b->place[capture] == b->place[back]))
                capture = -1;
            emit (b, OP_PROXY, front, back, capture, counted && chance (r, 60));
            b->proxies++;
        } else if (dice < 980 && chance (r, 40))
            emit (b, OP_CTX_SHUTDOWN, chance (r, 90) ? 0 : 1, 0, 0, 0);
        else
            talk (b);
        if (b->proxies && chance (r, 15))
            emit (b, OP_STEER, below (r, b->proxies), below (r, STEER_CALLS), 0, 0);
    }
}

void generate (uint64_t seed, struct sequence *sequence)
{
    struct belief b = {.random = {seed * 0x2545F4914F6CDD1Du + 1}, .out = sequence};
    for (int s = 0; s < SLOTS; s++)
        b.type[s] = b.place[s] = -1;
    for (int i = 0; i < BAD_ENDPOINTS; i++)
        b.host[i] = -1;
    int dice = below (&b.random, 100);
    sequence->count = 0;
    sequence->kind = dice < 31 ? LAB : dice < 62 ? INPROC : dice < 88 ? NETWORK : CROWD;
    b.curve = sequence->kind == NETWORK && chance (&b.random, 15);
    b.orderly = chance (&b.random, 60);
    if (sequence->kind == CROWD)
        gathering (&b);
    else if (sequence->kind == LAB)
        laboratory (&b);
    else
        conversation (&b);
}
