/* SPDX-License-Identifier: MIT */

/*
 * Unigram: of all ways to make a text of pieces the likeliest (Kudo, "Subword Regularization",
 * 2018): the best sum of the pieces' scores, found from left to right.  Characters in a row that no
 * piece has are one unknown token.
 */
#ifndef WF_MATCH_UNIGRAM_H
#define WF_MATCH_UNIGRAM_H

#include "match/model/tape.h"
#include "match/tokenize/vocab.h"

struct wf_tokens;

/* Tokens ascend by their text, so that the pieces a text begins with are found by narrowing. */
typedef struct wf_unigram {
    struct wf_unigram_piece {
        uint32_t token; /* of the vocabulary */
        double score;
    } * pieces;
    size_t count;
    uint32_t first[257]; /* pieces that begin with byte b: [first[b], first[b + 1]) */
    double unknown_score;
    uint32_t bytes[256]; /* ids of the tokens for single bytes */
    bool has_bytes;
} wf_unigram;

typedef struct wf_unigram_memory {
    struct wf_unigram_node {
        double score;
        uint32_t id;
        uint32_t start; /* UINT32_MAX: not reached */
    } * nodes;
    size_t capacity;
    uint32_t *ends;
} wf_unigram_memory;

/* Fills the vocabulary too.  0, -ENOMEM, -WEFT_M_EMODEL. */
int wf_unigram_read(wf_unigram *model, wf_vocab *vocab, uint32_t *out_unknown_id,
                    const wf_tape *tape, uint32_t value, wf_reason *reason);
void wf_unigram_fini(wf_unigram *model);
void wf_unigram_memory_fini(wf_unigram_memory *memory);

/* Appends the ids of a piece of text.  0, -ENOMEM, -ECANCELED. */
int wf_unigram_encode(const wf_unigram *model, const wf_vocab *vocab, uint32_t unknown_id,
                      weft_str text, struct wf_tokens *tokens);

#endif
