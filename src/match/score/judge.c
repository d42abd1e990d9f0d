/* SPDX-License-Identifier: MIT */

#include "match/score/judge.h"

#include "base/alloc.h"

void wf_judge_fini(wf_judge *judge)
{
    wf_folded_fini(&judge->folded);
    wf_buf_fini(&judge->text);
    wf_folded_fini(&judge->padded);
    wf_free(judge->numbered);
    wf_probe_fini(&judge->probe);
    wf_rank_fini(&judge->nearest);
    wf_free(judge->allowed);
    wf_free(judge->candidates);
    wf_free(judge->keys);
    wf_free(judge->spare);
    wf_free(judge->entrants);
}

void wf_judge_find_best(const wf_judge *judge, double best[WF_JUDGE_BEST])
{
    for (size_t i = 0; i < WF_JUDGE_BEST; i++)
        best[i] = WF_JUDGE_NO_SCORE;
    for (size_t i = 0; i < judge->entrant_count; i++) {
        double score = judge->entrants[i].score;
        if (judge->entrants[i].is_tail || score <= best[WF_JUDGE_BEST - 1])
            continue;
        size_t at = WF_JUDGE_BEST - 1;
        for (; at > 0 && best[at - 1] < score; at--)
            best[at] = best[at - 1];
        best[at] = score;
    }
}

int wf_judge_grow(void **items, size_t *capacity, size_t count, size_t item_bytes)
{
    if (count <= *capacity)
        return 0;
    size_t more = count < 32 ? 32 : count + count / 2;
    void *grown = wf_grow(*items, more, item_bytes);
    if (grown == NULL)
        return -ENOMEM;
    *items = grown;
    *capacity = more;
    return 0;
}
