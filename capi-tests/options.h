/* options.h - what the tests of socket options share: short forms of the two
 * functions. */
#ifndef FERROZMQ_OPTIONS_H
#define FERROZMQ_OPTIONS_H

#include "check.h"
#include <limits.h>

#define COUNT(ARRAY) (sizeof (ARRAY) / sizeof *(ARRAY))

static inline void *fresh (int type)
{
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, type);
    REQUIRE (socket);
    return socket;
}

/* 0, or the errno */
static inline int set (void *s, int option, const void *value, size_t size)
{
    return zmq_setsockopt (s, option, value, size) == 0 ? 0 : errno;
}

static inline int set_int (void *s, int option, int value)
{
    return set (s, option, &value, sizeof value);
}

static inline int get (void *s, int option, void *value, size_t *size)
{
    return zmq_getsockopt (s, option, value, size) == 0 ? 0 : errno;
}

/* INT_MIN where it fails */
static inline int get_int (void *s, int option)
{
    int value = INT_MIN;
    size_t size = sizeof value;
    return get (s, option, &value, &size) == 0 && size == sizeof value ? value
                                                                       : INT_MIN;
}

/* One check of a table's row. */
static inline void same (const char *name, const char *what, long long of,
                  long long got, long long want)
{
    char extra[160];
    snprintf (extra, sizeof extra, ": %s %lld gives %lld, not %lld", what, of,
              got, want);
    check_report (got == want, __FILE__, __LINE__, name, extra);
}

#endif
