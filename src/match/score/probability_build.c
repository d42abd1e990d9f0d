/* SPDX-License-Identifier: MIT */

/*
 * Three walks: over the rows, to fold them and find the different texts; over the entities, to
 * count the features each has; over the entities again, to write the postings of texts and the
 * lengths of vectors.
 */
#include "match/score/probability.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <math.h>

/* Steps of one part of the building. */
#define BUILD_STEPS 2048u

/* ---- rows ---- */

int wf_probability_fold(wf_seeker *seeker, weft_str raw)
{
    wf_judge *judge = &seeker->judge;
    int rc = wf_fold(&judge->folded, raw);
    wf_buf_reset(&judge->text);
    for (size_t i = 0; i < judge->folded.count && rc == 0; i++) {
        uint32_t c = judge->folded.points[i];
        char bytes[WF_UTF8_BYTES_MAX];
        rc = c < 0x80 ? wf_buf_putc(&judge->text, (char)c)
                      : wf_buf_append(&judge->text, bytes, wf_utf8_write(c, bytes));
    }
    return rc;
}

static weft_str folded_text(const wf_seeker *seeker)
{
    return (weft_str){wf_buf_ptr(&seeker->judge.text), wf_buf_bytes(&seeker->judge.text)};
}

static int take_row(wf_probability *it, wf_seeker *seeker, uint32_t row)
{
    int rc = wf_probability_fold(seeker, wf_catalogue_row(it->head.catalogue, row));
    uint32_t before = it->texts.count;
    if (rc == 0)
        rc = wf_texts_add(&it->texts, folded_text(seeker));
    if (rc < 0 || it->texts.count == before)
        return rc;
    const wf_folded *folded = &seeker->judge.folded;
    return wf_initials_add(&it->initials, (wf_points){folded->points, folded->count}, before);
}

static int end_rows(wf_probability *it, const wf_job *job)
{
    wf_texts_seal(&it->texts);
    it->text_norms = wf_array(it->texts.count, sizeof(*it->text_norms));
    it->entity_norms = wf_array(it->head.catalogue->entity_count, sizeof(*it->entity_norms));
    it->word_start = wf_array(it->texts.count, sizeof(*it->word_start));
    if (it->text_norms == NULL || it->entity_norms == NULL || it->word_start == NULL)
        return -ENOMEM;
    return wf_initials_seal(&it->initials, job);
}

/* ---- features ---- */

static weft_str row_text(const wf_probability *it, uint32_t row)
{
    return wf_texts_get(&it->texts, it->texts.row_text[row]);
}

static int count_row(wf_probability *it, wf_seeker *seeker, uint32_t row, bool is_first,
                     bool is_last, const wf_job *job)
{
    wf_features *features = &seeker->encoder.features;
    if (is_first)
        wf_features_begin(features);
    int rc = wf_features_append(features, row_text(it, row));
    if (rc < 0 || !is_last)
        return rc;
    wf_features_end(features);
    return wf_lexicon_count(&it->lexicon, features, job);
}

/* What no entity has says nothing between entities, but a word that none has is rare. */
static int end_counting(wf_probability *it, const wf_job *job)
{
    int rc = wf_lexicon_weigh(&it->lexicon, job);
    if (rc < 0)
        return rc;
    it->word_unseen = (double)it->lexicon.idf_unseen;
    it->lexicon.idf_unseen = 0;
    it->blend.sums = wf_array(wf_lexicon_places(&it->lexicon), sizeof(*it->blend.sums));
    it->blend.touched = wf_array(it->lexicon.count, sizeof(*it->blend.touched));
    return it->blend.sums != NULL && it->blend.touched != NULL ? 0 : -ENOMEM;
}

/* ---- vectors ---- */

/* Adds the row's vector, of length 1, to those of its entity. */
static void blend_row(wf_probability *it, const wf_encoder *encoder, double norm)
{
    const wf_features *features = &encoder->features;
    wf_blend *blend = &it->blend;
    for (size_t i = 0; i < features->count && norm > 0; i++) {
        if (wf_hash_is_word(features->hashes[i]))
            continue;
        size_t place = wf_lexicon_place(&it->lexicon, features->hashes[i]);
        if (blend->sums[place] == 0)
            blend->touched[blend->touched_count++] = (uint32_t)place;
        blend->sums[place] +=
            (float)(wf_feature_tf(features->counts[i]) * (double)encoder->idf[i] / norm);
    }
}

/* The length of the blend, which is empty again. */
static double blend_end(wf_blend *blend)
{
    double squares = 0;
    for (size_t i = 0; i < blend->touched_count; i++) {
        double sum = (double)blend->sums[blend->touched[i]];
        squares += sum * sum;
        blend->sums[blend->touched[i]] = 0;
    }
    blend->touched_count = 0;
    return sqrt(squares);
}

