/* Greetings: which bytes are said when, to peers of every version, and what
 * becomes of broken and of half greetings and frames. */
#include "ages.h"
#include <sched.h>

/* What a ROUTING_ID makes of the signature. */
static void check_signature (int fd, size_t name)
{
    unsigned char wanted[10] = {0xff};
    wanted[7] = (unsigned char) ((name + 1) >> 8);
    wanted[8] = (unsigned char) (name + 1);
    wanted[9] = 0x7f;
    check_hears (fd, wanted, 10, __FILE__, __LINE__);
}

static void *named_socket (int type, const char *name, size_t size)
{
    void *socket = open_socket (type);
    if (size)
        CHECK_OK (zmq_setsockopt (socket, ZMQ_ROUTING_ID, name, size));
    return socket;
}

static const size_t name_sizes[] = {0, 2, 253, 254, 255};
static char long_name[255] = "me, at length";

STORY (the_signature_comes_unasked_and_nothing_else)
{
    EACH_ROLE (role)
        for (int i = 0; i < 5; i++) {
            void *socket = named_socket (ZMQ_PULL, long_name, name_sizes[i]);
            int fd = meet (socket, role);
            check_signature (fd, name_sizes[i]);
            CHECK_SILENT (fd);
            close_socket (socket);
            close (fd);
        }
}

STORY (the_first_byte_of_a_1_0_peer_calls_for_the_identity)
{
    EACH_ROLE (role)
        for (int i = 0; i < 5; i++) {
            void *socket = named_socket (ZMQ_DEALER, long_name, name_sizes[i]);
            int fd = meet (socket, role);
            check_signature (fd, name_sizes[i]);
            SAY (fd, "\5");
            check_hears (fd, long_name, name_sizes[i], __FILE__, __LINE__);
            CHECK_SILENT (fd);
            SAY (fd, "\0peer\3\0hi");
            CHECK_RECV (socket, "hi");
            CHECK_SILENT (fd);
            close_socket (socket);
            close (fd);
        }
}

STORY (a_long_length_is_told_from_a_signature_by_the_tenth_byte)
{
    static const unsigned char flags[] = {0, 2, 0x7e, 0x80, 0xfe};
    EACH_ROLE (role)
        for (int i = 0; i < 5; i++) {
            void *router = named_socket (ZMQ_ROUTER, "me", 2);
            int fd = meet (router, role);
            check_signature (fd, 2);
            SAY (fd, "\xff\0\0\0\0\0\0\0\5");
            CHECK_SILENT (fd);
            MUST (raw_write (fd, flags + i, 1));
            CHECK_HEARS (fd, "me");
            SAY (fd, "peer\3\0hi");
            CHECK_RECV (router, "peer|hi");
            close_socket (router);
            close (fd);
        }
}

STORY (the_greeting_of_2_0_unfolds)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *socket = named_socket (type, "me", 2);
        int fd = meet (socket, type % 2 ? BINDS : CONNECTS);
        unsigned char ours = (unsigned char) type;
        check_signature (fd, 2);
        SAY (fd, SIGNATURE);
        CHECK_HEARS (fd, "\3");
        CHECK_SILENT (fd);
        SAY (fd, "\1");
        check_hears (fd, &ours, 1, __FILE__, __LINE__);
        CHECK_SILENT (fd);
        SAY (fd, "\5");
        CHECK_HEARS (fd, "\0\2me");
        SAY (fd, "\0\4peer");
        CHECK_SILENT (fd);
        close_socket (socket);
        close (fd);
    }
}

STORY (a_greeting_of_revision_0_is_followed_by_1_0)
{
    EACH_ROLE (role)
    {
        void *router = named_socket (ZMQ_ROUTER, "me", 2);
        int fd = meet (router, role);
        check_signature (fd, 2);
        SAY (fd, SIGNATURE);
        CHECK_HEARS (fd, "\3");
        SAY (fd, "\0");
        CHECK_HEARS (fd, "\6");
        CHECK_SILENT (fd);
        SAY (fd, "\5");
        CHECK_HEARS (fd, "\3\0me");
        SAY (fd, "\5\0peer\3\0hi");
        CHECK_RECV (router, "peer|hi");
        SEND (router, "peer|ho");
        CHECK_HEARS (fd, "\3\0ho");
        close_socket (router);
        close (fd);
    }
}

