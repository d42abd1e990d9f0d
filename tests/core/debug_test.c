/* SPDX-License-Identifier: MIT */

/* Debug mode and debug builds: what they say, and that release is silent. */

#include "harness/harness.h"

#include <weft.h>

#include <stdlib.h>
#include <unistd.h>

/* What a run logged. */
struct said {
    int lines;
    char text[4096];
};

static void keep_line(const char *line, void *arg)
{
    struct said *said = arg;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof said->text - used, "%s\n", line);
    said->lines++;
    note("said: %s", line);
}

static struct said run_with_flags(unsigned flags, weft_fn *fn, void *arg)
{
    struct said said = {0};
    weft_config config = test_config();
    config.flags = flags;
    config.log = keep_line;
    config.log_arg = &said;
    CHECK_OK(weft_run_with(&config, fn, arg));
    return said;
}

static struct said run_in_debug_mode(weft_fn *fn, void *arg)
{
    return run_with_flags(WEFT_RUN_DEBUG, fn, arg);
}

static void check_said(const struct said *said, const char *text)
{
    CHECK_EQ(said->lines, 1);
    note("looked for: %s", text);
    CHECK(strstr(said->text, text) != NULL);
}

/* ---- S10 ---- */

/* One place, whatever the compiler would like to unroll. */
__attribute__((noinline)) static void shield_for(weft_time deadline, unsigned flags)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, deadline, WEFT_SCOPE_SHIELD | flags));
    weft_scope_end_(&scope);
}

static int body_shields(void *arg)
{
    for (int i = 0; i < 3; i++)
        shield_for(WEFT_FOREVER, *(unsigned *)arg);
    shield_for(weft_after(WEFT_SEC), 0);
    return 0;
}

RUN_TEST(test_S10_a_shield_without_a_deadline_is_told_once_a_place)
{
    unsigned nothing = 0;
    struct said said = run_in_debug_mode(body_shields, &nothing);
    check_said(&said, "task main opened a shield without a deadline");
    CHECK(strstr(said.text, "spawned: main at weft_run") != NULL);
}

RUN_TEST(test_S10_a_shield_that_is_meant_to_be_endless_is_not_told)
{
    unsigned meant = WEFT_SCOPE_ENDLESS;
    CHECK_EQ(run_in_debug_mode(body_shields, &meant).lines, 0);
}

RUN_TEST(test_S10_without_debug_mode_nothing_is_told)
{
    unsigned nothing = 0;
    CHECK_EQ(run_with_flags(0, body_shields, &nothing).lines, WF_DEBUG_CHECKS);
    CHECK_OK(setenv("WEFT_DEBUG", "0", 1));
    CHECK_EQ(run_in_debug_mode(body_shields, &nothing).lines, 0);
    CHECK_OK(setenv("WEFT_DEBUG", "1", 1));
    CHECK_EQ(run_with_flags(0, body_shields, &nothing).lines, 1);
}

/* Flags that bound nothing. */
RUN_TEST(test_S10_a_cleanup_without_a_deadline_is_told)
{
    unsigned cleanup = WEFT_SCOPE_CLEANUP;
    struct said said = run_in_debug_mode(body_shields, &cleanup);
    check_said(&said, "task main opened a shield without a deadline");
}

/* ---- deadlines ---- */

static int body_gives_deadlines(void *arg)
{
    weft_scope scope;
    weft_time deadline = *(weft_time *)arg;
    for (int i = 0; i < 3; i++) { /* told once a place */
        CHECK_OK(weft_scope_open(&scope, deadline, 0));
        CHECK_EQ(weft_scope_close(&scope, weft_sleep(WEFT_MS)), -ETIMEDOUT);
        CHECK_EQ(weft_select(WEFT_CASE_DEADLINE(deadline)), 0);
    }
    return 0;
}

RUN_TEST(a_duration_that_is_given_for_a_deadline_is_told)
{
    weft_time duration = 5 * WEFT_SEC / 2;
    struct said said = run_in_debug_mode(body_gives_deadlines, &duration);
    check_said(&said, "task main gave the deadline 2.500 s, which passed before the run began");
    CHECK_EQ(run_with_flags(0, body_gives_deadlines, &duration).lines, WF_DEBUG_CHECKS);
}

static int body_selects(void *arg)
{
    return weft_select(WEFT_CASE_DEADLINE(*(weft_time *)arg));
}

RUN_TEST(a_duration_in_a_select_is_told)
{
    weft_time duration = WEFT_SEC;
    struct said said = run_in_debug_mode(body_selects, &duration);
    check_said(&said, "task main gave the deadline 1.000 s");
}

