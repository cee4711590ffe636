/* ZAP (RFC 27): what is asked, which replies mean what, what messages tell
 * of it, and authenticators that are slow, gone, or none. The mechanism is
 * PLAIN; zap_null.c has what is different without one. */
#include "zap.h"

static void *server, *client, *handler, *watcher, *told;
static endpoint_t endpoint;

static void serve (int handler_type, const char *domain)
{
    begin ();
    handler = handler_type < 0 ? NULL : bind_authenticator (handler_type);
    server = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (server, ZMQ_PLAIN_SERVER, 1));
    if (domain)
        CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, domain));
}

static void *connect_client (void)
{
    void *s = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_text (s, ZMQ_PLAIN_USERNAME, "admin"));
    CHECK_OK (set_text (s, ZMQ_PLAIN_PASSWORD, "secret"));
    told = watch_socket (s, HANDSHAKES);
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_SEND (s, "hi", 0);
    return s;
}

static void meet (int handler_type, const char *domain)
{
    serve (handler_type, domain);
    watcher = watch_socket (server, HANDSHAKES);
    bind_to (server, "tcp", endpoint);
    client = connect_client ();
}

static void finish (void)
{
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_close (watcher));
    CHECK_OK (zmq_close (told));
    if (handler)
        CHECK_OK (zmq_close (handler));
    CHECK_OK (zmq_ctx_term (ctx));
}

#define ASKED "1.0|1|dom|127.0.0.1||PLAIN|admin|secret"

TEST (the_domain_and_our_own_routing_id_are_told)
{
    serve (ZMQ_REP, "dom");
    CHECK_OK (set_text (server, ZMQ_ROUTING_ID, "own"));
    watcher = watch_socket (server, HANDSHAKES);
    bind_to (server, "tcp", endpoint);
    client = connect_client ();
    CHECK_FRAMES (handler, "1.0|1|dom|127.0.0.1|own|PLAIN|admin|secret");
    answer (handler, "200");
    CHECK_RECV (server, "hi");
    finish ();
}

TEST (without_a_domain_it_is_empty)
{
    meet (ZMQ_REP, NULL);
    CHECK_FRAMES (handler, "1.0|1||127.0.0.1||PLAIN|admin|secret");
    answer (handler, "200");
    CHECK_RECV (server, "hi");
    finish ();
}

TEST (the_address_is_that_of_the_messages)
{
    static const char *const where[] = {"tcp", "ipc", "tcp://[::1]:*"};
    for (int i = 0; i < 3; i++) {
        serve (ZMQ_REP, "dom");
        CHECK_OK (set_int (server, ZMQ_IPV6, i == 2));
        watcher = watch_socket (server, HANDSHAKES);
        bind_to (server, where[i], endpoint);
        client = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (set_int (client, ZMQ_IPV6, i == 2));
        CHECK_OK (set_text (client, ZMQ_PLAIN_USERNAME, "me"));
        told = watch_socket (client, HANDSHAKES);
        CHECK_OK (zmq_connect (client, endpoint));
        CHECK_SEND (client, "hi", 0);
        char asked[700], wanted[700];
        snprintf (asked, sizeof asked, "%s", frames_of (handler));
        answer (handler, "200");
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_INT (zmq_msg_recv (&msg, server, 0), 2);
        snprintf (wanted, sizeof wanted, "1.0|1|dom|%s||PLAIN|me|",
                  zmq_msg_gets (&msg, "Peer-Address"));
        zmq_msg_close (&msg);
        CHECK (strcmp (asked, wanted) == 0);
        finish ();
    }
}

/* Answers with six frames, one of which is another. */
static void answer_changed (int number, const char *frame, size_t size)
{
    static const char *const frames[] = {"1.0", "1", "200", "OK", "joe", ""};
    for (int i = 0; i < 6; i++) {
        const char *data = i == number ? frame : frames[i];
        size_t length = i == number ? size : strlen (frames[i]);
        CHECK_INT (zmq_send (handler, data, length, i < 5 ? ZMQ_SNDMORE : 0),
                   length);
    }
}

