/* diff.h - what the parts of diff-run share.
 *
 * generate.c turns a seed into a list of operations, which depends on nothing
 * else (belief.h, meeting.c, talking.c, gathering.c); execute.c carries them out on whichever
 * libzmq the process was given and prints a line for each (execute.h and its
 * parts); tables.c holds the options, endpoints and other material that both
 * draw from.
 */
#ifndef FERROZMQ_DIFF_H
#define FERROZMQ_DIFF_H

#include <stddef.h>
#include <stdint.h>

enum { SLOTS = 6, CONTEXTS = 2, MESSAGES = 4, MAX_OPS = 80 };

/* s, x, y, z: see the head of each case in execute.c. */
enum opcode {
    OP_CTX_NEW,
    OP_CTX_SET,
    OP_CTX_GET,
    OP_CTX_SHUTDOWN,
    OP_SOCKET,
    OP_DRAIN,
    OP_CLOSE,
    OP_SET,
    OP_SET_INT,
    OP_SUBSCRIBE,
    OP_SECURE,
    OP_GET,
    OP_BIND,
    OP_CONNECT,
    OP_UNBIND,
    OP_DISCONNECT,
    OP_SEND,
    OP_SEND_WHOLE,
    OP_SEND_TO,
    OP_RECV,
    OP_RECV_WHOLE,
    OP_OLD,
    OP_MONITOR,
    OP_BIND_FD,
    OP_POLL,
    OP_AWAIT,
    OP_MSG,
    OP_PROXY,
    OP_STEER,
    OP_PURE,
    OP_TIMER,
    OP_Z85,
    OP_WAIT,
    OP_FOUND,
    OP_JOIN,
    OP_PART,
    OP_TELL,
    OP_REPLY,
    OP_FILL,
    OP_TOPICS,
    OP_READ,
    OP_WATCH,
    OP_PLAY
};

struct op
{
    enum opcode code;
    int s;
    int x, y, z;
};

/* What a sequence is about: LAB tries options, strings and messages with few
 * connections, INPROC and NETWORK pass messages, CROWD has dozens of peers, many topics,
 * and threads. */
enum kind { LAB, INPROC, NETWORK, CROWD };

struct sequence
{
    enum kind kind;
    int count;
    struct op ops[MAX_OPS];
};

struct random
{
    uint64_t state;
};

uint64_t random_next (struct random *r);
/* 0 … bound - 1 */
int below (struct random *r, int bound);
/* true in `percent` of the cases */
int chance (struct random *r, int percent);

void generate (uint64_t seed, struct sequence *sequence);
/* keep: one flag for each operation; scale: how much longer than usual to wait
 * for what happens in the background. */
void execute (const struct sequence *sequence, const char *keep, int scale);

/* Options */

enum value_kind { INT, INT64, BYTES, TEXT };

struct option
{
    const char *name;
    int number;
    enum value_kind kind;
};

extern const struct option socket_options[], context_options[];
extern const int socket_option_count, context_option_count;

/* Options with values that change what becomes of messages, yet leave the
 * outcome determined: for INPROC and NETWORK, before bind and connect. */
struct setting
{
    int option;
    int value;
    uint32_t types; /* a bit for each type that may have it */
};
extern const struct setting settings[];
extern const int setting_count;

extern const int int_values[], int_value_count;

/* In place of the size of ZMQ_SOCKS_PROXY: a number and port where no proxy is, or a text
 * that is none. */
enum { NUMERIC_PROXY = -1 };

/* Options that are drafts: the header has no name for them. */
enum { ZMQ_METADATA = 95, ZMQ_XPUB_MANUAL_LAST_VALUE = 98,
       ZMQ_ONLY_FIRST_SUBSCRIBE = 108, ZMQ_RECONNECT_STOP = 109 };

/* Endpoints: the first are places that can be bound and connected; those from
 * BAD_ENDPOINTS on are strings to be refused, mostly. */
enum { INPROC_ENDPOINTS = 0, IPC_ENDPOINTS = 3, TCP_ENDPOINTS = 6,
       WILD_TCP = 9, WILD_IPC = 10, BAD_ENDPOINTS = 11 };
extern const char *const endpoints[];
extern const int endpoint_count;

extern const char *const type_names[];
extern const char *const topics[];
enum { TYPES = 12, TOPICS = 5, PURE_CALLS = 4, MSG_CALLS = 18,
       TIMER_CALLS = 8, OLD_CALLS = 5, STEER_CALLS = 5, CROWD_CASTS = 10 };
extern const char *const capabilities[];
extern const int capability_count;

/* Drafts, of which the oracle has some. */
int type_missing (int type);
/* Whether it says who may connect, and how. */
int option_secures (int option);

const char *errno_name (int number);

#endif
