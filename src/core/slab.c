/* SPDX-License-Identifier: MIT */

/* Records of one size in chunks that never move.  A free record keeps its bytes but for the first
 * word, which links the free list; generations live outside that word. */

#include "core/sched_priv.h"

#include "base/alloc.h"

void wf_slab_init(struct wf_slab *slab, size_t item_bytes, uint32_t used_max)
{
    *slab = (struct wf_slab){.item_bytes = item_bytes, .used_max = used_max};
}

void wf_slab_fini(struct wf_slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        wf_free(slab->chunks[i]);
    wf_free(slab->chunks);
    *slab = (struct wf_slab){0};
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
    void *chunk = wf_array(WF_SLAB_CHUNK_ITEMS, slab->item_bytes);
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

int wf_slab_take(struct wf_slab *slab, uint32_t *out_slot, void **out)
{
    if (slab->used >= slab->used_max)
        return -EAGAIN;
    if (slab->free_head == 0) {
        int rc = slab_add_chunk(slab);
        if (rc < 0)
            return rc;
    }
    uint32_t slot = slab->free_head - 1;
    void *item = wf_slab_item(slab, slot);
    slab->free_head = *(uint32_t *)item;
    slab->used++;
    *out_slot = slot;
    *out = item;
    return 0;
}

void wf_slab_give(struct wf_slab *slab, uint32_t slot)
{
    *(uint32_t *)wf_slab_item(slab, slot) = slab->free_head;
    slab->free_head = slot + 1;
    slab->used--;
}
