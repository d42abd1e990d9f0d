/* SPDX-License-Identifier: MIT */

/*
 * Channel: a bounded queue of items between tasks of one loop.
 *
 * Items are copied in and out and keep their order.  A full channel makes senders wait, an empty
 * one receivers: that is the back pressure.  There is no channel without a limit.  With capacity 0
 * a send returns when a receiver has the item.
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

/* Makes a channel in *out for items of `item_bytes` (0: signals without content), which stores
 * `capacity` of them at most.  0, -ENOMEM; -EOVERFLOW if the two do not multiply.  On failure *out
 * is not touched. */
WEFT_API WEFT_MUST_USE int weft_chan_new(weft_chan **out, size_t item_bytes, size_t capacity);

/* The same for tasks of several loops of the run (loops.h).  It belongs to the loop of the calling
 * task.  From other loops send, receive and close go there by a message: by the same rules and in
 * the same order of coming, only slower; a close there returns 0 and takes effect behind what was
 * sent from that loop before.  The other calls, and select, are for its own loop (-EPERM).
 * -EPERM outside a run. */
WEFT_API WEFT_MUST_USE int weft_chan_new_shared(weft_chan **out, size_t item_bytes,
                                                size_t capacity);

/* Frees it with what is stored.  Nobody may wait on it: close it and join its users first.  NULL is
 * fine. */
WEFT_API void weft_chan_free(weft_chan *chan);

/* Copies *item into the channel, waiting for room; first come, first served.  0: it is in, or a
 * receiver has it.  Otherwise nothing was sent: -EPIPE: closed; -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_send(weft_chan *chan, const void *item);

/* Copies the oldest item to *out_item and takes it off, waiting for one; first come, first served.
 * 1: got one.  0: closed, and nothing is left.  -ECANCELED: nothing was taken. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_recv(weft_chan *chan, void *out_item);

/* Takes up to `count_max` items, one behind the other: waits for the first as weft_recv() does,
 * then at most `linger` for others.  The number taken, at least 1; 0, -ECANCELED as above; -EINVAL:
 * room for none, or for more than INT_MAX.  Once it has taken one it cannot fail: a cancel shows at
 * the next wait. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_recv_batch(weft_chan *chan, void *out_items,
                                                      size_t count_max, weft_time linger);

/* The same without waiting: -EAGAIN if it would have to.  With capacity 0 they succeed only if the
 * other side waits. */
WEFT_API WEFT_MUST_USE int weft_try_send(weft_chan *chan, const void *item);
WEFT_API WEFT_MUST_USE int weft_try_recv(weft_chan *chan, void *out_item);

enum weft_chan_close {
    WEFT_CHAN_KEEP,    /* receivers still get what is stored */
    WEFT_CHAN_DISCARD, /* what is stored is dropped */
};

/* Ends sending: senders, also those who wait, get -EPIPE from now on; receivers get 0 when nothing
 * is left.  Never waits.  Returns how many items were dropped; a second close does nothing and
 * returns 0. */
WEFT_API size_t weft_chan_close(weft_chan *chan, enum weft_chan_close how);

/* Items stored now; at most the capacity. */
WEFT_API size_t weft_chan_count(const weft_chan *chan);
WEFT_API bool weft_chan_is_closed(const weft_chan *chan);

/* One side of a transfer that has not happened yet.  Private; public only because a select case
 * holds one. */
typedef struct weft_chan_waiter {
    weft_waiter priv_waiter;
    void *priv_item;     /* a sender's item, or where a receiver wants it */
    uint64_t priv_since; /* order of coming, over all channels of the loop */
} weft_chan_waiter;

WEFT_END_DECLS

#endif
