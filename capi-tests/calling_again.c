/* Which ends of a connection make a socket call its peer again, and which are
 * the last it hears of it: a peer that went away may come back, one that speaks
 * wrongly will do so again. */
#include "sockets.h"
#include "raw.h"

/* What the raw peer, a PULL, says before it errs. */
enum before
{
    NOTHING,
    GREETING,
    HANDSHAKE
};

struct end
{
    enum before before;
    const char *bytes;
    size_t size;
};
#define END(BEFORE, BYTES) {BEFORE, BYTES, sizeof BYTES - 1}
#define SIGNATURE "\xff\0\0\0\0\0\0\0\1\x7f"
#define ZEROS_44                                                               \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"                             \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* A PUSH calls; the peer answers so far, and its connection is returned. */
static void *push;
static int listener;

static int answer (const struct end *end)
{
    endpoint_t endpoint;
    unsigned char greeting[64], theirs[64];
    int on = 1;
    int64_t largest = 1000;
    listener = raw_listen (endpoint);
    push = open_socket (ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 10));
    CHECK_OK (set_int (push, ZMQ_HANDSHAKE_IVL, 200));
    CHECK_OK (zmq_setsockopt (push, ZMQ_MAXMSGSIZE, &largest, sizeof largest));
    CHECK_OK (zmq_connect (push, endpoint));
    int fd = accept (listener, NULL, NULL);
    MUST (fd >= 0);
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    make_greeting (greeting);
    if (end->before == GREETING)
        MUST (raw_write (fd, greeting, 64) && raw_read (fd, theirs, 64));
    if (end->before == HANDSHAKE)
        MUST (raw_handshake (fd, "PULL"));
    MUST (raw_write (fd, end->bytes, end->size));
    return fd;
}

static bool is_called (int timeout_ms)
{
    struct pollfd item = {listener, POLLIN, 0};
    return poll (&item, 1, timeout_ms) == 1;
}

static void leave (void)
{
    close_socket (push);
    close (listener);
}

static const struct end good[] = {
    END (NOTHING, ""),
    END (NOTHING, SIGNATURE),
    END (GREETING, ""),
    END (GREETING, "\4\x1a\5READY"),
    END (HANDSHAKE, ""),
    END (HANDSHAKE, "\4\x1a\4PI"),
};

STORY (who_hangs_up_is_called_again)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (int reset = 0; reset < 2; reset++) {
            int fd = answer (&good[i]);
            struct linger now = {1, 0};
            if (reset)
                setsockopt (fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
            close (fd);
            CHECK (is_called (AMPLE_MS));
            leave ();
        }
}

STORY (who_keeps_silent_is_called_again)
{
    for (size_t i = 0; good[i].before != HANDSHAKE; i++) {
        int fd = answer (&good[i]);
        CHECK (raw_is_closed (fd));
        CHECK (is_called (AMPLE_MS));
        close (fd);
        leave ();
    }
}

STORY (who_speaks_wrongly_is_not_called_again)
{
    static const struct end bad[] = {
        END (NOTHING, SIGNATURE "\3\0PLAIN\0\0\0" ZEROS_44),
        END (NOTHING, SIGNATURE "\3\0NULLX\0\0\0" ZEROS_44),
        END (GREETING, "\4\3\5RE"),
        END (GREETING, "\4\7\5READY\xff"),
        END (GREETING, "\4\x1a\5READY\13Socket-Type\0\0\0\4PUSH"),
        END (GREETING, "\4\x1a\5READY\13Socket-Type\0\0\0\4PULK"),
        END (GREETING, "\4\5\4NOPE"),
        END (GREETING, "\4\0"),
        END (GREETING, "\0\1x"),
        END (GREETING, "\0\0"),
        END (HANDSHAKE, "\2\x80\0\0\0\0\0\0\0"),
        END (HANDSHAKE, "\2\0\0\0\0\0\x10\0\0"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int fd = answer (&bad[i]);
        CHECK (raw_is_closed (fd));
        CHECK (!is_called (100));
        close (fd);
        leave ();
    }
}

/* Nor is what says nothing to a PUSH a reason to part. */
STORY (what_means_nothing_ends_nothing)
{
    static const struct end odd[] = {
        END (HANDSHAKE, "\4\5\4NOPE"), END (HANDSHAKE, "\4\6\5READY"),
        END (HANDSHAKE, "\4\7\5ERROR\0"), END (HANDSHAKE, "\0\1x"),
        END (HANDSHAKE, "\1\1x\0\1y"),
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        int fd = answer (&odd[i]);
        char got[3];
        SEND (push, "x");
        CHECK (raw_read (fd, got, 3) && memcmp (got, "\0\1x", 3) == 0);
        CHECK (!is_called (20));
        close (fd);
        leave ();
    }
}

MAIN
