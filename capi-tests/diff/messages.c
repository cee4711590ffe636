/* messages.c - the life of messages: zmq_msg_* in any order. */
#include "execute.h"
#include "diff.h"
#include "text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

static zmq_msg_t messages[MESSAGES];
static int message_alive[MESSAGES];
static int freed;
/* A message was sent: when its body is freed is up to an I/O thread. */
static int sent_one;

void print_freed (void)
{
    printf ("freed %d", __atomic_load_n (&freed, __ATOMIC_SEQ_CST));
}

static void count_free (void *data, void *hint)
{
    (void) data;
    (void) hint;
    __atomic_add_fetch (&freed, 1, __ATOMIC_SEQ_CST);
}

static const char *const msg_call_names[MSG_CALLS] = {
  "init", "init_size", "init_data", "init_data free", "close", "move", "copy",
  "size", "data", "more", "get", "set", "gets", "send", "send more", "recv",
  "write", "init_size huge"};

void message_call (int s, int call, int m, int z)
{
    static char constant[64] = "constant data of a message, as long as one line of text is";
    int other = z >> 24, argument = z & 0xFFFFFF;
    zmq_msg_t *msg = &messages[m];
    int property = (argument >> 4) % 6 - 1;
    printf (" m%d %s", m, msg_call_names[call]);
    fflush (stdout); /* where the oracle may die */
    if (call <= 3 || call == 17) {
        if (message_alive[m])
            zmq_msg_close (msg);
        message_alive[m] = 1;
    }
    switch (call) {
        case 0:
            result (zmq_msg_init (msg));
            return;
        case 1: {
            size_t size = (size_t) (argument & 0x1FF);
            if (size == 4 || size == 5)
                size = 6;
            printf (" %zu", size);
            result (zmq_msg_init_size (msg, size));
            memset (zmq_msg_data (msg), 'a' + argument % 2, size);
            return;
        }
        case 2:
            result (zmq_msg_init_data (msg, constant,
                                       (size_t) (argument % 50 + 6), NULL, NULL));
            return;
        case 3:
            result (zmq_msg_init_data (msg, constant,
                                       (size_t) (argument % 50 + 6), count_free, NULL));
            return;
        case 4:
            result (zmq_msg_close (msg));
            message_alive[m] = 0;
            break;
        case 5:
        case 6: {
            printf (" from m%d", other);
            fflush (stdout);
            if (other == m) { /* onto itself: COMPAT.md */
                printf (" not tried");
                return;
            }
            int rc = call == 5 ? zmq_msg_move (msg, &messages[other])
                               : zmq_msg_copy (msg, &messages[other]);
            result (rc);
            break;
        }
        case 13:
        case 14: {
            if (sockets[s] && type_of (s) == ZMQ_XSUB)
                call = 13;
            if (!sockets[s] || !message_alive[m]) { /* the oracle aborts */
                printf (" none");
                return;
            }
            printf (" to s%d", s);
            if (unfinished[s])
                printf (" amid");
            int rc = zmq_msg_send (msg, sockets[s],
                                   ZMQ_DONTWAIT | (call == 14 ? ZMQ_SNDMORE : 0));
            result (rc);
            if (rc >= 0) {
                unfinished[s] = call == 14;
                sent_one = 1;
            }
            break;
        }
        case 15: {
            if (!sockets[s]) {
                printf (" none");
                return;
            }
            printf (" from s%d", s);
            int rc = zmq_msg_recv (msg, sockets[s], ZMQ_DONTWAIT);
            result (rc);
            if (rc >= 0) {
                printf (" ");
                print_bytes (zmq_msg_data (msg), zmq_msg_size (msg));
            }
            break;
        }
        case 17: {
            int rc = zmq_msg_init_size (msg, (size_t) -1 - (size_t) (argument % 200));
            result (rc);
            if (rc < 0)
                zmq_msg_init (msg); /* COMPAT.md: it counts as closed */
            return;
        }
        default:
            if (!message_alive[m]) { /* COMPAT.md: a message that was closed */
                printf (" not tried");
                return;
            }
            switch (call) {
                case 7:
                    printf (" = %zu", zmq_msg_size (msg));
                    return;
                case 8:
                    printf (" = ");
                    print_bytes (zmq_msg_data (msg), zmq_msg_size (msg));
                    return;
                case 9:
                    result (zmq_msg_more (msg));
                    return;
                case 10:
                    printf (" %d", property);
                    if (property == ZMQ_SRCFD)
                        printf (" = %d", zmq_msg_get (msg, property) >= 0);
                    else if (property == ZMQ_SHARED && zmq_msg_size (msg) >= 34
                             && zmq_msg_size (msg) <= 40)
                        printf (" not tried"); /* COMPAT.md: inline here */
                    else
                        result (zmq_msg_get (msg, property));
                    return;
                case 11:
                    printf (" %d", property);
                    result (zmq_msg_set (msg, property, argument % 3));
                    return;
                case 12: {
                    const char *value = zmq_msg_gets (msg, "Socket-Type");
                    printf (" = %s", value ? value : errno_name (errno));
                    return;
                }
                default:
                    return;
            }
    }
    if (!sent_one) {
        printf (" ");
        print_freed ();
    }
}

void close_messages (void)
{
    for (int m = 0; m < MESSAGES; m++)
        if (message_alive[m])
            zmq_msg_close (&messages[m]);
}
