/* SPDX-License-Identifier: MIT */

#include "core/loops/far.h"

#include "core/loop/registry.h"
#include "core/loops/errand.h"
#include "core/task/park_priv.h"

/* Races on purpose, and says so to the thread sanitizer. */
#if defined(__clang__)
#define FAR_UNSEEN __attribute__((disable_sanitizer_instrumentation))
#else
#define FAR_UNSEEN __attribute__((no_sanitize_thread))
#endif

/* ---- looking at a record of another thread's ---- */

/* Keeps the task's loop, and so its records, from going.  0; -ESRCH: it has gone; -EPERM: we are
 * the child of a fork, it is the parent's (rule L07). */
static int far_pin(weft_task handle, weft_loop **out)
{
    return wf_loop_ref_by(wf_handle_loop(handle.id), WF_HANDLE_LOOP_MASK, out);
}

static void far_unpin(weft_task handle)
{
    wf_loop_unref(wf_handle_loop(handle.id));
}

/* With its loop pinned: 1 and its result if it is done, 0 if not, -ESRCH.
 *
 * The record may be used again while we look.  The id is raised after the old use has ended and
 * before the next begins, so what lies between two looks at the same id belongs together.  `state`
 * becomes DONE, by a release, after `result` was set. */
FAR_UNSEEN static int far_peek(const weft_loop *loop, weft_task handle, int *out_result)
{
    const struct wf_sched *sched = loop->sched; /* NULL: a loop without tasks */
    const volatile wf_task *task = NULL;
    if (sched != NULL)
        task = wf_slab_at_shared(&sched->records.tasks, wf_handle_slot(handle.id), sizeof(wf_task));
    if (task == NULL || __atomic_load_n(&task->id, __ATOMIC_ACQUIRE) != handle.id)
        return -ESRCH;
    uint8_t state = __atomic_load_n(&task->state, __ATOMIC_ACQUIRE);
    int result = task->result;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (state == WF_TASK_FREE || __atomic_load_n(&task->id, __ATOMIC_RELAXED) != handle.id)
        return -ESRCH;
    *out_result = result;
    return state == WF_TASK_DONE;
}

/* ---- requests ---- */

#define REQUEST_BITS 8
#define REQUEST_ALL ((1u << REQUEST_BITS) - 1)

static struct wf_far_request *request_of(const struct wf_sched *sched, weft_task handle)
{
    return wf_slab_aside(&sched->records.tasks, wf_handle_slot(handle.id), sizeof(wf_task));
}

static void request_arrived(weft_msg *msg)
{
    struct wf_far_request *request = wf_container(msg, struct wf_far_request, msg);
    struct wf_sched *sched = wf_sched_current;
    /* First: a request from now on sends a message of its own, in the memory of this one. */
    uint64_t word = __atomic_exchange_n(&request->word, 0, __ATOMIC_ACQ_REL);
    uint32_t slot = __atomic_load_n(&request->slot, __ATOMIC_RELAXED);
    weft_task handle = {
        wf_handle_make(sched->records.loop_number, slot, (uint32_t)(word >> REQUEST_BITS))};
    wf_task *task = wf_task_of(sched, handle);
    if (task == NULL)
        return;
    if ((word & WF_FAR_RECEIVED) != 0)
        task->flags |= WF_TASK_RECEIVED;
    if ((word & WF_FAR_CANCEL) != 0 && task->state != WF_TASK_DONE)
        wf_node_cancel(&task->root, WEFT_REASON_TASK,
                       __atomic_load_n(&request->why, __ATOMIC_RELAXED));
    if ((word & WF_FAR_RELEASE) != 0)
        weft_release(handle);
}

