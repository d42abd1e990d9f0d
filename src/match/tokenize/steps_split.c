/* SPDX-License-Identifier: MIT */

/* The steps of a pre-tokenizer: a text to pieces, pieces to smaller ones. */
#include "match/tokenize/steps.h"

#include "base/utf8.h"
#include "match/text/chars.h"
#include "match/tokenize/kinds.h"

#include <string.h>

/* A piece of memory->spare on its way into memory->text and memory->pieces. */
struct cutting {
    const wf_step *step;
    wf_steps_memory *memory;
    const uint32_t *at;
    size_t count, first;
};

/* How much of [start, end) comes of the whole text's first character. */
static size_t first_of(const struct cutting *cutting, size_t start, size_t end)
{
    size_t last = cutting->first < end ? cutting->first : end;
    return last > start ? last - start : 0;
}

static int put_piece(struct cutting *cutting, size_t start, size_t end)
{
    wf_steps_memory *memory = cutting->memory;
    size_t to = memory->text.count;
    if (start == end)
        return 0;
    int rc = wf_scalars_append(&memory->text, cutting->at + start, end - start);
    return rc < 0 ? rc : wf_steps_piece(memory, to, end - start, first_of(cutting, start, end));
}

/* ---- delimiters ---- */

/* Where the next delimiter from `at` on begins and ends; start == count: there is none. */
typedef void find_fn(const struct cutting *cutting, size_t at, size_t *start, size_t *end);

/* Cuts as `how` says: a delimiter stands alone, or belongs to what is before or behind it.  An
 * empty piece is none. */
static int cut(struct cutting *cutting, find_fn *find, enum wf_cut how)
{
    size_t from = 0, start, end, next_start, next_end;
    int rc = 0;
    find(cutting, 0, &start, &end);
    while (rc == 0 && start < cutting->count) {
        find(cutting, end, &next_start, &next_end);
        while (how == WF_CUT_CONTIGUOUS && next_start == end && end < cutting->count) {
            end = next_end;
            find(cutting, end, &next_start, &next_end);
        }
        rc = put_piece(cutting, from, how == WF_CUT_PREVIOUS ? end : start);
        if (rc == 0 && (how == WF_CUT_ISOLATED || how == WF_CUT_CONTIGUOUS))
            rc = put_piece(cutting, start, end);
        from = how == WF_CUT_NEXT ? start : end;
        start = next_start;
        end = next_end;
    }
    return rc < 0 ? rc : put_piece(cutting, from, cutting->count);
}

static void find_kind(const struct cutting *cutting, size_t at, bool is_kind(uint32_t c),
                      size_t *start, size_t *end)
{
    while (at < cutting->count && !is_kind(cutting->at[at]))
        at++;
    *start = at;
    *end = at + 1;
}

static void find_space(const struct cutting *cutting, size_t at, size_t *start, size_t *end)
{
    find_kind(cutting, at, wf_kind_is_space, start, end);
}

static void find_punctuation(const struct cutting *cutting, size_t at, size_t *start, size_t *end)
{
    find_kind(cutting, at, wf_kind_is_punctuation, start, end);
}

static void find_number(const struct cutting *cutting, size_t at, size_t *start, size_t *end)
{
    find_kind(cutting, at, wf_char_is_number, start, end);
}

static void find_bert(const struct cutting *cutting, size_t at, size_t *start, size_t *end)
{
    while (at < cutting->count && !wf_kind_is_space(cutting->at[at]) &&
           !wf_kind_is_punctuation(cutting->at[at]))
        at++;
    *start = at;
    *end = at + 1;
}

static void find_text(const struct cutting *cutting, size_t at, size_t *start, size_t *end)
{
    const wf_scalars *text = &cutting->step->from;
    while (cutting->count - at >= text->count &&
           memcmp(cutting->at + at, text->at, text->count * sizeof(uint32_t)) != 0)
        at++;
    *start = cutting->count - at >= text->count ? at : cutting->count;
    *end = *start + text->count;
}

static void find_spaces(const struct cutting *cutting, size_t at, size_t *start, size_t *end)
{
    find_space(cutting, at, start, end);
    while (*end < cutting->count && wf_kind_is_space(cutting->at[*end]))
        ++*end;
}

