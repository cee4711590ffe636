/* What a message is like after a call that could not send it, or had none to put
 * into it: programs pass the same zmq_msg_t on to the next try. */
#include "sockets.h"
#include <stdbool.h>

static const int all_types[] = {ZMQ_PAIR, ZMQ_PUB,    ZMQ_SUB,  ZMQ_REQ,
                                ZMQ_REP,  ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL,
                                ZMQ_PUSH, ZMQ_XPUB,   ZMQ_XSUB, ZMQ_STREAM};
enum { TYPES = sizeof all_types / sizeof *all_types };

static void count (void *data, void *freed)
{
    (void) data;
    ++*(int *) freed;
}

/* XPUB and STREAM leave it alone, as do those that cannot receive at all. */
static bool keeps (int type)
{
    return type == ZMQ_XPUB || type == ZMQ_STREAM || type == ZMQ_PUB
           || type == ZMQ_PUSH || type == ZMQ_REQ;
}

static void receive_nothing (void *socket, int type, int flags)
{
    static char body[100];
    int freed = 0;
    zmq_msg_t msg;
    zmq_msg_init_data (&msg, body, sizeof body, count, &freed);
    CHECK_INT (zmq_msg_recv (&msg, socket, flags), -1);
    CHECK_INT (zmq_msg_size (&msg), keeps (type) ? 100 : 0);
    CHECK_INT (freed, !keeps (type));
    zmq_msg_close (&msg);
    CHECK_INT (freed, 1);
}

STORY (a_receive_in_vain_releases_the_message_of_most_types)
{
    for (int i = 0; i < TYPES; i++) {
        void *socket = open_socket (all_types[i]);
        receive_nothing (socket, all_types[i], ZMQ_DONTWAIT);
        CHECK_OK (set_int (socket, ZMQ_RCVTIMEO, 1));
        receive_nothing (socket, all_types[i], 0);
    }
}

STORY (so_it_does_with_a_peer_that_says_nothing)
{
    static const int pairs[][2] = {{ZMQ_PAIR, ZMQ_PAIR},   {ZMQ_SUB, ZMQ_PUB},
                                   {ZMQ_REP, ZMQ_REQ},     {ZMQ_DEALER, ZMQ_ROUTER},
                                   {ZMQ_ROUTER, ZMQ_DEALER}, {ZMQ_PULL, ZMQ_PUSH},
                                   {ZMQ_XSUB, ZMQ_XPUB},   {ZMQ_XPUB, ZMQ_XSUB}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        void *socket, *peer;
        join_sockets (INPROC, pairs[i][0], &socket, pairs[i][1], &peer);
        receive_nothing (socket, pairs[i][0], ZMQ_DONTWAIT);
    }
}

STORY (a_req_that_waits_in_vain_for_its_reply_releases_the_message)
{
    void *rep, *req;
    join_sockets (INPROC, ZMQ_REP, &rep, ZMQ_REQ, &req);
    CHECK_OK (send_text (req, "?", 0));
    receive_nothing (req, ZMQ_REP, ZMQ_DONTWAIT);
}

/* The flag is that of the last try, so that a program which looks at it to learn
 * whether more has to be sent is told what it said itself. */
STORY (a_send_in_vain_leaves_its_flag_on_the_message)
{
    static const int types[] = {ZMQ_PAIR, ZMQ_SUB, ZMQ_REQ, ZMQ_REP,
                                ZMQ_DEALER, ZMQ_PULL, ZMQ_PUSH};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        void *socket = open_socket (types[i]);
        zmq_msg_t msg;
        zmq_msg_init_size (&msg, 100);
        CHECK_INT (zmq_msg_send (&msg, socket, ZMQ_DONTWAIT | ZMQ_SNDMORE), -1);
        CHECK_INT (zmq_msg_more (&msg), 1);
        CHECK_INT (zmq_msg_size (&msg), 100);
        CHECK_INT (zmq_msg_send (&msg, socket, ZMQ_DONTWAIT), -1);
        CHECK_INT (zmq_msg_more (&msg), 0);
        zmq_msg_close (&msg);
    }
}

TEST (a_send_after_the_end_of_the_context_changes_nothing)
{
    void *context = zmq_ctx_new (), *push = zmq_socket (context, ZMQ_PUSH);
    zmq_msg_t msg;
    zmq_msg_init_size (&msg, 100);
    zmq_ctx_shutdown (context);
    CHECK_ERR (zmq_msg_send (&msg, push, ZMQ_SNDMORE), ETERM);
    CHECK_INT (zmq_msg_more (&msg), 0);
    zmq_msg_close (&msg);
    zmq_close (push);
    zmq_ctx_term (context);
}

MAIN
