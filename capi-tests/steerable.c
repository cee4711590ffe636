/* zmq_proxy_steerable: its commands, its statistics, which control sockets
 * serve, and how it ends. */
#include "fixtures.h"

/* The proxy, its four sockets, and their peers. */
static void *front, *back, *capture, *control;
static void *client, *server, *witness, *pilot;
static struct call proxy;

static void *body_steerable (struct call *c)
{
    c->rc = zmq_proxy_steerable (front, back, capture, control);
    c->err = errno;
    return NULL;
}

static void *connected (int type, const char *endpoint)
{
    void *s = new_socket (ctx, type);
    REQUIRE (zmq_connect (s, endpoint) == 0);
    return s;
}

/* A proxy with a control socket of one type and a pilot of another. */
static void prepare (const char *where, int front_type, int client_type,
                     int back_type, int server_type, int control_type,
                     int pilot_type)
{
    static const char *const names[] = {"inproc://f", "inproc://b", "inproc://c"};
    endpoint_t at[3];
    int network = strcmp (where, "inproc") != 0;
    begin ();
    front = new_socket (ctx, front_type);
    back = new_socket (ctx, back_type);
    control = new_socket (ctx, control_type);
    if (control_type == ZMQ_SUB)
        CHECK_OK (zmq_setsockopt (control, ZMQ_SUBSCRIBE, "", 0));
    bind_to (front, network ? where : names[0], at[0]);
    bind_to (back, network ? where : names[1], at[1]);
    bind_to (control, network ? where : names[2], at[2]);
    client = connected (client_type, at[0]);
    server = connected (server_type, at[1]);
    pilot = connected (pilot_type, at[2]);
}

static void prepare_stream (const char *where, int control_type, int pilot_type)
{
    prepare (where, ZMQ_PULL, ZMQ_PUSH, ZMQ_PUSH, ZMQ_PULL, control_type,
             pilot_type);
}

static void run (void)
{
    call_start (&proxy, body_steerable, NULL, NULL);
}

static void command (const char *text)
{
    CHECK_SEND (pilot, text, 0);
}

/* All sockets close. */
static void close_all (void)
{
    void *all[] = {front, back, capture, control, client, server, witness, pilot};
    for (int i = 0; i < 8; i++)
        if (all[i])
            CHECK_OK (zmq_close (all[i]));
    CHECK_OK (zmq_ctx_term (ctx));
}

/* The proxy returns. */
static void ends_with (int rc, int err)
{
    call_join (&proxy);
    CHECK_INT (proxy.rc, rc);
    if (rc != 0)
        CHECK_INT (proxy.err, err);
    close_all ();
}

static void terminate (void)
{
    command ("TERMINATE");
    ends_with (0, 0);
}

static void pass (const char *text)
{
    CHECK_SEND (client, text, 0);
    CHECK_RECV (server, text);
}

/* Waits until the last command was followed: one that is answered comes back
 * after it. */
static void receive_statistics (uint64_t *values)
{
    for (int i = 0; i < 8; i++) {
        CHECK_INT (zmq_recv (pilot, &values[i], sizeof *values, 0), 8);
        CHECK_INT (get_int (pilot, ZMQ_RCVMORE), i < 7);
    }
}

static void ask_statistics (uint64_t *values)
{
    command ("STATISTICS");
    receive_statistics (values);
}

static void settle (void)
{
    uint64_t values[8];
    ask_statistics (values);
}

#define CHECK_STATISTICS(...)                                                  \
    do {                                                                       \
        const uint64_t wanted[8] = {__VA_ARGS__};                              \
        uint64_t values_[8] = {0};                                             \
        ask_statistics (values_);                                              \
        for (int i_ = 0; i_ < 8; i_++)                                         \
            CHECK_INT (values_[i_], wanted[i_]);                               \
    } while (0)

static const char *const places[] = {"inproc", "tcp", "ipc"};

TEST (terminate_ends_it_well)
{
    for (int i = 0; i < 3; i++) {
        prepare_stream (places[i], ZMQ_PAIR, ZMQ_PAIR);
        run ();
        pass ("one");
        pass ("two");
        terminate ();
    }
}

