/* crowds.h - a host and dozens of others that connect to it. */
#ifndef FERROZMQ_DIFF_CROWDS_H
#define FERROZMQ_DIFF_CROWDS_H

#include "execute.h"

enum { MOST_MEMBERS = 40, LONGEST_NAME = 8 };

struct member
{
    void *socket;        /* NULL: none, or it has left */
    char endpoint[512];  /* where it is connected, or "" */
    unsigned char id[8]; /* by which a ROUTER knows it */
    size_t id_size;      /* 0: it does not yet */
};

struct crowd
{
    void *host;
    int host_type, cast;
    int network; /* not all is inproc */
    int marks;   /* water marks are set, and may be met */
    int was_read;
    char endpoints[2][512];
    int endpoint_count;
    struct member members[MOST_MEMBERS];
    int count;
};
extern struct crowd crowd;

/* crowds.c: who is there. Each makes the socket that it needs. */
void found (void *context, int which, uint32_t seed);
void join (void *context, int count, uint32_t seed);
void part (int count, uint32_t seed);
/* Calls everybody. */
void touch_crowd (void);
void end_crowd (void);

/* crowd_talk.c: what they say. */
void tell (int count, uint32_t seed);
void reply (int count, uint32_t seed);
void fill (uint32_t seed);
void take_interest (int count, uint32_t seed);
/* A line for each message. */
void read_host (void);
void read_members (void);
/* Until nothing waits to be read anywhere. */
void read_everything (void);
void watch (uint32_t seed);

#endif
