/* SPDX-License-Identifier: MIT */

/*
 * Memory from the platform table; each call is a fault point.  wf_alloc and wf_array give zeroed
 * bytes; wf_array, wf_grow and wf_more check that the product fits.  NULL means -ENOMEM.  Freeing
 * NULL is fine.
 */
#ifndef WF_ALLOC_H
#define WF_ALLOC_H

#include <weft/sys/fault.h>
#include <weft/sys/platform.h>

#include <stddef.h>
#include <stdint.h>

void *wf_alloc(size_t bytes);
void *wf_array(size_t count, size_t item_bytes);

/* Like realloc() to count * item_bytes; new bytes are not zeroed; if it returns NULL the old block
 * is still there. */
void *wf_grow(void *ptr, size_t count, size_t item_bytes);

/* Makes room for one more item in an array of `count` items with room for *capacity, which doubles
 * when it is full.  Returns the array, which may have moved. */
void *wf_more(void *ptr, size_t count, size_t *capacity, size_t item_bytes);
void wf_free(void *ptr);

/* Copies of bytes; the string one adds a NUL. */
void *wf_dup(const void *bytes, size_t count);
char *wf_strdup(const char *text, size_t len);

/* Sums and products that tell whether they fit. */
static inline bool wf_add_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool wf_mul_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

#endif
