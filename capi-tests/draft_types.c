/* What the types of the draft API have in common: they are made for several
 * threads, and therefore know no multipart messages (RFC 37). */
#include "draft.h"
#include <pthread.h>

static const struct
{
    int type, events, send_errno, recv_errno, linger;
    const char *name, *partner;
} TYPES[] = {
  {ZMQ_SERVER, ZMQ_POLLOUT, EHOSTUNREACH, EAGAIN, -1, "SERVER", "CLIENT"},
  {ZMQ_CLIENT, 0, EAGAIN, EAGAIN, -1, "CLIENT", "SERVER"},
  {ZMQ_RADIO, ZMQ_POLLOUT, 0, ENOTSUP, -1, "RADIO", "DISH"},
  {ZMQ_DISH, ZMQ_POLLOUT, ENOTSUP, EAGAIN, 0, "DISH", "RADIO"},
  {ZMQ_GATHER, 0, ENOTSUP, EAGAIN, -1, "GATHER", "SCATTER"},
  {ZMQ_SCATTER, 0, EAGAIN, ENOTSUP, -1, "SCATTER", "GATHER"},
  {ZMQ_PEER, ZMQ_POLLOUT, EHOSTUNREACH, EAGAIN, -1, "PEER", "PEER"},
  {ZMQ_CHANNEL, 0, EAGAIN, EAGAIN, -1, "CHANNEL", "CHANNEL"},
};
enum { COUNT = sizeof TYPES / sizeof *TYPES };

STORY (each_says_what_it_is)
{
    for (int i = 0; i < COUNT; i++) {
        void *s = zmq_socket (context (), TYPES[i].type);
        REQUIRE (s);
        CHECK_INT (int_option (s, ZMQ_TYPE), TYPES[i].type);
        CHECK_INT (int_option (s, ZMQ_THREAD_SAFE), 1);
        CHECK_INT (int_option (s, ZMQ_EVENTS), TYPES[i].events);
        CHECK_INT (int_option (s, ZMQ_LINGER), TYPES[i].linger);
        CHECK_INT (int_option (s, ZMQ_RCVMORE), 0);
        int fd;
        size_t size = sizeof fd;
        CHECK_ERR (zmq_getsockopt (s, ZMQ_FD, &fd, &size), EINVAL);
        CHECK_ERR (zmq_setsockopt (s, ZMQ_SUBSCRIBE, "", 0), EINVAL);
        CHECK_OK (zmq_close (s));
    }
    CHECK (!zmq_socket (context (), ZMQ_CHANNEL + 1));
    CHECK_INT (errno, EINVAL);
}

STORY (without_peers_each_answers_in_its_own_way)
{
    for (int i = 0; i < COUNT; i++) {
        void *s = open_socket (TYPES[i].type);
        if (TYPES[i].send_errno == 0)
            CHECK_INT (zmq_send (s, "a", 1, 0), 1);
        else
            CHECK_ERR (zmq_send (s, "a", 1, ZMQ_DONTWAIT), TYPES[i].send_errno);
        CHECK_ERR (zmq_recv (s, NULL, 0, ZMQ_DONTWAIT), TYPES[i].recv_errno);
        int more = TYPES[i].send_errno == ENOTSUP ? ENOTSUP : EINVAL;
        CHECK_ERR (zmq_send (s, "a", 1, ZMQ_SNDMORE), more);
        CHECK_ERR (zmq_send (s, "a", 1, ZMQ_SNDMORE | ZMQ_DONTWAIT), more);
        set_int (s, ZMQ_RCVTIMEO, 1);
        CHECK_ERR (zmq_recv (s, NULL, 0, 0), TYPES[i].recv_errno);
        CHECK_ERR (zmq_bind (s, "foo://a"), EPROTONOSUPPORT);
    }
}

STORY (a_message_refused_for_its_flag_stays_whole)
{
    void *client, *server;
    join_sockets (INPROC, ZMQ_SERVER, &server, ZMQ_CLIENT, &client);
    zmq_msg_t message;
    zmq_msg_init_size (&message, 3);
    memcpy (zmq_msg_data (&message), "abc", 3);
    CHECK_ERR (zmq_msg_send (&message, client, ZMQ_SNDMORE), EINVAL);
    CHECK_BODY (&message, "abc");
    CHECK_INT (zmq_msg_send (&message, client, 0), 3);
    CHECK_RECV (server, "abc");
}

/* libzmq polls them only where it was built with the draft API. */
STORY (they_can_be_polled)
{
    void *client, *server;
    join_sockets (INPROC, ZMQ_SERVER, &server, ZMQ_CLIENT, &client);
    zmq_pollitem_t items[] = {{server, 0, ZMQ_POLLIN, 0}, {client, 0, ZMQ_POLLIN, 0}};
    if (on_oracle ()) {
        CHECK_ERR (zmq_poll (items, 2, 0), EINVAL);
        return;
    }
    CHECK_INT (zmq_poll (items, 2, 0), 0);
    SEND (client, "a");
    CHECK_INT (zmq_poll (items, 2, WAIT_MS), 1);
    CHECK_INT (items[0].revents, ZMQ_POLLIN);
    CHECK_INT (items[1].revents, 0);
}

