/* SPDX-License-Identifier: MIT */

/* WordPiece: from the left, each time the longest piece of the vocabulary; a word that cannot be
 * made of pieces is unknown as a whole. */
#ifndef WF_MATCH_WORDPIECE_H
#define WF_MATCH_WORDPIECE_H

#include "match/model/tape.h"
#include "match/tokenize/vocab.h"

#define WF_PREFIX_BYTES_MAX 32u

struct wf_tokens;

typedef struct wf_wordpiece {
    char prefix[WF_PREFIX_BYTES_MAX]; /* of pieces that do not begin a word */
    size_t prefix_bytes;
    size_t chars_max; /* longer words are unknown */
} wf_wordpiece;

int wf_wordpiece_read(wf_wordpiece *model, const wf_tape *tape, uint32_t value, wf_reason *reason);

/* Appends the ids of a word. */
int wf_wordpiece_encode(const wf_wordpiece *model, const wf_vocab *vocab, uint32_t unknown_id,
                        weft_str word, size_t char_count, struct wf_tokens *tokens);

#endif
