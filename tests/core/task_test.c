/* SPDX-License-Identifier: MIT */

/* Rules E and T: return values, tasks and handles. */

#include "base/checkers.h"
#include "core/task/handle.h"
#include "harness/harness.h"

#include <weft.h>
#include <weft/sys/park.h>

#include <stdlib.h>
#include <string.h>

/* ---- bodies ---- */

static int body_value(void *arg)
{
    return (int)(intptr_t)arg;
}

static int body_count(void *arg)
{
    ++*(int *)arg;
    return 0;
}

static int body_sleep(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return 7;
}

struct order {
    char text[32];
    size_t len;
};

struct letter {
    struct order *order;
    char letter;
};

static int body_letter(void *arg)
{
    const struct letter *letter = arg;
    letter->order->text[letter->order->len++] = letter->letter;
    return 0;
}

/* The harness runs a test's body in a run of its own; some rules need another configuration. */
struct seen {
    int count;
    struct weft_error last;
};

static void see_error(const struct weft_error *error, void *arg)
{
    struct seen *seen = arg;
    seen->count++;
    seen->last = *error;
}

static int run_seeing(weft_fn *fn, void *arg, struct seen *seen)
{
    weft_config config = test_config();
    config.unhandled = see_error;
    config.unhandled_arg = seen;
    return weft_run_with(&config, fn, arg);
}

/* ---- E ---- */

TASK_TEST(test_E01_a_failing_call_leaves_errno_alone)
{
    errno = 0;
    CHECK_EQ(weft_await((weft_task){12345}), -ESRCH);
    CHECK_EQ(errno, 0);
}

static int body_sets_errno(void *arg)
{
    errno = (int)(intptr_t)arg;
    CHECK_OK(weft_yield());
    CHECK_EQ(errno, (int)(intptr_t)arg);
    return 0;
}

TASK_TEST(test_E02_errno_belongs_to_the_task)
{
    weft_task one = weft_spawn(body_sets_errno, (void *)EIO);
    weft_task two = weft_spawn(body_sets_errno, (void *)EPIPE);
    errno = ENOENT;
    CHECK_OK(weft_gather(one, two));
    CHECK_EQ(errno, ENOENT);
}

static int body_reads_errno(void *arg)
{
    (void)arg;
    return errno;
}

TASK_TEST(test_E02_a_new_task_does_not_see_its_predecessors_errno)
{
    weft_task one = weft_spawn(body_reads_errno, NULL);
    weft_task two = weft_spawn(body_sets_errno, (void *)EPIPE);
    weft_task three = weft_spawn(body_reads_errno, NULL);
    errno = ENOENT;
    CHECK_EQ(weft_await(one), 0);
    CHECK_OK(weft_await(two));
    CHECK_EQ(weft_await(three), 0);
    CHECK_EQ(errno, ENOENT);
}

TASK_TEST(test_E03_a_deadline_further_out_is_seen_as_cancelled)
{
    WEFT_TIMEOUT(outer, WEFT_SEC);
    WEFT_TIMEOUT(inner, WEFT_FOREVER);
    int rc = weft_sleep(5 * WEFT_SEC);
    CHECK_EQ(rc, -ECANCELED);
    rc = weft_scope_close(&inner, rc);
    CHECK_EQ(rc, -ECANCELED);
    CHECK_EQ(weft_scope_close(&outer, rc), -ETIMEDOUT);
}

TASK_TEST(test_E04_a_result_below_4095_becomes_eproto)
{
    CHECK_EQ(weft_await(weft_spawn(body_value, (void *)-5000)), -EPROTO);
    CHECK_EQ(weft_await(weft_spawn(body_value, (void *)-4095)), -4095);
}

static int body_fails_with_text(void *arg)
{
    (void)arg;
    return weft_fail(-EIO, "disk %d is on fire", 3);
}

static int body_passes_on(void *arg)
{
    (void)arg;
    return weft_await(weft_spawn(body_fails_with_text, NULL));
}

TASK_TEST(test_E05_the_text_travels_with_the_error)
{
    CHECK_EQ(weft_await(weft_spawn(body_passes_on, NULL)), -EIO);
    CHECK_STR(weft_error_text(), "disk 3 is on fire");
    weft_task bad = weft_spawn(body_fails_with_text, NULL);
    CHECK_EQ(weft_gather(bad), -EIO);
    CHECK_STR(weft_error_text(), "disk 3 is on fire");
}

