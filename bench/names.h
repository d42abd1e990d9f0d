/* SPDX-License-Identifier: MIT */

/* Names of entities made from a list of syllables, the same in each run. */
#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include "bench.h"

#define NAME_BYTES 64

static inline uint64_t roll(void)
{
    return bench_random();
}

static inline size_t put_word(char *out)
{
    static const char *const starts[] = {"b", "br", "c", "ch", "d", "f", "g",  "gr", "h",  "k",
                                         "l", "m",  "n", "p",  "r", "s", "st", "t",  "tr", "v"};
    static const char *const ends[] = {"a",  "an", "ar", "e",  "el", "en", "er", "i",
                                       "in", "o",  "on", "or", "u",  "us", "y",  "ia"};
    size_t at = 0, syllables = 1 + roll() % 3 + roll() % 2;
    for (size_t i = 0; i < syllables; i++)
        at += (size_t)snprintf(out + at, 8, "%s%s", starts[roll() % 20], ends[roll() % 16]);
    return at;
}

/* One to four words, 20 characters in the mean. */
static inline size_t put_name(char *out)
{
    size_t at = 0, words = 1 + roll() % 4;
    for (size_t i = 0; i < words; i++) {
        if (i != 0)
            out[at++] = ' ';
        at += put_word(out + at);
    }
    out[0] = (char)(out[0] - 32);
    return at;
}

#endif