STORY (long_identities_of_ours_suit_the_version)
{
    EACH_OLD_AGE (age)
        for (int i = 2; i < 5; i++) {
            struct bytes identity = {.size = 0};
            void *socket = named_socket (ZMQ_DEALER, long_name, name_sizes[i]);
            int fd = meet (socket, BINDS);
            struct bytes opening = {.size = 0};
            put_opening (&opening, age, ZMQ_DEALER, "", 0);
            say (fd, &opening);
            check_signature (fd, name_sizes[i]);
            if (age <= V1_LONG)
                put (&identity, long_name, name_sizes[i]);
            else {
                put (&identity, "\3\5", 2);
                put_frame (&identity, age, 0, long_name, name_sizes[i]);
            }
            check_hears (fd, identity.data, identity.size, __FILE__, __LINE__);
            close_socket (socket);
            close (fd);
        }
}

/* The rest of a greeting of 3.1, from the major version on. */
#define REST_OF_3_1                                                            \
    "\1NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

STORY (everything_above_2_0_is_answered_as_3_1)
{
    static const unsigned char versions[][2] = {
      {2, 0}, {2, 1}, {2, 9}, {3, 0}, {3, 1}, {3, 7}, {3, 255}, {4, 0}, {255, 255}};
    for (int i = 0; i < 9; i++) {
        unsigned char greeting[64], ready[64];
        void *pull = open_socket (ZMQ_PULL);
        int fd = meet (pull, i % 2 ? BINDS : CONNECTS);
        make_greeting (greeting);
        memcpy (greeting + 10, versions[i], 2);
        check_signature (fd, 0);
        MUST (raw_write (fd, greeting, 10));
        CHECK_HEARS (fd, "\3");
        CHECK_SILENT (fd);
        MUST (raw_write (fd, greeting + 10, 1));
        CHECK_HEARS (fd, REST_OF_3_1);
        MUST (raw_write (fd, greeting + 11, 52));
        CHECK_SILENT (fd);
        MUST (raw_write (fd, greeting + 63, 1));
        CHECK_HEARS (fd, "\4\32\5READY\13Socket-Type\0\0\0\4PULL");
        MUST (raw_write (fd, ready, make_ready (ready, "PUSH")));
        say_message (fd, V3_1, "hello");
        CHECK_RECV (pull, "hello");
        close_socket (pull);
        close (fd);
    }
}

STORY (only_3_0_wants_subscriptions_as_messages)
{
    static const unsigned char versions[][2] = {{2, 0}, {2, 1}, {3, 0},
                                                {3, 1}, {3, 7}, {4, 0}};
    for (int i = 0; i < 6; i++) {
        unsigned char greeting[64], ready[64];
        void *sub = open_socket (ZMQ_SUB);
        CHECK_OK (zmq_setsockopt (sub, ZMQ_SUBSCRIBE, "x", 1));
        int fd = meet (sub, CONNECTS);
        make_greeting (greeting);
        memcpy (greeting + 10, versions[i], 2);
        MUST (raw_write (fd, greeting, 64)
              && raw_write (fd, ready, make_ready (ready, "PUB")));
        CHECK_HEARS (fd, SIGNATURE "\3" REST_OF_3_1
                                   "\4\31\5READY\13Socket-Type\0\0\0\3SUB");
        if (versions[i][0] == 3 && versions[i][1] == 0)
            CHECK_HEARS (fd, "\0\2\1x");
        else
            CHECK_HEARS (fd, "\4\13\11SUBSCRIBEx");
        close_socket (sub);
        close (fd);
    }
}

static void say_slowly (int fd, const struct bytes *bytes)
{
    for (size_t i = 0; i < bytes->size; i++) {
        MUST (raw_write (fd, bytes->data + i, 1));
        sched_yield ();
    }
}

