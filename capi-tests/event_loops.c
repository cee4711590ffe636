/* Event loops on ZMQ_FD and ZMQ_EVENTS, as libev, libuv or asyncio run them:
 * one epoll set with the descriptors of many sockets, level- and
 * edge-triggered; and each step of the dance by itself. */
#include "fixtures.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

static const char *const everywhere[] = {"inproc", "ipc", "tcp"};
static const uint32_t triggers[] = {EPOLLIN, EPOLLIN | EPOLLET};

static int fd_of (void *s)
{
    int fd = get_int (s, ZMQ_FD);
    REQUIRE (fd >= 0);
    return fd;
}

static int readable (int fd, int timeout)
{
    struct pollfd item = {fd, POLLIN, 0};
    return poll (&item, 1, timeout) == 1;
}

/* Waits for the fd and looks at EVENTS, as a loop does, until they are what
 * the test waits for: the fd may be readable for less. */
static bool becomes (void *s, int events)
{
    int fd = fd_of (s);
    for (long long end = now_ms () + AMPLE_MS, left;
         (left = end - now_ms ()) > 0;) {
        if (get_int (s, ZMQ_EVENTS) == events)
            return true;
        if (!readable (fd, (int) left))
            return false;
    }
    return false;
}

#define CHECK_BECOMES_EVENTS(S, EVENTS) CHECK (becomes (S, EVENTS))

static int serial;
static void bind_pair (const char *where, void *server, void *client,
                       endpoint_t endpoint)
{
    endpoint_t name;
    snprintf (name, sizeof name, "inproc://loop-%d", serial++);
    bind_to (server, strcmp (where, "inproc") == 0 ? name : where, endpoint);
    REQUIRE (zmq_connect (client, endpoint) == 0);
}

/* ---- a loop ---- */

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
        int n = epoll_wait (set, events, 16, AMPLE_MS);
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

/* ---- step by step ---- */

static const int types[] = {ZMQ_PAIR, ZMQ_PUB,    ZMQ_SUB,    ZMQ_REQ,
                            ZMQ_REP,  ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL,
                            ZMQ_PUSH, ZMQ_XPUB,   ZMQ_XSUB};
/* What a socket without peers can do at once. */
static int alone (int type)
{
    return type == ZMQ_PUB || type == ZMQ_XPUB || type == ZMQ_XSUB
               || type == ZMQ_ROUTER
             ? ZMQ_POLLOUT
             : 0;
}

TEST (a_descriptor_of_each_type)
{
    begin ();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *s = new_socket (ctx, types[i]);
        int fd = fd_of (s);
        CHECK_INT (get_int (s, ZMQ_EVENTS), alone (types[i]));
        CHECK_INT (readable (fd, 0), 0);
        CHECK (fcntl (fd, F_GETFL) & O_NONBLOCK);
        CHECK (fcntl (fd, F_GETFD) & FD_CLOEXEC);
        CHECK_INT (fd_of (s), fd);
        /* It speaks at a bind or connect at most, and EVENTS quietens it. */
        endpoint_t endpoint;
        bind_to (s, "tcp", endpoint);
        CHECK_INT (get_int (s, ZMQ_EVENTS), alone (types[i]));
        CHECK_INT (get_int (s, ZMQ_EVENTS), alone (types[i]));
        CHECK_INT (readable (fd, 0), 0);
        CHECK_INT (fd_of (s), fd);
        CHECK_OK (zmq_close (s));
        CHECK_BECOMES (fcntl (fd, F_GETFD) == -1 && errno == EBADF);
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (quiet_while_unread_messages_remain)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_pair (everywhere[i], pull, push, endpoint);
        int fd = fd_of (pull);
        CHECK_SEND (push, "1", 0);
        CHECK_BECOMES_EVENTS (pull, ZMQ_POLLIN);
        CHECK_INT (readable (fd, 0), 0);
        /* More of it while there is some is no news. */
        CHECK_SEND (push, "2", 0);
        CHECK_SEND (push, "3", 0);
        CHECK_INT (readable (fd, 50), 0);
        CHECK_RECV (pull, "1");
        CHECK_BECOMES_EVENTS (pull, ZMQ_POLLIN);
        CHECK_INT (readable (fd, 0), 0);
        CHECK_RECV (pull, "2");
        CHECK_RECV (pull, "3");
        CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
        CHECK_INT (readable (fd, 0), 0);
        /* That it was empty has been seen, so the next is news. */
        CHECK_SEND (push, "4", 0);
        CHECK_INT (readable (fd, AMPLE_MS), 1);
        /* A receive alone takes the signal too. */
        CHECK_BECOMES_EVENTS (pull, ZMQ_POLLIN);
        CHECK_RECV (pull, "4");
        CHECK_ERR (zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        CHECK_INT (readable (fd, 0), 0);
        CHECK_SEND (push, "5", 0);
        CHECK_INT (readable (fd, AMPLE_MS), 1);
        CHECK_RECV (pull, "5");
        end (push, pull);
    }
}

