/* Event loops on ZMQ_FD and ZMQ_EVENTS, as libev, libuv or asyncio run them:
 * one epoll set with the descriptors of many sockets, level- and
 * edge-triggered. */
#include "events.h"
#include <sys/epoll.h>

static const uint32_t triggers[] = {EPOLLIN, EPOLLIN | EPOLLET};

/* A socket of the loop: sends `to_send` numbered messages whenever it may, and
 * takes what comes. */
struct member
{
    void *s;
    int type, to_send, sent, to_receive, received, wrong;
    /* ROUTER answers whom it heard of: the last routing id. */
    unsigned char id[256];
    int id_size;
};

static bool member_done (const struct member *m)
{
    return m->sent == m->to_send && m->received == m->to_receive;
}

static void member_receive (struct member *m)
{
    int number = -1, size;
    if (m->type == ZMQ_ROUTER)
        m->id_size = zmq_recv (m->s, m->id, sizeof m->id, ZMQ_DONTWAIT);
    size = zmq_recv (m->s, &number, sizeof number, ZMQ_DONTWAIT);
    if (m->type == ZMQ_XPUB && size == 1)
        return; /* the subscription */
    m->wrong += size != sizeof number || number != m->received;
    m->received++;
}

static void member_send (struct member *m)
{
    int flags = ZMQ_DONTWAIT;
    if (m->type == ZMQ_ROUTER)
        m->wrong += zmq_send (m->s, m->id, (size_t) m->id_size,
                              flags | ZMQ_SNDMORE)
                    != m->id_size;
    m->wrong += zmq_send (m->s, &m->sent, sizeof m->sent, flags)
                != sizeof m->sent;
    m->sent++;
}

/* What a loop does when the fd of a socket is readable: as long as EVENTS says
 * that something can be done, one step, and EVENTS again. */
static void member_run (struct member *m)
{
    for (int n = 0; n < 100000; n++) {
        int events = get_int (m->s, ZMQ_EVENTS);
        bool can_send = m->sent < m->to_send && (events & ZMQ_POLLOUT)
                        && (m->type != ZMQ_ROUTER || m->id_size > 0);
        if (events & ZMQ_POLLIN)
            member_receive (m);
        else if (can_send)
            member_send (m);
        else
            return;
    }
    m->wrong++;
}

/* A stop and continue of the process interrupts epoll_wait. */
static int wait_set (int set, struct epoll_event *events, int count, int timeout)
{
    int n;
    while ((n = epoll_wait (set, events, count, timeout)) < 0 && errno == EINTR)
        ;
    return n;
}

/* Runs until all members are done, or the set is silent. */
static bool loop_run (struct member *members, int count, uint32_t trigger)
{
    int set = epoll_create1 (EPOLL_CLOEXEC), open = 0;
    for (int i = 0; i < count; i++) {
        struct epoll_event event = {trigger, {.u32 = (uint32_t) i}};
        REQUIRE (epoll_ctl (set, EPOLL_CTL_ADD, fd_of (members[i].s), &event)
                 == 0);
        /* Asked once to begin with. */
        member_run (&members[i]);
        open += !member_done (&members[i]);
    }
    while (open > 0) {
        struct epoll_event events[16];
        int n = wait_set (set, events, 16, AMPLE_MS);
        if (n <= 0)
            break;
        for (int i = 0; i < n; i++) {
            struct member *m = &members[events[i].data.u32];
            bool before = member_done (m);
            member_run (m);
            open -= !before && member_done (m);
        }
    }
    close (set);
    return open == 0;
}

struct pairing
{
    const char *name;
    int server, client, down, up; /* messages from the server, to it */
};

static const struct pairing pairings[] = {
  {"PAIR", ZMQ_PAIR, ZMQ_PAIR, 200, 200},
  {"PULL-PUSH", ZMQ_PULL, ZMQ_PUSH, 0, 300},
  {"PUSH-PULL", ZMQ_PUSH, ZMQ_PULL, 300, 0},
  {"DEALER", ZMQ_DEALER, ZMQ_DEALER, 200, 200},
  {"ROUTER-DEALER", ZMQ_ROUTER, ZMQ_DEALER, 5, 200},
  {"REP-REQ", ZMQ_REP, ZMQ_REQ, 100, 100},
  {"REQ-REP", ZMQ_REQ, ZMQ_REP, 100, 100},
};

