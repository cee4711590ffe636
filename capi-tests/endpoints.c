/* Endpoints: which texts bind and connect take, which error each of the others
 * gives, and what ZMQ_LAST_ENDPOINT says afterwards. Every path lies in a
 * directory of the test's own: binding ipc removes whatever is at its path. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void *ctx;

static void *new_socket (int type, int ipv6)
{
    if (!ctx)
        ctx = zmq_ctx_new ();
    void *s = zmq_socket (ctx, type);
    REQUIRE (s);
    int linger = 0;
    zmq_setsockopt (s, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt (s, ZMQ_IPV6, &ipv6, sizeof ipv6);
    return s;
}

/* ZMQ_LAST_ENDPOINT, in one of a few buffers used in turn. */
static const char *last (void *s)
{
    static char buffers[8][512];
    static int next;
    char *text = buffers[next++ % 8];
    size_t size = sizeof buffers[0];
    text[0] = 0;
    CHECK_OK (zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, text, &size));
    CHECK_INT (size, strlen (text) + 1);
    return text;
}

static int port_of (const char *endpoint)
{
    const char *colon = strrchr (endpoint, ':');
    return colon ? atoi (colon + 1) : -1;
}

/* One text, tried on a fresh socket: its errno, 0 for success. */
static int outcome (int (*call) (void *, const char *), int ipv6,
                    const char *text)
{
    void *s = new_socket (ZMQ_DEALER, ipv6);
    errno = 0;
    int rc = call (s, text), error = rc ? errno : 0;
    if (rc)
        CHECK_STR (last (s), "");
    zmq_close (s);
    return error;
}

