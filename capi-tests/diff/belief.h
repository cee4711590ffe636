/* belief.h - what the parts of the generator share: a rough idea of which slots hold
 * what, so that most operations mean something.
 */
#ifndef FERROZMQ_DIFF_BELIEF_H
#define FERROZMQ_DIFF_BELIEF_H

#include "diff.h"

/* A ROUTER with ZMQ_ROUTER_RAW, as far as the generator is concerned. */
enum { RAW = TYPES };

/* What the generator believes. */
struct belief
{
    struct random random;
    struct sequence *out;
    int type[SLOTS];  /* -1: none */
    int place[SLOTS]; /* an endpoint it was bound or connected to, or -1 */
    int host[BAD_ENDPOINTS]; /* the type of who was bound there, or -1 */
    int names; /* how many routing ids were given away: no two peers share one */
    int host_slot[BAD_ENDPOINTS];
    int paired[SLOTS]; /* a PAIR that has a peer */
    /* Who has bound and connected odd endpoints, some of which are one place: a bit
     * for each slot. */
    int odd_hosts, odd_guests;
    int proxies;
    /* Nobody leaves while messages wait to be read. */
    int orderly;
    /* Options of security are tried: nobody connects, since the end of a handshake that
     * fails is told at different times. */
    int secures;
    /* All who connect over the network use CURVE, and as what. */
    int curve;
    enum { UNDECIDED, SERVER, CLIENT } role[SLOTS];
    /* Someone is turned away again and again, or someone looks how often. */
    enum { NEITHER, REFUSES, WATCHES } manners;
};

/* generate.c */
struct op *emit (struct belief *b, enum opcode code, int s, int x, int y, int z);
int seed_of_body (struct belief *b);
int any_type (struct belief *b);
/* A slot with a socket in it, mostly. */
int socket_slot (struct belief *b);
void new_socket (struct belief *b, int s, int type);
/* Closes a socket, or with an endpoint ends that. */
void leave (struct belief *b, enum opcode code, int s, int place, int last);

/* meeting.c */
/* Whether this type's connections carry bytes as they are. */
int is_raw (int type);
/* Binds one, connects others: in most cases partners. */
void meet (struct belief *b);
void change_connections (struct belief *b);
/* A setting that suits the socket. */
void settle_on (struct belief *b, int s);

/* talking.c */
void talk (struct belief *b);
/* What a socket may be asked. */
void look (struct belief *b);
/* Subscriptions. */
void interest (struct belief *b);
void handle_messages (struct belief *b);

/* gathering.c */
/* A sequence of the kind CROWD. */
void gathering (struct belief *b);

#endif
