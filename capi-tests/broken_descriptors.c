/* Descriptors of the library that the program closed, or put something else in
 * the place of: a daemon that closes all it did not open, a double close that
 * hits another's. What used them fails, the rest goes on, and everything can
 * still be closed. The oracle ends the process by an assertion in most cases,
 * so that it takes part in few. */
#include "fixtures.h"

/* What becomes of a descriptor while the library uses it. By raw system calls:
 * that this is a race is no news for the thread sanitizer. */
enum harm
{
    CLOSED,   /* the number is free */
    REPLACED, /* it is a file now */
    SHUT,     /* its connection was shut down */
    HARMS
};

static void do_harm (int fd, enum harm harm)
{
    if (harm == SHUT)
        shutdown (fd, SHUT_RDWR);
    else if (harm == CLOSED)
        syscall (SYS_close, fd);
    else {
        int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
        REQUIRE (null >= 0 && syscall (SYS_dup2, null, fd) == fd);
        close (null);
    }
}

/* The descriptors whose link begins so; how many of at most MOST. */
static int find_fds (const char *kind, int *fds, int most)
{
    int count = 0;
    for (int fd = 3; fd < 1024 && count < most; fd++) {
        char path[32], link[128] = "";
        snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink (path, link, sizeof link - 1) > 0
            && strncmp (link, kind, strlen (kind)) == 0)
            fds[count++] = fd;
    }
    return count;
}

static bool listens (int fd)
{
    int yes = 0;
    socklen_t size = sizeof yes;
    return getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes;
}

/* One of the connections to an endpoint: it was made (its peer has the port), or
 * accepted. */
static int find_connection (const char *endpoint, bool made)
{
    int sockets[256], count = find_fds ("socket:", sockets, 256);
    int port = atoi (strrchr (endpoint, ':') + 1);
    for (int i = 0; i < count; i++) {
        struct sockaddr_in in = {.sin_family = 0};
        socklen_t size = sizeof in;
        int rc = made ? getpeername (sockets[i], (void *) &in, &size)
                      : getsockname (sockets[i], (void *) &in, &size);
        if (rc == 0 && in.sin_family == AF_INET && ntohs (in.sin_port) == port
            && !listens (sockets[i]))
            return sockets[i];
    }
    return -1;
}

/* Two sockets over tcp that have talked, and reconnect quickly. */
static void *push, *pull;
static endpoint_t endpoint;

static void acquaint (void)
{
    /* A number that was closed may come back as a connection's, and who wrote
     * to it before does so once more. */
    signal (SIGPIPE, SIG_IGN);
    begin ();
    push = new_socket (ctx, ZMQ_PUSH);
    pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 1));
    bind_to (pull, "tcp", endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "before", 0);
    CHECK_RECV (pull, "before");
}

/* Messages come through again, whatever was lost on the way. */
static void check_talks_again (void *from, void *to)
{
    bool came = false;
    CHECK_OK (set_int (from, ZMQ_SNDTIMEO, 10));
    CHECK_OK (set_int (to, ZMQ_RCVTIMEO, 10));
    for (long long end = now_ms () + AMPLE_MS; !came && now_ms () < end;) {
        char body[16] = "";
        zmq_send (from, "after", 5, 0);
        came = zmq_recv (to, body, sizeof body, 0) == 5
               && memcmp (body, "after", 5) == 0;
    }
    CHECK (came);
}

