/* SPDX-License-Identifier: MIT */

/* Who waits for whom, and the cycles in it (rules O02, F06). */

#include "core/look/topic.h"
#include "core/task/sched_priv.h"
#include "harness/harness.h"

#include <weft.h>

#include <stdlib.h>
#include <unistd.h>

static const char *tell(const struct wf_topic *topic)
{
    static char text[256 << 10];
    wf_buf out = {0};
    wf_topic_tell(topic, wf_sched_self(), "", &out);
    CHECK_OK(out.rc);
    CHECK_LT(wf_buf_bytes(&out), sizeof text);
    memcpy(text, wf_buf_ptr(&out), wf_buf_bytes(&out));
    text[wf_buf_bytes(&out)] = '\0';
    wf_buf_fini(&out);
    note("%.4000s", text);
    return text;
}

/* A line of the graph with all of these in this order. */
static bool has_line(const char *text, const char *a, const char *b, const char *c)
{
    for (const char *line = text; line != NULL && *line != '\0';) {
        const char *end = strchr(line, '\n');
        const char *first = strstr(line, a);
        const char *second = first != NULL ? strstr(first, b) : NULL;
        const char *third = second != NULL ? strstr(second, c) : NULL;
        if (third != NULL && end != NULL && third < end)
            return true;
        line = end != NULL ? end + 1 : NULL;
    }
    return false;
}

static weft_mutex mutexes[2];
static weft_event go;

static bool is_kept; /* of the loop that the keeper runs on */

static int keeper(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_lock(&mutexes[0]));
    is_kept = true;
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

static int wants_what_is_kept(void *arg)
{
    while (!is_kept)
        WEFT_TRY(weft_sleep(WEFT_MS));
    return wants(arg);
}

static int awaits(void *arg)
{
    return weft_await(*(weft_task *)arg);
}

static int awaits_for(void *arg)
{
    return weft_await_for(*(weft_task *)arg, WEFT_SEC);
}

static int gathers(void *arg)
{
    const weft_task *tasks = arg;
    return weft_gather(tasks[0], tasks[1]);
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

struct told {
    const struct wf_topic *topic;
    wf_buf out;
};

static int tell_here(void *arg)
{
    struct told *told = arg;
    wf_topic_tell(told->topic, wf_sched_self(), "", &told->out);
    wf_buf_putc(&told->out, '\0');
    return told->out.rc;
}

/* Says it on loop 1 until it has this line. */
static bool is_told_there(const struct wf_topic *topic, const char *a, const char *b, const char *c)
{
    bool is_told = false;
    for (int i = 0; i < 1000 && !is_told; i++) {
        struct told told = {.topic = topic};
        CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), tell_here, &told)));
        is_told = has_line(wf_buf_ptr(&told.out), a, b, c);
        if (!is_told)
            note("%s", wf_buf_ptr(&told.out));
        wf_buf_fini(&told.out);
        CHECK_OK(is_told ? 0 : weft_sleep(WEFT_MS));
    }
    return is_told;
}

/* They have no record among those of the loop they run on. */
LOOPS_TEST(test_O02_tasks_of_other_loops_are_in_the_graph_of_the_one_they_run_on, 2)
{
    weft_event_clear(&go);
    is_kept = false;
    weft_task owner = weft_spawn_on(weft_loop_at(1), keeper, NULL);
    weft_task waiter = weft_spawn_on(weft_loop_at(1), wants_what_is_kept, NULL);
    CHECK(is_told_there(&wf_topic_graph, "  wants_what_is_kept #", " [mutex 0x",
                        "] waits for keeper #"));
    CHECK(is_told_there(&wf_topic_dot, " -> ", "[label=\"mutex\"", "];"));
    weft_cancel(owner, "to end it");
    CHECK_EQ(weft_await(owner), -ECANCELED);
    CHECK_OK(weft_await(waiter));
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

static void unsaid(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

RUN_TEST(test_F06_the_report_of_a_deadlock_shows_the_cycle)
{
    static char text[16 << 10];
    int fds[2];
    CHECK_OK(pipe(fds));
    int before = dup(STDERR_FILENO);
    CHECK_OK(dup2(fds[1], STDERR_FILENO));
    weft_config config = test_config();
    config.log = unsaid;
    int rc = weft_run_with(&config, locks_up, NULL);
    CHECK_OK(dup2(before, STDERR_FILENO));
    CHECK_OK(close(before));
    CHECK_OK(close(fds[1]));
    size_t len = 0;
    for (ssize_t got; (got = read(fds[0], text + len, sizeof text - 1 - len)) > 0;)
        len += (size_t)got;
    CHECK_OK(close(fds[0]));
    note("%s", text);
    CHECK_EQ(rc, -EDEADLK);
    CHECK(has_line(text, "task takes_both #", "[mutex]", "spawned: "));
    CHECK(has_line(text, "  takes_both #", " [mutex 0x", "] waits for takes_both #"));
    CHECK(
        has_line(text, "  main #", " [gather] waits for 2 tasks: takes_both #", ", takes_both #"));
    CHECK(has_line(text, "  cycle: takes_both #", "] -> takes_both #", "] -> takes_both #"));
}
