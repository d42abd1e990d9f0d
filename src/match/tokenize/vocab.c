/* SPDX-License-Identifier: MIT */

#include "match/tokenize/vocab.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <string.h>

int wf_vocab_init(wf_vocab *vocab, size_t count)
{
    *vocab = (wf_vocab){.bits = 6};
    while ((size_t)1 << vocab->bits < count * 2)
        vocab->bits++;
    int rc = wf_sys_random(&vocab->key, sizeof(vocab->key));
    if (rc < 0)
        return rc;
    vocab->slots = wf_array((size_t)1 << vocab->bits, sizeof(*vocab->slots));
    return vocab->slots != NULL ? 0 : -ENOMEM;
}

void wf_vocab_fini(wf_vocab *vocab)
{
    wf_buf_fini(&vocab->texts);
    wf_free(vocab->tokens);
    wf_free(vocab->slots);
    *vocab = (wf_vocab){0};
}

/* Where a text is, or would go. */
static uint32_t *slot_of(const wf_vocab *vocab, weft_str text)
{
    size_t mask = ((size_t)1 << vocab->bits) - 1;
    size_t at = (size_t)wf_hash(&vocab->key, text.ptr, text.len) & mask;
    for (; vocab->slots[at] != 0; at = (at + 1) & mask) {
        const wf_token *token = &vocab->tokens[vocab->slots[at] - 1];
        if (token->bytes == text.len &&
            memcmp(wf_buf_ptr(&vocab->texts) + token->start, text.ptr, text.len) == 0)
            break;
    }
    return &vocab->slots[at];
}

static int widen(wf_vocab *vocab)
{
    uint32_t *slots = wf_array((size_t)2 << vocab->bits, sizeof(*slots));
    if (slots == NULL)
        return -ENOMEM;
    wf_free(vocab->slots);
    vocab->slots = slots;
    vocab->bits++;
    for (size_t i = 0; i < vocab->count; i++)
        *slot_of(vocab, wf_vocab_text(vocab, &vocab->tokens[i])) = (uint32_t)i + 1;
    return 0;
}

static int reserve(wf_vocab *vocab)
{
    if (vocab->count < vocab->capacity)
        return 0;
    size_t larger = vocab->capacity < 32 ? 64 : vocab->capacity * 2;
    wf_token *tokens = wf_grow(vocab->tokens, larger, sizeof(*tokens));
    if (tokens == NULL)
        return -ENOMEM;
    vocab->tokens = tokens;
    vocab->capacity = larger;
    return 0;
}

int wf_vocab_add(wf_vocab *vocab, weft_str text, uint32_t id)
{
    int rc = reserve(vocab);
    if (rc == 0 && (vocab->count + 1) * 2 > (size_t)1 << vocab->bits)
        rc = widen(vocab);
    if (rc < 0)
        return rc;
    uint32_t *slot = slot_of(vocab, text);
    vocab->id_max = id > vocab->id_max ? id : vocab->id_max;
    if (*slot != 0) {
        vocab->tokens[*slot - 1].id = id;
        return 0;
    }
    size_t start = wf_buf_bytes(&vocab->texts);
    rc = wf_buf_append(&vocab->texts, text.ptr, text.len);
    if (rc < 0)
        return rc;
    vocab->tokens[vocab->count++] =
        (wf_token){.start = (uint32_t)start, .bytes = (uint32_t)text.len, .id = id};
    *slot = (uint32_t)vocab->count;
    vocab->bytes_max = text.len > vocab->bytes_max ? text.len : vocab->bytes_max;
    return 0;
}

uint32_t wf_vocab_find(const wf_vocab *vocab, weft_str text)
{
    if (text.len > vocab->bytes_max || vocab->slots == NULL)
        return WF_NO_TOKEN;
    uint32_t slot = *slot_of(vocab, text);
    return slot != 0 ? vocab->tokens[slot - 1].id : WF_NO_TOKEN;
}
