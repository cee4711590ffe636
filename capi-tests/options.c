/* Socket options that are ints: what zmq_setsockopt and zmq_getsockopt accept,
 * store and give back, option by option; and the answers that all options
 * share. What the options do is tested elsewhere. */
#include "options.h"
#include <fcntl.h>

#define BIT(TYPE) (1u << (TYPE))

/* ints that are read and set on every socket type, at exactly 4 bytes */
static const struct int_option
{
    int option;
    const char *name;
    int initial, min, max;
} ints[] = {
#define INT(NAME, INITIAL, MIN, MAX) {ZMQ_##NAME, #NAME, INITIAL, MIN, MAX}
  INT (RATE, 100, 1, INT_MAX),
  INT (RECOVERY_IVL, 10000, 0, INT_MAX),
  INT (SNDBUF, -1, -1, INT_MAX),
  INT (RCVBUF, -1, -1, INT_MAX),
  INT (LINGER, -1, -1, INT_MAX),
  INT (RECONNECT_IVL, 100, -1, INT_MAX),
  INT (BACKLOG, 100, 0, INT_MAX),
  INT (RECONNECT_IVL_MAX, 0, 0, INT_MAX),
  INT (SNDHWM, 1000, 0, INT_MAX),
  INT (RCVHWM, 1000, 0, INT_MAX),
  INT (MULTICAST_HOPS, 1, 1, INT_MAX),
  INT (RCVTIMEO, -1, -1, INT_MAX),
  INT (SNDTIMEO, -1, -1, INT_MAX),
  INT (IPV4ONLY, 1, 0, 1),
  INT (TCP_KEEPALIVE, -1, -1, 1),
  INT (TCP_KEEPALIVE_CNT, -1, -1, INT_MAX),
  INT (TCP_KEEPALIVE_IDLE, -1, -1, INT_MAX),
  INT (TCP_KEEPALIVE_INTVL, -1, -1, INT_MAX),
  INT (IMMEDIATE, 0, 0, 1),
  INT (IPV6, 0, 0, 1),
  INT (PLAIN_SERVER, 0, 0, 1),
  INT (CURVE_SERVER, 0, 0, 1),
  INT (CONFLATE, 0, 0, 1),
  INT (TOS, 0, 0, INT_MAX),
  INT (GSSAPI_SERVER, 0, 0, 1),
  INT (GSSAPI_PLAINTEXT, 0, 0, 1),
  INT (HANDSHAKE_IVL, 30000, 0, INT_MAX),
  INT (HEARTBEAT_IVL, 0, 0, INT_MAX),
  INT (HEARTBEAT_TIMEOUT, -1, 0, INT_MAX),
  INT (CONNECT_TIMEOUT, 0, 0, INT_MAX),
  INT (TCP_MAXRT, 0, 0, INT_MAX),
  INT (MULTICAST_MAXTPDU, 1500, 1, INT_MAX),
  INT (USE_FD, -1, -1, INT_MAX),
  INT (GSSAPI_PRINCIPAL_NAMETYPE, 0, 0, 2),
  INT (GSSAPI_SERVICE_PRINCIPAL_NAMETYPE, 0, 0, 2),
};

/* ints that are set only, from 0 up, on some socket types */
static const struct
{
    int option;
    const char *name;
    unsigned types;
} pattern_ints[] = {
#define PATTERN(NAME, TYPES) {ZMQ_##NAME, #NAME, TYPES}
  PATTERN (ROUTER_MANDATORY, BIT (ZMQ_ROUTER) | BIT (ZMQ_REP)),
  PATTERN (ROUTER_HANDOVER, BIT (ZMQ_ROUTER) | BIT (ZMQ_REP)),
  PATTERN (ROUTER_RAW, BIT (ZMQ_ROUTER) | BIT (ZMQ_REP)),
  PATTERN (PROBE_ROUTER, BIT (ZMQ_REQ) | BIT (ZMQ_REP) | BIT (ZMQ_DEALER)
                           | BIT (ZMQ_ROUTER)),
  PATTERN (REQ_CORRELATE, BIT (ZMQ_REQ)),
  PATTERN (REQ_RELAXED, BIT (ZMQ_REQ)),
  PATTERN (XPUB_VERBOSE, BIT (ZMQ_XPUB) | BIT (ZMQ_PUB)),
  PATTERN (XPUB_VERBOSER, BIT (ZMQ_XPUB) | BIT (ZMQ_PUB)),
  PATTERN (XPUB_NODROP, BIT (ZMQ_XPUB) | BIT (ZMQ_PUB)),
  PATTERN (XPUB_MANUAL, BIT (ZMQ_XPUB) | BIT (ZMQ_PUB)),
};

