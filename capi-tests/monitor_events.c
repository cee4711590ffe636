/* What a monitor tells of endpoints and connections, transport by transport:
 * which events, in which order, with which values and endpoints. */
#include "monitors.h"

static const char *const places[] = {"tcp", "ipc"};

static bool is_tcp (const char *where) { return strcmp (where, "tcp") == 0; }

static bool is_socket (int fd)
{
    int type;
    socklen_t size = sizeof type;
    return getsockopt (fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

static bool listens (int fd)
{
    int on = 0;
    socklen_t size = sizeof on;
    return getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on;
}

/* Connects a watched socket and sees it done; the descriptor. */
static unsigned check_connects (void *s, void *m, const char *where,
                                const char *endpoint)
{
    CHECK_OK (zmq_connect (s, endpoint));
    if (is_tcp (where))
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_CONNECT_DELAYED, EINPROGRESS, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_CONNECTED, endpoint);
    unsigned fd = seen.value;
    CHECK (is_socket ((int) fd));
    CHECK_EVENT_VALUE (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, endpoint);
    return fd;
}

/* One more attempt at an endpoint where nobody listens. */
static void check_attempt (void *m, void *s, const char *where,
                           const char *endpoint)
{
    if (is_tcp (where)) {
        CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CONNECT_DELAYED, endpoint);
        CHECK_INT (seen.value, EINPROGRESS);
    }
    CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSED, endpoint);
}

TEST (a_bind_listens_and_closes)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        endpoint_t endpoint;
        void *s = new_socket (ctx, ZMQ_DEALER);
        void *m = watch (s, ZMQ_EVENT_ALL);
        bind_to (s, places[i], endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
        unsigned fd = seen.value;
        CHECK (listens ((int) fd));
        CHECK_OK (zmq_unbind (s, endpoint));
        CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSED, endpoint);
        CHECK_INT (seen.value, fd);
        CHECK (!listens ((int) fd));
        /* The end of the socket closes, too. */
        bind_to (s, places[i], endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
        fd = seen.value;
        CHECK_OK (zmq_close (s));
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_CLOSED, fd, endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_MONITOR_STOPPED, "");
        end (m, NULL);
    }
}

TEST (both_sides_of_a_connection_tell_of_it)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        endpoint_t endpoint;
        void *s = new_socket (ctx, ZMQ_DEALER), *c = new_socket (ctx, ZMQ_DEALER);
        void *ms = watch (s, ZMQ_EVENT_ALL), *mc = watch (c, ZMQ_EVENT_ALL);
        CHECK_OK (set_int (c, ZMQ_RECONNECT_IVL, 20000));
        bind_to (s, places[i], endpoint);
        CHECK_EVENT (ms, ZMQ_EVENT_LISTENING, endpoint);
        check_connects (c, mc, places[i], endpoint);
        CHECK_EVENT (ms, ZMQ_EVENT_ACCEPTED, endpoint);
        unsigned accepted = seen.value;
        CHECK (is_socket ((int) accepted));
        CHECK (!listens ((int) accepted));
        CHECK_EVENT_VALUE (ms, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, endpoint);
        /* Whoever ends a connection tells nothing of it; the other does. */
        CHECK_OK (zmq_disconnect (c, endpoint));
        CHECK_EVENT_BESIDE (ms, c, ZMQ_EVENT_DISCONNECTED, endpoint);
        CHECK_INT (seen.value, accepted);
        unsigned connected = check_connects (c, mc, places[i], endpoint);
        CHECK_EVENT (ms, ZMQ_EVENT_ACCEPTED, endpoint);
        CHECK_EVENT (ms, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
        CHECK_OK (zmq_unbind (s, endpoint));
        CHECK_EVENT_BESIDE (ms, s, ZMQ_EVENT_CLOSED, endpoint);
        CHECK_EVENT_BESIDE (mc, s, ZMQ_EVENT_DISCONNECTED, endpoint);
        CHECK_INT (seen.value, connected);
        CHECK_EVENT (mc, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
        CHECK_CLOSES (s, ms);
        CHECK_CLOSES (c, mc);
        CHECK_OK (zmq_ctx_term (ctx));
    }
}

