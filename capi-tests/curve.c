/* CURVE (RFC 25, RFC 26): options in both forms of keys, who is let in with which
 * keys, what an authenticator is asked and decides, what monitors tell, and
 * messages of all patterns and sizes. */
#include "zap.h"

struct pair
{
    char public[41], secret[41];
};

static struct pair servers, clients;
static void *server, *client, *watcher, *told;
static endpoint_t endpoint;

static struct pair new_pair (void)
{
    struct pair pair;
    REQUIRE (zmq_curve_keypair (pair.public, pair.secret) == 0);
    return pair;
}

static void be_server (void *s)
{
    CHECK_OK (set_int (s, ZMQ_CURVE_SERVER, 1));
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, servers.secret, 41));
}

static void be_client (void *s, const char *server_key, struct pair pair)
{
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_SERVERKEY, server_key, 40));
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_PUBLICKEY, pair.public, 40));
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, pair.secret, 40));
    CHECK_OK (set_int (s, ZMQ_RECONNECT_IVL, 50));
}

/* A server and a client that are not connected yet, both watched. */
static void set_up (int server_type, int client_type)
{
    begin ();
    servers = new_pair ();
    clients = new_pair ();
    server = new_socket (ctx, server_type);
    client = new_socket (ctx, client_type);
    be_server (server);
    be_client (client, servers.public, clients);
    watcher = watch_socket (server, HANDSHAKES);
    told = watch_socket (client, HANDSHAKES);
    bind_to (server, "tcp", endpoint);
}

static void finish (void *more)
{
    if (more)
        CHECK_OK (zmq_close (more));
    CHECK_OK (zmq_close (server));
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_close (watcher));
    end (told, NULL);
}

#define CHECK_STATE(SOCKET, MECHANISM, SERVER)                                 \
    do {                                                                       \
        CHECK_INT (get_int (SOCKET, ZMQ_MECHANISM), MECHANISM);                \
        CHECK_INT (get_int (SOCKET, ZMQ_CURVE_SERVER), SERVER);                \
    } while (0)

TEST (the_option_set_last_says_which_mechanism)
{
    struct pair pair = new_pair ();
    begin ();
    void *s = new_socket (ctx, ZMQ_REP);
    CHECK_INT (zmq_has ("curve"), 1);
    CHECK_STATE (s, ZMQ_NULL, 0);
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_PUBLICKEY, pair.public, 40));
    CHECK_STATE (s, ZMQ_CURVE, 0);
    CHECK_OK (set_int (s, ZMQ_CURVE_SERVER, 1));
    CHECK_STATE (s, ZMQ_CURVE, 1);
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, pair.secret, 40));
    CHECK_STATE (s, ZMQ_CURVE, 1);
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_SERVERKEY, pair.public, 40));
    CHECK_STATE (s, ZMQ_CURVE, 0);
    CHECK_OK (set_int (s, ZMQ_PLAIN_SERVER, 1));
    CHECK_STATE (s, ZMQ_PLAIN, 0);
    CHECK_OK (zmq_setsockopt (s, ZMQ_CURVE_SECRETKEY, pair.secret, 40));
    CHECK_STATE (s, ZMQ_CURVE, 1);
    CHECK_OK (zmq_setsockopt (s, ZMQ_PLAIN_USERNAME, NULL, 0));
    CHECK_STATE (s, ZMQ_NULL, 0);
    CHECK_OK (set_int (s, ZMQ_CURVE_SERVER, 1));
    CHECK_OK (set_int (s, ZMQ_CURVE_SERVER, 0));
    CHECK_STATE (s, ZMQ_NULL, 0);
    CHECK_ERR (set_int (s, ZMQ_CURVE_SERVER, 2), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_CURVE_SERVER, -1), EINVAL);
    CHECK_ERR (zmq_setsockopt (s, ZMQ_CURVE_SERVER, "\1", 1), EINVAL);
    end (s, NULL);
}

