/* extras.c - timers, Z85, and the calls that few programs use: zmq_sendiov and its
 * kin, sockets that listen before libzmq gets them, steerable proxies.
 */
#define _GNU_SOURCE
#include "diff.h"
#include "execute.h"
#include "text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

enum { TIMERS = 4, MOST_BUFFERS = 5 };

/* Timers: of some it is certain that they are due, of the others that they are
 * not. */

static const size_t intervals_ms[] = {1, 2, 1000000, 2000000, 30000000};
static void *timers;
static int ids[TIMERS];
static int ran[TIMERS];

static void handler (int id, void *argument)
{
    (void) id;
    ran[(int *) argument - ids]++;
}

static void execute_timers (void)
{
    usleep (4000);
    memset (ran, 0, sizeof ran);
    result (zmq_timers_execute (timers));
    for (int i = 0; i < TIMERS; i++)
        printf (" %d", ran[i]);
}

void timer_call (int call, int which, int z)
{
    static const char *const calls[TIMER_CALLS] = {
      "add", "cancel", "set_interval", "reset", "timeout", "execute", "destroy",
      "add"};
    size_t interval = intervals_ms[z % 5];
    int id = z % 9 == 0 ? z % 100 : ids[which];
    if (!timers)
        timers = zmq_timers_new ();
    printf (" %s", calls[call]);
    switch (call) {
        case 0:
        case 7:
            if (ids[which] > 0)
                zmq_timers_cancel (timers, ids[which]);
            ids[which] = zmq_timers_add (timers, interval, handler, &ids[which]);
            printf (" %d after %zu", which, interval);
            result (ids[which]);
            break;
        case 1:
            printf (" %d", id);
            result (zmq_timers_cancel (timers, id));
            break;
        case 2:
            printf (" %d %zu", id, interval);
            result (zmq_timers_set_interval (timers, id, interval));
            break;
        case 3:
            printf (" %d", id);
            result (zmq_timers_reset (timers, id));
            break;
        case 4: {
            long left = zmq_timers_timeout (timers);
            if (left > 100000) /* some milliseconds have gone by */
                printf (" about %ld", (left + 50000) / 100000);
            else if (left > 0)
                printf (" soon");
            else if (left < 0)
                printf (" none");
            else
                printf (" soon"); /* perhaps it has just become due */
            break;
        }
        case 5:
            execute_timers ();
            break;
        default:
            result (zmq_timers_destroy (&timers));
            printf (" %s", timers ? "kept" : "forgotten");
            memset (ids, 0, sizeof ids);
            timers = NULL;
    }
}

void z85_call (int decoding, int size, uint32_t seed)
{
    static const char digits[] =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
      ".-:+=^!/*?&<>()[]{}@%$#";
    struct random random = {seed};
    char text[256];
    unsigned char bytes[256];
    memset (text, 0, sizeof text);
    memset (bytes, 0x55, sizeof bytes);
    errno = 0;
    if (decoding) {
        for (int i = 0; i < size; i++)
            text[i] = digits[below (&random, 85)];
        if (chance (&random, 30) && size > 0) /* perhaps too much, or no digit */
            text[below (&random, size)] = "#~\" \x7f\x80,;"[below (&random, 8)];
        printf (" decode ");
        print_bytes (text, (size_t) size);
        printf (" = ");
        if (zmq_z85_decode (bytes, text))
            print_bytes (bytes, (size_t) size / 5 * 4 + 1);
        else
            printf ("NULL %s", errno_name (errno));
    } else {
        for (int i = 0; i < size; i++)
            bytes[i] = (unsigned char) below (&random, 256);
        printf (" encode ");
        print_bytes (bytes, (size_t) size);
        if (zmq_z85_encode (text, bytes, (size_t) size))
            printf (" = '%s'", text);
        else
            printf (" = NULL %s", errno_name (errno));
    }
}

/* Old names */