TEST (every_fault_of_a_reply_has_its_event)
{
    static const struct
    {
        int number;
        const char *frame;
        int size;
        unsigned code;
    } bad[] = {
      {0, "2.0", 3, ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION},
      {0, "1.00", 4, ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION},
      {0, "", 0, ZMQ_PROTOCOL_ERROR_ZAP_BAD_VERSION},
      {1, "2", 1, ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID},
      {1, "", 0, ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID},
      {1, "11", 2, ZMQ_PROTOCOL_ERROR_ZAP_BAD_REQUEST_ID},
      {2, "", 0, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
      {2, "20", 2, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
      {2, "2000", 4, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
      {2, "201", 3, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
      {2, "600", 3, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
      {2, "abc", 3, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_STATUS_CODE},
      {5, "x", 1, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA},
      {5, "\1X\0\0\0\2y", 7, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA},
      {5, "\13Socket-Type\0\0\0\3PUB", 19, ZMQ_PROTOCOL_ERROR_ZAP_INVALID_METADATA},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        meet (ZMQ_REP, "dom");
        CHECK_FRAMES (handler, ASKED);
        answer_changed (bad[i].number, bad[i].frame, (size_t) bad[i].size);
        CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, bad[i].code);
        /* The client learns nothing but that it is over. */
        CHECK_TOLD_OF (told, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        finish ();
    }
}

TEST (replies_have_six_frames)
{
    static const int counts[] = {1, 2, 5, 7, 12};
    for (int i = 0; i < 5; i++) {
        meet (ZMQ_REP, "dom");
        CHECK_FRAMES (handler, ASKED);
        static const char *const frames[] = {"1.0", "1", "200", "OK", "joe", ""};
        for (int n = 1; n <= counts[i]; n++)
            CHECK_SEND (handler, n <= 6 ? frames[n - 1] : "more",
                        n < counts[i] ? ZMQ_SNDMORE : 0);
        CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                     ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY);
        finish ();
    }
}

TEST (a_router_answers_behind_a_delimiter)
{
    static const struct
    {
        const char *delimiter;
        unsigned code;
    } ways[] = {{"", 0},
                {"x", ZMQ_PROTOCOL_ERROR_ZAP_UNSPECIFIED},
                {NULL, ZMQ_PROTOCOL_ERROR_ZAP_MALFORMED_REPLY}};
    for (int i = 0; i < 3; i++) {
        meet (ZMQ_ROUTER, "dom");
        char id[16];
        CHECK_INT (zmq_recv (handler, id, sizeof id, 0), 5);
        CHECK_INT (id[0], 0);
        CHECK_FRAMES (handler, "|" ASKED);
        CHECK_INT (zmq_send (handler, id, 5, ZMQ_SNDMORE), 5);
        if (ways[i].delimiter)
            CHECK_SEND (handler, ways[i].delimiter, ZMQ_SNDMORE);
        answer (handler, "200");
        if (ways[i].code)
            CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                         ways[i].code);
        else
            CHECK_RECV (server, "hi");
        finish ();
    }
}

static const char *property (zmq_msg_t *msg, const char *name)
{
    const char *value = zmq_msg_gets (msg, name);
    return value ? value : "none";
}

TEST (messages_tell_what_the_authenticator_said)
{
    static const char metadata[] = "\5Hello\0\0\0\5World"
                                   "\3X-a\0\0\0\3b\0c"
                                   "\3X-a\0\0\0\1z"
                                   "\7User-Id\0\0\0\5other"
                                   "\10Identity\0\0\0\2ID"
                                   "\13Socket-Type\0\0\0\4PUSH"
                                   "\14Peer-Address\0\0\0\7""1.2.3.4";
    meet (ZMQ_REP, "dom");
    CHECK_FRAMES (handler, ASKED);
    answer_with (handler, "200", "joe", metadata, sizeof metadata - 1);
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_INT (zmq_msg_recv (&msg, server, 0), 2);
    CHECK_STR (property (&msg, "User-Id"), "joe");
    CHECK_STR (property (&msg, "Hello"), "World");
    CHECK_STR (property (&msg, "X-a"), "b");
    CHECK_STR (property (&msg, "Identity"), "ID");
    CHECK_STR (property (&msg, "Socket-Type"), "PUSH");
    CHECK_STR (property (&msg, "Peer-Address"), "127.0.0.1");
    CHECK_STR (property (&msg, "hello"), "none");
    zmq_msg_close (&msg);
    finish ();
}

TEST (user_ids_may_be_empty_and_long)
{
    char user[301] = {0};
    memset (user, 'u', 300);
    for (int i = 0; i < 2; i++) {
        meet (ZMQ_REP, "dom");
        CHECK_FRAMES (handler, ASKED);
        answer_with (handler, "200", i ? user : "", "", 0);
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_INT (zmq_msg_recv (&msg, server, 0), 2);
        CHECK_STR (property (&msg, "User-Id"), i ? user : "");
        zmq_msg_close (&msg);
        finish ();
    }
}

TEST (a_slow_authenticator_keeps_nobody_else_waiting)
{
    meet (ZMQ_ROUTER, "dom");
    char id[16];
    CHECK_INT (zmq_recv (handler, id, sizeof id, 0), 5);
    CHECK_FRAMES (handler, "|" ASKED);
    /* A second client comes and is answered first. */
    void *first = client, *first_told = told;
    client = connect_client ();
    char other[16];
    CHECK_INT (zmq_recv (handler, other, sizeof other, 0), 5);
    CHECK_FRAMES (handler, "|" ASKED);
    CHECK_INT (zmq_send (handler, other, 5, ZMQ_SNDMORE), 5);
    CHECK_SEND (handler, "", ZMQ_SNDMORE);
    answer_with (handler, "200", "second", "", 0);
    CHECK_RECV (server, "hi");
    CHECK_TOLD (told, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    CHECK_ERR (zmq_recv (first_told, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_INT (zmq_send (handler, id, 5, ZMQ_SNDMORE), 5);
    CHECK_SEND (handler, "", ZMQ_SNDMORE);
    answer_with (handler, "200", "first", "", 0);
    CHECK_RECV (server, "hi");
    CHECK_TOLD (first_told, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    CHECK_OK (zmq_close (first));
    CHECK_OK (zmq_close (first_told));
    finish ();
}

TEST (the_handshakes_time_ends_the_wait_for_an_answer)
{
    for (int closes = 0; closes < 2; closes++) {
        serve (ZMQ_REP, "dom");
        CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, 150));
        watcher = watch_socket (server, HANDSHAKES);
        bind_to (server, "tcp", endpoint);
        client = connect_client ();
        CHECK_FRAMES (handler, ASKED);
        if (closes) {
            CHECK_OK (zmq_close (handler));
            handler = NULL;
        }
        CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EAGAIN);
        CHECK_TOLD_OF (told, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        if (!closes) {
            /* The answer comes too late for anybody, and does no harm; the
             * client is back by then. */
            answer (handler, "200");
            CHECK_FRAMES (handler, ASKED);
            answer (handler, "200");
            CHECK_RECV (server, "hi");
        }
        finish ();
    }
}

TEST (who_asks_may_go_before_the_answer)
{
    meet (ZMQ_REP, "dom");
    CHECK_FRAMES (handler, ASKED);
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_close (told));
    CHECK_TOLD_OF (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
    CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
    answer (handler, "200");
    client = connect_client ();
    CHECK_FRAMES (handler, ASKED);
    CHECK_OK (zmq_unbind (server, endpoint));
    answer (handler, "200");
    finish ();
}

TEST (a_refusal_outlives_the_peer_only_as_an_event)
{
    static const char *const statuses[] = {"300", "400", "500"};
    for (int i = 0; i < 3; i++) {
        serve (ZMQ_REP, "dom");
        watcher = watch_socket (server, HANDSHAKES);
        bind_to (server, "tcp", endpoint);
        int fd = raw_connect (endpoint);
        REQUIRE (fd >= 0 && raw_greet (fd, "PLAIN"));
        RAW_COMMAND (fd, "\5HELLO\5admin\6secret");
        CHECK_FRAMES (handler, ASKED);
        answer_with (handler, statuses[i], "", "", 0);
        CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 300 + 100 * i);
        close (fd);
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
        CHECK_OK (zmq_close (server));
        CHECK_OK (zmq_close (watcher));
        end (handler, NULL);
    }
}

TEST (a_refused_peer_that_stays_is_given_the_handshakes_time)
{
    serve (ZMQ_REP, "dom");
    CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, 200));
    watcher = watch_socket (server, HANDSHAKES);
    bind_to (server, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    REQUIRE (fd >= 0 && raw_greet (fd, "PLAIN"));
    RAW_COMMAND (fd, "\5HELLO\5admin\6secret");
    CHECK_FRAMES (handler, ASKED);
    answer_with (handler, "400", "", "", 0);
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400);
    CHECK_TOLD_OF (watcher, ZMQ_EVENT_DISCONNECTED);
    CHECK (raw_is_closed (fd));
    close (fd);
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_close (watcher));
    end (handler, NULL);
}

TEST (sockets_that_cannot_answer_are_nobody)
{
    /* The oracle fails an assertion of its own on each of these. */
    static const int types[] = {ZMQ_PULL, ZMQ_PAIR, ZMQ_PUB, ZMQ_DEALER, ZMQ_REQ};
    for (int i = 0; i < 5 && !on_oracle (); i++) {
        meet (types[i], "dom");
        CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EFAULT);
        finish ();
    }
}

