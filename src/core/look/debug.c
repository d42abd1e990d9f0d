/* SPDX-License-Identifier: MIT */

#include "core/look/debug.h"

#include "base/alloc.h"
#include "core/gen/gen_priv.h"
#include "core/look/opened.h"
#include "core/look/symbol.h"
#include "core/look/trace.h"
#include "core/platform/setting.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEBUG_NO_TASK_MAX 16   /* calls that are told */
#define DEBUG_NO_TASK_FRAMES 8 /* how far above them the public call may be */

static int debug_is_wanted(const weft_config *config, bool *out)
{
    *out = WF_DEBUG_CHECKS || (config->flags & WEFT_RUN_DEBUG) != 0;
    return wf_setting_read_switch("WEFT_DEBUG", out);
}

int wf_debug_new(struct wf_debug **out, const weft_config *config)
{
    struct wf_debug *debug = NULL;
    bool is_wanted;
    WEFT_TRY(debug_is_wanted(config, &is_wanted));
    if (is_wanted) {
        debug = wf_alloc(sizeof *debug);
        if (debug == NULL)
            return -ENOMEM;
        debug->begun_at = weft_now();
        wf_trace_prepare();
        (void)__atomic_add_fetch(&weft_debug_runs_, 1, __ATOMIC_RELAXED);
    }
    *out = debug;
    return 0;
}

void wf_debug_free(struct wf_debug *debug)
{
    if (debug != NULL)
        (void)__atomic_sub_fetch(&weft_debug_runs_, 1, __ATOMIC_RELAXED);
    wf_free(debug);
}

/* True the first time. */
static bool debug_is_news(struct wf_debug *debug, const char *what, const void *where)
{
    if (debug == NULL)
        return false;
    for (size_t i = 0; i < debug->place_count; i++) {
        if (debug->places[i].what == what && debug->places[i].where == where)
            return false;
    }
    if (debug->place_count == WF_DEBUG_PLACES_MAX)
        return false;
    debug->places[debug->place_count++] = (struct wf_debug_place){what, where};
    return true;
}

/* `what` begins with the name of the task; the spawn site comes last. */
static void debug_say(const wf_task *task, const void *where, const char *what, ...)
    WEFT_PRINTF(3, 4);

static void debug_say(const wf_task *task, const void *where, const char *what, ...)
{
    struct wf_sched *sched = wf_sched_current;
    if (!debug_is_news(sched->debug, what, where))
        return;
    char name[WEFT_ERROR_NAME_BYTES], text[300];
    wf_task_name(task, name, sizeof name);
    va_list args;
    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    wf_sched_log(sched, "debug: task %s %s; spawned: %s", name, text, wf_task_site(task));
}

void wf_debug_endless_shield(const wf_task *task, void *caller)
{
    char place[160];
    if (wf_sched_current->debug == NULL)
        return;
    wf_symbol_text(caller, place, sizeof place);
    debug_say(task, caller,
              "opened a shield without a deadline: what waits in it cannot be stopped, give it one "
              "(%s)",
              place);
}

void wf_debug_past_deadline(weft_time deadline)
{
    const struct wf_debug *debug = wf_sched_current->debug;
    const wf_task *task = wf_sched_current->current;
    if (debug == NULL || task == NULL || deadline <= 0 || deadline >= debug->begun_at)
        return;
    debug_say(task, wf_task_site(task),
              "gave the deadline %lld.%03lld s, which passed before the run began: a deadline is a "
              "point in time, weft_after(duration)",
              (long long)(deadline / WEFT_SEC), (long long)(deadline % WEFT_SEC / WEFT_MS));
}

/* Once is how a cancel is noticed; twice in one scope is how a cleanup comes to nothing. */
void wf_debug_wait_refused(wf_task *task, uint32_t ignored)
{
    if ((task->root.flags & WF_NODE_EFFECTIVE) != 0)
        task->root.flags |= WF_NODE_TOLD;
    if (ignored == 2)
        debug_say(
            task, wf_task_site(task),
            "waits again where a wait has said -ECANCELED: pass that up, and let cleanup that "
            "must wait stand in WEFT_CLEANUP");
}

/* A result that nobody gets swallows nothing; that of the main task is the program's, which may
 * call an end in good order a success. */