STORY (peers_may_speak_byte_by_byte)
{
    for (enum age age = V1; age <= V3_1; age++)
        EACH_ROLE (role)
        {
            struct bytes opening = {.size = 0}, messages = {.size = 0};
            void *pull = open_socket (ZMQ_PULL);
            int fd = meet (pull, role);
            put_opening (&opening, age, ZMQ_PUSH, "peer", 4);
            put_message (&messages, age, "one||two");
            put_message (&messages, age, "three");
            say_slowly (fd, &opening);
            /* libzmq may overlook messages that come with a handshake of 3.x. */
            if (age >= V3_0)
                hear_opening (fd, age);
            say_slowly (fd, &messages);
            CHECK_RECV (pull, "one||two");
            CHECK_RECV (pull, "three");
            close_socket (pull);
            close (fd);
        }
}

STORY (peers_may_speak_in_two_parts)
{
    for (enum age age = V1; age <= V2; age++) {
        struct bytes all = {.size = 0};
        char wanted[32] = "peer|one";
        put_opening (&all, age, ZMQ_DEALER, "peer", 4);
        put_message (&all, age, "one");
        for (size_t cut = 1; cut < all.size; cut++) {
            void *router = open_socket (ZMQ_ROUTER);
            int fd = meet (router, BINDS);
            MUST (raw_write (fd, all.data, cut));
            CHECK_HEARS (fd, SIGNATURE);
            MUST (raw_write (fd, all.data + cut, all.size - cut));
            CHECK_RECV (router, wanted);
            close_socket (router);
            close (fd);
        }
    }
}

/* As much of each greeting as does not make a peer of whoever says it. */
STORY (half_greetings_end_with_their_time)
{
    EACH_OLD_AGE (age)
    {
        struct bytes opening = {.size = 0};
        int fds[32];
        put_opening (&opening, age, ZMQ_PUSH, "peer", 4);
        void *pull = open_socket (ZMQ_PULL);
        set_int (pull, ZMQ_HANDSHAKE_IVL, 100);
        const char *endpoint = bind_any (pull, TCP);
        long long start = now_ms ();
        for (size_t cut = 0; cut < opening.size; cut++) {
            fds[cut] = raw_connect (endpoint);
            MUST (raw_write (fds[cut], opening.data, cut));
        }
        CHECK (raw_is_closed (fds[0]));
        CHECK (now_ms () - start >= 95);
        for (size_t cut = 1; cut < opening.size; cut++)
            CHECK (raw_is_closed (fds[cut]));
        for (size_t cut = 0; cut < opening.size; cut++)
            close (fds[cut]);
        close_socket (pull);
    }
}

STORY (a_connecter_tries_again_after_half_a_greeting)
{
    EACH_OLD_AGE (age)
        for (int closes = 0; closes < 2; closes++) {
            struct bytes opening = {.size = 0};
            endpoint_t endpoint;
            put_opening (&opening, age, ZMQ_PUSH, "peer", 4);
            void *pull = open_socket (ZMQ_PULL);
            set_int (pull, ZMQ_RECONNECT_IVL, 10);
            set_int (pull, ZMQ_HANDSHAKE_IVL, closes ? 30000 : 100);
            int listener = raw_listen (endpoint);
            CHECK_OK (zmq_connect (pull, endpoint));
            int fd = accept (listener, NULL, NULL);
            MUST (raw_write (fd, opening.data, opening.size - 1));
            if (!closes)
                CHECK (raw_is_closed (fd));
            close (fd);
            fd = accept (listener, NULL, NULL);
            open_peer (fd, age, ZMQ_PUSH, "peer", 4);
            say_message (fd, age, "hello");
            CHECK_RECV (pull, "hello");
            close (fd);
            close (listener);
            close_socket (pull);
        }
}

/* libzmq ends the connections of old peers after HANDSHAKE_IVL, whatever they
 * have said until then. */
