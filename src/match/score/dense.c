/* SPDX-License-Identifier: MIT */

/* The scorer "dense": the cosine of an encoder's vectors; the score of an entity is the greatest
 * over its rows. */
#include "match/score/dense.h"

#include "base/alloc.h"
#include "match/index/nearest.h"
#include "match/index/volley.h"
#include "match/model/encoder.h"
#include "match/score/probability.h"

#include <string.h>

/* Texts an encoder gets at a time. */
#define BATCH_ROWS 64u

/* Rows entered into the graph in one part of the build. */
#define LINKED_ROWS 32u

/* Rows of the graph that are asked for an entity that is wanted: it may have several. */
#define ROWS_AN_ENTITY 8u

/* Rows looked at in one part of the build. */
#define TAKEN_ROWS 2048u

int wf_dense_init(wf_dense *dense, const weft_m_options *options, const wf_catalogue *catalogue)
{
    wf_hnsw_options graph;
    wf_hnsw_options_init(&graph);
    *dense = (wf_dense){.encoder = weft_encoder_ref(options->encoder)};
    wf_hnsw_init(&dense->graph, &graph);
    if (catalogue->row_count > options->ann_rows_min)
        dense->graph_total = catalogue->row_count;
    return wf_vectors_init(&dense->vectors, weft_encoder_dimension(options->encoder),
                           catalogue->row_count);
}

static void forget_old(wf_dense *dense)
{
    wf_scorer_unref(dense->old_scorer);
    wf_free(dense->moved);
    dense->old_scorer = NULL;
    dense->old = NULL;
    dense->moved = NULL;
}

void wf_dense_fini(wf_dense *dense)
{
    forget_old(dense);
    wf_hnsw_fini(&dense->graph);
    wf_hnsw_desk_fini(&dense->desk);
    wf_vectors_fini(&dense->vectors);
    weft_encoder_unref(dense->encoder);
    *dense = (wf_dense){0};
}

/* ---- building ---- */

void wf_dense_inherit(wf_dense *dense, wf_scorer *old_scorer, const wf_dense *old)
{
    if (old->encoder != dense->encoder)
        return;
    dense->old_scorer = wf_scorer_ref(old_scorer);
    dense->old = old;
}

/* Before the first row is taken from the old ones: a list of where they go. */
static int expect_moves(wf_dense *dense)
{
    if (dense->moved != NULL || dense->old == NULL || dense->graph_total == 0 ||
        dense->old->graph_total == 0)
        return 0;
    size_t rows = dense->old->vectors.count;
    dense->moved = wf_array(rows, sizeof(*dense->moved));
    if (dense->moved == NULL)
        return -ENOMEM;
    memset(dense->moved, 0xff, rows * sizeof(*dense->moved)); /* WF_HNSW_NOWHERE */
    dense->move = (wf_hnsw_move){.from = &dense->old->graph, .number = dense->moved};
    return 0;
}

/* Takes the vector that the same row of the same entity had; false if there was none. */
static bool take_old(wf_dense *dense, const wf_catalogue *catalogue, size_t row)
{
    if (dense->old == NULL)
        return false;
    const wf_catalogue *before = dense->old_scorer->catalogue;
    uint32_t entity = catalogue->row_entity[row];
    uint32_t old_entity = wf_catalogue_find(before, catalogue->entities[entity].id);
    if (old_entity == UINT32_MAX)
        return false;
    uint32_t old_row = before->row_start[old_entity] + (uint32_t)row - catalogue->row_start[entity];
    if (old_row >= before->row_start[old_entity + 1])
        return false;
    weft_str text = wf_catalogue_row(catalogue, (uint32_t)row);
    weft_str old_text = wf_catalogue_row(before, old_row);
    if (text.len != old_text.len || memcmp(text.ptr, old_text.ptr, text.len) != 0)
        return false;
    wf_vectors_copy(&dense->vectors, row, &dense->old->vectors, old_row);
    if (dense->moved != NULL)
        dense->moved[old_row] = (uint32_t)row;
    return true;
}

