/* SPDX-License-Identifier: MIT */

/* Rules A: who asks a generator, who owns it, and the sweeps. */

#include "harness/harness.h"

#include "base/sys.h"
#include "gen_bodies.h"
#include "sync_helpers.h"

#include <weft.h>

#include "base/checkers.h"

#if WF_HAS_VALGRIND
#include <valgrind/memcheck.h>
#endif

/* ---- A08, A09 ---- */

struct turn {
    weft_gen *gen;
    int rc, value;
};

static int take_turn(void *arg)
{
    struct turn *turn = arg;
    turn->rc = weft_gen_next(turn->gen, &turn->value);
    return 0;
}

TASK_TEST(test_A08_tasks_take_turns)
{
    struct counter counter = {.count = 4, .pause = WEFT_SEC};
    weft_gen *gen = weft_gen_open(count_up, &counter);
    for (int i = 0; i < 4; i++) {
        struct turn turn = {.gen = gen};
        CHECK_OK(weft_await(weft_spawn(take_turn, &turn)));
        CHECK_EQ(turn.rc, 1);
        CHECK_EQ(turn.value, i);
    }
    CHECK_OK(weft_gen_close(gen));
}

TASK_TEST(test_A08_one_step_at_a_time)
{
    struct counter counter = {.count = 4, .pause = WEFT_SEC};
    struct turn turn = {.gen = weft_gen_open(count_up, &counter)};
    weft_task first = start(take_turn, &turn); /* in the body, which sleeps */
    int value;
    CHECK_EQ(weft_gen_next(turn.gen, &value), -EBUSY);
    CHECK_EQ(weft_gen_close(turn.gen), -EBUSY);
    CHECK_EQ(weft_gen_yield(turn.gen, &value), -EPERM);
    CHECK_OK(weft_await(first));
    CHECK_EQ(turn.rc, 1);
    CHECK_EQ(weft_gen_yield(turn.gen, &value), -EPERM); /* we are not its body */
    CHECK_EQ(weft_gen_next(turn.gen, &value), 1);
    CHECK_EQ(value, 1);
    CHECK_OK(weft_gen_close(turn.gen));
}

static int use_elsewhere(void *arg)
{
    int value;
    CHECK_EQ(weft_gen_next((weft_gen *)arg, &value), -EPERM);
    CHECK_EQ(weft_gen_yield((weft_gen *)arg, &value), -EPERM);
    CHECK_EQ(weft_gen_close(arg), -EPERM);
    return 0;
}

TASK_TEST(test_A08_a_generator_of_another_loop_is_refused)
{
    struct counter counter = {.count = 4};
    weft_gen *gen = weft_gen_open(count_up, &counter);
    int value;
    CHECK_OK(run_elsewhere(use_elsewhere, gen));
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_OK(run_elsewhere(use_elsewhere, gen));
    CHECK_OK(weft_gen_close(gen));
}

static int ask_oneself(weft_gen *self, void *arg)
{
    (void)arg;
    int value;
    CHECK_EQ(weft_gen_next(self, &value), -EBUSY);
    CHECK_EQ(weft_gen_close(self), -EBUSY);
    value = 8;
    return weft_gen_yield(self, &value);
}

TASK_TEST(test_A09_next_and_close_from_inside_itself_are_refused)
{
    int sum = 0;
    CHECK_OK(add_up(weft_gen_open(ask_oneself, NULL), &sum));
    CHECK_EQ(sum, 8);
}

static int yield_for_outer(weft_gen *self, void *arg)
{
    weft_gen *outer = arg;
    int value = 1;
    CHECK_EQ(weft_gen_yield(outer, &value), -EPERM);
    CHECK_EQ(weft_gen_next(outer, &value), -EBUSY);
    return weft_gen_yield(self, &value);
}

static int consume_inside(weft_gen *self, void *arg)
{
    (void)arg;
    int sum = 0;
    WEFT_TRY(add_up(weft_gen_open(yield_for_outer, self), &sum));
    return weft_gen_yield(self, &sum);
}

TASK_TEST(test_A09_only_the_innermost_body_yields)
{
    int sum = 0;
    CHECK_OK(add_up(weft_gen_open(consume_inside, NULL), &sum));
    CHECK_EQ(sum, 1);
}

