/* SPDX-License-Identifier: MIT */

#include "match/train/head.h"

#include "base/alloc.h"
#include "match/score/probability.h"
#include "match/train/lanes.h"

#include <math.h>
#include <string.h>

/* ---- how likely it is that the first is right ---- */

struct signs {
    double share;                /* of the first among the labels */
    double nearest;              /* cosine with the nearest text learnt */
    double label;                /* … with the sum of a label's texts, the greatest */
    double known;                /* part of the stems that was learnt */
    double words, labels, texts; /* texts: examples a label */
};

static double logit(double p)
{
    p = p < 1e-6 ? 1e-6 : p > 1 - 1e-6 ? 1 - 1e-6 : p;
    return log(p / (1 - p));
}

static double trust_in(const struct signs *s)
{
    double sum = 1.257 * logit(s->share) + 0.297 * s->nearest + 1.503 * s->label +
                 2.256 * s->known + 0.616 * log(1 + s->words) + 0.322 * log(s->labels) -
                 0.801 * log(1 + s->texts) - 3.04;
    return 1 / (1 + exp(-sum));
}

/* ---- finding ---- */

/* Cosines with each text learnt, into work->texts; then the nearest text and label. */
static void measure_nearness(const wf_head *it, wf_pupil *work, struct signs *signs)
{
    memset(work->texts, 0, it->texts.row_count * sizeof(*work->texts));
    memset(work->labels, 0, it->label_count * sizeof(*work->labels));
    for (size_t i = 0; i < work->count; i++) {
        const size_t *start = it->features.start + work->indexes[i];
        for (size_t k = start[0]; k < start[1]; k++)
            work->texts[it->features.indexes[k]] += work->values[i] * it->features.values[k];
    }
    for (size_t i = 0; i < it->texts.row_count; i++) {
        signs->nearest = fmax(signs->nearest, (double)work->texts[i]);
        work->labels[it->text_label[i]] += work->texts[i];
    }
    for (size_t i = 0; i < it->label_count; i++) {
        if (it->label_norms[i] > 0)
            signs->label = fmax(signs->label, (double)(work->labels[i] / it->label_norms[i]));
    }
}

/* The labels' shares into work->shares. */
static void share_labels(const wf_head *it, wf_pupil *work)
{
    size_t labels = it->label_count;
    memcpy(work->shares, it->weights + it->feature_count * labels, labels * sizeof(float));
    for (size_t i = 0; i < work->count; i++) {
        const float *row = it->weights + work->indexes[i] * labels;
        wf_add_scaled(work->shares, work->values[i], row, labels);
    }
    float most = work->shares[0];
    double sum = 0;
    for (size_t i = 1; i < labels; i++)
        most = work->shares[i] > most ? work->shares[i] : most;
    for (size_t i = 0; i < labels; i++) {
        work->shares[i] = expf(work->shares[i] - most);
        sum += (double)work->shares[i];
    }
    for (size_t i = 0; i < labels; i++)
        work->shares[i] = (float)((double)work->shares[i] / sum);
}

static int read_query(const wf_head *it, wf_seeker *seeker, weft_str raw, double *out_known)
{
    int rc = wf_probability_fold(seeker, raw);
    if (rc == 0)
        rc = wf_bag_take(&seeker->bag,
                         (wf_points){seeker->judge.folded.points, seeker->judge.folded.count});
    if (rc == 0)
        rc = wf_pupil_reserve(&seeker->pupil, seeker->bag.count, it->texts.row_count,
                              it->label_count);
    if (rc < 0)
        return rc;
    wf_pupil *work = &seeker->pupil;
    work->count = wf_head_read(it, &seeker->bag, work->indexes, work->values, out_known);
    seeker->encoded_count++;
    return 0;
}

/* What a share of a label is worth as a score: the first has the trust in it. */
static double worth(const wf_head *it, wf_pupil *work, size_t words, double known)
{
    struct signs signs = {.known = known, .words = (double)words};
    uint32_t entities = it->head.catalogue->entity_count;
    measure_nearness(it, work, &signs);
    for (uint32_t i = 0; i < entities; i++)
        signs.share = fmax(signs.share, (double)work->shares[i]);
    signs.labels = it->present_count;
    signs.texts = (double)it->learnt_count / it->present_count;
    return signs.share > 0 ? trust_in(&signs) / signs.share : 0;
}

