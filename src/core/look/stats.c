/* SPDX-License-Identifier: MIT */

#include <weft/stats.h>

#include "core/look/watcher.h"
#include "core/loop/registry.h"
#include "core/task/sched_priv.h"

#include <string.h>

static void stats_of(const struct wf_sched *sched, weft_run_stats *out)
{
    const weft_loop *loop = sched->loop;
    wf_stacks_stats stacks = wf_stacks_get_stats(sched->stacks.pool);
    *out = sched->stats;
    out->tasks_done = sched->done_count;
    out->tasks_live = out->tasks_made - sched->done_count;
    out->turns = loop->turn_count;
    out->hogs = loop->watcher != NULL ? wf_watcher_hogs(loop->watcher) : 0;
    out->stacks_used = stacks.used;
    out->stacks_pooled = stacks.pooled;
    out->ops_live = loop->ops.used;
    memcpy(out->ops_made, loop->ops.made, sizeof out->ops_made);
    out->timers_started = loop->timers.seq;
    out->timers_fired = loop->timers.fired;
    out->timers_live = loop->timers.count;
}

int weft_run_stats_get(weft_run_stats *out)
{
    const struct wf_sched *sched = wf_sched_self();
    if (sched == NULL)
        return -EPERM;
    stats_of(sched, out);
    return 0;
}

void wf_stats_snapshot(const struct wf_sched *sched, weft_run_snapshot *out)
{
    out->loop = sched->records.loop_number % WF_REGISTRY_SLOTS;
    out->backend = sched->loop->backend->name;
    stats_of(sched, &out->stats);
    out->pass_times = sched->meter.pass_times;
    out->wait_times = sched->meter.wait_times;
}

int weft_run_snapshot_get(weft_run_snapshot *out)
{
    const struct wf_sched *sched = wf_sched_self();
    if (sched == NULL)
        return -EPERM;
    wf_stats_snapshot(sched, out);
    return 0;
}

const char *weft_op_kind_name(int kind)
{
    static const char *const names[WEFT_OP_KIND_COUNT] = {
        [WEFT_OP_NOP] = "nop",
        [WEFT_OP_READ] = "read",
        [WEFT_OP_WRITE] = "write",
        [WEFT_OP_RECV] = "recv",
        [WEFT_OP_SEND] = "send",
        [WEFT_OP_ACCEPT] = "accept",
        [WEFT_OP_CONNECT] = "connect",
        [WEFT_OP_POLL] = "poll",
        [WEFT_OP_ACCEPT_MANY] = "accept_many",
        [WEFT_OP_RECV_MANY] = "recv_many",
        [WEFT_OP_OPEN] = "open",
        [WEFT_OP_FSYNC] = "fsync",
        [WEFT_OP_TRUNCATE] = "truncate",
        [WEFT_OP_STAT] = "stat",
        [WEFT_OP_RENAME] = "rename",
        [WEFT_OP_UNLINK] = "unlink",
        [WEFT_OP_MKDIR] = "mkdir",
        [WEFT_OP_READDIR] = "readdir",
        [WEFT_OP_OPEN_BENEATH] = "open_beneath",
    };
    const char *name = kind >= 0 && kind < WEFT_OP_KIND_COUNT ? names[kind] : NULL;
    return name != NULL ? name : "?";
}

/* ---- histograms ---- */

weft_time weft_histogram_bound(size_t bucket)
{
    if (bucket < 4)
        return (weft_time)(bucket + 1) << 6;
    if (bucket >= WEFT_HISTOGRAM_BUCKETS - 1)
        return WEFT_FOREVER;
    return (weft_time)(5 + bucket % 4) << (bucket / 4 - 1 + 6);
}

weft_time weft_histogram_quantile(const weft_histogram *histogram, double part)
{
    double wanted = part * (double)histogram->count;
    uint64_t below = 0;
    if (histogram->count == 0)
        return 0;
    for (size_t i = 0; i < WEFT_HISTOGRAM_BUCKETS - 1; i++) {
        below += histogram->buckets[i];
        if (below != 0 && (double)below >= wanted)
            return weft_histogram_bound(i);
    }
    return WEFT_FOREVER;
}
