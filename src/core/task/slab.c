/* SPDX-License-Identifier: MIT */

#include "core/task/slab.h"

#include "base/alloc.h"

#include <errno.h>
#include <string.h>

#define SLAB_LINE_BYTES 64     /* allocations are aligned to 16: there is room before the chunk */
#define SLAB_CLEARED_ITEMS 16u /* at a time: a divisor of a chunk's */

void wf_slab_init(struct wf_slab *slab, uint32_t item_count_max, size_t aside_bytes)
{
    *slab = (struct wf_slab){.fresh_max = item_count_max, .aside_bytes = aside_bytes};
}

void wf_slab_fini(struct wf_slab *slab)
{
    for (uint32_t i = 0; i < slab->chunk_count; i++)
        wf_free(((void **)slab->chunks[i])[-1]);
    for (void **chunks = slab->chunks; chunks != NULL;) {
        void **before = chunks[-1];
        wf_free(chunks - 1);
        chunks = before;
    }
    *slab = (struct wf_slab){0};
}

/* Aligned; what is to be freed stands before it.  The first is cleared as it is used: a run of a
 * few tasks would pay for all its records.  The others mostly come from the kernel, which has done
 * it. */
static void *slab_new_chunk(size_t bytes, bool is_first)
{
    size_t total = WF_SLAB_CHUNK_ITEMS * bytes + SLAB_LINE_BYTES;
    char *block = is_first ? wf_grow(NULL, total, 1) : wf_alloc(total);
    if (block == NULL)
        return NULL;
    uintptr_t aligned = ((uintptr_t)block + SLAB_LINE_BYTES) & ~(uintptr_t)(SLAB_LINE_BYTES - 1);
    void *chunk = block + (aligned - (uintptr_t)block);
    ((void **)chunk)[-1] = block;
    return chunk;
}

/* Other threads may be looking at the old array, which therefore stays: all of them together are no
 * larger than the new one. */
static int slab_grow(struct wf_slab *slab)
{
    uint32_t max = slab->chunk_max == 0 ? 16 : slab->chunk_max * 2;
    void **block = wf_array(max + 1, sizeof *block);
    if (block == NULL)
        return -ENOMEM;
    block[0] = slab->chunks;
    if (slab->chunk_count != 0)
        memcpy(block + 1, slab->chunks, slab->chunk_count * sizeof *block);
    __atomic_store_n(&slab->chunks, block + 1, __ATOMIC_RELEASE);
    slab->chunk_max = max;
    return 0;
}

static int slab_add_chunk(struct wf_slab *slab, size_t item_bytes)
{
    if (slab->chunk_count == slab->chunk_max && slab_grow(slab) < 0)
        return -ENOMEM;
    void *chunk = slab_new_chunk(item_bytes + slab->aside_bytes, slab->chunk_count == 0);
    if (chunk == NULL)
        return -ENOMEM;
    slab->chunks[slab->chunk_count++] = chunk;
    return 0;
}

/* The next few records of the first chunk, and what lies aside of them. */
static void slab_clear_ahead(struct wf_slab *slab, size_t item_bytes)
{
    char *chunk = slab->chunks[0];
    char *aside = chunk + WF_SLAB_CHUNK_ITEMS * item_bytes;
    memset(chunk + slab->fresh * item_bytes, 0, SLAB_CLEARED_ITEMS * item_bytes);
    memset(aside + slab->fresh * slab->aside_bytes, 0, SLAB_CLEARED_ITEMS * slab->aside_bytes);
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
    if (slab->fresh < WF_SLAB_CHUNK_ITEMS && slab->fresh % SLAB_CLEARED_ITEMS == 0)
        slab_clear_ahead(slab, item_bytes);
    *out_slot = slab->fresh;
    __atomic_store_n(&slab->fresh, slab->fresh + 1, __ATOMIC_RELEASE);
    *out = wf_slab_at(slab, *out_slot, item_bytes);
    return 0;
}
