/* execute.c - carries out a sequence on the libzmq of this process.
 *
 * Each operation prints one line: what was asked, "=", what came back. Before
 * the next one begins, everything that the last one set off must have come to
 * rest, or else the results would tell of chance: sockets are called (some of
 * their work is done only then), and time is given to I/O threads.
 */
#include "crowds.h"
#include "execute.h"
#include "text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static void *contexts[CONTEXTS];
static int context_of[SLOTS];
void *sockets[SLOTS];
int asking;
int unfinished[SLOTS];

static const char *const metadata[] = {"X-a:value", "X-bb:\x01other"};
static const char *const filters[] = {"127.0.0.0/8", "10.1.2.3"};
const char *const names[] = {"A", "BB", "CCC", "DDDDDDDDDDDDDDDDDDDDDDDD"};

int type_of (int s)
{
    int type = -1;
    size_t size = sizeof type;
    zmq_getsockopt (sockets[s], ZMQ_TYPE, &type, &size);
    return type;
}

/* A socket's time-out where a call may wait that long, or -1. */
int time_out (void *socket, int option)
{
    int value = -1;
    size_t size = sizeof value;
    zmq_getsockopt (socket, option, &value, &size);
    return value > LONGEST_WAIT_MS ? -1 : value;
}

/* Waits no longer than the sequence can bear. */
int bounded_flags (void *socket, int option, int flags)
{
    return time_out (socket, option) < 0 ? flags | ZMQ_DONTWAIT : flags;
}

void result (int rc)
{
    int err = errno;
    if (rc >= 0)
        printf (" = %d", rc);
    else
        printf (" = %d %s", rc, errno_name (err));
}

static void pure_call (int which, int argument)
{
    static const int numbers[] = {0, 1, 11, 22, 113, 9999, -1, ZMQ_HAUSNUMERO,
                                  EFSM, ENOCOMPATPROTO, ETERM, EMTHREAD,
                                  ENOTSUP, EHOSTUNREACH, ZMQ_HAUSNUMERO + 18,
                                  ZMQ_HAUSNUMERO + 55};
    if (which < 2) {
        int number = numbers[argument % 16];
        printf (" strerror %d = %s", number, zmq_strerror (number));
    } else {
        const char *name = capabilities[argument % capability_count];
        printf (" has '%s'", name);
        result (zmq_has (name));
    }
}

static void subscribe (int s, int option, int which)
{
    if (option < 0) {
        char frame[16] = {(char) (option == -2), 0};
        strcpy (frame + 1, topics[which]);
        print_bytes (frame, 1 + strlen (topics[which]));
        result (zmq_send (sockets[s], frame, 1 + strlen (topics[which]), ZMQ_DONTWAIT));
        return;
    }
    const char *value = option == ZMQ_METADATA            ? metadata[which % 2]
                        : option == ZMQ_TCP_ACCEPT_FILTER ? filters[which % 2]
                        : option == ZMQ_ROUTING_ID || option == ZMQ_CONNECT_ROUTING_ID
                          ? names[which]
                          : topics[which];
    printf (" option %d ", option);
    print_bytes (value, strlen (value));
    result (zmq_setsockopt (sockets[s], option, value, strlen (value)));
}

static void make_socket (int s, int context, int type)
{
    printf (" s%d ctx%d type %d", s, context, type);
    if (sockets[s] || !contexts[context]) {
        printf (" not tried");
        return;
    }
    errno = 0;
    sockets[s] = zmq_socket (contexts[context], type);
    context_of[s] = context;
    result (sockets[s] ? 0 : -1);
    if (sockets[s]) {
        int ivl = 10; /* the default makes waiting long */
        zmq_setsockopt (sockets[s], ZMQ_RECONNECT_IVL, &ivl, sizeof ivl);
    }
    asking |= type == ZMQ_REQ;
    forget_peers (s);
    unfinished[s] = 0;
}

static void close_socket (int s)
{
    shorten_linger (s);
    result (zmq_close (sockets[s]));
    sockets[s] = NULL;
    settle ();
}

