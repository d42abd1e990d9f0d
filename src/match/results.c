/* SPDX-License-Identifier: MIT */

#include "match/results.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A list of tied entities: at most WF_TIED_MAX / top_k of them, but at least this many. */
#define TIED_LIST_MIN 64u

/* The block of one answer while it is filled. */
struct block {
    weft_m_hit *hits;
    uint32_t *tied;
    char *text;
};

weft_m_results *wf_results_new(wf_snapshot *snapshot, size_t count, size_t top_k, float threshold)
{
    size_t bytes;
    if (!wf_mul_ok(count, sizeof(wf_answer), &bytes) ||
        !wf_add_ok(bytes, sizeof(weft_m_results), &bytes))
        return NULL;
    weft_m_results *results = wf_alloc(bytes);
    if (results == NULL)
        return NULL;
    results->snapshot = wf_snapshot_ref(snapshot);
    results->count = count;
    results->top_k = top_k;
    results->threshold = threshold;
    return results;
}

static void kinships_free(weft_m_results *results)
{
    wf_kinships *kinships = results->kinships;
    if (kinships == NULL)
        return;
    for (size_t i = 0; i < results->count; i++)
        wf_free(kinships->items[i]);
    weft_hierarchy_unref(kinships->hierarchy);
    wf_free(kinships);
}

void weft_m_results_free(weft_m_results *results)
{
    if (results == NULL)
        return;
    for (size_t i = 0; i < results->count; i++)
        wf_free(results->answers[i].hits);
    if (results->novelties != NULL)
        wf_free(results->novelties->signals);
    wf_free(results->novelties);
    kinships_free(results);
    wf_snapshot_unref(results->snapshot);
    wf_free(results);
}

/* ---- filling ---- */

static size_t tied_list_max(const wf_rank *rank)
{
    size_t each = rank->top_k != 0 ? WF_TIED_MAX / rank->top_k : WF_TIED_MAX;
    return each > TIED_LIST_MIN ? each : TIED_LIST_MIN;
}

/* The hits from *first on that have one score; *first moves behind them. */
static size_t next_group(const wf_rank *rank, size_t *first)
{
    size_t start = *first, end = start + 1;
    while (end < rank->count && rank->found[end].score == rank->found[start].score)
        end++;
    *first = end;
    return end - start;
}

static size_t clip(size_t count, size_t most)
{
    return count < most ? count : most;
}

static size_t count_tied(const wf_rank *rank)
{
    size_t total = 0, most = tied_list_max(rank);
    for (size_t at = 0; at < rank->count;) {
        size_t group = next_group(rank, &at);
        size_t others = group - 1 + (at == rank->count ? rank->tied_count : 0);
        total += group * clip(others, most);
    }
    return total;
}

/* The others of the group, then those that fell off the end for being later in the catalogue. */
static uint32_t list_tied(const wf_rank *rank, size_t start, size_t end, size_t self, uint32_t *out)
{
    size_t most = tied_list_max(rank), count = 0;
    for (size_t i = start; i < end && count < most; i++) {
        if (i != self)
            out[count++] = rank->found[i].entity;
    }
    for (size_t i = 0; end == rank->count && i < rank->tied_count && count < most; i++)
        out[count++] = rank->tied[i];
    return (uint32_t)count;
}

static void fill_tied(const wf_rank *rank, struct block *block)
{
    for (size_t at = 0; at < rank->count;) {
        size_t start = at;
        next_group(rank, &at);
        for (size_t i = start; i < at; i++) {
            weft_m_hit *hit = &block->hits[i];
            hit->tied_count = list_tied(rank, start, at, i, block->tied);
            hit->tied = hit->tied_count != 0 ? block->tied : NULL;
            block->tied += hit->tied_count;
        }
    }
}

/* The texts of hits that show their row as it was matched; those with a `text` of their own: none.
 * Into seeker->shown, one after the other, lengths into the hits when they are there. */
static int read_texts(const wf_catalogue *catalogue, bool shows_names, wf_seeker *seeker,
                      const weft_m_options *options)
{
    wf_buf_reset(&seeker->shown);
    for (size_t i = 0; i < seeker->rank.count && !shows_names; i++) {
        wf_found *found = &seeker->rank.found[i];
        found->text_bytes = 0;
        if (catalogue->entities[found->entity].text.ptr != NULL)
            continue;
        int rc = wf_seeker_read(seeker, options, wf_catalogue_row(catalogue, found->row));
        if (rc == 0)
            rc = wf_buf_append(&seeker->shown, seeker->text.ptr, seeker->text.len);
        if (rc < 0)
            return rc;
        found->text_bytes = (uint32_t)seeker->text.len;
    }
    return 0;
}

