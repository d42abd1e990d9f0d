/* SPDX-License-Identifier: MIT */

/*
 * Folding: what a scorer compares.  Lower case, without accents, in Latin letters where the text is
 * Cyrillic or Greek, words of letters and digits with one space between them.  It is inside the
 * scorer and no part of the public normaliser.
 *
 * The steps: compatibility decomposition; combining marks off; lower case; letters that do not
 * decompose (ß, ø, ł …), Cyrillic and Greek by table; "&" to "and"; an apostrophe inside a word
 * off; dots between single letters off (s.p.a. is spa); everything else that is no letter, digit or
 * vowel sign is a space.  A text without any letter or digit keeps its signs and marks instead.
 */
#ifndef WF_MATCH_FOLD_H
#define WF_MATCH_FOLD_H

#include "base/buf.h"

/* Reusable memory and the last text.  Zeroed is ready. */
typedef struct wf_folded {
    uint32_t *points;
    size_t count, capacity;
} wf_folded;

void wf_folded_fini(wf_folded *folded);

/* Folds `text` (checked UTF-8).  0 or -ENOMEM. */
int wf_fold(wf_folded *folded, weft_str text);

/* The Latin letters for a lower-case letter, at most 4, or NULL: it stands for itself. */
const char *wf_latin_of(uint32_t c);

#endif
