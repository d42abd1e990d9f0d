/* SPDX-License-Identifier: MIT */

/* Compare: the signs of likeness between a query and one row that the two alone show. */
#ifndef WF_MATCH_COMPARE_H
#define WF_MATCH_COMPARE_H

#include "match/score/model.h"
#include "match/score/phrase.h"

/* A row is numbered by the query's places if that has any.  Fills all signs but those of the entity
 * and of initials, which stay.  `cosine` is that of runs, `rarest` how rare a word is that no
 * entity has.
 */
void wf_compare(const wf_phrase *query, const wf_phrase *row, double cosine, double rarest,
                double signs[WF_SIGN_COUNT]);

#endif
