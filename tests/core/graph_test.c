/* SPDX-License-Identifier: MIT */

/* Who waits for whom, and the cycles in it (rules O02, F06). */

#include "core/graph_helpers.h"

static weft_mutex mutexes[2];
static int keeper(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_lock(&mutexes[0]));
    int rc = weft_event_wait(&go);
    weft_unlock(&mutexes[0]);
    return rc;
}

static int wants(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_lock(&mutexes[0]));
    return weft_unlock(&mutexes[0]);
}

static int awaits_for(void *arg)
{
    return weft_await_for(*(weft_task *)arg, WEFT_SEC);
}

static int selects(void *arg)
{
    WEFT_TRY(weft_select(WEFT_CASE_EVENT(&go), WEFT_CASE_DONE(*(weft_task *)arg, NULL)));
    return 0;
}

static int has_group(void *arg)
{
    (void)arg;
    WEFT_GROUP(group);
    for (int i = 0; i < 5; i++)
        WEFT_TRY(weft_group_spawn(group, wants, NULL));
    return weft_group_wait(group);
}

static int leaves_a_child(void *arg)
{
    (void)arg;
    (void)weft_spawn(wants, NULL);
    return 0;
}

TASK_TEST(test_O02_each_kind_of_wait_leads_to_who_can_end_it)
{
    weft_event_clear(&go);
    weft_task tasks[8];
    tasks[0] = weft_spawn(keeper, NULL);
    CHECK_OK(weft_sleep(WEFT_MS)); /* until all of them wait */
    tasks[1] = weft_spawn(wants, NULL);
    tasks[2] = weft_spawn(awaits, &tasks[0]);
    tasks[3] = weft_spawn(awaits_for, &tasks[0]);
    tasks[4] = weft_spawn(gathers, &tasks[0]);
    tasks[5] = weft_spawn(selects, &tasks[0]);
    tasks[6] = weft_spawn(has_group, NULL);
    tasks[7] = weft_spawn(leaves_a_child, NULL);
    for (int i = 0; i < 4; i++)
        CHECK_OK(weft_sleep(WEFT_MS));
    const char *text = tell(&wf_topic_graph);
    CHECK(strstr(text, " tasks wait for others\n") != NULL);
    CHECK(has_line(text, "  wants #", " [mutex 0x", "] waits for keeper #"));
    CHECK(has_line(text, "  awaits #", " [await", "] waits for keeper #"));
    CHECK(has_line(text, "  awaits_for #", " [await", "] waits for keeper #"));
    CHECK(has_line(text, "  gathers #", " [gather] waits for 2 tasks: keeper #", ", wants #"));
    CHECK(has_line(text, "  selects #", " [select 0x", "] waits for keeper #"));
    CHECK(has_line(text, "  has_group #", " [group 0x", "] waits for 5 tasks: wants #"));
    CHECK(has_line(text, "  leaves_a_child #", " [its children] waits for ", "wants #"));
    CHECK(strstr(text, "\n  keeper #") == NULL);
    CHECK(strstr(text, "cycle") == NULL);
    const char *dot = tell(&wf_topic_dot);
    CHECK(strstr(dot, "digraph weft {\n") == dot);
    CHECK(has_line(dot, " -> ", "[label=\"mutex\"", "];"));
    CHECK(has_line(dot, "[label=\"event\"", " shape=ellipse", "];"));
    CHECK(strstr(dot, "color=red") == NULL);
    weft_event_set(&go);
    for (int i = 0; i < 8; i++)
        CHECK_OK(weft_await(tasks[i]));
}

/* Two tasks that take two mutexes in different orders. */
static int takes_both(void *arg)
{
    int first = *(int *)arg;
    WEFT_TRY(weft_lock(&mutexes[first]));
    int rc = weft_sleep(WEFT_MS);
    if (rc == 0)
        rc = weft_lock(&mutexes[1 - first]);
    if (rc == 0)
        weft_unlock(&mutexes[1 - first]);
    weft_unlock(&mutexes[first]);
    return rc;
}

TASK_TEST(test_O02_a_cycle_is_found_and_told_once)
{
    weft_event_clear(&go);
    int orders[] = {0, 1};
    weft_task a = weft_spawn(takes_both, &orders[0]), b = weft_spawn(takes_both, &orders[1]);
    weft_task waits = weft_spawn(awaits, &a); /* leads into the cycle, is not in it */
    for (int i = 0; i < 4; i++)
        CHECK_OK(weft_sleep(WEFT_MS));
    const char *text = tell(&wf_topic_graph);
    const char *cycle = strstr(text, "  cycle: takes_both #");
    CHECK(cycle != NULL);
    CHECK(has_line(cycle, "] -> takes_both #", " [mutex 0x", "] -> takes_both #"));
    CHECK(strstr(cycle + 8, "cycle") == NULL);
    CHECK(!has_line(cycle, "awaits", "", ""));
    CHECK(has_line(tell(&wf_topic_dot), " -> ", "[label=\"mutex\"", " color=red];"));
    weft_cancel(a, "to end the deadlock");
    CHECK_EQ(weft_await(a), -ECANCELED);
    CHECK_OK(weft_await(b));
    CHECK_EQ(weft_await(waits), -ECANCELED);
}

/* The owner of a group waits for a member, which wants the mutex that the owner holds. */
static int waits_for_a_member(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_lock(&mutexes[0]));
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, wants, NULL));
    int rc = weft_group_wait(group);
    weft_unlock(&mutexes[0]);
    return rc;
}

