/* SPDX-License-Identifier: MIT */

#include "match/novelty/crowd.h"

#include "base/alloc.h"
#include "match/index/scan.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int wf_crowd_init(wf_crowd *it, const wf_spot *spots, size_t count)
{
    *it = (wf_crowd){.bytes = wf_array(count, WF_SPACE_DIM),
                     .sums = wf_array(count, sizeof(*it->sums)),
                     .inverses = wf_array(count, sizeof(*it->inverses)),
                     .names = wf_array(count, sizeof(*it->names)),
                     .count = count};
    if (it->bytes == NULL || it->sums == NULL || it->inverses == NULL || it->names == NULL) {
        wf_crowd_fini(it);
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        wf_crowd_put(it, i, &spots[i]);
        it->names[i] = (uint32_t)i;
    }
    return 0;
}

void wf_crowd_fini(wf_crowd *it)
{
    wf_free(it->bytes);
    wf_free(it->sums);
    wf_free(it->inverses);
    wf_free(it->names);
    *it = (wf_crowd){0};
}

void wf_crowd_cosines(const wf_crowd *it, const wf_spot *spot, size_t first, size_t count,
                      float out[WF_CROWD_BLOCK])
{
    int32_t products[WF_CROWD_BLOCK];
    assert(count <= WF_CROWD_BLOCK && first + count <= it->count);
    wf_scan()->bytes(it->bytes + first * WF_SPACE_DIM, it->sums + first, count, spot->at,
                     WF_SPACE_DIM, products);
    for (size_t i = 0; i < count; i++) {
        float cosine = (float)products[i] * spot->inverse * it->inverses[first + i];
        out[i] = cosine < 1 ? cosine : 1;
    }
}

void wf_crowd_put(wf_crowd *it, size_t at, const wf_spot *spot)
{
    memcpy(it->bytes + at * WF_SPACE_DIM, spot->at, WF_SPACE_DIM);
    it->sums[at] = 0;
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        it->sums[at] += spot->at[k];
    it->inverses[at] = spot->inverse;
}

void wf_crowd_drop(wf_crowd *it, size_t at)
{
    size_t last = --it->count;
    if (at == last)
        return;
    memcpy(it->bytes + at * WF_SPACE_DIM, it->bytes + last * WF_SPACE_DIM, WF_SPACE_DIM);
    it->sums[at] = it->sums[last];
    it->inverses[at] = it->inverses[last];
    it->names[at] = it->names[last];
}
