/* Connections that fail before they are accepted. The kernel hardly ever says so:
 * here a filter of system calls does. */
#include "kernel.h"
#include "monitors.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* From now on accepting fails so, at this descriptor, in all threads. False
 * where that cannot be arranged. */
static bool accepting_fails (int listener, int error)
{
    struct sock_filter code[] = {
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, nr)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, SYS_accept4, 1, 0),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, args)),
      BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (unsigned) listener, 0, 1),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) error),
      BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
           && syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                       SECCOMP_FILTER_FLAG_TSYNC, &program)
                == 0;
}

static void check_failure_is_told (const char *where, int error)
{
    begin ();
    endpoint_t endpoint;
    void *s = new_socket (ctx, ZMQ_PULL);
    void *m = watch (s, ZMQ_EVENT_ALL & ~ZMQ_EVENT_LISTENING);
    bind_to (s, where, endpoint);
    if (!accepting_fails (listening_fd (), error)) {
        printf ("no filters of system calls here\n");
        return;
    }
    int fd = raw_connect (endpoint);
    CHECK_EVENT_VALUE (m, ZMQ_EVENT_ACCEPT_FAILED, error, endpoint);
    close (fd);
    if (!on_oracle ()) { /* which stops when the monitor is full */
        void *a, *b;
        connect_pair (ctx, where, ZMQ_PAIR, &a, ZMQ_PAIR, &b);
        CHECK_SEND (a, "there", 0);
        CHECK_RECV (b, "there");
        CHECK_OK (zmq_close (a));
        CHECK_OK (zmq_close (b));
    }
    end (s, m);
}

TEST (an_aborted_connection_is_told)
{
    check_failure_is_told ("tcp", ECONNABORTED);
}

TEST (an_aborted_local_connection_is_told)
{
    check_failure_is_told ("ipc", ECONNABORTED);
}

TEST (a_broken_connection_is_told) { check_failure_is_told ("tcp", EPROTO); }

/* libzmq aborts. */
TEST (a_connection_without_a_network_is_told)
{
    if (!on_oracle ())
        check_failure_is_told ("tcp", ENETDOWN);
}

MAIN
