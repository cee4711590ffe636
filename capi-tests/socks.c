/* socks.c - tcp connects through a SOCKS5 proxy: the options, what the proxy is
 * told, byte by byte, and what passes through it. The proxy is the test itself;
 * what goes wrong with proxies is in socks_failures.c, real ones are in
 * socks_proxies.c. */
#include "socks.h"

TEST (options_are_texts_and_passwords_may_be_empty)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_PUB);
    char long_text[256], got[300];
    memset (long_text, 'x', sizeof long_text);
    for (int option = ZMQ_SOCKS_USERNAME; option <= ZMQ_SOCKS_PASSWORD; option++) {
        size_t size = sizeof got;
        CHECK_OK (zmq_getsockopt (s, option, got, &size));
        CHECK_INT (size, 1);
        CHECK_OK (zmq_setsockopt (s, option, long_text, 255));
        CHECK_ERR (zmq_setsockopt (s, option, long_text, 256), EINVAL);
        size = sizeof got;
        CHECK_OK (zmq_getsockopt (s, option, got, &size));
        CHECK_INT (size, 256);
        CHECK (memcmp (got, long_text, 255) == 0 && got[255] == 0);
        size = 255;
        CHECK_ERR (zmq_getsockopt (s, option, got, &size), EINVAL);
        for (int i = 0; i < 3; i++) {
            CHECK_OK (zmq_setsockopt (s, option, "a\0b", 3));
            size = 4;
            CHECK_OK (zmq_getsockopt (s, option, got, &size));
            CHECK (size == 4 && memcmp (got, "a\0b", 4) == 0);
            CHECK_OK (zmq_setsockopt (s, option, i ? NULL : "", i == 2 ? 300 : 0));
            size = sizeof got;
            CHECK_OK (zmq_getsockopt (s, option, got, &size));
            CHECK_INT (size, 1);
        }
    }
    CHECK_OK (set_text (s, ZMQ_SOCKS_PROXY, "anything"));
    CHECK_ERR (zmq_setsockopt (s, ZMQ_SOCKS_PROXY, "", 0), EINVAL);
    CHECK_ERR (zmq_setsockopt (s, ZMQ_SOCKS_PROXY, NULL, 3), EINVAL);
    CHECK_OK (zmq_setsockopt (s, ZMQ_SOCKS_PROXY, NULL, 0));
    size_t size = sizeof got;
    CHECK_OK (zmq_getsockopt (s, ZMQ_SOCKS_PROXY, got, &size));
    CHECK_INT (size, 1);
    end (s, NULL);
}

TEST (the_proxy_is_asked_for_numbers_and_for_names_as_they_are)
{
    static const struct
    {
        const char *endpoint, *request;
        size_t size;
    } cases[] = {
      {"tcp://1.2.3.4:5555", BYTES ("\5\1\0\1\1\2\3\4\25\263")},
      {"tcp://127.1:5x", BYTES ("\5\1\0\1\177\0\0\1\0\5")},
      {"tcp://example.org:99999", BYTES ("\5\1\0\3\13example.org\206\237")},
      {"tcp://localhost:5", BYTES ("\5\1\0\3\11localhost\0\5")},
      {"tcp://[foo]:5", BYTES ("\5\1\0\3\3foo\0\5")},
      {"tcp://lo:5", BYTES ("\5\1\0\3\2lo\0\5")},
      {"tcp://256.1.1.1:5", BYTES ("\5\1\0\3\011256.1.1.1\0\5")},
      {"tcp://a%lo:5", BYTES ("\5\1\0\3\4a%lo\0\5")},
      {"tcp://:5", BYTES ("\5\1\0\3\0\0\5")},
      {"tcp://[::1]:5", BYTES ("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\5")},
      {"tcp://[fe80::1%lo]:5",
       BYTES ("\5\1\0\4\376\200\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\5")},
      {"tcp://[::ffff:1.2.3.4]:5",
       BYTES ("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\377\377\1\2\3\4\0\5")},
    };
    void *s = through (ZMQ_DEALER);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        endpoint_t last;
        CHECK_OK (zmq_connect (s, cases[i].endpoint));
        last_endpoint (s, last);
        CHECK_STR (last, cases[i].endpoint);
        int fd = take_request (cases[i].request, cases[i].size);
        CHECK (grant (fd, BYTES (GRANTED)));
        CHECK (raw_handshake (fd, "DEALER"));
        CHECK_OK (zmq_disconnect (s, cases[i].endpoint));
        CHECK (peer_reads_to_end (fd, s) >= 0);
    }
    CHECK_ERR (zmq_connect (s, "tcp://-a:5"), EINVAL);
    CHECK_ERR (zmq_connect (s, "tcp://a:*"), EINVAL);
    CHECK_ERR (zmq_connect (s, "tcp://a"), EINVAL);
    end (s, NULL);
}

