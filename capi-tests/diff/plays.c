/* plays.c - one hub, spokes on threads of their own, and many messages: whether all of
 * them arrive whole and in order, whichever way the threads wait.
 *
 * A play has a context of its own, so that its end is part of it. All numbers come from
 * the seed; the outcome is the same however the threads run.
 */
#define _GNU_SOURCE
#include "plays.h"
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

enum { MOST_ECHOED = MOST_FRAMES + 2, QUIET_MS = 5, VISIT_US = 200 };

static uint32_t mix (uint32_t a, uint32_t b)
{
    struct random random = {((uint64_t) a << 32) | b};
    return (uint32_t) random_next (&random);
}

/* Message n of a spoke. */

static int frames_of (const struct spoke *spoke, int n)
{
    return 1 + (int) (mix ((uint32_t) n, (uint32_t) spoke->letter) % (uint32_t) spoke->play->frames);
}

static size_t frame_of (const struct spoke *spoke, int n, int at, unsigned char *frame)
{
    static const int sizes[] = {6, 6, 10, 33, 34, 41, 255, 256, 1000, 2999};
    uint32_t dice = mix ((uint32_t) n * 8 + (uint32_t) at, (uint32_t) spoke->letter);
    size_t size = (size_t) sizes[dice % 10];
    if (size > (size_t) spoke->play->largest)
        size = (size_t) spoke->play->largest;
    memset (frame, (int) (dice >> 8 & 0xFF), size);
    frame[0] = (unsigned char) spoke->letter;
    memcpy (frame + 1, &n, sizeof n);
    frame[5] = (unsigned char) at;
    return size;
}

static int send_message (enum way way, void *socket, const struct spoke *spoke, int n)
{
    unsigned char frame[LARGEST];
    int frames = frames_of (spoke, n);
    for (int at = 0; at < frames; at++) {
        size_t size = frame_of (spoke, n, at, frame);
        if (send_by (way, socket, frame, size, at + 1 < frames) < 0)
            return -1;
    }
    return 0;
}

/* The other frames of a message whose first one has come; whether it is message n. */
static int is_message (void *socket, const struct spoke *spoke, int n, const void *first, int size)
{
    unsigned char wanted[LARGEST], frame[LARGEST];
    int right = 1, more = 1;
    size_t width = sizeof more;
    for (int at = 0; more; at++) {
        int got = size;
        if (at)
            got = zmq_recv (socket, frame, sizeof frame, 0);
        int expected = (int) frame_of (spoke, n, at, wanted);
        right &= got == expected && memcmp (at ? frame : first, wanted, (size_t) got) == 0;
        if (got < 0 || zmq_getsockopt (socket, ZMQ_RCVMORE, &more, &width))
            return 0;
        right &= more == (at + 1 < frames_of (spoke, n));
    }
    return right;
}

static void note (struct spoke *spoke, int right)
{
    spoke->next++;
    if (!right && !spoke->wrong)
        spoke->wrong = spoke->next;
}

static void pause_after (int pause, int n)
{
    if (pause && n % pause == pause - 1)
        usleep (100);
}

/* What threads do. */

static void *write_all (void *argument)
{
    struct spoke *spoke = argument;
    struct play *play = spoke->play;
    for (int n = 0; n < spoke->total && !spoke->failed; n++) {
        if (send_message (play->spoke_way, spoke->socket, spoke, n))
            spoke->failed = zmq_errno ();
        pause_after (play->spoke_pause, n);
    }
    return NULL;
}

/* Every readers-th spoke from the given one on. */
static void *read_group (void *argument)
{
    struct spoke *first = argument;
    struct play *play = first->play;
    struct sources sources = {.way = play->spoke_way};
    struct spoke *of[MOST_WAITED_FOR];
    unsigned char frame[LARGEST];
    int left = 0, from = 0;
    for (int i = (int) (first - play->spokes); i < play->spoke_count; i += play->readers) {
        of[sources.count] = &play->spokes[i];
        sources.sockets[sources.count++] = play->spokes[i].socket;
        left += play->spokes[i].total;
    }
    for (int n = 0; n < left && !first->failed; n++) {
        int size = receive_by (&sources, frame, sizeof frame, &from);
        if (size < 0)
            first->failed = zmq_errno ();
        else
            note (of[from], is_message (sources.sockets[from], of[from], of[from]->next, frame, size));
        pause_after (play->spoke_pause, n);
    }
    return NULL;
}

static void *ask_all (void *argument)
{
    struct spoke *spoke = argument;
    struct play *play = spoke->play;
    struct sources sources = {.way = play->spoke_way, .count = 1, .sockets = {spoke->socket}};
    unsigned char frame[LARGEST];
    int from, asked = 0;
    while (spoke->next < spoke->total && !spoke->failed) {
        while (asked < spoke->total && asked < spoke->next + play->window && !spoke->failed)
            if (send_message (play->spoke_way, spoke->socket, spoke, asked++))
                spoke->failed = zmq_errno ();
        int size = spoke->failed ? -1 : receive_by (&sources, frame, sizeof frame, &from);
        if (size < 0)
            spoke->failed = zmq_errno ();
        else
            note (spoke, is_message (spoke->socket, spoke, spoke->next, frame, size));
        pause_after (play->spoke_pause, asked);
    }
    return NULL;
}

/* What the hub does; each returns an errno or 0. */

static struct spoke *spoke_of (struct play *play, int letter)
{
    int at = letter - 'A';
    return at >= 0 && at < play->spoke_count ? &play->spokes[at] : NULL;
}