/* The entities that have a row equal to the query mean just that. */
static uint32_t first_equal_row(const wf_head *it, wf_seeker *seeker)
{
    weft_str text = {wf_buf_ptr(&seeker->judge.text), wf_buf_bytes(&seeker->judge.text)};
    uint32_t number = wf_texts_find(&it->rows, text);
    return number == WF_NO_TEXT ? WF_NO_ROW : it->rows.first_row[number];
}

static int head_find(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    wf_head *it = wf_head_of(scorer);
    const wf_catalogue *catalogue = scorer->catalogue;
    double known = 0;
    int rc = wf_rank_begin(&seeker->rank, ask->top_k, catalogue->entity_count, ask->threshold);
    if (rc == 0)
        rc = wf_job_poll(ask->job);
    if (rc == 0)
        rc = read_query(it, seeker, ask->raw, &known);
    if (rc < 0)
        return rc;
    wf_pupil *work = &seeker->pupil;
    share_labels(it, work);
    double each = worth(it, work, seeker->bag.word_count, known);
    uint32_t equal = first_equal_row(it, seeker);
    for (uint32_t entity = 0; entity < catalogue->entity_count; entity++) {
        wf_found found = {.entity = entity,
                          .row = catalogue->row_start[entity],
                          .score = (float)((double)work->shares[entity] * each)};
        while (equal != WF_NO_ROW && equal < catalogue->row_start[entity])
            equal = it->rows.next_row[equal];
        if (equal != WF_NO_ROW && catalogue->row_entity[equal] == entity) {
            found.row = equal;
            found.score = 1;
        }
        if (wf_is_in(ask->allowed, entity))
            wf_rank_offer(&seeker->rank, found);
    }
    wf_rank_end(&seeker->rank);
    return 0;
}

/* ---- explaining: the shares have no parts that people could read ---- */

static int head_explain_query(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    (void)scorer;
    (void)ask;
    seeker->text = (weft_str){"", 0};
    return 0;
}

static int head_explain(wf_scorer *scorer, const wf_seeker *seeker, wf_seeker *spare, uint32_t row,
                        wf_share *shares, size_t share_max)
{
    (void)scorer;
    (void)seeker;
    (void)spare;
    (void)row;
    (void)shares;
    (void)share_max;
    return 0;
}

/* ---- life ---- */

static void sparse_fini(wf_sparse *sparse)
{
    wf_free(sparse->start);
    wf_free(sparse->indexes);
    wf_free(sparse->values);
}

static void head_destroy(wf_scorer *scorer)
{
    wf_head *it = wf_head_of(scorer);
    wf_texts_fini(&it->rows);
    if (scorer->image == NULL) {
        sparse_fini(&it->texts);
        sparse_fini(&it->features);
        wf_free(it->text_label);
        wf_free(it->keys);
        wf_free(it->idf);
        wf_free(it->weights);
        wf_free(it->label_norms);
    }
    wf_head_building_free(it->building);
    wf_examples_unref(it->examples);
    wf_catalogue_unref(scorer->catalogue);
    wf_image_unref(scorer->image);
    wf_free(it);
}

static void head_stats(wf_scorer *scorer, wf_scorer_stats *out)
{
    const wf_head *it = wf_head_of(scorer);
    size_t each = sizeof(uint32_t) + sizeof(float);
    *out = (wf_scorer_stats){
        .encoder = "lexical",
        .dimension = it->feature_count,
        .bytes = (it->feature_count + 1) * it->label_count * sizeof(*it->weights) +
                 2 * it->texts.count * each + it->feature_count * 20 + it->texts.row_count * 12 +
                 wf_texts_bytes(&it->rows),
    };
}

const wf_scorer_class wf_scorer_head = {
    .kind = "probability",
    .mode = "head-only",
    .shows_names = true,
    .build = wf_head_build,
    .find = head_find,
    .explain_query = head_explain_query,
    .explain = head_explain,
    .stats = head_stats,
    .save = wf_head_save,
    .load = wf_head_load,
    .destroy = head_destroy,
};