/* An edge for each time that EVENTS had said there was nothing. */
TEST (each_message_is_an_edge_once_drained)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_pair (everywhere[i], pull, push, endpoint);
        int set = epoll_create1 (EPOLL_CLOEXEC), missed = 0;
        struct epoll_event event = {EPOLLIN | EPOLLET, {0}};
        REQUIRE (epoll_ctl (set, EPOLL_CTL_ADD, fd_of (pull), &event) == 0);
        for (int n = 0; n < 200; n++) {
            while (get_int (pull, ZMQ_EVENTS) & ZMQ_POLLIN)
                zmq_recv (pull, NULL, 0, ZMQ_DONTWAIT);
            CHECK_SEND (push, "x", 0);
            do
                if (epoll_wait (set, &event, 1, AMPLE_MS) != 1) {
                    missed++;
                    break;
                }
            while (get_int (pull, ZMQ_EVENTS) != ZMQ_POLLIN);
        }
        CHECK_INT (missed, 0);
        close (set);
        end (push, pull);
    }
}

TEST (room_to_send_comes_and_goes)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        set_int (push, ZMQ_SNDHWM, 2);
        set_int (pull, ZMQ_RCVHWM, 2);
        bind_pair (everywhere[i], pull, push, endpoint);
        int fd = fd_of (push);
        CHECK_BECOMES_EVENTS (push, ZMQ_POLLOUT);
        /* Sent while EVENTS lets it: in the end it does not. Large ones, so
         * that the kernel is full soon. */
        static char body[300000];
        for (int round = 0; round < 3; round++) {
            int sent = 0, received = 0;
            for (int quiet = 0; quiet < 3;) {
                if (get_int (push, ZMQ_EVENTS) & ZMQ_POLLOUT) {
                    CHECK_INT (zmq_send (push, body, sizeof body, ZMQ_DONTWAIT),
                               sizeof body);
                    sent++;
                    quiet = 0;
                } else
                    quiet += !readable (fd, 20);
            }
            CHECK_ERR (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
            CHECK_INT (readable (fd, 0), 0);
            while (received < sent) {
                CHECK_INT (zmq_recv (pull, NULL, 0, 0), sizeof body);
                received++;
            }
            CHECK_INT (readable (fd, AMPLE_MS), 1);
            CHECK_BECOMES_EVENTS (push, ZMQ_POLLOUT);
        }
        end (push, pull);
    }
}

TEST (peers_that_come_and_go)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH);
        endpoint_t name, endpoint;
        snprintf (name, sizeof name, "inproc://visit-%d", i);
        bind_to (push, i ? everywhere[i] : name, endpoint);
        for (int round = 0; round < 3; round++) {
            CHECK_BECOMES_EVENTS (push, 0);
            CHECK_INT (readable (fd_of (push), 0), 0);
            void *pull = new_socket (ctx, ZMQ_PULL);
            CHECK_OK (zmq_connect (pull, endpoint));
            CHECK_BECOMES_EVENTS (push, ZMQ_POLLOUT);
            CHECK_OK (zmq_close (pull));
        }
        CHECK_BECOMES_EVENTS (push, 0);
        end (push, NULL);
    }
}

TEST (a_router_that_must_reach_its_peer)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *router = new_socket (ctx, ZMQ_ROUTER);
        void *dealer = new_socket (ctx, ZMQ_DEALER);
        endpoint_t endpoint;
        set_int (router, ZMQ_ROUTER_MANDATORY, 1);
        CHECK_INT (get_int (router, ZMQ_EVENTS), 0);
        CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, "me", 2));
        bind_pair (everywhere[i], router, dealer, endpoint);
        CHECK_BECOMES_EVENTS (router, ZMQ_POLLOUT);
        CHECK_SEND (dealer, "x", 0);
        CHECK_BECOMES_EVENTS (router, ZMQ_POLLIN | ZMQ_POLLOUT);
        CHECK_RECV (router, "me");
        /* In the midst of a message, the rest of it is there. */
        CHECK_INT (get_int (router, ZMQ_EVENTS), ZMQ_POLLIN | ZMQ_POLLOUT);
        CHECK_RECV (router, "x");
        CHECK_INT (get_int (router, ZMQ_EVENTS), ZMQ_POLLOUT);
        CHECK_INT (readable (fd_of (router), 0), 0);
        CHECK_OK (zmq_close (dealer));
        CHECK_BECOMES_EVENTS (router, 0);
        end (router, NULL);
    }
}