TEST (keys_have_32_bytes_or_40_characters)
{
    static const int options[] = {ZMQ_CURVE_PUBLICKEY, ZMQ_CURVE_SECRETKEY,
                                  ZMQ_CURVE_SERVERKEY};
    static const char zeros[] = "0000000000000000000000000000000000000000";
    struct pair pair = new_pair ();
    uint8_t bytes[32];
    REQUIRE (zmq_z85_decode (bytes, pair.public) == bytes);
    begin ();
    for (int i = 0; i < 3; i++) {
        void *s = new_socket (ctx, ZMQ_REQ);
        char got[64];
        size_t size = 41;
        CHECK_OK (zmq_getsockopt (s, options[i], got, &size));
        CHECK_INT (size, 41);
        CHECK_STR (got, zeros);
        for (size_t wrong = 0; wrong <= 64; wrong++) {
            char text[64];
            memset (text, 'x', sizeof text);
            if (wrong != 32 && wrong != 40)
                CHECK_ERR (zmq_setsockopt (s, options[i], text, wrong), EINVAL);
            size = wrong;
            if (wrong != 32 && wrong != 41)
                CHECK_ERR (zmq_getsockopt (s, options[i], got, &size), EINVAL);
        }
        CHECK_ERR (zmq_setsockopt (s, options[i], NULL, 0), EINVAL);
        CHECK_ERR (zmq_setsockopt (s, options[i],
                                   "########################################", 40),
                   EINVAL);
        CHECK_ERR (zmq_setsockopt (s, options[i],
                                   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"", 40),
                   EINVAL);
        CHECK_INT (get_int (s, ZMQ_MECHANISM), ZMQ_NULL);
        for (int form = 0; form < 3; form++) {
            static const size_t sizes[] = {32, 40, 41};
            CHECK_OK (zmq_setsockopt (s, options[i],
                                      form ? (void *) pair.public : bytes,
                                      sizes[form]));
            CHECK_INT (get_int (s, ZMQ_MECHANISM), ZMQ_CURVE);
            size = 32;
            CHECK_OK (zmq_getsockopt (s, options[i], got, &size));
            CHECK_INT (size, 32);
            CHECK (memcmp (got, bytes, 32) == 0);
            size = 41;
            CHECK_OK (zmq_getsockopt (s, options[i], got, &size));
            CHECK_STR (got, pair.public);
        }
        CHECK_OK (zmq_close (s));
    }
    CHECK_OK (zmq_ctx_term (ctx));
}

TEST (a_client_that_knows_the_server_is_let_in_where_nobody_asks)
{
    set_up (ZMQ_REP, ZMQ_REQ);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_SEND (client, "hi", 0);
    CHECK_RECV (server, "hi");
    CHECK_SEND (server, "ho", 0);
    CHECK_RECV (client, "ho");
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    CHECK_TOLD (told, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    finish (NULL);
}

/* The authenticator's request about the client, the server's domain being this. */
static void check_asked (void *handler, const char *domain)
{
    uint8_t key[32], got[64];
    const char *frames[] = {"1.0", "1", domain, "127.0.0.1", "", "CURVE"};
    for (int i = 0; i < 6; i++)
        CHECK_RECV (handler, frames[i]);
    CHECK_INT (zmq_recv (handler, got, sizeof got, 0), 32);
    CHECK_INT (get_int (handler, ZMQ_RCVMORE), 0);
    REQUIRE (zmq_z85_decode (key, clients.public) == key);
    CHECK (memcmp (got, key, 32) == 0);
}

TEST (the_authenticator_is_given_the_clients_key_and_messages_tell_whom)
{
    for (int domain = 0; domain < 2; domain++) {
        set_up (ZMQ_REP, ZMQ_REQ);
        void *handler = bind_authenticator (ZMQ_REP);
        if (domain) {
            CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, "home"));
            CHECK_OK (zmq_unbind (server, endpoint));
            bind_to (server, "tcp", endpoint);
        }
        CHECK_OK (zmq_connect (client, endpoint));
        CHECK_SEND (client, "hi", 0);
        check_asked (handler, domain ? "home" : "");
        answer (handler, "200");
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_INT (zmq_msg_recv (&msg, server, 0), 2);
        const char *user = zmq_msg_gets (&msg, "User-Id");
        const char *type = zmq_msg_gets (&msg, "Socket-Type");
        CHECK_STR (user ? user : "none", "joe");
        CHECK_STR (type ? type : "none", "REQ");
        zmq_msg_close (&msg);
        CHECK_TOLD (told, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
        finish (handler);
    }
}

