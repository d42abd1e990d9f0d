/* SPDX-License-Identifier: MIT */

#include "match/score/phrase.h"

#include "base/utf8.h"

#include <string.h>

static void end_word(wf_phrase *phrase, size_t start, wf_rarity_fn *rarity, void *arg)
{
    if (start == phrase->solid_count || phrase->word_count == WF_PHRASE_WORDS_MAX)
        return;
    wf_word *word = &phrase->words[phrase->word_count++];
    *word = (wf_word){.points = {phrase->solid + start, phrase->solid_count - start},
                      .start = (unsigned)start};
    for (size_t i = 0; i < word->points.count; i++) {
        uint32_t c = word->points.at[i];
        word->letters |= UINT64_C(1) << (c & 63);
        word->has_digit |= c >= '0' && c <= '9';
    }
    word->rarity = rarity(word->points, arg);
    word->weight = word->points.count == 1 ? word->rarity / 2 : word->rarity;
    phrase->rarity += word->rarity;
}

void wf_phrase_read(wf_phrase *phrase, wf_points text, wf_rarity_fn *rarity, void *arg)
{
    size_t start = 0;
    phrase->count = phrase->solid_count = phrase->word_count = 0;
    phrase->rarity = 0;
    for (size_t i = 0; i < text.count && i < WF_DISTANCE_MAX; i++) {
        phrase->points[phrase->count++] = text.at[i];
        if (text.at[i] != ' ') {
            phrase->solid[phrase->solid_count++] = text.at[i];
            continue;
        }
        end_word(phrase, start, rarity, arg);
        start = phrase->solid_count;
    }
    end_word(phrase, start, rarity, arg);
    phrase->sound_count = wf_sound(wf_phrase_solid(phrase), phrase->sounds);
}

double wf_nameness(double rarity, size_t word_count, double rarest)
{
    double part = rarity / ((double)word_count * rarest);
    return part < 1 ? part : 1;
}

void wf_phrase_place(wf_phrase *query)
{
    memset(query->sounding, 0, sizeof(query->sounding));
    for (size_t i = 0; i < query->sound_count; i++)
        query->sounding[query->sounds[i]] |= UINT64_C(1) << i;
    wf_places_take(&query->places, wf_phrase_points(query));
    for (size_t i = 0; i < query->word_count && query->places.has_text; i++)
        query->words[i].places = query->places.solid;
}

void wf_phrase_number(wf_phrase *row, const wf_places *places)
{
    size_t solid = 0;
    for (size_t i = 0; i < row->count; i++) {
        uint8_t number = wf_places_number(places, row->points[i]);
        row->numbers[i] = number;
        row->solid_numbers[solid] = number;
        solid += number != WF_PLACES_SPACE;
    }
    for (size_t i = 0; i < row->word_count; i++)
        row->words[i].numbers = row->solid_numbers + row->words[i].start;
}

size_t wf_phrase_count_words(weft_str text)
{
    size_t words = 0, points = 0;
    bool was_space = true;
    for (size_t at = 0; at < text.len && points < WF_DISTANCE_MAX; points++) {
        bool is_space = wf_utf8_next(text.ptr, &at) == ' ';
        words += was_space && !is_space;
        was_space = is_space;
    }
    return words < WF_PHRASE_WORDS_MAX ? words : WF_PHRASE_WORDS_MAX;
}
