/* SPDX-License-Identifier: MIT */

/* The platform table, which is how everybody else sees the simulated world. */
#ifndef WF_SIM_PLATFORM_H
#define WF_SIM_PLATFORM_H

#include <weft/sys/platform.h>

/* The table: `host` serves memory. */
void wf_sim_platform_fill(weft_platform *table, const weft_platform *host);

#endif
