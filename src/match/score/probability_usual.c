/* SPDX-License-Identifier: MIT */

#include "match/score/probability.h"

#include "match/score/model.h"

#include <math.h>

/* Names that are looked at, spread over all. */
#define SAMPLE 512u

static size_t count_letters(weft_str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; at++)
        count += ((unsigned char)text.ptr[at] & 0xC0) != 0x80 && text.ptr[at] != ' ';
    return count < WF_DISTANCE_MAX ? count : WF_DISTANCE_MAX;
}

/* How far the text is ahead of "none of them" where it is the query. */
static double lead_of(const wf_probability *it, uint32_t text)
{
    weft_str folded = wf_texts_get(&it->texts, text);
    size_t words = wf_phrase_count_words(folded);
    double rarity = 0;
    for (size_t i = 0; i < words; i++)
        rarity += (double)it->word_rarities[it->word_start[text] + i];
    return wf_model_equal(wf_nameness(rarity, words, it->word_unseen)) -
           wf_model_none(count_letters(folded), words, it->head.catalogue->entity_count);
}

void wf_probability_find_usual(wf_probability *it)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    uint32_t step = catalogue->entity_count / SAMPLE + 1, count = 0;
    double sum = 0;
    for (uint32_t entity = 0; entity < catalogue->entity_count; entity += step, count++)
        sum += lead_of(it, it->texts.row_text[catalogue->row_start[entity]]);
    it->usual_lead = isfinite(sum) && count != 0 ? sum / count : 0;
}
