/* SPDX-License-Identifier: MIT */

/*
 * The distance computes 64 cells of a column of the table at once, as differences between
 * neighbours (G. Myers, "A fast bit-vector algorithm for approximate string matching", 1999; H.
 * Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances", 2003).
 * Longer patterns take several words, and the differences go on from word to word.
 */
#include "match/score/distance.h"

#include <assert.h>

#define WORD_MAX (WF_DISTANCE_MAX / 64)

/* 64 rows of a column: bit i is row i. */
struct column {
    uint64_t plus, minus; /* one more, one less than the row before */
    uint64_t free;        /* as much as the cell before in both directions */
    uint64_t same;        /* the pattern has the text's character there */
};

/* What a word hands to the one below. */
struct carry {
    uint64_t plus, minus; /* of its last row against the last column */
    uint64_t exchange;    /* its last row may begin an exchange */
};

static wf_points cut(wf_points a)
{
    a.count = a.count < WF_DISTANCE_MAX ? a.count : WF_DISTANCE_MAX;
    return a;
}

/* Where a character of 64 of the pattern stands. */
static uint64_t places_of(wf_points pattern, size_t from, uint32_t c)
{
    uint64_t places = 0;
    size_t count = pattern.count - from < 64 ? pattern.count - from : 64;
    for (size_t i = 0; i < count; i++)
        places |= (uint64_t)(pattern.at[from + i] == c) << i;
    return places;
}

/* The same of all its characters at once.  A character has a place by its low bits; one that finds
 * another there is looked for in the pattern.  Only the places of both texts' characters are ever
 * written: what is in the others does not matter. */
#define KINDS 128u
#define NOBODY UINT32_MAX

struct places {
    uint32_t points[KINDS];
    uint64_t bits[KINDS];
};

static void take_places(struct places *it, wf_points pattern, wf_points text)
{
    for (size_t i = 0; i < text.count; i++)
        it->points[text.at[i] % KINDS] = NOBODY;
    for (size_t i = 0; i < pattern.count; i++)
        it->points[pattern.at[i] % KINDS] = NOBODY;
    for (size_t i = 0; i < pattern.count; i++) {
        uint32_t c = pattern.at[i];
        unsigned at = c % KINDS;
        if (it->points[at] == NOBODY) {
            it->points[at] = c;
            it->bits[at] = 0;
        }
        if (it->points[at] == c)
            it->bits[at] |= UINT64_C(1) << i;
    }
}

static inline uint64_t place_of(const struct places *it, wf_points pattern, uint32_t c)
{
    unsigned at = c % KINDS;
    if (it->points[at] == c)
        return it->bits[at];
    return it->points[at] == NOBODY ? 0 : places_of(pattern, 0, c);
}

/* ---- a pattern of one word ---- */

/* Bits beyond the pattern are of nobody, and reach no bit below them. */
static inline struct column first_column(void)
{
    return (struct column){.plus = UINT64_MAX};
}

static inline struct column step(struct column col, uint64_t same)
{
    uint64_t exchanged = (~col.free & same) << 1 & col.same;
    uint64_t free = (((same & col.plus) + col.plus) ^ col.plus) | same | col.minus | exchanged;
    uint64_t more = (col.minus | ~(free | col.plus)) << 1 | 1, less = (free & col.plus) << 1;
    return (struct column){
        .plus = less | ~(free | more), .minus = more & free, .free = free, .same = same};
}

/* The last column begins with the length of the text; its differences lead down to the result. */
static inline size_t last_row(struct column col, size_t pattern_count, size_t text_count)
{
    assert(pattern_count > 0);
    uint64_t mask = UINT64_MAX >> (64 - pattern_count);
    return text_count + wf_count_bits(col.plus & mask) - wf_count_bits(col.minus & mask);
}

static size_t distance_of_word(wf_points pattern, wf_points text)
{
    struct places places;
    struct column col = first_column();
    take_places(&places, pattern, text);
    for (size_t i = 0; i < text.count; i++)
        col = step(col, place_of(&places, pattern, text.at[i]));
    return last_row(col, pattern.count, text.count);
}

/* ---- a longer one ---- */

