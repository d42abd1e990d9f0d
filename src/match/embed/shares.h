/* SPDX-License-Identifier: MIT */

/* Shares: which features of a query a row has too, and what each adds to their cosine. */
#ifndef WF_MATCH_SHARES_H
#define WF_MATCH_SHARES_H

#include "match/embed/lexical.h"

/* `start` and `bytes` say where the feature first stands in the query's text. */
typedef struct wf_share {
    uint64_t hash;
    float weight;
    uint32_t start, bytes;
    bool is_word, at_word_start, at_word_end;
} wf_share;

/* The heaviest first, equal ones in the order of the text; returns how many of `share_max` > 0 were
 * filled.  `query` has just encoded the query, keeping spans. */
size_t wf_share_weights(const wf_encoder *query, double query_norm, const wf_vector *row,
                        wf_share *shares, size_t share_max);

#endif
