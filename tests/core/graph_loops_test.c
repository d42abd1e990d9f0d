/* SPDX-License-Identifier: MIT */

/* Who waits for whom over several loops (rules O02, F06). */

#include "core/graph_helpers.h"

#include <stdatomic.h>

static weft_mutex mutex;
static bool is_kept; /* of the loop that the keeper runs on */

static int keeper(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_lock(&mutex));
    is_kept = true;
    int rc = weft_event_wait(&go);
    weft_unlock(&mutex);
    return rc;
}

static int wants(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_lock(&mutex));
    return weft_unlock(&mutex);
}

static int wants_what_is_kept(void *arg)
{
    while (!is_kept)
        WEFT_TRY(weft_sleep(WEFT_MS));
    return wants(arg);
}

static int awaits_for_long(void *arg)
{
    return weft_await_for(*(weft_task *)arg, 3600 * WEFT_SEC);
}

static int selects_ends(void *arg)
{
    const weft_task *tasks = arg;
    WEFT_TRY(weft_select(WEFT_CASE_DONE(tasks[0], NULL), WEFT_CASE_DONE(tasks[1], NULL)));
    return 0;
}

/* ---- several loops ---- */

/* What is said when it has this line: what is on other loops comes to its wait when it likes, and
 * one that has lost the processor for long is left out. */
static const char *told(const struct wf_topic *topic, const char *a, const char *b, const char *c)
{
    for (int i = 0; i < 1000; i++) {
        const char *text = tell(topic);
        if (has_line(text, a, b, c))
            return text;
        CHECK_OK(weft_sleep(WEFT_MS));
    }
    FAIL("nobody says %s%s%s", a, b, c);
    return "";
}

/* They have no record among those of the loop they run on. */
LOOPS_TEST(test_O02_tasks_of_other_loops_are_in_the_graph_of_the_one_they_run_on, 2)
{
    weft_event_clear(&go);
    is_kept = false;
    weft_task owner = weft_spawn_on(weft_loop_at(1), keeper, NULL);
    weft_task waiter = weft_spawn_on(weft_loop_at(1), wants_what_is_kept, NULL);
    const char *text =
        told(&wf_topic_graph, "  wants_what_is_kept #", " [mutex 0x", "] waits for keeper #");
    CHECK(has_line(text, "loop 0 of 2 on ", ": 0 of 1 tasks", ""));
    CHECK(has_line(text, "loop 1 of 2 on ", ": 1 of 2 tasks", ""));
    (void)told(&wf_topic_dot, " -> ", "[label=\"mutex\"", "];");
    weft_cancel(owner, "to end it");
    CHECK_EQ(weft_await(owner), -ECANCELED);
    CHECK_OK(weft_await(waiter));
}

/* A part of another loop's. */
static int tell_there(void *arg)
{
    wf_buf out = {0};
    wf_topic_tell(arg, wf_sched_self(), "", &out);
    CHECK_EQ(wf_buf_bytes(&out), (size_t)0);
    wf_buf_fini(&out);
    return 0;
}

LOOPS_TEST(test_O02_the_first_loop_tells_the_graph_of_all, 2)
{
    const struct wf_topic *topics[] = {&wf_topic_graph, &wf_topic_dot};
    for (int i = 0; i < 2; i++)
        CHECK_OK(
            weft_await(weft_spawn_on(weft_loop_at(1), tell_there, (void *)(uintptr_t)topics[i])));
    const char *dot = tell(&wf_topic_dot);
    CHECK(has_line(dot, " [label=\"main #", " on loop 0\"];", ""));
}

