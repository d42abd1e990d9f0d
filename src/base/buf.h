/* SPDX-License-Identifier: MIT */

/*
 * A growing run of bytes with a limit: written at the end, consumed from the front.
 *
 * Errors are sticky: after a failed append (-ENOMEM, or -WEFT_ELIMIT past `bytes_max`) every later
 * append does nothing and returns the same code, so a writer may check once at the end.
 * A zeroed wf_buf is empty and without limit.
 */
#ifndef WF_BUF_H
#define WF_BUF_H

#include <weft/base.h>

#include <stdarg.h>

typedef struct wf_buf {
    char *mem;
    size_t start, end, capacity; /* live bytes are mem[start, end) */
    size_t bytes_max;            /* 0: no limit */
    int rc;                      /* first failure, or 0 */
} wf_buf;

void wf_buf_fini(wf_buf *buf);

/* Empty again; memory kept, the error cleared. */
static inline void wf_buf_reset(wf_buf *buf)
{
    buf->start = 0;
    buf->end = 0;
    buf->rc = 0;
}

/* Room for `count` bytes behind the live ones; *out points at it (valid until the next call). */
int wf_buf_reserve(wf_buf *buf, size_t count, char **out);
void wf_buf_commit(wf_buf *buf, size_t count);

int wf_buf_append(wf_buf *buf, const void *bytes, size_t count);
int wf_buf_puts(wf_buf *buf, const char *text);
int wf_buf_putc(wf_buf *buf, char c);
int wf_buf_printf(wf_buf *buf, const char *format, ...) WEFT_PRINTF(2, 3);
void wf_buf_consume(wf_buf *buf, size_t count);

/* Drops the last `count` bytes, at most all. */
void wf_buf_drop(wf_buf *buf, size_t count);

static inline size_t wf_buf_bytes(const wf_buf *buf)
{
    return buf->end - buf->start;
}

/* Borrowed until the next change; never NULL. */
static inline const char *wf_buf_ptr(const wf_buf *buf)
{
    return buf->mem != NULL ? buf->mem + buf->start : "";
}

#endif
