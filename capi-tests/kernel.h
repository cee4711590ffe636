/* kernel.h - what the kernel says of descriptors and of this process's
 * threads, for the tests of options that reach it; and listeners that are not
 * there yet. */
#ifndef FERROZMQ_KERNEL_H
#define FERROZMQ_KERNEL_H

#include "fixtures.h"
#include <sched.h>

/* An int option of a descriptor; a negative errno when it has none. */
FIXTURE int kernel_option (int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt (fd, level, option, &value, &size) ? -errno : value;
}

/* The listening descriptor of this process, the first if there are several. */
FIXTURE int listening_fd (void)
{
    for (int fd = 3; fd < 1024; fd++)
        if (kernel_option (fd, SOL_SOCKET, SO_ACCEPTCONN) == 1)
            return fd;
    return -1;
}

/* The descriptor that a message came through. */
FIXTURE int receive_source (void *s)
{
    zmq_msg_t msg;
    CHECK_OK (zmq_msg_init (&msg));
    REQUIRE (zmq_msg_recv (&msg, s, 0) >= 0);
    int fd = zmq_msg_get (&msg, ZMQ_SRCFD);
    CHECK_OK (zmq_msg_close (&msg));
    return fd;
}

/* The poll set that watches a descriptor: the lowest of its own descriptors,
 * -1 when there is none. */
FIXTURE int poll_set_of (int watched)
{
    for (int fd = 3; fd < 1024; fd++) {
        char path[64], what[64] = "", line[256];
        int found = 0, tfd;
        snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink (path, what, sizeof what - 1) < 0
            || strcmp (what, "anon_inode:[eventpoll]") != 0)
            continue;
        snprintf (path, sizeof path, "/proc/self/fdinfo/%d", fd);
        FILE *info = fopen (path, "r");
        while (info && fgets (line, sizeof line, info))
            found |= sscanf (line, "tfd: %d", &tfd) == 1 && tfd == watched;
        if (info)
            fclose (info);
        if (found)
            return fd;
    }
    return -1;
}

/* Threads of this process whose name is `name` (or ends with it). */
FIXTURE int find_threads (const char *name, pid_t *found, int most)
{
    int count = 0;
    DIR *tasks = opendir ("/proc/self/task");
    for (struct dirent *task; tasks && (task = readdir (tasks));) {
        char path[300], line[64] = "";
        snprintf (path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen (path, "r");
        if (!file)
            continue;
        if (fgets (line, sizeof line, file))
            line[strcspn (line, "\n")] = 0;
        fclose (file);
        size_t length = strlen (line), wanted = strlen (name);
        if (length >= wanted && strcmp (line + length - wanted, name) == 0
            && count < most)
            found[count++] = atoi (task->d_name);
    }
    if (tasks)
        closedir (tasks);
    return count;
}

/* Accepts, or gives up after a while. */
FIXTURE int accept_within (int listener, int ms)
{
    struct pollfd item = {listener, POLLIN, 0};
    return poll (&item, 1, ms) == 1 ? accept (listener, NULL, NULL) : -1;
}

/* An address that refuses connections, for as long as the descriptor is
 * open. */
FIXTURE int refusing (endpoint_t endpoint)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    socklen_t size = sizeof in;
    int fd = socket (AF_INET, SOCK_STREAM, 0), on = 1;
    in.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    REQUIRE (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0
             && bind (fd, (void *) &in, sizeof in) == 0
             && getsockname (fd, (void *) &in, &size) == 0);
    snprintf (endpoint, sizeof (endpoint_t), "tcp://127.0.0.1:%d",
              ntohs (in.sin_port));
    return fd;
}

#endif