static void send_buffers (int s, int count, int flags, uint32_t seed)
{
    struct iovec buffers[MOST_BUFFERS];
    int conflate = 0;
    size_t width = sizeof conflate, size = fill_body (20, seed);
    zmq_getsockopt (sockets[s], ZMQ_CONFLATE, &conflate, &width);
    if (conflate && count > 1)
        count = 1; /* how many are overtaken is chance */
    body[0] = 'a'; /* no subscription */
    for (int i = 0; i < count; i++)
        buffers[i] = (struct iovec) {body, size - 2 * (size_t) i};
    if (unfinished[s])
        printf (" amid");
    int rc = zmq_sendiov (sockets[s], buffers, (size_t) count,
                          bounded_flags (sockets[s], ZMQ_SNDTIMEO, flags));
    result (rc);
    if (rc >= 0 && count > 0)
        unfinished[s] = 0;
}

static void receive_buffers (int s, int room, int flags)
{
    struct iovec buffers[MOST_BUFFERS];
    size_t count = (size_t) room;
    int rc = zmq_recviov (sockets[s], buffers, &count,
                          bounded_flags (sockets[s], ZMQ_RCVTIMEO, flags));
    result (rc);
    if (rc < 0)
        return;
    printf (" %zu", count);
    for (size_t i = 0; i < count && i < (size_t) room; i++) {
        printf (" ");
        print_bytes (buffers[i].iov_base, buffers[i].iov_len);
        free (buffers[i].iov_base);
    }
}

void old_call (int s, int call, int count, uint32_t seed)
{
    static const char *const calls[OLD_CALLS] = {"sendiov", "sendiov more", "recviov",
                                                 "sendmsg", "recvmsg"};
    zmq_msg_t msg;
    printf (" %s %d", calls[call], count);
    if (call <= 1)
        send_buffers (s, count, call ? ZMQ_SNDMORE | ZMQ_DONTWAIT : ZMQ_DONTWAIT, seed);
    else if (call == 2)
        receive_buffers (s, count, ZMQ_DONTWAIT);
    else if (call == 3) {
        size_t size = fill_body (count * 20, seed);
        zmq_msg_init_size (&msg, size);
        memcpy (zmq_msg_data (&msg), body, size);
        if (size)
            *(char *) zmq_msg_data (&msg) = 'b';
        if (unfinished[s])
            printf (" amid");
        int rc = zmq_sendmsg (sockets[s], &msg, ZMQ_DONTWAIT);
        result (rc);
        if (rc >= 0)
            unfinished[s] = 0;
        else
            zmq_msg_close (&msg);
    } else {
        zmq_msg_init (&msg);
        int rc = zmq_recvmsg (sockets[s], &msg, ZMQ_DONTWAIT);
        result (rc);
        if (rc >= 0) {
            printf (" ");
            print_bytes (zmq_msg_data (&msg), zmq_msg_size (&msg));
        }
        zmq_msg_close (&msg);
    }
}

/* A descriptor that listens at the endpoint, or -1. */
static int listen_at (const char *text)
{
    int fd;
    if (strncmp (text, "ipc://", 6) == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        strncpy (address.sun_path, text + 6, sizeof address.sun_path - 1);
        fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind (fd, (struct sockaddr *) &address, sizeof address) == 0
            && listen (fd, 10) == 0)
            return fd;
    } else {
        char host[64];
        int port = 0, yes = 1;
        struct sockaddr_in address = {.sin_family = AF_INET};
        if (sscanf (text, "tcp://%63[^:]:%d", host, &port) != 2)
            return -1;
        address.sin_port = htons ((uint16_t) port);
        inet_pton (AF_INET, host, &address.sin_addr);
        fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind (fd, (struct sockaddr *) &address, sizeof address) == 0
            && listen (fd, 10) == 0)
            return fd;
    }
    close (fd);
    return -1;
}

void bind_descriptor (int s, const char *text)
{
    int fd = listen_at (text), none = -1;
    printf (" with descriptor");
    if (fd < 0) {
        printf (" not to be had");
        return;
    }
    result (zmq_setsockopt (sockets[s], ZMQ_USE_FD, &fd, sizeof fd));
    int rc = zmq_bind (sockets[s], text);
    result (rc);
    if (rc < 0)
        close (fd);
    zmq_setsockopt (sockets[s], ZMQ_USE_FD, &none, sizeof none);
}
