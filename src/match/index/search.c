/* SPDX-License-Identifier: MIT */

#include "match/index/search.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define SUM_MAX 1073741824.0 /* 2^30 */

/* Rows looked at together; a multiple of what a vector register holds. */
#define BLOCK_ROWS 16u

/* What every machine can do at once. */
#define LANES 4u
typedef float lanes __attribute__((vector_size(16)));
typedef int32_t masks __attribute__((vector_size(16)));

/* Up to so many answers are worth a bar before the first row; how finely it is found. */
#define EARLY_MAX 64u
#define EARLY_STEPS 128

/* The estimate of a score in float is within this of the score. */
#define ESTIMATE_ERROR 4e-6f

/* Scores this close to 1 are those of equal vectors. */
#define ONE_ERROR 1e-6

/* Postings between two looks at the job: 4 MiB. */
#define POLL_POSTINGS ((size_t)2 << 20)

/* Rows of a segment completed one by one; are there more, the heavy dimensions are summed whole. */
#define COMPLETED_MAX 48u

/* Rows rarely have more of their length than this in heavy dimensions.  Below a bar that this part
 * alone could reach, light dimensions first would only be a detour. */
#define EVERYDAY_SHARE 0.5f

/* The walk through the segments.  Rows of an entity are neighbours, but may lie in two segments. */
struct walk {
    const wf_search *search;
    const wf_finder *finder;
    wf_rank *rank;
    const wf_job *job;
    double scale;      /* sum -> score times the row's length */
    float heavy_share; /* of the query */
    wf_found best;     /* of the entity under way; entity UINT32_MAX: none */
};

void wf_finder_fini(wf_finder *finder)
{
    wf_free(finder->sums);
    wf_free(finder->best);
    wf_vector_fini(&finder->light);
    wf_vector_fini(&finder->heavy);
    *finder = (wf_finder){0};
}

/* ---- summing ---- */

static int32_t product_of(float factor, float value)
{
    /* Round to nearest without a call: the sum's last bit is worth 1. */
    double shifted = (double)(factor * value) + 6755399441055744.0; /* 2^52 + 2^51 */
    int64_t bits;
    memcpy(&bits, &shifted, sizeof(bits));
    return (int32_t)bits;
}

/* Wraps, where only a file that lies about its lengths could make it overflow. */
static void add_to(int32_t *sum, int32_t product)
{
    *sum = (int32_t)((uint32_t)*sum + (uint32_t)product);
}

static void add_rows(int32_t *sums, const uint16_t *rows, size_t count, int32_t product)
{
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        add_to(&sums[rows[i]], product);
        add_to(&sums[rows[i + 1]], product);
        add_to(&sums[rows[i + 2]], product);
        add_to(&sums[rows[i + 3]], product);
    }
    for (; i < count; i++)
        add_to(&sums[rows[i]], product);
}

/* Adds one dimension; returns the postings seen. */
static size_t add_dim(int32_t *sums, const wf_segment *segment, wf_weight weight)
{
    const wf_run *run = segment->runs + segment->first[weight.dim];
    const wf_run *end = segment->runs + segment->first[weight.dim + 1];
    size_t first = run->start;
    for (; run < end; run++)
        add_rows(sums, segment->rows + run->start, run[1].start - run->start,
                 product_of(weight.value, run->value));
    return end->start - first;
}

