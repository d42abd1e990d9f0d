/* SPDX-License-Identifier: MIT */

/* Rules A: generators. */

#include "gen_bodies.h"
#include "harness/harness.h"
#include "sync_helpers.h"

#include <weft.h>

#include <fenv.h>

/* ---- A01 ---- */

static int yield_who_i_am(weft_gen *self, void *arg)
{
    const bool *consumer_runs = arg;
    for (int i = 0; i < 3; i++) {
        CHECK(!*consumer_runs);
        weft_task me = weft_self();
        WEFT_TRY(weft_gen_yield(self, &me));
    }
    CHECK(!*consumer_runs);
    return 0;
}

TASK_TEST(test_A01_the_body_runs_as_the_consumers_task_and_never_beside_it)
{
    bool consumer_runs = false;
    weft_gen *gen = weft_gen_open(yield_who_i_am, &consumer_runs);
    weft_task who;
    int rc, count = 0;
    while ((rc = weft_gen_next(gen, &who)) > 0) {
        consumer_runs = true;
        CHECK_EQ(who.id, weft_self().id);
        CHECK_OK(weft_yield());
        consumer_runs = false;
        count++;
    }
    CHECK_EQ(rc, 0);
    CHECK_EQ(count, 3);
    CHECK_EQ(weft_gen_close(gen), 0);
}

TASK_TEST(test_A01_the_consumers_deadline_is_the_bodys)
{
    struct counter counter = {.count = 5, .pause = WEFT_SEC};
    int sum = 0;
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(2500 * WEFT_MS), 0));
    int rc = add_up(weft_gen_open(count_up, &counter), &sum);
    CHECK_EQ(rc, -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
    CHECK_EQ(sum, 1); /* 0 and 1 came in time */
    CHECK_EQ(counter.told, -ECANCELED);
    CHECK_EQ(counter.cleaned, 1);
}

TASK_TEST(test_A01_others_run_while_the_body_waits)
{
    struct counter counter = {.count = 3, .pause = WEFT_SEC};
    int ticks = 0, sum = 0;
    weft_task other = weft_spawn(tick, &ticks);
    CHECK_OK(add_up(weft_gen_open(count_up, &counter), &sum));
    CHECK_EQ(sum, 3);
    CHECK_GE(ticks, 5);
    CHECK_OK(weft_await(other));
}

static int spawn_and_yield(weft_gen *self, void *arg)
{
    weft_task child = weft_spawn(tick, arg);
    return weft_gen_yield(self, &child);
}

TASK_TEST(test_A01_what_the_body_spawns_is_the_consumers_child)
{
    int ticks = 0, rc;
    weft_task child = {0};
    weft_foreach(rc, child, weft_gen_open(spawn_and_yield, &ticks)) CHECK_EQ(ticks, 0);
    CHECK_OK(rc);
    CHECK_OK(weft_await(child));
    CHECK_EQ(ticks, 8);
}

/* As in a call, the rounding is the caller's. */
static int yield_rounding(weft_gen *self, void *arg)
{
    (void)arg;
    for (;;) {
        int rounding = fegetround();
        WEFT_TRY(weft_gen_yield(self, &rounding));
    }
}

TASK_TEST(test_A01_a_step_is_like_a_call_to_the_floating_point_unit)
{
    weft_gen *gen = weft_gen_open(yield_rounding, NULL);
    const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_TOWARDZERO};
    for (int i = 0; i < 6; i++) {
        int seen;
        fesetround(modes[i % 3]);
        CHECK_EQ(weft_gen_next(gen, &seen), 1);
        CHECK_EQ(seen, modes[i % 3]);
        CHECK_OK(weft_yield());
        CHECK_EQ(fegetround(), modes[i % 3]);
    }
    fesetround(FE_TONEAREST);
    CHECK_OK(weft_gen_close(gen));
}

/* ---- A02 ---- */

