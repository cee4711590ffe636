/* security.h - what the two sides know of each other where there is a mechanism:
 * names and keys, which are no secret, and an authenticator (RFC 27). */
#ifndef FERROZMQ_INTEROP_SECURITY_H
#define FERROZMQ_INTEROP_SECURITY_H

#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <zmq.h>

static const char server_public[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char server_secret[] = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
static const char client_public[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
static const char client_secret[] = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

/* Whether the credentials of a request are those of our client. */
static int is_known (const char *mechanism, char credentials[2][256], int count)
{
    if (strcmp (mechanism, "PLAIN") == 0)
        return count == 2 && strcmp (credentials[0], "peer") == 0
               && strcmp (credentials[1], "secret") == 0;
    if (strcmp (mechanism, "GSSAPI") == 0)
        return count == 1 && strcmp (credentials[0], "alice@EXAMPLE.TEST") == 0;
    uint8_t key[32];
    return count == 1 && zmq_z85_decode (key, client_public)
           && memcmp (credentials[0], key, sizeof key) == 0;
}

/* Lets in whom it knows, until the context ends. */
static void *authenticate (void *handler)
{
    enum { MECHANISM = 5, CREDENTIALS };
    for (;;) {
        char frames[8][256] = {{0}};
        int count = 0, more = 1;
        size_t size = sizeof more;
        for (; more; count++) {
            if (zmq_recv (handler, frames[count & 7], 255, 0) < 0) {
                zmq_close (handler);
                return NULL;
            }
            zmq_getsockopt (handler, ZMQ_RCVMORE, &more, &size);
        }
        int known = is_known (frames[MECHANISM], frames + CREDENTIALS,
                              count - CREDENTIALS);
        zmq_send (handler, "1.0", 3, ZMQ_SNDMORE);
        zmq_send (handler, frames[1], strlen (frames[1]), ZMQ_SNDMORE);
        zmq_send (handler, known ? "200" : "400", 3, ZMQ_SNDMORE);
        zmq_send (handler, "", 0, ZMQ_SNDMORE);
        zmq_send (handler, "user", 4, ZMQ_SNDMORE);
        zmq_send (handler, "", 0, 0);
    }
}

static int start_authenticator (void *context)
{
    pthread_t thread;
    void *handler = zmq_socket (context, ZMQ_REP);
    return zmq_bind (handler, "inproc://zeromq.zap.01") != 0
           || pthread_create (&thread, NULL, authenticate, handler) != 0
           || pthread_detach (thread) != 0;
}

static int set_text (void *socket, int option, const char *text)
{
    return zmq_setsockopt (socket, option, text, strlen (text));
}

/* Whether messages are wrapped; GSSAPI has both, with principals of the realm that
 * the script `kdc` runs. */
static int set_plaintext (void *socket, int plaintext)
{
    return zmq_setsockopt (socket, ZMQ_GSSAPI_PLAINTEXT, &plaintext,
                           sizeof plaintext);
}

/* The server of a mechanism. */
static int secure_server (void *socket, const char *mechanism)
{
    int yes = 1;
    if (strcmp (mechanism, "PLAIN") == 0)
        return zmq_setsockopt (socket, ZMQ_PLAIN_SERVER, &yes, sizeof yes);
    if (strncmp (mechanism, "GSSAPI", 6) == 0)
        return zmq_setsockopt (socket, ZMQ_GSSAPI_SERVER, &yes, sizeof yes)
               || set_text (socket, ZMQ_GSSAPI_PRINCIPAL, "service@localhost")
               || set_plaintext (socket, mechanism[6] != 0);
    return zmq_setsockopt (socket, ZMQ_CURVE_SERVER, &yes, sizeof yes)
           || set_text (socket, ZMQ_CURVE_SECRETKEY, server_secret);
}

/* Its client; `fault` says what is wrong with it, if anything. */
static int secure_client (void *socket, const char *mechanism, const char *fault)
{
    if (strcmp (mechanism, "PLAIN") == 0)
        return set_text (socket, ZMQ_PLAIN_USERNAME,
                         strcmp (fault, "name") == 0 ? "nobody" : "peer")
               || set_text (socket, ZMQ_PLAIN_PASSWORD,
                            strcmp (fault, "password") == 0 ? "guess" : "secret");
    if (strncmp (mechanism, "GSSAPI", 6) == 0) {
        int type = ZMQ_GSSAPI_NT_USER_NAME;
        int plaintext = (mechanism[6] != 0) != (strcmp (fault, "wrapping") == 0);
        return set_text (socket, ZMQ_GSSAPI_SERVICE_PRINCIPAL,
                         strcmp (fault, "service") == 0 ? "other@localhost"
                                                        : "service@localhost")
               || set_text (socket, ZMQ_GSSAPI_PRINCIPAL, "alice")
               || zmq_setsockopt (socket, ZMQ_GSSAPI_PRINCIPAL_NAMETYPE, &type,
                                  sizeof type)
               || set_plaintext (socket, plaintext);
    }
    /* Of an unknown client both keys are others'; "keys" do not fit together. */
    int unknown = strcmp (fault, "client") == 0;
    int unfit = strcmp (fault, "keys") == 0;
    return set_text (socket, ZMQ_CURVE_SERVERKEY,
                     strcmp (fault, "server-key") == 0 ? client_public
                                                       : server_public)
           || set_text (socket, ZMQ_CURVE_PUBLICKEY,
                        unknown ? server_public : client_public)
           || set_text (socket, ZMQ_CURVE_SECRETKEY,
                        unknown || unfit ? server_secret : client_secret);
}

/* Sets a socket's side of a mechanism: the server is who binds. */
static int secure (void *socket, const char *mechanism, const char *fault,
                   int binds)
{
    return binds ? secure_server (socket, mechanism)
                 : secure_client (socket, mechanism, fault);
}

#endif
