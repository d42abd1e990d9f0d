/* SPDX-License-Identifier: MIT */

#include "match/score/hybrid.h"

#include "base/alloc.h"
#include "match/model/reranker.h"
#include "match/score/probability.h"

#include <stdlib.h>

struct hybrid {
    wf_scorer head;
    wf_scorer *retriever;
    weft_blocker *blocker;
    wf_rerank rerank;
    bool has_blocker; /* it is built */
};

static struct hybrid *hybrid_of(wf_scorer *scorer)
{
    return (struct hybrid *)scorer;
}

static void destroy(wf_scorer *scorer)
{
    struct hybrid *it = hybrid_of(scorer);
    wf_scorer_unref(it->retriever);
    weft_blocker_free(it->blocker);
    wf_catalogue_unref(scorer->catalogue);
    wf_image_unref(scorer->image);
    wf_free(it);
}

int wf_hybrid_create_with(wf_scorer **out, const wf_scorer_class *retriever,
                          wf_catalogue *catalogue, const weft_m_options *options,
                          enum wf_blocking blocking, wf_rerank rerank)
{
    weft_blocker_options settings;
    weft_blocker_options_init(&settings);
    struct hybrid *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->head =
        (wf_scorer){.cls = &wf_scorer_hybrid, .catalogue = wf_catalogue_ref(catalogue), .refs = 1};
    it->rerank = rerank;
    int rc = retriever->create(&it->retriever, catalogue, options);
    if (rc == 0)
        rc = wf_blocker_create(&it->blocker, catalogue, blocking, &settings);
    if (rc < 0) {
        destroy(&it->head);
        return rc;
    }
    it->head.total = it->retriever->total + catalogue->row_count + 1;
    *out = &it->head;
    return 0;
}

static int run_reranker(void *self, weft_str query, const weft_str *texts, size_t count, float *out,
                        const wf_job *job)
{
    return wf_reranker_run(self, query, texts, count, out, job);
}

int wf_hybrid_create(wf_scorer **out, const wf_scorer_class *retriever, wf_catalogue *catalogue,
                     const weft_m_options *options, enum wf_blocking blocking)
{
    wf_rerank rerank = {0};
    if (options->reranker != NULL)
        rerank = (wf_rerank){run_reranker, options->reranker};
    return wf_hybrid_create_with(out, retriever, catalogue, options, blocking, rerank);
}

static int build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job)
{
    struct hybrid *it = hybrid_of(scorer);
    if (it->retriever->done < it->retriever->total) {
        int rc = it->retriever->cls->build(it->retriever, seeker, job);
        scorer->done = it->retriever->done;
        return rc < 0 ? rc : 1;
    }
    int rc = wf_blocker_build(it->blocker, &seeker->block, job);
    it->has_blocker = rc == 0;
    scorer->done = rc == 0 ? scorer->total : it->retriever->total + it->blocker->row_done;
    return rc;
}

static void inherit(wf_scorer *scorer, wf_scorer *old)
{
    wf_scorer *retriever = hybrid_of(scorer)->retriever, *before = hybrid_of(old)->retriever;
    if (retriever->cls == before->cls && retriever->cls->inherit != NULL)
        retriever->cls->inherit(retriever, before);
}

/* ---- asking ---- */

static size_t or_default(size_t given, size_t otherwise)
{
    return given != 0 ? given : otherwise;
}

/* The entities that blocking leaves, and those that it cannot see and the retriever knows for sure,
 * as a set in *out, the caller's; NULL: those of the question. */
static int block(const struct hybrid *it, wf_seeker *seeker, const wf_ask *ask, size_t needed,
                 uint64_t **out)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    const wf_scorer_class *cls = it->retriever->cls;
    size_t most = or_default(ask->blocking_top_k, WF_BLOCKING_TOP_K);
    bool is_all = it->blocker->kind == WF_BLOCK_NONE || catalogue->entity_count <= needed;
    *out = NULL;
    if (is_all)
        return 0;
    const wf_rank *rank = &seeker->block.rank;
    int rc = wf_blocker_find(it->blocker, &seeker->block, ask->raw, most, ask->allowed, ask->job);
    if (rc < 0 || rank->count < needed)
        return rc;
    uint64_t *set = wf_array((size_t)catalogue->entity_count / 64 + 1, sizeof(*set));
    if (set == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < rank->count; i++)
        set[rank->found[i].entity / 64] |= UINT64_C(1) << rank->found[i].entity % 64;
    if (cls->add_alike != NULL)
        rc = cls->add_alike(it->retriever, seeker, ask, set);
    if (rc < 0)
        wf_free(set);
    else
        *out = set;
    return rc;
}

/* By the reranker, the best first; equal ones in the order of the catalogue. */
static int by_rerank(const void *a, const void *b)
{
    const wf_found *left = a, *right = b;
    if (left->rerank > right->rerank || left->rerank < right->rerank)
        return left->rerank > right->rerank ? -1 : 1;
    return left->entity < right->entity ? -1 : left->entity > right->entity;
}

static int rerank(const struct hybrid *it, wf_seeker *seeker, const wf_ask *ask)
{
    wf_rank *rank = &seeker->rank;
    size_t count = rank->count;
    weft_str *texts = wf_array(count + 1, sizeof(*texts));
    float *scores = wf_array(count + 1, sizeof(*scores));
    int rc = texts != NULL && scores != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++)
        texts[i] = wf_catalogue_row(it->head.catalogue, rank->found[i].row);
    if (rc == 0 && count != 0)
        rc = it->rerank.score(it->rerank.self, ask->raw, texts, count, scores, ask->job);
    for (size_t i = 0; i < count && rc == 0; i++)
        rank->found[i].rerank = scores[i];
    if (rc == 0) {
        qsort(rank->found, count, sizeof(*rank->found), by_rerank);
        rank->is_reranked = true;
        rank->tied_count = 0;
    }
    wf_free(texts);
    wf_free(scores);
    return rc;
}

