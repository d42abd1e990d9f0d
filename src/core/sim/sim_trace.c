/* SPDX-License-Identifier: MIT */

/* What happened in a simulated world: its running hash, and the last steps for a human. */

#include "core/sim/sim_trace.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/loop/loop_priv.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_world.h"
#include "core/task/sched_priv.h"
#include "core/task/task_priv.h"

#include <weft/run.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRACE_STEPS_MAX 100000u

struct sim_step {
    weft_time now;
    uint64_t a, b;
    uint8_t kind; /* enum wf_sim_trace_kind */
    char who[31]; /* SWITCH: the task */
};

int wf_sim_trace_open(struct sim_world *world)
{
    const weft_sim_options *options = &world->options;
    struct sim_trace *trace = &world->trace;
    trace->step_stop = options->break_step;
    if (options->step_max != 0 && (trace->step_stop == 0 || options->step_max < trace->step_stop))
        trace->step_stop = options->step_max;
    if (options->trace_steps == 0)
        return 0;
    if (options->trace_steps > TRACE_STEPS_MAX)
        return -EINVAL;
    trace->kept = wf_array(options->trace_steps, sizeof *trace->kept);
    return trace->kept != NULL ? 0 : -ENOMEM;
}

void wf_sim_trace_close(struct sim_world *world)
{
    wf_free(world->trace.kept);
    world->trace.kept = NULL;
}

/* ---- telling ---- */

static const char *const op_names[WEFT_OP_KIND_COUNT] = {
    [WEFT_OP_NOP] = "nop",           [WEFT_OP_READ] = "read",   [WEFT_OP_WRITE] = "write",
    [WEFT_OP_RECV] = "receive",      [WEFT_OP_SEND] = "send",   [WEFT_OP_ACCEPT] = "accept",
    [WEFT_OP_CONNECT] = "connect",   [WEFT_OP_POLL] = "poll",   [WEFT_OP_ACCEPT_MANY] = "accept",
    [WEFT_OP_RECV_MANY] = "receive", [WEFT_OP_OPEN] = "open",   [WEFT_OP_FSYNC] = "fsync",
    [WEFT_OP_TRUNCATE] = "truncate", [WEFT_OP_STAT] = "stat",   [WEFT_OP_RENAME] = "rename",
    [WEFT_OP_UNLINK] = "unlink",     [WEFT_OP_MKDIR] = "mkdir", [WEFT_OP_READDIR] = "readdir",
    [WEFT_OP_OPEN_BENEATH] = "open",
};

static const char *const chance_names[] = {
    [SIM_CHANCE_SHORT] = "a short transfer",  [SIM_CHANCE_WAIT] = "an operation waits",
    [SIM_CHANCE_SLOW] = "a slow connection",  [SIM_CHANCE_RESET] = "a connection breaks",
    [SIM_CHANCE_LOST] = "a datagram is lost", [SIM_CHANCE_DOUBLE] = "a datagram is doubled",
    [SIM_CHANCE_MEMORY] = "no memory",        [SIM_CHANCE_DISK] = "the disk fails",
};

static void step_format(const struct sim_step *step, char *out, size_t bytes)
{
    int number = (int)(uint32_t)step->a, result = (int)step->b;
    size_t op = (size_t)(step->a >> 32);
    switch (step->kind) {
    case WF_SIM_TRACE_SWITCH:
        snprintf(out, bytes, "runs      %s #%d.%d", step->who, number, result);
        break;
    case WF_SIM_TRACE_TIME:
        snprintf(out, bytes, "time      passes");
        break;
    case WF_SIM_TRACE_COMPLETE:
        snprintf(out, bytes, "done      %s on %d: %d%s%s%s",
                 op < WEFT_OP_KIND_COUNT ? op_names[op] : "?", number, result,
                 result < 0 ? " (" : "", result < 0 ? weft_strerror(result) : "",
                 result < 0 ? ")" : "");
        break;
    case WF_SIM_TRACE_BYTES:
        snprintf(out, bytes, "moved     %d bytes", result);
        break;
    case WF_SIM_TRACE_BLOCKING:
        snprintf(out, bytes, "blocking  body: %d", number);
        break;
    case WF_SIM_TRACE_CHANCE:
        snprintf(out, bytes, "chance    %s", chance_names[step->a]);
        break;
    default:
        snprintf(out, bytes, "fault     %d %s", number, step->b != 0 ? "begins" : "is over");
    }
}

