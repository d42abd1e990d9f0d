/* SPDX-License-Identifier: MIT */

#include "match/score/ambiguity.h"

#include "match/score/word.h"
#include "match/text/common.h"

#include <math.h>

/* Of a query that is one word, all of it and half of the row: the rest is for letters and words, so
 * that what is more alike stays first. */
#define WEIGHT 0.9

/* Entities that have a common word and are not in the catalogue. */
#define OTHERS 2.0

/* Below this one entity has the word; the rest is of rounding. */
#define COUNT_MIN 1.01

/* A word of the query that is less alike to each of the row's is not in the row. */
#define ALIKE_MIN 0.5

bool wf_may_be_ambiguous(const wf_phrase *query)
{
    size_t telling = 0;
    for (size_t i = 0; i < query->word_count && telling < 2; i++)
        telling += !wf_is_common(query->words[i].points);
    return query->word_count != 0 && telling < 2;
}

/* As many entities as have the word, and of several a quarter more: none of two is more likely than
 * not. */
static double count_meant(const wf_word *word, double unseen)
{
    double having = fmax(1, exp(unseen - word->rarity) - 1);
    return having + (having - 1) / 4 + (wf_is_common(word->points) ? OTHERS : 0);
}

/* A word of the row and how well a word of the query stands for it. */
struct likest {
    const wf_word *word;
    double alike;
};

static struct likest likest_word(const wf_word *word, const wf_phrase *row)
{
    struct likest likest = {0};
    for (size_t i = 0; i < row->word_count; i++) {
        double alike = wf_word_alikeness(word, &row->words[i]);
        if (alike > likest.alike)
            likest = (struct likest){&row->words[i], alike};
    }
    return likest;
}

/* The one word of the row that the query has, if what else it has is common; else none. */
static struct likest only_word(const wf_phrase *query, const wf_phrase *row)
{
    struct likest only = {0};
    for (size_t i = 0; i < query->word_count; i++) {
        struct likest found = likest_word(&query->words[i], row);
        if (found.alike < ALIKE_MIN && wf_is_common(query->words[i].points))
            continue;
        if (found.alike < ALIKE_MIN || only.word != NULL)
            return (struct likest){0};
        only = found;
    }
    return only;
}

wf_ambiguity wf_ambiguity_of(const wf_phrase *query, const wf_phrase *row, double unseen)
{
    struct likest only = only_word(query, row);
    double count = only.word != NULL ? count_meant(only.word, unseen) : 1;
    if (count < COUNT_MIN)
        return (wf_ambiguity){0};
    double alike = only.alike * only.alike;
    double left_out = 2 * (1 - wf_cover(query, row).alias); /* half of the row is as much as all */
    return (wf_ambiguity){.weight = WEIGHT * alike * alike * fmin(fmax(left_out, 0), 1),
                          .count = count};
}