TEST (monitors_know_the_connection_by_the_proxy)
{
    void *s = through (ZMQ_PULL);
    void *monitor = watch (s, ZMQ_EVENT_ALL);
    endpoint_t last;
    CHECK_OK (zmq_connect (s, PEER));
    last_endpoint (s, last);
    CHECK_STR (last, PEER);
    CHECK_EVENT_VALUE (monitor, ZMQ_EVENT_CONNECT_DELAYED, EINPROGRESS, at);
    int fd = TAKE_REQUEST (REQUEST);
    WRITE (fd, GRANTED);
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECTED, at);
    CHECK (raw_handshake (fd, "PUSH") && raw_send_frame (fd, "hello"));
    CHECK_EVENT_VALUE (monitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0, at);
    zmq_msg_t message;
    CHECK_OK (zmq_msg_init (&message));
    CHECK_INT (zmq_msg_recv (&message, s, 0), 5);
    const char *address = zmq_msg_gets (&message, "Peer-Address");
    CHECK_STR (address ? address : "none", "127.0.0.1");
    CHECK_OK (zmq_msg_close (&message));
    close (fd);
    CHECK_EVENT (monitor, ZMQ_EVENT_DISCONNECTED, at);
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_RETRIED, at);
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECT_DELAYED, at);
    fd = TAKE_REQUEST (REQUEST);
    WRITE (fd, GRANTED);
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECTED, at);
    end (s, monitor);
}

TEST (the_proxy_is_known_as_it_was_written)
{
    void *s = through (ZMQ_PULL);
    void *monitor = watch (s, ZMQ_EVENT_CONNECTED);
    char text[100], shown[110];
    for (int i = 0; i < 3; i++) {
        static const char *const forms[] = {"localhost:%s", "[127.0.0.1]:%s",
                                            "127.0.0.2:0;127.1:%sx"};
        snprintf (text, sizeof text, forms[i], strrchr (at, ':') + 1);
        snprintf (shown, sizeof shown, "tcp://%s", text);
        CHECK_OK (set_text (s, ZMQ_SOCKS_PROXY, text));
        CHECK_OK (zmq_connect (s, PEER));
        int fd = raw_accept (proxy);
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        CHECK_OK (getpeername (fd, (void *) &from, &size));
        CHECK_INT (ntohl (from.sin_addr.s_addr), INADDR_LOOPBACK + (i == 2));
        WRITE (fd, "\5\0");
        CHECK_READS (fd, "\5\1\0" REQUEST);
        WRITE (fd, GRANTED);
        CHECK_EVENT (monitor, ZMQ_EVENT_CONNECTED, shown);
        CHECK_OK (zmq_disconnect (s, PEER));
        CHECK (peer_reads_to_end (fd, s) >= 0);
    }
    /* As programs that count the terminating zero have it. */
    CHECK_OK (zmq_setsockopt (s, ZMQ_SOCKS_PROXY, at + 6, strlen (at + 6) + 1));
    CHECK_OK (zmq_connect (s, PEER));
    WRITE (TAKE_REQUEST (REQUEST), GRANTED);
    CHECK_EVENT (monitor, ZMQ_EVENT_CONNECTED, at);
    end (s, monitor);
}

