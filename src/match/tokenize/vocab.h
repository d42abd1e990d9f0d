/* SPDX-License-Identifier: MIT */

/* Vocabulary: texts and their ids.  Constant once built. */
#ifndef WF_MATCH_VOCAB_H
#define WF_MATCH_VOCAB_H

#include "base/buf.h"
#include "base/hash.h"

#define WF_NO_TOKEN UINT32_MAX

typedef struct wf_token {
    uint32_t start, bytes; /* in the vocabulary's texts */
    uint32_t id;
} wf_token;

/* slots[0, 2^bits) hold a token's index + 1; 0: empty.  At most half are taken. */
typedef struct wf_vocab {
    wf_buf texts;
    wf_token *tokens;
    uint32_t *slots;
    size_t count, capacity;
    unsigned bits;
    size_t bytes_max; /* of the longest */
    uint32_t id_max;
    wf_hash_key key;
} wf_vocab;

/* For about `count` texts.  0, -ENOMEM, -EIO. */
int wf_vocab_init(wf_vocab *vocab, size_t count);
void wf_vocab_fini(wf_vocab *vocab); /* of a zeroed one too */

/* Adds a text, or gives one that is there a new id.  0 or -ENOMEM. */
int wf_vocab_add(wf_vocab *vocab, weft_str text, uint32_t id);

/* The id of a text, or WF_NO_TOKEN. */
uint32_t wf_vocab_find(const wf_vocab *vocab, weft_str text);

static inline weft_str wf_vocab_text(const wf_vocab *vocab, const wf_token *token)
{
    return (weft_str){wf_buf_ptr(&vocab->texts) + token->start, token->bytes};
}

#endif
