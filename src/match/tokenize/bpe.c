/* SPDX-License-Identifier: MIT */

#include "match/tokenize/tokenizer.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/tokenize/ids.h"

#include <stdio.h>
#include <string.h>

#define NO_RANK UINT32_MAX

/* ---- merges ---- */

static struct wf_merge *slot_of(const wf_bpe *model, uint32_t left, uint32_t right)
{
    size_t mask = ((size_t)1 << model->bits) - 1;
    uint64_t pair = (uint64_t)left << 32 | right;
    size_t at = (size_t)((pair ^ pair >> 29) * model->key >> 20) & mask;
    for (; model->slots[at].rank != NO_RANK; at = (at + 1) & mask) {
        if (model->slots[at].left == left && model->slots[at].right == right)
            break;
    }
    return &model->slots[at];
}

/* One merge: "left right", or a list of the two. */
static int split_merge(const wf_tape *tape, uint32_t at, weft_str *left, weft_str *right)
{
    weft_str both = wf_tape_string(tape, at);
    const char *space = both.ptr != NULL ? memchr(both.ptr, ' ', both.len) : NULL;
    if (space != NULL) {
        *left = (weft_str){both.ptr, (size_t)(space - both.ptr)};
        *right = (weft_str){space + 1, both.len - left->len - 1};
        return 0;
    }
    uint32_t first = wf_tape_first(tape, at);
    if (wf_tape_kind(tape, at) != WF_VALUE_ARRAY || wf_tape_count(tape, at) != 2)
        return -WEFT_M_EMODEL;
    *left = wf_tape_string(tape, first);
    *right = wf_tape_string(tape, wf_tape_next(tape, at, first));
    return left->ptr != NULL && right->ptr != NULL ? 0 : -WEFT_M_EMODEL;
}

static int add_merge(wf_bpe *model, const wf_vocab *vocab, weft_str left, weft_str right,
                     uint32_t rank, wf_buf *scratch)
{
    wf_buf_reset(scratch);
    wf_buf_append(scratch, left.ptr, left.len);
    int rc = wf_buf_append(scratch, right.ptr, right.len);
    if (rc < 0)
        return rc;
    struct wf_merge merge = {
        .left = wf_vocab_find(vocab, left),
        .right = wf_vocab_find(vocab, right),
        .id = wf_vocab_find(vocab, (weft_str){wf_buf_ptr(scratch), wf_buf_bytes(scratch)}),
        .rank = rank};
    if (merge.left == WF_NO_TOKEN || merge.right == WF_NO_TOKEN || merge.id == WF_NO_TOKEN)
        return -WEFT_M_EMODEL;
    *slot_of(model, merge.left, merge.right) = merge;
    return 0;
}

static int read_merges(wf_bpe *model, const wf_vocab *vocab, const wf_tape *tape, uint32_t list,
                       wf_reason *reason)
{
    wf_buf scratch = {0};
    uint32_t rank = 0;
    int rc = 0;
    for (uint32_t at = wf_tape_first(tape, list); at != WF_NO_VALUE && rc == 0;
         at = wf_tape_next(tape, list, at), rank++) {
        weft_str left, right;
        rc = split_merge(tape, at, &left, &right);
        if (rc == 0)
            rc = add_merge(model, vocab, left, right, rank, &scratch);
    }
    wf_buf_fini(&scratch);
    return rc == -WEFT_M_EMODEL
               ? wf_reason_set(reason, "merge %u is none of tokens of its vocabulary", rank - 1)
               : rc;
}

/* What is not done here: pieces that say whether they begin or end a word, and chance. */
static int check(const wf_tape *tape, uint32_t value, wf_reason *reason)
{
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (size_t i = 0; i < 2; i++) {
        weft_str affix = wf_tape_string(tape, wf_tape_get(tape, value, affixes[i]));
        if (affix.len > 0)
            return wf_reason_set(reason, "its BPE model has a %s, which is not known here",
                                 affixes[i]);
    }
    double dropout = 0;
    if (wf_tape_double(tape, wf_tape_get(tape, value, "dropout"), &dropout) && dropout > 0)
        return wf_reason_set(reason, "its BPE model has a dropout, which is not known here");
    return 0;
}

