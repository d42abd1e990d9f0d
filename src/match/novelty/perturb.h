/* SPDX-License-Identifier: MIT */

/*
 * Perturb: a name as somebody who means it might write it: with one slip of the pen, a word short,
 * in other capitals, or with other signs between its words.  The same seed, the same slip.
 */
#ifndef WF_MATCH_PERTURB_H
#define WF_MATCH_PERTURB_H

#include "base/buf.h"

#include <weft/base.h>

/* Replaces what `out` holds.  What would be left without a letter stays as it is.  0 or -ENOMEM. */
int wf_perturb(weft_str text, uint64_t seed, wf_buf *out);

#endif
