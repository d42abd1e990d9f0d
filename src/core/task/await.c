/* SPDX-License-Identifier: MIT */

/* Waiting for the end of one task. */

#include <weft/scope.h>
#include <weft/task.h>

#include "core/loops/far.h"
#include "core/task/park_priv.h"

static const weft_wait_class await_class = {.what = "await", .holders = wf_task_holders};

/* The cancel of a bounded await: it stops waiting at once and deals with the task itself. */
struct bounded {
    weft_waiter waiter;
    bool is_cancelled;
};

static void bounded_cancel(weft_waiter *waiter)
{
    wf_container(waiter, struct bounded, waiter)->is_cancelled = true;
    weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class bounded_class = {
    .what = "await", .cancel = bounded_cancel, .holders = wf_task_holders};

/* Each would wait for the other (rule T12). */
static bool await_is_mutual(const wf_task *self, const wf_task *task)
{
    const weft_waiter *waiter = wf_task_parked_on(task);
    return waiter != NULL && waiter->object == self && !waiter->is_woken;
}

/* A call of its own, so that an await of a task that is done saves no registers for a switch.  It
 * is jumped to: no level lies between it and the caller. */
static __attribute__((noinline)) int await_wait(struct wf_sched *sched, wf_task *task)
{
    wf_task *self = sched->current;
    if (task == self || await_is_mutual(self, task))
        return -EDEADLK;
    weft_waiter waiter = WEFT_WAITER(&await_class, task);
    waiter.task = self;
    wf_waitq_push(&task->done_waiters, &waiter);
    return wf_park_cancellable(sched, &waiter);
}

/* A handle of another loop, a stale one, or one that carries an error. */
static __attribute__((noinline)) int await_far(weft_task handle)
{
    bool is_withdrawn;
    int rc = wf_handle_rc(handle);
    if (rc == 0)
        rc = wf_is_far(handle) ? wf_far_await(handle, /* is_shielded= */ false, &is_withdrawn)
                               : -ESRCH;
    return rc;
}

int weft_await(weft_task handle)
{
    struct wf_sched *sched = wf_sched_self();
    int rc = wf_sp_enter(sched);
    if (rc < 0)
        return rc;
    wf_task *self = sched->current, *task = wf_task_of(sched, handle);
    if (__builtin_expect(task == NULL, 0))
        return await_far(handle);
    if (task->state != WF_TASK_DONE)
        return await_wait(sched, task);
    task->flags |= WF_TASK_RECEIVED;
    if (__builtin_expect(task->result < 0, 0))
        wf_note_receive(self, task->result, task->note);
    return task->result;
}

/* Of a task that is done, or of a handle that carries an error. */
static int await_result(weft_task task)
{
    int result = 0;
    (void)weft_done(task, &result);
    return result;
}

int wf_task_see_out(weft_task task, const char *why)
{
    weft_waiter self = WEFT_WAITER(&await_class, NULL);
    self.task = wf_current();
    if (task.id == weft_self().id)
        return -EDEADLK;
    (void)weft_cancel(task, why);
    bool is_withdrawn;
    if (wf_is_far(task))
        return wf_far_await(task, /* is_shielded= */ true, &is_withdrawn);
    int rc = wf_task_watch(task, &self);
    if (rc < 0)
        return rc;
    return rc == 1 ? await_result(task) : weft_park_shielded(&self);
}

static bool await_is_cycle(weft_task handle)
{
    const wf_task *task = wf_task_of(wf_sched_self(), handle);
    return task != NULL && await_is_mutual(wf_current(), task);
}

/* Finishes a bounded await that ended with `rc`, by `limit`, a cancel from outside or a deadlock:
 * the task is cancelled and waited for. */
static int await_give_up(weft_task task, weft_scope *limit, int rc)
{
    int result = wf_task_see_out(task, "deadline of the await");
    rc = wf_scope_close(limit, rc);
    if (rc != -ETIMEDOUT)
        return rc;
    return result == -ECANCELED ? wf_fail_bare(rc) : result;
}

static int await_far_for(weft_task task, weft_time timeout)
{
    weft_scope limit;
    bool is_withdrawn;
    (void)weft_scope_open(&limit, weft_after(timeout > 0 ? timeout : 0), 0);
    if (timeout <= 0 && weft_check() < 0)
        return await_give_up(task, &limit, -ECANCELED);
    int rc = wf_far_await(task, /* is_shielded= */ false, &is_withdrawn);
    if (is_withdrawn)
        return await_give_up(task, &limit, rc);
    weft_scope_end_(&limit);
    return rc;
}

int weft_await_for(weft_task task, weft_time timeout)
{
    int rc = weft_sp_enter();
    if (rc == -ECANCELED)
        (void)wf_task_see_out(task, "the task that awaits was cancelled");
    if (rc < 0)
        return rc;
    if (task.id == weft_self().id || await_is_cycle(task))
        return -EDEADLK;
    if (wf_is_far(task))
        return await_far_for(task, timeout);
    struct bounded self = {.waiter = WEFT_WAITER(&bounded_class, NULL)};
    self.waiter.task = wf_current();
    rc = wf_task_watch(task, &self.waiter);
    if (rc != 0)
        return rc == 1 ? await_result(task) : rc;

    weft_scope limit;
    (void)weft_scope_open(&limit, weft_after(timeout > 0 ? timeout : 0), 0);
    if (timeout <= 0 && weft_check() < 0)
        bounded_cancel(&self.waiter);
    rc = weft_park(&self.waiter);
    if (!self.is_cancelled) {
        weft_scope_end_(&limit);
        return rc;
    }
    return await_give_up(task, &limit, rc);
}
