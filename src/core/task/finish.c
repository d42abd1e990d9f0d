/* SPDX-License-Identifier: MIT */

/*
 * The end of a task.  Runs on home's stack: once a body has returned, nothing is executed on its
 * stack any more (rule T06).  A task is done when its body has returned and its children are done;
 * that may make its owner done too, and so on up, in a loop rather than in recursion.
 */

#include "base/alloc.h"
#include "core/look/debug.h"
#include "core/loops/far.h"
#include "core/loops/guest.h"
#include "core/loops/loops_priv.h"
#include "core/task/group_priv.h"
#include "core/task/park_priv.h"

#include <assert.h>
#include <stdlib.h>

/* ---- records of the dead ---- */

void wf_task_keep_ended(wf_task **list, wf_task *task)
{
    task->ended_next = *list;
    task->ended_link = list;
    if (*list != NULL)
        (*list)->ended_link = &task->ended_next;
    *list = task;
}

static bool task_error_is_news(const wf_task *task)
{
    if (task->result >= 0 || (task->flags & WF_TASK_RECEIVED) != 0)
        return false;
    return task->result != -ECANCELED || (task->flags & WF_TASK_WAS_CANCELLED) == 0;
}

void wf_error_unhandled(struct wf_sched *sched, const struct weft_error *error)
{
    if (sched->config.unhandled != NULL)
        sched->config.unhandled(error, sched->config.unhandled_arg);
    else
        wf_sched_log(sched, "nobody received the error of task %s: %s%s%s; spawned: %s",
                     error->name, weft_strerror(error->rc), error->text[0] != '\0' ? ": " : "",
                     error->text, error->site);
}

void wf_task_unhandled(struct wf_sched *sched, wf_task *task)
{
    if (!task_error_is_news(task))
        return;
    task->flags |= WF_TASK_RECEIVED;
    struct weft_error error;
    wf_task_error(task, &error);
    wf_error_unhandled(sched, &error);
}

static inline void task_recycle(struct wf_sched *sched, wf_task *task)
{
    if (task->ended_link != NULL) {
        *task->ended_link = task->ended_next;
        if (task->ended_next != NULL)
            task->ended_next->ended_link = task->ended_link;
    }
    task->state = WF_TASK_FREE;
    __atomic_store_n(&task->id, wf_handle_next(task->id), __ATOMIC_RELEASE); /* see far.c */
    wf_slab_give(&sched->records.tasks, task);
}

/* It failed, has texts, or ran for another loop. */
static __attribute__((noinline)) void task_free_with_texts(struct wf_sched *sched, wf_task *task)
{
    if ((task->flags & WF_TASK_ABROAD) != 0) {
        wf_guest_leave(task);
        return;
    }
    if (task->result < 0)
        wf_task_unhandled(sched, task);
    if (task->state != WF_TASK_DONE)
        return; /* the hook released it */
    wf_note_drop(&task->note);
    if ((task->flags & WF_TASK_NAMED) != 0)
        wf_slab_give(&sched->records.names, task->own_name);
    task_recycle(sched, task);
}

static inline void task_free(struct wf_sched *sched, wf_task *task)
{
    assert(task->state == WF_TASK_DONE);
    bool has_texts = task->note != NULL || (task->flags & (WF_TASK_NAMED | WF_TASK_ABROAD)) != 0;
    if (__builtin_expect(task->result < 0 || has_texts, 0))
        task_free_with_texts(sched, task);
    else
        task_recycle(sched, task);
}

void wf_task_free(struct wf_sched *sched, wf_task *task)
{
    task_free(sched, task);
}

void wf_task_drop_ended(struct wf_sched *sched, wf_task **list)
{
    while (*list != NULL)
        wf_task_free(sched, *list);
}

/* ---- done ---- */

static void task_wake_waiters(wf_task *task)
{
    task->flags |= WF_TASK_RECEIVED;
    for (weft_waiter *waiter; (waiter = wf_waitq_pop(&task->done_waiters)) != NULL;) {
        if (waiter->wait_class->woken == NULL && waiter->task != NULL && task->result < 0)
            wf_note_receive(waiter->task, task->result, task->note);
        wf_wake(waiter, task->result);
    }
}

