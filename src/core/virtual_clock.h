/* SPDX-License-Identifier: MIT */

/* A virtual clock over another platform: everything else stays as it is there. */
#ifndef WF_VIRTUAL_CLOCK_H
#define WF_VIRTUAL_CLOCK_H

#include <weft/sys/platform.h>

/* The calling thread's virtual time begins at 0 of an epoch of its own. */
void wf_virtual_clock_init(weft_platform *out, const weft_platform *base);

#endif
