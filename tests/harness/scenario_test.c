/* SPDX-License-Identifier: MIT */

/* The harness inside tasks: back ends, virtual time, and sweeps that do find what is wrong. */

#include "harness/bad.h"
#include "harness/harness.h"

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
    TEST(harness_catches_##name_)                                                                  \
    {                                                                                              \
        expect_failure("bad_" #name_, text_);                                                      \
    }                                                                                              \
    SCENARIO_WITH(bad_##name_, invariant_)                                                         \
    {                                                                                              \
        return is_bad_run() ? (__VA_ARGS__) : 0;                                                   \
    }

BAD_SCENARIO(a_leak_on_cancel, NULL, "at cancel, k = 1", leak_when_cancelled(NULL))
BAD_SCENARIO(a_leak_without_memory, NULL, "at allocation, k = ", leak_when_second_is_refused(NULL))
BAD_SCENARIO(a_broken_invariant, check_closed, "CHECK(!is_open)", stay_open_when_late(NULL))
BAD_SCENARIO(a_plain_failure, NULL, "at plain", -EIO)
