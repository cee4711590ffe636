/* ZMQ_FD and ZMQ_EVENTS step by step: what an event loop may rely on, for each
 * type of socket. */
#include "events.h"
#include <sys/epoll.h>
#include <sys/select.h>

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
                if (epoll_wait (set, &event, 1, AMPLE_MS) == 0) {
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

MAIN