static int body_gives_past_deadlines(void *arg)
{
    weft_time now = weft_now(), none = 0;
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    WEFT_TRY(body_gives_deadlines(&now));
    now = weft_after(-WEFT_SEC);
    WEFT_TRY(body_gives_deadlines(&now));
    return body_gives_deadlines(&none);
}

RUN_TEST(a_deadline_that_has_passed_meanwhile_is_not_told)
{
    CHECK_EQ(run_in_debug_mode(body_gives_past_deadlines, NULL).lines, 0);
}

/* ---- L04 ---- */

TEST(test_L04_a_call_without_a_task_is_told_in_debug_mode)
{
    char text[512] = "";
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    CHECK_OK(setenv("WEFT_DEBUG", "1", 1));
    CHECK_OK(dup2(fileno(file), STDERR_FILENO));
    CHECK_EQ(weft_sleep(WEFT_SEC), -EPERM);
    CHECK_OK(setenv("WEFT_DEBUG", "0", 1));
    CHECK_EQ(weft_sleep(WEFT_SEC), -EPERM);
    CHECK_OK(dup2(before, STDERR_FILENO));
    close(before);
    CHECK_GT(pread(fileno(file), text, sizeof text - 1, 0), 0);
    note("%s", text);
    CHECK(strstr(text, "debug: weft_sleep") != NULL);
    CHECK(strstr(text, " needs a task, and there is none here: it says -EPERM") != NULL);
    CHECK(strchr(text, '\n') == text + strlen(text) - 1); /* one line */
    fclose(file);
}

/* ---- T06 ---- */

static int body_sleeps(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_SEC);
}

/* The child may read the frame, which stays as it is; but it is no object of C any more. */
static int body_lends_its_frame(void *arg)
{
    int lent = 1;
    (void)arg;
    weft_release(weft_spawn(body_sleeps, &lent));
    return 0;
}

static int body_lends_it_to_a_group(void *arg)
{
    int lent = 1;
    WEFT_GROUP(group);
    (void)arg;
    CHECK_OK(weft_group_spawn(group, body_lends_its_frame, &lent));
    return weft_group_wait(group);
}

/* A child's child. */
static int body_hands_on(void *arg)
{
    weft_release(weft_spawn(body_sleeps, arg));
    return 0;
}

static int body_lends_it_far(void *arg)
{
    int lent = 1;
    (void)arg;
    weft_release(weft_spawn(body_hands_on, &lent));
    return weft_yield();
}

static int body_lends_it_to_who_is_detached(void *arg)
{
    int lent = 1;
    (void)arg;
    (void)weft_detach(body_sleeps, &lent);
    return 0;
}

/* Its children are the consumer's. */
static int gen_lends_its_frame(weft_gen *self, void *arg)
{
    int lent = 1;
    (void)arg;
    weft_release(weft_spawn(body_sleeps, &lent));
    return weft_gen_yield(self, &lent);
}

static int body_asks_a_lender(void *arg)
{
    int rc, value;
    (void)arg;
    weft_foreach(rc, value, weft_gen_open(gen_lends_its_frame, NULL)) break;
    return rc;
}

struct letter {
    int number;
};

static int body_lends_what_it_was_given(void *arg)
{
    weft_release(weft_spawn(body_sleeps, arg));
    return 0;
}

static int body_spawns_the_innocent(void *arg)
{
    struct letter letter = {1};
    WEFT_TRY(weft_await(weft_spawn_copy(body_sleeps, letter)));
    WEFT_TRY(weft_await(weft_spawn_copy(body_lends_what_it_was_given, letter)));
    weft_release(weft_spawn_copy(body_sleeps, letter));
    return weft_await(weft_spawn(body_hands_on, arg));
}

RUN_TEST(test_T06_in_debug_builds_a_pointer_into_a_finished_frame_is_told)
{
    static const struct {
        weft_fn *fn;
        const char *spawned;
    } table[] = {
        {body_lends_its_frame, "spawned: body_sleeps at "},
        {body_lends_it_to_a_group, "spawned: body_sleeps at "},
        {body_lends_it_far, "spawned: body_sleeps at "},
        {body_lends_it_to_who_is_detached, "spawned: body_sleeps at "},
        {body_asks_a_lender, "spawned: body_sleeps at "},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        note("row %zu", i);
        struct said said = run_with_flags(0, table[i].fn, NULL);
        CHECK_EQ(said.lines, WF_DEBUG_CHECKS);
        if (!WF_DEBUG_CHECKS)
            continue;
        CHECK(strstr(said.text, "was given a pointer into the frame of its spawner's body") !=
              NULL);
        CHECK(strstr(said.text, table[i].spawned) != NULL);
    }
}