static void fill_hit(const wf_catalogue *catalogue, bool shows_names, bool is_reranked,
                     const wf_found *found, struct block *block, weft_m_hit *hit)
{
    const weft_m_entity *entity = &catalogue->entities[found->entity];
    *hit = (weft_m_hit){.entity = found->entity,
                        .score = found->score,
                        .id = entity->id,
                        .name = entity->name,
                        .matched = wf_catalogue_row(catalogue, found->row),
                        .text = entity->text,
                        .row = found->row - catalogue->row_start[found->entity],
                        .rerank = is_reranked ? found->rerank : NAN,
                        .id_is_integer = entity->id_is_integer};
    if (entity->text.ptr != NULL)
        return;
    if (shows_names) {
        hit->text = entity->name;
        return;
    }
    hit->text = (weft_str){block->text, found->text_bytes};
    block->text += found->text_bytes;
}

int wf_results_fill(weft_m_results *results, size_t index, wf_seeker *seeker,
                    const weft_m_options *options)
{
    const wf_catalogue *catalogue = wf_snapshot_catalogue(results->snapshot);
    const wf_rank *rank = &seeker->rank;
    wf_answer *answer = &results->answers[index];
    if (rank->count == 0)
        return 0;
    bool shows_names = results->snapshot->scorer->cls->shows_names;
    int rc = read_texts(catalogue, shows_names, seeker, options);
    if (rc < 0)
        return rc;

    size_t tied = count_tied(rank), text_bytes = wf_buf_bytes(&seeker->shown);
    char *mem = wf_alloc(rank->count * sizeof(weft_m_hit) + tied * sizeof(uint32_t) + text_bytes);
    if (mem == NULL)
        return -ENOMEM;
    struct block block = {.hits = (weft_m_hit *)(void *)mem};
    block.tied = (uint32_t *)(void *)(block.hits + rank->count);
    block.text = (char *)(block.tied + tied);
    if (text_bytes != 0)
        memcpy(block.text, wf_buf_ptr(&seeker->shown), text_bytes);
    for (size_t i = 0; i < rank->count; i++)
        fill_hit(catalogue, shows_names, rank->is_reranked, &rank->found[i], &block,
                 &block.hits[i]);
    fill_tied(rank, &block);
    answer->hits = block.hits;
    answer->hit_count = rank->count;
    return 0;
}

/* ---- reading ---- */

size_t weft_m_results_count(const weft_m_results *results)
{
    return results->count;
}

const weft_m_hit *weft_m_results_hits(const weft_m_results *results, size_t index,
                                      size_t *out_count)
{
    assert(index < results->count);
    *out_count = results->answers[index].hit_count;
    return results->answers[index].hits;
}

const weft_m_entity *weft_m_results_entity(const weft_m_results *results, uint32_t entity)
{
    const wf_catalogue *catalogue = wf_snapshot_catalogue(results->snapshot);
    assert(entity < catalogue->entity_count);
    return &catalogue->entities[entity];
}

float weft_m_results_threshold(const weft_m_results *results)
{
    return results->threshold;
}

const char *weft_m_results_mode(const weft_m_results *results)
{
    return wf_snapshot_mode(results->snapshot);
}

size_t weft_m_results_top_k(const weft_m_results *results)
{
    return results->top_k;
}

const weft_m_novelty_result *weft_m_results_novelty(const weft_m_results *results, size_t index)
{
    assert(index < results->count);
    return results->novelties != NULL ? &results->novelties->items[index] : NULL;
}

const weft_m_hierarchy_result *weft_m_results_hierarchy(const weft_m_results *results, size_t index)
{
    static const weft_m_hierarchy_result none;
    assert(index < results->count);
    if (results->kinships == NULL)
        return NULL;
    const weft_m_hierarchy_result *it = results->kinships->items[index];
    return it != NULL ? it : &none;
}

bool weft_m_results_was_cut(const weft_m_results *results, size_t index)
{
    assert(index < results->count);
    return results->answers[index].was_cut;
}
