/* SPDX-License-Identifier: MIT */

/*
 * Cosine of lexical vectors; the score of an entity is the greatest over its rows.  Built in two
 * walks over the rows: one counts features for the lexicon, one writes postings.  The rows are read
 * again rather than kept between the two: that costs a third of the time and saves 500 bytes a row.
 */
#include "base/alloc.h"
#include "match/embed/cache.h"
#include "match/index/postings.h"
#include "match/score/scorer.h"

/* Rows of one part of the building. */
#define BUILD_ROWS 2048u

struct cosine {
    wf_scorer head;
    wf_lexicon lexicon;
    wf_postings postings;
    wf_cache cache;
    weft_m_options options;
};

static struct cosine *cosine_of(wf_scorer *scorer)
{
    return (struct cosine *)scorer;
}

static void cosine_destroy(wf_scorer *scorer)
{
    struct cosine *cosine = cosine_of(scorer);
    wf_lexicon_fini(&cosine->lexicon);
    wf_postings_fini(&cosine->postings);
    wf_cache_fini(&cosine->cache);
    wf_catalogue_unref(cosine->head.catalogue);
    wf_image_unref(scorer->image);
    wf_free(cosine);
}

static int cosine_create(wf_scorer **out, wf_catalogue *catalogue, const weft_m_options *options)
{
    struct cosine *cosine = wf_alloc(sizeof(*cosine));
    if (cosine == NULL)
        return -ENOMEM;
    cosine->head = (wf_scorer){.cls = &wf_scorer_cosine,
                               .catalogue = wf_catalogue_ref(catalogue),
                               .refs = 1,
                               .total = 2 * (size_t)catalogue->row_count};
    cosine->options = *options;
    int rc = wf_cache_init(&cosine->cache, options->cache_count_max);
    if (rc == 0)
        rc = wf_lexicon_init(&cosine->lexicon);
    if (rc < 0) {
        cosine_destroy(&cosine->head);
        return rc;
    }
    *out = &cosine->head;
    return 0;
}

/* ---- building ---- */

static int read_row(struct cosine *cosine, wf_seeker *seeker, uint32_t row)
{
    return wf_seeker_read(seeker, &cosine->options, wf_catalogue_row(cosine->head.catalogue, row));
}

static int count_row(struct cosine *cosine, wf_seeker *seeker, uint32_t row, const wf_job *job)
{
    int rc = read_row(cosine, seeker, row);
    if (rc == 0)
        rc = wf_features_extract(&seeker->encoder.features, seeker->text);
    return rc < 0 ? rc : wf_lexicon_count(&cosine->lexicon, &seeker->encoder.features, job);
}

static int index_row(struct cosine *cosine, wf_seeker *seeker, uint32_t row, const wf_job *job)
{
    int rc = read_row(cosine, seeker, row);
    if (rc == 0)
        rc = wf_encode(&seeker->encoder, &cosine->lexicon, seeker->text, &seeker->vector);
    return rc < 0 ? rc : wf_postings_add(&cosine->postings, &seeker->vector, job);
}

/* `done` counts the rows of both walks. */
static int build_row(struct cosine *cosine, wf_seeker *seeker, const wf_job *job)
{
    uint32_t row_count = cosine->head.catalogue->row_count;
    size_t at = cosine->head.done;
    int rc = at == row_count ? wf_lexicon_weigh(&cosine->lexicon, job) : 0;
    if (rc == 0)
        rc = at < row_count ? count_row(cosine, seeker, (uint32_t)at, job)
                            : index_row(cosine, seeker, (uint32_t)(at - row_count), job);
    cosine->head.done += rc == 0;
    return rc;
}

static int cosine_build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job)
{
    struct cosine *cosine = cosine_of(scorer);
    for (size_t i = 0; i < BUILD_ROWS && scorer->done < scorer->total; i++) {
        int rc = wf_job_poll(job); /* a row may be long */
        if (rc == 0)
            rc = build_row(cosine, seeker, job);
        if (rc < 0)
            return rc;
    }
    if (scorer->done < scorer->total)
        return 1;
    return wf_postings_seal(&cosine->postings, job);
}

