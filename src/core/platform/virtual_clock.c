/* SPDX-License-Identifier: MIT */

#include "core/platform/virtual_clock.h"

#include "core/platform/setting.h"

/* Not 0, so that "before the start" is a time too. */
#define VIRTUAL_EPOCH (1000 * WEFT_SEC)

static _Thread_local struct wf_virtual_clock *virtual_clock;

static weft_time virtual_now(void)
{
    return atomic_load_explicit(&virtual_clock->time, memory_order_relaxed);
}

/* By the loop's thread only. */
static void virtual_advance(weft_time to)
{
    if (to > virtual_now())
        atomic_store_explicit(&virtual_clock->time, to, memory_order_relaxed);
}

struct virtual_start {
    struct wf_virtual_clock *clock;
    void (*fn)(void *arg);
    void *arg;
};

static void virtual_thread_main(void *arg)
{
    struct virtual_start start = *(struct virtual_start *)arg;
    start.clock->base->free(arg);
    virtual_clock = start.clock;
    start.fn(start.arg);
}

/* A thread of the run lives in its time. */
static int virtual_thread_start(weft_thread *out, void (*fn)(void *arg), void *arg,
                                size_t stack_bytes)
{
    const weft_platform *base = virtual_clock->base;
    struct virtual_start *start = base->alloc(sizeof *start);
    if (start == NULL)
        return -ENOMEM;
    *start = (struct virtual_start){.clock = virtual_clock, .fn = fn, .arg = arg};
    int rc = base->thread_start(out, virtual_thread_main, start, stack_bytes);
    if (rc < 0)
        base->free(start);
    return rc;
}

void wf_virtual_clock_init(struct wf_virtual_clock *out, const weft_platform *base)
{
    out->platform = *base;
    out->platform.now = virtual_now;
    out->platform.advance = virtual_advance;
    out->platform.thread_start = virtual_thread_start;
    out->base = base;
    atomic_init(&out->time, VIRTUAL_EPOCH);
    virtual_clock = out;
}

int wf_virtual_clock_is_wanted(const weft_config *config, bool *out)
{
    static const char *const words[] = {"real", "virtual"};
    int word;
    WEFT_TRY(wf_setting_read("WEFT_CLOCK", words, 2, &word));
    *out = word >= 0 ? word == 1 : (config->flags & WEFT_RUN_VIRTUAL_CLOCK) != 0;
    return 0;
}
