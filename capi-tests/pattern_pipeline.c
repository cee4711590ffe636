/* PUSH and PULL (RFC 30): round robin, fair queueing, water marks. */
#include "sockets.h"

STORY_ON_EACH_TRANSPORT (messages_arrive_in_order_and_whole)
{
    void *pull, *push;
    join_sockets (transport, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    SEND (push, "a|b||c");
    SEND (push, "");
    CHECK_RECV (pull, "a|b||c");
    CHECK_RECV (pull, "");
    int good = 0;
    for (int i = 0; i < 10; i++) {
        CHECK_INT (send_numbered (push, i * 1000, 1000), 1000);
        good += recv_numbered (pull, i * 1000, 1000);
    }
    CHECK_INT (good, 10000);
}

STORY_ON_EACH_TRANSPORT (a_bound_push_serves_connecting_pulls)
{
    const char *endpoint;
    void *push = bound_socket (ZMQ_PUSH, transport, &endpoint);
    CHECK_BLOCKED (push);
    void *pull = connected_socket (ZMQ_PULL, endpoint);
    AWAIT_OUT (push);
    SEND (push, "x|y");
    CHECK_RECV (pull, "x|y");
}

STORY (directions_are_one_way)
{
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    zmq_msg_t msg;
    zmq_msg_init (&msg);
    CHECK_ERR (zmq_recv (push, NULL, 0, ZMQ_DONTWAIT), ENOTSUP);
    CHECK_ERR (zmq_recv (push, NULL, 0, 0), ENOTSUP);
    CHECK_ERR (zmq_msg_recv (&msg, push, 0), ENOTSUP);
    CHECK_ERR (zmq_send (pull, "", 0, ZMQ_DONTWAIT), ENOTSUP);
    CHECK_ERR (zmq_send (pull, "", 0, 0), ENOTSUP);
    CHECK_ERR (zmq_msg_send (&msg, pull, 0), ENOTSUP);
    CHECK_INT (int_option (push, ZMQ_EVENTS), 0);
    CHECK_INT (int_option (pull, ZMQ_EVENTS), 0);
}

STORY_ON_EACH_TRANSPORT (round_robin_is_exact_over_connected_pulls)
{
    enum { N = 3 };
    void *push = open_socket (ZMQ_PUSH), *pull[N];
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        pull[i] = bound_socket (ZMQ_PULL, transport, &endpoint);
        CHECK_OK (zmq_connect (push, endpoint));
    }
    CHECK_INT (send_numbered (push, 0, 300), 300);
    /* In the order in which they were connected, one each. */
    int good = 0;
    for (int i = 0; i < 300; i++) {
        const char *text = recv_text (pull[i % N], 0);
        good += text && atoi (text) == i;
    }
    CHECK_INT (good, 300);
    for (int i = 0; i < N; i++)
        CHECK_EMPTY (pull[i]);
}

STORY_ON_EACH_TRANSPORT (multipart_messages_stay_with_one_peer)
{
    void *push = open_socket (ZMQ_PUSH), *pull[2];
    for (int i = 0; i < 2; i++) {
        const char *endpoint;
        pull[i] = bound_socket (ZMQ_PULL, transport, &endpoint);
        CHECK_OK (zmq_connect (push, endpoint));
    }
    SEND (push, "1|1|1");
    SEND (push, "2|2");
    SEND (push, "3|3|3");
    SEND (push, "4");
    CHECK_RECV (pull[0], "1|1|1");
    CHECK_RECV (pull[1], "2|2");
    CHECK_RECV (pull[0], "3|3|3");
    CHECK_RECV (pull[1], "4");
}

