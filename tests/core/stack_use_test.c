/* SPDX-License-Identifier: MIT */

/* Rule N06: how deep the tasks of each spawn site go into their stacks. */

#include "harness/harness.h"

#include "base/checkers.h"
#include "base/sys.h"

#include <weft.h>

#include <stdlib.h>

enum { DEEP = 20000, SHALLOW = 2000, KIB = 1024 };

/* What calls and a checker's red zones take besides. */
#define SLACK ((size_t)(WF_HAS_ASAN || WF_HAS_TSAN ? 8000 : 2000))

static __attribute__((noinline)) void touch(size_t bytes)
{
    volatile char *room = __builtin_alloca(bytes);
    for (size_t i = 0; i < bytes; i++)
        room[i] = (char)(i | 1);
}

static int body_uses(void *arg)
{
    touch(*(size_t *)arg);
    return weft_yield();
}

static int body_uses_and_stays(void *arg)
{
    touch(*(size_t *)arg);
    return weft_sleep(WEFT_FOREVER);
}

static int gen_uses(weft_gen *self, void *arg)
{
    touch(*(size_t *)arg);
    return weft_gen_yield(self, (int *)arg);
}

static weft_stack_use use_of(const char *name)
{
    weft_stack_use uses[20];
    size_t count = weft_stack_uses(uses, 20);
    CHECK_LE(count, 20u);
    for (size_t i = 1; i < count; i++)
        CHECK_GE(uses[i - 1].bytes_max, uses[i].bytes_max);
    for (size_t i = 0; i < count; i++) {
        note("%s: %zu", uses[i].site, uses[i].bytes_max);
        if (strncmp(uses[i].site, name, strlen(name)) == 0)
            return uses[i];
    }
    FAIL("no use of %s", name);
}

static void check_use(const char *name, size_t bytes, uint64_t ended_count)
{
    weft_stack_use use = use_of(name);
    CHECK_GE(use.bytes_max, bytes);
    CHECK_LT(use.bytes_max, bytes + SLACK);
    CHECK_EQ(use.ended_count, ended_count);
    CHECK_GT(use.stack_bytes, use.bytes_max);
}

/* Each site twice, the deep ones first: what they leave on a stack is not the next one's. */
static int main_uses(void *arg)
{
    size_t deep = DEEP, shallow = SHALLOW;
    (void)arg;
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_await(weft_spawn_at(body_uses, &deep, "deep at a.c:1")));
        WEFT_TRY(weft_await(weft_spawn_at(body_uses, &shallow, "shallow at a.c:2")));
    }
    check_use("deep at a.c:1", DEEP, 2);
    check_use("shallow at a.c:2", SHALLOW, 2);
    return 0;
}

static int main_uses_others(void *arg)
{
    size_t deep = DEEP, huge = 100 * KIB;
    char value[sizeof(int)];
    (void)arg;
    WEFT_TRY(weft_await(weft_spawn_stack_at(body_uses, &huge, 256 * KIB, "huge at a.c:3")));
    check_use("huge at a.c:3", huge, 1);
    weft_gen *gen = weft_gen_open_at(gen_uses, &deep, "gen at a.c:4");
    CHECK_EQ(weft_gen_next_sized(gen, value, sizeof value), 1);
    CHECK_OK(weft_gen_close(gen));
    check_use("gen at a.c:4", DEEP, 1);
    return 0;
}

static int main_looks_at_the_living(void *arg)
{
    size_t deep = DEEP;
    (void)arg;
    weft_task task = weft_spawn_at(body_uses_and_stays, &deep, "stays at a.c:5");
    WEFT_TRY(weft_yield());
    check_use("stays at a.c:5", DEEP, 0);
    (void)weft_cancel(task, "seen");
    CHECK_EQ(weft_await(task), -ECANCELED);
    check_use("stays at a.c:5", DEEP, 1);
    return 0;
}

/* Guards for the next stacks are set up by whoever starts a task, on the stack of the one that
 * waits: that one's page must do for it. */
static int main_looks_at_those_who_start_others(void *arg)
{
    enum { COUNT = 200 };
    weft_task tasks[COUNT];
    size_t nothing = 1;
    (void)arg;
    for (int i = 0; i < COUNT; i++)
        tasks[i] = weft_spawn_at(body_uses_and_stays, &nothing, "starts at a.c:8");
    WEFT_TRY(weft_yield());
    check_use("starts at a.c:8", nothing, 0);
    for (int i = 0; i < COUNT; i++) {
        (void)weft_cancel(tasks[i], "seen");
        CHECK_EQ(weft_await(tasks[i]), -ECANCELED);
    }
    return 0;
}

/* On another loop, whose end its record at home only hears of. */
static int main_uses_elsewhere(void *arg)
{
    size_t deep = DEEP;
    (void)arg;
    for (int i = 0; i < 2; i++)
        WEFT_TRY(weft_await(weft_spawn_on_at(weft_loop_at(1), body_uses, &deep, "far at a.c:7")));
    check_use("far at a.c:7", DEEP, 2);
    return 0;
}

static int main_is_not_measured(void *arg)
{
    weft_stack_use use;
    size_t deep = DEEP;
    (void)arg;
    WEFT_TRY(weft_await(weft_spawn(body_uses, &deep)));
    CHECK_EQ(weft_stack_uses(&use, 1), 0u);
    return 0;
}

static int main_dumps(void *arg)
{
    size_t deep = DEEP;
    char text[2048] = "";
    (void)arg;
    WEFT_TRY(weft_await(weft_spawn_at(body_uses, &deep, "deep at a.c:6")));
    test_dump(text, sizeof text);
    note("%s", text);
    CHECK(strstr(text, "\nstack: ") != NULL);
    CHECK(strstr(text, "bytes used by deep at a.c:6 (1 ended)\n") != NULL);
    return 0;
}

static void run_measured(weft_fn *fn, unsigned loops)
{
    weft_config config = test_config();
    config.flags = WEFT_RUN_MEASURE_STACKS;
    config.loops = loops;
    CHECK_OK(weft_run_with(&config, fn, NULL));
}

RUN_TEST(test_N06_the_deepest_use_of_each_spawn_site_is_told)
{
    run_measured(main_uses, 1);
}

RUN_TEST(test_N06_mapped_stacks_and_those_of_generators_are_measured_too)
{
    run_measured(main_uses_others, 1);
}

RUN_TEST(test_N06_tasks_that_live_are_measured_too)
{
    run_measured(main_looks_at_the_living, 1);
}

RUN_TEST(stack_of_who_starts_others_is_no_deeper_for_it)
{
    run_measured(main_looks_at_those_who_start_others, 1);
}

RUN_TEST(test_N06_tasks_that_run_on_another_loop_are_measured_too)
{
    if (!test_is_simulated())
        use_real_time(); /* threads have no virtual time in common */
    run_measured(main_uses_elsewhere, 2);
}

RUN_TEST(test_N06_nothing_is_measured_unless_asked)
{
    weft_config config = test_config();
    CHECK_EQ(weft_stack_uses(NULL, 0), 0u);
    CHECK_OK(weft_run_with(&config, main_is_not_measured, NULL));
    CHECK_OK(setenv("WEFT_MEASURE_STACKS", "1", 1));
    CHECK_OK(weft_run_with(&config, main_uses, NULL));
}

RUN_TEST(test_N06_the_dump_ends_with_the_deepest)
{
    run_measured(main_dumps, 1);
}
