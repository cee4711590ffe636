/* GSSAPI (RFC 38, manual page zmq_gssapi) with a Kerberos realm of its own: who is
 * let in under which names and with which credentials, what an authenticator is asked
 * and decides, and what monitors tell. */
#include "kerberos.h"

TEST (a_client_with_a_ticket_is_let_in_where_nobody_asks)
{
    for (int plaintext = 0; plaintext < 2; plaintext++) {
        set_up (ZMQ_REP, ZMQ_REQ, plaintext);
        meet ();
        CHECK_SEND (client, "hi", 0);
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_INT (zmq_msg_recv (&msg, server, 0), 2);
        const char *type = zmq_msg_gets (&msg, "Socket-Type");
        CHECK_STR (type ? type : "none", "REQ");
        CHECK (zmq_msg_gets (&msg, "User-Id") == NULL);
        zmq_msg_close (&msg);
        CHECK_SEND (server, "ho", 0);
        CHECK_RECV (client, "ho");
        CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
        CHECK_TOLD (told, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
        finish (NULL);
    }
}

TEST (names_are_written_in_three_ways)
{
    static const struct
    {
        const char *own, *service, *client;
        int own_type, service_type, client_type;
    } names[] = {
      {"service@localhost", "service@localhost", "bob", ZMQ_GSSAPI_NT_HOSTBASED,
       ZMQ_GSSAPI_NT_HOSTBASED, ZMQ_GSSAPI_NT_USER_NAME},
      {"other/localhost@EXAMPLE.TEST", "other@localhost", "bob@EXAMPLE.TEST",
       ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, ZMQ_GSSAPI_NT_HOSTBASED,
       ZMQ_GSSAPI_NT_KRB5_PRINCIPAL},
      {"service@localhost", "service/localhost", "bob", ZMQ_GSSAPI_NT_HOSTBASED,
       ZMQ_GSSAPI_NT_KRB5_PRINCIPAL, ZMQ_GSSAPI_NT_KRB5_PRINCIPAL},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        set_up (ZMQ_REP, ZMQ_REQ, 0);
        void *handler = bind_authenticator (ZMQ_REP);
        CHECK_OK (set_text (server, ZMQ_GSSAPI_PRINCIPAL, names[i].own));
        CHECK_OK (set_int (server, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, names[i].own_type));
        CHECK_OK (set_text (client, ZMQ_GSSAPI_PRINCIPAL, names[i].client));
        CHECK_OK (set_int (client, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE,
                           names[i].client_type));
        CHECK_OK (set_text (client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, names[i].service));
        CHECK_OK (set_int (client, ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE,
                           names[i].service_type));
        meet ();
        CHECK_FRAMES (handler, "1.0|1||127.0.0.1||GSSAPI|bob@EXAMPLE.TEST");
        answer (handler, "200");
        check_works ();
        finish (handler);
    }
}

TEST (without_names_of_their_own_both_use_what_they_have)
{
    begin ();
    server = new_socket (ctx, ZMQ_REP);
    client = new_socket (ctx, ZMQ_REQ);
    CHECK_OK (set_int (server, ZMQ_GSSAPI_SERVER, 1));
    CHECK_OK (set_text (client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "other@localhost"));
    watcher = watch_socket (server, HANDSHAKES);
    told = watch_socket (client, HANDSHAKES);
    meet ();
    check_works ();
    finish (NULL);
}

TEST (the_authenticator_is_given_the_name_and_messages_tell_whom)
{
    for (int domain = 0; domain < 2; domain++) {
        set_up (ZMQ_REP, ZMQ_REQ, domain);
        void *handler = bind_authenticator (ZMQ_REP);
        if (domain)
            CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, "home"));
        meet ();
        CHECK_SEND (client, "hi", 0);
        CHECK_FRAMES (handler, domain
                                 ? "1.0|1|home|127.0.0.1||GSSAPI|alice@EXAMPLE.TEST"
                                 : "1.0|1||127.0.0.1||GSSAPI|alice@EXAMPLE.TEST");
        answer (handler, "200");
        zmq_msg_t msg;
        zmq_msg_init (&msg);
        CHECK_INT (zmq_msg_recv (&msg, server, 0), 2);
        const char *user = zmq_msg_gets (&msg, "User-Id");
        CHECK_STR (user ? user : "none", "joe");
        zmq_msg_close (&msg);
        CHECK_TOLD (told, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
        finish (handler);
    }
}

TEST (who_is_refused_is_told_so_and_stays_out)
{
    static const char *const statuses[] = {"400", "500"};
    for (int i = 0; i < 2; i++) {
        set_up (ZMQ_PULL, ZMQ_PUSH, i);
        void *handler = bind_authenticator (ZMQ_REP);
        meet ();
        CHECK_FRAMES (handler, "1.0|1||127.0.0.1||GSSAPI|alice@EXAMPLE.TEST");
        answer (handler, statuses[i]);
        CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400 + 100 * i);
        /* The oracle lets it in all the same. */
        if (on_oracle ())
            CHECK_TOLD (told, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
        else {
            CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400 + 100 * i);
            CHECK_OK (set_int (handler, ZMQ_RCVTIMEO, 200));
            CHECK_ERR (zmq_recv (handler, NULL, 0, 0), EAGAIN);
        }
        finish (handler);
    }
}

