/* SPDX-License-Identifier: MIT */

#include <weft/metrics.h>

#include "base/alloc.h"
#include "base/buf.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct weft_metrics {
    wf_buf text;
    const char *family;
};

int weft_metrics_new(weft_metrics **out)
{
    weft_metrics *metrics = wf_alloc(sizeof *metrics);
    if (metrics == NULL)
        return -ENOMEM;
    metrics->family = "";
    *out = metrics;
    return 0;
}

void weft_metrics_free(weft_metrics *metrics)
{
    if (metrics == NULL)
        return;
    wf_buf_fini(&metrics->text);
    wf_free(metrics);
}

int weft_metrics_get_text(const weft_metrics *metrics, weft_str *out)
{
    if (metrics->text.rc < 0)
        return metrics->text.rc;
    *out = (weft_str){wf_buf_ptr(&metrics->text), wf_buf_bytes(&metrics->text)};
    return 0;
}

/* ---- lines ---- */

/* A help text has no quotes around it, so those stay as they are. */
static void put_escaped(wf_buf *out, const char *text, bool is_quoted)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            wf_buf_puts(out, "\\n");
        else if (*text == '\\' || (*text == '"' && is_quoted))
            wf_buf_printf(out, "\\%c", *text);
        else
            wf_buf_putc(out, *text);
    }
}

void weft_metrics_family(weft_metrics *metrics, enum weft_metric_kind kind, const char *name,
                         const char *help)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    metrics->family = name;
    wf_buf_printf(&metrics->text, "# HELP %s ", name);
    put_escaped(&metrics->text, help, /* is_quoted= */ false);
    wf_buf_printf(&metrics->text, "\n# TYPE %s %s\n", name, kinds[kind]);
}

/* `more` is a label behind the others, ready to print, or "". */
static void put_labels(wf_buf *out, const char *const labels[], const char *more)
{
    const char *before = "{";
    for (; labels != NULL && labels[0] != NULL && labels[1] != NULL; labels += 2) {
        wf_buf_printf(out, "%s%s=\"", before, labels[0]);
        put_escaped(out, labels[1], /* is_quoted= */ true);
        wf_buf_putc(out, '"');
        before = ",";
    }
    if (more[0] != '\0') {
        wf_buf_printf(out, "%s%s", before, more);
        before = ",";
    }
    if (before[0] == ',')
        wf_buf_putc(out, '}');
}

/* Whole numbers as such; others with no more digits than they need. */
static void put_number(wf_buf *out, double value)
{
    char text[32];
    if (isnan(value) || isinf(value)) {
        wf_buf_puts(out, isnan(value) ? "NaN\n" : value > 0 ? "+Inf\n" : "-Inf\n");
        return;
    }
    snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    wf_buf_printf(out, "%s\n", text);
}

void weft_metrics_value(weft_metrics *metrics, const char *const labels[], double value)
{
    wf_buf_puts(&metrics->text, metrics->family);
    put_labels(&metrics->text, labels, "");
    wf_buf_putc(&metrics->text, ' ');
    put_number(&metrics->text, value);
}

/* 1.024 us, fourfold to 17.2 s: bounds that buckets of ours have too. */
#define TIMES_FIRST 10
#define TIMES_LAST 34

void weft_metrics_times(weft_metrics *metrics, const char *const labels[],
                        const weft_histogram *histogram)
{
    wf_buf *out = &metrics->text;
    uint64_t below = 0;
    size_t bucket = 0;
    for (unsigned power = TIMES_FIRST; power <= TIMES_LAST; power += 2) {
        weft_time bound = (weft_time)1 << power;
        char more[48];
        for (; weft_histogram_bound(bucket) <= bound; bucket++)
            below += histogram->buckets[bucket];
        snprintf(more, sizeof more, "le=\"%.15g\"", (double)bound / (double)WEFT_SEC);
        wf_buf_printf(out, "%s_bucket", metrics->family);
        put_labels(out, labels, more);
        wf_buf_printf(out, " %" PRIu64 "\n", below);
    }
    wf_buf_printf(out, "%s_bucket", metrics->family);
    put_labels(out, labels, "le=\"+Inf\"");
    wf_buf_printf(out, " %" PRIu64 "\n%s_sum", histogram->count, metrics->family);
    put_labels(out, labels, "");
    wf_buf_putc(out, ' ');
    put_number(out, (double)histogram->sum_ns / (double)WEFT_SEC);
    wf_buf_printf(out, "%s_count", metrics->family);
    put_labels(out, labels, "");
    wf_buf_printf(out, " %" PRIu64 "\n", histogram->count);
}

/* ---- loops ---- */

