/* SPDX-License-Identifier: MIT */

#include "core/backend/recv_batch.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <assert.h>

/* Small messages lie close together; a large one still finds its place behind them. */
#define BATCH_MEM_BYTES (2 * WF_RECV_BATCH_BYTES)
#define BATCH_ALIGN ((size_t)64)

int wf_recv_batch_open(struct wf_recv_batch *batch)
{
    batch->mem = wf_grow(NULL, BATCH_MEM_BYTES, 1);
    return batch->mem != NULL ? 0 : -ENOMEM;
}

void wf_recv_batch_close(struct wf_recv_batch *batch)
{
    wf_free(batch->mem);
    batch->mem = NULL;
}

bool wf_recv_batch_is_full(const struct wf_recv_batch *batch)
{
    return batch->count == WF_RECV_BATCH_COUNT ||
           BATCH_MEM_BYTES - batch->used < WF_RECV_BATCH_BYTES;
}

ssize_t wf_recv_batch_take(struct wf_recv_batch *batch, weft_op *op)
{
    assert(!wf_recv_batch_is_full(batch));
    char *data = batch->mem + batch->used;
    ssize_t got = wf_sys_recv(op->args.fd, data, WF_RECV_BATCH_BYTES, 0);
    if (got <= 0)
        return got;
    batch->items[batch->count].op = op;
    batch->items[batch->count].data = data;
    batch->items[batch->count].bytes = (int)got;
    batch->count++;
    batch->used += ((size_t)got + BATCH_ALIGN - 1) & ~(BATCH_ALIGN - 1);
    return got;
}

int wf_recv_batch_tell(weft_loop *loop, struct wf_recv_batch *batch)
{
    int told = (int)batch->count;
    for (uint32_t i = 0; i < batch->count; i++) {
        weft_op *op = batch->items[i].op;
        weft_completion completion = {.result = batch->items[i].bytes,
                                      .data = batch->items[i].data};
        wf_op_complete(loop, op, &completion);
        if (op->state == WF_OP_CANCELLING) {
            wf_op_finish(loop, op, -ECANCELED);
            told++;
        }
    }
    batch->count = 0;
    batch->used = 0;
    return told;
}
