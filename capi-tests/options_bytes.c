/* Socket options that are not ints: bytes, texts, topics and 64-bit numbers;
 * what zmq_setsockopt and zmq_getsockopt accept, store and give back. */
#include "options.h"

TEST (affinity_takes_any_64_bits)
{
    void *s = fresh (ZMQ_DEALER);
    uint64_t value = 1;
    size_t size = sizeof value;
    CHECK_INT (get (s, ZMQ_AFFINITY, &value, &size), 0);
    CHECK_INT (size, 8);
    CHECK_INT (value, 0);
    value = UINT64_MAX - 5;
    CHECK_INT (set (s, ZMQ_AFFINITY, &value, sizeof value), 0);
    value = 0;
    CHECK_INT (get (s, ZMQ_AFFINITY, &value, &size), 0);
    CHECK (value == UINT64_MAX - 5);
    for (size_t wrong = 0; wrong < 20; wrong++) {
        char buffer[20] = {0};
        if (wrong == 8)
            continue;
        size = wrong;
        same ("AFFINITY", "setting at size", (long long) wrong,
              set (s, ZMQ_AFFINITY, buffer, wrong), EINVAL);
        same ("AFFINITY", "reading at size", (long long) wrong,
              get (s, ZMQ_AFFINITY, buffer, &size), EINVAL);
    }
}

TEST (maxmsgsize_takes_any_int64)
{
    static const int64_t values[] = {0, 1, -1, -2, INT64_MIN, INT64_MAX};
    void *s = fresh (ZMQ_PULL);
    int64_t value = 0;
    size_t size = sizeof value;
    CHECK_INT (get (s, ZMQ_MAXMSGSIZE, &value, &size), 0);
    CHECK_INT (value, -1);
    for (size_t i = 0; i < COUNT (values); i++) {
        CHECK_INT (set (s, ZMQ_MAXMSGSIZE, &values[i], 8), 0);
        CHECK_INT (get (s, ZMQ_MAXMSGSIZE, &value, &size), 0);
        CHECK (value == values[i]);
    }
    CHECK_INT (set_int (s, ZMQ_MAXMSGSIZE, 5), EINVAL);
    CHECK_INT (get_int (s, ZMQ_MAXMSGSIZE), INT_MIN);
}

TEST (routing_ids_have_1_to_255_bytes)
{
    char id[257], got[300];
    memset (id, 'x', sizeof id);
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *s = fresh (type);
        size_t size = 300;
        same ("ROUTING_ID", "default on type", type,
              get (s, ZMQ_ROUTING_ID, got, &size), 0);
        same ("ROUTING_ID", "default size on type", type, (long long) size, 0);
        same ("ROUTING_ID", "255 on type", type,
              set (s, ZMQ_ROUTING_ID, id, 255), 0);
        same ("ROUTING_ID", "256 on type", type,
              set (s, ZMQ_ROUTING_ID, id, 256), EINVAL);
        same ("ROUTING_ID", "0 on type", type, set (s, ZMQ_ROUTING_ID, id, 0),
              EINVAL);
        same ("ROUTING_ID", "NULL on type", type,
              set (s, ZMQ_ROUTING_ID, NULL, 0), EINVAL);
        size = 300;
        same ("ROUTING_ID", "kept on type", type,
              get (s, ZMQ_ROUTING_ID, got, &size), 0);
        same ("ROUTING_ID", "kept size on type", type, (long long) size, 255);
    }
}

TEST (routing_ids_hold_any_byte_and_are_read_with_zeros_behind)
{
    void *s = fresh (ZMQ_DEALER);
    char got[8];
    size_t size = 8;
    memset (got, 'y', sizeof got);
    CHECK_INT (set (s, ZMQ_IDENTITY, "\0a\0b", 4), 0);
    CHECK_INT (get (s, ZMQ_IDENTITY, got, &size), 0);
    CHECK_INT (size, 4);
    CHECK (memcmp (got, "\0a\0b\0\0\0\0", 8) == 0);
    size = 4;
    CHECK_INT (get (s, ZMQ_ROUTING_ID, got, &size), 0);
    size = 3;
    CHECK_INT (get (s, ZMQ_ROUTING_ID, got, &size), EINVAL);
    CHECK_INT (size, 3);
    size = 0;
    CHECK_INT (get (s, ZMQ_ROUTING_ID, got, &size), EINVAL);
}

