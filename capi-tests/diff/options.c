/* options.c - sets and reads options of any size; those of CURVE together. */
#include "execute.h"
#include "diff.h"
#include "text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

void set_option (int s, const struct option *option, int size, uint32_t seed)
{
    static unsigned char value[512];
    memset (value, 0, sizeof value);
    struct random random = {seed};
    if (option->kind == INT || option->kind == INT64) {
        int64_t number = int_values[below (&random, int_value_count)];
        memcpy (value, &number, sizeof number);
        printf (" %d", (int) number);
    } else if (size == NUMERIC_PROXY) {
        static const char *const proxies[] = {"127.0.0.1:1", "[::1]:1", "127.0.0.1:0", ":1",
                                              "127.0.0.1", "127.0.0.1:x"};
        const char *text = proxies[below (&random, 6)];
        size = (int) strlen (text);
        memcpy (value, text, (size_t) size);
        printf (" %s", text);
    } else {
        for (int i = 0; i < size; i++)
            value[i] = (unsigned char) ("ab\0A:/1"[below (&random, 7)]);
        if (chance (&random, 50))
            memset (value, 'a' + below (&random, 3), (size_t) size);
        if (chance (&random, 10) && size > 0)
            value[0] = 0;
        printf (" ");
        print_bytes (value, (size_t) size);
    }
    errno = 0;
    result (zmq_setsockopt (sockets[s], option->number, value, (size_t) size));
}

void get_option (int s, const struct option *option, int size)
{
    static unsigned char value[512];
    memset (value, 0xAA, sizeof value);
    size_t got = (size_t) size;
    int rc = zmq_getsockopt (sockets[s], option->number, value, &got);
    result (rc);
    if (rc < 0 || option->number == ZMQ_FD) {
        printf (" size %zu", got);
        return;
    }
    if (option->number == ZMQ_LAST_ENDPOINT) {
        printf (" %s ", got == strlen ((char *) value) + 1 ? "whole" : "odd");
        print_text ((char *) value);
        return;
    }
    printf (" size %zu ", got);
    if (got == sizeof (int)) {
        int number;
        memcpy (&number, value, sizeof number);
        printf ("%d", number);
    } else
        print_bytes (value, got < sizeof value ? got : sizeof value);
    if (option->number != ZMQ_ROUTING_ID) /* STREAM's are random */
        printf (" ~%x", hash_bytes (value, sizeof value));
}

static int set_text (int s, int option, const char *text)
{
    return zmq_setsockopt (sockets[s], option, text, strlen (text));
}

/* CURVE: all servers have one pair of keys, all clients another one. */
void secure (int s, int server)
{
    static char keys[4][41];
    int yes = 1, rc;
    if (!keys[0][0])
        for (int i = 0; i < 4; i += 2)
            zmq_curve_keypair (keys[i], keys[i + 1]);
    printf (" %s", server ? "server" : "client");
    if (server)
        rc = zmq_setsockopt (sockets[s], ZMQ_CURVE_SERVER, &yes, sizeof yes)
             + set_text (s, ZMQ_CURVE_SECRETKEY, keys[1]);
    else
        rc = set_text (s, ZMQ_CURVE_SERVERKEY, keys[0])
             + set_text (s, ZMQ_CURVE_PUBLICKEY, keys[2])
             + set_text (s, ZMQ_CURVE_SECRETKEY, keys[3]);
    result (rc);
}
