/* SPDX-License-Identifier: MIT */

/* "ps" and "ps-json": the tree of tasks, for people and as a line of JSON for each node. */

#include "core/look/topic.h"

#include "base/json_write.h"
#include "core/look/symbol.h"
#include "core/look/tree.h"
#include "core/loops/loops_priv.h"

#include <inttypes.h>
#include <stdio.h>

static bool ps_collect(struct wf_topic_job *job)
{
    wf_dump_to(job->sched, job->data);
    return false;
}

static void ps_write(struct wf_topic_job *job, wf_buf *out)
{
    const wf_buf *tree = job->data;
    wf_buf_append(out, wf_buf_ptr(tree), wf_buf_bytes(tree));
}

static void ps_fini(struct wf_topic_job *job)
{
    wf_buf_fini(job->data);
}

const struct wf_topic wf_topic_ps = {
    .word = "ps",
    .data_bytes = sizeof(wf_buf),
    .collect = ps_collect,
    .write = ps_write,
    .fini = ps_fini,
};

/* ---- JSON ---- */

struct ps_writer {
    const struct wf_sched *sched;
    weft_time now;
    wf_json json;
};

static void ps_put_seconds(wf_json *json, const char *key, weft_time ns)
{
    weft_time whole = ns / WEFT_US; /* what is shorter is noise */
    wf_json_put_double(json, key, (double)whole / 1e6);
}

static void ps_put_task(struct ps_writer *writer, const wf_task *task)
{
    wf_json *json = &writer->json;
    char name[WEFT_ERROR_NAME_BYTES], id[32];
    wf_task_name(task, name, sizeof name);
    snprintf(id, sizeof id, "%" PRIu32 ".%" PRIu32, wf_handle_slot(task->id),
             wf_handle_generation(task->id));
    wf_json_put_text(json, "name", name);
    wf_json_put_text(json, "id", id);
    wf_json_put_text(json, "state", wf_task_state_text(writer->sched, task));
    weft_time since = wf_task_waits_since(writer->sched, task);
    if (since >= 0)
        ps_put_seconds(json, "waits_s", writer->now - since);
    weft_time deadline = wf_task_deadline(task);
    if (deadline != WEFT_FOREVER)
        ps_put_seconds(json, "deadline_s", deadline - writer->now);
    wf_json_put_bool(json, "cancelled", (task->scope->flags & WF_NODE_EFFECTIVE) != 0);
    wf_json_put_text(json, "spawned", wf_task_site(task));
}

static void ps_put_scope(struct ps_writer *writer, const struct wf_node *node)
{
    wf_json *json = &writer->json;
    weft_time deadline = wf_tree_deadline(node);
    if (deadline != WEFT_FOREVER)
        ps_put_seconds(json, "deadline_s", deadline - writer->now);
    bool is_cancelled = (node->flags & WF_NODE_CANCELLED) != 0;
    wf_json_put_bool(json, "cancelled", is_cancelled);
    if (is_cancelled && node->why != NULL)
        wf_json_put_text(json, "why", node->why);
}

static void ps_begin(struct ps_writer *writer, unsigned depth, const char *kind)
{
    wf_json_object(&writer->json);
    wf_json_put_uint(&writer->json, "loop", writer->sched->index);
    wf_json_put_uint(&writer->json, "depth", depth);
    wf_json_put_text(&writer->json, "kind", kind);
}

static void ps_end(struct ps_writer *writer)
{
    wf_json_object_end(&writer->json);
    wf_buf_putc(writer->json.out, '\n');
    writer->json = (wf_json){.out = writer->json.out};
}

static void ps_node(const struct wf_node *node, unsigned depth, void *arg)
{
    bool is_task = wf_tree_is_task(node);
    ps_begin(arg, depth, is_task ? "task" : wf_tree_kind(node));
    if (is_task)
        ps_put_task(arg, node->task);
    else
        ps_put_scope(arg, node);
    ps_end(arg);
}

static bool ps_json_collect(struct wf_topic_job *job)
{
    const struct wf_sched *sched = job->sched;
    struct ps_writer writer = {
        .sched = sched,
        .now = sched->loop->platform->now(),
        .json = {.out = job->data},
    };
    ps_begin(&writer, 0, "loop");
    wf_json_put_uint(&writer.json, "loops", sched->loops->count);
    wf_json_put_text(&writer.json, "backend", sched->loop->backend->name);
    wf_json_put_uint(&writer.json, "tasks", sched->stats.tasks_made - sched->done_count);
    ps_end(&writer);
    wf_tree_walk(sched, ps_node, &writer);
    return false;
}

static void ps_json_write_kept(const struct wf_sched *sched, const struct wf_kept *kept,
                               wf_buf *out)
{
    struct ps_writer writer = {.sched = sched, .json = {.out = out}};
    struct wf_symbols symbols = {0};
    ps_begin(&writer, 0, "loop");
    wf_json_put_uint(&writer.json, "loops", sched->loops->count);
    wf_json_put_text(&writer.json, "backend", sched->loop->backend->name);
    wf_json_put_bool(&writer.json, "answers", false);
    wf_json_put_text(&writer.json, "kept_by", kept->answer.name);
    wf_json_put_text(&writer.json, "spawned", kept->answer.site);
    wf_json_put_text(&writer.json, "place", kept->place.text);
    wf_json_key(&writer.json, "frames");
    wf_json_array(&writer.json);
    for (int i = 0; i < kept->answer.frame_count; i++) {
        char text[WF_SYMBOL_TEXT_BYTES];
        wf_symbols_text(&symbols, kept->answer.frames[i], text, sizeof text);
        wf_json_text(&writer.json, text);
    }
    wf_json_array_end(&writer.json);
    ps_end(&writer);
    wf_symbols_fini(&symbols);
}

const struct wf_topic wf_topic_ps_json = {
    .word = "ps-json",
    .data_bytes = sizeof(wf_buf),
    .collect = ps_json_collect,
    .write = ps_write,
    .fini = ps_fini,
    .write_kept = ps_json_write_kept,
};