TEST (an_enforced_domain_must_be_there)
{
    int value = -1;
    begin ();
    void *s = new_socket (ctx, ZMQ_REP);
    CHECK_INT (get_int (s, ZMQ_ZAP_ENFORCE_DOMAIN_), 0);
    for (value = -1; value < 3; value++) {
        CHECK_OK (set_int (s, ZMQ_ZAP_ENFORCE_DOMAIN_, value));
        CHECK_INT (get_int (s, ZMQ_ZAP_ENFORCE_DOMAIN_), value != 0);
    }
    CHECK_ERR (zmq_setsockopt (s, ZMQ_ZAP_ENFORCE_DOMAIN_, "\1", 1), EINVAL);
    end (s, NULL);
    for (int domain = 0; domain < 2; domain++) {
        /* The oracle fails an assertion of its own without a domain. */
        if (!domain && on_oracle ())
            continue;
        serve (ZMQ_REP, domain ? "dom" : NULL);
        CHECK_OK (set_int (server, ZMQ_ZAP_ENFORCE_DOMAIN_, 1));
        watcher = watch_socket (server, HANDSHAKES);
        bind_to (server, "tcp", endpoint);
        client = connect_client ();
        if (domain) {
            CHECK_FRAMES (handler, ASKED);
            answer (handler, "200");
            CHECK_RECV (server, "hi");
        } else
            CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EFAULT);
        finish ();
    }
}

