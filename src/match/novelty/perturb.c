/* SPDX-License-Identifier: MIT */

#include "match/novelty/perturb.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/* However long a text is. */
#define SLIPS_MAX 32u

enum slip { EDIT, DROP_WORD, SHORTEN, MOVE_WORDS, ADD_WORD, CASE, SIGNS };

/* The last two do not count where texts are folded, so they come less often. */
static const uint8_t slips[] = {EDIT,      EDIT,     EDIT,    DROP_WORD,  DROP_WORD,
                                DROP_WORD, SHORTEN,  SHORTEN, MOVE_WORDS, MOVE_WORDS,
                                ADD_WORD,  ADD_WORD, CASE,    SIGNS};

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

/* The `index`-th word and the spaces before it: from *start on, up to what is returned. */
static size_t find_word(weft_str text, size_t index, size_t *start)
{
    size_t end = 0;
    for (size_t at = 0; at <= index; at++) {
        for (*start = end; end < text.len && is_space(text.ptr[end]);)
            end++;
        while (end < text.len && !is_space(text.ptr[end]))
            end++;
    }
    return end;
}

/* A word fewer; of one word a letter. */
static void drop_word(weft_str text, uint64_t *state, wf_buf *out)
{
    size_t words = count_words(text), start;
    if (words < 2) {
        edit(text, state, out);
        return;
    }
    size_t end = find_word(text, below(state, words), &start);
    put(out, text, 0, start);
    put(out, text, end, text.len);
}

/* One word of several is short: its first letters, perhaps with a full stop. */
static void shorten(weft_str text, uint64_t *state, wf_buf *out)
{
    size_t words = count_words(text), start;
    size_t end = find_word(text, below(state, words), &start);
    while (start < end && is_space(text.ptr[start]))
        start++;
    weft_str word = {text.ptr + start, end - start};
    size_t count = count_points(word);
    if (words < 2 || count < 4) {
        edit(text, state, out);
        return;
    }
    size_t kept = place_of(word, 1 + below(state, count / 2 < 5 ? count / 2 : 5));
    put(out, text, 0, start + kept);
    if (below(state, 2) == 0)
        wf_buf_putc(out, '.');
    put(out, text, end, text.len);
}

/* The last words come first. */
static void move_words(weft_str text, uint64_t *state, wf_buf *out)
{
    size_t words = count_words(text), start;
    if (words < 2) {
        edit(text, state, out);
        return;
    }
    size_t after = find_word(text, below(state, words - 1), &start), end = after;
    while (after < text.len && is_space(text.ptr[after]))
        after++;
    put(out, text, after, text.len);
    wf_buf_putc(out, ' ');
    put(out, text, 0, end);
}

/* A word of another text stands behind one of several. */
static void add_word(weft_str text, weft_str other, uint64_t *state, wf_buf *out)
{
    size_t words = count_words(text), others = count_words(other), start;
    if (words < 2 || others == 0) {
        edit(text, state, out);
        return;
    }
    size_t at = find_word(text, below(state, words), &start);
    size_t end = find_word(other, below(state, others), &start);
    put(out, text, 0, at);
    if (start == 0)
        wf_buf_putc(out, ' ');
    put(out, other, start, end);
    put(out, text, at, text.len);
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

static void slip(weft_str text, weft_str other, uint64_t *state, wf_buf *out)
{
    bool is_tiny = count_points(text) < 2 || count_words(text) == 0;
    switch (is_tiny ? CASE : slips[below(state, sizeof(slips))]) {
    case EDIT:
        edit(text, state, out);
        break;
    case DROP_WORD:
        drop_word(text, state, out);
        break;
    case SHORTEN:
        shorten(text, state, out);
        break;
    case MOVE_WORDS:
        move_words(text, state, out);
        break;
    case ADD_WORD:
        add_word(text, other, state, out);
        break;
    case CASE:
        change_case(text, state, out);
        break;
    default:
        change_signs(text, state, out);
    }
}

/* From 0 to 1, evenly. */
static double part(uint64_t *state)
{
    return (double)(next(state) >> 11) * 0x1p-53;
}

static size_t count_slips(weft_str text, double points_a_slip, uint64_t *state)
{
    double u = part(state);
    size_t more = (size_t)(u * u * (double)count_points(text) / points_a_slip);
    return 1 + (more < SLIPS_MAX ? more : SLIPS_MAX);
}

int wf_perturb(weft_str text, weft_str other, double points_a_slip, uint64_t seed, wf_buf *out)
{
    uint64_t state = seed;
    wf_buf_reset(out);
    size_t count = count_slips(text, points_a_slip, &state);
    slip(text, other, &state, out);
    for (size_t i = 1; i < count && out->rc == 0; i++) {
        size_t len = wf_buf_bytes(out);
        char *copy = wf_array(len + 1, 1);
        if (copy == NULL)
            return -ENOMEM;
        memcpy(copy, wf_buf_ptr(out), len);
        wf_buf_reset(out);
        slip((weft_str){copy, len}, other, &state, out);
        wf_free(copy);
    }
    return out->rc;
}
