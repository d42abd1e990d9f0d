/* SPDX-License-Identifier: MIT */

/*
 * "stats": a loop's counters.  "top MS": the same, who ran during so many milliseconds, and what
 * the tasks do now.  Who runs is looked at from outside, each millisecond, and the loop knows
 * nothing of it: so the time that sites take is known without a clock in any switch.
 */
#include "core/look/topic.h"

#include <weft/metrics.h>

#include "core/look/peek.h"
#include "core/look/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP_PLACES 64
#define TOP_STATES 48
#define TOP_MS_MAX 2000
#define TOP_SITE_BYTES 120

/* Where a running task was spawned.  One with a name of its own goes by its id, until the loop can
 * say whose that is. */
struct top_place {
    uint64_t id, samples;
    const char *site;
    char name[TOP_SITE_BYTES];
};

struct top_state {
    const char *what; /* a literal */
    uint64_t tasks;
};

struct top_data {
    weft_run_snapshot loop;
    uint64_t samples, idle_samples, loop_samples, other_samples;
    struct top_place places[TOP_PLACES];
    size_t place_count;
    struct top_state states[TOP_STATES];
    size_t state_count;
};

/* ---- from outside ---- */

static weft_time top_begin(struct wf_topic_job *job)
{
    unsigned long ms = strtoul(job->about, NULL, 10);
    return (weft_time)(ms < TOP_MS_MAX ? ms : TOP_MS_MAX) * WEFT_MS;
}

static void top_count(struct top_data *data, const struct wf_peek_run *run)
{
    for (size_t i = 0; i < data->place_count; i++) {
        struct top_place *place = &data->places[i];
        bool is_it = run->site != NULL ? place->site == run->site
                                       : place->site == NULL && place->id == run->id;
        if (is_it) {
            place->samples++;
            return;
        }
    }
    if (data->place_count == TOP_PLACES)
        data->other_samples++;
    else
        data->places[data->place_count++] =
            (struct top_place){.id = run->id, .site = run->site, .samples = 1};
}

static void top_sample(struct wf_topic_job *job)
{
    struct top_data *data = job->data;
    struct wf_peek_run run;
    data->samples++;
    switch (wf_peek_run(job->sched, &run)) {
    case WF_PEEK_NOBODY:
        data->idle_samples++;
        break;
    case WF_PEEK_LOOP:
        data->loop_samples++;
        break;
    case WF_PEEK_TASK:
        top_count(data, &run);
        break;
    }
}

/* ---- on the loop ---- */

static const wf_task *top_find_task(const struct wf_sched *sched, uint64_t id)
{
    const wf_task *guest = NULL;
    if (wf_handle_loop(id) == sched->records.loop_number)
        return wf_task_of((struct wf_sched *)sched, (weft_task){id});
    do {
        guest = wf_tree_next_guest(sched, guest);
    } while (guest != NULL && guest->id != id);
    return guest;
}

static void top_name_place(const struct wf_sched *sched, struct top_place *place)
{
    const wf_task *task = place->site == NULL ? top_find_task(sched, place->id) : NULL;
    char name[WEFT_ERROR_NAME_BYTES];
    if (task != NULL) {
        wf_task_name(task, name, sizeof name);
        snprintf(place->name, sizeof place->name, "%s, spawned: %s", name, wf_task_site(task));
    } else {
        snprintf(place->name, sizeof place->name, "%s",
                 place->site != NULL ? place->site : "(a named task that has ended)");
    }
}

static void top_count_state(struct top_data *data, const char *what)
{
    for (size_t i = 0; i < data->state_count; i++) {
        if (data->states[i].what == what) {
            data->states[i].tasks++;
            return;
        }
    }
    if (data->state_count < TOP_STATES)
        data->states[data->state_count++] = (struct top_state){what, 1};
}

static bool stats_collect(struct wf_topic_job *job)
{
    wf_stats_snapshot(job->sched, job->data);
    return false;
}

static bool top_collect(struct wf_topic_job *job)
{
    struct top_data *data = job->data;
    const struct wf_slab *tasks = &job->sched->records.tasks;
    wf_stats_snapshot(job->sched, &data->loop);
    for (size_t i = 0; i < data->place_count; i++)
        top_name_place(job->sched, &data->places[i]);
    for (uint32_t slot = 0; slot < tasks->fresh; slot++) {
        const wf_task *task = wf_slab_at(tasks, slot, sizeof *task);
        if (task->state == WF_TASK_LIVE || task->state == WF_TASK_FINISHING)
            top_count_state(data, wf_task_state_text(job->sched, task));
    }
    for (const wf_task *guest = NULL; (guest = wf_tree_next_guest(job->sched, guest)) != NULL;)
        top_count_state(data, wf_task_state_text(job->sched, guest));
    return false;
}

/* ---- in words ---- */

static void stats_put(weft_metrics *metrics, const weft_run_snapshot *loop)
{
    weft_metrics_loops(metrics, &loop, 1);
}

/* What was written goes into the answer. */
static void metrics_give(weft_metrics *metrics, wf_buf *out)
{
    weft_str text;
    if (weft_metrics_get_text(metrics, &text) == 0)
        wf_buf_append(out, text.ptr, text.len);
    else
        out->rc = -ENOMEM;
    weft_metrics_free(metrics);
}

static void stats_write(struct wf_topic_job *job, wf_buf *out)
{
    weft_metrics *metrics;
    if (weft_metrics_new(&metrics) < 0) {
        out->rc = -ENOMEM;
        return;
    }
    stats_put(metrics, job->data);
    metrics_give(metrics, out);
}

static void top_put_samples(weft_metrics *metrics, const char *loop, const char *site,
                            uint64_t samples)
{
    weft_metrics_value(metrics, WEFT_LABELS("loop", loop, "site", site), (double)samples);
}

static void top_write(struct wf_topic_job *job, wf_buf *out)
{
    const struct top_data *data = job->data;
    weft_metrics *metrics;
    char loop[12];
    if (weft_metrics_new(&metrics) < 0) {
        out->rc = -ENOMEM;
        return;
    }
    snprintf(loop, sizeof loop, "%u", data->loop.loop);
    stats_put(metrics, &data->loop);
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_top_samples", "Looks that found it running.");
    top_put_samples(metrics, loop, "(idle)", data->idle_samples);
    top_put_samples(metrics, loop, "(the loop)", data->loop_samples);
    top_put_samples(metrics, loop, "(others)", data->other_samples);
    for (size_t i = 0; i < data->place_count; i++)
        top_put_samples(metrics, loop, data->places[i].name, data->places[i].samples);
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_top_tasks", "Tasks by what they do.");
    for (size_t i = 0; i < data->state_count; i++)
        weft_metrics_value(metrics, WEFT_LABELS("loop", loop, "state", data->states[i].what),
                           (double)data->states[i].tasks);
    metrics_give(metrics, out);
}

const struct wf_topic wf_topic_stats = {
    .word = "stats",
    .data_bytes = sizeof(weft_run_snapshot),
    .collect = stats_collect,
    .write = stats_write,
};

const struct wf_topic wf_topic_top = {
    .word = "top",
    .data_bytes = sizeof(struct top_data),
    .begin = top_begin,
    .sample = top_sample,
    .collect = top_collect,
    .write = top_write,
};
