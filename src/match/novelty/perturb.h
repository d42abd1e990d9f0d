/* SPDX-License-Identifier: MIT */

/*
 * Perturb: a name as somebody who means it might write it: with a slip of the pen, a word short or
 * cut short, a word too many, its words in another order, in other capitals, or with other signs
 * between them.  The same seed, the same slips.
 *
 * Nobody knows beforehand how carelessly people will write, only that some are more careless than
 * others: so each text has a haste of its own, u * u with u even in 0 to 1, and one slip and haste
 * times its length more.  Most texts have one; of long ones a few have lost half their words, as
 * records of a second source have.
 */
#ifndef WF_MATCH_PERTURB_H
#define WF_MATCH_PERTURB_H

#include "base/buf.h"

#include <weft/base.h>

/* Characters a slip at the greatest haste: a word of usual length and the space behind it. */
#define WF_POINTS_A_SLIP 6.0

/* Replaces what `out` holds.  The word too many is of `other`.  What would be left without a letter
 * stays as it is.  0 or -ENOMEM. */
int wf_perturb(weft_str text, weft_str other, double points_a_slip, uint64_t seed, wf_buf *out);

#endif