TEST (who_is_refused_for_now_hears_nothing_and_may_come_back)
{
    if (on_oracle ())
        return; /* it lets them in */
    set_up (ZMQ_REP, ZMQ_REQ, 0);
    void *handler = bind_authenticator (ZMQ_REP);
    CHECK_OK (set_int (client, ZMQ_HANDSHAKE_IVL, 1000));
    meet ();
    CHECK_FRAMES (handler, "1.0|1||127.0.0.1||GSSAPI|alice@EXAMPLE.TEST");
    answer (handler, "300");
    CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 300);
    CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EAGAIN);
    CHECK_FRAMES (handler, "1.0|1||127.0.0.1||GSSAPI|alice@EXAMPLE.TEST");
    answer (handler, "200");
    check_works ();
    finish (handler);
}

TEST (with_a_domain_enforced_somebody_has_to_say_yes)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    CHECK_OK (set_text (server, ZMQ_ZAP_DOMAIN, "home"));
    CHECK_OK (set_int (server, ZMQ_ZAP_ENFORCE_DOMAIN_, 1));
    meet ();
    if (on_oracle ())
        CHECK_TOLD (watcher, ZMQ_EVENT_HANDSHAKE_SUCCEEDED, 0);
    else
        CHECK_FAILS (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, EFAULT);
    finish (NULL);
}

TEST (both_sides_wrap_or_none)
{
    for (int plaintext = 0; plaintext < 2; plaintext++) {
        set_up (ZMQ_PULL, ZMQ_PUSH, plaintext);
        CHECK_OK (set_int (client, ZMQ_GSSAPI_PLAINTEXT, !plaintext));
        meet ();
        CHECK_FAILS (told, ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL,
                     ZMQ_PROTOCOL_ERROR_ZMTP_UNEXPECTED_COMMAND);
        CHECK_TOLD_OF (watcher, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        finish (NULL);
    }
}

/* Without a context one side or both drop the connection, and the client tries
 * again. The oracle may wait for the handshake's time to run out first. */
static void check_no_context (void *monitor)
{
    if (on_oracle ()) {
        CHECK_OK (set_int (server, ZMQ_HANDSHAKE_IVL, 300));
        CHECK_OK (set_int (client, ZMQ_HANDSHAKE_IVL, 300));
    }
    meet ();
    for (int i = 0; i < 2; i++) {
        CHECK_TOLD_OF (monitor, ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL);
        if (!on_oracle ())
            CHECK_INT (seen.value, EACCES);
        CHECK_TOLD_OF (monitor, ZMQ_EVENT_DISCONNECTED);
    }
    finish (NULL);
}

TEST (a_service_that_the_realm_does_not_know)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    CHECK_OK (set_text (client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "nobody@localhost"));
    check_no_context (told);
}

TEST (no_service_at_all)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    CHECK_OK (set_int (client, ZMQ_GSSAPI_SERVER, 1));
    CHECK_OK (set_int (client, ZMQ_GSSAPI_SERVER, 0));
    CHECK_OK (zmq_close (client));
    CHECK_OK (zmq_close (told));
    client = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_text (client, ZMQ_GSSAPI_PRINCIPAL, "alice"));
    CHECK_OK (set_int (client, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE,
                       ZMQ_GSSAPI_NT_USER_NAME));
    CHECK_OK (set_int (client, ZMQ_RECONNECT_IVL, 50));
    told = watch_socket (client, HANDSHAKES);
    check_no_context (told);
}

TEST (another_service_than_the_servers)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    CHECK_OK (set_text (client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "other@localhost"));
    check_no_context (watcher);
}

TEST (a_client_that_the_realm_does_not_know)
{
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    CHECK_OK (set_text (client, ZMQ_GSSAPI_PRINCIPAL, "carol"));
    check_no_context (told);
}

TEST (a_client_without_credentials)
{
    setenv ("KRB5_CLIENT_KTNAME", realm_file ("empty.keytab"), 1);
    setenv ("KRB5CCNAME", "MEMORY:none", 1);
    begin ();
    server = new_socket (ctx, ZMQ_PULL);
    client = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (server, ZMQ_GSSAPI_SERVER, 1));
    CHECK_OK (set_text (client, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "service@localhost"));
    CHECK_OK (set_int (client, ZMQ_RECONNECT_IVL, 50));
    watcher = watch_socket (server, HANDSHAKES);
    told = watch_socket (client, HANDSHAKES);
    check_no_context (told);
}

TEST (a_server_without_its_key)
{
    /* The oracle's client wants to be able to accept, too. */
    if (on_oracle ())
        return;
    leaks_are_not_ours ("gss_acquire_cred of MIT 1.20 loses 182 bytes for each name "
                        "that has no key, in a program of its own as well");
    setenv ("KRB5_KTNAME", realm_file ("empty.keytab"), 1);
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    check_no_context (watcher);
}

TEST (a_server_with_an_old_key)
{
    setenv ("KRB5_KTNAME", realm_file ("stale.keytab"), 1);
    set_up (ZMQ_PULL, ZMQ_PUSH, 0);
    if (on_oracle ())
        CHECK_OK (set_text (client, ZMQ_GSSAPI_PRINCIPAL, "other/localhost"));
    check_no_context (watcher);
}

TEST (each_side_needs_only_the_credentials_of_its_role)
{
    if (on_oracle ())
        return; /* it wants both kinds for any name */
    char *users = strdup (realm_file ("users.keytab"));
    setenv ("KRB5_CLIENT_KTNAME", users, 1);
    setenv ("KRB5_KTNAME", realm_file ("services.keytab"), 1);
    free (users);
    set_up (ZMQ_REP, ZMQ_REQ, 0);
    meet ();
    check_works ();
    finish (NULL);
}

KERBEROS_MAIN
