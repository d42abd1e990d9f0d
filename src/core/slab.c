/* SPDX-License-Identifier: MIT */

#include "core/slab.h"

#include "base/alloc.h"

#include <errno.h>

#define SLAB_LINE_BYTES 64 /* allocations are aligned to 16: there is room before the chunk */

void wf_slab_init(struct wf_slab *slab, uint32_t item_count_max)
{
    *slab = (struct wf_slab){.fresh_max = item_count_max};
}

void wf_slab_fini(struct wf_slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        wf_free(((void **)slab->chunks[i])[-1]);
    wf_free(slab->chunks);
    *slab = (struct wf_slab){0};
}

/* Aligned; what is to be freed stands before it. */
static void *slab_new_chunk(size_t item_bytes)
{
    char *block = wf_alloc(WF_SLAB_CHUNK_ITEMS * item_bytes + SLAB_LINE_BYTES);
    if (block == NULL)
        return NULL;
    uintptr_t aligned = ((uintptr_t)block + SLAB_LINE_BYTES) & ~(uintptr_t)(SLAB_LINE_BYTES - 1);
    void *chunk = block + (aligned - (uintptr_t)block);
    ((void **)chunk)[-1] = block;
    return chunk;
}

static int slab_add_chunk(struct wf_slab *slab, size_t item_bytes)
{
    if (slab->chunk_count == slab->chunk_max) {
        uint32_t max = slab->chunk_max == 0 ? 16 : slab->chunk_max * 2;
        void **chunks = wf_grow(slab->chunks, max, sizeof *chunks);
        if (chunks == NULL)
            return -ENOMEM;
        slab->chunks = chunks;
        slab->chunk_max = max;
    }
    void *chunk = slab_new_chunk(item_bytes);
    if (chunk == NULL)
        return -ENOMEM;
    slab->chunks[slab->chunk_count++] = chunk;
    return 0;
}

int wf_slab_fresh(struct wf_slab *slab, size_t item_bytes, uint32_t *out_slot, void **out)
{
    if (slab->fresh >= slab->fresh_max)
        return -EAGAIN;
    if (slab->fresh >> WF_SLAB_CHUNK_BITS == slab->chunk_count) {
        int rc = slab_add_chunk(slab, item_bytes);
        if (rc < 0)
            return rc;
    }
    *out_slot = slab->fresh++;
    *out = wf_slab_at(slab, *out_slot, item_bytes);
    return 0;
}
