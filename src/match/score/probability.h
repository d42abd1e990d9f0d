/* SPDX-License-Identifier: MIT */

/* The scorer "probability": its record, and what its files share. */
#ifndef WF_MATCH_PROBABILITY_H
#define WF_MATCH_PROBABILITY_H

#include "match/index/postings.h"
#include "match/score/initials.h"
#include "match/score/scorer.h"
#include "match/score/texts.h"

/* What blends the rows of an entity while building. */
typedef struct wf_blend {
    float *sums;       /* by the lexicon's places; zero between entities */
    uint32_t *touched; /* places */
    size_t touched_count;
} wf_blend;

typedef struct wf_probability {
    wf_scorer head;
    weft_m_options options;
    wf_texts texts;
    wf_lexicon lexicon;   /* rows of it are entities */
    wf_postings postings; /* of texts */
    wf_initials initials;
    float *text_norms;    /* of the runs of a text */
    float *entity_norms;  /* of the sum of an entity's row vectors, each of length 1 */
    double word_unseen;   /* rarity of a word no entity has */
    bool has_short_rows;  /* that may be the initials of a query of several words */
    double usual_lead;    /* of a row that is asked for on "none of them", in the mean */
    float *word_rarities; /* of a text's words: word_rarities[word_start[text]] … */
    uint32_t *word_start;
    size_t word_count, word_capacity;
    wf_blend blend;
    size_t row_at; /* progress within the entity under way */
} wf_probability;

static inline wf_probability *wf_probability_of(wf_scorer *scorer)
{
    return (wf_probability *)scorer;
}

/* Folds a row or a query into seeker->judge.folded and, as UTF-8, judge.text.  0 or -ENOMEM. */
int wf_probability_fold(wf_seeker *seeker, weft_str raw);

/* Finds usual_lead of what is built but for that, or loaded. */
void wf_probability_find_usual(wf_probability *it);

/* Finds has_short_rows likewise. */
void wf_probability_find_short(wf_probability *it);

/* How rare a word is; `arg` is the wf_probability. */
double wf_probability_rarity(wf_points word, void *arg);

/* Puts a text of the catalogue with a space at both ends into judge->padded and, if the query is
 * short, in its numbers into judge->numbered.  0 or -ENOMEM. */
int wf_probability_pad(const wf_probability *it, wf_judge *judge, uint32_t text);

/* The first section of its file. */
#define WF_PROBABILITY_TAG WF_TAG('P', 'R', 'H', 'D')

int wf_probability_save(wf_scorer *scorer, wf_pack *pack);
int wf_probability_load(wf_scorer *scorer, wf_image *image);

int wf_probability_build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job);

/* Reads the query, which was folded, and finds the candidates: fills seeker->judge.candidates. */
int wf_probability_candidates(wf_probability *probability, wf_seeker *seeker, const wf_ask *ask);

/* add_alike of the class. */
int wf_probability_add_alike(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask,
                             uint64_t *entities);

/* Judges the query: fills seeker->judge. */
int wf_probability_judge(wf_probability *probability, wf_seeker *seeker, const wf_ask *ask);
int wf_probability_judge_folded(wf_probability *probability, wf_seeker *seeker, const wf_ask *ask);

#endif
