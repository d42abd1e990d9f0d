/* SPDX-License-Identifier: MIT */

#include <weft/chan.h>

#include <weft/scope.h>
#include <weft/sys/opened.h>

#include "base/alloc.h"
#include "base/list.h"
#include "core/loop/loop_priv.h"
#include "core/sync/chan_priv.h"
#include "core/sync/sync_priv.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/*
 * Invariants.  Receivers wait only while nothing is stored, senders only while the store is full.
 * Both wait at once only if one select offers both.  A closed channel has no waiters.
 *
 * An item goes from the sender's memory to the receiver's in one copy if the receiver waits, and
 * whoever finds the other side waiting finishes the transfer for both: a task that is woken has
 * nothing left to do, and a cancel that comes after cannot lose or double the item.
 */
struct weft_chan {
    weft_waitq senders, receivers;
    size_t item_bytes, capacity;
    size_t first, count; /* stored items are items[first], … modulo capacity */
    weft_loop *loop;     /* of its users; NULL until the first use if made outside a loop */
    bool is_closed;
    bool is_shared;      /* with tasks of other loops, see chan_far.c */
    bool is_close_asked; /* atomic: `close_msg` is used, once, by the first to close */
    uint8_t close_how;
    weft_msg close_msg;
    _Alignas(max_align_t) unsigned char items[];
};

static const weft_wait_class chan_send_class = {.what = "channel send"};
static const weft_wait_class chan_recv_class = {.what = "channel receive"};

static void chan_name(const void *object, char *out, size_t bytes)
{
    const weft_chan *chan = object;
    snprintf(out, bytes, "of %zu items of %zu bytes", chan->capacity, chan->item_bytes);
}

static const weft_open_kind chan_kind = {"channel", "weft_chan_free()", chan_name};

size_t wf_chan_item_bytes(const weft_chan *chan)
{
    return chan->item_bytes;
}

int weft_chan_new(weft_chan **out, size_t item_bytes, size_t capacity)
{
    size_t bytes;
    if (!wf_mul_ok(item_bytes, capacity, &bytes) || !wf_add_ok(bytes, sizeof(weft_chan), &bytes))
        return -EOVERFLOW;
    weft_chan *chan = wf_alloc(bytes);
    if (chan == NULL)
        return -ENOMEM;
    chan->item_bytes = item_bytes;
    chan->capacity = capacity;
    chan->loop = wf_loop_current;
    weft_opened(chan, &chan_kind);
    *out = chan;
    return 0;
}

static void chan_on_close(weft_msg *msg)
{
    weft_chan *chan = wf_container(msg, weft_chan, close_msg);
    (void)weft_chan_close(chan, (enum weft_chan_close)chan->close_how);
}

int weft_chan_new_shared(weft_chan **out, size_t item_bytes, size_t capacity)
{
    if (wf_loop_current == NULL)
        return -EPERM;
    int rc = weft_chan_new(out, item_bytes, capacity);
    if (rc < 0)
        return rc;
    (*out)->is_shared = true;
    (*out)->close_msg.fn = chan_on_close;
    return 0;
}

void weft_chan_free(weft_chan *chan)
{
    if (chan == NULL)
        return;
    assert(weft_waitq_first(&chan->senders) == NULL);
    assert(weft_waitq_first(&chan->receivers) == NULL);
    weft_closed(chan, &chan_kind);
    wf_free(chan);
}

/* ---- the store ---- */

static void chan_copy(const weft_chan *chan, void *to, const void *from)
{
    if (chan->item_bytes == sizeof(void *)) /* what most channels carry; no call */
        memcpy(to, from, sizeof(void *));
    else if (chan->item_bytes != 0) /* signals may come without memory */
        memcpy(to, from, chan->item_bytes);
}

static void *chan_slot(weft_chan *chan, size_t index)
{
    size_t at = chan->first + index;
    if (at >= chan->capacity)
        at -= chan->capacity;
    return chan->items + at * chan->item_bytes;
}

static void chan_store(weft_chan *chan, const void *item)
{
    assert(chan->count < chan->capacity);
    chan_copy(chan, chan_slot(chan, chan->count), item);
    chan->count++;
}

static void chan_unstore(weft_chan *chan, void *out_item)
{
    chan_copy(chan, out_item, chan_slot(chan, 0));
    chan->first = chan->first + 1 == chan->capacity ? 0 : chan->first + 1;
    chan->count--;
}

/* ---- without waiting ---- */

static weft_chan_waiter *chan_pop(weft_waitq *queue)
{
    weft_waiter *waiter = wf_waitq_pop(queue);
    return waiter == NULL ? NULL : wf_container(waiter, weft_chan_waiter, priv_waiter);
}

/* Rule P10.  A channel made before the run belongs to the first loop that uses it. */
static bool chan_is_foreign(weft_chan *chan)
{
    if (chan->loop == NULL)
        chan->loop = wf_loop_current;
    return chan->loop != wf_loop_current;
}

