/* SPDX-License-Identifier: MIT */

/*
 * Added tokens: texts that are one token wherever they stand.  They are kept by their first
 * character, so that a place in a text is compared with those that may begin there and no others.
 */
#ifndef WF_MATCH_ADDED_H
#define WF_MATCH_ADDED_H

#include "match/tokenize/scalars.h"

typedef struct wf_added {
    wf_scalars text;
    uint32_t id;
    uint32_t order; /* in the file */
    bool is_single_word, trims_left, trims_right;
    bool is_normalised; /* looked for in the normalised text */
} wf_added;

/* Puts them in the order that wf_added_find() needs; of equal ones the first stays.  What is left
 * is returned. */
size_t wf_added_sort(wf_added *added, size_t count);

/* The longest one that `text` begins with, or NULL. */
const wf_added *wf_added_find(const wf_added *added, size_t count, bool is_normalised,
                              const uint32_t *text, size_t text_count);

#endif