/* Every text has the same outcome; names the one that has not. */
#define OUTCOME(CALL, IPV6, WANT, ...)                                         \
    do {                                                                       \
        const char *texts_[] = {__VA_ARGS__};                                  \
        for (size_t i_ = 0; i_ < sizeof texts_ / sizeof *texts_; i_++) {       \
            int got_ = outcome (CALL, IPV6, texts_[i_]);                       \
            char extra_[600];                                                  \
            snprintf (extra_, sizeof extra_, " (\"%s\") gave \"%s\"",           \
                      texts_[i_], got_ ? zmq_strerror (got_) : "success");     \
            check_report (got_ == (WANT), __FILE__, __LINE__,                  \
                          #CALL " wants " #WANT, extra_);                      \
        }                                                                      \
    } while (0)

/* Binds, and compares what LAST_ENDPOINT says before the port's colon. */
static void check_bound (int line, int ipv6, const char *text, const char *host)
{
    void *s = new_socket (ZMQ_PULL, ipv6);
    int rc = zmq_bind (s, text), error = errno;
    const char *endpoint = rc ? "" : last (s);
    char want[256], extra[600];
    snprintf (want, sizeof want, "%s:%d", host, port_of (endpoint));
    snprintf (extra, sizeof extra, " gave %d (%s), \"%s\"", rc,
              rc ? zmq_strerror (error) : "", endpoint);
    check_report (rc == 0 && strcmp (endpoint, want) == 0
                    && port_of (endpoint) > 0,
                  __FILE__, line, text, extra);
    if (rc == 0)
        CHECK_OK (zmq_unbind (s, endpoint));
    zmq_close (s);
}
#define BOUND(IPV6, TEXT, HOST) check_bound (__LINE__, IPV6, TEXT, HOST)

/* One message from a to b tells that they are connected. */
static void check_talk (void *from, void *to)
{
    int timeout = AMPLE_MS;
    char buffer[8];
    zmq_setsockopt (to, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    CHECK_INT (zmq_send (from, "hello", 5, 0), 5);
    CHECK_INT (zmq_recv (to, buffer, sizeof buffer, 0), 5);
}

/* A directory of this test's own becomes the working directory. */
static char directory[64];
static void enter_directory (void)
{
    strcpy (directory, "/tmp/endpoints-XXXXXX");
    REQUIRE (mkdtemp (directory));
    REQUIRE (chdir (directory) == 0);
    unsetenv ("TMPDIR");
    unsetenv ("TEMPDIR");
    unsetenv ("TMP");
}

static void remove_directory (void)
{
    DIR *d = opendir (".");
    for (struct dirent *e; d && (e = readdir (d));)
        if (unlink (e->d_name))
            rmdir (e->d_name);
    if (d)
        closedir (d);
    CHECK_OK (rmdir (directory));
}

static int exists (const char *path)
{
    struct stat st;
    return lstat (path, &st) == 0;
}

static int has_ipv6 (void)
{
    int s = socket (AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6,
                             .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int ok = s >= 0 && bind (s, (struct sockaddr *) &a, sizeof a) == 0;
    close (s);
    if (!ok)
        puts ("skipped: no IPv6 here");
    return ok;
}

TEST (what_has_not_the_form_of_an_endpoint_is_invalid)
{
    OUTCOME (zmq_bind, 0, EINVAL, "", "hello", "tcp", "tcp:", "tcp:/a:1",
             "://a:1", "tcp://", "ipc://", "inproc://", "foo://");
    OUTCOME (zmq_connect, 0, EINVAL, "", "hello", "tcp", "tcp:", "tcp:/a:1",
             "://a:1", "tcp://", "ipc://", "inproc://", "foo://");
    OUTCOME (zmq_unbind, 0, EINVAL, "", "hello", "tcp://");
    OUTCOME (zmq_disconnect, 0, EINVAL, "", "hello", "tcp://");
}

TEST (unknown_transports_are_not_supported)
{
    OUTCOME (zmq_bind, 0, EPROTONOSUPPORT, "foo://a", "TCP://127.0.0.1:*",
             "tcp ://127.0.0.1:*");
    OUTCOME (zmq_connect, 0, EPROTONOSUPPORT, "foo://a", "TCP://127.0.0.1:1");
    OUTCOME (zmq_unbind, 0, EPROTONOSUPPORT, "foo://a");
    OUTCOME (zmq_disconnect, 0, EPROTONOSUPPORT, "foo://a");
    OUTCOME (zmq_bind, 0, ENOCOMPATPROTO, "udp://127.0.0.1:5555");
    OUTCOME (zmq_connect, 0, ENOCOMPATPROTO, "udp://127.0.0.1:5555");
}

TEST (last_endpoint_shows_the_port_the_system_chose)
{
    BOUND (0, "tcp://*:*", "tcp://0.0.0.0");
    BOUND (0, "tcp://*:0", "tcp://0.0.0.0");
    BOUND (0, "tcp://127.0.0.1:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://127.0.0.1:0", "tcp://127.0.0.1");
    BOUND (0, "tcp://0.0.0.0:*", "tcp://0.0.0.0");
    BOUND (0, "tcp://lo:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://[lo]:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://[*]:*", "tcp://0.0.0.0");
    BOUND (0, "tcp://127.1:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://0x7f000001:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://2130706433:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://[127.0.0.1]:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://[::ffff:127.0.0.1]:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://127.0.0.1%lo:*", "tcp://127.0.0.1");
    BOUND (0, "tcp://lo:0;127.0.0.1:*", "tcp://127.0.0.1");
}

TEST (with_ipv6_endpoints_are_ipv6)
{
    if (!has_ipv6 ())
        return;
    BOUND (1, "tcp://*:*", "tcp://[::]");
    BOUND (1, "tcp://[::]:*", "tcp://[::]");
    BOUND (1, "tcp://[::1]:*", "tcp://[::1]");
    BOUND (1, "tcp://::1:*", "tcp://[::1]");
    BOUND (1, "tcp://[::1%lo]:*", "tcp://[::1]");
    BOUND (1, "tcp://lo:*", "tcp://[::1]");
    BOUND (1, "tcp://127.0.0.1:*", "tcp://[::ffff:127.0.0.1]");
    BOUND (1, "tcp://0.0.0.0:*", "tcp://[::ffff:0.0.0.0]");
    OUTCOME (zmq_bind, 1, EINVAL, "tcp://[::1%]:*", "tcp://[::1%0]:*",
             "tcp://[::1%no_such_if]:*");
    OUTCOME (zmq_bind, 1, ENODEV, "tcp://[::1:*", "tcp://::1]:*", "tcp://[]:*",
             "tcp://[[::1]]:*", "tcp://[::1]x:*");
}

TEST (without_ipv6_its_addresses_are_no_devices)
{
    OUTCOME (zmq_bind, 0, ENODEV, "tcp://[::1]:*", "tcp://[::]:*");
}

TEST (link_local_addresses_keep_their_scope)
{
    struct ifaddrs *all = NULL;
    char host[80] = "", text[128], want[128];
    REQUIRE (getifaddrs (&all) == 0);
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        struct sockaddr_in6 *a = (struct sockaddr_in6 *) i->ifa_addr;
        if (a && a->sin6_family == AF_INET6 && (i->ifa_flags & IFF_UP)
            && IN6_IS_ADDR_LINKLOCAL (&a->sin6_addr)) {
            const uint8_t *b = a->sin6_addr.s6_addr;
            snprintf (host, sizeof host,
                      "fe80::%x:%x:%x:%x%%%s", b[8] << 8 | b[9],
                      b[10] << 8 | b[11], b[12] << 8 | b[13],
                      b[14] << 8 | b[15], i->ifa_name);
        }
    }
    freeifaddrs (all);
    if (!*host) {
        puts ("skipped: no link-local address here");
        return;
    }
    snprintf (text, sizeof text, "tcp://[%s]:*", host);
    void *a = new_socket (ZMQ_PULL, 1), *b = new_socket (ZMQ_PUSH, 1);
    CHECK_OK (zmq_bind (a, text));
    const char *scope = strchr (last (a), '%');
    CHECK (scope != NULL);
    snprintf (want, sizeof want, "%s]", strchr (host, '%'));
    CHECK (scope && strncmp (scope, want, strlen (want)) == 0);
    CHECK_OK (zmq_connect (b, last (a)));
    check_talk (b, a);
}

TEST (bind_reads_ports_as_atoi_does)
{
    struct
    {
        const char *port;
        int is;
    } cases[] = {{"99999", 34463}, {"-31073", 34463}, {" 34463", 34463},
                 {"+34463", 34463}, {"034463", 34463}, {"34463x", 34463},
                 {"34463/a", 34463}, {"34463 ", 34463}, {"4295001759", 34463}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* An address that nothing else uses keeps the port free. */
        char text[64];
        snprintf (text, sizeof text, "tcp://127.0.99.%d:%s",
                  1 + (int) (getpid () % 250), cases[i].port);
        void *s = new_socket (ZMQ_PULL, 0);
        /* The port is free again once the last one's reaper is done. */
        CHECK_BECOMES (zmq_bind (s, text) == 0 || errno != EADDRINUSE);
        CHECK_INT (port_of (last (s)), cases[i].is);
        /* Unbind takes any text that means the same. */
        CHECK_OK (zmq_unbind (s, text));
        zmq_close (s);
    }
    OUTCOME (zmq_bind, 0, EINVAL, "tcp://127.0.0.1:65536", "tcp://127.0.0.1:00",
             "tcp://127.0.0.1:", "tcp://127.0.0.1", "tcp://127.0.0.1:abc",
             "tcp://127.0.0.1:0x7531", "tcp://127.0.0.1:!",
             "tcp://127.0.0.1:**", "tcp://127.0.0.1:*0", "tcp://*:!",
             "tcp://*", "tcp:///", "tcp://127.0.0.1:5555:",
             "tcp://lo;127.0.0.1:5555");
}

/* A port written as * is none that could be ended, not even 0. */
TEST (a_wildcard_ends_nothing_else)
{
    void *push = new_socket (ZMQ_PUSH, 0), *pull = new_socket (ZMQ_PULL, 0);
    CHECK_OK (zmq_connect (push, "tcp://127.0.0.1:0"));
    CHECK_ERR (zmq_disconnect (push, "tcp://127.0.0.1:*"), ENOENT);
    CHECK_OK (zmq_disconnect (push, "tcp://127.0.0.1:0"));
    CHECK_OK (zmq_bind (pull, "tcp://127.0.0.1:*"));
    CHECK_ERR (zmq_unbind (pull, "tcp://127.0.0.1:0"), ENOENT);
    zmq_close (push);
    zmq_close (pull);
}

TEST (bind_wants_a_device_of_this_host)
{
    OUTCOME (zmq_bind, 0, ENODEV, "tcp://:*", "tcp://:5555",
             "tcp://no_such_if:5555", "tcp://**:5555", "tcp://256.1.1.1:5555",
             "tcp:// 127.0.0.1:5555", "tcp://a:b:5555", "tcp://[:5555",
             "tcp://[127.0.0.1:5555", "tcp://tcp://127.0.0.1:5555");
    OUTCOME (zmq_bind, 0, EADDRNOTAVAIL, "tcp://198.51.100.77:*");
}

/* libzmq 4.3.5 binds host names; the oracle, 4.3.4, does not. */
TEST (bind_takes_host_names)
{
    if (on_oracle ())
        OUTCOME (zmq_bind, 0, ENODEV, "tcp://localhost:*");
    else
        BOUND (0, "tcp://localhost:*", "tcp://127.0.0.1");
}

TEST (connect_looks_at_the_characters_only)
{
    OUTCOME (zmq_connect, 0, 0, "tcp://127.0.0.1:1", "tcp://127.0.0.1:0",
             "tcp://127.0.0.1:99999", "tcp://127.0.0.1:65536",
             "tcp://127.0.0.1:00", "tcp://127.0.0.1:1x", "tcp://:1",
             "tcp://::1:1", "tcp://[::1]:1", "tcp://[::1:1", "tcp://[]:1",
             "tcp://lo:1", "tcp://127.0.0.1:0;127.0.0.1:1",
             "tcp://lo:*;127.0.0.1:1", "tcp://lo;127.0.0.1:1",
             "tcp://127.0.0.1:abc;127.0.0.1:1", "tcp://127.0.0.1:0;",
             "tcp://0:1", "tcp://[fe80::1%lo]:1");
    OUTCOME (zmq_connect, 0, EINVAL, "tcp://*:1", "tcp://*:*",
             "tcp://127.0.0.1:*", "tcp://127.0.0.1:!", "tcp://127.0.0.1:-1",
             "tcp://127.0.0.1: 1", "tcp://127.0.0.1:+1", "tcp://127.0.0.1:1 ",
             "tcp://127.0.0.1:1/a", "tcp://127.0.0.1:1:", "tcp://127.0.0.1",
             "tcp://127.0.0.1:", "tcp://127.0.0.1:abc", "tcp:// 127.0.0.1:1",
             "tcp://local host:1", "tcp://-a:1", "tcp://.a:1", "tcp://_a:1",
             "tcp://a$b:1", "tcp://a/b:1", "tcp://a@b:1", "tcp://\xc3\xa4:1",
             "tcp://;127.0.0.1:1", "tcp://*;127.0.0.1:1", "tcp://a;b",
             "tcp://127.0.0.1:0;127.0.0.1:abc");
}

TEST (connect_keeps_the_text_it_was_given)
{
    void *s = new_socket (ZMQ_PUSH, 0);
    CHECK_OK (zmq_connect (s, "tcp://127.1:1x"));
    CHECK_STR (last (s), "tcp://127.1:1x");
    CHECK_OK (zmq_disconnect (s, "tcp://127.1:1x"));
    CHECK_ERR (zmq_disconnect (s, "tcp://127.1:1x"), ENOENT);
    CHECK_OK (zmq_connect (s, "tcp://lo:0;127.0.0.1:1"));
    CHECK_STR (last (s), "tcp://lo:0;127.0.0.1:1");
    CHECK_ERR (zmq_disconnect (s, "tcp://127.0.0.1:1"), ENOENT);
    CHECK_OK (zmq_disconnect (s, "tcp://lo:0;127.0.0.1:1"));
    /* A text is also taken by what it resolves to. */
    CHECK_OK (zmq_connect (s, "tcp://127.0.0.1:1"));
    CHECK_OK (zmq_disconnect (s, "tcp://127.1:1"));
}

TEST (what_fails_leaves_last_endpoint_alone)
{
    void *s = new_socket (ZMQ_PULL, 0);
    CHECK_STR (last (s), "");
    CHECK_OK (zmq_bind (s, "inproc://name"));
    CHECK_ERR (zmq_bind (s, "tcp://no_such_if:1"), ENODEV);
    CHECK_STR (last (s), "inproc://name");
    CHECK_OK (zmq_unbind (s, "inproc://name"));
    CHECK_STR (last (s), "inproc://name");
    char small[8];
    size_t size = sizeof small;
    CHECK_ERR (zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, small, &size), EINVAL);
}

TEST (tcp_addresses_are_bound_once)
{
    void *a = new_socket (ZMQ_PULL, 0), *b = new_socket (ZMQ_PULL, 0);
    char other[64];
    CHECK_OK (zmq_bind (a, "tcp://*:*"));
    const char *endpoint = last (a);
    CHECK_ERR (zmq_bind (b, endpoint), EADDRINUSE);
    CHECK_ERR (zmq_bind (a, endpoint), EADDRINUSE);
    snprintf (other, sizeof other, "tcp://127.0.0.1:%d", port_of (endpoint));
    CHECK_ERR (zmq_bind (b, other), EADDRINUSE);
    CHECK_ERR (zmq_unbind (a, other), ENOENT);
    CHECK_ERR (zmq_unbind (b, endpoint), ENOENT);
    CHECK_ERR (zmq_unbind (a, "tcp://*:*"), ENOENT);
    CHECK_OK (zmq_unbind (a, endpoint));
    CHECK_ERR (zmq_unbind (a, endpoint), ENOENT);
    /* The port is free again at once, or a moment later. */
    CHECK_BECOMES (zmq_bind (b, endpoint) == 0);
}

TEST (unbind_knows_numbers_but_no_wildcards_or_interfaces)
{
    void *s = new_socket (ZMQ_PULL, 0);
    char text[64];
    CHECK_OK (zmq_bind (s, "tcp://lo:*"));
    int port = port_of (last (s));
    snprintf (text, sizeof text, "tcp://lo:%d", port);
    CHECK_ERR (zmq_unbind (s, text), ENOENT);
    snprintf (text, sizeof text, "tcp://127.1:%d", port);
    CHECK_OK (zmq_unbind (s, text));
    CHECK_OK (zmq_bind (s, "tcp://*:*"));
    snprintf (text, sizeof text, "tcp://*:%d", port_of (last (s)));
    CHECK_ERR (zmq_unbind (s, text), ENOENT);
    CHECK_OK (zmq_unbind (s, last (s)));
    CHECK_ERR (zmq_unbind (s, "tcp://127.0.0.1"), ENOENT);
    CHECK_ERR (zmq_unbind (s, "ipc://none"), ENOENT);
    CHECK_ERR (zmq_unbind (s, "inproc://none"), ENOENT);
    CHECK_ERR (zmq_disconnect (s, "tcp://127.0.0.1:1"), ENOENT);
}

/* Binds and connects, and returns the Peer-Address of what arrives. */
static void check_peer (int line, int ipv6, const char *bind,
                        const char *format, const char *want)
{
    void *a = new_socket (ZMQ_PULL, ipv6), *b = new_socket (ZMQ_PUSH, ipv6);
    int timeout = AMPLE_MS;
    char text[256];
    zmq_setsockopt (a, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    CHECK_OK (zmq_bind (a, bind));
    snprintf (text, sizeof text, format, port_of (last (a)));
    CHECK_OK (zmq_connect (b, text));
    CHECK_INT (zmq_send (b, "x", 1, 0), 1);
    zmq_msg_t m;
    zmq_msg_init (&m);
    int rc = zmq_msg_recv (&m, a, 0);
    const char *got = rc == 1 ? zmq_msg_gets (&m, "Peer-Address") : NULL;
    char extra[300];
    snprintf (extra, sizeof extra, " is seen as \"%s\"", got ? got : "nobody");
    check_report (got && strcmp (got, want) == 0, __FILE__, line, text, extra);
    zmq_msg_close (&m);
    zmq_close (a);
    zmq_close (b);
}
#define PEER(...) check_peer (__LINE__, __VA_ARGS__)

TEST (peers_are_known_by_the_address_they_come_from)
{
    PEER (0, "tcp://127.0.0.1:*", "tcp://127.0.0.1:%d", "127.0.0.1");
    PEER (0, "tcp://*:*", "tcp://localhost:%d", "127.0.0.1");
    PEER (0, "tcp://*:*", "tcp://[127.0.0.1]:%dx", "127.0.0.1");
    PEER (0, "tcp://*:*", "tcp://lo:0;127.0.0.1:%d", "127.0.0.1");
    PEER (0, "tcp://*:*", "tcp://lo:*;127.0.0.1:%d", "127.0.0.1");
    PEER (0, "tcp://*:*", "tcp://127.0.0.5:0;127.0.0.1:%d", "127.0.0.5");
    if (has_ipv6 ()) {
        PEER (1, "tcp://*:*", "tcp://[::1]:%d", "::1");
        PEER (1, "tcp://*:*", "tcp://127.0.0.1:%d", "::ffff:127.0.0.1");
    }
    char abstract[64], want[64];
    snprintf (abstract, sizeof abstract, "ipc://@peer-%d", getpid ());
    snprintf (want, sizeof want, "localhost:%d:%d:%d", (int) getuid (),
              (int) getgid (), (int) getpid ());
    PEER (0, abstract, abstract, want);
}

TEST (sources_that_cannot_be_used_are_tried_for_ever)
{
    const char *sources[] = {"no_such_if:0", "127.0.0.5", "localhost:0"};
    for (int i = 0; i < 3; i++) {
        void *a = new_socket (ZMQ_PULL, 0), *b = new_socket (ZMQ_PUSH, 0);
        char text[128], buffer[4];
        int timeout = 200;
        zmq_setsockopt (a, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
        CHECK_OK (zmq_bind (a, "tcp://127.0.0.1:*"));
        snprintf (text, sizeof text, "tcp://%s;127.0.0.1:%d", sources[i],
                  port_of (last (a)));
        CHECK_OK (zmq_connect (b, text));
        CHECK_INT (zmq_send (b, "x", 1, 0), 1);
        CHECK_ERR (zmq_recv (a, buffer, 4, 0), EAGAIN);
        CHECK_OK (zmq_disconnect (b, text));
    }
}

TEST (ipc_paths_are_relative_or_absolute_and_stay)
{
    enter_directory ();
    char text[128];
    void *a = new_socket (ZMQ_PULL, 0), *b = new_socket (ZMQ_PUSH, 0);
    snprintf (text, sizeof text, "ipc://%s/a b", directory);
    CHECK_OK (zmq_bind (a, text));
    CHECK_STR (last (a), text);
    CHECK_OK (zmq_connect (b, text));
    check_talk (b, a);
    CHECK_OK (zmq_bind (a, "ipc://relative"));
    CHECK_STR (last (a), "ipc://relative");
    CHECK_ERR (zmq_unbind (a, "ipc://./relative"), ENOENT);
    CHECK_OK (zmq_unbind (a, "ipc://relative"));
    zmq_close (a);
    zmq_close (b);
    zmq_ctx_term (ctx);
    ctx = NULL;
    CHECK (exists ("a b"));
    CHECK (exists ("relative"));
    remove_directory ();
}

TEST (ipc_bind_takes_a_path_over)
{
    enter_directory ();
    void *a = new_socket (ZMQ_PULL, 0), *b = new_socket (ZMQ_PULL, 0),
         *c = new_socket (ZMQ_PUSH, 0);
    CHECK_OK (zmq_bind (a, "ipc://p"));
    CHECK_OK (zmq_bind (b, "ipc://p"));
    CHECK_OK (zmq_connect (c, "ipc://p"));
    check_talk (c, b);
    CHECK_OK (zmq_unbind (a, "ipc://p"));
    CHECK_ERR (zmq_unbind (a, "ipc://p"), ENOENT);
    CHECK (exists ("p"));
    /* Stale: bound by a socket that nobody listens on any more. */
    struct sockaddr_un stale = {.sun_family = AF_UNIX, .sun_path = "stale"};
    int fd = socket (AF_UNIX, SOCK_STREAM, 0);
    REQUIRE (bind (fd, (struct sockaddr *) &stale, sizeof stale) == 0);
    close (fd);
    CHECK_OK (zmq_bind (a, "ipc://stale"));
    /* An empty file, as mkstemp leaves it. */
    close (open ("file", O_CREAT | O_WRONLY, 0600));
    CHECK_OK (zmq_bind (a, "ipc://file"));
    struct stat st;
    CHECK (stat ("file", &st) == 0 && S_ISSOCK (st.st_mode));
    REQUIRE (mkdir ("dir", 0700) == 0);
    CHECK_ERR (zmq_bind (a, "ipc://dir"), EADDRINUSE);
    CHECK_ERR (zmq_bind (a, "ipc://none/p"), ENOENT);
    CHECK_ERR (zmq_bind (a, "ipc://file/p"), ENOTDIR);
    remove_directory ();
}

TEST (ipc_wildcards_make_a_path_and_remove_it)
{
    enter_directory ();
    char path[128];
    void *a = new_socket (ZMQ_PULL, 0), *b = new_socket (ZMQ_PUSH, 0);
    CHECK_OK (zmq_bind (a, "ipc://*"));
    strcpy (path, last (a));
    CHECK (strncmp (path, "ipc://tmp", 9) == 0);
    CHECK_INT (strlen (path), strlen ("ipc://tmpXXXXXX/socket"));
    CHECK (exists (path + 6));
    CHECK_OK (zmq_connect (b, path));
    check_talk (b, a);
    CHECK_ERR (zmq_unbind (a, "ipc://*"), ENOENT);
    CHECK_OK (zmq_unbind (a, path));
    CHECK_BECOMES (!exists (path + 6));
    *strrchr (path, '/') = 0;
    CHECK_BECOMES (!exists (path + 6));
    /* Whatever follows the asterisk is ignored. */
    CHECK_OK (zmq_bind (a, "ipc://*x"));
    CHECK (strncmp (last (a), "ipc://tmp", 9) == 0);
    zmq_close (a);
    zmq_close (b);
    zmq_ctx_term (ctx);
    ctx = NULL;
    remove_directory ();
}

TEST (ipc_wildcards_heed_the_environment)
{
    enter_directory ();
    const char *names[] = {"TMPDIR", "TEMPDIR", "TMP"};
    char want[128], path[128];
    snprintf (want, sizeof want, "ipc://%s/tmp", directory);
    for (int i = 0; i < 3; i++) {
        void *s = new_socket (ZMQ_PULL, 0);
        setenv (names[i], directory, 1);
        CHECK_OK (zmq_bind (s, "ipc://*"));
        strcpy (path, last (s));
        CHECK (strncmp (path, want, strlen (want)) == 0);
        CHECK_OK (zmq_unbind (s, path));
        CHECK_BECOMES (!exists (path + 6));
        setenv (names[i], "/no/such/directory", 1);
        CHECK_OK (zmq_bind (s, "ipc://*"));
        CHECK (strncmp (last (s), "ipc://tmp", 9) == 0);
        zmq_close (s);
        unsetenv (names[i]);
    }
    zmq_ctx_term (ctx);
    ctx = NULL;
    remove_directory ();
}

TEST (abstract_names_are_exclusive)
{
    char text[64];
    void *a = new_socket (ZMQ_PULL, 0), *b = new_socket (ZMQ_PULL, 0),
         *c = new_socket (ZMQ_PUSH, 0);
    snprintf (text, sizeof text, "ipc://@endpoints-%d", getpid ());
    CHECK_OK (zmq_bind (a, text));
    CHECK_STR (last (a), text);
    CHECK_ERR (zmq_bind (b, text), EADDRINUSE);
    CHECK_OK (zmq_connect (c, text));
    check_talk (c, a);
    CHECK_OK (zmq_unbind (a, text));
    CHECK_BECOMES (zmq_bind (b, text) == 0);
    OUTCOME (zmq_bind, 0, EINVAL, "ipc://@");
    OUTCOME (zmq_connect, 0, EINVAL, "ipc://@");
}

TEST (ipc_names_have_at_most_107_bytes)
{
    enter_directory ();
    char text[256] = "ipc://";
    memset (text + 6, 'x', 107);
    OUTCOME (zmq_bind, 0, 0, text);
    OUTCOME (zmq_connect, 0, 0, text);
    text[6] = '@';
    OUTCOME (zmq_bind, 0, 0, text);
    text[6 + 107] = 'x';
    OUTCOME (zmq_bind, 0, ENAMETOOLONG, text);
    OUTCOME (zmq_connect, 0, ENAMETOOLONG, text);
    text[6] = 'x';
    OUTCOME (zmq_bind, 0, ENAMETOOLONG, text);
    OUTCOME (zmq_connect, 0, ENAMETOOLONG, text);
    /* Nothing need be there to connect to. */
    OUTCOME (zmq_connect, 0, 0, "ipc://none", "ipc://none/p", "ipc:///",
             "ipc://*");
    remove_directory ();
}

TEST (inproc_names_are_free_and_bound_once)
{
    void *a = new_socket (ZMQ_PULL, 0), *b = new_socket (ZMQ_PULL, 0);
    char text[400] = "inproc://";
    memset (text + 9, 'n', 300);
    CHECK_OK (zmq_bind (a, text));
    CHECK_STR (last (a), text);
    CHECK_ERR (zmq_bind (b, text), EADDRINUSE);
    CHECK_OK (zmq_bind (a, "inproc://*"));
    CHECK_STR (last (a), "inproc://*");
    CHECK_OK (zmq_unbind (a, text));
    CHECK_ERR (zmq_unbind (a, text), ENOENT);
    CHECK_OK (zmq_bind (b, text));
    OUTCOME (zmq_connect, 0, 0, "inproc://nobody", "inproc://a://b");
}

MAIN
