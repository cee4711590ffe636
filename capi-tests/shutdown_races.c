/* A thousand shutdown races from seeds: threads bind, connect, send, receive,
 * poll, close and open sockets of all types, and somewhere in between the
 * context is terminated. Every call ends with ETERM, and zmq_ctx_term returns
 * within the longest linger and a tenth of a second after the last close.
 *
 * RACE_SEED=n runs that race alone, RACE_COUNT=n so many in each test. */
#include "fixtures.h"

enum { THREADS = 4, SOCKETS = 3, PLACES = 6, ALLOWED_MS = 100 };

static const int all_types[] = {ZMQ_PAIR, ZMQ_PUB,    ZMQ_SUB,    ZMQ_REQ,
                                ZMQ_REP,  ZMQ_DEALER, ZMQ_ROUTER, ZMQ_PULL,
                                ZMQ_PUSH, ZMQ_XPUB,   ZMQ_XSUB};

struct race
{
    void *context;
    unsigned seed;
    /* Where somebody has bound; the last is where nobody ever does. */
    endpoint_t places[PLACES + 1];
    pthread_mutex_t lock;
    /* When all that was closed must have gone, by the linger of each. */
    long long gone_at;
    int running;
};

struct racer
{
    struct race *race;
    unsigned random;
    void *sockets[SOCKETS];
    int lingers[SOCKETS];
    bool ended;
    pthread_t thread;
};

static void must (bool holds)
{
    if (!holds)
        abort ();
}

