/* endpoints.c - bind, connect, unbind, disconnect. */
#include "execute.h"
#include "text.h"
#include <stdio.h>
#include <string.h>
#include <zmq.h>

int network_used;
static int expected_at[BAD_ENDPOINTS];

void shorten_linger (int s)
{
    int linger = 0;
    size_t size = sizeof linger;
    zmq_getsockopt (sockets[s], ZMQ_LINGER, &linger, &size);
    if (linger < 0 || linger > LONGEST_WAIT_MS) {
        linger = LONGEST_WAIT_MS;
        zmq_setsockopt (sockets[s], ZMQ_LINGER, &linger, sizeof linger);
    }
}

void connection_call (const struct op *op)
{
    char text[512], wild[512] = "";
    void *socket = sockets[op->s];
    int place = op->x < BAD_ENDPOINTS ? op->x : -1;
    size_t size = sizeof wild;
    spell_endpoint (endpoints[op->x], text);
    if ((op->code == OP_UNBIND || op->code == OP_DISCONNECT) && op->y
        && zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, wild, &size) == 0)
        strcpy (text, wild);
    else if (op->code == OP_CONNECT)
        last_wildcard (op->x, text);
    printf (" '");
    print_text (text);
    printf ("'");
    int conflate = 0;
    size_t width = sizeof conflate;
    zmq_getsockopt (socket, ZMQ_CONFLATE, &conflate, &width);
    /* The oracle drops what was sent; it tells of subscriptions that end only
     * when the peer has read everything. */
    if ((conflate || type_of (op->s) == ZMQ_XPUB)
        && (op->code == OP_UNBIND || op->code == OP_DISCONNECT)) {
        printf (" not tried");
        return;
    }
    if (strncmp (text, "inproc:", 7) != 0)
        network_used = 1;
    /* What part of the messages that came a disconnect drops depends on how far
     * they were read: COMPAT.md. */
    if (op->code == OP_UNBIND || op->code == OP_DISCONNECT) {
        printf ("\n");
        shorten_linger (op->s);
        drain (op->s);
        settle ();
        printf ("   %s s%d ", op->code == OP_UNBIND ? "unbind" : "disconnect", op->s);
        print_text (text);
    }
    int late = op->code == OP_BIND && place >= IPC_ENDPOINTS && expected_at[place];
    if (op->code == OP_CONNECT && place >= 0)
        expected_at[place] = 1;
    switch (op->code) {
        case OP_BIND: {
            int rc = zmq_bind (socket, text);
            result (rc);
            if (rc == 0 && (place == WILD_TCP || place == WILD_IPC)
                && zmq_getsockopt (socket, ZMQ_LAST_ENDPOINT, wild, &size) == 0)
                note_wildcard (op->x, wild);
            break;
        }
        case OP_CONNECT:
            result (zmq_connect (socket, text));
            break;
        case OP_UNBIND:
            result (zmq_unbind (socket, text));
            break;
        default:
            result (zmq_disconnect (socket, text));
    }
    if (late)
        rest_for (RECONNECTED_MS);
    else
        rest ();
}
