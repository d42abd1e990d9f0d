/* SPDX-License-Identifier: MIT */

/* Pile: texts to be encoded together, as tokens one behind the other. */
#ifndef WF_MATCH_PILE_H
#define WF_MATCH_PILE_H

#include <stddef.h>
#include <stdint.h>

/* Tokens of a full pile, but for a text with more: enough that the weights are read from memory for
 * many rows, few enough that the rows stay in the cache. */
#define WF_PILE_TOKENS 256u

/* Text t has tokens [starts[t], starts[t + 1]), and at least one.  Zeroed is empty. */
typedef struct wf_pile {
    uint32_t *ids;
    uint8_t *types; /* which of two texts a token is of */
    size_t token_count, token_capacity;
    uint32_t *starts; /* [text_count + 1] */
    size_t text_count, text_capacity;
} wf_pile;

void wf_pile_fini(wf_pile *pile);
void wf_pile_reset(wf_pile *pile);

/* A token behind the last; the end of the text that they are of.  0 or -ENOMEM. */
int wf_pile_put(wf_pile *pile, uint32_t id, uint8_t type);
int wf_pile_end_text(wf_pile *pile);

#endif
