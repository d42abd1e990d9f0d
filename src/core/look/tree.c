/* SPDX-License-Identifier: MIT */

#include "core/look/tree.h"

void wf_tree_walk(const struct wf_sched *sched,
                  void (*visit)(const struct wf_node *node, unsigned depth, void *arg), void *arg)
{
    const struct wf_node *top = &sched->top;
    unsigned depth = 1;
    for (const struct wf_node *node = top->child; node != NULL && node != top;) {
        visit(node, depth, arg);
        if (node->child != NULL) {
            node = node->child;
            depth++;
            continue;
        }
        while (node != top && node->next == NULL) {
            node = node->up;
            depth--;
        }
        if (node != top)
            node = node->next;
    }
}

const wf_task *wf_tree_next_guest(const struct wf_sched *sched, const wf_task *before)
{
    const struct wf_node *node = before != NULL ? before->root.next : sched->top.child;
    while (node != NULL &&
           (!wf_tree_is_task(node) || wf_handle_loop(node->task->id) == sched->records.loop_number))
        node = node->next;
    return node != NULL ? node->task : NULL;
}

const char *wf_tree_kind(const struct wf_node *node)
{
    if ((node->flags & WF_NODE_GROUP) != 0)
        return "group";
    return (node->flags & WF_NODE_SHIELD) != 0 ? "shield" : "scope";
}

weft_time wf_tree_deadline(const struct wf_node *node)
{
    if ((node->flags & WF_NODE_HAS_TIMER) == 0)
        return WEFT_FOREVER;
    return wf_container(node, weft_scope, priv_node)->priv_timer.deadline;
}