static const size_t wrong_int_sizes[] = {0, 1, 3, 5, 8, 300};

TEST (ints_have_their_defaults)
{
    void *s = fresh (ZMQ_PAIR);
    for (size_t i = 0; i < COUNT (ints); i++)
        same (ints[i].name, "default", ints[i].option,
              get_int (s, ints[i].option), ints[i].initial);
}

TEST (ints_have_the_same_defaults_on_every_type_but_linger)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *s = fresh (type);
        int differing = 0;
        for (size_t i = 0; i < COUNT (ints); i++)
            if (ints[i].option != ZMQ_LINGER)
                differing += get_int (s, ints[i].option) != ints[i].initial;
        same ("all ints", "type", type, differing, 0);
        same ("LINGER", "type", type, get_int (s, ZMQ_LINGER),
              type == ZMQ_SUB || type == ZMQ_XSUB ? 0 : -1);
        same ("TYPE", "type", type, get_int (s, ZMQ_TYPE), type);
    }
}

TEST (ints_are_read_at_4_bytes_only)
{
    void *s = fresh (ZMQ_PAIR);
    for (size_t i = 0; i < COUNT (ints); i++) {
        for (size_t j = 0; j < COUNT (wrong_int_sizes); j++) {
            char buffer[300];
            size_t size = wrong_int_sizes[j];
            int error = get (s, ints[i].option, buffer, &size);
            same (ints[i].name, "reading at size", (long long) wrong_int_sizes[j],
                  error, EINVAL);
            same (ints[i].name, "size left at", (long long) wrong_int_sizes[j],
                  (long long) size, (long long) wrong_int_sizes[j]);
        }
    }
}

TEST (ints_are_set_at_4_bytes_only)
{
    void *s = fresh (ZMQ_PAIR);
    char zeros[300] = {0};
    for (size_t i = 0; i < COUNT (ints); i++) {
        for (size_t j = 0; j < COUNT (wrong_int_sizes); j++)
            same (ints[i].name, "setting at size",
                  (long long) wrong_int_sizes[j],
                  set (s, ints[i].option, zeros, wrong_int_sizes[j]), EINVAL);
        same (ints[i].name, "unchanged", 0, get_int (s, ints[i].option),
              ints[i].initial);
    }
}

TEST (ints_take_exactly_their_range)
{
    for (size_t i = 0; i < COUNT (ints); i++) {
        const struct int_option *o = &ints[i];
        void *s = fresh (ZMQ_PAIR);
        same (o->name, "setting", o->min, set_int (s, o->option, o->min), 0);
        same (o->name, "reading", o->min, get_int (s, o->option), o->min);
        same (o->name, "setting", o->max, set_int (s, o->option, o->max), 0);
        same (o->name, "reading", o->max, get_int (s, o->option), o->max);
        same (o->name, "setting", o->min - 1,
              set_int (s, o->option, o->min - 1), EINVAL);
        same (o->name, "setting", INT_MIN, set_int (s, o->option, INT_MIN),
              EINVAL);
        if (o->max < INT_MAX) {
            same (o->name, "setting", o->max + 1,
                  set_int (s, o->option, o->max + 1), EINVAL);
            same (o->name, "setting", INT_MAX, set_int (s, o->option, INT_MAX),
                  EINVAL);
        }
        same (o->name, "kept", o->max, get_int (s, o->option), o->max);
    }
}