static void next_column(struct column *col, uint64_t same, struct carry *carry)
{
    uint64_t begins = ~col->free & same;
    uint64_t exchanged = (begins << 1 | carry->exchange) & col->same;
    uint64_t x = same | carry->minus;
    uint64_t free = (((x & col->plus) + col->plus) ^ col->plus) | x | col->minus | exchanged;
    uint64_t more = col->minus | ~(free | col->plus), less = free & col->plus;
    uint64_t more_above = more << 1 | carry->plus, less_above = less << 1 | carry->minus;
    *carry = (struct carry){.plus = more >> 63, .minus = less >> 63, .exchange = begins >> 63};
    *col = (struct column){.plus = less_above | ~(free | more_above),
                           .minus = more_above & free,
                           .free = free,
                           .same = same};
}

/* Needs a pattern that is not empty. */
static size_t distance(wf_points pattern, wf_points text)
{
    if (pattern.count <= 64)
        return distance_of_word(pattern, text);
    struct column cols[WORD_MAX];
    size_t words = (pattern.count + 63) / 64, result = pattern.count;
    unsigned last = (unsigned)((pattern.count - 1) % 64);
    for (size_t w = 0; w < words; w++)
        cols[w] = (struct column){.plus = UINT64_MAX};
    for (size_t i = 0; i < text.count; i++) {
        struct carry carry = {.plus = 1};
        for (size_t w = 0; w + 1 < words; w++)
            next_column(&cols[w], places_of(pattern, 64 * w, text.at[i]), &carry);
        struct column *col = &cols[words - 1];
        uint64_t plus = col->plus, minus = col->minus;
        next_column(col, places_of(pattern, 64 * (words - 1), text.at[i]), &carry);
        result += (minus | ~(col->free | plus)) >> last & 1;
        result -= (col->free & plus) >> last & 1;
    }
    return result;
}

/* ---- a part of a short text ---- */

static inline uint64_t same_at(wf_pattern pattern, uint8_t number)
{
    return pattern.places[number] >> pattern.start;
}

size_t wf_distance_to(wf_pattern pattern, wf_numbered text)
{
    struct column col = first_column();
    for (size_t i = 0; i < text.count; i++)
        col = step(col, same_at(pattern, text.at[i]));
    return last_row(col, pattern.count, text.count);
}

static double alikeness_at(struct column col, wf_pattern pattern, wf_numbered text)
{
    size_t longer = pattern.count > text.count ? pattern.count : text.count;
    return 1 - (double)last_row(col, pattern.count, text.count) / (double)longer;
}

/* Side by side: the steps of one run wait for each other, those of two do not. */
void wf_alikeness_of_two(const wf_pattern patterns[2], const wf_numbered texts[2], double out[2])
{
    struct column a = first_column(), b = first_column();
    const wf_pattern pa = patterns[0], pb = patterns[1];
    const wf_numbered ta = texts[0], tb = texts[1];
    size_t i = 0, both = ta.count < tb.count ? ta.count : tb.count;
    for (; i < both; i++) {
        a = step(a, same_at(pa, ta.at[i]));
        b = step(b, same_at(pb, tb.at[i]));
    }
    for (size_t k = i; k < ta.count; k++)
        a = step(a, same_at(pa, ta.at[k]));
    for (size_t k = i; k < tb.count; k++)
        b = step(b, same_at(pb, tb.at[k]));
    out[0] = alikeness_at(a, pa, ta);
    out[1] = alikeness_at(b, pb, tb);
}

/* ---- any two ---- */

size_t wf_distance(wf_points a, wf_points b)
{
    a = cut(a);
    b = cut(b);
    while (a.count > 0 && b.count > 0 && a.at[0] == b.at[0]) {
        a = (wf_points){a.at + 1, a.count - 1};
        b = (wf_points){b.at + 1, b.count - 1};
    }
    while (a.count > 0 && b.count > 0 && a.at[a.count - 1] == b.at[b.count - 1]) {
        a.count--;
        b.count--;
    }
    if (a.count == 0 || b.count == 0)
        return a.count + b.count;
    return a.count < b.count ? distance(a, b) : distance(b, a);
}

double wf_alikeness(wf_points a, wf_points b)
{
    a = cut(a);
    b = cut(b);
    size_t longer = a.count > b.count ? a.count : b.count;
    return longer == 0 ? 1 : 1 - (double)wf_distance(a, b) / (double)longer;
}
