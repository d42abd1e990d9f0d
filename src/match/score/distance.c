/* SPDX-License-Identifier: MIT */

/*
 * The distance computes 64 cells of a column of the table at once, as differences between
 * neighbours (G. Myers, "A fast bit-vector algorithm for approximate string matching", 1999; H.
 * Hyyrö, "A bit-vector algorithm for computing Levenshtein and Damerau edit distances", 2003).
 * Longer patterns take several words, and the differences go on from word to word.
 */
#include "match/score/distance.h"

#include <stdbool.h>
#include <string.h>

#define WORD_MAX (WF_DISTANCE_MAX / 64)

/* Comparisons of characters from which on a table of them is worth filling. */
#define WORTH_PLACES 300u

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

/* The same of all its characters at once, for long texts.  A character is looked for from the place
 * of its low bits on, at most through all that the pattern has. */
#define KINDS 128u

struct places {
    uint32_t points[KINDS];
    uint64_t bits[KINDS]; /* 0: nothing is there */
};

static uint64_t *place_of(struct places *it, uint32_t c)
{
    unsigned at = c % KINDS;
    while (it->bits[at] != 0 && it->points[at] != c)
        at = (at + 1) % KINDS;
    it->points[at] = c;
    return &it->bits[at];
}

static void take_places(struct places *it, wf_points pattern)
{
    memset(it->bits, 0, sizeof(it->bits));
    for (size_t i = 0; i < pattern.count; i++)
        *place_of(it, pattern.at[i]) |= UINT64_C(1) << i;
}

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

/* With a pattern of one word, in the middle of much text. */
static size_t distance_along(wf_points pattern, wf_points text)
{
    struct places places;
    struct column col = {.plus = UINT64_MAX};
    size_t result = pattern.count;
    unsigned last = (unsigned)((pattern.count - 1) % 64);
    take_places(&places, pattern);
    for (size_t i = 0; i < text.count; i++) {
        struct carry carry = {.plus = 1};
        uint64_t plus = col.plus, minus = col.minus;
        next_column(&col, *place_of(&places, text.at[i]), &carry);
        result += (minus | ~(col.free | plus)) >> last & 1;
        result -= (col.free & plus) >> last & 1;
    }
    return result;
}

/* Needs a pattern that is not empty. */
static size_t distance(wf_points pattern, wf_points text)
{
    if (pattern.count <= 64 && pattern.count * text.count >= WORTH_PLACES)
        return distance_along(pattern, text);
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

/* A short pattern on its way through a text. */
struct run {
    struct column col;
    wf_pattern pattern;
    uint64_t mask;
    size_t result;
};

static struct run run_begin(wf_pattern pattern)
{
    return (struct run){.col = {.plus = UINT64_MAX},
                        .pattern = pattern,
                        .mask = UINT64_MAX >> (64 - pattern.count),
                        .result = pattern.count};
}

static inline void run_step(struct run *run, uint8_t number)
{
    struct column col = run->col;
    unsigned last = run->pattern.count - 1;
    uint64_t same = run->pattern.places[number] >> run->pattern.start & run->mask;
    uint64_t exchanged = (~col.free & same) << 1 & col.same;
    uint64_t free = (((same & col.plus) + col.plus) ^ col.plus) | same | col.minus | exchanged;
    uint64_t more = col.minus | ~(free | col.plus), less = free & col.plus;
    run->result += (more >> last & 1) - (less >> last & 1);
    more = more << 1 | 1;
    run->col = (struct column){
        .plus = less << 1 | ~(free | more), .minus = more & free, .free = free, .same = same};
}

size_t wf_distance_to(wf_pattern pattern, wf_numbered text)
{
    struct run run = run_begin(pattern);
    for (size_t i = 0; i < text.count; i++)
        run_step(&run, text.at[i]);
    return run.result;
}

static double alikeness_of(const struct run *run, wf_numbered text)
{
    size_t longer = run->pattern.count > text.count ? run->pattern.count : text.count;
    return 1 - (double)run->result / (double)longer;
}

/* Side by side: the steps of one run wait for each other, those of two do not. */
void wf_alikeness_of_two(const wf_pattern patterns[2], const wf_numbered texts[2], double out[2])
{
    struct run a = run_begin(patterns[0]), b = run_begin(patterns[1]);
    size_t i = 0, both = texts[0].count < texts[1].count ? texts[0].count : texts[1].count;
    for (; i < both; i++) {
        run_step(&a, texts[0].at[i]);
        run_step(&b, texts[1].at[i]);
    }
    for (size_t k = i; k < texts[0].count; k++)
        run_step(&a, texts[0].at[k]);
    for (size_t k = i; k < texts[1].count; k++)
        run_step(&b, texts[1].at[k]);
    out[0] = alikeness_of(&a, texts[0]);
    out[1] = alikeness_of(&b, texts[1]);
}

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
