/* SPDX-License-Identifier: MIT */

/* Records of one size in chunks that never move.  A free record keeps its bytes but for the first
 * word, which links the free list; generations live outside that word. */

#include "core/sched_priv.h"

#include "base/alloc.h"

#define SLAB_LINE_BYTES 64 /* allocations are aligned to 16: there is room before the chunk */

void wf_slab_init(struct wf_slab *slab, size_t item_bytes, uint32_t used_max)
{
    *slab = (struct wf_slab){.item_bytes = item_bytes, .used_max = used_max};
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

static int slab_add_chunk(struct wf_slab *slab)
{
    if (slab->chunk_count == slab->chunk_max) {
        uint32_t max = slab->chunk_max == 0 ? 16 : slab->chunk_max * 2;
        void **chunks = wf_grow(slab->chunks, max, sizeof *chunks);
        if (chunks == NULL)
            return -ENOMEM;
        slab->chunks = chunks;
        slab->chunk_max = max;
    }
    void *chunk = slab_new_chunk(slab->item_bytes);
    if (chunk == NULL)
        return -ENOMEM;
    uint32_t first = slab->chunk_count++ << WF_SLAB_CHUNK_BITS;
    slab->chunks[slab->chunk_count - 1] = chunk;
    for (uint32_t i = WF_SLAB_CHUNK_ITEMS; i-- > 0;) {
        *(uint32_t *)wf_slab_item(slab, first + i) = slab->free_head;
        slab->free_head = first + i + 1;
    }
    return 0;
}

int wf_slab_refill(struct wf_slab *slab)
{
    if (slab->used >= slab->used_max)
        return -EAGAIN;
    return slab_add_chunk(slab);
}
