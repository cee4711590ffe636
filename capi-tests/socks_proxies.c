/* socks_proxies.c - connects through proxies that others have written:
 * microsocks and Dante, where they are installed (packaging/deps). */
#include "socks.h"
#include <sys/prctl.h>

#define MICROSOCKS "/usr/bin/microsocks"
#define DANTE "/usr/sbin/danted"

static char port[8];

/* Starts a proxy; it ends with the test. */
static pid_t start (const char *const *arguments)
{
    pid_t child = fork ();
    if (child == 0) {
        int sink = open ("/dev/null", O_WRONLY);
        dup2 (sink, 1);
        dup2 (sink, 2);
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        execv (arguments[0], (char *const *) arguments);
        _exit (127);
    }
    return child;
}

static void stop (pid_t child)
{
    kill (child, SIGKILL);
    CHECK_INT (waitpid (child, NULL, 0), child);
}

/* A port that is free, and the endpoint there. */
static void choose_port (void)
{
    close (raw_listen (at));
    snprintf (port, sizeof port, "%s", strrchr (at, ':') + 1);
}

/* Whether somebody listens there, sooner or later. */
static bool is_up (pid_t child)
{
    for (long long end = now_ms () + AMPLE_MS; now_ms () < end; sleep_ms (5)) {
        int fd = raw_try_connect (at);
        if (fd >= 0) {
            close (fd);
            return true;
        }
        if (waitpid (child, NULL, WNOHANG) == child)
            return false;
    }
    return false;
}

static bool have (const char *program)
{
    if (access (program, X_OK) == 0)
        return true;
    printf ("skipped: %s is not installed\n", program);
    return false;
}

static pid_t start_microsocks (const char *name, const char *word)
{
    const char *arguments[] = {MICROSOCKS, "-i",        "127.0.0.1", "-p", port,
                               name ? "-u" : NULL, name, "-P", word, NULL};
    pid_t child = start (arguments);
    REQUIRE (is_up (child));
    return child;
}

static void *new_client (int type)
{
    void *s = new_socket (ctx, type);
    CHECK_OK (set_text (s, ZMQ_SOCKS_PROXY, at + 6));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
    return s;
}

/* Messages small and large pass both ways. */
static void exchange (void *a, void *b)
{
    static char large[1 << 20], got[1 << 20];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char) (i * 7);
    for (int i = 0; i < 200; i++) {
        char text[16];
        snprintf (text, sizeof text, "%d", i);
        CHECK_SEND (a, text, 0);
    }
    for (int i = 0; i < 200; i++) {
        char text[16];
        snprintf (text, sizeof text, "%d", i);
        CHECK_RECV (b, text);
    }
    CHECK_INT (zmq_send (b, large, sizeof large, 0), sizeof large);
    CHECK_INT (zmq_recv (a, got, sizeof got, 0), sizeof large);
    CHECK (memcmp (large, got, sizeof got) == 0);
}

/* By number, by name, by IPv6. */
static void exchange_by_every_name (void)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    for (int i = 0; i < 3; i++) {
        void *server = new_socket (ctx, ZMQ_DEALER), *client = new_client (ZMQ_DEALER);
        endpoint_t endpoint;
        CHECK_OK (set_int (server, ZMQ_IPV6, i == 2));
        if (zmq_bind (server, i == 2 ? "tcp://[::1]:*" : "tcp://127.0.0.1:*") != 0) {
            puts ("skipped: no IPv6 here");
            CHECK_OK (zmq_close (client));
            CHECK_OK (zmq_close (server));
            continue;
        }
        last_endpoint (server, endpoint);
        char text[100];
        snprintf (text, sizeof text, "tcp://%s%s", hosts[i], strrchr (endpoint, ':'));
        CHECK_OK (zmq_connect (client, text));
        exchange (client, server);
        CHECK_OK (zmq_close (client));
        CHECK_OK (zmq_close (server));
    }
}

