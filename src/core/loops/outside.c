/* SPDX-License-Identifier: MIT */

/*
 * What threads without a loop may do: spawn a task, and ask for the task trees.
 *
 * A spawn goes to the loop as a message on the caller's stack, which waits for the handle; so there
 * is one way to make a task, errors included, and no queue that could grow.
 */

#include "base/list.h"
#include "core/loop/registry.h"
#include "core/loops/loops_priv.h"
#include "core/task/sched_priv.h"

#include <pthread.h>

struct outside_spawn {
    weft_msg msg;
    const struct wf_spawn *spawn;
    pthread_mutex_t lock; /* protects what follows */
    pthread_cond_t changed;
    bool is_answered;
    weft_task task;
};

static int spawn_detached(struct wf_sched *sched, const struct wf_spawn *spawn, wf_task **out)
{
    if (sched == NULL)
        return -EPERM;
    if (!wf_loops_try_enter(sched->loops))
        return -ESRCH;
    struct wf_spawn here = *spawn;
    here.up = &sched->top;
    int rc = wf_task_new(sched, &here, out);
    wf_loops_leave(sched->loops); /* if it was made it counts itself */
    return rc;
}

static void spawn_arrived(weft_msg *msg)
{
    struct outside_spawn *outside = wf_container(msg, struct outside_spawn, msg);
    wf_task *task;
    int rc = spawn_detached(wf_sched_current, outside->spawn, &task);
    pthread_mutex_lock(&outside->lock);
    outside->task = rc < 0 ? wf_handle_error(rc) : wf_task_handle(task);
    outside->is_answered = true;
    pthread_cond_signal(&outside->changed);
    pthread_mutex_unlock(&outside->lock);
}

weft_task wf_spawn_from_outside(weft_loop *loop, const struct wf_spawn *spawn)
{
    uint32_t number;
    int rc = wf_registry_pin(loop, &number);
    if (rc < 0)
        return wf_handle_error(rc);
    struct outside_spawn outside = {
        .msg.fn = spawn_arrived,
        .spawn = spawn,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
    };
    weft_post_msg(loop, &outside.msg);
    wf_loop_unref(number);
    pthread_mutex_lock(&outside.lock);
    while (!outside.is_answered)
        pthread_cond_wait(&outside.changed, &outside.lock);
    pthread_mutex_unlock(&outside.lock);
    pthread_cond_destroy(&outside.changed);
    pthread_mutex_destroy(&outside.lock);
    return outside.task;
}