TASK_TEST(test_A02_the_body_starts_at_the_first_next)
{
    struct counter counter = {.count = 1};
    weft_gen *gen = weft_gen_open(count_up, &counter);
    CHECK_OK(weft_yield());
    CHECK_EQ(counter.started, 0);
    int value;
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_EQ(counter.started, 1);
    CHECK_OK(weft_gen_close(gen));
}

TASK_TEST(test_A02_never_started_is_closed_without_running)
{
    struct counter counter = {.count = 1, .clean_up_rc = -EIO, .result = -EIO};
    CHECK_EQ(weft_gen_close(weft_gen_open(count_up, &counter)), 0);
    CHECK_EQ(counter.started, 0);
    CHECK_EQ(weft_gen_close(NULL), 0);
}

/* ---- A03 ---- */

TASK_TEST(test_A03_values_then_the_end_for_ever)
{
    struct counter counter = {.count = 3, .result = 5};
    weft_gen *gen = weft_gen_open(count_up, &counter);
    int value = -1;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weft_gen_next(gen, &value), 1);
        CHECK_EQ(value, i);
    }
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_gen_next(gen, &value), 0);
    CHECK_EQ(value, 2); /* untouched */
    CHECK_EQ(weft_gen_close(gen), 5);
}

static int fail_after_one(weft_gen *self, void *arg)
{
    WEFT_TRY(weft_gen_yield(self, (int *)arg));
    return weft_fail(-EIO, "the disk is gone");
}

TASK_TEST(test_A03_the_bodys_error_for_ever_with_its_text)
{
    int value = 7;
    weft_gen *gen = weft_gen_open(fail_after_one, &value);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_gen_next(gen, &value), -EIO);
    CHECK_STR(weft_error_text(), "the disk is gone");
    CHECK_EQ(weft_gen_close(gen), -EIO);
}

TASK_TEST(test_A03_foreach_hands_up_the_bodys_error)
{
    int value = 7, sum = 0;
    CHECK_EQ(add_up(weft_gen_open(fail_after_one, &value), &sum), -EIO);
    CHECK_EQ(sum, 7);
    CHECK_STR(weft_error_text(), "the disk is gone");
}

static int return_nonsense(weft_gen *self, void *arg)
{
    (void)self;
    (void)arg;
    return -5000;
}

TASK_TEST(test_E04_a_result_below_4095_becomes_eproto)
{
    int value;
    weft_gen *gen = weft_gen_open(return_nonsense, NULL);
    CHECK_EQ(weft_gen_next(gen, &value), -EPROTO);
    CHECK_EQ(weft_gen_close(gen), -EPROTO);
}

/* ---- C, F: next is a suspension point ---- */

TASK_TEST(test_C02_next_in_a_cancelled_scope_does_nothing)
{
    struct counter counter = {.count = 2};
    weft_gen *gen = weft_gen_open(count_up, &counter);
    int value = -1;
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "test");
    CHECK_EQ(weft_gen_next(gen, &value), -ECANCELED);
    CHECK_EQ(weft_gen_next(gen, &value), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);
    CHECK_EQ(counter.started, 0);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_EQ(value, 0);
    CHECK_OK(weft_gen_close(gen));
}

static int cancel_oneself(weft_gen *self, void *arg)
{
    (void)weft_cancel(weft_self(), "from inside");
    return weft_gen_yield(self, (int *)arg);
}

static int consume_self_canceller(void *arg)
{
    int value = 0;
    weft_gen *gen = weft_gen_open(cancel_oneself, arg);
    CHECK_EQ(weft_gen_next(gen, &value), 1); /* handed over: it has happened */
    CHECK_EQ(value, *(int *)arg);
    CHECK_EQ(weft_gen_next(gen, &value), -ECANCELED);
    CHECK_EQ(weft_gen_close(gen), 0);
    return 0;
}

TASK_TEST(test_C03_a_yield_hands_over_also_in_a_cancelled_scope)
{
    int value = 3;
    CHECK_OK(weft_await(weft_spawn(consume_self_canceller, &value)));
}

