/* SPDX-License-Identifier: MIT */

/*
 * Phrase: a folded text taken apart for comparing: its characters with and without spaces, its
 * words and how rare each is.  Only the first WF_DISTANCE_MAX characters and WF_PHRASE_WORDS_MAX
 * words are looked at.
 *
 * A short query has places (embed/places.h), and the rows it is compared with are read in its
 * numbers: then the two are compared by bits, with the same results.
 */
#ifndef WF_MATCH_PHRASE_H
#define WF_MATCH_PHRASE_H

#include "match/score/distance.h"
#include "match/text/sound.h"

#include <stdbool.h>
#include <weft/base.h>

#define WF_PHRASE_WORDS_MAX 64u

typedef struct wf_word {
    wf_points points;
    uint64_t letters;       /* which occur, by their low six bits */
    double rarity;          /* idf */
    double weight;          /* the same; half of it for one letter */
    unsigned start;         /* in the solid text */
    const uint64_t *places; /* of a short query's solid text; else NULL */
    const uint8_t *numbers; /* of a row that was numbered; else NULL */
    bool has_digit;
} wf_word;

typedef struct wf_phrase {
    uint32_t points[WF_DISTANCE_MAX];
    uint32_t solid[WF_DISTANCE_MAX]; /* without spaces; words point into it */
    size_t count, solid_count;
    wf_word words[WF_PHRASE_WORDS_MAX];
    size_t word_count;
    double rarity;                    /* of its words together */
    wf_places places;                 /* of a query, after wf_phrase_place */
    uint8_t numbers[WF_DISTANCE_MAX]; /* of a row, after wf_phrase_number … */
    uint8_t solid_numbers[WF_DISTANCE_MAX];
    uint8_t sounds[WF_SOUND_MAX];
    size_t sound_count;
    uint64_t sounding[WF_SOUND_KINDS]; /* of a query: where each sound is */
} wf_phrase;

/* How rare a word is, at least 1. */
typedef double wf_rarity_fn(wf_points word, void *arg);

void wf_phrase_read(wf_phrase *phrase, wf_points text, wf_rarity_fn *rarity, void *arg);

/* How many words wf_phrase_read finds in a text (checked UTF-8). */
size_t wf_phrase_count_words(weft_str text);

/* How much of words is names: their mean rarity, 1 where no entity has one of them. */
double wf_nameness(double rarity, size_t word_count, double rarest);

/* Makes the phrase a query.  If it is short, its `places.has_text` becomes true. */
void wf_phrase_place(wf_phrase *query);

/* Writes the row in the numbers of a query that has places. */
void wf_phrase_number(wf_phrase *row, const wf_places *places);

static inline wf_points wf_phrase_points(const wf_phrase *phrase)
{
    return (wf_points){phrase->points, phrase->count};
}

static inline wf_points wf_phrase_solid(const wf_phrase *phrase)
{
    return (wf_points){phrase->solid, phrase->solid_count};
}

#endif