static void read_bytes(wf_bpe *model, const wf_vocab *vocab)
{
    for (unsigned i = 0; i < 256 && model->has_bytes; i++) {
        char name[8];
        snprintf(name, sizeof(name), "<0x%02X>", i);
        model->bytes[i] = wf_vocab_find(vocab, (weft_str){name, 6});
    }
}

int wf_bpe_read(wf_bpe *model, const wf_vocab *vocab, const wf_tape *tape, uint32_t value,
                wf_reason *reason)
{
    uint32_t list = wf_tape_get(tape, value, "merges");
    int rc = check(tape, value, reason);
    if (rc == 0 && wf_tape_kind(tape, list) != WF_VALUE_ARRAY)
        rc = wf_reason_set(reason, "its BPE model has no merges");
    if (rc == 0)
        rc = wf_sys_random(&model->key, sizeof(model->key));
    if (rc < 0)
        return rc;
    model->key |= 1;
    model->has_bytes = wf_tape_bool(tape, wf_tape_get(tape, value, "byte_fallback"), false);
    model->fuses_unknown = wf_tape_bool(tape, wf_tape_get(tape, value, "fuse_unk"), false);
    model->ignores_merges = wf_tape_bool(tape, wf_tape_get(tape, value, "ignore_merges"), false);
    read_bytes(model, vocab);
    model->bits = 4;
    while ((size_t)1 << model->bits < wf_tape_count(tape, list) * 2)
        model->bits++;
    model->slots = wf_array((size_t)1 << model->bits, sizeof(*model->slots));
    if (model->slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < (size_t)1 << model->bits; i++)
        model->slots[i].rank = NO_RANK;
    return read_merges(model, vocab, tape, list, reason);
}

void wf_bpe_fini(wf_bpe *model)
{
    wf_free(model->slots);
    *model = (wf_bpe){0};
}

void wf_bpe_memory_fini(wf_bpe_memory *memory)
{
    wf_free(memory->symbols);
    wf_free(memory->heap);
    *memory = (wf_bpe_memory){0};
}

/* ---- symbols ---- */

static int put_symbol(wf_bpe_memory *memory, uint32_t id)
{
    if (memory->symbol_count == memory->symbol_capacity) {
        size_t larger = memory->symbol_capacity < 32 ? 64 : memory->symbol_capacity * 2;
        void *symbols = wf_grow(memory->symbols, larger, sizeof(*memory->symbols));
        if (symbols == NULL)
            return -ENOMEM;
        memory->symbols = symbols;
        memory->symbol_capacity = larger;
    }
    int32_t at = (int32_t)memory->symbol_count++;
    memory->symbols[at] = (struct wf_bpe_symbol){.id = id, .before = at - 1, .after = at + 1};
    return 0;
}

/* A character that is no token, as the tokens of its bytes: 1, or 0 if one of them is missing. */
static int put_bytes(const wf_bpe *model, weft_str c, wf_bpe_memory *memory)
{
    for (size_t i = 0; i < c.len; i++) {
        if (!model->has_bytes || model->bytes[(uint8_t)c.ptr[i]] == WF_NO_TOKEN)
            return 0;
    }
    int rc = 0;
    for (size_t i = 0; i < c.len && rc == 0; i++)
        rc = put_symbol(memory, model->bytes[(uint8_t)c.ptr[i]]);
    return rc < 0 ? rc : 1;
}

/* An unknown token is put when it is known where it ends, so those for bytes come before it: as the
 * public implementation has it. */
static int put_symbols(const wf_bpe *model, const wf_vocab *vocab, uint32_t unknown_id,
                       weft_str word, wf_bpe_memory *memory)
{
    bool has_unknown = false;
    int rc = 0;
    for (size_t at = 0, end; at < word.len && rc >= 0; at = end) {
        end = at + 1;
        while (end < word.len && ((unsigned char)word.ptr[end] & 0xC0) == 0x80)
            end++;
        weft_str c = {word.ptr + at, end - at};
        uint32_t id = wf_vocab_find(vocab, c);
        if (id != WF_NO_TOKEN) {
            rc = has_unknown ? put_symbol(memory, unknown_id) : 0;
            has_unknown = false;
            rc = rc < 0 ? rc : put_symbol(memory, id);
            continue;
        }
        rc = put_bytes(model, c, memory);
        if (rc != 0 || unknown_id == WF_NO_TOKEN)
            continue;
        if (has_unknown && !model->fuses_unknown)
            rc = put_symbol(memory, unknown_id);
        has_unknown = true;
    }
    return rc >= 0 && has_unknown ? put_symbol(memory, unknown_id) : rc < 0 ? rc : 0;
}

