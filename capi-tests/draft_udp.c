/* udp (manual page zmq_udp): RADIO and DISH, and DGRAM, which is reachable through the
 * stable functions alone. The peers are plain sockets. A DISH has to join a group to
 * receive something: those tests need the draft API (see draft_api.h). */
#include "draft_api.h"

struct plain
{
    int fd;
    char address[64], endpoint[80];
};

/* A plain socket on this machine. */
static struct plain plain_socket (void)
{
    struct plain p = {.fd = socket (AF_INET, SOCK_DGRAM, 0)};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    MUST (p.fd >= 0 && bind (p.fd, (void *) &address, size) == 0
          && getsockname (p.fd, (void *) &address, &size) == 0);
    sprintf (p.address, "127.0.0.1:%d", ntohs (address.sin_port));
    sprintf (p.endpoint, "udp://%s", p.address);
    return p;
}

/* A port that is free now. */
static const char *free_endpoint (void)
{
    static char endpoint[80];
    struct plain p = plain_socket ();
    strcpy (endpoint, p.endpoint);
    close (p.fd);
    return endpoint;
}

static void plain_send (struct plain *p, const char *endpoint, const void *data, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    to.sin_port = htons ((uint16_t) tcp_port (endpoint));
    MUST (sendto (p->fd, data, size, 0, (void *) &to, sizeof to) == (ssize_t) size);
}

/* What comes next; its size, or -1 when nothing does. */
static int plain_recv (struct plain *p, void *data, size_t size)
{
    struct pollfd item = {p->fd, POLLIN, 0};
    if (poll (&item, 1, WAIT_MS) != 1)
        return -1;
    return (int) recv (p->fd, data, size, 0);
}

STORY (a_radio_sends_group_and_body_in_a_datagram)
{
    struct plain p = plain_socket ();
    void *radio = connected_socket (ZMQ_RADIO, p.endpoint);
    SEND (radio, "hello");
    char data[20000];
    CHECK_INT (plain_recv (&p, data, sizeof data), 6);
    CHECK (!memcmp (data, "\0hello", 6));
    SEND (radio, "");
    CHECK_INT (plain_recv (&p, data, sizeof data), 1);
    CHECK_INT (data[0], 0);
    memset (data, 'x', 9000);
    CHECK_INT (zmq_send (radio, data, 9000, 0), 9000);
    CHECK_INT (plain_recv (&p, data, sizeof data), 9001);
    CHECK_OK (zmq_disconnect (radio, p.endpoint));
    SEND (radio, "nobody");
    close (p.fd);
}

/* libzmq reads or writes beyond its buffers. */
STORY (what_does_not_fit_a_datagram_is_dropped)
{
    if (on_oracle ())
        return;
    struct plain p = plain_socket ();
    void *radio = connected_socket (ZMQ_RADIO, p.endpoint);
    static char data[1 << 20];
    CHECK_INT (zmq_send (radio, data, sizeof data, 0), sizeof data);
    CHECK_INT (zmq_send (radio, data, 65507, 0), 65507);
    CHECK_INT (zmq_send (radio, data, 65506, 0), 65506);
    CHECK_INT (plain_recv (&p, data, sizeof data), 65507);
    close (p.fd);
}

STORY (a_radio_goes_on_when_nobody_listens)
{
    void *radio = connected_socket (ZMQ_RADIO, free_endpoint ());
    CHECK_INT (send_numbered (radio, 0, 100), 100);
    CHECK_INT (int_option (radio, ZMQ_EVENTS), ZMQ_POLLOUT);
}

