/* What subscribers may make a publisher hold: many and long topics, a peer that
 * wants too much, news that nobody receives. */
#include "zmtp.h"
#include <fcntl.h>

enum { MIB = 1024 * 1024 };

static int subscribe (void *socket, const void *topic, size_t size)
{
    return zmq_setsockopt (socket, ZMQ_SUBSCRIBE, topic, size);
}

static int unsubscribe (void *socket, const void *topic, size_t size)
{
    return zmq_setsockopt (socket, ZMQ_UNSUBSCRIBE, topic, size);
}

/* A command whose data is `size` bytes, the first eight of them `number`. */
static size_t long_command (unsigned char **command, const char *name, size_t size,
                            uint64_t number)
{
    size_t length = strlen (name), body = 1 + length + size;
    static unsigned char *memory;
    static size_t room;
    if (room < body + 9)
        memory = realloc (memory, room = body + 9);
    memory[0] = 6;
    for (int i = 0; i < 8; i++)
        memory[1 + i] = (unsigned char) (body >> (56 - 8 * i));
    memory[9] = (unsigned char) length;
    memcpy (memory + 10, name, length);
    memset (memory + 10 + length, 'x', size);
    memcpy (memory + 10 + length, &number, sizeof number);
    *command = memory;
    return body + 9;
}

/* Sends all, or as much as is taken before the peer stops reading for a while
 * or ends: what was sent. */
static size_t send_while_taken (int fd, const unsigned char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t rc = send (fd, data + done, size - done,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
        struct pollfd item = {fd, POLLOUT, 0};
        if (rc > 0)
            done += (size_t) rc;
        else if (errno != EAGAIN || poll (&item, 1, 3000) <= 0)
            break;
    }
    return done;
}

static int ends (int fd)
{
    char bytes[4096];
    struct pollfd item = {fd, POLLIN, 0};
    while (poll (&item, 1, WAIT_MS) > 0)
        if (recv (fd, bytes, sizeof bytes, 0) <= 0)
            return 1;
    return 0;
}

STORY_ON_EACH_TRANSPORT (a_topic_of_two_megabytes)
{
    enum { SIZE = 2 * MIB };
    /* libzmq's stack does not take it. */
    if (on_oracle ())
        return;
    const char *endpoint;
    char *topic = malloc (SIZE + 1), *got = malloc (SIZE + 1);
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    memset (topic, 'x', SIZE + 1);
    CHECK_OK (subscribe (sub, topic, SIZE));
    CHECK_INT (zmq_recv (xpub, got, SIZE + 1, 0), SIZE + 1);
    CHECK_INT (got[0], 1);
    CHECK_OK (memcmp (got + 1, topic, SIZE));
    CHECK_INT (zmq_send (xpub, topic, SIZE - 1, 0), SIZE - 1);
    CHECK_INT (zmq_send (xpub, topic, SIZE + 1, 0), SIZE + 1);
    CHECK_INT (zmq_recv (sub, got, SIZE + 1, 0), SIZE + 1);
    CHECK_OK (unsubscribe (sub, topic, SIZE));
    CHECK_INT (zmq_recv (xpub, got, SIZE + 1, 0), SIZE + 1);
    CHECK_INT (got[0], 0);
    CHECK_EMPTY (xpub);
    free (topic);
    free (got);
}

STORY_ON_EACH_TRANSPORT (a_hundred_thousand_subscriptions_at_the_default_marks)
{
    enum { N = 100000 };
    /* libzmq loses what is over the water mark. */
    if (on_oracle ())
        return;
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, transport, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    char topic[32];
    int told = 0, good = 0;
    for (int i = 0; i < N; i++) {
        int size = sprintf (topic, "topic-%d.", i);
        MUST (subscribe (sub, topic, (size_t) size) == 0);
    }
    for (int i = 0; i < N; i++)
        told += zmq_recv (xpub, topic, sizeof topic, 0) > 0 && topic[0] == 1;
    CHECK_INT (told, N);
    for (int i = 0; i < N; i += 997) {
        int size = sprintf (topic, "topic-%d.", i);
        MUST (zmq_send (xpub, topic, (size_t) size, 0) == size);
        good += zmq_recv (sub, topic, sizeof topic, 0) == size;
    }
    CHECK_INT (good, (N + 996) / 997);
    close_socket (sub);
    told = 0;
    for (int i = 0; i < N; i++)
        told += zmq_recv (xpub, topic, sizeof topic, 0) > 0 && topic[0] == 0;
    CHECK_INT (told, N);
    CHECK_EMPTY (xpub);
}

