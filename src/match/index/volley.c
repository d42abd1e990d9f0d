/* SPDX-License-Identifier: MIT */

#include "match/index/volley.h"

#include "base/alloc.h"

#include <string.h>

wf_volley *wf_volley_new(void)
{
    return wf_alloc(sizeof(wf_volley));
}

void wf_volley_free(wf_volley *volley)
{
    for (size_t i = 0; volley != NULL && i < WF_VOLLEY_MAX; i++) {
        wf_glance_fini(&volley->glances[i]);
        wf_rank_fini(&volley->ranks[i]);
    }
    wf_free(volley);
}

int wf_volley_read(wf_volley *volley, const wf_vectors *vectors, const float *numbers, size_t count)
{
    volley->look_count = 0;
    for (size_t i = 0; i < count; i++) {
        wf_glance *glance = &volley->glances[i];
        int rc = wf_glance_reserve(glance, vectors);
        if (rc < 0)
            return rc;
        memcpy(glance->query, numbers + i * vectors->dim, vectors->dim * sizeof(*numbers));
        wf_glance_take(glance, vectors);
    }
    return 0;
}

int wf_volley_begin(wf_volley *volley, size_t at, const uint64_t *allowed, size_t top_k,
                    size_t entity_count, float threshold)
{
    wf_look look = {&volley->glances[at], allowed, &volley->ranks[at]};
    int rc = wf_rank_begin(look.rank, top_k, entity_count, threshold);
    if (rc == 0)
        volley->looks[volley->look_count++] = look;
    return rc;
}