TEST (connect_routing_id_is_write_only_for_router_and_rep)
{
    char id[300];
    memset (id, 'x', sizeof id);
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *s = fresh (type);
        int known = type == ZMQ_ROUTER || type == ZMQ_REP;
        size_t size = sizeof id;
        same ("CONNECT_ROUTING_ID", "on type", type,
              set (s, ZMQ_CONNECT_ROUTING_ID, id, 5), known ? 0 : EINVAL);
        same ("CONNECT_ROUTING_ID", "300 bytes on type", type,
              set (s, ZMQ_CONNECT_RID, id, 300), known ? 0 : EINVAL);
        same ("CONNECT_ROUTING_ID", "empty on type", type,
              set (s, ZMQ_CONNECT_RID, id, 0), EINVAL);
        same ("CONNECT_ROUTING_ID", "NULL on type", type,
              set (s, ZMQ_CONNECT_RID, NULL, 0), EINVAL);
        same ("CONNECT_ROUTING_ID", "reading on type", type,
              get (s, ZMQ_CONNECT_RID, id, &size), EINVAL);
        memset (id, 'x', sizeof id);
    }
}

TEST (only_sub_subscribes)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *s = fresh (type);
        int answer = type == ZMQ_SUB ? 0 : EINVAL;
        same ("SUBSCRIBE", "on type", type, set (s, ZMQ_SUBSCRIBE, "ab", 2),
              answer);
        same ("SUBSCRIBE", "to all on type", type,
              set (s, ZMQ_SUBSCRIBE, "", 0), answer);
        same ("SUBSCRIBE", "NULL on type", type,
              set (s, ZMQ_SUBSCRIBE, NULL, 0), answer);
        same ("UNSUBSCRIBE", "on type", type,
              set (s, ZMQ_UNSUBSCRIBE, "ab", 2), answer);
        same ("UNSUBSCRIBE", "again on type", type,
              set (s, ZMQ_UNSUBSCRIBE, "ab", 2), answer);
        same ("UNSUBSCRIBE", "unknown on type", type,
              set (s, ZMQ_UNSUBSCRIBE, "zz", 2), answer);
        same ("SUBSCRIBE", "reading on type", type, get_int (s, ZMQ_SUBSCRIBE),
              INT_MIN);
        same ("UNSUBSCRIBE", "reading on type", type,
              get_int (s, ZMQ_UNSUBSCRIBE), INT_MIN);
    }
}

TEST (topics_may_be_long)
{
    /* the oracle overflows its stack when it takes a long one back */
    size_t size = on_oracle () ? 1000 : 1 << 20;
    char *topic = calloc (1, size);
    void *s = fresh (ZMQ_SUB);
    CHECK_INT (set (s, ZMQ_SUBSCRIBE, topic, size), 0);
    CHECK_INT (set (s, ZMQ_UNSUBSCRIBE, topic, size), 0);
    free (topic);
}

TEST (last_endpoint_is_text_with_its_zero)
{
    void *s = fresh (ZMQ_PULL);
    char got[40];
    size_t size = sizeof got;
    memset (got, 'y', sizeof got);
    CHECK_INT (get (s, ZMQ_LAST_ENDPOINT, got, &size), 0);
    CHECK_INT (size, 1);
    CHECK_INT (got[0], 0);
    CHECK_INT (got[39], 0);
    size = 0;
    CHECK_INT (get (s, ZMQ_LAST_ENDPOINT, got, &size), EINVAL);
    CHECK_OK (zmq_bind (s, "inproc://abc"));
    size = 12;
    CHECK_INT (get (s, ZMQ_LAST_ENDPOINT, got, &size), EINVAL);
    CHECK_INT (size, 12);
    size = 13;
    CHECK_INT (get (s, ZMQ_LAST_ENDPOINT, got, &size), 0);
    CHECK_INT (size, 13);
    CHECK_STR (got, "inproc://abc");
    memset (got, 'y', sizeof got);
    size = sizeof got;
    CHECK_INT (get (s, ZMQ_LAST_ENDPOINT, got, &size), 0);
    CHECK_INT (size, 13);
    int zeros = 1;
    for (int i = 12; i < 40; i++)
        zeros &= got[i] == 0;
    CHECK (zeros);
}

/* Sets, reads back into 40 bytes: the size, or minus the errno. */
static int text (void *s, int option, const char *value, size_t size, char *got)
{
    int error = set (s, option, value, size);
    size_t length = 40;
    memset (got, 'y', 40);
    if (error == 0)
        error = get (s, option, got, &length);
    return error ? -error : (int) length;
}

