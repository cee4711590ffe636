/* kerberos.h - what the tests of GSSAPI share: a Kerberos realm of their own, run by
 * the script `kdc` beside this file for as long as the program lives, and a server and
 * a client that are principals of it. */
#ifndef FERROZMQ_KERBEROS_H
#define FERROZMQ_KERBEROS_H

#include "zap.h"

/* Starts the realm and puts what it says into the environment. False when there is
 * no KDC to run. */
static bool start_realm (void)
{
    char script[512];
    int in[2], out[2];
    snprintf (script, sizeof script, "%.*s/kdc",
              (int) (strrchr (__FILE__, '/') - __FILE__), __FILE__);
    /* The script ends with our end of its input, which no child of the tests'
     * has to close: they end before us. */
    if (pipe2 (in, O_CLOEXEC) != 0 || pipe2 (out, O_CLOEXEC) != 0)
        return false;
    if (fork () == 0) {
        dup2 (in[0], 0);
        dup2 (out[1], 1);
        execl (script, script, (char *) NULL);
        _exit (77);
    }
    close (in[0]);
    close (out[1]);
    FILE *lines = fdopen (out[0], "r");
    char line[512];
    while (fgets (line, sizeof line, lines)) {
        char *value = strchr (line, '=');
        if (!value) {
            fclose (lines);
            return true;
        }
        *value++ = 0;
        value[strcspn (value, "\n")] = 0;
        setenv (line, value, 1);
    }
    fclose (lines);
    return false;
}

/* A file of the realm's. */
static inline const char *realm_file (const char *name)
{
    static char path[512];
    snprintf (path, sizeof path, "FILE:%s/%s", getenv ("KDC_DIRECTORY"), name);
    return path;
}

/* ---- a server and a client ---- */

static void *server, *client, *watcher, *told;
static endpoint_t endpoint;

FIXTURE void be_server (void *s)
{
    CHECK_OK (set_int (s, ZMQ_GSSAPI_SERVER, 1));
    CHECK_OK (set_text (s, ZMQ_GSSAPI_PRINCIPAL, "service@localhost"));
}

FIXTURE void be_client (void *s, const char *service)
{
    CHECK_OK (set_text (s, ZMQ_GSSAPI_SERVICE_PRINCIPAL, service));
    CHECK_OK (set_text (s, ZMQ_GSSAPI_PRINCIPAL, "alice"));
    CHECK_OK (set_int (s, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, ZMQ_GSSAPI_NT_USER_NAME));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
}

/* A server that is not bound and a client, both watched. */
FIXTURE void set_up (int server_type, int client_type, int plaintext)
{
    begin ();
    server = new_socket (ctx, server_type);
    client = new_socket (ctx, client_type);
    be_server (server);
    be_client (client, "service@localhost");
    CHECK_OK (set_int (server, ZMQ_GSSAPI_PLAINTEXT, plaintext));
    CHECK_OK (set_int (client, ZMQ_GSSAPI_PLAINTEXT, plaintext));
    watcher = watch_socket (server, HANDSHAKES);
    told = watch_socket (client, HANDSHAKES);
}

FIXTURE void meet (void)
{
    bind_to (server, "tcp", endpoint);
    CHECK_OK (zmq_connect (client, endpoint));
}

FIXTURE void finish (void *more)
{
    if (more)
        CHECK_OK (zmq_close (more));
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_close (watcher));
    end (told, NULL);
}

FIXTURE void check_works (void)
{
    CHECK_SEND (client, "hi", 0);
    CHECK_RECV (server, "hi");
    CHECK_SEND (server, "ho", 0);
    CHECK_RECV (client, "ho");
}

#define KERBEROS_MAIN                                                          \
    int main (int argc, char **argv)                                           \
    {                                                                          \
        bool listing = argc > 1 && strcmp (argv[1], "--list") == 0;            \
        if (!listing && (!zmq_has ("gssapi") || !start_realm ())) {            \
            puts ("skipped: no libgssapi_krb5, or no KDC to be had");          \
            puts ("0 passed, 0 failed");                                       \
            return 0;                                                          \
        }                                                                      \
        return check_main (argc, argv);                                        \
    }

#endif
