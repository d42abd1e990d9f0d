/* SPDX-License-Identifier: MIT */

#include "match/novelty/perturb.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

enum slip { EDIT, DROP_WORD, CASE, SIGNS, SLIP_COUNT };

/* SplitMix64 (G. Steele, D. Lea and C. Flood, "Fast splittable pseudorandom number generators",
 * 2014). */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(uint64_t *state, size_t count)
{
    assert(count > 0);
    return (size_t)(next(state) % count);
}

static size_t count_points(weft_str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        wf_utf8_next(text.ptr, &at);
    return count;
}

/* Where the `index`-th character begins. */
static size_t place_of(weft_str text, size_t index)
{
    size_t at = 0;
    while (index-- > 0)
        wf_utf8_next(text.ptr, &at);
    return at;
}

static void put(wf_buf *out, weft_str text, size_t from, size_t to)
{
    wf_buf_append(out, text.ptr + from, to - from);
}

/* One character more, fewer, another, or two that change places. */
static void edit(weft_str text, uint64_t *state, wf_buf *out)
{
    size_t count = count_points(text);
    size_t index = below(state, count), kind = below(state, 4);
    size_t start = place_of(text, index), end = start;
    char letter = (char)('a' + below(state, 26));
    wf_utf8_next(text.ptr, &end);
    size_t after = end;
    if (end < text.len)
        wf_utf8_next(text.ptr, &after);
    put(out, text, 0, start);
    if (kind == 0)
        put(out, text, start, end);
    if (kind <= 1)
        wf_buf_putc(out, letter);
    if (kind == 2)
        put(out, text, end, after);
    if (kind == 2)
        put(out, text, start, end);
    put(out, text, kind == 2 ? after : end, text.len);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static size_t count_words(weft_str text)
{
    size_t words = 0;
    for (size_t i = 0; i < text.len; i++)
        words += !is_space(text.ptr[i]) && (i == 0 || is_space(text.ptr[i - 1]));
    return words;
}

/* A word fewer; of one word a letter. */
static void drop_word(weft_str text, uint64_t *state, wf_buf *out)
{
    size_t words = count_words(text), start, end, at = 0;
    if (words < 2) {
        edit(text, state, out);
        return;
    }
    size_t gone = below(state, words);
    for (start = 0; start < text.len; start = end) {
        for (end = start; end < text.len && is_space(text.ptr[end]);)
            end++;
        while (end < text.len && !is_space(text.ptr[end]))
            end++;
        if (at++ != gone)
            put(out, text, start, end);
    }
}

static void change_case(weft_str text, uint64_t *state, wf_buf *out)
{
    bool is_upper = below(state, 2) != 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_upper && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (!is_upper && c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        wf_buf_putc(out, c);
    }
}

static void change_signs(weft_str text, uint64_t *state, wf_buf *out)
{
    static const char signs[] = "-,./";
    char sign = signs[below(state, sizeof(signs) - 1)];
    for (size_t i = 0; i < text.len; i++) {
        bool is_between = is_space(text.ptr[i]) && i > 0 && i + 1 < text.len;
        wf_buf_putc(out, is_between ? sign : text.ptr[i]);
    }
    if (sign == '.')
        wf_buf_putc(out, sign);
}

int wf_perturb(weft_str text, uint64_t seed, wf_buf *out)
{
    uint64_t state = seed;
    wf_buf_reset(out);
    bool is_tiny = count_points(text) < 2;
    switch (is_tiny ? (size_t)CASE : below(&state, SLIP_COUNT)) {
    case EDIT:
        edit(text, &state, out);
        break;
    case DROP_WORD:
        drop_word(text, &state, out);
        break;
    case CASE:
        change_case(text, &state, out);
        break;
    default:
        change_signs(text, &state, out);
    }
    return out->rc;
}
