/* Handshakes: clients connect, ask one question each, and leave when it is
 * answered; a few at a time, so that both ends have work. One REP is the
 * server.
 *
 * usage: handshakes TRANSPORT COUNT null|curve
 * prints: rate (handshakes/s), cpu_ns (per handshake, both ends) */
#include "bench.h"

/* Clients at a time. */
enum { COMPANY = 16 };

static const char *transport;
static bool curve;

static void serve (struct line line)
{
    void *context = open_context ();
    void *rep = open_socket (context, ZMQ_REP, 1000);
    set_int (rep, ZMQ_BACKLOG, 1000);
    char endpoint[ENDPOINT_SIZE], public_key[KEY_SIZE] = "";
    if (curve)
        serve_curve (rep, public_key);
    bind_somewhere (rep, transport, endpoint);
    say_endpoint (line, endpoint);
    say (line, public_key, sizeof public_key);
    for (bool last = false; !last;) {
        char question;
        CHECK (zmq_recv (rep, &question, 1, 0) == 1);
        CHECK (zmq_send (rep, &question, 1, 0) == 1);
        last = question == 'e';
    }
    close_all (context, rep);
}

static void *ask (void *context, const char *endpoint, const char *server_key,
                  char question)
{
    void *req = open_socket (context, ZMQ_REQ, 1000);
    if (curve)
        join_curve (req, server_key);
    CHECK (zmq_connect (req, endpoint) == 0);
    CHECK (zmq_send (req, &question, 1, 0) == 1);
    return req;
}

static void hear_answer (void *req)
{
    char answer;
    CHECK (zmq_recv (req, &answer, 1, 0) == 1);
    CHECK (zmq_close (req) == 0);
}

int main (int argc, char **argv)
{
    transport = text_arg (argc, argv, 1);
    long count = number_arg (argc, argv, 2, 1);
    curve = same (text_arg (argc, argv, 3), "curve");
    long rounds = count / COMPANY + 1, warm_up = rounds / 20 + 1;
    alarm (WATCHDOG_SECONDS);

    double cpu_before = cpu_s ();
    struct peer server;
    start_process (&server, serve);
    char endpoint[ENDPOINT_SIZE], server_key[KEY_SIZE];
    hear_endpoint (server.line, endpoint);
    hear (server.line, server_key, sizeof server_key);
    void *context = open_context ();

    double start = 0;
    for (long round = -warm_up; round < rounds; round++) {
        if (round == 0)
            start = now_s ();
        void *clients[COMPANY];
        for (int i = 0; i < COMPANY; i++)
            clients[i] = ask (context, endpoint, server_key, 'q');
        for (int i = 0; i < COMPANY; i++)
            hear_answer (clients[i]);
    }
    double elapsed = now_s () - start;

    hear_answer (ask (context, endpoint, server_key, 'e'));
    CHECK (zmq_ctx_term (context) == 0);
    join_peer (&server);
    double all = (double) (rounds + warm_up) * COMPANY;
    result ("rate", (double) rounds * COMPANY / elapsed);
    result ("cpu_ns", (cpu_s () - cpu_before) / all * 1e9);
    return EXIT_SUCCESS;
}
