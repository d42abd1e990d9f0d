/* SPDX-License-Identifier: MIT */

/*
 * Debug builds: what tasks wait for must outlive the waits (rule P01).
 *
 * An object that tasks wait for is plain memory, and nothing is called when it goes.  So queues
 * that lie on a task's stack are remembered while they have waiters, and when that task switches
 * away or ends, none may lie where its stack has been left behind.  One that was cleared, or freed
 * and overwritten, no longer leads to its waiters; that is seen when the next one joins or leaves
 * it.
 */

#include "core/look/debug.h"

#if WF_DEBUG_CHECKS

#include <stdlib.h>

#define RING_MAX 1000 /* waiters of a longer queue are not looked through */
#define TOLD_MAX 3

static struct wf_debug_queue *queue_find(struct wf_debug *debug, const weft_waitq *queue)
{
    for (size_t i = 0; i < debug->queue_count; i++) {
        if (debug->queues[i].queue == queue)
            return &debug->queues[i];
    }
    return NULL;
}

static void queue_tell(struct wf_sched *sched, const wf_task *task, const char *what)
{
    char name[WEFT_ERROR_NAME_BYTES];
    wf_task_name(task, name, sizeof name);
    wf_sched_log(sched, "debug: task %s waits (%s) for something that %s; spawned: %s", name,
                 wf_task_parked_on(task)->wait_class->what, what, wf_task_site(task));
}

/* Names some of those who wait there, and ends the process: their links lie in memory that is
 * somebody else's. */
static _Noreturn void queue_die(struct wf_sched *sched, const weft_waitq *queue, const char *what)
{
    unsigned told = 0;
    for (uint32_t slot = 0; slot < sched->records.tasks.fresh && told < TOLD_MAX; slot++) {
        const wf_task *task = wf_slab_at(&sched->records.tasks, slot, sizeof *task);
        const weft_waiter *waiter = task->state != WF_TASK_FREE ? wf_task_parked_on(task) : NULL;
        if (waiter == NULL || waiter->priv_queue != queue)
            continue;
        queue_tell(sched, task, what);
        told++;
    }
    wf_sched_log(sched, "debug: %p %s while tasks wait for it", (const void *)queue, what);
    abort();
}

static bool is_on_a_stack(const struct wf_sched *sched, const void *at)
{
    for (size_t i = 0; i < sched->debug->body_count; i++) {
        const wf_stack *stack = &sched->debug->bodies[i]->stack;
        if ((const char *)at >= stack->base && (const char *)at < stack->top)
            return true;
    }
    return wf_stacks_own(sched->stacks.pool, at);
}

void wf_debug_queue_joined(const weft_waitq *queue)
{
    struct wf_sched *sched = wf_sched_current;
    struct wf_debug *debug = sched->debug;
    if (debug == NULL || !is_on_a_stack(sched, queue))
        return;
    struct wf_debug_queue *known = queue_find(debug, queue);
    if (known == NULL && debug->queue_count < WF_DEBUG_QUEUES_MAX) {
        known = &debug->queues[debug->queue_count++];
        *known = (struct wf_debug_queue){.queue = queue};
    } else if (known != NULL && queue->priv_head->priv_next == queue->priv_head) {
        queue_die(sched, queue, "was cleared");
    }
    if (known != NULL)
        known->waiters++;
}

void wf_debug_queue_left(const weft_waitq *queue)
{
    struct wf_debug *debug = wf_sched_current->debug;
    struct wf_debug_queue *known = debug != NULL ? queue_find(debug, queue) : NULL;
    if (known != NULL && --known->waiters == 0)
        *known = debug->queues[--debug->queue_count];
}

void wf_debug_queue_verify(const weft_waiter *waiter)
{
    const weft_waiter *head = waiter->priv_queue->priv_head, *at = waiter;
    for (unsigned i = 0; i < RING_MAX; i++) {
        if (at == head)
            return;
        at = at->priv_next;
        if (at == waiter)
            queue_die(wf_sched_current, waiter->priv_queue, "was cleared or freed");
    }
}

static void verify_range(const char *base, const char *end)
{
    struct wf_sched *sched = wf_sched_current;
    const struct wf_debug *debug = sched->debug;
    for (size_t i = 0; debug != NULL && i < debug->queue_count; i++) {
        const char *at = (const char *)debug->queues[i].queue;
        if (at >= base && at < end)
            queue_die(sched, debug->queues[i].queue, "lay in a frame that is gone");
    }
}

/* Frames below that of the wait have returned.  One that has returned where the wait's own callers
 * are now is not seen here. */
void wf_debug_frames_verify(const wf_task *task, const void *frame)
{
    verify_range(wf_task_running_stack(task)->base, frame);
}

void wf_debug_stack_begun(const struct wf_body *body)
{
    struct wf_debug *debug = wf_sched_current->debug;
    if (debug != NULL && debug->body_count < WF_DEBUG_BODIES_MAX)
        debug->bodies[debug->body_count++] = body;
}

void wf_debug_stack_ended(const struct wf_body *body)
{
    struct wf_debug *debug = wf_sched_current->debug;
    verify_range(body->stack.base, body->stack.top);
    for (size_t i = 0; debug != NULL && i < debug->body_count; i++) {
        if (debug->bodies[i] == body)
            debug->bodies[i] = debug->bodies[--debug->body_count];
    }
}

#endif
