/* Context options: zmq_ctx_set, zmq_ctx_get and zmq_init. */
#include "check.h"
#include <dirent.h>
#include <limits.h>

#define COUNT(ARRAY) (sizeof (ARRAY) / sizeof *(ARRAY))
#define ZERO_COPY_RECV 10 /* a draft name for what the stable functions know */

static const struct
{
    int option;
    const char *name;
    int initial, min, flag;
} options[] = {
#define OPTION(NAME, INITIAL, MIN) {ZMQ_##NAME, #NAME, INITIAL, MIN, 0}
#define FLAG(NAME, OPTION, INITIAL) {OPTION, NAME, INITIAL, 0, 1}
  OPTION (IO_THREADS, 1, 0),
  OPTION (MAX_SOCKETS, 1023, 1),
  OPTION (THREAD_SCHED_POLICY, -1, 0),
  OPTION (MAX_MSGSZ, INT_MAX, 0),
  OPTION (THREAD_NAME_PREFIX, 0, INT_MIN),
  FLAG ("ZERO_COPY_RECV", ZERO_COPY_RECV, 1),
  FLAG ("IPV6", ZMQ_IPV6, 0),
  FLAG ("BLOCKY", ZMQ_BLOCKY, 1),
};

static void same (const char *name, const char *what, long long of,
                  long long got, long long want)
{
    char extra[160];
    snprintf (extra, sizeof extra, ": %s %lld gives %lld, not %lld", what, of,
              got, want);
    check_report (got == want, __FILE__, __LINE__, name, extra);
}

/* 0, or the errno */
static int set (void *context, int option, int value)
{
    return zmq_ctx_set (context, option, value) == 0 ? 0 : errno;
}

TEST (options_have_their_defaults)
{
    void *context = zmq_ctx_new ();
    for (size_t i = 0; i < COUNT (options); i++)
        same (options[i].name, "default", 0,
              zmq_ctx_get (context, options[i].option), options[i].initial);
    CHECK_INT (zmq_ctx_get (context, ZMQ_SOCKET_LIMIT), 65535);
    CHECK_INT (zmq_ctx_get (context, ZMQ_MSG_T_SIZE), sizeof (zmq_msg_t));
}

TEST (options_keep_any_value_of_their_range)
{
    static const int values[] = {0, 1, 2, 3, 10, 1023, 1024, 65535, 65536,
                                 INT_MAX};
    for (size_t i = 0; i < COUNT (options); i++) {
        void *context = zmq_ctx_new ();
        for (size_t j = 0; j < COUNT (values); j++) {
            if (values[j] < options[i].min)
                continue;
            same (options[i].name, "setting", values[j],
                  set (context, options[i].option, values[j]), 0);
            same (options[i].name, "reading", values[j],
                  zmq_ctx_get (context, options[i].option),
                  options[i].flag ? values[j] != 0 : values[j]);
        }
    }
}

TEST (values_below_the_range_change_nothing)
{
    for (size_t i = 0; i < COUNT (options); i++) {
        void *context = zmq_ctx_new ();
        if (options[i].min == INT_MIN)
            continue;
        same (options[i].name, "setting", options[i].min - 1,
              set (context, options[i].option, options[i].min - 1), EINVAL);
        same (options[i].name, "setting", INT_MIN,
              set (context, options[i].option, INT_MIN), EINVAL);
        same (options[i].name, "kept", 0,
              zmq_ctx_get (context, options[i].option), options[i].initial);
    }
}

TEST (a_value_of_minus_1_is_no_error)
{
    void *context = zmq_ctx_new ();
    errno = 12345;
    CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_SCHED_POLICY), -1);
    CHECK_INT (errno, 12345);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, -1));
    CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_NAME_PREFIX), -1);
    CHECK_INT (errno, 12345);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, INT_MIN));
    CHECK_INT (zmq_ctx_get (context, ZMQ_THREAD_NAME_PREFIX), INT_MIN);
}

TEST (number_3_sets_the_priority_and_reads_the_limit)
{
    void *context = zmq_ctx_new ();
    CHECK_INT (ZMQ_THREAD_PRIORITY, ZMQ_SOCKET_LIMIT);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, 7));
    CHECK_ERR (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, -1), EINVAL);
    CHECK_INT (zmq_ctx_get (context, ZMQ_SOCKET_LIMIT), 65535);
}

TEST (the_message_size_is_not_set)
{
    void *context = zmq_ctx_new ();
    CHECK_ERR (zmq_ctx_set (context, ZMQ_MSG_T_SIZE, 64), EINVAL);
    CHECK_ERR (zmq_ctx_set (context, ZMQ_MSG_T_SIZE, 0), EINVAL);
    CHECK_INT (zmq_ctx_get (context, ZMQ_MSG_T_SIZE), 64);
}

TEST (only_added_processors_can_be_removed)
{
    void *context = zmq_ctx_new ();
    CHECK_ERR (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0), EINVAL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0));
    CHECK_ERR (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 0), EINVAL);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, 100000));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, 100000));
    CHECK_ERR (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_ADD, -1), EINVAL);
    CHECK_ERR (zmq_ctx_set (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE, -1),
               EINVAL);
    CHECK_ERR (zmq_ctx_get (context, ZMQ_THREAD_AFFINITY_CPU_ADD), EINVAL);
    CHECK_ERR (zmq_ctx_get (context, ZMQ_THREAD_AFFINITY_CPU_REMOVE), EINVAL);
}

TEST (unknown_options_are_refused)
{
    static const int unknown[] = {INT_MIN, -5, -1, 0,  11,  12,  41,
                                  43,      69, 71, 99, 255, 1000, INT_MAX};
    void *context = zmq_ctx_new ();
    for (size_t i = 0; i < COUNT (unknown); i++) {
        CHECK_ERR (zmq_ctx_set (context, unknown[i], 1), EINVAL);
        CHECK_ERR (zmq_ctx_get (context, unknown[i]), EINVAL);
    }
}

