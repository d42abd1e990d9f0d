/* SPDX-License-Identifier: MIT */

#include "match/block/blocker.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/error.h"

#include <assert.h>
#include <string.h>

#define ROWS_A_PART 512u

static const char *const kinds[] = {"ngram", "bm25", "tfidf", "fuzzy", "none"};

bool wf_blocking_of(weft_str name, enum wf_blocking *out)
{
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (name.len == strlen(kinds[i]) && memcmp(name.ptr, kinds[i], name.len) == 0) {
            *out = (enum wf_blocking)i;
            return true;
        }
    }
    return false;
}

const char *wf_blocking_name(enum wf_blocking kind)
{
    return kinds[kind];
}

void weft_blocker_options_init(weft_blocker_options *options)
{
    *options =
        (weft_blocker_options){.size = sizeof(*options), .k1 = 1.5, .b = 0.75, .score_cutoff = 70};
}

void weft_blocker_free(weft_blocker *it)
{
    if (it == NULL)
        return;
    void *const arrays[] = {it->places, it->numbers, it->start,      it->rows,
                            it->counts, it->said,    it->said_start, it->lengths,
                            it->idf,    it->norms,   it->points,     it->point_start};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(*arrays); i++)
        wf_free(arrays[i]);
    wf_catalogue_unref(it->catalogue);
    wf_free(it);
}

size_t wf_blocker_bytes(const weft_blocker *it)
{
    return it->place_count * 12 + it->term_count * 12 + it->said_count * 8 +
           (size_t)it->row_total * 16 + it->point_capacity * sizeof(*it->points);
}

int wf_blocker_create(weft_blocker **out, wf_catalogue *catalogue, enum wf_blocking kind,
                      const weft_blocker_options *options)
{
    assert(catalogue != NULL);
    weft_blocker *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    size_t rows = catalogue->row_count;
    *it = (weft_blocker){.catalogue = wf_catalogue_ref(catalogue),
                         .kind = kind,
                         .options = *options,
                         .row_total = kind == WF_BLOCK_NONE ? 0 : catalogue->row_count};
    it->said_start = wf_array(rows + 1, sizeof(*it->said_start));
    it->point_start = wf_array(rows + 1, sizeof(*it->point_start));
    it->lengths = wf_array(rows + 1, sizeof(*it->lengths));
    if (it->said_start == NULL || it->point_start == NULL || it->lengths == NULL) {
        weft_blocker_free(it);
        return -ENOMEM;
    }
    *out = it;
    return 0;
}

/* ---- building ---- */

/* An entity's `text` stands for its name. */
static weft_str row_text(const wf_catalogue *catalogue, uint32_t row)
{
    uint32_t entity = catalogue->row_entity[row];
    weft_str text = catalogue->entities[entity].text;
    bool is_name = row == catalogue->row_start[entity];
    return is_name && text.ptr != NULL ? text : wf_catalogue_row(catalogue, row);
}

static int read_text(const weft_blocker *it, wf_block_desk *desk, weft_str text)
{
    int rc = wf_block_read(desk, text);
    if (rc < 0)
        return rc;
    return it->kind == WF_BLOCK_FUZZY ? wf_block_sort_words(desk) : wf_block_terms(desk, it->kind);
}

int wf_blocker_build(weft_blocker *it, wf_block_desk *desk, const wf_job *job)
{
    bool is_fuzzy = it->kind == WF_BLOCK_FUZZY;
    if (it->kind == WF_BLOCK_NONE)
        return 0;
    for (size_t i = 0; i < ROWS_A_PART && it->row_done < it->row_total; i++) {
        int rc = i % 64 == 0 ? wf_job_poll(job) : 0;
        if (rc == 0)
            rc = read_text(it, desk, row_text(it->catalogue, it->row_done));
        if (rc == 0)
            rc = is_fuzzy ? wf_block_learn_words(it, desk) : wf_block_learn_terms(it, desk);
        if (rc < 0)
            return rc;
        it->row_done++;
    }
    if (it->row_done < it->row_total)
        return 1;
    return is_fuzzy ? 0 : wf_block_end_terms(it, job);
}

/* ---- asking ---- */

static int find_first(const weft_blocker *it, wf_block_desk *desk, const uint64_t *allowed)
{
    for (uint32_t entity = 0; entity < it->catalogue->entity_count; entity++) {
        if (desk->rank.count == desk->rank.top_k)
            break;
        if (wf_is_in(allowed, entity))
            wf_rank_offer(&desk->rank,
                          (wf_found){.entity = entity, .row = it->catalogue->row_start[entity]});
    }
    return 0;
}