static int set_flag(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int for_ever(weft_gen *self, void *arg)
{
    for (;;)
        WEFT_TRY(weft_gen_yield(self, (bool *)arg));
}

TASK_TEST(test_F03_a_body_that_never_waits_lets_others_run)
{
    bool flag = false, seen;
    int rc, steps = 0;
    weft_spawn(set_flag, &flag);
    weft_foreach(rc, seen, weft_gen_open(for_ever, &flag))
    {
        if (seen || ++steps == 1000)
            break;
    }
    CHECK_OK(rc);
    CHECK(flag);
    CHECK_LE(steps, 129);
}

/* ---- A04 ---- */

struct told {
    int first, second;
};

static int yield_short(weft_gen *self, void *arg)
{
    struct told *told = arg;
    short value = 1;
    told->first = weft_gen_yield(self, &value);
    told->second = weft_gen_yield(self, &value);
    return 0;
}

TASK_TEST(test_A04_sizes_that_differ_close_the_generator)
{
    struct told told = {0};
    long value = 77;
    weft_gen *gen = weft_gen_open(yield_short, &told);
    CHECK_EQ(weft_gen_next(gen, &value), -EINVAL);
    CHECK_EQ(value, 77);
    CHECK_EQ(told.first, -EINVAL);
    CHECK_EQ(told.second, -EPROTO);
    CHECK_EQ(weft_gen_next(gen, &value), -EINVAL);
    CHECK_EQ(weft_gen_close(gen), -EINVAL);
}

struct wide {
    char bytes[1000];
};

static int yield_wide(weft_gen *self, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        struct wide value;
        memset(&value, 'a' + i, sizeof value);
        WEFT_TRY(weft_gen_yield(self, &value));
    }
    return 0;
}

static int yield_nothing(weft_gen *self, void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        WEFT_TRY(weft_gen_yield_sized(self, NULL, 0));
    return 0;
}

TASK_TEST(test_A04_values_may_be_of_any_size)
{
    struct wide value, wanted;
    int rc, i = 0;
    weft_foreach(rc, value, weft_gen_open(yield_wide, NULL))
    {
        memset(&wanted, 'a' + i++, sizeof wanted);
        CHECK_BYTES(&value, sizeof value, &wanted, sizeof wanted);
    }
    CHECK_OK(rc);
    CHECK_EQ(i, 3);

    weft_gen *signals = weft_gen_open_copy(yield_nothing, (int){4});
    for (i = 0; (rc = weft_gen_next_sized(signals, NULL, 0)) > 0; i++)
        continue;
    CHECK_EQ(rc, 0);
    CHECK_EQ(i, 4);
    CHECK_OK(weft_gen_close(signals));
}

TASK_TEST(test_A_the_copied_argument_outlives_its_source)
{
    struct counter counter = {.count = 4};
    weft_gen *gen = weft_gen_open_copy(count_up, counter);
    counter.count = 0;
    int sum = 0;
    CHECK_OK(add_up(gen, &sum));
    CHECK_EQ(sum, 6);
}

/* ---- A05 ---- */

static int yield_in_scope(weft_gen *self, void *arg)
{
    struct told *told = arg;
    int value = 1;
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    told->first = weft_gen_yield(self, &value);
    CHECK_OK(weft_scope_close(&scope, 0));
    weft_group group = weft_group_open();
    told->second = weft_gen_yield(self, &value);
    CHECK_OK(weft_group_wait(group));
    value = 2;
    int rc = weft_gen_yield(self, &value);
    weft_group_end_(&group);
    return rc;
}

TASK_TEST(test_A05_no_yield_with_a_scope_or_group_of_its_own_open)
{
    struct told told = {0};
    int value;
    weft_gen *gen = weft_gen_open(yield_in_scope, &told);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_EQ(value, 2); /* 1 was never yielded */
    CHECK_EQ(told.first, -EBUSY);
    CHECK_EQ(told.second, -EBUSY);
    CHECK_EQ(weft_gen_next(gen, &value), 0);
    CHECK_OK(weft_gen_close(gen));
}

