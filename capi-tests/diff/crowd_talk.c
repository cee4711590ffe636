/* crowd_talk.c - what a host and its crowd send, receive, subscribe to, and wait for.
 *
 * Who comes first among peers over a network is not determined: there the lines of what
 * was received are events, which are compared in order of their text.
 */
#define _GNU_SOURCE
#include "crowds.h"
#include "text.h"
#include "topics.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { MOST_READ = 400, MOST_FILLED = 60, SENT_AFTER_US = 2000, WAIT_MS = 30 };

static void *member_socket (int k)
{
    return crowd.members[k].socket;
}

static int kind_of (void *socket)
{
    int type = -1;
    size_t size = sizeof type;
    zmq_getsockopt (socket, ZMQ_TYPE, &type, &size);
    return type;
}

/* Sends a message whose first frame begins with a topic, and which says who sent it; or
 * fails. */
static int send_some (struct random *r, void *socket, int who, int spread)
{
    static int sent;
    unsigned char frame[LONGEST_TOPIC + 40];
    int frames = chance (r, 70) ? 1 : 1 + below (r, 3), rc = -1;
    for (int i = 0; i < frames; i++) {
        size_t size = i ? 0 : spell_topic (below (r, spread), frame);
        size += (size_t) sprintf ((char *) frame + size, ".%03d~%02d", sent++ % 1000, who);
        rc = zmq_send (socket, frame, size, ZMQ_DONTWAIT | (i + 1 < frames ? ZMQ_SNDMORE : 0));
        if (rc < 0)
            break;
    }
    return rc;
}

/* libzmq gives room for what was read by steps that ours does not make: COMPAT.md. */
static int room_is_known (void)
{
    if (crowd.marks && crowd.was_read)
        printf (" not tried");
    return !crowd.marks || !crowd.was_read;
}

static int any_spread (struct random *r)
{
    static const int spreads[] = {FIRST_STRANGE_TOPIC, 50, MANY_TOPICS};
    return spreads[below (r, 3)];
}