TASK_TEST(test_O02_a_cycle_through_a_group_is_found)
{
    weft_event_clear(&go);
    weft_task task = weft_spawn(waits_for_a_member, NULL);
    for (int i = 0; i < 3; i++)
        CHECK_OK(weft_sleep(WEFT_MS));
    const char *text = tell(&wf_topic_graph);
    CHECK(has_line(text, "  cycle: ", "waits_for_a_member #", " -> wants #") ||
          has_line(text, "  cycle: ", "wants #", " -> waits_for_a_member #"));
    weft_cancel(task, "to end the deadlock");
    CHECK_EQ(weft_await(task), -ECANCELED);
}

static bool lasts(const struct wf_graph *graph, weft_task task)
{
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].id == task.id)
            return graph->nodes[i].is_lasting;
    return false;
}

static int outlived(void *arg)
{
    weft_release(weft_spawn(waits_for_go, arg));
    return 0;
}

static int waits_twice(void *arg)
{
    WEFT_TRY(weft_event_wait(arg));
    return weft_event_wait(&go);
}

TASK_TEST(test_O02_a_wait_has_its_mark_until_it_ends)
{
    weft_event first = {0};
    weft_event_clear(&go);
    weft_task waits = weft_spawn(waits_for_go, NULL), twice = weft_spawn(waits_twice, &first);
    weft_task parent = weft_spawn(outlived, NULL);
    CHECK_OK(weft_sleep(WEFT_MS));
    wf_graph_mark(wf_sched_self(), 7);
    weft_event_set(&first);
    weft_task late = weft_spawn(outlived, NULL);
    CHECK_OK(weft_sleep(WEFT_MS));
    struct wf_graph graph = {0}, other = {0};
    wf_graph_take(&graph, wf_sched_self(), 7);
    wf_graph_take(&other, wf_sched_self(), 8);
    CHECK(lasts(&graph, waits));
    CHECK(lasts(&graph, parent));
    CHECK(!lasts(&graph, twice));
    CHECK(!lasts(&graph, late));
    CHECK(!lasts(&graph, weft_self()));
    CHECK(!lasts(&other, waits));
    CHECK(!lasts(&other, parent));
    wf_graph_fini(&graph);
    wf_graph_fini(&other);
    weft_event_set(&go);
    CHECK_OK(weft_gather(waits, twice, parent, late));
}

#define CHAIN 10000

static weft_task chain[CHAIN];

static int waits_for_the_one_before(void *arg)
{
    size_t i = (size_t)((weft_task *)arg - chain);
    return i == 0 ? weft_event_wait(&go) : weft_await(chain[i - 1]);
}

TASK_TEST(test_O02_a_chain_of_ten_thousand_is_followed_to_its_end)
{
    weft_event_clear(&go);
    for (int i = 0; i < CHAIN; i++)
        chain[i] = weft_spawn(waits_for_the_one_before, &chain[i]);
    CHECK_OK(weft_sleep(WEFT_MS));
    wf_buf out = {0};
    wf_topic_tell(&wf_topic_graph, wf_sched_self(), "", &out);
    char head[64];
    snprintf(head, sizeof head, ": %d of %d tasks wait for others\n", CHAIN - 1, CHAIN + 1);
    CHECK(memmem(wf_buf_ptr(&out), wf_buf_bytes(&out), head, strlen(head)) != NULL);
    CHECK(memmem(wf_buf_ptr(&out), wf_buf_bytes(&out), "cycle", 5) == NULL);
    wf_buf_fini(&out);
    weft_event_set(&go);
    for (int i = 0; i < CHAIN; i++)
        CHECK_OK(weft_await(chain[i]));
}

/* Whatever allocation fails, what is told is whole lines. */
TASK_TEST(graph_without_memory_is_cut)
{
    int orders[] = {0, 1};
    weft_task a = weft_spawn(takes_both, &orders[0]), b = weft_spawn(takes_both, &orders[1]);
    for (int i = 0; i < 4; i++)
        CHECK_OK(weft_sleep(WEFT_MS));
    for (uint64_t k = 1;; k++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = k};
        wf_buf out = {0};
        weft_fault_arm(&plan);
        wf_topic_tell(&wf_topic_graph, wf_sched_self(), "", &out);
        weft_fault_arm(NULL);
        size_t bytes = wf_buf_bytes(&out);
        CHECK(bytes == 0 || out.rc < 0 || wf_buf_ptr(&out)[bytes - 1] == '\n');
        wf_buf_fini(&out);
        if (plan.point == NULL)
            break;
    }
    weft_cancel(a, "to end the deadlock");
    CHECK_EQ(weft_await(a), -ECANCELED);
    CHECK_OK(weft_await(b));
}

/* ---- the deadlock's report ---- */

static int locks_up(void *arg)
{
    int orders[] = {0, 1};
    (void)arg;
    weft_task a = weft_spawn(takes_both, &orders[0]), b = weft_spawn(takes_both, &orders[1]);
    return weft_gather(a, b);
}

RUN_TEST(test_F06_the_report_of_a_deadlock_shows_the_cycle)
{
    const char *text = told_by(1, locks_up);
    CHECK(has_line(text, "task takes_both #", "[mutex]", "spawned: "));
    CHECK(has_line(text, "  takes_both #", " [mutex 0x", "] waits for takes_both #"));
    CHECK(
        has_line(text, "  main #", " [gather] waits for 2 tasks: takes_both #", ", takes_both #"));
    CHECK(has_line(text, "  cycle: takes_both #", "] -> takes_both #", "] -> takes_both #"));
}

RUN_TEST(test_F06_a_deadlock_is_ended_without_memory)
{
    (void)told_by(1, waits_without_memory);
}