TEST (who_is_refused_is_told_and_does_not_come_back)
{
    static const char *const statuses[] = {"400", "500"};
    for (int i = 0; i < 2; i++) {
        set_up (ZMQ_REP, ZMQ_REQ);
        void *handler = bind_authenticator (ZMQ_REP);
        CHECK_OK (zmq_connect (client, endpoint));
        check_asked (handler, "");
        answer (handler, statuses[i]);
        CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400 + 100 * i);
        CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400 + 100 * i);
        CHECK_OK (set_int (handler, ZMQ_RCVTIMEO, 200));
        CHECK_ERR (zmq_recv (handler, NULL, 0, 0), EAGAIN);
        finish (handler);
    }
}

TEST (wrong_keys_open_nothing)
{
    /* Another server's key: what the client says is nothing to the server. */
    set_up (ZMQ_PULL, ZMQ_PUSH);
    be_client (client, new_pair ().public, clients);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    finish (NULL);
    /* A public key that is not the secret one's. */
    set_up (ZMQ_PULL, ZMQ_PUSH);
    struct pair mixed = clients;
    strcpy (mixed.public, new_pair ().public);
    be_client (client, servers.public, mixed);
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    finish (NULL);
}

TEST (without_keys_nobody_gets_in)
{
    set_up (ZMQ_PULL, ZMQ_PUSH);
    unsigned char greeting[64];
    make_greeting (greeting);
    int fd = raw_connect (endpoint);
    CHECK (raw_write (fd, greeting, 64));
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH);
    CHECK (raw_is_closed (fd));
    close (fd);
    finish (NULL);
}

/* Zeros are a key that no secret belongs to. */
TEST (a_servers_key_that_is_none_fails_the_handshake)
{
    static const char zeros[] = "0000000000000000000000000000000000000000";
    for (int binds = 0; binds < 2; binds++) {
        begin ();
        servers = new_pair ();
        clients = new_pair ();
        server = new_socket (ctx, ZMQ_DEALER);
        client = new_socket (ctx, ZMQ_DEALER);
        be_server (server);
        be_client (client, zeros, clients);
        watcher = watch_socket (server, HANDSHAKES);
        told = watch_socket (client, HANDSHAKES);
        bind_to (binds ? client : server, "tcp", endpoint);
        CHECK_OK (zmq_connect (binds ? server : client, endpoint));
        /* The oracle leaves the connection as it is. */
        CHECK_FAILS_AT_LEAST (told, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                              ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
        finish (NULL);
    }
}

TEST (bodies_of_all_sizes_travel_in_both_directions)
{
    static const size_t sizes[] = {0,    1,     39,    40,      41,     222,
                                   223,  255,   256,   8191,    8192,   65535,
                                   65536, 131072, 200000, 1 << 20};
    set_up (ZMQ_PAIR, ZMQ_PAIR);
    CHECK_OK (zmq_connect (client, endpoint));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        carry (client, server, sizes[i]);
        carry (server, client, sizes[i]);
    }
    finish (NULL);
}