static void say(const char *line)
{
    char out[400];
    int len = snprintf(out, sizeof out, "weft: %s\n", line);
    (void)wf_sys_write(STDERR_FILENO, out, (size_t)len < sizeof out ? (size_t)len : sizeof out - 1);
}

/* Since the start of the world. */
static double seconds(weft_time now)
{
    return (double)(now - SIM_START) / (double)WEFT_SEC;
}

void wf_sim_trace_tell(const struct sim_world *world, const char *what)
{
    char line[380], text[200];
    uint64_t kept = world->options.trace_steps, steps = world->trace.steps;
    snprintf(line, sizeof line, "seed %" PRIu64 ", step %" PRIu64 ", %.6f s: %s",
             world->options.seed, steps, seconds(world->now), what);
    say(line);
    if (world->trace.kept == NULL)
        return;
    for (uint64_t i = steps > kept ? steps - kept + 1 : 1; i <= steps; i++) {
        const struct sim_step *step = &world->trace.kept[i % kept];
        step_format(step, text, sizeof text);
        snprintf(line, sizeof line, "%9" PRIu64 " %12.6f  %s", i, seconds(step->now), text);
        say(line);
    }
}

/* ---- adding ---- */

static void trace_keep(struct sim_world *world, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b)
{
    struct sim_step *step = &world->trace.kept[world->trace.steps % world->options.trace_steps];
    *step = (struct sim_step){.now = world->now, .a = a, .b = b, .kind = (uint8_t)kind};
    if (kind == WF_SIM_TRACE_SWITCH)
        wf_task_name(world->loop->sched->ready.head, step->who, sizeof step->who);
}

/* The step that was to be reached, or one too many. */
static void trace_stop(struct sim_world *world)
{
    if (world->trace.steps == world->options.break_step) {
        wf_sim_trace_tell(world, "the step that was asked for");
        weft_dump(STDERR_FILENO);
        world->trace.step_stop = world->options.step_max;
        raise(SIGTRAP);
        return;
    }
    wf_sim_trace_tell(world, "more steps than the plan allows; what runs:");
    weft_dump(STDERR_FILENO);
    abort();
}

void wf_sim_trace_add(struct sim_world *world, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b)
{
    struct sim_trace *trace = &world->trace;
    trace->steps++;
    trace->hash = wf_sim_mix(trace->hash ^ ((uint64_t)kind << 56)) + a;
    trace->hash = wf_sim_mix(trace->hash) + b;
    if (trace->kept != NULL)
        trace_keep(world, kind, a, b);
    if (trace->steps == trace->step_stop)
        trace_stop(world);
}

void wf_sim_trace(weft_loop *loop, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b)
{
    struct sim_world *world = loop->backend_state;
    if (kind == WF_SIM_TRACE_SWITCH)
        world->has_begun = true;
    wf_sim_trace_add(world, kind, a, b);
}

/* ---- bytes ---- */

static uint64_t hash_step(uint64_t hash, const char *at, size_t count)
{
    uint64_t word = 0;
    memcpy(&word, at, count);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32; /* the product's lower half knows nothing of the word's upper */
}

/* As FNV-1a, but eight bytes a step and four steps side by side: every sender's bytes are hashed
 * whenever one tries.  The same on all machines of one byte order. */
uint64_t wf_sim_hash_bytes(const void *bytes, size_t count)
{
    uint64_t lanes[4] = {0xcbf29ce484222325u, count, 2, 3};
    const char *at = bytes, *end = at + count;
    for (; (size_t)(end - at) >= sizeof lanes; at += sizeof lanes)
        for (size_t i = 0; i < 4; i++)
            lanes[i] = hash_step(lanes[i], at + 8 * i, 8);
    for (; end - at >= 8; at += 8)
        lanes[0] = hash_step(lanes[0], at, 8);
    for (; at < end; at++)
        lanes[0] = hash_step(lanes[0], at, 1);
    for (size_t i = 1; i < 4; i++)
        lanes[0] = hash_step(lanes[0], (const char *)&lanes[i], 8);
    return lanes[0];
}
