/* SPDX-License-Identifier: MIT */

/*
 * Groups.  A group is a scope of its owner under which its members hang, and a count of those that
 * are not done.
 *
 * Life: open -> (members come and go) -> wait or the end of the block: no member lives -> ended ->
 * freed when the block is left.  A group left open by a body that returned is abandoned: it is
 * cancelled, and freed when its last member has ended.
 */

#include <weft/group.h>
#include <weft/loops.h>
#include <weft/sys/fault.h>

#include "base/alloc.h"
#include "core/task/group_priv.h"
#include "core/task/park_priv.h"

#include <assert.h>

/* ---- records ---- */

struct wf_group *wf_group_of_node(struct wf_node *node)
{
    return wf_container(node, struct wf_group, node);
}

static struct wf_group *group_of(struct wf_sched *sched, weft_group handle)
{
    if (sched == NULL || handle.id == 0 || wf_handle_loop(handle.id) != sched->records.loop_number)
        return NULL;
    struct wf_group *group =
        wf_slab_at(&sched->records.groups, wf_handle_slot(handle.id), sizeof *group);
    if (group == NULL || group->sched == NULL ||
        group->generation != wf_handle_generation(handle.id))
        return NULL;
    return group;
}

static struct wf_group *group_take(struct wf_sched *sched)
{
    struct wf_group *group = wf_slab_reuse(&sched->records.groups);
    uint32_t slot;
    void *item;
    if (group == NULL && wf_slab_fresh(&sched->records.groups, sizeof *group, &slot, &item) == 0) {
        group = item;
        group->slot = slot;
    }
    return group;
}

weft_group weft_group_open(void)
{
    struct wf_sched *sched = wf_sched_self();
    struct wf_group *group = sched != NULL && sched->current != NULL ? group_take(sched) : NULL;
    if (group == NULL)
        return (weft_group){0};
    uint32_t slot = group->slot,
             generation = wf_generation_next(group->generation, sched->records.generation_base);
    *group = (struct wf_group){.sched = sched, .slot = slot, .generation = generation};
    wf_task *self = sched->current;
    wf_node_init(&group->node, self->scope, self, WF_NODE_GROUP);
    self->scope = &group->node;
    return (weft_group){wf_handle_make(sched->records.loop_number, slot, generation)};
}

static void group_free(struct wf_group *group)
{
    struct wf_sched *sched = group->sched;
    assert(group->live == 0);
    wf_task_drop_ended(sched, &group->ended);
    wf_node_unlink(&group->node);
    wf_free(group->errors);
    group->errors = NULL;
    group->sched = NULL;
    wf_slab_give(&sched->records.groups, group);
}

static const struct weft_error *group_kept_errors(const struct wf_group *group, size_t *out_count)
{
    size_t kept = group->errors != NULL ? group->error_count : group->error_count != 0;
    *out_count = kept < WF_GROUP_ERRORS_MAX ? kept : WF_GROUP_ERRORS_MAX;
    return group->errors != NULL ? group->errors : &group->first;
}

/* Errors that nobody saw go to the hook: all of them if there was no wait, else all but the one
 * that the wait returned (rule G07). */
static void group_tell_unread(const struct wf_group *group)
{
    size_t count;
    const struct weft_error *errors = group_kept_errors(group, &count);
    if (group->errors_read)
        return;
    for (size_t i = group->has_ended ? 1 : 0; i < count; i++)
        wf_error_unhandled(group->sched, &errors[i]);
}

static void group_bury(struct wf_group *group)
{
    group_tell_unread(group);
    wf_note_drop(&group->note);
    group_free(group);
}

/* It hangs directly under its owner from here on: the scopes around it may be gone before its last
 * member. */
void wf_group_abandon(struct wf_group *group)
{
    wf_node_cancel(&group->node, WEFT_REASON_OWNER_ENDED, "left open");
    wf_node_unlink(&group->node);
    wf_node_link(&group->node, &group->node.task->root);
    group->is_abandoned = true;
    if (group->live == 0)
        group_bury(group);
}

/* ---- members ---- */

/* `how` is of a new member.  0, or why it cannot come in. */
static inline int group_admit(weft_group handle, struct wf_spawn *how)
{
    struct wf_sched *sched = wf_sched_self();
    if (handle.id == 0)
        return sched != NULL && sched->current != NULL ? -ENOMEM : -EPERM;
    if (sched == NULL || wf_handle_loop(handle.id) != sched->records.loop_number)
        return -EPERM;
    struct wf_group *group = group_of(sched, handle);
    if (group == NULL || group->is_over)
        return -ESRCH;
    if ((group->node.flags & WF_NODE_EFFECTIVE) != 0)
        return -ECANCELED;
    how->up = &group->node;
    return 0;
}

static inline int group_spawn(weft_group handle, struct wf_spawn *how, wf_task **out)
{
    int rc = group_admit(handle, how);
    return rc < 0 ? rc : wf_task_new(wf_sched_self(), how, out);
}