TEST (the_descriptor_of_a_connection_is_told_alike)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        endpoint_t endpoint;
        void *s = new_socket (ctx, ZMQ_PULL), *c = new_socket (ctx, ZMQ_PUSH);
        void *m = watch (c, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED);
        bind_to (s, places[i], endpoint);
        CHECK_OK (zmq_connect (c, endpoint));
        CHECK_EVENT (m, ZMQ_EVENT_CONNECTED, endpoint);
        unsigned fd = seen.value;
        CHECK_SEND (c, "x", 0);
        CHECK_RECV (s, "x");
        CHECK_OK (zmq_close (s));
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_DISCONNECTED, fd, endpoint);
        end (c, m);
    }
}

TEST (inproc_tells_nothing)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER), *c = new_socket (ctx, ZMQ_DEALER);
    void *ms = watch (s, ZMQ_EVENT_ALL), *mc = watch (c, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_bind (s, "inproc://quiet"));
    CHECK_OK (zmq_connect (c, "inproc://quiet"));
    CHECK_SEND (c, "x", 0);
    CHECK_RECV (s, "x");
    CHECK_ERR (zmq_bind (c, "inproc://quiet"), EADDRINUSE);
    CHECK_OK (zmq_disconnect (c, "inproc://quiet"));
    CHECK_OK (zmq_unbind (s, "inproc://quiet"));
    CHECK_OK (zmq_close (c));
    CHECK_OK (zmq_close (s));
    CHECK_EVENT (mc, ZMQ_EVENT_MONITOR_STOPPED, "");
    CHECK_EVENT (ms, ZMQ_EVENT_MONITOR_STOPPED, "");
    CHECK_OK (zmq_close (mc));
    CHECK_OK (zmq_close (ms));
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_connect_to_nobody_is_retried)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        endpoint_t endpoint;
        if (is_tcp (places[i]))
            absent_endpoint (endpoint);
        else
            snprintf (endpoint, sizeof endpoint, "ipc://%s/absent", folder);
        void *s = new_socket (ctx, ZMQ_DEALER);
        CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 30));
        void *m = watch (s, ZMQ_EVENT_ALL);
        CHECK_OK (zmq_connect (s, endpoint));
        for (int n = 0; n < 4; n++) {
            check_attempt (m, NULL, places[i], endpoint);
            CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
            CHECK (seen.value >= 30 && seen.value < 60);
        }
        end (s, m);
    }
}

TEST (the_interval_grows_up_to_its_limit)
{
    begin ();
    endpoint_t endpoint;
    absent_endpoint (endpoint);
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 20));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL_MAX, 100));
    void *m = watch (s, ZMQ_EVENT_CONNECT_RETRIED);
    CHECK_OK (zmq_connect (s, endpoint));
    static const unsigned least[] = {20, 40, 80, 100, 100};
    for (int n = 0; n < 5; n++) {
        CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
        CHECK (seen.value >= least[n] && seen.value < least[n] + 20);
    }
    end (s, m);
}

/* Peers that were lost together, as when a server goes, must not all call in the same
 * moment: their waits are spread over the interval. */