/* The next rows without a vector; returns how many, and where the next ones are looked for. */
static size_t next_rows(wf_dense *dense, const wf_catalogue *catalogue, uint32_t rows[BATCH_ROWS],
                        size_t *out_next)
{
    size_t count = 0, at = dense->done, end = at + TAKEN_ROWS;
    for (; at < dense->vectors.count && at < end && count < BATCH_ROWS; at++) {
        if (!take_old(dense, catalogue, at))
            rows[count++] = (uint32_t)at;
    }
    *out_next = at;
    return count;
}

/* Makes texts what the matcher sees of them, borrowed from seeker->shown. */
static int read_texts(const weft_m_options *options, wf_seeker *seeker, weft_str *texts,
                      size_t count)
{
    wf_buf_reset(&seeker->shown);
    for (size_t i = 0; i < count; i++) {
        int rc = wf_seeker_read(seeker, options, texts[i]);
        if (rc == 0)
            rc = wf_buf_append(&seeker->shown, seeker->text.ptr, seeker->text.len);
        if (rc < 0)
            return rc;
        texts[i].len = seeker->text.len;
    }
    const char *at = wf_buf_ptr(&seeker->shown);
    for (size_t i = 0; i < count; i++) {
        texts[i].ptr = at;
        at += texts[i].len;
    }
    return 0;
}

/* Moves rows of the old graph until there is something to tell. */
static int move_rows(wf_dense *dense, const wf_job *job)
{
    size_t before = dense->graph.in_count;
    int rc = 0;
    while (rc == 0 && dense->graph.in_count == before && !wf_hnsw_move_is_done(&dense->move))
        rc = wf_hnsw_move_some(&dense->move, &dense->graph, &dense->vectors, &dense->desk, job);
    return rc;
}

static int enter_rows(wf_dense *dense, const wf_job *job)
{
    wf_hnsw *graph = &dense->graph;
    size_t end = graph->in_count + LINKED_ROWS;
    end = end < dense->graph_total ? end : dense->graph_total;
    int rc = 0;
    for (; graph->in_count < end && rc == 0; dense->linked++) {
        uint32_t row = (uint32_t)dense->linked;
        rc = wf_hnsw_has(graph, row) ? 0
                                     : wf_hnsw_add(graph, &dense->vectors, row, &dense->desk, job);
    }
    return rc;
}

/* A part of the graph; what is left of the old one comes first. */
static int link_rows(wf_dense *dense, const wf_job *job)
{
    wf_hnsw *graph = &dense->graph;
    bool is_moving = dense->moved != NULL && !wf_hnsw_move_is_done(&dense->move);
    int rc = wf_hnsw_reserve(graph, dense->graph_total);
    if (rc == 0)
        rc = is_moving ? move_rows(dense, job) : enter_rows(dense, job);
    if (rc < 0 || graph->in_count < dense->graph_total)
        return rc;
    if (wf_hnsw_wants_tuning(graph))
        rc = wf_hnsw_tune(graph, &dense->vectors, &dense->desk, job);
    wf_hnsw_desk_fini(&dense->desk);
    forget_old(dense);
    return rc;
}