/* A chain of `depth` generators, each adding one to what the next deeper one yields. */
struct chain {
    int depth;
    int *closed;
};

static int add_one(weft_gen *self, void *arg)
{
    const struct chain *chain = arg;
    struct chain deeper = {chain->depth - 1, chain->closed};
    int rc = 0, value;
    if (chain->depth == 0) {
        for (value = 0; rc == 0; value++) {
            rc = weft_sleep(WEFT_MS);
            if (rc == 0)
                rc = weft_gen_yield(self, &value);
        }
    } else {
        weft_foreach(rc, value, weft_gen_open(add_one, &deeper))
        {
            value++;
            rc = weft_gen_yield(self, &value);
            if (rc < 0)
                break;
        }
    }
    ++*chain->closed;
    return rc;
}

TASK_TEST(test_A09_generators_nest_1000_deep)
{
    int rc, value, wanted = 1000, closed = 0;
    struct chain chain = {1000, &closed};
    weft_foreach(rc, value, weft_gen_open(add_one, &chain))
    {
        CHECK_EQ(value, wanted);
        if (++wanted == 1005)
            break;
    }
    CHECK_OK(rc);
    CHECK_EQ(closed, 1001);
}

TASK_TEST(test_A09_a_cancel_unwinds_a_chain)
{
    int closed = 0, rc, value;
    struct chain chain = {50, &closed};
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(10 * WEFT_MS + WEFT_MS / 2), 0));
    weft_foreach(rc, value, weft_gen_open(add_one, &chain)) CHECK_LT(value, 60);
    CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
    CHECK_EQ(closed, 51);
}

/* ---- A10 ---- */

struct lines {
    int count;
    char last[512];
};

static void log_line(const char *line, void *arg)
{
    struct lines *lines = arg;
    lines->count++;
    snprintf(lines->last, sizeof lines->last, "%s", line);
}

static int run_logging(weft_fn *fn, void *arg, struct lines *lines)
{
    weft_config config = test_config();
    config.log = log_line;
    config.log_arg = lines;
    return weft_run_with(&config, fn, arg);
}

static int leave_three_open(void *arg)
{
    struct counter *counters = arg;
    int value;
    CHECK(weft_gen_open(count_up, &counters[0]) != NULL);
    for (int i = 1; i < 3; i++)
        CHECK_EQ(weft_gen_next(weft_gen_open(count_up, &counters[i]), &value), 1);
    return 4;
}

static int main_A10(void *arg)
{
    return weft_await(weft_spawn(leave_three_open, arg));
}

RUN_TEST(test_A10_what_is_open_at_the_openers_end_is_closed_and_reported)
{
    struct counter counters[3] = {
        {.count = 5},
        {.count = 5, .clean_up_pause = WEFT_SEC},
        {.count = 1},
    };
    struct lines lines = {0};
    CHECK_EQ(run_logging(main_A10, counters, &lines), 4);
    CHECK_EQ(lines.count, 3);
    CHECK(strstr(lines.last, "count_up at ") != NULL);
    CHECK(strstr(lines.last, "gen_owner_test.c:") != NULL);
    CHECK_EQ(counters[0].started, 0);
    CHECK_EQ(counters[1].cleaned, 1);
    CHECK_EQ(counters[2].cleaned, 1);
}

/* The frame of the finished body, to which a child points, is as it was. */
static int child_reads_frame(void *arg)
{
    int rc = weft_sleep(2 * WEFT_SEC);
#if WF_HAS_VALGRIND /* which takes a body that has returned for gone */
    (void)VALGRIND_MAKE_MEM_DEFINED(arg, sizeof(int));
#endif
    CHECK_EQ(*(int *)arg, 4711);
    return rc;
}

static int opener_with_child(void *arg)
{
    int frame = 4711, value;
    weft_spawn(child_reads_frame, &frame);
    CHECK_EQ(weft_gen_next(weft_gen_open(count_up, arg), &value), 1);
    return 0;
}