TASK_TEST(test_A05_the_consumer_may_open_and_close_scopes_between_steps)
{
    struct counter counter = {.count = 4, .pause = WEFT_MS};
    weft_gen *gen = weft_gen_open(count_up, &counter);
    int value;
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    {
        WEFT_TIMEOUT(limit, WEFT_SEC);
        CHECK_EQ(weft_gen_next(gen, &value), 1);
        WEFT_GROUP(group);
        CHECK(group.id != 0);
        CHECK_EQ(weft_gen_next(gen, &value), 1);
    }
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_EQ(value, 3);
    CHECK_OK(weft_gen_close(gen));
}

static int leave_scope_open(weft_gen *self, void *arg)
{
    (void)self;
    return weft_scope_open(arg, WEFT_FOREVER, 0);
}

static int close_scope_of_consumer(weft_gen *self, void *arg)
{
    (void)self;
    return weft_scope_close(arg, 0);
}

TASK_TEST(test_S01_a_body_that_gets_scopes_wrong_is_told_and_survived)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("generator closed while an inner scope is still open");
    weft_scope outer, scope;
    int value;
    CHECK_OK(weft_scope_open(&outer, WEFT_FOREVER, 0));
    weft_gen *gen = weft_gen_open(leave_scope_open, &scope);
    CHECK_EQ(weft_gen_next(gen, &value), 0);
    CHECK_OK(weft_gen_close(gen));
    CHECK_OK(weft_scope_close(&outer, 0)); /* is the innermost again */

    CHECK_OK(weft_scope_open(&outer, WEFT_FOREVER, 0));
    gen = weft_gen_open(close_scope_of_consumer, &outer);
    CHECK_EQ(weft_gen_next(gen, &value), 0);
    CHECK_OK(weft_gen_close(gen));
    CHECK_OK(weft_sleep(WEFT_MS));
}

/* ---- A06 ---- */

TASK_TEST(test_A06_close_wakes_the_pending_yield_and_waits_for_the_body)
{
    struct counter counter = {.count = 9, .clean_up_pause = WEFT_SEC};
    weft_gen *gen = weft_gen_open(count_up, &counter);
    int value;
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    weft_time start = weft_now();
    CHECK_EQ(weft_gen_close(gen), 0); /* its -ECANCELED is no error */
    CHECK_EQ(counter.told, -ECANCELED);
    CHECK_EQ(counter.cleaned, 1);
    CHECK_GE(weft_now() - start, WEFT_SEC);
}

TASK_TEST(test_A06_close_returns_the_bodys_result)
{
    for (int i = 0; i < 2; i++) {
        struct counter counter = {.count = 9, .clean_up_rc = i == 0 ? -EIO : 6};
        weft_gen *gen = weft_gen_open(count_up, &counter);
        int value;
        CHECK_EQ(weft_gen_next(gen, &value), 1);
        CHECK_EQ(weft_gen_close(gen), counter.clean_up_rc);
    }
}

static int yield_all_the_same(weft_gen *self, void *arg)
{
    struct told *told = arg;
    int value = 1;
    told->first = weft_gen_yield(self, &value);
    told->second = weft_gen_yield(self, &value);
    CHECK_EQ(weft_gen_yield(self, &value), -EPROTO);
    return told->second;
}

TASK_TEST(test_A06_a_further_yield_is_refused)
{
    struct told told = {0};
    weft_gen *gen = weft_gen_open(yield_all_the_same, &told);
    int value;
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_EQ(weft_gen_close(gen), -EPROTO);
    CHECK_EQ(told.first, -ECANCELED);
    CHECK_EQ(told.second, -EPROTO);
}

static int sleep_when_told(weft_gen *self, void *arg)
{
    struct told *told = arg;
    told->first = weft_gen_yield(self, &(int){1});
    told->second = weft_sleep(WEFT_SEC);
    return told->second;
}

