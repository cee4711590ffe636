/* zmq_poll at its edges: sockets and descriptors mixed, odd events, negative
 * descriptors, odd time-outs, items changed in place, very many items. */
#include "events.h"
#include <limits.h>
#include <sys/eventfd.h>

#define ITEM(SOCKET, EVENTS) {SOCKET, 0, EVENTS, 0x7f}
#define FD_ITEM(FD, EVENTS) {NULL, FD, EVENTS, 0x7f}
#define ALL_EVENTS (ZMQ_POLLIN | ZMQ_POLLOUT | ZMQ_POLLERR | ZMQ_POLLPRI)

TEST (a_negative_fd_is_passed_over)
{
    int event = eventfd (1, EFD_CLOEXEC);
    zmq_pollitem_t items[] = {FD_ITEM (-1, ZMQ_POLLIN), FD_ITEM (-5, ALL_EVENTS),
                              FD_ITEM (event, ZMQ_POLLIN)};
    CHECK_OK (zmq_poll (items, 2, 0));
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, 0);
    long long start = now_ms ();
    CHECK_OK (zmq_poll (items, 2, 60));
    CHECK (now_ms () - start >= 55);
    CHECK_INT (zmq_poll (items, 3, -1), 1);
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, 0);
    CHECK_INT (items[2].revents, ZMQ_POLLIN);
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    zmq_pollitem_t mixed[] = {ITEM (s, ZMQ_POLLIN), FD_ITEM (-1, ZMQ_POLLIN)};
    CHECK_OK (zmq_poll (mixed, 2, 20));
    CHECK_INT (mixed[0].revents, 0);
    CHECK_INT (mixed[1].revents, 0);
    end (s, NULL);
    close (event);
}

TEST (events_asked_of_a_descriptor)
{
    int event = eventfd (1, EFD_CLOEXEC);
    static const short asked[] = {0, ZMQ_POLLERR, ZMQ_POLLPRI, 0x100, ZMQ_POLLIN,
                                  ZMQ_POLLOUT, ALL_EVENTS};
    static const short told[] = {0, 0, 0, 0, ZMQ_POLLIN, ZMQ_POLLOUT,
                                 ZMQ_POLLIN | ZMQ_POLLOUT};
    for (int i = 0; i < 7; i++) {
        zmq_pollitem_t item = FD_ITEM (event, asked[i]);
        CHECK_INT (zmq_poll (&item, 1, 5), told[i] != 0);
        CHECK_INT (item.revents, told[i]);
    }
    close (event);
}

/* An error is told whether asked for or not; the end of what the peer writes is
 * something to read. */
TEST (errors_of_a_descriptor)
{
    int pair[2];
    REQUIRE (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    zmq_pollitem_t item = FD_ITEM (pair[0], 0);
    CHECK_OK (shutdown (pair[1], SHUT_WR));
    CHECK_OK (zmq_poll (&item, 1, 5));
    item.events = ZMQ_POLLERR;
    CHECK_OK (zmq_poll (&item, 1, 5));
    item.events = ZMQ_POLLIN;
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLIN);
    close (pair[1]);
    for (short events = 0; events < 4; events++) {
        item.events = events;
        CHECK_INT (zmq_poll (&item, 1, -1), 1);
        CHECK_INT (item.revents, events | ZMQ_POLLERR);
    }
    item.events = ZMQ_POLLERR;
    CHECK_INT (zmq_poll (&item, 1, -1), 1);
    CHECK_INT (item.revents, ZMQ_POLLERR);
    /* A refused connection. */
    endpoint_t nowhere;
    int listener = raw_listen (nowhere);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    close (listener);
    struct sockaddr_in in = {.sin_family = AF_INET};
    in.sin_port = htons ((uint16_t) atoi (strrchr (nowhere, ':') + 1));
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    (void) connect (fd, (void *) &in, sizeof in);
    item.fd = fd;
    item.events = ZMQ_POLLIN;
    CHECK_INT (zmq_poll (&item, 1, AMPLE_MS), 1);
    CHECK_INT (item.revents, ZMQ_POLLIN | ZMQ_POLLERR);
    close (fd);
    close (pair[0]);
}

