/* SPDX-License-Identifier: MIT */

/* Rules V: task locals. */

#include "harness/harness.h"
#include "sync_helpers.h"

#include <weft.h>

static weft_local name, number;
static weft_local many[WEFT_LOCALS_MAX + 1];

static const char *get_name(void)
{
    const char *value = weft_local_get(&name);
    return value != NULL ? value : "";
}

static int set_name(const char *value)
{
    return weft_local_set(&name, (void *)(uintptr_t)value);
}

struct seen {
    const char *at_start, *later;
};

static int body_look(void *arg)
{
    struct seen *seen = arg;
    seen->at_start = get_name();
    WEFT_TRY(weft_sleep(2 * WEFT_SEC));
    seen->later = get_name();
    return 0;
}

static int body_change(void *arg)
{
    const char *before = arg;
    CHECK_STR(get_name(), before);
    CHECK_OK(set_name("child's"));
    CHECK_STR(get_name(), "child's");
    return 0;
}

TASK_TEST(test_V01_a_child_sees_the_values_at_its_spawn)
{
    struct seen seen = {0};
    CHECK_OK(set_name("first"));
    weft_task child = weft_spawn(body_look, &seen);
    CHECK_OK(set_name("second")); /* before the child's first instruction */
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(set_name("third"));
    CHECK_OK(weft_await(child));
    CHECK_STR(seen.at_start, "first");
    CHECK_STR(seen.later, "first");
    CHECK_STR(get_name(), "third");
}

TASK_TEST(test_V01_what_a_child_sets_its_spawner_does_not_see)
{
    CHECK_OK(set_name("mine"));
    CHECK_OK(weft_await(weft_spawn(body_change, "mine")));
    CHECK_STR(get_name(), "mine");
    CHECK_OK(weft_await(weft_spawn(body_change, "mine")));
}

static int body_copied(void *arg)
{
    const char *wanted = *(const char **)arg;
    CHECK_STR(get_name(), wanted);
    return 0;
}

TASK_TEST(test_V01_however_the_child_is_spawned)
{
    const char *wanted = "all of them";
    CHECK_OK(set_name(wanted));
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_change, (void *)(uintptr_t)wanted));
    CHECK_OK(weft_group_wait(group));
    CHECK_OK(weft_await(weft_spawn_copy(body_copied, wanted)));
    CHECK_OK(weft_await(weft_spawn_stack(body_copied, &wanted, (size_t)128 << 10)));
    CHECK_OK(weft_await(weft_detach(body_copied, &wanted)));
    const char *items[] = {wanted, wanted, wanted, wanted};
    CHECK_OK(weft_map_limit(body_copied, items, 4, 1));
}

TASK_TEST(test_V02_an_unset_local_is_null)
{
    CHECK(weft_local_get(&name) == NULL);
    CHECK_OK(weft_local_set(&name, NULL)); /* unsetting nothing needs nothing */
    CHECK_OK(weft_local_set(&number, &number));
    CHECK(weft_local_get(&name) == NULL);
    CHECK_OK(set_name("set"));
    CHECK_OK(weft_local_set(&name, NULL));
    CHECK(weft_local_get(&name) == NULL);
    CHECK(weft_local_get(&number) == &number);
}

static int body_nothing(void *arg)
{
    (void)arg;
    return 0;
}

TASK_TEST(test_V02_spawning_with_unchanged_locals_copies_nothing)
{
    CHECK_OK(weft_await(weft_spawn(body_nothing, NULL))); /* records and stacks are there */
    CHECK_OK(set_name("here"));
    uint64_t made = blocks_made();
    for (int i = 0; i < 10; i++) {
        CHECK_OK(weft_await(weft_spawn(body_nothing, NULL)));
        CHECK_OK(set_name(i % 2 == 0 ? "there" : "here")); /* nor does setting, alone */
    }
    CHECK_EQ(blocks_made(), made);
}

TASK_TEST(test_V02_there_is_a_limit_and_a_text_that_says_it)
{
    int rc = 0;
    size_t count = 0;
    for (; count <= WEFT_LOCALS_MAX && rc == 0; count++)
        rc = weft_local_set(&many[count], &many[count]);
    CHECK_EQ(rc, -WEFT_ELIMIT);
    CHECK_STR(weft_error_text(), "more than 64 task locals");
    CHECK(weft_local_get(&many[count - 1]) == NULL);
    for (size_t i = 0; i + 1 < count; i++)
        CHECK(weft_local_get(&many[i]) == &many[i]);
}

static int yield_name(weft_gen *self, void *arg)
{
    (void)arg;
    for (;;) {
        const char *value = get_name();
        WEFT_TRY(set_name("the generator's"));
        WEFT_TRY(weft_gen_yield(self, &value));
    }
}

TASK_TEST(test_V03_a_generator_shares_its_consumers_locals)
{
    weft_gen *gen = weft_gen_open(yield_name, NULL);
    const char *seen;
    CHECK_OK(set_name("after the open"));
    CHECK_EQ(weft_gen_next(gen, &seen), 1);
    CHECK_STR(seen, "after the open");
    CHECK_STR(get_name(), "the generator's");
    CHECK_OK(weft_gen_close(gen));
}

static int blocking_body(void *arg)
{
    CHECK_STR(get_name(), arg);
    CHECK_EQ(set_name("not here"), -EPERM);
    CHECK_STR(get_name(), arg);
    return 0;
}

TASK_TEST(test_V03_a_blocking_body_reads_and_cannot_set)
{
    CHECK_OK(set_name("for the pool"));
    CHECK_OK(weft_run_blocking(blocking_body, "for the pool"));
    CHECK_STR(get_name(), "for the pool");
}

TEST(test_L04_outside_a_task_there_are_no_locals)
{
    CHECK(weft_local_get(&name) == NULL);
    CHECK_EQ(set_name("nowhere"), -EPERM);
}

static int elsewhere(void *arg)
{
    (void)arg;
    CHECK(weft_local_get(&name) == NULL);
    CHECK_OK(set_name("elsewhere"));
    CHECK_STR(get_name(), "elsewhere");
    return 0;
}

TASK_TEST(test_X01_a_local_serves_every_loop)
{
    CHECK_OK(set_name("here"));
    CHECK_OK(run_elsewhere(elsewhere, NULL));
    CHECK_STR(get_name(), "here");
}

/* ---- the sweeps ---- */

static int body_grandchild(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_MS));
    CHECK_STR(get_name(), arg);
    return 0;
}

/* Of three generations this one changes the value, between two children. */
static int body_child(void *arg)
{
    weft_task early = weft_spawn(body_grandchild, arg);
    WEFT_TRY(set_name("changed"));
    weft_task late = weft_spawn(body_grandchild, "changed");
    int rc = weft_gather(early, late);
    CHECK_STR(get_name(), "changed");
    return rc;
}

SCENARIO(test_Y01_V_three_generations)
{
    WEFT_TRY(set_name("set once"));
    int rc = weft_await(weft_spawn(body_child, "set once"));
    CHECK_STR(get_name(), "set once");
    return rc;
}
