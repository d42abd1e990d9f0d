/* SPDX-License-Identifier: MIT */

#include "base/arena.h"

#include "base/alloc.h"

#include <stdalign.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)64 * 1024)

struct wf_arena_chunk {
    struct wf_arena_chunk *next;
    alignas(max_align_t) char bytes[];
};

void wf_arena_fini(wf_arena *arena)
{
    while (arena->chunks != NULL) {
        struct wf_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        wf_free(chunk);
    }
    *arena = (wf_arena){0};
}

static struct wf_arena_chunk *arena_chunk(wf_arena *arena, size_t bytes)
{
    size_t total;
    if (!wf_add_ok(bytes, sizeof(struct wf_arena_chunk), &total))
        return NULL;
    struct wf_arena_chunk *chunk = wf_alloc(total);
    if (chunk != NULL)
        arena->bytes += total;
    return chunk;
}

/* A large block has a chunk of its own behind the newest, which keeps its room. */
static void *arena_alloc_alone(wf_arena *arena, size_t bytes)
{
    struct wf_arena_chunk *chunk = arena_chunk(arena, bytes);
    if (chunk == NULL)
        return NULL;
    struct wf_arena_chunk **at = arena->chunks != NULL ? &arena->chunks->next : &arena->chunks;
    chunk->next = *at;
    *at = chunk;
    return chunk->bytes;
}

static bool arena_grow(wf_arena *arena)
{
    struct wf_arena_chunk *chunk = arena_chunk(arena, CHUNK_BYTES);
    if (chunk == NULL)
        return false;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used = 0;
    arena->capacity = CHUNK_BYTES;
    return true;
}

void *wf_arena_alloc(wf_arena *arena, size_t bytes)
{
    size_t rounded;
    if (!wf_add_ok(bytes != 0 ? bytes : 1, alignof(max_align_t) - 1, &rounded))
        return NULL;
    rounded &= ~(alignof(max_align_t) - 1);
    if (rounded > CHUNK_BYTES / 4)
        return arena_alloc_alone(arena, rounded);
    if (arena->capacity - arena->used < rounded && !arena_grow(arena))
        return NULL;
    void *block = arena->chunks->bytes + arena->used;
    arena->used += rounded;
    return block;
}

void *wf_arena_array(wf_arena *arena, size_t count, size_t item_bytes)
{
    size_t bytes;
    return wf_mul_ok(count, item_bytes, &bytes) ? wf_arena_alloc(arena, bytes) : NULL;
}

bool wf_arena_copy(wf_arena *arena, weft_str text, weft_str *out)
{
    if (text.ptr == NULL) {
        *out = (weft_str){NULL, 0};
        return true;
    }
    char *copy = wf_arena_alloc(arena, text.len + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    *out = (weft_str){copy, text.len};
    return true;
}