/* Others of the same context are none the worse. */
static void check_others_talk (void)
{
    void *a, *b;
    connect_pair (ctx, "tcp", ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_SEND (a, "others", 0);
    CHECK_RECV (b, "others");
    CHECK_OK (zmq_close (a));
    CHECK_OK (zmq_close (b));
}

TEST (the_connection_of_a_sender)
{
    for (int harm = on_oracle () ? SHUT : CLOSED; harm < HARMS; harm++) {
        acquaint ();
        do_harm (find_connection (endpoint, true), harm);
        check_talks_again (push, pull);
        check_others_talk ();
        end (push, pull);
    }
}

TEST (the_connection_of_a_receiver)
{
    for (int harm = on_oracle () ? SHUT : CLOSED; harm < HARMS; harm++) {
        acquaint ();
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_SEND (push, "which?", 0);
        CHECK_INT (zmq_msg_recv (&msg, pull, 0), 6);
        int fd = zmq_msg_get (&msg, ZMQ_SRCFD);
        CHECK_INT (fd, find_connection (endpoint, false));
        zmq_msg_close (&msg);
        do_harm (fd, harm);
        check_talks_again (push, pull);
        check_others_talk ();
        end (push, pull);
    }
}

TEST (connections_nobody_uses)
{
    for (int harm = on_oracle () ? SHUT : CLOSED; harm < HARMS; harm++) {
        acquaint ();
        do_harm (find_connection (endpoint, true), harm);
        end (push, pull);
    }
}

TEST (a_listener)
{
    if (on_oracle ())
        return; /* aborts */
    for (int harm = CLOSED; harm < HARMS; harm++) {
        acquaint ();
        int sockets[64], count = find_fds ("socket:", sockets, 64);
        for (int i = 0; i < count; i++)
            if (listens (sockets[i]))
                do_harm (sockets[i], harm);
        /* Who is there stays there. */
        CHECK_SEND (push, "still", 0);
        CHECK_RECV (pull, "still");
        check_others_talk ();
        CHECK_OK (zmq_unbind (pull, endpoint));
        CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
        check_talks_again (push, pull);
        end (push, pull);
    }
}

/* What has the number of a connection or of a listener by now is not closed with
 * it: a file, or a socket of the program's own. */
TEST (what_took_the_number_stays_open)
{
    if (on_oracle ())
        return; /* closes it, or aborts */
    for (int i = 0; i < 4; i++) {
        bool socket = i % 2, listener = i / 2;
        int pair[2], found[64], taken = -1;
        REQUIRE (socketpair (AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        acquaint ();
        if (listener) {
            for (int n = find_fds ("socket:", found, 64); n-- > 0;)
                if (listens (found[n]))
                    taken = found[n];
        }
        else
            taken = find_connection (endpoint, true);
        REQUIRE (taken >= 0);
        if (socket)
            REQUIRE (syscall (SYS_dup2, pair[0], taken) == taken);
        else
            do_harm (taken, REPLACED);
        end (push, pull);
        CHECK (fcntl (taken, F_GETFD) >= 0);
        close (taken);
        close (pair[0]);
        close (pair[1]);
    }
}

/* ZMQ_FD: nobody is told any more; the socket works. */
TEST (the_descriptor_of_a_socket)
{
    if (on_oracle ())
        return; /* aborts */
    for (int harm = CLOSED; harm < SHUT; harm++) {
        acquaint ();
        do_harm (get_int (pull, ZMQ_FD), harm);
        do_harm (get_int (push, ZMQ_FD), harm);
        CHECK (get_int (push, ZMQ_EVENTS) & ZMQ_POLLOUT);
        CHECK_SEND (push, "mute", 0);
        CHECK_BECOMES (get_int (pull, ZMQ_EVENTS) == ZMQ_POLLIN);
        CHECK_RECV (pull, "mute");
        struct call waiting;
        call_start (&waiting, body_recv, pull, NULL);
        call_wait_blocked (&waiting);
        CHECK_SEND (push, "!", 0);
        call_join (&waiting);
        CHECK_INT (waiting.rc, 1);
        end (push, pull);
    }
}

/* Whatever the library watches with: calls may fail, but they end. */
static void check_ends (void)
{
    for (int i = 0; i < 5; i++) {
        char byte;
        zmq_pollitem_t items[] = {{pull, 0, ZMQ_POLLIN, 0},
                                  {NULL, 0, ZMQ_POLLIN, 0}};
        zmq_send (push, "x", 1, ZMQ_DONTWAIT);
        zmq_recv (pull, &byte, 1, ZMQ_DONTWAIT);
        set_int (pull, ZMQ_RCVTIMEO, 20);
        zmq_recv (pull, &byte, 1, 0);
        zmq_poll (items, 1 + i % 2, 20);
        get_int (pull, ZMQ_EVENTS);
        zmq_bind (pull, "tcp://127.0.0.1:*");
        zmq_connect (push, endpoint);
        zmq_connect (push, "inproc://nobody");
    }
    long long start = now_ms ();
    CHECK_OK (zmq_close (push));
    CHECK_OK (zmq_close (pull));
    CHECK_OK (zmq_ctx_term (ctx));
    CHECK (now_ms () - start < 5000);
}

TEST (what_the_library_waits_with)
{
    if (on_oracle ())
        return; /* aborts */
    static const char *const kinds[] = {"anon_inode:[eventpoll]",
                                        "anon_inode:[eventfd]", "anon_inode:"};
    for (int kind = 0; kind < 3; kind++)
        for (int harm = CLOSED; harm < SHUT; harm++) {
            acquaint ();
            int fds[64], count = find_fds (kinds[kind], fds, 64);
            CHECK (count > 0);
            for (int i = 0; i < count; i++)
                do_harm (fds[i], harm);
            check_ends ();
            /* What is there now is the program's. */
            for (int i = 0; i < count && harm == REPLACED; i++)
                CHECK (fcntl (fds[i], F_GETFD) >= 0);
        }
}

/* A context that lost its poll set answers ETERM from then on, but is closed
 * and terminated as ever, without lingering. */
TEST (a_context_that_failed)
{
    if (on_oracle ())
        return; /* aborts */
    for (int harm = CLOSED; harm < SHUT; harm++) {
        acquaint ();
        int fds[8], count = find_fds ("anon_inode:[eventpoll]", fds, 8);
        CHECK (count > 0);
        CHECK_OK (set_int (push, ZMQ_LINGER, -1));
        for (int i = 0; i < count; i++)
            do_harm (fds[i], harm);
        char byte;
        CHECK_BECOMES (zmq_send (push, "x", 1, ZMQ_DONTWAIT) == -1
                       && errno == ETERM);
        /* What had arrived can be read. */
        while (zmq_recv (pull, &byte, 1, 0) == 1)
            ;
        CHECK_INT (errno, ETERM);
        errno = 0;
        CHECK (zmq_socket (ctx, ZMQ_PAIR) == NULL);
        CHECK_INT (errno, ETERM);
        end (push, pull);
    }
}

TEST (all_there_are)
{
    if (on_oracle ())
        return; /* aborts */
    int first = 3; /* beyond what is not the library's */
    start_sanitizer ();
    for (int fd = first; fd < 256; fd++)
        if (fcntl (fd, F_GETFD) >= 0)
            first = fd + 1;
    for (int harm = CLOSED; harm < SHUT; harm++) {
        acquaint ();
        for (int fd = first; fd < 256; fd++)
            if (harm == CLOSED || fcntl (fd, F_GETFD) >= 0)
                do_harm (fd, harm);
        check_ends ();
        /* Another context has descriptors of its own. */
        acquaint ();
        end (push, pull);
    }
}

MAIN