int weft_group_spawn_at(weft_group group, weft_fn *fn, void *arg, const char *site)
{
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = site, .is_released = true};
    wf_task *task;
    return group_spawn(group, &how, &task);
}

weft_task weft_group_task_at(weft_group group, weft_fn *fn, void *arg, const char *site)
{
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = site};
    wf_task *task;
    int rc = group_spawn(group, &how, &task);
    return rc < 0 ? wf_handle_error(rc) : wf_task_handle(task);
}

weft_task weft_group_task_on_at(weft_group group, weft_loop *loop, weft_fn *fn, void *arg,
                                const char *site)
{
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = site};
    int rc = group_admit(group, &how);
    return rc < 0 ? wf_handle_error(rc) : wf_task_new_on(loop, &how);
}

static void group_keep_error(struct wf_group *group, const wf_task *task)
{
    if (group->error_count == 0) /* without memory only the first is kept, in `first` */
        group->errors = wf_array(WF_GROUP_ERRORS_MAX, sizeof *group->errors);
    if (group->errors != NULL && group->error_count < WF_GROUP_ERRORS_MAX)
        wf_task_error(task, &group->errors[group->error_count]);
    else if (group->error_count == WF_GROUP_ERRORS_MAX)
        wf_sched_log(group->sched, "a group has more than %d failures; the others are only counted",
                     WF_GROUP_ERRORS_MAX);
    group->error_count++;
}

static void group_failed(struct wf_group *group, wf_task *task)
{
    task->flags |= WF_TASK_RECEIVED;
    if (group->error_count == 0) {
        group->first_error = task->result;
        wf_task_error(task, &group->first);
        wf_note_share(&group->note, task->note);
    }
    group_keep_error(group, task);
    wf_node_cancel(&group->node, WEFT_REASON_GROUP, "a member of the group failed");
}

wf_task **wf_group_member_done(struct wf_group *group, wf_task *task)
{
    wf_task **list = &group->ended;
    group->live--;
    bool is_starting = task->body->starter != NULL;
    bool was_cancelled = task->result == -ECANCELED && (task->flags & WF_TASK_WAS_CANCELLED) != 0;
    if (is_starting)
        wf_group_start_ended(task);
    else if (task->result < 0 && !was_cancelled)
        group_failed(group, task);
    if (group->live != 0)
        return list;
    if (group->joiner != NULL) {
        group->is_over = true;
        weft_wake(group->joiner, 0);
    } else if (group->is_abandoned) {
        list = &group->node.task->body->ended;
        group_bury(group);
    }
    return list;
}

/* ---- start ---- */

/* Who waits for weft_started(). */
struct starter {
    weft_waiter waiter;
    bool is_cancelled, has_ended, was_silent;
};

/* It wakes up and cancels the child itself, which may be starting another in turn. */
static void starter_cancel(weft_waiter *waiter)
{
    wf_container(waiter, struct starter, waiter)->is_cancelled = true;
    weft_wake(waiter, -ECANCELED);
}

static void starter_holder(const weft_waiter *waiter,
                           void (*tell)(const weft_task *holder, void *arg), void *arg)
{
    weft_task child = wf_task_handle(waiter->object);
    tell(&child, arg);
}

static const weft_wait_class starter_class = {
    .what = "group start",
    .cancel = starter_cancel,
    .holders = starter_holder,
};

int weft_group_start_at(weft_group group, weft_fn *fn, void *arg, const char *site)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = site, .is_released = true};
    wf_task *task;
    rc = group_spawn(group, &how, &task);
    if (rc < 0)
        return rc;
    struct starter self = {.waiter = WEFT_WAITER(&starter_class, task)};
    self.waiter.task = wf_current();
    weft_task child = wf_task_handle(task);
    wf_sched_embody(wf_sched_self(), task); /* to have a place for `starter` */
    task->body->starter = &self.waiter;
    rc = weft_park(&self.waiter);
    if (self.was_silent)
        return weft_fail(rc, "it ended and never called weft_started(): %s", site);
    if (!self.is_cancelled)
        return rc;
    (void)weft_cancel(child, "the task that starts it was cancelled");
    while (!self.has_ended) {
        self.waiter.is_woken = false;
        (void)weft_park_shielded(&self.waiter);
    }
    return rc;
}

void weft_started(void)
{
    wf_task *self = wf_current();
    if (self == NULL || self->body->starter == NULL)
        return;
    struct starter *starter = wf_container(self->body->starter, struct starter, waiter);
    if (starter->is_cancelled)
        return;
    self->body->starter = NULL;
    weft_wake(&starter->waiter, 0);
}

void wf_group_start_ended(wf_task *task)
{
    weft_waiter *waiter = task->body->starter;
    struct starter *starter = wf_container(waiter, struct starter, waiter);
    starter->has_ended = true;
    starter->was_silent = task->result >= 0 && !starter->is_cancelled;
    task->body->starter = NULL;
    task->flags |= WF_TASK_RECEIVED;
    if (task->result < 0)
        wf_note_receive(waiter->task, task->result, task->note);
    weft_wake(waiter, task->result < 0 ? task->result : -EPROTO);
}