/* Unlinks the task from its owner.  Returns the owner, if that is a task; *out_list is where the
 * task's record is kept. */
static wf_task *task_leave_owner(struct wf_sched *sched, wf_task *task, wf_task ***out_list)
{
    struct wf_node *up = task->root.up;
    wf_node_unlink(&task->root);
    if (up == &sched->top) {
        *out_list = &sched->detached.ended;
        if ((task->flags & WF_TASK_ABROAD) != 0)
            return NULL; /* its owner is told when nothing of it is in use */
        if (task == sched->main.task) {
            sched->main.live = 0;
            sched->main.result = task->result;
            wf_note_leave(task->result < 0 ? task->note : NULL);
            task->flags |= WF_TASK_RECEIVED;
        } else if (--sched->detached.live == 0) {
            wf_loops_leave(sched->loops);
        }
        return NULL;
    }
    wf_task *owner = up->task;
    owner->body->live--;
    bool is_member = (up->flags & WF_NODE_GROUP) != 0;
    *out_list = is_member ? wf_group_member_done(wf_group_of_node(up), task) : &owner->body->ended;
    return owner;
}

/* The stack is measured, or not from the pool: its own mapping, or lent by its owner's loop, to
 * which it goes back. */
static __attribute__((noinline)) void task_drop_special_body(struct wf_sched *sched,
                                                             const wf_task *task)
{
    if (WF_DEBUG_CHECKS)
        wf_debug_stack_ended(task->body);
    if ((task->flags & WF_TASK_ABROAD) == 0)
        wf_sched_end_body(sched, task->body, wf_task_site(task));
}

/* What lists it had are empty; the texts are not the next task's. */
static inline void task_drop_body(struct wf_sched *sched, wf_task *task)
{
    struct wf_body *body = task->body;
    wf_fiber_end(&task->fiber);
    if (__builtin_expect(body->locals != NULL, 0))
        wf_locals_drop(&body->locals);
    task->flags &= (uint8_t)~WF_TASK_HAS_BODY;
    if (__builtin_expect(body->stack.is_special, 0)) {
        task_drop_special_body(sched, task);
        return;
    }
    body->why_kind = WEFT_REASON_NONE;
    body->has_progress = body->has_namer = false;
    wf_sched_give_body(sched, body);
}

static wf_task *task_done(struct wf_sched *sched, wf_task *task)
{
    assert(task->body->live == 0 && task->state == WF_TASK_FINISHING);
    if (task->body->ended != NULL) {
        if (__builtin_expect(sched->debug != NULL, 0))
            wf_debug_never_awaited(task->body->ended);
        wf_task_drop_ended(sched, &task->body->ended);
    }
    __atomic_store_n(&task->state, WF_TASK_DONE, __ATOMIC_RELEASE); /* see far.c */
    task->done_order = ++sched->done_count;
    if (weft_waitq_first(&task->done_waiters) != NULL)
        task_wake_waiters(task);

    wf_task **list;
    wf_task *owner = task_leave_owner(sched, task, &list);
    task_drop_body(sched, task);
    task->ended_link = NULL;
    if ((task->flags & WF_TASK_RELEASED) != 0) {
        task_free(sched, task);
    } else {
        wf_task_keep_ended(list, task);
        if (list == &sched->detached.ended)
            wf_task_unhandled(sched, task); /* nobody is going to join it */
    }
    return owner;
}

/* The body has returned and its children still run (rule T05). */
static void task_outlived(const struct wf_sched *sched, wf_task *task)
{
    task->body->returned_at = sched->pass.began;
    task->body->parked = 1;
    if (task->result < 0)
        wf_node_cancel(&task->root, WEFT_REASON_OWNER_ENDED, "owner ended");
}

