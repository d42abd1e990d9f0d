/* SPDX-License-Identifier: MIT */

/* Rule O03: counters and times of a loop. */

#include <weft/metrics.h>
#include <weft/stats.h>

#include "core/look/meter.h"
#include "core/task/sched_priv.h"
#include "harness/exposition.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- histograms ---- */

TEST(histogram_buckets_lie_side_by_side)
{
    CHECK_EQ(weft_histogram_bucket(INT64_MIN), (size_t)0);
    CHECK_EQ(weft_histogram_bucket(0), (size_t)0);
    for (size_t i = 0; i + 1 < WEFT_HISTOGRAM_BUCKETS; i++) {
        weft_time bound = weft_histogram_bound(i);
        CHECK_EQ(weft_histogram_bucket(bound), i);
        CHECK_EQ(weft_histogram_bucket(bound + 1), i + 1);
        if (i >= 4) { /* at most a quarter wider than it is high */
            weft_time before = weft_histogram_bound(i - 1);
            CHECK_LE((bound - before) * 4, before);
        }
    }
    CHECK_EQ(weft_histogram_bound(WEFT_HISTOGRAM_BUCKETS - 1), WEFT_FOREVER);
    CHECK_EQ(weft_histogram_bucket(INT64_MAX), (size_t)WEFT_HISTOGRAM_BUCKETS - 1);
    CHECK_EQ(weft_histogram_bound(WEFT_HISTOGRAM_BUCKETS - 2), (weft_time)1 << 36);
}

TEST(histogram_quantiles_are_bounds_of_buckets)
{
    weft_histogram histogram = {0};
    CHECK_EQ(weft_histogram_quantile(&histogram, 0.5), 0);
    for (int i = 0; i < 99; i++)
        weft_histogram_add(&histogram, WEFT_US);
    weft_histogram_add(&histogram, WEFT_SEC);
    CHECK_EQ(histogram.count, 100u);
    CHECK_EQ(histogram.sum_ns, (uint64_t)(99 * WEFT_US + WEFT_SEC));
    weft_time low = weft_histogram_bound(weft_histogram_bucket(WEFT_US));
    CHECK_EQ(weft_histogram_quantile(&histogram, 0), low);
    CHECK_EQ(weft_histogram_quantile(&histogram, 0.99), low);
    CHECK_GE(weft_histogram_quantile(&histogram, 1), WEFT_SEC);
    CHECK_LE(weft_histogram_quantile(&histogram, 1), WEFT_SEC * 5 / 4);
    weft_histogram_add(&histogram, 100 * WEFT_SEC);
    CHECK_EQ(weft_histogram_quantile(&histogram, 1), WEFT_FOREVER);
}

/* ---- counters ---- */

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int sleeps(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_MS);
}

TASK_TEST(test_O03_tasks_switches_cancels_and_timers_are_counted)
{
    weft_run_stats before, after;
    weft_task tasks[10];
    CHECK_OK(weft_run_stats_get(&before));
    for (int i = 0; i < 10; i++)
        tasks[i] = weft_spawn(i < 7 ? nothing : sleeps, NULL);
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_EQ(after.tasks_made - before.tasks_made, 10u);
    CHECK_EQ(after.tasks_live - before.tasks_live, 10u);
    CHECK_EQ(after.tasks_done, before.tasks_done);
    weft_cancel(tasks[9], "counted");
    for (int i = 0; i < 10; i++)
        (void)weft_await(tasks[i]);
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_EQ(after.tasks_done - before.tasks_done, 10u);
    CHECK_EQ(after.tasks_live, before.tasks_live);
    CHECK_GE(after.switches - before.switches, 10u);
    CHECK_EQ(after.cancels - before.cancels, 1u);
    CHECK_EQ(after.timers_started - before.timers_started, 2u);
    CHECK_EQ(after.timers_fired - before.timers_fired, 2u);
    CHECK_GT(after.passes, before.passes);
    CHECK_GT(after.turns, before.turns);
}