TEST (no_context_no_options)
{
    CHECK_ERR (zmq_ctx_set (NULL, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERR (zmq_ctx_get (NULL, ZMQ_IO_THREADS), EFAULT);
    CHECK_ERR (zmq_ctx_set (NULL, 999, 1), EFAULT);
    if (on_oracle ())
        return; /* it reads freed memory to find out */
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_term (context));
    CHECK_ERR (zmq_ctx_set (context, ZMQ_IO_THREADS, 1), EFAULT);
    CHECK_ERR (zmq_ctx_get (context, ZMQ_IO_THREADS), EFAULT);
}

TEST (options_still_answer_after_shutdown)
{
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_PUSH);
    CHECK_OK (zmq_ctx_shutdown (context));
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 1);
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 2));
    CHECK_ERR (zmq_ctx_set (context, 999, 1), EINVAL);
    CHECK_ERR (zmq_ctx_get (context, 999), EINVAL);
    CHECK_OK (zmq_close (socket));
    CHECK_OK (zmq_ctx_term (context));
}

TEST (options_are_still_set_after_the_first_socket)
{
    void *context = zmq_ctx_new ();
    REQUIRE (zmq_socket (context, ZMQ_PUSH));
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 5));
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 5);
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, 7));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_PRIORITY, 1));
    CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_SCHED_POLICY, 0));
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 1));
    CHECK_INT (zmq_ctx_get (context, ZMQ_MAX_SOCKETS), 1);
    CHECK (zmq_socket (context, ZMQ_PUSH) != NULL); /* too late to matter */
}

TEST (max_sockets_is_kept_to_the_socket)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_MAX_SOCKETS, 3));
    void *last = NULL;
    for (int i = 0; i < 3; i++) {
        last = zmq_socket (context, ZMQ_PAIR);
        CHECK (last != NULL);
    }
    errno = 0;
    CHECK (zmq_socket (context, ZMQ_PAIR) == NULL);
    CHECK_INT (errno, EMFILE);
    CHECK_OK (zmq_close (last));
    CHECK_BECOMES (zmq_socket (context, ZMQ_PAIR) != NULL);
}

TEST (init_takes_the_number_of_io_threads)
{
    errno = 0;
    CHECK (zmq_init (-1) == NULL);
    CHECK_INT (errno, EINVAL);
    void *context = zmq_init (7);
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 7);
    CHECK_OK (zmq_term (context));
    context = zmq_init (0);
    CHECK_INT (zmq_ctx_get (context, ZMQ_IO_THREADS), 0);
    CHECK_OK (zmq_ctx_destroy (context));
}

TEST (without_io_threads_only_inproc_works)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 0));
    void *a = zmq_socket (context, ZMQ_PAIR), *b = zmq_socket (context, ZMQ_PAIR);
    CHECK_OK (zmq_bind (a, "inproc://a"));
    CHECK_OK (zmq_connect (b, "inproc://a"));
    CHECK_INT (zmq_send (a, "hi", 2, 0), 2);
    char got[2];
    CHECK_INT (zmq_recv (b, got, 2, 0), 2);
    CHECK_ERR (zmq_bind (a, "tcp://127.0.0.1:*"), EMTHREAD);
    CHECK_ERR (zmq_connect (a, "tcp://127.0.0.1:9"), EMTHREAD);
}

/* How many threads of this process have the name, once `wanted` do or time
 * is up. */
static int threads_named (const char *name, int wanted)
{
    int found = 0;
    for (long long end = now_ms () + AMPLE_MS; now_ms () < end; sleep_ms (1)) {
        DIR *tasks = opendir ("/proc/self/task");
        found = 0;
        for (struct dirent *task; (task = readdir (tasks));) {
            char path[300], line[32] = "";
            snprintf (path, sizeof path, "/proc/self/task/%s/comm",
                      task->d_name);
            FILE *file = fopen (path, "r");
            if (!file)
                continue;
            if (fgets (line, sizeof line, file)) {
                line[strcspn (line, "\n")] = 0;
                found += strcmp (line, name) == 0;
            }
            fclose (file);
        }
        closedir (tasks);
        if (found == wanted)
            break;
    }
    return found;
}

TEST (io_threads_start_with_the_first_socket_and_bear_their_names)
{
    void *context = zmq_ctx_new ();
    CHECK_OK (zmq_ctx_set (context, ZMQ_IO_THREADS, 2));
    CHECK_INT (threads_named ("ZMQbg/IO/0", 0), 0);
    REQUIRE (zmq_socket (context, ZMQ_PAIR));
    CHECK_INT (threads_named ("ZMQbg/IO/0", 1), 1);
    CHECK_INT (threads_named ("ZMQbg/IO/1", 1), 1);
}

TEST (io_threads_bear_the_prefix)
{
    static const struct
    {
        int prefix;
        const char *name;
    } names[] = {{12, "12/ZMQbg/IO/0"},
                 {0, "0/ZMQbg/IO/0"},
                 {-3, "-3/ZMQbg/IO/0"}};
    for (size_t i = 0; i < COUNT (names); i++) {
        void *context = zmq_ctx_new ();
        CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, names[i].prefix));
        REQUIRE (zmq_socket (context, ZMQ_PAIR));
        CHECK_OK (zmq_ctx_set (context, ZMQ_THREAD_NAME_PREFIX, 99));
        same ("THREAD_NAME_PREFIX", "prefix", names[i].prefix,
              threads_named (names[i].name, 1), 1);
    }
}

MAIN
