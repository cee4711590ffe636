/* ZAP (RFC 27) without a mechanism: a domain has an authenticator asked about
 * a peer's address, on either side of a connection. */
#include "zap.h"

static void *server, *client, *handler, *watcher;
static endpoint_t endpoint;

static void serve (int with_handler, const char *domain, int enforced)
{
    begin ();
    handler = with_handler ? bind_authenticator (ZMQ_REP) : NULL;
    server = new_socket (ctx, ZMQ_PULL);
    if (domain)
        CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, domain));
    CHECK_OK (set_int (server, ZMQ_ZAP_ENFORCE_DOMAIN_, enforced));
    watcher = watch_socket (server, HANDSHAKES);
    bind_to (server, "tcp", endpoint);
}

static void connect_client (void)
{
    client = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_SEND (client, "hi", 0);
}

static void finish (void)
{
    if (client)
        CHECK_OK (zmq_close (client));
    client = NULL;
    CHECK_OK (zmq_close (watcher));
    end (server, handler);
}

/* The message that comes has this user id. */
static void check_user (const char *user)
{
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_INT (zmq_msg_recv (&msg, server, 0), 2);
    const char *is = zmq_msg_gets (&msg, "User-Id");
    CHECK_STR (is ? is : "none", user);
    zmq_msg_close (&msg);
}

#define ASKED "1.0|1|dom|127.0.0.1||NULL"

TEST (a_domain_has_the_authenticator_asked)
{
    serve (1, "dom", 0);
    connect_client ();
    CHECK_FRAMES (handler, ASKED);
    answer (handler, "200");
    check_user ("joe");
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    finish ();
}

TEST (nobody_is_asked_without_a_domain)
{
    for (int enforced = 0; enforced < 2; enforced++) {
        serve (1, NULL, enforced);
        connect_client ();
        check_user ("none");
        CHECK_ERR (zmq_recv (handler, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        finish ();
    }
}

TEST (everybody_comes_in_without_an_authenticator)
{
    serve (0, "dom", 0);
    connect_client ();
    check_user ("none");
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    finish ();
}

TEST (nobody_does_where_the_domain_is_enforced)
{
    serve (0, "dom", 1);
    int fd = raw_connect (endpoint);
    REQUIRE (fd >= 0);
    unsigned char greeting[64];
    make_greeting (greeting);
    CHECK (raw_write (fd, greeting, 64));
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EFAULT);
    /* The oracle lets the peer wait for its time-out. */
    if (!on_oracle ()) {
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
        CHECK (raw_is_closed (fd));
    }
    CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    close (fd);
    finish ();
}

TEST (an_enforced_domain_asks_as_any_does)
{
    serve (1, "dom", 1);
    connect_client ();
    CHECK_FRAMES (handler, ASKED);
    answer (handler, "200");
    check_user ("joe");
    finish ();
}

TEST (the_side_that_connects_may_ask_too)
{
    for (int both = 0; both < 2; both++) {
        serve (1, both ? "server" : NULL, 0);
        client = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (set_text (client, ZMQ_ZAP_DOMAIN, "client"));
        CHECK_OK (zmq_connect (client, endpoint));
        CHECK_SEND (client, "hi", 0);
        int asked = 0;
        for (int i = 0; i <= both; i++) {
            const char *frames = frames_of (handler);
            asked |= strcmp (frames, "1.0|1|client|127.0.0.1||NULL") == 0;
            asked |= 2 * (strcmp (frames, "1.0|1|server|127.0.0.1||NULL") == 0);
            answer (handler, "200");
        }
        CHECK_INT (asked, both ? 3 : 1);
        check_user (both ? "joe" : "none");
        finish ();
    }
}

#define READY "\5READY\13Socket-Type\0\0\0\4PUSH"

static int raw_client (void)
{
    int fd = raw_connect (endpoint);
    REQUIRE (fd >= 0 && raw_greet (fd, "NULL"));
    return fd;
}

TEST (our_ready_waits_for_the_answer_and_not_for_theirs)
{
    for (int early = 0; early < 2; early++) {
        serve (1, "dom", 0);
        int fd = raw_client ();
        CHECK_FRAMES (handler, ASKED);
        if (early)
            RAW_COMMAND (fd, READY);
        struct pollfd item = {fd, POLLIN, 0};
        CHECK_INT (poll (&item, 1, 50), 0);
        answer (handler, "200");
        CHECK_HEARS (fd, "\5READY\13Socket-Type\0\0\0\4PULL");
        if (!early)
            RAW_COMMAND (fd, READY);
        CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
        CHECK (raw_send_frame (fd, "hi"));
        check_user ("joe");
        close (fd);
        finish ();
    }
}

TEST (messages_may_come_before_the_answer)
{
    /* The oracle drops such a peer. */
    if (on_oracle ())
        return;
    serve (1, "dom", 0);
    int fd = raw_client ();
    CHECK_FRAMES (handler, ASKED);
    RAW_COMMAND (fd, READY);
    CHECK (raw_send_frame (fd, "hi"));
    answer (handler, "200");
    CHECK_HEARS (fd, "\5READY\13Socket-Type\0\0\0\4PULL");
    check_user ("joe");
    close (fd);
    finish ();
}

TEST (a_refused_peer_is_told_unless_it_is_for_now)
{
    static const char *const statuses[] = {"300", "400", "500"};
    for (int i = 0; i < 3; i++) {
        serve (1, "dom", 0);
        int fd = raw_client ();
        CHECK_FRAMES (handler, ASKED);
        answer_with (handler, statuses[i], "", "", 0);
        CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 300 + 100 * i);
        if (i == 0) {
            struct pollfd item = {fd, POLLIN, 0};
            CHECK_INT (poll (&item, 1, 50), 0);
        } else if (i == 1)
            CHECK_HEARS (fd, "\5ERROR\3" "400");
        else
            CHECK_HEARS (fd, "\5ERROR\3" "500");
        close (fd);
        /* The oracle tells of it once more. */
        if (on_oracle ())
            CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EPIPE);
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
        CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        finish ();
    }
}