TASK_TEST(test_O03_operations_are_counted_by_kind)
{
    weft_run_stats before, after;
    char path[64];
    snprintf(path, sizeof path, "/tmp/weft-stats-%d", (int)getpid());
    CHECK_OK(weft_run_stats_get(&before));
    int fd = weft_open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    CHECK_OK(fd);
    CHECK_EQ(weft_pwrite(fd, "a", 1, 0), 1);
    CHECK_OK(weft_fsync(fd));
    CHECK_OK(weft_fsync(fd));
    CHECK_OK(weft_close(fd));
    CHECK_OK(weft_unlink(path));
    CHECK_OK(weft_run_stats_get(&after));
    static const struct {
        int kind, count;
    } rows[] = {{WEFT_OP_OPEN, 1},   {WEFT_OP_WRITE, 1},  {WEFT_OP_FSYNC, 2},
                {WEFT_OP_UNLINK, 1}, {WEFT_OP_ACCEPT, 0}, {WEFT_OP_READDIR, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", weft_op_kind_name(rows[i].kind));
        CHECK_EQ(after.ops_made[rows[i].kind] - before.ops_made[rows[i].kind],
                 (uint64_t)rows[i].count);
    }
}

TEST(every_kind_of_operation_has_a_name)
{
    for (int kind = 0; kind < WEFT_OP_KIND_COUNT; kind++) {
        note("%d", kind);
        CHECK(strcmp(weft_op_kind_name(kind), "?") != 0);
        for (int other = 0; other < kind; other++)
            CHECK(strcmp(weft_op_kind_name(kind), weft_op_kind_name(other)) != 0);
    }
    CHECK_STR(weft_op_kind_name(-1), "?");
    CHECK_STR(weft_op_kind_name(WEFT_OP_KIND_COUNT), "?");
}

/* ---- times, on a clock that the test moves ---- */

static weft_run_snapshot *snapshot(void)
{
    static weft_run_snapshot taken;
    CHECK_OK(weft_run_snapshot_get(&taken));
    return &taken;
}

static uint64_t count_over(const weft_histogram *histogram, weft_time least)
{
    uint64_t count = 0;
    for (size_t i = weft_histogram_bucket(least) + 1; i < WEFT_HISTOGRAM_BUCKETS; i++)
        count += histogram->buckets[i];
    return count;
}

/* A step that takes so long. */
static int takes_long(void *arg)
{
    const weft_platform *platform = wf_sched_self()->loop->platform;
    platform->advance(platform->now() + *(weft_time *)arg);
    return 0;
}

TASK_TEST(test_O03_a_pass_lasts_as_long_as_its_steps)
{
    weft_time long_time = 20 * WEFT_MS;
    uint64_t before = count_over(&snapshot()->pass_times, 9 * WEFT_MS);
    for (int i = 0; i < 5; i++) {
        CHECK_OK(weft_sleep(WEFT_MS)); /* a pass of our own begins */
        CHECK_OK(weft_await(weft_spawn(takes_long, &long_time)));
        CHECK_OK(weft_sleep(WEFT_MS)); /* and has ended */
    }
    const weft_run_snapshot *after = snapshot();
    CHECK_EQ(count_over(&after->pass_times, 9 * WEFT_MS) - before, 5u);
    CHECK_LE(after->pass_times.count, after->stats.passes);
    CHECK_GE(after->pass_times.count + 1, after->stats.passes);
}

/* In a turn ten become ready; each takes 1 ms. */
static int takes_turns(void *arg)
{
    weft_time step = WEFT_MS;
    for (int i = 0; i < 100; i++) {
        WEFT_TRY(weft_event_wait(arg));
        (void)takes_long(&step);
    }
    return 0;
}

TASK_TEST(test_O03_waits_are_those_of_the_last_that_became_ready)
{
    weft_event go = {0};
    for (int i = 0; i < 10; i++)
        (void)weft_spawn(takes_turns, &go);
    uint64_t before = snapshot()->wait_times.count;
    for (int i = 0; i < 100; i++) {
        CHECK_OK(weft_sleep(WEFT_MS));
        weft_event_set(&go);
        weft_event_clear(&go);
    }
    const weft_run_snapshot *after = snapshot();
    bool is_sim = strcmp(after->backend, "sim") == 0;
    note("%" PRIu64 " waits, %" PRIu64 " passes", after->wait_times.count, after->stats.passes);
    if (is_sim) /* where the seed chooses who runs, there is no queue */
        CHECK_EQ(after->wait_times.count, 0u);
    else
        CHECK_GE(after->wait_times.count - before, after->stats.passes / WF_METER_EVERY - 2);
}

TEST(meter_watches_the_task_that_was_last_when_the_pass_began)
{
    struct wf_meter meter = {.ran = 100};
    wf_meter_begin(&meter, 1, 105, 0); /* not each pass */
    CHECK_EQ(wf_meter_ahead(&meter), UINT64_MAX);
    wf_meter_begin(&meter, 16, 105, 7 * WEFT_MS);
    CHECK_EQ(wf_meter_ahead(&meter), 4u);
    meter.ran = 102;
    wf_meter_begin(&meter, 32, 200, 9 * WEFT_MS); /* the first is still to run */
    CHECK_EQ(wf_meter_ahead(&meter), 2u);
    meter.ran = 104;
    wf_meter_end(&meter, 17 * WEFT_MS);
    CHECK_EQ(meter.wait_times.count, 1u);
    CHECK_EQ(meter.wait_times.sum_ns, (uint64_t)(10 * WEFT_MS));
    CHECK_EQ(wf_meter_ahead(&meter), UINT64_MAX);
}

/* More are ready than a pass takes: the wait goes over several. */
static int yields_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++)
        WEFT_TRY(weft_yield());
    return 0;
}