STORY_ON_EACH_TRANSPORT (bound_push_shares_evenly_among_those_who_came)
{
    enum { N = 4 };
    const char *endpoint;
    void *push = bound_socket (ZMQ_PUSH, transport, &endpoint), *pull[N];
    for (int i = 0; i < N; i++) {
        /* Each is there before the next comes: a message says so. */
        pull[i] = connected_socket (ZMQ_PULL, endpoint);
        for (int got = 0; !got;) {
            AWAIT_OUT (push);
            SEND (push, "hello");
            for (int j = 0; j <= i; j++)
                if (wait_event (pull[j], ZMQ_POLLIN, j == i ? 20 : 0) > 0)
                    got |= drain (pull[j]) && j == i;
        }
    }
    for (int i = 0; i < N; i++) {
        wait_event (pull[i], ZMQ_POLLIN, 50);
        drain (pull[i]);
    }
    CHECK_INT (send_numbered (push, 0, 100 * N), 100 * N);
    for (int i = 0; i < N; i++) {
        int received = 0, last = -1, ordered = 1;
        while (received < 100) {
            const char *text = recv_text (pull[i], 0);
            if (!text)
                break;
            ordered &= atoi (text) > last;
            last = atoi (text);
            received++;
        }
        CHECK_INT (received, 100);
        CHECK (ordered);
        CHECK_EMPTY (pull[i]);
    }
}

STORY_ON_EACH_TRANSPORT (a_full_peer_is_passed_over)
{
    void *push = open_socket (ZMQ_PUSH);
    const char *endpoint;
    set_int (push, ZMQ_SNDHWM, 1);
    /* An absent peer takes exactly one message (inproc: one, its own mark
     * joins when it comes), all else goes to the other. */
    CHECK_OK (zmq_connect (push, fresh_endpoint (transport)));
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    SEND (push, "to the absent");
    for (int i = 0; i < 50; i++) {
        SEND (push, "x");
        CHECK_RECV (pull, "x");
    }
}

STORY_ON_EACH_TRANSPORT (fair_queueing_takes_one_from_each)
{
    enum { N = 3, EACH = 20 };
    void *pull = open_socket (ZMQ_PULL), *push[N];
    for (int i = 0; i < N; i++) {
        const char *endpoint;
        push[i] = bound_socket (ZMQ_PUSH, transport, &endpoint);
        CHECK_OK (zmq_connect (pull, endpoint));
        AWAIT_OUT (push[i]);
    }
    char text[2] = "A";
    int count[N] = {0}, from[N * EACH];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < EACH; j++) {
            text[0] = (char) ('A' + i);
            SEND (push[i], text);
        }
    for (int i = 0; i < N * EACH; i++) {
        const char *got = recv_text (pull, 0);
        REQUIRE (got && got[0] >= 'A' && got[0] < 'A' + N);
        from[i] = got[0] - 'A';
        count[from[i]]++;
    }
    for (int i = 0; i < N; i++)
        CHECK_INT (count[i], EACH);
    if (transport == INPROC)
        /* All were there before the first was read: strictly in turn. */
        for (int i = 0; i + N < N * EACH; i++)
            CHECK_INT (from[i + N], from[i]);
    CHECK_EMPTY (pull);
}

STORY (inproc_capacity_is_sndhwm_plus_rcvhwm)
{
    static const int marks[][3] = {{1, 1, 2},   {1, 5, 6}, {5, 1, 6},
                                   {10, 20, 30}, {3, 4, 7}, {1000, 1000, 2000}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        for (int connect_first = 0; connect_first < 2; connect_first++) {
            const char *endpoint = fresh_endpoint (INPROC);
            void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
            CHECK_OK (set_int (push, ZMQ_SNDHWM, marks[i][0]));
            CHECK_OK (set_int (pull, ZMQ_RCVHWM, marks[i][1]));
            if (connect_first)
                CHECK_OK (zmq_connect (push, endpoint));
            CHECK_OK (zmq_bind (pull, endpoint));
            if (!connect_first)
                CHECK_OK (zmq_connect (push, endpoint));
            CHECK_INT (fill (push, 3000), marks[i][2]);
            CHECK_INT (int_option (push, ZMQ_EVENTS), 0);
            CHECK_INT (recv_numbered (pull, 0, marks[i][2]), marks[i][2]);
            CHECK_EMPTY (pull);
        }
}

STORY (inproc_capacity_is_the_same_when_the_push_binds)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 3));
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 4));
    CHECK_OK (zmq_bind (push, endpoint));
    CHECK_OK (zmq_connect (pull, endpoint));
    CHECK_INT (fill (push, 100), 7);
}

STORY (inproc_without_a_mark_on_either_side_has_no_limit)
{
    for (int side = 0; side < 3; side++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
        CHECK_OK (set_int (push, ZMQ_SNDHWM, side == 1 ? 2 : 0));
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, side == 2 ? 2 : 0));
        CHECK_OK (zmq_bind (pull, endpoint));
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_INT (fill (push, 5000), 5000);
        CHECK_INT (recv_numbered (pull, 0, 5000), 5000);
    }
}

