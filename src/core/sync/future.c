/* SPDX-License-Identifier: MIT */

#include <weft/future.h>

#include "base/list.h"
#include "core/loop/loop_priv.h"
#include "core/sync/sync_priv.h"

#include <assert.h>

/*
 * The states, and who moves from one to the next:
 *
 *     NEW ----first wait----> WAITED ----last waiter cancelled----> NEW
 *     NEW ----set, any thread----> SET
 *     WAITED ----set, any thread----> ON_ITS_WAY ----message, the loop----> SET
 *
 * In WAITED and ON_ITS_WAY priv_loop is the loop of those who wait and priv_waiters is not empty,
 * so that loop lives.  A result is given out only in SET: while the message is on its way the
 * future's memory is still in use by it, and a task that has the result may free that memory.
 *
 * priv_rc and priv_value belong to the one set that took priv_is_claimed until it moves the state
 * on (release); who reads SET (acquire) sees them.
 */
enum { FUTURE_NEW, FUTURE_WAITED, FUTURE_ON_ITS_WAY, FUTURE_SET };

struct future_waiter {
    weft_waiter waiter;
    void **out_value; /* or NULL */
};

static void future_cancel(weft_waiter *waiter);

static const weft_wait_class future_wait_class = {.what = "future", .cancel = future_cancel};

static uint32_t future_state(const weft_future *future)
{
    return __atomic_load_n(&future->priv_state, __ATOMIC_ACQUIRE);
}

static bool future_move(weft_future *future, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&future->priv_state, &from, to, /* weak= */ false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* On the loop's thread, with the set done. */
static void future_deliver(weft_future *future)
{
    future->priv_loop->future_count--;
    __atomic_store_n(&future->priv_state, FUTURE_SET, __ATOMIC_RELEASE);
    /* The first to run may free the future: give each what it needs now. */
    for (weft_waiter *waiter; (waiter = wf_waitq_pop(&future->priv_waiters)) != NULL;) {
        struct future_waiter *self = wf_container(waiter, struct future_waiter, waiter);
        if (self->out_value != NULL)
            *self->out_value = future->priv_value;
        wf_wake(waiter, future->priv_rc);
    }
}

static void future_on_message(weft_msg *msg)
{
    future_deliver(wf_container(msg, weft_future, priv_msg));
}

static void future_cancel(weft_waiter *waiter)
{
    weft_future *future = waiter->object;
    wf_waitq_remove(waiter);
    if (weft_waitq_first(&future->priv_waiters) == NULL) {
        if (!future_move(future, FUTURE_WAITED, FUTURE_NEW)) {
            /* A set came first.  Its message will find this waiter. */
            wf_waitq_push(&future->priv_waiters, waiter);
            return;
        }
        future->priv_loop->future_count--;
    }
    wf_wake(waiter, -ECANCELED);
}

/* Makes the calling task's loop the one to tell.  0: it will be; 1: set meanwhile; -EPERM. */
static int future_subscribe(weft_future *future)
{
    if (weft_waitq_first(&future->priv_waiters) != NULL)
        return future->priv_loop == wf_loop_current ? 0 : -EPERM;
    future->priv_loop = wf_loop_current;
    future->priv_msg.fn = future_on_message;
    if (!future_move(future, FUTURE_NEW, FUTURE_WAITED))
        return 1;
    future->priv_loop->future_count++;
    return 0;
}

int weft_future_wait(weft_future *future, void **out_value)
{
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;
    rc = future_state(future) == FUTURE_SET ? 1 : future_subscribe(future);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        if (out_value != NULL)
            *out_value = future->priv_value;
        return future->priv_rc;
    }

    struct future_waiter self = {WEFT_WAITER(&future_wait_class, future), out_value};
    wf_waitq_push(&future->priv_waiters, &self.waiter);
    return wf_sync_park(&self.waiter);
}

int weft_future_set(weft_future *future, int rc, void *value)
{
    if (__atomic_exchange_n(&future->priv_is_claimed, 1, __ATOMIC_RELAXED) != 0)
        return -EALREADY;
    future->priv_rc = rc;
    future->priv_value = value;

    /* The first move that works decides; only waiters that come and go make us try again. */
    for (;;) {
        if (future_move(future, FUTURE_NEW, FUTURE_SET))
            return 0; /* and now the future may be gone */
        if (future_move(future, FUTURE_WAITED, FUTURE_ON_ITS_WAY))
            break;
    }
    if (future->priv_loop->is_parents)
        return -EPERM;
    if (future->priv_loop == wf_loop_current)
        future_deliver(future);
    else
        weft_post_msg(future->priv_loop, &future->priv_msg);
    return 0;
}

bool weft_future_is_set(const weft_future *future)
{
    return future_state(future) == FUTURE_SET;
}