TEST (connects_that_fail_together_are_retried_apart)
{
    enum { MANY = 30, IVL = 10000, PARTS = 10 };
    begin ();
    endpoint_t endpoint;
    absent_endpoint (endpoint);
    void *s[MANY], *m[MANY];
    int counts[PARTS] = {0}, met = 0;
    for (int i = 0; i < MANY; i++) {
        s[i] = new_socket (ctx, ZMQ_DEALER);
        CHECK_OK (set_int (s[i], ZMQ_RECONNECT_IVL, IVL));
        m[i] = watch (s[i], ZMQ_EVENT_CONNECT_RETRIED);
        CHECK_OK (zmq_connect (s[i], endpoint));
    }
    for (int i = 0; i < MANY; i++) {
        CHECK_EVENT (m[i], ZMQ_EVENT_CONNECT_RETRIED, endpoint);
        REQUIRE (seen.value >= IVL && seen.value < 2 * IVL);
        met += counts[(seen.value - IVL) * PARTS / IVL]++ == 0;
        CHECK_OK (zmq_close (s[i]));
        CHECK_OK (zmq_close (m[i]));
    }
    CHECK (met > PARTS / 2);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (without_reconnects_one_attempt_is_all)
{
    begin ();
    endpoint_t endpoint, path;
    absent_endpoint (endpoint);
    snprintf (path, sizeof path, "ipc://%s/absent", folder);
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, -1));
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, endpoint));
    check_attempt (m, NULL, "tcp", endpoint);
    CHECK_OK (zmq_connect (s, path));
    check_attempt (m, NULL, "ipc", path);
    CHECK_STOPS (s, m);
    end (s, m);
}

TEST (a_name_nobody_knows_is_only_retried)
{
    begin ();
    static const char endpoint[] = "tcp://no.such.host.invalid:5";
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 20));
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, endpoint));
    for (int n = 0; n < 2; n++) {
        CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
        CHECK (seen.value >= 20 && seen.value < 40);
    }
    end (s, m);
}

TEST (a_connect_that_fails_at_once_is_closed_and_retried)
{
    begin ();
    /* A source address that this host does not have. */
    static const char endpoint[] = "tcp://192.0.2.1:0;127.0.0.1:5";
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 20));
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, endpoint));
    for (int n = 0; n < 3; n++) {
        CHECK_EVENT (m, ZMQ_EVENT_CLOSED, endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    }
    end (s, m);
}

TEST (a_connect_that_takes_too_long_is_closed_and_retried)
{
    begin ();
    endpoint_t endpoint;
    busy_endpoint (endpoint);
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_CONNECT_TIMEOUT, 100));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 20));
    void *m = watch (s, ZMQ_EVENT_ALL);
    long long start = now_ms ();
    CHECK_OK (zmq_connect (s, endpoint));
    check_attempt (m, NULL, "tcp", endpoint);
    CHECK (now_ms () - start >= 100);
    CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    check_attempt (m, NULL, "tcp", endpoint);
    end (s, m);
}

TEST (giving_up_a_connect_under_way_closes_it)
{
    begin ();
    endpoint_t endpoint;
    busy_endpoint (endpoint);
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_EVENT (m, ZMQ_EVENT_CONNECT_DELAYED, endpoint);
    CHECK_OK (zmq_disconnect (s, endpoint));
    CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSED, endpoint);
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_EVENT (m, ZMQ_EVENT_CONNECT_DELAYED, endpoint);
    CHECK_OK (zmq_close (s));
    CHECK_EVENT (m, ZMQ_EVENT_CLOSED, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_MONITOR_STOPPED, "");
    end (m, NULL);
}

