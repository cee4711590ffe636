/* Host names whose look-up takes its time, fails for a while, or finds several
 * addresses. The name service is this program's: the library's calls of
 * getaddrinfo come here. */
#include "fixtures.h"
#include <dlfcn.h>
#include <netdb.h>

/* Names of what the tests know; others go to the system. */
static struct
{
    const char *name;
    const char *addresses[6];
} hosts[] = {
    {"slow.test", {"127.0.0.1"}},
    {"late.test", {"127.0.0.1"}},
    {"many.test", {"127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.1"}},
    /* 203.0.113.0/24 is nobody's (RFC 5737). */
    {"abroad.test", {"203.0.113.1", "203.0.113.2", "127.0.0.1"}},
    {"nowhere.test", {"203.0.113.1"}},
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static bool is_released;
static int asked_slow, asked_late, late_failures;

static void release (void)
{
    pthread_mutex_lock (&lock);
    is_released = true;
    pthread_cond_broadcast (&released);
    pthread_mutex_unlock (&lock);
}

static int asked (int *counter)
{
    pthread_mutex_lock (&lock);
    int count = *counter;
    pthread_mutex_unlock (&lock);
    return count;
}

typedef int look_up (const char *, const char *, const struct addrinfo *,
                     struct addrinfo **);

/* In place of the C library's. What it gives is freed by the C library. */
int getaddrinfo (const char *host, const char *service,
                 const struct addrinfo *hints, struct addrinfo **list)
{
    static look_up *system;
    if (!system)
        *(void **) &system = dlsym (RTLD_NEXT, "getaddrinfo");
    if (!host || !strstr (host, ".test") || (hints->ai_flags & AI_NUMERICHOST))
        return system (host, service, hints, list);
    pthread_mutex_lock (&lock);
    if (strcmp (host, "slow.test") == 0) {
        asked_slow++;
        while (!is_released)
            pthread_cond_wait (&released, &lock);
    }
    bool fails = strcmp (host, "late.test") == 0 && asked_late++ < late_failures;
    pthread_mutex_unlock (&lock);
    if (fails)
        return EAI_AGAIN;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        if (strcmp (host, hosts[i].name) != 0)
            continue;
        struct addrinfo **next = list;
        for (int k = 0; hosts[i].addresses[k]; k++) {
            int rc = system (hosts[i].addresses[k], service, hints, next);
            if (rc != 0)
                return rc;
            while (*next)
                next = &(*next)->ai_next;
        }
        return 0;
    }
    return EAI_NONAME;
}

static void *pull, *push;
static endpoint_t endpoint;

/* The port of the endpoint at another host. */
static const char *at (const char *host)
{
    static endpoint_t there;
    snprintf (there, sizeof there, "tcp://%s%s", host, strrchr (endpoint, ':'));
    return there;
}

static void prepare (void)
{
    begin ();
    pull = new_socket (ctx, ZMQ_PULL);
    push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (set_int (push, ZMQ_RECONNECT_IVL, 10));
    bind_to (pull, "tcp", endpoint);
}

/* The receiver goes, and the sender knows. */
static void lose_receiver (void)
{
    CHECK_OK (zmq_close (pull));
    CHECK_BECOMES (get_int (push, ZMQ_EVENTS) == 0);
    pull = new_socket (ctx, ZMQ_PULL);
}

TEST (a_name_is_looked_up)
{
    prepare ();
    CHECK_OK (zmq_connect (push, at ("late.test")));
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_INT (asked (&asked_late), 1);
    end (pull, push);
}

/* The call does not wait, nor do connections that need no look-up. */
TEST (a_slow_lookup_holds_up_nobody)
{
    prepare ();
    void *other = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_connect (push, at ("slow.test")));
    CHECK_SEND (push, "slow", 0);
    CHECK_BECOMES (asked (&asked_slow) == 1);
    CHECK_OK (zmq_connect (other, endpoint));
    CHECK_SEND (other, "quick", 0);
    if (!on_oracle ()) { /* its thread waits */
        CHECK_RECV (pull, "quick");
        release ();
        CHECK_RECV (pull, "slow");
    } else
        release ();
    CHECK_OK (zmq_close (other));
    end (pull, push);
}

