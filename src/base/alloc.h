/* SPDX-License-Identifier: MIT */

/*
 * Memory by the platform table, each call a fault point.  alloc and array give zeroed bytes; array,
 * grow and more check the product.  NULL means -ENOMEM.  Freeing NULL is fine.
 */
#ifndef WF_ALLOC_H
#define WF_ALLOC_H

#include <weft/sys/fault.h>
#include <weft/sys/platform.h>

#include <stddef.h>
#include <stdint.h>

void *wf_alloc(size_t bytes);
void *wf_array(size_t count, size_t item_bytes);

/* Like realloc of count * item_bytes; new bytes are not zeroed; on NULL the old block stands. */
void *wf_grow(void *ptr, size_t count, size_t item_bytes);

/* Room for one item behind the `count` of an array of *capacity, which doubles when it is full: the
 * array, elsewhere perhaps. */
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