void wf_debug_cancel_swallowed(const wf_task *task, int rc)
{
    bool is_nobodys = (task->flags & (WF_TASK_RELEASED | WF_TASK_ABROAD)) == WF_TASK_RELEASED;
    if (is_nobodys || task == wf_sched_current->main.task)
        return;
    debug_say(task, wf_task_site(task),
              "was told that it is cancelled and returned %d: return the -ECANCELED", rc);
}

void wf_debug_never_awaited(const wf_task *ended)
{
    for (const wf_task *task = ended; task != NULL; task = task->ended_next) {
        if (task->result >= 0 && (task->flags & WF_TASK_RECEIVED) == 0)
            debug_say(task, wf_task_site(task),
                      "was never awaited: await it, spawn it in a group, or weft_release() it");
    }
}

/* The call into the library: between it and here may be functions that other builds have inlined,
 * and weft_sp_enter(), by which most calls that wait begin. */
static void name_public_call(char *out, size_t out_bytes)
{
    void *frames[DEBUG_NO_TASK_FRAMES];
    struct wf_symbols symbols = {0};
    int count = wf_trace_callers(frames, DEBUG_NO_TASK_FRAMES);
    snprintf(out, out_bytes, "a call");
    for (int i = 0; i < count; i++) {
        char text[WF_SYMBOL_TEXT_BYTES];
        wf_symbols_text(&symbols, frames[i], text, sizeof text);
        if (strncmp(text, "weft_", 5) != 0)
            continue;
        snprintf(out, out_bytes, "%s", text);
        if (strncmp(text, "weft_sp_enter", 13) != 0)
            break;
    }
    wf_symbols_fini(&symbols);
}

void wf_debug_no_task(void)
{
    static _Atomic unsigned said;
    const weft_config nothing = {0};
    char place[WF_SYMBOL_TEXT_BYTES];
    bool is_wanted;
    if (debug_is_wanted(&nothing, &is_wanted) < 0 || !is_wanted ||
        atomic_fetch_add(&said, 1) >= DEBUG_NO_TASK_MAX)
        return;
    name_public_call(place, sizeof place);
    weft_log("debug: %s needs a task, and there is none here: it says -EPERM; call it from a body "
             "that weft_run() or weft_spawn() runs",
             place);
}

#if WF_DEBUG_CHECKS
/* The bytes of a body that are gone, and whose it was. */
struct debug_frame {
    const wf_task *task;
    const char *base, *top;
};

static void debug_tell_given(const struct debug_frame *gone, const struct wf_node *node)
{
    const wf_task *child = node->task;
    bool may_run = child != NULL && node == &child->root && child->state == WF_TASK_LIVE;
    const char *given = may_run ? child->given : NULL;
    if (may_run && child != gone->task && given >= gone->base && given < gone->top)
        debug_say(child, wf_task_site(child),
                  "was given a pointer into the frame of its spawner's body, which has "
                  "returned: await it there, or use weft_spawn_copy");
}

/* Detached tasks are not below it. */
static void debug_frame_ended(const struct debug_frame *gone)
{
    const wf_task *task = gone->task;
    for (const struct wf_node *node = wf_sched_current->top.child; node != NULL; node = node->next)
        debug_tell_given(gone, node);
    for (const struct wf_node *node = task->root.child; node != NULL;) {
        debug_tell_given(gone, node);
        if (node->child != NULL) {
            node = node->child;
            continue;
        }
        while (node != &task->root && node->next == NULL)
            node = node->up;
        node = node == &task->root ? NULL : node->next;
    }
}

/* An argument that was copied to the stack is not gone. */
void wf_debug_frame_ended(const wf_task *task)
{
    const wf_stack *stack = &task->body->stack;
    const char *own = task->given;
    bool has_copy = own >= stack->base && own < stack->top;
    debug_frame_ended(&(struct debug_frame){task, stack->base, has_copy ? own : stack->top});
}

void wf_debug_gen_ended(const struct weft_gen *gen)
{
    const wf_stack *stack = wf_gen_stack(gen);
    debug_frame_ended(&(struct debug_frame){gen->task, stack->base, stack->top});
}
#endif
