/* SPDX-License-Identifier: MIT */

/*
 * The tree of scopes: cancelling writes the EFFECTIVE flag down the tree, past everything but
 * shields, and wakes what waits there.  Work proportional to the scopes below (rule C13).
 */

#include <weft/scope.h>

#include "core/look/debug.h"
#include "core/look/trace.h"
#include "core/loops/guest.h"
#include "core/task/group_priv.h"
#include "core/task/park_priv.h"

#include <assert.h>
#include <stdlib.h>

#define SCOPE_IGNORED_FIRST 64u
#define SCOPE_IGNORED_EVERY 4096u

/* The task waits inside a scope that has just become cancelled. */
static void scope_interrupt(wf_task *task)
{
    weft_waiter *waiter = wf_task_parked_on(task);
    if ((task->flags & (WF_TASK_ABROAD | WF_TASK_HAS_BODY)) == WF_TASK_ABROAD)
        wf_guest_recall(task);
    if (waiter == NULL || waiter->is_woken || (task->flags & WF_TASK_SHIELDED) != 0)
        return;
    if (waiter->wait_class->cancel != NULL)
        waiter->wait_class->cancel(waiter);
    else
        weft_wake(waiter, -ECANCELED);
}

static void node_mark(struct wf_node *node)
{
    node->flags |= WF_NODE_EFFECTIVE;
    if (node->task != NULL && node->task->scope == node)
        scope_interrupt(node->task);
}

/* The next node of a walk below `top` in which children of `node` are visited only if `descend`. */
static struct wf_node *node_after(struct wf_node *node, const struct wf_node *top, bool descend)
{
    if (descend && node->child != NULL)
        return node->child;
    while (node != top && node->next == NULL)
        node = node->up;
    return node == top ? NULL : node->next;
}

void wf_node_cancel(struct wf_node *node, enum weft_reason reason, const char *why)
{
    if ((node->flags & WF_NODE_CANCELLED) != 0)
        return;
    node->flags |= WF_NODE_CANCELLED;
    node->reason = (uint8_t)reason;
    node->why = why;
    wf_sched_current->stats.cancels++;
    if ((node->flags & WF_NODE_EFFECTIVE) != 0)
        return; /* from above, and so is everything below */
    node_mark(node);
    struct wf_node *at = node_after(node, node, /* descend= */ true);
    while (at != NULL) {
        bool is_open = (at->flags & (WF_NODE_SHIELD | WF_NODE_EFFECTIVE)) == 0;
        if (is_open)
            node_mark(at);
        at = node_after(at, node, is_open);
    }
}

void wf_node_tell_tasks(const struct wf_node *node, void (*tell)(const weft_task *task, void *arg),
                        void *arg)
{
    for (const struct wf_node *below = node->child; below != NULL; below = below->next) {
        if (below->task == NULL || below != &below->task->root)
            continue;
        weft_task task = wf_task_handle(below->task);
        tell(&task, arg);
    }
}

/* Notes why for weft_why(): the nearest scope that was itself cancelled, from inside out. */
static void scope_note_reason(wf_task *task)
{
    for (struct wf_node *node = task->scope; node != NULL; node = node->up) {
        if ((node->flags & WF_NODE_CANCELLED) != 0) {
            task->body->why = node->why;
            task->body->why_kind = node->reason;
            return;
        }
    }
}

/* A task that goes on waiting in a cancelled scope would spin for ever (rule C09). */
static void scope_ignored(wf_task *task)
{
    uint32_t ignored = ++task->scope->ignored;
    if (wf_sched_current->debug != NULL)
        wf_debug_wait_refused(task, ignored);
    if (ignored != SCOPE_IGNORED_FIRST &&
        (ignored < SCOPE_IGNORED_FIRST ||
         (ignored - SCOPE_IGNORED_FIRST) % SCOPE_IGNORED_EVERY != 0))
        return;
    struct wf_sched *sched = wf_sched_current;
    char name[WEFT_ERROR_NAME_BYTES], place[WF_TRACE_TEXT_BYTES];
    wf_task_name(task, name, sizeof name);
    wf_trace_text(place, sizeof place);
    wf_sched_log(sched, "task %s ignores its cancellation (%u waits refused); spawned: %s; at: %s",
                 name, ignored, wf_task_site(task), place);
    wf_sched_yield(sched, task);
}

int wf_cancelled(wf_task *task)
{
    scope_note_reason(task);
    scope_ignored(task);
    return -ECANCELED;
}

int wf_cancelled_at_end(wf_task *task)
{
    scope_note_reason(task);
    if (wf_sched_current->debug != NULL)
        wf_debug_wait_refused(task, /* ignored= */ 0);
    return -ECANCELED;
}

static weft_scope *scope_of(struct wf_node *node)
{
    return wf_container(node, weft_scope, priv_node);
}