enum { MANY = 40 };

TEST (many_clients_are_asked_about_one_by_one)
{
    void *clients[MANY];
    int seen_clients[MANY] = {0}, good = 0;
    serve (ZMQ_REP, "dom");
    bind_to (server, "tcp", endpoint);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf (name, sizeof name, "%d", i);
        clients[i] = new_socket (ctx, ZMQ_PUSH);
        CHECK_OK (set_text (clients[i], ZMQ_PLAIN_USERNAME, name));
        CHECK_OK (zmq_connect (clients[i], endpoint));
        CHECK_SEND (clients[i], name, 0);
    }
    for (int i = 0; i < MANY; i++) {
        int number = -1;
        if (sscanf (frames_of (handler), "1.0|1|dom|127.0.0.1||PLAIN|%d|", &number)
              == 1
            && number >= 0 && number < MANY)
            seen_clients[number]++;
        char user[16];
        snprintf (user, sizeof user, "user %d", number);
        answer_with (handler, number % 4 ? "200" : "400", user, "", 0);
    }
    for (int i = 0; i < MANY; i++)
        good += seen_clients[i] == 1;
    CHECK_INT (good, MANY);
    for (int i = 0; i < MANY * 3 / 4; i++) {
        zmq_msg_t msg;
        char name[16] = {0}, user[24];
        zmq_msg_init (&msg);
        int size = zmq_msg_recv (&msg, server, 0);
        REQUIRE (size > 0 && size < 16);
        memcpy (name, zmq_msg_data (&msg), (size_t) size);
        snprintf (user, sizeof user, "user %s", name);
        CHECK (atoi (name) % 4 != 0);
        CHECK_STR (property (&msg, "User-Id"), user);
        zmq_msg_close (&msg);
    }
    for (int i = 0; i < MANY; i++)
        CHECK_OK (zmq_close (clients[i]));
    end (server, handler);
}

TEST (inproc_and_raw_peers_are_not_asked_about)
{
    begin ();
    handler = bind_authenticator (ZMQ_REP);
    server = new_socket (ctx, ZMQ_PULL);
    CHECK_OK (set_int (server, ZMQ_PLAIN_SERVER, 1));
    CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, "dom"));
    bind_to (server, "inproc://server", endpoint);
    client = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_SEND (client, "hi", 0);
    CHECK_RECV (server, "hi");
    void *stream = new_socket (ctx, ZMQ_STREAM);
    CHECK_OK (set_text (stream, ZMQ_ZAP_DOMAIN, "dom"));
    bind_to (stream, "tcp", endpoint);
    int fd = raw_connect (endpoint);
    CHECK_INT (zmq_recv (stream, NULL, 0, 0), 5);
    CHECK_ERR (zmq_recv (handler, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    close (fd);
    CHECK_OK (zmq_close (stream));
    CHECK_OK (zmq_close (client));
    end (server, handler);
}

TEST (a_context_ends_while_somebody_is_asked)
{
    meet (ZMQ_REP, "dom");
    CHECK_FRAMES (handler, ASKED);
    finish ();
}

MAIN
