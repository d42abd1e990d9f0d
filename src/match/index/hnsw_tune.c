/* SPDX-License-Identifier: MIT */

/* How far a walk must look, measured. */
#include "match/index/hnsw.h"

#include "match/index/sweep.h"
#include "match/train/dice.h"

#define QUERIES 100u
#define NEAREST 10u
#define WANTED_IN_1000 995u /* of so few queries, for 990 of all */
#define EF_MAX 6400u

/* Rows as near as the last of the ten, but for rounding, are as good as it. */
#define SLACK 1e-6f

struct tuning {
    wf_hnsw *graph;
    const wf_vectors *vectors;
    wf_hnsw_desk *desk;
    const wf_job *job;
    wf_glance glance;
    wf_rank rank;
    uint32_t products; /* of a walk, in the mean */
};

/* Sums of rows: of two, half way between them, where most walks begin far from the nearest; of one,
 * which may be of a thousand equal ones; of eight, near to none; and a row less another. */
static void make_query(struct tuning *it, uint64_t *dice, size_t index)
{
    static const size_t counts[4] = {2, 1, 8, 2};
    static const float signs[4] = {1, 1, 1, -1};
    const wf_vectors *vectors = it->vectors;
    for (size_t i = 0; i < vectors->dim; i++)
        it->glance.query[i] = 0;
    for (size_t k = 0; k < counts[index % 4]; k++) {
        size_t row = wf_dice_below(dice, (uint32_t)vectors->count);
        float sign = k != 0 ? signs[index % 4] : 1;
        for (size_t i = 0; i < vectors->dim; i++)
            it->glance.query[i] += sign * vectors->rows[row * vectors->float_width + i];
    }
    wf_glance_take(&it->glance, vectors);
}

/* How many of the nearest the graph finds; or negative. */
static int count_right(struct tuning *it)
{
    const wf_look look = {&it->glance, it->graph->in, &it->rank};
    int right = 0, rc = wf_rank_begin(&it->rank, NEAREST, it->vectors->count, -2);
    if (rc == 0)
        rc = wf_sweep(it->vectors, &look, 1, /* row_entity= */ NULL, it->job);
    if (rc == 0)
        rc = wf_hnsw_find(it->graph, it->vectors, &it->glance, NEAREST, it->desk, it->job);
    if (rc < 0)
        return rc;
    wf_rank_end(&it->rank);
    for (size_t i = 0; i < it->desk->found.count && it->rank.count > 0; i++)
        right += it->desk->found.items[i].score >= it->rank.found[it->rank.count - 1].score - SLACK;
    return right;
}

/* 1: enough is found, 0: too little; or negative. */
static int is_enough(struct tuning *it)
{
    uint64_t dice = it->graph->options.seed;
    size_t right = 0;
    it->desk->products = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        make_query(it, &dice, i);
        int rc = count_right(it);
        if (rc < 0)
            return rc;
        right += (size_t)rc;
    }
    it->products = (uint32_t)(it->desk->products / QUERIES);
    return 1000 * right >= (size_t)WANTED_IN_1000 * QUERIES * NEAREST;
}

int wf_hnsw_tune(wf_hnsw *graph, const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_job *job)
{
    struct tuning it = {.graph = graph, .vectors = vectors, .desk = desk, .job = job};
    uint32_t first = graph->options.ef;
    uint32_t most = graph->in_count < EF_MAX ? (uint32_t)graph->in_count : EF_MAX;
    int rc = graph->in_count >= NEAREST ? wf_glance_reserve(&it.glance, vectors) : 1;
    while (rc == 0 && (rc = is_enough(&it)) == 0 && graph->options.ef < most)
        graph->options.ef *= 2;
    if (rc == 0)
        graph->options.ef = WF_HNSW_EF_MAX;
    if (rc < 0) {
        graph->options.ef = first;
    } else {
        graph->options.products = it.products;
        graph->changed = 0;
    }
    wf_glance_fini(&it.glance);
    wf_rank_fini(&it.rank);
    return rc < 0 ? rc : 0;
}
