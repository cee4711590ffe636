/* zmq_timers_*: ids, order, repetition, what handlers may do, and handles that
 * are none. Intervals are either over by the time that counts, or hours long. */
#include "check.h"

enum { HOUR = 3600000 };

static void *timers;

/* The ids that handlers were called with, in order. */
static int ran[64], runs;
static void *last_argument;

static void note (int id, void *argument)
{
    if (runs < 64)
        ran[runs] = id;
    runs++;
    last_argument = argument;
}

static void begin_timers (void)
{
    runs = 0;
    REQUIRE ((timers = zmq_timers_new ()) != NULL);
}

static void end_timers (void)
{
    CHECK_OK (zmq_timers_destroy (&timers));
    CHECK (timers == NULL);
}

static int add (size_t interval, zmq_timer_fn handler)
{
    return zmq_timers_add (timers, interval, handler, NULL);
}

/* Lets all timers of up to this many milliseconds become due. */
static void let_pass (int ms)
{
    sleep_ms (ms + 2);
}

#define CHECK_RAN(...)                                                         \
    do {                                                                       \
        const int want_[] = {__VA_ARGS__};                              \
        int count_ = (int) (sizeof want_ / sizeof *want_);                     \
        CHECK_INT (runs, count_);                                              \
        CHECK (runs == count_ && memcmp (ran, want_, sizeof want_) == 0);      \
        runs = 0;                                                              \
    } while (0)

/* The next timer is due within this many milliseconds, most of which are
 * still to come. */
#define CHECK_TIMEOUT_NEAR(MS)                                                 \
    do {                                                                       \
        long left_ = zmq_timers_timeout (timers);                              \
        CHECK (left_ <= (long) (MS) && left_ > (long) (MS) -20000);            \
    } while (0)

TEST (without_timers)
{
    begin_timers ();
    errno = 4711;
    CHECK_INT (zmq_timers_timeout (timers), -1);
    CHECK_INT (errno, 4711);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_ERR (zmq_timers_cancel (timers, 0), EINVAL);
    CHECK_ERR (zmq_timers_cancel (timers, 1), EINVAL);
    CHECK_ERR (zmq_timers_reset (timers, 1), EINVAL);
    CHECK_ERR (zmq_timers_set_interval (timers, 1, 1), EINVAL);
    CHECK_ERR (zmq_timers_set_interval (timers, -1, 1), EINVAL);
    CHECK_ERR (zmq_timers_reset (timers, INT32_MIN), EINVAL);
    end_timers ();
}

TEST (ids_count_from_one_and_are_not_used_again)
{
    begin_timers ();
    CHECK_INT (add (HOUR, note), 1);
    CHECK_INT (add (HOUR / 2, note), 2);
    CHECK_OK (zmq_timers_cancel (timers, 2));
    CHECK_INT (add (HOUR, note), 3);
    CHECK_OK (zmq_timers_cancel (timers, 1));
    CHECK_OK (zmq_timers_cancel (timers, 3));
    CHECK_INT (zmq_timers_timeout (timers), -1);
    CHECK_INT (add (HOUR, note), 4);
    void *others = zmq_timers_new ();
    CHECK_INT (zmq_timers_add (others, 1, note, NULL), 1);
    CHECK_OK (zmq_timers_destroy (&others));
    end_timers ();
}

TEST (a_handler_gets_id_and_argument)
{
    begin_timers ();
    CHECK_INT (add (HOUR, note), 1);
    CHECK_INT (zmq_timers_add (timers, 1, note, &timers), 2);
    let_pass (1);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (2);
    CHECK (last_argument == &timers);
    end_timers ();
}

TEST (nothing_runs_before_its_time_or_without_execute)
{
    begin_timers ();
    add (50, note);
    CHECK_OK (zmq_timers_execute (timers));
    long long start = now_ms ();
    long left = zmq_timers_timeout (timers);
    CHECK (left <= 50);
    int early = 0;
    while (runs == 0) {
        long long before = now_ms ();
        CHECK_OK (zmq_timers_execute (timers));
        early += runs && now_ms () - start < left - 2;
        if (runs == 0 && before - start > 1000)
            break;
        sleep_ms (5);
    }
    CHECK_INT (runs, 1);
    CHECK_INT (early, 0);
    end_timers ();
}