static int add_part(const struct walk *walk, const wf_segment *segment, const wf_vector *part)
{
    size_t seen = 0;
    for (size_t i = 0; i < part->count; i++)
        __builtin_prefetch(segment->first + part->weights[i].dim);
    for (size_t i = 0; i < part->count; i++) {
        seen += add_dim(walk->finder->sums, segment, part->weights[i]);
        if (seen < POLL_POSTINGS)
            continue;
        seen = 0;
        int rc = wf_job_poll(walk->job);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A row's sum with what the heavy dimensions add: in each it is in one run at most. */
static int32_t heavy_sum(const struct walk *walk, const wf_segment *segment, uint16_t row)
{
    int32_t sum = walk->finder->sums[row];
    for (size_t i = 0; i < walk->finder->heavy.count; i++) {
        wf_weight weight = walk->finder->heavy.weights[i];
        const wf_run *run = segment->runs + segment->first[weight.dim];
        const wf_run *end = segment->runs + segment->first[weight.dim + 1];
        for (; run < end; run++) {
            size_t low = run->start, count = run[1].start - run->start;
            while (count > 1) { /* the last that is not above */
                size_t half = count / 2;
                low = segment->rows[low + half] <= row ? low + half : low;
                count -= half;
            }
            if (segment->rows[low] == row) {
                add_to(&sum, product_of(weight.value, run->value));
                break;
            }
        }
    }
    return sum;
}

/* ---- taking rows ---- */

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

static bool is_without(const wf_search *search, uint32_t row)
{
    return search->without != NULL && *search->without == row;
}

static float score_of(const struct walk *walk, int32_t sum, uint32_t row)
{
    double score = sum * walk->scale * (double)walk->search->postings->inverse_norms[row];
    if (score > 1 - ONE_ERROR)
        return 1;
    return (float)(score < -1 ? -1 : score);
}

static void take_row(struct walk *walk, int32_t sum, uint32_t row)
{
    float score = score_of(walk, sum, row);
    if (score < wf_rank_bar(walk->rank) || is_without(walk->search, row))
        return;
    const uint32_t *owners = walk->search->row_entity;
    uint32_t entity = owners != NULL ? owners[row] : row;
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

/* ---- all dimensions ---- */

/* What a row's sum times its inverse norm must reach for a score. */
static float bar_for(const struct walk *walk, float score)
{
    return (score - ESTIMATE_ERROR) / (float)walk->scale;
}

static float bar_of(const struct walk *walk)
{
    return bar_for(walk, wf_rank_bar(walk->rank));
}

/* The greatest estimate of rows 0, 4, 8 … of a block, of rows 1, 5, 9 … and so on: four groups,
 * without a step across lanes. */
static lanes best_of_block(const int32_t *sums, const float *inverse_norms)
{
    lanes best = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    for (unsigned i = 0; i < BLOCK_ROWS; i += LANES) {
        masks four;
        lanes norms;
        memcpy(&four, sums + i, sizeof(four));
        memcpy(&norms, inverse_norms + i, sizeof(norms));
        lanes estimates = __builtin_convertvector(four, lanes) * norms;
        masks is_better = estimates > best;
        best = (lanes)(((masks)estimates & is_better) | ((masks)best & ~is_better));
    }
    return best;
}

static bool any_is_at_least(const float best[LANES], float bar)
{
    return best[0] >= bar || best[1] >= bar || best[2] >= bar || best[3] >= bar;
}

/* A value that at least `count` of the values reach, and few more; -INFINITY if there are not so
 * many above 0.  By a histogram of what they are of the greatest. */
static float reached_by(const float *values, size_t value_count, size_t count)
{
    uint16_t steps[EARLY_STEPS + 1] = {0};
    float greatest = 0;
    for (size_t i = 0; i < value_count; i++)
        greatest = values[i] > greatest ? values[i] : greatest;
    float scale = EARLY_STEPS / greatest;
    for (size_t i = 0; i < value_count && greatest > 0; i++) {
        if (values[i] > 0)
            steps[(int)(values[i] * scale)]++;
    }
    size_t found = 0, step = EARLY_STEPS + 1;
    while (step > 1 && found < count)
        found += steps[--step];
    return found < count ? -INFINITY : (float)step / scale;
}

/* As many groups have a best row as rows are wanted: the least of them is a bar before any row has
 * been offered.  Only if each row counts for itself. */
static float early_bar(const struct walk *walk, const float *best, size_t group_count)
{
    bool is_plain = walk->search->row_entity == NULL && walk->search->allowed == NULL;
    size_t wanted = walk->rank->top_k;
    if (!is_plain || wanted > EARLY_MAX || wanted == 0)
        return -INFINITY;
    float bar = reached_by(best, group_count, wanted);
    return bar * (1 - 4 / (float)(1 << 24)) - 2 * ESTIMATE_ERROR / (float)walk->scale;
}

/* `sums` are complete. */
static void walk_all(struct walk *walk, const wf_segment *segment)
{
    const float *inverse_norms = walk->search->postings->inverse_norms + segment->row_start;
    const int32_t *sums = walk->finder->sums;
    float *best = walk->finder->best;
    size_t whole = segment->row_count / BLOCK_ROWS;
    for (size_t block = 0; block < whole; block++) {
        lanes four = best_of_block(sums + block * BLOCK_ROWS, inverse_norms + block * BLOCK_ROWS);
        memcpy(best + block * LANES, &four, sizeof(four));
    }
    float early = early_bar(walk, best, whole * LANES);
    for (size_t block = 0; block * BLOCK_ROWS < segment->row_count; block++) {
        float bar = bar_of(walk);
        bar = bar > early ? bar : early;
        if (block < whole && !any_is_at_least(best + block * LANES, bar))
            continue;
        uint32_t at = (uint32_t)(block * BLOCK_ROWS);
        uint32_t end = block < whole ? at + BLOCK_ROWS : segment->row_count;
        for (; at < end; at++) {
            if ((float)sums[at] * inverse_norms[at] >= bar)
                take_row(walk, sums[at], segment->row_start + at);
        }
    }
}

/* ---- light dimensions first ---- */

static bool any_may_reach(const int32_t *sums, const float *inverse_norms, const uint8_t *shares,
                          float bar, float unit)
{
    int any = 0;
    for (unsigned i = 0; i < BLOCK_ROWS; i++)
        any |= (float)sums[i] * inverse_norms[i] + (float)shares[i] * unit >= bar;
    return any != 0;
}

/* The rows that may reach the bar with what the heavy dimensions add at most; COMPLETED_MAX + 1 if
 * there are more than COMPLETED_MAX. */
static size_t list_reaching(const struct walk *walk, const wf_segment *segment, uint16_t *out)
{
    const wf_postings *postings = walk->search->postings;
    const float *inverse_norms = postings->inverse_norms + segment->row_start;
    const uint8_t *shares = postings->heavy_shares + segment->row_start;
    const int32_t *sums = walk->finder->sums;
    float bar = bar_of(walk), unit = walk->heavy_share / (255 * (float)walk->scale);
    size_t count = 0;
    for (uint32_t at = 0; at < segment->row_count; at += BLOCK_ROWS) {
        bool is_whole = at + BLOCK_ROWS <= segment->row_count;
        if (is_whole && !any_may_reach(sums + at, inverse_norms + at, shares + at, bar, unit))
            continue;
        uint32_t end = is_whole ? at + BLOCK_ROWS : segment->row_count;
        for (uint32_t i = at; i < end; i++) {
            if ((float)sums[i] * inverse_norms[i] + (float)shares[i] * unit < bar)
                continue;
            if (count == COMPLETED_MAX)
                return COMPLETED_MAX + 1;
            out[count++] = (uint16_t)i;
        }
    }
    return count;
}

static int walk_segment(struct walk *walk, const wf_segment *segment)
{
    const wf_finder *finder = walk->finder;
    memset(finder->sums, 0, segment->row_count * sizeof(*finder->sums));
    int rc = add_part(walk, segment, &finder->light);
    if (rc < 0)
        return rc;
    if (wf_rank_bar(walk->rank) > walk->heavy_share * EVERYDAY_SHARE) {
        uint16_t rows[COMPLETED_MAX];
        size_t count = list_reaching(walk, segment, rows);
        for (size_t i = 0; i < count && count <= COMPLETED_MAX; i++)
            take_row(walk, heavy_sum(walk, segment, rows[i]), segment->row_start + rows[i]);
        if (count <= COMPLETED_MAX)
            return wf_job_poll(walk->job);
    }
    rc = add_part(walk, segment, &finder->heavy);
    if (rc < 0)
        return rc;
    walk_all(walk, segment);
    return wf_job_poll(walk->job);
}

/* ---- finding ---- */

static int finder_reserve(wf_finder *finder, size_t weight_count)
{
    if (finder->sums == NULL)
        finder->sums = wf_array(WF_SEGMENT_ROWS, sizeof(*finder->sums));
    if (finder->best == NULL)
        finder->best =
            wf_array((size_t)WF_SEGMENT_ROWS / BLOCK_ROWS * LANES, sizeof(*finder->best));
    if (finder->sums == NULL || finder->best == NULL)
        return -ENOMEM;
    int rc = wf_vector_reserve(&finder->light, weight_count);
    return rc < 0 ? rc : wf_vector_reserve(&finder->heavy, weight_count);
}

/* Parts the query and brings its values onto the scale; returns its share in the heavy part. */
static float part_query(wf_finder *finder, const wf_postings *postings, const wf_vector *query,
                        double factor)
{
    double heavy_squares = 0;
    finder->light.count = 0;
    finder->heavy.count = 0;
    for (size_t i = 0; i < query->count; i++) {
        wf_weight weight = query->weights[i];
        bool is_heavy = wf_postings_is_heavy(postings, weight.dim);
        wf_vector *part = is_heavy ? &finder->heavy : &finder->light;
        if (is_heavy)
            heavy_squares += (double)weight.value * (double)weight.value;
        weight.value = (float)((double)weight.value * factor);
        part->weights[part->count++] = weight;
    }
    return query->norm > 0 ? (float)(sqrt(heavy_squares) / query->norm) : 0;
}

int wf_find(wf_finder *finder, const wf_search *search, const wf_vector *query, wf_rank *rank,
            const wf_job *job)
{
    const wf_postings *postings = search->postings;
    double to_sum = postings->norm_max > 0 ? SUM_MAX / postings->norm_max : 1;
    int rc = finder_reserve(finder, query->count);
    if (rc < 0)
        return rc;
    struct walk walk = {
        .search = search,
        .finder = finder,
        .rank = rank,
        .job = job,
        .scale = 1 / to_sum,
        .best = {.entity = UINT32_MAX},
    };
    walk.heavy_share =
        part_query(finder, postings, query, query->norm > 0 ? to_sum / query->norm : 0);
    for (size_t i = 0; i < postings->segment_count; i++) {
        rc = walk_segment(&walk, &postings->segments[i]);
        if (rc < 0)
            return rc;
    }
    offer_best(&walk);
    return 0;
}