static int encode_rows(wf_dense *dense, const wf_catalogue *catalogue,
                       const weft_m_options *options, wf_seeker *seeker, const wf_job *job)
{
    weft_str texts[BATCH_ROWS];
    uint32_t rows[BATCH_ROWS];
    int rc = expect_moves(dense);
    if (rc < 0)
        return rc;
    size_t next, count = next_rows(dense, catalogue, rows, &next);
    float *numbers = wf_array(count + 1, dense->vectors.dim * sizeof(*numbers));
    if (numbers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        texts[i] = wf_catalogue_row(catalogue, rows[i]);
    rc = read_texts(options, seeker, texts, count);
    if (rc == 0 && count > 0)
        rc = wf_encoder_run(dense->encoder, texts, count, numbers, job);
    for (size_t i = 0; i < count && rc == 0; i++)
        wf_vectors_set(&dense->vectors, rows[i], numbers + i * dense->vectors.dim);
    wf_free(numbers);
    if (rc < 0)
        return rc;
    dense->done = next;
    if (dense->done == dense->vectors.count && dense->moved == NULL)
        forget_old(dense);
    return 0;
}

int wf_dense_build(wf_dense *dense, const wf_catalogue *catalogue, const weft_m_options *options,
                   wf_seeker *seeker, const wf_job *job)
{
    return dense->done < dense->vectors.count ? encode_rows(dense, catalogue, options, seeker, job)
                                              : link_rows(dense, job);
}

/* ---- asking ---- */

int wf_dense_read(const wf_dense *dense, wf_seeker *seeker, const wf_job *job)
{
    wf_glance *glance = &seeker->glance;
    int rc = wf_glance_reserve(glance, &dense->vectors);
    if (rc == 0)
        rc = wf_encoder_run(dense->encoder, &seeker->text, 1, glance->query, job);
    if (rc == 0)
        wf_glance_take(glance, &dense->vectors);
    seeker->encoded_count++;
    return rc;
}

int wf_dense_read_each(const wf_dense *dense, const weft_m_options *options, wf_seeker *seeker,
                       const wf_ask *asks, size_t count)
{
    weft_str texts[WF_VOLLEY_MAX];
    size_t dim = dense->vectors.dim;
    if (seeker->volley == NULL)
        seeker->volley = wf_volley_new();
    float *numbers = wf_array(count, dim * sizeof(*numbers));
    int rc = seeker->volley != NULL && numbers != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < count; i++)
        texts[i] = asks[i].raw;
    if (rc == 0)
        rc = read_texts(options, seeker, texts, count);
    if (rc == 0)
        rc = wf_encoder_run(dense->encoder, texts, count, numbers, asks->job);
    if (rc == 0)
        rc = wf_volley_read(seeker->volley, &dense->vectors, numbers, count);
    wf_free(numbers);
    seeker->encoded_count += count;
    return rc;
}

static int find_nearest(const wf_dense *dense, const wf_catalogue *catalogue, wf_seeker *seeker,
                        const wf_look *looks, size_t count, const wf_job *job)
{
    const wf_hnsw *graph =
        dense->graph_total != 0 && wf_hnsw_is_worth(&dense->graph) ? &dense->graph : NULL;
    return wf_nearest_offer(&dense->vectors, graph, ROWS_AN_ENTITY, looks, count,
                            catalogue->row_entity, &seeker->walk, job);
}

int wf_dense_find(const wf_dense *dense, const wf_catalogue *catalogue, wf_seeker *seeker,
                  const uint64_t *allowed, const wf_job *job)
{
    const wf_look look = {&seeker->glance, allowed, &seeker->rank};
    return find_nearest(dense, catalogue, seeker, &look, 1, job);
}

int wf_dense_find_each(const wf_dense *dense, const wf_catalogue *catalogue, wf_seeker *seeker,
                       const wf_job *job)
{
    const wf_volley *volley = seeker->volley;
    return find_nearest(dense, catalogue, seeker, volley->looks, volley->look_count, job);
}

size_t wf_dense_bytes(const wf_dense *dense)
{
    return wf_vectors_bytes(&dense->vectors) + wf_hnsw_bytes(&dense->graph);
}

/* ---- files ---- */

void wf_dense_save(const wf_dense *dense, wf_pack *pack)
{
    wf_vectors_save(&dense->vectors, pack);
    if (dense->graph_total != 0)
        wf_hnsw_save(&dense->graph, pack);
}

