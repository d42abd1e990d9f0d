/* SPDX-License-Identifier: MIT */

/*
 * The scorer "fused": the greater of the probability by letters and words, and of what the dense
 * cosine is worth.
 *
 * What a cosine is worth depends on the model and on the catalogue, so it is measured when the
 * matcher is built: of some rows, the cosine with the nearest row of another entity.  Their mean is
 * what strangers have.  Half way between that and 1 a cosine is worth 0.5; at the strangers' mean
 * 0.02, at 1 0.98.  So a text that is equal to a row, or close to it in letters, is never overruled
 * by meaning.
 */
#include "match/score/dense.h"

#include "base/alloc.h"
#include "match/model/encoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TAG_FUSED WF_TAG('F', 'U', 'S', 'E')

/* Rows that are asked for their nearest stranger, and how many of them in one part of the build. */
#define SAMPLES 256u
#define SAMPLES_EACH 16u

/* ln(0.98 / 0.02), nearly. */
#define ODDS 4.0

/* What a cosine is worth: 1 / (1 + exp(-(cosine - middle) / scale)). */
struct worth {
    double middle, scale;
};

struct fused {
    wf_scorer head;
    weft_m_options options;
    wf_scorer *lexical;
    wf_dense dense;
    struct worth worth;
    size_t sampled;
    double sum; /* of the cosines of strangers */
};

static struct fused *fused_of(wf_scorer *scorer)
{
    return (struct fused *)scorer;
}

static float worth_of(const struct fused *it, float cosine)
{
    return (float)(1 / (1 + exp(-((double)cosine - it->worth.middle) / it->worth.scale)));
}

static void destroy(wf_scorer *scorer)
{
    struct fused *it = fused_of(scorer);
    wf_scorer_unref(it->lexical);
    wf_dense_fini(&it->dense);
    wf_catalogue_unref(scorer->catalogue);
    wf_image_unref(scorer->image);
    wf_free(it);
}

static size_t sample_count(const wf_catalogue *catalogue)
{
    return catalogue->row_count < SAMPLES ? catalogue->row_count : SAMPLES;
}

static int create(wf_scorer **out, wf_catalogue *catalogue, const weft_m_options *options)
{
    struct fused *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->head =
        (wf_scorer){.cls = &wf_scorer_fused, .catalogue = wf_catalogue_ref(catalogue), .refs = 1};
    it->options = *options;
    int rc = wf_scorer_probability.create(&it->lexical, catalogue, options);
    if (rc == 0)
        rc = wf_dense_init(&it->dense, options, catalogue);
    if (rc < 0) {
        destroy(&it->head);
        return rc;
    }
    it->head.total = it->lexical->total + wf_dense_total(&it->dense) + sample_count(catalogue);
    *out = &it->head;
    return 0;
}

/* ---- building ---- */

/* The cosine of a row with the nearest row of another entity; nothing if there is none. */
static int sample(struct fused *it, wf_seeker *seeker, size_t row, const wf_job *job)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    const wf_vectors *vectors = &it->dense.vectors;
    wf_rank *rank = &seeker->rank;
    int rc = wf_rank_begin(rank, 2, catalogue->entity_count, -1);
    if (rc == 0)
        rc = wf_glance_reserve(&seeker->glance, vectors);
    if (rc < 0)
        return rc;
    memcpy(seeker->glance.query, vectors->rows + row * vectors->float_width,
           vectors->dim * sizeof(float));
    wf_glance_take(&seeker->glance, vectors);
    rc = wf_dense_find(&it->dense, catalogue, seeker, /* allowed= */ NULL, job);
    if (rc < 0)
        return rc;
    wf_rank_end(rank);
    for (size_t i = 0; i < rank->count; i++) {
        if (rank->found[i].entity != catalogue->row_entity[row]) {
            it->sum += (double)rank->found[i].score;
            break;
        }
    }
    return 0;
}

static int sample_some(struct fused *it, wf_seeker *seeker, const wf_job *job)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    size_t count = sample_count(catalogue);
    for (size_t i = 0; i < SAMPLES_EACH && it->sampled < count; i++, it->sampled++) {
        int rc = sample(it, seeker, it->sampled * catalogue->row_count / count, job);
        if (rc < 0)
            return rc;
    }
    double strangers = count > 0 ? fmin(fmax(it->sum / (double)count, 0), 0.998) : 0;
    it->worth.middle = (strangers + 1) / 2;
    it->worth.scale = (1 - strangers) / 2 / ODDS;
    return 0;
}