TEST (the_timeout_is_what_is_left)
{
    begin_timers ();
    add (40, note);
    long left = zmq_timers_timeout (timers);
    CHECK (left >= 0 && left <= 40);
    sleep_ms ((int) left);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    let_pass (40);
    CHECK_INT (zmq_timers_timeout (timers), 0);
    CHECK_INT (zmq_timers_timeout (timers), 0);
    CHECK_INT (runs, 0);
    end_timers ();
}

TEST (the_timeout_is_that_of_the_next_one)
{
    begin_timers ();
    add (3 * HOUR, note);
    CHECK_TIMEOUT_NEAR (3 * HOUR);
    add (HOUR, note);
    CHECK_TIMEOUT_NEAR (HOUR);
    add (2 * HOUR, note);
    CHECK_TIMEOUT_NEAR (HOUR);
    CHECK_OK (zmq_timers_cancel (timers, 2));
    CHECK_TIMEOUT_NEAR (2 * HOUR);
    CHECK_OK (zmq_timers_cancel (timers, 3));
    CHECK_TIMEOUT_NEAR (3 * HOUR);
    end_timers ();
}

TEST (what_is_due_first_runs_first)
{
    begin_timers ();
    add (30, note);
    add (10, note);
    add (20, note);
    add (HOUR, note);
    let_pass (30);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (2, 3, 1);
    end_timers ();
}

TEST (of_what_is_due_together_the_first_added_runs_first)
{
    /* They are due together when they were added within a millisecond. */
    begin_timers ();
    for (int i = 0; i < 10; i++)
        add (20, note);
    let_pass (25);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    end_timers ();
}

TEST (a_timer_repeats_until_it_is_cancelled)
{
    begin_timers ();
    add (3, note);
    for (int i = 0; i < 5; i++) {
        let_pass (3);
        CHECK_OK (zmq_timers_execute (timers));
        CHECK_RAN (1);
    }
    CHECK_OK (zmq_timers_cancel (timers, 1));
    let_pass (3);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (runs, 0);
    CHECK_INT (zmq_timers_timeout (timers), -1);
    end_timers ();
}

TEST (what_was_missed_is_not_made_up_for)
{
    begin_timers ();
    add (500, note);
    sleep_ms (1200);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    /* The next interval begins with the execution. */
    long left = zmq_timers_timeout (timers);
    CHECK (left <= 500);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (runs, 0);
    end_timers ();
}

static void dawdle (int id, void *argument)
{
    note (id, argument);
    sleep_ms (500);
}

TEST (only_what_was_due_at_the_beginning_runs)
{
    begin_timers ();
    int slow = add (1, dawdle);
    let_pass (1);
    int later = add (400, note);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (slow);
    /* By now both are due: the interval does not wait for the handler. */
    CHECK_INT (zmq_timers_timeout (timers), 0);
    CHECK_OK (zmq_timers_cancel (timers, slow));
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (later);
    end_timers ();
}

TEST (intervals_of_zero)
{
    if (on_oracle ())
        return; /* zmq_timers_execute never returns */
    begin_timers ();
    add (0, note);
    CHECK_INT (zmq_timers_timeout (timers), 0);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    add (0, note);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1, 2);
    end_timers ();
}

TEST (the_largest_intervals)
{
    begin_timers ();
    CHECK_INT (add (SIZE_MAX / 2, note), 1);
    CHECK (zmq_timers_timeout (timers) > INT64_MAX - 100000);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_OK (zmq_timers_set_interval (timers, 1, SIZE_MAX / 4));
    CHECK_TIMEOUT_NEAR (SIZE_MAX / 4);
    CHECK_OK (zmq_timers_set_interval (timers, 1, (size_t) INT32_MAX + 100000));
    CHECK_TIMEOUT_NEAR ((size_t) INT32_MAX + 100000);
    if (!on_oracle ()) {
        /* There they wrap: the timer is due at once, for ever. */
        CHECK_OK (zmq_timers_set_interval (timers, 1, SIZE_MAX));
        CHECK_INT (zmq_timers_timeout (timers), INT64_MAX);
        CHECK_OK (zmq_timers_set_interval (timers, 1, SIZE_MAX / 2 + 1));
        CHECK (zmq_timers_timeout (timers) > INT64_MAX - 100000);
    }
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (runs, 0);
    end_timers ();
}