RUN_TEST(test_T06_what_lives_longer_than_the_frame_is_not_told)
{
    int lives = 1;
    CHECK_EQ(run_in_debug_mode(body_spawns_the_innocent, &lives).lines, 0);
}

/* ---- P01 ---- */

/* Where the children wait, handed over by whoever has it. */
static weft_event *waited_for;

static int body_waits(void *arg)
{
    (void)arg;
    return weft_event_wait(waited_for);
}

/* A frame that is left while a task waits for an event at its low end. */
static __attribute__((noinline)) void leave_event_behind(void)
{
    struct {
        weft_event event;
        char room[2048];
    } deep = {0};
    waited_for = &deep.event;
    weft_release(weft_spawn(body_waits, NULL));
    CHECK_OK(weft_yield());
}

static int body_calls_and_goes_on(void *arg)
{
    (void)arg;
    leave_event_behind();
    return weft_sleep(WEFT_SEC);
}

/* It ends while its sibling waits for an event on its stack. */
static int body_ends_under_its_sibling(void *arg)
{
    weft_event event = {0};
    (void)arg;
    waited_for = &event;
    return weft_sleep(WEFT_SEC);
}

static int body_with_two_children(void *arg)
{
    (void)arg;
    weft_release(weft_spawn(body_ends_under_its_sibling, NULL));
    CHECK_OK(weft_yield());
    return weft_await(weft_spawn(body_waits, NULL));
}

/* The same on a stack that is unmapped then. */
static int body_with_a_large_child(void *arg)
{
    (void)arg;
    weft_release(weft_spawn_stack(body_ends_under_its_sibling, NULL, (size_t)1 << 20));
    CHECK_OK(weft_yield());
    return weft_await(weft_spawn(body_waits, NULL));
}

static int body_clears(void *arg)
{
    weft_event event = {0};
    (void)arg;
    waited_for = &event;
    weft_release(weft_spawn(body_waits, NULL));
    CHECK_OK(weft_yield());
    event = (weft_event){0};
    return weft_event_wait(&event);
}

static int body_clears_static(void *arg)
{
    static weft_event event;
    (void)arg;
    waited_for = &event;
    weft_task first = weft_spawn(body_waits, NULL), second = weft_spawn(body_waits, NULL);
    CHECK_OK(weft_yield());
    event = (weft_event){0};
    (void)weft_cancel(first, "the event was not set");
    return weft_gather(first, second);
}

static const struct {
    weft_fn *fn;
    const char *text;
} destroyers[] = {
    {body_calls_and_goes_on,
     "(event) for something that lay in a frame that is gone; spawned: body_waits at "},
    {body_with_two_children,
     "(event) for something that lay in a frame that is gone; spawned: body_waits at "},
    {body_with_a_large_child,
     "(event) for something that lay in a frame that is gone; spawned: body_waits at "},
    {body_clears, "(event) for something that was cleared; spawned: body_waits at "},
    {body_clears_static,
     "(event) for something that was cleared or freed; spawned: body_waits at "},
};

static void destroy(size_t row)
{
    if (!WF_DEBUG_CHECKS)
        return; /* release does not notice; what happens then is not defined */
    expect_abort(destroyers[row].text);
    weft_config config = test_config();
    (void)weft_run_with(&config, destroyers[row].fn, NULL);
}

RUN_TEST(test_P01_in_debug_builds_an_event_in_a_frame_that_returns_under_a_waiter_aborts)
{
    destroy(0);
}

RUN_TEST(test_P01_in_debug_builds_an_event_on_a_stack_that_ends_under_a_waiter_aborts)
{
    destroy(1);
}

RUN_TEST(test_P01_in_debug_builds_an_event_on_a_stack_of_its_own_size_is_seen_too)
{
    destroy(2);
}

RUN_TEST(test_P01_in_debug_builds_an_event_cleared_under_a_waiter_is_seen_by_the_next_wait)
{
    destroy(3);
}

RUN_TEST(test_P01_in_debug_builds_an_event_cleared_under_a_waiter_is_seen_when_that_leaves)
{
    destroy(4);
}

static int body_frees_channel(void *arg)
{
    weft_chan *chan = arg;
    weft_chan_free(chan);
    return 0;
}

static int body_receives_of_what_is_freed(void *arg)
{
    weft_chan *chan;
    int item;
    (void)arg;
    CHECK_OK(weft_chan_new(&chan, sizeof item, 0));
    weft_release(weft_spawn(body_frees_channel, chan));
    return weft_recv(chan, &item);
}