TASK_TEST(test_E05_a_text_is_cut_between_characters)
{
    char text[400] = "";
    for (int i = 0; i < 100; i++)
        strcat(text, "\u20ac"); /* three bytes each: 159 is a multiple of 3 */
    (void)weft_fail(-EIO, "%s", text);
    CHECK_EQ(strlen(weft_error_text()), 159);
    (void)weft_fail(-EIO, "x%s", text);
    CHECK_EQ(strlen(weft_error_text()), 157);
}

struct pair {
    weft_sem there, back;
    weft_event never;
};

static int body_answers(void *arg)
{
    struct pair *pair = arg;
    for (;;) {
        WEFT_TRY(weft_sem_take(&pair->there));
        WEFT_TRY(weft_sem_give(&pair->back));
    }
}

static int body_waits_for_never(void *arg)
{
    return weft_event_wait(&((struct pair *)arg)->never);
}

TASK_TEST(test_E06_waits_wakes_switches_cancels_and_timers_allocate_nothing)
{
    struct pair pair = {.there = WEFT_SEM(0, 0)};
    weft_task answers = weft_spawn(body_answers, &pair);
    weft_task waits = weft_spawn(body_waits_for_never, &pair);
    CHECK_OK(weft_sleep(WEFT_MS));

    uint64_t before = blocks_made();
    for (int i = 0; i < 100; i++) {
        WEFT_TIMEOUT(limit, WEFT_SEC);
        CHECK_OK(weft_sem_give(&pair.there));
        CHECK_OK(weft_sem_take(&pair.back));
        CHECK_OK(weft_sleep(WEFT_MS));
        CHECK_OK(weft_yield());
        weft_scope_set_deadline(&limit, weft_after(WEFT_US));
        CHECK_EQ(weft_sleep(WEFT_SEC), -ECANCELED);
    }
    CHECK_EQ(weft_cancel(waits, "enough"), 1);
    CHECK_EQ(weft_await(waits), -ECANCELED);
    CHECK_EQ(weft_cancel(answers, "enough"), 1);
    CHECK_EQ(weft_await_for(answers, WEFT_SEC), -ECANCELED);
    CHECK_EQ(blocks_made(), before);
}

/* ---- T ---- */

TASK_TEST(test_T01_spawn_returns_before_the_child_runs_and_children_start_in_order)
{
    struct order order = {.len = 0};
    struct letter letters[3] = {{&order, 'a'}, {&order, 'b'}, {&order, 'c'}};
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(body_letter, &letters[i]);
    CHECK_EQ(order.len, 0);
    CHECK_OK(weft_gather_n(tasks, 3));
    if (!test_is_simulated()) /* there the seed chooses (Z03) */
        CHECK_STR(order.text, "abc");
    CHECK_EQ(order.len, 3);
}

struct first_wait {
    int runs, rc;
};

static int body_first_wait(void *arg)
{
    struct first_wait *seen = arg;
    seen->runs++;
    seen->rc = weft_sleep(WEFT_SEC);
    return seen->rc;
}

