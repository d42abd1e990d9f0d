/* SPDX-License-Identifier: MIT */

#include "match/score/scorer.h"

wf_scorer *wf_scorer_ref(wf_scorer *scorer)
{
    __atomic_add_fetch(&scorer->refs, 1, __ATOMIC_RELAXED);
    return scorer;
}

void wf_scorer_unref(wf_scorer *scorer)
{
    if (scorer != NULL && __atomic_sub_fetch(&scorer->refs, 1, __ATOMIC_ACQ_REL) == 0)
        scorer->cls->destroy(scorer);
}