static void find_sign(const struct cutting *cutting, size_t at, size_t *start, size_t *end)
{
    while (at < cutting->count && cutting->at[at] != cutting->step->to.at[0])
        at++;
    *start = at;
    *end = at + 1;
}

/* ---- words ---- */

/* \w+|[^\w\s]+, what is between them dropped. */
static int cut_words(struct cutting *cutting)
{
    int rc = 0;
    for (size_t at = 0; at < cutting->count && rc == 0;) {
        size_t start = at;
        if (wf_kind_is_space(cutting->at[at])) {
            at++;
            continue;
        }
        bool is_word = wf_kind_is_word(cutting->at[at]);
        while (at < cutting->count && !wf_kind_is_space(cutting->at[at]) &&
               wf_kind_is_word(cutting->at[at]) == is_word)
            at++;
        rc = put_piece(cutting, start, at);
    }
    return rc;
}

/* BERT: white space dropped, each sign of punctuation alone. */
static int cut_bert(struct cutting *cutting)
{
    int rc = 0;
    for (size_t at = 0, start, end; at < cutting->count && rc == 0; at = end) {
        find_bert(cutting, at, &start, &end);
        rc = put_piece(cutting, at, start);
        if (rc == 0 && start < cutting->count && !wf_kind_is_space(cutting->at[start]))
            rc = put_piece(cutting, start, end);
    }
    return rc;
}

/* ---- bytes ---- */

enum letter { LETTER, NUMBER, SPACE, SIGN };

static enum letter letter_of(uint32_t c)
{
    if (wf_kind_is_space(c))
        return SPACE;
    return wf_char_is_plain_letter(c) ? LETTER : wf_char_is_number(c) ? NUMBER : SIGN;
}

/* 's 't 're 've 'm 'll 'd */
static size_t contraction(const uint32_t *at, size_t count)
{
    if (count < 2 || at[0] != '\'')
        return 0;
    if (at[1] == 's' || at[1] == 't' || at[1] == 'm' || at[1] == 'd')
        return 2;
    bool has_two = count >= 3 && ((at[1] == 'r' && at[2] == 'e') ||
                                  (at[1] == 'v' && at[2] == 'e') || (at[1] == 'l' && at[2] == 'l'));
    return has_two ? 3 : 0;
}

/* GPT-2's expression: contractions; runs of letters, of numbers, of signs, each with the space
 * before it; white space, of which a run leaves its last for the word behind it. */
static size_t word_end(const struct cutting *cutting, size_t start)
{
    const uint32_t *at = cutting->at;
    size_t end = start, count = cutting->count, bytes = contraction(at + start, count - start);
    if (bytes > 0)
        return start + bytes;
    end += at[start] == ' ' && start + 1 < count && letter_of(at[start + 1]) != SPACE;
    enum letter kind = letter_of(at[end]);
    for (end++; end < count && letter_of(at[end]) == kind;)
        end++;
    return kind == SPACE && end < count && end - start > 1 ? end - 1 : end;
}

/* The character that stands for a byte: itself if it can be seen, else one from U+0100 on. */
static uint32_t byte_sign(uint8_t byte)
{
    if ((byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD))
        return byte;
    if (byte <= 0x20)
        return 0x100u + byte;
    return byte == 0xAD ? 0x143 : 0x121u + byte - 0x7F;
}

static int put_bytes(struct cutting *cutting, size_t start, size_t end)
{
    wf_steps_memory *memory = cutting->memory;
    size_t to = memory->text.count, first = 0;
    for (size_t i = start; i < end; i++) {
        char bytes[WF_UTF8_BYTES_MAX];
        size_t count = wf_utf8_write(cutting->at[i], bytes);
        int rc = wf_scalars_reserve(&memory->text, count);
        if (rc < 0)
            return rc;
        for (size_t k = 0; k < count; k++)
            memory->text.at[memory->text.count++] = byte_sign((uint8_t)bytes[k]);
        first += i < cutting->first ? count : 0;
    }
    return wf_steps_piece(memory, to, memory->text.count - to, first);
}

static int cut_bytes(struct cutting *cutting)
{
    int rc = 0;
    if (!cutting->step->splits)
        return cutting->count > 0 ? put_bytes(cutting, 0, cutting->count) : 0;
    for (size_t at = 0, end; at < cutting->count && rc == 0; at = end) {
        end = word_end(cutting, at);
        rc = put_bytes(cutting, at, end);
    }
    return rc;
}