/* ---- asking ---- */

/* The query's vector into the seeker. */
static int encode_query(struct cosine *cosine, wf_seeker *seeker)
{
    int rc = wf_cache_get(&cosine->cache, seeker->text, &seeker->vector);
    if (rc != 0) {
        seeker->cached_count += rc > 0;
        return rc < 0 ? rc : 0;
    }
    seeker->encoded_count++;
    rc = wf_encode(&seeker->encoder, &cosine->lexicon, seeker->text, &seeker->vector);
    if (rc == 0)
        wf_cache_put(&cosine->cache, seeker->text, &seeker->vector);
    return rc;
}

static int cosine_find(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    struct cosine *cosine = cosine_of(scorer);
    wf_search search = {.postings = &cosine->postings,
                        .row_entity = scorer->catalogue->row_entity,
                        .allowed = ask->allowed,
                        .without = ask->without};
    int rc =
        wf_rank_begin(&seeker->rank, ask->top_k, scorer->catalogue->entity_count, ask->threshold);
    if (rc == 0)
        rc = encode_query(cosine, seeker);
    if (rc == 0)
        rc = wf_find(&seeker->finder, &search, &seeker->vector, &seeker->rank, ask->job);
    if (rc == 0)
        wf_rank_end(&seeker->rank);
    return rc;
}

/* ---- explaining ---- */

static int cosine_explain_query(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    (void)ask;
    seeker->encoder.features.keeps_spans = true;
    int rc =
        wf_encode(&seeker->encoder, &cosine_of(scorer)->lexicon, seeker->text, &seeker->vector);
    seeker->encoder.features.keeps_spans = false;
    return rc;
}

static int cosine_explain(wf_scorer *scorer, const wf_seeker *seeker, wf_seeker *spare,
                          uint32_t row, wf_share *shares, size_t share_max)
{
    struct cosine *cosine = cosine_of(scorer);
    int rc = read_row(cosine, spare, row);
    if (rc == 0)
        rc = wf_encode(&spare->encoder, &cosine->lexicon, spare->text, &spare->vector);
    if (rc < 0)
        return rc;
    return (int)wf_share_weights(&seeker->encoder, seeker->vector.norm, &spare->vector, shares,
                                 share_max);
}

static void cosine_stats(wf_scorer *scorer, wf_scorer_stats *out)
{
    struct cosine *cosine = cosine_of(scorer);
    wf_cache_stats cache;
    wf_cache_stats_get(&cosine->cache, &cache);
    *out = (wf_scorer_stats){
        .encoder = "lexical",
        .dimension = WF_DIM_COUNT,
        .bytes = wf_lexicon_bytes(&cosine->lexicon) + wf_postings_bytes(&cosine->postings),
        .cache_hits = cache.hits,
        .cache_misses = cache.misses,
        .cache_count = cache.count,
        .cache_bytes = cache.bytes,
    };
}

/* ---- files ---- */

static int cosine_save(wf_scorer *scorer, wf_pack *pack)
{
    int rc = wf_lexicon_save(&cosine_of(scorer)->lexicon, pack);
    wf_postings_save(&cosine_of(scorer)->postings, pack);
    return rc;
}

static int cosine_load(wf_scorer *scorer, wf_image *image)
{
    struct cosine *cosine = cosine_of(scorer);
    wf_lexicon_fini(&cosine->lexicon); /* that of create */
    scorer->image = wf_image_ref(image);
    int rc = wf_lexicon_load(&cosine->lexicon, image);
    if (rc == 0)
        rc = wf_postings_load(&cosine->postings, image, scorer->catalogue->row_count);
    scorer->done = scorer->total;
    return rc;
}

const wf_scorer_class wf_scorer_cosine = {
    .kind = "cosine",
    .mode = "zero-shot",
    .leaves_out_rows = true,
    .create = cosine_create,
    .build = cosine_build,
    .find = cosine_find,
    .explain_query = cosine_explain_query,
    .explain = cosine_explain,
    .stats = cosine_stats,
    .save = cosine_save,
    .load = cosine_load,
    .destroy = cosine_destroy,
};
