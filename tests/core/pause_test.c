/* SPDX-License-Identifier: MIT */

/* Rule Z07: waiting until all others wait. */

#include "harness/harness.h"

#include <weft.h>

struct crowd {
    weft_event go;
    int yields;
    weft_time began;
};

static int body_yields_then_waits(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0; i < 300; i++) { /* over several passes */
        WEFT_TRY(weft_yield());
        crowd->yields++;
    }
    return weft_event_wait(&crowd->go);
}

static int body_is_idle_too(void *arg)
{
    const struct crowd *crowd = arg;
    WEFT_TRY(weft_wait_idle());
    return crowd->yields;
}

static int body_sleeps_long(void *arg)
{
    const struct crowd *crowd = arg;
    int rc = weft_sleep(WEFT_SEC);
    return rc < 0 ? rc : weft_now() - crowd->began >= WEFT_SEC;
}

TASK_TEST(test_Z07_wait_idle_returns_when_every_other_task_waits)
{
    struct crowd crowd = {.began = weft_now()};
    weft_task other = weft_spawn(body_is_idle_too, &crowd);
    weft_task tasks[] = {weft_spawn(body_yields_then_waits, &crowd),
                         weft_spawn(body_yields_then_waits, &crowd),
                         weft_spawn(body_sleeps_long, &crowd)};
    CHECK_OK(weft_wait_idle());
    CHECK_EQ(crowd.yields, 600);
    CHECK_EQ(weft_now(), crowd.began); /* the clock is virtual: no time has passed */
    CHECK_EQ(weft_await(other), 600);
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(weft_done(tasks[i], NULL), 0);
    weft_event_set(&crowd.go);
    CHECK_OK(weft_wait_idle());
    CHECK_EQ(weft_done(tasks[0], NULL) + weft_done(tasks[1], NULL), 2);
    CHECK_OK(weft_wait_idle()); /* again at once */
    CHECK_EQ(weft_await(tasks[2]), 1);
}

TASK_TEST(test_Z07_what_waits_for_all_others_can_be_cancelled)
{
    struct crowd crowd = {0};
    weft_task task = weft_spawn(body_is_idle_too, &crowd);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    (void)weft_cancel(weft_self(), "test");
    CHECK_EQ(weft_wait_idle(), -ECANCELED);
}

static int body_is_idle_here(void *arg)
{
    (void)arg;
    return weft_wait_idle();
}

LOOPS_TEST(test_Z07_each_loop_may_wait_until_it_is_idle, 2)
{
    weft_task there = weft_spawn_on(weft_loop_at(1), body_is_idle_here, NULL);
    CHECK_OK(weft_wait_idle());
    CHECK_OK(weft_await(there));
}

/* ---- sweeps ---- */

static int scenario_inner(void *arg)
{
    (void)arg;
    return 1;
}

static int scenario_child(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    weft_task inner = weft_spawn(scenario_inner, NULL);
    WEFT_TRY(weft_await(inner));
    WEFT_TRY(weft_yield());
    return 0;
}

SCENARIO(scenario_wait_idle)
{
    weft_task child = weft_spawn(scenario_child, (void *)WEFT_SEC);
    WEFT_TRY(weft_wait_idle());
    WEFT_TRY(weft_await(child));
    return weft_wait_idle();
}
