/* SPDX-License-Identifier: MIT */

#include "match/tokenize/tokenizer.h"

#include "base/alloc.h"
#include "match/tokenize/ids.h"
#include "match/tokenize/kinds.h"

#include <string.h>
#include <weft/error.h>

/* ---- memory ---- */

void wf_tokens_fini(wf_tokens *tokens)
{
    wf_free(tokens->ids);
    wf_scalars_fini(&tokens->raw);
    wf_scalars_fini(&tokens->normal);
    wf_steps_memory_fini(&tokens->steps);
    wf_buf_fini(&tokens->piece);
    wf_buf_fini(&tokens->scratch);
    wf_buf_fini(&tokens->prompted);
    wf_unigram_memory_fini(&tokens->unigram);
    wf_bpe_memory_fini(&tokens->bpe);
    *tokens = (wf_tokens){0};
}

int wf_tokens_put(wf_tokens *tokens, uint32_t id)
{
    if (tokens->count == tokens->capacity) {
        size_t larger = tokens->capacity < 32 ? 64 : tokens->capacity * 2;
        uint32_t *ids = wf_grow(tokens->ids, larger, sizeof(*ids));
        if (ids == NULL)
            return -ENOMEM;
        tokens->ids = ids;
        tokens->capacity = larger;
    }
    tokens->ids[tokens->count++] = id;
    return 0;
}

/* ---- pieces ---- */

static int encode_piece(const wf_tokenizer *it, const wf_piece *piece, wf_tokens *tokens)
{
    const uint32_t *at = tokens->steps.text.at + piece->start;
    int rc = wf_scalars_write(at, piece->count, &tokens->piece);
    if (rc < 0)
        return rc;
    weft_str text = {wf_buf_ptr(&tokens->piece), wf_buf_bytes(&tokens->piece)};
    switch (it->kind) {
    case WF_MODEL_UNIGRAM:
        return wf_unigram_encode(&it->model.unigram, &it->vocab, it->unknown_id, text, tokens);
    case WF_MODEL_BPE:
        return wf_bpe_encode(&it->model.bpe, &it->vocab, it->unknown_id, text, tokens);
    default:
        return wf_wordpiece_encode(&it->model.wordpiece, &it->vocab, it->unknown_id, text,
                                   piece->count, tokens);
    }
}

/* What a model's files make of a text is bounded, whatever they say: U+FDFA becomes 18 characters
 * by NFKC, which no honest step surpasses, and what is put in front adds a few. */
#define GROWTH_MAX 32u
#define GROWTH_MIN 1024u

static void bound(wf_steps_memory *memory, size_t count)
{
    memory->text.most = memory->spare.most = GROWTH_MAX * count + GROWTH_MIN;
}

/* Normalised text without added tokens. */
static int encode_plain(const wf_tokenizer *it, const uint32_t *text, size_t count, size_t first,
                        wf_tokens *tokens)
{
    tokens->steps.text.count = 0;
    bound(&tokens->steps, count);
    int rc = wf_scalars_append(&tokens->steps.text, text, count);
    if (rc == 0)
        rc = wf_steps_split(&it->splitter, &tokens->steps, first);
    for (size_t i = 0; i < tokens->steps.piece_count && rc == 0; i++)
        rc = encode_piece(it, &tokens->steps.pieces[i], tokens);
    return rc;
}

/* ---- added tokens ---- */

/* What an added token takes of the text: itself, and white space beside it. */
struct hit {
    const wf_added *added;
    size_t start, end;
};

/* The next one from `at` on; `from` is where the one before ended. */
static bool next_added(const wf_tokenizer *it, bool is_normalised, const wf_scalars *text,
                       size_t from, size_t at, struct hit *out)
{
    for (; at < text->count; at++) {
        const wf_added *added = wf_added_find(it->added, it->added_count, is_normalised,
                                              text->at + at, text->count - at);
        if (added == NULL)
            continue;
        size_t end = at + added->text.count;
        bool touches = (at > 0 && wf_kind_is_word(text->at[at - 1])) ||
                       (end < text->count && wf_kind_is_word(text->at[end]));
        if (added->is_single_word && touches) {
            at = end - 1;
            continue;
        }
        while (added->trims_left && at > from && wf_kind_is_space(text->at[at - 1]))
            at--;
        while (added->trims_right && end < text->count && wf_kind_is_space(text->at[end]))
            end++;
        *out = (struct hit){added, at, end};
        return true;
    }
    return false;
}

typedef int part_fn(const wf_tokenizer *it, const uint32_t *text, size_t count, size_t first,
                    wf_tokens *tokens);

/* Gives `fn` what is between added tokens, and puts these.  `first` characters of the text come of
 * the whole one's first. */
static int each_part(const wf_tokenizer *it, bool is_normalised, const wf_scalars *text,
                     size_t first, part_fn *fn, wf_tokens *tokens)
{
    struct hit hit;
    size_t from = 0;
    int rc = 0;
    while (rc == 0 && next_added(it, is_normalised, text, from, from, &hit)) {
        if (hit.start > from)
            rc = fn(it, text->at + from, hit.start - from, first > from ? first - from : 0, tokens);
        if (rc == 0)
            rc = wf_tokens_put(tokens, hit.added->id);
        from = hit.end;
    }
    if (rc == 0 && from < text->count)
        rc = fn(it, text->at + from, text->count - from, first > from ? first - from : 0, tokens);
    return rc;
}

static int encode_raw(const wf_tokenizer *it, const uint32_t *text, size_t count, size_t first,
                      wf_tokens *tokens)
{
    tokens->steps.text.count = 0;
    bound(&tokens->steps, count);
    int rc = wf_scalars_append(&tokens->steps.text, text, count);
    if (rc == 0)
        rc = wf_steps_normalise(&it->normaliser, &tokens->steps, &first);
    if (rc < 0)
        return rc;
    wf_scalars_swap(&tokens->steps.text, &tokens->normal);
    return each_part(it, /* is_normalised= */ true, &tokens->normal, first, encode_plain, tokens);
}

int wf_tokenize(const wf_tokenizer *it, weft_str text, wf_tokens *tokens)
{
    tokens->count = 0;
    tokens->raw.count = 0;
    int rc = wf_scalars_read(&tokens->raw, text);
    if (rc == 0)
        rc = each_part(it, /* is_normalised= */ false, &tokens->raw, /* first= */ 1, encode_raw,
                       tokens);
    if (rc == -WEFT_ELIMIT)
        return weft_fail(-WEFT_M_EMODEL,
                         "a model's tokenizer makes a text more than %u times as long", GROWTH_MAX);
    return rc;
}