TEST (a_source_of_the_endpoint_s_is_that_of_the_connection_to_the_proxy)
{
    void *s = through (ZMQ_PULL);
    CHECK_OK (zmq_connect (s, "tcp://127.0.0.3:0;192.0.2.1:5555"));
    int fd = raw_accept (proxy);
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    CHECK_OK (getpeername (fd, (void *) &from, &size));
    CHECK_INT (ntohl (from.sin_addr.s_addr), INADDR_LOOPBACK + (on_oracle () ? 0 : 2));
    WRITE (fd, "\5\0");
    if (on_oracle ()) /* which has the proxy look up the source, too */
        CHECK_READS (fd, "\5\1\0\5\1\0\3\25" "127.0.0.3:0;192.0.2.1\25\263");
    else
        CHECK_READS (fd, "\5\1\0" REQUEST);
    end (s, NULL);
}

/* Has the socket connect; the proxy wants a password. */
static int take_named (void *s)
{
    CHECK_OK (zmq_connect (s, PEER));
    int fd = raw_accept (proxy);
    CHECK_READS (fd, "\5\1\2");
    WRITE (fd, "\5\2");
    return fd;
}

TEST (a_name_offers_passwords_alone)
{
    char name[255], word[255];
    memset (name, 'n', sizeof name);
    memset (word, 'w', sizeof word);
    void *s = through (ZMQ_PUSH);
    CHECK_OK (set_text (s, ZMQ_SOCKS_PASSWORD, "alone"));
    CHECK_OK (zmq_connect (s, PEER));
    WRITE (TAKE_REQUEST (REQUEST), GRANTED);
    CHECK_OK (set_text (s, ZMQ_SOCKS_USERNAME, "name"));
    int fd = take_named (s);
    CHECK_READS (fd, "\1\4name\5alone");
    WRITE (fd, "\1\0");
    CHECK_READS (fd, REQUEST);
    CHECK (grant (fd, BYTES (GRANTED)));
    CHECK (raw_handshake (fd, "PULL"));
    CHECK_OK (zmq_setsockopt (s, ZMQ_SOCKS_PASSWORD, NULL, 0));
    fd = take_named (s);
    CHECK_READS (fd, "\1\4name\0");
    WRITE (fd, "\1\0");
    CHECK_READS (fd, REQUEST);
    CHECK_OK (zmq_setsockopt (s, ZMQ_SOCKS_USERNAME, name, sizeof name));
    CHECK_OK (zmq_setsockopt (s, ZMQ_SOCKS_PASSWORD, word, sizeof word));
    fd = take_named (s);
    CHECK_READS (fd, "\1\377");
    CHECK (reads (fd, name, sizeof name));
    CHECK_READS (fd, "\377");
    CHECK (reads (fd, word, sizeof word));
    WRITE (fd, "\1\0");
    CHECK_READS (fd, REQUEST);
    end (s, NULL);
}

TEST (a_proxy_may_choose_what_was_not_offered)
{
    void *s = through (ZMQ_PUSH);
    CHECK_OK (zmq_connect (s, PEER));
    int fd = raw_accept (proxy);
    CHECK_READS (fd, "\5\1\0");
    WRITE (fd, "\5\2");
    CHECK_READS (fd, "\1\0\0");
    WRITE (fd, "\1\0");
    CHECK_READS (fd, REQUEST);
    CHECK_OK (set_text (s, ZMQ_SOCKS_USERNAME, "name"));
    CHECK_OK (zmq_connect (s, PEER));
    fd = raw_accept (proxy);
    CHECK_READS (fd, "\5\1\2");
    WRITE (fd, "\5\0");
    CHECK_READS (fd, REQUEST);
    end (s, NULL);
}

TEST (replies_may_come_in_pieces_and_with_any_address)
{
    static const struct
    {
        const char *bytes;
        size_t size;
    } replies[] = {
      {BYTES (GRANTED)},
      {BYTES ("\5\0\0\3\0\0\1")},
      {BYTES ("\5\0\0\3\5proxy\0\1")},
      {BYTES ("\5\0\0\4\1\2\3\4\5\6\7\10\1\2\3\4\5\6\7\10\0\1")},
    };
    void *s = through (ZMQ_PUSH);
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        for (int pieces = 0; pieces < 2; pieces++) {
            CHECK_OK (zmq_connect (s, PEER));
            int fd = TAKE_REQUEST (REQUEST);
            for (size_t at = 0; pieces && at < replies[i].size; at++) {
                CHECK (raw_write (fd, replies[i].bytes + at, 1));
                sleep_ms (1);
            }
            CHECK (grant (fd, replies[i].bytes, pieces ? 0 : replies[i].size));
            CHECK (raw_handshake (fd, "PULL"));
            CHECK_OK (zmq_disconnect (s, PEER));
            CHECK (peer_reads_to_end (fd, s) >= 0);
        }
    end (s, NULL);
}