/* Rows ascend, and so do their entities. */
static void offer_rows(const weft_blocker *it, wf_block_desk *desk, const uint64_t *allowed)
{
    const wf_catalogue *catalogue = it->catalogue;
    for (uint32_t entity = 0; entity < catalogue->entity_count; entity++) {
        wf_found best = {.entity = entity};
        if (!wf_is_in(allowed, entity))
            continue;
        for (uint32_t row = catalogue->row_start[entity]; row < catalogue->row_start[entity + 1];
             row++) {
            if (desk->sums[row] > best.score) {
                best.score = desk->sums[row];
                best.row = row;
            }
        }
        if (best.score > 0 && best.score >= wf_rank_bar(&desk->rank))
            wf_rank_offer(&desk->rank, best);
    }
}

static int find_rows(const weft_blocker *it, wf_block_desk *desk, weft_str text,
                     const uint64_t *allowed, const wf_job *job)
{
    int rc = wf_block_grow(&desk->sums, &desk->sum_capacity, it->row_total, sizeof(*desk->sums));
    if (rc == 0)
        rc = read_text(it, desk, text);
    if (rc < 0)
        return rc;
    memset(desk->sums, 0, it->row_total * sizeof(*desk->sums));
    rc = it->kind == WF_BLOCK_FUZZY ? wf_block_score_words(it, desk, job)
                                    : wf_block_score_terms(it, desk, job);
    if (rc == 0)
        offer_rows(it, desk, allowed);
    return rc;
}

int wf_blocker_find(const weft_blocker *it, wf_block_desk *desk, weft_str text, size_t top_k,
                    const uint64_t *allowed, const wf_job *job)
{
    int rc = wf_rank_begin(&desk->rank, top_k, it->catalogue->entity_count, 0);
    if (rc == 0)
        rc = it->kind == WF_BLOCK_NONE ? find_first(it, desk, allowed)
                                       : find_rows(it, desk, text, allowed, job);
    if (rc == 0)
        wf_rank_end(&desk->rank);
    return rc;
}

/* ---- the public calls ---- */

static int check_options(const char *kind, const weft_blocker_options *options,
                         enum wf_blocking *out, weft_m_error *error)
{
    int rc = wf_check_blocking(weft_str_of(kind), out, error);
    if (rc < 0)
        return rc;
    bool is_sound = options->k1 >= 0 && options->k1 <= 1000 && options->b >= 0 && options->b <= 1 &&
                    options->score_cutoff >= 0 && options->score_cutoff <= 100;
    return is_sound ? 0 : wf_m_fail(error, -WEFT_M_EVALID, "k1, b or score_cutoff out of bounds");
}

static int build_all(weft_blocker *it)
{
    const wf_job job = {0};
    wf_block_desk desk = {0};
    int rc = 1;
    while (rc > 0)
        rc = wf_blocker_build(it, &desk, &job);
    wf_block_desk_fini(&desk);
    return rc;
}

int weft_blocker_new(weft_blocker **out, const char *kind, const weft_m_entity *entities,
                     size_t entity_count, const weft_blocker_options *options, weft_m_error *error)
{
    weft_blocker_options full;
    weft_blocker_options_init(&full);
    if (options != NULL)
        memcpy(&full, options, options->size < sizeof(full) ? options->size : sizeof(full));
    enum wf_blocking number = WF_BLOCK_NGRAM;
    wf_catalogue *catalogue = NULL;
    weft_blocker *it;
    weft_m_options limits;
    weft_m_options_init(&limits);
    const wf_limits most = {.entity_count_max = limits.entity_count_max,
                            .text_bytes_max = limits.query_bytes_max};
    int rc = check_options(kind, &full, &number, error);
    if (rc == 0)
        rc = wf_catalogue_new(&catalogue, entities, entity_count, &most, error);
    if (rc < 0)
        return rc;
    rc = wf_blocker_create(&it, catalogue, number, &full);
    wf_catalogue_unref(catalogue);
    if (rc < 0)
        return wf_m_fail_plain(error, rc);
    rc = build_all(it);
    if (rc < 0) {
        weft_blocker_free(it);
        return wf_m_fail_plain(error, rc);
    }
    *out = it;
    return 0;
}

int weft_blocker_block(const weft_blocker *it, weft_str text, size_t top_k, weft_blocked *found,
                       size_t *out_count)
{
    const wf_job job = {0};
    wf_block_desk desk = {0};
    if (top_k == 0 || !wf_utf8_is_valid(text.ptr, text.len))
        return -WEFT_M_EVALID;
    int rc = wf_blocker_find(it, &desk, text, top_k, /* allowed= */ NULL, &job);
    for (size_t i = 0; i < desk.rank.count && rc == 0; i++)
        found[i] = (weft_blocked){desk.rank.found[i].entity, desk.rank.found[i].score};
    if (rc == 0)
        *out_count = desk.rank.count;
    wf_block_desk_fini(&desk);
    return rc;
}