TEST (reset_begins_the_interval_anew)
{
    begin_timers ();
    add (HOUR, note);
    sleep_ms (1000);
    CHECK (zmq_timers_timeout (timers) < HOUR - 950);
    CHECK_OK (zmq_timers_reset (timers, 1));
    long left = zmq_timers_timeout (timers);
    CHECK (left > HOUR - 950 && left <= HOUR);
    /* It goes behind those that are due together with it. */
    add (HOUR, note);
    CHECK_OK (zmq_timers_reset (timers, 1));
    CHECK_OK (zmq_timers_set_interval (timers, 2, 5));
    CHECK_OK (zmq_timers_set_interval (timers, 1, 5));
    let_pass (5);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (2, 1);
    end_timers ();
}

TEST (set_interval_begins_at_once_and_lasts)
{
    begin_timers ();
    add (HOUR, note);
    CHECK_OK (zmq_timers_set_interval (timers, 1, 5));
    CHECK (zmq_timers_timeout (timers) <= 5);
    for (int i = 0; i < 3; i++) {
        let_pass (5);
        CHECK_OK (zmq_timers_execute (timers));
        CHECK_RAN (1);
    }
    CHECK_OK (zmq_timers_set_interval (timers, 1, HOUR));
    CHECK_TIMEOUT_NEAR (HOUR);
    let_pass (5);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (runs, 0);
    end_timers ();
}

TEST (cancel_only_once)
{
    begin_timers ();
    add (HOUR, note);
    add (2 * HOUR, note);
    CHECK_OK (zmq_timers_cancel (timers, 1));
    CHECK_ERR (zmq_timers_cancel (timers, 1), EINVAL);
    CHECK_ERR (zmq_timers_cancel (timers, 3), EINVAL);
    CHECK_ERR (zmq_timers_cancel (timers, -1), EINVAL);
    CHECK_TIMEOUT_NEAR (2 * HOUR);
    end_timers ();
}

TEST (a_cancelled_timer_is_known_until_it_comes_first)
{
    begin_timers ();
    add (HOUR, note);
    add (2 * HOUR, note);
    CHECK_OK (zmq_timers_cancel (timers, 2));
    /* Behind one that lives it is passed over by nothing. */
    CHECK_TIMEOUT_NEAR (HOUR);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_OK (zmq_timers_reset (timers, 2));
    CHECK_OK (zmq_timers_set_interval (timers, 2, 3 * HOUR));
    CHECK_ERR (zmq_timers_cancel (timers, 2), EINVAL);
    /* In vain: it stays cancelled, and as the first one it is forgotten. */
    CHECK_OK (zmq_timers_set_interval (timers, 2, 1));
    CHECK_TIMEOUT_NEAR (HOUR);
    CHECK_ERR (zmq_timers_reset (timers, 2), EINVAL);
    CHECK_ERR (zmq_timers_set_interval (timers, 2, 1), EINVAL);
    CHECK_ERR (zmq_timers_cancel (timers, 2), EINVAL);
    CHECK_OK (zmq_timers_cancel (timers, 1));
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_ERR (zmq_timers_reset (timers, 1), EINVAL);
    end_timers ();
}

TEST (cancelled_timers_that_are_due_do_not_run)
{
    begin_timers ();
    add (1, note);
    add (2, note);
    add (3, note);
    CHECK_OK (zmq_timers_cancel (timers, 2));
    let_pass (3);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1, 3);
    CHECK_ERR (zmq_timers_reset (timers, 2), EINVAL);
    end_timers ();
}

static int rc_within, errno_within;
static void cancel_myself (int id, void *argument)
{
    note (id, argument);
    rc_within = zmq_timers_cancel (timers, id);
    CHECK_ERR (zmq_timers_cancel (timers, id), EINVAL);
}

TEST (a_handler_cancels_its_own_timer)
{
    begin_timers ();
    add (1, cancel_myself);
    let_pass (1);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_INT (rc_within, 0);
    CHECK_INT (zmq_timers_timeout (timers), -1);
    CHECK_ERR (zmq_timers_reset (timers, 1), EINVAL);
    end_timers ();
}

static void cancel_other (int id, void *argument)
{
    note (id, argument);
    rc_within = zmq_timers_cancel (timers, (int) (intptr_t) argument);
    errno_within = errno;
}