static size_t final_of(const wf_ask *ask)
{
    size_t final = or_default(ask->final_top_k, ask->top_k);
    return final < ask->top_k ? final : ask->top_k;
}

/* The question to the retriever in place of `ask`.  Its set is the caller's to free if it is not
 * that of the ask. */
static int plan(const struct hybrid *it, wf_seeker *seeker, const wf_ask *ask, wf_ask *out)
{
    size_t wide = ask->top_k > WF_RETRIEVAL_TOP_K ? ask->top_k : WF_RETRIEVAL_TOP_K;
    size_t needed = or_default(ask->retrieval_top_k, wide), final = final_of(ask);
    uint64_t *set;
    int rc = block(it, seeker, ask, needed, &set);
    if (rc < 0)
        return rc;
    *out = *ask;
    if (set != NULL)
        out->allowed = set;
    out->top_k = it->rerank.score != NULL || needed < final ? needed : final;
    return 0;
}

static void forget(const wf_ask *ask, const wf_ask *retrieval)
{
    if (retrieval->allowed != ask->allowed)
        wf_free((void *)retrieval->allowed);
}

static int finish(const struct hybrid *it, wf_seeker *seeker, const wf_ask *ask)
{
    int rc = it->rerank.score != NULL ? rerank(it, seeker, ask) : 0;
    if (rc == 0)
        wf_rank_cut(&seeker->rank, final_of(ask));
    return rc;
}

static int find(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    struct hybrid *it = hybrid_of(scorer);
    wf_ask retrieval;
    int rc = plan(it, seeker, ask, &retrieval);
    if (rc < 0)
        return rc;
    rc = it->retriever->cls->find(it->retriever, seeker, &retrieval);
    forget(ask, &retrieval);
    return rc < 0 ? rc : finish(it, seeker, ask);
}

static size_t together(const wf_scorer *scorer)
{
    return wf_scorer_together(((const struct hybrid *)scorer)->retriever);
}

struct finishing {
    const struct hybrid *it;
    const wf_ask *asks;
    wf_answer_fn *then;
    void *arg;
};

static int finish_one(void *arg, size_t index, wf_seeker *seeker)
{
    const struct finishing *finishing = arg;
    int rc = finish(finishing->it, seeker, &finishing->asks[index]);
    return rc < 0 ? rc : finishing->then(finishing->arg, index, seeker);
}

static int find_each(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *asks, size_t count,
                     wf_answer_fn *then, void *arg)
{
    struct hybrid *it = hybrid_of(scorer);
    struct finishing finishing = {.it = it, .asks = asks, .then = then, .arg = arg};
    wf_ask *retrievals = wf_array(count, sizeof(*retrievals));
    size_t planned = 0;
    int rc = retrievals != NULL ? 0 : -ENOMEM;
    while (planned < count && rc == 0) {
        rc = plan(it, seeker, &asks[planned], &retrievals[planned]);
        planned += rc == 0;
    }
    if (rc == 0)
        rc = it->retriever->cls->find_each(it->retriever, seeker, retrievals, count, finish_one,
                                           &finishing);
    while (planned-- > 0)
        forget(&asks[planned], &retrievals[planned]);
    wf_free(retrievals);
    return rc;
}

/* ---- the rest is the retriever's ---- */

static int explain_query(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    wf_scorer *retriever = hybrid_of(scorer)->retriever;
    return retriever->cls->explain_query(retriever, seeker, ask);
}

static int explain(wf_scorer *scorer, const wf_seeker *seeker, wf_seeker *spare, uint32_t row,
                   wf_share *shares, size_t share_max)
{
    wf_scorer *retriever = hybrid_of(scorer)->retriever;
    return retriever->cls->explain(retriever, seeker, spare, row, shares, share_max);
}

static size_t parts(wf_scorer *scorer, const wf_seeker *seeker, uint32_t entity, weft_m_part *out)
{
    wf_scorer *retriever = hybrid_of(scorer)->retriever;
    return retriever->cls->parts != NULL ? retriever->cls->parts(retriever, seeker, entity, out)
                                         : 0;
}

static void stats(wf_scorer *scorer, wf_scorer_stats *out)
{
    const struct hybrid *it = hybrid_of(scorer);
    it->retriever->cls->stats(it->retriever, out);
    out->bytes += wf_blocker_bytes(it->blocker);
    out->backend = it->rerank.score != NULL ? "reranked" : out->backend;
}

/* ---- files: the blocker is made again ---- */

static int save(wf_scorer *scorer, wf_pack *pack)
{
    const struct hybrid *it = hybrid_of(scorer);
    return it->retriever->cls->save(it->retriever, pack);
}

static int load(wf_scorer *scorer, wf_image *image)
{
    struct hybrid *it = hybrid_of(scorer);
    const wf_job job = {0};
    wf_block_desk desk = {0};
    int rc = it->retriever->cls->load(it->retriever, image);
    while (rc == 0 && !it->has_blocker) {
        rc = wf_blocker_build(it->blocker, &desk, &job);
        it->has_blocker = rc == 0;
        rc = rc > 0 ? 0 : rc;
    }
    wf_block_desk_fini(&desk);
    return rc;
}

const wf_scorer_class wf_scorer_hybrid = {
    .kind = "hybrid",
    .mode = "hybrid",
    .build = build,
    .inherit = inherit,
    .find = find,
    .together = together,
    .find_each = find_each,
    .explain_query = explain_query,
    .explain = explain,
    .parts = parts,
    .stats = stats,
    .save = save,
    .load = load,
    .destroy = destroy,
};
