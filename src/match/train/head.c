/* SPDX-License-Identifier: MIT */

#include "match/train/head.h"

#include "base/alloc.h"
#include "match/score/probability.h"
#include "match/train/lanes.h"
#include "match/train/shares.h"
#include "match/transformer/kernel.h"

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

/* A network is surer of its labels than a regression is, right or wrong: its shares are weighed as
 * at a higher temperature (C. Guo et al., "On calibration of modern neural networks", 2017). */
static const struct trust {
    double share, constant;
} in_regression = {1.257, -3.04}, in_network = {1.010, -3.613};

static double trust_in(const struct trust *trust, const struct signs *s)
{
    double sum = trust->share * logit(s->share) + 0.297 * s->nearest + 1.503 * s->label +
                 2.256 * s->known + 0.616 * log(1 + s->words) + 0.322 * log(s->labels) -
                 0.801 * log(1 + s->texts) + trust->constant;
    return 1 / (1 + exp(-sum));
}

/* ---- finding ---- */

static void add_scores(const wf_head *it, wf_pupil *work)
{
    size_t labels = it->label_count;
    wf_add_scaled(work->shares, 1, it->weights + it->feature_count * labels, labels);
    const wf_picked features = {.factors = work->values,
                                .indexes = work->indexes,
                                .count = work->count,
                                .stride = labels,
                                .width = labels};
    wf_kernel_best()->sum(work->shares, it->weights, &features);
}

/* The labels' shares into work->shares.  The mean of the logarithms of two shares is that of the
 * scores they are made from, but for what all labels have in common. */
static int share_labels(const wf_head *it, wf_pupil *work, weft_str text)
{
    size_t labels = it->label_count;
    memset(work->shares, 0, labels * sizeof(*work->shares));
    if (it->weights != NULL)
        add_scores(it, work);
    if (it->body.dim != 0) {
        int rc = wf_body_read(&it->body, work, text);
        if (rc < 0)
            return rc;
        wf_body_add_scores(&it->body, work->point, work->shares);
    }
    for (size_t i = 0; i < labels && it->weights != NULL && it->body.dim != 0; i++)
        work->shares[i] /= 2;
    wf_share_out(work->shares, labels);
    return 0;
}

static int read_query(const wf_head *it, wf_seeker *seeker, weft_str raw, double *out_known)
{
    int rc = wf_probability_fold(seeker, raw);
    if (rc == 0)
        rc = wf_bag_take(&seeker->bag,
                         (wf_points){seeker->judge.folded.points, seeker->judge.folded.count});
    if (rc == 0)
        rc = wf_pupil_reserve(&seeker->pupil, seeker->bag.count, it->feature_count,
                              it->texts.row_count, it->label_count);
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
    struct signs signs = {.nearest = wf_nearest_text(&it->proximity, work),
                          .label = wf_nearest_label(&it->proximity, work),
                          .known = known,
                          .words = (double)words};
    uint32_t entities = it->head.catalogue->entity_count;
    for (uint32_t i = 0; i < entities; i++) {
        if ((double)work->shares[i] > signs.share)
            signs.share = (double)work->shares[i];
    }
    signs.labels = it->present_count;
    signs.texts = (double)it->learnt_count / it->present_count;
    const struct trust *trust = it->weights != NULL ? &in_regression : &in_network;
    return signs.share > 0 ? trust_in(trust, &signs) / signs.share : 0;
}

static const wf_texts *rows_of(const wf_head *it)
{
    return &wf_probability_of(it->names)->texts;
}

/* The entities that have a row equal to the query mean just that. */
static uint32_t first_equal_row(const wf_head *it, wf_seeker *seeker)
{
    weft_str text = {wf_buf_ptr(&seeker->judge.text), wf_buf_bytes(&seeker->judge.text)};
    const wf_texts *rows = rows_of(it);
    uint32_t number = wf_texts_find(rows, text);
    return number == WF_NO_TEXT ? WF_NO_ROW : rows->first_row[number];
}

/* What the entities of one query are rated by, in their order. */
struct rating {
    const float *shares;
    double each;             /* what a share is worth */
    double some;             /* the share of all entities, which that of "none" leaves */
    const wf_entrant *spelt; /* the next whose names are like the query */
    size_t spelt_count;      /* from there on */
    uint32_t equal;          /* a row that is the query */
};

/* What names say of an entity.  Of what people say instead of names they are too sure, so that is
 * worth less the less it is certain. */
static double worth_of_names(const struct rating *rating, const wf_entrant *spelt)
{
    return spelt->probability * sqrt(spelt->probability) * rating->some;
}

/* The greater of what the examples say of the next entity and of what its names do: neither makes
 * the other forgotten.  Examples of "none" count against both. */
