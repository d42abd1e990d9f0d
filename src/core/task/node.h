/* SPDX-License-Identifier: MIT */

/*
 * The tree of scopes.  Every task root, scope and group is a node.  Its EFFECTIVE flag says
 * "cancelled itself, or no shield and the node above is EFFECTIVE"; it is written down the tree
 * when a scope is cancelled, so that a suspension point reads one word.
 */
#ifndef WF_NODE_H
#define WF_NODE_H

#include <weft/scope.h>

/* Flags of a wf_node.  Two are public: WEFT_SCOPE_SHIELD and WEFT_SCOPE_CLEANUP. */
enum wf_node_flag {
    WF_NODE_SHIELD = WEFT_SCOPE_SHIELD,
    WF_NODE_CANCELLED = 2,  /* itself */
    WF_NODE_EFFECTIVE = 4,  /* itself or from above */
    WF_NODE_DUE = 8,        /* a deadline here or above may have passed: look at the clock */
    WF_NODE_HAS_TIMER = 16, /* the node of a weft_scope */
    WF_NODE_GROUP = 32,     /* the node of a group */
    WF_NODE_CLEANUP = WEFT_SCOPE_CLEANUP,
    WF_NODE_TOLD = 128, /* a task's root, in debug mode: a wait said that it is cancelled */
};

static inline void wf_node_link(struct wf_node *node, struct wf_node *up)
{
    node->up = up;
    node->prev = NULL;
    node->next = up->child;
    if (up->child != NULL)
        up->child->prev = node;
    up->child = node;
}

static inline void wf_node_unlink(struct wf_node *node)
{
    if (node->up == NULL)
        return;
    if (node->prev != NULL)
        node->prev->next = node->next;
    else
        node->up->child = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    node->up = NULL;
}

/* The same node without children, in use again: it hangs below `up`.  `why` has no meaning while
 * the node is not cancelled. */
static inline void wf_node_renew(struct wf_node *node, struct wf_node *up)
{
    node->ignored = 0;
    node->reason = WEFT_REASON_NONE;
    node->flags = up->flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE);
    wf_node_link(node, up);
}

/* `up` may be NULL: a tree of its own. */
static inline void wf_node_init(struct wf_node *node, struct wf_node *up, wf_task *task,
                                unsigned flags)
{
    node->task = task;
    node->child = NULL;
    node->why = NULL;
    node->ignored = 0;
    node->reason = WEFT_REASON_NONE;
    node->flags = (uint8_t)flags;
    node->up = NULL;
    if (up == NULL)
        return;
    if ((flags & WF_NODE_SHIELD) == 0)
        node->flags |= up->flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE);
    wf_node_link(node, up);
}

/* The tasks right below it (scope.c). */
void wf_node_tell_tasks(const struct wf_node *node,
                        void (*tell)(const struct weft_task *task, void *arg), void *arg);

/* Cancels a node and what is below it, up to shields; wakes what waits there (scope.c). */
void wf_node_cancel(struct wf_node *node, enum weft_reason reason, const char *why);

#endif
