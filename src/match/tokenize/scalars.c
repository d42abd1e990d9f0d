/* SPDX-License-Identifier: MIT */

#include "match/tokenize/scalars.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

void wf_scalars_fini(wf_scalars *it)
{
    wf_free(it->at);
    *it = (wf_scalars){0};
}

int wf_scalars_reserve(wf_scalars *it, size_t count)
{
    size_t needed = it->count + count, larger = it->capacity < 64 ? 128 : it->capacity;
    if (it->most != 0 && needed > it->most)
        return -WEFT_ELIMIT;
    if (needed <= it->capacity)
        return 0;
    while (larger < needed) {
        if (!wf_mul_ok(larger, 2, &larger))
            return -ENOMEM;
    }
    uint32_t *at = wf_grow(it->at, larger, sizeof(*at));
    if (at == NULL)
        return -ENOMEM;
    it->at = at;
    it->capacity = larger;
    return 0;
}

int wf_scalars_append(wf_scalars *it, const uint32_t *at, size_t count)
{
    int rc = wf_scalars_reserve(it, count);
    if (rc == 0 && count > 0)
        memcpy(it->at + it->count, at, count * sizeof(*at));
    it->count += rc == 0 ? count : 0;
    return rc;
}

int wf_scalars_read(wf_scalars *it, weft_str text)
{
    int rc = wf_scalars_reserve(it, text.len);
    for (size_t at = 0; rc == 0 && at < text.len;)
        it->at[it->count++] = wf_utf8_next(text.ptr, &at);
    return rc;
}

int wf_scalars_write(const uint32_t *at, size_t count, wf_buf *out)
{
    char *room;
    wf_buf_reset(out);
    int rc = wf_buf_reserve(out, count * WF_UTF8_BYTES_MAX + 1, &room);
    if (rc < 0)
        return rc;
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += wf_utf8_write(at[i], room + used);
    wf_buf_commit(out, used);
    return 0;
}
