/* SPDX-License-Identifier: MIT */

/*
 * Tokenizer: a text as the numbers that a model knows, read from tokenizer.json.  The ids are those
 * of the public implementation (the package "tokenizers"); its documentation names the parts.
 *
 *     text ─ added tokens cut out ─ normaliser ─ added tokens ─ pre-tokenizer ─ model ─► ids
 *
 * Constant once read; any number of threads may ask, each with a memory of its own.
 */
#ifndef WF_MATCH_TOKENIZER_H
#define WF_MATCH_TOKENIZER_H

#include "match/tokenize/added.h"
#include "match/tokenize/bpe.h"
#include "match/tokenize/frame.h"
#include "match/tokenize/steps.h"
#include "match/tokenize/unigram.h"
#include "match/tokenize/wordpiece.h"

#define WF_ADDED_MAX 65536u

enum wf_model_kind { WF_MODEL_WORDPIECE, WF_MODEL_UNIGRAM, WF_MODEL_BPE };

typedef struct wf_tokenizer {
    wf_vocab vocab;
    wf_steps normaliser, splitter;
    wf_added *added;
    size_t added_count;
    enum wf_model_kind kind;
    union {
        wf_wordpiece wordpiece;
        wf_unigram unigram;
        wf_bpe bpe;
    } model;
    uint32_t unknown_id; /* WF_NO_TOKEN: none */
    wf_frame frame;
} wf_tokenizer;

/* Of the text of a tokenizer.json.  0, -ENOMEM, -EIO, -WEFT_M_EMODEL; on failure there is nothing
 * to free. */
int wf_tokenizer_read(wf_tokenizer *out, const char *text, size_t bytes, wf_reason *reason);
void wf_tokenizer_fini(wf_tokenizer *tokenizer);

/* The greatest id that it can make of a text, special tokens and all. */
uint32_t wf_tokenizer_id_max(const wf_tokenizer *tokenizer);

/* Memory of one thread.  Zeroed is ready. */
typedef struct wf_tokens {
    uint32_t *ids; /* the answer */
    size_t count, capacity;
    wf_scalars raw, normal;
    wf_steps_memory steps;
    wf_buf piece, scratch;
    wf_buf prompted; /* the text, if something stands before it */
    wf_unigram_memory unigram;
    wf_bpe_memory bpe;
} wf_tokens;

void wf_tokens_fini(wf_tokens *tokens);

/* tokens->ids of `text` (checked UTF-8), without the special tokens at its ends.  0, -ENOMEM, or
 * -WEFT_M_EMODEL if the model makes too long a text of it. */
int wf_tokenize(const wf_tokenizer *tokenizer, weft_str text, wf_tokens *tokens);

#endif