TASK_TEST(test_O03_a_wait_goes_over_many_passes)
{
    static weft_task tasks[2000];
    for (int i = 0; i < 2000; i++)
        tasks[i] = weft_spawn(yields_often, NULL);
    for (int i = 0; i < 2000; i++)
        CHECK_OK(weft_await(tasks[i]));
    const struct wf_sched *sched = wf_sched_self();
    const weft_run_snapshot *after = snapshot();
    if (!sched->is_seeded)
        CHECK_GE(after->wait_times.count, 50u);
}

/* ---- as text ---- */

static void check_text(const weft_metrics *metrics, weft_str *out)
{
    CHECK_OK(weft_metrics_get_text(metrics, out));
    note("%.*s", (int)out->len, out->ptr);
    const char *error = exposition_check(out->ptr, out->len);
    CHECK_STR(error != NULL ? error : "", "");
}

static double value_of(weft_str text, const char *what)
{
    double value = exposition_value(text.ptr, text.len, what);
    note("%s", what);
    CHECK(!isnan(value));
    return value;
}

TASK_TEST(test_O03_the_counters_of_a_loop_as_text)
{
    weft_metrics *metrics;
    weft_str text;
    for (int i = 0; i < 40; i++)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_OK(weft_metrics_new(&metrics));
    weft_metrics_loop(metrics);
    check_text(metrics, &text);
    weft_run_stats stats;
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_EQ((uint64_t)value_of(text, "weft_tasks_made_total{loop=\"0\"}"), stats.tasks_made);
    CHECK_EQ((uint64_t)value_of(text, "weft_timers_fired_total{loop=\"0\"}"), stats.timers_fired);
    CHECK_EQ((uint64_t)value_of(text, "weft_switches_total{loop=\"0\"}"), stats.switches);
    CHECK_EQ(value_of(text, "weft_operations_total{loop=\"0\",kind=\"recv\"}"), 0.0);
    CHECK_GT(value_of(text, "weft_pass_seconds_count{loop=\"0\"}"), 1.0);
    char info[64];
    snprintf(info, sizeof info, "weft_loop_info{loop=\"0\",backend=\"%s\"}",
             weft_loop_backend(weft_loop_self()));
    CHECK_EQ(value_of(text, info), 1.0);
    weft_metrics_free(metrics);
}

TEST(metrics_of_several_loops_stand_family_by_family)
{
    static weft_run_snapshot loops[3];
    const weft_run_snapshot *each[3];
    weft_metrics *metrics;
    weft_str text;
    for (uint32_t i = 0; i < 3; i++) {
        loops[i] = (weft_run_snapshot){.loop = i, .backend = "epoll", .stats.hogs = 7 + i};
        weft_histogram_add(&loops[i].pass_times, (weft_time)i * WEFT_SEC * 20);
        each[i] = &loops[i];
    }
    CHECK_OK(weft_metrics_new(&metrics));
    weft_metrics_loops(metrics, each, 3);
    check_text(metrics, &text);
    CHECK_EQ(value_of(text, "weft_hogs_total{loop=\"2\"}"), 9.0);
    CHECK_EQ(value_of(text, "weft_pass_seconds_sum{loop=\"2\"}"), 40.0);
    CHECK_EQ(value_of(text, "weft_pass_seconds_bucket{loop=\"2\",le=\"+Inf\"}"), 1.0);
    CHECK_EQ(value_of(text, "weft_pass_seconds_bucket{loop=\"2\",le=\"17.179869184\"}"), 0.0);
    CHECK_EQ(value_of(text, "weft_pass_seconds_bucket{loop=\"0\",le=\"1.024e-06\"}"), 1.0);
    weft_metrics_free(metrics);
    weft_metrics_free(NULL);
}

