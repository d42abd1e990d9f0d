/* SPDX-License-Identifier: MIT */

/* The harness inside tasks: back ends, virtual time, and sweeps that do find what is wrong. */

#include "harness/bad.h"
#include "harness/harness.h"
#include "harness/harness_priv.h"

#include <weft/gather.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/task.h>

#include "base/alloc.h"

#include <stdlib.h>

TASK_TEST(harness_body_is_a_task_on_the_back_end_of_its_name)
{
    CHECK(weft_self().id != 0);
    CHECK_STR(weft_loop_backend(weft_loop_self()), test_backend());
}

TASK_TEST(harness_sleeps_in_virtual_time)
{
    weft_time before = weft_now();
    CHECK_OK(weft_sleep(3600 * WEFT_SEC));
    CHECK_EQ(weft_now() - before, 3600 * WEFT_SEC);
}

/* ---- a scenario that is right ---- */

static int pause_twice(void *arg)
{
    (void)arg;
    char *memory = wf_alloc(32);
    if (memory == NULL)
        return -ENOMEM;
    int rc = weft_sleep(1 * WEFT_MS);
    if (rc == 0)
        rc = weft_yield();
    wf_free(memory);
    return rc;
}

SCENARIO(harness_sweeps_tasks_that_clean_up)
{
    return weft_gather(weft_spawn(pause_twice, NULL), weft_spawn(pause_twice, NULL));
}

/* ---- scenarios that are wrong in one place ---- */

static int leak_when_cancelled(void *arg)
{
    (void)arg;
    void *memory = wf_alloc(48);
    if (memory == NULL)
        return -ENOMEM;
    WEFT_TRY(weft_yield());
    wf_free(memory);
    return 0;
}

static int leak_when_second_is_refused(void *arg)
{
    (void)arg;
    void *first = wf_alloc(48);
    if (first == NULL)
        return -ENOMEM;
    void *second = wf_alloc(48);
    if (second == NULL)
        return -ENOMEM;
    wf_free(first);
    wf_free(second);
    return 0;
}

static bool is_open;

static int stay_open_when_late(void *arg)
{
    (void)arg;
    is_open = true;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    is_open = false;
    return 0;
}

static void check_closed(int rc)
{
    (void)rc;
    CHECK(!is_open);
}

/* Bad only when run by run_bad(), else nothing. */
#define BAD_SCENARIO(name_, invariant_, text_, ...)                                                \
    BAD_SCENARIO_OF(SCENARIO_WITH(bad_##name_, invariant_), name_, text_, __VA_ARGS__)
#define BAD_SCENARIO_OF(scenario_, name_, text_, ...)                                              \
    TEST(harness_catches_##name_)                                                                  \
    {                                                                                              \
        expect_failure("bad_" #name_, text_);                                                      \
    }                                                                                              \
    scenario_                                                                                      \
    {                                                                                              \
        return is_bad_run() ? (__VA_ARGS__) : 0;                                                   \
    }

BAD_SCENARIO(a_leak_on_cancel, NULL, "at cancel, k = 1", leak_when_cancelled(NULL))
BAD_SCENARIO(a_leak_without_memory, NULL, "at allocation, k = ", leak_when_second_is_refused(NULL))
BAD_SCENARIO(a_broken_invariant, check_closed, "CHECK(!is_open)", stay_open_when_late(NULL))
BAD_SCENARIO(a_plain_failure, NULL, "at plain", -EIO)

/* ---- sweeps that leave points out ---- */

enum { ALLOCATIONS = 400 };

/* Each in turn; when one of `bad` and those behind it is refused, the one before it is lost. */
static int allocate_many(int bad)
{
    void *before = NULL;
    for (int i = 0; i < ALLOCATIONS; i++) {
        void *memory = wf_alloc(48);
        if (memory == NULL && i >= bad)
            return -ENOMEM;
        wf_free(before);
        before = memory;
        if (memory == NULL)
            return -ENOMEM;
    }
    wf_free(before);
    return 0;
}

DEAR_SCENARIO(harness_tries_few_of_many_points_of_a_dear_scenario)
{
    static int runs;
    runs++;
    note("%d", runs);
    CHECK(runs < ALLOCATIONS / 2 || harness_run.sweep_max == UINT64_MAX);
    return allocate_many(ALLOCATIONS);
}

BAD_SCENARIO_OF(DEAR_SCENARIO(bad_a_leak_far_behind), a_leak_far_behind,
                "at allocation, k = ", allocate_many(ALLOCATIONS * 9 / 10))

/* ---- work ---- */

WORK_SCENARIO(harness_work)
{
    return 0;
}

TEST(harness_runs_work_in_simulation_and_with_threads)
{
    char self[256], command[400], listed[200] = "";
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    CHECK_GT(len, 0);
    self[len] = '\0';
    snprintf(command, sizeof command,
             "'%s' --list --only harness_work --backend sim,epoll,io_uring", self);
    FILE *list = popen(command, "r");
    CHECK(list != NULL);
    size_t count = fread(listed, 1, sizeof listed - 1, list);
    CHECK_EQ(pclose(list), 0);
    CHECK_BYTES(listed, count, "harness_work [sim]\nharness_work [epoll]\n", 40);
}

/* ---- the sweep over schedules ---- */

static int append(void *arg)
{
    static int order;
    if (*(int *)arg == 0)
        order = 0;
    order = order * 4 + *(int *)arg;
    return order;
}

/* Wrong only when the three run in the order in which they were made: not under seed 1. */
TASK_TEST(bad_a_schedule)
{
    if (!is_bad_run())
        return;
    int numbers[] = {0, 1, 2};
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(append, &numbers[i]);
    int last = 0;
    for (int i = 0; i < 3; i++)
        last = weft_await(tasks[i]);
    CHECK_NE(last, 0 * 16 + 1 * 4 + 2);
}

TEST(harness_finds_a_schedule_and_tells_its_seed)
{
    setenv("WEFT_TEST_BACKENDS", "sim", 1);
    char out[8192];
    CHECK_EQ(run_bad("bad_a_schedule", out, sizeof out), 0);
    setenv("WEFT_TEST_SEEDS", "1000", 1);
    expect_failure("bad_a_schedule", "CHECK(last != ");

    CHECK_EQ(run_bad("bad_a_schedule", out, sizeof out), 1);
    const char *again = strstr(out, "--seed ");
    CHECK(again != NULL);
    CHECK(strtoull(again + strlen("--seed "), NULL, 10) > 1);
    const char *step = strstr(again, " --step ");
    CHECK(step != NULL);
    step += strlen(" --step ");
    setenv("WEFT_TEST_SEEDS", "1", 1);
    setenv("WEFT_TEST_SEED", again + strlen("--seed "), 1);
    expect_failure("bad_a_schedule", "CHECK(last != ");

    /* The command runs to the step at which it failed (rule Z06). */
    char line[64];
    snprintf(line, sizeof line, "step %d, ", atoi(step));
    setenv("WEFT_TEST_STEP", step, 1);
    expect_failure("bad_a_schedule", line);
    expect_failure("bad_a_schedule", "the step that was asked for");
}
