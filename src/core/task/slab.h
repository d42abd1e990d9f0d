/* SPDX-License-Identifier: MIT */

/*
 * Records of one size in chunks that never move.  A slot is a record's number.  A record that is
 * given back keeps its bytes but for the first word, which links the free ones, and is the first to
 * be used again.  `item_bytes` comes with each call, where it is a constant to the compiler.
 */
#ifndef WF_SLAB_H
#define WF_SLAB_H

#include <weft/base.h>

#define WF_SLAB_CHUNK_BITS 8
#define WF_SLAB_CHUNK_ITEMS (1u << WF_SLAB_CHUNK_BITS)

struct wf_slab {
    void **chunks; /* aligned to cache lines; before it in memory, the array it has replaced */
    void *free;
    uint32_t fresh, fresh_max; /* slots that were ever used */
    uint32_t chunk_count, chunk_max;
    size_t aside_bytes; /* that go with each record, behind the records of its chunk */
};

void wf_slab_init(struct wf_slab *slab, uint32_t item_count_max, size_t aside_bytes);
void wf_slab_fini(struct wf_slab *slab);

/* A record that was given back, or NULL. */
static inline void *wf_slab_reuse(struct wf_slab *slab)
{
    void **item = slab->free;
    if (item != NULL)
        slab->free = *item;
    return item;
}

/* A record never used before: zero.  -ENOMEM, -EAGAIN. */
int wf_slab_fresh(struct wf_slab *slab, size_t item_bytes, uint32_t *out_slot, void **out);

static inline void wf_slab_give(struct wf_slab *slab, void *item)
{
    *(void **)item = slab->free;
    slab->free = item;
}

/* NULL if the slot was never used. */
static inline void *wf_slab_at(const struct wf_slab *slab, uint32_t slot, size_t item_bytes)
{
    if (__builtin_expect(slot >= slab->fresh, 0))
        return NULL;
    char *chunk = slab->chunks[slot >> WF_SLAB_CHUNK_BITS];
    return chunk + (size_t)(slot & (WF_SLAB_CHUNK_ITEMS - 1)) * item_bytes;
}

/* The same for other threads; what the record holds is another matter. */
static inline void *wf_slab_at_shared(const struct wf_slab *slab, uint32_t slot, size_t item_bytes)
{
    if (slot >= __atomic_load_n(&slab->fresh, __ATOMIC_ACQUIRE))
        return NULL;
    void **chunks = __atomic_load_n(&slab->chunks, __ATOMIC_ACQUIRE);
    char *chunk = chunks[slot >> WF_SLAB_CHUNK_BITS];
    return chunk + (size_t)(slot & (WF_SLAB_CHUNK_ITEMS - 1)) * item_bytes;
}

/* What lies aside of a slot that was used; any thread.  It is zero at first and never cleared. */
static inline void *wf_slab_aside(const struct wf_slab *slab, uint32_t slot, size_t item_bytes)
{
    void **chunks = __atomic_load_n(&slab->chunks, __ATOMIC_ACQUIRE);
    char *chunk = chunks[slot >> WF_SLAB_CHUNK_BITS];
    return chunk + WF_SLAB_CHUNK_ITEMS * item_bytes +
           (size_t)(slot & (WF_SLAB_CHUNK_ITEMS - 1)) * slab->aside_bytes;
}

#endif
