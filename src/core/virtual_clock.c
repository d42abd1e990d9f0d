/* SPDX-License-Identifier: MIT */

#include "core/virtual_clock.h"

/* Not 0, so that "before the start" is a time too. */
#define VIRTUAL_EPOCH (1000 * WEFT_SEC)

static _Thread_local weft_time virtual_time;

static weft_time virtual_now(void)
{
    return virtual_time;
}

static void virtual_advance(weft_time to)
{
    if (to > virtual_time)
        virtual_time = to;
}

void wf_virtual_clock_init(weft_platform *out, const weft_platform *base)
{
    *out = *base;
    out->now = virtual_now;
    out->advance = virtual_advance;
    virtual_time = VIRTUAL_EPOCH;
}