TEST (pattern_options_are_for_their_types_and_write_only)
{
    for (size_t i = 0; i < COUNT (pattern_ints); i++) {
        for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
            void *s = fresh (type);
            int option = pattern_ints[i].option;
            int known = (pattern_ints[i].types & BIT (type)) != 0;
            const char *name = pattern_ints[i].name;
            same (name, "on type", type, set_int (s, option, 1),
                  known ? 0 : EINVAL);
            same (name, "reading on type", type, get_int (s, option), INT_MIN);
            if (!known)
                continue;
            same (name, "7 on type", type, set_int (s, option, 7), 0);
            same (name, "INT_MAX on type", type, set_int (s, option, INT_MAX),
                  0);
            same (name, "0 on type", type, set_int (s, option, 0), 0);
            same (name, "-1 on type", type, set_int (s, option, -1), EINVAL);
            same (name, "8 bytes on type", type, set (s, option, "\0\0\0\0\0\0\0", 8),
                  EINVAL);
            same (name, "no bytes on type", type, set (s, option, "", 0), EINVAL);
        }
    }
}

TEST (read_only_options_are_not_set)
{
    static const int read_only[] = {
      ZMQ_RCVMORE,       ZMQ_FD,        ZMQ_EVENTS,     ZMQ_TYPE,
      ZMQ_LAST_ENDPOINT, ZMQ_MECHANISM, ZMQ_THREAD_SAFE};
    void *s = fresh (ZMQ_PAIR);
    for (size_t i = 0; i < COUNT (read_only); i++)
        same ("read only", "setting option", read_only[i],
              set_int (s, read_only[i], 1), EINVAL);
}

TEST (live_ints_also_fit_larger_buffers)
{
    static const int live[] = {ZMQ_RCVMORE, ZMQ_FD, ZMQ_EVENTS,
                               ZMQ_THREAD_SAFE};
    void *s = fresh (ZMQ_PULL);
    for (size_t i = 0; i < COUNT (live); i++) {
        unsigned char buffer[20];
        memset (buffer, 0xaa, sizeof buffer);
        size_t size = 3;
        same ("live", "3 bytes of option", live[i],
              get (s, live[i], buffer, &size), EINVAL);
        size = 16;
        same ("live", "16 bytes of option", live[i],
              get (s, live[i], buffer, &size), 0);
        same ("live", "size of option", live[i], (long long) size, 4);
        int untouched = 1, zeros = 1, value, at_4 = get_int (s, live[i]);
        memcpy (&value, buffer, sizeof value);
        for (int j = 4; j < 16; j++)
            zeros &= buffer[j] == 0;
        for (int j = 16; j < 20; j++)
            untouched &= buffer[j] == 0xaa;
        same ("live", "value of option", live[i], value, at_4);
        same ("live", "zeros behind option", live[i], zeros, 1);
        same ("live", "bytes behind buffer of option", live[i], untouched, 1);
    }
    CHECK_INT (get_int (s, ZMQ_RCVMORE), 0);
    CHECK_INT (get_int (s, ZMQ_EVENTS), 0);
    CHECK_INT (get_int (s, ZMQ_THREAD_SAFE), 0);
}

TEST (type_is_read_at_4_bytes_only)
{
    void *s = fresh (ZMQ_PULL);
    char buffer[8];
    size_t size = 8;
    CHECK_INT (get (s, ZMQ_TYPE, buffer, &size), EINVAL);
    size = 3;
    CHECK_INT (get (s, ZMQ_TYPE, buffer, &size), EINVAL);
}

TEST (the_fd_is_open_and_stays_the_same)
{
    void *s = fresh (ZMQ_PULL);
    int fd = get_int (s, ZMQ_FD);
    CHECK (fcntl (fd, F_GETFD) >= 0);
    CHECK_INT (get_int (s, ZMQ_FD), fd);
}