STORY (old_peers_are_done_with_the_handshake_once_they_have_an_identity)
{
    EACH_OLD_AGE (age)
    {
        void *dealer = open_socket (ZMQ_DEALER);
        set_int (dealer, ZMQ_HANDSHAKE_IVL, 100);
        int fd = meet_peer (dealer, BINDS, age, ZMQ_DEALER, "peer");
        say_message (fd, age, "hello");
        CHECK_RECV (dealer, "hello");
        if (on_oracle ())
            CHECK (raw_is_closed (fd));
        else {
            CHECK (is_quiet (fd, 200));
            SEND (dealer, "still there");
            CHECK_HEARS_MESSAGE (fd, age, "still there");
        }
        close_socket (dealer);
        close (fd);
    }
}

STORY (messages_leave_before_the_peers_identity_has_come)
{
    EACH_ROLE (role)
    {
        void *push = named_socket (ZMQ_PUSH, "me", 2);
        int fd = meet (push, role);
        check_signature (fd, 2);
        SAY (fd, "\5");
        SEND (push, "early");
        CHECK_HEARS (fd, "me\6\0early");
        SAY (fd, "\0pe");
        SEND (push, "later");
        CHECK_HEARS (fd, "\6\0later");
        close_socket (push);
        close (fd);

        push = named_socket (ZMQ_PUSH, "me", 2);
        fd = meet (push, role);
        check_signature (fd, 2);
        SAY (fd, SIGNATURE "\1\7");
        SEND (push, "early");
        CHECK_HEARS (fd, "\3\10\0\2me\0\5early");
        SAY (fd, "\0\4pe");
        SEND (push, "later");
        CHECK_HEARS (fd, "\0\5later");
        close_socket (push);
        close (fd);
    }
}

/* ---- frames ---- */

static void check_received_sizes (void *socket, const int *sizes, int count)
{
    for (int i = 0; i < count; i++) {
        unsigned char got[1024];
        int size = zmq_recv (socket, got, sizeof got, 0);
        CHECK_INT (size, sizes[i]);
        for (int k = 0; k < size; k++)
            if (got[k] != (unsigned char) (k * 7)) {
                CHECK_INT (got[k], (unsigned char) (k * 7));
                break;
            }
    }
}

STORY (frames_around_255_bytes)
{
    static const int sizes[] = {0, 1, 33, 34, 252, 253, 254, 255, 256, 257, 1000};
    unsigned char body[1024];
    for (int k = 0; k < 1024; k++)
        body[k] = (unsigned char) (k * 7);
    for (enum age age = V1; age <= V3_1; age++) {
        struct bytes all = {.size = 0};
        void *dealer = open_socket (ZMQ_DEALER);
        int fd = meet_peer (dealer, BINDS, age, ZMQ_DEALER, "");
        for (int i = 0; i < 11; i++)
            put_frame (&all, age, 0, body, (size_t) sizes[i]);
        say (fd, &all);
        check_received_sizes (dealer, sizes, 11);
        for (int i = 0; i < 11; i++)
            CHECK_INT (zmq_send (dealer, body, (size_t) sizes[i], 0), sizes[i]);
        check_hears (fd, all.data, all.size, __FILE__, __LINE__);
        for (int i = 0; i < 11; i++)
            MUST (zmq_send (dealer, body, (size_t) sizes[i], ZMQ_SNDMORE) >= 0);
        SEND (dealer, "end");
        all.size = 0;
        for (int i = 0; i < 11; i++)
            put_frame (&all, age, 1, body, (size_t) sizes[i]);
        put_frame (&all, age, 0, "end", 3);
        check_hears (fd, all.data, all.size, __FILE__, __LINE__);
        close_socket (dealer);
        close (fd);
    }
}