TEST (odd_timeouts)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    int event = eventfd (1, EFD_CLOEXEC);
    zmq_pollitem_t items[] = {ITEM (s, ZMQ_POLLIN), FD_ITEM (event, ZMQ_POLLIN)};
    static const long timeouts[] = {0,        1,        -1,          -2,
                                    INT_MAX,  LONG_MAX, LONG_MAX / 2, INT_MIN,
                                    LONG_MIN, (long) INT_MAX + 1};
    for (int i = 0; i < 10; i++) {
        CHECK_INT (zmq_poll (items, 2, timeouts[i]), 1);
        CHECK_INT (items[0].revents, 0);
        CHECK_INT (items[1].revents, ZMQ_POLLIN);
        CHECK_INT (zmq_poll (items + 1, 1, timeouts[i]), 1);
    }
    close (event);
    end (s, NULL);
}

static void *body_chatter (struct call *c)
{
    for (int i = 0; i < 60; i++) {
        zmq_send (c->a, "x", 1, ZMQ_DONTWAIT);
        sleep_ms (5);
    }
    return NULL;
}

/* What nobody asked about neither ends the poll nor puts its end off. */
TEST (other_events_do_not_move_the_deadline)
{
    for (int i = 0; i < 3; i++) {
        for (int with_fd = 0; with_fd < 2; with_fd++) {
            begin ();
            void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
            endpoint_t endpoint;
            bind_pair (everywhere[i], b, a, endpoint);
            int event = eventfd (0, EFD_CLOEXEC);
            zmq_pollitem_t items[] = {ITEM (b, ZMQ_POLLERR),
                                      FD_ITEM (event, ZMQ_POLLIN)};
            struct call chatter;
            call_start (&chatter, body_chatter, a, NULL);
            long long start = now_ms ();
            CHECK_OK (zmq_poll (items, 1 + with_fd, 150));
            long long took = now_ms () - start;
            CHECK (took >= 145 && took < 5000);
            call_join (&chatter);
            close (event);
            end (a, b);
        }
    }
}

/* A program that keeps one array and goes on with it. */
TEST (items_changed_in_place)
{
    enum { N = 8 };
    void *push[N], *pull[N];
    zmq_pollitem_t items[N + 1];
    endpoint_t endpoint;
    begin ();
    int event = eventfd (0, EFD_CLOEXEC), wrong = 0;
    for (int i = 0; i < N; i++) {
        push[i] = new_socket (ctx, ZMQ_PUSH);
        pull[i] = new_socket (ctx, ZMQ_PULL);
        bind_pair (everywhere[i % 3], pull[i], push[i], endpoint);
        items[i] = (zmq_pollitem_t) ITEM (pull[i], ZMQ_POLLIN);
    }
    items[N] = (zmq_pollitem_t) FD_ITEM (event, ZMQ_POLLIN);
    unsigned random = 1;
    for (int round = 0; round < 300; round++) {
        /* Some order, some of them; one is ready. */
        for (int i = N; i > 0; i--) {
            random = random * 1664525u + 1013904223u;
            int j = (int) (random >> 8) % (i + 1);
            zmq_pollitem_t t = items[i];
            items[i] = items[j];
            items[j] = t;
        }
        int count = 1 + (int) (random >> 16) % (N + 1);
        int chosen = (int) (random >> 8) % count;
        if (items[chosen].socket) {
            for (int i = 0; i < N; i++)
                if (pull[i] == items[chosen].socket)
                    wrong += zmq_send (push[i], "x", 1, 0) != 1;
        } else
            wrong += eventfd_write (event, 1) != 0;
        wrong += zmq_poll (items, count, AMPLE_MS) != 1;
        for (int i = 0; i < count; i++)
            wrong += items[i].revents != (i == chosen ? ZMQ_POLLIN : 0);
        char byte;
        eventfd_t value;
        if (items[chosen].socket)
            wrong += zmq_recv (items[chosen].socket, &byte, 1, 0) != 1;
        else
            wrong += eventfd_read (event, &value) != 0;
    }
    CHECK_INT (wrong, 0);
    for (int i = 0; i < N; i++) {
        CHECK_OK (zmq_close (push[i]));
        CHECK_OK (zmq_close (pull[i]));
    }
    CHECK_OK (zmq_ctx_term (ctx));
    close (event);
}