/* All ways to wait for a descriptor see the same. */
TEST (select_poll_epoll_and_zmq_poll_agree)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    endpoint_t endpoint;
    bind_pair ("tcp", pull, push, endpoint);
    int fd = fd_of (pull), set = epoll_create1 (EPOLL_CLOEXEC);
    struct epoll_event event = {EPOLLIN, {0}};
    REQUIRE (epoll_ctl (set, EPOLL_CTL_ADD, fd, &event) == 0);
    CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
    for (int round = 0; round < 2; round++) {
        if (round == 1) {
            CHECK_SEND (push, "x", 0);
            CHECK_INT (readable (fd, AMPLE_MS), 1);
        } else
            CHECK_BECOMES (get_int (pull, ZMQ_EVENTS) == 0 && !readable (fd, 20));
        fd_set fds;
        FD_ZERO (&fds);
        FD_SET (fd, &fds);
        struct timeval none = {0, 0};
        zmq_pollitem_t item = {NULL, fd, ZMQ_POLLIN, 0};
        CHECK_INT (select (fd + 1, &fds, NULL, NULL, &none), round);
        CHECK_INT (readable (fd, 0), round);
        CHECK_INT (epoll_wait (set, &event, 1, 0), round);
        /* The set may be watched in its turn. */
        CHECK_INT (readable (set, 0), round);
        CHECK_INT (zmq_poll (&item, 1, 0), round);
        CHECK_INT (item.revents, round ? ZMQ_POLLIN : 0);
    }
    close (set);
    end (push, pull);
}

/* A loop waits for the fd on one thread of its own while the socket's thread is
 * told (Qt, libuv with a watcher thread). */
static void *body_watch (struct call *c)
{
    c->rc = readable ((int) (intptr_t) c->a, AMPLE_MS);
    return NULL;
}

TEST (watched_by_another_thread)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_pair (everywhere[i], pull, push, endpoint);
        int fd = fd_of (pull);
        CHECK_SEND (push, "settled", 0);
        CHECK_RECV (pull, "settled");
        for (int round = 0; round < 5; round++) {
            struct call watch;
            CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
            call_start (&watch, body_watch, (void *) (intptr_t) fd, NULL);
            call_wait_blocked (&watch);
            CHECK_SEND (push, "x", 0);
            call_join (&watch);
            CHECK_INT (watch.rc, 1);
            CHECK_BECOMES_EVENTS (pull, ZMQ_POLLIN);
            CHECK_RECV (pull, "x");
        }
        end (push, pull);
    }
}

/* Calls that block, and zmq_poll, on a socket whose fd somebody has. */
TEST (blocking_calls_beside_a_descriptor)
{
    for (int i = 0; i < 3; i++) {
        begin ();
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        endpoint_t endpoint;
        bind_pair (everywhere[i], pull, push, endpoint);
        int fd = fd_of (pull);
        struct call call;
        call_start (&call, body_recv, pull, NULL);
        call_wait_blocked (&call);
        CHECK_SEND (push, "1", 0);
        call_join (&call);
        CHECK_INT (call.rc, 1);
        call_start (&call, body_poll, pull, NULL);
        call_wait_blocked (&call);
        CHECK_SEND (push, "2", 0);
        call_join (&call);
        CHECK_INT (call.rc, 1);
        CHECK_RECV (pull, "2");
        CHECK_INT (get_int (pull, ZMQ_EVENTS), 0);
        CHECK_INT (readable (fd, 0), 0);
        CHECK_SEND (push, "3", 0);
        CHECK_INT (readable (fd, AMPLE_MS), 1);
        CHECK_BECOMES_EVENTS (pull, ZMQ_POLLIN);
        CHECK_RECV (pull, "3");
        end (push, pull);
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
    CHECK_BECOMES ((epoll_wait (set, &event, 1, 50) == 0)
                   || get_int (event.data.ptr, ZMQ_EVENTS) < 0);
    double before = cpu_seconds ();
    CHECK_INT (epoll_wait (set, &event, 1, 400), 0);
    CHECK (cpu_seconds () - before < 0.2);
    close (set);
    for (int i = 0; i < 10; i++) {
        CHECK_OK (zmq_close (a[i]));
        CHECK_OK (zmq_close (b[i]));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

MAIN
