/* SPDX-License-Identifier: MIT */

/* What a power failure leaves of the simulated disk. */
#ifndef WF_SIM_CRASH_H
#define WF_SIM_CRASH_H

#include "core/sim/sim_disk.h"

/* Remembers that `node` is about to change its name: it comes from where it is (nowhere if new) to
 * `name` in `parent` (NULL: nowhere), where it takes the place of `replaced` (or NULL).  -ENOMEM.
 */
int wf_sim_change_note(struct sim_world *world, struct sim_node *node, struct sim_node *parent,
                       const char *name, struct sim_node *replaced);

void wf_sim_change_settle(struct sim_world *world, const struct sim_node *dir); /* it was synced */
void wf_sim_change_settle_all(struct sim_world *world);
int wf_sim_node_settle(struct sim_node *node); /* its bytes were */

#endif
