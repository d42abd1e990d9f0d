/* SPDX-License-Identifier: MIT */

#include "base/alloc.h"

#include <string.h>

#define MORE_MIN 16u /* items of an array that grows */

void *wf_alloc(size_t bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_ALLOC, "alloc"))
        return NULL;
    return weft_platform_get()->alloc(bytes != 0 ? bytes : 1);
}

void *wf_array(size_t count, size_t item_bytes)
{
    size_t bytes;
    return wf_mul_ok(count, item_bytes, &bytes) ? wf_alloc(bytes) : NULL;
}

void *wf_grow(void *ptr, size_t count, size_t item_bytes)
{
    size_t bytes;
    if (!wf_mul_ok(count, item_bytes, &bytes) || WEFT_FAULT(WEFT_FAULT_ALLOC, "grow"))
        return NULL;
    return weft_platform_get()->realloc(ptr, bytes != 0 ? bytes : 1);
}

void *wf_more(void *ptr, size_t count, size_t *capacity, size_t item_bytes)
{
    size_t wanted = 0;
    if (count < *capacity)
        return ptr;
    if (!wf_mul_ok(*capacity, 2, &wanted))
        return NULL;
    wanted = wanted < MORE_MIN ? MORE_MIN : wanted;
    void *more = wf_grow(ptr, wanted, item_bytes);
    if (more != NULL)
        *capacity = wanted;
    return more;
}

void wf_free(void *ptr)
{
    if (ptr != NULL)
        weft_platform_get()->free(ptr);
}

void *wf_dup(const void *bytes, size_t count)
{
    void *copy = wf_alloc(count);
    if (copy != NULL && count != 0)
        memcpy(copy, bytes, count);
    return copy;
}

char *wf_strdup(const char *text, size_t len)
{
    char *copy = wf_alloc(len + 1); /* len < SIZE_MAX: `text` exists */
    if (copy != NULL && len != 0)
        memcpy(copy, text, len);
    return copy;
}
