/* SPDX-License-Identifier: MIT */

#include "net/stream_bytes.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

#define BYTES_CAPACITY_MIN 1024u

void wf_stream_bytes_free(struct wf_stream_bytes *bytes)
{
    wf_free(bytes->mem);
    *bytes = (struct wf_stream_bytes){0};
}

static int bytes_grow(struct wf_stream_bytes *bytes, size_t needed)
{
    size_t capacity = bytes->capacity != 0 ? bytes->capacity : BYTES_CAPACITY_MIN;
    while (capacity < needed)
        capacity *= 2;
    char *mem = wf_grow(bytes->mem, capacity, 1);
    if (mem == NULL)
        return -ENOMEM;
    bytes->mem = mem;
    bytes->capacity = (uint32_t)capacity;
    return 0;
}

int wf_stream_bytes_reserve(struct wf_stream_bytes *bytes, size_t count)
{
    uint32_t live = wf_stream_bytes_count(bytes);
    if (count > WF_STREAM_BYTES_MAX - live)
        return -WEFT_ELIMIT;
    if (bytes->capacity - bytes->end >= count)
        return 0;
    if (bytes->start != 0) {
        memmove(bytes->mem, bytes->mem + bytes->start, live);
        bytes->start = 0;
        bytes->end = live;
    }
    return bytes->capacity - live >= count ? 0 : bytes_grow(bytes, live + count);
}

int wf_stream_bytes_append(struct wf_stream_bytes *bytes, const void *data, size_t count)
{
    if (count == 0)
        return 0;
    int rc = wf_stream_bytes_reserve(bytes, count);
    if (rc < 0)
        return rc;
    memcpy(bytes->mem + bytes->end, data, count);
    bytes->end += (uint32_t)count;
    return 0;
}

void wf_stream_bytes_consume(struct wf_stream_bytes *bytes, size_t count)
{
    assert(count <= wf_stream_bytes_count(bytes));
    bytes->start += (uint32_t)count;
    if (bytes->start == bytes->end)
        wf_stream_bytes_free(bytes);
}