TEST (events_of_a_fresh_socket_say_what_needs_no_peer)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        int drops = type == ZMQ_PUB || type == ZMQ_ROUTER || type == ZMQ_XPUB
                    || type == ZMQ_XSUB;
        same ("EVENTS", "type", type, get_int (fresh (type), ZMQ_EVENTS),
              drops ? ZMQ_POLLOUT : 0);
    }
}

TEST (mechanism_is_null)
{
    CHECK_INT (get_int (fresh (ZMQ_PAIR), ZMQ_MECHANISM), ZMQ_NULL);
}

TEST (heartbeat_ttl_is_cut_to_tenths_of_a_second)
{
    static const int kept[][2] = {{0, 0},     {1, 0},     {99, 0},
                                  {100, 100}, {255, 200}, {6553599, 6553500},
                                  {-1, 0},    {-99, 0}};
    static const int refused[] = {-100, -1000, INT_MIN, 6553600, INT_MAX};
    void *s = fresh (ZMQ_DEALER);
    CHECK_INT (get_int (s, ZMQ_HEARTBEAT_TTL), 0);
    for (size_t i = 0; i < COUNT (kept); i++) {
        same ("HEARTBEAT_TTL", "setting", kept[i][0],
              set_int (s, ZMQ_HEARTBEAT_TTL, kept[i][0]), 0);
        same ("HEARTBEAT_TTL", "keeping", kept[i][0],
              get_int (s, ZMQ_HEARTBEAT_TTL), kept[i][1]);
    }
    for (size_t i = 0; i < COUNT (refused); i++)
        same ("HEARTBEAT_TTL", "setting", refused[i],
              set_int (s, ZMQ_HEARTBEAT_TTL, refused[i]), EINVAL);
    for (size_t i = 0; i < COUNT (wrong_int_sizes); i++)
        same ("HEARTBEAT_TTL", "size", (long long) wrong_int_sizes[i],
              set (s, ZMQ_HEARTBEAT_TTL, (char[300]){0}, wrong_int_sizes[i]),
              EINVAL);
}

TEST (heartbeat_timeout_does_not_read_as_the_interval)
{
    void *s = fresh (ZMQ_DEALER);
    CHECK_INT (set_int (s, ZMQ_HEARTBEAT_IVL, 700), 0);
    CHECK_INT (get_int (s, ZMQ_HEARTBEAT_TIMEOUT), -1);
}

TEST (invert_matching_takes_any_int_on_any_type)
{
    static const int values[] = {1, 0, 2, -1, INT_MIN, INT_MAX, 0};
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *s = fresh (type);
        for (size_t i = 0; i < COUNT (values); i++) {
            same ("INVERT_MATCHING", "setting", values[i],
                  set_int (s, ZMQ_INVERT_MATCHING, values[i]), 0);
            same ("INVERT_MATCHING", "reading", values[i],
                  get_int (s, ZMQ_INVERT_MATCHING), values[i] != 0);
        }
        same ("INVERT_MATCHING", "8 bytes on type", type,
              set (s, ZMQ_INVERT_MATCHING, (char[8]){0}, 8), EINVAL);
    }
}

TEST (ipv4only_is_the_opposite_of_ipv6)
{
    void *s = fresh (ZMQ_DEALER);
    CHECK_INT (set_int (s, ZMQ_IPV6, 1), 0);
    CHECK_INT (get_int (s, ZMQ_IPV4ONLY), 0);
    CHECK_INT (set_int (s, ZMQ_IPV4ONLY, 1), 0);
    CHECK_INT (get_int (s, ZMQ_IPV6), 0);
    CHECK_INT (set_int (s, ZMQ_IPV4ONLY, 0), 0);
    CHECK_INT (get_int (s, ZMQ_IPV6), 1);
}

TEST (old_names_are_the_same_options)
{
    CHECK_INT (ZMQ_IDENTITY, ZMQ_ROUTING_ID);
    CHECK_INT (ZMQ_DELAY_ATTACH_ON_CONNECT, ZMQ_IMMEDIATE);
    CHECK_INT (ZMQ_FAIL_UNROUTABLE, ZMQ_ROUTER_MANDATORY);
    CHECK_INT (ZMQ_ROUTER_BEHAVIOR, ZMQ_ROUTER_MANDATORY);
    CHECK_INT (ZMQ_CONNECT_RID, ZMQ_CONNECT_ROUTING_ID);
}

