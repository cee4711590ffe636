/* What socket options do to connections: what reaches the kernel, how long
 * attempts, handshakes and silence may last. */
#include "kernel.h"

/* ---- what reaches the kernel ---- */

struct ends
{
    void *a, *b;
    int listening, accepted, connected;
};

struct setting
{
    int option, value;
};

/* Two sockets with these settings, and the descriptors between them. */
static struct ends connect_with (const char *where, const struct setting *settings,
                                 int count)
{
    struct ends e;
    endpoint_t endpoint;
    begin ();
    e.a = new_socket (ctx, ZMQ_PAIR);
    e.b = new_socket (ctx, ZMQ_PAIR);
    for (int i = 0; i < count; i++) {
        CHECK_OK (set_int (e.a, settings[i].option, settings[i].value));
        CHECK_OK (set_int (e.b, settings[i].option, settings[i].value));
    }
    bind_to (e.b, where, endpoint);
    e.listening = listening_fd ();
    CHECK_OK (zmq_connect (e.a, endpoint));
    CHECK_SEND (e.a, "x", 0);
    e.accepted = receive_source (e.b);
    CHECK_SEND (e.b, "x", 0);
    e.connected = receive_source (e.a);
    return e;
}

#define CONNECT_WITH(WHERE, ...)                                               \
    connect_with (WHERE, (struct setting[]){__VA_ARGS__},                      \
                  sizeof ((struct setting[]){__VA_ARGS__})                     \
                    / sizeof (struct setting))

/* Both ends of the connection have this option at this value. */
#define CHECK_ENDS(E, LEVEL, OPTION, VALUE)                                    \
    do {                                                                       \
        CHECK_INT (kernel_option ((E).accepted, LEVEL, OPTION), VALUE);        \
        CHECK_INT (kernel_option ((E).connected, LEVEL, OPTION), VALUE);       \
    } while (0)

TEST (defaults_are_the_system_s)
{
    int plain = socket (AF_INET, SOCK_STREAM, 0);
    struct ends e = CONNECT_WITH ("tcp", {ZMQ_LINGER, 0});
    CHECK_ENDS (e, SOL_SOCKET, SO_KEEPALIVE, 0);
    CHECK_ENDS (e, IPPROTO_TCP, TCP_NODELAY, 1);
    static const int same[] = {TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINTVL,
                               TCP_USER_TIMEOUT};
    for (int i = 0; i < 4; i++)
        CHECK_ENDS (e, IPPROTO_TCP, same[i],
                    kernel_option (plain, IPPROTO_TCP, same[i]));
    CHECK_ENDS (e, IPPROTO_IP, IP_TOS, 0);
    close (plain);
    end (e.a, e.b);
}

TEST (keepalive)
{
    struct ends e =
      CONNECT_WITH ("tcp", {ZMQ_TCP_KEEPALIVE, 1}, {ZMQ_TCP_KEEPALIVE_CNT, 7},
                    {ZMQ_TCP_KEEPALIVE_IDLE, 33}, {ZMQ_TCP_KEEPALIVE_INTVL, 11});
    CHECK_ENDS (e, SOL_SOCKET, SO_KEEPALIVE, 1);
    CHECK_ENDS (e, IPPROTO_TCP, TCP_KEEPCNT, 7);
    CHECK_ENDS (e, IPPROTO_TCP, TCP_KEEPIDLE, 33);
    CHECK_ENDS (e, IPPROTO_TCP, TCP_KEEPINTVL, 11);
    CHECK_INT (kernel_option (e.listening, SOL_SOCKET, SO_KEEPALIVE), 0);
    end (e.a, e.b);
}

TEST (keepalive_off_and_unset)
{
    struct ends e =
      CONNECT_WITH ("tcp", {ZMQ_TCP_KEEPALIVE, 0}, {ZMQ_TCP_KEEPALIVE_IDLE, 33});
    CHECK_ENDS (e, SOL_SOCKET, SO_KEEPALIVE, 0);
    CHECK_ENDS (e, IPPROTO_TCP, TCP_KEEPIDLE, 33);
    end (e.a, e.b);
    int plain = socket (AF_INET, SOCK_STREAM, 0);
    e = CONNECT_WITH ("tcp", {ZMQ_TCP_KEEPALIVE_IDLE, 33});
    CHECK_ENDS (e, IPPROTO_TCP, TCP_KEEPIDLE,
                kernel_option (plain, IPPROTO_TCP, TCP_KEEPIDLE));
    close (plain);
    end (e.a, e.b);
}

TEST (keepalive_values_that_the_kernel_refuses)
{
    if (on_oracle ())
        return; /* never connects */
    struct ends e =
      CONNECT_WITH ("tcp", {ZMQ_TCP_KEEPALIVE, 1}, {ZMQ_TCP_KEEPALIVE_CNT, 1000},
                    {ZMQ_TCP_KEEPALIVE_IDLE, 0}, {ZMQ_TCP_KEEPALIVE_INTVL, 9});
    CHECK_ENDS (e, SOL_SOCKET, SO_KEEPALIVE, 1);
    CHECK_ENDS (e, IPPROTO_TCP, TCP_KEEPINTVL, 9);
    end (e.a, e.b);
}

