/* SPDX-License-Identifier: MIT */

/*
 * Combine: one score of the scores of several strategies, from what their calibrations make of
 * each. It is calibrated again, as a strategy's is, so the rate of false alarms is alpha for any
 * way.
 *
 * weighted: the mean probability, each with its strategy's weight.  union: the least p-value;
 * intersection: the greatest; voting: the one that more than half must be below.  meta_learner: a
 * logistic regression of the probabilities, learnt from the two samples, a known and a novel text
 * weighing the same in sum.
 */
#ifndef WF_MATCH_COMBINE_H
#define WF_MATCH_COMBINE_H

#include "match/novelty/strategy.h"

enum wf_combining {
    WF_COMBINE_WEIGHTED,
    WF_COMBINE_UNION,
    WF_COMBINE_INTERSECTION,
    WF_COMBINE_VOTING,
    WF_COMBINE_META,
    WF_COMBINE_COUNT,
};

const char *wf_combining_name(enum wf_combining way);

/* False: there is no such way. */
bool wf_combining_of(weft_str name, enum wf_combining *out);

/* What one strategy says of a text. */
typedef struct wf_opinion {
    double score, p, value;
} wf_opinion;

typedef struct wf_combiner {
    enum wf_combining way;
    size_t count;
    double weights[WF_STRATEGIES_MAX + 1]; /* the last: of meta_learner, its constant */
} wf_combiner;

/* Grows with novelty.  Of one strategy alone: its score. */
double wf_combine(const wf_combiner *combiner, const wf_opinion *opinions);

/* Learns the weights of meta_learner from opinions of known and then of novel texts, `count` of
 * them together, each combiner->count long. */
void wf_combiner_learn(wf_combiner *combiner, const wf_opinion *opinions, size_t known_count,
                       size_t novel_count);

#endif
