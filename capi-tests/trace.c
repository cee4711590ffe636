/* The trace (ZMQ_TRACE). libzmq knows none: the same programs say nothing on it,
 * and get along as well. */

#include "fixtures.h"

static const char *trace_path (void)
{
    static char path[64];
    snprintf (path, sizeof path, "%s/trace", folder);
    return path;
}

/* The file's content, to be freed; "" where there is none. */
static char *content (void)
{
    FILE *f = fopen (trace_path (), "r");
    char *text = calloc (1, 1 << 20);
    if (f) {
        text[fread (text, 1, (1 << 20) - 1, f)] = 0;
        fclose (f);
    }
    return text;
}

static int says (const char *what)
{
    char *text = content ();
    int found = strstr (text, what) != NULL;
    free (text);
    return found;
}

/* Something was said; nothing was on the oracle. */
#define CHECK_SAYS(WHAT)                                                       \
    do {                                                                       \
        if (on_oracle ())                                                      \
            CHECK (!says (""  WHAT));                                          \
        else                                                                   \
            CHECK_BECOMES (says (WHAT));                                       \
    } while (0)
#define CHECK_SAYS_NOT(WHAT) CHECK (!says (WHAT))

/* Traces areas into the file; before the process's first context. */
static void trace (const char *areas)
{
    char value[128];
    snprintf (value, sizeof value, "%s,file=%s", areas, trace_path ());
    unlink (trace_path ());
    setenv ("ZMQ_TRACE", value, 1);
    begin ();
}

