/* zmq_poller_* and zmq_ppoll. See draft_api.h for where they run. */
#include "draft_api.h"
#include <pthread.h>

static zmq_poller_event_t event;

DRAFT_STORY (a_poller_counts_what_is_registered)
{
    void *poller = draft.zmq_poller_new (), *s = open_socket (ZMQ_PAIR);
    REQUIRE (poller);
    int fds[2];
    MUST (pipe (fds) == 0);
    CHECK_INT (draft.zmq_poller_size (poller), 0);
    CHECK_OK (draft.zmq_poller_add (poller, s, NULL, ZMQ_POLLIN));
    CHECK_INT (draft.zmq_poller_size (poller), 1);
    CHECK_ERR (draft.zmq_poller_add (poller, s, NULL, 0), EINVAL);
    CHECK_OK (draft.zmq_poller_add_fd (poller, fds[0], NULL, ZMQ_POLLIN));
    CHECK_ERR (draft.zmq_poller_add_fd (poller, fds[0], NULL, ZMQ_POLLIN), EINVAL);
    CHECK_INT (draft.zmq_poller_size (poller), 2);
    CHECK_OK (draft.zmq_poller_modify (poller, s, 0));
    CHECK_OK (draft.zmq_poller_modify_fd (poller, fds[0], 0));
    CHECK_OK (draft.zmq_poller_remove (poller, s));
    CHECK_ERR (draft.zmq_poller_remove (poller, s), EINVAL);
    CHECK_ERR (draft.zmq_poller_modify (poller, s, 0), EINVAL);
    CHECK_OK (draft.zmq_poller_remove_fd (poller, fds[0]));
    CHECK_ERR (draft.zmq_poller_remove_fd (poller, fds[0]), EINVAL);
    CHECK_ERR (draft.zmq_poller_modify_fd (poller, fds[0], 0), EINVAL);
    CHECK_INT (draft.zmq_poller_size (poller), 0);
    CHECK_OK (draft.zmq_poller_destroy (&poller));
    CHECK (!poller);
}

DRAFT_STORY (what_is_none_is_refused)
{
    void *poller = draft.zmq_poller_new (), *gone = poller, *s = open_socket (ZMQ_PAIR), *none = NULL;
    CHECK_ERR (draft.zmq_poller_add (poller, NULL, NULL, ZMQ_POLLIN), ENOTSOCK);
    CHECK_ERR (draft.zmq_poller_add (poller, poller, NULL, ZMQ_POLLIN), ENOTSOCK);
    CHECK_ERR (draft.zmq_poller_modify (poller, NULL, 0), ENOTSOCK);
    CHECK_ERR (draft.zmq_poller_remove (poller, NULL), ENOTSOCK);
    CHECK_ERR (draft.zmq_poller_add_fd (poller, -1, NULL, ZMQ_POLLIN), EBADF);
    CHECK_ERR (draft.zmq_poller_modify_fd (poller, -1, 0), EBADF);
    CHECK_ERR (draft.zmq_poller_remove_fd (poller, -1), EBADF);
    CHECK_ERR (draft.zmq_poller_add (poller, s, NULL, 16), EINVAL);
    CHECK_ERR (draft.zmq_poller_wait (poller, NULL, 0), EFAULT);
    CHECK_ERR (draft.zmq_poller_wait_all (poller, NULL, 1, 0), EFAULT);
    CHECK_ERR (draft.zmq_poller_wait_all (poller, &event, -1, 0), EINVAL);
    CHECK_ERR (draft.zmq_poller_fd (poller, NULL), EFAULT);
    int fd;
    CHECK_ERR (draft.zmq_poller_fd (poller, &fd), EINVAL);
    CHECK_OK (draft.zmq_poller_destroy (&poller));
    CHECK_ERR (draft.zmq_poller_destroy (&gone), EFAULT);
    CHECK_ERR (draft.zmq_poller_destroy (&none), EFAULT);
    CHECK_ERR (draft.zmq_poller_destroy (NULL), EFAULT);
    CHECK_ERR (draft.zmq_poller_size (gone), EFAULT);
    CHECK_ERR (draft.zmq_poller_add (gone, s, NULL, ZMQ_POLLIN), EFAULT);
    CHECK_ERR (draft.zmq_poller_wait (s, &event, 0), EFAULT);
    CHECK_ERR (draft.zmq_poller_fd (NULL, &fd), EFAULT);
}