TASK_TEST(test_T02_a_task_cancelled_before_it_ran_runs_all_the_same)
{
    struct first_wait seen = {0};
    weft_task task = weft_spawn(body_first_wait, &seen);
    CHECK_EQ(weft_cancel(task, "early"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(seen.runs, 1);
    CHECK_EQ(seen.rc, -ECANCELED);
}

TASK_TEST(test_T03_a_failed_spawn_is_an_error_in_the_handle)
{
    int runs = 0;
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC | WEFT_FAULT_CALL, .nth = 1};
    weft_task first = weft_spawn(body_count, &runs);
    CHECK_OK(weft_await(first));
    weft_fault_arm(&plan);
    weft_task failed = weft_spawn_stack(body_count, &runs, 256 << 10);
    weft_fault_arm(NULL);
    CHECK_EQ(weft_await(failed), -ENOMEM);
    int rc = 0;
    CHECK_EQ(weft_done(failed, &rc), 1);
    CHECK_EQ(rc, -ENOMEM);
    CHECK_EQ(weft_cancel(failed, NULL), 0);
    CHECK_EQ(runs, 1);
}

static int body_spawns_in_a_scope(void *arg)
{
    weft_task *child = arg;
    WEFT_TIMEOUT(scope, WEFT_SEC);
    *child = weft_spawn(body_sleep, (void *)(3 * WEFT_SEC));
    weft_scope_cancel(&scope, "only us");
    CHECK_EQ(weft_sleep(WEFT_SEC), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);
    return weft_await(*child);
}

TASK_TEST(test_T04_a_child_hangs_under_its_owner_not_the_spawners_scope)
{
    weft_task child;
    CHECK_EQ(weft_await(weft_spawn(body_spawns_in_a_scope, &child)), 7);
}

struct family {
    weft_task child;
    int result;
    weft_time child_ended;
};

static int body_child_of_family(void *arg)
{
    struct family *family = arg;
    int rc = weft_sleep(2 * WEFT_SEC);
    family->child_ended = weft_now();
    return rc;
}

static int body_leaves_child(void *arg)
{
    struct family *family = arg;
    family->child = weft_spawn(body_child_of_family, family);
    CHECK_OK(weft_yield());
    return family->result;
}

TASK_TEST(test_T05_a_task_is_done_after_its_children)
{
    struct family family = {.result = 3};
    weft_time start = weft_now();
    CHECK_EQ(weft_await(weft_spawn(body_leaves_child, &family)), 3);
    CHECK_GE(weft_now() - start, 2 * WEFT_SEC);
    CHECK_EQ(family.child_ended, weft_now());
}

TASK_TEST(test_T05_a_failed_body_cancels_its_children_first)
{
    struct family family = {.result = -EIO};
    weft_time start = weft_now();
    CHECK_EQ(weft_await(weft_spawn(body_leaves_child, &family)), -EIO);
    CHECK_LT(weft_now() - start, WEFT_SEC);
}

struct frame {
    unsigned char *bytes; /* into the finished body's frame */
    bool is_intact;
};

static int body_reads_frame(void *arg)
{
    struct frame *frame = arg;
    CHECK_OK(weft_sleep(WEFT_SEC)); /* the owner has returned by now */
    frame->is_intact = true;
    for (int i = 0; i < 256; i++)
        frame->is_intact = frame->is_intact && frame->bytes[i] == (unsigned char)i;
    return 0;
}

static int body_lends_frame(void *arg)
{
    struct frame *frame = arg;
    volatile unsigned char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)i;
    frame->bytes = (unsigned char *)(uintptr_t)bytes;
    weft_release(weft_spawn(body_reads_frame, frame));
    return 0;
}

TASK_TEST(test_T06_a_finished_bodys_frame_stays_intact_while_children_run)
{
    struct frame frame = {0};
    CHECK_OK(weft_await(weft_spawn(body_lends_frame, &frame)));
    CHECK(frame.is_intact);
}

static int body_with_failing_child(void *arg)
{
    (void)arg;
    (void)weft_spawn(body_value, (void *)-EIO);
    return 5;
}

static int main_T07(void *arg)
{
    (void)arg;
    return weft_await(weft_spawn(body_with_failing_child, NULL));
}

TASK_TEST(test_T07_the_result_is_the_bodys_own)
{
    CHECK_EQ(weft_await(weft_spawn(body_value, (void *)11)), 11);
}

RUN_TEST(test_T07_T08_a_childs_error_goes_to_the_hook_and_not_into_the_result)
{
    struct seen seen = {0};
    CHECK_EQ(run_seeing(main_T07, NULL, &seen), 5);
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.last.rc, -EIO);
    CHECK_STR(seen.last.name, "body_value");
}

static int main_T08_received(void *arg)
{
    (void)arg;
    weft_task awaited = weft_spawn(body_value, (void *)-EIO);
    weft_task asked = weft_spawn(body_value, (void *)-EIO);
    weft_task cancelled = weft_spawn(body_sleep, (void *)WEFT_SEC);
    CHECK_EQ(weft_await(awaited), -EIO);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_done(asked, NULL), 1);
    CHECK_EQ(weft_cancel(cancelled, "done with it"), 1);
    return 0;
}

RUN_TEST(test_T08_an_error_somebody_received_is_not_told_again)
{
    struct seen seen = {0};
    CHECK_OK(run_seeing(main_T08_received, NULL, &seen));
    CHECK_EQ(seen.count, 0);
}

TASK_TEST(test_T09_a_stale_handle_is_told_apart)
{
    weft_task task = weft_spawn(body_value, (void *)1);
    CHECK_EQ(weft_await(task), 1);
    weft_release(task);
    CHECK_EQ(weft_await(task), -ESRCH);
    CHECK_EQ(weft_done(task, NULL), -ESRCH);
    CHECK_EQ(weft_cancel(task, NULL), -ESRCH);
    weft_release(task);
    int uses = WF_HAS_TSAN ? 2000 : 100000; /* for which a stack is a thread, nearly */
    for (int i = 0; i < uses; i++) {        /* the slot is used again and again */
        weft_task other = weft_spawn(body_value, (void *)2);
        CHECK_NE(other.id, task.id);
        CHECK_EQ(weft_await(other), 2);
        weft_release(other);
    }
    CHECK_EQ(weft_await(task), -ESRCH);
}

