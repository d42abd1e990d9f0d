/* SPDX-License-Identifier: MIT */

#include "match/novelty/calibration.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_COUNT 4u /* by words: one or none, two, three, more */
#define GROUP_MIN 50u  /* fewer of a group say too little */
#define SLIPS_FEW 19.0 /* with no more nothing is below alpha .05, the usual one */

/* A step of ln(1 + letters) or ln(1 + words), and how far texts still resemble each other: lengths
 * that differ by a third.  From .2 to .5 it changes little. */
#define STEP 0.1
#define WIDTH 0.3
#define STEPS 112u /* of UINT16_MAX, and one more */

void wf_calibration_fini(wf_calibration *it)
{
    wf_free(it->known);
    wf_free(it->knots);
    *it = (wf_calibration){0};
}

/* ---- extents ---- */

wf_extent wf_extent_of(weft_str text)
{
    size_t letters = 0, words = 0;
    bool was_space = true;
    for (size_t at = 0; at < text.len;) {
        bool is_space = wf_utf8_next(text.ptr, &at) == ' ';
        letters += !is_space;
        words += was_space && !is_space;
        was_space = is_space;
    }
    return (wf_extent){(uint16_t)(letters < UINT16_MAX ? letters : UINT16_MAX),
                       (uint16_t)(words < UINT16_MAX ? words : UINT16_MAX)};
}

static uint8_t step_of(uint16_t length)
{
    return (uint8_t)(log1p((double)length) / STEP + 0.5);
}

static wf_peer peer_of(double score, wf_kin kin)
{
    return (wf_peer){.score = score,
                     .is_slip = kin.is_slip != 0,
                     .letters = step_of(kin.extent.letters),
                     .words = step_of(kin.extent.words)};
}

static void take_known(wf_calibration *it, const double *known, const wf_kin *kin)
{
    for (size_t i = 0; i < it->known_count; i++)
        it->known[i] = peer_of(known[i], kin[i]);
    for (unsigned i = 0; i < WF_NEAR_STEPS; i++) {
        double apart = i * STEP / WIDTH;
        it->near[i] = exp(-apart * apart / 2);
    }
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
    it->spread = wide / 4 > 0 ? wide / 4 : 1; /* of the least number there is, a quarter is 0 */
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

int wf_calibration_make(wf_calibration *it, const double *known, const wf_kin *kin,
                        size_t known_count, const double *novel, size_t novel_count)
{
    *it = (wf_calibration){.known = wf_array(known_count, sizeof(*it->known)),
                           .known_count = known_count};
    if (it->known == NULL)
        return -ENOMEM;
    take_known(it, known, kin);
    return regress(it, known, known_count, novel, novel_count);
}

/* ---- asking ---- */

static double near(const wf_calibration *it, size_t a, size_t b)
{
    size_t apart = a > b ? a - b : b - a;
    return apart < WF_NEAR_STEPS ? it->near[apart] : 0;
}

static unsigned group_of(size_t words)
{
    unsigned group = 0;
    while (group + 1 < GROUP_COUNT && words >= step_of((uint16_t)(group + 2)))
        group++;
    return group;
}

/* How much a text of the sample is one of a text's peers: the product of two numbers, by its
 * letters and by its words. */
struct weights {
    double letters[STEPS], words[STEPS];
};

static void weigh(const wf_calibration *it, enum wf_peers peers, const wf_peer *text,
                  struct weights *out)
{
    unsigned group = group_of(text->words);
    for (size_t i = 0; i < STEPS; i++) {
        out->letters[i] = peers == WF_PEERS_NEAR ? near(it, text->letters, i) : 1;
        out->words[i] = peers == WF_PEERS_NEAR ? near(it, text->words, i) : 1;
        if (peers == WF_PEERS_WORDS)
            out->words[i] = group_of(i) == group;
    }
}

/* Texts, by how much they are peers, and those of them that are at least as novel. */
struct count {
    double all, as_novel;
};

static double p_of(const struct count *count)
{
    return (1 + count->as_novel) / (1 + count->all);
}

double wf_calibration_p(const wf_calibration *it, double score, enum wf_peers peers,
                        wf_extent extent)
{
    static const double counts[2] = {0, 1}; /* read, for a branch would be guessed wrong */
    const wf_peer text = peer_of(score, (wf_kin){.extent = extent});
    struct count all = {0}, slips = {0};
    struct weights weights;
    weigh(it, peers, &text, &weights);
    for (size_t i = 0; i < it->known_count; i++) {
        const wf_peer *known = &it->known[i];
        double part = weights.letters[known->letters] * weights.words[known->words];
        double as_novel = part * counts[known->score >= score];
        all.all += part;
        all.as_novel += as_novel;
        slips.all += part * counts[known->is_slip];
        slips.as_novel += as_novel * counts[known->is_slip];
    }
    if (peers == WF_PEERS_WORDS && all.all < GROUP_MIN)
        return wf_calibration_p(it, score, WF_PEERS_ALL, extent);
    return slips.all <= SLIPS_FEW ? p_of(&all) : fmax(p_of(&all), p_of(&slips));
}

double wf_calibration_rank(const wf_calibration *it, double score, bool is_one)
{
    size_t as_novel = is_one ? 0 : 1;
    for (size_t i = 0; i < it->known_count; i++)
        as_novel += it->known[i].score >= score;
    return (double)as_novel / ((double)it->known_count + 1);
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
