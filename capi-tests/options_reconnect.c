/* When and whether to connect again: intervals, back-off, what ends it, and
 * ZMQ_IMMEDIATE, with which nothing is queued until then. */
#include "kernel.h"

/* A draft option, which the stable functions know by its number. */
#define RECONNECT_STOP 109
enum { STOP_REFUSED = 1, STOP_HANDSHAKE = 2 };

/* How often a peer that hangs up is called again while `ms` pass. */
static int calls (int ivl, int most, int ms, int *gaps)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PUSH);
    int listener = raw_listen (endpoint), count = 0;
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, ivl));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL_MAX, most));
    CHECK_OK (zmq_connect (s, endpoint));
    long long last = now_ms (), until = last + ms;
    for (int fd; (fd = accept_within (listener, (int) (until - now_ms ()))) >= 0;) {
        if (gaps && count < 8)
            gaps[count] = (int) (now_ms () - last);
        last = now_ms ();
        count++;
        close (fd);
        if (now_ms () >= until)
            break;
    }
    close (listener);
    end (s, NULL);
    return count;
}

TEST (reconnects_come_at_the_interval)
{
    int gaps[8] = {0};
    int count = calls (100, 0, 1000, gaps);
    CHECK (count >= 2 && count <= 11);
    for (int i = 1; i < count && i < 8; i++)
        CHECK (gaps[i] >= 95);
}

/* How long a first connection takes that is refused for a second. */
static long long time_to_connect (int most)
{
    endpoint_t endpoint;
    begin ();
    int fd = refusing (endpoint);
    void *s = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 100));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL_MAX, most));
    long long start = now_ms ();
    CHECK_OK (zmq_connect (s, endpoint));
    sleep_ms (1000);
    CHECK_OK (listen (fd, 8));
    int peer = accept_within (fd, AMPLE_MS);
    CHECK (peer >= 0);
    long long took = now_ms () - start;
    close (peer);
    close (fd);
    end (s, NULL);
    return took;
}

TEST (the_interval_doubles_while_connections_are_refused)
{
    /* 100, 200, 400 and 800 ms at least */
    CHECK (time_to_connect (100000) >= 1490);
    CHECK (time_to_connect (0) >= 1000);
}

TEST (a_connection_that_came_about_starts_it_anew)
{
    CHECK (calls (50, 5000, 3000, NULL) >= 8);
}

TEST (a_smaller_most_is_ignored)
{
    int gaps[8] = {0};
    calls (100, 20, 800, gaps);
    CHECK (gaps[1] >= 95);
    CHECK (gaps[2] == 0 || gaps[2] >= 95);
}

TEST (no_interval_no_reconnects)
{
    CHECK_INT (calls (-1, 0, 400, NULL), 1);
    CHECK_INT (calls (0, 0, 400, NULL), 1);
}

TEST (without_reconnects_a_lost_connection_is_no_endpoint_any_more)
{
    endpoint_t endpoint;
    begin ();
    void *pull = new_socket (ctx, ZMQ_PULL), *push = new_socket (ctx, ZMQ_PUSH);
    bind_to (pull, "tcp", endpoint);
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_OK (zmq_close (pull));
    CHECK_BECOMES (zmq_send (push, "y", 1, ZMQ_DONTWAIT) < 0);
    CHECK_ERR (zmq_disconnect (push, endpoint), ENOENT);
    end (push, NULL);
}

TEST (without_reconnects_a_refused_connect_stays_one)
{
    endpoint_t endpoint;
    begin ();
    int fd = refusing (endpoint);
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (zmq_connect (push, endpoint));
    sleep_ms (100);
    close (fd);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_SEND (push, "never seen", 0);
    CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, 200));
    CHECK_ERR (zmq_recv (pull, NULL, 0, 0), EAGAIN);
    CHECK_OK (zmq_disconnect (push, endpoint));
    CHECK_ERR (zmq_disconnect (push, endpoint), ENOENT);
    end (push, pull);
}

TEST (what_is_never_to_be_sent_is_not_lingered_for)
{
    if (on_oracle ())
        return; /* zmq_ctx_term never returns */
    endpoint_t endpoint;
    begin ();
    int fd = refusing (endpoint);
    void *push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (set_int (push, ZMQ_LINGER, -1));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "never sent", 0);
    end (push, NULL);
    close (fd);
}

TEST (refused_once_is_refused_for_good_if_so_told)
{
    endpoint_t endpoint;
    for (int stop = 0; stop < 2; stop++) {
        begin ();
        int fd = refusing (endpoint);
        void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
        CHECK_OK (set_int (push, RECONNECT_STOP, stop ? STOP_REFUSED : 0));
        CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 20));
        CHECK_OK (zmq_connect (push, endpoint));
        if (stop)
            CHECK_BECOMES (zmq_send (push, "x", 1, ZMQ_DONTWAIT) < 0);
        else
            sleep_ms (100);
        close (fd);
        CHECK_OK (zmq_bind (pull, endpoint));
        if (stop) {
            CHECK_ERR (zmq_disconnect (push, endpoint), ENOENT);
            CHECK_ERR (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
            /* Connecting anew is another matter. */
            CHECK_OK (zmq_connect (push, endpoint));
        }
        CHECK_SEND (push, "there now", 0);
        CHECK_RECV (pull, "there now");
        end (push, pull);
    }
}

/* The port with zeros before it, or a number of IPv4 under ZMQ_IPV6, which the oracle
 * would write otherwise: it keeps the pipe, and what is sent waits in it for nobody. */