TEST (giving_up_a_connect_that_waits_tells_nothing)
{
    begin ();
    endpoint_t endpoint;
    absent_endpoint (endpoint);
    void *s = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 20000));
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_connect (s, endpoint));
    check_attempt (m, NULL, "tcp", endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_peer_that_comes_back_is_connected_again)
{
    for (int i = 0; i < 2; i++) {
        begin ();
        endpoint_t endpoint;
        void *s = new_socket (ctx, ZMQ_DEALER), *c = new_socket (ctx, ZMQ_DEALER);
        CHECK_OK (set_int (c, ZMQ_RECONNECT_IVL, 200));
        void *m = watch (c, ZMQ_EVENT_ALL);
        bind_to (s, places[i], endpoint);
        check_connects (c, m, places[i], endpoint);
        CHECK_OK (zmq_close (s));
        CHECK_EVENT (m, ZMQ_EVENT_DISCONNECTED, endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
        CHECK (seen.value >= 200 && seen.value < 400);
        s = new_socket (ctx, ZMQ_DEALER);
        CHECK_BECOMES (zmq_bind (s, endpoint) == 0);
        do {
            CHECK (next_event (m, NULL));
            CHECK (seen.number == ZMQ_EVENT_CONNECT_DELAYED
                   || seen.number == ZMQ_EVENT_CLOSED
                   || seen.number == ZMQ_EVENT_CONNECT_RETRIED
                   || seen.number == ZMQ_EVENT_CONNECTED);
        } while (seen.number && seen.number != ZMQ_EVENT_CONNECTED);
        CHECK_EVENT (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
        CHECK_OK (zmq_close (m));
        end (s, c);
    }
}

/* From the second attempt on, a tcp endpoint is known by the address that was reached. */
static void check_is_known_by_its_address (int ipv6, const char *host, const char *reached)
{
    begin ();
    endpoint_t bound, given, numeric;
    void *s = new_socket (ctx, ZMQ_DEALER), *c = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (c, ZMQ_IPV6, ipv6));
    void *m = watch (c, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_DISCONNECTED
                          | ZMQ_EVENT_CONNECT_RETRIED);
    bind_to (s, "tcp", bound);
    const char *port = strrchr (bound, ':');
    snprintf (given, sizeof given, "tcp://%s%s", host, port);
    snprintf (numeric, sizeof numeric, "tcp://%s%s", reached, port);
    CHECK_OK (zmq_connect (c, given));
    CHECK_EVENT (m, ZMQ_EVENT_CONNECTED, given);
    for (int i = 0; i < 2; i++) {
        CHECK_OK (zmq_close (s));
        CHECK_EVENT (m, ZMQ_EVENT_DISCONNECTED, i ? numeric : given);
        CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, numeric);
        s = new_socket (ctx, ZMQ_DEALER);
        CHECK_BECOMES (zmq_bind (s, bound) == 0);
        do {
            CHECK (next_event (m, NULL));
            CHECK_STR (seen.endpoint, numeric);
        } while (seen.number == ZMQ_EVENT_CONNECT_RETRIED);
        CHECK_INT (seen.number, ZMQ_EVENT_CONNECTED);
    }
    CHECK_OK (zmq_disconnect (c, given));
    CHECK_OK (zmq_close (m));
    end (s, c);
}

TEST (a_peer_that_comes_back_is_known_by_its_address)
{
    check_is_known_by_its_address (0, "localhost", "127.0.0.1");
    check_is_known_by_its_address (0, "127.0.0.1:0;127.1", "127.0.0.1");
    check_is_known_by_its_address (1, "127.0.0.1", "[::ffff:127.0.0.1]");
}

TEST (the_accepting_side_shows_its_own_address)
{
    begin ();
    endpoint_t bound, local, given;
    void *s = new_socket (ctx, ZMQ_DEALER), *c = new_socket (ctx, ZMQ_DEALER);
    void *ms = watch (s, ZMQ_EVENT_ALL), *mc = watch (c, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_bind (s, "tcp://*:*"));
    last_endpoint (s, bound);
    CHECK_EVENT (ms, ZMQ_EVENT_LISTENING, bound);
    int port = atoi (strrchr (bound, ':') + 1);
    snprintf (local, sizeof local, "tcp://127.0.0.1:%d", port);
    snprintf (given, sizeof given, "tcp://127.0.0.1:0;127.0.0.1:%d", port);
    check_connects (c, mc, "tcp", given);
    CHECK_EVENT (ms, ZMQ_EVENT_ACCEPTED, local);
    CHECK_EVENT (ms, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, local);
    CHECK_CLOSES (c, mc);
    CHECK_EVENT_BESIDE (ms, s, ZMQ_EVENT_DISCONNECTED, local);
    CHECK_OK (zmq_close (s));
    CHECK_EVENT (ms, ZMQ_EVENT_CLOSED, bound);
    end (ms, NULL);
}