RUN_TEST(test_P01_a_channel_freed_under_a_waiter_aborts_in_every_build)
{
    expect_abort("weft_waitq_first(&chan->receivers) == NULL");
    weft_config config = test_config();
    (void)weft_run_with(&config, body_receives_of_what_is_freed, NULL);
}

/* The children of a body that fails are cancelled and joined while its frame is intact (rule T05).
 */
static int body_fails_above_its_children(void *arg)
{
    weft_sem sem = WEFT_SEM(1, 1);
    weft_event event = {0};
    (void)arg;
    waited_for = &event;
    for (int i = 0; i < 3; i++)
        weft_release(weft_spawn(body_waits, NULL));
    CHECK_OK(weft_sem_take(&sem));
    CHECK_OK(weft_yield());
    return -EIO;
}

static int body_outlives_its_objects_waiters(void *arg)
{
    CHECK_EQ(weft_await(weft_spawn(body_fails_above_its_children, arg)), -EIO);
    weft_event event = {0};
    waited_for = &event;
    weft_task task = weft_spawn(body_waits, NULL);
    CHECK_OK(weft_yield());
    weft_event_set(&event);
    return weft_await(task);
}

RUN_TEST(test_P01_children_that_wait_in_the_frame_of_a_body_that_failed_are_no_breach)
{
    CHECK_EQ(run_in_debug_mode(body_outlives_its_objects_waiters, NULL).lines, 0);
}

/* ---- never awaited ---- */

static int body_value(void *arg)
{
    return *(int *)arg;
}

static int body_forgets(void *arg)
{
    (void)weft_spawn(body_value, arg);
    return 0;
}

static int main_forgets(void *arg)
{
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_await(weft_spawn(body_forgets, arg)));
    return 0;
}

RUN_TEST(debug_mode_names_a_task_that_nobody_awaited)
{
    int value = 7;
    struct said said = run_in_debug_mode(main_forgets, &value);
    check_said(&said, "task body_value was never awaited");
    CHECK(strstr(said.text, "spawned: body_value at ") != NULL);
    value = -EIO; /* the hook of rule T08 tells that, each time */
    CHECK_EQ(run_in_debug_mode(main_forgets, &value).lines, 3);
}

static int main_minds(void *arg)
{
    int rc[1];
    weft_task settled = weft_spawn(body_value, arg), done = weft_spawn(body_value, arg);
    CHECK_EQ(weft_await(weft_spawn(body_value, arg)), 7);
    CHECK_OK(weft_gather(weft_spawn(body_value, arg), weft_spawn(body_value, arg)));
    CHECK_OK(weft_settle_n(&settled, 1, rc));
    CHECK_EQ(weft_done(done, rc), 1);
    weft_release(weft_spawn(body_value, arg));
    weft_release(weft_detach(body_value, arg));
    weft_task late = weft_spawn(body_value, arg);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_await(late), 7);
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_value, arg));
    (void)weft_group_task(group, body_value, arg);
    return weft_group_wait(group);
}

RUN_TEST(debug_mode_is_silent_of_tasks_that_somebody_minds)
{
    int value = 7;
    CHECK_EQ(run_in_debug_mode(main_minds, &value).lines, 0);
}

/* ---- cancel swallowed ---- */

/* What a body does with the -ECANCELED of its first wait. */
enum manners { PASSES_UP, SWALLOWS, SWALLOWS_IN_SCOPE, WAITS_AGAIN, CLEANS_UP, WAS_READY };

static int body_is_cancelled(void *arg)
{
    enum manners manners = *(enum manners *)arg;
    if (manners == WAS_READY)
        return 3; /* before it could be told */
    if (manners == SWALLOWS_IN_SCOPE) {
        WEFT_TIMEOUT(limit, 10 * WEFT_SEC);
        CHECK_EQ(weft_scope_close(&limit, weft_sleep(WEFT_SEC)), -ECANCELED);
        return 3;
    }
    int rc = weft_sleep(WEFT_SEC);
    CHECK_EQ(rc, -ECANCELED);
    if (manners == CLEANS_UP) {
        WEFT_CLEANUP(cleanup);
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_OK(weft_sleep(WEFT_SEC));
    }
    if (manners == WAITS_AGAIN)
        CHECK_EQ(weft_sleep(WEFT_SEC), -ECANCELED);
    return manners == SWALLOWS ? 3 : rc;
}

static int main_cancels(void *arg)
{
    weft_task task = weft_spawn(body_is_cancelled, arg);
    bool is_early = *(enum manners *)arg == WAS_READY;
    if (!is_early)
        CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "enough"), 1);
    int rc = weft_await(task);
    CHECK(rc == 3 || rc == -ECANCELED);
    return 0;
}