STORY (marks_are_a_thousand_unless_set)
{
    void *pull, *push;
    join_sockets (INPROC, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    CHECK_INT (int_option (push, ZMQ_SNDHWM), 1000);
    CHECK_INT (int_option (push, ZMQ_RCVHWM), 1000);
    CHECK_INT (fill (push, 3000), 2000);
    CHECK_INT (recv_numbered (pull, 0, 2000), 2000);
}

STORY (before_the_inproc_peer_binds_only_the_own_mark_counts)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *push = open_socket (ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 5));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (fill (push, 100), 5);
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 4));
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_INT (fill (push, 100), 4);
    CHECK_INT (recv_numbered (pull, 0, 5), 5);
    CHECK_INT (recv_numbered (pull, 0, 4), 4);
}

STORY_ON_NETWORK_TRANSPORTS (an_absent_peer_is_sent_exactly_sndhwm)
{
    static const int marks[] = {1, 2, 7, 1000};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        void *push = open_socket (ZMQ_PUSH);
        const char *endpoint = fresh_endpoint (transport);
        CHECK_OK (set_int (push, ZMQ_SNDHWM, marks[i]));
        CHECK_OK (zmq_connect (push, endpoint));
        CHECK_INT (fill (push, 2000), marks[i]);
        CHECK_INT (int_option (push, ZMQ_EVENTS), 0);
        void *pull = open_socket (ZMQ_PULL);
        CHECK_OK (zmq_bind (pull, endpoint));
        CHECK_INT (recv_numbered (pull, 0, marks[i]), marks[i]);
        AWAIT_OUT (push);
    }
}

STORY_ON_NETWORK_TRANSPORTS (without_a_mark_an_absent_peer_is_sent_all)
{
    void *push = open_socket (ZMQ_PUSH);
    const char *endpoint = fresh_endpoint (transport);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 0));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (fill (push, 20000), 20000);
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_INT (recv_numbered (pull, 0, 20000), 20000);
}

STORY_ON_NETWORK_TRANSPORTS (a_slow_reader_blocks_the_sender_and_nothing_is_lost)
{
    const char *endpoint;
    void *pull = open_socket (ZMQ_PULL), *push = open_socket (ZMQ_PUSH);
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 2));
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 2));
    CHECK_OK (set_int (pull, ZMQ_RCVBUF, 8192));
    CHECK_OK (set_int (push, ZMQ_SNDBUF, 8192));
    endpoint = bind_any (pull, transport);
    CHECK_OK (zmq_connect (push, endpoint));
    /* Blocks in the end: neither memory nor the kernel takes for ever. */
    static char body[1000];
    int sent = 0, received = 0, good = 0, got;
    for (int idle = 0; idle < 50 && sent < 100000;) {
        memcpy (body, &sent, sizeof sent);
        if (zmq_send (push, body, sizeof body, ZMQ_DONTWAIT) == sizeof body)
            sent++, idle = 0;
        else
            idle++, wait_event (push, ZMQ_POLLOUT, 2);
    }
    CHECK (sent >= 4);
    CHECK (sent < 100000);
    for (; received < sent; received++) {
        if (zmq_recv (pull, body, sizeof body, 0) != sizeof body)
            break;
        memcpy (&got, body, sizeof got);
        good += got == received;
    }
    CHECK_INT (received, sent);
    CHECK_INT (good, sent);
    AWAIT_OUT (push);
}

/* A full pipe of inproc opens again after (capacity + 1) / 2 reads. */
STORY (a_full_pipe_reopens_after_half_of_it_was_read)
{
    static const int marks[][2] = {{1, 1}, {2, 1}, {2, 2},  {3, 2},
                                   {5, 5}, {5, 6}, {10, 10}, {50, 51}};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
        CHECK_OK (set_int (push, ZMQ_SNDHWM, marks[i][0]));
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, marks[i][1]));
        CHECK_OK (zmq_bind (pull, endpoint));
        CHECK_OK (zmq_connect (push, endpoint));
        int capacity = marks[i][0] + marks[i][1], reads = 0;
        CHECK_INT (fill (push, 1000), capacity);
        while (reads < capacity
               && !(int_option (push, ZMQ_EVENTS) & ZMQ_POLLOUT)) {
            CHECK_INT (recv_numbered (pull, reads, 1), 1);
            reads++;
        }
        CHECK_INT (reads, (capacity + 1) / 2);
        /* Now it takes as many as were read. */
        CHECK_INT (fill (push, 1000), reads);
    }
}