static wf_found rate(const wf_head *it, struct rating *rating, uint32_t entity)
{
    wf_found found = {.entity = entity,
                      .row = it->head.catalogue->row_start[entity],
                      .score = (float)((double)rating->shares[entity] * rating->each)};
    for (; rating->spelt_count > 0 && rating->spelt->entity < entity; rating->spelt_count--)
        rating->spelt++;
    const wf_entrant *spelt = rating->spelt;
    if (rating->spelt_count > 0 && spelt->entity == entity &&
        worth_of_names(rating, spelt) > (double)found.score) {
        found.row = spelt->row;
        found.score = (float)worth_of_names(rating, spelt);
    }
    while (rating->equal != WF_NO_ROW && rating->equal < it->head.catalogue->row_start[entity])
        rating->equal = rows_of(it)->next_row[rating->equal];
    if (rating->equal != WF_NO_ROW && it->head.catalogue->row_entity[rating->equal] == entity) {
        found.row = rating->equal;
        found.score = 1;
    }
    return found;
}

static double share_of_none(const wf_head *it, const wf_pupil *work)
{
    uint32_t entities = it->head.catalogue->entity_count;
    return it->label_count > entities ? (double)work->shares[entities] : 0;
}

static int head_find(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    wf_head *it = wf_head_of(scorer);
    const wf_judge *judge = &seeker->judge;
    double known = 0;
    int rc =
        wf_rank_begin(&seeker->rank, ask->top_k, scorer->catalogue->entity_count, ask->threshold);
    if (rc == 0)
        rc = wf_job_poll(ask->job);
    if (rc == 0)
        rc = read_query(it, seeker, ask->raw, &known);
    if (rc == 0)
        rc = share_labels(it, &seeker->pupil, seeker->text);
    if (rc == 0)
        rc = wf_probability_judge_folded(wf_probability_of(it->names), seeker, ask);
    if (rc < 0)
        return rc;
    struct rating rating = {.shares = seeker->pupil.shares,
                            .each = worth(it, &seeker->pupil, seeker->bag.word_count, known),
                            .some = 1 - share_of_none(it, &seeker->pupil),
                            .spelt = judge->entrants,
                            .spelt_count = judge->entrant_count,
                            .equal = first_equal_row(it, seeker)};
    for (uint32_t entity = 0; entity < scorer->catalogue->entity_count; entity++) {
        wf_found found = rate(it, &rating, entity);
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

static void head_destroy(wf_scorer *scorer)
{
    wf_head *it = wf_head_of(scorer);
    wf_scorer_unref(it->names);
    wf_free(it->key_start);
    wf_sparse_fini(&it->texts);
    wf_proximity_fini(&it->proximity);
    if (scorer->image == NULL) {
        wf_sparse_fini(&it->features);
        wf_free(it->text_label);
        wf_free(it->keys);
        wf_free(it->idf);
        wf_free(it->weights);
    }
    wf_head_building_free(it->building);
    wf_body_fini(&it->body);
    wf_examples_unref(it->examples);
    wf_catalogue_unref(scorer->catalogue);
    wf_image_unref(scorer->image);
    wf_free(it);
}

static void head_stats(wf_scorer *scorer, wf_scorer_stats *out)
{
    const wf_head *it = wf_head_of(scorer);
    size_t each = sizeof(uint32_t) + sizeof(float);
    size_t weights = it->weights != NULL ? (it->feature_count + 1) * it->label_count : 0;
    *out = (wf_scorer_stats){
        .backend = scorer->cls == &wf_scorer_bag    ? "supervised-bag"
                   : scorer->cls == &wf_scorer_full ? "contrastive"
                                                    : "logistic-regression",
        .encoder = it->body.encoder != NULL ? weft_encoder_kind(it->body.encoder) : "lexical",
        .dimension = it->body.dim != 0 ? it->body.dim : it->feature_count,
        .bytes = weights * sizeof(*it->weights) + wf_body_bytes(&it->body) +
                 2 * it->texts.count * each + it->feature_count * 24 + it->texts.row_count * 12 +
                 wf_proximity_bytes(&it->proximity),
    };
    wf_scorer_stats names;
    it->names->cls->stats(it->names, &names);
    out->bytes += names.bytes;
}

#define CLASS(mode_)                                                                               \
    {                                                                                              \
        .kind = "probability", .mode = (mode_), .shows_names = true, .folds = true,                \
        .build = wf_head_build, .find = head_find, .explain_query = head_explain_query,            \
        .explain = head_explain, .stats = head_stats, .save = wf_head_save, .load = wf_head_load,  \
        .destroy = head_destroy,                                                                   \
    }

const wf_scorer_class wf_scorer_head = CLASS("head-only");
const wf_scorer_class wf_scorer_full = CLASS("full");
const wf_scorer_class wf_scorer_bag = CLASS("bert");

const wf_scorer_class *wf_head_class(const char *mode)
{
    static const wf_scorer_class *const classes[] = {&wf_scorer_head, &wf_scorer_full,
                                                     &wf_scorer_bag};
    for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
        if (strcmp(classes[i]->mode, mode) == 0)
            return classes[i];
    }
    return NULL;
}
