/* staging.c - what a play is about: drawn from its seed, bound, connected and ready. */
#include "plays.h"
#include "text.h"
#include "topics.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { MOST_READERS = 3 };

static const struct cast casts[] = {
  {FUNNEL, ZMQ_PAIR, ZMQ_PAIR, 1},           {FUNNEL, ZMQ_PULL, ZMQ_PUSH, MOST_SPOKES},
  {FUNNEL, ZMQ_DEALER, ZMQ_DEALER, MOST_SPOKES}, {FUNNEL, ZMQ_ROUTER, ZMQ_DEALER, MOST_SPOKES},
  {FUNNEL, ZMQ_SUB, ZMQ_XPUB, MOST_SPOKES},  {FAN, ZMQ_PAIR, ZMQ_PAIR, 1},
  {FAN, ZMQ_PUSH, ZMQ_PULL, 1},              {FAN, ZMQ_ROUTER, ZMQ_DEALER, MOST_SPOKES},
  {FAN, ZMQ_ROUTER, ZMQ_DEALER, MOST_SPOKES}, {FAN, ZMQ_XPUB, ZMQ_SUB, MOST_SPOKES},
  {ECHO, ZMQ_ROUTER, ZMQ_REQ, MOST_SPOKES},  {ECHO, ZMQ_ROUTER, ZMQ_DEALER, MOST_SPOKES},
  {ECHO, ZMQ_REP, ZMQ_REQ, MOST_SPOKES},
};

void set_int (void *socket, int option, int value)
{
    zmq_setsockopt (socket, option, &value, sizeof value);
}

/* Not the marks that subscriptions have to pass: at those the oracle drops them. */
static void *make (struct play *play, int type, int mark)
{
    void *socket = zmq_socket (play->context, type);
    if (mark >= 0 && type != ZMQ_SUB)
        set_int (socket, ZMQ_SNDHWM, mark);
    if (mark >= 0 && type != ZMQ_XPUB)
        set_int (socket, ZMQ_RCVHWM, mark);
    if (type == ZMQ_XPUB)
        set_int (socket, ZMQ_XPUB_NODROP, 1);
    if (type == ZMQ_ROUTER)
        set_int (socket, ZMQ_ROUTER_MANDATORY, 1);
    return socket;
}

static void join (struct play *play, int i, int total)
{
    struct spoke *spoke = &play->spokes[i];
    *spoke = (struct spoke) {.play = play, .letter = (char) ('A' + i), .total = total};
    spoke->socket = make (play, play->cast->spoke, play->spoke_mark);
    if (play->cast->spoke == ZMQ_DEALER && play->cast->scene == FAN)
        zmq_setsockopt (spoke->socket, ZMQ_ROUTING_ID, &spoke->letter, 1);
    if (play->cast->spoke == ZMQ_SUB) {
        for (int t = 0; t < play->topics; t++) {
            unsigned char topic[LONGEST_TOPIC];
            size_t size = spell_topic (FIRST_STRANGE_TOPIC + t, topic);
            zmq_setsockopt (spoke->socket, ZMQ_SUBSCRIBE, topic, size);
        }
        zmq_setsockopt (spoke->socket, ZMQ_SUBSCRIBE, &spoke->letter, 1);
    }
    if (zmq_connect (spoke->socket, play->endpoints[i % play->endpoint_count]))
        spoke->failed = zmq_errno ();
}

/* Until whoever sends knows all to whom it can. */
static void greet (struct play *play)
{
    unsigned char frame[LONGEST_TOPIC + 1];
    int events;
    size_t width = sizeof events;
    for (int i = 0; play->cast->spoke == ZMQ_XPUB && i < play->spoke_count; i++)
        do /* a SUB that is not called does not know whom to tell */
            zmq_getsockopt (play->hub, ZMQ_EVENTS, &events, &width);
        while (zmq_recv (play->spokes[i].socket, frame, sizeof frame, ZMQ_DONTWAIT) < 0
               && usleep (50) == 0);
    for (int i = 0; play->cast->scene == FAN && i < play->spoke_count; i++)
        if (play->cast->hub == ZMQ_ROUTER) {
            zmq_send (play->spokes[i].socket, "hello", 5, 0);
            zmq_recv (play->hub, frame, sizeof frame, 0);
            zmq_recv (play->hub, frame, sizeof frame, 0);
        } else if (play->cast->hub == ZMQ_XPUB)
            while (zmq_recv (play->hub, frame, sizeof frame, 0) != 2 || frame[1] < 'A'
                   || frame[1] > 'Z')
                ;
}

