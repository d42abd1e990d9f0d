/* SPDX-License-Identifier: MIT */

#include "match/novelty/calibration.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_MIN 50u /* fewer of a group say too little */

static int by_value(const void *left, const void *right)
{
    const double *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

void wf_calibration_fini(wf_calibration *it)
{
    wf_free(it->known);
    wf_free(it->sorted);
    wf_free(it->knots);
    *it = (wf_calibration){0};
}

/* ---- the known sample ---- */

static void sort_known(wf_calibration *it, const double *known, const uint8_t *groups)
{
    size_t at = 0;
    for (unsigned group = 0; group < WF_NOVEL_GROUPS; group++) {
        it->group_start[group] = at;
        for (size_t i = 0; i < it->known_count; i++) {
            if (groups[i] == group)
                it->known[at++] = known[i];
        }
        qsort(it->known + it->group_start[group], at - it->group_start[group], sizeof(double),
              by_value);
    }
    it->group_start[WF_NOVEL_GROUPS] = at;
    memcpy(it->sorted, known, it->known_count * sizeof(double));
    qsort(it->sorted, it->known_count, sizeof(double), by_value);
}

/* ---- isotonic regression ---- */

struct item {
    double score;
    double weight;
    bool is_novel;
};

struct pool {
    double score_sum, weight, novel;
};

static int by_score(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    return (a->score > b->score) - (a->score < b->score);
}

static double value_of(const struct pool *pool)
{
    return pool->novel / pool->weight;
}

/* Pools of equal scores first; then a pool joins the one before it while it is not above it. */
static size_t make_pools(const struct item *items, size_t count, struct pool *pools)
{
    size_t made = 0;
    for (size_t at = 0; at < count;) {
        struct pool pool = {0};
        double score = items[at].score;
        for (; at < count && items[at].score == score; at++) {
            pool.score_sum += items[at].score * items[at].weight;
            pool.weight += items[at].weight;
            pool.novel += items[at].is_novel ? items[at].weight : 0;
        }
        while (made > 0 && value_of(&pools[made - 1]) >= value_of(&pool)) {
            made--;
            pool.score_sum += pools[made].score_sum;
            pool.weight += pools[made].weight;
            pool.novel += pools[made].novel;
        }
        pools[made++] = pool;
    }
    return made;
}

/* Nothing is certain from a sample: values keep half a text's distance from 0 and 1. */
static void take_knots(wf_calibration *it, const struct pool *pools, size_t count, double least)
{
    for (size_t i = 0; i < count; i++) {
        wf_knot knot = {pools[i].score_sum / pools[i].weight, value_of(&pools[i])};
        knot.value = fmin(fmax(knot.value, least), 1 - least);
        wf_knot *last = it->knot_count != 0 ? &it->knots[it->knot_count - 1] : NULL;
        if (last == NULL || (knot.score > last->score && knot.value > last->value))
            it->knots[it->knot_count++] = knot;
    }
}

static void find_spread(wf_calibration *it, const struct item *items, size_t count)
{
    double wide = count != 0 ? items[count - 1].score - items[0].score : 0;
    it->spread = wide > 0 ? wide / 4 : 1;
}

static int regress(wf_calibration *it, const double *known, size_t known_count, const double *novel,
                   size_t novel_count)
{
    size_t count = known_count + novel_count;
    struct item *items = wf_array(count, sizeof(*items));
    struct pool *pools = wf_array(count, sizeof(*pools));
    it->knots = wf_array(count, sizeof(*it->knots));
    int rc = items != NULL && pools != NULL && it->knots != NULL ? 0 : -ENOMEM;
    if (rc == 0) {
        for (size_t i = 0; i < known_count; i++)
            items[i] = (struct item){known[i], 1 / (double)known_count, false};
        for (size_t i = 0; i < novel_count; i++)
            items[known_count + i] = (struct item){novel[i], 1 / (double)novel_count, true};
        qsort(items, count, sizeof(*items), by_score);
        find_spread(it, items, count);
        take_knots(it, pools, make_pools(items, count, pools), 0.5 / ((double)count + 1));
    }
    wf_free(items);
    wf_free(pools);
    return rc;
}

int wf_calibration_make(wf_calibration *it, const double *known, const uint8_t *groups,
                        size_t known_count, const double *novel, size_t novel_count)
{
    *it = (wf_calibration){.known = wf_array(known_count, sizeof(double)),
                           .sorted = wf_array(known_count, sizeof(double)),
                           .known_count = known_count};
    if (it->known == NULL || it->sorted == NULL)
        return -ENOMEM;
    sort_known(it, known, groups);
    return regress(it, known, known_count, novel, novel_count);
}

/* ---- asking ---- */

/* How many of sorted[0, count) are at least `score`. */
static size_t count_from(const double *sorted, size_t count, double score)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < score)
            low = middle + 1;
        else
            high = middle;
    }
    return count - low;
}

double wf_calibration_p(const wf_calibration *it, double score, unsigned group)
{
    const double *sorted = it->sorted;
    size_t count = it->known_count;
    if (group < WF_NOVEL_GROUPS) {
        size_t start = it->group_start[group], end = it->group_start[group + 1];
        if (end - start >= GROUP_MIN) {
            sorted = it->known + start;
            count = end - start;
        }
    }
    return (1 + (double)count_from(sorted, count, score)) / (1 + (double)count);
}

double wf_calibration_value(const wf_calibration *it, double score)
{
    if (it->knot_count == 0)
        return 0.5;
    const wf_knot *first = &it->knots[0], *last = &it->knots[it->knot_count - 1];
    if (score <= first->score)
        return first->value * exp((score - first->score) / it->spread);
    if (score >= last->score)
        return 1 - (1 - last->value) * exp((last->score - score) / it->spread);
    size_t low = 0, high = it->knot_count - 1;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (it->knots[middle].score <= score)
            low = middle;
        else
            high = middle;
    }
    double part = (score - it->knots[low].score) / (it->knots[high].score - it->knots[low].score);
    return it->knots[low].value + part * (it->knots[high].value - it->knots[low].value);
}