/* The slot's next use is told apart from each before it, 2^24 - 1 times, and never is no handle. */
TEST(test_T09_no_handle_of_a_slot_comes_again_within_2_24_uses)
{
    const uint64_t first = wf_handle_make(5, 77, 1);
    uint64_t id = wf_handle_next(first);
    uint32_t uses = 1;
    for (; id != first && uses < 1u << 25; uses++) {
        CHECK(wf_handle_slot(id) == 77 && wf_handle_loop(id) == 5);
        id = wf_handle_next(id);
    }
    CHECK_GE(uses, (1u << 24) - 1);
}

TASK_TEST(test_T10_a_record_stays_until_its_owner_ends)
{
    weft_task task = weft_spawn(body_value, (void *)9);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(task), 9);
    struct family family = {.result = 0};
    CHECK_OK(weft_await(weft_spawn(body_leaves_child, &family)));
    CHECK_EQ(weft_await(family.child), -ESRCH); /* its owner has ended */
}

static void run_many(weft_group group, int count)
{
    for (int i = 0; i < count; i++) {
        weft_release(weft_spawn(body_value, NULL));
        weft_release(weft_detach(body_value, NULL));
        CHECK_OK(weft_group_spawn(group, body_value, NULL));
        CHECK_OK(weft_yield());
    }
}

TASK_TEST(test_T10_released_tasks_and_group_members_keep_no_record)
{
    WEFT_GROUP(group);
    run_many(group, 100);
    size_t before = live_bytes();
    run_many(group, 5000);
    CHECK_EQ(live_bytes(), before);
    CHECK_OK(weft_group_wait(group));
}

struct detached {
    weft_task task;
    struct first_wait wait;
};

static int body_detaches(void *out)
{
    struct detached *detached = out;
    detached->task = weft_detach(body_first_wait, &detached->wait);
    weft_release(weft_detach(body_value, (void *)-EIO));
    return 0;
}

static int main_T15(void *arg)
{
    struct detached *detached = arg;
    CHECK_OK(weft_await(weft_spawn(body_detaches, detached)));
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(detached->wait.runs, 1);
    CHECK_EQ(weft_done(detached->task, NULL), 0); /* though who spawned it has ended */
    return 0;
}

RUN_TEST(test_T15_a_detached_task_outlives_its_spawner_and_ends_with_the_run)
{
    struct seen seen = {0};
    struct detached detached = {0};
    CHECK_OK(run_seeing(main_T15, &detached, &seen));
    CHECK_EQ(detached.wait.runs, 1);
    CHECK_EQ(detached.wait.rc, -ECANCELED);
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.last.rc, -EIO);
}

static void release_in_hook(const struct weft_error *error, void *arg)
{
    ++*(int *)arg;
    weft_release(error->task);
}

static int main_releasing_hook(void *arg)
{
    (void)arg;
    (void)weft_detach(body_value, (void *)-EIO);
    (void)weft_spawn(body_value, (void *)-EPIPE);
    weft_release(weft_spawn(body_value, (void *)-EBADF));
    CHECK_OK(weft_yield());
    return 0;
}

RUN_TEST(test_T08_the_hook_may_release_the_task_it_is_told_of)
{
    int count = 0;
    weft_config config = test_config();
    config.unhandled = release_in_hook;
    config.unhandled_arg = &count;
    CHECK_OK(weft_run_with(&config, main_releasing_hook, NULL));
    CHECK_EQ(count, 3);
}

struct big {
    int numbers[101]; /* no multiple of 16 bytes */
};

static int body_sums(void *arg)
{
    const struct big *big = arg;
    CHECK_EQ((uintptr_t)arg % 16, 0);
    WEFT_TRY(weft_yield());
    int sum = 0;
    for (int i = 0; i < 100; i++)
        sum += big->numbers[i];
    return sum;
}

TASK_TEST(test_T16_a_copied_argument_lives_on_the_childs_stack)
{
    struct big big;
    for (int i = 0; i < 100; i++)
        big.numbers[i] = i;
    weft_task task = weft_spawn_sized(body_sums, &big, sizeof big);
    memset(&big, 0xff, sizeof big);
    CHECK_EQ(weft_await(task), 4950);
    CHECK_EQ(weft_await(weft_spawn_copy(body_sums, (struct big){{5}})), 5);
    char *much = calloc(1, 20000);
    CHECK_EQ(weft_await(weft_spawn_sized(body_sums, much, 20000)), -E2BIG);
    free(much);
}