RUN_TEST(debug_mode_names_a_task_that_swallows_its_cancel)
{
    static const struct {
        enum manners manners;
        const char *text; /* NULL: silent */
    } table[] = {
        {PASSES_UP, NULL},
        {SWALLOWS,
         "task body_is_cancelled was told that it is cancelled and returned 3: return the "
         "-ECANCELED; spawned: body_is_cancelled at "},
        {SWALLOWS_IN_SCOPE, "was told that it is cancelled and returned 3"},
        {WAITS_AGAIN, "task body_is_cancelled waits again where a wait has said -ECANCELED"},
        {CLEANS_UP, NULL},
        {WAS_READY, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        enum manners manners = table[i].manners;
        note("row %zu", i);
        struct said said = run_in_debug_mode(main_cancels, &manners);
        if (table[i].text == NULL)
            CHECK_EQ(said.lines, 0);
        else
            check_said(&said, table[i].text);
        CHECK_OK(setenv("WEFT_DEBUG", "0", 1));
        CHECK_EQ(run_with_flags(0, main_cancels, &manners).lines, 0);
        CHECK_OK(unsetenv("WEFT_DEBUG"));
    }
}

static int main_cancels_a_released(void *arg)
{
    weft_task task = weft_spawn(body_is_cancelled, arg);
    weft_release(task);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "enough"), 1);
    return weft_yield();
}

/* It was asked to end, and ends in good order. */
static int main_shuts_down(void *arg)
{
    (void)arg;
    (void)weft_cancel(weft_self(), "enough");
    CHECK_EQ(weft_yield(), -ECANCELED);
    return 0;
}

RUN_TEST(debug_mode_is_silent_of_a_success_after_a_cancel_that_nobody_takes_for_one)
{
    enum manners manners = SWALLOWS;
    CHECK_EQ(run_in_debug_mode(main_cancels_a_released, &manners).lines, 0);
    CHECK_EQ(run_in_debug_mode(main_shuts_down, NULL).lines, 0);
}

/* ---- the end of a group ---- */

static int body_fails(void *arg)
{
    (void)arg;
    (void)!weft_yield();
    return -EIO;
}

/* Its own wait tells it of the failure; then it joins the others, as it must. */
static int main_hears_of_a_failure(void *arg)
{
    WEFT_GROUP(group);
    (void)arg;
    CHECK_OK(weft_group_spawn(group, body_sleeps, NULL));
    CHECK_OK(weft_group_spawn(group, body_fails, NULL));
    CHECK_EQ(weft_sleep(WEFT_SEC), -ECANCELED);
    CHECK_EQ(weft_group_wait(group), -EIO);
    return 0;
}

static int body_joins_when_cancelled(void *arg)
{
    WEFT_GROUP(group);
    (void)arg;
    CHECK_OK(weft_group_spawn(group, body_sleeps, NULL));
    int rc = weft_sleep(WEFT_SEC);
    CHECK_EQ(weft_group_wait(group), rc);
    return rc;
}

static int main_cancels_who_joins(void *arg)
{
    weft_task task = weft_spawn(body_joins_when_cancelled, arg);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "enough"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    return 0;
}

/* Cancelled before it comes to its only wait. */
static int body_only_joins(void *arg)
{
    WEFT_GROUP(group);
    (void)arg;
    CHECK_OK(weft_group_spawn(group, body_sleeps, NULL));
    (void)weft_cancel(weft_self(), "enough");
    return weft_group_wait(group);
}

static int body_joins_and_swallows(void *arg)
{
    CHECK_EQ(body_only_joins(arg), -ECANCELED);
    return 3;
}

static int main_awaits(void *arg)
{
    weft_task task = weft_spawn(*(weft_fn **)arg, NULL);
    int rc = weft_await(task);
    CHECK(rc == -ECANCELED || rc == 3);
    return 0;
}

RUN_TEST(debug_mode_is_silent_of_the_join_of_a_cancelled_group)
{
    weft_fn *only_joins = body_only_joins, *swallows = body_joins_and_swallows;
    CHECK_EQ(run_in_debug_mode(main_hears_of_a_failure, NULL).lines, 0);
    CHECK_EQ(run_in_debug_mode(main_cancels_who_joins, NULL).lines, 0);
    CHECK_EQ(run_in_debug_mode(main_awaits, &only_joins).lines, 0);
    struct said said = run_in_debug_mode(main_awaits, &swallows);
    check_said(&said, "was told that it is cancelled and returned 3");
}