static int build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job)
{
    struct fused *it = fused_of(scorer);
    int rc = wf_job_poll(job);
    if (rc < 0)
        return rc;
    if (it->lexical->done < it->lexical->total)
        rc = it->lexical->cls->build(it->lexical, seeker, job);
    else if (wf_dense_done(&it->dense) < wf_dense_total(&it->dense))
        rc = wf_dense_build(&it->dense, scorer->catalogue, &it->options, seeker, job);
    else
        rc = sample_some(it, seeker, job);
    scorer->done = it->lexical->done + wf_dense_done(&it->dense) + it->sampled;
    return rc < 0 ? rc : scorer->done < scorer->total;
}

static void inherit(wf_scorer *scorer, wf_scorer *old)
{
    wf_dense_inherit(&fused_of(scorer)->dense, old, &fused_of(old)->dense);
}

/* ---- asking ---- */

static int reserve_found(wf_seeker *seeker, size_t count)
{
    if (count <= seeker->found_capacity)
        return 0;
    wf_found *found = wf_grow(seeker->found, count, sizeof(*found));
    if (found == NULL)
        return -ENOMEM;
    seeker->found = found;
    seeker->found_capacity = count;
    return 0;
}

/* Appends what a rank found to seeker->found; those left out by a tie have their first row. */
static int take_rank(const struct fused *it, wf_seeker *seeker, const wf_rank *rank, size_t *count)
{
    int rc = reserve_found(seeker, *count + rank->count + rank->tied_count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < rank->count; i++)
        seeker->found[(*count)++] = rank->found[i];
    for (size_t i = 0; i < rank->tied_count; i++)
        seeker->found[(*count)++] = (wf_found){.entity = rank->tied[i],
                                               .row = it->head.catalogue->row_start[rank->tied[i]],
                                               .score = rank->found[rank->count - 1].score};
    return 0;
}

/* By entity, the better first. */
static int by_entity(const void *a, const void *b)
{
    const wf_found *left = a, *right = b;
    if (left->entity != right->entity)
        return left->entity < right->entity ? -1 : 1;
    return left->score > right->score ? -1 : left->score < right->score;
}

static int merge(const struct fused *it, wf_seeker *seeker, size_t count, const wf_ask *ask)
{
    int rc =
        wf_rank_begin(&seeker->rank, ask->top_k, it->head.catalogue->entity_count, ask->threshold);
    if (rc < 0)
        return rc;
    qsort(seeker->found, count, sizeof(*seeker->found), by_entity);
    for (size_t i = 0; i < count; i++) {
        const wf_found *found = &seeker->found[i];
        bool is_first = i == 0 || found[-1].entity != found->entity;
        if (is_first && found->score >= wf_rank_bar(&seeker->rank))
            wf_rank_offer(&seeker->rank, *found);
    }
    wf_rank_end(&seeker->rank);
    return 0;
}

/* What the dense search found becomes what it is worth. */
static void value_rank(const struct fused *it, wf_rank *rank)
{
    wf_rank_end(rank);
    for (size_t i = 0; i < rank->count; i++)
        rank->found[i].score = worth_of(it, rank->found[i].score);
}

static int find_dense(struct fused *it, wf_seeker *seeker, const wf_ask *ask)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    int rc = wf_rank_begin(&seeker->rank, ask->top_k, catalogue->entity_count, 0);
    if (rc == 0)
        rc = wf_dense_read(&it->dense, seeker, ask->job);
    if (rc == 0)
        rc = wf_dense_find(&it->dense, catalogue, seeker, ask->allowed, ask->job);
    if (rc == 0)
        value_rank(it, &seeker->rank);
    return rc;
}

static int find(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    struct fused *it = fused_of(scorer);
    size_t count = 0;
    int rc = it->lexical->cls->find(it->lexical, seeker, ask);
    if (rc == 0)
        rc = take_rank(it, seeker, &seeker->rank, &count);
    if (rc == 0)
        rc = find_dense(it, seeker, ask);
    if (rc == 0)
        rc = take_rank(it, seeker, &seeker->rank, &count);
    return rc < 0 ? rc : merge(it, seeker, count, ask);
}

static int add_alike(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask, uint64_t *entities)
{
    wf_scorer *lexical = fused_of(scorer)->lexical;
    return lexical->cls->add_alike(lexical, seeker, ask, entities);
}

static size_t together(const wf_scorer *scorer)
{
    (void)scorer;
    return WF_VOLLEY_MAX;
}

