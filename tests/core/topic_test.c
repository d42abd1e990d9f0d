/* SPDX-License-Identifier: MIT */

/* Rule O02: what a loop says of itself, asked from within, on every back end. */

#include "core/look/topic.h"

#include "base/checkers.h"
#include "core/task/sched_priv.h"
#include "harness/harness.h"

#include <weft.h>

#include <time.h>

static char *tell(const struct wf_topic *topic, const char *about)
{
    static char text[64 << 10];
    wf_buf out = {0};
    wf_topic_tell(topic, wf_sched_self(), about, &out);
    CHECK_OK(out.rc);
    CHECK_LT(wf_buf_bytes(&out), sizeof text);
    memcpy(text, wf_buf_ptr(&out), wf_buf_bytes(&out));
    text[wf_buf_bytes(&out)] = '\0';
    wf_buf_fini(&out);
    note("%s", text);
    return text;
}

/* The second comes somewhere behind the first. */
static bool has_in_order(const char *text, const char *first, const char *second)
{
    const char *at = strstr(text, first);
    return at != NULL && strstr(at, second) != NULL;
}

static weft_event go;

__attribute__((noinline)) static int wait_deep(int depth)
{
    int rc = depth == 0 ? weft_event_wait(&go) : wait_deep(depth - 1);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return rc;
}

static int waits(void *arg)
{
    int rc = wait_deep(*(int *)arg);
    __asm__ volatile("" ::: "memory");
    return rc;
}

/* ---- since when ---- */

static int outlived(void *arg)
{
    weft_release(weft_spawn(waits, arg));
    return 7;
}

TASK_TEST(test_O02_the_tree_says_how_long_each_task_waits)
{
    weft_event_clear(&go);
    int depth = 0;
    weft_task early = weft_spawn(waits, &depth), gone = weft_spawn(outlived, &depth);
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
    weft_task late = weft_spawn(waits, &depth);
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    const char *text = tell(&wf_topic_ps, "");
    CHECK(has_in_order(text, "task main #", "[running] spawned: "));
    CHECK(has_in_order(text, "task waits #", "[event] for 7.0"));
    CHECK(has_in_order(text, "task outlived #", "[finishing, waits for its children] for 7.0"));
    CHECK(has_in_order(text, "task waits #", "[event] for 2.0"));
    text = tell(&wf_topic_ps_json, "");
    CHECK(has_in_order(text, "{\"loop\":0,\"depth\":0,\"kind\":\"loop\",\"loops\":1,",
                       ",\"tasks\":5}\n"));
    CHECK(has_in_order(text, "\"name\":\"main\"", "\"state\":\"running\",\"cancelled\":false,"));
    CHECK(has_in_order(text, "\"name\":\"waits\"", "\"state\":\"event\",\"waits_s\":7.0"));
    CHECK(
        has_in_order(text, "\"depth\":3,\"kind\":\"task\",\"name\":\"waits\"", "\"waits_s\":7.0"));
    CHECK(has_in_order(text, "\"waits_s\":2.0", "\"spawned\":\"waits at "));
    weft_event_set(&go);
    CHECK_OK(weft_gather(early, late, gone));
}

