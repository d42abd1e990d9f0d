/* SPDX-License-Identifier: MIT */

#include "match/gate.h"

#include <assert.h>
#include <weft/sys/loop.h>
#include <weft/sys/park.h>
#include <weft/task.h>

/* One that waits, on its own stack.  It stays in `waiters` until it is granted or cancelled; a task
 * that is granted has a message on the way that wakes it. */
struct gate_waiter {
    wf_list link;
    wf_gate *gate;
    enum wf_gate_mode mode;
    bool is_granted;

    weft_loop *loop; /* NULL: a plain thread, which sleeps at `granted` */
    weft_waiter waiter;
    weft_msg msg;
    pthread_cond_t granted;
};

void wf_gate_init(wf_gate *gate)
{
    *gate = (wf_gate){0};
    pthread_mutex_init(&gate->lock, NULL);
    wf_list_init(&gate->waiters);
}

void wf_gate_fini(wf_gate *gate)
{
    assert(gate->shared_count == 0);
    assert(!gate->is_exclusive);
    assert(wf_list_is_empty(&gate->waiters));
    pthread_mutex_destroy(&gate->lock);
}

static bool can_enter(const wf_gate *gate, enum wf_gate_mode mode)
{
    return !gate->is_exclusive && (mode == WF_GATE_SHARED || gate->shared_count == 0);
}

static void count_in(wf_gate *gate, enum wf_gate_mode mode)
{
    if (mode == WF_GATE_SHARED)
        gate->shared_count++;
    else
        gate->is_exclusive = true;
}

static void granted_msg(weft_msg *msg)
{
    struct gate_waiter *self = wf_container(msg, struct gate_waiter, msg);
    weft_loop_unhold(self->loop);
    weft_wake(&self->waiter, 0);
}

/* Lets in whom it can, first come first served.  Under the lock. */
static void grant(wf_gate *gate)
{
    while (!wf_list_is_empty(&gate->waiters)) {
        struct gate_waiter *first = wf_container(gate->waiters.next, struct gate_waiter, link);
        if (!can_enter(gate, first->mode))
            return;
        count_in(gate, first->mode);
        wf_list_remove(&first->link);
        first->is_granted = true;
        if (first->loop == NULL)
            pthread_cond_signal(&first->granted);
        else
            weft_post_msg(first->loop, &first->msg);
    }
}

void wf_gate_leave(wf_gate *gate, enum wf_gate_mode mode)
{
    pthread_mutex_lock(&gate->lock);
    if (mode == WF_GATE_SHARED) {
        assert(gate->shared_count > 0);
        gate->shared_count--;
    } else {
        assert(gate->is_exclusive);
        gate->is_exclusive = false;
    }
    grant(gate);
    pthread_mutex_unlock(&gate->lock);
}

/* A granted waiter is inside already: it is woken by its message, and its task sees the cancel at
 * the next suspension point. */
static void gate_cancel(weft_waiter *waiter)
{
    struct gate_waiter *self = wf_container(waiter, struct gate_waiter, waiter);
    pthread_mutex_lock(&self->gate->lock);
    bool leaves = !self->is_granted;
    if (leaves) {
        wf_list_remove(&self->link);
        grant(self->gate); /* who stood behind an exclusive one may fit in now */
    }
    pthread_mutex_unlock(&self->gate->lock);
    if (leaves) {
        weft_loop_unhold(self->loop);
        weft_wake(waiter, -ECANCELED);
    }
}

static const weft_wait_class gate_wait = {.what = "matcher", .cancel = gate_cancel};

static void sleep_until_granted(struct gate_waiter *self)
{
    while (!self->is_granted)
        pthread_cond_wait(&self->granted, &self->gate->lock);
}

static int enter(wf_gate *gate, enum wf_gate_mode mode, bool is_shielded)
{
    bool is_task = weft_self().id != 0;
    int rc = is_task && !is_shielded ? weft_check() : 0;
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&gate->lock);
    if (wf_list_is_empty(&gate->waiters) && can_enter(gate, mode)) {
        count_in(gate, mode);
        pthread_mutex_unlock(&gate->lock);
        return 0;
    }
    struct gate_waiter self = {.gate = gate,
                               .mode = mode,
                               .loop = is_task ? weft_loop_self() : NULL,
                               .waiter = WEFT_WAITER(&gate_wait, gate),
                               .msg = {.fn = granted_msg},
                               .granted = PTHREAD_COND_INITIALIZER};
    wf_list_append(&gate->waiters, &self.link);
    if (self.loop == NULL) {
        sleep_until_granted(&self);
        pthread_mutex_unlock(&gate->lock);
        pthread_cond_destroy(&self.granted);
        return 0;
    }
    weft_loop_hold(self.loop); /* whoever leaves may be outside */
    pthread_mutex_unlock(&gate->lock);
    return is_shielded ? weft_park_shielded(&self.waiter) : weft_park(&self.waiter);
}

int wf_gate_enter(wf_gate *gate, enum wf_gate_mode mode)
{
    return enter(gate, mode, /* is_shielded= */ false);
}

void wf_gate_enter_shielded(wf_gate *gate, enum wf_gate_mode mode)
{
    int rc = enter(gate, mode, /* is_shielded= */ true);
    assert(rc == 0);
    (void)rc;
}
