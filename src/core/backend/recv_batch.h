/* SPDX-License-Identifier: MIT */

/*
 * Receives of one pass: first the system calls for many descriptors, one after the other, then the
 * callbacks for all of them.  A kernel path and a parser evict each other from the caches;
 * alternating between them for each request costs a twentieth of its CPU time.
 *
 * Invariants.  The bytes of an operation are told once, before anything else is received for it or
 * it ends.  There is room for one more receive whenever nothing is being told.
 */
#ifndef WF_RECV_BATCH_H
#define WF_RECV_BATCH_H

#include "core/backend/backend_priv.h"

/* One receive takes at most this much. */
#define WF_RECV_BATCH_BYTES ((size_t)64 * 1024)
#define WF_RECV_BATCH_COUNT 32

struct wf_recv_batch {
    char *mem;
    size_t used; /* of `mem` */
    uint32_t count;
    struct {
        weft_op *op;
        char *data;
        int bytes;
    } items[WF_RECV_BATCH_COUNT];
};

int wf_recv_batch_open(struct wf_recv_batch *batch);
void wf_recv_batch_close(struct wf_recv_batch *batch);

/* Receives once for `op`, to be delivered later.  Returns what recv(2) did; only bytes are kept. */
ssize_t wf_recv_batch_take(struct wf_recv_batch *batch, weft_op *op);

/* True if there is no room for another receive: deliver first. */
bool wf_recv_batch_is_full(const struct wf_recv_batch *batch);

/* Delivers all, ends operations that are cancelled meanwhile, and returns the number of
 * completions. */
int wf_recv_batch_tell(weft_loop *loop, struct wf_recv_batch *batch);

#endif