TEST (microsocks_carries_messages)
{
    if (!have (MICROSOCKS))
        return;
    choose_port ();
    start_microsocks (NULL, NULL);
    begin ();
    exchange_by_every_name ();
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (dante_carries_messages)
{
    if (!have (DANTE))
        return;
    choose_port ();
    char path[64];
    snprintf (path, sizeof path, "%s/danted.conf", folder);
    FILE *f = fopen (path, "w");
    REQUIRE (f != NULL);
    fprintf (f,
             "logoutput: /dev/null\ninternal: 127.0.0.1 port = %s\n"
             "external: lo\nexternal.rotation: route\n"
             "clientmethod: none\nsocksmethod: none\n"
             "client pass { from: 0/0 to: 0/0 }\nclient pass { from: ::/0 to: ::/0 }\n"
             "socks pass { from: 0/0 to: 0/0 }\nsocks pass { from: ::/0 to: ::/0 }\n",
             port);
    fclose (f);
    const char *arguments[] = {DANTE, "-f", path, "-p", "/dev/null", NULL};
    if (!is_up (start (arguments))) {
        puts ("skipped: danted does not run here");
        return;
    }
    begin ();
    void *server = new_socket (ctx, ZMQ_DEALER), *client = new_client (ZMQ_DEALER);
    endpoint_t endpoint;
    bind_to (server, "tcp", endpoint);
    CHECK_OK (zmq_connect (client, endpoint));
    exchange (client, server);
    end (client, server);
}

TEST (microsocks_wants_its_password)
{
    if (!have (MICROSOCKS))
        return;
    choose_port ();
    start_microsocks ("name", "word");
    begin ();
    void *server = new_socket (ctx, ZMQ_DEALER), *wrong = new_client (ZMQ_DEALER);
    void *none = new_client (ZMQ_DEALER), *right = new_client (ZMQ_DEALER);
    void *watched[] = {watch (wrong, ZMQ_EVENT_ALL), watch (none, ZMQ_EVENT_ALL)};
    endpoint_t endpoint;
    bind_to (server, "tcp", endpoint);
    CHECK_OK (set_text (wrong, ZMQ_SOCKS_USERNAME, "name"));
    CHECK_OK (set_text (wrong, ZMQ_SOCKS_PASSWORD, "worm"));
    CHECK_OK (set_text (right, ZMQ_SOCKS_USERNAME, "name"));
    CHECK_OK (set_text (right, ZMQ_SOCKS_PASSWORD, "word"));
    CHECK_OK (zmq_connect (wrong, endpoint));
    CHECK_OK (zmq_connect (none, endpoint));
    for (int i = 0; i < 2; i++) {
        CHECK_EVENT (watched[i], ZMQ_EVENT_CONNECT_DELAYED, at);
        CHECK_EVENT (watched[i], ZMQ_EVENT_CLOSED, at);
        CHECK_EVENT (watched[i], ZMQ_EVENT_CONNECT_RETRIED, at);
    }
    CHECK_OK (zmq_connect (right, endpoint));
    exchange (right, server);
    if (on_oracle ())
        return; /* see socks.h */
    CHECK_OK (zmq_close (watched[0]));
    CHECK_OK (zmq_close (watched[1]));
    CHECK_OK (zmq_close (wrong));
    CHECK_OK (zmq_close (none));
    end (right, server);
}

TEST (a_peer_that_comes_later_is_reached)
{
    if (!have (MICROSOCKS))
        return;
    choose_port ();
    start_microsocks (NULL, NULL);
    begin ();
    void *client = new_client (ZMQ_DEALER), *server = new_socket (ctx, ZMQ_DEALER);
    void *monitor = watch (client, ZMQ_EVENT_CONNECT_RETRIED);
    endpoint_t endpoint;
    int port = absent_endpoint (endpoint);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_RETRIED, at);
    close (port);
    CHECK_OK (zmq_bind (server, endpoint));
    exchange (client, server);
    if (on_oracle ())
        return; /* see socks.h */
    CHECK_OK (zmq_close (monitor));
    end (client, server);
}

TEST (a_proxy_that_is_started_again_is_found_again)
{
    if (!have (MICROSOCKS))
        return;
    choose_port ();
    pid_t child = start_microsocks (NULL, NULL);
    begin ();
    void *client = new_client (ZMQ_DEALER), *server = new_socket (ctx, ZMQ_DEALER);
    void *monitor = watch (client, ZMQ_EVENT_DISCONNECTED);
    endpoint_t endpoint;
    bind_to (server, "tcp", endpoint);
    CHECK_OK (zmq_connect (client, endpoint));
    exchange (client, server);
    stop (child);
    CHECK_EVENT (monitor, ZMQ_EVENT_DISCONNECTED, at);
    CHECK_SEND (client, "waits", 0);
    start_microsocks (NULL, NULL);
    CHECK_RECV (server, "waits");
    exchange (client, server);
    if (on_oracle ())
        return; /* see socks.h */
    CHECK_OK (zmq_close (monitor));
    end (client, server);
}

MAIN