TEST (ten_thousand_items)
{
    enum { N = 10000 };
    static zmq_pollitem_t items[N];
    begin ();
    void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
    endpoint_t endpoint;
    bind_pair ("inproc", b, a, endpoint);
    int event = eventfd (0, EFD_CLOEXEC), wrong = 0;
    struct rlimit fds;
    getrlimit (RLIMIT_NOFILE, &fds);
    fds.rlim_cur = fds.rlim_max; /* the kernel polls no more than these */
    setrlimit (RLIMIT_NOFILE, &fds);
    getrlimit (RLIMIT_NOFILE, &fds);
    int count = fds.rlim_cur > N ? N : (int) fds.rlim_cur - 1;
    /* The same socket and the same descriptor over and over. */
    for (int i = 0; i < count; i++)
        items[i] = i % 10 == 7 ? (zmq_pollitem_t) ITEM (b, ZMQ_POLLIN)
                               : (zmq_pollitem_t) FD_ITEM (event, ZMQ_POLLIN);
    CHECK_OK (zmq_poll (items, count, 0));
    CHECK_OK (zmq_poll (items, count, 10));
    CHECK_SEND (a, "x", 0);
    int sockets = 0;
    for (int i = 0; i < count; i++)
        sockets += items[i].socket != NULL;
    CHECK_INT (zmq_poll (items, count, -1), sockets);
    for (int i = 0; i < count; i++)
        wrong += items[i].revents != (items[i].socket ? ZMQ_POLLIN : 0);
    CHECK_INT (eventfd_write (event, 1), 0);
    CHECK_INT (zmq_poll (items, count, -1), count);
    CHECK_RECV (b, "x");
    CHECK_INT (zmq_poll (items, count, -1), count - sockets);
    CHECK_INT (wrong, 0);
    close (event);
    end (a, b);
}

/* A socket beside its own descriptor, which is news that somebody else's loop
 * takes for EVENTS. */
TEST (a_socket_and_its_own_descriptor)
{
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    endpoint_t endpoint;
    bind_pair ("inproc", pull, push, endpoint);
    zmq_pollitem_t items[] = {FD_ITEM (fd_of (pull), ZMQ_POLLIN),
                              ITEM (pull, ZMQ_POLLIN)};
    while (get_int (pull, ZMQ_EVENTS) != 0)
        ;
    CHECK_OK (zmq_poll (items, 2, 10));
    CHECK_SEND (push, "x", 0);
    CHECK (zmq_poll (items, 2, -1) >= 1);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    /* The look at the socket has taken the signal. */
    CHECK_INT (zmq_poll (items, 2, -1), 1);
    CHECK_INT (items[0].revents, 0);
    CHECK_INT (items[1].revents, ZMQ_POLLIN);
    CHECK_RECV (pull, "x");
    CHECK_OK (zmq_poll (items, 2, 10));
    end (push, pull);
}

/* Several threads poll the same descriptors and sockets of their own. */
static void *body_poll_own (struct call *c)
{
    for (int i = 0; i < 200 && c->rc == 0; i++) {
        zmq_pollitem_t items[] = {ITEM (c->a, ZMQ_POLLIN),
                                  FD_ITEM ((int) (intptr_t) c->b, ZMQ_POLLIN)};
        int got = -1;
        if (zmq_poll (items, 2, AMPLE_MS) != 1 || items[0].revents != ZMQ_POLLIN
            || zmq_recv (c->a, &got, sizeof got, ZMQ_DONTWAIT) != sizeof got
            || got != i)
            c->rc = 1 + i;
    }
    return NULL;
}

TEST (threads_that_poll_mixed_items)
{
    enum { N = 4 };
    begin ();
    void *push[N], *pull[N];
    struct call calls[N];
    endpoint_t endpoint;
    int event = eventfd (0, EFD_CLOEXEC), wrong = 0;
    for (int i = 0; i < N; i++) {
        push[i] = new_socket (ctx, ZMQ_PUSH);
        pull[i] = new_socket (ctx, ZMQ_PULL);
        bind_pair (everywhere[i % 3], pull[i], push[i], endpoint);
        call_start (&calls[i], body_poll_own, pull[i], (void *) (intptr_t) event);
    }
    for (int n = 0; n < 200; n++)
        for (int i = 0; i < N; i++)
            wrong += zmq_send (push[i], &n, sizeof n, 0) != sizeof n;
    CHECK_INT (wrong, 0);
    for (int i = 0; i < N; i++) {
        call_join (&calls[i]);
        CHECK_OK (calls[i].rc);
        CHECK_OK (zmq_close (push[i]));
        CHECK_OK (zmq_close (pull[i]));
    }
    CHECK_OK (zmq_ctx_term (ctx));
    close (event);
}

/* Without anything to wait for, a poll is a sleep that signals interrupt. */
TEST (an_empty_poll_is_interrupted)
{
    struct pest pest;
    zmq_pollitem_t item = FD_ITEM (-1, ZMQ_POLLIN);
    catch_signal (SIGUSR1, SA_RESTART);
    pest_start (&pest);
    CHECK_ERR (zmq_poll (&item, 1, AMPLE_MS), EINTR);
    pest_stop (&pest);
}

MAIN