static void context_option (const struct op *op)
{
    const struct option *option = &context_options[op->x];
    printf (" ctx%d %s", op->s, option->name);
    if (op->code == OP_CTX_SET) {
        printf (" %d", op->y);
        result (zmq_ctx_set (contexts[op->s], option->number, op->y));
    } else {
        int value = zmq_ctx_get (contexts[op->s], option->number);
        if (option->number == ZMQ_THREAD_SCHED_POLICY
            || option->number == ZMQ_THREAD_NAME_PREFIX || value < -1)
            printf (" = %d", value); /* negative, but no error */
        else
            result (value);
    }
}

static void shorten_lingers (void)
{
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s])
            shorten_linger (s);
}

static void drain_all (void)
{
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s])
            drain (s);
}

static const char *const op_names[] = {
  "ctx_new", "ctx_set", "ctx_get", "ctx_shutdown", "socket", "drain", "close", "set",
  "set", "subscribe", "secure", "get", "bind", "connect", "unbind", "disconnect", "send",
  "send_whole", "send_to", "recv", "recv_whole", "old", "monitor", "bind",
  "poll", "await", "msg", "proxy", "steer", "pure", "timer", "z85", "wait",
  "found", "join", "part", "tell", "reply", "fill", "topics", "read", "watch", "play"};

static void carry_out (const struct op *op)
{
    int s = op->s;
    if (op->code >= OP_CLOSE && op->code <= OP_BIND_FD) {
        printf (" s%d", s);
        if (!sockets[s]) {
            printf (" none");
            return;
        }
    }
    if (op->code <= OP_CTX_SHUTDOWN && op->code != OP_CTX_NEW && !contexts[s]) {
        printf (" none");
        return;
    }
    switch (op->code) {
        case OP_CTX_NEW:
            if (!contexts[s])
                contexts[s] = zmq_ctx_new ();
            return;
        case OP_CTX_SET: /* s: context, x: index of option, y: value */
        case OP_CTX_GET:
            context_option (op);
            return;
        case OP_CTX_SHUTDOWN:
            shorten_lingers (); /* afterwards no option can be set */
            result (zmq_ctx_shutdown (contexts[s]));
            settle ();
            return;
        case OP_SOCKET: /* x: context, y: type */
            make_socket (s, op->x, op->y);
            return;
        case OP_DRAIN:
            printf ("\n");
            drain_all ();
            return;
        case OP_CLOSE:
            close_socket (s);
            return;
        case OP_SET: /* x: index of option, y: size, z: seed of the value */
            printf (" %s size %d", socket_options[op->x].name, op->y);
            set_option (s, &socket_options[op->x], op->y, (uint32_t) op->z);
            return;
        case OP_SET_INT: /* x: option, y: value */
            printf (" option %d value %d", op->x, op->y);
            result (zmq_setsockopt (sockets[s], op->x, &op->y, sizeof op->y));
            return;
        case OP_SUBSCRIBE: /* x: option, or -1, -2: by message; y: which name */
            subscribe (s, op->x, op->y);
            break;
        case OP_SECURE: /* x: as server */
            secure (s, op->x);
            return;
        case OP_GET: /* x: index of option, y: size */
            printf (" %s size %d", socket_options[op->x].name, op->y);
            get_option (s, &socket_options[op->x], op->y);
            return;
        case OP_BIND: /* x: endpoint; unbind, disconnect: y: the last one */
        case OP_CONNECT:
        case OP_UNBIND:
        case OP_DISCONNECT:
            connection_call (op);
            return;
        case OP_SEND: { /* x: size, y: flags, z: seed of the body */
            size_t size = fill_body (op->x, (uint32_t) op->z);
            /* Subscriptions in the midst of messages mean nothing. */
            int flags = type_of (s) == ZMQ_XSUB ? op->y & ~ZMQ_SNDMORE : op->y;
            printf (" %zu flags %d", size, flags);
            result (send_frame (s, body, size, flags));
            break;
        }
        case OP_SEND_WHOLE: /* x: frames, y: without waiting, z: seed */
            send_frames (s, op->x, op->y, (uint32_t) op->z);
            break;
        case OP_SEND_TO: /* x: whom, y: how, z: seed */
            send_to (s, op->x, op->y, (uint32_t) op->z);
            break;
        case OP_RECV: /* x: size, y: flags */
            printf (" %d flags %d", op->x, op->y);
            recv_into (s, op->x, op->y);
            break;
        case OP_RECV_WHOLE: /* x: without waiting, y: with properties */
            recv_whole (s, op->x, op->y);
            break;
        case OP_OLD: /* x: call, y: count, z: seed */
            old_call (s, op->x, op->y, (uint32_t) op->z);
            break;
        case OP_MONITOR: /* x: mask of events */
            monitor (s, contexts[context_of[s]], op->x);
            break;
        case OP_BIND_FD: { /* x: endpoint */
            char text[512];
            spell_endpoint (endpoints[op->x], text);
            printf (" ");
            print_text (text);
            bind_descriptor (s, text);
            network_used = 1;
            break;
        }
        case OP_POLL: /* s: mask of sockets, x: events, y: see there */
            poll_sockets (s, op->x, op->y);
            return;
        case OP_AWAIT: /* s: who sends, x: mask, y: by descriptors, z: seed */
            await (s, op->x, op->y, (uint32_t) op->z);
            break;
        case OP_MSG: /* s: socket, x: call, y: message, z: arguments */
            message_call (s, op->x, op->y, op->z);
            break;
        case OP_PROXY: /* s, x, y: front, back, capture or -1; z: to be steered */
            start_proxy (s, op->x, op->y, op->z ? contexts[context_of[s]] : NULL);
            break;
        case OP_STEER: /* s: which proxy, x: command */
            settle ();
            steer_proxy (s, op->x);
            break;
        case OP_PURE: /* x: which, y: argument */
            pure_call (op->x, op->y);
            return;
        case OP_TIMER: /* x: call, y: which, z: arguments */
            timer_call (op->x, op->y, op->z);
            return;
        case OP_Z85: /* x: decoding, y: size, z: seed */
            z85_call (op->x, op->y, (uint32_t) op->z);
            return;
        case OP_WAIT:
            rest_for (RECONNECTED_MS);
            return;
        case OP_FOUND: /* x: which types; z: seed */
            found (contexts[0], op->x, (uint32_t) op->z);
            break;
        case OP_JOIN: /* x: how many; z: seed; likewise those that follow */
            join (contexts[0], op->x, (uint32_t) op->z);
            break;
        case OP_PART:
            part (op->x, (uint32_t) op->z);
            break;
        case OP_TELL:
            tell (op->x, (uint32_t) op->z);
            break;
        case OP_REPLY:
            reply (op->x, (uint32_t) op->z);
            break;
        case OP_FILL:
            fill ((uint32_t) op->z);
            break;
        case OP_TOPICS:
            take_interest (op->x, (uint32_t) op->z);
            break;
        case OP_READ: /* x: the members' messages */
            if (op->x)
                read_members ();
            else
                read_host ();
            break;
        case OP_WATCH:
            watch ((uint32_t) op->z);
            break;
        case OP_PLAY:
            play ((uint32_t) op->z);
            break;
    }
    rest ();
}