STORY (a_dgram_tells_where_a_datagram_came_from)
{
    struct plain p = plain_socket ();
    const char *endpoint = free_endpoint ();
    void *s = open_socket (ZMQ_DGRAM);
    CHECK_INT (int_option (s, ZMQ_THREAD_SAFE), 0);
    CHECK_INT (int_option (s, ZMQ_EVENTS), 0);
    CHECK (int_option (s, ZMQ_FD) >= 0);
    CHECK_OK (zmq_bind (s, endpoint));
    if (on_oracle ()) /* which binds later */
        sleep_ms (100);
    char address[64], body[64];
    static const char *const bodies[] = {"one", "", "two"};
    for (int i = 0; i < 3; i++) {
        plain_send (&p, endpoint, bodies[i], strlen (bodies[i]));
        /* Its end is a zero. */
        CHECK_INT (zmq_recv (s, address, sizeof address, 0), strlen (p.address) + 1);
        CHECK_STR (address, p.address);
        CHECK_INT (int_option (s, ZMQ_RCVMORE), 1);
        CHECK_INT (zmq_recv (s, body, sizeof body, 0), strlen (bodies[i]));
        CHECK (!memcmp (body, bodies[i], strlen (bodies[i])));
        CHECK_INT (int_option (s, ZMQ_RCVMORE), 0);
    }
    /* With that zero or without it, it is where an answer goes. */
    for (size_t zero = 0; zero < 2; zero++) {
        CHECK_INT (zmq_send (s, address, strlen (address) + zero, ZMQ_SNDMORE),
                   strlen (address) + zero);
        CHECK_INT (zmq_send (s, "answer", 6, 0), 6);
        CHECK_INT (plain_recv (&p, body, sizeof body), 6);
        CHECK (!memcmp (body, "answer", 6));
    }
    CHECK_INT (int_option (s, ZMQ_EVENTS), ZMQ_POLLOUT);
    close (p.fd);
}

STORY (a_datagram_to_be_sent_has_two_frames)
{
    struct plain p = plain_socket ();
    void *s = open_socket (ZMQ_DGRAM);
    CHECK_OK (zmq_bind (s, free_endpoint ()));
    if (on_oracle ())
        sleep_ms (100);
    CHECK_ERR (zmq_send (s, "alone", 5, 0), EINVAL);
    size_t size = strlen (p.address);
    CHECK_INT (zmq_send (s, p.address, size, ZMQ_SNDMORE), size);
    CHECK_ERR (zmq_send (s, "body", 4, ZMQ_SNDMORE), EINVAL);
    CHECK_INT (zmq_send (s, "body", 4, 0), 4);
    char body[64];
    CHECK_INT (plain_recv (&p, body, sizeof body), 4);
    /* What goes nowhere goes nowhere. */
    SEND (s, "no address|lost");
    SEND (s, "|lost");
    CHECK_INT (zmq_send (s, p.address, size, ZMQ_SNDMORE), size);
    CHECK_INT (zmq_send (s, "found", 5, 0), 5);
    CHECK_INT (plain_recv (&p, body, sizeof body), 5);
    close (p.fd);
}

