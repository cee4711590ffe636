/* meeting.c - who binds, who connects, and what is settled before. */
#include "belief.h"
#include <zmq.h>

static const int partners[][2] = {
  {ZMQ_PAIR, ZMQ_PAIR}, {ZMQ_PUB, ZMQ_SUB}, {ZMQ_PUB, ZMQ_XSUB},
  {ZMQ_XPUB, ZMQ_SUB}, {ZMQ_XPUB, ZMQ_XSUB}, {ZMQ_REQ, ZMQ_REP},
  {ZMQ_REQ, ZMQ_ROUTER}, {ZMQ_DEALER, ZMQ_REP}, {ZMQ_DEALER, ZMQ_ROUTER},
  {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_ROUTER, ZMQ_ROUTER}, {ZMQ_PUSH, ZMQ_PULL},
  {ZMQ_STREAM, ZMQ_STREAM}, {RAW, ZMQ_STREAM}, {RAW, RAW},
};

static int is_partner (int a, int b)
{
    for (size_t i = 0; i < sizeof partners / sizeof *partners; i++)
        if ((partners[i][0] == a && partners[i][1] == b)
            || (partners[i][0] == b && partners[i][1] == a))
            return 1;
    return 0;
}

int is_raw (int type)
{
    return type == ZMQ_STREAM || type == RAW;
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
    if (is_raw (type) || is_raw (other))
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
void settle_on (struct belief *b, int s)
{
    struct random *r = &b->random;
    for (int tries = 0; tries < 10; tries++) {
        const struct setting *setting = &settings[below (r, setting_count)];
        int type = b->type[s] == RAW ? ZMQ_STREAM : b->type[s];
        if (type >= 0 && !((setting->types >> type) & 1)
            && (type == ZMQ_STREAM || !chance (r, 2)))
            continue;
        /* Ours lets a change of marks reach pipes that exist; in the oracle
         * subscriptions from before the manual mode are answered amiss: COMPAT.md. */
        if (b->place[s] >= 0
            && (setting->option == ZMQ_SNDHWM || setting->option == ZMQ_RCVHWM
                || setting->option == ZMQ_XPUB_MANUAL
                || setting->option == ZMQ_XPUB_MANUAL_LAST_VALUE))
            continue;
        if (setting->option == ZMQ_IPC_FILTER_UID || setting->option == ZMQ_IPC_FILTER_GID) {
            if (b->manners == WATCHES)
                continue;
            b->manners = REFUSES;
        }
        /* The oracle drops what it received when such a connection ends. */
        if (b->out->kind == NETWORK && setting->option == ZMQ_IMMEDIATE)
            continue;
        /* Who binds late does not probe in the oracle, which closes a REQ's
         * connection for a probe: COMPAT.md. */
        if (setting->option == ZMQ_PROBE_ROUTER
            && (b->out->kind == INPROC || type == ZMQ_ROUTER || type == ZMQ_REP))
            continue;
        /* For a reply without its number the oracle disconnects. */
        if (b->out->kind == NETWORK && setting->option == ZMQ_REQ_CORRELATE)
            continue;
        emit (b, OP_SET_INT, s, setting->option, setting->value, 0);
        return;
    }
}

/* Before the first bind or connect. */
static void take_role (struct belief *b, int s, int role)
{
    if (!b->curve || b->role[s] != UNDECIDED || is_raw (b->type[s]))
        return;
    emit (b, OP_SECURE, s, role == SERVER, 0, 0);
    b->role[s] = role;
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
    if (chance (r, 3) && b->manners != WATCHES && !is_raw (type)) {
        b->manners = REFUSES;
        emit (b, OP_SUBSCRIBE, s, ZMQ_TCP_ACCEPT_FILTER, chance (r, 20), 0);
    }
    /* Not of raw connections: COMPAT.md. */
    if (!is_raw (type) && chance (r, 12) && b->manners != REFUSES) {
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
void meet (struct belief *b)
{
    struct random *r = &b->random;
    const int *pair;
    int binder = below (r, SLOTS), place = draw_place (b), turn;
    do {
        pair = partners[below (r, sizeof partners / sizeof *partners)];
        turn = chance (r, 50);
    } while ((b->out->kind == INPROC && is_raw (pair[0])) /* COMPAT.md */
             || (b->type[binder] >= 0 && b->type[binder] != pair[turn]));
    int late = chance (r, 15);
    if (b->type[binder] < 0)
        new_socket (b, binder, pair[turn]);
    /* Another one is bound there already, perhaps. */
    if (place < BAD_ENDPOINTS && b->host[place] >= 0
        && b->host[place] != b->type[binder])
        return;
    if (b->role[binder] == CLIENT)
        return;
    take_role (b, binder, SERVER);
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
        if (guest == binder || (b->type[guest] >= 0 && b->role[guest] == SERVER))
            continue;
        if (b->type[guest] >= 0 && !is_partner (b->type[guest], b->type[binder])) {
            leave (b, OP_CLOSE, guest, 0, 0);
            b->type[guest] = -1;
        }
        if (b->type[guest] < 0) {
            int type = chance (r, 40) ? any_type (b) : pair[!turn];
            new_socket (b, guest,
                        may_meet (b, type, b->type[binder]) ? type : pair[!turn]);
        }
        take_role (b, guest, CLIENT);
        introduce (b, guest);
        if ((b->type[guest] == ZMQ_ROUTER || is_raw (b->type[guest])) && b->names < 4
            && chance (r, 20))
            emit (b, OP_SUBSCRIBE, guest, ZMQ_CONNECT_ROUTING_ID, b->names++, 0);
        if (too_many (b, guest, place))
            continue;
        emit (b, OP_CONNECT, guest, place, 0, 0);
        b->place[guest] = place;
    }
    if (late)
        emit (b, OP_BIND, binder, place, 0, 0);
}

/* Whether only partners meet at odd endpoints, and nobody himself. */
static int fits_oddly (struct belief *b, int s, int place, int *same, int others)
{
    if (place < BAD_ENDPOINTS)
        return 1;
    for (int i = 0; i < SLOTS; i++)
        if ((others >> i & 1) && (i == s || !is_partner (b->type[i], b->type[s])))
            return 0;
    *same |= 1 << s;
    return 1;
}

void change_connections (struct belief *b)
{
    struct random *r = &b->random;
    int s = socket_slot (b);
    int place = b->place[s] >= 0 && chance (r, 75) ? b->place[s] : draw_place (b);
    int what = below (r, 6);
    /* Who is a server does not connect, and the other way round. */
    if (b->curve && !is_raw (b->type[s])
        && ((what == 2 && b->role[s] != SERVER) || (what > 3 && b->role[s] != CLIENT)))
        return;
    switch (what) {
        case 0:
            leave (b, OP_UNBIND, s, place, chance (r, 30));
            break;
        case 1:
            leave (b, OP_DISCONNECT, s, place, chance (r, 30));
            break;
        case 2:
            if (b->place[s] == place || (b->type[s] == ZMQ_PAIR && b->place[s] >= 0)
                || !fits_oddly (b, s, place, &b->odd_hosts, b->odd_guests))
                return;
            emit (b, OP_BIND, s, place, 0, 0);
            b->place[s] = place;
            take_place (b, s, place);
            break;
        case 3:
            leave (b, OP_CLOSE, s, 0, 0);
            b->type[s] = -1;
            break;
        default:
            if (b->secures
                || (b->out->kind != LAB && place < BAD_ENDPOINTS && b->host[place] < 0))
                return;
            if (place < BAD_ENDPOINTS && b->host[place] >= 0
                && (b->host_slot[place] == s /* nobody talks to himself */
                    || !may_meet (b, b->type[s], b->host[place])))
                return;
            if (too_many (b, s, place)
                || !fits_oddly (b, s, place, &b->odd_guests, b->odd_hosts))
                return;
            emit (b, OP_CONNECT, s, place, 0, 0);
            b->place[s] = place;
    }
}
