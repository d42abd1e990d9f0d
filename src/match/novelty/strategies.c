/* SPDX-License-Identifier: MIT */

#include "match/novelty/strategy.h"

#include <stdio.h>
#include <string.h>

static const wf_novel_class *const all[] = {
    &wf_novel_calibrated, &wf_novel_confidence,  &wf_novel_knn,         &wf_novel_centroid,
    &wf_novel_energy,     &wf_novel_mahalanobis, &wf_novel_lof,         &wf_novel_oneclass,
    &wf_novel_clustering, &wf_novel_pattern,     &wf_novel_uncertainty,
};
#define ALL_COUNT (sizeof(all) / sizeof(*all))

static const struct {
    const char *name;
    const wf_novel_class *cls;
} others[] = {
    {"knn", &wf_novel_knn},           {"distance", &wf_novel_knn},
    {"centroid", &wf_novel_centroid}, {"prototypical", &wf_novel_centroid},
    {"energy", &wf_novel_energy},     {"conformal", &wf_novel_calibrated},
};

static const char *const left_out[] = {"react_energy", "mixture_gaussian", "self_knowledge",
                                       "setfit"};

static bool is(weft_str text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

const wf_novel_class *wf_novel_class_of(weft_str id)
{
    for (size_t i = 0; i < ALL_COUNT; i++) {
        if (is(id, all[i]->id))
            return all[i];
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (is(id, others[i].name))
            return others[i].cls;
    }
    return NULL;
}

bool wf_novel_is_left_out(weft_str id)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++) {
        if (is(id, left_out[i]))
            return true;
    }
    return false;
}

void wf_novel_ids(char *out, size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < ALL_COUNT && used < bytes; i++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s", i == 0 ? "" : ", ", all[i]->id);
}