TEST (calls_are_said_with_what_they_return)
{
    trace ("api");
    void *s = new_socket (ctx, ZMQ_PUSH);
    CHECK_ERR (zmq_bind (s, "bad"), EINVAL);
    CHECK_OK (set_int (s, ZMQ_SNDHWM, 5));
    CHECK_ERR (zmq_send (s, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (zmq_close (s));
    CHECK_ERR (zmq_close (s), ENOTSOCK);
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK_SAYS ("api   zmq_ctx_new () = 0x");
    CHECK_SAYS (", 8) = PUSH#1\n");
    CHECK_SAYS ("api   zmq_bind (PUSH#1, \"bad\") = -1 EINVAL\n");
    CHECK_SAYS ("api   zmq_setsockopt (PUSH#1, ZMQ_SNDHWM, 5) = 0\n");
    CHECK_SAYS ("api   zmq_close (PUSH#1) = 0\n");
    CHECK_SAYS ("api   zmq_close (PUSH#1) = -1 ENOTSOCK\n");
    CHECK_SAYS_NOT ("zmq_send");
}

TEST (errno_is_what_the_call_left)
{
    trace ("all");
    void *s = new_socket (ctx, ZMQ_PULL);
    errno = 77;
    CHECK_OK (zmq_bind (s, "tcp://127.0.0.1:*"));
    CHECK (on_oracle () || errno == 77);
    CHECK_ERR (zmq_recv (s, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    end (s, NULL);
}

TEST (secrets_and_bodies_are_not_said)
{
    void *push, *pull;
    trace ("all");
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "SECRET body", 0);
    CHECK_RECV (pull, "SECRET body");
    CHECK_OK (zmq_setsockopt (push, ZMQ_PLAIN_PASSWORD, "SECRET", 6));
    CHECK_OK (zmq_setsockopt (push, ZMQ_PLAIN_USERNAME, "SECRET", 6));
    char public_key[41], secret_key[41];
    CHECK_OK (zmq_curve_keypair (public_key, secret_key));
    CHECK_OK (zmq_setsockopt (push, ZMQ_CURVE_SECRETKEY, secret_key, 41));
    char key[41];
    size_t size = sizeof key;
    CHECK_OK (zmq_getsockopt (push, ZMQ_CURVE_SECRETKEY, key, &size));
    void *sub = new_socket (ctx, ZMQ_SUB), *router = new_socket (ctx, ZMQ_ROUTER);
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "SECRET", 6));
    CHECK_SEND (router, "SECRET id", ZMQ_SNDMORE);
    CHECK_SEND (router, "SECRET", 0);
    CHECK_OK (zmq_close (sub));
    CHECK_OK (zmq_close (router));
    end (push, pull);
    CHECK_SAYS ("ZMQ_PLAIN_PASSWORD, 6 bytes) = 0\n");
    CHECK_SAYS ("zmq_getsockopt (PUSH#1, ZMQ_CURVE_SECRETKEY, 41 bytes) = 0\n");
    CHECK_SAYS ("msg   PUSH#1 sends 11 bytes: done\n");
    CHECK_SAYS ("msg   PULL#2 receives 11 bytes\n");
    CHECK_SAYS ("msg   ROUTER#4 sends 9 bytes, more to follow: done\n");
    CHECK_SAYS_NOT ("SECRET ");
    CHECK_SAYS_NOT ("SECRET\"");
    CHECK_SAYS_NOT (secret_key);
}

TEST (connections_are_said_from_beginning_to_end)
{
    void *push, *pull;
    trace ("conn");
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SAYS ("PULL#2: listens at tcp://127.0.0.1:");
    CHECK_SAYS ("PUSH#1: connected to tcp://127.0.0.1:");
    CHECK_SAYS ("PULL#2: accepted a connection at tcp://127.0.0.1:");
    CHECK_SAYS ("the peer is a PULL, ZMTP 3.1, NULL\n");
    CHECK_SAYS ("the peer is a PUSH, ZMTP 3.1, NULL\n");
    CHECK_OK (zmq_close (pull));
    CHECK_SAYS ("PULL#2: listens no more at tcp://127.0.0.1:");
    CHECK_SAYS (" has ended: the peer has closed it\n");
    CHECK_SAYS ("PUSH#1: cannot reach tcp://127.0.0.1:");
    CHECK_SAYS ("ECONNREFUSED (failures in a row: 1)\n");
    end (push, NULL);
}

TEST (failed_handshakes_are_said_with_their_reason)
{
    trace ("conn");
    void *pub = new_socket (ctx, ZMQ_PUB), *req = new_socket (ctx, ZMQ_REQ);
    void *plain = new_socket (ctx, ZMQ_SUB);
    endpoint_t endpoint;
    bind_to (pub, "tcp", endpoint);
    CHECK_OK (zmq_connect (req, endpoint));
    CHECK_SAYS (": incompatible socket types (here: NULL)\n");
    CHECK_SAYS ("REQ#2: does not connect to tcp://127.0.0.1:");
    CHECK_OK (zmq_setsockopt (plain, ZMQ_PLAIN_USERNAME, "me", 2));
    CHECK_OK (zmq_connect (plain, endpoint));
    CHECK_SAYS ("SUB#3: handshake failed at tcp://127.0.0.1:");
    CHECK_SAYS (": the peer wants another security mechanism (here: PLAIN)\n");
    CHECK_OK (zmq_close (plain));
    end (pub, req);
}

TEST (inproc_names_that_nobody_has_bound_are_said)
{
    trace ("conn");
    void *a = new_socket (ctx, ZMQ_PAIR), *b = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_connect (a, "inproc://name"));
    CHECK_SAYS ("PAIR#1: waits for somebody to bind inproc://name\n");
    CHECK_OK (zmq_bind (b, "inproc://name"));
    CHECK_SAYS ("PAIR#1: connected to inproc://name, PAIR#2\n");
    end (a, b);
}