/* Time's end is EAGAIN, and the event says nothing then. */
DRAFT_STORY (a_wait_in_vain_ends_with_eagain)
{
    void *poller = draft.zmq_poller_new (), *s = open_socket (ZMQ_PAIR);
    memset (&event, 1, sizeof event);
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, -1), EFAULT);
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, 0), EAGAIN);
    long long begin = now_ms ();
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, 20), EAGAIN);
    CHECK (now_ms () - begin >= 19);
    CHECK (!event.socket && !event.user_data);
    CHECK_INT (event.fd, -1);
    CHECK_INT (event.events, 0);
    CHECK_OK (draft.zmq_poller_add (poller, s, NULL, ZMQ_POLLIN));
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, 0), EAGAIN);
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, 5), EAGAIN);
    CHECK_OK (draft.zmq_poller_modify (poller, s, 0));
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, -1), EFAULT);
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, 5), EAGAIN);
    CHECK_OK (draft.zmq_poller_destroy (&poller));
}

DRAFT_STORY_ON_EACH_TRANSPORT (a_poller_tells_what_is_ready_until_it_is_not)
{
    void *poller = draft.zmq_poller_new (), *a, *b;
    join_sockets (transport, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    int word;
    CHECK_OK (draft.zmq_poller_add (poller, a, &word, ZMQ_POLLIN));
    SEND (b, "x");
    for (int i = 0; i < 2; i++) {
        CHECK_OK (draft.zmq_poller_wait (poller, &event, WAIT_MS));
        CHECK (event.socket == a && event.user_data == &word);
        CHECK_INT (event.fd, -1);
        CHECK_INT (event.events, ZMQ_POLLIN);
    }
    CHECK_RECV (a, "x");
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, 0), EAGAIN);
    CHECK_OK (draft.zmq_poller_modify (poller, a, ZMQ_POLLIN | ZMQ_POLLOUT));
    CHECK_OK (draft.zmq_poller_wait (poller, &event, WAIT_MS));
    CHECK_INT (event.events, ZMQ_POLLOUT);
    CHECK_OK (draft.zmq_poller_destroy (&poller));
}

DRAFT_STORY (sockets_and_descriptors_are_told_together)
{
    void *poller = draft.zmq_poller_new (), *a, *b;
    int fds[2], first, second;
    MUST (pipe (fds) == 0);
    join_sockets (INPROC, ZMQ_SERVER, &a, ZMQ_CLIENT, &b);
    CHECK_OK (draft.zmq_poller_add (poller, a, &first, ZMQ_POLLIN));
    CHECK_OK (draft.zmq_poller_add_fd (poller, fds[0], &second, ZMQ_POLLIN));
    zmq_poller_event_t events[4];
    CHECK_ERR (draft.zmq_poller_wait_all (poller, events, 4, 5), EAGAIN);
    MUST (write (fds[1], "x", 1) == 1);
    CHECK_INT (draft.zmq_poller_wait_all (poller, events, 4, WAIT_MS), 1);
    CHECK (!events[0].socket && events[0].user_data == &second);
    CHECK_INT (events[0].fd, fds[0]);
    SEND (b, "x");
    CHECK_INT (draft.zmq_poller_wait_all (poller, events, 4, WAIT_MS), 2);
    CHECK (events[0].socket == a && events[0].user_data == &first);
    CHECK_INT (events[1].fd, fds[0]);
    CHECK_INT (draft.zmq_poller_wait_all (poller, events, 1, WAIT_MS), 1);
    close (fds[1]);
    close (fds[0]);
    CHECK_OK (draft.zmq_poller_wait (poller, &event, WAIT_MS));
    CHECK_OK (draft.zmq_poller_destroy (&poller));
}

DRAFT_STORY (a_closed_socket_makes_the_wait_fail)
{
    void *poller = draft.zmq_poller_new (), *s = open_socket (ZMQ_PAIR);
    CHECK_OK (draft.zmq_poller_add (poller, s, NULL, ZMQ_POLLIN));
    close_socket (s);
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, -1), ENOTSOCK);
    CHECK_OK (draft.zmq_poller_remove (poller, s));
    CHECK_OK (draft.zmq_poller_destroy (&poller));
}

static void *end_context (void *c)
{
    sleep_ms (20);
    zmq_ctx_shutdown (c);
    return NULL;
}

DRAFT_STORY (the_contexts_end_ends_the_wait)
{
    void *poller = draft.zmq_poller_new (), *s = open_socket (ZMQ_PAIR);
    pthread_t thread;
    CHECK_OK (draft.zmq_poller_add (poller, s, NULL, ZMQ_POLLIN));
    MUST (!pthread_create (&thread, NULL, end_context, context ()));
    CHECK_ERR (draft.zmq_poller_wait (poller, &event, -1), ETERM);
    pthread_join (thread, NULL);
    CHECK_OK (draft.zmq_poller_destroy (&poller));
}

static int readable (int fd)
{
    struct pollfd item = {fd, POLLIN, 0};
    return poll (&item, 1, 0);
}

