/* The few things every example needs: a loud way to fail, text messages,
 * a clock, and a polite way to be told to stop. */
#ifndef EXAMPLES_SUPPORT_H
#define EXAMPLES_SUPPORT_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#define UNUSED_FUNCTION __attribute__ ((unused))

/* Says which call failed and why, then ends the program. */
UNUSED_FUNCTION static void fail (const char *what)
{
    fprintf (stderr, "%s: %s\n", what, zmq_strerror (zmq_errno ()));
    exit (EXIT_FAILURE);
}

/* For calls that must not fail: names the expression in the complaint. */
#define CHECK(condition) \
    do { \
        if (!(condition)) \
            fail (#condition); \
    } while (0)

UNUSED_FUNCTION static void *open_socket (void *context, int type)
{
    void *socket = zmq_socket (context, type);
    CHECK (socket != NULL);
    return socket;
}

UNUSED_FUNCTION static void set_int (void *socket, int option, int value)
{
    CHECK (zmq_setsockopt (socket, option, &value, sizeof value) == 0);
}

UNUSED_FUNCTION static bool more_follows (void *socket)
{
    int more = 0;
    size_t size = sizeof more;
    CHECK (zmq_getsockopt (socket, ZMQ_RCVMORE, &more, &size) == 0);
    return more != 0;
}

/* Sends a C string without its terminating zero. */
UNUSED_FUNCTION static int send_text (void *socket, const char *text, int flags)
{
    return zmq_send (socket, text, strlen (text), flags);
}

/* Receives one frame as a C string, cut to what the buffer holds.
 * Returns false when the call was interrupted, timed out or the context ends. */
UNUSED_FUNCTION static bool
receive_text (void *socket, char *buffer, size_t capacity)
{
    int size = zmq_recv (socket, buffer, capacity - 1, 0);
    if (size < 0) {
        CHECK (errno == EINTR || errno == EAGAIN || errno == ETERM);
        return false;
    }
    buffer[(size_t) size < capacity ? (size_t) size : capacity - 1] = '\0';
    return true;
}

/* Ends the context; a signal may interrupt that, which then goes on. */
UNUSED_FUNCTION static void end_context (void *context)
{
    while (zmq_ctx_term (context) == -1)
        CHECK (errno == EINTR);
}

UNUSED_FUNCTION static double seconds_now (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

UNUSED_FUNCTION static void sleep_ms (long milliseconds)
{
    struct timespec pause = {milliseconds / 1000,
                             milliseconds % 1000 * 1000000};
    while (nanosleep (&pause, &pause) == -1 && errno == EINTR)
        ;
}

/* The text argument at `index`, or its default. */
UNUSED_FUNCTION static const char *
text_arg (int argc, char **argv, int index, const char *otherwise)
{
    return index < argc ? argv[index] : otherwise;
}

/* The whole-number argument at `index`, or its default. */
UNUSED_FUNCTION static long
number_arg (int argc, char **argv, int index, long otherwise)
{
    if (index >= argc)
        return otherwise;
    char *end;
    errno = 0;
    long value = strtol (argv[index], &end, 10);
    if (errno != 0 || end == argv[index] || *end != '\0' || value < 0) {
        fprintf (stderr, "%s: not a count: %s\n", argv[0], argv[index]);
        exit (EXIT_FAILURE);
    }
    return value;
}

static volatile sig_atomic_t interrupted;

UNUSED_FUNCTION static void remember_interrupt (int signal_number)
{
    (void) signal_number;
    interrupted = 1;
}

/* From here on SIGINT and SIGTERM set `interrupted`, and make the call that
 * blocks in this thread return with EINTR. */
UNUSED_FUNCTION static void catch_interrupts (void)
{
    struct sigaction action;
    memset (&action, 0, sizeof action);
    action.sa_handler = remember_interrupt;
    sigemptyset (&action.sa_mask);
    sigaction (SIGINT, &action, NULL);
    sigaction (SIGTERM, &action, NULL);
}

/* Threads started between hold_interrupts and release_interrupts never see
 * the two signals, so that they always reach the main thread. */
UNUSED_FUNCTION static void change_interrupts (int how)
{
    sigset_t both;
    sigemptyset (&both);
    sigaddset (&both, SIGINT);
    sigaddset (&both, SIGTERM);
    pthread_sigmask (how, &both, NULL);
}

UNUSED_FUNCTION static void hold_interrupts (void)
{
    change_interrupts (SIG_BLOCK);
}

UNUSED_FUNCTION static void release_interrupts (void)
{
    change_interrupts (SIG_UNBLOCK);
}

#endif
