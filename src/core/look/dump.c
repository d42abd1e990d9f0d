/* SPDX-License-Identifier: MIT */

/* The task tree, written for a human. */

#include <weft/run.h>

#include "base/buf.h"
#include "base/sys.h"
#include "core/gen/gen_priv.h"
#include "core/look/tree.h"
#include "core/loop/registry.h"
#include "core/loops/loops_priv.h"
#include "core/process/signals_priv.h"
#include "core/stack/stack_use.h"
#include "core/task/sched_priv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DUMP_DEPTH_MAX 32
#define DUMP_STACKS_MAX 20 /* places */
#define DUMP_GENS_MAX 8    /* of one task */

/* Lines are collected and handed on in pieces, to a descriptor or a buffer.  Takes no memory
 * itself: a dump is asked for when things are bad. */
struct dump {
    const struct wf_sched *sched;
    weft_time now;
    wf_buf *out; /* NULL: to fd */
    int fd;
    size_t bytes;
    char text[2048];
};

static void dump_flush(struct dump *dump)
{
    if (dump->out != NULL)
        wf_buf_append(dump->out, dump->text, dump->bytes);
    else
        wf_dump_write(dump->fd, dump->text, dump->bytes);
    dump->bytes = 0;
}

static void dump_line(struct dump *dump, unsigned depth, const char *format, ...) WEFT_PRINTF(3, 4);

static void dump_line(struct dump *dump, unsigned depth, const char *format, ...)
{
    char line[400];
    unsigned shown = depth < DUMP_DEPTH_MAX ? depth : DUMP_DEPTH_MAX;
    int at = snprintf(line, sizeof line, "%*s", (int)(2 * shown), "");
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + at, sizeof line - (size_t)at, format, args);
    va_end(args);
    size_t len = strlen(line);
    if (len + 1 > sizeof dump->text - dump->bytes)
        dump_flush(dump);
    memcpy(dump->text + dump->bytes, line, len);
    dump->text[dump->bytes + len] = '\n';
    dump->bytes += len + 1;
}

const char *wf_task_state_text(const struct wf_sched *sched, const wf_task *task)
{
    if (task == sched->current)
        return "running";
    if ((task->flags & (WF_TASK_ABROAD | WF_TASK_HAS_BODY)) == WF_TASK_ABROAD)
        return "on another loop";
    if (task->state == WF_TASK_FINISHING)
        return "finishing, waits for its children";
    const weft_waiter *waiter = wf_task_parked_on(task);
    if (waiter != NULL && !waiter->is_woken)
        return waiter->wait_class->what;
    return (task->flags & WF_TASK_EVER_RAN) != 0 ? "ready" : "ready, never ran";
}

weft_time wf_task_waits_since(const struct wf_sched *sched, const wf_task *task)
{
    if (task == sched->current)
        return -1;
    if (task->state == WF_TASK_FINISHING)
        return task->body->returned_at;
    const weft_waiter *waiter = wf_task_parked_on(task);
    return waiter != NULL && !waiter->is_woken ? waiter->priv_since : -1;
}

/* The generators it runs in, the innermost first. */
static void dump_gens(struct dump *dump, const wf_task *task, unsigned depth)
{
    const weft_gen *gen = (task->flags & WF_TASK_HAS_BODY) != 0 ? task->body->gen : NULL;
    for (unsigned i = 0; gen != NULL && i < DUMP_GENS_MAX; gen = gen->outer, i++)
        dump_line(dump, depth, "in generator opened: %s", gen->site);
}

static const char *deadline_text(const struct dump *dump, weft_time at, char out[48])
{
    out[0] = '\0';
    if (at != WEFT_FOREVER)
        snprintf(out, 48, " deadline in %.3f s", (double)(at - dump->now) / 1e9);
    return out;
}

