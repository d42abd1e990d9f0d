/* SPDX-License-Identifier: MIT */

#include "match/score/scorer.h"

#include <string.h>

const wf_scorer_class *wf_scorer_class_of(weft_str kind, bool has_model)
{
    static const wf_scorer_class *const classes[] = {&wf_scorer_cosine, &wf_scorer_dense,
                                                     &wf_scorer_fused, &wf_scorer_probability};
    for (size_t i = 0; kind.ptr != NULL && i < sizeof(classes) / sizeof(classes[0]); i++) {
        const char *name = classes[i]->kind;
        if (kind.len == strlen(name) && memcmp(kind.ptr, name, kind.len) == 0)
            return classes[i];
    }
    return has_model ? &wf_scorer_fused : &wf_scorer_probability;
}

size_t wf_scorer_together(const wf_scorer *scorer)
{
    return scorer->cls->together != NULL ? scorer->cls->together(scorer) : 1;
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