static void run_pairings (const char *where, uint32_t trigger)
{
    enum { KINDS = sizeof pairings / sizeof *pairings, EACH = 3 };
    static struct member members[KINDS * EACH * 2];
    memset (members, 0, sizeof members);
    begin ();
    for (int i = 0; i < KINDS * EACH; i++) {
        const struct pairing *p = &pairings[i % KINDS];
        struct member *server = &members[2 * i], *client = server + 1;
        endpoint_t endpoint;
        server->s = new_socket (ctx, server->type = p->server);
        client->s = new_socket (ctx, client->type = p->client);
        /* Room for few, so that POLLOUT comes and goes. */
        if (p->server != ZMQ_ROUTER)
            set_int (server->s, ZMQ_SNDHWM, 3);
        set_int (server->s, ZMQ_RCVHWM, 3);
        set_int (client->s, ZMQ_SNDHWM, 3);
        set_int (client->s, ZMQ_RCVHWM, 3);
        server->to_send = client->to_receive = p->down;
        client->to_send = server->to_receive = p->up;
        bind_pair (where, server->s, client->s, endpoint);
    }
    CHECK (loop_run (members, KINDS * EACH * 2, trigger));
    for (int i = 0; i < KINDS * EACH * 2; i++) {
        struct member *m = &members[i];
        if (!member_done (m) || m->wrong)
            printf ("  %s %s %s: sent %d of %d, received %d of %d, wrong %d\n",
                    where, pairings[i / 2 % KINDS].name,
                    i % 2 ? "client" : "server", m->sent, m->to_send,
                    m->received, m->to_receive, m->wrong);
        CHECK (member_done (m));
        CHECK_INT (m->wrong, 0);
        CHECK_OK (zmq_close (m->s));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_level_triggered_loop)
{
    for (int i = 0; i < 3; i++)
        run_pairings (everywhere[i], EPOLLIN);
}

TEST (an_edge_triggered_loop)
{
    for (int i = 0; i < 3; i++)
        run_pairings (everywhere[i], EPOLLIN | EPOLLET);
}

/* Publishers send only once all subscriptions have come. */
TEST (a_loop_of_publishers)
{
    for (int i = 0; i < 6; i++) {
        struct member members[8];
        memset (members, 0, sizeof members);
        begin ();
        for (int n = 0; n < 4; n++) {
            struct member *pub = &members[2 * n], *sub = pub + 1;
            endpoint_t endpoint;
            pub->s = new_socket (ctx, pub->type = ZMQ_XPUB);
            sub->s = new_socket (ctx, sub->type = n % 2 ? ZMQ_XSUB : ZMQ_SUB);
            bind_pair (everywhere[i / 2], pub->s, sub->s, endpoint);
            if (n % 2)
                CHECK_INT (zmq_send (sub->s, "\1", 1, 0), 1);
            else
                CHECK_OK (zmq_setsockopt (sub->s, ZMQ_SUBSCRIBE, "", 0));
            CHECK_BECOMES_EVENTS (pub->s, ZMQ_POLLIN | ZMQ_POLLOUT);
            pub->to_send = sub->to_receive = 500;
        }
        CHECK (loop_run (members, 8, triggers[i % 2]));
        for (int n = 0; n < 8; n++) {
            CHECK (member_done (&members[n]));
            CHECK_INT (members[n].wrong, 0);
            CHECK_OK (zmq_close (members[n].s));
        }
        CHECK_OK (zmq_ctx_term (ctx));
    }
}

/* Senders on threads of their own; the loop has but the receivers. */
static void *body_send_numbers (struct call *c)
{
    for (int i = 0; i < 500; i++) {
        if (zmq_send (c->a, &i, sizeof i, 0) != sizeof i)
            c->rc++;
        if (i % 50 == 0)
            sleep_ms (1);
    }
    return NULL;
}

TEST (a_loop_fed_by_other_threads)
{
    enum { N = 6 };
    for (int i = 0; i < 6; i++) {
        struct member members[N];
        struct call calls[N];
        void *senders[N];
        memset (members, 0, sizeof members);
        begin ();
        for (int n = 0; n < N; n++) {
            endpoint_t endpoint;
            senders[n] = new_socket (ctx, ZMQ_PUSH);
            members[n].s = new_socket (ctx, members[n].type = ZMQ_PULL);
            members[n].to_receive = 500;
            bind_pair (everywhere[i / 2], members[n].s, senders[n], endpoint);
        }
        for (int n = 0; n < N; n++)
            call_start (&calls[n], body_send_numbers, senders[n], NULL);
        CHECK (loop_run (members, N, triggers[i % 2]));
        for (int n = 0; n < N; n++) {
            call_join (&calls[n]);
            CHECK_INT (calls[n].rc, 0);
            CHECK_INT (members[n].received, 500);
            CHECK_INT (members[n].wrong, 0);
            CHECK_OK (zmq_close (senders[n]));
            CHECK_OK (zmq_close (members[n].s));
        }
        CHECK_OK (zmq_ctx_term (ctx));
    }
}

/* A quiet loop sleeps. */
TEST (an_idle_loop_is_not_woken)
{
    begin ();
    void *a[10], *b[10];
    int set = epoll_create1 (EPOLL_CLOEXEC);
    for (int i = 0; i < 10; i++) {
        endpoint_t endpoint;
        a[i] = new_socket (ctx, ZMQ_PAIR);
        b[i] = new_socket (ctx, ZMQ_PAIR);
        bind_pair (everywhere[i % 3], a[i], b[i], endpoint);
        CHECK_SEND (a[i], "x", 0);
        CHECK_RECV (b[i], "x");
        CHECK_SEND (b[i], "x", 0);
        CHECK_RECV (a[i], "x");
        struct epoll_event event = {EPOLLIN, {.ptr = b[i]}};
        REQUIRE (epoll_ctl (set, EPOLL_CTL_ADD, fd_of (b[i]), &event) == 0);
    }
    /* What belongs to the connections' beginnings has been seen by then. */
    struct epoll_event event;
    CHECK_BECOMES ((wait_set (set, &event, 1, 50) == 0)
                   || get_int (event.data.ptr, ZMQ_EVENTS) < 0);
    double before = cpu_seconds ();
    CHECK_INT (wait_set (set, &event, 1, 400), 0);
    CHECK (cpu_seconds () - before < 0.2);
    close (set);
    for (int i = 0; i < 10; i++) {
        CHECK_OK (zmq_close (a[i]));
        CHECK_OK (zmq_close (b[i]));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

MAIN
