/* SPDX-License-Identifier: MIT */

#include "match/tokenize/tokenizer.h"

#include "match/tokenize/ids.h"

#include <string.h>

#define CHARS_CEILING 1024u

int wf_wordpiece_read(wf_wordpiece *model, const wf_tape *tape, uint32_t value, wf_reason *reason)
{
    weft_str prefix = wf_tape_string(tape, wf_tape_get(tape, value, "continuing_subword_prefix"));
    if (prefix.ptr == NULL)
        prefix = (weft_str){"##", 2};
    if (prefix.len > WF_PREFIX_BYTES_MAX)
        return wf_reason_set(reason, "its continuing_subword_prefix is too long");
    memcpy(model->prefix, prefix.ptr, prefix.len);
    model->prefix_bytes = prefix.len;
    model->chars_max = 100;
    uint32_t chars_max = wf_tape_get(tape, value, "max_input_chars_per_word");
    if (chars_max != WF_NO_VALUE &&
        (!wf_tape_size(tape, chars_max, &model->chars_max) || model->chars_max > CHARS_CEILING))
        return wf_reason_set(reason, "its max_input_chars_per_word is no number up to %u",
                             CHARS_CEILING);
    return 0;
}

/* The longest piece at `at`: its id, and where it ends.  `scratch` has room for prefix and word. */
static uint32_t longest(const wf_wordpiece *model, const wf_vocab *vocab, weft_str word, size_t at,
                        char *scratch, size_t *out_end)
{
    size_t prefix_bytes = at > 0 ? model->prefix_bytes : 0;
    size_t end = word.len, end_max = vocab->bytes_max + at;
    memcpy(scratch, model->prefix, prefix_bytes);
    memcpy(scratch + prefix_bytes, word.ptr + at, word.len - at);
    end = end < end_max ? end : end_max;
    for (; end > at; end--) {
        bool is_inside = end < word.len && ((unsigned char)word.ptr[end] & 0xC0) == 0x80;
        uint32_t id = is_inside
                          ? WF_NO_TOKEN
                          : wf_vocab_find(vocab, (weft_str){scratch, prefix_bytes + end - at});
        if (id != WF_NO_TOKEN) {
            *out_end = end;
            return id;
        }
    }
    return WF_NO_TOKEN;
}

int wf_wordpiece_encode(const wf_wordpiece *model, const wf_vocab *vocab, uint32_t unknown_id,
                        weft_str word, size_t char_count, wf_tokens *tokens)
{
    char *scratch;
    wf_buf_reset(&tokens->scratch);
    int reserved = wf_buf_reserve(&tokens->scratch, WF_PREFIX_BYTES_MAX + word.len, &scratch);
    if (reserved < 0)
        return reserved;
    size_t kept = tokens->count;
    bool is_known = char_count <= model->chars_max;
    for (size_t at = 0; is_known && at < word.len;) {
        uint32_t id = longest(model, vocab, word, at, scratch, &at);
        is_known = id != WF_NO_TOKEN;
        int rc = is_known ? wf_tokens_put(tokens, id) : 0;
        if (rc < 0)
            return rc;
    }
    if (is_known)
        return 0;
    tokens->count = kept;
    return wf_tokens_put(tokens, unknown_id);
}