STORY (large_bodies_of_old_peers)
{
    enum { SIZE = 3000000 };
    EACH_OLD_AGE (age)
    {
        unsigned char *body = malloc (SIZE), *got = malloc (SIZE);
        void *dealer = open_socket (ZMQ_DEALER);
        int fd = meet_peer (dealer, BINDS, age, ZMQ_DEALER, "");
        for (int k = 0; k < SIZE; k++)
            body[k] = (unsigned char) (k ^ (k >> 9));
        struct bytes head = {.size = 0};
        put (&head, age == V2 ? "\2" : "\xff", 1);
        put_length (&head, age == V2 ? SIZE : SIZE + 1);
        if (age != V2)
            put (&head, "\0", 1);
        say (fd, &head);
        MUST (raw_write (fd, body, SIZE));
        CHECK_INT (zmq_recv (dealer, got, SIZE, 0), SIZE);
        CHECK (memcmp (body, got, SIZE) == 0);
        CHECK_INT (zmq_send (dealer, body, SIZE, 0), SIZE);
        check_hears (fd, head.data, head.size, __FILE__, __LINE__);
        CHECK (raw_read (fd, got, SIZE));
        CHECK (memcmp (body, got, SIZE) == 0);
        free (body);
        free (got);
        close_socket (dealer);
        close (fd);
    }
}

/* A PULL has met a peer of this age. */
static int pull_and_peer (void **pull, enum age age)
{
    *pull = open_socket (ZMQ_PULL);
    return meet_peer (*pull, BINDS, age, ZMQ_PUSH, "");
}

STORY (reserved_flags_mean_nothing)
{
    static const unsigned char of_1_0[] = {2, 4, 0x80, 0xfe},
                               of_2_0[] = {8, 0x10, 0x80, 0xf8};
    EACH_OLD_AGE (age)
        for (int i = 0; i < 4; i++) {
            void *pull;
            int fd = pull_and_peer (&pull, age);
            unsigned char flags = age == V2 ? of_2_0[i] : of_1_0[i];
            unsigned char frames[8] = {3, flags, 'a', 'b', 3, flags | 1, 'c', 'd'};
            if (age == V2) {
                frames[0] = flags, frames[1] = 2;
                frames[4] = flags | 1, frames[5] = 2;
            }
            MUST (raw_write (fd, frames, 8));
            say_message (fd, age, "end");
            CHECK_RECV (pull, "ab");
            CHECK_RECV (pull, "cd|end");
            close_socket (pull);
            close (fd);
        }
}

STORY (long_lengths_may_be_small)
{
    void *pull;
    int fd = pull_and_peer (&pull, V1);
    SAY (fd, "\xff\0\0\0\0\0\0\0\1\0\xff\0\0\0\0\0\0\0\2\1x\1\0");
    CHECK_RECV (pull, "");
    CHECK_RECV (pull, "x|");
    close (fd);
    fd = pull_and_peer (&pull, V2);
    SAY (fd, "\2\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1x\0\0");
    CHECK_RECV (pull, "");
    CHECK_RECV (pull, "x|");
    close (fd);
}

STORY (flags_of_an_identity_mean_nothing)
{
    static const struct
    {
        const char *bytes;
        size_t size;
    } openings[] = {{"\3\1me\3\0hi", 8},
                    {"\3\xffme\3\0hi", 8},
                    {"\xff\0\0\0\0\0\0\0\3\2me\3\0hi", 16},
                    {SIGNATURE "\1\5\1\2me\0\2hi", 20},
                    {SIGNATURE "\1\5\xf8\2me\0\2hi", 20},
                    {SIGNATURE "\1\5\2\0\0\0\0\0\0\0\2me\0\2hi", 27}};
    for (int i = 0; i < 6; i++) {
        void *router = open_socket (ZMQ_ROUTER);
        int fd = meet (router, BINDS);
        MUST (raw_write (fd, openings[i].bytes, openings[i].size));
        CHECK_RECV (router, "me|hi");
        close_socket (router);
        close (fd);
    }
}

