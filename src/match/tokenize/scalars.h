/* SPDX-License-Identifier: MIT */

/* A growing array of Unicode scalar values.  Zeroed is empty. */
#ifndef WF_MATCH_SCALARS_H
#define WF_MATCH_SCALARS_H

#include "base/buf.h"

typedef struct wf_scalars {
    uint32_t *at;
    size_t count, capacity;
    size_t most; /* no more than so many are put; 0: as many as there is memory for */
} wf_scalars;

void wf_scalars_fini(wf_scalars *it);

/* Room for `count` more.  0, -ENOMEM, or -WEFT_ELIMIT for more than `most`, as all of these. */
int wf_scalars_reserve(wf_scalars *it, size_t count);
int wf_scalars_append(wf_scalars *it, const uint32_t *at, size_t count);
int wf_scalars_read(wf_scalars *it, weft_str text); /* appends checked UTF-8 */

static inline int wf_scalars_put(wf_scalars *it, uint32_t c)
{
    int rc = it->count < it->capacity && it->count != it->most ? 0 : wf_scalars_reserve(it, 1);
    if (rc == 0)
        it->at[it->count++] = c;
    return rc;
}

static inline void wf_scalars_swap(wf_scalars *a, wf_scalars *b)
{
    wf_scalars kept = *a;
    *a = *b;
    *b = kept;
}

/* Puts scalars into `out` as UTF-8, in place of what it held. */
int wf_scalars_write(const uint32_t *at, size_t count, wf_buf *out);

#endif
