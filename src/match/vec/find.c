/* SPDX-License-Identifier: MIT */

/* Questions to a store. */
#include "match/vec/vec_priv.h"

#include "base/alloc.h"
#include "base/list.h"
#include "match/error.h"
#include "match/index/nearest.h"
#include "match/index/volley.h"

#include <math.h>
#include <string.h>

/* Rows asked for a filter's tags between two looks at the job. */
#define ROWS_A_POLL 4096u

/* One thread's memory; spare ones wait in a list. */
struct desk {
    wf_spare kept; /* first: see wf_spares */
    wf_volley *volley;
    wf_hnsw_desk walk;
};

/* Those of query i are hits[start[i], start[i + 1]), and so are their rows. */
struct weft_vec_results {
    size_t query_count, hit_count, capacity;
    size_t *start;
    weft_vec_hit *hits;
    wf_vec_row **rows; /* references */
};

struct question {
    weft_vec *store;
    const float *numbers;
    const weft_vec_query *query;
    uint64_t *passing; /* by a filter; else NULL */
    weft_vec_results *out;
};

void weft_vec_query_init(weft_vec_query *query)
{
    *query = (weft_vec_query){.size = sizeof(*query), .top_k = 10, .threshold = -1};
}

/* ---- memory ---- */

void wf_vec_desk_free(wf_spare *spare)
{
    struct desk *desk = wf_container(spare, struct desk, kept);
    wf_volley_free(desk->volley);
    wf_hnsw_desk_fini(&desk->walk);
    wf_free(desk);
}

void weft_vec_results_free(weft_vec_results *results)
{
    if (results == NULL)
        return;
    for (size_t i = 0; i < results->hit_count; i++)
        wf_vec_row_unref(results->rows[i]);
    wf_free(results->start);
    wf_free(results->hits);
    wf_free(results->rows);
    wf_free(results);
}

static int results_new(weft_vec_results **out, size_t query_count)
{
    weft_vec_results *results = wf_alloc(sizeof(*results));
    if (results == NULL)
        return -ENOMEM;
    results->query_count = query_count;
    results->start = wf_array(query_count + 1, sizeof(*results->start));
    *out = results;
    return results->start != NULL ? 0 : -ENOMEM;
}

static int reserve_hits(weft_vec_results *results, size_t count)
{
    size_t capacity = count + count / 2 + 16;
    if (count <= results->capacity)
        return 0;
    weft_vec_hit *hits = wf_grow(results->hits, capacity, sizeof(*hits));
    results->hits = hits != NULL ? hits : results->hits;
    wf_vec_row **rows = wf_grow(results->rows, capacity, sizeof(wf_vec_row *));
    results->rows = rows != NULL ? rows : results->rows;
    if (hits == NULL || rows == NULL)
        return -ENOMEM;
    results->capacity = capacity;
    return 0;
}

/* ---- asking ---- */

static int take_rank(const weft_vec *store, const wf_rank *rank, weft_vec_results *out)
{
    int rc = reserve_hits(out, out->hit_count + rank->count);
    for (size_t i = 0; i < rank->count && rc == 0; i++) {
        wf_vec_row *row = wf_vec_row_ref(store->it.rows[rank->found[i].row]);
        out->rows[out->hit_count] = row;
        out->hits[out->hit_count++] = (weft_vec_hit){.id = row->id,
                                                     .score = rank->found[i].score,
                                                     .tags = row->tags,
                                                     .tag_count = row->tag_count};
    }
    return rc;
}

static int take_ranks(const struct question *it, const struct desk *desk, size_t first,
                      size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        wf_rank_end(&desk->volley->ranks[i]);
        rc = take_rank(it->store, &desk->volley->ranks[i], it->out);
        it->out->start[first + i + 1] = it->out->hit_count;
    }
    return rc;
}

/* Queries [first, first + count), together. */
static int ask_some(const struct question *it, struct desk *desk, size_t first, size_t count,
                    const wf_job *job)
{
    const weft_vec *store = it->store;
    const wf_vec_rows *rows = &store->it;
    bool has_dead = rows->live_count < rows->vectors.count;
    bool is_graph = wf_vec_uses_graph(store) && it->passing == NULL;
    const uint64_t *allowed = it->passing;
    int rc = wf_job_poll(job);
    if (allowed == NULL && has_dead && !is_graph)
        allowed = rows->live;
    if (rc == 0)
        rc = wf_volley_read(desk->volley, &rows->vectors, it->numbers + first * store->dim, count);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = wf_volley_begin(desk->volley, i, allowed, it->query->top_k, rows->vectors.count,
                             it->query->threshold);
    if (rc == 0)
        rc = wf_nearest_offer(&rows->vectors, is_graph ? &rows->graph : NULL, /* rows_each= */ 1,
                              desk->volley->looks, count, /* row_entity= */ NULL, &desk->walk, job);
    return rc < 0 ? rc : take_ranks(it, desk, first, count);
}