STORY (identities_of_255_bytes)
{
    EACH_OLD_AGE (age)
        for (int size = 252; size <= 257; size++) {
            char name[300], got[300];
            memset (name, 'n', sizeof name);
            void *router = open_socket (ZMQ_ROUTER);
            int fd = meet (router, BINDS);
            struct bytes opening = {.size = 0};
            put_opening (&opening, age, ZMQ_DEALER, name, (size_t) size);
            put_message (&opening, age, "hello");
            say (fd, &opening);
            /* libzmq takes identities of any length. */
            if (size > 255 && !on_oracle ())
                CHECK (raw_is_closed (fd));
            else {
                CHECK_INT (zmq_recv (router, got, sizeof got, 0), size);
                CHECK_RECV (router, "hello");
            }
            close_socket (router);
            close (fd);
        }
}

STORY (a_length_of_0_ends_a_peer_of_1_0)
{
    static const struct
    {
        const char *bytes;
        size_t size;
    } ends[] = {{"\0", 2}, {"\0\0\0", 4}, {"\xff\0\0\0\0\0\0\0\0\0", 10}};
    for (int i = 0; i < 6; i++) {
        void *pull = open_socket (ZMQ_PULL);
        int fd = meet (pull, BINDS);
        if (i % 2)
            SAY (fd, "\1\0\3\0hi");
        MUST (raw_write (fd, ends[i / 2].bytes, ends[i / 2].size));
        CHECK (raw_is_closed (fd));
        if (i % 2)
            CHECK_RECV (pull, "hi");
        close_socket (pull);
        close (fd);
    }
}

STORY (impossible_lengths_end_a_peer)
{
    static const char lengths[][9] = {"\xff\xff\xff\xff\xff\xff\xff\xff",
                                      "\x80\0\0\0\0\0\0\0",
                                      "\x7f\xff\xff\xff\xff\xff\xff\xff"};
    for (int i = 0; i < 3; i++)
        EACH_OLD_AGE (age)
        {
            void *pull;
            int fd = pull_and_peer (&pull, age);
            struct bytes frame = {.size = 0};
            put (&frame, age == V2 ? "\2" : "\xff", 1);
            put (&frame, lengths[i], 8);
            put (&frame, "\0x", 2);
            say (fd, &frame);
            CHECK (raw_is_closed (fd));
            close_socket (pull);
            close (fd);
            if (age > V1_LONG)
                continue;
            pull = open_socket (ZMQ_PULL);
            fd = meet (pull, BINDS);
            /* The same for an identity. */
            say (fd, &frame);
            CHECK (raw_is_closed (fd));
            close_socket (pull);
            close (fd);
        }
}

STORY (a_connecter_gives_up_on_broken_frames)
{
    static const struct
    {
        const char *bytes;
        size_t size;
    } ends[] = {{"\1\0\0\0", 4},
                {"\0\0", 2},
                {"\1\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\0", 12},
                {SIGNATURE "\1\5\0\0\2\xff\xff\xff\xff\xff\xff\xff\xff", 23},
                {SIGNATURE "\0\5\0\0", 14}};
    for (int i = 0; i < 5; i++) {
        endpoint_t endpoint;
        void *pull = open_socket (ZMQ_PULL);
        set_int (pull, ZMQ_RECONNECT_IVL, 1);
        int listener = raw_listen (endpoint);
        CHECK_OK (zmq_connect (pull, endpoint));
        int fd = accept (listener, NULL, NULL);
        MUST (raw_write (fd, ends[i].bytes, ends[i].size));
        CHECK (raw_is_closed (fd));
        CHECK (is_quiet (listener, 50));
        close (fd);
        close (listener);
        close_socket (pull);
    }
}

STORY (message_limits_count_bodies)
{
    for (enum age age = V1; age <= V3_1; age++)
        for (int limit = 0; limit <= 300; limit += 150)
            for (int over = 0; over < 2; over++) {
                char body[301] = {0};
                struct bytes frame = {.size = 0};
                int64_t value = limit;
                void *pull = open_socket (ZMQ_PULL);
                /* libzmq counts the handshake of 3.x too. */
                if (on_oracle () && age >= V3_0 && limit < 30)
                    value = limit = 30;
                CHECK_OK (zmq_setsockopt (pull, ZMQ_MAXMSGSIZE, &value, 8));
                int fd = meet_peer (pull, BINDS, age, ZMQ_PUSH, "");
                put_frame (&frame, age, 0, body, (size_t) (limit + over));
                say (fd, &frame);
                if (over)
                    CHECK (raw_is_closed (fd));
                else
                    CHECK_INT (zmq_recv (pull, body, sizeof body, 0), limit);
                limit -= limit % 150;
                close_socket (pull);
                close (fd);
            }
}