/* Over inproc the marks that the connecting socket changes count at once. */
STORY (changing_a_mark_of_the_connecting_push_reaches_live_pipes)
{
    static const int cases[][3] = {{10, 20, 30}, {10, 3, 13}, {10, 0, 500}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
        CHECK_OK (set_int (push, ZMQ_SNDHWM, cases[i][0]));
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, 10));
        CHECK_OK (zmq_bind (pull, endpoint));
        CHECK_OK (zmq_connect (push, endpoint));
        SEND (push, "live");
        CHECK_RECV (pull, "live");
        CHECK_OK (set_int (push, ZMQ_SNDHWM, cases[i][1]));
        int filled = fill (push, 500);
        /* The credit for the one that was read may still be out. */
        CHECK (filled == cases[i][2] || filled == cases[i][2] - 1);
        CHECK_INT (recv_numbered (pull, 0, filled), filled);
        AWAIT_OUT (push);
    }
}

STORY (changing_a_mark_of_the_connecting_pull_reaches_live_pipes)
{
    static const int cases[][3] = {{10, 20, 30}, {10, 3, 13}, {10, 0, 500}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *endpoint = fresh_endpoint (INPROC);
        void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
        CHECK_OK (set_int (push, ZMQ_SNDHWM, 10));
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, cases[i][0]));
        CHECK_OK (zmq_bind (push, endpoint));
        CHECK_OK (zmq_connect (pull, endpoint));
        CHECK_OK (set_int (pull, ZMQ_RCVHWM, cases[i][1]));
        CHECK_INT (fill (push, 500), cases[i][2]);
    }
}

STORY (a_pipe_without_marks_stays_without_limit)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 0));
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 0));
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 5));
    CHECK_INT (fill (push, 500), 500);
}

STORY (a_full_pipe_whose_mark_was_raised_opens_once_it_was_read)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 2));
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 2));
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (fill (push, 100), 4);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 10));
    CHECK_INT (recv_numbered (pull, 0, 4), 4);
    /* libzmq waits for six reads then, and so for ever. */
    if (!on_oracle ())
        AWAIT_OUT (push);
}

STORY_ON_NETWORK_TRANSPORTS (marks_may_be_changed_before_the_pipe_is_full)
{
    void *push = open_socket (ZMQ_PUSH);
    const char *endpoint = fresh_endpoint (transport);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 5));
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_INT (fill (push, 3), 3);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 10));
    CHECK_INT (fill (push, 100), 7);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 2));
    CHECK_BLOCKED (push);
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_INT (recv_numbered (pull, 0, 3), 3);
    CHECK_INT (recv_numbered (pull, 0, 7), 7);
}

STORY (a_multipart_message_counts_as_one)
{
    const char *endpoint = fresh_endpoint (INPROC);
    void *push = open_socket (ZMQ_PUSH), *pull = open_socket (ZMQ_PULL);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 2));
    CHECK_OK (set_int (pull, ZMQ_RCVHWM, 3));
    CHECK_OK (zmq_bind (pull, endpoint));
    CHECK_OK (zmq_connect (push, endpoint));
    for (int i = 0; i < 5; i++)
        CHECK_OK (try_send (push, "a|b|c|d|e|f|g|h"));
    CHECK_BLOCKED (push);
    for (int i = 0; i < 5; i++)
        CHECK_RECV (pull, "a|b|c|d|e|f|g|h");
    CHECK_EMPTY (pull);
}

STORY_ON_NETWORK_TRANSPORTS (multipart_to_an_absent_peer_counts_as_one)
{
    void *push = open_socket (ZMQ_PUSH);
    const char *endpoint = fresh_endpoint (transport);
    CHECK_OK (set_int (push, ZMQ_SNDHWM, 4));
    CHECK_OK (zmq_connect (push, endpoint));
    for (int i = 0; i < 4; i++)
        CHECK_OK (try_send (push, "a|b|c"));
    CHECK_BLOCKED (push);
    void *pull = open_socket (ZMQ_PULL);
    CHECK_OK (zmq_bind (pull, endpoint));
    for (int i = 0; i < 4; i++)
        CHECK_RECV (pull, "a|b|c");
}