static void scope_time_is_up(weft_scope *scope)
{
    struct wf_node *node = &scope->priv_node;
    if ((node->flags & (WF_NODE_CLEANUP | WF_NODE_CANCELLED)) == WF_NODE_CLEANUP) {
        char name[WEFT_ERROR_NAME_BYTES];
        wf_task_name(node->task, name, sizeof name);
        wf_sched_log(wf_sched_current,
                     "task %s: its cleanup takes too long and is cut off; spawned: %s", name,
                     wf_task_site(node->task));
    }
    wf_node_cancel(node, WEFT_REASON_DEADLINE, "deadline");
}

/* Cancels every scope of the task, from the innermost to the first shield, whose deadline has
 * passed.  Reads no clock if none has a deadline. */
static void scope_expire(wf_task *task)
{
    weft_time now = INT64_MIN;
    for (struct wf_node *node = task->scope; node != NULL && node->task == task; node = node->up) {
        bool has_timer = (node->flags & WF_NODE_HAS_TIMER) != 0;
        if (has_timer && now == INT64_MIN)
            now = weft_loop_now(wf_loop_current);
        if (has_timer && scope_of(node)->priv_timer.deadline <= now) {
            weft_timer_stop(wf_loop_current, &scope_of(node)->priv_timer);
            scope_time_is_up(scope_of(node));
        }
        node->flags &= (uint8_t)~WF_NODE_DUE;
        if ((node->flags & WF_NODE_SHIELD) != 0)
            break;
    }
}

int wf_check_slow(wf_task *task)
{
    if ((task->scope->flags & WF_NODE_DUE) != 0)
        scope_expire(task);
    return (task->scope->flags & WF_NODE_EFFECTIVE) != 0 ? wf_cancelled(task) : 0;
}

int weft_check(void)
{
    wf_task *self = wf_current();
    if (self == NULL)
        return -EPERM;
    if (self->scope != &self->root || (self->root.flags & WF_NODE_DUE) != 0)
        scope_expire(self); /* the root itself has no deadline */
    if ((self->scope->flags & WF_NODE_EFFECTIVE) == 0)
        return 0;
    scope_note_reason(self);
    return -ECANCELED;
}

/* ---- the public scope ---- */

static void scope_deadline_passed(weft_timer *timer)
{
    scope_time_is_up(wf_container(timer, weft_scope, priv_timer));
}

static bool scope_is_open(const weft_scope *scope)
{
    return scope->priv_node.up != NULL;
}

/* Open, and on this loop: not in the child of a fork, say. */
static bool scope_is_here(const weft_scope *scope)
{
    return scope_is_open(scope) && !wf_task_is_foreign(wf_sched_current, scope->priv_node.task);
}

/* Marks the node and all scopes inside it, since a suspension point looks at the innermost only. */
static void scope_note_due(struct wf_node *node)
{
    node->flags |= WF_NODE_DUE;
    if (node->up == NULL)
        return;
    for (struct wf_node *at = node->task->scope; at != node && at != NULL; at = at->up)
        at->flags |= WF_NODE_DUE;
}

/* Arms the timer; a deadline that has passed already is noticed at the next wait (rule S06). */
static void scope_arm(weft_scope *scope, weft_time deadline)
{
    weft_loop *loop = wf_loop_current;
    weft_timer_start(loop, &scope->priv_timer, deadline);
    scope->priv_timer.deadline = deadline;
    if (deadline != WEFT_FOREVER && deadline <= weft_loop_now(loop)) {
        wf_debug_past_deadline(deadline);
        scope_note_due(&scope->priv_node);
    }
}

int weft_scope_open(weft_scope *scope, weft_time deadline, uint32_t flags)
{
    *scope = (weft_scope){0};
    wf_task *self = wf_current();
    if (self == NULL)
        return -EPERM;
    wf_node_init(&scope->priv_node, self->scope, self,
                 (flags & (WF_NODE_SHIELD | WF_NODE_CLEANUP)) | WF_NODE_HAS_TIMER);
    weft_timer_init(&scope->priv_timer, scope_deadline_passed);
    scope_arm(scope, deadline);
    self->scope = &scope->priv_node;
    if (__builtin_expect((flags & WEFT_SCOPE_SHIELD) != 0 && deadline == WEFT_FOREVER, 0) &&
        (flags & WEFT_SCOPE_ENDLESS) == 0)
        wf_debug_endless_shield(self, __builtin_return_address(0));
    return 0;
}

static void scope_pop(wf_task *task, struct wf_node *node)
{
    if ((node->flags & WF_NODE_HAS_TIMER) != 0)
        weft_timer_stop(wf_loop_current, &scope_of(node)->priv_timer);
    task->scope = node->up;
    wf_node_unlink(node);
}

/* Inner scopes that were left open are closed first; the misuse is told, and ends a debug build
 * (rule S01).  A group among them is cancelled; its members are joined by its own end, or the
 * task's. */