static int cut_gpt2(struct cutting *cutting)
{
    int rc = 0;
    for (size_t at = 0, end; at < cutting->count && rc == 0; at = end) {
        end = word_end(cutting, at);
        rc = put_piece(cutting, at, end);
    }
    return rc;
}

/* ---- all of them ---- */

static int split_piece(struct cutting *cutting)
{
    const wf_step *step = cutting->step;
    switch (step->kind) {
    case WF_STEP_BERT:
        return cut_bert(cutting);
    case WF_STEP_WORDS:
        return cut_words(cutting);
    case WF_STEP_SPACES:
        return cut(cutting, find_space, WF_CUT_REMOVED);
    case WF_STEP_METASPACE:
        return step->splits ? cut(cutting, find_sign, WF_CUT_NEXT)
                            : put_piece(cutting, 0, cutting->count);
    case WF_STEP_BYTES:
        return cut_bytes(cutting);
    case WF_STEP_PUNCTUATION:
        return cut(cutting, find_punctuation, step->cut);
    case WF_STEP_DIGITS:
        return cut(cutting, find_number, step->splits ? WF_CUT_ISOLATED : WF_CUT_CONTIGUOUS);
    default:
        if (step->pattern == WF_PATTERN_WORDS)
            return cut_gpt2(cutting);
        return cut(cutting, step->pattern == WF_PATTERN_TEXT ? find_text : find_spaces, step->cut);
    }
}

/* What stands in front of a piece: METASPACE's sign, or BYTES' space. */
static bool wants_front(const wf_step *step, const uint32_t *at, const wf_piece *piece)
{
    bool is_asked = step->prepend == WF_PREPEND_ALWAYS ||
                    (step->prepend == WF_PREPEND_FIRST && piece->first > 0);
    if (!is_asked || (step->kind != WF_STEP_METASPACE && step->kind != WF_STEP_BYTES))
        return false;
    if (step->kind == WF_STEP_BYTES)
        return piece->count == 0 || at[0] != ' ';
    return piece->count == 0 || (at[0] != step->to.at[0] && at[0] != ' ');
}

/* A piece with what comes in front, and METASPACE's signs for spaces, into memory->norm.points. */
static int prepare(const wf_step *step, wf_steps_memory *memory, const wf_piece *piece,
                   struct cutting *out)
{
    const uint32_t *at = memory->spare.at + piece->start;
    int rc = wf_norm_reserve(&memory->norm, (size_t)piece->count + 1);
    if (rc < 0)
        return rc;
    uint32_t *to = memory->norm.points;
    bool has_sign = step->kind == WF_STEP_METASPACE;
    bool has_front = wants_front(step, at, piece);
    if (has_front)
        *to++ = has_sign ? step->to.at[0] : ' ';
    for (size_t i = 0; i < piece->count; i++)
        *to++ = has_sign && at[i] == ' ' ? step->to.at[0] : at[i];
    *out = (struct cutting){
        .step = step,
        .memory = memory,
        .at = memory->norm.points,
        .count = (size_t)(to - memory->norm.points),
        .first = piece->first + (has_front && piece->first > 0),
    };
    return 0;
}

static int split_step(const wf_step *step, wf_steps_memory *memory)
{
    wf_piece *pieces = memory->pieces;
    size_t count = memory->piece_count, capacity = memory->piece_capacity;
    wf_scalars_swap(&memory->text, &memory->spare);
    memory->text.count = 0;
    memory->pieces = memory->spare_pieces;
    memory->piece_capacity = memory->spare_capacity;
    memory->piece_count = 0;
    memory->spare_pieces = pieces;
    memory->spare_capacity = capacity;
    for (size_t i = 0; i < count; i++) {
        struct cutting cutting;
        int rc = prepare(step, memory, &pieces[i], &cutting);
        if (rc == 0)
            rc = split_piece(&cutting);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int wf_steps_split(const wf_steps *steps, wf_steps_memory *memory, size_t first)
{
    memory->piece_count = 0;
    int rc = memory->text.count > 0 ? wf_steps_piece(memory, 0, memory->text.count, first) : 0;
    for (size_t i = 0; i < steps->count && rc == 0; i++)
        rc = split_step(&steps->items[i], memory);
    return rc;
}
