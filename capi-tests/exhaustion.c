/* File descriptors run out: what cannot be accepted or made is refused, costs
 * no CPU, and works again once there are some. */
#include "fixtures.h"

/* Lets the process have just so many fds more; returns the former limit. */
static struct rlimit leave_fds (int count)
{
    int spare[64], fd, highest = 0;
    struct rlimit before, limit;
    REQUIRE (getrlimit (RLIMIT_NOFILE, &before) == 0);
    for (int n = 0; n < 4096; n++)
        if (fcntl (n, F_GETFD) >= 0)
            highest = n;
    limit = before;
    limit.rlim_cur = (rlim_t) (highest + 1 + count);
    REQUIRE (setrlimit (RLIMIT_NOFILE, &limit) == 0);
    for (int i = 0; i < count; i++)
        REQUIRE ((spare[i] = fcntl (0, F_DUPFD_CLOEXEC, highest + 1)) >= 0);
    while ((fd = fcntl (0, F_DUPFD_CLOEXEC, 0)) >= 0)
        ;
    for (int i = 0; i < count; i++)
        close (spare[i]);
    return before;
}

static bool no_fd_is_left (void)
{
    int fd = fcntl (0, F_DUPFD_CLOEXEC, 0);
    if (fd >= 0)
        close (fd);
    return fd < 0;
}

/* A process that opens 40 connections when told to, tells when they stand, and
 * lets go of them when told once more. */
struct crowd
{
    pid_t child;
    int tell, hear;
};

static void crowd_gather (struct crowd *c, const char *endpoint)
{
    int told[2], came[2];
    REQUIRE (pipe (told) == 0 && pipe (came) == 0);
    fflush (stdout);
    if ((c->child = fork ()) == 0) {
        char byte = 0;
        CHECK_INT (read (told[0], &byte, 1), 1);
        for (int i = 0; i < 40; i++)
            raw_connect (endpoint);
        CHECK_INT (write (came[1], "x", 1), 1);
        CHECK_INT (read (told[0], &byte, 1), 1);
        _exit (7);
    }
    close (told[0]);
    close (came[1]);
    c->tell = told[1];
    c->hear = came[0];
}

static void crowd_tell (struct crowd *c)
{
    CHECK_INT (write (c->tell, "x", 1), 1);
}

TEST (accepting_at_the_limit)
{
    static const char *const places[] = {"tcp", "ipc"};
    for (int i = 0; i < (on_oracle () ? 1 : 2); i++) { /* it aborts for ipc */
        begin ();
        endpoint_t endpoint;
        struct crowd crowd;
        void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
        bind_to (pull, places[i], endpoint);
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_SEND (push, "before", 0);
        CHECK_RECV (pull, "before");
        crowd_gather (&crowd, endpoint);
        struct rlimit before = leave_fds (12);
        crowd_tell (&crowd);
        char byte;
        CHECK_INT (read (crowd.hear, &byte, 1), 1);
        /* Those that fit are in. */
        CHECK_BECOMES (no_fd_is_left ());
        CHECK_SEND (push, "meanwhile", 0);
        CHECK_RECV (pull, "meanwhile");
        if (!on_oracle ()) { /* spins */
            double cpu = cpu_seconds ();
            sleep_ms (500);
            CHECK (cpu_seconds () - cpu < 0.1);
        }
        CHECK_SEND (push, "meanwhile", 0);
        CHECK_RECV (pull, "meanwhile");
        crowd_tell (&crowd);
        int status = 0;
        CHECK_INT (waitpid (crowd.child, &status, 0), crowd.child);
        CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 7);
        /* There is room again: a new peer gets in, with the limit as it is. */
        void *late;
        CHECK_BECOMES ((late = zmq_socket (ctx, ZMQ_PUSH)) != NULL);
        CHECK_OK (zmq_connect (late, endpoint));
        CHECK_SEND (late, "after", 0);
        CHECK_RECV (pull, "after");
        REQUIRE (setrlimit (RLIMIT_NOFILE, &before) == 0);
        CHECK_OK (zmq_close (late));
        end (push, pull);
    }
}

TEST (making_sockets_at_the_limit)
{
    begin ();
    void *s[200], *pull = new_socket (ctx, ZMQ_PULL);
    leave_fds (12);
    int made = 0, fd = -1;
    while (made < 200 && (s[made] = zmq_socket (ctx, ZMQ_PAIR)))
        made++;
    /* Either sockets cost no fd, or there is an errno. */
    CHECK (made == 200 || errno == EMFILE);
    size_t size = sizeof fd;
    int refused = 0;
    for (int i = 0; i < made; i++)
        refused += zmq_getsockopt (s[i], ZMQ_FD, &fd, &size) != 0
                   && errno == EMFILE;
    CHECK (made < 200 || refused > 0);
    CHECK_OK (zmq_bind (pull, "inproc://still"));
    for (int i = 0; i < made; i++)
        CHECK_OK (zmq_close (s[i]));
    CHECK_BECOMES ((s[0] = zmq_socket (ctx, ZMQ_PUSH)) != NULL);
    CHECK_OK (zmq_connect (s[0], "inproc://still"));
    CHECK_SEND (s[0], "x", 0);
    CHECK_RECV (pull, "x");
    end (pull, s[0]);
}

TEST (binding_and_connecting_at_the_limit)
{
    if (on_oracle ())
        return; /* aborts in its connecter */
    begin ();
    endpoint_t endpoint;
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    bind_to (pull, "tcp", endpoint);
    /* The threads have what they need: a first connection stood before. */
    void *first = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (first, endpoint));
    CHECK_SEND (first, "x", 0);
    CHECK_RECV (pull, "x");
    struct rlimit before = leave_fds (0);
    CHECK_ERR (zmq_bind (pull, "tcp://127.0.0.1:*"), EMFILE);
    char path[64];
    snprintf (path, sizeof path, "ipc://%s/none", folder);
    CHECK_ERR (zmq_bind (pull, path), EMFILE);
    /* A connect tries again. */
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "patience", 0);
    sleep_ms (50);
    REQUIRE (setrlimit (RLIMIT_NOFILE, &before) == 0);
    CHECK_RECV (pull, "patience");
    CHECK_OK (zmq_close (first));
    end (pull, push);
}

TEST (polling_fds_at_the_limit)
{
    begin ();
    void *a, *b;
    int pipes[2];
    connect_pair (ctx, "inproc://poll", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    REQUIRE (pipe (pipes) == 0);
    leave_fds (0);
    zmq_pollitem_t items[] = {{b, 0, ZMQ_POLLIN, 0},
                              {NULL, pipes[0], ZMQ_POLLIN, 0}};
    CHECK_OK (zmq_poll (items, 1, 20));
    CHECK_SEND (a, "x", 0);
    CHECK_INT (zmq_poll (items, 1, -1), 1);
    /* With raw fds a wake-up fd may be needed: an errno, at worst. */
    int rc = zmq_poll (items, 2, AMPLE_MS);
    CHECK (rc == 1 || (rc == -1 && errno == EMFILE));
    CHECK_RECV (b, "x");
    end (a, b);
}

MAIN
