/* SPDX-License-Identifier: MIT */

/* Blocks: those given back are kept for the next that is asked for. */

#include "base/alloc.h"
#include "base/checkers.h"
#include "core/loop/loop_priv.h"

#define BLOCK_COUNT_MAX 128u

struct wf_block {
    struct wf_block *next;
};

/* Under a memory checker none is kept, so that it sees each of them freed. */
static bool blocks_are_kept(const weft_loop *loop)
{
    bool is_watched = WF_HAS_ASAN + WF_DEBUG_CHECKS != 0;
    return !is_watched && loop->block_count < BLOCK_COUNT_MAX;
}

void *weft_block_new(weft_loop *loop)
{
    struct wf_block *block = loop->blocks;
    if (block == NULL)
        return wf_grow(NULL, WEFT_BLOCK_BYTES, 1);
    if (WEFT_FAULT(WEFT_FAULT_ALLOC, "block"))
        return NULL;
    loop->blocks = block->next;
    loop->block_count--;
    return block;
}

void weft_block_free(weft_loop *loop, void *memory)
{
    struct wf_block *block = memory;
    if (block == NULL || !blocks_are_kept(loop)) {
        wf_free(block);
        return;
    }
    block->next = loop->blocks;
    loop->blocks = block;
    loop->block_count++;
}

void wf_blocks_drop(weft_loop *loop)
{
    for (struct wf_block *block; (block = loop->blocks) != NULL;) {
        loop->blocks = block->next;
        wf_free(block);
    }
    loop->block_count = 0;
}