TEST (texts_count_their_zeros_as_given)
{
    static const struct
    {
        int option, max, null_clears;
        const char *name;
    } texts[] = {
      {ZMQ_BINDTODEVICE, 16, 1, "BINDTODEVICE"},
      {ZMQ_PLAIN_USERNAME, 255, 0, "PLAIN_USERNAME"},
      {ZMQ_PLAIN_PASSWORD, 255, 0, "PLAIN_PASSWORD"},
      {ZMQ_ZAP_DOMAIN, 255, 0, "ZAP_DOMAIN"},
      {ZMQ_SOCKS_PROXY, 0, 1, "SOCKS_PROXY"},
      {ZMQ_GSSAPI_PRINCIPAL, 255, 0, "GSSAPI_PRINCIPAL"},
      {ZMQ_GSSAPI_SERVICE_PRINCIPAL, 255, 0, "GSSAPI_SERVICE_PRINCIPAL"},
    };
    char long_text[301], got[40];
    memset (long_text, 'x', sizeof long_text);
    for (size_t i = 0; i < COUNT (texts); i++) {
        void *s = fresh (ZMQ_PUSH);
        int option = texts[i].option, zeros = 1;
        const char *name = texts[i].name;
        size_t size = sizeof got;
        same (name, "default", 0, get (s, option, got, &size), 0);
        same (name, "default's size", 0, (long long) size, 1);
        size = 0;
        same (name, "reading at size", 0, get (s, option, got, &size), EINVAL);
        same (name, "size of", 3, text (s, option, "abc", 3, got), 4);
        for (int j = 3; j < 40; j++)
            zeros &= got[j] == 0;
        same (name, "zeros behind", 3, zeros && memcmp (got, "abc", 3) == 0, 1);
        same (name, "zero given", 4, text (s, option, "abc", 4, got), 5);
        same (name, "two zeros given", 5, text (s, option, "abc\0", 5, got), 6);
        same (name, "zero inside", 3, text (s, option, "a\0b", 3, got), 4);
        same (name, "zero kept inside", 3, got[2], 'b');
        same (name, "zero alone", 1, text (s, option, "", 1, got), 2);
        same (name, "nothing", 0, text (s, option, "", 0, got), -EINVAL);
        CHECK_INT (set (s, option, "abc", 3), 0);
        size = 3;
        same (name, "reading at size", 3, get (s, option, got, &size), EINVAL);
        size = 4;
        same (name, "reading at size", 4, get (s, option, got, &size), 0);
        if (texts[i].null_clears)
            same (name, "NULL", 0, text (s, option, NULL, 0, got), 1);
        if (texts[i].max == 0)
            continue;
        same (name, "longest", texts[i].max,
              set (s, option, long_text, (size_t) texts[i].max), 0);
        same (name, "too long", texts[i].max + 1,
              set (s, option, long_text, (size_t) texts[i].max + 1), EINVAL);
        same (name, "much too long", 300, set (s, option, long_text, 300),
              EINVAL);
    }
}

TEST (curve_keys_are_32_bytes_or_41_characters)
{
    if (!on_oracle ())
        return; /* all of CURVE comes later */
    void *s = fresh (ZMQ_DEALER);
    char buffer[50] = {0};
    for (int option = ZMQ_CURVE_PUBLICKEY; option <= ZMQ_CURVE_SERVERKEY;
         option++) {
        for (size_t at = 0; at < sizeof buffer; at++) {
            size_t size = at;
            same ("CURVE key", "reading at size", (long long) at,
                  get (s, option, buffer, &size),
                  at == 32 || at == 41 ? 0 : EINVAL);
        }
    }
}

TEST (filters_are_write_only)
{
    void *s = fresh (ZMQ_PULL);
    CHECK_INT (get_int (s, ZMQ_TCP_ACCEPT_FILTER), INT_MIN);
    CHECK_INT (get_int (s, ZMQ_IPC_FILTER_PID), INT_MIN);
    CHECK_INT (get_int (s, ZMQ_IPC_FILTER_UID), INT_MIN);
    CHECK_INT (get_int (s, ZMQ_IPC_FILTER_GID), INT_MIN);
    CHECK_INT (set (s, ZMQ_TCP_ACCEPT_FILTER, "", 0), EINVAL);
    CHECK_INT (set (s, ZMQ_TCP_ACCEPT_FILTER, "foo", 3), EINVAL);
    CHECK_INT (set (s, ZMQ_TCP_ACCEPT_FILTER, "127.0.0.1", 9), 0);
    CHECK_INT (set (s, ZMQ_TCP_ACCEPT_FILTER, "10.0.0.0/8", 10), 0);
    CHECK_INT (set (s, ZMQ_TCP_ACCEPT_FILTER, NULL, 0), 0);
    CHECK_INT (set_int (s, ZMQ_IPC_FILTER_UID, 1000), 0);
    CHECK_INT (set (s, ZMQ_IPC_FILTER_UID, "", 0), EINVAL);
    CHECK_INT (set (s, ZMQ_IPC_FILTER_GID, NULL, 0), 0);
}

TEST (welcome_messages_are_write_only_for_publishers)
{
    for (int type = ZMQ_PAIR; type <= ZMQ_XSUB; type++) {
        void *s = fresh (type);
        int answer = type == ZMQ_XPUB || type == ZMQ_PUB ? 0 : EINVAL;
        same ("XPUB_WELCOME_MSG", "on type", type,
              set (s, ZMQ_XPUB_WELCOME_MSG, "hi", 2), answer);
        same ("XPUB_WELCOME_MSG", "empty on type", type,
              set (s, ZMQ_XPUB_WELCOME_MSG, NULL, 0), answer);
    }
}

MAIN
