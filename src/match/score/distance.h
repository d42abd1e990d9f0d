/* SPDX-License-Identifier: MIT */

/* Distance: how alike two strings of characters are, letter by letter. */
#ifndef WF_MATCH_DISTANCE_H
#define WF_MATCH_DISTANCE_H

#include "match/embed/gram.h"

/* Longer strings are compared by their first characters. */
#define WF_DISTANCE_MAX 512u

/* Insertions, deletions, replacements and exchanges of neighbours that turn a into b, no part
 * changed twice (optimal string alignment).  Time: |a| * |b| / 64. */
size_t wf_distance(wf_points a, wf_points b);

/* 1 - distance / longer length; two empty strings are equal. */
double wf_alikeness(wf_points a, wf_points b);

/* Jaro-Winkler similarity, 0..1: prefix of at most 4, weight 0.1. */
double wf_jaro_winkler(wf_points a, wf_points b);

#endif
