/* SPDX-License-Identifier: MIT */

#include "match/tokenize/tokenizer.h"

#include "base/alloc.h"
#include "match/tokenize/ids.h"
#include "match/work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much worse than the worst piece an unknown character is. */
#define UNKNOWN_PENALTY 10.0

#define NOT_REACHED UINT32_MAX

/* Of a piece.  The work for a text grows with it; known models have some dozens. */
#define PIECE_BYTES_MAX 1024u

/* ---- reading ---- */

/* The list [[text, score], …] into vocabulary and `scores`. */
static int read_list(wf_vocab *vocab, const wf_tape *tape, uint32_t list, double *scores,
                     wf_reason *reason)
{
    uint32_t id = 0;
    for (uint32_t at = wf_tape_first(tape, list); at != WF_NO_VALUE;
         at = wf_tape_next(tape, list, at), id++) {
        uint32_t text = wf_tape_first(tape, at);
        weft_str token = wf_tape_string(tape, text);
        if (wf_tape_kind(tape, at) != WF_VALUE_ARRAY || wf_tape_count(tape, at) != 2 ||
            token.ptr == NULL || !wf_tape_double(tape, wf_tape_next(tape, at, text), &scores[id]))
            return wf_reason_set(reason, "its vocabulary has no text and score at %u", id);
        if (token.len > PIECE_BYTES_MAX)
            return wf_reason_set(reason, "piece %u of its vocabulary has %zu bytes, more than %u",
                                 id, token.len, PIECE_BYTES_MAX);
        int rc = wf_vocab_add(vocab, token, id);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* A piece with its text, for the sort. */
struct sort_key {
    const char *text;
    uint32_t bytes, token;
};

static int by_text(const void *a, const void *b)
{
    const struct sort_key *left = a, *right = b;
    uint32_t common = left->bytes < right->bytes ? left->bytes : right->bytes;
    int order = memcmp(left->text, right->text, common);
    return order != 0 ? order : left->bytes < right->bytes ? -1 : left->bytes > right->bytes;
}

static int sort_pieces(wf_unigram *model, const wf_vocab *vocab, const double *scores)
{
    struct sort_key *keys = wf_array(vocab->count + 1, sizeof(*keys));
    model->pieces = wf_array(vocab->count + 1, sizeof(*model->pieces));
    if (keys == NULL || model->pieces == NULL) {
        wf_free(keys);
        return -ENOMEM;
    }
    for (size_t i = 0; i < vocab->count; i++) {
        weft_str text = wf_vocab_text(vocab, &vocab->tokens[i]);
        keys[i] = (struct sort_key){text.ptr, (uint32_t)text.len, (uint32_t)i};
    }
    qsort(keys, vocab->count, sizeof(*keys), by_text);
    for (size_t i = 0; i < vocab->count; i++) {
        if (keys[i].bytes == 0)
            continue; /* no piece of anything */
        model->pieces[model->count++] = (struct wf_unigram_piece){
            .token = keys[i].token, .score = scores[vocab->tokens[keys[i].token].id]};
        model->first[(uint8_t)keys[i].text[0] + 1] = (uint32_t)model->count;
    }
    for (size_t i = 1; i < 257; i++) {
        if (model->first[i] == 0)
            model->first[i] = model->first[i - 1];
    }
    wf_free(keys);
    return 0;
}

/* byte_fallback: all 256, or it does nothing. */
static void read_bytes(wf_unigram *model, const wf_vocab *vocab)
{
    model->has_bytes = true;
    for (unsigned i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof(name), "<0x%02X>", i);
        model->bytes[i] = wf_vocab_find(vocab, (weft_str){name, 6});
    }
}

int wf_unigram_read(wf_unigram *model, wf_vocab *vocab, uint32_t *out_unknown_id,
                    const wf_tape *tape, uint32_t value, wf_reason *reason)
{
    uint32_t list = wf_tape_get(tape, value, "vocab"), unk = wf_tape_get(tape, value, "unk_id");
    size_t count = wf_tape_count(tape, list), unknown_id;
    if (wf_tape_kind(tape, list) != WF_VALUE_ARRAY || count == 0)
        return wf_reason_set(reason, "its Unigram model has no vocabulary");
    if (!wf_tape_size(tape, unk, &unknown_id) || unknown_id >= count)
        return wf_reason_set(reason, "its unk_id is no index of the vocabulary");
    *out_unknown_id = (uint32_t)unknown_id;
    double *scores = wf_array(count, sizeof(*scores));
    int rc = scores == NULL ? -ENOMEM : read_list(vocab, tape, list, scores, reason);
    if (rc == 0)
        rc = sort_pieces(model, vocab, scores);
    model->unknown_score = INFINITY;
    for (size_t i = 0; i < count && rc == 0; i++)
        model->unknown_score = fmin(model->unknown_score, scores[i]);
    model->unknown_score -= UNKNOWN_PENALTY;
    if (rc == 0 && wf_tape_bool(tape, wf_tape_get(tape, value, "byte_fallback"), false))
        read_bytes(model, vocab);
    wf_free(scores);
    return rc;
}

void wf_unigram_fini(wf_unigram *model)
{
    wf_free(model->pieces);
    *model = (wf_unigram){0};
}

void wf_unigram_memory_fini(wf_unigram_memory *memory)
{
    wf_free(memory->nodes);
    wf_free(memory->ends);
    *memory = (wf_unigram_memory){0};
}

/* ---- encoding ---- */

static int reserve(wf_unigram_memory *memory, size_t bytes)
{
    if (bytes + 1 <= memory->capacity)
        return 0;
    void *nodes = wf_grow(memory->nodes, bytes + 1, sizeof(*memory->nodes));
    memory->nodes = nodes != NULL ? nodes : memory->nodes;
    void *ends = wf_grow(memory->ends, bytes + 1, sizeof(*memory->ends));
    memory->ends = ends != NULL ? ends : memory->ends;
    if (nodes == NULL || ends == NULL)
        return -ENOMEM;
    memory->capacity = bytes + 1;
    return 0;
}

static size_t char_bytes(char first)
{
    unsigned char c = (unsigned char)first;
    return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
}

static void reach(struct wf_unigram_node *node, double score, uint32_t id, size_t start)
{
    if (node->start == NOT_REACHED || score > node->score)
        *node = (struct wf_unigram_node){.score = score, .id = id, .start = (uint32_t)start};
}

/* The first of pieces [low, high) whose byte `at` is `byte` or above; all have `at` bytes or more
 * and agree before. */
static size_t bound(const wf_unigram *model, const wf_vocab *vocab, size_t low, size_t high,
                    size_t at, unsigned byte)
{
    while (low < high) {
        size_t middle = (low + high) / 2;
        weft_str text = wf_vocab_text(vocab, &vocab->tokens[model->pieces[middle].token]);
        if (text.len <= at || (uint8_t)text.ptr[at] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Reaches every node that a piece at `start` ends at. */
static void step(const wf_unigram *model, const wf_vocab *vocab, weft_str text, size_t start,
                 struct wf_unigram_node *nodes, uint32_t unknown_id)
{
    double before = nodes[start].score;
    size_t one = char_bytes(text.ptr[start]);
    uint8_t head = (uint8_t)text.ptr[start];
    size_t low = model->first[head], high = model->first[head + 1];
    bool has_one = false;
    for (size_t at = 1; low < high; at++) {
        const struct wf_unigram_piece *piece = &model->pieces[low];
        const wf_token *token = &vocab->tokens[piece->token];
        if (token->bytes == at) { /* the shortest stands first */
            reach(&nodes[start + at], before + piece->score, token->id, start);
            has_one |= at == one;
            low++;
        }
        if (start + at == text.len)
            break;
        uint8_t byte = (uint8_t)text.ptr[start + at];
        low = bound(model, vocab, low, high, at, byte);
        high = bound(model, vocab, low, high, at, byte + 1u);
    }
    if (!has_one)
        reach(&nodes[start + one], before + model->unknown_score, unknown_id, start);
}

static int put_unknown(const wf_unigram *model, const wf_vocab *vocab, uint32_t unknown_id,
                       weft_str text, wf_tokens *tokens)
{
    uint32_t id = wf_vocab_find(vocab, text);
    bool has_bytes = id == WF_NO_TOKEN && model->has_bytes;
    for (size_t i = 0; i < text.len && has_bytes; i++)
        has_bytes = model->bytes[(uint8_t)text.ptr[i]] != WF_NO_TOKEN;
    if (!has_bytes)
        return wf_tokens_put(tokens, id != WF_NO_TOKEN ? id : unknown_id);
    int rc = 0;
    for (size_t i = 0; i < text.len && rc == 0; i++)
        rc = wf_tokens_put(tokens, model->bytes[(uint8_t)text.ptr[i]]);
    return rc;
}

/* From the ends of the best pieces, which go from right to left. */
static int put_path(const wf_unigram *model, const wf_vocab *vocab, uint32_t unknown_id,
                    weft_str text, size_t count, wf_tokens *tokens)
{
    const struct wf_unigram_node *nodes = tokens->unigram.nodes;
    const uint32_t *ends = tokens->unigram.ends;
    int rc = 0;
    while (count > 0 && rc == 0) {
        const struct wf_unigram_node *node = &nodes[ends[--count]];
        if (node->id != unknown_id) {
            rc = wf_tokens_put(tokens, node->id);
            continue;
        }
        size_t start = node->start;
        while (count > 0 && nodes[ends[count - 1]].id == unknown_id)
            count--;
        size_t end = ends[count];
        rc = put_unknown(model, vocab, unknown_id, (weft_str){text.ptr + start, end - start},
                         tokens);
    }
    return rc;
}

int wf_unigram_encode(const wf_unigram *model, const wf_vocab *vocab, uint32_t unknown_id,
                      weft_str text, wf_tokens *tokens)
{
    wf_unigram_memory *memory = &tokens->unigram;
    const wf_job job = {0};
    int rc = reserve(memory, text.len);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i <= text.len; i++)
        memory->nodes[i] = (struct wf_unigram_node){.start = NOT_REACHED};
    for (size_t at = 0; at < text.len && rc == 0; at += char_bytes(text.ptr[at])) {
        step(model, vocab, text, at, memory->nodes, unknown_id);
        rc = wf_job_poll(&job); /* pieces of a thousand bytes: seconds */
    }
    if (rc < 0)
        return rc;
    size_t count = 0;
    for (size_t end = text.len; end > 0; end = memory->nodes[end].start)
        memory->ends[count++] = (uint32_t)end;
    return put_path(model, vocab, unknown_id, text, count, tokens);
}