TEST (sockets_inherit_ipv6_and_linger_from_the_context_once)
{
    void *context = zmq_ctx_new ();
    void *before = zmq_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_ctx_set (context, ZMQ_IPV6, 1));
    CHECK_OK (zmq_ctx_set (context, ZMQ_BLOCKY, 0));
    void *after = zmq_socket (context, ZMQ_PUSH);
    CHECK_INT (get_int (before, ZMQ_IPV6), 0);
    CHECK_INT (get_int (before, ZMQ_LINGER), -1);
    CHECK_INT (get_int (after, ZMQ_IPV6), 1);
    CHECK_INT (get_int (after, ZMQ_IPV4ONLY), 0);
    CHECK_INT (get_int (after, ZMQ_LINGER), 0);
    CHECK_INT (set_int (after, ZMQ_LINGER, -1), 0);
    CHECK_INT (get_int (after, ZMQ_LINGER), -1);
}

TEST (unknown_and_context_options_are_refused)
{
    static const int unknown[] = {INT_MIN, -1, 0,  1,  2,   3,   10,  20,
                                  26,      29, 30, 67, 70,  82,  83,  112,
                                  127,     128, 255, 256, 1000, INT_MAX};
    void *s = fresh (ZMQ_DEALER);
    for (size_t i = 0; i < COUNT (unknown); i++) {
        same ("unknown", "setting option", unknown[i],
              set_int (s, unknown[i], 1), EINVAL);
        same ("unknown", "reading option", unknown[i], get_int (s, unknown[i]),
              INT_MIN);
    }
}

TEST (vmci_options_are_refused)
{
    void *s = fresh (ZMQ_DEALER);
    for (int option = ZMQ_VMCI_BUFFER_SIZE; option <= ZMQ_VMCI_CONNECT_TIMEOUT;
         option++) {
        uint64_t value = 65536;
        size_t size = sizeof value;
        same ("VMCI", "setting", option, set (s, option, &value, 8), EINVAL);
        same ("VMCI", "setting an int", option, set_int (s, option, 1), EINVAL);
        same ("VMCI", "reading", option, get (s, option, &value, &size), EINVAL);
    }
}

TEST (no_socket_no_options)
{
    int value = 0;
    size_t size = sizeof value;
    CHECK_ERR (zmq_setsockopt (NULL, ZMQ_LINGER, &value, size), ENOTSOCK);
    CHECK_ERR (zmq_getsockopt (NULL, ZMQ_LINGER, &value, &size), ENOTSOCK);
    CHECK_ERR (zmq_getsockopt (NULL, 999, &value, &size), ENOTSOCK);
}

TEST (a_shut_down_context_answers_before_the_option_does)
{
    void *context = zmq_ctx_new ();
    void *s = zmq_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_INT (get_int (s, ZMQ_EVENTS), INT_MIN);
    CHECK_INT (errno, ETERM);
    CHECK_INT (set_int (s, ZMQ_SNDHWM, 5), ETERM);
    CHECK_INT (set_int (s, ZMQ_SNDHWM, -5), ETERM);
    CHECK_INT (set_int (s, 999, 5), ETERM);
    CHECK_INT (get_int (s, ZMQ_SNDHWM), INT_MIN);
    CHECK_INT (errno, ETERM);
}

TEST (success_leaves_errno_alone)
{
    void *s = fresh (ZMQ_PUSH);
    errno = 12345;
    CHECK_INT (get_int (s, ZMQ_SNDHWM), 1000);
    CHECK_INT (errno, 12345);
    CHECK_INT (set_int (s, ZMQ_SNDHWM, 5), 0);
    if (!on_oracle ()) /* where a set that works leaves EINVAL there */
        CHECK_INT (errno, 12345);
}

MAIN