static void dump_task(struct dump *dump, const wf_task *task, unsigned depth)
{
    char name[WEFT_ERROR_NAME_BYTES];
    wf_task_name(task, name, sizeof name);
    char wait[32] = "";
    weft_time since = wf_task_waits_since(dump->sched, task);
    if (since >= 0)
        snprintf(wait, sizeof wait, " for %.3f s", (double)(dump->now - since) / 1e9);
    bool is_cancelled = (task->scope->flags & WF_NODE_EFFECTIVE) != 0;
    char deadline[48];
    dump_line(dump, depth, "task %s #%" PRIu32 ".%" PRIu32 " [%s]%s%s%s spawned: %s", name,
              wf_handle_slot(task->id), wf_handle_generation(task->id),
              wf_task_state_text(dump->sched, task), wait,
              deadline_text(dump, wf_task_deadline(task), deadline),
              is_cancelled ? " cancelled" : "", wf_task_site(task));
    dump_gens(dump, task, depth + 1);
}

static void dump_scope(struct dump *dump, const struct wf_node *node, unsigned depth)
{
    char deadline[48];
    bool is_cancelled = (node->flags & WF_NODE_CANCELLED) != 0;
    dump_line(dump, depth, "%s%s%s%s", wf_tree_kind(node),
              deadline_text(dump, wf_tree_deadline(node), deadline),
              is_cancelled ? " cancelled: " : "",
              is_cancelled && node->why != NULL ? node->why : "");
}

static void dump_node(const struct wf_node *node, unsigned depth, void *arg)
{
    if (wf_tree_is_task(node))
        dump_task(arg, node->task, depth);
    else
        dump_scope(arg, node, depth);
}

/* The deepest users of stacks, in a run that measures them. */
static void dump_stacks(struct dump *dump)
{
    weft_stack_use uses[DUMP_STACKS_MAX];
    size_t count = wf_stack_uses_get(dump->sched, uses, DUMP_STACKS_MAX);
    for (size_t i = 0; i < count && i < DUMP_STACKS_MAX; i++)
        dump_line(dump, 0, "stack: %zu of %zu bytes used by %s (%" PRIu64 " ended)",
                  uses[i].bytes_max, uses[i].stack_bytes, uses[i].site, uses[i].ended_count);
}

static void dump_all(struct dump *dump)
{
    const struct wf_sched *sched = dump->sched;
    dump->now = sched->loop->platform->now();
    char number[24] = "";
    if (sched->loops->count > 1)
        snprintf(number, sizeof number, " %" PRIu32 " of %" PRIu32, sched->index,
                 sched->loops->count);
    dump_line(dump, 0, "loop%s on %s: %" PRIu64 " tasks", number, sched->loop->backend->name,
              sched->stats.tasks_made - sched->done_count);
    wf_tree_walk(sched, dump_node, dump);
    dump_stacks(dump);
    dump_flush(dump);
}

void wf_dump_write(int fd, const char *text, size_t bytes)
{
    for (ssize_t n; bytes > 0 && (n = wf_sys_write(fd, text, bytes)) > 0; bytes -= (size_t)n)
        text += n;
}

void wf_dump_to(const struct wf_sched *sched, wf_buf *out)
{
    struct dump dump = {.sched = sched, .out = out};
    dump_all(&dump);
}

void wf_dump_here(int fd)
{
    struct dump dump = {.sched = wf_sched_self(), .fd = fd};
    if (dump.sched != NULL)
        dump_all(&dump);
}

static void dump_arrived(void *fd)
{
    wf_dump_here((int)(intptr_t)fd);
}

/* Other loops write their own trees.  One whose queue of posts is full is left out. */
static void dump_there(weft_loop *loop, int fd)
{
    int rc = weft_post(loop, dump_arrived, (void *)(intptr_t)fd);
    (void)rc;
}

void weft_dump(int fd)
{
    const struct wf_sched *sched = wf_sched_self();
    uint32_t count = sched != NULL ? sched->loops->count : WF_REGISTRY_SLOTS;
    bool is_told_here = sched != NULL && !wf_signals_in_handler(sched);
    if (is_told_here)
        wf_dump_here(fd);
    for (uint32_t i = 0; i < count; i++) {
        weft_loop *loop = sched != NULL ? weft_loop_at(i) : wf_registry_look(i);
        if (loop != NULL && !(is_told_here && loop == wf_loop_current))
            dump_there(loop, fd);
    }
}
