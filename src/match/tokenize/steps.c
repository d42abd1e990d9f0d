/* SPDX-License-Identifier: MIT */

#include "match/tokenize/steps.h"

#include "base/alloc.h"

void wf_steps_fini(wf_steps *steps)
{
    for (size_t i = 0; i < steps->count; i++) {
        wf_scalars_fini(&steps->items[i].from);
        wf_scalars_fini(&steps->items[i].to);
        wf_charsmap_fini(&steps->items[i].charsmap);
    }
    steps->count = 0;
}

void wf_steps_memory_fini(wf_steps_memory *memory)
{
    wf_scalars_fini(&memory->text);
    wf_scalars_fini(&memory->spare);
    wf_free(memory->pieces);
    wf_free(memory->spare_pieces);
    wf_norm_fini(&memory->norm);
    *memory = (wf_steps_memory){0};
}

int wf_steps_piece(wf_steps_memory *memory, size_t start, size_t count, size_t first)
{
    if (memory->piece_count == memory->piece_capacity) {
        size_t larger = memory->piece_capacity < 16 ? 32 : memory->piece_capacity * 2;
        wf_piece *pieces = wf_grow(memory->pieces, larger, sizeof(*pieces));
        if (pieces == NULL)
            return -ENOMEM;
        memory->pieces = pieces;
        memory->piece_capacity = larger;
    }
    memory->pieces[memory->piece_count++] =
        (wf_piece){.start = (uint32_t)start, .count = (uint32_t)count, .first = (uint32_t)first};
    return 0;
}