/* Reads what is left, closes everything. */
static void finish (void)
{
    if (proxies_begun ()) {
        settle ();
        shorten_lingers ();
        for (int c = 0; c < CONTEXTS; c++)
            if (contexts[c])
                zmq_ctx_shutdown (contexts[c]);
        settle ();
    }
    end_proxies ();
    drain_all ();
    end_crowd ();
    close_messages ();
    for (int s = 0; s < SLOTS; s++)
        if (sockets[s]) {
            int zero = 0;
            zmq_setsockopt (sockets[s], ZMQ_LINGER, &zero, sizeof zero);
            printf ("close s%d", s);
            result (zmq_close (sockets[s]));
            printf ("\n");
        }
    end_monitors (); /* which end of a connection is the first to go is chance */
    fflush (stdout);
    for (int c = 0; c < CONTEXTS; c++)
        if (contexts[c]) {
            printf ("term ctx%d", c);
            result (zmq_ctx_term (contexts[c]));
            printf ("\n");
        }
    print_freed ();
    printf ("\n");
    fflush (stdout);
}

void execute (const struct sequence *sequence, const char *keep, int scale)
{
    wait_scale = scale;
    contexts[0] = zmq_ctx_new ();
    contexts[1] = zmq_ctx_new ();
    for (int i = 0; i < sequence->count; i++) {
        if (!keep[i])
            continue;
        printf ("%02d %s", i, op_names[sequence->ops[i].code]);
        fflush (stdout);
        carry_out (&sequence->ops[i]);
        read_monitors ();
        printf ("\n");
        fflush (stdout);
    }
    finish ();
}