LOOPS_TEST(test_O02_each_wait_for_a_task_of_another_loop_leads_to_it, 2)
{
    weft_loop *there = weft_loop_at(1);
    weft_task tasks[2];
    weft_event_clear(&go);
    tasks[0] = weft_spawn(waits_for_go, NULL);
    tasks[1] = weft_spawn(waits_for_go, NULL);
    const weft_task waiters[] = {
        weft_spawn_on(there, awaits, tasks),
        weft_spawn_on(there, awaits_for_long, tasks),
        weft_spawn_on(there, gathers, tasks),
        weft_spawn_on(there, selects_ends, tasks),
    };
    (void)told(&wf_topic_graph, "  awaits #", " [await, on another loop] waits for waits_for_go #",
               " on loop 0");
    (void)told(&wf_topic_graph, "  awaits_for_long #",
               " [await, on another loop] waits for waits_for_go #", " on loop 0");
    (void)told(&wf_topic_graph, "  gathers #", " [gather] waits for 2 tasks: waits_for_go #",
               " on loop 0, waits_for_go #");
    (void)told(&wf_topic_graph, "  selects_ends #", "] waits for 2 tasks: waits_for_go #",
               " on loop 0, waits_for_go #");
    weft_task near = weft_spawn(awaits, (void *)(uintptr_t)&waiters[0]);
    (void)told(&wf_topic_graph, "  awaits #", "] waits for awaits #", " on loop 1");
    CHECK(strstr(tell(&wf_topic_graph), "cycle") == NULL);
    weft_event_set(&go);
    for (int i = 0; i < 4; i++)
        CHECK_OK(weft_await(waiters[i]));
    CHECK_OK(weft_await(near));
}

/* ---- cycles over loops ---- */

static weft_task round_trip[2];

static int awaits_first(void *arg)
{
    (void)arg;
    return weft_await(round_trip[0]);
}

static int goes_round(void *arg)
{
    (void)arg;
    round_trip[1] = weft_spawn_on(weft_loop_at(1), awaits_first, NULL);
    return weft_await(round_trip[1]);
}

LOOPS_TEST(test_O02_a_cycle_over_two_loops_is_found_and_told_once, 2)
{
    round_trip[0] = weft_spawn(goes_round, NULL);
    const char *text = told(&wf_topic_graph, "  cycle: goes_round #", " on loop 0 [await 0x",
                            " -> awaits_first #");
    const char *cycle = strstr(text, "  cycle: ");
    CHECK(has_line(cycle, " on loop 1 [await, on another loop] -> goes_round #", " on loop 0", ""));
    CHECK(strstr(cycle + 8, "cycle") == NULL);
    (void)told(&wf_topic_dot, " -> ", "[label=\"await, on another loop\"", " color=red];");
    weft_cancel(round_trip[0], "to end the deadlock");
    CHECK_EQ(weft_await(round_trip[0]), -ECANCELED);
}

/* Again if a loop has lost the processor for long. */
static int tells_the_cycle(void *arg)
{
    bool has_cycle = false, is_whole = false;
    (void)arg;
    while (!is_whole) {
        wf_buf out = {0};
        wf_topic_tell(&wf_topic_graph, wf_sched_self(), "", &out);
        CHECK_OK(out.rc);
        wf_buf_putc(&out, '\0');
        is_whole = strstr(wf_buf_ptr(&out), "does not answer") == NULL;
        has_cycle = strstr(wf_buf_ptr(&out), "  cycle: ") != NULL;
        wf_buf_fini(&out);
    }
    return has_cycle;
}

LOOPS_TEST(test_O02_who_asks_at_one_time_finds_the_same_cycle, 2)
{
    weft_task tasks[3];
    round_trip[0] = weft_spawn(goes_round, NULL);
    (void)told(&wf_topic_graph, "  cycle: ", "", "");
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(tells_the_cycle, NULL);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 1);
    weft_cancel(round_trip[0], "to end the deadlock");
    CHECK_EQ(weft_await(round_trip[0]), -ECANCELED);
}

/* Two that wait for each other in turns, and never both. */
static _Atomic int whose_turn;
static _Atomic bool is_enough;