TEST (a_reset_connection_still_has_its_address)
{
    begin ();
    endpoint_t bound, local;
    void *s = new_socket (ctx, ZMQ_PULL);
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_bind (s, "tcp://*:*"));
    last_endpoint (s, bound);
    CHECK_EVENT (m, ZMQ_EVENT_LISTENING, bound);
    snprintf (local, sizeof local, "tcp://127.0.0.1:%d",
              atoi (strrchr (bound, ':') + 1));
    int fd = raw_connect (bound);
    CHECK (raw_handshake (fd, "PUSH"));
    CHECK_EVENT (m, ZMQ_EVENT_ACCEPTED, local);
    CHECK_EVENT (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, local);
    struct linger reset = {1, 0};
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close (fd);
    CHECK_EVENT (m, ZMQ_EVENT_DISCONNECTED, local);
    end (s, m);
}

TEST (names_and_other_families_are_shown_as_they_were_given)
{
    begin ();
    endpoint_t bound, given;
    void *s = new_socket (ctx, ZMQ_DEALER), *c = new_socket (ctx, ZMQ_DEALER);
    void *mc = watch (c, ZMQ_EVENT_ALL);
    bind_to (s, "tcp", bound);
    snprintf (given, sizeof given, "tcp://localhost:%s", strrchr (bound, ':') + 1);
    check_connects (c, mc, "tcp", given);
    CHECK_OK (zmq_close (mc));
    end (s, c);
}

TEST (abstract_names_are_shown_with_their_sign)
{
    begin ();
    endpoint_t endpoint;
    snprintf (endpoint, sizeof endpoint, "ipc://@ferrozmq-monitor-%d", getpid ());
    void *s = new_socket (ctx, ZMQ_DEALER), *c = new_socket (ctx, ZMQ_DEALER);
    void *ms = watch (s, ZMQ_EVENT_ALL), *mc = watch (c, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_bind (s, endpoint));
    CHECK_EVENT (ms, ZMQ_EVENT_LISTENING, endpoint);
    check_connects (c, mc, "ipc", endpoint);
    CHECK_EVENT (ms, ZMQ_EVENT_ACCEPTED, endpoint);
    CHECK_EVENT (ms, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    CHECK_OK (zmq_close (ms));
    CHECK_OK (zmq_close (mc));
    end (s, c);
}

/* ---- binds that fail ---- */

TEST (a_bind_that_fails_tells_its_errno_and_the_address)
{
    static const struct
    {
        const char *endpoint;
        int error, closes;
    } cases[] = {
      {"tcp://*:x", EINVAL, 0},
      {"tcp://127.0.0.1", EINVAL, 0},
      {"tcp://192.0.2.1:5", EADDRNOTAVAIL, 1},
      {"ipc://@", EINVAL, 0},
      {"ipc:///no-such-folder/socket", ENOENT, 2},
    };
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        errno = 0;
        CHECK_INT (zmq_bind (s, cases[i].endpoint), -1);
        if (!on_oracle ()) /* whose errno is that of its monitor */
            CHECK_INT (errno, cases[i].error);
        if (cases[i].closes)
            CHECK_EVENT (m, ZMQ_EVENT_CLOSED,
                         cases[i].closes == 1 ? "" : cases[i].endpoint);
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_BIND_FAILED, cases[i].error,
                           cases[i].endpoint + 6);
    }
    char path[200];
    memset (path, 'x', sizeof path);
    memcpy (path, "ipc:///", 7);
    path[sizeof path - 1] = 0;
    CHECK_INT (zmq_bind (s, path), -1);
    CHECK_EVENT_VALUE (m, ZMQ_EVENT_BIND_FAILED, ENAMETOOLONG, path + 6);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_taken_port_is_told)
{
    begin ();
    endpoint_t endpoint;
    void *other = new_socket (ctx, ZMQ_DEALER), *s = new_socket (ctx, ZMQ_DEALER);
    bind_to (other, "tcp", endpoint);
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_ERR (zmq_bind (s, endpoint), EADDRINUSE);
    CHECK_EVENT (m, ZMQ_EVENT_CLOSED, "");
    CHECK_EVENT_VALUE (m, ZMQ_EVENT_BIND_FAILED, EADDRINUSE, endpoint + 6);
    CHECK_CLOSES (s, m);
    end (other, NULL);
}

