/* SPDX-License-Identifier: MIT */

/* What goes wrong at a time, and between which hosts. */
#ifndef WF_SIM_FAULT_H
#define WF_SIM_FAULT_H

#include "core/sim/sim_name.h"

#include <weft/sim.h>

struct sim_fault;
struct sim_world;

struct sim_faults {
    wf_list list;   /* of the plan, and those told to happen */
    wf_list hosts;  /* what weft_sim_host made */
    uint32_t count; /* of faults so far */
};

/* -EINVAL: a fault of the plan makes no sense. */
int wf_sim_faults_check(const weft_sim_options *plan);
int wf_sim_faults_open(struct sim_world *world);
void wf_sim_faults_close(struct sim_world *world);

/* True while such a fault is on between two internet addresses (both NULL: it has no place); ends
 * at *out_until (may be NULL). */
bool wf_sim_fault_is_on(struct sim_world *world, int kind, const struct sim_addr *a,
                        const struct sim_addr *b, weft_time *out_until);

/* Bytes a second that travel between them; 0: no limit. */
uint64_t wf_sim_fault_rate(struct sim_world *world, const struct sim_addr *a,
                           const struct sim_addr *b);

/* There is a connection: those that break some are waited for. */
void wf_sim_faults_watch_links(struct sim_world *world);

/* True if it is meant for what lies between two internet addresses. */
bool wf_sim_fault_covers(const struct sim_fault *fault, const struct sim_addr *a,
                         const struct sim_addr *b);

/* The host of the calling task; bytes 0: it has none. */
struct sim_addr wf_sim_host_self(void);

#endif