TASK_TEST(test_O02_the_tree_shows_scopes_and_what_cancelled_them)
{
    weft_scope limit, stopped;
    weft_scope_open(&limit, weft_after(60 * WEFT_SEC), 0);
    weft_scope_open(&stopped, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    weft_scope_cancel(&stopped, "seen \"enough\"");
    const char *text = tell(&wf_topic_ps, "");
    CHECK(has_in_order(text, "    scope deadline in 60.000 s\n", "      shield cancelled: seen"));
    text = tell(&wf_topic_ps_json, "");
    CHECK(has_in_order(
        text, "\"kind\":\"scope\",\"deadline_s\":60.0,\"cancelled\":false}\n",
        "\"depth\":3,\"kind\":\"shield\",\"cancelled\":true,\"why\":\"seen \\\"enough\\\"\"}"));
    CHECK_OK(weft_scope_close(&stopped, 0));
    CHECK_OK(weft_scope_close(&limit, 0));
}

TASK_TEST(test_O02_the_stack_of_a_task_that_waits_has_names_of_static_functions)
{
    weft_event_clear(&go);
    int depth = 2;
    weft_task task = weft_spawn(waits, &depth);
    CHECK_OK(weft_sleep(WEFT_MS)); /* until all of them wait */
    const char *text = tell(&wf_topic_stack, "waits");
    CHECK(has_in_order(text, "  task waits #", "[event] spawned: waits at "));
    CHECK(has_in_order(text, "    at weft_event_wait+0x", "    at wait_deep+0x"));
    CHECK(has_in_order(strstr(text, "at wait_deep") + 1, "at wait_deep", "    at waits+0x"));
    CHECK(strstr(text, "task main") == NULL);
    weft_event_set(&go);
    CHECK_OK(weft_await(task));
}

struct told {
    const struct wf_topic *topic;
    const char *about;
    wf_buf out;
};

static int tell_here(void *arg)
{
    struct told *told = arg;
    wf_topic_tell(told->topic, wf_sched_self(), told->about, &told->out);
    wf_buf_putc(&told->out, '\0');
    return told->out.rc;
}

static bool is_told_there(const struct wf_topic *topic, const char *about, const char *first,
                          const char *second)
{
    bool is_told = false;
    for (int i = 0; i < 1000 && !is_told; i++) { /* until it waits */
        struct told told = {.topic = topic, .about = about};
        CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), tell_here, &told)));
        is_told = has_in_order(wf_buf_ptr(&told.out), first, second);
        wf_buf_fini(&told.out);
        CHECK_OK(is_told ? 0 : weft_sleep(WEFT_MS));
    }
    return is_told;
}

/* It has no record among those of the loop that it runs on. */
LOOPS_TEST(test_O02_a_task_of_another_loop_has_its_stack_where_it_runs, 2)
{
    weft_event_clear(&go);
    int depth = 1;
    weft_task task = weft_spawn_on(weft_loop_at(1), waits, &depth);
    CHECK(is_told_there(&wf_topic_stack, "waits", "  task waits #", "    at wait_deep+0x"));
    CHECK(is_told_there(&wf_topic_top, "0", "weft_top_tasks{", ",state=\"event\"} 1\n"));
    weft_cancel(task, "to end it");
    CHECK_EQ(weft_await(task), -ECANCELED);
}

TASK_TEST(test_O02_tasks_in_one_place_are_told_together)
{
    weft_event_clear(&go);
    int depth = 0;
    weft_task tasks[100];
    for (int i = 0; i < 100; i++)
        tasks[i] = weft_spawn(waits, &depth);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_task fresh = weft_spawn(waits, &depth);
    weft_cancel(tasks[50], "told apart");
    const char *text = tell(&wf_topic_stack, "");
    CHECK(strstr(text, "  99 tasks waits #") != NULL);
    CHECK(strstr(text, " ... [event] spawned: ") != NULL);
    CHECK(strstr(text, "[ready] cancelled spawned: ") != NULL);
    CHECK(strstr(text, "[ready, never ran] spawned: ") != NULL);
    CHECK(strstr(text, "[running] spawned: ") != NULL);
    weft_event_set(&go);
    CHECK_OK(weft_await(fresh));
}

TASK_TEST(test_O02_one_task_is_told_by_number_or_name)
{
    weft_event_clear(&go);
    int depth = 0;
    weft_task task = weft_spawn(waits, &depth);
    CHECK_OK(weft_sleep(WEFT_MS));
    char about[64];
    uint32_t slot = wf_handle_slot(task.id), generation = wf_handle_generation(task.id);
    snprintf(about, sizeof about, "#%u.%u", slot, generation);
    CHECK(strstr(tell(&wf_topic_stack, about), "  task waits #") != NULL);
    snprintf(about, sizeof about, "%u", slot);
    CHECK(strstr(tell(&wf_topic_stack, about), "  task waits #") != NULL);
    snprintf(about, sizeof about, "%u.%u", slot, generation + 1);
    CHECK(strstr(tell(&wf_topic_stack, about), "no task ") != NULL);
    CHECK(strstr(tell(&wf_topic_stack, "wait"), "no task wait in the loop on ") != NULL);
    weft_event_set(&go);
    CHECK_OK(weft_await(task));
}

