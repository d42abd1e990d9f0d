/* SPDX-License-Identifier: MIT */

/* Records of one size in chunks that never move.  A slot is a record's number; what of a record
 * must outlive it, like its generation, may not lie in its first word, which links the free ones.
 */
#ifndef WF_SLAB_H
#define WF_SLAB_H

#include <weft/base.h>

#define WF_SLAB_CHUNK_BITS 8
#define WF_SLAB_CHUNK_ITEMS (1u << WF_SLAB_CHUNK_BITS)

struct wf_slab {
    void **chunks; /* aligned to cache lines */
    uint32_t chunk_count, chunk_max;
    uint32_t free_head; /* slot + 1 */
    uint32_t used, used_max;
    size_t item_bytes;
};

void wf_slab_init(struct wf_slab *slab, size_t item_bytes, uint32_t used_max);
void wf_slab_fini(struct wf_slab *slab);
int wf_slab_refill(struct wf_slab *slab); /* -ENOMEM, -EAGAIN */

static inline void *wf_slab_item(const struct wf_slab *slab, uint32_t slot)
{
    char *chunk = slab->chunks[slot >> WF_SLAB_CHUNK_BITS];
    return chunk + (size_t)(slot & (WF_SLAB_CHUNK_ITEMS - 1)) * slab->item_bytes;
}

/* -ENOMEM, -EAGAIN. */
static inline int wf_slab_take(struct wf_slab *slab, uint32_t *out_slot, void **out)
{
    if (__builtin_expect(slab->free_head == 0 || slab->used >= slab->used_max, 0)) {
        int rc = wf_slab_refill(slab);
        if (rc < 0)
            return rc;
    }
    uint32_t slot = slab->free_head - 1;
    uint32_t *item = (uint32_t *)wf_slab_item(slab, slot);
    slab->free_head = *item;
    slab->used++;
    *out_slot = slot;
    *out = item;
    return 0;
}

static inline void wf_slab_give(struct wf_slab *slab, uint32_t slot)
{
    *(uint32_t *)wf_slab_item(slab, slot) = slab->free_head;
    slab->free_head = slot + 1;
    slab->used--;
}

/* NULL if the slot was never used. */
static inline void *wf_slab_at(const struct wf_slab *slab, uint32_t slot)
{
    return slot >> WF_SLAB_CHUNK_BITS < slab->chunk_count ? wf_slab_item(slab, slot) : NULL;
}

#endif
