/* SPDX-License-Identifier: MIT */

/*
 * Bytes of a stream's side: written at the end, taken from the front, no memory while empty.
 * Smaller than a wf_buf because every idle connection has three.  The first memory of each is a
 * block of the loop: an answer has it for one turn only.
 */
#ifndef WF_STREAM_BYTES_H
#define WF_STREAM_BYTES_H

#include <weft/sys/loop.h>

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define WF_STREAM_BYTES_MAX ((size_t)1 << 30)

struct wf_stream_bytes {
    char *mem;
    uint32_t start, end, capacity; /* live bytes are mem[start, end) */
};

static inline uint32_t wf_stream_bytes_count(const struct wf_stream_bytes *bytes)
{
    return bytes->end - bytes->start;
}

static inline char *wf_stream_bytes_ptr(const struct wf_stream_bytes *bytes)
{
    return bytes->mem != NULL ? bytes->mem + bytes->start : NULL;
}

/* Empty, and no memory held. */
void wf_stream_bytes_free(weft_loop *loop, struct wf_stream_bytes *bytes);

/* wf_stream_bytes_reserve where the memory at hand does not do. */
int wf_stream_bytes_make_room(weft_loop *loop, struct wf_stream_bytes *bytes, size_t count);

static inline bool wf_stream_bytes_have_room(const struct wf_stream_bytes *bytes, size_t count)
{
    return bytes->capacity - bytes->end >= count;
}

/* Room for `count` more at the end: -ENOMEM, -WEFT_ELIMIT past WF_STREAM_BYTES_MAX. */
static inline int wf_stream_bytes_reserve(weft_loop *loop, struct wf_stream_bytes *bytes,
                                          size_t count)
{
    if (wf_stream_bytes_have_room(bytes, count))
        return 0;
    return wf_stream_bytes_make_room(loop, bytes, count);
}

int wf_stream_bytes_append(weft_loop *loop, struct wf_stream_bytes *bytes, const void *data,
                           size_t count);

/* Takes from the front; gives the memory back with the last byte. */
static inline void wf_stream_bytes_consume(weft_loop *loop, struct wf_stream_bytes *bytes,
                                           size_t count)
{
    assert(count <= wf_stream_bytes_count(bytes));
    bytes->start += (uint32_t)count;
    if (bytes->start == bytes->end)
        wf_stream_bytes_free(loop, bytes);
}

#endif
