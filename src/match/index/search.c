/* SPDX-License-Identifier: MIT */

#include "match/index/search.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define SUM_MAX 1073741824.0 /* 2^30 */

/* Rows looked at together; a multiple of what a vector register holds. */
#define BLOCK_ROWS 64u

/* The estimate of a score in float is within this of the score. */
#define ESTIMATE_ERROR 4e-6f

/* Scores this close to 1 are those of equal vectors. */
#define ONE_ERROR 1e-6

/* Postings between two looks at the job: 4 MiB. */
#define POLL_POSTINGS ((size_t)2 << 20)

/* The walk through one segment, and over its end: rows of an entity are neighbours, but may lie in
 * two segments. */
struct walk {
    const wf_search *search;
    wf_rank *rank;
    const int32_t *sums;
    double scale;  /* sum -> score times the row's length */
    wf_found best; /* of the entity under way; entity UINT32_MAX: none */
};

void wf_finder_fini(wf_finder *finder)
{
    wf_free(finder->sums);
    *finder = (wf_finder){0};
}

static void add_rows(int32_t *sums, const uint16_t *rows, size_t count, int32_t product)
{
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        sums[rows[i]] += product;
        sums[rows[i + 1]] += product;
        sums[rows[i + 2]] += product;
        sums[rows[i + 3]] += product;
    }
    for (; i < count; i++)
        sums[rows[i]] += product;
}

/* Adds one dimension; returns the postings seen. */
static size_t add_dim(int32_t *sums, const wf_segment *segment, uint32_t dim, float factor)
{
    const wf_run *run = segment->runs + segment->first[dim];
    const wf_run *end = segment->runs + segment->first[dim + 1];
    size_t first = run->start;
    for (; run < end; run++)
        add_rows(sums, segment->rows + run->start, run[1].start - run->start,
                 (int32_t)lrintf(factor * run->value));
    return end->start - first;
}

static int add_segment(wf_finder *finder, const wf_segment *segment, const wf_vector *query,
                       double scale, const wf_job *job)
{
    memset(finder->sums, 0, WF_SEGMENT_ROWS * sizeof(*finder->sums));
    size_t seen = 0;
    for (size_t i = 0; i < query->count; i++) {
        wf_weight weight = query->weights[i];
        seen += add_dim(finder->sums, segment, weight.dim, (float)((double)weight.value * scale));
        if (seen < POLL_POSTINGS)
            continue;
        seen = 0;
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
    }
    return wf_job_poll(job);
}

static void offer_best(struct walk *walk)
{
    if (walk->best.entity != UINT32_MAX)
        wf_rank_offer(walk->rank, walk->best);
    walk->best.entity = UINT32_MAX;
}

static bool is_allowed(const wf_search *search, uint32_t entity)
{
    return search->allowed == NULL || (search->allowed[entity / 64] >> entity % 64 & 1) != 0;
}

static float score_of(const struct walk *walk, int32_t sum, float inverse_norm)
{
    double score = sum * walk->scale * (double)inverse_norm;
    if (score > 1 - ONE_ERROR)
        return 1;
    return (float)(score < -1 ? -1 : score);
}

static void take_row(struct walk *walk, uint32_t row, float score)
{
    uint32_t entity = walk->search->row_entity[row];
    if (entity != walk->best.entity) {
        if (!is_allowed(walk->search, entity))
            return;
        offer_best(walk);
        walk->best = (wf_found){.entity = entity, .row = row, .score = score};
    } else if (score > walk->best.score) {
        walk->best.row = row;
        walk->best.score = score;
    }
}

/* True if any of the rows may reach `bar`.  Branchless, for the vectoriser. */
static bool any_reaches(const int32_t *sums, const float *inverse_norms, float bar)
{
    int any = 0;
    for (unsigned i = 0; i < BLOCK_ROWS; i++)
        any |= (float)sums[i] * inverse_norms[i] >= bar;
    return any != 0;
}

static void take_rows(struct walk *walk, const wf_segment *segment, uint32_t from, uint32_t to)
{
    const float *inverse_norms = walk->search->postings->inverse_norms + segment->row_start;
    for (uint32_t i = from; i < to; i++) {
        float score = score_of(walk, walk->sums[i], inverse_norms[i]);
        if (score >= wf_rank_bar(walk->rank))
            take_row(walk, segment->row_start + i, score);
    }
}

static void walk_segment(struct walk *walk, const wf_segment *segment)
{
    const float *inverse_norms = walk->search->postings->inverse_norms + segment->row_start;
    uint32_t at = 0;
    for (; at + BLOCK_ROWS <= segment->row_count; at += BLOCK_ROWS) {
        float bar = (wf_rank_bar(walk->rank) - ESTIMATE_ERROR) / (float)walk->scale;
        if (any_reaches(walk->sums + at, inverse_norms + at, bar))
            take_rows(walk, segment, at, at + BLOCK_ROWS);
    }
    take_rows(walk, segment, at, segment->row_count);
}

int wf_find(wf_finder *finder, const wf_search *search, const wf_vector *query, wf_rank *rank,
            const wf_job *job)
{
    const wf_postings *postings = search->postings;
    if (finder->sums == NULL) {
        finder->sums = wf_array(WF_SEGMENT_ROWS, sizeof(*finder->sums));
        if (finder->sums == NULL)
            return -ENOMEM;
    }
    double to_sum = postings->norm_max > 0 ? SUM_MAX / postings->norm_max : 1;
    double factor = query->norm > 0 ? to_sum / query->norm : 0;
    struct walk walk = {.search = search,
                        .rank = rank,
                        .sums = finder->sums,
                        .scale = 1 / to_sum,
                        .best = {.entity = UINT32_MAX}};
    for (size_t i = 0; i < postings->segment_count; i++) {
        int rc = add_segment(finder, &postings->segments[i], query, factor, job);
        if (rc < 0)
            return rc;
        walk_segment(&walk, &postings->segments[i]);
    }
    offer_best(&walk);
    return 0;
}
