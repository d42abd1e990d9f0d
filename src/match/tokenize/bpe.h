/* SPDX-License-Identifier: MIT */

/*
 * Byte pair encoding (Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with
 * Subword Units", 2016): characters are tokens, and of all neighbours that may be merged those are
 * that stand first in the list of merges, the left ones first, until none may.  Byte-level: the
 * pre-tokenizer has put a character in the place of each byte.
 */
#ifndef WF_MATCH_BPE_H
#define WF_MATCH_BPE_H

#include "match/model/tape.h"
#include "match/tokenize/vocab.h"

struct wf_tokens;

/* slots[0, 2^bits): open addressing; rank UINT32_MAX: empty.  At most half are taken. */
typedef struct wf_bpe {
    struct wf_merge {
        uint32_t left, right; /* ids */
        uint32_t rank, id;    /* of what they become */
    } * slots;
    unsigned bits;
    uint64_t key;
    uint32_t bytes[256]; /* byte_fallback: ids of the tokens for single bytes */
    bool has_bytes, fuses_unknown, ignores_merges;
} wf_bpe;

typedef struct wf_bpe_memory {
    struct wf_bpe_symbol {
        uint32_t id;
        int32_t before, after; /* -1: none */
        bool is_gone;
    } * symbols;
    size_t symbol_count, symbol_capacity;
    struct wf_bpe_pair {
        uint32_t rank, at; /* of the left symbol */
        uint32_t id;
    } * heap;
    size_t heap_count, heap_capacity;
} wf_bpe_memory;

/* The vocabulary is filled already.  0, -ENOMEM, -EIO,
 * -WEFT_M_EMODEL. */
int wf_bpe_read(wf_bpe *model, const wf_vocab *vocab, const wf_tape *tape, uint32_t value,
                wf_reason *reason);
void wf_bpe_fini(wf_bpe *model);
void wf_bpe_memory_fini(wf_bpe_memory *memory);

/* Appends the ids of a word; `unknown_id` may be WF_NO_TOKEN, and what is unknown then is nothing.
 */
int wf_bpe_encode(const wf_bpe *model, const wf_vocab *vocab, uint32_t unknown_id, weft_str word,
                  struct wf_tokens *tokens);

#endif