static int all_messages (const struct play *play)
{
    int all = 0;
    for (int i = 0; i < play->spoke_count; i++)
        all += play->spokes[i].total;
    return all;
}

static int hub_reads (struct play *play)
{
    struct sources sources = {.way = play->hub_way, .count = 1, .sockets = {play->hub}};
    unsigned char frame[LARGEST];
    int from, all = all_messages (play);
    for (int n = 0; n < all; n++) {
        int size = receive_by (&sources, frame, sizeof frame, &from);
        if (size >= 0 && play->cast->hub == ZMQ_ROUTER)
            size = zmq_recv (play->hub, frame, sizeof frame, 0);
        if (size < 0)
            return zmq_errno ();
        struct spoke *spoke = spoke_of (play, frame[0]);
        if (!spoke)
            return EPROTO;
        note (spoke, is_message (play->hub, spoke, spoke->next, frame, size));
        pause_after (play->hub_pause, n);
    }
    return 0;
}

static int hub_writes (struct play *play)
{
    int sent[MOST_SPOKES] = {0};
    struct random random = {play->seed};
    for (int left = all_messages (play); left > 0;) {
        int i = below (&random, play->spoke_count);
        struct spoke *spoke = &play->spokes[i];
        if (sent[i] == spoke->total)
            continue;
        left--;
        if ((play->cast->hub == ZMQ_ROUTER
             && send_by (play->hub_way, play->hub, &spoke->letter, 1, 1) < 0)
            || send_message (play->hub_way, play->hub, spoke, sent[i]++))
            return zmq_errno ();
        pause_after (play->hub_pause, left);
    }
    return 0;
}

static int hub_echoes (struct play *play)
{
    static unsigned char frames[MOST_ECHOED][LARGEST];
    struct sources sources = {.way = play->hub_way, .count = 1, .sockets = {play->hub}};
    int sizes[MOST_ECHOED], from, all = all_messages (play);
    for (int n = 0; n < all; n++) {
        int count = 0, more = 1;
        size_t width = sizeof more;
        while (more && count < MOST_ECHOED) {
            sizes[count] = count ? zmq_recv (play->hub, frames[count], LARGEST, 0)
                                 : receive_by (&sources, frames[0], LARGEST, &from);
            if (sizes[count++] < 0 || zmq_getsockopt (play->hub, ZMQ_RCVMORE, &more, &width))
                return zmq_errno ();
        }
        for (int i = 0; i < count; i++)
            if (zmq_send (play->hub, frames[i], (size_t) sizes[i], i + 1 < count ? ZMQ_SNDMORE : 0) < 0)
                return zmq_errno ();
        pause_after (play->hub_pause, n);
    }
    return 0;
}

/* Somebody who comes and goes all the while, and says nothing. */
static void *visit (void *argument)
{
    struct play *play = argument;
    for (int i = 0; i < play->visits; i++) {
        void *socket = zmq_socket (play->context, play->cast->spoke);
        if (!socket)
            break;
        zmq_connect (socket, play->endpoints[i % play->endpoint_count]);
        usleep (VISIT_US);
        zmq_close (socket);
    }
    return NULL;
}

static void perform (struct play *play)
{
    static void *(*const parts[]) (void *) = {write_all, read_group, ask_all};
    static int (*const hub_parts[]) (struct play *) = {hub_reads, hub_writes, hub_echoes};
    pthread_t threads[MOST_SPOKES], visitor;
    int count = play->cast->scene == FAN && play->readers < play->spoke_count ? play->readers
                                                                               : play->spoke_count;
    for (int i = 0; i < count; i++)
        pthread_create (&threads[i], NULL, parts[play->cast->scene], &play->spokes[i]);
    pthread_create (&visitor, NULL, visit, play);
    int failed = hub_parts[play->cast->scene](play);
    if (failed) /* nobody waits for ever */
        zmq_ctx_shutdown (play->context);
    for (int i = 0; i < count; i++)
        pthread_join (threads[i], NULL);
    pthread_join (visitor, NULL);
    if (failed)
        printf (" hub: %s", errno_name (failed));
}

/* Nothing else comes; a time-out lasts as long as it is to. */
static void expect_quiet (void *socket)
{
    char frame;
    set_int (socket, ZMQ_RCVTIMEO, QUIET_MS);
    long long begin = clock_ms ();
    int rc = zmq_recv (socket, &frame, 1, 0);
    if (rc >= 0 || zmq_errno () != EAGAIN)
        result (rc);
    else if (clock_ms () - begin < QUIET_MS - 1)
        printf (" early");
}

static void end (struct play *play)
{
    if (play->cast->scene == FAN && !play->spokes[0].failed)
        expect_quiet (play->spokes[0].socket);
    else if (play->cast->scene != FAN && play->cast->hub != ZMQ_REP)
        expect_quiet (play->hub);
    for (int i = 0; i < play->spoke_count; i++) {
        struct spoke *spoke = &play->spokes[i];
        if (spoke->next != spoke->total || spoke->wrong || spoke->failed)
            printf (" %c: %d wrong from %d %s", spoke->letter, spoke->next, spoke->wrong,
                    spoke->failed ? errno_name (spoke->failed) : "");
        zmq_close (spoke->socket);
    }
    zmq_close (play->hub);
    result (zmq_ctx_term (play->context));
}

void play (uint32_t seed)
{
    static struct play play;
    struct random random = {seed};
    memset (&play, 0, sizeof play);
    play.seed = seed;
    set_up (&play, &random);
    perform (&play);
    end (&play);
}