/* Members send. */
void tell (int count, uint32_t seed)
{
    struct random random = {seed}, *r = &random;
    int spread = any_spread (r);
    while (crowd.count && count-- && room_is_known ()) {
        int k = below (r, crowd.count);
        void *socket = member_socket (k);
        if (!socket)
            continue;
        printf (" m%d", k);
        /* A REP does not read a request without an envelope. */
        if (crowd.host_type == ZMQ_REP && kind_of (socket) == ZMQ_DEALER
            && zmq_send (socket, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
            continue;
        result (send_some (r, socket, k, spread));
        rest ();
    }
}

/* The host sends. */
void reply (int count, uint32_t seed)
{
    struct random random = {seed}, *r = &random;
    int spread = any_spread (r);
    while (crowd.host && count-- && room_is_known ()) {
        if (crowd.host_type == ZMQ_ROUTER) {
            int k = below (r, MOST_MEMBERS); /* who has left and who never came, too */
            struct member *member = &crowd.members[k];
            printf (" to m%d%s", k, member->id_size ? "" : " unknown");
            int rc = member->id_size
                       ? zmq_send (crowd.host, member->id, member->id_size, ZMQ_DONTWAIT | ZMQ_SNDMORE)
                       : zmq_send (crowd.host, "nobody", 6, ZMQ_DONTWAIT | ZMQ_SNDMORE);
            if (rc >= 0 && member->socket && kind_of (member->socket) == ZMQ_REQ)
                rc = zmq_send (crowd.host, "", 0, ZMQ_DONTWAIT | ZMQ_SNDMORE);
            if (rc < 0) {
                result (rc);
                continue;
            }
        }
        result (send_some (r, crowd.host, 0, spread));
        rest ();
    }
}

/* Sends until there is no room. */
void fill (uint32_t seed)
{
    struct random random = {seed}, *r = &random;
    int k = crowd.count ? below (r, crowd.count) : 0, wait_ms = below (r, 2) * 3, sent = 0;
    void *socket = chance (r, 50) || !crowd.count ? crowd.host : member_socket (k);
    if (!socket || !crowd.marks || crowd.was_read || kind_of (socket) == ZMQ_ROUTER) {
        printf (" none");
        return;
    }
    printf (" %s%d", socket == crowd.host ? "host" : "m", k);
    while (sent < MOST_FILLED && zmq_send (socket, "fill", 4, ZMQ_DONTWAIT) >= 0)
        sent++;
    printf (" %d", sent);
    long long begin = clock_ms ();
    zmq_setsockopt (socket, ZMQ_SNDTIMEO, &wait_ms, sizeof wait_ms);
    result (zmq_send (socket, "fill", 4, 0));
    if (sent < MOST_FILLED && zmq_errno () == EAGAIN && clock_ms () - begin < wait_ms - 1)
        printf (" early");
}

/* Subscriptions: new ones, repeated ones, ended ones, those that are not there. */
void take_interest (int count, uint32_t seed)
{
    struct random random = {seed}, *r = &random;
    int k = crowd.count ? below (r, crowd.count) : 0, spread = any_spread (r), failed = 0;
    int subscribes = chance (r, 20) ? 20 : 65;
    void *socket = crowd.host_type == ZMQ_SUB || crowd.host_type == ZMQ_XSUB ? crowd.host
                                                                              : member_socket (k);
    int type = socket ? kind_of (socket) : -1;
    printf (" m%d", k);
    while (socket && count--) {
        unsigned char topic[1 + LONGEST_TOPIC];
        size_t size = spell_topic (below (r, spread), topic + 1);
        int adds = chance (r, subscribes);
        topic[0] = (unsigned char) adds;
        failed += (type == ZMQ_XSUB
                     ? zmq_send (socket, topic, size + 1, ZMQ_DONTWAIT)
                     : zmq_setsockopt (socket, adds ? ZMQ_SUBSCRIBE : ZMQ_UNSUBSCRIBE, topic + 1, size))
                  < 0;
    }
    printf (" failed %d", failed);
}

/* Whose id this is, or -1. */
static int member_of (const void *id, size_t size)
{
    for (int k = 0; k < crowd.count; k++)
        if (crowd.members[k].id_size == size && memcmp (crowd.members[k].id, id, size) == 0)
            return k;
    return -1;
}

/* A frame of a message from an id that is not known: it says whose that is. */
static void learn (const unsigned char *id, size_t size, const unsigned char *frame, size_t length)
{
    int k = length > 3 && frame[length - 3] == '~'
              ? (frame[length - 2] - '0') * 10 + frame[length - 1] - '0'
              : -1;
    if (k < 0 || k >= crowd.count || size > sizeof crowd.members[0].id)
        return;
    memcpy (crowd.members[k].id, id, size);
    crowd.members[k].id_size = size;
}

/* Receives a message, if there is one; what it was on a line of its own. */
static int read_one (void *socket, const char *who, int k)
{
    unsigned char id[8];
    size_t id_size = 0;
    int more = 1;
    crowd.was_read = 1;
    for (int at = 0; more; at++) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        if (zmq_msg_recv (&frame, socket, ZMQ_DONTWAIT) < 0) {
            int err = zmq_errno ();
            zmq_msg_close (&frame);
            if (err != EAGAIN && err != ENOTSUP && err != EFSM)
                printf (" %s", errno_name (err));
            return 0;
        }
        const void *data = zmq_msg_data (&frame);
        size_t size = zmq_msg_size (&frame);
        if (at == 0)
            printf ("\n   %s %s%d ", crowd.network ? "event" : "got", who, k);
        if (at == 0 && socket == crowd.host && crowd.host_type == ZMQ_ROUTER && size <= sizeof id) {
            memcpy (id, data, id_size = size);
            printf ("from m%d ", member_of (id, size));
        } else {
            print_bytes (data, size);
            if (id_size && member_of (id, id_size) < 0)
                learn (id, id_size, data, size);
        }
        more = zmq_msg_more (&frame);
        zmq_msg_close (&frame);
    }
    return 1;
}

/* How many messages were there. With answers a REP, which reads no more before, gives
 * one to each. */
static int read_all_of (void *socket, const char *who, int k, int answers)
{
    int count = 0;
    answers = answers && kind_of (socket) == ZMQ_REP;
    if (answers)
        zmq_send (socket, "", 0, ZMQ_DONTWAIT);
    while (count < MOST_READ && read_one (socket, who, k)) {
        if (answers)
            zmq_send (socket, "", 0, ZMQ_DONTWAIT);
        if (answers || crowd.marks || socket == crowd.host)
            rest ();
        count++;
    }
    return count;
}

void read_host (void)
{
    if (crowd.host)
        read_all_of (crowd.host, "host", 0, 0);
}

void read_members (void)
{
    for (int k = 0; k < crowd.count; k++)
        if (member_socket (k))
            read_all_of (member_socket (k), "m", k, 0);
    rest ();
}

void read_everything (void)
{
    int count;
    do {
        count = crowd.host ? read_all_of (crowd.host, "host", 0, 1) : 0;
        for (int k = 0; k < crowd.count; k++)
            if (member_socket (k))
                count += read_all_of (member_socket (k), "m", k, 1);
        rest ();
    } while (count);
}

/* A thread that sends once the others wait. */
static struct
{
    void *socket;
    int k, rc, err;
    uint32_t seed;
} sender;

static void *send_soon (void *argument)
{
    struct random random = {sender.seed};
    usleep (SENT_AFTER_US);
    sender.rc = send_some (&random, sender.socket, sender.k, FIRST_STRANGE_TOPIC);
    sender.err = errno;
    return argument;
}

/* Whom a poll is about: some members, perhaps the host, not the one that sends. */
static int choose_items (struct random *r, zmq_pollitem_t *items, const void *busy)
{
    int count = 0, events = 1 + below (r, 3);
    if (crowd.host && crowd.host != busy && chance (r, 60))
        items[count++] = (zmq_pollitem_t) {crowd.host, 0, (short) events, 0};
    int most = chance (r, 50) ? 2 : 16;
    for (int k = 0; k < crowd.count && count < most; k++)
        if (member_socket (k) && member_socket (k) != busy && chance (r, 70))
            items[count++] = (zmq_pollitem_t) {member_socket (k), 0, (short) events, 0};
    return count;
}

static void show_items (const zmq_pollitem_t *items, int count, int rc)
{
    result (rc);
    for (int i = 0; i < count; i++)
        printf (" %d", items[i].revents);
}

/* zmq_poll on up to 16 sockets: what is there, or while somebody sends. */
void watch (uint32_t seed)
{
    static const int times_ms[] = {0, 1, 10};
    struct random random = {seed}, *r = &random;
    zmq_pollitem_t items[17];
    int k = crowd.count ? below (r, crowd.count) : 0, sends = chance (r, 50);
    sender.k = k;
    sender.seed = seed;
    sender.socket = chance (r, 30) || crowd.host_type == ZMQ_PUSH ? crowd.host : member_socket (k);
    if (!sender.socket || kind_of (sender.socket) == ZMQ_ROUTER || (crowd.marks && crowd.was_read))
        sends = 0;
    int count = choose_items (r, items, sends ? sender.socket : NULL);
    if (count == 0) {
        printf (" none");
        return;
    }
    if (!sends) {
        int time_ms = times_ms[below (r, 3)];
        long long begin = clock_ms ();
        int rc = zmq_poll (items, count, time_ms);
        show_items (items, count, rc);
        if (rc == 0 && clock_ms () - begin < time_ms - 1)
            printf (" early");
        return;
    }
    pthread_t thread;
    for (int i = 0; i < count; i++)
        items[i].events = ZMQ_POLLIN;
    rest ();
    pthread_create (&thread, NULL, send_soon, NULL);
    int woken = zmq_poll (items, count, WAIT_MS * wait_scale) > 0;
    pthread_join (thread, NULL);
    rest ();
    printf (" m%d while waiting: %s", k, woken ? "woken" : "in vain");
    errno = sender.err;
    result (sender.rc);
    show_items (items, count, zmq_poll (items, count, 0));
}