/* The record was the handle's a moment ago: bits for an earlier use of it are stale, and gone. */
static void request_put(weft_loop *loop, weft_task handle, enum wf_far_bit bit)
{
    struct wf_far_request *request = request_of(loop->sched, handle);
    uint64_t generation = wf_handle_generation(handle.id);
    uint64_t before = __atomic_load_n(&request->word, __ATOMIC_RELAXED), after;
    __atomic_store_n(&request->slot, wf_handle_slot(handle.id), __ATOMIC_RELAXED);
    do {
        uint64_t kept = before >> REQUEST_BITS == generation ? before & REQUEST_ALL : 0;
        after = generation << REQUEST_BITS | kept | bit;
    } while (!__atomic_compare_exchange_n(&request->word, &before, after, /* weak= */ true,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if ((before & REQUEST_ALL) != 0)
        return; /* its message is on its way */
    request->msg.fn = request_arrived;
    weft_post_msg(loop, &request->msg);
}

int wf_far_done(weft_task handle, int *out_result)
{
    weft_loop *loop;
    int rc = far_pin(handle, &loop);
    if (rc < 0)
        return rc;
    int result;
    rc = far_peek(loop, handle, &result);
    if (rc == 1 && out_result != NULL)
        *out_result = result;
    if (rc == 1 && result < 0) {
        request_put(loop, handle, WF_FAR_RECEIVED);
        (void)wf_fail_bare(result); /* its text is there */
    }
    far_unpin(handle);
    return rc;
}

bool wf_far_has_ended(weft_task handle)
{
    weft_loop *loop;
    int result;
    if (far_pin(handle, &loop) < 0)
        return true;
    int rc = far_peek(loop, handle, &result);
    far_unpin(handle);
    return rc != 0;
}

int wf_far_cancel(weft_task handle, const char *why)
{
    weft_loop *loop;
    int rc = far_pin(handle, &loop);
    if (rc < 0)
        return rc;
    int result;
    rc = far_peek(loop, handle, &result);
    if (rc == 0) {
        const char *text = why != NULL ? why : "";
        __atomic_store_n(&request_of(loop->sched, handle)->why, text, __ATOMIC_RELAXED);
        request_put(loop, handle, WF_FAR_CANCEL);
    }
    far_unpin(handle);
    return rc < 0 ? rc : rc == 0;
}

void wf_far_release(weft_task handle)
{
    weft_loop *loop;
    if (far_pin(handle, &loop) < 0)
        return;
    int result;
    if (far_peek(loop, handle, &result) >= 0)
        request_put(loop, handle, WF_FAR_RELEASE);
    far_unpin(handle);
}

/* ---- watching ---- */

static struct wf_far_watch *watch_of_errand(struct wf_errand *errand)
{
    return wf_container(errand, struct wf_far_watch, errand);
}

static void watch_answer(struct wf_far_watch *watch, const wf_task *task, int rc)
{
    watch->rc = rc;
    if (task != NULL && rc < 0)
        wf_note_share(&watch->note, task->note);
    wf_errand_answer(&watch->errand);
}

static void there_woken(weft_waiter *waiter)
{
    watch_answer(wf_container(waiter, struct wf_far_watch, there), waiter->object, waiter->rc);
}

static const weft_wait_class there_class = {.what = "await", .woken = there_woken};

static void watch_arrive(struct wf_errand *errand)
{
    struct wf_far_watch *watch = watch_of_errand(errand);
    wf_task *task = wf_task_of(wf_sched_current, watch->task);
    if (task == NULL) {
        watch_answer(watch, NULL, -ESRCH);
    } else if (task->state == WF_TASK_DONE) {
        task->flags |= WF_TASK_RECEIVED;
        watch_answer(watch, task, task->result);
    } else {
        watch->there = (weft_waiter)WEFT_WAITER(&there_class, task);
        wf_waitq_push(&task->done_waiters, &watch->there);
    }
}

static void watch_recalled(struct wf_errand *errand)
{
    struct wf_far_watch *watch = watch_of_errand(errand);
    wf_waitq_remove(&watch->there);
    watch_answer(watch, NULL, -ECANCELED);
}

static void watch_back(struct wf_errand *errand)
{
    struct wf_far_watch *watch = watch_of_errand(errand);
    watch->over(watch);
}

static const struct wf_errand_class watch_errand_class = {
    .arrive = watch_arrive,
    .recall = watch_recalled,
    .back = watch_back,
};

int wf_far_watch(struct wf_far_watch *watch)
{
    weft_loop *loop;
    int rc = far_pin(watch->task, &loop);
    if (rc < 0)
        return rc;
    wf_errand_send(&watch->errand, &watch_errand_class, loop);
    far_unpin(watch->task);
    return 0;
}

/* ---- await ---- */

/* On the stack of the task that waits. */
struct far_wait {
    struct wf_far_watch watch;
    weft_waiter here;
};

static void wait_over(struct wf_far_watch *watch)
{
    wf_wake(&wf_container(watch, struct far_wait, watch)->here, watch->rc);
}

/* The frame stays until the errand is over, as that of an operation does for the kernel. */
static void here_cancel(weft_waiter *waiter)
{
    wf_far_unwatch(&wf_container(waiter, struct far_wait, here)->watch);
}

static void here_holders(const weft_waiter *waiter,
                         void (*tell)(const weft_task *holder, void *arg), void *arg)
{
    tell(&wf_container(waiter, struct far_wait, here)->watch.task, arg);
}

static const weft_wait_class here_class = {
    .what = "await, on another loop",
    .cancel = here_cancel,
    .holders = here_holders,
};

int wf_far_await(weft_task task, bool is_shielded, bool *out_withdrawn)
{
    wf_task *self = wf_current();
    *out_withdrawn = false;
    if (self->id == task.id)
        return -EDEADLK; /* a guest here */
    struct far_wait wait = {
        .watch = {.task = task, .over = wait_over},
        .here = WEFT_WAITER(&here_class, NULL),
    };
    wait.here.task = self;
    int rc = wf_far_watch(&wait.watch);
    if (rc < 0)
        return rc;
    rc = is_shielded ? weft_park_shielded(&wait.here) : weft_park(&wait.here);
    *out_withdrawn = wf_far_is_withdrawn(&wait.watch);
    if (!*out_withdrawn && rc < 0)
        wf_note_put(self, rc, wait.watch.note);
    return rc;
}
