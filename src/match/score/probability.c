/* SPDX-License-Identifier: MIT */

/*
 * Probability: how likely it is that an entity is meant.  The candidates come from the inverted
 * index; each is compared with the query letter by letter and word by word; score/model.h makes
 * probabilities of it.
 */
#include "match/score/probability.h"

#include "base/alloc.h"

#include <math.h>

static void probability_destroy(wf_scorer *scorer)
{
    wf_probability *it = wf_probability_of(scorer);
    wf_texts_fini(&it->texts);
    wf_lexicon_fini(&it->lexicon);
    wf_postings_fini(&it->postings);
    if (scorer->image == NULL) {
        wf_initials_fini(&it->initials);
        wf_free(it->text_norms);
        wf_free(it->entity_norms);
        wf_free(it->word_rarities);
        wf_free(it->word_start);
    }
    wf_free(it->blend.sums);
    wf_free(it->blend.touched);
    wf_catalogue_unref(it->head.catalogue);
    wf_image_unref(scorer->image);
    wf_free(it);
}

static int probability_create(wf_scorer **out, wf_catalogue *catalogue,
                              const weft_m_options *options)
{
    wf_probability *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->head = (wf_scorer){.cls = &wf_scorer_probability,
                           .catalogue = wf_catalogue_ref(catalogue),
                           .refs = 1,
                           .total = catalogue->row_count + 2 * (size_t)catalogue->entity_count};
    it->options = *options;
    int rc = wf_texts_init(&it->texts, catalogue->row_count);
    if (rc == 0)
        rc = wf_lexicon_init(&it->lexicon);
    if (rc < 0) {
        probability_destroy(&it->head);
        return rc;
    }
    *out = &it->head;
    return 0;
}

static int probability_find(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    wf_judge *judge = &seeker->judge;
    int rc =
        wf_rank_begin(&seeker->rank, ask->top_k, scorer->catalogue->entity_count, ask->threshold);
    if (rc == 0)
        rc = wf_probability_judge(wf_probability_of(scorer), seeker, ask);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < judge->entrant_count; i++)
        wf_rank_offer(&seeker->rank, (wf_found){.entity = judge->entrants[i].entity,
                                                .row = judge->entrants[i].row,
                                                .score = (float)judge->entrants[i].probability});
    wf_rank_end(&seeker->rank);
    return 0;
}

static double probability_doubt(const wf_seeker *seeker)
{
    const wf_judge *judge = &seeker->judge;
    double five[WF_JUDGE_BEST], best = 0;
    wf_judge_find_best(judge, five);
    for (size_t i = 0; i < judge->entrant_count; i++)
        best = fmax(best, judge->entrants[i].probability);
    double none =
        isfinite(judge->none) ? judge->none : WF_JUDGE_NO_SCORE; /* excluded: it is a row */
    return wf_model_doubt(best, five[0] - none, five[WF_JUDGE_BEST - 1]);
}

static void probability_stats(wf_scorer *scorer, wf_scorer_stats *out)
{
    const wf_probability *it = wf_probability_of(scorer);
    *out = (wf_scorer_stats){
        .encoder = "lexical",
        .dimension = WF_DIM_COUNT,
        .bytes = wf_lexicon_bytes(&it->lexicon) + wf_postings_bytes(&it->postings) +
                 wf_texts_bytes(&it->texts) + it->initials.capacity * sizeof(uint64_t) +
                 (it->texts.count + (size_t)scorer->catalogue->entity_count) * sizeof(float) +
                 it->texts.count * sizeof(*it->word_start) +
                 it->word_capacity * sizeof(*it->word_rarities),
    };
}

/* ---- explaining ---- */

static int probability_explain_query(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    seeker->encoder.features.keeps_spans = true;
    int rc = wf_probability_judge(wf_probability_of(scorer), seeker, ask);
    seeker->encoder.features.keeps_spans = false;
    seeker->text = (weft_str){wf_buf_ptr(&seeker->judge.text), wf_buf_bytes(&seeker->judge.text)};
    return rc;
}

static int probability_explain(wf_scorer *scorer, const wf_seeker *seeker, wf_seeker *spare,
                               uint32_t row, wf_share *shares, size_t share_max)
{
    const wf_probability *it = wf_probability_of(scorer);
    weft_str text = wf_texts_get(&it->texts, it->texts.row_text[row]);
    spare->encoder.features.is_whole = true;
    int rc = wf_encode(&spare->encoder, &it->lexicon, text, &spare->vector);
    spare->encoder.features.is_whole = false;
    if (rc < 0)
        return rc;
    return (int)wf_share_weights(&seeker->encoder, seeker->vector.norm, &spare->vector, shares,
                                 share_max);
}

static const wf_entrant *entrant_of(const wf_judge *judge, uint32_t entity)
{
    for (size_t i = 0; i < judge->entrant_count; i++) {
        if (judge->entrants[i].entity == entity)
            return &judge->entrants[i];
    }
    return NULL;
}

static size_t put_part(weft_m_part *parts, size_t count, const char *name, double value,
                       double weight)
{
    if (value == 0 || weight == 0)
        return count;
    parts[count] = (weft_m_part){
        .name = name, .value = (float)value, .weight = (float)weight, .part = value * weight};
    return count + 1;
}

/* The signs of the best row, and what the entity's other rows, equal entities and the rivals add.
 */
static size_t probability_parts(wf_scorer *scorer, const wf_seeker *seeker, uint32_t entity,
                                weft_m_part *parts)
{
    const wf_entrant *entrant = entrant_of(&seeker->judge, entity);
    size_t count = 0;
    double sum = 0;
    (void)scorer;
    if (entrant == NULL)
        return 0;
    const wf_candidate *best = &seeker->judge.candidates[entrant->candidate];
    for (unsigned i = 0; i < WF_SIGN_COUNT; i++) {
        bool is_entity = i == WF_SIGN_ENTITY;
        count = put_part(parts, count, wf_sign_name(i),
                         is_entity ? entrant->entity_cosine : best->signs[i], wf_sign_weight(i));
    }
    for (size_t i = 0; i < count; i++)
        sum += parts[i].part;
    count = put_part(parts, count, "other names of it", entrant->score - sum, 1);
    return put_part(parts, count, "others and none of them",
                    log(entrant->probability) - entrant->score, 1);
}

const wf_scorer_class wf_scorer_probability = {
    .kind = "probability",
    .mode = "zero-shot",
    .folds = true,
    .leaves_out_rows = true,
    .create = probability_create,
    .build = wf_probability_build,
    .add_alike = wf_probability_add_alike,
    .find = probability_find,
    .doubt = probability_doubt,
    .explain_query = probability_explain_query,
    .explain = probability_explain,
    .parts = probability_parts,
    .stats = probability_stats,
    .save = wf_probability_save,
    .load = wf_probability_load,
    .destroy = probability_destroy,
};
