/* SPDX-License-Identifier: MIT */

/*
 * Channel: a bounded queue of items, between tasks of one loop (weft_chan_new) or of several
 * (weft_chan_new_shared).
 *
 * Items are copied in and out and keep their order.  A full channel makes senders wait, and an
 * empty one receivers, which is back pressure; there is no unbounded channel.  With capacity 0 a
 * send returns when a receiver has the item.
 *
 *     weft_chan *jobs;
 *     int rc = weft_chan_new(&jobs, sizeof(struct job), 16);
 *     ...
 *     rc = weft_send(jobs, &job);           // one task
 *     while ((rc = weft_recv(jobs, &job)) > 0)
 *         do_it(&job);                      // others; 0: closed and drained
 */
#ifndef WEFT_CHAN_H
#define WEFT_CHAN_H

#include <weft/base.h>
#include <weft/sys/park.h>

WEFT_BEGIN_DECLS

typedef struct weft_chan weft_chan;

/* Makes a channel in *out for items of `item_bytes` bytes (0: signals without content), which
 * stores at most `capacity` of them.  0, -ENOMEM; -EOVERFLOW if the product of the two is too
 * large.  On failure *out is not touched. */
WEFT_API WEFT_MUST_USE int weft_chan_new(weft_chan **out, size_t item_bytes, size_t capacity);

/* Like weft_chan_new(), for tasks of several loops of the run (loops.h).  The channel belongs to
 * the loop of the calling task; from other loops weft_send(), weft_recv() and weft_chan_close() go
 * there as messages: the rules and the order are the same, only it takes longer, and such a close
 * returns 0 and takes effect after what that loop has sent before.  All other calls, and
 * weft_select(), are for the channel's own loop (-EPERM).  -EPERM outside a run. */
WEFT_API WEFT_MUST_USE int weft_chan_new_shared(weft_chan **out, size_t item_bytes,
                                                size_t capacity);

/* Frees the channel with the items it stores.  No task may be waiting on it: close it and join its
 * users first.  NULL is fine. */
WEFT_API void weft_chan_free(weft_chan *chan);

/* Copies *item into the channel, waiting for room; first come, first served.  0: the item is in the
 * channel, or a receiver has it.  Otherwise nothing was sent: -EPIPE: the channel is closed;
 * -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_send(weft_chan *chan, const void *item);

/* Takes the oldest item off the channel into *out_item, waiting for one; first come, first served.
 * 1: got an item.  0: the channel is closed, and nothing is left in it.  -ECANCELED: nothing was
 * taken. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_recv(weft_chan *chan, void *out_item);

/* Takes up to `count_max` items into the array `out_items`: waits for the first as weft_recv()
 * does, then at most `linger` for more.  Returns the number taken, at least 1; 0 and -ECANCELED as
 * weft_recv(); -EINVAL: count_max is 0 or above INT_MAX.  Once it has an item it cannot fail: a
 * cancel shows at the next wait. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_recv_batch(weft_chan *chan, void *out_items,
                                                      size_t count_max, weft_time linger);

/* weft_send() and weft_recv() without waiting: -EAGAIN if they would have to.  With capacity 0 they
 * succeed only if a task waits on the other side. */
WEFT_API WEFT_MUST_USE int weft_try_send(weft_chan *chan, const void *item);
WEFT_API WEFT_MUST_USE int weft_try_recv(weft_chan *chan, void *out_item);

enum weft_chan_close {
    WEFT_CHAN_KEEP,    /* receivers still get what is stored */
    WEFT_CHAN_DISCARD, /* what is stored is dropped */
};

/* Closes the channel: from now on senders, also those that wait, get -EPIPE, and receivers get 0
 * when nothing is left.  Never waits.  Returns how many items were dropped; a second close does
 * nothing and returns 0. */
WEFT_API size_t weft_chan_close(weft_chan *chan, enum weft_chan_close how);

/* Items stored now; at most the capacity. */
WEFT_API size_t weft_chan_count(const weft_chan *chan);
WEFT_API bool weft_chan_is_closed(const weft_chan *chan);

/* A sender or receiver that waits.  Private; here only because a weft_case of select.h holds one.
 */
typedef struct weft_chan_waiter {
    weft_waiter priv_waiter;
    void *priv_item;     /* a sender's item, or where a receiver wants it */
    uint64_t priv_since; /* order of coming, over all channels of the loop */
} weft_chan_waiter;

WEFT_END_DECLS

#endif