static WF_IN_PLACE int chan_try_send(weft_chan *chan, const void *item)
{
    if (chan->is_closed)
        return -EPIPE;
    weft_chan_waiter *receiver = chan_pop(&chan->receivers);
    if (receiver != NULL) {
        chan_copy(chan, receiver->priv_item, item);
        wf_wake_taken(&receiver->priv_waiter, 1);
        return 0;
    }
    if (chan->count == chan->capacity)
        return -EAGAIN;
    chan_store(chan, item);
    return 0;
}

static WF_IN_PLACE int chan_try_recv(weft_chan *chan, void *out_item)
{
    if (chan->count > 0) {
        chan_unstore(chan, out_item);
        weft_chan_waiter *sender = chan_pop(&chan->senders);
        if (sender != NULL) {
            chan_store(chan, sender->priv_item);
            wf_wake_taken(&sender->priv_waiter, 0);
        }
        return 1;
    }
    weft_chan_waiter *sender = chan_pop(&chan->senders); /* capacity 0 */
    if (sender != NULL) {
        chan_copy(chan, out_item, sender->priv_item);
        wf_wake_taken(&sender->priv_waiter, 0);
        return 1;
    }
    return chan->is_closed ? 0 : -EAGAIN;
}

int weft_try_send(weft_chan *chan, const void *item)
{
    if (chan_is_foreign(chan))
        return -EPERM;
    return chan_try_send(chan, item);
}

int weft_try_recv(weft_chan *chan, void *out_item)
{
    if (chan_is_foreign(chan))
        return -EPERM;
    return chan_try_recv(chan, out_item);
}

/* ---- waiting ---- */

void wf_chan_push_sender(weft_chan *chan, weft_chan_waiter *sender)
{
    sender->priv_since = wf_wait_order();
    wf_waitq_push(&chan->senders, &sender->priv_waiter);
}

void wf_chan_push_receiver(weft_chan *chan, weft_chan_waiter *receiver)
{
    receiver->priv_since = wf_wait_order();
    wf_waitq_push(&chan->receivers, &receiver->priv_waiter);
}

/* Calls of their own, so that what need not wait saves no registers for a switch.  They are jumped
 * to: no level lies between them and the caller. */
static __attribute__((noinline)) int chan_wait_to_send(weft_chan *chan, const void *item)
{
    weft_chan_waiter self = {
        .priv_waiter = WEFT_WAITER(&chan_send_class, chan),
        .priv_item = (void *)item, /* only read */
    };
    wf_chan_push_sender(chan, &self);
    return wf_sync_park(&self.priv_waiter);
}

static __attribute__((noinline)) int chan_wait_to_recv(weft_chan *chan, void *out_item)
{
    weft_chan_waiter self = {
        .priv_waiter = WEFT_WAITER(&chan_recv_class, chan),
        .priv_item = out_item,
    };
    wf_chan_push_receiver(chan, &self);
    return wf_sync_park(&self.priv_waiter);
}

static __attribute__((noinline)) int chan_elsewhere(weft_chan *chan, void *item, bool is_send)
{
    bool has_gone = !chan->is_shared || chan->loop->is_parents;
    return has_gone ? -EPERM : wf_chan_far(chan, chan->loop, item, is_send);
}

static __attribute__((noinline)) int chan_send(weft_chan *chan, const void *item)
{
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;
    if (__builtin_expect(chan_is_foreign(chan), 0))
        return chan_elsewhere(chan, (void *)(uintptr_t)item, /* is_send= */ true);
    rc = chan_try_send(chan, item);
    return rc == -EAGAIN ? chan_wait_to_send(chan, item) : rc;
}

static __attribute__((noinline)) int chan_recv(weft_chan *chan, void *out_item)
{
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;
    if (__builtin_expect(chan_is_foreign(chan), 0))
        return chan_elsewhere(chan, out_item, /* is_send= */ false);
    rc = chan_try_recv(chan, out_item);
    return rc == -EAGAIN ? chan_wait_to_recv(chan, out_item) : rc;
}

/* ---- the usual way ----
 *
 * Those two are the whole of it.  Most channels carry a pointer between tasks that wait for nothing
 * else; what follows is that alone, and needs no frame. */

#define CHAN_WORD sizeof(uint64_t)

/* Looks at nothing that another loop writes, until the channel is known to be this one's. */
static WF_IN_PLACE bool chan_is_usual(const weft_chan *chan, const struct wf_sched *sched)
{
    return sched != NULL && sched->current != NULL && !wf_sp_is_rare(sched) &&
           chan->loop == sched->loop && chan->item_bytes == CHAN_WORD;
}

static WF_IN_PLACE bool is_in_select(const weft_waiter *waiter)
{
    return waiter->wait_class->woken != NULL;
}

static WF_IN_PLACE void *chan_item_of(weft_waiter *waiter)
{
    return wf_container(waiter, weft_chan_waiter, priv_waiter)->priv_item;
}