STORY (a_peer_that_subscribes_to_too_much_is_left)
{
    /* libzmq goes on until there is no memory. */
    if (on_oracle ())
        return;
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, TCP, &endpoint);
    void *sub = connected_socket (ZMQ_SUB, endpoint);
    CHECK_OK (subscribe (sub, "good", 4));
    int fd = peer_connect (endpoint, "SUB");
    unsigned char *command;
    size_t sent = 0;
    /* It does not read what it is sent, either. */
    static char large[MIB] = "T";
    CHECK_OK (set_int (pub, ZMQ_LINGER, -1));
    peer_command (fd, "SUBSCRIBE", "T");
    for (int i = 0; i < 20; i++) {
        MUST (zmq_send (pub, large, sizeof large, 0) == sizeof large);
        sleep_ms (1);
    }
    for (uint64_t i = 0; i < 2048; i++) {
        size_t size = long_command (&command, "SUBSCRIBE", MIB, i);
        size_t taken = send_while_taken (fd, command, size);
        sent += taken;
        settle (pub);
        if (taken < size)
            break;
    }
    CHECK (sent > 255 * (size_t) MIB && sent < 400 * (size_t) MIB);
    settle (pub);
    CHECK (ends (fd));
    close (fd);
    do
        SEND (pub, "good");
    while (wait_event (sub, ZMQ_POLLIN, 5) == 0);
    CHECK_RECV (sub, "good");
}

STORY (what_was_cancelled_does_not_count)
{
    if (on_oracle ())
        return;
    const char *endpoint;
    void *pub = bound_socket (ZMQ_PUB, TCP, &endpoint);
    int fd = peer_connect (endpoint, "SUB");
    unsigned char *command;
    int taken = 0;
    for (uint64_t i = 0; i < 100; i++) {
        size_t size = long_command (&command, "SUBSCRIBE", 8 * MIB, i);
        taken += send_while_taken (fd, command, size) == size;
        settle (pub);
        size = long_command (&command, "CANCEL", 8 * MIB, i);
        taken += send_while_taken (fd, command, size) == size;
        settle (pub);
    }
    CHECK_INT (taken, 200);
    peer_command (fd, "SUBSCRIBE", "T");
    do
        SEND (pub, "T");
    while (poll (&(struct pollfd) {fd, POLLIN, 0}, 1, 5) == 0);
    CHECK_FRAME (fd, "0:T");
    close (fd);
}

STORY (news_that_nobody_receives_makes_its_senders_wait)
{
    if (on_oracle ())
        return;
    enum { SIZE = 256 * 1024 };
    const char *endpoint;
    void *xpub = bound_socket (ZMQ_XPUB, TCP, &endpoint);
    int fd = peer_connect (endpoint, "SUB");
    unsigned char *command;
    char *got = malloc (SIZE + 1);
    uint64_t commands = 0, told = 0, good = 0;
    size_t rest = 0, size = 0;
    for (; commands < 8192 && rest == 0; commands++) {
        size = long_command (&command, commands & 1 ? "CANCEL" : "SUBSCRIBE",
                             SIZE, commands / 2);
        rest = size - send_while_taken (fd, command, size);
        settle (xpub);
    }
    /* It stopped in the midst of one. */
    CHECK (commands > 1000 && commands < 4096);
    /* Received, all of it has come, in order. */
    for (; told < commands; told++) {
        if (rest > 0 && told + 1000 > commands) {
            peer_write (fd, command + size - rest, rest);
            rest = 0;
        }
        uint64_t number = told / 2;
        good += zmq_recv (xpub, got, SIZE + 1, 0) == SIZE + 1
                && got[0] == !(told & 1)
                && memcmp (got + 1, &number, sizeof number) == 0;
    }
    CHECK_INT (good, commands);
    peer_command (fd, "SUBSCRIBE", "T");
    CHECK_RECV (xpub, "%01T");
    close (fd);
    free (got);
}

MAIN