TEST (tcp_maxrt_is_the_user_timeout)
{
    struct ends e = CONNECT_WITH ("tcp", {ZMQ_TCP_MAXRT, 5000});
    CHECK_ENDS (e, IPPROTO_TCP, TCP_USER_TIMEOUT, 5000);
    end (e.a, e.b);
}

TEST (type_of_service)
{
    struct ends e = CONNECT_WITH ("tcp", {ZMQ_TOS, 0x28});
    CHECK_ENDS (e, IPPROTO_IP, IP_TOS, 0x28);
    CHECK_INT (kernel_option (e.listening, IPPROTO_IP, IP_TOS), 0x28);
    end (e.a, e.b);
}

TEST (buffers)
{
    /* The kernel doubles what it is asked for. */
    struct ends e =
      CONNECT_WITH ("tcp", {ZMQ_SNDBUF, 20000}, {ZMQ_RCVBUF, 30000});
    CHECK_ENDS (e, SOL_SOCKET, SO_SNDBUF, 40000);
    CHECK_ENDS (e, SOL_SOCKET, SO_RCVBUF, 60000);
    CHECK_INT (kernel_option (e.listening, SOL_SOCKET, SO_SNDBUF), 40000);
    CHECK_INT (kernel_option (e.listening, SOL_SOCKET, SO_RCVBUF), 60000);
    end (e.a, e.b);
}

TEST (smallest_buffers_still_carry_messages)
{
    static char body[200000], got[200000];
    struct ends e = CONNECT_WITH ("tcp", {ZMQ_SNDBUF, 0}, {ZMQ_RCVBUF, 0});
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char) (i * 7);
    CHECK_INT (zmq_send (e.a, body, sizeof body, 0), sizeof body);
    CHECK_INT (zmq_recv (e.b, got, sizeof got, 0), sizeof got);
    CHECK (memcmp (body, got, sizeof body) == 0);
    end (e.a, e.b);
}

TEST (ipc_has_the_system_s_buffers)
{
    int plain = socket (AF_UNIX, SOCK_STREAM, 0);
    struct ends e = CONNECT_WITH ("ipc", {ZMQ_SNDBUF, 20000}, {ZMQ_RCVBUF, 30000});
    CHECK_ENDS (e, SOL_SOCKET, SO_SNDBUF,
                kernel_option (plain, SOL_SOCKET, SO_SNDBUF));
    CHECK_ENDS (e, SOL_SOCKET, SO_RCVBUF,
                kernel_option (plain, SOL_SOCKET, SO_RCVBUF));
    close (plain);
    end (e.a, e.b);
}

TEST (a_connection_keeps_what_it_was_made_with)
{
    struct ends e = CONNECT_WITH ("tcp", {ZMQ_TOS, 0x20});
    CHECK_OK (set_int (e.a, ZMQ_TOS, 0x40));
    CHECK_OK (set_int (e.b, ZMQ_TCP_MAXRT, 9000));
    CHECK_SEND (e.a, "x", 0);
    CHECK_INT (receive_source (e.b), e.accepted);
    CHECK_ENDS (e, IPPROTO_IP, IP_TOS, 0x20);
    CHECK_ENDS (e, IPPROTO_TCP, TCP_USER_TIMEOUT, 0);
    end (e.a, e.b);
}

static bool may_bind_to_device (void)
{
    int fd = socket (AF_INET, SOCK_STREAM, 0);
    bool may = setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) == 0;
    close (fd);
    return may;
}

static void check_device (int fd, const char *want)
{
    char device[20] = "";
    socklen_t size = sizeof device;
    CHECK_OK (getsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size));
    CHECK_STR (device, want);
}

TEST (bound_to_a_device)
{
    endpoint_t endpoint;
    if (!may_bind_to_device ())
        return;
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_setsockopt (pull, ZMQ_BINDTODEVICE, "lo", 2));
    CHECK_OK (zmq_setsockopt (push, ZMQ_BINDTODEVICE, "lo", 3));
    bind_to (pull, "tcp", endpoint);
    check_device (listening_fd (), "lo");
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "through lo", 0);
    check_device (receive_source (pull), "lo");
    CHECK_OK (zmq_setsockopt (pull, ZMQ_BINDTODEVICE, "no_such_device", 14));
    CHECK_ERR (zmq_bind (pull, "tcp://127.0.0.1:*"), ENODEV);
    end (pull, push);
}

TEST (the_backlog_bounds_who_waits)
{
    endpoint_t endpoint;
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_BACKLOG, 7));
    bind_to (pull, "tcp", endpoint);
    /* Of a listening socket this is the length of its queue. */
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    CHECK_OK (getsockopt (listening_fd (), IPPROTO_TCP, TCP_INFO, &info, &size));
    CHECK_INT (info.tcpi_sacked, 7);
    end (pull, NULL);
}

/* ---- time ---- */

