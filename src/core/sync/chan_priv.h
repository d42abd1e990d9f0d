/* SPDX-License-Identifier: MIT */

/* What select and other loops need of a channel. */
#ifndef WF_CHAN_PRIV_H
#define WF_CHAN_PRIV_H

#include <weft/chan.h>
#include <weft/sys/loop.h>

#define WF_CHAN_NOBODY UINT64_MAX

size_t wf_chan_item_bytes(const weft_chan *chan);

/* True if a send or receive would not wait now, be it that it would fail.  *out_since: since when
 * the other side waits for it, to compare over channels; WF_CHAN_NOBODY if nobody does. */
bool wf_chan_can_send(weft_chan *chan, uint64_t *out_since);
bool wf_chan_can_recv(weft_chan *chan, uint64_t *out_since);

/* Queues a waiter whose class, object, task and item are set. */
void wf_chan_push_sender(weft_chan *chan, weft_chan_waiter *sender);
void wf_chan_push_receiver(weft_chan *chan, weft_chan_waiter *receiver);

/* chan_far.c: sends or receives, in a task of another loop than the channel's. */
int wf_chan_far(weft_chan *chan, weft_loop *loop, void *item, bool is_send);

#endif
