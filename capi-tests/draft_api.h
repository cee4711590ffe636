/* draft_api.h - for tests of the draft API's functions. The oracle lacks them, as
 * does our library unless it was built with them (`make draft`): a test that wants
 * them there is skipped. They are looked up by name, so that the tests link with any.
 */
#ifndef FERROZMQ_DRAFT_API_H
#define FERROZMQ_DRAFT_API_H

#define ZMQ_BUILD_DRAFT_API
#include "draft.h"
#include <dlfcn.h>

/* Newer than the stock header. */
int zmq_disconnect_peer (void *s, uint32_t routing_id);
int zmq_ppoll (zmq_pollitem_t *items, int nitems, long timeout, const sigset_t *sigmask);

#define DRAFT_FUNCTIONS(USE)                                                   \
    USE (zmq_ctx_set_ext) USE (zmq_ctx_get_ext) USE (zmq_join) USE (zmq_leave)  \
    USE (zmq_connect_peer) USE (zmq_disconnect_peer)                           \
    USE (zmq_msg_set_routing_id) USE (zmq_msg_routing_id)                      \
    USE (zmq_msg_set_group) USE (zmq_msg_group) USE (zmq_msg_init_buffer)      \
    USE (zmq_poller_new) USE (zmq_poller_destroy) USE (zmq_poller_size)        \
    USE (zmq_poller_add) USE (zmq_poller_modify) USE (zmq_poller_remove)       \
    USE (zmq_poller_wait) USE (zmq_poller_wait_all) USE (zmq_poller_fd)        \
    USE (zmq_poller_add_fd) USE (zmq_poller_modify_fd)                         \
    USE (zmq_poller_remove_fd) USE (zmq_socket_get_peer_state)                 \
    USE (zmq_socket_monitor_versioned) USE (zmq_socket_monitor_pipes_stats)    \
    USE (zmq_ppoll)

static struct
{
#define DECLARE(NAME) __typeof__ (NAME) *NAME;
    DRAFT_FUNCTIONS (DECLARE)
#undef DECLARE
} draft;

/* Whether all of them are there. */
static inline int has_draft (void)
{
    int missing = 0;
#define LOOK_UP(NAME) missing += !(draft.NAME = (__typeof__ (NAME) *) dlsym (RTLD_DEFAULT, #NAME));
    DRAFT_FUNCTIONS (LOOK_UP)
#undef LOOK_UP
    CHECK (missing == 0 || missing == 27);
    return !missing;
}

/* A STORY for libraries with the draft API. */
#define DRAFT_STORY(NAME)                                                      \
    static void drafted_##NAME (void);                                         \
    STORY (NAME)                                                               \
    {                                                                          \
        if (has_draft ())                                                      \
            drafted_##NAME ();                                                 \
    }                                                                          \
    static void drafted_##NAME (void)

#define DRAFT_STORY_ON_EACH_TRANSPORT(NAME)                                    \
    static void drafted_##NAME (enum transport transport);                     \
    STORY_ON_EACH_TRANSPORT (NAME)                                             \
    {                                                                          \
        if (has_draft ())                                                      \
            drafted_##NAME (transport);                                        \
    }                                                                          \
    static void drafted_##NAME (enum transport transport)

#define DRAFT_STORY_ON_NETWORK_TRANSPORTS(NAME)                                \
    static void drafted_##NAME (enum transport transport);                     \
    STORY_ON_NETWORK_TRANSPORTS (NAME)                                         \
    {                                                                          \
        if (has_draft ())                                                      \
            drafted_##NAME (transport);                                        \
    }                                                                          \
    static void drafted_##NAME (enum transport transport)

/* Sends to a group. */
static inline int send_to_group (void *radio, const char *group, const char *text)
{
    zmq_msg_t message;
    MUST (draft.zmq_msg_init_buffer (&message, text, strlen (text)) == 0);
    MUST (draft.zmq_msg_set_group (&message, group) == 0);
    int rc = zmq_msg_send (&message, radio, 0);
    if (rc < 0)
        zmq_msg_close (&message);
    return rc;
}

/* Receives a body and checks its group. */
#define CHECK_GROUP(DISH, GROUP, TEXT)                                         \
    do {                                                                       \
        zmq_msg_t message_ = recv_message (DISH);                              \
        CHECK_BODY (&message_, TEXT);                                          \
        CHECK_STR (draft.zmq_msg_group (&message_), GROUP);                    \
        CHECK_INT (zmq_msg_more (&message_), 0);                               \
        zmq_msg_close (&message_);                                             \
    } while (0)

static inline int send_numbered_to (void *s, uint32_t number, const char *text)
{
    zmq_msg_t message;
    MUST (draft.zmq_msg_init_buffer (&message, text, strlen (text)) == 0);
    MUST (draft.zmq_msg_set_routing_id (&message, number) == 0);
    int rc = zmq_msg_send (&message, s, 0);
    int error = errno;
    if (rc < 0)
        zmq_msg_close (&message);
    errno = error;
    return rc;
}

#endif
