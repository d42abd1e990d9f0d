/* SPDX-License-Identifier: MIT */

/*
 * vocab.txt: the tokenizer of BERT's older directories, a token a line, with its settings in
 * tokenizer_config.json.  It is written as the tokenizer.json that says the same, so that there is
 * one way to read a tokenizer, and one to make ids.
 */
#ifndef WF_MATCH_VOCAB_TXT_H
#define WF_MATCH_VOCAB_TXT_H

#include "match/model/tape.h"

#define WF_VOCAB_TXT_BYTES_MAX ((size_t)8 << 20)
#define WF_VOCAB_TXT_LINES_MAX ((size_t)1 << 20) /* each is a dozen bytes more as JSON */

/* Appends to `out`.  `vocab` may be any bytes; `config` is tokenizer_config.json.  0, -ENOMEM, or
 * -WEFT_M_EMODEL for what BERT's tokenizer does not do: nothing is guessed. */
int wf_vocab_txt_write(weft_str vocab, const wf_tape *config, wf_buf *out, wf_reason *reason);

#endif