TEST (a_refused_socket_hears_it_and_stays_away)
{
    serve (1, "dom", 0);
    client = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (client, ZMQ_RECONNECT_IVL, 50));
    void *told = watch_socket (client, HANDSHAKES);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_FRAMES (handler, ASKED);
    answer_with (handler, "400", "", "", 0);
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    CHECK_OK (set_int (handler, ZMQ_RCVTIMEO, 200));
    CHECK_ERR (zmq_recv (handler, NULL, 0, 0), EAGAIN);
    CHECK_OK (zmq_close (told));
    finish ();
}

TEST (a_malformed_reply_has_its_event)
{
    serve (1, "dom", 0);
    int fd = raw_client ();
    CHECK_FRAMES (handler, ASKED);
    CHECK_SEND (handler, "1.0", 0);
    CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                 ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY);
    CHECK (raw_is_closed (fd));
    close (fd);
    finish ();
}

TEST (a_bad_command_ends_the_wait)
{
    serve (1, "dom", 0);
    int fd = raw_client ();
    CHECK_FRAMES (handler, ASKED);
    RAW_COMMAND (fd, "\3FOO");
    CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                 ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    CHECK (raw_is_closed (fd));
    answer (handler, "200");
    close (fd);
    finish ();
}

TEST (the_handshakes_time_ends_the_wait)
{
    begin ();
    handler = bind_authenticator (ZMQ_REP);
    server = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, "dom"));
    CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, 150));
    watcher = watch_socket (server, HANDSHAKES);
    bind_to (server, "tcp", endpoint);
    int fd = raw_client ();
    CHECK_FRAMES (handler, ASKED);
    CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EAGAIN);
    CHECK (raw_is_closed (fd));
    close (fd);
    finish ();
}

TEST (peers_that_know_no_security_are_turned_away_with_a_domain)
{
    static const char old[] = "\xff\0\0\0\0\0\0\0\1\x7f\1\10\0\0";
    for (int enforced = 0; enforced < 2; enforced++) {
        serve (1, "dom", enforced);
        int fd = raw_connect (endpoint);
        REQUIRE (fd >= 0 && raw_write (fd, old, sizeof old - 1));
        CHECK (raw_is_closed (fd));
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
        close (fd);
        finish ();
    }
    /* The wish to enforce one is not one. */
    serve (1, NULL, 1);
    int fd = raw_connect (endpoint);
    REQUIRE (fd >= 0 && raw_write (fd, old, sizeof old - 1));
    CHECK (raw_write (fd, "\0\2hi", 4));
    CHECK_RECV (server, "hi");
    close (fd);
    finish ();
}

/* libzmq's REQ ends the connection with each reply of a user that the authenticator has
 * named. */
TEST (a_req_hears_a_user_whom_the_authenticator_has_named)
{
    begin ();
    handler = bind_authenticator (ZMQ_REP);
    server = new_socket (ctx, ZMQ_REP);
    bind_to (server, "tcp", endpoint);
    client = new_socket (ctx, ZMQ_REQ);
    CHECK_OK (set_text (client, ZMQ_ZAP_DOMAIN, "dom"));
    watcher = watch_socket (client, HANDSHAKES);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_SEND (client, "question", 0);
    CHECK_FRAMES (handler, ASKED);
    answer (handler, "200");
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    CHECK_FRAMES (server, "question");
    CHECK_SEND (server, "answer", 0);
    if (on_oracle ())
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
    else
        CHECK_FRAMES (client, "answer");
    CHECK_OK (set_int (client, ZMQ_LINGER, 0));
    finish ();
}

MAIN