/* libzmq counts an identity as a message. */
STORY (message_limits_do_not_touch_identities)
{
    EACH_OLD_AGE (age)
    {
        int64_t limit = 4;
        void *router = open_socket (ZMQ_ROUTER);
        CHECK_OK (zmq_setsockopt (router, ZMQ_MAXMSGSIZE, &limit, sizeof limit));
        int fd = meet (router, BINDS);
        struct bytes opening = {.size = 0};
        put_opening (&opening, age, ZMQ_DEALER, "a name", 6);
        put_message (&opening, age, "hi");
        say (fd, &opening);
        if (on_oracle ())
            CHECK (raw_is_closed (fd));
        else
            CHECK_RECV (router, "a name|hi");
        close_socket (router);
        close (fd);
    }
}

STORY (commands_mean_nothing_to_2_0)
{
    void *dealer = open_socket (ZMQ_DEALER);
    int fd = meet_peer (dealer, BINDS, V2, ZMQ_DEALER, "");
    SAY (fd, "\4\7\4PING\0\1\4\0\5\3FOO\4\12\6CANCELabc");
    say_message (fd, V2, "hello");
    CHECK_RECV (dealer, "hello");
    /* No PONG comes before it, and the PING set no time to live. */
    CHECK (is_quiet (fd, 250));
    SEND (dealer, "answer");
    CHECK_HEARS_MESSAGE (fd, V2, "answer");
    close_socket (dealer);
    close (fd);

    void *xpub = open_socket (ZMQ_XPUB);
    fd = meet_peer (xpub, BINDS, V2, ZMQ_SUB, "");
    SAY (fd, "\4\13\11SUBSCRIBEa");
    say_message (fd, V2, "%01b");
    CHECK_RECV (xpub, "%01b");
    close (fd);
}

STORY (old_peers_get_no_heartbeats)
{
    EACH_OLD_AGE (age)
    {
        void *dealer = open_socket (ZMQ_DEALER);
        set_int (dealer, ZMQ_HEARTBEAT_IVL, 20);
        set_int (dealer, ZMQ_HEARTBEAT_TIMEOUT, 40);
        set_int (dealer, ZMQ_HEARTBEAT_TTL, 200);
        int fd = meet_peer (dealer, BINDS, age, ZMQ_DEALER, "");
        CHECK (is_quiet (fd, 150));
        SEND (dealer, "hello");
        CHECK_HEARS_MESSAGE (fd, age, "hello");
        say_message (fd, age, "answer");
        CHECK_RECV (dealer, "answer");
        close_socket (dealer);
        close (fd);
    }
}

STORY (peers_of_3_x_get_heartbeats)
{
    for (enum age age = V3_0; age <= V3_1; age++) {
        void *dealer = open_socket (ZMQ_DEALER);
        set_int (dealer, ZMQ_HEARTBEAT_IVL, 20);
        set_int (dealer, ZMQ_HEARTBEAT_TIMEOUT, 10000);
        int fd = meet_peer (dealer, BINDS, age, ZMQ_DEALER, "");
        CHECK_HEARS (fd, "\4\7\4PING\0\0");
        SAY (fd, "\4\11\4PING\0\0hi");
        unsigned char answer[9] = {0};
        do
            MUST (raw_read (fd, answer, 2) && raw_read (fd, answer + 2, answer[1]));
        while (memcmp (answer + 2, "\4PING", 5) == 0);
        CHECK (memcmp (answer, "\4\7\4PONGhi", 9) == 0);
        close_socket (dealer);
        close (fd);
    }
}

MAIN
