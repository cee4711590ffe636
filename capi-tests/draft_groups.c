/* RADIO and DISH (RFC 48; RFC 37, "The Radio-Dish Pattern") as far as the stable
 * functions go: a RADIO's messages belong to the group without a name, a DISH is
 * in no group. The peers speak ZMTP by hand; the oracle's binary cannot do that
 * with these types, and is asked what can be asked over inproc. */
#include "draft.h"

STORY (a_dish_that_joined_nothing_receives_nothing)
{
    void *radio, *dish;
    join_sockets (INPROC, ZMQ_RADIO, &radio, ZMQ_DISH, &dish);
    for (int i = 0; i < 10; i++)
        SEND (radio, "news");
    CHECK_EMPTY (dish);
    CHECK_INT (int_option (dish, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_INT (int_option (radio, ZMQ_EVENTS), ZMQ_POLLOUT);
    CHECK_ERR (zmq_send (dish, "", 0, 0), ENOTSUP);
    CHECK_ERR (zmq_recv (radio, NULL, 0, 0), ENOTSUP);
}

STORY_ON_EACH_TRANSPORT (a_radio_never_waits)
{
    if (!meets_over (transport))
        return;
    const char *endpoint;
    void *radio = bound_socket (ZMQ_RADIO, transport, &endpoint);
    connected_socket (ZMQ_DISH, endpoint);
    CHECK_INT (send_numbered (radio, 0, 10000), 10000);
}

/* Once an answer comes, what went before was read. */
static void settle_peer (int peer)
{
    peer_command (peer, "PING", "%00%00settled");
    CHECK_FRAME (peer, "4:%04PONGsettled");
}

STORY (members_of_a_group_get_its_messages)
{
    if (on_oracle ())
        return;
    const char *endpoint;
    void *radio = bound_socket (ZMQ_RADIO, TCP, &endpoint);
    int member = peer_connect (endpoint, "DISH"), other = peer_connect (endpoint, "DISH");
    peer_command (member, "JOIN", "");
    peer_command (other, "JOIN", "elsewhere");
    settle_peer (member);
    settle_peer (other);
    settle (radio);
    SEND (radio, "one");
    CHECK_FRAME (member, "1:");
    CHECK_FRAME (member, "0:one");
    /* Joined twice is joined once. */
    peer_command (member, "JOIN", "");
    settle_peer (member);
    SEND (radio, "two");
    CHECK_FRAME (member, "1:");
    CHECK_FRAME (member, "0:two");
    peer_command (member, "LEAVE", "");
    peer_command (member, "LEAVE", "never joined");
    settle_peer (member);
    settle (radio);
    SEND (radio, "three");
    settle_peer (member);
    settle_peer (other);
    close (member);
    close (other);
}

/* The flag and the old form of a subscription mean nothing here. */
STORY (only_join_joins)
{
    if (on_oracle ())
        return;
    const char *endpoint;
    void *radio = bound_socket (ZMQ_RADIO, TCP, &endpoint);
    int peer = peer_connect (endpoint, "DISH");
    peer_command (peer, "SUBSCRIBE", "");
    peer_frame (peer, 0, "%01");
    peer_frame (peer, 1, "a");
    peer_frame (peer, 0, "b");
    settle_peer (peer);
    settle (radio);
    SEND (radio, "nobody");
    settle_peer (peer);
    peer_command (peer, "JOIN", "");
    settle_peer (peer);
    settle (radio);
    SEND (radio, "somebody");
    CHECK_FRAME (peer, "1:");
    CHECK_FRAME (peer, "0:somebody");
    close (peer);
}

STORY (names_of_groups_may_have_any_length_without_harm)
{
    if (on_oracle ())
        return;
    const char *endpoint;
    void *radio = bound_socket (ZMQ_RADIO, TCP, &endpoint);
    int peer = peer_connect (endpoint, "DISH");
    for (int size = 250; size <= 300; size++) {
        unsigned char frame[512] = {6};
        frame[7] = (unsigned char) ((size + 5) >> 8);
        frame[8] = (unsigned char) (size + 5);
        memcpy (frame + 9, "\4JOIN", 5);
        memset (frame + 14, 'g', (size_t) size);
        peer_write (peer, frame, (size_t) size + 14);
    }
    peer_command (peer, "JOIN", "");
    settle_peer (peer);
    settle (radio);
    SEND (radio, "still here");
    CHECK_FRAME (peer, "1:");
    CHECK_FRAME (peer, "0:still here");
    close (peer);
}

STORY (a_dish_passes_over_what_is_not_for_it)
{
    if (on_oracle ())
        return;
    const char *endpoint;
    void *dish = bound_socket (ZMQ_DISH, TCP, &endpoint);
    int peer = peer_connect (endpoint, "RADIO");
    peer_frame (peer, 0, "alone");
    peer_frame (peer, 1, "");
    peer_frame (peer, 0, "no group of ours");
    peer_frame (peer, 1, "a");
    peer_frame (peer, 1, "b");
    peer_frame (peer, 0, "c");
    settle_peer (peer);
    CHECK_EMPTY (dish);
    close (peer);
}

MAIN
