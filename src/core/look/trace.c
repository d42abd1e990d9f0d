/* SPDX-License-Identifier: MIT */

#include "core/look/trace.h"

#include "core/gen/gen_priv.h"
#include "core/look/symbol.h"

#include <execinfo.h>
#include <stdio.h>
#include <string.h>

#define TRACE_UNSEEN 2 /* trace_walk() and wf_fiber_call_above() */

struct trace {
    void *frames[TRACE_UNSEEN + WF_TRACE_FRAMES];
    int count, frames_max;
};

void wf_trace_prepare(void)
{
    void *first[1];
    (void)backtrace(first, 1);
}

static __attribute__((noinline)) void trace_walk(void *arg)
{
    struct trace *trace = arg;
    trace->count = backtrace(trace->frames, TRACE_UNSEEN + trace->frames_max) - TRACE_UNSEEN;
}

/* Where every stack begins: below the body, and nobody's concern. */
static bool trace_is_entry(const void *frame)
{
    uintptr_t entry = (uintptr_t)wf_fiber_entry;
    return (uintptr_t)frame > entry && (uintptr_t)frame < entry + 64;
}

/* Of one stack; how many frames were there. */
static int trace_stack(const wf_fiber *fiber, void *out[], int frames_max)
{
    struct trace trace = {
        .frames_max = frames_max < WF_TRACE_FRAMES ? frames_max : WF_TRACE_FRAMES,
    };
    if (frames_max <= 0)
        return 0;
    wf_fiber_call_above(fiber->sp, trace_walk, &trace);
    if (trace.count > 0 && trace_is_entry(trace.frames[TRACE_UNSEEN + trace.count - 1]))
        trace.count--;
    if (trace.count <= 0)
        return 0;
    memcpy(out, trace.frames + TRACE_UNSEEN, (size_t)trace.count * sizeof out[0]);
    return trace.count;
}

int wf_trace_task(const struct wf_sched *sched, const wf_task *task, void *out[], int frames_max)
{
    if (task == sched->current)
        return backtrace(out, frames_max);
    bool has_frames = task->state == WF_TASK_LIVE && (task->flags & WF_TASK_EVER_RAN) != 0;
    if (!has_frames)
        return 0;
    int count = trace_stack(&task->fiber, out, frames_max);
    for (const weft_gen *gen = task->body->gen; gen != NULL; gen = gen->outer)
        count += trace_stack(&gen->caller, out + count, frames_max - count);
    return count;
}

int wf_trace_callers(void *out[], int frames_max)
{
    void *frames[WF_TRACE_FRAMES];
    int count = backtrace(frames, WF_TRACE_FRAMES), told = 0;
    for (int i = 2; i < count && told < frames_max && !trace_is_entry(frames[i]); i++)
        out[told++] = frames[i];
    return told;
}

void wf_trace_text(char *out, size_t out_bytes)
{
    void *frames[WF_TRACE_FRAMES];
    struct wf_symbols symbols = {0};
    size_t length = 0;
    int count = backtrace(frames, WF_TRACE_FRAMES);
    out[0] = '\0';
    for (int i = 1; i < count && !trace_is_entry(frames[i]); i++) { /* 0 is this function */
        char text[WF_SYMBOL_TEXT_BYTES];
        wf_symbols_text(&symbols, frames[i], text, sizeof text);
        char *where = strstr(text, " in ");
        if (where != NULL)
            *where = '\0';
        const char *before = length != 0 ? " < " : "";
        if (length + strlen(before) + strlen(text) >= out_bytes)
            break;
        length += (size_t)snprintf(out + length, out_bytes - length, "%s%s", before, text);
    }
    wf_symbols_fini(&symbols);
}