TEST (drops_are_said_with_their_cause_and_not_one_by_one)
{
    trace ("drop");
    void *pub = new_socket (ctx, ZMQ_XPUB), *sub = new_socket (ctx, ZMQ_SUB);
    void *router = new_socket (ctx, ZMQ_ROUTER);
    CHECK_OK (set_int (pub, ZMQ_SNDHWM, 1));
    CHECK_OK (set_int (sub, ZMQ_RCVHWM, 1));
    CHECK_OK (zmq_bind (pub, "inproc://pub"));
    CHECK_SEND (pub, "nobody", 0);
    CHECK_SAYS ("XPUB#1: dropped 1 message: nobody has subscribed to it\n");
    CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "", 0));
    CHECK_OK (zmq_connect (sub, "inproc://pub"));
    CHECK_RECV (pub, "\1");
    for (int i = 0; i < 1000; i++)
        CHECK_SEND (pub, "x", 0);
    CHECK_SAYS ("XPUB#1: dropped 1 message, for inproc://pub: the queue is full");
    CHECK_SEND (router, "nobody", ZMQ_SNDMORE);
    CHECK_SEND (router, "x", 0);
    CHECK_SAYS ("ROUTER#3: dropped 1 message: no peer has the routing id that");
    CHECK_OK (zmq_close (router));
    end (pub, sub);
    CHECK_SAYS ("SUB#2: dropped 2 messages, for inproc://pub: it was not received");
    char *text = content ();
    CHECK (strlen (text) < 4000);
    free (text);
}

TEST (what_lingers_in_vain_is_said)
{
    trace ("drop");
    void *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_LINGER, 100));
    CHECK_OK (zmq_connect (push, "tcp://127.0.0.1:1"));
    CHECK_SEND (push, "a", 0);
    CHECK_SEND (push, "b", 0);
    end (push, NULL);
    CHECK_SAYS ("PUSH#1: dropped up to 2 messages, for tcp://127.0.0.1:1: the time");
}

static void *terminate (void *context)
{
    zmq_ctx_term (context);
    return NULL;
}

TEST (what_keeps_a_context_waiting_is_said)
{
    trace ("term");
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_bind (pull, "inproc://pull"));
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    CHECK_OK (zmq_connect (push, "tcp://127.0.0.1:1"));
    CHECK_SEND (push, "a", 0);
    CHECK_OK (zmq_close (push));
    pthread_t thread;
    REQUIRE (pthread_create (&thread, NULL, terminate, ctx) == 0);
    CHECK_SAYS ("term  zmq_ctx_term waits; sockets that are not closed: 1\n");
    CHECK_SAYS ("PULL#1 is not closed: bound to inproc://pull, 0 messages unsent, "
                "linger 0 ms\n");
    CHECK_SAYS ("PUSH#2 is closed, 1 message unsent for tcp://127.0.0.1:1 (not "
                "connected); lingers for ever\n");
    CHECK_OK (zmq_close (pull));
}