/* ---- cancel and wait ---- */

void weft_group_cancel(weft_group handle, const char *why)
{
    struct wf_group *group = group_of(wf_sched_self(), handle);
    if (group != NULL && !group->has_ended)
        wf_node_cancel(&group->node, WEFT_REASON_GROUP, why != NULL ? why : "");
}

/* The owner was cancelled while it waits, perhaps by a scope inside the group: the members end, and
 * the last of them wakes the owner. */
static void joiner_cancel(weft_waiter *waiter)
{
    struct wf_group *group = waiter->object;
    if ((group->node.flags & WF_NODE_EFFECTIVE) == 0)
        wf_node_cancel(&group->node, WEFT_REASON_GROUP, "the owner was cancelled");
}

static void joiner_holders(const weft_waiter *waiter,
                           void (*tell)(const weft_task *holder, void *arg), void *arg)
{
    const struct wf_group *group = waiter->object;
    wf_node_tell_tasks(&group->node, tell, arg);
}

static const weft_wait_class joiner_class = {
    .what = "group",
    .cancel = joiner_cancel,
    .holders = joiner_holders,
};

/* Returns when no member is left: 0, or -EDEADLK if a deadlock had to be ended for that. */
static int group_join(struct wf_group *group, wf_task *self)
{
    group->is_over = group->live == 0;
    if (group->is_over)
        return 0;
    weft_waiter waiter = WEFT_WAITER(&joiner_class, group);
    if ((self->scope->flags & WF_NODE_EFFECTIVE) != 0)
        joiner_cancel(&waiter);
    waiter.task = self;
    group->joiner = &waiter;
    (void)weft_park(&waiter);
    group->joiner = NULL;
    assert(group->live == 0);
    return wf_task_take_deadlock(self) ? -EDEADLK : 0;
}

static void group_leave(struct wf_group *group, wf_task *self)
{
    if (group->is_abandoned) /* it left the owner's chain of scopes then */
        wf_node_unlink(&group->node);
    else
        wf_scope_splice_out(self, &group->node);
}

/* Cancelled from outside the group, or by a scope inside it that the owner waits in. */
static bool group_owner_is_cancelled(const struct wf_group *group, const wf_task *self)
{
    if (group->is_abandoned)
        return (self->scope->flags & WF_NODE_EFFECTIVE) != 0;
    for (const struct wf_node *node = self->scope; node != &group->node; node = node->up) {
        if ((node->flags & WF_NODE_CANCELLED) != 0)
            return true;
    }
    return (group->node.up->flags & WF_NODE_EFFECTIVE) != 0;
}

static int group_missing(const struct wf_sched *sched, weft_group handle)
{
    if (handle.id == 0)
        return -ENOMEM;
    return wf_handle_loop(handle.id) != sched->records.loop_number ? -EPERM : -ESRCH;
}

int weft_group_wait(weft_group handle)
{
    struct wf_sched *sched = wf_sched_self();
    struct wf_group *group = group_of(sched, handle);
    if (sched == NULL || sched->current == NULL)
        return -EPERM;
    if (group == NULL)
        return group_missing(sched, handle);
    wf_task *self = sched->current;
    if (group->node.task != self)
        return -EPERM;
    if (group->has_ended)
        return group->wait_rc;

    (void)WEFT_FAULT(WEFT_FAULT_WAIT, "group wait");
    if ((self->scope->flags & WF_NODE_DUE) != 0)
        (void)weft_check(); /* deadlines in the past count */
    int rc = group_join(group, self);
    if (group->error_count != 0)
        group->wait_rc = group->first_error;
    else if (group_owner_is_cancelled(group, self))
        group->wait_rc = wf_cancelled_at_end(self);
    else
        group->wait_rc = rc;
    wf_note_receive(self, group->wait_rc, group->note);
    group->has_ended = true;
    group_leave(group, self);
    return group->wait_rc;
}

size_t weft_group_errors(weft_group handle, struct weft_error out[], size_t count)
{
    struct wf_group *group = group_of(wf_sched_self(), handle);
    if (group == NULL)
        return 0;
    group->errors_read = true;
    size_t kept;
    const struct weft_error *errors = group_kept_errors(group, &kept);
    for (size_t i = 0; i < count && i < kept; i++)
        out[i] = errors[i];
    return group->error_count;
}

void weft_group_end_(weft_group *handle)
{
    struct wf_sched *sched = wf_sched_self();
    struct wf_group *group = group_of(sched, *handle);
    if (group == NULL || group->node.task != sched->current)
        return;
    wf_task *self = sched->current;
    if (!group->has_ended) {
        wf_node_cancel(&group->node, WEFT_REASON_OWNER_ENDED, "the group's block was left");
        if (!group->is_abandoned)
            wf_scope_pop_to(self, &group->node, "group");
        (void)group_join(group, self);
        group_leave(group, self);
    }
    group_bury(group);
    handle->id = 0;
}