/* ---- the heap: the first merge on top, of equal ones the left ---- */

static bool is_before(const struct wf_bpe_pair *a, const struct wf_bpe_pair *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static int heap_put(wf_bpe_memory *memory, struct wf_bpe_pair pair)
{
    if (memory->heap_count == memory->heap_capacity) {
        size_t larger = memory->heap_capacity < 32 ? 64 : memory->heap_capacity * 2;
        void *heap = wf_grow(memory->heap, larger, sizeof(*memory->heap));
        if (heap == NULL)
            return -ENOMEM;
        memory->heap = heap;
        memory->heap_capacity = larger;
    }
    size_t at = memory->heap_count++;
    for (; at > 0 && is_before(&pair, &memory->heap[(at - 1) / 2]); at = (at - 1) / 2)
        memory->heap[at] = memory->heap[(at - 1) / 2];
    memory->heap[at] = pair;
    return 0;
}

static struct wf_bpe_pair heap_take(wf_bpe_memory *memory)
{
    struct wf_bpe_pair top = memory->heap[0], last = memory->heap[--memory->heap_count];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < memory->heap_count) {
        child += child + 1 < memory->heap_count &&
                 is_before(&memory->heap[child + 1], &memory->heap[child]);
        if (!is_before(&memory->heap[child], &last))
            break;
        memory->heap[at] = memory->heap[child];
        at = child;
    }
    memory->heap[at] = last;
    return top;
}

/* ---- encoding ---- */

/* Puts the merge of a symbol and the one behind it into the heap, if there is one. */
static int offer(const wf_bpe *model, wf_bpe_memory *memory, int32_t at)
{
    if (at < 0 || memory->symbols[at].after < 0)
        return 0;
    const struct wf_bpe_symbol *left = &memory->symbols[at];
    const struct wf_merge *merge = slot_of(model, left->id, memory->symbols[left->after].id);
    if (merge->rank == NO_RANK)
        return 0;
    return heap_put(memory,
                    (struct wf_bpe_pair){.rank = merge->rank, .at = (uint32_t)at, .id = merge->id});
}

/* A merge that was offered may be out of date: another took one of the two. */
static int merge(const wf_bpe *model, wf_bpe_memory *memory, const struct wf_bpe_pair *pair)
{
    struct wf_bpe_symbol *left = &memory->symbols[pair->at];
    if (left->is_gone || left->after < 0)
        return 0;
    struct wf_bpe_symbol *right = &memory->symbols[left->after];
    const struct wf_merge *now = slot_of(model, left->id, right->id);
    if (now->rank == NO_RANK || now->id != pair->id)
        return 0;
    left->id = pair->id;
    right->is_gone = true;
    left->after = right->after;
    if (right->after >= 0)
        memory->symbols[right->after].before = (int32_t)pair->at;
    int rc = offer(model, memory, left->before);
    return rc < 0 ? rc : offer(model, memory, (int32_t)pair->at);
}

int wf_bpe_encode(const wf_bpe *model, const wf_vocab *vocab, uint32_t unknown_id, weft_str word,
                  wf_tokens *tokens)
{
    wf_bpe_memory *memory = &tokens->bpe;
    uint32_t whole = model->ignores_merges ? wf_vocab_find(vocab, word) : WF_NO_TOKEN;
    if (whole != WF_NO_TOKEN)
        return wf_tokens_put(tokens, whole);
    memory->symbol_count = 0;
    memory->heap_count = 0;
    int rc = put_symbols(model, vocab, unknown_id, word, memory);
    if (memory->symbol_count > 0)
        memory->symbols[memory->symbol_count - 1].after = -1;
    for (size_t i = 0; i + 1 < memory->symbol_count && rc == 0; i++)
        rc = offer(model, memory, (int32_t)i);
    while (memory->heap_count > 0 && rc == 0) {
        struct wf_bpe_pair pair = heap_take(memory);
        rc = merge(model, memory, &pair);
    }
    for (size_t i = 0; i < memory->symbol_count && rc == 0; i++)
        rc = memory->symbols[i].is_gone ? 0 : wf_tokens_put(tokens, memory->symbols[i].id);
    return rc;
}
