/* SPDX-License-Identifier: MIT */

/* Where the models of tokenizers put their ids. */
#ifndef WF_MATCH_IDS_H
#define WF_MATCH_IDS_H

#include "base/buf.h"

struct wf_tokens;

/* Appends an id.  0 or -ENOMEM. */
int wf_tokens_put(struct wf_tokens *tokens, uint32_t id);

#endif
