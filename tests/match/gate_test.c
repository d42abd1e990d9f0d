/* SPDX-License-Identifier: MIT */

#include "match/gate.h"

#include "harness/harness.h"

#include <weft.h>

struct visit {
    wf_gate *gate;
    enum wf_gate_mode mode;
    int *order; /* of arrivals; the next place is order[0] */
    int number;
    int pauses;
    bool is_shielded;
};

static int visit(void *arg)
{
    const struct visit *v = arg;
    if (v->is_shielded)
        wf_gate_enter_shielded(v->gate, v->mode);
    else
        WEFT_TRY(wf_gate_enter(v->gate, v->mode));
    v->order[++v->order[0]] = v->number;
    CHECK(v->mode == WF_GATE_SHARED ? v->gate->shared_count > 0 : v->gate->is_exclusive);
    for (int i = 0; i < v->pauses; i++)
        (void)weft_yield();
    wf_gate_leave(v->gate, v->mode);
    return 0;
}

static size_t waiting(const wf_gate *gate)
{
    size_t count = 0;
    wf_list_each (waiter, &gate->waiters)
        count++;
    return count;
}

static weft_task send_to_wait(struct visit *v)
{
    size_t before = waiting(v->gate);
    weft_task task = weft_spawn(visit, v);
    while (waiting(v->gate) == before)
        CHECK_OK(weft_yield());
    return task;
}

TASK_TEST(a_gate_lets_in_who_came_first)
{
    wf_gate gate;
    int order[8] = {0};
    weft_task tasks[4];
    struct visit visits[4];
    wf_gate_init(&gate);
    CHECK_OK(wf_gate_enter(&gate, WF_GATE_SHARED));
    for (int i = 0; i < 4; i++) {
        visits[i] = (struct visit){&gate, WF_GATE_EXCLUSIVE, order, i + 1, 5, false};
        tasks[i] = send_to_wait(&visits[i]);
    }
    wf_gate_leave(&gate, WF_GATE_SHARED);
    CHECK_OK(weft_gather_n(tasks, 4));
    for (int i = 1; i <= 4; i++)
        CHECK_EQ(order[i], i);
    wf_gate_fini(&gate);
}

TASK_TEST(a_gate_lets_many_share)
{
    wf_gate gate;
    int order[8] = {0};
    struct visit second = {&gate, WF_GATE_SHARED, order, 2, 0, false};
    wf_gate_init(&gate);
    CHECK_OK(wf_gate_enter(&gate, WF_GATE_SHARED));
    CHECK_OK(visit(&second));
    wf_gate_leave(&gate, WF_GATE_SHARED);
    wf_gate_fini(&gate);
}

/* A shared holder, an exclusive one waiting, a shared one behind it: when the second gives up,
 * nothing is in the way of the third. */
TASK_TEST(a_cancelled_waiter_makes_way_for_those_behind_it)
{
    wf_gate gate;
    int order[8] = {0};
    wf_gate_init(&gate);
    CHECK_OK(wf_gate_enter(&gate, WF_GATE_SHARED));
    struct visit second = {&gate, WF_GATE_EXCLUSIVE, order, 2, 0, false};
    struct visit third = {&gate, WF_GATE_SHARED, order, 3, 0, false};
    weft_task waits = send_to_wait(&second), behind = send_to_wait(&third);
    CHECK_EQ(order[0], 0);
    CHECK_EQ(weft_cancel(waits, "test"), 1);
    CHECK_EQ(weft_await(waits), -ECANCELED);
    CHECK_OK(weft_await(behind));
    CHECK_EQ(order[1], 3);
    wf_gate_leave(&gate, WF_GATE_SHARED);
    wf_gate_fini(&gate);
}

/* Let in and cancelled in the same turn: it is inside, and leaves in order. */
TASK_TEST(a_waiter_that_is_let_in_and_cancelled_is_inside)
{
    wf_gate gate;
    int order[8] = {0};
    wf_gate_init(&gate);
    CHECK_OK(wf_gate_enter(&gate, WF_GATE_EXCLUSIVE));
    struct visit second = {&gate, WF_GATE_EXCLUSIVE, order, 2, 0, false};
    weft_task waits = send_to_wait(&second);
    wf_gate_leave(&gate, WF_GATE_EXCLUSIVE);
    CHECK_EQ(weft_cancel(waits, "test"), 1);
    CHECK_OK(weft_await(waits));
    CHECK_EQ(order[1], 2);
    CHECK_OK(wf_gate_enter(&gate, WF_GATE_EXCLUSIVE));
    wf_gate_leave(&gate, WF_GATE_EXCLUSIVE);
    wf_gate_fini(&gate);
}

TASK_TEST(a_shielded_waiter_comes_in_although_it_is_cancelled)
{
    wf_gate gate;
    int order[8] = {0};
    wf_gate_init(&gate);
    CHECK_OK(wf_gate_enter(&gate, WF_GATE_SHARED));
    struct visit second = {&gate, WF_GATE_EXCLUSIVE, order, 2, 0, true};
    weft_task waits = send_to_wait(&second);
    CHECK_EQ(weft_cancel(waits, "test"), 1);
    CHECK_OK(weft_yield());
    CHECK_EQ(order[0], 0);
    wf_gate_leave(&gate, WF_GATE_SHARED);
    CHECK_OK(weft_await(waits));
    CHECK_EQ(order[1], 2);
    wf_gate_fini(&gate);
}

struct crowd {
    wf_gate gate;
    long inside, visits; /* under the gate */
};

static int go_in_and_out(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0; i < 200; i++) {
        WEFT_TRY(wf_gate_enter(&crowd->gate, WF_GATE_EXCLUSIVE));
        CHECK_EQ(crowd->inside++, 0);
        crowd->visits++;
        if (weft_self().id != 0 && i % 7 == 0)
            (void)weft_yield(); /* others find it closed */
        CHECK_EQ(--crowd->inside, 0);
        wf_gate_leave(&crowd->gate, WF_GATE_EXCLUSIVE);
    }
    return 0;
}

static void go_on_thread(void *arg)
{
    CHECK_OK(go_in_and_out(arg));
}

static int go_in_tasks(void *arg)
{
    weft_task tasks[] = {weft_spawn(go_in_and_out, arg), weft_spawn(go_in_and_out, arg)};
    return weft_gather_n(tasks, 2);
}

/* Two tasks on a loop and two threads without one. */
TEST(tasks_and_threads_share_a_gate)
{
    struct crowd crowd = {0};
    weft_thread threads[2];
    weft_config config = {.backend = "epoll"};
    const weft_platform *platform = weft_platform_get();
    wf_gate_init(&crowd.gate);
    for (int i = 0; i < 2; i++)
        CHECK_OK(platform->thread_start(&threads[i], go_on_thread, &crowd, 0));
    CHECK_OK(weft_run_with(&config, go_in_tasks, &crowd));
    for (int i = 0; i < 2; i++)
        platform->thread_join(threads[i]);
    CHECK_EQ(crowd.visits, 800);
    wf_gate_fini(&crowd.gate);
}
