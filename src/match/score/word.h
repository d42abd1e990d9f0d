/* SPDX-License-Identifier: MIT */

/* Words: how well the words of two phrases stand for each other. */
#ifndef WF_MATCH_WORD_H
#define WF_MATCH_WORD_H

#include "match/score/phrase.h"

/* 0..1: 1 for equal words; else typing errors, beginnings and abbreviations. */
double wf_word_alikeness(const wf_word *a, const wf_word *b);

typedef struct wf_coverage {
    double query, alias; /* mean over the words of one side of the best on the other, by weight */
    double unmatched; /* part of the words with digits that have no like, if both sides have any */
} wf_coverage;

wf_coverage wf_cover(const wf_phrase *query, const wf_phrase *alias);

#endif
