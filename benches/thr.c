/* Throughput: one PUSH sends as fast as one PULL takes. Every message carries
 * its number, so that a lost or doubled one ends the run.
 *
 * usage: thr TRANSPORT SIZE COUNT msg|send [curve]
 * prints: rate (messages/s), mb_per_s, cpu_ns (per message, both ends) */
#include "bench.h"

static const char *transport;
static size_t size;
static uint64_t count, warm_up;
static bool use_msg, curve;
static void *shared_context; /* inproc lives in one context */

static void send_all (struct line line)
{
    char endpoint[ENDPOINT_SIZE];
    hear_endpoint (line, endpoint);
    void *context = shared_context ? shared_context : open_context ();
    void *push = open_socket (context, ZMQ_PUSH, hwm_for (size));
    if (curve) {
        char server_key[KEY_SIZE];
        hear (line, server_key, sizeof server_key);
        join_curve (push, server_key);
    }
    CHECK (zmq_connect (push, endpoint) == 0);

    char *buffer = calloc (1, size);
    CHECK (buffer != NULL);
    for (uint64_t number = 0; number < warm_up + count; number++) {
        if (use_msg) {
            zmq_msg_t message;
            CHECK (zmq_msg_init_size (&message, size) == 0);
            memcpy (zmq_msg_data (&message), &number, sizeof number);
            CHECK (zmq_msg_send (&message, push, 0) == (int) size);
        } else {
            memcpy (buffer, &number, sizeof number);
            CHECK (zmq_send (push, buffer, size, 0) == (int) size);
        }
    }
    free (buffer);
    await_all_received (line);
    CHECK (zmq_close (push) == 0);
    if (!shared_context)
        CHECK (zmq_ctx_term (context) == 0);
}

static void receive (void *pull, uint64_t from, uint64_t to, char *buffer)
{
    zmq_msg_t message;
    CHECK (zmq_msg_init (&message) == 0);
    for (uint64_t expected = from; expected < to; expected++) {
        uint64_t number;
        if (use_msg) {
            CHECK (zmq_msg_recv (&message, pull, 0) == (int) size);
            memcpy (&number, zmq_msg_data (&message), sizeof number);
        } else {
            CHECK (zmq_recv (pull, buffer, size, 0) == (int) size);
            memcpy (&number, buffer, sizeof number);
        }
        CHECK (number == expected);
    }
    CHECK (zmq_msg_close (&message) == 0);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    size = (size_t) number_arg (argc, argv, 2, sizeof (uint64_t));
    count = (uint64_t) number_arg (argc, argv, 3, 1);
    use_msg = same (text_arg (argc, argv, 4), "msg");
    curve = argc > 5 && same (argv[5], "curve");
    warm_up = count / 20 + 1;
    alarm (WATCHDOG_SECONDS);

    double cpu_before = cpu_s ();
    bool inproc = same (transport, "inproc");
    struct peer sender;
    void *context;
    if (inproc) {
        context = shared_context = open_context ();
        start_thread (&sender, send_all);
    } else {
        start_process (&sender, send_all);
        context = open_context ();
    }
    void *pull = open_socket (context, ZMQ_PULL, hwm_for (size));
    char endpoint[ENDPOINT_SIZE], public_key[KEY_SIZE];
    if (curve)
        serve_curve (pull, public_key);
    bind_somewhere (pull, transport, endpoint);
    say_endpoint (sender.line, endpoint);
    if (curve)
        say (sender.line, public_key, sizeof public_key);

    char *buffer = malloc (size);
    CHECK (buffer != NULL);
    receive (pull, 0, warm_up, buffer);
    double start = now_s ();
    receive (pull, warm_up, warm_up + count, buffer);
    double elapsed = now_s () - start;
    free (buffer);

    say_all_received (sender.line);
    join_peer (&sender);
    close_all (context, pull);
    result ("rate", (double) count / elapsed);
    result ("mb_per_s", (double) count * (double) size / elapsed / 1e6);
    result ("cpu_ns", (cpu_s () - cpu_before) / (double) (count + warm_up) * 1e9);
    return EXIT_SUCCESS;
}
