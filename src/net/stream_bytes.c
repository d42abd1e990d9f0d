/* SPDX-License-Identifier: MIT */

#include "net/stream_bytes.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

/* What is more than a block is mostly much more: many answers, or a long one. */
#define BYTES_BEHIND_BLOCK ((size_t)4 * WEFT_BLOCK_BYTES)

void wf_stream_bytes_free(weft_loop *loop, struct wf_stream_bytes *bytes)
{
    if (bytes->capacity == WEFT_BLOCK_BYTES)
        weft_block_free(loop, bytes->mem);
    else
        wf_free(bytes->mem);
    *bytes = (struct wf_stream_bytes){0};
}

static int bytes_take_block(weft_loop *loop, struct wf_stream_bytes *bytes)
{
    bytes->mem = weft_block_new(loop);
    if (bytes->mem == NULL)
        return -ENOMEM;
    bytes->capacity = WEFT_BLOCK_BYTES;
    return 0;
}

static int bytes_leave_block(weft_loop *loop, struct wf_stream_bytes *bytes, size_t capacity)
{
    char *mem = wf_grow(NULL, capacity, 1);
    if (mem == NULL)
        return -ENOMEM;
    if (bytes->mem != NULL)
        memcpy(mem, bytes->mem, bytes->end);
    weft_block_free(loop, bytes->mem);
    bytes->mem = mem;
    bytes->capacity = (uint32_t)capacity;
    return 0;
}

static int bytes_grow(weft_loop *loop, struct wf_stream_bytes *bytes, size_t needed)
{
    size_t capacity = bytes->capacity > WEFT_BLOCK_BYTES ? bytes->capacity : BYTES_BEHIND_BLOCK;
    while (capacity < needed)
        capacity *= 2;
    if (bytes->capacity <= WEFT_BLOCK_BYTES)
        return bytes_leave_block(loop, bytes, capacity);
    char *mem = wf_grow(bytes->mem, capacity, 1);
    if (mem == NULL)
        return -ENOMEM;
    bytes->mem = mem;
    bytes->capacity = (uint32_t)capacity;
    return 0;
}

int wf_stream_bytes_make_room(weft_loop *loop, struct wf_stream_bytes *bytes, size_t count)
{
    if (bytes->mem == NULL && count <= WEFT_BLOCK_BYTES)
        return bytes_take_block(loop, bytes);
    uint32_t live = wf_stream_bytes_count(bytes);
    if (count > WF_STREAM_BYTES_MAX - live)
        return -WEFT_ELIMIT;
    if (bytes->start != 0) {
        assert(bytes->mem != NULL);
        memmove(bytes->mem, bytes->mem + bytes->start, live);
        bytes->start = 0;
        bytes->end = live;
    }
    return bytes->capacity - live >= count ? 0 : bytes_grow(loop, bytes, live + count);
}

int wf_stream_bytes_append(weft_loop *loop, struct wf_stream_bytes *bytes, const void *data,
                           size_t count)
{
    if (count == 0)
        return 0;
    int rc = wf_stream_bytes_reserve(loop, bytes, count);
    if (rc < 0)
        return rc;
    memcpy(bytes->mem + bytes->end, data, count);
    bytes->end += (uint32_t)count;
    return 0;
}
