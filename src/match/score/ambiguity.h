/* SPDX-License-Identifier: MIT */

/*
 * Ambiguity: of how many entities a query may be no more than a part.  Among thirty companies three
 * of which are banks, "bank" means each of them as well as the next, however much more alike the
 * letters of the shortest are; and "company" many more than those that the catalogue has.
 */
#ifndef WF_MATCH_AMBIGUITY_H
#define WF_MATCH_AMBIGUITY_H

#include "match/score/phrase.h"

typedef struct wf_ambiguity {
    double weight; /* of this beside what letters and words say: 0 (one alone is meant) to 0.9 */
    double count;  /* entities that the query may mean, each as likely as the others */
} wf_ambiguity;

/* Is it one word, and common ones beside it?  Others are not ambiguous. */
bool wf_may_be_ambiguous(const wf_phrase *query);

/* Of such a query, if the row is the likeliest.  The word that the two share counts; the weight is
 * less the less of the row that leaves out, and the less the word is alike.  `unseen`: rarity of a
 * word that no entity has. */
wf_ambiguity wf_ambiguity_of(const wf_phrase *query, const wf_phrase *row, double unseen);

#endif
