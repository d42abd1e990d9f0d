/* SPDX-License-Identifier: MIT */

/* Who is told what happens to files of the simulated disk. */
#ifndef WF_SIM_WATCH_H
#define WF_SIM_WATCH_H

#include "core/sim/sim_disk.h"

/* Something (IN_…) happened to the node, of which its directory is told too or not; to the name
 * `name` of it in `dir`; it may be gone now. */
void wf_sim_watch_node(struct sim_world *world, const struct sim_node *node, uint32_t mask);
void wf_sim_watch_self(struct sim_world *world, const struct sim_node *node, uint32_t mask);
void wf_sim_watch_name(struct sim_world *world, const struct sim_node *dir, const char *name,
                       const struct sim_node *node, uint32_t mask);
void wf_sim_watch_gone(struct sim_world *world, struct sim_node *node);

/* As the system calls, of a SIM_WATCH. */
int wf_sim_watch_add(struct sim_socket *watch, const char *path, uint32_t mask);
int wf_sim_watch_remove(struct sim_socket *watch, int id);
ssize_t wf_sim_watch_read(struct sim_socket *watch, void *buf, size_t bytes);
int wf_sim_watch_events(const struct sim_socket *watch);
void wf_sim_watch_close(struct sim_socket *watch);

#endif