int wf_dense_load(wf_dense *dense, const wf_image *image, const wf_catalogue *catalogue)
{
    size_t dim = dense->vectors.dim;
    wf_vectors_fini(&dense->vectors); /* those of create */
    dense->done = catalogue->row_count;
    int rc = wf_vectors_load(&dense->vectors, image, dim, catalogue->row_count);
    dense->graph_total = 0;
    if (rc < 0 || !wf_hnsw_is_in(image))
        return rc;
    dense->graph_total = catalogue->row_count;
    return wf_hnsw_load(&dense->graph, image, catalogue->row_count);
}

/* ---- the scorer ---- */

struct scorer {
    wf_scorer head;
    weft_m_options options;
    wf_dense dense;
};

static struct scorer *scorer_of(wf_scorer *scorer)
{
    return (struct scorer *)scorer;
}

static void destroy(wf_scorer *scorer)
{
    struct scorer *it = scorer_of(scorer);
    wf_dense_fini(&it->dense);
    wf_catalogue_unref(scorer->catalogue);
    wf_image_unref(scorer->image);
    wf_free(it);
}

static int create(wf_scorer **out, wf_catalogue *catalogue, const weft_m_options *options)
{
    struct scorer *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->head = (wf_scorer){.cls = &wf_scorer_dense,
                           .catalogue = wf_catalogue_ref(catalogue),
                           .refs = 1,
                           .total = catalogue->row_count};
    it->options = *options;
    int rc = wf_dense_init(&it->dense, options, catalogue);
    it->head.total = wf_dense_total(&it->dense);
    if (rc < 0)
        destroy(&it->head);
    else
        *out = &it->head;
    return rc;
}

static int build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job)
{
    struct scorer *it = scorer_of(scorer);
    int rc = wf_job_poll(job);
    if (rc == 0)
        rc = wf_dense_build(&it->dense, scorer->catalogue, &it->options, seeker, job);
    scorer->done = wf_dense_done(&it->dense);
    return rc < 0 ? rc : scorer->done < scorer->total;
}

static void inherit(wf_scorer *scorer, wf_scorer *old)
{
    wf_dense_inherit(&scorer_of(scorer)->dense, old, &scorer_of(old)->dense);
}

/* 1 if the row has no vector and is the text in seeker->shown, else 0; or -ENOMEM. */
static int is_equal_row(const struct scorer *it, wf_seeker *seeker, size_t row)
{
    const wf_buf *text = &seeker->shown;
    if (it->dense.vectors.scales[row] > 0)
        return false;
    int rc =
        wf_seeker_read(seeker, &it->options, wf_catalogue_row(it->head.catalogue, (uint32_t)row));
    if (rc < 0)
        return rc;
    return seeker->text.len == wf_buf_bytes(text) &&
           memcmp(seeker->text.ptr, wf_buf_ptr(text), seeker->text.len) == 0;
}

/* A text that the encoder knows nothing of has no vector, and means what is equal to it. */
static int find_equal(const struct scorer *it, wf_seeker *seeker, const wf_ask *ask)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    wf_buf_reset(&seeker->shown);
    int rc = wf_buf_append(&seeker->shown, seeker->text.ptr, seeker->text.len);
    for (uint32_t entity = 0; entity < catalogue->entity_count && rc >= 0; entity++) {
        uint32_t row = catalogue->row_start[entity], end = catalogue->row_start[entity + 1];
        rc = wf_job_poll(ask->job);
        while (rc == 0 && row < end && (rc = is_equal_row(it, seeker, row)) == 0)
            row++;
        wf_found found = {.entity = entity,
                          .row = row < end ? row : catalogue->row_start[entity],
                          .score = row < end ? 1 : 0};
        if (rc >= 0 && wf_is_in(ask->allowed, entity))
            wf_rank_offer(&seeker->rank, found);
        rc = rc > 0 ? 0 : rc;
    }
    return rc < 0 ? rc : wf_seeker_read(seeker, &it->options, ask->raw);
}