static void stops_as_written (const char *format, int ipv6)
{
    endpoint_t endpoint, odd;
    begin ();
    int fd = refusing (endpoint), port = atoi (strrchr (endpoint, ':') + 1);
    snprintf (odd, sizeof odd, format, port);
    void *push = new_socket (ctx, ZMQ_PUSH), *other = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_IPV6, ipv6));
    CHECK_OK (set_int (push, RECONNECT_STOP, STOP_REFUSED));
    CHECK_OK (set_int (other, RECONNECT_STOP, STOP_REFUSED));
    CHECK_OK (zmq_connect (push, odd));
    CHECK_OK (zmq_connect (other, endpoint));
    CHECK_BECOMES (zmq_send (other, "x", 1, ZMQ_DONTWAIT) < 0);
    if (on_oracle ()) {
        CHECK_INT (zmq_send (push, "x", 1, ZMQ_DONTWAIT), 1);
        CHECK_OK (zmq_disconnect (push, odd));
    } else {
        CHECK_BECOMES (zmq_send (push, "x", 1, ZMQ_DONTWAIT) < 0);
        CHECK_ERR (zmq_disconnect (push, odd), ENOENT);
    }
    close (fd);
    end (push, other);
}

TEST (refused_for_good_however_the_endpoint_is_written)
{
    stops_as_written ("tcp://127.0.0.1:00%d", 0);
    stops_as_written ("tcp://127.0.0.1:%d", 1);
}

TEST (a_stopped_connect_is_not_in_the_way_of_the_next)
{
    endpoint_t endpoint;
    begin ();
    int fd = refusing (endpoint);
    void *a = new_socket (ctx, ZMQ_DEALER), *b = new_socket (ctx, ZMQ_DEALER);
    CHECK_OK (set_int (a, RECONNECT_STOP, STOP_REFUSED));
    CHECK_OK (zmq_connect (a, endpoint));
    CHECK_BECOMES (zmq_send (a, "x", 1, ZMQ_DONTWAIT) < 0);
    close (fd);
    CHECK_OK (zmq_bind (b, endpoint));
    CHECK_OK (zmq_connect (a, endpoint));
    CHECK_SEND (a, "again", 0);
    CHECK_RECV (b, "again");
    end (a, b);
}

TEST (ipc_is_tried_on_when_refused)
{
    endpoint_t endpoint;
    begin ();
    snprintf (endpoint, sizeof endpoint, "ipc://%s/absent-%d", folder, getpid ());
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (push, RECONNECT_STOP, STOP_REFUSED));
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 20));
    CHECK_OK (zmq_connect (push, endpoint));
    sleep_ms (60);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_SEND (push, "found", 0);
    CHECK_RECV (pull, "found");
    end (push, pull);
}

/* How often a peer is called that hangs up before or after the handshake. */
static int calls_with (int stop, bool handshake)
{
    endpoint_t endpoint;
    begin ();
    void *s = new_socket (ctx, ZMQ_PUSH);
    int listener = raw_listen (endpoint), count = 0;
    CHECK_OK (set_int (s, RECONNECT_STOP, stop));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (s, endpoint));
    for (int fd; count < 3 && (fd = accept_within (listener, count ? 500 : AMPLE_MS)) >= 0;) {
        count++;
        if (handshake) {
            CHECK (raw_handshake (fd, "PULL"));
            /* Once its message comes it knows of the handshake. */
            char body[3];
            CHECK_SEND (s, "x", 0);
            CHECK (raw_read (fd, body, 3) && body[2] == 'x');
        }
        close (fd);
    }
    close (listener);
    end (s, NULL);
    return count;
}

TEST (a_failed_handshake_is_the_last_if_so_told)
{
    CHECK_INT (calls_with (STOP_HANDSHAKE, false), 1);
    CHECK_INT (calls_with (STOP_HANDSHAKE | STOP_REFUSED, false), 1);
    CHECK_INT (calls_with (STOP_HANDSHAKE, true), 3);
    CHECK_INT (calls_with (STOP_REFUSED, false), 3);
    CHECK_INT (calls_with (4, false), 3);
}

/* ---- ZMQ_IMMEDIATE ---- */

TEST (immediate_queues_for_nobody)
{
    endpoint_t endpoint;
    begin ();
    int fd = refusing (endpoint);
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_ERR (zmq_send (push, "x", 1, ZMQ_DONTWAIT), EAGAIN);
    CHECK_OK (set_int (push, ZMQ_SNDTIMEO, 50));
    CHECK_ERR (zmq_send (push, "x", 1, 0), EAGAIN);
    close (fd);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_OK (set_int (push, ZMQ_SNDTIMEO, AMPLE_MS));
    CHECK_SEND (push, "connected", 0);
    CHECK_RECV (pull, "connected");
    end (push, pull);
}

TEST (immediate_passes_over_who_is_not_there)
{
    endpoint_t there, absent;
    begin ();
    int fd = refusing (absent);
    void *push = new_socket (ctx, ZMQ_PUSH), *pull = new_socket (ctx, ZMQ_PULL);
    bind_to (pull, "tcp", there);
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (zmq_connect (push, absent));
    CHECK_OK (zmq_connect (push, there));
    for (int i = 0; i < 10; i++)
        CHECK_SEND (push, "x", 0);
    for (int i = 0; i < 10; i++)
        CHECK_RECV (pull, "x");
    CHECK_OK (zmq_disconnect (push, absent));
    close (fd);
    end (push, pull);
}

MAIN
