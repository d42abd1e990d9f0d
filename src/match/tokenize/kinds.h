/* SPDX-License-Identifier: MIT */

/* Kinds of characters, as the public implementation of tokenizers sees them. */
#ifndef WF_MATCH_KINDS_H
#define WF_MATCH_KINDS_H

#include <stdbool.h>
#include <stdint.h>

bool wf_kind_is_space(uint32_t c);
bool wf_kind_is_control(uint32_t c); /* but tab, line feed and carriage return */
bool wf_kind_is_punctuation(uint32_t c);
bool wf_kind_is_accent(uint32_t c);
bool wf_kind_is_nonspacing(uint32_t c);
bool wf_kind_is_word(uint32_t c);
bool wf_kind_is_ideograph(uint32_t c); /* Chinese characters, as BERT counts them */

/* Not decomposed, whatever Unicode says now. */
bool wf_kind_is_whole(uint32_t c);

#endif
