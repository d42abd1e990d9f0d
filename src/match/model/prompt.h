/* SPDX-License-Identifier: MIT */

/* Prompt: what a model of sentence-transformers wants before every text. */
#ifndef WF_MATCH_PROMPT_H
#define WF_MATCH_PROMPT_H

#include "base/buf.h"
#include "match/model/folder.h"

#define WF_PROMPT_BYTES_MAX 4096u

/* Zeroed is none. */
typedef struct wf_prompt {
    char *text; /* NULL: none */
    size_t len;
} wf_prompt;

/* That of "prompts" in config_sentence_transformers.json which "default_prompt_name" names.  0,
 * -ENOMEM, -errno, -WEFT_M_EMODEL; on failure there is nothing to free. */
int wf_prompt_read(wf_prompt *out, wf_folder *folder);
void wf_prompt_fini(wf_prompt *prompt);

/* A text behind the prompt: borrowed from `memory`, or the text itself.  0 or -ENOMEM. */
int wf_prompt_put(const wf_prompt *prompt, weft_str text, wf_buf *memory, weft_str *out);

#endif