TEST (what_is_no_endpoint_is_not_told)
{
    static const char *const endpoints[] = {
      "tcp://", "foo://x", "x", "udp://127.0.0.1:5", "ws://127.0.0.1:x"};
    begin ();
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    for (int i = 0; i < (on_oracle () ? 4 : 5); i++)
        CHECK_INT (zmq_bind (s, endpoints[i]), -1);
    CHECK_INT (zmq_connect (s, "tcp://x"), -1);
    CHECK_INT (zmq_connect (s, "ipc://@"), -1);
    CHECK_INT (zmq_unbind (s, "tcp://127.0.0.1:5"), -1);
    CHECK_STOPS (s, m);
    end (s, m);
}

/* ---- paths ---- */

TEST (a_temporary_path_that_cannot_be_removed_fails_to_close)
{
    begin ();
    REQUIRE (chdir (folder) == 0);
    unsetenv ("TMPDIR");
    unsetenv ("TEMPDIR");
    unsetenv ("TMP");
    endpoint_t endpoint, made;
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    CHECK_OK (zmq_bind (s, "ipc://*"));
    last_endpoint (s, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
    CHECK_OK (unlink (endpoint + 6));
    CHECK_OK (zmq_unbind (s, endpoint));
    CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSE_FAILED, endpoint);
    CHECK_INT (seen.value, ENOENT);
    strcpy (made, endpoint + 6);
    *strrchr (made, '/') = 0;
    rmdir (made);

    CHECK_OK (zmq_bind (s, "ipc://*"));
    last_endpoint (s, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
    strcpy (made, endpoint + 6);
    strcpy (strrchr (made, '/'), "/other");
    close (open (made, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    CHECK_OK (zmq_unbind (s, endpoint));
    CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSE_FAILED, endpoint);
    CHECK_INT (seen.value, ENOTEMPTY);
    unlink (made);
    *strrchr (made, '/') = 0;
    rmdir (made);

    CHECK_OK (zmq_bind (s, "ipc://*"));
    last_endpoint (s, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
    CHECK_OK (zmq_unbind (s, endpoint));
    CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSED, endpoint);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_path_of_the_users_may_be_gone)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_DEALER);
    void *m = watch (s, ZMQ_EVENT_ALL);
    bind_to (s, "ipc", endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
    CHECK_OK (unlink (endpoint + 6));
    CHECK_OK (zmq_unbind (s, endpoint));
    CHECK_EVENT_BESIDE (m, s, ZMQ_EVENT_CLOSED, endpoint);
    end (s, m);
}

/* ---- descriptors that run out ---- */

/* No descriptor from here on. */
static void limit_descriptors (int count)
{
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    limit.rlim_cur = (rlim_t) count;
    REQUIRE (setrlimit (RLIMIT_NOFILE, &limit) == 0);
}

static int no_more_descriptors (void)
{
    int next = dup (0);
    close (next);
    limit_descriptors (next);
    return next;
}

TEST (a_connection_without_a_descriptor_fails_and_waits)
{
    for (int i = 0; i < (on_oracle () ? 1 : 2); i++) { /* ipc: it aborts */
        begin ();
        endpoint_t endpoint;
        void *s = new_socket (ctx, ZMQ_PULL);
        void *m = watch (s, ZMQ_EVENT_ALL);
        bind_to (s, places[i], endpoint);
        CHECK_EVENT (m, ZMQ_EVENT_LISTENING, endpoint);
        int fds[64], count = 0;
        while (count < 64 && (fds[count] = dup (0)) < 64)
            count++;
        close (fds[count]);
        limit_descriptors (64);
        close (fds[--count]); /* the one for us */
        int raw = raw_connect (endpoint);
        CHECK_EVENT_VALUE (m, ZMQ_EVENT_ACCEPT_FAILED, EMFILE, endpoint);
        limit_descriptors (512);
        do
            CHECK (next_event (m, NULL));
        while (seen.number == ZMQ_EVENT_ACCEPT_FAILED);
        CHECK_INT (seen.number, ZMQ_EVENT_ACCEPTED);
        while (count)
            close (fds[--count]);
        close (raw);
        end (s, m);
    }
}

TEST (a_bind_without_a_descriptor_fails)
{
    if (on_oracle ())
        return; /* it aborts */
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    void *m = watch (s, ZMQ_EVENT_ALL);
    no_more_descriptors ();
    CHECK_ERR (zmq_bind (s, "tcp://127.0.0.1:*"), EMFILE);
    CHECK_EVENT_VALUE (m, ZMQ_EVENT_BIND_FAILED, EMFILE, "127.0.0.1:*");
    limit_descriptors (512);
    CHECK_CLOSES (s, m);
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_connect_without_a_descriptor_is_retried)
{
    begin ();
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 30));
    void *m = watch (s, ZMQ_EVENT_ALL);
    no_more_descriptors ();
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_CONNECT_RETRIED, endpoint);
    limit_descriptors (512);
    do
        CHECK (next_event (m, NULL));
    while (seen.number == ZMQ_EVENT_CONNECT_RETRIED);
    CHECK_INT (seen.number, ZMQ_EVENT_CONNECT_DELAYED);
    CHECK_EVENT (m, ZMQ_EVENT_CONNECTED, endpoint);
    close (listener);
    end (s, m);
}

