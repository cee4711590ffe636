/* gathering.c - sequences with dozens of peers: who comes and goes, what they say, and
 * plays between threads.
 */
#include "belief.h"
#include <zmq.h>

static void emit_counted (struct belief *b, enum opcode code, int most)
{
    emit (b, code, 0, 1 + below (&b->random, most), 0, seed_of_body (b));
}

static void go_on (struct belief *b)
{
    struct random *r = &b->random;
    int dice = below (r, 100);
    if (dice < 22)
        emit_counted (b, OP_TELL, 12);
    else if (dice < 44)
        emit_counted (b, OP_REPLY, 12);
    else if (dice < 58)
        emit_counted (b, OP_TOPICS, chance (r, 50) ? 6 : 150);
    else if (dice < 74)
        emit (b, OP_READ, 0, chance (r, 60), 0, 0);
    else if (dice < 86)
        emit (b, OP_WATCH, 0, 0, 0, seed_of_body (b));
    else if (dice < 90)
        emit (b, OP_FILL, 0, 0, 0, seed_of_body (b));
    else if (dice < 95)
        emit_counted (b, OP_PART, 5);
    else
        emit_counted (b, OP_JOIN, 8);
}

void gathering (struct belief *b)
{
    struct random *r = &b->random;
    if (chance (r, 40)) {
        int plays = 1 + below (r, 3);
        while (plays--)
            emit (b, OP_PLAY, 0, 0, 0, seed_of_body (b));
        return;
    }
    emit (b, OP_FOUND, 0, below (r, CROWD_CASTS), 0, seed_of_body (b));
    emit_counted (b, OP_JOIN, chance (r, 30) ? 2 : 30);
    int length = 5 + below (r, 25);
    while (length--)
        go_on (b);
}
