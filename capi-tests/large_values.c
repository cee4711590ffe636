/* What a caller hands over is larger than the memory that is left: texts, values of
 * options, buffers. Calls answer; whatever they answer, the process lives, and works.
 * The oracle dies of some: there a case counts only where it survives. */
#include "fixtures.h"

enum { HUGE_BYTES = 96 << 20, LEFT_BYTES = 24 << 20 };

static void *s, *peer;
static zmq_msg_t msg;
/* A text of letters, and room for it to be written to. */
static char *text, *room;

/* A text that begins like this, at the end of the large one. */
static char *beginning (const char *with)
{
    memcpy (text, with, strlen (with));
    return text;
}

static void leave_little_memory (void)
{
    long pages = 0;
    FILE *f = fopen ("/proc/self/statm", "r");
    REQUIRE (f && fscanf (f, "%ld", &pages) == 1);
    fclose (f);
    struct rlimit limit = {.rlim_cur = (rlim_t) pages * 4096 + LEFT_BYTES};
    limit.rlim_max = limit.rlim_cur;
    REQUIRE (setrlimit (RLIMIT_AS, &limit) == 0);
    REQUIRE (malloc (HUGE_BYTES) == NULL);
}

static void prepare_nothing (void *arg) { (void) arg; }

static void prepare (void)
{
    int null = open ("/dev/null", O_WRONLY);
    dup2 (null, 2); /* the oracle's last words */
    struct rlimit no_core = {0, 0};
    setrlimit (RLIMIT_CORE, &no_core);
    alarm (60);
    text = mmap (NULL, HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
    room = mmap (NULL, 2 * (size_t) HUGE_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE (text != MAP_FAILED && room != MAP_FAILED);
    memset (text, 'x', HUGE_BYTES - 1);
    begin ();
    connect_pair (ctx, "inproc://large", ZMQ_PAIR, &s, ZMQ_PAIR, &peer);
    zmq_msg_init (&msg);
    leave_little_memory ();
}

static void conclude (void)
{
    CHECK_SEND (s, "fine", 0);
    CHECK_RECV (peer, "fine");
    end (s, peer);
    fflush (stdout);
    _exit (7);
}

#define SURVIVES(EXPR)                                                         \
    do {                                                                       \
        check_counts->unlimited = 1; /* each has an alarm */                   \
        fflush (stdout);                                                       \
        pid_t child_ = fork ();                                                \
        if (child_ == 0) {                                                     \
            prepare ();                                                        \
            EXPR;                                                              \
            conclude ();                                                       \
        }                                                                      \
        int status_ = 0;                                                       \
        while (waitpid (child_, &status_, 0) < 0 && errno == EINTR)            \
            ;                                                                  \
        if (!on_oracle () || (WIFEXITED (status_) && WEXITSTATUS (status_) == 7)) \
            check_report (WIFEXITED (status_) && WEXITSTATUS (status_) == 7,   \
                          __FILE__, __LINE__, #EXPR, " did not survive");      \
    } while (0)

/* The sanitizers want memory of their own without end. */
#define WITHOUT_SANITIZER                                                      \
    if (sanitized ())                                                          \
    return

TEST (endpoints)
{
    WITHOUT_SANITIZER;
    static const char *const beginnings[] = {
      "inproc://", "tcp://", "tcp://127.0.0.1:", "tcp://*:", "tcp://[", "tcp://x:1;",
      "ipc://", "ipc://@", "nothing://", "x"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        SURVIVES (zmq_bind (s, beginning (beginnings[i])));
        SURVIVES (zmq_connect (s, beginning (beginnings[i])));
        SURVIVES (zmq_unbind (s, beginning (beginnings[i])));
        SURVIVES (zmq_disconnect (s, beginning (beginnings[i])));
        SURVIVES (zmq_socket_monitor (s, beginning (beginnings[i]), ZMQ_EVENT_ALL));
    }
}

/* On a socket of each type that has options of its own. */
static void set_all (int type)
{
    void *other = new_socket (ctx, type);
    for (int option = 0; option < 120; option++)
        zmq_setsockopt (other, option, text, HUGE_BYTES - 1);
    zmq_setsockopt (other, 95 /* ZMQ_METADATA */, beginning ("X-name:"), HUGE_BYTES - 1);
    CHECK_OK (zmq_close (other));
}

static void get_all (void)
{
    for (int option = 0; option < 120; option++) {
        size_t size = HUGE_BYTES;
        zmq_getsockopt (s, option, room, &size);
    }
}

TEST (options)
{
    WITHOUT_SANITIZER;
    SURVIVES (set_all (ZMQ_PAIR));
    SURVIVES (set_all (ZMQ_SUB));
    SURVIVES (set_all (ZMQ_XPUB));
    SURVIVES (set_all (ZMQ_ROUTER));
    SURVIVES (set_all (ZMQ_STREAM));
    SURVIVES (get_all ());
}

/* What is kept of a value may be sent later. */
static void subscribe_much (void)
{
    endpoint_t endpoint;
    void *sub = new_socket (ctx, ZMQ_SUB), *xpub = new_socket (ctx, ZMQ_XPUB);
    bind_to (xpub, "tcp", endpoint);
    for (int i = 0; i < 64; i++)
        zmq_setsockopt (sub, ZMQ_SUBSCRIBE, text, (1 << 20) + i);
    CHECK_OK (zmq_close (sub));
    CHECK_OK (zmq_close (xpub));
}

TEST (subscriptions)
{
    WITHOUT_SANITIZER;
    SURVIVES (subscribe_much ());
}

TEST (bodies)
{
    WITHOUT_SANITIZER;
    SURVIVES (zmq_send (s, text, HUGE_BYTES, 0));
    SURVIVES (zmq_send_const (s, text, HUGE_BYTES, 0); zmq_recv (peer, room, HUGE_BYTES, 0));
    SURVIVES (zmq_msg_init_size (&msg, HUGE_BYTES));
    SURVIVES (zmq_recv (s, room, HUGE_BYTES, ZMQ_DONTWAIT));
    struct iovec parts[3] = {{text, 10}, {text, HUGE_BYTES}, {text, 10}};
    SURVIVES (zmq_sendiov (s, parts, 3, 0));
    SURVIVES (for (int i = 0; i < 100; i++) zmq_send (s, text, 1 << 20, ZMQ_DONTWAIT);
              while (zmq_recv (peer, room, 1 << 20, ZMQ_DONTWAIT) >= 0));
}

/* A context's threads start with its first socket. */
TEST (threads_that_cannot_be_had)
{
    WITHOUT_SANITIZER;
    if (on_oracle ())
        return; /* ends the process */
    struct rlimit before, none;
    long pages = 0;
    begin ();
    REQUIRE (getrlimit (RLIMIT_AS, &before) == 0);
    FILE *f = fopen ("/proc/self/statm", "r");
    REQUIRE (f && fscanf (f, "%ld", &pages) == 1);
    fclose (f);
    none = before;
    none.rlim_cur = (rlim_t) (pages + 40) * 4096;
    REQUIRE (setrlimit (RLIMIT_AS, &none) == 0);
    void *t = zmq_socket (ctx, ZMQ_PAIR);
    int error = errno;
    void *helper = zmq_threadstart (prepare_nothing, NULL);
    REQUIRE (setrlimit (RLIMIT_AS, &before) == 0);
    CHECK (t == NULL && (error == EAGAIN || error == ENOMEM));
    CHECK (helper == NULL);
    /* Once there is memory, there are threads. */
    connect_pair (ctx, "tcp", ZMQ_PAIR, &s, ZMQ_PAIR, &peer);
    CHECK_SEND (s, "fine", 0);
    CHECK_RECV (peer, "fine");
    end (s, peer);
}

TEST (utilities)
{
    WITHOUT_SANITIZER;
    SURVIVES (zmq_has (text));
    SURVIVES (zmq_msg_gets (&msg, text));
    SURVIVES (zmq_z85_encode (room, (uint8_t *) text, HUGE_BYTES));
    SURVIVES (zmq_z85_decode ((uint8_t *) room, text));
    SURVIVES (zmq_curve_public (room, text));
    SURVIVES (zmq_poll ((zmq_pollitem_t *) room, HUGE_BYTES / 16, 0));
}

MAIN
