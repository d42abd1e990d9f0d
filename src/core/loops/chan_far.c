/* SPDX-License-Identifier: MIT */

/*
 * Channels of other loops.  A send or receive is an errand on the caller's stack: the channel's
 * loop does it there and then, or queues a waiter for it among its own tasks'.  So order, limits
 * and who wins a race with a cancel are what they are at home.
 */

#include "base/list.h"
#include "core/loops/errand.h"
#include "core/sync/chan_priv.h"
#include "core/task/park_priv.h"

struct chan_errand {
    struct wf_errand errand;
    weft_waiter here; /* the caller parks on it */
    weft_chan_waiter there;
    weft_chan *chan;
    void *item; /* the caller's memory */
    bool is_send;
    int rc;
};

static struct chan_errand *of_errand(struct wf_errand *errand)
{
    return wf_container(errand, struct chan_errand, errand);
}

static void chan_answer(struct chan_errand *self, int rc)
{
    self->rc = rc;
    wf_errand_answer(&self->errand);
}

static void there_woken(weft_waiter *waiter)
{
    weft_chan_waiter *there = wf_container(waiter, weft_chan_waiter, priv_waiter);
    chan_answer(wf_container(there, struct chan_errand, there), waiter->rc);
}

static const weft_wait_class there_class = {.what = "channel", .woken = there_woken};

static void chan_arrive(struct wf_errand *errand)
{
    struct chan_errand *self = of_errand(errand);
    int rc = self->is_send ? weft_try_send(self->chan, self->item)
                           : weft_try_recv(self->chan, self->item);
    if (rc != -EAGAIN) {
        chan_answer(self, rc);
        return;
    }
    self->there = (weft_chan_waiter){
        .priv_waiter = WEFT_WAITER(&there_class, self->chan),
        .priv_item = self->item,
    };
    if (self->is_send)
        wf_chan_push_sender(self->chan, &self->there);
    else
        wf_chan_push_receiver(self->chan, &self->there);
}

static void chan_recalled(struct wf_errand *errand)
{
    struct chan_errand *self = of_errand(errand);
    wf_waitq_remove(&self->there.priv_waiter);
    chan_answer(self, -ECANCELED);
}

static void chan_back(struct wf_errand *errand)
{
    struct chan_errand *self = of_errand(errand);
    wf_wake(&self->here, self->rc);
}

static const struct wf_errand_class chan_errand_class = {
    .arrive = chan_arrive,
    .recall = chan_recalled,
    .back = chan_back,
};

static void here_cancel(weft_waiter *waiter)
{
    wf_errand_recall(&wf_container(waiter, struct chan_errand, here)->errand);
}

static const weft_wait_class here_class = {
    .what = "channel of another loop",
    .cancel = here_cancel,
};

int wf_chan_far(weft_chan *chan, weft_loop *loop, void *item, bool is_send)
{
    struct chan_errand self = {
        .here = WEFT_WAITER(&here_class, chan),
        .chan = chan,
        .item = item,
        .is_send = is_send,
    };
    self.here.task = wf_current();
    wf_errand_send(&self.errand, &chan_errand_class, loop);
    return weft_park(&self.here);
}
