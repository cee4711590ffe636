/* crowds.c - who hosts, joins and leaves. */
#include "crowds.h"
#include "text.h"
#include <stdio.h>
#include <string.h>
#include <zmq.h>

struct crowd crowd;

static const struct
{
    int host, member, other;
} casts[CROWD_CASTS] = {
  {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_REQ}, {ZMQ_ROUTER, ZMQ_DEALER, ZMQ_DEALER},
  {ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH},    {ZMQ_PUSH, ZMQ_PULL, ZMQ_PULL},
  {ZMQ_DEALER, ZMQ_DEALER, ZMQ_REP}, {ZMQ_PUB, ZMQ_SUB, ZMQ_XSUB},
  {ZMQ_XPUB, ZMQ_SUB, ZMQ_XSUB},     {ZMQ_SUB, ZMQ_PUB, ZMQ_XPUB},
  {ZMQ_REP, ZMQ_REQ, ZMQ_DEALER},    {ZMQ_XSUB, ZMQ_PUB, ZMQ_XPUB},
};

static void set (void *socket, int option, int value)
{
    printf (" %d:%d", option, value);
    zmq_setsockopt (socket, option, &value, sizeof value);
}

static void set_marks (struct random *r, void *socket)
{
    static const int marks[] = {0, 1, 2, 3, 5, 10};
    if (!crowd.marks)
        return;
    set (socket, ZMQ_SNDHWM, marks[below (r, 6)]);
    set (socket, ZMQ_RCVHWM, marks[below (r, 6)]);
}

/* Whether such a socket takes a message already when it is asked if there is one. */
static int looks_ahead (int type)
{
    return type == ZMQ_SUB || type == ZMQ_XSUB || type == ZMQ_ROUTER || type == ZMQ_REP;
}

void found (void *context, int which, uint32_t seed)
{
    static const char *const patterns[] = {"inproc://crowd", "ipc://crowd", "tcp://HOST:*"};
    struct random random = {seed}, *r = &random;
    if (crowd.host || !(crowd.host = zmq_socket (context, casts[which].host))) {
        printf (" none");
        return;
    }
    crowd.host_type = casts[which].host;
    crowd.cast = which;
    int places = chance (r, 50) ? 1 : 1 + below (r, 7);
    crowd.network = places > 1;
    /* What was taken gives room at once, in libzmq by steps: COMPAT.md. */
    crowd.marks = !crowd.network && chance (r, 60) && !looks_ahead (casts[which].host)
                  && !looks_ahead (casts[which].member);
    network_used |= crowd.network;
    printf (" %s", type_names[crowd.host_type]);
    set_marks (r, crowd.host);
    if (crowd.host_type == ZMQ_ROUTER && chance (r, 50))
        set (crowd.host, ZMQ_ROUTER_MANDATORY, 1);
    if (crowd.host_type == ZMQ_XPUB && chance (r, 50))
        set (crowd.host, chance (r, 50) ? ZMQ_XPUB_VERBOSE : ZMQ_XPUB_VERBOSER, 1);
    if (crowd.host_type == ZMQ_SUB && chance (r, 70))
        result (zmq_setsockopt (crowd.host, ZMQ_SUBSCRIBE, "", 0));
    for (int i = 0; i < 3 && crowd.endpoint_count < 2; i++)
        if (places >> i & 1) {
            char *endpoint = crowd.endpoints[crowd.endpoint_count++];
            size_t size = sizeof crowd.endpoints[0];
            spell_endpoint (patterns[i], endpoint);
            result (zmq_bind (crowd.host, endpoint));
            zmq_getsockopt (crowd.host, ZMQ_LAST_ENDPOINT, endpoint, &size);
            printf (" ");
            print_text (endpoint);
        }
}

static void connect_member (struct random *r, struct member *member)
{
    strcpy (member->endpoint, crowd.endpoints[below (r, crowd.endpoint_count)]);
    result (zmq_connect (member->socket, member->endpoint));
    rest (); /* so that they are known in this order */
}

static void come (void *context, struct random *r)
{
    int k = crowd.count, type = chance (r, 75) || crowd.marks ? casts[crowd.cast].member
                                                                : casts[crowd.cast].other;
    struct member *member = &crowd.members[k];
    if (!(member->socket = zmq_socket (context, type)))
        return;
    crowd.count++;
    printf (" m%d %s", k, type_names[type]);
    set_marks (r, member->socket);
    /* A ROUTER reads it; elsewhere it waits as a message would. */
    if (chance (r, 40) && crowd.host_type == ZMQ_ROUTER) {
        char name[LONGEST_NAME];
        int size = snprintf (name, sizeof name, "M%d", k);
        zmq_setsockopt (member->socket, ZMQ_ROUTING_ID, name, (size_t) size);
        memcpy (member->id, name, (size_t) size);
        member->id_size = (size_t) size;
    }
    connect_member (r, member);
}

void join (void *context, int count, uint32_t seed)
{
    struct random random = {seed};
    if (!crowd.host)
        printf (" none");
    while (crowd.host && count-- && crowd.count < MOST_MEMBERS)
        come (context, &random);
}

/* Some close, some end their connection, some connect again. Before, all is read. */
void part (int count, uint32_t seed)
{
    struct random random = {seed}, *r = &random;
    if (crowd.host)
        read_everything ();
    while (crowd.count && count--) {
        int k = below (r, crowd.count), what = below (r, 3);
        struct member *member = &crowd.members[k];
        if (!member->socket)
            continue;
        printf ("\n   m%d", k);
        if (what == 0) {
            result (zmq_close (member->socket));
            member->socket = NULL;
            settle (); /* another thread's work */
        } else if (!*member->endpoint) {
            connect_member (r, member);
            if (*member->id != 'M') /* it gets another one */
                member->id_size = 0;
        } else {
            result (zmq_disconnect (member->socket, member->endpoint));
            *member->endpoint = 0;
        }
        rest ();
    }
}

static void touch_one (void *socket)
{
    int events;
    size_t size = sizeof events;
    if (socket)
        zmq_getsockopt (socket, ZMQ_EVENTS, &events, &size);
}

void touch_crowd (void)
{
    touch_one (crowd.host);
    for (int k = 0; k < crowd.count; k++)
        touch_one (crowd.members[k].socket);
}

void end_crowd (void)
{
    if (!crowd.host)
        return;
    printf ("crowd");
    read_host ();
    read_members ();
    printf ("\n");
    int zero = 0;
    for (int k = 0; k < crowd.count; k++)
        if (crowd.members[k].socket) {
            zmq_setsockopt (crowd.members[k].socket, ZMQ_LINGER, &zero, sizeof zero);
            zmq_close (crowd.members[k].socket);
        }
    zmq_setsockopt (crowd.host, ZMQ_LINGER, &zero, sizeof zero);
    zmq_close (crowd.host);
}