TEST (what_the_peer_says_behind_the_reply_is_heard)
{
    unsigned char bytes[256] = GRANTED, theirs[64 + 28];
    size_t size = sizeof (GRANTED) - 1;
    make_greeting (bytes + size);
    size += 64;
    size += make_ready (bytes + size, "PUSH");
    memcpy (bytes + size, "\0\5early", 7);
    void *s = through (ZMQ_PULL);
    CHECK_OK (zmq_connect (s, PEER));
    int fd = TAKE_REQUEST (REQUEST);
    /* libzmq takes a message together with a whole handshake for a command. */
    CHECK (raw_write (fd, bytes, size + (on_oracle () ? 0 : 7)));
    CHECK (raw_read (fd, theirs, sizeof theirs));
    if (on_oracle ())
        CHECK (raw_send_frame (fd, "early"));
    CHECK_RECV (s, "early");
    end (s, NULL);
}

TEST (raw_connections_go_through_the_proxy_too)
{
    void *s = through (ZMQ_STREAM);
    CHECK_OK (zmq_connect (s, PEER));
    int fd = TAKE_REQUEST (REQUEST);
    CHECK_NOTHING (s);
    WRITE (fd, GRANTED "bytes");
    struct id peer = notice (s);
    CHECK (bytes_come (s, peer, "bytes"));
    CHECK_INT (send_text_to (s, peer, "answer"), 0);
    CHECK (peer_reads (fd, "answer"));
    end (s, NULL);
}

TEST (other_transports_do_without_the_proxy)
{
    void *s = through (ZMQ_PUSH), *ipc = new_socket (ctx, ZMQ_PULL);
    void *inproc = new_socket (ctx, ZMQ_PULL);
    endpoint_t endpoint;
    bind_to (ipc, "ipc", endpoint);
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK_SEND (s, "ipc", 0);
    CHECK_RECV (ipc, "ipc");
    CHECK_OK (zmq_disconnect (s, endpoint));
    CHECK_OK (zmq_bind (inproc, "inproc://here"));
    CHECK_OK (zmq_connect (s, "inproc://here"));
    CHECK_SEND (s, "inproc", 0);
    CHECK_RECV (inproc, "inproc");
    CHECK_OK (zmq_bind (s, "tcp://127.0.0.1:*"));
    last_endpoint (s, endpoint);
    int fd = raw_connect (endpoint);
    CHECK (raw_handshake (fd, "PULL"));
    CHECK_OK (zmq_close (inproc));
    end (s, ipc);
}

TEST (the_options_that_count_are_those_of_the_connect)
{
    void *s = through (ZMQ_PUSH);
    CHECK_OK (zmq_connect (s, PEER));
    CHECK_OK (zmq_setsockopt (s, ZMQ_SOCKS_PROXY, NULL, 0));
    CHECK_OK (set_text (s, ZMQ_SOCKS_USERNAME, "name"));
    for (int i = 0; i < 3; i++)
        close (TAKE_REQUEST (REQUEST));
    endpoint_t endpoint;
    int listener = raw_listen (endpoint);
    CHECK_OK (zmq_connect (s, endpoint));
    CHECK (raw_handshake (raw_accept (listener), "PULL"));
    end_failed (s, NULL);
}

TEST (messages_wait_until_there_is_a_way)
{
    void *s = through (ZMQ_PUSH);
    CHECK_OK (zmq_connect (s, PEER));
    CHECK_SEND (s, "first", 0);
    CHECK_SEND (s, "second", 0);
    close (raw_accept (proxy));
    int fd = TAKE_REQUEST (REQUEST);
    WRITE (fd, "\5\4\0\1\0\0\0\0\0\0");
    CHECK (raw_is_closed (fd));
    fd = TAKE_REQUEST (REQUEST);
    CHECK (grant (fd, BYTES (GRANTED)));
    CHECK (raw_handshake (fd, "PULL"));
    CHECK_READS (fd, "\0\5first\0\6second");
    end_failed (s, NULL);
}

MAIN