static int yields_after_a_wait(weft_gen *gen, void *arg)
{
    int value = 0;
    WEFT_TRY(wait_deep(*(int *)arg));
    return weft_gen_yield(gen, &value);
}

static int consumes(void *arg)
{
    int value;
    weft_gen *gen = weft_gen_open(yields_after_a_wait, arg);
    int rc = weft_gen_next(gen, &value);
    weft_gen_close(gen);
    return rc < 0 ? rc : 0;
}

TASK_TEST(test_O02_a_stack_goes_on_from_a_generator_to_its_consumer)
{
    weft_event_clear(&go);
    int depth = 1;
    weft_task task = weft_spawn(consumes, &depth);
    CHECK_OK(weft_sleep(WEFT_MS));
    const char *text = tell(&wf_topic_stack, "consumes");
    CHECK(has_in_order(text, "at wait_deep+", "at yields_after_a_wait+"));
    CHECK(has_in_order(text, "at yields_after_a_wait+", "at consumes+"));
    weft_event_set(&go);
    CHECK_OK(weft_await(task));
}

static int leaves_a_child(void *arg)
{
    (void)weft_spawn(waits, arg);
    return 0;
}

TASK_TEST(test_O02_a_task_whose_body_has_returned_has_no_stack)
{
    weft_event_clear(&go);
    int depth = 0;
    weft_task task = weft_spawn(leaves_a_child, &depth);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_OK(weft_sleep(WEFT_MS));
    const char *text = tell(&wf_topic_stack, "leaves_a_child");
    CHECK(strstr(text, "[finishing, waits for its children]") != NULL);
    CHECK(strstr(text, "    at ") == NULL);
    weft_event_set(&go);
    CHECK_OK(weft_await(task));
}

/* ---- how long it takes ---- */

static int64_t processor_time(void)
{
    struct timespec now;
    CHECK_OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
    return now.tv_sec * WEFT_SEC + now.tv_nsec;
}

/* Pieces that the loop makes of a topic; the longest of them. */
static int64_t longest_piece(const struct wf_topic *topic, int *out_count)
{
    struct wf_topic_job job;
    int64_t longest = 0;
    wf_buf out = {0};
    CHECK_OK(wf_topic_begin(&job, topic, wf_sched_self(), ""));
    for (*out_count = 1;; ++*out_count) {
        int64_t began = processor_time();
        job.has_more = topic->collect(&job);
        int64_t took = processor_time() - began;
        longest = took > longest ? took : longest;
        topic->write(&job, &out);
        if (!job.has_more)
            break;
    }
    wf_topic_end(&job);
    wf_buf_fini(&out);
    return longest;
}

#define CROWD 10000

/* Noted rather than checked, but for what stops the loop by its form: a tree is told at once,
 * stacks a few at a time. */
TASK_TEST(test_O02_ten_thousand_tasks_are_told_in_small_pieces)
{
    weft_event_clear(&go);
    int depth = 3, count;
    static weft_task tasks[CROWD];
    for (int i = 0; i < CROWD; i++)
        tasks[i] = weft_spawn(waits, &depth);
    CHECK_OK(weft_sleep(WEFT_MS));
    int64_t longest = longest_piece(&wf_topic_stack, &count);
    fprintf(stderr, "# stack: %d pieces, the longest %.3f ms\n", count, (double)longest / 1e6);
    CHECK_GE(count, CROWD / 32);
    longest = longest_piece(&wf_topic_ps, &count);
    fprintf(stderr, "# ps: %d pieces, the longest %.3f ms\n", count, (double)longest / 1e6);
    weft_event_set(&go);
    for (int i = 0; i < CROWD; i++)
        CHECK_OK(weft_await(tasks[i]));
}

LOOPS_TEST(each_loop_says_which_it_is, 2)
{
    CHECK(strncmp(tell(&wf_topic_graph, ""), "loop 0 of 2 on ", 15) == 0);
    CHECK(strncmp(tell(&wf_topic_stack, ""), "loop 0 of 2 on ", 15) == 0);
}
