/* SPDX-License-Identifier: MIT */

/* Plans as text. */
#ifndef WF_SIM_PLAN_H
#define WF_SIM_PLAN_H

#include <weft/sim.h>

#include <stddef.h>

/* As weft_sim_plan; `why` gets what is wrong. */
int wf_sim_plan_parse(weft_sim_options *plan, const char *text, char *why, size_t why_bytes);

#endif
