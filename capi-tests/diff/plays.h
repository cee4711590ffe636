/* plays.h - a hub, spokes on threads of their own, and what is between them. */
#ifndef FERROZMQ_DIFF_PLAYS_H
#define FERROZMQ_DIFF_PLAYS_H

#include "execute.h"
#include "ways.h"

enum { MOST_SPOKES = 24, MOST_FRAMES = 4, LARGEST = 3000 };

/* Spokes to the hub; the hub to spokes; there and back again. */
enum scene { FUNNEL, FAN, ECHO };

struct cast
{
    enum scene scene;
    int hub, spoke;
    int most; /* spokes */
};

struct play;

struct spoke
{
    struct play *play;
    void *socket;
    char letter;
    int total;   /* messages to it or from it */
    int next;    /* the next one that is to be received */
    int wrong;   /* one more than the number of the first one that was not as sent; or 0 */
    int failed;  /* an errno */
};

struct play
{
    const struct cast *cast;
    uint32_t seed;
    enum way hub_way, spoke_way;
    int spoke_count, frames, largest, window, readers, topics;
    int hub_mark, spoke_mark, io_threads;
    int hub_pause, spoke_pause; /* after so many messages; 0: none */
    int visits; /* by others, meanwhile */
    char endpoints[3][512];
    int endpoint_count;
    void *context, *hub;
    struct spoke spokes[MOST_SPOKES];
};

/* staging.c */
void set_int (void *socket, int option, int value);
/* Draws all that the play does not know yet, makes its sockets, and waits until all who
 * send know to whom they can. */
void set_up (struct play *play, struct random *r);

#endif
