/* SPDX-License-Identifier: MIT */

/* The tree of tasks, scopes and groups of one loop, on its thread. */
#ifndef WF_TREE_H
#define WF_TREE_H

#include "base/buf.h"
#include "core/task/sched_priv.h"

/* Every node below the top, owners before what they own; depth from 1.  Takes no memory. */
void wf_tree_walk(const struct wf_sched *sched,
                  void (*visit)(const struct wf_node *node, unsigned depth, void *arg), void *arg);

/* It is a task's own, not a scope or group of it. */
static inline bool wf_tree_is_task(const struct wf_node *node)
{
    return node->task != NULL && node == &node->task->root;
}

/* Tasks of other loops that run here have no record in `sched->records.tasks`.  The next one behind
 * `before` (NULL: the first), or NULL. */
const wf_task *wf_tree_next_guest(const struct wf_sched *sched, const wf_task *before);

/* "scope", "shield" or "group". */
const char *wf_tree_kind(const struct wf_node *node);

/* WEFT_FOREVER: it has none. */
weft_time wf_tree_deadline(const struct wf_node *node);

/* dump.c: all of it in words. */
void wf_dump_to(const struct wf_sched *sched, wf_buf *out);

/* As much as there is room for: who reads may take a piece at a time, but is not waited for. */
void wf_dump_write(int fd, const char *text, size_t bytes);

#endif