TASK_TEST(test_A10_children_are_joined_before_the_generators_are_closed)
{
    struct counter counter = {.count = 5, .clean_up_pause = WEFT_SEC};
    weft_time start = weft_now();
    CHECK_OK(weft_await(weft_spawn(opener_with_child, &counter)));
    CHECK_EQ(counter.cleaned, 1);
    CHECK_GE(weft_now() - start, 3 * WEFT_SEC);
}

/* Takes the stack of the task that ended last, and looks whether it is left alone. */
static int hold_stack(void *arg)
{
    char bytes[4096];
    memset(bytes, 'x', sizeof bytes);
    WEFT_TRY(weft_sleep(WEFT_SEC));
    for (size_t i = 0; i < sizeof bytes; i++)
        CHECK_EQ(bytes[i], 'x');
    *(bool *)arg = true;
    return 0;
}

struct stale {
    struct counter counter;
    bool is_intact;
};

static int opener_with_a_consumer_that_is_gone(void *arg)
{
    struct stale *stale = arg;
    struct turn turn = {.gen = weft_gen_open(count_up, &stale->counter)};
    CHECK_OK(weft_await(weft_spawn(take_turn, &turn)));
    weft_detach(hold_stack, &stale->is_intact);
    return weft_yield();
}

TASK_TEST(test_A10_the_end_runs_on_no_stack_of_a_consumer_that_is_gone)
{
    struct stale stale = {.counter = {.count = 5}};
    CHECK_OK(weft_await(weft_spawn(opener_with_a_consumer_that_is_gone, &stale)));
    CHECK_EQ(stale.counter.cleaned, 1);
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK(stale.is_intact);
}

static int clean_up_spawns(weft_gen *self, void *arg)
{
    int value = 1;
    int rc = weft_gen_yield(self, &value);
    weft_spawn(tick, arg); /* a child of the task that ends; it is joined too */
    return rc;
}

static int opener_of_spawner(void *arg)
{
    int value;
    return weft_gen_next(weft_gen_open(clean_up_spawns, arg), &value);
}

TASK_TEST(test_T17_a_clean_up_at_the_end_of_a_task_may_spawn)
{
    int ticks = 0;
    CHECK_EQ(weft_await(weft_spawn(opener_of_spawner, &ticks)), 1);
    CHECK_EQ(ticks, 8);
}

struct shared {
    struct counter counter;
    weft_gen *gen;
    struct turn turn;
};

static int open_and_leave(void *arg)
{
    struct shared *shared = arg;
    shared->gen = weft_gen_open(count_up, &shared->counter);
    return weft_sleep(WEFT_MS);
}

static int step_of_a_sibling(void *arg)
{
    struct shared *shared = arg;
    shared->turn.gen = shared->gen;
    return take_turn(&shared->turn);
}

TASK_TEST(test_A10_in_the_middle_of_a_step_it_goes_to_the_one_who_makes_it)
{
    struct shared shared = {.counter = {.count = 5, .pause = WEFT_SEC}};
    weft_task opener = start(open_and_leave, &shared);
    weft_task sibling = start(step_of_a_sibling, &shared);
    CHECK_OK(weft_await(opener)); /* gone, while the body sleeps */
    CHECK_EQ(shared.counter.cleaned, 0);
    CHECK_OK(weft_await(sibling));
    CHECK_EQ(shared.turn.rc, 1);
    CHECK_EQ(shared.counter.cleaned, 1);
}

static int open_and_fail(void *arg)
{
    int value;
    CHECK_EQ(weft_gen_next(weft_gen_open(count_up, arg), &value), 1);
    return -EIO;
}

TASK_TEST(test_A10_also_in_a_group_whose_member_fails)
{
    struct counter counter = {.count = 5, .clean_up_pause = WEFT_SEC};
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, open_and_fail, &counter));
    CHECK_EQ(weft_group_wait(group), -EIO);
    CHECK_EQ(counter.cleaned, 1);
}

static int detached_opener(void *arg)
{
    int value;
    CHECK_EQ(weft_gen_next(weft_gen_open(count_up, arg), &value), 1);
    return weft_sleep(100 * WEFT_SEC);
}

static int main_K03(void *arg)
{
    weft_detach(detached_opener, arg);
    return weft_yield();
}

