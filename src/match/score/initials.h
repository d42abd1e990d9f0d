/* SPDX-License-Identifier: MIT */

/*
 * Initials: which texts a short form may stand for, by the first letters of their words: with and
 * without words such as "of" and "the", with and without those of one letter, numbers whole or by
 * their first digit, pairs of letters whole or not.  "FBI" is the federal bureau of investigation,
 * "FNV" may be Ferrari N.V.
 */
#ifndef WF_MATCH_INITIALS_H
#define WF_MATCH_INITIALS_H

#include "match/embed/gram.h"
#include "match/work.h"

#include <weft/base.h>

#define WF_INITIALS_MIN 2u
#define WF_INITIALS_MAX 10u

/* The ways to take the initials of one text, at most. */
#define WF_INITIALS_WAYS 16u

typedef struct wf_initials {
    uint64_t *keys; /* hash above, text below; ascending after seal */
    size_t count, capacity;
} wf_initials;

typedef struct wf_short {
    uint32_t points[WF_INITIALS_MAX];
    size_t count;
} wf_short;

/* The different short forms of a folded text of several words, of WF_INITIALS_MIN letters or more;
 * returns how many. */
size_t wf_initials_of(wf_points text, wf_short out[WF_INITIALS_WAYS]);

void wf_initials_fini(wf_initials *initials);
int wf_initials_add(wf_initials *initials, wf_points text, uint32_t number); /* 0, -ENOMEM */
int wf_initials_seal(wf_initials *initials, const wf_job *job); /* 0, -ENOMEM, or why to end */

/* The texts a short form may stand for, ascending; at most `out_max`.  By hash: to be verified. */
size_t wf_initials_find(const wf_initials *initials, wf_points form, uint32_t *out, size_t out_max);

#endif