STORY (an_unfinished_message_is_not_seen)
{
    void *pull, *push;
    join_sockets (INPROC, ZMQ_PULL, &pull, ZMQ_PUSH, &push);
    CHECK_INT (zmq_send (push, "a", 1, ZMQ_SNDMORE), 1);
    CHECK_EMPTY (pull);
    CHECK_INT (zmq_send (push, "b", 1, ZMQ_SNDMORE), 1);
    CHECK_EMPTY (pull);
    CHECK_INT (zmq_send (push, "c", 1, 0), 1);
    CHECK_RECV (pull, "a|b|c");
}

STORY_ON_EACH_TRANSPORT (an_unfinished_message_is_dropped_when_its_sender_closes)
{
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    void *push = connected_socket (ZMQ_PUSH, endpoint);
    set_int (push, ZMQ_LINGER, -1);
    SEND (push, "whole|one");
    CHECK_INT (zmq_send (push, "half", 4, ZMQ_SNDMORE), 4);
    close_socket (push);
    push = connected_socket (ZMQ_PUSH, endpoint);
    SEND (push, "next");
    const char *first = recv_text (pull, 0), *second = recv_text (pull, 0);
    REQUIRE (first && second);
    /* Two connections: their order is free. */
    CHECK (strcmp (first, "whole|one") == 0 || strcmp (second, "whole|one") == 0);
    CHECK (strcmp (first, "next") == 0 || strcmp (second, "next") == 0);
    CHECK_EMPTY (pull);
}

STORY_ON_EACH_TRANSPORT (a_blocked_send_goes_on_when_a_peer_comes)
{
    const char *endpoint;
    void *push = bound_socket (ZMQ_PUSH, transport, &endpoint);
    CHECK_OK (set_int (push, ZMQ_SNDTIMEO, 30));
    CHECK_ERR (zmq_send (push, "x", 1, 0), EAGAIN);
    CHECK_OK (set_int (push, ZMQ_SNDTIMEO, WAIT_MS));
    void *pull = connected_socket (ZMQ_PULL, endpoint);
    SEND (push, "y");
    CHECK_RECV (pull, "y");
}

STORY_ON_EACH_TRANSPORT (pull_from_fifty_pushes_misses_none)
{
    enum { N = 50, EACH = 40 };
    const char *endpoint;
    void *pull = bound_socket (ZMQ_PULL, transport, &endpoint);
    int seen[N] = {0}, good = 0;
    char text[32];
    for (int i = 0; i < N; i++) {
        void *push = connected_socket (ZMQ_PUSH, endpoint);
        for (int j = 0; j < EACH; j++) {
            snprintf (text, sizeof text, "%d|%d", i, j);
            MUST (send_text (push, text, 0) == 0);
        }
    }
    for (int i = 0; i < N * EACH; i++) {
        int who, number;
        const char *got = recv_text (pull, 0);
        REQUIRE (got && sscanf (got, "%d|%d", &who, &number) == 2);
        good += number == seen[who]++;
    }
    CHECK_INT (good, N * EACH);
    CHECK_EMPTY (pull);
}

STORY_ON_EACH_TRANSPORT (one_push_to_a_bound_and_a_connected_pull)
{
    const char *endpoint, *other;
    void *push = bound_socket (ZMQ_PUSH, transport, &endpoint);
    void *near = bound_socket (ZMQ_PULL, INPROC, &other);
    CHECK_OK (zmq_connect (push, other));
    SEND (push, "first");
    CHECK_RECV (near, "first");
    void *far = connected_socket (ZMQ_PULL, endpoint);
    int sent = 0, at_near = 0, at_far = 0;
    while (at_far < 10 && sent < 100000) {
        SEND (push, "m");
        sent++;
        at_near += drain (near);
        at_far += drain (far);
    }
    while (at_near + at_far < sent && recv_text (wait_event (near, ZMQ_POLLIN, 0) ? near : far, 0))
        at_near++;
    CHECK_INT (at_near + at_far, sent);
}

MAIN
