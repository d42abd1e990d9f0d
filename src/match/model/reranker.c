/* SPDX-License-Identifier: MIT */

#include "match/model/reranker.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/utf8.h"
#include "match/model/finite.h"
#include "match/model/open.h"
#include "match/transformer/cross.h"

#include <assert.h>
#include <string.h>
#include <weft/error.h>

int weft_reranker_new(weft_reranker **out, const weft_reranker_class *cls, const char *name,
                      void *self)
{
    weft_reranker *reranker = wf_alloc(sizeof(*reranker));
    char *kept = reranker != NULL ? wf_strdup(name, strlen(name)) : NULL;
    if (kept == NULL) {
        wf_free(reranker);
        if (cls->close != NULL)
            cls->close(self);
        return -ENOMEM;
    }
    *reranker = (weft_reranker){.cls = cls, .self = self, .name = kept, .refs = 1};
    *out = reranker;
    return 0;
}

weft_reranker *weft_reranker_ref(weft_reranker *reranker)
{
    __atomic_add_fetch(&reranker->refs, 1, __ATOMIC_RELAXED);
    return reranker;
}

void weft_reranker_unref(weft_reranker *reranker)
{
    if (reranker == NULL || __atomic_sub_fetch(&reranker->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (reranker->cls->close != NULL)
        reranker->cls->close(reranker->self);
    wf_free(reranker->name);
    wf_free(reranker);
}

const char *weft_reranker_kind(const weft_reranker *reranker)
{
    return reranker->cls->kind;
}

const char *weft_reranker_name(const weft_reranker *reranker)
{
    return reranker->name;
}

int wf_reranker_run(weft_reranker *reranker, weft_str query, const weft_str *texts, size_t count,
                    float *out, const wf_job *job)
{
    int rc = reranker->score_job != NULL
                 ? reranker->score_job(reranker->self, query, texts, count, out, job)
                 : reranker->cls->score(reranker->self, query, texts, count, out);
    assert(rc <= 0); /* a reranker of one's own returns 0 or a negative code */
    return rc == 0 ? wf_check_finite(out, count) : rc;
}

int weft_reranker_score(weft_reranker *reranker, weft_str query, const weft_str *texts,
                        size_t count, float *out)
{
    const wf_job job = {0};
    if (!wf_utf8_is_valid(query.ptr, query.len))
        return weft_fail(-WEFT_M_EVALID, "the query is not UTF-8");
    for (size_t i = 0; i < count; i++) {
        if (!wf_utf8_is_valid(texts[i].ptr, texts[i].len))
            return weft_fail(-WEFT_M_EVALID, "text %zu is not UTF-8", i);
    }
    return wf_reranker_run(reranker, query, texts, count, out, &job);
}

/* ---- directories ---- */

struct opening {
    wf_model_opening model;
    weft_reranker *reranker;
};

static int read_model(wf_model_opening *it, const char *path)
{
    struct opening *opening = wf_container(it, struct opening, model);
    return wf_cross_open(&opening->reranker, path, &it->reason);
}

int weft_reranker_open(weft_reranker **out, const char *model, weft_m_error *error)
{
    struct opening opening = {
        .model = {.model = model, .use = WF_PLACE_RERANKER, .read = read_model}};
    int rc = wf_model_open(&opening.model, error);
    if (rc == 0)
        *out = opening.reranker;
    else
        weft_reranker_unref(opening.reranker);
    return rc;
}