static unsigned next_random (unsigned *state, unsigned below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

/* ---- what a racer does ---- */

static bool has_ended (struct racer *r, int rc)
{
    r->ended |= rc < 0 && errno == ETERM;
    return r->ended;
}

static void racer_open (struct racer *r, int i)
{
    static const int lingers[] = {0, 0, 0, 3, 6, 15};
    int type = all_types[next_random (&r->random, 11)];
    void *s = r->sockets[i] = zmq_socket (r->race->context, type);
    if (has_ended (r, s ? 0 : -1) || !s)
        return;
    r->lingers[i] = lingers[next_random (&r->random, 6)];
    int hwm = (int) next_random (&r->random, 20), retry = 1;
    zmq_setsockopt (s, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt (s, ZMQ_RECONNECT_IVL, &retry, sizeof retry);
    if (type == ZMQ_SUB)
        zmq_setsockopt (s, ZMQ_SUBSCRIBE, "", 0);
    /* Ended already: then the socket keeps the default, which is for ever. */
    has_ended (r, zmq_setsockopt (s, ZMQ_LINGER, &r->lingers[i],
                                  sizeof r->lingers[i]));
}

static void racer_close (struct racer *r, int i)
{
    if (!r->sockets[i])
        return;
    must (zmq_close (r->sockets[i]) == 0);
    r->sockets[i] = NULL;
    pthread_mutex_lock (&r->race->lock);
    long long gone = now_ms () + r->lingers[i];
    if (gone > r->race->gone_at)
        r->race->gone_at = gone;
    pthread_mutex_unlock (&r->race->lock);
}

static void racer_bind (struct racer *r, void *s)
{
    endpoint_t name;
    unsigned place = next_random (&r->random, PLACES);
    if (place < 2)
        snprintf (name, sizeof name, "inproc://race-%u", place);
    else if (place < 4)
        snprintf (name, sizeof name, "ipc://%s/race-%u", folder, place);
    else
        strcpy (name, "tcp://127.0.0.1:*");
    size_t size = sizeof name;
    if (has_ended (r, zmq_bind (s, name))
        || has_ended (r, zmq_getsockopt (s, ZMQ_LAST_ENDPOINT, name, &size)))
        return;
    pthread_mutex_lock (&r->race->lock);
    memcpy (r->race->places[place], name, sizeof name);
    pthread_mutex_unlock (&r->race->lock);
}

static void racer_place (struct racer *r, endpoint_t name)
{
    pthread_mutex_lock (&r->race->lock);
    memcpy (name, r->race->places[next_random (&r->random, PLACES + 1)],
            sizeof (endpoint_t));
    pthread_mutex_unlock (&r->race->lock);
}

static void racer_poll (struct racer *r)
{
    static const long timeouts[] = {0, 0, 1, 1, 2, -1};
    zmq_pollitem_t items[SOCKETS];
    int count = 0;
    for (int i = 0; i < SOCKETS; i++)
        if (r->sockets[i])
            items[count++] = (zmq_pollitem_t) {r->sockets[i], 0,
                                               ZMQ_POLLIN | ZMQ_POLLOUT, 0};
    if (count > 0)
        has_ended (r, zmq_poll (items, count,
                                timeouts[next_random (&r->random, 6)]));
}

static void racer_step (struct racer *r)
{
    static const char body[20000];
    char received;
    int i = (int) next_random (&r->random, SOCKETS);
    void *s = r->sockets[i];
    if (!s) {
        racer_open (r, i);
        return;
    }
    endpoint_t name;
    switch (next_random (&r->random, 32)) {
        case 0 ... 5:
            racer_bind (r, s);
            break;
        case 6 ... 13:
            racer_place (r, name);
            has_ended (r, zmq_connect (s, name));
            break;
        case 14 ... 19:
            for (int n = 0; n < 20 && !r->ended; n++)
                if (has_ended (r, zmq_send (s, body,
                                            next_random (&r->random, 2)
                                              ? 16
                                              : sizeof body,
                                            ZMQ_DONTWAIT)))
                    break;
            break;
        case 20 ... 23:
            for (int n = 0; n < 20 && !r->ended; n++)
                if (zmq_recv (s, &received, 1, ZMQ_DONTWAIT) < 0) {
                    has_ended (r, -1);
                    break;
                }
            break;
        case 24:
            has_ended (r, zmq_send (s, body, 16, 0));
            break;
        case 25:
            has_ended (r, zmq_recv (s, &received, 1, 0));
            break;
        case 26 ... 27:
            racer_poll (r);
            break;
        case 28:
            racer_place (r, name);
            has_ended (r, zmq_disconnect (s, name));
            break;
        case 29:
            racer_place (r, name);
            has_ended (r, zmq_unbind (s, name));
            break;
        default:
            racer_close (r, i);
    }
}

static void *racer_run (void *arg)
{
    struct racer *r = arg;
    for (int i = 0; i < SOCKETS; i++)
        racer_open (r, i);
    __atomic_add_fetch (&r->race->running, 1, __ATOMIC_SEQ_CST);
    while (!r->ended)
        racer_step (r);
    for (int i = 0; i < SOCKETS; i++)
        racer_close (r, i);
    return NULL;
}

/* ---- a race ---- */

/* How long this machine has kept a thread waiting that wanted to run: what it
 * takes in time is not the library's. */
struct witness
{
    pthread_t thread;
    volatile int stop;
    volatile long long worst_ms;
};

static void *witness_run (void *arg)
{
    struct witness *w = arg;
    for (long long before = now_ms (), after; !w->stop; before = after) {
        sleep_ms (1);
        after = now_ms ();
        if (after - before > w->worst_ms)
            w->worst_ms = after - before;
    }
    return NULL;
}

/* By how much the end came too late. */
static long long run_race (unsigned seed)
{
    struct race race = {.seed = seed, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct racer racers[THREADS];
    struct witness witness = {0};
    unsigned random = seed;
    memset (racers, 0, sizeof racers);
    next_random (&random, 2);
    for (int i = 0; i <= PLACES; i++)
        strcpy (race.places[i], i < 2 ? "inproc://race-0" : "tcp://127.0.0.1:1");
    race.context = zmq_ctx_new ();
    zmq_ctx_set (race.context, ZMQ_IO_THREADS, 1 + (int) next_random (&random, 3));
    int count = 1 + (int) next_random (&random, THREADS);
    must (pthread_create (&witness.thread, NULL, witness_run, &witness) == 0);
    for (int i = 0; i < count; i++) {
        racers[i].race = &race;
        racers[i].random = seed * 31 + (unsigned) i * 7919;
        must (pthread_create (&racers[i].thread, NULL, racer_run, &racers[i])
              == 0);
    }
    /* A linger is only kept where the socket was there before the end. */
    while (__atomic_load_n (&race.running, __ATOMIC_SEQ_CST) < count)
        sched_yield ();
    usleep (next_random (&random, 8) * next_random (&random, 1000));
    if (next_random (&random, 3) == 0)
        must (zmq_ctx_shutdown (race.context) == 0);
    must (zmq_ctx_term (race.context) == 0);
    long long late = now_ms () - race.gone_at;
    for (int i = 0; i < count; i++)
        pthread_join (racers[i].thread, NULL);
    witness.stop = 1;
    pthread_join (witness.thread, NULL);
    return late - ALLOWED_MS * slowness () - 4 * witness.worst_ms;
}

/* One race in a process of its own: how it ended. */
static int race_apart (unsigned seed)
{
    fflush (stdout);
    pid_t child = fork ();
    if (child == 0) {
        alarm (on_oracle () ? 3 : 20 * (unsigned) slowness ());
        long long late = run_race (seed);
        if (late > 0)
            printf ("  too late by %lld ms\n", late);
        bool leaks = __lsan_do_recoverable_leak_check
                     && __lsan_do_recoverable_leak_check ();
        fflush (stdout);
        _exit (leaks ? CHECK_LEAKS : late > 0);
    }
    int status = -1;
    while (waitpid (child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* libzmq aborts or hangs in some of them: it has to run a few only. */
static void run_races (unsigned first)
{
    const char *seed = getenv ("RACE_SEED"), *count = getenv ("RACE_COUNT");
    unsigned good = 0, died = 0, races = on_oracle () ? 20 : 250;
    if (count)
        races = (unsigned) atoi (count);
    if (seed)
        first = (unsigned) atoi (seed), races = 1;
    check_counts->unlimited = 1; /* each race has an alarm */
    for (unsigned i = 0; i < races; i++) {
        int status = -1;
        /* Late three times: not for want of a processor. */
        for (int n = 0; n < 3 && status != 0; n++) {
            status = race_apart (first + i);
            if (WIFSIGNALED (status) || WEXITSTATUS (status) > 1)
                break;
        }
        bool dies = WIFSIGNALED (status);
        if (status != 0 && !(dies && on_oracle ()))
            printf ("race %u: %s\n", first + i,
                    dies ? strsignal (WTERMSIG (status)) : "failed");
        good += status == 0;
        died += dies;
    }
    CHECK_INT (good, races - (on_oracle () ? died : 0));
}

TEST (shutdown_races_1) { run_races (1); }
TEST (shutdown_races_2) { run_races (1001); }
TEST (shutdown_races_3) { run_races (2001); }
TEST (shutdown_races_4) { run_races (3001); }

MAIN
