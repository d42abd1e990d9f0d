/* SPDX-License-Identifier: MIT */

#include "match/score/scorer.h"

#include <string.h>

const wf_scorer_class *wf_scorer_class_of(weft_str kind)
{
    const char *name = wf_scorer_cosine.kind;
    bool is_cosine =
        kind.ptr != NULL && kind.len == strlen(name) && memcmp(kind.ptr, name, kind.len) == 0;
    return is_cosine ? &wf_scorer_cosine : &wf_scorer_probability;
}

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