/* Keeps how rare the words of the text are, up to the last that comparing looks at. */
static int keep_rarities(wf_probability *it, wf_seeker *seeker, uint32_t text)
{
    wf_phrase *phrase = &seeker->judge.row;
    void *rarities = it->word_rarities;
    int rc = wf_judge_grow(&rarities, &it->word_capacity, it->word_count + WF_PHRASE_WORDS_MAX,
                           sizeof(*it->word_rarities));
    it->word_rarities = rarities;
    if (rc < 0)
        return rc;
    rc = wf_probability_pad(it, &seeker->judge, text);
    if (rc < 0)
        return rc;
    const wf_folded *padded = &seeker->judge.padded;
    wf_phrase_read(phrase, (wf_points){padded->points + 1, padded->count - 2},
                   wf_probability_rarity, it);
    it->word_start[text] = (uint32_t)it->word_count;
    for (size_t i = 0; i < phrase->word_count; i++)
        it->word_rarities[it->word_count++] = (float)phrase->words[i].rarity;
    return 0;
}

static int index_row(wf_probability *it, wf_seeker *seeker, uint32_t row, bool is_alone,
                     const wf_job *job)
{
    uint32_t text = it->texts.row_text[row];
    bool is_new = it->texts.first_row[text] == row;
    if (is_alone && !is_new)
        return 0;
    int rc = wf_encode(&seeker->encoder, &it->lexicon, row_text(it, row), &seeker->vector);
    if (rc < 0)
        return rc;
    double norm = wf_probe_norm(&seeker->encoder);
    it->text_norms[text] = (float)norm;
    if (!is_alone)
        blend_row(it, &seeker->encoder, norm);
    if (!is_new)
        return 0;
    rc = keep_rarities(it, seeker, text);
    return rc == 0 ? wf_postings_add(&it->postings, &seeker->vector, job) : rc;
}

/* ---- steps ---- */

/* One row of the walk over entities; moves on to the next entity behind the last row. */
static int entity_step(wf_probability *it, wf_seeker *seeker, uint32_t entity, bool is_counting,
                       const wf_job *job)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    uint32_t first = catalogue->row_start[entity];
    size_t count = catalogue->row_start[entity + 1] - first;
    uint32_t row = first + (uint32_t)it->row_at;
    bool is_last = it->row_at + 1 == count;
    int rc = is_counting ? count_row(it, seeker, row, it->row_at == 0, is_last, job)
                         : index_row(it, seeker, row, count == 1, job);
    if (rc < 0)
        return rc;
    it->row_at = is_last ? 0 : it->row_at + 1;
    if (!is_last)
        return 0;
    if (!is_counting)
        it->entity_norms[entity] = count == 1 ? 1 : (float)blend_end(&it->blend);
    it->head.done++;
    return 0;
}

static int build_step(wf_probability *it, wf_seeker *seeker, const wf_job *job)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    size_t at = it->head.done, rows = catalogue->row_count, entities = catalogue->entity_count;
    if (at < rows) {
        int rc = take_row(it, seeker, (uint32_t)at);
        if (rc == 0 && at + 1 == rows)
            rc = end_rows(it, job);
        it->head.done += rc == 0;
        return rc;
    }
    bool is_counting = at < rows + entities;
    uint32_t entity = (uint32_t)(at - rows - (is_counting ? 0 : entities));
    int rc = entity_step(it, seeker, entity, is_counting, job);
    if (rc == 0 && is_counting && it->head.done == rows + entities)
        rc = end_counting(it, job);
    return rc;
}

static void blend_fini(wf_blend *blend)
{
    wf_free(blend->sums);
    wf_free(blend->touched);
    *blend = (wf_blend){0};
}

static int build_some(wf_probability *it, wf_seeker *seeker, const wf_job *job)
{
    for (size_t i = 0; i < BUILD_STEPS && it->head.done < it->head.total; i++) {
        int rc = wf_job_poll(job); /* a row may be long */
        if (rc == 0)
            rc = build_step(it, seeker, job);
        if (rc < 0)
            return rc;
    }
    if (it->head.done < it->head.total)
        return 1;
    blend_fini(&it->blend);
    wf_probability_find_usual(it);
    wf_probability_find_short(it);
    return wf_postings_seal(&it->postings, job);
}

int wf_probability_build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job)
{
    seeker->encoder.features.is_whole = true;
    int rc = build_some(wf_probability_of(scorer), seeker, job);
    seeker->encoder.features.is_whole = false;
    return rc;
}
