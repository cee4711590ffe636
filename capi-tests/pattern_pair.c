/* PAIR (RFC 31): one peer at a time, both ways, nothing dropped. */
#include "sockets.h"

STORY_ON_EACH_TRANSPORT (messages_go_both_ways_and_stay_whole)
{
    void *a, *b;
    join_sockets (transport, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    SEND (b, "one");
    CHECK_RECV (a, "one");
    SEND (a, "two|parts");
    SEND (a, "|");
    SEND (a, "");
    CHECK_RECV (b, "two|parts");
    CHECK_RECV (b, "|");
    CHECK_RECV (b, "");
    SEND (b, "%00%FF|||x");
    CHECK_RECV (a, "%00%FF|||x");
}

STORY_ON_EACH_TRANSPORT (thousands_arrive_in_order_both_ways)
{
    void *a, *b;
    join_sockets (transport, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    int sent = 0, good = 0;
    for (int round = 0; round < 10; round++) {
        sent += send_numbered (b, round * 500, 500);
        good += recv_numbered (a, round * 500, 500);
        sent += send_numbered (a, round * 500, 500);
        good += recv_numbered (b, round * 500, 500);
    }
    CHECK_INT (sent, 10000);
    CHECK_INT (good, 10000);
}

STORY_ON_EACH_TRANSPORT (a_bound_pair_blocks_while_it_has_no_peer)
{
    const char *endpoint;
    void *a = bound_socket (ZMQ_PAIR, transport, &endpoint);
    CHECK_BLOCKED (a);
    CHECK_INT (int_option (a, ZMQ_EVENTS), 0);
    void *b = connected_socket (ZMQ_PAIR, endpoint);
    AWAIT_OUT (a);
    SEND (a, "now");
    CHECK_RECV (b, "now");
}

STORY (an_unattached_pair_blocks)
{
    void *a = open_socket (ZMQ_PAIR);
    CHECK_BLOCKED (a);
    CHECK_EMPTY (a);
}

STORY_ON_NETWORK_TRANSPORTS (a_connected_pair_queues_for_an_absent_peer)
{
    void *b = open_socket (ZMQ_PAIR);
    CHECK_OK (set_int (b, ZMQ_SNDHWM, 7));
    const char *endpoint = fresh_endpoint (transport);
    CHECK_OK (zmq_connect (b, endpoint));
    CHECK_INT (fill (b, 100), 7);
    void *a = open_socket (ZMQ_PAIR);
    CHECK_OK (zmq_bind (a, endpoint));
    CHECK_INT (recv_numbered (a, 0, 7), 7);
}

STORY (inproc_capacity_is_the_sum_of_both_marks_in_each_direction)
{
    const char *endpoint = "inproc://marks";
    void *a = open_socket (ZMQ_PAIR), *b = open_socket (ZMQ_PAIR);
    CHECK_OK (set_int (a, ZMQ_SNDHWM, 3));
    CHECK_OK (set_int (a, ZMQ_RCVHWM, 4));
    CHECK_OK (set_int (b, ZMQ_SNDHWM, 5));
    CHECK_OK (set_int (b, ZMQ_RCVHWM, 6));
    CHECK_OK (zmq_bind (a, endpoint));
    CHECK_OK (zmq_connect (b, endpoint));
    CHECK_INT (fill (a, 100), 3 + 6);
    CHECK_INT (fill (b, 100), 5 + 4);
    CHECK_INT (recv_numbered (b, 0, 9), 9);
    CHECK_INT (recv_numbered (a, 0, 9), 9);
}

STORY_ON_EACH_TRANSPORT (a_second_peer_is_turned_away_and_the_first_keeps_working)
{
    const char *endpoint;
    void *a = bound_socket (ZMQ_PAIR, transport, &endpoint);
    void *first = connected_socket (ZMQ_PAIR, endpoint);
    SEND (first, "first");
    CHECK_RECV (a, "first");
    void *second = open_socket (ZMQ_PAIR);
    CHECK_OK (zmq_connect (second, endpoint));
    try_send (second, "intruder");
    for (int i = 0; i < 20; i++) {
        SEND (a, "to the first");
        CHECK_RECV (first, "to the first");
        SEND (first, "from the first");
        CHECK_RECV (a, "from the first");
    }
    CHECK_EMPTY (second);
    CHECK_EMPTY (a);
}

STORY_ON_EACH_TRANSPORT (when_the_peer_leaves_another_may_come)
{
    const char *endpoint;
    void *a = bound_socket (ZMQ_PAIR, transport, &endpoint);
    for (int i = 0; i < 5; i++) {
        void *b = connected_socket (ZMQ_PAIR, endpoint);
        /* Who comes while the last one is still leaving may be turned away,
         * for good: it has to come again. */
        long long end = now_ms () + WAIT_MS;
        while (wait_event (a, ZMQ_POLLOUT, 300) == 0) {
            REQUIRE (now_ms () < end);
            close_socket (b);
            b = connected_socket (ZMQ_PAIR, endpoint);
        }
        SEND (a, "hello");
        CHECK_RECV (b, "hello");
        SEND (b, "bye");
        CHECK_RECV (a, "bye");
        close_socket (b);
        /* Gone once there is nobody to send to. */
        CHECK_BECOMES (!(int_option (a, ZMQ_EVENTS) & ZMQ_POLLOUT));
        CHECK_BLOCKED (a);
    }
}

STORY (what_the_leaving_peer_sent_is_still_received)
{
    void *a, *b;
    join_sockets (INPROC, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    CHECK_INT (send_numbered (b, 0, 10), 10);
    close_socket (b);
    CHECK_INT (recv_numbered (a, 0, 10), 10);
    CHECK_EMPTY (a);
}

STORY (a_send_that_times_out_gives_eagain_after_that_time)
{
    void *a = open_socket (ZMQ_PAIR);
    CHECK_OK (set_int (a, ZMQ_SNDTIMEO, 50));
    CHECK_OK (set_int (a, ZMQ_RCVTIMEO, 50));
    long long start = now_ms ();
    CHECK_ERR (zmq_send (a, "x", 1, 0), EAGAIN);
    CHECK (now_ms () - start >= 45);
    start = now_ms ();
    CHECK_ERR (zmq_recv (a, NULL, 0, 0), EAGAIN);
    CHECK (now_ms () - start >= 45);
}

STORY_ON_EACH_TRANSPORT (a_message_of_a_thousand_parts_arrives_whole)
{
    void *a, *b;
    join_sockets (transport, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
    for (int i = 0; i < 1000; i++)
        if (zmq_send (b, &i, sizeof i, i < 999 ? ZMQ_SNDMORE : 0) != sizeof i)
            CHECK (!"sent");
    int good = 0;
    for (int i = 0; i < 1000; i++) {
        int got = -1;
        if (zmq_recv (a, &got, sizeof got, 0) == sizeof got && got == i
            && int_option (a, ZMQ_RCVMORE) == (i < 999))
            good++;
    }
    CHECK_INT (good, 1000);
}

/* Nothing comes of it, but it has a name: what was connected can be taken back. */
STORY (a_connect_beside_another_one_can_be_disconnected)
{
    void *a = open_socket (ZMQ_PAIR);
    static const char *const absent[] = {"inproc://pair-a", "tcp://127.0.0.1:1",
                                         "inproc://pair-b"};
    char last[64];
    for (int i = 0; i < 3; i++) {
        size_t size = sizeof last;
        CHECK_OK (zmq_connect (a, absent[i]));
        CHECK_OK (zmq_getsockopt (a, ZMQ_LAST_ENDPOINT, last, &size));
        CHECK_STR (last, absent[i]);
    }
    for (int i = 2; i >= 0; i--) {
        CHECK_OK (zmq_disconnect (a, absent[i]));
        CHECK_ERR (zmq_disconnect (a, absent[i]), ENOENT);
    }
}

STORY (a_connect_in_vain_that_was_ended_leaves_room_for_another_peer)
{
    void *a = open_socket (ZMQ_PAIR), *b = open_socket (ZMQ_PAIR);
    CHECK_OK (zmq_connect (a, "inproc://nobody"));
    CHECK_OK (zmq_disconnect (a, "inproc://nobody"));
    CHECK_OK (zmq_bind (a, "inproc://somebody"));
    CHECK_OK (zmq_connect (b, "inproc://somebody"));
    settle (a);
    if (on_oracle ()) {
        /* The place is kept until somebody binds the name. */
        CHECK_ERR (send_text (b, "hello", ZMQ_DONTWAIT), EAGAIN);
        return;
    }
    CHECK_OK (send_text (b, "hello", ZMQ_DONTWAIT));
    CHECK_STR (recv_text (a, 0), "hello");
}

STORY (who_is_turned_away_amid_a_message_keeps_its_rest_from_the_next_peer)
{
    void *taken = open_socket (ZMQ_PAIR), *first = open_socket (ZMQ_PAIR),
         *second = open_socket (ZMQ_PAIR), *next = open_socket (ZMQ_PAIR);
    CHECK_OK (zmq_bind (taken, "inproc://taken"));
    CHECK_OK (zmq_connect (first, "inproc://taken"));
    CHECK_OK (zmq_connect (second, "inproc://taken"));
    CHECK_INT (zmq_send (second, "begun", 5, ZMQ_SNDMORE), 5);
    settle (taken);
    settle (second);
    CHECK_EMPTY (taken);
    if (on_oracle ())
        CHECK_ERR (zmq_send (second, "rest", 4, ZMQ_DONTWAIT), EAGAIN);
    else
        CHECK_INT (zmq_send (second, "rest", 4, ZMQ_DONTWAIT | ZMQ_SNDMORE), 4);
    CHECK_OK (zmq_bind (second, "inproc://next"));
    CHECK_OK (zmq_connect (next, "inproc://next"));
    settle (second);
    CHECK_INT (zmq_send (second, "end", 3, ZMQ_DONTWAIT), 3);
    if (on_oracle ())
        CHECK_RECV (next, "end");
    CHECK_EMPTY (next);
    SEND (second, "whole");
    CHECK_RECV (next, "whole");
}

MAIN