static int ends_a_wait(void *arg)
{
    for (int i = 0; i < 2; i++)
        CHECK_OK(weft_yield());
    weft_scope_cancel(arg, "the other's turn");
    return 0;
}

static int waits_in_turn(void *arg)
{
    int me = *(int *)arg;
    while (!is_enough) {
        if (whose_turn != me) {
            WEFT_TRY(weft_yield());
            continue;
        }
        weft_scope turn;
        CHECK_OK(weft_scope_open(&turn, WEFT_FOREVER, 0));
        weft_task end = weft_spawn(ends_a_wait, &turn);
        CHECK_OK(weft_scope_close(&turn, weft_await(round_trip[1 - me])));
        CHECK_OK(weft_await(end));
        whose_turn = 1 - me;
    }
    return 0;
}

LOOPS_TEST(test_O02_waits_that_were_never_there_together_are_no_cycle, 2)
{
    static const int ids[] = {0, 1};
    whose_turn = 2;
    is_enough = false;
    for (unsigned i = 0; i < 2; i++)
        round_trip[i] = weft_spawn_on(weft_loop_at(i), waits_in_turn, (void *)(uintptr_t)&ids[i]);
    whose_turn = 0;
    bool was_seen = false;
    for (int i = 0; i < 30; i++) {
        const char *text = tell(&wf_topic_graph);
        was_seen |= has_line(text, "  waits_in_turn #", "] waits for waits_in_turn #", "");
        CHECK(strstr(text, "cycle") == NULL);
    }
    note("a wait was %sseen", was_seen ? "" : "not ");
    is_enough = true;
    CHECK_OK(weft_gather_n(round_trip, 2));
}

/* The same by hand, a survey that comes between: the second begins to wait when the first, which is
 * copied already, does no more. */
static struct wf_survey *torn;

static int marks_here(void *arg)
{
    (void)arg;
    wf_graph_mark(wf_sched_self(), torn->mark);
    return 0;
}

static int copies_here(void *arg)
{
    struct wf_visit *visit = &torn->visits[wf_sched_self()->index];
    (void)arg;
    visit->backend = "a test";
    wf_graph_take(&visit->graph, wf_sched_self(), torn->mark);
    return 0;
}

static int waits_when_told(void *arg)
{
    while (whose_turn != 1)
        WEFT_TRY(weft_sleep(WEFT_MS));
    return awaits_first(arg);
}

static int waits_and_goes_on(void *arg)
{
    weft_scope *turn = arg;
    CHECK_OK(weft_scope_open(turn, WEFT_FOREVER, 0));
    CHECK_OK(weft_scope_close(turn, weft_await(round_trip[1])));
    return weft_event_wait(&go);
}

LOOPS_TEST(test_O02_a_torn_view_shows_no_cycle, 2)
{
    static char text[16 << 10];
    FILE *file = tmpfile();
    weft_loop *there = weft_loop_at(1);
    weft_event_clear(&go);
    whose_turn = 0;
    torn = wf_survey_new(wf_sched_self()->loops);
    torn->mark = 9;
    round_trip[1] = weft_spawn_on(there, waits_when_told, NULL);
    weft_scope turn;
    round_trip[0] = weft_spawn(waits_and_goes_on, &turn);
    CHECK_OK(weft_yield());
    CHECK_OK(marks_here(NULL));
    CHECK_OK(weft_await(weft_spawn_on(there, marks_here, NULL)));
    CHECK_OK(copies_here(NULL));
    weft_scope_cancel(&turn, "the other's turn");
    CHECK_OK(weft_sleep(WEFT_MS));
    whose_turn = 1;
    (void)told(&wf_topic_graph, "  waits_when_told #", "] waits for waits_and_goes_on #", "");
    CHECK_OK(weft_await(weft_spawn_on(there, copies_here, NULL)));
    int before = dup(STDERR_FILENO); /* which a simulation may write to */
    CHECK_OK(dup2(fileno(file), STDERR_FILENO));
    wf_graph_report(torn, STDERR_FILENO);
    CHECK_OK(dup2(before, STDERR_FILENO));
    CHECK_OK(close(before));
    wf_survey_free(torn);
    CHECK_GT(pread(fileno(file), text, sizeof text - 1, 0), (ssize_t)0);
    CHECK_OK(fclose(file));
    CHECK(has_line(text, "  waits_and_goes_on #", "] waits for waits_when_told #", ""));
    CHECK(has_line(text, "  waits_when_told #", "] waits for waits_and_goes_on #", ""));
    CHECK(strstr(text, "cycle") == NULL);
    weft_event_set(&go);
    CHECK_OK(weft_gather_n(round_trip, 2));
}