TEST (a_handler_cancels_a_timer_that_is_due)
{
    begin_timers ();
    zmq_timers_add (timers, 1, cancel_other, (void *) 2);
    add (2, note);
    let_pass (2);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_INT (rc_within, 0);
    end_timers ();
}

TEST (a_handler_cancels_a_timer_that_has_run)
{
    begin_timers ();
    add (1, note);
    zmq_timers_add (timers, 2, cancel_other, (void *) 1);
    let_pass (2);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1, 2);
    CHECK_INT (rc_within, 0);
    let_pass (2);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (2);
    CHECK_INT (rc_within, -1);
    CHECK_INT (errno_within, EINVAL);
    end_timers ();
}

static void add_another (int id, void *argument)
{
    note (id, argument);
    rc_within = add (HOUR, note);
    zmq_timers_cancel (timers, id);
}

TEST (a_handler_adds_a_timer)
{
    begin_timers ();
    add (1, add_another);
    let_pass (1);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_INT (rc_within, 2);
    CHECK_TIMEOUT_NEAR (HOUR);
    end_timers ();
}

static void reset_other (int id, void *argument)
{
    note (id, argument);
    rc_within = zmq_timers_reset (timers, (int) (intptr_t) argument);
}

TEST (a_handler_resets_a_timer_that_is_due)
{
    begin_timers ();
    zmq_timers_add (timers, 10, reset_other, (void *) 2);
    add (100, note);
    let_pass (100);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_INT (rc_within, 0);
    CHECK_OK (zmq_timers_cancel (timers, 1));
    let_pass (100);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (2);
    end_timers ();
}

/* Of these, libzmq passes over those that follow, or aborts. */
TEST (what_a_handler_changes_concerns_no_other_timer)
{
    if (on_oracle ())
        return;
    begin_timers ();
    add (100, note);
    zmq_timers_add (timers, 100, reset_other, (void *) 1);
    zmq_timers_add (timers, 100, reset_other, (void *) 3);
    add (100, note);
    let_pass (100);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1, 2, 3, 4);
    let_pass (110);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (runs, 4);
    end_timers ();
}

static void cancel_and_ask (int id, void *argument)
{
    note (id, argument);
    CHECK_OK (zmq_timers_cancel (timers, id));
    CHECK_INT (zmq_timers_timeout (timers), 0);
}

TEST (a_handler_cancels_its_timer_and_asks_for_the_next)
{
    if (on_oracle ())
        return;
    begin_timers ();
    add (1, cancel_and_ask);
    add (2, note);
    add (3, note);
    let_pass (3);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1, 2, 3);
    end_timers ();
}

static void rarely (int id, void *argument)
{
    note (id, argument);
    rc_within = zmq_timers_set_interval (timers, id, HOUR);
}

TEST (a_handler_sets_the_interval_of_its_own_timer)
{
    begin_timers ();
    add (1, rarely);
    let_pass (1);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_INT (rc_within, 0);
    CHECK_TIMEOUT_NEAR (HOUR);
    end_timers ();
}

static long timeout_within;
static void ask (int id, void *argument)
{
    note (id, argument);
    timeout_within = zmq_timers_timeout (timers);
}

TEST (to_its_handler_a_timer_is_due)
{
    begin_timers ();
    add (1, ask);
    timeout_within = -1;
    let_pass (1);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_INT (timeout_within, 0);
    end_timers ();
}

static void execute_within (int id, void *argument)
{
    note (id, argument);
    rc_within = zmq_timers_execute (timers);
}

TEST (a_handler_executes_the_others)
{
    if (on_oracle ())
        return; /* runs the handler within itself, and crashes in the end */
    begin_timers ();
    add (1, execute_within);
    add (2, execute_within);
    add (3, note);
    let_pass (3);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1, 2, 3);
    CHECK_INT (rc_within, 0);
    end_timers ();
}

static void destroy_within (int id, void *argument)
{
    note (id, argument);
    void *handle = timers;
    rc_within = zmq_timers_destroy (&handle);
    CHECK_ERR (zmq_timers_timeout (timers), EFAULT);
}

