/* SPDX-License-Identifier: MIT */

/* Feed: texts to the tokens of a pile, as the model's makers do it: without white space at the
 * ends, in lower case if they say so, cut to what the model takes, between special tokens. */
#ifndef WF_MATCH_FEED_H
#define WF_MATCH_FEED_H

#include "match/model/prompt.h"
#include "match/transformer/trunk.h"

typedef struct wf_feed {
    wf_tokenizer tokenizer;
    size_t tokens_max; /* of a text, with the special ones */
    wf_prompt prompt;  /* before every text, and before the first of a pair */
    bool is_typeless;  /* the model is not told which of two texts a token is of */
} wf_feed;

/* Of tokenizer.json, tokenizer_config.json and sentence_bert_config.json in <inner>, and of
 * config_sentence_transformers.json.  0, -ENOMEM, -EIO, -errno, -WEFT_M_EMODEL.  To be freed also
 * on failure. */
int wf_feed_open(wf_feed *feed, wf_folder *folder, const char *inner, const wf_shape *shape);
void wf_feed_fini(wf_feed *feed);

/* The tokens that the prompt is, with a special one before and without one behind, as the public
 * implementation counts them.  0 or -ENOMEM. */
int wf_feed_prompt_tokens(const wf_feed *feed, size_t *out);

/* Puts a text into the pile, or two as one.  `tokens` and `spare` are memory of the thread.  0 or
 * -ENOMEM. */
int wf_feed_text(const wf_feed *feed, weft_str text, wf_tokens *tokens, wf_pile *pile);
int wf_feed_pair(const wf_feed *feed, weft_str first, weft_str second, wf_tokens *tokens,
                 wf_tokens *spare, wf_pile *pile);

#endif