TEST (counters_are_said_at_the_end)
{
    void *push, *pull;
    trace ("count");
    connect_pair (ctx, "inproc://a", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    CHECK_SEND (push, "a", 0);
    CHECK_SEND (push, "b", 0);
    CHECK_RECV (pull, "a");
    CHECK_OK (zmq_close (push));
    CHECK_SAYS ("count PUSH#1 closed: messages_out 2, queued_out 1, peers 1\n");
    pid_t child = fork ();
    if (child == 0)
        exit (0); /* has made no sockets: says nothing */
    REQUIRE (child > 0);
    waitpid (child, NULL, 0);
    CHECK_SAYS_NOT ("PULL#2");
    child = fork ();
    if (child == 0) {
        void *context = zmq_ctx_new ();
        new_socket (context, ZMQ_PUB);
        exit (0);
    }
    REQUIRE (child > 0);
    waitpid (child, NULL, 0);
    CHECK_SAYS ("count PUB#3 at exit: nothing\n");
    CHECK_SAYS_NOT ("PULL#2");
    end (pull, NULL);
    CHECK_SAYS ("count PULL#2 closed: messages_in 1, queued_in 1, peers 1, "
                "dropped_unread 1\n");
}

/* A program under some value of the variable and with some stderr gets along. */
static void get_along (const char *value)
{
    setenv ("ZMQ_TRACE", value, 1);
    void *push, *pull;
    begin ();
    connect_pair (ctx, "tcp", ZMQ_PUSH, &push, ZMQ_PULL, &pull);
    for (int i = 0; i < 500; i++) {
        REQUIRE (zmq_send (push, "x", 1, 0) == 1);
        REQUIRE (zmq_recv (pull, NULL, 0, 0) == 1);
    }
    end (push, pull);
}

/* stderr, for as long as somebody reads its other end. */
static int stderr_pipe (void)
{
    int ends[2];
    REQUIRE (pipe (ends) == 0);
    REQUIRE (dup2 (ends[1], 2) == 2);
    close (ends[1]);
    return ends[0];
}

static size_t read_all (int fd, char *text, size_t size)
{
    size_t length = 0;
    close (2);
    for (ssize_t n; (n = read (fd, text + length, size - 1 - length)) > 0;)
        length += (size_t) n;
    text[length] = 0;
    return length;
}

TEST (bad_values_are_complained_of_in_a_line)
{
    static const char *values[] = {"bogus", "4", "drop,what,else", "file=",
                                   "api,file=/nowhere/trace", "\x1b[2J\n"};
    int fd = stderr_pipe ();
    for (int i = 0; i < 6; i++) {
        pid_t child = fork ();
        if (child == 0) {
            setenv ("ZMQ_TRACE", values[i], 1);
            begin ();
            _exit (zmq_ctx_term (ctx));
        }
        int status = -1;
        waitpid (child, &status, 0);
        CHECK_INT (status, 0);
    }
    char text[4096];
    read_all (fd, text, sizeof text);
    int lines = 0;
    for (const char *at = text; (at = strchr (at, '\n')); at++)
        lines++;
    CHECK_INT (lines, on_oracle () ? 0 : 6);
    CHECK (!strchr (text, 27));
}

TEST (a_closed_stderr_does_no_harm)
{
    close (2);
    get_along ("all");
}

TEST (a_pipe_that_nobody_reads_does_no_harm)
{
    signal (SIGPIPE, SIG_DFL);
    close (stderr_pipe ());
    get_along ("all");
}

TEST (a_full_pipe_does_not_block)
{
    int fd = stderr_pipe ();
    get_along ("all");
    char *text = calloc (1, 1 << 20);
    read_all (fd, text, 1 << 20);
    CHECK (on_oracle () || strstr (text, "zmq_ctx_new"));
    free (text);
}

TEST (a_socket_that_nobody_reads_does_not_block)
{
    int ends[2];
    REQUIRE (socketpair (AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    REQUIRE (dup2 (ends[1], 2) == 2);
    get_along ("all");
    close (ends[0]);
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_term (context));
}

TEST (a_file_that_the_program_closed_is_not_written_to)
{
    trace ("api");
    CHECK_SAYS ("zmq_ctx_new");
    /* Whatever has the number now is the program's. */
    endpoint_t own;
    snprintf (own, sizeof own, "%s/own", folder);
    struct stat traced, other;
    int had = stat (trace_path (), &traced) == 0;
    for (int fd = 3; fd < 100; fd++)
        if (had && fstat (fd, &other) == 0 && other.st_ino == traced.st_ino) {
            int file = open (own, O_RDWR | O_CREAT, 0600);
            REQUIRE (dup2 (file, fd) == fd);
        }
    CHECK_OK (zmq_ctx_term (ctx));
    other.st_size = 0;
    if (stat (own, &other) == 0)
        CHECK_INT (other.st_size, 0);
    CHECK_SAYS_NOT ("zmq_ctx_term");
}

TEST (without_the_variable_nothing_is_said)
{
    static const char *values[] = {NULL, "", "0", "off", "all,off"};
    int fd = stderr_pipe ();
    for (int i = 0; i < 5; i++) {
        pid_t child = fork ();
        if (child == 0) {
            if (values[i])
                setenv ("ZMQ_TRACE", values[i], 1);
            begin ();
            void *s = new_socket (ctx, ZMQ_ROUTER);
            zmq_send (s, "x", 1, ZMQ_SNDMORE);
            zmq_send (s, "x", 1, 0);
            end (s, NULL);
            exit (0);
        }
        waitpid (child, NULL, 0);
    }
    char text[256];
    CHECK_INT (read_all (fd, text, sizeof text), 0);
}

MAIN
