/* Filters of accepted peers: by address (ZMQ_TCP_ACCEPT_FILTER), and by the
 * process, user and group at the other end of an ipc connection. Who is not let
 * in finds the connection closed before anything was said on it. */
#include "fixtures.h"
#include "kernel.h"
#include <grp.h>

/* Who connects says nothing; who is let in is greeted. */
static bool greeted (int fd)
{
    char byte;
    bool reads = raw_read (fd, &byte, 1);
    close (fd);
    return reads;
}

static int tcp_from (const char *source, endpoint_t endpoint)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton (AF_INET, source, &in.sin_addr);
    REQUIRE (bind (fd, (void *) &in, sizeof in) == 0);
    inet_pton (AF_INET, "127.0.0.1", &in.sin_addr);
    in.sin_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
    REQUIRE (connect (fd, (void *) &in, sizeof in) == 0);
    return fd;
}

static int tcp6 (endpoint_t endpoint)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6};
    int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    in.sin6_addr = in6addr_loopback;
    in.sin6_port = htons ((uint16_t) atoi (strrchr (endpoint, ':') + 1));
    REQUIRE (connect (fd, (void *) &in, sizeof in) == 0);
    return fd;
}

static int add_filter (void *s, const char *filter)
{
    return zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, filter, strlen (filter));
}

/* Whether a listener with this filter greets a peer of that source. */
static bool admits (const char *filter, const char *more, const char *source)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (add_filter (s, filter));
    if (more)
        CHECK_OK (add_filter (s, more));
    bind_to (s, "tcp://0.0.0.0:*", endpoint);
    bool let_in = greeted (tcp_from (source, endpoint));
    end (s, NULL);
    return let_in;
}

TEST (one_address)
{
    CHECK (admits ("127.0.0.1", NULL, "127.0.0.1"));
    CHECK (!admits ("127.0.0.1", NULL, "127.0.0.2"));
    CHECK (admits ("127.1", NULL, "127.0.0.1"));
}

TEST (networks)
{
    CHECK (admits ("127.0.0.2/31", NULL, "127.0.0.3"));
    CHECK (!admits ("127.0.0.2/31", NULL, "127.0.0.4"));
    CHECK (admits ("127.9.9.9/8", NULL, "127.0.0.4"));
    CHECK (!admits ("10.0.0.0/8", NULL, "127.0.0.1"));
    CHECK (admits ("10.0.0.0/0", NULL, "127.0.0.9"));
    CHECK (admits ("127.0.0.1/08x", NULL, "127.0.0.77"));
}

TEST (one_of_several_is_enough)
{
    CHECK (admits ("10.0.0.0/8", "127.0.0.5", "127.0.0.5"));
    CHECK (!admits ("10.0.0.0/8", "127.0.0.5", "127.0.0.6"));
}

static bool has_ipv6 (void)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6};
    in.sin6_addr = in6addr_loopback;
    int fd = socket (AF_INET6, SOCK_STREAM, 0);
    bool has = fd >= 0 && bind (fd, (void *) &in, sizeof in) == 0;
    close (fd);
    return has;
}

/* As `admits`, on a socket that listens to both families. */
static bool admits_on_ipv6 (int ipv6_before, const char *filter, bool peer_is_6)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, ZMQ_IPV6, ipv6_before));
    CHECK_OK (add_filter (s, filter));
    CHECK_OK (set_int (s, ZMQ_IPV6, 1));
    bind_to (s, "tcp://*:*", endpoint);
    bool let_in =
      greeted (peer_is_6 ? tcp6 (endpoint) : tcp_from ("127.0.0.1", endpoint));
    end (s, NULL);
    return let_in;
}

TEST (with_ipv6_filters_are_ipv6_addresses)
{
    if (!has_ipv6 ())
        return;
    CHECK (admits_on_ipv6 (1, "127.0.0.1", false));
    CHECK (!admits_on_ipv6 (1, "127.0.0.2", false));
    CHECK (!admits_on_ipv6 (1, "127.0.0.1", true));
    CHECK (admits_on_ipv6 (1, "::1", true));
    CHECK (admits_on_ipv6 (1, "[::1]", true));
    CHECK (!admits_on_ipv6 (1, "::1", false));
    CHECK (admits_on_ipv6 (1, "::2/126", true));
    CHECK (!admits_on_ipv6 (1, "::2/127", true));
    /* Bits are counted from the front of the mapped address. */
    CHECK (admits_on_ipv6 (1, "10.0.0.0/8", false));
    CHECK (!admits_on_ipv6 (1, "10.0.0.0/104", false));
    CHECK (admits_on_ipv6 (1, "127.0.0.9/104", false));
}