/* One that is given up does not keep the context, or a socket, alive. */
TEST (a_lookup_under_way_does_not_delay_the_end)
{
    if (on_oracle ())
        return; /* waits until it is over */
    for (int i = 0; i < 2; i++) {
        prepare ();
        asked_slow = 0;
        CHECK_OK (zmq_connect (push, at ("slow.test")));
        CHECK_BECOMES (asked (&asked_slow) == 1);
        if (i)
            CHECK_OK (zmq_disconnect (push, at ("slow.test")));
        end (pull, push);
    }
    release ();
}

TEST (a_lookup_that_comes_too_late_is_for_nobody)
{
    if (on_oracle ())
        return; /* zmq_disconnect waits for its thread, and the end too */
    prepare ();
    CHECK_OK (zmq_connect (push, at ("slow.test")));
    CHECK_SEND (push, "x", 0);
    CHECK_BECOMES (asked (&asked_slow) == 1);
    CHECK_OK (zmq_disconnect (push, at ("slow.test")));
    release ();
    CHECK_OK (set_int (pull, ZMQ_RCVTIMEO, 100));
    CHECK_ERR (zmq_recv (pull, NULL, 0, 0), EAGAIN);
    end (pull, push);
}

TEST (what_is_not_found_is_looked_up_again)
{
    prepare ();
    late_failures = 5;
    CHECK_OK (zmq_connect (push, at ("late.test")));
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_INT (asked (&asked_late), 6);
    end (pull, push);
}

TEST (each_connection_is_looked_up_anew)
{
    prepare ();
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (zmq_connect (push, at ("late.test")));
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    lose_receiver ();
    CHECK_BECOMES (zmq_bind (pull, endpoint) == 0);
    CHECK_SEND (push, "y", 0);
    CHECK_RECV (pull, "y");
    CHECK (asked (&asked_late) >= 2);
    end (pull, push);
}

/* Nobody listens at the first, there is no way to the first two. */
TEST (all_addresses_are_tried)
{
    static const char *const names[] = {"many.test", "abroad.test"};
    if (on_oracle ())
        return; /* tries the first for ever */
    for (int i = 0; i < 2; i++) {
        prepare ();
        CHECK_OK (set_int (push, ZMQ_CONNECT_TIMEOUT, 100));
        CHECK_OK (zmq_connect (push, at (names[i])));
        CHECK_SEND (push, "x", 0);
        CHECK_RECV (pull, "x");
        end (pull, push);
    }
}

/* A server that moves is found wherever it is. */
TEST (addresses_are_tried_in_turn)
{
    if (on_oracle ())
        return;
    static const char *const places[] = {"127.0.0.13", "127.0.0.1", "127.0.0.12",
                                         "127.0.0.11"};
    prepare ();
    CHECK_OK (set_int (push, ZMQ_IMMEDIATE, 1));
    CHECK_OK (zmq_connect (push, at ("many.test")));
    for (int i = 0; i < 4; i++) {
        CHECK_SEND (push, "before", 0);
        CHECK_RECV (pull, "before");
        lose_receiver ();
        CHECK_BECOMES (zmq_bind (pull, at (places[i])) == 0);
        CHECK_SEND (push, "moved", 0);
        CHECK_RECV (pull, "moved");
    }
    end (pull, push);
}

TEST (a_name_is_bound_at_the_first_address_of_this_host)
{
    if (on_oracle ())
        return; /* no names */
    begin ();
    pull = new_socket (ctx, ZMQ_PULL);
    push = new_socket (ctx, ZMQ_PUSH);
    CHECK_OK (zmq_bind (pull, "tcp://abroad.test:*"));
    last_endpoint (pull, endpoint);
    endpoint[15] = 0;
    CHECK_STR (endpoint, "tcp://127.0.0.1");
    last_endpoint (pull, endpoint);
    CHECK_OK (zmq_connect (push, endpoint));
    CHECK_SEND (push, "x", 0);
    CHECK_RECV (pull, "x");
    CHECK_ERR (zmq_bind (push, "tcp://nowhere.test:*"), EADDRNOTAVAIL);
    CHECK_ERR (zmq_bind (push, "tcp://none.test:*"), ENODEV);
    CHECK_OK (zmq_unbind (pull, endpoint));
    end (pull, push);
}

MAIN
