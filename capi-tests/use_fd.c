/* ZMQ_USE_FD: a socket that somebody else has made to listen, as systemd hands
 * them to the services it starts. */
#include "kernel.h"

/* A descriptor that listens, or is only bound. */
static int tcp_socket (endpoint_t endpoint, bool listens)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    REQUIRE (fd >= 0 && bind (fd, (void *) &in, sizeof in) == 0
             && getsockname (fd, (void *) &in, &size) == 0);
    if (listens)
        REQUIRE (listen (fd, 8) == 0);
    snprintf (endpoint, sizeof (endpoint_t), "tcp://127.0.0.1:%d",
              ntohs (in.sin_port));
    return fd;
}

static int ipc_socket (endpoint_t endpoint)
{
    static int paths;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf (un.sun_path, sizeof un.sun_path, "%s/use-fd-%d-%d", folder,
              getpid (), paths++);
    snprintf (endpoint, sizeof (endpoint_t), "ipc://%s", un.sun_path);
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    REQUIRE (fd >= 0 && bind (fd, (void *) &un, sizeof un) == 0
             && listen (fd, 8) == 0);
    return fd;
}

static void check_serves (void *pull, const char *endpoint)
{
    void *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "through", 0);
    CHECK_RECV (pull, "through");
    CHECK_OK (zmq_close (push));
}

static void check_is_open (int fd, bool open)
{
    errno = 0;
    CHECK_INT (fcntl (fd, F_GETFD) >= 0, open);
}

TEST (tcp)
{
    endpoint_t endpoint, last;
    begin ();
    int fd = tcp_socket (endpoint, true);
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_INT (get_int (pull, ZMQ_USE_FD), -1);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_INT (get_int (pull, ZMQ_USE_FD), fd);
    CHECK_OK (zmq_bind (pull, endpoint));
    last_endpoint (pull, last);
    CHECK_STR (last, endpoint);
    check_serves (pull, endpoint);
    check_serves (pull, endpoint);
    check_is_open (fd, true);
    /* It is ours now: the end of the endpoint is its end. */
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_BECOMES (fcntl (fd, F_GETFD) < 0);
    end (pull, NULL);
}

TEST (ipc)
{
    endpoint_t endpoint, last;
    begin ();
    int fd = ipc_socket (endpoint);
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_OK (zmq_bind (pull, endpoint));
    last_endpoint (pull, last);
    CHECK_STR (last, endpoint);
    check_serves (pull, endpoint);
    /* The path is not taken over, and stays. */
    CHECK_OK (access (endpoint + 6, F_OK));
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_BECOMES (fcntl (fd, F_GETFD) < 0);
    CHECK_OK (access (endpoint + 6, F_OK));
    end (pull, NULL);
}

TEST (closing_the_socket_closes_it_too)
{
    endpoint_t endpoint;
    begin ();
    int fd = tcp_socket (endpoint, true);
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_OK (zmq_bind (pull, endpoint));
    end (pull, NULL);
    check_is_open (fd, false);
}

TEST (the_text_is_not_looked_at)
{
    static const char *const texts[] = {"tcp://127.0.0.1:9", "tcp://*:*",
                                        "tcp://nonsense"};
    for (int i = 0; i < 3; i++) {
        endpoint_t endpoint, last;
        begin ();
        int fd = tcp_socket (endpoint, true);
        void *pull = new_socket (ctx, ZMQ_PULL);
        CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
        CHECK_OK (zmq_bind (pull, texts[i]));
        last_endpoint (pull, last);
        CHECK_STR (last, endpoint);
        check_serves (pull, endpoint);
        CHECK_ERR (zmq_unbind (pull, "tcp://127.0.0.1:9"), ENOENT);
        CHECK_OK (zmq_unbind (pull, last));
        end (pull, NULL);
    }
}

TEST (peers_that_came_before_the_bind_are_served)
{
    endpoint_t endpoint;
    begin ();
    int fd = tcp_socket (endpoint, true);
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "early", 0);
    struct pollfd item = {fd, POLLIN, 0};
    CHECK_INT (poll (&item, 1, AMPLE_MS), 1);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_RECV (pull, "early");
    end (pull, push);
}

TEST (connecting_does_not_use_it)
{
    endpoint_t endpoint;
    begin ();
    void *bound = new_socket (ctx, ZMQ_PAIR), *pair = new_socket (ctx, ZMQ_PAIR);
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    bind_to (bound, "tcp", endpoint);
    CHECK_OK (set_int (pair, ZMQ_USE_FD, fd));
    CHECK_OK (zmq_connect (pair, endpoint));
    CHECK_SEND (bound, "x", 0);
    CHECK (receive_source (pair) != fd);
    end (bound, pair);
    check_is_open (fd, true);
    close (fd);
}

TEST (minus_1_takes_it_back)
{
    endpoint_t endpoint, last;
    begin ();
    int fd = tcp_socket (endpoint, true);
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_OK (set_int (pull, ZMQ_USE_FD, -1));
    bind_to (pull, "tcp", last);
    CHECK (strcmp (last, endpoint) != 0);
    end (pull, NULL);
    check_is_open (fd, true);
}

TEST (filters_still_hold)
{
    endpoint_t endpoint;
    begin ();
    int fd = tcp_socket (endpoint, true);
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_setsockopt (pull, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10));
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK (raw_is_closed (raw_connect (endpoint)));
    end (pull, NULL);
}

TEST (as_systemd_hands_it_over)
{
    /* descriptors from 3 on, passed through exec */
    endpoint_t endpoint;
    begin ();
    int fd = tcp_socket (endpoint, true);
    void *pull = new_socket (ctx, ZMQ_PULL);
    pid_t child = fork ();
    if (child == 0) {
        char script[400];
        snprintf (script, sizeof script, "test -S /proc/self/fd/%d", fd);
        execl ("/bin/sh", "sh", "-c", script, NULL);
        _exit (127);
    }
    int status = 0;
    CHECK (waitpid (child, &status, 0) == child && status == 0);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_OK (zmq_bind (pull, "tcp://*:0"));
    check_serves (pull, endpoint);
    end (pull, NULL);
}

TEST (two_binds_of_one_descriptor)
{
    endpoint_t endpoint;
    begin ();
    int fd = tcp_socket (endpoint, true);
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_OK (zmq_bind (pull, endpoint));
    if (on_oracle ())
        return; /* registers one descriptor twice, and closes it twice */
    CHECK_OK (zmq_bind (pull, endpoint));
    for (int i = 0; i < 5; i++)
        check_serves (pull, endpoint);
    CHECK_OK (zmq_unbind (pull, endpoint));
    check_is_open (fd, false);
    int other = open ("/dev/null", O_RDONLY); /* has the number now */
    CHECK_INT (other, fd);
    end (pull, NULL);
    check_is_open (other, true);
    close (other);
}

TEST (what_does_not_listen_is_refused)
{
    if (on_oracle ())
        return; /* says 0, or aborts */
    endpoint_t endpoint;
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL);
    int fd = tcp_socket (endpoint, false);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, fd));
    CHECK_ERR (zmq_bind (pull, endpoint), EINVAL);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, 999));
    CHECK_ERR (zmq_bind (pull, endpoint), EBADF);
    int null = open ("/dev/null", O_RDWR);
    CHECK_OK (set_int (pull, ZMQ_USE_FD, null));
    CHECK_ERR (zmq_bind (pull, "ipc:///tmp/never-made"), ENOTSOCK);
    check_is_open (fd, true);
    check_is_open (null, true);
    end (pull, NULL);
    close (fd);
    close (null);
}

MAIN