/* On the wire: what they announce, and whom they take. */
STORY (types_that_do_not_fit_are_turned_away)
{
    if (on_oracle ())
        return;
    for (int i = 0; i < COUNT; i++) {
        const char *endpoint;
        void *s = bound_socket (TYPES[i].type, TCP, &endpoint);
        int peer = peer_connect (endpoint, TYPES[i].partner);
        /* No end comes while it is taken; a frame would be read without harm. */
        peer_command (peer, "PING", "%00%00");
        CHECK_FRAME (peer, "4:%04PONG");
        close (peer);
        for (int j = 0; j < COUNT; j++) {
            if (!strcmp (TYPES[j].name, TYPES[i].partner))
                continue;
            peer = peer_connect (endpoint, TYPES[j].name);
            char byte;
            CHECK (!peer_read (peer, &byte, 1));
            close (peer);
        }
        close_socket (s);
    }
}

STORY (each_announces_its_name)
{
    if (on_oracle ())
        return;
    for (int i = 0; i < COUNT; i++) {
        char endpoint[64], ready[128];
        int listener = peer_listen (endpoint);
        void *s = connected_socket (TYPES[i].type, endpoint);
        int fd = accept (listener, NULL, NULL);
        unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 1};
        memcpy (greeting + 12, "NULL", 4);
        peer_write (fd, greeting, sizeof greeting);
        MUST (peer_read (fd, greeting, sizeof greeting));
        snprintf (ready, sizeof ready, "4:%%05READY%%0BSocket-Type%%00%%00%%00%%%02X%s",
                  (unsigned) strlen (TYPES[i].name), TYPES[i].name);
        CHECK_FRAME (fd, ready);
        close (fd);
        close (listener);
        close_socket (s);
    }
}

/* RFC 37: a multipart message is discarded, all of it. */
STORY (multipart_messages_from_the_wire_are_passed_over)
{
    if (on_oracle ())
        return;
    static const int receivers[] = {0, 1, 4, 6, 7};
    for (int i = 0; i < 5; i++) {
        int type = receivers[i];
        const char *endpoint;
        void *s = bound_socket (TYPES[type].type, TCP, &endpoint);
        int peer = peer_connect (endpoint, TYPES[type].partner);
        peer_frame (peer, 1, "a");
        peer_frame (peer, 1, "b");
        peer_frame (peer, 0, "c");
        peer_frame (peer, 0, "single");
        peer_frame (peer, 1, "d");
        peer_frame (peer, 0, "e");
        peer_frame (peer, 0, "last");
        AWAIT_IN (s);
        CHECK_RECV (s, "single");
        CHECK_INT (int_option (s, ZMQ_RCVMORE), 0);
        CHECK_RECV (s, "last");
        CHECK_EMPTY (s);
        CHECK (!(int_option (s, ZMQ_EVENTS) & ZMQ_POLLIN));
        close (peer);
        close_socket (s);
    }
}

enum { THREADS = 4, EACH = 5000 };
static void *scatter, *gather;
static int seen[THREADS * EACH];

static void *send_some (void *first)
{
    for (int i = 0; i < EACH; i++) {
        int number = (int) (intptr_t) first + i;
        MUST (zmq_send (scatter, &number, sizeof number, 0) == sizeof number);
    }
    return NULL;
}

static void *recv_some (void *unused)
{
    for (int i = 0; i < EACH; i++) {
        int number;
        MUST (zmq_recv (gather, &number, sizeof number, 0) == sizeof number);
        __atomic_add_fetch (&seen[number], 1, __ATOMIC_RELAXED);
    }
    return unused;
}

STORY_ON_EACH_TRANSPORT (threads_share_a_socket)
{
    if (!meets_over (transport))
        return;
    join_sockets (transport, ZMQ_GATHER, &gather, ZMQ_SCATTER, &scatter);
    pthread_t threads[2 * THREADS];
    for (int i = 0; i < THREADS; i++) {
        void *first = (void *) (intptr_t) (i * EACH);
        MUST (!pthread_create (&threads[i], NULL, send_some, first));
        MUST (!pthread_create (&threads[THREADS + i], NULL, recv_some, NULL));
    }
    for (int i = 0; i < 2 * THREADS; i++)
        pthread_join (threads[i], NULL);
    int good = 0;
    for (int i = 0; i < THREADS * EACH; i++)
        good += seen[i] == 1;
    CHECK_INT (good, THREADS * EACH);
}

MAIN