static struct desk *take_desk(weft_vec *store)
{
    struct desk *desk = wf_spares_take(&store->desks);
    if (desk == NULL)
        desk = wf_alloc(sizeof(*desk));
    if (desk != NULL && desk->volley == NULL)
        desk->volley = wf_volley_new();
    return desk;
}

static int ask_each(struct question *it, const wf_job *job)
{
    weft_vec *store = it->store;
    size_t total = store->it.live_count != 0 ? it->out->query_count : 0;
    struct desk *desk = take_desk(store);
    if (desk == NULL)
        return -ENOMEM;
    int rc = desk->volley != NULL ? wf_job_poll(job) : -ENOMEM;
    for (size_t at = 0; at < total && rc == 0; at += WF_VOLLEY_MAX)
        rc = ask_some(it, desk, at, total - at < WF_VOLLEY_MAX ? total - at : WF_VOLLEY_MAX, job);
    wf_spares_give(&store->desks, &desk->kept);
    return rc;
}

/* Which rows a filter lets pass. */
static int filter_rows(struct question *it, const wf_job *job)
{
    const wf_vec_rows *rows = &it->store->it;
    const weft_vec_query *query = it->query;
    int rc = 0;
    it->passing = wf_array(rows->vectors.count / 64 + 1, sizeof(*it->passing));
    if (it->passing == NULL)
        return -ENOMEM;
    for (size_t row = 0; row < rows->vectors.count && rc == 0; row++) {
        if (row % ROWS_A_POLL == 0)
            rc = wf_job_poll(job);
        if (rows->rows[row] != NULL &&
            wf_vec_row_passes(rows->rows[row], query->filter, query->filter_count))
            it->passing[row / 64] |= UINT64_C(1) << row % 64;
    }
    return rc;
}

static int ask_body(void *arg)
{
    struct question *it = arg;
    const wf_job job = {0};
    int rc = it->query->filter_count != 0 ? filter_rows(it, &job) : 0;
    if (rc == 0)
        rc = ask_each(it, &job);
    wf_free(it->passing);
    it->passing = NULL;
    return rc;
}

static int check(const weft_vec *store, const float *numbers, size_t query_count,
                 const weft_vec_query *query, weft_m_error *error)
{
    const char *field = NULL, *message = NULL;
    for (size_t i = 0; i < query_count * store->dim && field == NULL; i++) {
        if (!isfinite(numbers[i])) {
            field = "numbers";
            message = "a query's numbers are not finite";
        }
    }
    if (query->top_k < 1) {
        field = "top_k";
        message = "top_k must be >= 1";
    } else if (!isfinite(query->threshold)) {
        field = "threshold";
        message = "threshold must be a number";
    }
    if (field == NULL)
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "%s", message);
    wf_m_error_field(error, "%s", field);
    return -WEFT_M_EVALID;
}

int weft_vec_find(weft_vec *store, const float *numbers, size_t query_count,
                  const weft_vec_query *query, weft_vec_results **out, weft_m_error *error)
{
    weft_vec_query full;
    weft_vec_query_init(&full);
    if (query != NULL)
        memcpy(&full, query, query->size < sizeof(full) ? query->size : sizeof(full));
    int rc = check(store, numbers, query_count, &full, error);
    if (rc < 0)
        return rc;
    struct question it = {.store = store, .numbers = numbers, .query = &full};
    rc = results_new(&it.out, query_count);
    if (rc == 0)
        rc = wf_gate_enter(&store->gate, WF_GATE_SHARED);
    if (rc == 0) {
        rc = wf_work_run(ask_body, &it);
        wf_gate_leave(&store->gate, WF_GATE_SHARED);
    }
    if (rc < 0) {
        weft_vec_results_free(it.out);
        return wf_m_fail_plain(error, rc);
    }
    *out = it.out;
    return 0;
}

const weft_vec_hit *weft_vec_results_hits(const weft_vec_results *results, size_t index,
                                          size_t *out_count)
{
    *out_count = results->start[index + 1] - results->start[index];
    return *out_count != 0 ? results->hits + results->start[index] : NULL;
}
