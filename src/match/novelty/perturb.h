/* SPDX-License-Identifier: MIT */

/*
 * Perturb: a name as somebody who means it might write it: with a slip of the pen, a word short or
 * cut short, a word too many, its words in another order, in other capitals, or with other signs
 * between them; of long texts with several of these.  The same seed, the same slips.
 */
#ifndef WF_MATCH_PERTURB_H
#define WF_MATCH_PERTURB_H

#include "base/buf.h"

#include <weft/base.h>

/* Replaces what `out` holds.  The word too many is of `other`.  What would be left without a letter
 * stays as it is.  0 or -ENOMEM. */
int wf_perturb(weft_str text, weft_str other, uint64_t seed, wf_buf *out);

#endif