static void bind_hub (struct play *play, int transports)
{
    static int count;
    char wild[512];
    size_t size;
    for (int i = 0; i < 3; i++) {
        if (!(transports >> i & 1))
            continue;
        snprintf (wild, sizeof wild, i == 0 ? "inproc://hub%d" : i == 1 ? "ipc://hub%d" : "tcp://HOST:*",
                  count++);
        spell_endpoint (wild, play->endpoints[play->endpoint_count]);
        zmq_bind (play->hub, play->endpoints[play->endpoint_count]);
        size = sizeof wild;
        zmq_getsockopt (play->hub, ZMQ_LAST_ENDPOINT, play->endpoints[play->endpoint_count++], &size);
    }
}

static int is_small (int mark)
{
    return mark > 0 && mark <= 5;
}

void set_up (struct play *play, struct random *r)
{
    static const char *const scenes[] = {"funnel", "fan", "echo"};
    static const int marks[] = {-1, -1, -1, 0, 1, 2, 5, 50, 1000};
    static const int totals[] = {1, 3, 30, 100, 300, 1000};
    play->cast = &casts[below (r, sizeof casts / sizeof *casts)];
    play->hub_way = (enum way) below (r, WAYS);
    play->spoke_way = (enum way) below (r, WAYS);
    play->spoke_count = chance (r, 30) ? 1 : 1 + below (r, play->cast->most);
    play->frames = chance (r, 50) ? 1 : MOST_FRAMES;
    play->largest = chance (r, 50) ? 33 : LARGEST;
    play->window = play->cast->spoke == ZMQ_REQ ? 1 : 1 + below (r, 40);
    play->readers = 1 + below (r, MOST_READERS);
    if (play->spoke_count > play->readers * MOST_WAITED_FOR)
        play->readers = MOST_READERS;
    play->topics = chance (r, 50) ? 0 : below (r, 300);
    play->hub_mark = marks[below (r, 9)];
    play->spoke_mark = marks[below (r, 9)];
    if (play->cast->scene == ECHO) /* else both wait for room */
        play->hub_mark = play->spoke_mark = -1;
    play->hub_pause = chance (r, 30) ? 1 + below (r, 50) : 0;
    play->spoke_pause = chance (r, 30) ? 1 + below (r, 50) : 0;
    /* Not of whom would be given messages, or turned away. */
    if (play->cast->hub != ZMQ_PUSH && play->cast->hub != ZMQ_PAIR && chance (r, 30))
        play->visits = 1 + below (r, 20);
    play->context = zmq_ctx_new ();
    zmq_ctx_set (play->context, ZMQ_IO_THREADS, 1 + below (r, 2));
    play->hub = make (play, play->cast->hub, play->hub_mark);
    if (play->cast->hub == ZMQ_SUB)
        zmq_setsockopt (play->hub, ZMQ_SUBSCRIBE, "", 0);
    bind_hub (play, 1 + below (r, 7));
    int total = totals[below (r, 6)];
    /* Where each message has to be waited for, a busy machine takes its time. */
    int waits = play->cast->scene == ECHO || is_small (play->hub_mark) || is_small (play->spoke_mark);
    while (total * play->spoke_count > (waits ? 100 : 3000))
        total /= 2;
    printf (" %s %s and %d %s, %d each, %d endpoints, ways %d %d, marks %d %d", scenes[play->cast->scene],
            type_names[play->cast->hub], play->spoke_count, type_names[play->cast->spoke], total,
            play->endpoint_count, play->hub_way, play->spoke_way, play->hub_mark, play->spoke_mark);
    fflush (stdout);
    for (int i = 0; i < play->spoke_count; i++)
        join (play, i, total);
    greet (play);
}
