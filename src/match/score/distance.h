/* SPDX-License-Identifier: MIT */

/* Distance: how alike two strings of characters are, letter by letter. */
#ifndef WF_MATCH_DISTANCE_H
#define WF_MATCH_DISTANCE_H

#include "match/embed/places.h"

/* Longer strings are compared by their first characters. */
#define WF_DISTANCE_MAX 512u

/* Insertions, deletions, replacements and exchanges of neighbours that turn a into b, no part
 * changed twice (optimal string alignment).  Time: |a| * |b| / 64. */
size_t wf_distance(wf_points a, wf_points b);

/* 1 - distance / longer length; two empty strings are equal. */
double wf_alikeness(wf_points a, wf_points b);

/* ---- the same for a short text against many (embed/places.h) ---- */

/* A part of a short text, not empty: a table of places, and which of them. */
typedef struct wf_pattern {
    const uint64_t *places;
    unsigned start, count;
} wf_pattern;

size_t wf_distance_to(wf_pattern pattern, wf_numbered text);
void wf_alikeness_of_two(const wf_pattern patterns[2], const wf_numbered texts[2], double out[2]);

#endif
