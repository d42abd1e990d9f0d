/* SPDX-License-Identifier: MIT */

/* Plan: how it is learnt; the settings of weft_m_fit_options that a later change needs again. */
#ifndef WF_MATCH_PLAN_H
#define WF_MATCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define WF_PLAN_C_MAX 1e6
#define WF_PLAN_DECAY_MAX 1.0
#define WF_PLAN_EPOCHS_MAX 1000u
#define WF_PLAN_BATCH_MAX 4096u

/* A section of a file as it is: no padding. */
typedef struct wf_plan {
    double head_c, weight_decay;
    uint64_t seed;
    uint32_t epochs, batch, iterations; /* 0: what the mode thinks best */
    uint32_t zero;
} wf_plan;

static inline bool wf_plan_is_sound(const wf_plan *plan)
{
    return plan->head_c > 0 && plan->head_c <= WF_PLAN_C_MAX && plan->weight_decay >= 0 &&
           plan->weight_decay <= WF_PLAN_DECAY_MAX && plan->epochs <= WF_PLAN_EPOCHS_MAX &&
           plan->iterations <= WF_PLAN_EPOCHS_MAX && plan->batch <= WF_PLAN_BATCH_MAX;
}

#endif