struct late {
    int runs;
};

static void spawn_late(struct late **late)
{
    (void)weft_spawn(body_count, &(*late)->runs);
}

static int body_spawns_while_leaving(void *arg)
{
    struct late *late __attribute__((cleanup(spawn_late))) = arg;
    return late->runs;
}

TASK_TEST(test_T17_spawning_while_a_body_returns_works)
{
    struct late late = {0};
    CHECK_OK(weft_await(weft_spawn(body_spawns_while_leaving, &late)));
    CHECK_EQ(late.runs, 1);
}

TASK_TEST(task_names_come_from_the_body_until_set)
{
    CHECK_EQ(weft_await(weft_spawn(body_fails_with_text, NULL)), -EIO);
    weft_set_name("worker");
    weft_set_name("a name that is much longer than thirty-one bytes");
}

/* What only the end of a task can end keeps it from being as new. */
static int body_renews(void *arg)
{
    weft_local *local = arg;
    weft_scope scope;
    weft_mutex mutex = {0};
    char name[WEFT_ERROR_NAME_BYTES];
    CHECK(weft_local_get(local) == local); /* the spawner's */
    weft_set_name("busy");
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    CHECK(!weft_task_renew());
    CHECK_OK(weft_scope_close(&scope, 0));
    CHECK_OK(weft_lock(&mutex));
    CHECK(!weft_task_renew());
    weft_unlock(&mutex);
    weft_task child = weft_spawn(body_sleep, (void *)1);
    CHECK(!weft_task_renew());
    CHECK_EQ(weft_await(child), 7);
    CHECK_EQ(weft_fail(-EIO, "old"), -EIO);

    CHECK(weft_local_get(local) == local);
    CHECK(weft_task_renew());
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "body_renews");
    CHECK_STR(weft_error_text(), "");
    CHECK(weft_local_get(local) == NULL);
    CHECK(weft_task_renew()); /* again is harmless */
    CHECK(weft_cancel(weft_self(), "stopped") == 1 && !weft_task_renew());
    return 0;
}

TASK_TEST(a_task_can_be_made_as_new_unless_it_has_what_its_end_must_end)
{
    static weft_local local;
    CHECK_OK(weft_local_set(&local, &local));
    CHECK_OK(weft_await(weft_spawn(body_renews, &local)));
    CHECK(weft_local_get(&local) == &local);
}

TASK_TEST(test_O04_every_task_has_a_name_and_a_spawn_site)
{
    struct weft_error error;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fails_with_text, NULL));
    CHECK_EQ(weft_group_wait(group), -EIO);
    CHECK_EQ(weft_group_errors(group, &error, 1), (size_t)1);
    CHECK_STR(error.name, "body_fails_with_text"); /* the symbol of its body */
    CHECK(strstr(error.site, "body_fails_with_text at ") == error.site);
    CHECK(strstr(error.site, "task_test.c:") != NULL);
}

/* ---- sweeps ---- */

static int scenario_child(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    weft_task inner = weft_spawn(body_value, (void *)1);
    WEFT_TRY(weft_await(inner));
    WEFT_TRY(weft_yield());
    return 0;
}

SCENARIO(scenario_spawn_await_release)
{
    weft_task first = weft_spawn(scenario_child, (void *)WEFT_SEC);
    weft_task second = weft_spawn(scenario_child, (void *)(2 * WEFT_SEC));
    weft_release(weft_spawn(scenario_child, (void *)WEFT_MS));
    WEFT_TRY(weft_await(second));
    WEFT_TRY(weft_await(first));
    return weft_await_for(weft_spawn(body_sleep, (void *)(5 * WEFT_SEC)), WEFT_SEC) == -ETIMEDOUT
               ? 0
               : -ECANCELED;
}

SCENARIO(scenario_detached_and_copied)
{
    weft_release(weft_detach(scenario_child, (void *)WEFT_SEC));
    struct big big = {{1, 2, 3}};
    WEFT_TRY(weft_await(weft_spawn_copy(body_sums, big)));
    WEFT_TRY(weft_await(weft_spawn_stack(scenario_child, (void *)WEFT_SEC, 128 << 10)));
    return weft_fail(0, "text %d", 1);
}