/* ---- lingering ---- */

TEST (a_socket_that_lingers_is_watched_on)
{
    begin ();
    endpoint_t endpoint;
    int port = absent_endpoint (endpoint);
    void *s = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_LINGER, -1));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 30));
    void *m = watch (s, ZMQ_EVENT_CONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED
                          | ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_SEND (s, "late", 0);
    CHECK_OK (zmq_close (s));
    close (port);
    void *r = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (zmq_bind (r, endpoint));
    CHECK_RECV (r, "late");
    CHECK_EVENT (m, ZMQ_EVENT_CONNECTED, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_MONITOR_STOPPED, "");
    end (m, r);
}

TEST (its_end_is_told_when_the_time_to_linger_is_over)
{
    begin ();
    endpoint_t endpoint;
    absent_endpoint (endpoint);
    void *s = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_LINGER, 300));
    void *m = watch (s, ZMQ_EVENT_MONITOR_STOPPED);
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_SEND (s, "never", 0);
    long long start = now_ms ();
    CHECK_CLOSES (s, m);
    CHECK (now_ms () - start >= 290);
    CHECK_OK (zmq_ctx_term (ctx));
}

/* The value is what an earlier call left behind. */
TEST (filters_fail_to_accept)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (s, ZMQ_IPC_FILTER_UID, 54321));
    CHECK_OK (zmq_setsockopt (s, ZMQ_TCP_ACCEPT_FILTER, "10.1.2.3", 8));
    void *m = watch (s, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED
                          | ZMQ_EVENT_MONITOR_STOPPED);
    bind_to (s, "tcp", endpoint);
    int peer = raw_connect (endpoint);
    char byte;
    CHECK (!raw_read (peer, &byte, 1));
    close (peer);
    CHECK_EVENT (m, ZMQ_EVENT_ACCEPT_FAILED, endpoint);
    bind_to (s, "ipc", endpoint);
    peer = raw_connect (endpoint);
    CHECK_EVENT (m, ZMQ_EVENT_ACCEPT_FAILED, endpoint);
    close (peer);
    CHECK_STOPS (s, m);
    end (s, m);
}

MAIN