/* The same as find, with what the volley found. */
static int find_beside(struct fused *it, wf_seeker *seeker, const wf_ask *ask, wf_rank *dense)
{
    size_t count = 0;
    int rc = wf_seeker_read(seeker, &it->options, ask->raw);
    if (rc == 0)
        rc = it->lexical->cls->find(it->lexical, seeker, ask);
    if (rc == 0)
        rc = take_rank(it, seeker, &seeker->rank, &count);
    if (rc == 0) {
        value_rank(it, dense);
        rc = take_rank(it, seeker, dense, &count);
    }
    return rc < 0 ? rc : merge(it, seeker, count, ask);
}

static int find_each(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *asks, size_t count,
                     wf_answer_fn *then, void *arg)
{
    struct fused *it = fused_of(scorer);
    const wf_catalogue *catalogue = scorer->catalogue;
    int rc = wf_dense_read_each(&it->dense, &it->options, seeker, asks, count);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = wf_volley_begin(seeker->volley, i, asks[i].allowed, asks[i].top_k,
                             catalogue->entity_count, 0);
    if (rc == 0)
        rc = wf_dense_find_each(&it->dense, catalogue, seeker, asks->job);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = find_beside(it, seeker, &asks[i], &seeker->volley->ranks[i]);
        if (rc == 0)
            rc = then(arg, i, seeker);
    }
    return rc;
}

/* ---- explaining ---- */

static int explain_query(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    struct fused *it = fused_of(scorer);
    int rc = wf_dense_read(&it->dense, seeker, ask->job);
    return rc < 0 ? rc : it->lexical->cls->explain_query(it->lexical, seeker, ask);
}

static int explain(wf_scorer *scorer, const wf_seeker *seeker, wf_seeker *spare, uint32_t row,
                   wf_share *shares, size_t share_max)
{
    wf_scorer *lexical = fused_of(scorer)->lexical;
    return lexical->cls->explain(lexical, seeker, spare, row, shares, share_max);
}

/* Those of the probability, unless the cosine is worth more: then that is all there is. */
static size_t parts(wf_scorer *scorer, const wf_seeker *seeker, uint32_t entity, weft_m_part *out)
{
    struct fused *it = fused_of(scorer);
    const uint32_t *row_start = scorer->catalogue->row_start;
    size_t count = it->lexical->cls->parts(it->lexical, seeker, entity, out);
    float cosine = -1;
    double sum = count > 0 ? 0 : -INFINITY;
    for (size_t i = 0; i < count; i++)
        sum += out[i].part;
    for (uint32_t row = row_start[entity]; row < row_start[entity + 1]; row++)
        cosine = fmaxf(cosine, wf_vectors_cosine(&it->dense.vectors, &seeker->glance, row));
    double worth = log((double)worth_of(it, cosine));
    if (cosine <= 0 || worth <= sum)
        return count;
    out[0] = (weft_m_part){.name = "dense cosine",
                           .value = cosine,
                           .weight = (float)(worth / (double)cosine),
                           .part = worth};
    return 1;
}

static void stats(wf_scorer *scorer, wf_scorer_stats *out)
{
    struct fused *it = fused_of(scorer);
    it->lexical->cls->stats(it->lexical, out);
    out->encoder = weft_encoder_kind(it->dense.encoder);
    out->dimension = it->dense.vectors.dim;
    out->bytes += wf_dense_bytes(&it->dense);
}

/* ---- files ---- */

static int save(wf_scorer *scorer, wf_pack *pack)
{
    struct fused *it = fused_of(scorer);
    wf_dense_save(&it->dense, pack);
    wf_pack_copy(pack, TAG_FUSED, &it->worth, sizeof(it->worth));
    return it->lexical->cls->save(it->lexical, pack);
}

static int load(wf_scorer *scorer, wf_image *image)
{
    struct fused *it = fused_of(scorer);
    scorer->image = wf_image_ref(image);
    scorer->done = scorer->total;
    int rc = wf_dense_load(&it->dense, image, scorer->catalogue);
    if (rc == 0)
        rc = wf_image_get_one(image, TAG_FUSED, &it->worth, sizeof(it->worth));
    if (rc == 0 && !(it->worth.middle >= 0 && it->worth.middle <= 1 && it->worth.scale > 1e-6 &&
                     it->worth.scale <= 1))
        rc = -WEFT_M_EPERSIST;
    return rc < 0 ? rc : it->lexical->cls->load(it->lexical, image);
}

const wf_scorer_class wf_scorer_fused = {
    .kind = "fused",
    .mode = "zero-shot",
    .folds = true,
    .create = create,
    .build = build,
    .inherit = inherit,
    .add_alike = add_alike,
    .find = find,
    .together = together,
    .find_each = find_each,
    .explain_query = explain_query,
    .explain = explain,
    .parts = parts,
    .stats = stats,
    .save = save,
    .load = load,
    .destroy = destroy,
};