static int find(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    struct scorer *it = scorer_of(scorer);
    int rc =
        wf_rank_begin(&seeker->rank, ask->top_k, scorer->catalogue->entity_count, ask->threshold);
    if (rc == 0)
        rc = wf_dense_read(&it->dense, seeker, ask->job);
    if (rc == 0)
        rc = seeker->glance.scale > 0
                 ? wf_dense_find(&it->dense, scorer->catalogue, seeker, ask->allowed, ask->job)
                 : find_equal(it, seeker, ask);
    if (rc == 0)
        wf_rank_end(&seeker->rank);
    return rc;
}

static size_t together(const wf_scorer *scorer)
{
    (void)scorer;
    return WF_VOLLEY_MAX;
}

static bool has_vector(const wf_volley *volley, size_t at)
{
    return volley->glances[at].scale > 0;
}

/* The answer to one of a volley, into seeker->rank. */
static int take_answer(const struct scorer *it, wf_seeker *seeker, const wf_ask *ask, size_t at)
{
    wf_volley *volley = seeker->volley;
    wf_rank rank = seeker->rank;
    seeker->rank = volley->ranks[at];
    volley->ranks[at] = rank;
    int rc = 0;
    if (!has_vector(volley, at)) {
        rc = wf_rank_begin(&seeker->rank, ask->top_k, it->head.catalogue->entity_count,
                           ask->threshold);
        if (rc == 0)
            rc = wf_seeker_read(seeker, &it->options, ask->raw);
        if (rc == 0)
            rc = find_equal(it, seeker, ask);
    }
    if (rc == 0)
        wf_rank_end(&seeker->rank);
    return rc;
}

static int find_each(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *asks, size_t count,
                     wf_answer_fn *then, void *arg)
{
    struct scorer *it = scorer_of(scorer);
    const wf_catalogue *catalogue = scorer->catalogue;
    int rc = wf_dense_read_each(&it->dense, &it->options, seeker, asks, count);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (has_vector(seeker->volley, i))
            rc = wf_volley_begin(seeker->volley, i, asks[i].allowed, asks[i].top_k,
                                 catalogue->entity_count, asks[i].threshold);
    }
    if (rc == 0)
        rc = wf_dense_find_each(&it->dense, catalogue, seeker, asks->job);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = take_answer(it, seeker, &asks[i], i);
        if (rc == 0)
            rc = then(arg, i, seeker);
    }
    return rc;
}

static int explain_query(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask)
{
    return wf_dense_read(&scorer_of(scorer)->dense, seeker, ask->job);
}

/* A vector of meaning has no parts that anybody could read. */
static int explain(wf_scorer *scorer, const wf_seeker *seeker, wf_seeker *spare, uint32_t row,
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

static void stats(wf_scorer *scorer, wf_scorer_stats *out)
{
    const wf_dense *dense = &scorer_of(scorer)->dense;
    *out = (wf_scorer_stats){.encoder = weft_encoder_kind(dense->encoder),
                             .dimension = dense->vectors.dim,
                             .bytes = wf_dense_bytes(dense)};
}

static int save(wf_scorer *scorer, wf_pack *pack)
{
    wf_dense_save(&scorer_of(scorer)->dense, pack);
    return 0;
}

static int load(wf_scorer *scorer, wf_image *image)
{
    scorer->image = wf_image_ref(image);
    scorer->done = scorer->total;
    return wf_dense_load(&scorer_of(scorer)->dense, image, scorer->catalogue);
}

const wf_scorer_class wf_scorer_dense = {
    .kind = "dense",
    .mode = "zero-shot",
    .create = create,
    .build = build,
    .inherit = inherit,
    .find = find,
    .together = together,
    .find_each = find_each,
    .explain_query = explain_query,
    .explain = explain,
    .stats = stats,
    .save = save,
    .load = load,
    .destroy = destroy,
};
