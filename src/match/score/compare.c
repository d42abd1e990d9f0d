/* SPDX-License-Identifier: MIT */

#include "match/score/compare.h"

#include "match/score/word.h"

#include <math.h>

/* The harmonic mean. */
static double both(double a, double b)
{
    return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

void wf_compare(const wf_phrase *query, const wf_phrase *row, double cosine,
                double signs[WF_SIGN_COUNT])
{
    double solid = wf_alikeness(wf_phrase_solid(query), wf_phrase_solid(row));
    double letters = wf_alikeness(wf_phrase_points(query), wf_phrase_points(row));
    wf_coverage cover = wf_cover(query, row);
    double best = fmax(fmax(solid, both(cover.query, cover.alias)), cosine);

    signs[WF_SIGN_RUNS] = cosine;
    signs[WF_SIGN_SOLID] = solid;
    signs[WF_SIGN_LETTERS] = letters;
    signs[WF_SIGN_LETTERS_NEAR] = wf_nearness(solid);
    signs[WF_SIGN_QUERY_WORDS] = cover.query;
    signs[WF_SIGN_ROW_WORDS] = cover.alias;
    signs[WF_SIGN_QUERY_NEAR] = wf_nearness(cover.query);
    signs[WF_SIGN_ROW_NEAR] = wf_nearness(cover.alias);
    signs[WF_SIGN_NUMBERS] = cover.unmatched;
    signs[WF_SIGN_START] = wf_jaro_winkler(wf_phrase_points(query), wf_phrase_points(row));
    signs[WF_SIGN_BEST] = wf_nearness(best);
}