/* A poller of sockets for several threads has a descriptor that others can poll. */
DRAFT_STORY_ON_EACH_TRANSPORT (a_poller_may_have_a_descriptor)
{
    void *poller = draft.zmq_poller_new (), *server, *client, *pair = open_socket (ZMQ_PAIR);
    join_sockets (transport, ZMQ_SERVER, &server, ZMQ_CLIENT, &client);
    int fd = -1, again = -1;
    CHECK_OK (draft.zmq_poller_add (poller, pair, NULL, ZMQ_POLLIN));
    CHECK_ERR (draft.zmq_poller_fd (poller, &fd), EINVAL);
    CHECK_OK (draft.zmq_poller_add (poller, server, NULL, ZMQ_POLLIN));
    CHECK_OK (draft.zmq_poller_fd (poller, &fd));
    CHECK_OK (draft.zmq_poller_fd (poller, &again));
    CHECK_INT (fd, again);
    SEND (client, "x");
    CHECK_BECOMES (readable (fd) && draft.zmq_poller_wait (poller, &event, 0) == 0);
    CHECK (event.socket == server);
    /* It stays until the message is taken. */
    CHECK_INT (readable (fd), 1);
    CHECK_RECV (server, "x");
    while (draft.zmq_poller_wait (poller, &event, 0) == 0)
        ;
    CHECK_INT (readable (fd), 0);
    SEND (client, "y");
    CHECK_BECOMES (readable (fd));
    CHECK_OK (draft.zmq_poller_remove (poller, server));
    CHECK_OK (draft.zmq_poller_destroy (&poller));
}

static volatile int caught;
static void note (int signal)
{
    caught = signal;
}

DRAFT_STORY (ppoll_lets_signals_in_while_it_waits)
{
    sigset_t blocked, none;
    sigemptyset (&blocked);
    sigaddset (&blocked, SIGUSR1);
    sigemptyset (&none);
    MUST (!pthread_sigmask (SIG_BLOCK, &blocked, NULL));
    struct sigaction action = {.sa_handler = note};
    MUST (!sigaction (SIGUSR1, &action, NULL));
    void *a, *b;
    join_sockets (INPROC, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    zmq_pollitem_t item = {a, 0, ZMQ_POLLIN, 0};
    MUST (!pthread_kill (pthread_self (), SIGUSR1));
    CHECK_INT (draft.zmq_ppoll (&item, 1, 5, NULL), 0);
    CHECK_INT (caught, 0);
    CHECK_ERR (draft.zmq_ppoll (&item, 1, -1, &none), EINTR);
    CHECK_INT (caught, SIGUSR1);
    /* Once, and the mask is back. */
    caught = 0;
    MUST (!pthread_kill (pthread_self (), SIGUSR1));
    CHECK_INT (draft.zmq_ppoll (&item, 1, 5, &blocked), 0);
    CHECK_INT (caught, 0);
    CHECK_ERR (draft.zmq_ppoll (&item, 1, 0, &none), EINTR);
    CHECK_INT (caught, SIGUSR1);
    SEND (b, "x");
    CHECK_INT (draft.zmq_ppoll (&item, 1, -1, &none), 1);
    CHECK_INT (item.revents, ZMQ_POLLIN);
    CHECK_RECV (a, "x");
    CHECK_INT (draft.zmq_ppoll (&item, 1, 5, &none), 0);
    CHECK_ERR (draft.zmq_ppoll (NULL, 1, 0, &none), EFAULT);
    CHECK_ERR (draft.zmq_ppoll (&item, -1, 0, NULL), EINVAL);
}

static void *send_later (void *s)
{
    sleep_ms (20);
    MUST (zmq_send (s, "late", 4, 0) == 4);
    return NULL;
}

DRAFT_STORY_ON_EACH_TRANSPORT (ppoll_and_pollers_wake_for_a_message)
{
    void *a, *b, *poller = draft.zmq_poller_new ();
    join_sockets (transport, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_OK (draft.zmq_poller_add (poller, a, NULL, ZMQ_POLLIN));
    sigset_t none;
    sigemptyset (&none);
    zmq_pollitem_t item = {a, 0, ZMQ_POLLIN, 0};
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        MUST (!pthread_create (&thread, NULL, send_later, b));
        if (i)
            CHECK_INT (draft.zmq_ppoll (&item, 1, WAIT_MS, &none), 1);
        else
            CHECK_OK (draft.zmq_poller_wait (poller, &event, WAIT_MS));
        CHECK_RECV (a, "late");
        pthread_join (thread, NULL);
    }
    CHECK_OK (draft.zmq_poller_destroy (&poller));
}

MAIN