RUN_TEST(test_K03_generators_of_detached_tasks_are_closed_at_shutdown)
{
    struct counter counter = {.count = 5};
    struct lines lines = {0};
    CHECK_OK(run_logging(main_K03, &counter, &lines));
    CHECK_EQ(counter.cleaned, 1);
    CHECK_EQ(lines.count, 1);
}

/* ---- O02 ---- */

static int consume_twice_removed(weft_gen *self, void *arg)
{
    int sum = 0;
    WEFT_TRY(add_up(weft_gen_open(count_up, arg), &sum));
    return weft_gen_yield(self, &sum);
}

static int consume_nested(void *arg)
{
    int sum = 0;
    return add_up(weft_gen_open(consume_twice_removed, arg), &sum);
}

TASK_TEST(test_O02_the_dump_shows_in_which_generators_a_task_waits)
{
    int fds[2];
    char text[2048] = "";
    struct counter counter = {.count = 2, .pause = WEFT_SEC};
    weft_task task = weft_spawn(consume_nested, &counter);
    CHECK_OK(weft_yield());
    CHECK_OK(wf_sys_pipe(fds)); /* of the simulated world, there */
    weft_dump(fds[1]);
    CHECK_OK(weft_close(fds[1]));
    for (ssize_t got = 1, len = 0; got > 0; len += got)
        got = weft_read(fds[0], text + len, sizeof text - 1 - (size_t)len);
    CHECK_OK(weft_close(fds[0]));
    CHECK_OK(weft_await(task));
    note("%s", text);
    const char *at = strstr(text, "task consume_nested");
    CHECK(at != NULL);
    at = strstr(at, "in generator opened: count_up at ");
    CHECK(at != NULL);
    CHECK(strstr(at, "in generator opened: consume_twice_removed at ") != NULL);
}

/* ---- generators that own generators ---- */

static int leave_inner_open(weft_gen *self, void *arg)
{
    int value;
    CHECK_EQ(weft_gen_next(weft_gen_open(count_up, arg), &value), 1);
    return weft_gen_yield(self, &value);
}

static int main_leaves_inner_open(void *arg)
{
    struct counter *counter = arg;
    weft_gen *gen = weft_gen_open(leave_inner_open, arg);
    int value;
    int cleaned = counter->cleaned;
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_EQ(counter->cleaned, cleaned);
    CHECK_EQ(weft_gen_next(gen, &value), 0);
    CHECK_EQ(counter->cleaned, cleaned + 1);
    return weft_gen_close(gen);
}

RUN_TEST(test_A10_what_a_body_leaves_open_is_closed_with_it_and_reported)
{
    struct counter counter = {.count = 5, .clean_up_pause = WEFT_SEC};
    struct lines lines = {0};
    CHECK_OK(run_logging(main_leaves_inner_open, &counter, &lines));
    CHECK_EQ(lines.count, 1);
    CHECK(strstr(lines.last, "opener ends; opened: count_up at ") != NULL);
}

static int hand_on(weft_gen *self, void *arg)
{
    int rc, value;
    while ((rc = weft_gen_next((weft_gen *)arg, &value)) > 0)
        WEFT_TRY(weft_gen_yield(self, &value));
    return rc;
}

static weft_gen *open_given(struct counter *counter)
{
    weft_gen *source = weft_gen_open(count_up, counter);
    weft_gen *gen = weft_gen_open(hand_on, source);
    weft_gen_give(source, gen);
    return gen;
}

static int main_given(void *arg)
{
    struct counter *counters = arg;
    int value;
    CHECK_OK(weft_gen_close(open_given(&counters[0]))); /* never started */

    weft_gen *gen = open_given(&counters[1]);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    CHECK_OK(weft_gen_close(gen));
    CHECK_EQ(counters[1].cleaned, 1);

    weft_gen *source = weft_gen_open(count_up, &counters[2]);
    CHECK_EQ(weft_gen_next(source, &value), 1);
    gen = weft_gen_open(hand_on, source);
    weft_gen_give(source, gen);
    CHECK_OK(weft_gen_close(gen)); /* this did not start, its source had */
    CHECK_EQ(counters[2].cleaned, 1);
    return 0;
}