TEST(metrics_escape_what_labels_and_helps_may_hold)
{
    weft_metrics *metrics;
    weft_str text;
    CHECK_OK(weft_metrics_new(&metrics));
    weft_metrics_family(metrics, WEFT_GAUGE, "odd", "A \"quote\", a \\ and\na line.");
    weft_metrics_value(metrics, WEFT_LABELS("name", "a\"b\\c\nd", "empty", ""), -0.1);
    weft_metrics_value(metrics, /* labels= */ NULL, 18446744073709551615.0);
    weft_metrics_value(metrics, WEFT_LABELS("is", "nan"), NAN);
    weft_metrics_value(metrics, WEFT_LABELS("is", "inf"), INFINITY);
    weft_metrics_value(metrics, WEFT_LABELS("is", "below"), -INFINITY);
    check_text(metrics, &text);
    static const char expected[] = "# HELP odd A \"quote\", a \\\\ and\\na line.\n"
                                   "# TYPE odd gauge\n"
                                   "odd{name=\"a\\\"b\\\\c\\nd\",empty=\"\"} -0.1\n"
                                   "odd 1.8446744073709552e+19\n"
                                   "odd{is=\"nan\"} NaN\n"
                                   "odd{is=\"inf\"} +Inf\n"
                                   "odd{is=\"below\"} -Inf\n";
    CHECK_BYTES(text.ptr, text.len, expected, sizeof expected - 1);
    weft_metrics_free(metrics);
}

TEST(metrics_without_memory_say_so_at_the_end)
{
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 2};
    weft_metrics *metrics;
    weft_str text;
    weft_fault_arm(&plan);
    CHECK_OK(weft_metrics_new(&metrics));
    weft_metrics_family(metrics, WEFT_GAUGE, "a", "b");
    weft_metrics_value(metrics, /* labels= */ NULL, 1);
    CHECK_EQ(weft_metrics_get_text(metrics, &text), -ENOMEM);
    weft_fault_arm(NULL);
    weft_metrics_free(metrics);
}

/* The reader that judges the texts above must itself see what is wrong. */
TEST(exposition_reader_refuses_what_is_malformed)
{
#define HEAD(name, type) "# HELP " name " x\n# TYPE " name " " type "\n"
    static const char *const bad[] = {
        HEAD("a_total", "counter") "a_total 1",
        HEAD("a_total", "counter") "a_total -1\n",
        HEAD("a", "counter") "a 1\n",
        HEAD("a", "gauge") "b 1\n",
        HEAD("a", "gauge") "a{x=1} 1\n",
        HEAD("a", "gauge") "a{x=\"1} 1\n",
        HEAD("a", "gauge") "a{x=\"\\t\"} 1\n",
        HEAD("a", "gauge") "a{1x=\"1\"} 1\n",
        HEAD("a", "gauge") "a  1\n",
        HEAD("a", "gauge") "a one\n",
        HEAD("a", "gauge") "a 1 2 3\n",
        HEAD("a", "thing") "a 1\n",
        HEAD("a", "gauge") "a 1\n" HEAD("b", "gauge") "b 1\n" HEAD("a", "gauge") "a 2\n",
        HEAD("a", "gauge") HEAD("a", "gauge"),
        "# HELP a x\na 1\n",
        "a 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
        HEAD("h",
             "histogram") "h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"+Inf\"} 1\nh_count 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n",
        HEAD("h", "histogram") "h_bucket{le=\"+Inf\"} 1\nh_sum 1\n",
        HEAD("h", "histogram") "h_bucket{le=\"+Inf\"} 1\n" HEAD("i", "gauge"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        note("%s", bad[i]);
        CHECK(exposition_check(bad[i], strlen(bad[i])) != NULL);
    }
    static const char good[] = HEAD("a", "gauge") "a{x=\"\\\"\\\\\\n\"} +Inf\n\n# a remark\n" HEAD(
        "h", "histogram") "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
    const char *error = exposition_check(good, sizeof good - 1);
    CHECK_STR(error != NULL ? error : "", "");
}

/* Whichever allocation is refused, the text is whole or there is none. */
TASK_TEST(metrics_without_memory_say_so)
{
    int failed = 0;
    for (uint64_t k = 1;; k++) {
        weft_metrics *metrics = NULL;
        weft_str text;
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = k};
        weft_fault_arm(&plan);
        int rc = weft_metrics_new(&metrics);
        if (rc == 0) {
            weft_metrics_loop(metrics);
            rc = weft_metrics_get_text(metrics, &text);
        }
        weft_fault_arm(NULL);
        weft_metrics_free(metrics);
        failed += rc < 0;
        if (plan.point == NULL) {
            CHECK_OK(rc);
            break;
        }
        CHECK_EQ(rc, -ENOMEM);
    }
    CHECK_GE(failed, 3);
}
