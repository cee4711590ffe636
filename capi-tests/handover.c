/* ZMQ_ROUTER_HANDOVER: who comes last has the name, and what becomes of messages
 * on their way to and from whoever had it before. */
#include "sockets.h"

static void *router;
static const char *endpoint;

static void *named (void *context, const char *id)
{
    void *dealer = context ? zmq_socket (context, ZMQ_DEALER) : open_socket (ZMQ_DEALER);
    MUST (dealer);
    CHECK_OK (zmq_setsockopt (dealer, ZMQ_ROUTING_ID, id, strlen (id)));
    /* Or it would come back and take over in its turn. */
    CHECK_OK (set_int (dealer, ZMQ_RECONNECT_IVL, -1));
    CHECK_OK (set_int (dealer, ZMQ_RCVHWM, 1));
    CHECK_OK (zmq_connect (dealer, endpoint));
    return dealer;
}

/* A router, and a peer of this context or of another one that is known to it. */
static void *open_first (enum transport transport, void *context)
{
    router = open_socket (ZMQ_ROUTER);
    CHECK_OK (set_int (router, ZMQ_ROUTER_HANDOVER, 1));
    CHECK_OK (set_int (router, ZMQ_SNDHWM, 0));
    endpoint = bind_any (router, transport);
    void *first = named (context, "same");
    SEND (first, "one");
    CHECK_RECV (router, "same|one");
    return first;
}

STORY_ON_EACH_TRANSPORT (the_second_of_a_name_takes_over)
{
    void *first = open_first (transport, NULL), *second = named (NULL, "same");
    SEND (second, "two");
    CHECK_RECV (router, "same|two");
    SEND (router, "same|who?");
    if (wait_event (second, ZMQ_POLLIN, 2000))
        CHECK_RECV (second, "who?");
    else
        CHECK (!"the second is served");
    CHECK_EMPTY (first);
}

/* Whatever the linger. */
STORY_ON_EACH_TRANSPORT (what_was_sent_to_the_first_arrives_there)
{
    void *first = open_first (transport, NULL);
    for (int i = 0; i < 1000; i++)
        MUST (send_text (router, "same|queued", ZMQ_DONTWAIT) == 0);
    void *second = named (NULL, "same");
    SEND (second, "two");
    CHECK_RECV (router, "same|two");
    SEND (router, "same|for the second");
    for (int i = 0; i < 1000; i++)
        CHECK_RECV (first, "queued");
    CHECK_RECV (second, "for the second");
    CHECK_EMPTY (first);
}

/* libzmq drops it once it knows of the second. */
STORY_ON_EACH_TRANSPORT (what_the_first_had_sent_is_received)
{
    void *first = open_first (transport, NULL);
    for (int i = 0; i < 5; i++)
        SEND (first, "a|b");
    void *second = named (NULL, "same");
    SEND (second, "two");
    long long end = now_ms () + WAIT_MS;
    do {
        settle (router);
        MUST (send_text (router, "same|who?", ZMQ_DONTWAIT) == 0);
    } while (!wait_event (second, ZMQ_POLLIN, 10) && now_ms () < end);
    const char *text;
    int older = 0;
    while ((text = recv_text (router, 0)) && strcmp (text, "same|a|b") == 0)
        older++;
    CHECK_STR (text ? text : zmq_strerror (errno), "same|two");
    /* Over a network some may have come too late. */
    if (!on_oracle ())
        CHECK (transport == INPROC ? older == 5 : older <= 5);
}

STORY_ON_EACH_TRANSPORT (a_message_of_the_first_is_received_to_its_end)
{
    void *first = open_first (transport, NULL);
    SEND (first, "a|b|c");
    char frame[8] = "";
    CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 4);
    CHECK_INT (zmq_recv (router, frame, sizeof frame, 0), 1);
    void *second = named (NULL, "same");
    SEND (second, "two");
    settle (router);
    CHECK_RECV (router, "b|c");
    CHECK_RECV (router, "same|two");
}

/* A peer that reads nothing keeps nobody waiting for longer than the linger. */
STORY_ON_NETWORK_TRANSPORTS (the_linger_is_that_of_the_socket)
{
    static char body[20000];
    void *elsewhere = zmq_ctx_new (), *first = open_first (transport, elsewhere);
    for (int i = 0; i < 1000; i++) {
        MUST (zmq_send (router, "same", 4, ZMQ_SNDMORE) == 4);
        MUST (zmq_send (router, body, sizeof body, 0) == sizeof body);
    }
    void *second = named (NULL, "same");
    SEND (second, "two");
    CHECK_RECV (router, "same|two");
    close_socket (router);
    close_socket (second);
    CHECK_OK (zmq_ctx_term (context ()));
    check_context = NULL;
    CHECK_OK (set_int (first, ZMQ_LINGER, 0));
    CHECK_OK (zmq_close (first));
    CHECK_OK (zmq_ctx_term (elsewhere));
}

MAIN
