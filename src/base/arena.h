/* SPDX-License-Identifier: MIT */

/*
 * Arena: many small blocks that live and die together.  Blocks never move.  A zeroed wf_arena is
 * empty.
 */
#ifndef WF_ARENA_H
#define WF_ARENA_H

#include <weft/base.h>

typedef struct wf_arena {
    struct wf_arena_chunk *chunks; /* the newest first; only it has room */
    size_t used, capacity;         /* of the newest */
    size_t bytes;                  /* held in all */
} wf_arena;

void wf_arena_fini(wf_arena *arena);

/* Zeroed bytes, aligned for any type; NULL: no memory. */
void *wf_arena_alloc(wf_arena *arena, size_t bytes);
void *wf_arena_array(wf_arena *arena, size_t count, size_t item_bytes);

/* A copy with a NUL behind it.  False: no memory.  ptr NULL stays NULL. */
bool wf_arena_copy(wf_arena *arena, weft_str text, weft_str *out);

#endif