TEST (every_pattern_is_carried)
{
    static const int types[][2] = {{ZMQ_PULL, ZMQ_PUSH},     {ZMQ_PUSH, ZMQ_PULL},
                                   {ZMQ_REP, ZMQ_REQ},       {ZMQ_REQ, ZMQ_REP},
                                   {ZMQ_DEALER, ZMQ_DEALER}, {ZMQ_REP, ZMQ_DEALER},
                                   {ZMQ_XPUB, ZMQ_SUB},      {ZMQ_SUB, ZMQ_XPUB},
                                   {ZMQ_XPUB, ZMQ_XSUB}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        /* The oracle's server keeps what it subscribes to from its clients. */
        if (on_oracle () && types[i][0] == ZMQ_SUB)
            continue;
        set_up (types[i][0], types[i][1]);
        CHECK_OK (zmq_connect (client, endpoint));
        for (int end = 0; end < 2; end++) {
            void *from = end ? client : server, *to = end ? server : client;
            switch (types[i][end]) {
            case ZMQ_PUSH:
                CHECK_SEND (from, "one", 0);
                CHECK_SEND (from, "two", 0);
                CHECK_RECV (to, "one");
                CHECK_RECV (to, "two");
                break;
            case ZMQ_REQ:
                CHECK_SEND (from, "question", 0);
                CHECK_RECV (to, "question");
                CHECK_SEND (to, "answer", 0);
                CHECK_RECV (from, "answer");
                break;
            case ZMQ_DEALER:
                CHECK_SEND (from, "", ZMQ_SNDMORE);
                CHECK_SEND (from, "hi", 0);
                if (types[i][!end] == ZMQ_DEALER)
                    CHECK_RECV (to, "");
                CHECK_RECV (to, "hi");
                break;
            case ZMQ_XPUB:
                if (types[i][!end] == ZMQ_SUB)
                    CHECK_OK (zmq_setsockopt (to, ZMQ_SUBSCRIBE, "top", 3));
                else
                    CHECK_SEND (to, "\1top", 0);
                CHECK_RECV (from, "\1top");
                CHECK_SEND (from, "other", 0);
                CHECK_SEND (from, "topic", 0);
                CHECK_RECV (to, "topic");
                if (types[i][!end] == ZMQ_SUB)
                    CHECK_OK (zmq_setsockopt (to, ZMQ_UNSUBSCRIBE, "top", 3));
                else
                    CHECK_INT (zmq_send (to, "\0top", 4, 0), 4);
                {
                    char got[8];
                    CHECK_INT (zmq_recv (from, got, sizeof got, 0), 4);
                    CHECK (memcmp (got, "\0top", 4) == 0);
                }
                break;
            }
        }
        finish (NULL);
    }
}

TEST (heartbeats_keep_a_quiet_connection)
{
    set_up (ZMQ_PULL, ZMQ_PUSH);
    CHECK_OK (set_int (client, ZMQ_HEARTBEAT_IVL, 20));
    CHECK_OK (set_int (client, ZMQ_HEARTBEAT_TIMEOUT, 2000));
    CHECK_OK (zmq_connect (client, endpoint));
    CHECK_SEND (client, "before", 0);
    CHECK_RECV (server, "before");
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    sleep_ms (200);
    CHECK_SEND (client, "after", 0);
    CHECK_RECV (server, "after");
    CHECK_ERR (zmq_recv (watcher, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    finish (NULL);
}

/* A raw peer says this instead of HELLO; the monitor tells of it. */
static void check_hello (const void *body, size_t size, unsigned code)
{
    set_up (ZMQ_PULL, ZMQ_PUSH);
    int fd = raw_connect (endpoint);
    CHECK (raw_greet (fd, "CURVE"));
    CHECK (raw_command (fd, body, size));
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL, code);
    CHECK (raw_is_closed (fd));
    close (fd);
    finish (NULL);
}

TEST (a_hello_that_is_none_ends_the_connection)
{
    unsigned char hello[201] = "\5HELLO\1";
    check_hello (hello, 200, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    hello[80] = 9; /* now it is a key */
    check_hello (hello, 200, ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC);
    check_hello (hello, 199, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    check_hello (hello, 201, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    hello[7] = 1;
    check_hello (hello, 200, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_HELLO);
    check_hello (hello, 5, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
    check_hello ("\5READY", 6, ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
    check_hello ("", 0, ZMQ_PROTOCOL_ERROR_ZMTP_MALFORMED_COMMAND_UNSPECIFIED);
}

MAIN