TEST (a_handler_destroys_all)
{
    if (on_oracle ())
        return; /* it crashes */
    begin_timers ();
    add (1, destroy_within);
    add (2, note);
    let_pass (2);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_RAN (1);
    CHECK_INT (rc_within, 0);
    CHECK_ERR (zmq_timers_execute (timers), EFAULT);
    CHECK_ERR (zmq_timers_destroy (&timers), EFAULT);
}

TEST (success_leaves_errno_alone)
{
    begin_timers ();
    errno = 4711;
    add (1, note);
    let_pass (1);
    errno = 4711;
    zmq_timers_execute (timers);
    zmq_timers_timeout (timers);
    zmq_timers_reset (timers, 1);
    zmq_timers_cancel (timers, 1);
    end_timers ();
    CHECK_INT (errno, 4711);
}

#define CHECK_REFUSED(HANDLE)                                                  \
    do {                                                                       \
        void *handle_ = (HANDLE), *same_ = handle_;                            \
        CHECK_ERR (zmq_timers_add (handle_, 1, note, NULL), EFAULT);           \
        CHECK_ERR (zmq_timers_cancel (handle_, 1), EFAULT);                    \
        CHECK_ERR (zmq_timers_set_interval (handle_, 1, 1), EFAULT);           \
        CHECK_ERR (zmq_timers_reset (handle_, 1), EFAULT);                     \
        CHECK_ERR (zmq_timers_timeout (handle_), EFAULT);                      \
        CHECK_ERR (zmq_timers_execute (handle_), EFAULT);                      \
        CHECK_ERR (zmq_timers_destroy (&same_), EFAULT);                       \
        CHECK (same_ == handle_);                                              \
    } while (0)

TEST (what_is_no_handle)
{
    static uint64_t memory[1024];
    CHECK_REFUSED (NULL);
    CHECK_REFUSED (memory);
    if (on_oracle ())
        return; /* it reads what the handle points to */
    CHECK_REFUSED ((void *) 8);
    CHECK_REFUSED ((void *) 0xdeadbeefUL);
    CHECK_REFUSED ((void *) UINTPTR_MAX);
    CHECK_REFUSED ((char *) memory + 3);
    CHECK_ERR (zmq_timers_destroy (NULL), EFAULT);
    void *context = zmq_ctx_new ();
    CHECK_REFUSED (context);
    CHECK_OK (zmq_ctx_term (context));
}

TEST (destroyed_handles)
{
    begin_timers ();
    void *gone = timers;
    add (1, note);
    end_timers ();
    CHECK_ERR (zmq_timers_destroy (&timers), EFAULT);
    if (on_oracle ())
        return; /* it reads freed memory */
    CHECK_REFUSED (gone);
    let_pass (1);
    CHECK_ERR (zmq_timers_execute (gone), EFAULT);
    CHECK_INT (runs, 0);
    begin_timers ();
    CHECK_REFUSED (gone);
    CHECK_REFUSED ((char *) timers + 1);
    end_timers ();
}

TEST (a_handler_is_needed)
{
    begin_timers ();
    CHECK_ERR (zmq_timers_add (timers, 1, NULL, NULL), EFAULT);
    CHECK_INT (zmq_timers_timeout (timers), -1);
    CHECK_INT (add (1, note), 1);
    end_timers ();
}

TEST (many_timers_and_many_objects)
{
    enum { MANY = 2000 };
    static void *objects[MANY];
    int wrong = 0;
    for (int i = 0; i < MANY; i++) {
        wrong += (objects[i] = zmq_timers_new ()) == NULL;
        wrong += zmq_timers_add (objects[i], 1, note, NULL) != 1;
    }
    let_pass (1);
    for (int i = 0; i < MANY; i++) {
        wrong += zmq_timers_execute (objects[i]) != 0;
        wrong += zmq_timers_destroy (&objects[i]) != 0;
    }
    CHECK_INT (wrong, 0);
    CHECK_INT (runs, MANY);
    begin_timers ();
    for (int i = 0; i < MANY; i++)
        wrong += add ((size_t) (1 + i % 7), note) != i + 1;
    let_pass (7);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (runs, MANY);
    for (int i = 0; i < MANY; i += 2)
        wrong += zmq_timers_cancel (timers, i + 1) != 0;
    let_pass (7);
    CHECK_OK (zmq_timers_execute (timers));
    CHECK_INT (runs, MANY + MANY / 2);
    CHECK_INT (wrong, 0);
    end_timers ();
}

MAIN