int weft_send(weft_chan *chan, const void *item)
{
    struct wf_sched *sched = wf_sched_self();
    if (!chan_is_usual(chan, sched) || chan->is_closed)
        return chan_send(chan, item);
    weft_waiter *receiver = chan->receivers.priv_head;
    if (receiver != NULL && is_in_select(receiver))
        return chan_send(chan, item);
    sched->streak++;
    if (receiver != NULL) {
        wf_waitq_take(&chan->receivers, receiver);
        memcpy(chan_item_of(receiver), item, CHAN_WORD);
        wf_wake_taken(receiver, 1);
        return 0;
    }
    if (chan->count == chan->capacity)
        return chan_wait_to_send(chan, item);
    memcpy(chan_slot(chan, chan->count), item, CHAN_WORD);
    chan->count++;
    return 0;
}

int weft_recv(weft_chan *chan, void *out_item)
{
    struct wf_sched *sched = wf_sched_self();
    if (!chan_is_usual(chan, sched))
        return chan_recv(chan, out_item);
    weft_waiter *sender = chan->senders.priv_head;
    if (sender != NULL && (chan->count != 0 || is_in_select(sender)))
        return chan_recv(chan, out_item);
    sched->streak++;
    if (sender != NULL) {
        wf_waitq_take(&chan->senders, sender);
        memcpy(out_item, chan_item_of(sender), CHAN_WORD);
        wf_wake_taken(sender, 0);
        return 1;
    }
    if (chan->count == 0)
        return chan->is_closed ? 0 : chan_wait_to_recv(chan, out_item);
    memcpy(out_item, chan_slot(chan, 0), CHAN_WORD);
    chan->first = chan->first + 1 == chan->capacity ? 0 : chan->first + 1;
    chan->count--;
    return 1;
}

/* Goes on filling `items`, of which `count` are there; waits for none if `may_wait` is false. */
static size_t chan_fill(weft_chan *chan, char *items, size_t count, size_t count_max, bool may_wait)
{
    for (; count < count_max; count++) {
        void *at = items + count * chan->item_bytes;
        int rc = may_wait ? weft_recv(chan, at) : weft_try_recv(chan, at);
        if (rc <= 0)
            break;
    }
    return count;
}

int weft_recv_batch(weft_chan *chan, void *out_items, size_t count_max, weft_time linger)
{
    if (count_max == 0 || count_max > INT_MAX)
        return -EINVAL;
    int rc = weft_recv(chan, out_items);
    if (rc <= 0)
        return rc;
    size_t count = chan_fill(chan, out_items, 1, count_max, /* may_wait= */ false);
    if (count < count_max && linger > 0) {
        weft_scope limit;
        (void)weft_scope_open(&limit, weft_after(linger), 0);
        count = chan_fill(chan, out_items, count, count_max, /* may_wait= */ true);
        weft_scope_end_(&limit);
    }
    return (int)count;
}

/* ---- the rest ---- */

/* By a message: it comes behind what this loop has sent. */
static void chan_close_elsewhere(weft_chan *chan, enum weft_chan_close how)
{
    if (chan->loop->is_parents ||
        __atomic_exchange_n(&chan->is_close_asked, true, __ATOMIC_RELAXED))
        return;
    chan->close_how = (uint8_t)how;
    weft_post_msg(chan->loop, &chan->close_msg);
}

/* One of another loop's may be closed here when nobody waits: its loop may have gone. */
static bool chan_is_awaited_elsewhere(const weft_chan *chan)
{
    bool is_awaited = wf_waitq_is_foreign(&chan->senders) || wf_waitq_is_foreign(&chan->receivers);
    if (is_awaited)
        wf_sync_misuse("channel", chan, "closed from another loop");
    return is_awaited;
}

size_t weft_chan_close(weft_chan *chan, enum weft_chan_close how)
{
    if (chan->is_shared && chan_is_foreign(chan)) {
        chan_close_elsewhere(chan, how);
        return 0;
    }
    if (chan->is_closed || (!chan->is_shared && chan_is_awaited_elsewhere(chan)))
        return 0;
    chan->is_closed = true;
    size_t dropped = how == WEFT_CHAN_DISCARD ? chan->count : 0;
    chan->count -= dropped;
    wf_waitq_wake_all(&chan->senders, -EPIPE);
    wf_waitq_wake_all(&chan->receivers, 0);
    return dropped;
}

size_t weft_chan_count(const weft_chan *chan)
{
    return chan->count;
}

bool weft_chan_is_closed(const weft_chan *chan)
{
    return chan->is_closed;
}

static uint64_t chan_since(const weft_waitq *queue)
{
    weft_waiter *first = weft_waitq_first(queue);
    return first == NULL ? WF_CHAN_NOBODY
                         : wf_container(first, weft_chan_waiter, priv_waiter)->priv_since;
}

bool wf_chan_can_send(weft_chan *chan, uint64_t *out_since)
{
    *out_since = chan_since(&chan->receivers);
    return *out_since != WF_CHAN_NOBODY || chan->count < chan->capacity || chan->is_closed ||
           chan_is_foreign(chan);
}

bool wf_chan_can_recv(weft_chan *chan, uint64_t *out_since)
{
    *out_since = chan_since(&chan->senders);
    return *out_since != WF_CHAN_NOBODY || chan->count > 0 || chan->is_closed ||
           chan_is_foreign(chan);
}
