/* How many messages lie in a socket of the network while its peer does not read,
 * or while nobody receives: what the water marks say. Raw peers with small
 * buffers and messages larger than these show it. */
#include "sockets.h"
#include "raw.h"

enum { LARGE = 3000000, SMALL = 100000, MOST = 8 };

static void shrink_buffers (int fd)
{
    int size = 4096;
    setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

/* The library's socket of this type, with a raw peer that has met it. */
static void *meet (int type, int option, int mark, int binds, int *fd,
                   const char *peer_type)
{
    void *socket = open_socket (type);
    CHECK_OK (set_int (socket, option, mark));
    CHECK_OK (set_int (socket, ZMQ_SNDBUF, 16384));
    CHECK_OK (set_int (socket, ZMQ_RCVBUF, 4096));
    if (binds)
        *fd = raw_connect (bind_any (socket, TCP));
    else {
        endpoint_t endpoint;
        int listener = raw_listen (endpoint);
        MUST (zmq_connect (socket, endpoint) == 0);
        MUST ((*fd = accept (listener, NULL, NULL)) >= 0);
        close (listener);
    }
    shrink_buffers (*fd);
    MUST (raw_handshake (*fd, peer_type));
    return socket;
}

/* The one that the kernel has not taken whole counts. */
STORY (a_peer_that_does_not_read_is_sent_exactly_sndhwm)
{
    static char body[LARGE];
    for (int mark = 1; mark < MOST; mark++)
        for (int binds = 0; binds < 2; binds++) {
            int fd, sent = 0;
            void *push = meet (ZMQ_PUSH, ZMQ_SNDHWM, mark, binds, &fd, "PULL");
            if (binds)
                AWAIT_OUT (push);
            CHECK_OK (set_int (push, ZMQ_SNDTIMEO, 100));
            while (sent < 100 && zmq_send (push, body, LARGE, 0) == LARGE)
                sent++;
            if (on_oracle ()) /* one may be in the making */
                CHECK (sent >= mark && sent <= mark + 1);
            else
                CHECK_INT (sent, mark);
            close_socket (push);
            close (fd);
        }
}

/* A dealer and a router, whose peers have a mark each. */
STORY (each_peer_of_a_router_has_a_mark_of_its_own)
{
    static char body[LARGE];
    for (int mark = 1; mark < 4; mark++) {
        int fds[2];
        char ids[2][5];
        void *router = open_socket (ZMQ_ROUTER);
        CHECK_OK (set_int (router, ZMQ_SNDHWM, mark));
        CHECK_OK (set_int (router, ZMQ_SNDBUF, 16384));
        CHECK_OK (set_int (router, ZMQ_ROUTER_MANDATORY, 1));
        const char *endpoint = bind_any (router, TCP);
        for (int i = 0; i < 2; i++) {
            fds[i] = raw_connect (endpoint);
            shrink_buffers (fds[i]);
            MUST (raw_handshake (fds[i], "DEALER"));
            MUST (raw_send_frame (fds[i], "hi"));
            CHECK_INT (zmq_recv (router, ids[i], 5, 0), 5);
            CHECK_INT (zmq_recv (router, body, LARGE, 0), 2);
        }
        CHECK_OK (set_int (router, ZMQ_SNDTIMEO, 100));
        for (int i = 0; i < 2; i++) {
            int sent = 0;
            while (sent < 100
                   && zmq_send (router, ids[i], 5, ZMQ_SNDMORE) == 5
                   && zmq_send (router, body, LARGE, 0) == LARGE)
                sent++;
            if (on_oracle ())
                CHECK (sent >= mark && sent <= mark + 1);
            else
                CHECK_INT (sent, mark);
        }
        close_socket (router);
        close (fds[0]);
        close (fds[1]);
    }
}

/* Beyond what the kernel keeps, which is less than a message. */
STORY (while_nobody_receives_exactly_rcvhwm_are_taken)
{
    static char frame[9 + SMALL] = {2, 0, 0, 0, 0, 0, SMALL >> 16,
                                    SMALL >> 8 & 255, (char) (SMALL & 255)};
    for (int mark = 1; mark < MOST; mark++)
        for (int binds = 0; binds < 2; binds++) {
            int fd, taken;
            size_t sent = 0;
            void *pull = meet (ZMQ_PULL, ZMQ_RCVHWM, mark, binds, &fd, "PUSH");
            fcntl (fd, F_SETFL, O_NONBLOCK);
            for (;;) {
                taken = (int) (sent / sizeof frame);
                struct pollfd item = {fd, POLLOUT, 0};
                if (poll (&item, 1, taken < mark ? WAIT_MS : 100) != 1)
                    break;
                size_t at = sent % sizeof frame;
                ssize_t n = send (fd, frame + at, sizeof frame - at, MSG_NOSIGNAL);
                MUST (n > 0);
                sent += (size_t) n;
            }
            if (on_oracle ())
                CHECK (taken >= mark && taken <= mark + 1);
            else
                CHECK_INT (taken, mark);
            /* It goes on as soon as somebody does: nothing is lost. */
            static char body[SMALL];
            for (int i = 0; i < taken; i++)
                CHECK_INT (zmq_recv (pull, body, SMALL, 0), SMALL);
            close_socket (pull);
            close (fd);
        }
}

STORY (inproc_without_a_mark_on_either_side_has_no_limit_when_connected_first)
{
    for (int side = 0; side < 3; side++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
        CHECK_OK (set_int (push, ZMQ_SNDHWM, side == 1 ? 2 : 0));
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, side == 2 ? 2 : 0));
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_OK (zmq_bind (pull, endpoint));
        CHECK_INT (fill (push, 5000), 5000);
        CHECK_INT (recv_numbered (pull, 0, 5000), 5000);
    }
}

/* The oracle goes by what was set when the socket connected. */
STORY (a_mark_changed_while_nobody_is_bound_counts_when_somebody_binds)
{
    for (int connects = 0; connects < 2; connects++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
        CHECK_OK (set_int (push, ZMQ_SNDHWM, connects ? 10 : 3));
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, connects ? 4 : 10));
        CHECK_OK (zmq_connect (connects ? push : pull, endpoint));
        if (connects)
            CHECK_OK (set_int (push, ZMQ_SNDHWM, 2));
        else
            CHECK_OK (set_int (pull, ZMQ_RCVHWM, 20));
        CHECK_OK (zmq_bind (connects ? pull : push, endpoint));
        if (on_oracle ())
            CHECK_INT (fill (push, 100), connects ? 14 : 13);
        else
            CHECK_INT (fill (push, 100), connects ? 6 : 23);
    }
}

MAIN
