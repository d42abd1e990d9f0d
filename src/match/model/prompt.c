/* SPDX-License-Identifier: MIT */

#include "match/model/prompt.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

#define NAME_BYTES 64
#define FILE_NAME "config_sentence_transformers.json"

static int take(wf_prompt *out, const wf_tape *tape, wf_reason *reason)
{
    uint32_t chosen = wf_tape_get(tape, 0, "default_prompt_name");
    if (chosen == WF_NO_VALUE || wf_tape_kind(tape, chosen) == WF_VALUE_NULL)
        return 0;
    weft_str key = wf_tape_string(tape, chosen);
    char name[NAME_BYTES];
    if (key.ptr == NULL || key.len >= sizeof(name) || memchr(key.ptr, '\0', key.len) != NULL)
        return wf_reason_set(reason, "its default_prompt_name is no name");
    snprintf(name, sizeof(name), "%.*s", (int)key.len, key.ptr);
    weft_str prompt =
        wf_tape_string(tape, wf_tape_get(tape, wf_tape_get(tape, 0, "prompts"), name));
    if (prompt.ptr == NULL)
        return wf_reason_set(reason, "its default_prompt_name '%.*s' is none of its prompts",
                             wf_reason_shown(key), key.ptr);
    if (prompt.len > WF_PROMPT_BYTES_MAX)
        return wf_reason_set(reason, "its default prompt has %zu bytes; %u are allowed", prompt.len,
                             WF_PROMPT_BYTES_MAX);
    if (prompt.len == 0)
        return 0;
    out->text = wf_dup(prompt.ptr, prompt.len);
    out->len = prompt.len;
    return out->text != NULL ? 0 : -ENOMEM;
}

int wf_prompt_read(wf_prompt *out, wf_folder *folder)
{
    wf_tape tape;
    wf_image *image;
    *out = (wf_prompt){0};
    int rc = wf_folder_json(folder, "", FILE_NAME, &tape, &image);
    bool is_none = rc == -ENOENT;
    if (rc == 0)
        rc = take(out, &tape, folder->reason);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return is_none ? 0 : wf_folder_blame(folder, "", FILE_NAME, rc);
}

void wf_prompt_fini(wf_prompt *prompt)
{
    wf_free(prompt->text);
    *prompt = (wf_prompt){0};
}

int wf_prompt_put(const wf_prompt *prompt, weft_str text, wf_buf *memory, weft_str *out)
{
    *out = text;
    if (prompt->text == NULL)
        return 0;
    wf_buf_reset(memory);
    wf_buf_append(memory, prompt->text, prompt->len);
    int rc = wf_buf_append(memory, text.ptr, text.len);
    *out = (weft_str){wf_buf_ptr(memory), wf_buf_bytes(memory)};
    return rc;
}