/* ---- a loop that does not answer ---- */

static _Atomic bool is_kept_busy;

static int keeps_its_loop(void *arg)
{
    (void)arg;
    is_kept_busy = true;
    while (is_kept_busy)
        usleep(100);
    return 0;
}

KERNEL_LOOPS_TEST(test_O02_a_loop_that_does_not_answer_is_left_out, 2)
{
    is_kept_busy = false;
    weft_task hog = weft_spawn_on(weft_loop_at(1), keeps_its_loop, NULL);
    while (!is_kept_busy)
        CHECK_OK(weft_yield());
    weft_task near = weft_spawn(awaits, &hog);
    const char *text = tell(&wf_topic_graph);
    CHECK(strstr(text, "\nloop 1 of 2 does not answer\n") != NULL);
    CHECK(has_line(text, "  awaits #", "] waits for keeps_its_loop #", " on another loop"));
    is_kept_busy = false;
    CHECK_OK(weft_await(near));
    (void)told(&wf_topic_graph, "loop 1 of 2 on ", "", "");
}

LOOPS_SCENARIO(the_graph_of_two_loops_is_told, 2)
{
    static weft_task task; /* who awaits it may begin when an await here has failed */
    wf_buf out = {0};
    weft_event_clear(&go);
    task = weft_spawn(waits_for_go, NULL);
    weft_task there = weft_spawn_on(weft_loop_at(1), awaits, &task);
    int rc = weft_yield();
    wf_topic_tell(&wf_topic_graph, wf_sched_self(), "", &out);
    size_t bytes = wf_buf_bytes(&out);
    CHECK(bytes == 0 || out.rc < 0 || wf_buf_ptr(&out)[bytes - 1] == '\n');
    wf_buf_fini(&out);
    weft_event_set(&go);
    int there_rc = weft_await(there);
    return rc < 0 ? rc : there_rc;
}

static int locks_up_over_loops(void *arg)
{
    round_trip[0] = weft_self();
    return goes_round(arg);
}

RUN_TEST(test_F06_the_report_of_a_deadlock_shows_the_cycle_over_loops)
{
    const char *text = told_by(2, locks_up_over_loops);
    CHECK(has_line(text, "task awaits_first #", "[await, on another loop]", "spawned: "));
    CHECK(has_line(text, "  main #", " [await 0x", "] waits for awaits_first #"));
    CHECK(has_line(text, "  awaits_first #",
                   " [await, on another loop] waits for main #0.1 on loop 0", ""));
    const char *cycle = strstr(text, "  cycle: ");
    CHECK(cycle != NULL);
    CHECK(has_line(cycle, "main #0.1 on loop 0 [await 0x", "] -> awaits_first #", " on loop 1 ["));
    CHECK(strstr(cycle + 8, "cycle") == NULL);
}

/* Where there are threads the plan is theirs too, and they would race for it. */
RUN_TEST(test_F06_a_deadlock_of_two_loops_is_ended_without_memory)
{
    if (test_is_simulated())
        CHECK(strstr(told_by(2, waits_without_memory), "loop 1 of 2 on ") != NULL);
}