TEST (a_filter_keeps_the_family_of_its_time)
{
    if (has_ipv6 ())
        CHECK (!admits_on_ipv6 (0, "127.0.0.1", false));
}

TEST (null_forgets_all_addresses)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (add_filter (s, "10.0.0.1"));
    CHECK_OK (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, NULL, 0));
    bind_to (s, "tcp", endpoint);
    CHECK (greeted (raw_connect (endpoint)));
    end (s, NULL);
}

TEST (what_is_bound_keeps_its_filters)
{
    endpoint_t first, second;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    bind_to (s, "tcp", first);
    CHECK_OK (add_filter (s, "10.0.0.1"));
    bind_to (s, "tcp", second);
    CHECK (greeted (raw_connect (first)));
    CHECK (!greeted (raw_connect (second)));
    end (s, NULL);
}

TEST (a_peer_that_is_turned_away_tries_again)
{
    endpoint_t endpoint;
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (add_filter (pull, "127.0.0.7"));
    bind_to (pull, "tcp://0.0.0.0:*", endpoint);
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 10));
    endpoint_t where;
    snprintf (where, sizeof where, "tcp://127.0.0.1:%s",
              strrchr (endpoint, ':') + 1);
    CHECK_OK (zmq_connect (push, where));
    CHECK_SEND (push, "patience", 0);
    CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, 200));
    CHECK_ERR (zmq_recv (pull, NULL, 0, 0), EAGAIN);
    /* The listener changes, the peer does not. */
    CHECK_OK (zmq_unbind (pull, endpoint));
    CHECK_OK (add_filter (pull, "127.0.0.1"));
    CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
    CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, AMPLE_MS));
    CHECK_RECV (pull, "patience");
    end (pull, push);
}

/* Whether an ipc listener with these filters lets this process in. */
static bool admits_us (int option, int value, int other, int other_value)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, option, value));
    if (other)
        CHECK_OK (set_int (s, other, other_value));
    bind_to (s, "ipc", endpoint);
    bool let_in = greeted (raw_connect (endpoint));
    end (s, NULL);
    return let_in;
}

TEST (processes_users_and_groups)
{
    int pid = getpid (), uid = (int) getuid (), gid = (int) getgid ();
    CHECK (admits_us (ZMQ_IPC_FILTER_PID, pid, 0, 0));
    CHECK (!admits_us (ZMQ_IPC_FILTER_PID, pid + 1, 0, 0));
    CHECK (admits_us (ZMQ_IPC_FILTER_UID, uid, 0, 0));
    CHECK (!admits_us (ZMQ_IPC_FILTER_UID, uid + 1, 0, 0));
    CHECK (admits_us (ZMQ_IPC_FILTER_GID, gid, 0, 0));
    CHECK (!admits_us (ZMQ_IPC_FILTER_GID, gid + 12345, 0, 0));
    /* any of them is enough */
    CHECK (admits_us (ZMQ_IPC_FILTER_UID, uid + 1, ZMQ_IPC_FILTER_UID, uid));
    CHECK (admits_us (ZMQ_IPC_FILTER_UID, uid + 1, ZMQ_IPC_FILTER_PID, pid));
    CHECK (admits_us (ZMQ_IPC_FILTER_PID, pid + 1, ZMQ_IPC_FILTER_GID, gid));
    CHECK (!admits_us (ZMQ_IPC_FILTER_PID, pid + 1, ZMQ_IPC_FILTER_UID, uid + 1));
}

TEST (filters_by_process_do_not_concern_tcp)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, ZMQ_IPC_FILTER_UID, (int) getuid () + 1));
    CHECK_OK (add_filter (s, "10.0.0.1"));
    bind_to (s, "ipc", endpoint);
    CHECK (!greeted (raw_connect (endpoint)));
    CHECK_OK (zmq_setsockopt (s, ZMQ_IPC_FILTER_UID, NULL, 0));
    bind_to (s, "ipc", endpoint);
    CHECK (greeted (raw_connect (endpoint)));
    end (s, NULL);
}

TEST (a_child_is_another_process)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, ZMQ_IPC_FILTER_PID, getpid ()));
    bind_to (s, "ipc", endpoint);
    CHECK (greeted (raw_connect (endpoint)));
    pid_t child = fork ();
    if (child == 0)
        _exit (greeted (raw_connect (endpoint)));
    int status = 0;
    REQUIRE (waitpid (child, &status, 0) == child && WIFEXITED (status));
    CHECK_INT (WEXITSTATUS (status), 0);
    end (s, NULL);
}

MAIN
