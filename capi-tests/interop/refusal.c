/* refusal.c - one side of a conversation that must not come about: the client
 * has a wrong password, or wrong keys. Built and run as peer.c.
 *
 *   refusal MECHANISM FAULT bind|connect ENDPOINT
 *
 * The client sends all the same. Each side prints "event NUMBER VALUE" for the
 * first thing that its monitor tells of the handshake, then "done", and at the
 * end of stdin "ok", if the server has received nothing and no handshake has
 * succeeded. What each fault leads to is for the driver to know. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "security.h"

static void must (int ok, const char *what)
{
    if (ok)
        return;
    printf ("failed: %s (errno %d: %s)\n", what, errno, zmq_strerror (errno));
    fflush (stdout);
    _exit (1);
}

/* The next event; false when there is none. */
static int next_event (void *monitor, unsigned *number, unsigned *value, int flags)
{
    unsigned char head[6], endpoint[256];
    if (zmq_recv (monitor, head, sizeof head, flags) != (int) sizeof head)
        return 0;
    uint16_t told;
    uint32_t with;
    memcpy (&told, head, sizeof told);
    memcpy (&with, head + sizeof told, sizeof with);
    *number = told;
    *value = with;
    return zmq_recv (monitor, endpoint, sizeof endpoint, 0) >= 0;
}

int main (int argc, char **argv)
{
    must (argc == 5, "usage: refusal MECHANISM FAULT bind|connect ENDPOINT");
    int binds = strcmp (argv[3], "bind") == 0;
    const char *endpoint = argv[4];
    Dl_info library;
    void *entry = dlsym (RTLD_DEFAULT, "zmq_version");
    must (entry && dladdr (entry, &library), "no library");
    printf ("library %s\n", library.dli_fname);

    void *context = zmq_ctx_new ();
    void *subject = zmq_socket (context, binds ? ZMQ_PULL : ZMQ_PUSH);
    void *monitor = zmq_socket (context, ZMQ_PAIR);
    int linger = 0, half_minute = 30000, patience = 2000;
    must (subject && monitor, "sockets");
    zmq_setsockopt (subject, ZMQ_LINGER, &linger, sizeof linger);
    /* libzmq may wait for more where GSSAPI has failed. */
    zmq_setsockopt (subject, ZMQ_HANDSHAKE_IVL, &patience, sizeof patience);
    zmq_setsockopt (monitor, ZMQ_RCVTIMEO, &half_minute, sizeof half_minute);
    int handshakes = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH
                     | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                     | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    must (zmq_socket_monitor (subject, "inproc://events", handshakes) == 0
            && zmq_connect (monitor, "inproc://events") == 0,
          "monitor");
    must (secure (subject, argv[1], argv[2], binds) == 0, "security");
    if (binds) {
        must (start_authenticator (context) == 0, "authenticator");
        char bound[256];
        size_t size = sizeof bound;
        must (zmq_bind (subject, endpoint) == 0, "bind");
        zmq_getsockopt (subject, ZMQ_LAST_ENDPOINT, bound, &size);
        printf ("bound %s\n", bound);
    } else {
        must (zmq_connect (subject, endpoint) == 0, "connect");
        must (zmq_send (subject, "let me in", 9, 0) == 9, "send");
    }
    fflush (stdout);

    unsigned number, value;
    char word[16];
    must (next_event (monitor, &number, &value, 0), "no event");
    printf ("event %#x %#x\ndone\n", number, value);
    fflush (stdout);
    while (read (0, word, sizeof word) > 0)
        ;
    do
        must (number != ZMQ_EVENT_HANDSHAKE_SUCCEEDED, "a handshake succeeded");
    while (next_event (monitor, &number, &value, ZMQ_DONTWAIT));
    must (!binds || zmq_recv (subject, word, sizeof word, ZMQ_DONTWAIT) < 0,
          "something was received");
    zmq_close (monitor);
    zmq_close (subject);
    must (zmq_ctx_term (context) == 0, "terminate");
    puts ("ok");
    return 0;
}
