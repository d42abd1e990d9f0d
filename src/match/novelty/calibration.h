/* SPDX-License-Identifier: MIT */

/*
 * Calibration: what a strategy's score is worth, from two samples made of the catalogue itself:
 * scores of texts that mean an entity, and of texts whose entity was left out.
 *
 * The p-value of a score is the part of the known sample that is at least as novel, counted with
 * the text itself among it: (1 + those) / (1 + all).  Whatever the scores are, a text drawn as the
 * known sample was is taken for novel at level alpha with at most that probability (V. Vovk, A.
 * Gammerman and G. Shafer, "Algorithmic learning in a random world", 2005).  In the Mondrian form
 * the count is among texts of the same group, by number of words, where there are enough.
 *
 * The probability of novelty rises with the score: isotonic regression of the two samples, each
 * with half the weight, by pooling adjacent violators (M. Ayer and others, 1955); between the
 * middles of the pools it is a straight line, and beyond the first and last it approaches 0 and 1,
 * so that two scores never have one probability.
 */
#ifndef WF_MATCH_CALIBRATION_H
#define WF_MATCH_CALIBRATION_H

#include <weft/base.h>

#define WF_NOVEL_GROUPS 4u
#define WF_NO_GROUP WF_NOVEL_GROUPS

typedef struct wf_knot {
    double score, value;
} wf_knot;

typedef struct wf_calibration {
    double *known;  /* by group, ascending in each */
    double *sorted; /* all of them, ascending */
    size_t group_start[WF_NOVEL_GROUPS + 1];
    size_t known_count;
    wf_knot *knots; /* scores and values ascend strictly */
    size_t knot_count;
    double spread; /* of the scores, for what is beyond the knots */
} wf_calibration;

/* 0 or -ENOMEM; fini in any case.  Scores are finite; both samples may be empty. */
int wf_calibration_make(wf_calibration *calibration, const double *known, const uint8_t *groups,
                        size_t known_count, const double *novel, size_t novel_count);
void wf_calibration_fini(wf_calibration *calibration);

/* `group`: of the text, or WF_NO_GROUP for all together. */
double wf_calibration_p(const wf_calibration *calibration, double score, unsigned group);
double wf_calibration_value(const wf_calibration *calibration, double score);

/* The group of a text of so many words. */
static inline unsigned wf_novel_group(size_t words)
{
    return words < 1 ? 0 : words > WF_NOVEL_GROUPS ? WF_NOVEL_GROUPS - 1 : (unsigned)words - 1;
}

#endif
