/* SPDX-License-Identifier: MIT */

#include "match/novelty/combine.h"

#include <math.h>
#include <string.h>

#define LEARN_STEPS 25u
#define PENALTY 1e-2

static const char *const names[WF_COMBINE_COUNT] = {
    [WF_COMBINE_WEIGHTED] = "weighted",         [WF_COMBINE_UNION] = "union",
    [WF_COMBINE_INTERSECTION] = "intersection", [WF_COMBINE_VOTING] = "voting",
    [WF_COMBINE_META] = "meta_learner",
};

const char *wf_combining_name(enum wf_combining way)
{
    return names[way];
}

bool wf_combining_of(weft_str name, enum wf_combining *out)
{
    for (size_t i = 0; i < WF_COMBINE_COUNT; i++) {
        if (name.len == strlen(names[i]) && memcmp(name.ptr, names[i], name.len) == 0) {
            *out = (enum wf_combining)i;
            return true;
        }
    }
    return false;
}

static double mean(const wf_combiner *it, const wf_opinion *opinions)
{
    double sum = 0, weights = 0;
    for (size_t i = 0; i < it->count; i++) {
        sum += it->weights[i] * opinions[i].value;
        weights += it->weights[i];
    }
    return weights > 0 ? sum / weights : 0;
}

/* 1 - p of the strategy that has `before` ahead of it. */
static double ranked(const wf_combiner *it, const wf_opinion *opinions, size_t before)
{
    double sorted[WF_STRATEGIES_MAX] = {0};
    for (size_t i = 0; i < it->count; i++) {
        double value = 1 - opinions[i].p;
        size_t at = i;
        for (; at > 0 && sorted[at - 1] < value; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = value;
    }
    return sorted[before];
}

static double linear(const wf_combiner *it, const wf_opinion *opinions)
{
    double sum = it->weights[it->count];
    for (size_t i = 0; i < it->count; i++)
        sum += it->weights[i] * opinions[i].value;
    return sum;
}

double wf_combine(const wf_combiner *it, const wf_opinion *opinions)
{
    if (it->count == 1)
        return opinions[0].score;
    switch (it->way) {
    case WF_COMBINE_UNION:
        return ranked(it, opinions, 0);
    case WF_COMBINE_INTERSECTION:
        return ranked(it, opinions, it->count - 1);
    case WF_COMBINE_VOTING:
        return ranked(it, opinions, it->count / 2);
    case WF_COMBINE_META:
        return linear(it, opinions);
    default:
        return mean(it, opinions);
    }
}

/* ---- learning, by Newton's steps ---- */

#define SIZE (WF_STRATEGIES_MAX + 1)

struct lesson {
    double gradient[SIZE], curve[SIZE][SIZE];
};

static void add_item(const wf_combiner *it, const wf_opinion *opinions, bool is_novel,
                     double weight, struct lesson *lesson)
{
    double x[SIZE], p = 1 / (1 + exp(-linear(it, opinions)));
    for (size_t i = 0; i < it->count; i++)
        x[i] = opinions[i].value;
    x[it->count] = 1;
    for (size_t i = 0; i <= it->count; i++) {
        lesson->gradient[i] += weight * (p - is_novel) * x[i];
        for (size_t k = 0; k <= it->count; k++)
            lesson->curve[i][k] += weight * p * (1 - p) * x[i] * x[k];
    }
}

/* Solves curve * step = gradient, leaving the step in the gradient.  The penalty keeps the pivots
 * positive. */
static void solve(struct lesson *lesson, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = i + 1; k < count; k++) {
            double part = lesson->curve[k][i] / lesson->curve[i][i];
            for (size_t c = i; c < count; c++)
                lesson->curve[k][c] -= part * lesson->curve[i][c];
            lesson->gradient[k] -= part * lesson->gradient[i];
        }
    }
    for (size_t i = count; i-- > 0;) {
        for (size_t c = i + 1; c < count; c++)
            lesson->gradient[i] -= lesson->curve[i][c] * lesson->gradient[c];
        lesson->gradient[i] /= lesson->curve[i][i];
    }
}

void wf_combiner_learn(wf_combiner *it, const wf_opinion *opinions, size_t known_count,
                       size_t novel_count)
{
    memset(it->weights, 0, sizeof(it->weights));
    for (size_t step = 0; step < LEARN_STEPS; step++) {
        struct lesson lesson = {0};
        for (size_t i = 0; i < known_count + novel_count; i++) {
            bool is_novel = i >= known_count;
            double weight = 1 / (double)(is_novel ? novel_count : known_count);
            add_item(it, opinions + i * it->count, is_novel, weight, &lesson);
        }
        for (size_t i = 0; i <= it->count; i++) {
            lesson.gradient[i] += PENALTY * it->weights[i];
            lesson.curve[i][i] += PENALTY;
        }
        solve(&lesson, it->count + 1);
        for (size_t i = 0; i <= it->count; i++)
            it->weights[i] -= lesson.gradient[i];
    }
}