RUN_TEST(test_A_a_generator_given_to_another_is_closed_with_it)
{
    struct lines lines = {0};
    struct counter counters[3] = {{.count = 3}, {.count = 3}, {.count = 3}};
    CHECK_OK(run_logging(main_given, counters, &lines));
    CHECK_EQ(counters[0].started, 0);
    CHECK_EQ(lines.count, 0);
}

static int leave_given_open(void *arg)
{
    int value;
    weft_gen *source = weft_gen_open(count_up, arg);
    CHECK_EQ(weft_gen_next(source, &value), 1);
    weft_gen_give(source, weft_gen_open(hand_on, source));
    return 0;
}

TASK_TEST(test_A10_what_was_given_to_one_that_never_started_is_closed_too)
{
    struct counter counter = {.count = 5, .clean_up_pause = WEFT_SEC};
    CHECK_OK(weft_await(weft_spawn(leave_given_open, &counter)));
    CHECK_EQ(counter.cleaned, 1);
}

/* ---- sweeps ---- */

static int balance; /* resources that bodies hold */

struct feed {
    int count;
    weft_chan *chan;
};

/* Holds something for as long as it lives, waits, and cleans up waiting. */
static int resourceful(weft_gen *self, void *arg)
{
    const struct feed *feed = arg;
    int rc = 0, value;
    balance++;
    for (int i = 0; i < feed->count && rc >= 0; i++) {
        rc = weft_sleep(WEFT_MS);
        if (rc >= 0 && feed->chan != NULL)
            rc = weft_recv(feed->chan, &value);
        if (rc >= 0)
            rc = weft_gen_yield(self, &i);
    }
    WEFT_SHIELD(shield, WEFT_SEC);
    if (weft_sleep(WEFT_MS) == 0 || weft_check() < 0)
        balance--;
    return rc < 0 ? rc : 0;
}

static int twice(weft_gen *self, void *arg)
{
    int rc, value;
    balance++;
    weft_foreach(rc, value, weft_gen_open(resourceful, arg))
    {
        value *= 2;
        rc = weft_gen_yield(self, &value);
        if (rc < 0)
            break;
    }
    balance--;
    return rc;
}

static void nothing_is_held(int rc)
{
    (void)rc;
    CHECK_EQ(balance, 0);
}

SCENARIO_WITH(test_Y01_A_foreach_to_the_end, nothing_is_held)
{
    balance = 0;
    int sum = 0;
    WEFT_TRY(add_up(weft_gen_open_copy(twice, (struct feed){.count = 3}), &sum));
    CHECK_EQ(sum, 6);
    return 0;
}

SCENARIO_WITH(test_Y01_A_break_out_of_foreach, nothing_is_held)
{
    balance = 0;
    int rc, value;
    weft_foreach(rc, value, weft_gen_open_copy(twice, (struct feed){.count = 3}))
    {
        if (value == 2)
            break;
    }
    return rc;
}

static int send_three(void *arg)
{
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_send(arg, &i));
    return 0;
}

static int consume_chan(void *arg)
{
    struct feed feed = {.count = 3, .chan = arg};
    int rc, value, sum = 0;
    weft_foreach(rc, value, weft_gen_open(twice, &feed)) sum += value;
    return rc < 0 ? rc : sum;
}

SCENARIO_WITH(test_Y01_A_two_tasks_one_feeds_the_others_generator, nothing_is_held)
{
    balance = 0;
    weft_chan *chan;
    WEFT_TRY(weft_chan_new(&chan, sizeof(int), 1));
    weft_task sender = weft_spawn(send_three, chan), consumer = weft_spawn(consume_chan, chan);
    int rc = weft_gather(sender, consumer);
    weft_chan_free(chan);
    return rc;
}

static int forgetful(void *arg)
{
    int value;
    WEFT_TRY(weft_gen_next(weft_gen_open(twice, arg), &value));
    return 0;
}

SCENARIO_WITH(test_Y01_A10_left_open_by_a_task, nothing_is_held)
{
    static struct feed feed = {.count =
                                   3}; /* cancelled, we return before what was left open ends */
    balance = 0;
    return weft_await(weft_spawn(forgetful, &feed));
}
