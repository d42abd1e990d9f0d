/* SPDX-License-Identifier: MIT */

#include "match/score/phrase.h"

static void end_word(wf_phrase *phrase, size_t start, wf_rarity_fn *rarity, const void *arg)
{
    if (start == phrase->solid_count || phrase->word_count == WF_PHRASE_WORDS_MAX)
        return;
    wf_word *word = &phrase->words[phrase->word_count++];
    *word = (wf_word){.points = {phrase->solid + start, phrase->solid_count - start}};
    for (size_t i = 0; i < word->points.count; i++) {
        uint32_t c = word->points.at[i];
        word->letters |= UINT64_C(1) << (c & 63);
        word->has_digit |= c >= '0' && c <= '9';
    }
    word->weight = rarity(word->points, arg);
    if (word->points.count == 1)
        word->weight /= 2;
}

void wf_phrase_read(wf_phrase *phrase, wf_points text, wf_rarity_fn *rarity, const void *arg)
{
    size_t start = 0;
    phrase->count = phrase->solid_count = phrase->word_count = 0;
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
}