static const struct loop_metric {
    enum weft_metric_kind kind;
    const char *name, *help;
    size_t offset; /* of a uint64_t in weft_run_stats */
} loop_metrics[] = {
#define LOOP_METRIC(kind, name, field, help)                                                       \
    {                                                                                              \
        kind, name, help, offsetof(weft_run_stats, field)                                          \
    }
    LOOP_METRIC(WEFT_COUNTER, "weft_tasks_made_total", tasks_made, "Tasks spawned."),
    LOOP_METRIC(WEFT_COUNTER, "weft_tasks_done_total", tasks_done, "Tasks that have ended."),
    LOOP_METRIC(WEFT_GAUGE, "weft_tasks_live", tasks_live, "Tasks that have not ended."),
    LOOP_METRIC(WEFT_COUNTER, "weft_switches_total", switches, "Switches between tasks."),
    LOOP_METRIC(WEFT_COUNTER, "weft_passes_total", passes, "Passes over the ready tasks."),
    LOOP_METRIC(WEFT_COUNTER, "weft_turns_total", turns, "Turns of the loop."),
    LOOP_METRIC(WEFT_COUNTER, "weft_cancels_total", cancels, "Scopes that were cancelled."),
    LOOP_METRIC(WEFT_COUNTER, "weft_hogs_total", hogs, "Tasks that kept the loop too long."),
    LOOP_METRIC(WEFT_COUNTER, "weft_timers_started_total", timers_started,
                "Timers started, or moved."),
    LOOP_METRIC(WEFT_COUNTER, "weft_timers_fired_total", timers_fired, "Timers that came due."),
    LOOP_METRIC(WEFT_GAUGE, "weft_timers_live", timers_live, "Timers that run."),
    LOOP_METRIC(WEFT_GAUGE, "weft_operations_live", ops_live, "Operations in flight."),
    LOOP_METRIC(WEFT_GAUGE, "weft_stacks_used", stacks_used, "Stacks in use."),
    LOOP_METRIC(WEFT_GAUGE, "weft_stacks_pooled", stacks_pooled, "Stacks kept for reuse."),
#undef LOOP_METRIC
};

#define LOOP_TEXT_BYTES 12

static void loop_number(const weft_run_snapshot *loop, char out[LOOP_TEXT_BYTES])
{
    snprintf(out, LOOP_TEXT_BYTES, "%" PRIu32, loop->loop);
}

static void put_loop_metric(weft_metrics *metrics, const struct loop_metric *what,
                            const weft_run_snapshot *const loops[], size_t count)
{
    weft_metrics_family(metrics, what->kind, what->name, what->help);
    for (size_t i = 0; i < count; i++) {
        char number[LOOP_TEXT_BYTES];
        uint64_t value;
        loop_number(loops[i], number);
        memcpy(&value, (const char *)&loops[i]->stats + what->offset, sizeof value);
        weft_metrics_value(metrics, WEFT_LABELS("loop", number), (double)value);
    }
}

static void put_operations(weft_metrics *metrics, const weft_run_snapshot *const loops[],
                           size_t count)
{
    weft_metrics_family(metrics, WEFT_COUNTER, "weft_operations_total", "Operations by kind.");
    for (size_t i = 0; i < count; i++) {
        char number[LOOP_TEXT_BYTES];
        loop_number(loops[i], number);
        for (int kind = 0; kind < WEFT_OP_KIND_COUNT; kind++)
            weft_metrics_value(metrics,
                               WEFT_LABELS("loop", number, "kind", weft_op_kind_name(kind)),
                               (double)loops[i]->stats.ops_made[kind]);
    }
}

static void put_times(weft_metrics *metrics, const char *name, const char *help, size_t offset,
                      const weft_run_snapshot *const loops[], size_t count)
{
    weft_metrics_family(metrics, WEFT_HISTOGRAM, name, help);
    for (size_t i = 0; i < count; i++) {
        char number[LOOP_TEXT_BYTES];
        loop_number(loops[i], number);
        weft_metrics_times(metrics, WEFT_LABELS("loop", number),
                           (const void *)((const char *)loops[i] + offset));
    }
}

void weft_metrics_loops(weft_metrics *metrics, const weft_run_snapshot *const loops[], size_t count)
{
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_loop_info", "1, and what the loop runs on.");
    for (size_t i = 0; i < count; i++) {
        char number[LOOP_TEXT_BYTES];
        loop_number(loops[i], number);
        weft_metrics_value(metrics, WEFT_LABELS("loop", number, "backend", loops[i]->backend), 1);
    }
    for (size_t i = 0; i < sizeof loop_metrics / sizeof loop_metrics[0]; i++)
        put_loop_metric(metrics, &loop_metrics[i], loops, count);
    put_operations(metrics, loops, count);
    put_times(metrics, "weft_pass_seconds", "Passes: time without a look at input.",
              offsetof(weft_run_snapshot, pass_times), loops, count);
    put_times(metrics, "weft_ready_wait_seconds", "From ready to running; samples.",
              offsetof(weft_run_snapshot, wait_times), loops, count);
}

void weft_metrics_loop(weft_metrics *metrics)
{
    weft_run_snapshot *loop = wf_alloc(sizeof *loop);
    const weft_run_snapshot *loops[] = {loop};
    if (loop == NULL)
        metrics->text.rc = -ENOMEM;
    else if (weft_run_snapshot_get(loop) == 0)
        weft_metrics_loops(metrics, loops, 1);
    wf_free(loop);
}