TEST (terminate_is_not_answered)
{
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    run ();
    command ("TERMINATE");
    call_join (&proxy);
    CHECK_ERR (zmq_recv (pilot, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    run ();
    terminate ();
}

TEST (terminate_comes_before_messages)
{
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    CHECK_SEND (client, "stays", 0);
    command ("TERMINATE");
    run ();
    call_join (&proxy);
    CHECK_INT (proxy.rc, 0);
    CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_RECV (front, "stays");
    run ();
    terminate ();
}

TEST (pause_holds_messages_until_resume)
{
    for (int i = 0; i < 3; i++) {
        prepare_stream (places[i], ZMQ_PAIR, ZMQ_PAIR);
        run ();
        pass ("before");
        command ("PAUSE");
        settle ();
        CHECK_SEND (client, "held", 0);
        CHECK_SEND (client, "held, too", 0);
        sleep_ms (50);
        settle ();
        CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        command ("RESUME");
        CHECK_RECV (server, "held");
        CHECK_RECV (server, "held, too");
        pass ("after");
        terminate ();
    }
}

TEST (pause_before_the_first_message)
{
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    CHECK_SEND (client, "held", 0);
    command ("PAUSE");
    run ();
    settle ();
    CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    command ("RESUME");
    CHECK_RECV (server, "held");
    terminate ();
}

TEST (pause_holds_both_directions)
{
    prepare ("tcp", ZMQ_ROUTER, ZMQ_DEALER, ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PAIR,
             ZMQ_PAIR);
    run ();
    CHECK_SEND (client, "there", 0);
    char id[8], inner[8];
    CHECK_INT (zmq_recv (server, id, sizeof id, 0), 5);
    CHECK_INT (zmq_recv (server, inner, sizeof inner, 0), 5);
    CHECK_RECV (server, "there");
    command ("PAUSE");
    settle ();
    CHECK_SEND (client, "again", 0);
    CHECK_INT (zmq_send (server, id, 5, ZMQ_SNDMORE), 5);
    CHECK_INT (zmq_send (server, inner, 5, ZMQ_SNDMORE), 5);
    CHECK_SEND (server, "back", 0);
    sleep_ms (50);
    settle ();
    CHECK_ERR (zmq_recv (client, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    command ("RESUME");
    CHECK_RECV (client, "back");
    CHECK_INT (zmq_recv (server, id, sizeof id, 0), 5);
    CHECK_INT (zmq_recv (server, inner, sizeof inner, 0), 5);
    CHECK_RECV (server, "again");
    terminate ();
}

TEST (pause_and_resume_do_not_count)
{
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    run ();
    command ("RESUME");
    pass ("one");
    command ("PAUSE");
    command ("PAUSE");
    command ("RESUME");
    pass ("two");
    command ("RESUME");
    pass ("three");
    CHECK_ERR (zmq_recv (pilot, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    command ("PAUSE");
    terminate ();
}

TEST (a_paused_proxy_uses_no_cpu)
{
    prepare_stream ("tcp", ZMQ_PAIR, ZMQ_PAIR);
    run ();
    pass ("x");
    command ("PAUSE");
    settle ();
    CHECK_SEND (client, "waits", 0);
    if (!on_oracle ()) { /* it spins where messages wait */
        call_wait_blocked (&proxy);
        CHECK_BECOMES (rests_for_ms (400));
    }
    command ("RESUME");
    CHECK_RECV (server, "waits");
    terminate ();
}

TEST (statistics_count_messages_and_bytes)
{
    for (int i = 0; i < 3; i++) {
        prepare_stream (places[i], ZMQ_PAIR, ZMQ_PAIR);
        run ();
        CHECK_STATISTICS (0, 0, 0, 0, 0, 0, 0, 0);
        pass ("12");
        pass ("345");
        CHECK_STATISTICS (2, 5, 0, 0, 0, 0, 2, 5);
        pass ("");
        CHECK_STATISTICS (3, 5, 0, 0, 0, 0, 3, 5);
        terminate ();
    }
}

TEST (statistics_count_whole_messages_and_all_frames)
{
    prepare ("inproc", ZMQ_ROUTER, ZMQ_REQ, ZMQ_DEALER, ZMQ_REP, ZMQ_PAIR,
             ZMQ_PAIR);
    run ();
    CHECK_SEND (client, "one", ZMQ_SNDMORE);
    CHECK_SEND (client, "three", 0);
    CHECK_RECV (server, "one");
    CHECK_RECV (server, "three");
    CHECK_SEND (server, "answer", 0);
    CHECK_RECV (client, "answer");
    /* Routing id and delimiter are 5 and 0 bytes. */
    CHECK_STATISTICS (1, 13, 1, 11, 1, 11, 1, 13);
    CHECK_SEND (client, "x", 0);
    CHECK_RECV (server, "x");
    CHECK_STATISTICS (2, 19, 1, 11, 1, 11, 2, 19);
    terminate ();
}

TEST (statistics_go_on_while_paused)
{
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    run ();
    pass ("abc");
    command ("PAUSE");
    CHECK_STATISTICS (1, 3, 0, 0, 0, 0, 1, 3);
    CHECK_SEND (client, "held", 0);
    CHECK_STATISTICS (1, 3, 0, 0, 0, 0, 1, 3);
    command ("RESUME");
    CHECK_RECV (server, "held");
    CHECK_STATISTICS (2, 7, 0, 0, 0, 0, 2, 7);
    terminate ();
}

TEST (commands_are_followed_in_their_order)
{
    uint64_t values[8];
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    command ("STATISTICS");
    command ("PAUSE");
    command ("STATISTICS");
    command ("TERMINATE");
    run ();
    receive_statistics (values);
    CHECK_INT (values[0], 0);
    receive_statistics (values);
    CHECK_INT (values[7], 0);
    ends_with (0, 0);
}

TEST (capture_sees_commands_and_messages_but_no_answers)
{
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    capture = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_bind (capture, "inproc://w"));
    witness = connected (ZMQ_PULL, "inproc://w");
    run ();
    pass ("one");
    CHECK_RECV (witness, "one");
    command ("PAUSE");
    settle ();
    CHECK_RECV (witness, "PAUSE");
    CHECK_RECV (witness, "STATISTICS");
    CHECK_SEND (client, "two", 0);
    settle ();
    CHECK_RECV (witness, "STATISTICS");
    CHECK_ERR (zmq_recv (witness, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    command ("RESUME");
    CHECK_RECV (witness, "RESUME");
    CHECK_RECV (server, "two");
    CHECK_RECV (witness, "two");
    CHECK_STATISTICS (2, 6, 0, 0, 0, 0, 2, 6);
    CHECK_RECV (witness, "STATISTICS");
    command ("TERMINATE");
    CHECK_RECV (witness, "TERMINATE");
    CHECK_ERR (zmq_recv (witness, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    ends_with (0, 0);
}

/* libzmq 4.3.4 answers a REP's commands only with statistics. */
TEST (rep_as_control)
{
    prepare_stream ("tcp", ZMQ_REP, ZMQ_REQ);
    run ();
    pass ("abc");
    CHECK_STATISTICS (1, 3, 0, 0, 0, 0, 1, 3);
    pass ("d");
    CHECK_STATISTICS (2, 4, 0, 0, 0, 0, 2, 4);
    terminate ();
}

TEST (rep_as_control_hears_nothing_after_pause)
{
    prepare_stream ("inproc", ZMQ_REP, ZMQ_REQ);
    run ();
    command ("PAUSE");
    CHECK_OK (set_int (pilot, ZMQ_RCVTIMEO, 100));
    CHECK_ERR (zmq_recv (pilot, NULL, 0, 0), EAGAIN);
    CHECK_ERR (zmq_send (pilot, "RESUME", 6, 0), EFSM);
    CHECK_OK (zmq_ctx_shutdown (ctx));
    ends_with (-1, ETERM);
}

/* A SUB sends it when it learns of the peer, which then takes it. */
static void exchange_subscription (void)
{
    CHECK (get_int (control, ZMQ_EVENTS) >= 0);
    CHECK (get_int (pilot, ZMQ_EVENTS) >= 0);
}

TEST (sub_and_pull_as_control)
{
    static const int types[][2] = {{ZMQ_SUB, ZMQ_PUB}, {ZMQ_PULL, ZMQ_PUSH}};
    for (int i = 0; i < 2; i++) {
        prepare_stream ("inproc", types[i][0], types[i][1]);
        exchange_subscription ();
        CHECK_SEND (client, "held", 0);
        command ("PAUSE");
        run ();
        if (on_oracle ())
            sleep_ms (100); /* it spins where messages wait */
        else
            call_wait_blocked (&proxy);
        CHECK_ERR (zmq_recv (server, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
        command ("RESUME");
        CHECK_RECV (server, "held");
        pass ("on");
        terminate ();
    }
}

TEST (control_sockets_that_cannot_answer)
{
    static const int types[][2] = {{ZMQ_SUB, ZMQ_PUB}, {ZMQ_PULL, ZMQ_PUSH}};
    for (int i = 0; i < 2; i++) {
        prepare_stream ("inproc", types[i][0], types[i][1]);
        exchange_subscription ();
        run ();
        pass ("x");
        command ("STATISTICS");
        ends_with (-1, ENOTSUP);
    }
}

TEST (dealer_as_control)
{
    prepare_stream ("tcp", ZMQ_DEALER, ZMQ_DEALER);
    run ();
    pass ("four");
    CHECK_STATISTICS (1, 4, 0, 0, 0, 0, 1, 4);
    command ("PAUSE");
    command ("RESUME");
    pass ("x");
    terminate ();
}

TEST (a_control_socket_that_only_sends_says_nothing)
{
    prepare_stream ("inproc", ZMQ_PUSH, ZMQ_PULL);
    run ();
    pass ("x");
    CHECK_OK (zmq_ctx_shutdown (ctx));
    ends_with (-1, ETERM);
}

/* The errno that the oracle leaves is that of an earlier call. */
static void ends_with_failure (void)
{
    call_join (&proxy);
    CHECK_INT (proxy.rc, -1);
    if (!on_oracle ())
        CHECK_INT (proxy.err, EINVAL);
    close_all ();
}

TEST (commands_of_several_frames_end_it)
{
    static const char *const frames[][2] = {{"PAUSE", "x"},
                                            {"TERMINATE", "x"},
                                            {"TERMINATE", ""},
                                            {"", "TERMINATE"},
                                            {"STATISTICS", "STATISTICS"}};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
        run ();
        pass ("x");
        CHECK_SEND (pilot, frames[i][0], ZMQ_SNDMORE);
        CHECK_SEND (pilot, frames[i][1], 0);
        ends_with_failure ();
    }
    /* A ROUTER puts the peer's id before them. */
    prepare_stream ("inproc", ZMQ_ROUTER, ZMQ_DEALER);
    run ();
    command ("PAUSE");
    ends_with_failure ();
}

TEST (unknown_commands_are_left_alone)
{
    static const char *const unknown[] = {
      "", "pause", "PAUSE ", "PAUSEX", " PAUSE", "PAUS", "TERMINAT",
      "TERMINATED", "terminate", "STATISTIC", "RESUM", "KILL", "\1"};
    if (on_oracle ())
        return; /* it aborts */
    prepare_stream ("inproc", ZMQ_PAIR, ZMQ_PAIR);
    run ();
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        command (unknown[i]);
        pass ("on");
    }
    CHECK_INT (zmq_send (pilot, "PAUSE", 6, 0), 6); /* with its zero */
    pass ("on");
    char *large = calloc (1, 3000000);
    CHECK_INT (zmq_send (pilot, large, 3000000, 0), 3000000);
    free (large);
    pass ("on");
    CHECK_ERR (zmq_recv (pilot, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    terminate ();
}

TEST (without_control_it_is_zmq_proxy)
{
    prepare_stream ("tcp", ZMQ_PAIR, ZMQ_PAIR);
    void *unused = control;
    control = NULL;
    run ();
    pass ("one");
    command ("TERMINATE");
    pass ("two");
    CHECK_OK (zmq_ctx_shutdown (ctx));
    control = unused;
    ends_with (-1, ETERM);
}

TEST (one_socket_on_both_sides)
{
    begin ();
    front = back = new_socket (ctx, ZMQ_ROUTER);
    control = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_bind (front, "inproc://f"));
    CHECK_OK (zmq_bind (control, "inproc://c"));
    client = connected (ZMQ_DEALER, "inproc://f");
    pilot = connected (ZMQ_PAIR, "inproc://c");
    server = client;
    run ();
    pass ("x");
    CHECK_STATISTICS (1, 6, 0, 0, 0, 0, 1, 6);
    command ("PAUSE");
    settle ();
    CHECK_SEND (client, "y", 0);
    settle ();
    CHECK_ERR (zmq_recv (client, NULL, 0, ZMQ_DONTWAIT), EAGAIN);
    command ("RESUME");
    CHECK_RECV (client, "y");
    CHECK_STATISTICS (2, 12, 0, 0, 0, 0, 2, 12);
    server = back = NULL;
    terminate ();
}

TEST (control_that_is_the_front_end)
{
    begin ();
    front = control = new_socket (ctx, ZMQ_PAIR);
    back = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_bind (front, "inproc://f"));
    pilot = connected (ZMQ_PAIR, "inproc://f");
    run ();
    command ("TERMINATE");
    call_join (&proxy);
    CHECK_INT (proxy.rc, 0);
    control = NULL;
    close_all ();
}

TEST (shutdown_ends_it_running_and_paused)
{
    for (int paused = 0; paused < 2; paused++) {
        prepare_stream ("tcp", ZMQ_PAIR, ZMQ_PAIR);
        run ();
        if (paused)
            command ("PAUSE");
        settle ();
        call_wait_blocked (&proxy);
        CHECK_OK (zmq_ctx_shutdown (ctx));
        ends_with (-1, ETERM);
    }
}

TEST (shutdown_of_any_one_of_three_contexts_ends_it)
{
    for (int which = 0; which < 3; which++)
        for (int paused = 0; paused < 2; paused++) {
            void *contexts[3];
            begin ();
            for (int i = 0; i < 3; i++)
                contexts[i] = zmq_ctx_new ();
            front = new_socket (contexts[0], ZMQ_PULL);
            back = new_socket (contexts[1], ZMQ_PUSH);
            control = new_socket (contexts[2], ZMQ_PULL);
            endpoint_t at;
            bind_to (control, "tcp", at);
            pilot = connected (ZMQ_PUSH, at);
            if (paused)
                command ("PAUSE");
            run ();
            call_wait_blocked (&proxy);
            CHECK_OK (zmq_ctx_shutdown (contexts[which]));
            ends_with (-1, ETERM);
            for (int i = 0; i < 3; i++)
                CHECK_OK (zmq_ctx_term (contexts[i]));
        }
}

TEST (a_signal_ends_it)
{
    for (int paused = 0; paused < 2; paused++) {
        struct pest pest;
        prepare_stream ("tcp", ZMQ_PAIR, ZMQ_PAIR);
        if (paused)
            command ("PAUSE");
        catch_signal (SIGUSR1, SA_RESTART);
        pest_start (&pest);
        CHECK_ERR (zmq_proxy_steerable (front, back, NULL, control), EINTR);
        pest_stop (&pest);
        run ();
        terminate ();
    }
}

TEST (sockets_that_are_none)
{
    static uint64_t memory[1024];
    begin ();
    void *s = new_socket (ctx, ZMQ_ROUTER), *gone = new_socket (ctx, ZMQ_PAIR);
    CHECK_OK (zmq_close (gone));
    CHECK_ERR (zmq_proxy_steerable (NULL, NULL, NULL, NULL), EFAULT);
    CHECK_ERR (zmq_proxy_steerable (s, NULL, NULL, s), EFAULT);
    CHECK_ERR (zmq_proxy_steerable (NULL, s, NULL, s), EFAULT);
    CHECK_ERR (zmq_proxy_steerable (NULL, NULL, s, s), EFAULT);
    CHECK_ERR (zmq_proxy_steerable (memory, s, NULL, s), ENOTSOCK);
    if (!on_oracle ()) { /* it crashes, or works with freed memory */
        CHECK_ERR (zmq_proxy_steerable (s, s, NULL, memory), ENOTSOCK);
        CHECK_ERR (zmq_proxy_steerable (s, s, NULL, gone), ENOTSOCK);
        CHECK_ERR (zmq_proxy_steerable (s, s, gone, NULL), ENOTSOCK);
        CHECK_ERR (zmq_proxy_steerable (s, gone, NULL, s), ENOTSOCK);
        CHECK_ERR (zmq_proxy_steerable (s, s, NULL, (void *) 8), ENOTSOCK);
    }
    end (s, NULL);
}

MAIN
