/* generate.c - from a seed to a sequence of operations.
 *
 * Nothing here looks at what a library answers: both of them are asked exactly
 * the same. The generator keeps a rough idea of which slots hold what, so that
 * most operations mean something, and does the wrong thing now and then.
 */
#include "diff.h"
#include <zmq.h>

uint64_t random_next (struct random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int below (struct random *r, int bound)
{
    return (int) (random_next (r) % (uint64_t) bound);
}

int chance (struct random *r, int percent)
{
    return below (r, 100) < percent;
}

/* What the generator believes. */
struct belief
{
    struct random random;
    struct sequence *out;
    int type[SLOTS];  /* -1: none */
    int place[SLOTS]; /* an endpoint it was bound or connected to, or -1 */
    int host[BAD_ENDPOINTS]; /* the type of who was bound there, or -1 */
    int names; /* how many routing ids were given away: no two peers share one */
    int host_slot[BAD_ENDPOINTS];
    int paired[SLOTS]; /* a PAIR that has a peer */
    /* Someone is turned away again and again, or someone looks how often. */
    enum { NEITHER, REFUSES, WATCHES } manners;
};

static struct op *emit (struct belief *b, enum opcode code, int s, int x, int y,
                        int z)
{
    static struct op excess;
    struct op *op = b->out->count < MAX_OPS ? &b->out->ops[b->out->count++]
                                            : &excess;
    *op = (struct op) {code, s, x, y, z};
    return op;
}

static int seed_of_body (struct belief *b)
{
    return (int) (random_next (&b->random) & 0x7FFFFFFF);
}

static int any_type (struct belief *b)
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

static const int partners[][2] = {
  {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_PUB, ZMQ_SUB}, {ZMQ_PUB, ZMQ_XSUB},
  {ZMQ_XPUB, ZMQ_SUB}, {ZMQ_XPUB, ZMQ_XSUB}, {ZMQ_REQ, ZMQ_REP},
  {ZMQ_REQ, ZMQ_ROUTER}, {ZMQ_DEALER, ZMQ_REP}, {ZMQ_DEALER, ZMQ_ROUTER},
  {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_ROUTER, ZMQ_ROUTER}, {ZMQ_PUSH, ZMQ_PULL},
  {ZMQ_STREAM, ZMQ_STREAM},
};

static int is_partner (int a, int b)
{
    for (size_t i = 0; i < sizeof partners / sizeof *partners; i++)
        if ((partners[i][0] == a && partners[i][1] == b)
            || (partners[i][0] == b && partners[i][1] == a))
            return 1;
    return 0;
}

/* Types that have nothing to say to each other may be connected over inproc, but
 * not those with subscriptions: others would take part in them. In a network it
 * is chance how far such a connection gets. */
static int may_meet (struct belief *b, int type, int other)
{
    const uint32_t subscribing = 1u << ZMQ_PUB | 1u << ZMQ_SUB | 1u << ZMQ_XPUB
                                 | 1u << ZMQ_XSUB;
    if (is_partner (type, other))
        return 1;
    if (type == ZMQ_STREAM || other == ZMQ_STREAM)
        return 0;
    return b->out->kind == INPROC && chance (&b->random, 4) && !((subscribing >> type | subscribing >> other) & 1);
}

/* A second peer of a PAIR is turned away; over the network the oracle leaves it
 * hanging where ours lets it try again: COMPAT.md. */
static int too_many (struct belief *b, int s, int place)
{
    if (b->type[s] != ZMQ_PAIR)
        return 0;
    if (b->place[s] >= 0)
        return 1;
    if (b->out->kind == INPROC || place >= BAD_ENDPOINTS || b->host[place] < 0)
        return 0;
    int host = b->host_slot[place];
    if (b->paired[host] || b->paired[s])
        return 1;
    b->paired[host] = b->paired[s] = 1;
    return 0;
}

static int socket_slot (struct belief *b)
{
    for (int tries = 0; tries < 20; tries++) {
        int s = below (&b->random, SLOTS);
        if (b->type[s] >= 0)
            return s;
    }
    return 0;
}

static void new_socket (struct belief *b, int s, int type)
{
    emit (b, OP_SOCKET, s, chance (&b->random, 4) ? 1 : 0, type, 0);
    b->type[s] = type;
    b->place[s] = -1;
    b->paired[s] = 0;
}

static int draw_place (struct belief *b)
{
    struct random *r = &b->random;
    if (b->out->kind == INPROC)
        return below (r, IPC_ENDPOINTS);
    if (b->out->kind == NETWORK)
        return IPC_ENDPOINTS + below (r, BAD_ENDPOINTS - IPC_ENDPOINTS);
    return below (r, chance (r, 30) ? BAD_ENDPOINTS : endpoint_count);
}

/* A setting that suits the socket, before it is bound or connected. */
static void settle_on (struct belief *b, int s)
{
    struct random *r = &b->random;
    for (int tries = 0; tries < 10; tries++) {
        const struct setting *setting = &settings[below (r, setting_count)];
        if (b->type[s] >= 0 && !((setting->types >> b->type[s]) & 1)
            && (b->type[s] == ZMQ_STREAM || !chance (r, 2)))
            continue;
        if (option_missing (setting->option))
            continue;
        /* Ours lets a change reach pipes that exist: COMPAT.md. */
        if (b->place[s] >= 0
            && (setting->option == ZMQ_SNDHWM || setting->option == ZMQ_RCVHWM))
            continue;
        if (setting->option == ZMQ_IPC_FILTER_UID || setting->option == ZMQ_IPC_FILTER_GID) {
            if (b->manners == WATCHES)
                continue;
            b->manners = REFUSES;
        }
        /* The oracle drops what it received when such a connection ends. */
        if (b->out->kind == NETWORK && setting->option == ZMQ_IMMEDIATE)
            continue;
        /* Who binds late does not probe in the oracle: COMPAT.md. */
        if (b->out->kind == INPROC && setting->option == ZMQ_PROBE_ROUTER)
            continue;
        /* For a reply without its number the oracle disconnects. */
        if (b->out->kind == NETWORK && setting->option == ZMQ_REQ_CORRELATE)
            continue;
        emit (b, OP_SET_INT, s, setting->option, setting->value, 0);
        return;
    }
}

static void introduce (struct belief *b, int s)
{
    struct random *r = &b->random;
    while (chance (r, 30))
        settle_on (b, s);
    int type = b->type[s];
    if ((type == ZMQ_ROUTER || type == ZMQ_DEALER || type == ZMQ_REQ
         || type == ZMQ_REP)
        && b->names < 4 && chance (r, 30))
        emit (b, OP_SUBSCRIBE, s, ZMQ_ROUTING_ID, b->names++, 0);
    if (chance (r, 5))
        emit (b, OP_SUBSCRIBE, s, ZMQ_METADATA, below (r, 2), 0);
    if (chance (r, 3) && b->manners != WATCHES && type != ZMQ_STREAM) {
        b->manners = REFUSES;
        emit (b, OP_SUBSCRIBE, s, ZMQ_TCP_ACCEPT_FILTER, chance (r, 20), 0);
    }
    /* Not of raw connections, nor of PAIR, whose second peers come again: COMPAT.md. */
    if (type != ZMQ_STREAM && type != ZMQ_PAIR && chance (r, 12)
        && b->manners != REFUSES) {
        b->manners = WATCHES;
        emit (b, OP_MONITOR, s, chance (r, 80) ? ZMQ_EVENT_ALL : below (r, 1 << 15), 0, 0);
    }
    if (type == ZMQ_XPUB && chance (r, 15))
        emit (b, OP_SUBSCRIBE, s, ZMQ_XPUB_WELCOME_MSG, below (r, TOPICS), 0);
    if (type == ZMQ_SUB && chance (r, 90))
        emit (b, OP_SUBSCRIBE, s, ZMQ_SUBSCRIBE, below (r, TOPICS), 0);
}

static void take_place (struct belief *b, int s, int place)
{
    if (place < BAD_ENDPOINTS && b->host[place] < 0) {
        b->host[place] = b->type[s];
        b->host_slot[place] = s;
    }
}

/* Binds one, connects others: in most cases partners. */
static void meet (struct belief *b)
{
    struct random *r = &b->random;
    const int *pair;
    int binder = below (r, SLOTS), place = draw_place (b), turn;
    do {
        pair = partners[below (r, sizeof partners / sizeof *partners)];
        turn = chance (r, 50);
    } while ((b->out->kind == INPROC && pair[0] == ZMQ_STREAM) /* COMPAT.md */
             || (b->type[binder] >= 0 && b->type[binder] < TYPES
                 && b->type[binder] != pair[turn]));
    int late = chance (r, 15);
    if (b->type[binder] < 0)
        new_socket (b, binder, pair[turn]);
    /* Another one is bound there already, perhaps. */
    if (place < BAD_ENDPOINTS && b->host[place] >= 0
        && b->host[place] != b->type[binder])
        return;
    introduce (b, binder);
    if (!late)
        emit (b, place >= IPC_ENDPOINTS && place < WILD_TCP && chance (r, 8)
                   ? OP_BIND_FD
                   : OP_BIND,
              binder, place, 0, 0);
    b->place[binder] = place;
    take_place (b, binder, place);
    /* Who comes first when several reconnect is a matter of chance. */
    int guests = late && b->out->kind != INPROC ? 1 : 1 + below (r, 3);
    for (int i = 0; i < guests; i++) {
        int guest = below (r, SLOTS);
        if (guest == binder)
            continue;
        if (b->type[guest] >= 0 && !is_partner (b->type[guest], b->type[binder])) {
            emit (b, OP_CLOSE, guest, 0, 0, 0);
            b->type[guest] = -1;
        }
        if (b->type[guest] < 0) {
            int type = chance (r, 40) ? any_type (b) : pair[!turn];
            new_socket (b, guest,
                        may_meet (b, type, b->type[binder]) ? type : pair[!turn]);
        }
        introduce (b, guest);
        if (b->type[guest] == ZMQ_ROUTER && b->names < 4 && chance (r, 20))
            emit (b, OP_SUBSCRIBE, guest, ZMQ_CONNECT_ROUTING_ID, b->names++, 0);
        if (too_many (b, guest, place))
            continue;
        emit (b, OP_CONNECT, guest, place, 0, 0);
        b->place[guest] = place;
    }
    if (late)
        emit (b, OP_BIND, binder, place, 0, 0);
}

static int size_of_frame (struct belief *b)
{
    static const int sizes[] = {0, 1, 1, 2, 2, 3, 6, 10, 32, 33, 34, 40, 41,
                                100, 254, 255, 256, 257, 1000, 8191, 8192,
                                8193, 70000};
    return sizes[below (&b->random, sizeof sizes / sizeof *sizes)];
}

static int flags_of_send (struct belief *b)
{
    struct random *r = &b->random;
    return (chance (r, 80) ? ZMQ_DONTWAIT : 0) | (chance (r, 15) ? ZMQ_SNDMORE : 0)
           | (chance (r, 1) ? 4 : 0);
}

static void talk (struct belief *b)
{
    struct random *r = &b->random;
    int s = socket_slot (b), type = b->type[s];
    int sends = type == ZMQ_PUB || type == ZMQ_PUSH || type == ZMQ_XPUB;
    int receives = type == ZMQ_SUB || type == ZMQ_PULL;
    int sending = (sends ? 95 : receives ? 3 : 50);
    if (chance (r, sending)) {
        int times = chance (r, 12) ? 1 + below (r, 8) : 1;
        while (times--)
            if ((type == ZMQ_ROUTER || type == ZMQ_STREAM) && chance (r, 75))
                emit (b, OP_SEND_TO, s, below (r, 4), below (r, 6), seed_of_body (b));
            else if (chance (r, 6))
                emit (b, OP_OLD, s, chance (r, 50) ? 3 : below (r, 2), below (r, 6),
                      seed_of_body (b));
            else if (chance (r, 40))
                emit (b, OP_SEND, s, size_of_frame (b), flags_of_send (b),
                      seed_of_body (b));
            else
                emit (b, OP_SEND_WHOLE, s, 1 + (chance (r, 40) ? below (r, 4) : 0),
                      chance (r, 85), seed_of_body (b));
    } else if (chance (r, 8))
        emit (b, OP_OLD, s, chance (r, 50) ? 2 : 4, 1 + below (r, 5), 0);
    else if (chance (r, 30))
        emit (b, OP_RECV, s, chance (r, 50) ? 300 : below (r, 40),
              (chance (r, 85) ? ZMQ_DONTWAIT : 0) | (chance (r, 1) ? 6 : 0),
              0);
    else
        emit (b, OP_RECV_WHOLE, s, chance (r, 85), chance (r, 20), 0);
}

static void change_connections (struct belief *b)
{
    struct random *r = &b->random;
    int s = socket_slot (b);
    int place = b->place[s] >= 0 && chance (r, 75) ? b->place[s] : draw_place (b);
    switch (below (r, 6)) {
        case 0:
            emit (b, OP_UNBIND, s, place, chance (r, 30), 0);
            break;
        case 1:
            emit (b, OP_DISCONNECT, s, place, chance (r, 30), 0);
            break;
        case 2:
            if (b->place[s] == place || (b->type[s] == ZMQ_PAIR && b->place[s] >= 0))
                return;
            emit (b, OP_BIND, s, place, 0, 0);
            b->place[s] = place;
            take_place (b, s, place);
            break;
        case 3:
            emit (b, OP_CLOSE, s, 0, 0, 0);
            b->type[s] = -1;
            break;
        default:
            if (b->out->kind != LAB && place < BAD_ENDPOINTS && b->host[place] < 0)
                return;
            if (place < BAD_ENDPOINTS && b->host[place] >= 0
                && (b->host_slot[place] == s /* nobody talks to himself */
                    || !may_meet (b, b->type[s], b->host[place])))
                return;
            if (too_many (b, s, place))
                return;
            emit (b, OP_CONNECT, s, place, 0, 0);
            b->place[s] = place;
    }
}

static void look (struct belief *b)
{
    struct random *r = &b->random;
    static const int telling[] = {ZMQ_EVENTS, ZMQ_EVENTS, ZMQ_RCVMORE,
                                  ZMQ_LAST_ENDPOINT, ZMQ_TYPE, ZMQ_FD};
    int s = socket_slot (b);
    if (chance (r, 40))
        emit (b, OP_POLL, below (r, 1 << SLOTS), below (r, chance (r, 5) ? 64 : 4),
              below (r, 16), 0);
    else
        for (int i = 0; i < socket_option_count; i++)
            if (socket_options[i].number == telling[below (r, 6)]) {
                emit (b, OP_GET, s, i, 255, 0);
                break;
            }
}

static void interest (struct belief *b)
{
    struct random *r = &b->random;
    int s = socket_slot (b);
    if (b->type[s] == ZMQ_SUB || chance (r, b->type[s] == ZMQ_XPUB ? 30 : 5)) {
        int add = chance (r, 60);
        /* A topic that begins with 1 is not cancelled: COMPAT.md. */
        emit (b, OP_SUBSCRIBE, s, add ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE,
              below (r, add ? TOPICS : TOPICS - 1), 0);
    }
    else if (b->type[s] == ZMQ_XSUB)
        emit (b, OP_SUBSCRIBE, s, -(1 + chance (r, 60)), below (r, TOPICS), 0);
    else
        talk (b);
}

static void handle_messages (struct belief *b)
{
    struct random *r = &b->random;
    emit (b, OP_MSG, socket_slot (b), below (r, MSG_CALLS), below (r, MESSAGES),
          (below (r, MESSAGES) << 24) | below (r, 1 << 24));
}

/* Few threads: the oracle does not survive that there are none left. */
static int context_value (struct belief *b, int option)
{
    int value = int_values[below (&b->random, int_value_count)];
    return context_options[option].number == ZMQ_IO_THREADS && value > 5 ? 2 : value;
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
    while (option_missing (socket_options[i].number));
    enum value_kind kind = socket_options[i].kind;
    static const int odd_sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33,
                                    40, 41, 254, 255, 256, 300};
    int size = kind == INT ? 4 : kind == INT64 ? 8 : below (r, 256);
    if (chance (r, 30))
        size = odd_sizes[below (r, sizeof odd_sizes / sizeof *odd_sizes)];
    /* A bind would take any descriptor there is: COMPAT.md. OP_BIND_FD has its own. */
    if (chance (r, 55) && socket_options[i].number != ZMQ_USE_FD)
        emit (b, OP_SET, s, i, size, seed_of_body (b));
    if (chance (r, 60))
        emit (b, OP_GET, s, i, chance (r, 60) ? 255 : size, 0);
}

static void laboratory (struct belief *b)
{
    struct random *r = &b->random;
    if (chance (r, 30)) {
        int i = below (r, context_option_count);
        emit (b, OP_CTX_SET, 0, i, context_value (b, i), 0);
    }
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
        else if (dice < 974)
            emit (b, OP_PROXY, socket_slot (b), socket_slot (b),
                  chance (r, 30) ? socket_slot (b) : -1, 0);
        else if (dice < 980 && chance (r, 40))
            emit (b, OP_CTX_SHUTDOWN, chance (r, 90) ? 0 : 1, 0, 0, 0);
        else
            talk (b);
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
    sequence->kind = dice < 35 ? LAB : dice < 70 ? INPROC : NETWORK;
    if (sequence->kind == LAB)
        laboratory (&b);
    else
        conversation (&b);
}
