/* execute.h - what the parts that carry out operations share. Each prints its
 * part of the operation's line. */
#ifndef FERROZMQ_DIFF_EXECUTE_H
#define FERROZMQ_DIFF_EXECUTE_H

#include "diff.h"

/* No call waits longer. */
enum { LONGEST_WAIT_MS = 30 };
/* A connect that found nobody has tried again by then. */
enum { RECONNECTED_MS = 25 };

extern void *sockets[SLOTS];
/* The last frame sent said that more would come. */
extern int unfinished[SLOTS];
/* There is a REQ, which the oracle disconnects for a reply without delimiter. */
extern int asking;
/* Something was bound or connected that is not inproc. */
extern int network_used;
/* Routing ids. */
extern const char *const names[];

/* resting.c */
/* How much longer than usual everything may take. */
extern int wait_scale;
/* Waits until nothing happens any more: where that may be the work of other
 * threads, and in any case. */
void rest (void);
void settle (void);
/* For what happens by the clock: reconnects. */
void rest_for (int ms);
long long clock_ms (void);

/* execute.c */
int type_of (int s);
/* A socket's time-out where a call may wait that long, or -1. */
int time_out (void *socket, int option);
/* The flags, with ZMQ_DONTWAIT where the call would wait too long. */
int bounded_flags (void *socket, int option, int flags);
/* Prints what a call returned, and errno with an error. */
void result (int rc);

/* endpoints.c */
void connection_call (const struct op *op);
/* What is left to send must not keep the context from ending. */
void shorten_linger (int s);

/* waiting.c */
void poll_sockets (int mask, int events, int z);
/* Sends from one socket while this thread waits for those of the mask. */
void await (int s, int mask, int descriptors, uint32_t seed);

/* proxies.c */
int proxies_begun (void);
/* Takes the sockets; one that can be steered with a context for that. */
void start_proxy (int front, int back, int capture, void *context_to_steer);
void steer_proxy (int which, int command);
/* After the contexts were shut down. */
void end_proxies (void);

/* transfer.c */
extern unsigned char body[100000];
/* Makes a body; returns its size, which may differ from what was asked. */
size_t fill_body (int size, uint32_t seed);
int send_frame (int s, const void *bytes, size_t size, int flags);
void send_frames (int s, int frames, int dontwait, uint32_t seed);
void send_to (int s, int which, int frames, uint32_t seed);
/* Receives the frames of one message; whether there was one. */
int recv_whole (int s, int dontwait, int properties);
void recv_into (int s, int size, int flags);
/* Reads what is there, a line for each message. */
void drain (int s);
void forget_peers (int s);

/* options.c */
void set_option (int s, const struct option *option, int size, uint32_t seed);
void get_option (int s, const struct option *option, int size);
void secure (int s, int server);

/* extras.c */
void timer_call (int call, int which, int z);
void z85_call (int decoding, int size, uint32_t seed);
void old_call (int s, int call, int count, uint32_t seed);
void bind_descriptor (int s, const char *text);

/* monitors.c */
/* Begins to monitor a socket, or with -1 stops it. */
void monitor (int s, void *context, int events);
/* A line for each event that has come. */
void read_monitors (void);
void end_monitors (void);

/* plays.c */
void play (uint32_t seed);

/* messages.c */
void message_call (int s, int call, int m, int z);
void close_messages (void);
/* How often the free function of a message ran. */
void print_freed (void);

#endif