static void task_close_body(struct wf_sched *sched, wf_task *task, int rc)
{
    if (rc < -4095) {
        char name[WEFT_ERROR_NAME_BYTES];
        wf_task_name(task, name, sizeof name);
        wf_sched_log(sched, "task %s returned %d, which is no error code; spawned: %s", name, rc,
                     wf_task_site(task));
        rc = -EPROTO;
    }
    if (task->scope != &task->root)
        wf_scope_pop_to(task, &task->root, "task");
    if ((task->root.flags & WF_NODE_EFFECTIVE) != 0) {
        task->flags |= WF_TASK_WAS_CANCELLED;
        if ((task->root.flags & WF_NODE_TOLD) != 0 && rc >= 0)
            wf_debug_cancel_swallowed(task, rc);
    }
    if (task->body->owned_mutexes != NULL)
        wf_mutex_abandon_all(task);
    if (__builtin_expect(task->body->earlier[0] != NULL, 0))
        wf_note_settle(task, rc);
    task->result = rc;
    task->state = WF_TASK_FINISHING;
    if (WF_DEBUG_CHECKS && (task->body->live != 0 || sched->detached.live != 0))
        wf_debug_frame_ended(task);
    if (task->body->live != 0)
        task_outlived(sched, task);
}

/* In the child of a fork: there is nothing to go on with. */
static __attribute__((noinline, cold)) void task_exits_in_child(void)
{
    weft_log("a task's body has returned in the child of a fork, which must _exit() or exec");
    abort();
}

/* On home's stack; ends in the next context. */
void wf_task_exit(wf_fiber *fiber, int rc)
{
    wf_task *task = wf_container(fiber, wf_task, fiber);
    struct wf_sched *sched = wf_sched_current;
    if (__builtin_expect(sched == NULL, 0))
        task_exits_in_child();
    sched->current = NULL;
    wf_task_verify_stack(sched, task);
    task_close_body(sched, task, rc);
    while (task != NULL && task->state == WF_TASK_FINISHING && task->body->live == 0) {
        if (__builtin_expect(task->body->gens != NULL, 0))
            wf_gens_end(sched, task);
        task = task_done(sched, task);
    }

    wf_task *next = wf_sched_next(sched);
    sched->current = next;
    sched->streak = 0;
    sched->stats.switches++;
    if (__builtin_expect(sched->has_switch_hook, 0))
        wf_sched_switch_hook(sched, NULL, next);
    wf_fiber_resume(next != NULL ? &next->fiber : &sched->home.fiber);
}

void weft_release(weft_task handle)
{
    struct wf_sched *sched = wf_sched_self();
    wf_task *task = wf_task_of(sched, handle);
    if (task == NULL && wf_is_far(handle))
        wf_far_release(handle);
    if (task == NULL)
        return;
    task->flags |= WF_TASK_RELEASED;
    if (task->state == WF_TASK_DONE)
        task_free(sched, task);
}

/* ---- as if it had ended, and another begun ---- */

static void task_unname(struct wf_sched *sched, wf_task *task)
{
    struct wf_task_name *own = task->own_name;
    task->flags &= (uint8_t)~WF_TASK_NAMED;
    task->site = own->site;
    wf_slab_give(&sched->records.names, own);
}

/* Out of line: few tasks leave any, and the others should not pay for its registers. */
static __attribute__((noinline)) bool task_drop_traces(struct wf_sched *sched, wf_task *self)
{
    struct wf_body *body = self->body;
    if (body->ended != NULL)
        wf_task_drop_ended(sched, &body->ended);
    wf_locals_drop(&body->locals);
    wf_note_settle(self, /* result= */ 0);
    wf_note_drop(&self->note);
    if ((self->flags & WF_TASK_NAMED) != 0)
        task_unname(sched, self);
    return true;
}

bool weft_task_renew(void)
{
    struct wf_sched *sched = wf_sched_self();
    wf_task *self = sched != NULL ? sched->current : NULL;
    if (self == NULL)
        return false;
    struct wf_body *body = self->body;
    if (self->scope != &self->root || body->live != 0 || body->gens != NULL || body->gen != NULL ||
        body->owned_mutexes != NULL || (self->root.flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE)) != 0)
        return false;
    body->has_progress = false;
    body->why_kind = WEFT_REASON_NONE;
    bool has_traces = body->ended != NULL || body->locals != NULL || self->note != NULL ||
                      body->earlier[0] != NULL || (self->flags & WF_TASK_NAMED) != 0;
    return !has_traces || task_drop_traces(sched, self);
}
