/* SPDX-License-Identifier: MIT */

/* A virtual clock over another platform: everything else stays as it is there. */
#ifndef WF_VIRTUAL_CLOCK_H
#define WF_VIRTUAL_CLOCK_H

#include <weft/run.h>
#include <weft/sys/platform.h>

#include <stdatomic.h>

/* One a run, as long as its threads: those its platform starts see its time. */
struct wf_virtual_clock {
    weft_platform platform; /* for the run to use */
    const weft_platform *base;
    _Atomic weft_time time;
};

/* Whether a run of this configuration is to have one; WEFT_CLOCK, "real" or "virtual", comes first.
 * 0, or -EINVAL with a text if it is neither. */
int wf_virtual_clock_is_wanted(const weft_config *config, bool *out);

/* Begins at 0 of an epoch of its own, for the calling thread and those it starts. */
void wf_virtual_clock_init(struct wf_virtual_clock *out, const weft_platform *base);

#endif