TEST (a_connect_that_takes_too_long_is_tried_anew)
{
    /* A queue that is full answers nobody. */
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    int fill[8], listener = socket (AF_INET, SOCK_STREAM, 0);
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    REQUIRE (bind (listener, (void *) &in, sizeof in) == 0
             && listen (listener, 0) == 0
             && getsockname (listener, (void *) &in, &size) == 0);
    for (int i = 0; i < 8; i++) {
        fill[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void) !connect (fill[i], (void *) &in, sizeof in);
    }
    endpoint_t endpoint;
    snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%d",
              ntohs (in.sin_port));
    begin ();
    void *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_CONNECT_TIMEOUT, 100));
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 20));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "at last", 0);
    /* The kernel itself would ask again after a second, then two: with a port
     * of its own for each attempt, there are several by then. */
    sleep_ms (600);
    for (int i = 0; i < 8; i++)
        close (fill[i]);
    bool found = false;
    unsigned char got[256];
    for (long long until = now_ms () + AMPLE_MS; !found && now_ms () < until;) {
        int fd = accept_within (listener, 200);
        struct pollfd item = {fd, POLLIN, 0};
        if (fd >= 0 && poll (&item, 1, 300) == 1 && recv (fd, got, 1, 0) == 1)
            found = got[0] == 0xff;
        close (fd);
    }
    CHECK (found);
    close (listener);
    end (push, NULL);
}

/* When the mute peer of a connection is given up; -1 if never. */
static long long time_until_given_up (int ivl, bool bound)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, ZMQ_HANDSHAKE_IVL, ivl));
    int listener = -1, fd;
    long long start = now_ms ();
    if (bound) {
        bind_to (s, "tcp", endpoint);
        fd = raw_connect (endpoint);
    } else {
        listener = raw_listen (endpoint);
        CHECK_OK (zmq_connect (s, endpoint));
        REQUIRE ((fd = accept_within (listener, AMPLE_MS)) >= 0);
    }
    char sink[64];
    struct pollfd item = {fd, POLLIN, 0};
    long long took = -1;
    while (poll (&item, 1, ivl ? AMPLE_MS : 400) == 1)
        if (recv (fd, sink, sizeof sink, 0) <= 0) {
            took = now_ms () - start;
            break;
        }
    close (fd);
    close (listener);
    end (s, NULL);
    return took;
}

TEST (handshakes_are_bounded)
{
    for (int bound = 0; bound < 2; bound++) {
        long long took = time_until_given_up (200, bound);
        CHECK (took >= 190);
        CHECK (took < 8000);
        CHECK_INT (time_until_given_up (0, bound), -1);
    }
}

/* Reads the next frame's body into `body`; its size, or -1 at the end. */
static int read_frame (int fd, unsigned char *body)
{
    unsigned char head[2];
    return raw_read (fd, head, 2) && raw_read (fd, body, head[1]) ? head[1] : -1;
}

TEST (heartbeats_carry_their_time_to_live)
{
    endpoint_t endpoint;
    unsigned char body[256];
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, ZMQ_HEARTBEAT_IVL, 60));
    CHECK_OK (set_int (s, ZMQ_HEARTBEAT_TTL, 1250));
    CHECK_OK (set_int (s, ZMQ_HEARTBEAT_TIMEOUT, 5000));
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    REQUIRE (raw_handshake (fd, "PUSH"));
    long long start = now_ms ();
    for (int i = 0; i < 3; i++) {
        CHECK_INT (read_frame (fd, body), 7);
        CHECK (memcmp (body, "\4PING\0\14", 7) == 0); /* 12 tenths */
        CHECK (raw_write (fd, "\4\5\4PONG", 7));
    }
    CHECK (now_ms () - start >= 100);
    close (fd);
    end (s, NULL);
}

TEST (a_peer_that_does_not_answer_is_dropped)
{
    static const int timeouts[] = {150, -1};
    for (int i = 0; i < 2; i++) {
        endpoint_t endpoint;
        begin ();
        void *s = new_socket (ctx, ZMQ_PULL);
        CHECK_OK (set_int (s, ZMQ_HEARTBEAT_IVL, 100));
        if (timeouts[i] >= 0) /* else it is the interval */
            CHECK_OK (set_int (s, ZMQ_HEARTBEAT_TIMEOUT, timeouts[i]));
        bind_to (s, "tcp", endpoint);
        int fd = raw_connect (endpoint);
        REQUIRE (raw_handshake (fd, "PUSH"));
        long long start = now_ms ();
        CHECK (raw_is_closed (fd));
        CHECK (now_ms () - start >= 150);
        close (fd);
        end (s, NULL);
    }
}

TEST (a_peer_says_how_long_its_silence_may_last)
{
    endpoint_t endpoint;
    unsigned char body[256];
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    bind_to (s, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    REQUIRE (raw_handshake (fd, "PUSH"));
    CHECK (raw_write (fd, "\4\11\4PING\0\3hi", 11));
    CHECK_INT (read_frame (fd, body), 7);
    CHECK (memcmp (body, "\4PONGhi", 7) == 0);
    long long start = now_ms ();
    CHECK (raw_is_closed (fd));
    CHECK (now_ms () - start >= 200);
    close (fd);
    end (s, NULL);
}

MAIN
