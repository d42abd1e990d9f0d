/* SPDX-License-Identifier: MIT */

/*
 * "stack", "stack 12.3", "stack NAME": where each task is.  Tasks in the same place, spawned at the
 * same site, are told together: of ten thousand there are rarely more than a dozen kinds.
 */
#include "core/look/topic.h"

#include "base/alloc.h"
#include "core/look/symbol.h"
#include "core/look/trace.h"
#include "core/look/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_PIECE 32         /* tasks unwound at once: some 100 us */
#define STACK_PIECE_SLOTS 4096 /* records looked at for them */
#define STACK_KINDS_MAX 512
#define STACK_NAMED 3 /* tasks of a kind */

/* A task, or the first of a kind.  Sites and states are literals, so they may be read later. */
struct stack_entry {
    uint64_t id;
    char name[WEFT_ERROR_NAME_BYTES];
    const char *site, *state;
    uint32_t is_cancelled, frame_count;
    void *frames[WF_TRACE_FRAMES];
};

struct stack_kind {
    struct stack_entry first;
    uint64_t more[STACK_NAMED - 1]; /* ids */
    uint64_t count;
};

struct stack_data {
    uint32_t slot, guests; /* the next to look at; how many guests were */
    uint64_t told;
    struct stack_entry entries[STACK_PIECE];
    size_t count;
    struct stack_kind *kinds;
    size_t kind_count, kind_max;
    struct wf_symbols symbols;
};

/* ---- on the loop ---- */

/* "12", "12.3", "#12.3" or a name. */
static bool stack_is_wanted(const struct wf_topic_job *job, const wf_task *task, const char *name)
{
    const char *about = job->about + (job->about[0] == '#');
    char *end;
    if (about[0] < '0' || about[0] > '9')
        return about[0] == '\0' || strcmp(about, name) == 0;
    if (strtoul(about, &end, 10) != wf_handle_slot(task->id))
        return false;
    return *end != '.' || strtoul(end + 1, NULL, 10) == wf_handle_generation(task->id);
}

static void stack_take(const struct wf_topic_job *job, const wf_task *task)
{
    struct stack_data *data = job->data;
    struct stack_entry *entry = &data->entries[data->count];
    wf_task_name(task, entry->name, sizeof entry->name);
    if (!stack_is_wanted(job, task, entry->name))
        return;
    entry->id = task->id;
    entry->site = wf_task_site(task);
    entry->state = wf_task_state_text(job->sched, task);
    entry->is_cancelled = (task->scope->flags & WF_NODE_EFFECTIVE) != 0;
    entry->frame_count = (uint32_t)wf_trace_task(job->sched, task, entry->frames, WF_TRACE_FRAMES);
    data->count++;
}

/* Between two pieces guests come and go, so that one may be missed or told twice. */
static bool stack_collect_guests(struct wf_topic_job *job)
{
    struct stack_data *data = job->data;
    const wf_task *guest = NULL;
    for (uint32_t at = 0; (guest = wf_tree_next_guest(job->sched, guest)) != NULL; at++) {
        if (at < data->guests)
            continue;
        if (data->count == STACK_PIECE)
            return true;
        stack_take(job, guest);
        data->guests++;
    }
    return false;
}

static bool stack_collect(struct wf_topic_job *job)
{
    struct stack_data *data = job->data;
    const struct wf_slab *tasks = &job->sched->records.tasks;
    uint32_t end = data->slot + STACK_PIECE_SLOTS;
    data->count = 0;
    for (; data->slot < tasks->fresh && data->slot < end && data->count < STACK_PIECE;
         data->slot++) {
        const wf_task *task = wf_slab_at(tasks, data->slot, sizeof *task);
        if (task->state == WF_TASK_LIVE || task->state == WF_TASK_FINISHING)
            stack_take(job, task);
    }
    return data->slot < tasks->fresh || stack_collect_guests(job);
}

/* ---- in words ---- */