/* The oracle aborts, or takes what cannot work. */
STORY (a_dgram_knows_nothing_but_udp)
{
    if (on_oracle ())
        return;
    void *s = open_socket (ZMQ_DGRAM);
    CHECK_ERR (zmq_send (s, "127.0.0.1:9", 11, ZMQ_SNDMORE | ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERR (zmq_recv (s, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERR (zmq_bind (s, "tcp://127.0.0.1:*"), ENOCOMPATPROTO);
    CHECK_ERR (zmq_connect (s, "tcp://127.0.0.1:9"), ENOCOMPATPROTO);
    CHECK_ERR (zmq_bind (s, "inproc://a"), ENOCOMPATPROTO);
    CHECK_ERR (zmq_connect (s, "inproc://a"), ENOCOMPATPROTO);
    CHECK_ERR (zmq_connect (s, "udp://127.0.0.1:9"), ENOCOMPATPROTO);
}

STORY (udp_is_for_radio_that_connects_and_dish_that_binds)
{
    const char *endpoint = free_endpoint ();
    for (int type = ZMQ_PAIR; type <= ZMQ_CHANNEL; type++) {
        if (type == ZMQ_DGRAM)
            continue;
        void *s = open_socket (type);
        if (type == ZMQ_DISH)
            CHECK_OK (zmq_bind (s, endpoint));
        else
            CHECK_ERR (zmq_bind (s, endpoint), ENOCOMPATPROTO);
        if (type == ZMQ_RADIO)
            CHECK_OK (zmq_connect (s, endpoint));
        else
            CHECK_ERR (zmq_connect (s, endpoint), ENOCOMPATPROTO);
    }
}

STORY (addresses_that_are_none_are_refused)
{
    void *dish = open_socket (ZMQ_DISH), *radio = open_socket (ZMQ_RADIO);
    CHECK_ERR (zmq_bind (dish, "udp://127.0.0.1"), EINVAL);
    CHECK_ERR (zmq_bind (dish, "udp://nosuchinterface:5555"), ENODEV);
    CHECK_ERR (zmq_bind (dish, "udp://"), EINVAL);
    CHECK_ERR (zmq_connect (radio, "udp://127.0.0.1"), EINVAL);
    CHECK_ERR (zmq_connect (radio, "udp://127.0.0.1:*"), EINVAL);
    CHECK_ERR (zmq_connect (radio, "udp://*:5555"), EINVAL);
    CHECK_ERR (zmq_connect (radio, "udp://lo:5555"), EINVAL);
}

/* In libzmq the last endpoint lacks its transport, the port stays a `*`, nothing can
 * be unbound, and an address that is taken ends the process. */
STORY (what_was_bound_has_a_name_and_can_be_unbound)
{
    if (on_oracle ())
        return;
    void *dish = open_socket (ZMQ_DISH), *other = open_socket (ZMQ_DISH);
    char endpoint[256];
    size_t size = sizeof endpoint;
    CHECK_OK (zmq_bind (dish, "udp://127.0.0.1:*"));
    CHECK_OK (zmq_getsockopt (dish, ZMQ_LAST_ENDPOINT, endpoint, &size));
    CHECK (!strncmp (endpoint, "udp://127.0.0.1:", 16) && tcp_port (endpoint) > 0);
    CHECK_ERR (zmq_bind (other, endpoint), EADDRINUSE);
    CHECK_OK (zmq_unbind (dish, endpoint));
    CHECK_ERR (zmq_unbind (dish, endpoint), ENOENT);
    CHECK_OK (zmq_bind (other, endpoint));
    CHECK_ERR (zmq_bind (dish, "udp://192.0.2.1:5555"), EADDRNOTAVAIL);
    void *dgram = open_socket (ZMQ_DGRAM);
    CHECK_OK (zmq_bind (dgram, "udp://127.0.0.1:*"));
    size = sizeof endpoint;
    CHECK_OK (zmq_getsockopt (dgram, ZMQ_LAST_ENDPOINT, endpoint, &size));
    CHECK_INT (int_option (dgram, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_OK (zmq_unbind (dgram, endpoint));
    CHECK_INT (int_option (dgram, ZMQ_EVENTS), 0);
}

DRAFT_STORY (a_dish_chooses_its_groups_from_what_comes)
{
    void *dish = open_socket (ZMQ_DISH), *radio = open_socket (ZMQ_RADIO);
    const char *endpoint = free_endpoint ();
    CHECK_OK (draft.zmq_join (dish, "weather"));
    CHECK_OK (zmq_bind (dish, endpoint));
    CHECK_OK (draft.zmq_join (dish, ""));
    CHECK_OK (zmq_connect (radio, endpoint));
    CHECK_INT (send_to_group (radio, "weather", "rain"), 4);
    CHECK_INT (send_to_group (radio, "sports", "goal"), 4);
    char name[256];
    memset (name, 'g', 255);
    name[255] = 0;
    CHECK_INT (send_to_group (radio, name, "too early"), 9);
    CHECK_INT (send_to_group (radio, "", "nameless"), 8);
    CHECK_GROUP (dish, "weather", "rain");
    CHECK_GROUP (dish, "", "nameless");
    CHECK_OK (draft.zmq_join (dish, name));
    CHECK_INT (send_to_group (radio, name, "long"), 4);
    CHECK_GROUP (dish, name, "long");
    CHECK_OK (draft.zmq_leave (dish, "weather"));
    CHECK_INT (send_to_group (radio, "weather", "sun"), 3);
    CHECK_INT (send_to_group (radio, "", "end"), 3);
    CHECK_GROUP (dish, "", "end");
    CHECK_EMPTY (dish);
}

DRAFT_STORY (datagrams_that_are_none_of_a_radio_do_no_harm)
{
    void *dish = open_socket (ZMQ_DISH);
    struct plain p = plain_socket ();
    const char *endpoint = free_endpoint ();
    CHECK_OK (draft.zmq_join (dish, "g"));
    CHECK_OK (draft.zmq_join (dish, ""));
    CHECK_OK (zmq_bind (dish, endpoint));
    unsigned char data[600];
    memset (data, 'x', sizeof data);
    plain_send (&p, endpoint, data, 0);
    for (int length = 0; length < 256; length++) {
        data[0] = (unsigned char) length;
        /* Shorter than the group's name, just as long, and longer. */
        if (length > 0)
            plain_send (&p, endpoint, data, (size_t) length);
        if (length > 0)
            plain_send (&p, endpoint, data, (size_t) length + 1);
        if (length % 16 == 15) {
            plain_send (&p, endpoint, "\1gmark", 6);
            CHECK_GROUP (dish, "g", "mark");
        }
    }
    plain_send (&p, endpoint, "\3g\0gzero", 8);
    plain_send (&p, endpoint, "\0", 1);
    zmq_msg_t message = recv_message (dish);
    CHECK_INT (zmq_msg_size (&message), 0);
    CHECK_STR (draft.zmq_msg_group (&message), "");
    zmq_msg_close (&message);
    CHECK_EMPTY (dish);
    close (p.fd);
}

/* More than there is room for is dropped, and no memory is taken for it. */
DRAFT_STORY (a_dish_that_is_not_read_keeps_its_water_mark)
{
    void *dish = open_socket (ZMQ_DISH), *radio = open_socket (ZMQ_RADIO);
    const char *endpoint = free_endpoint ();
    set_int (dish, ZMQ_RCVHWM, 10);
    CHECK_OK (draft.zmq_join (dish, ""));
    CHECK_OK (zmq_bind (dish, endpoint));
    CHECK_OK (zmq_connect (radio, endpoint));
    CHECK_INT (send_numbered (radio, 0, 2000), 2000);
    AWAIT_IN (dish);
    /* The kernel gives what it has; then there may be ten more. */
    int first = atoi (recv_text (dish, 0));
    CHECK_INT (first, 0);
    sleep_ms (100);
    CHECK (drain (dish) <= 20);
}

DRAFT_STORY (groups_of_the_network_are_joined)
{
    void *dish = open_socket (ZMQ_DISH), *second = open_socket (ZMQ_DISH);
    void *radio = open_socket (ZMQ_RADIO);
    char endpoint[80];
    sprintf (endpoint, "udp://lo;239.255.77.1:%d", tcp_port (free_endpoint ()));
    if (zmq_bind (dish, endpoint) != 0) {
        printf ("skipped: no multicast on this machine (%s)\n", zmq_strerror (errno));
        return;
    }
    char last[256];
    size_t size = sizeof last;
    CHECK_OK (zmq_getsockopt (dish, ZMQ_LAST_ENDPOINT, last, &size));
    CHECK_STR (last, endpoint);
    /* Several may listen. */
    CHECK_OK (zmq_bind (second, endpoint));
    CHECK_OK (draft.zmq_join (dish, "g"));
    CHECK_OK (draft.zmq_join (second, "g"));
    CHECK_INT (set_int (radio, ZMQ_MULTICAST_HOPS, 1), 0);
    CHECK_OK (zmq_connect (radio, endpoint));
    CHECK_INT (send_to_group (radio, "g", "hello"), 5);
    CHECK_GROUP (dish, "g", "hello");
    CHECK_GROUP (second, "g", "hello");
}

MAIN