void wf_scope_pop_to(wf_task *task, struct wf_node *node, const char *what)
{
    while (task->scope != node) {
        struct wf_node *inner = task->scope;
        struct wf_sched *sched = wf_sched_current;
        wf_sched_log(sched, "%s closed while an inner %s is still open; task spawned: %s", what,
                     (inner->flags & WF_NODE_GROUP) != 0 ? "group" : "scope", wf_task_site(task));
        if (WF_DEBUG_CHECKS)
            abort();
        if ((inner->flags & WF_NODE_GROUP) != 0) {
            task->scope = inner->up;
            wf_group_abandon(wf_group_of_node(inner));
        } else {
            scope_pop(task, inner);
        }
    }
}

/* True if `node` is cancelled by anything from itself up to `up`, whose own flag is right. */
static bool scope_is_effective(const struct wf_node *node, const struct wf_node *up)
{
    for (; node != up; node = node->up) {
        if ((node->flags & WF_NODE_CANCELLED) != 0)
            return true;
        if ((node->flags & WF_NODE_SHIELD) != 0)
            return false;
    }
    return (up->flags & WF_NODE_EFFECTIVE) != 0;
}

/* Takes a node that has no tasks below it any more out of its owner's chain.  A scope inside it
 * stays open, under the node above, and is no longer cancelled by the one that goes. */
void wf_scope_splice_out(wf_task *task, struct wf_node *node)
{
    struct wf_node *up = node->up, *inner = NULL;
    if (task->scope == node) {
        task->scope = up;
        wf_node_unlink(node);
        return;
    }
    for (struct wf_node *at = task->scope; at != node; at = at->up)
        inner = at;
    wf_node_unlink(inner);
    wf_node_unlink(node);
    wf_node_link(inner, up);
    for (struct wf_node *at = task->scope; at != up; at = at->up) {
        at->flags &= (uint8_t)~WF_NODE_EFFECTIVE;
        if (scope_is_effective(at, up))
            at->flags |= WF_NODE_EFFECTIVE;
    }
}

int wf_scope_close(weft_scope *scope, int rc)
{
    struct wf_node *node = &scope->priv_node;
    wf_task *self = wf_current();
    if (self == NULL || !scope_is_open(scope))
        return rc;
    if (node->task != self) {
        wf_sched_log(wf_sched_current, "a scope can only be closed by the task that opened it");
        return rc;
    }
    wf_scope_pop_to(self, node, "scope");
    struct wf_node *up = node->up;
    scope_pop(self, node);
    if (rc != -ECANCELED || (up->flags & WF_NODE_EFFECTIVE) != 0)
        return rc;
    if ((node->flags & WF_NODE_CANCELLED) == 0)
        return rc;
    return node->reason == WEFT_REASON_DEADLINE ? -ETIMEDOUT : 0;
}

int weft_scope_close(weft_scope *scope, int rc)
{
    int closed = wf_scope_close(scope, rc);
    return closed == rc || closed == 0 ? closed : wf_fail_bare(closed);
}

void weft_scope_end_(weft_scope *scope)
{
    int rc = wf_scope_close(scope, 0);
    (void)rc; /* 0: nothing to translate */
}

void weft_scope_cancel(weft_scope *scope, const char *why)
{
    if (scope_is_here(scope))
        wf_node_cancel(&scope->priv_node, WEFT_REASON_SCOPE, why != NULL ? why : "");
}

void weft_scope_set_deadline(weft_scope *scope, weft_time deadline)
{
    if (scope_is_here(scope))
        scope_arm(scope, deadline);
}

weft_time weft_scope_deadline(const weft_scope *scope)
{
    return scope->priv_timer.deadline;
}

static weft_time node_deadline(struct wf_node *node)
{
    if ((node->flags & WF_NODE_HAS_TIMER) != 0)
        return scope_of(node)->priv_timer.deadline;
    bool is_root = node->task != NULL && node == &node->task->root;
    return is_root ? wf_task_deadline(node->task) : WEFT_FOREVER;
}

weft_time weft_deadline(void)
{
    weft_time nearest = WEFT_FOREVER;
    const wf_task *self = wf_current();
    for (struct wf_node *node = self != NULL ? self->scope : NULL; node != NULL; node = node->up) {
        weft_time deadline = node_deadline(node);
        nearest = deadline < nearest ? deadline : nearest;
        if ((node->flags & WF_NODE_SHIELD) != 0)
            break;
    }
    return nearest;
}

bool weft_scope_expired(const weft_scope *scope)
{
    return (scope->priv_node.flags & WF_NODE_CANCELLED) != 0 &&
           scope->priv_node.reason == WEFT_REASON_DEADLINE;
}

int weft_wait_for(weft_fn *fn, void *arg, weft_time timeout)
{
    weft_scope scope;
    int rc = weft_scope_open(&scope, weft_after(timeout > 0 ? timeout : 0), 0);
    if (rc < 0)
        return rc;
    return weft_scope_close(&scope, fn(arg));
}

const char *weft_why(void)
{
    const wf_task *self = wf_current();
    return self != NULL && self->body->why_kind != WEFT_REASON_NONE ? self->body->why : "";
}

enum weft_reason weft_why_kind(void)
{
    const wf_task *self = wf_current();
    return self != NULL ? (enum weft_reason)self->body->why_kind : WEFT_REASON_NONE;
}