static bool stack_is_same(const struct stack_entry *a, const struct stack_entry *b)
{
    return a->site == b->site && a->state == b->state && a->is_cancelled == b->is_cancelled &&
           a->frame_count == b->frame_count && strcmp(a->name, b->name) == 0 &&
           memcmp(a->frames, b->frames, a->frame_count * sizeof a->frames[0]) == 0;
}

static struct stack_kind *stack_kind_new(struct stack_data *data)
{
    if (data->kind_count == data->kind_max) {
        size_t max = data->kind_max == 0 ? 16 : data->kind_max * 2;
        struct stack_kind *kinds =
            max <= STACK_KINDS_MAX ? wf_grow(data->kinds, max, sizeof *kinds) : NULL;
        if (kinds == NULL)
            return NULL;
        data->kinds = kinds;
        data->kind_max = max;
    }
    return &data->kinds[data->kind_count++];
}

static void stack_write_id(wf_buf *out, uint64_t id)
{
    wf_buf_printf(out, " #%" PRIu32 ".%" PRIu32, wf_handle_slot(id), wf_handle_generation(id));
}

static void stack_write_kind(struct stack_data *data, const struct stack_kind *kind, wf_buf *out)
{
    const struct stack_entry *first = &kind->first;
    if (kind->count == 1)
        wf_buf_printf(out, "  task %s", first->name);
    else
        wf_buf_printf(out, "  %" PRIu64 " tasks %s", kind->count, first->name);
    stack_write_id(out, first->id);
    for (uint64_t i = 1; i < kind->count && i < STACK_NAMED; i++)
        stack_write_id(out, kind->more[i - 1]);
    wf_buf_printf(out, "%s [%s]%s spawned: %s\n", kind->count > STACK_NAMED ? " ..." : "",
                  first->state, first->is_cancelled ? " cancelled" : "", first->site);
    for (uint32_t i = 0; i < first->frame_count; i++) {
        char text[WF_SYMBOL_TEXT_BYTES];
        wf_symbols_text(&data->symbols, first->frames[i], text, sizeof text);
        wf_buf_printf(out, "    at %s\n", text);
    }
}

/* A kind too many is told at once and alone. */
static void stack_add(struct stack_data *data, const struct stack_entry *entry, wf_buf *out)
{
    data->told++;
    for (size_t i = 0; i < data->kind_count; i++) {
        struct stack_kind *kind = &data->kinds[i];
        if (!stack_is_same(&kind->first, entry))
            continue;
        if (kind->count < STACK_NAMED)
            kind->more[kind->count - 1] = entry->id;
        kind->count++;
        return;
    }
    struct stack_kind alone, *kind = stack_kind_new(data);
    if (kind == NULL)
        kind = &alone;
    *kind = (struct stack_kind){.first = *entry, .count = 1};
    if (kind == &alone)
        stack_write_kind(data, kind, out);
}

static void stack_write(struct wf_topic_job *job, wf_buf *out)
{
    struct stack_data *data = job->data;
    if (data->told == 0 && data->count != 0) {
        wf_topic_put_loop(job->sched, out);
        wf_buf_putc(out, '\n');
    }
    for (size_t i = 0; i < data->count; i++)
        stack_add(data, &data->entries[i], out);
    if (job->has_more)
        return;
    for (size_t i = 0; i < data->kind_count; i++)
        stack_write_kind(data, &data->kinds[i], out);
    if (data->told == 0 && job->about[0] != '\0')
        wf_buf_printf(out, "no task %s in the loop on %s\n", job->about,
                      job->sched->loop->backend->name);
}

static void stack_fini(struct wf_topic_job *job)
{
    struct stack_data *data = job->data;
    wf_symbols_fini(&data->symbols);
    wf_free(data->kinds);
}

const struct wf_topic wf_topic_stack = {
    .word = "stack",
    .data_bytes = sizeof(struct stack_data),
    .collect = stack_collect,
    .write = stack_write,
    .fini = stack_fini,
};
