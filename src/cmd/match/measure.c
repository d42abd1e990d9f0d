/* SPDX-License-Identifier: MIT */

#include "cmd/match/measure.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

#define BINS 10
#define FALSE_ALARMS 100u /* one known text in so many may be taken for novel */

void measure_fini(struct measure *measure)
{
    wf_free(measure->items);
    *measure = (struct measure){0};
}

int measure_add(struct measure *measure, struct measured item)
{
    struct measured *items =
        wf_more(measure->items, measure->count, &measure->capacity, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    measure->items = items;
    measure->items[measure->count++] = item;
    return 0;
}

static int by_score(const void *a, const void *b)
{
    const struct measured *left = a, *right = b;
    return (left->score > right->score) - (left->score < right->score);
}

static int by_novelty(const void *a, const void *b)
{
    const struct measured *left = a, *right = b;
    return (left->novelty < right->novelty) - (left->novelty > right->novelty);
}

static bool is_right(const struct measured *item)
{
    return item->is_known && item->rank == 0;
}

static double share(double part, size_t whole)
{
    return whole != 0 ? part / (double)whole : (double)NAN;
}

/* ---- of known texts ---- */

static void measure_places(const struct measure *measure, struct figures *out)
{
    double right = 0, five = 0, reciprocal = 0;
    for (size_t i = 0; i < measure->count; i++) {
        const struct measured *item = &measure->items[i];
        if (!item->is_known)
            continue;
        out->known_count++;
        right += item->rank == 0;
        five += item->rank < 5;
        reciprocal += item->rank < MEASURE_RANK_MAX ? 1 / (1 + (double)item->rank) : 0;
    }
    out->accuracy = share(right, out->known_count);
    out->recall_at_5 = share(five, out->known_count);
    out->mrr = share(reciprocal, out->known_count);
}

/* ---- of novel texts ---- */

static bool is_same(const struct measured *a, const struct measured *b, bool by_detector)
{
    return by_detector ? a->novelty == b->novelty : a->score == b->score;
}

/* Items ascend from novel to known, by score or by the detector. */
static void measure_order(const struct measure *measure, bool by_detector, size_t known_count,
                          double *out_auroc, double *out_detection)
{
    size_t novel_count = measure->count - known_count, known_below = 0, novel_seen = 0;
    size_t allowed = known_count / FALSE_ALARMS;
    double below = 0, detected = 0;
    for (size_t at = 0; at < measure->count;) {
        const struct measured *first = &measure->items[at];
        size_t end = at, known = 0;
        for (; end < measure->count && is_same(&measure->items[end], first, by_detector); end++)
            known += measure->items[end].is_known;
        size_t novel = end - at - known;
        novel_seen += novel;
        below +=
            (double)novel * ((double)(known_count - known_below - known) + 0.5 * (double)known);
        known_below += known;
        if (known_below <= allowed)
            detected = (double)novel_seen;
        at = end;
    }
    bool has_both = novel_count != 0 && known_count != 0;
    *out_auroc = has_both ? below / (double)novel_count / (double)known_count : (double)NAN;
    *out_detection = has_both ? detected / (double)novel_count : (double)NAN;
}

static void measure_flags(const struct measure *measure, struct figures *out)
{
    double alarms = 0, found = 0;
    for (size_t i = 0; i < measure->count; i++) {
        const struct measured *item = &measure->items[i];
        alarms += item->is_known && item->is_flagged;
        found += !item->is_known && item->is_flagged;
    }
    out->false_alarms = share(alarms, out->known_count);
    out->found = share(found, measure->count - out->known_count);
}

/* ---- of all texts; items ascend by score ---- */

/* The right answers when those below a place are taken for novel: all that are right but not below,
 * and all that are novel and below. */
static void measure_open(const struct measure *measure, double threshold, struct figures *out)
{
    double right = 0, here = 0, best = 0;
    for (size_t i = 0; i < measure->count; i++) {
        right += is_right(&measure->items[i]);
        bool passes = (double)measure->items[i].score >= threshold;
        here += passes ? is_right(&measure->items[i]) : !measure->items[i].is_known;
    }
    best = right;
    out->open_threshold = 0;
    for (size_t i = 0; i < measure->count; i++) {
        const struct measured *item = &measure->items[i];
        right += (item->is_known ? 0 : 1) - (is_right(item) ? 1 : 0);
        bool is_last = i + 1 == measure->count;
        if (!is_last && measure->items[i + 1].score == item->score)
            continue;
        if (item->score >= 1)
            break; /* it passes any threshold */
        if (right > best) {
            best = right;
            out->open_threshold = is_last ? 1 : (double)measure->items[i + 1].score;
        }
    }
    out->open = share(best, measure->count);
    out->at_threshold = share(here, measure->count);
}

struct coverage measure_coverage(const struct measure *measure, double threshold)
{
    size_t answered = 0, right = 0;
    for (size_t i = 0; i < measure->count; i++) {
        bool is_answered = (double)measure->items[i].score >= threshold;
        answered += is_answered;
        right += is_answered && is_right(&measure->items[i]);
    }
    return (struct coverage){share((double)answered, measure->count),
                             share((double)right, answered)};
}

static void measure_calibration(const struct measure *measure, struct figures *out)
{
    double scores[BINS] = {0}, rights[BINS] = {0}, sum = 0;
    for (size_t i = 0; i < measure->count; i++) {
        int bin = (int)(measure->items[i].score * BINS);
        bin = bin < 0 ? 0 : bin < BINS ? bin : BINS - 1;
        scores[bin] += (double)measure->items[i].score;
        rights[bin] += is_right(&measure->items[i]);
    }
    for (int bin = 0; bin < BINS; bin++)
        sum += fabs(scores[bin] - rights[bin]);
    out->calibration = share(sum, measure->count);
}

static void sort(struct measure *measure, int (*compare)(const void *, const void *))
{
    if (measure->count != 0)
        qsort(measure->items, measure->count, sizeof(*measure->items), compare);
}

struct figures measure_end(struct measure *measure, double threshold)
{
    struct figures out = {.count = measure->count};
    measure_places(measure, &out);
    sort(measure, by_novelty);
    measure_order(measure, /* by_detector= */ true, out.known_count, &out.novelty_auroc,
                  &out.novelty_detection);
    sort(measure, by_score);
    measure_order(measure, /* by_detector= */ false, out.known_count, &out.auroc, &out.detection);
    measure_flags(measure, &out);
    measure_open(measure, threshold, &out);
    measure_calibration(measure, &out);
    return out;
}