TASK_TEST(test_A06_waits_of_the_clean_up_are_subject_to_the_callers_scopes)
{
    struct told told = {0};
    int value;
    weft_gen *gen = weft_gen_open(sleep_when_told, &told);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_OK(weft_gen_close(gen));
    CHECK_EQ(told.second, 0);

    gen = weft_gen_open(sleep_when_told, &told);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "test");
    CHECK_EQ(weft_gen_close(gen), 0); /* C10: closed all the same */
    CHECK_EQ(weft_scope_close(&scope, 0), 0);
    CHECK_EQ(told.second, -ECANCELED);
}

static int cancelled_while_it_closes(void *arg)
{
    struct counter *counter = arg;
    int value;
    weft_gen *gen = weft_gen_open(count_up, counter);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_OK(weft_gen_close(gen));
    return weft_check();
}

TASK_TEST(test_C10_a_cancel_does_not_cut_a_close_short)
{
    struct counter counter = {.count = 3, .clean_up_pause = WEFT_SEC};
    weft_task task = start(cancelled_while_it_closes, &counter);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(counter.cleaned, 1);
}

/* ---- A07 ---- */

static int leave_by_return(struct counter *counter)
{
    int rc, value;
    weft_foreach(rc, value, weft_gen_open(count_up, counter))
    {
        if (value == 1)
            return counter->cleaned; /* read before the generator is closed */
    }
    return rc;
}

static int leave_by_goto(struct counter *counter)
{
    int rc, value;
    weft_foreach(rc, value, weft_gen_open(count_up, counter))
    {
        if (value == 1)
            goto out;
    }
out:
    return counter->cleaned;
}

TASK_TEST(test_A07_foreach_closes_however_it_is_left)
{
    struct counter at_end = {.count = 3}, by_break = at_end, by_return = at_end, by_goto = at_end;
    int rc, value = -1;
    weft_foreach(rc, value, weft_gen_open(count_up, &at_end)) continue;
    CHECK_EQ(rc, 0);
    CHECK_EQ(value, 2);

    weft_foreach(rc, value, weft_gen_open(count_up, &by_break))
    {
        if (value == 1)
            break;
    }
    CHECK_EQ(by_break.cleaned, 1); /* before this statement */
    CHECK_EQ(by_break.told, -ECANCELED);
    CHECK_EQ(rc, 0);

    CHECK_EQ(leave_by_return(&by_return), 0);
    CHECK_EQ(by_return.cleaned, 1);
    CHECK_EQ(leave_by_goto(&by_goto), 1);
}

TASK_TEST(test_A07_after_a_break_rc_is_the_error_of_the_clean_up)
{
    struct counter counter = {.count = 3, .clean_up_rc = -EIO};
    int rc, value;
    weft_foreach(rc, value, weft_gen_open(count_up, &counter)) break;
    CHECK_EQ(rc, -EIO);
}

TASK_TEST(test_A07_loops_nest)
{
    int rc, row, column, sum = 0;
    weft_foreach(rc, row, weft_gen_open_copy(count_up, (struct counter){.count = 4}))
    {
        int inner_rc;
        weft_foreach(inner_rc, column, weft_gen_open_copy(count_up, (struct counter){.count = 9}))
        {
            if (column > row)
                break;
            sum += 10 * row + column;
        }
        CHECK_OK(inner_rc);
    }
    CHECK_OK(rc);
    CHECK_EQ(sum, 0 + (10 + 11) + (20 + 21 + 22) + (30 + 31 + 32 + 33));
}

TEST(test_L04_a_generator_outside_a_task_is_refused)
{
    struct counter counter = {.count = 3};
    int rc, value;
    CHECK(weft_gen_open(count_up, &counter) == NULL);
    weft_foreach(rc, value, weft_gen_open(count_up, &counter)) FAIL("a value from nowhere");
    CHECK_EQ(rc, -EPERM);
    CHECK_EQ(counter.started, 0);
}
