/* The options of GSSAPI: which of them choose the mechanism and the role. Their
 * sizes and ranges are in options.c and options_bytes.c. */
#include "zap.h"

#define CHECK_STATE(SOCKET, MECHANISM, SERVER)                                 \
    do {                                                                       \
        CHECK_INT (get_int (SOCKET, ZMQ_MECHANISM), MECHANISM);                \
        CHECK_INT (get_int (SOCKET, ZMQ_GSSAPI_SERVER), SERVER);               \
    } while (0)

TEST (zmq_has_says_whether_there_is_a_library_and_the_options_with_it)
{
    begin ();
    void *s = new_socket (ctx, ZMQ_REP);
    int has = zmq_has ("gssapi");
    CHECK (has == 0 || has == 1);
    CHECK_INT (set_int (s, ZMQ_GSSAPI_SERVER, 1), has - 1);
    CHECK_INT (get_int (s, ZMQ_GSSAPI_SERVER), has ? 1 : -1);
    CHECK_INT (get_int (s, ZMQ_GSSAPI_PLAINTEXT), has - 1);
    end (s, NULL);
}

TEST (the_option_set_last_says_which_mechanism)
{
    if (!zmq_has ("gssapi"))
        return;
    begin ();
    void *s = new_socket (ctx, ZMQ_REP);
    CHECK_STATE (s, ZMQ_NULL, 0);
    /* How is not whether. */
    CHECK_OK (set_int (s, ZMQ_GSSAPI_PLAINTEXT, 1));
    CHECK_OK (set_int (s, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, ZMQ_GSSAPI_NT_USER_NAME));
    CHECK_OK (set_int (s, ZMQ_GSSAPI_SERVICE_PRINCIPAL_NAMETYPE,
                       ZMQ_GSSAPI_NT_KRB5_PRINCIPAL));
    CHECK_STATE (s, ZMQ_NULL, 0);
    CHECK_OK (set_int (s, ZMQ_GSSAPI_SERVER, 1));
    CHECK_STATE (s, ZMQ_GSSAPI, 1);
    CHECK_OK (set_text (s, ZMQ_GSSAPI_PRINCIPAL, "alice"));
    CHECK_STATE (s, ZMQ_GSSAPI, 1);
    CHECK_OK (set_text (s, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "service"));
    CHECK_STATE (s, ZMQ_GSSAPI, 0);
    CHECK_OK (set_int (s, ZMQ_GSSAPI_SERVER, 1));
    /* Unlike the servers of other mechanisms, one that is none any more is a
     * client. */
    CHECK_OK (set_int (s, ZMQ_GSSAPI_SERVER, 0));
    CHECK_STATE (s, ZMQ_GSSAPI, 0);
    CHECK_OK (set_int (s, ZMQ_PLAIN_SERVER, 1));
    CHECK_STATE (s, ZMQ_PLAIN, 0);
    CHECK_OK (set_text (s, ZMQ_GSSAPI_PRINCIPAL, "bob"));
    CHECK_STATE (s, ZMQ_GSSAPI, 1);
    CHECK_OK (set_int (s, ZMQ_CURVE_SERVER, 0));
    CHECK_STATE (s, ZMQ_NULL, 0);
    CHECK_OK (set_int (s, ZMQ_GSSAPI_SERVER, 0));
    CHECK_STATE (s, ZMQ_GSSAPI, 0);
    CHECK_OK (zmq_setsockopt (s, ZMQ_PLAIN_USERNAME, NULL, 0));
    CHECK_STATE (s, ZMQ_NULL, 0);
    CHECK_ERR (zmq_setsockopt (s, ZMQ_GSSAPI_PRINCIPAL, NULL, 0), EINVAL);
    CHECK_ERR (zmq_setsockopt (s, ZMQ_GSSAPI_SERVICE_PRINCIPAL, "", 0), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_GSSAPI_SERVER, 2), EINVAL);
    CHECK_ERR (set_int (s, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, 3), EINVAL);
    CHECK_STATE (s, ZMQ_NULL, 0);
    char name[8];
    size_t size = sizeof name;
    CHECK_OK (zmq_getsockopt (s, ZMQ_GSSAPI_PRINCIPAL, name, &size));
    CHECK_STR (name, "bob");
    CHECK_INT (size, 4);
    end (s, NULL);
}

MAIN
