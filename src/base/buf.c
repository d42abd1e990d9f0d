/* SPDX-License-Identifier: MIT */

#include "base/buf.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define BUF_BYTES_MIN 256

void wf_buf_fini(wf_buf *buf)
{
    wf_free(buf->mem);
    *buf = (wf_buf){.bytes_max = buf->bytes_max};
}

static int buf_enlarge(wf_buf *buf, size_t needed)
{
    size_t capacity = buf->capacity < BUF_BYTES_MIN ? BUF_BYTES_MIN : buf->capacity;
    while (capacity < needed) {
        if (!wf_mul_ok(capacity, 2, &capacity))
            return -ENOMEM;
    }
    char *mem = wf_grow(buf->mem, capacity, 1);
    if (mem == NULL)
        return -ENOMEM;
    buf->mem = mem;
    buf->capacity = capacity;
    return 0;
}

/* Space freed at the front is used before memory grows. */
static int buf_make_room(wf_buf *buf, size_t count)
{
    size_t live = wf_buf_bytes(buf), needed;
    if (!wf_add_ok(live, count, &needed))
        return -ENOMEM;
    if (buf->bytes_max != 0 && needed > buf->bytes_max)
        return -WEFT_ELIMIT;
    if (buf->capacity - buf->end >= count && buf->mem != NULL)
        return 0;
    if (buf->start != 0 && buf->mem != NULL) {
        memmove(buf->mem, buf->mem + buf->start, live);
        buf->start = 0;
        buf->end = live;
    }
    return needed <= buf->capacity && buf->mem != NULL ? 0 : buf_enlarge(buf, needed);
}

int wf_buf_reserve(wf_buf *buf, size_t count, char **out)
{
    if (buf->rc == 0)
        buf->rc = buf_make_room(buf, count);
    if (buf->rc == 0)
        *out = buf->mem + buf->end;
    return buf->rc;
}

void wf_buf_commit(wf_buf *buf, size_t count)
{
    assert(count <= buf->capacity - buf->end);
    buf->end += count;
}

int wf_buf_append(wf_buf *buf, const void *bytes, size_t count)
{
    char *room;
    int rc = wf_buf_reserve(buf, count, &room);
    if (rc == 0 && count != 0) {
        memcpy(room, bytes, count);
        buf->end += count;
    }
    return rc;
}

int wf_buf_puts(wf_buf *buf, const char *text)
{
    return wf_buf_append(buf, text, strlen(text));
}

int wf_buf_putc(wf_buf *buf, char c)
{
    return wf_buf_append(buf, &c, 1);
}

int wf_buf_printf(wf_buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);

    char *room;
    int rc = wf_buf_reserve(buf, (size_t)len + 1, &room);
    if (rc == 0) {
        vsnprintf(room, (size_t)len + 1, format, again);
        buf->end += (size_t)len;
    }
    va_end(again);
    return rc;
}

void wf_buf_drop(wf_buf *buf, size_t count)
{
    assert(count <= wf_buf_bytes(buf));
    buf->end -= count;
}

void wf_buf_consume(wf_buf *buf, size_t count)
{
    assert(count <= wf_buf_bytes(buf));
    buf->start += count;
    if (buf->start == buf->end) {
        buf->start = 0;
        buf->end = 0;
    }
}
