/* sockets.h - sockets, endpoints and messages for the tests of the patterns.
 *
 * A test written with STORY or STORY_ON_EACH_TRANSPORT opens sockets with
 * open_socket (); when it ends, all of them are closed and the context is
 * terminated, which must succeed. Sends and receives give up after ten
 * seconds, so that a lost message fails the line that waits for it.
 *
 * Messages are written as text: frames are parted by '|', and bytes that are
 * not printable (and '%' and '|' themselves, as in some ids) as %XX. "a||b" has three frames, the second
 * empty; "" is one empty frame.
 */
#ifndef FERROZMQ_SOCKETS_H
#define FERROZMQ_SOCKETS_H

#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

enum { WAIT_MS = 10000 };
enum transport { INPROC, IPC, TCP };

static void *check_context;
static void *check_sockets[4096];
static int check_socket_count;
static int check_endpoint_count;

static inline void name_ipc_path (char *path, int number)
{
    snprintf (path, 128, "/tmp/check-%d-%d.ipc", (int) getpid (), number);
}

/* Ends the test when a helper cannot do its part; counts no check when it can. */
#define MUST(COND)                                                             \
    do {                                                                       \
        if (!(COND))                                                           \
            REQUIRE (!"possible: " #COND);                                     \
    } while (0)

static inline void finish_story (void)
{
    for (int i = 0; i < check_socket_count; i++)
        if (check_sockets[i])
            CHECK_OK (zmq_close (check_sockets[i]));
    if (check_context)
        CHECK_OK (zmq_ctx_term (check_context));
    for (int i = 1; i <= check_endpoint_count; i++) {
        char path[128];
        name_ipc_path (path, i);
        unlink (path);
    }
}

#define STORY(NAME)                                                            \
    static void story_##NAME (void);                                           \
    TEST (NAME)                                                                \
    {                                                                          \
        story_##NAME ();                                                       \
        finish_story ();                                                       \
    }                                                                          \
    static void story_##NAME (void)

#define STORY_ON_NETWORK_TRANSPORTS(NAME)                                      \
    static void story_##NAME (enum transport transport);                       \
    TEST (NAME##_ipc)                                                          \
    {                                                                          \
        story_##NAME (IPC);                                                    \
        finish_story ();                                                       \
    }                                                                          \
    TEST (NAME##_tcp)                                                          \
    {                                                                          \
        story_##NAME (TCP);                                                    \
        finish_story ();                                                       \
    }                                                                          \
    static void story_##NAME (enum transport transport)

#define STORY_ON_EACH_TRANSPORT(NAME)                                          \
    static void story_##NAME (enum transport transport);                       \
    TEST (NAME##_inproc)                                                       \
    {                                                                          \
        story_##NAME (INPROC);                                                 \
        finish_story ();                                                       \
    }                                                                          \
    TEST (NAME##_ipc)                                                          \
    {                                                                          \
        story_##NAME (IPC);                                                    \
        finish_story ();                                                       \
    }                                                                          \
    TEST (NAME##_tcp)                                                          \
    {                                                                          \
        story_##NAME (TCP);                                                    \
        finish_story ();                                                       \
    }                                                                          \
    static void story_##NAME (enum transport transport)

static inline int set_int (void *socket, int option, int value)
{
    return zmq_setsockopt (socket, option, &value, sizeof value);
}

static inline int int_option (void *socket, int option)
{
    int value = -12345;
    size_t size = sizeof value;
    MUST (zmq_getsockopt (socket, option, &value, &size) == 0);
    return value;
}

/* Makes the socket take note of what has happened to its peers. */
static inline void settle (void *socket)
{
    int_option (socket, ZMQ_EVENTS);
}

static inline void *context (void)
{
    if (!check_context) {
        check_context = zmq_ctx_new ();
        MUST (check_context);
        MUST (zmq_ctx_set (check_context, ZMQ_MAX_SOCKETS, 4096) == 0);
    }
    return check_context;
}

/* A socket that drops what is unsent when closed, and never waits for ever. */
static inline void *open_socket (int type)
{
    void *socket = zmq_socket (context (), type);
    MUST (socket);
    set_int (socket, ZMQ_LINGER, 0);
    set_int (socket, ZMQ_RCVTIMEO, WAIT_MS);
    set_int (socket, ZMQ_SNDTIMEO, WAIT_MS);
    MUST (check_socket_count < 4096);
    check_sockets[check_socket_count++] = socket;
    return socket;
}

static inline void close_socket (void *socket)
{
    for (int i = 0; i < check_socket_count; i++)
        if (check_sockets[i] == socket)
            check_sockets[i] = NULL;
    CHECK_OK (zmq_close (socket));
}

/* Names an endpoint of this transport that nobody has bound. */
static inline const char *fresh_endpoint (enum transport transport)
{
    static char endpoints[64][128 + 6];
    char *endpoint = endpoints[check_endpoint_count++ % 64];
    if (transport == INPROC)
        snprintf (endpoint, 128, "inproc://story-%d",
                  check_endpoint_count);
    else if (transport == IPC) {
        strcpy (endpoint, "ipc://");
        name_ipc_path (endpoint + 6, check_endpoint_count);
    } else {
        /* A port that was free a moment ago, and is not in TIME_WAIT. */
        int fd = socket (AF_INET, SOCK_STREAM, 0);
        struct sockaddr_in address = {.sin_family = AF_INET};
        socklen_t size = sizeof address;
        address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
        MUST (fd >= 0 && bind (fd, (void *) &address, size) == 0
                 && getsockname (fd, (void *) &address, &size) == 0);
        close (fd);
        snprintf (endpoint, 128, "tcp://127.0.0.1:%d",
                  ntohs (address.sin_port));
    }
    return endpoint;
}

/* Binds to a free endpoint of this transport and says which. */
static inline const char *bind_any (void *socket, enum transport transport)
{
    static char endpoints[64][256];
    static int count;
    if (transport != TCP) {
        const char *fresh = fresh_endpoint (transport);
        MUST (zmq_bind (socket, fresh) == 0);
        return fresh;
    }
    char *endpoint = endpoints[count++ % 64];
    size_t size = 256;
    MUST (zmq_bind (socket, "tcp://127.0.0.1:*") == 0);
    MUST (zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0);
    return endpoint;
}

/* Binds to an endpoint that its last holder may still be leaving. */
static inline void rebind (void *socket, const char *endpoint)
{
    for (long long end = now_ms () + WAIT_MS; zmq_bind (socket, endpoint) != 0;) {
        MUST (errno == EADDRINUSE && now_ms () < end);
        sleep_ms (10);
    }
}

static inline void *bound_socket (int type, enum transport transport,
                                  const char **endpoint)
{
    void *socket = open_socket (type);
    *endpoint = bind_any (socket, transport);
    return socket;
}

static inline void *connected_socket (int type, const char *endpoint)
{
    void *socket = open_socket (type);
    MUST (zmq_connect (socket, endpoint) == 0);
    return socket;
}

/* Two sockets, one bound and the other connected to it. */
static inline void join_sockets (enum transport transport, int bound_type,
                                 void **bound, int connected_type,
                                 void **connected)
{
    const char *endpoint;
    *bound = bound_socket (bound_type, transport, &endpoint);
    *connected = connected_socket (connected_type, endpoint);
}

static inline int hex_digit (char c)
{
    return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

/* Sends the frames of a text; -1 and errno when a frame cannot be sent. */
static inline int send_text (void *socket, const char *text, int flags)
{
    for (;;) {
        unsigned char frame[1024];
        size_t size = 0;
        while (*text && *text != '|') {
            MUST (size < sizeof frame);
            if (*text == '%') {
                frame[size++] = (unsigned char) (hex_digit (text[1]) * 16
                                                 + hex_digit (text[2]));
                text += 3;
            } else
                frame[size++] = (unsigned char) *text++;
        }
        int more = *text++ == '|';
        int rc = zmq_send (socket, frame, size, flags | (more ? ZMQ_SNDMORE : 0));
        if (rc < 0)
            return -1;
        if (rc != (int) size)
            return -2;
        if (!more)
            return 0;
    }
}

/* Receives a whole message as text; NULL and errno when there is none. */
static inline const char *recv_text (void *socket, int flags)
{
    static char texts[8][8192];
    static int count;
    char *text = texts[count++ % 8];
    size_t used = 0;
    for (;;) {
        zmq_msg_t part;
        zmq_msg_init (&part);
        if (zmq_msg_recv (&part, socket, flags) < 0) {
            int saved = errno;
            zmq_msg_close (&part);
            errno = saved;
            return NULL;
        }
        const unsigned char *data = zmq_msg_data (&part);
        for (size_t i = 0; i < zmq_msg_size (&part); i++) {
            MUST (used + 8 < sizeof texts[0]);
            if (data[i] < 32 || data[i] > 126 || strchr ("%|", data[i]))
                used += (size_t) sprintf (text + used, "%%%02X", data[i]);
            else
                text[used++] = (char) data[i];
        }
        int more = zmq_msg_more (&part);
        zmq_msg_close (&part);
        text[used] = 0;
        if (!more)
            return text;
        text[used++] = '|';
    }
}

/* What is pending is processed first, so that this tells the present state. */
static inline int try_send (void *socket, const char *text)
{
    settle (socket);
    return send_text (socket, text, ZMQ_DONTWAIT);
}

#define SEND(SOCKET, TEXT) CHECK_OK (send_text (SOCKET, TEXT, 0))

#define CHECK_RECV(SOCKET, TEXT)                                               \
    do {                                                                       \
        const char *text_ = recv_text (SOCKET, 0);                             \
        CHECK_STR (text_ ? text_ : zmq_strerror (errno), TEXT);                \
    } while (0)

/* No message is there now. Only telling where something else has proved that
 * it would be, or over inproc. */
#define CHECK_EMPTY(SOCKET)                                                    \
    do {                                                                       \
        settle (SOCKET);                                                       \
        CHECK_ERR (zmq_recv (SOCKET, NULL, 0, ZMQ_DONTWAIT), EAGAIN);          \
    } while (0)

/* No message comes for a while, where no event can tell. */
#define CHECK_QUIET(SOCKET) CHECK_INT (wait_event (SOCKET, ZMQ_POLLIN, 150), 0)

#define CHECK_BLOCKED(SOCKET) CHECK_ERR (try_send (SOCKET, "blocked"), EAGAIN)

/* Waits for readiness; the events seen, 0 when the time is over. */
static inline int wait_event (void *socket, short events, long timeout_ms)
{
    zmq_pollitem_t item = {socket, 0, events, 0};
    int rc = zmq_poll (&item, 1, timeout_ms);
    return rc < 0 ? -1 : item.revents;
}

#define AWAIT_IN(SOCKET)                                                       \
    MUST (wait_event (SOCKET, ZMQ_POLLIN, WAIT_MS) == ZMQ_POLLIN)
#define AWAIT_OUT(SOCKET)                                                      \
    MUST (wait_event (SOCKET, ZMQ_POLLOUT, WAIT_MS) == ZMQ_POLLOUT)

/* Receives while another socket of this thread is looked after: some of what
 * a socket does for its peers happens only while its owner calls into it. */
#define CHECK_RECV_BESIDE(SOCKET, OTHER, TEXT)                                 \
    do {                                                                       \
        long long until_ = now_ms () + WAIT_MS;                                \
        do                                                                     \
            settle (OTHER);                                                    \
        while (wait_event (SOCKET, ZMQ_POLLIN, 5) == 0 && now_ms () < until_); \
        CHECK_RECV (SOCKET, TEXT);                                             \
    } while (0)

/* Sends numbered messages until the socket blocks, at most `limit`. */
static inline int fill (void *socket, int limit)
{
    char text[32];
    int sent = 0;
    for (; sent < limit; sent++) {
        snprintf (text, sizeof text, "%d", sent);
        if (try_send (socket, text) != 0)
            break;
    }
    return sent;
}

/* Receives `count` messages numbered from `first`; how many were in order. */
static inline int recv_numbered (void *socket, int first, int count)
{
    int good = 0;
    for (int i = 0; i < count; i++) {
        const char *text = recv_text (socket, 0);
        if (!text)
            break;
        good += atoi (text) == first + i;
    }
    return good;
}

static inline int send_numbered (void *socket, int first, int count)
{
    char text[32];
    int sent = 0;
    for (; sent < count; sent++) {
        snprintf (text, sizeof text, "%d", first + sent);
        if (send_text (socket, text, 0) != 0)
            break;
    }
    return sent;
}

/* What a conflating socket receives of numbers that are sent from 0 to LAST: some, in order,
   and the last. libzmq's loses one that comes while it is being asked, also the last: there it
   is sent once more. */
static inline int ends_with (void *socket, void *from, int last)
{
    for (int seen = -1; seen != last;) {
        const char *text = recv_text (socket, 0);
        if (!text && on_oracle () && send_numbered (from, last, 1) == 1)
            text = recv_text (socket, 0);
        if (!text || atoi (text) <= seen)
            return 0;
        seen = atoi (text);
    }
    return 1;
}

/* Receives without waiting until there is nothing; how many there were. */
static inline int drain (void *socket)
{
    int count = 0;
    settle (socket);
    while (recv_text (socket, ZMQ_DONTWAIT))
        count++;
    return count;
}

#endif
