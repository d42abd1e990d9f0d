/* SPDX-License-Identifier: MIT */

#include "match/score/compare.h"

#include "match/score/word.h"

#include <math.h>

/* The harmonic mean. */
static double both(double a, double b)
{
    return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

struct likeness {
    double solid, letters;
};

static struct likeness by_points(const wf_phrase *query, const wf_phrase *row)
{
    wf_points a = wf_phrase_points(query), b = wf_phrase_points(row);
    return (struct likeness){
        .solid = wf_alikeness(wf_phrase_solid(query), wf_phrase_solid(row)),
        .letters = wf_alikeness(a, b),
    };
}

/* The same for a short query that is not empty. */
static struct likeness by_places(const wf_phrase *query, const wf_phrase *row)
{
    const wf_pattern patterns[2] = {{query->places.inner, 0, (unsigned)query->count},
                                    {query->places.solid, 0, (unsigned)query->solid_count}};
    const wf_numbered texts[2] = {{row->numbers, row->count},
                                  {row->solid_numbers, row->solid_count}};
    double alike[2];
    wf_alikeness_of_two(patterns, texts, alike);
    return (struct likeness){.solid = alike[1], .letters = alike[0]};
}

/* Of the sounds that both keep: 1 where they are said alike. */
static double sound_alike(const wf_phrase *query, const wf_phrase *row)
{
    size_t a = query->sound_count, b = row->sound_count;
    if (a == 0 || b == 0)
        return a == b;
    const wf_pattern pattern = {query->sounding, 0, (unsigned)a};
    size_t distance = wf_distance_to(pattern, (wf_numbered){row->sounds, b});
    return 1 - (double)distance / (double)(a > b ? a : b);
}

static double nameness(const wf_phrase *phrase, double rarest)
{
    return wf_nameness(phrase->rarity, phrase->word_count, rarest);
}

void wf_compare(const wf_phrase *query, const wf_phrase *row, double cosine, double rarest,
                double signs[WF_SIGN_COUNT])
{
    bool is_short = query->places.has_text && query->solid_count != 0;
    struct likeness found = is_short ? by_places(query, row) : by_points(query, row);
    wf_coverage cover = wf_cover(query, row);
    double sound = sound_alike(query, row);
    double names = (nameness(query, rarest) + nameness(row, rarest)) / 2;
    double best = fmax(fmax(found.solid, both(cover.query, cover.alias)), cosine);

    signs[WF_SIGN_RUNS] = cosine;
    signs[WF_SIGN_SOLID] = found.solid;
    signs[WF_SIGN_LETTERS] = found.letters;
    signs[WF_SIGN_LETTERS_NEAR] = wf_nearness(found.solid);
    signs[WF_SIGN_QUERY_WORDS] = cover.query;
    signs[WF_SIGN_ROW_WORDS] = cover.alias;
    signs[WF_SIGN_QUERY_NEAR] = wf_nearness(cover.query);
    signs[WF_SIGN_NUMBERS] = cover.unmatched;
    signs[WF_SIGN_SOUND] = wf_nearness((found.solid + sound) / 2) * names * names;
    signs[WF_SIGN_BEST] = wf_nearness(best);
}
