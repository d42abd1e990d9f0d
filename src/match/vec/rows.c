/* SPDX-License-Identifier: MIT */

#include "match/vec/vec_priv.h"

#include "base/alloc.h"

#include <string.h>

/* Rows that are dead before it is worth to close up. */
#define DEAD_MIN 64u

/* Rows copied, or graphs' nodes passed, between two looks at the job. */
#define ROWS_A_POLL 1024u

#define PLACE_BITS_MIN 6u

/* Dead ones too. */
#define ROWS_MAX ((size_t)UINT32_MAX - 1)

/* ---- memory ---- */

static void free_arrays(wf_vec_rows *it)
{
    wf_vectors_fini(&it->vectors);
    wf_hnsw_fini(&it->graph);
    wf_free(it->rows);
    wf_free(it->live);
    wf_free(it->places);
    *it = (wf_vec_rows){0};
}

int wf_vec_rows_init(const weft_vec *store, wf_vec_rows *it, size_t count)
{
    return store->has_bytes ? wf_vectors_init(&it->vectors, store->dim, count)
                            : wf_vectors_init_floats(&it->vectors, store->dim, count);
}

void wf_vec_rows_fini(wf_vec_rows *it)
{
    for (size_t row = 0; row < it->vectors.count; row++)
        wf_vec_row_unref(it->rows[row]);
    free_arrays(it);
}

static int reserve_rows(wf_vec_rows *it, size_t count)
{
    size_t before = it->live_capacity, capacity = (count + count / 2 + 64) / 64 * 64;
    if (count <= before)
        return 0;
    wf_vec_row **rows = wf_grow(it->rows, capacity, sizeof(wf_vec_row *));
    it->rows = rows != NULL ? rows : it->rows;
    uint64_t *live = wf_grow(it->live, capacity / 64, sizeof(*live));
    it->live = live != NULL ? live : it->live;
    if (rows == NULL || live == NULL)
        return -ENOMEM;
    memset(live + before / 64, 0, (capacity - before) / 8);
    it->live_capacity = capacity;
    return 0;
}

/* ---- ids ---- */

static bool is_live(const wf_vec_rows *it, size_t row)
{
    return (it->live[row / 64] >> row % 64 & 1) != 0;
}

/* Where an id is, or would be. */
static size_t place_of(const weft_vec *store, const wf_vec_rows *it, weft_str id)
{
    size_t mask = ((size_t)1 << it->place_bits) - 1;
    size_t at = wf_hash(&store->key, id.ptr, id.len) & mask;
    for (; it->places[at] != 0; at = (at + 1) & mask) {
        size_t row = it->places[at] - 1;
        if (!is_live(it, row))
            continue;
        weft_str other = it->rows[row]->id;
        if (other.len == id.len && memcmp(other.ptr, id.ptr, id.len) == 0)
            break;
    }
    return at;
}

size_t wf_vec_rows_find(const weft_vec *store, const wf_vec_rows *it, weft_str id)
{
    if (it->places == NULL || id.len == 0)
        return SIZE_MAX;
    uint32_t place = it->places[place_of(store, it, id)];
    return place != 0 ? place - 1 : SIZE_MAX;
}

/* Room for the ids of `count` rows, dead ones counted. */
static int reserve_places(const weft_vec *store, wf_vec_rows *it, size_t count)
{
    unsigned bits = PLACE_BITS_MIN;
    while (((size_t)3 << bits) / 4 < count)
        bits++;
    if (it->places != NULL && bits <= it->place_bits)
        return 0;
    wf_vec_rows wider = *it;
    wider.place_bits = bits;
    wider.places = wf_array((size_t)1 << bits, sizeof(*wider.places));
    if (wider.places == NULL)
        return -ENOMEM;
    for (size_t row = 0; row < it->vectors.count; row++) {
        if (is_live(it, row))
            wider.places[place_of(store, &wider, it->rows[row]->id)] = (uint32_t)row + 1;
    }
    wf_free(it->places);
    it->places = wider.places;
    it->place_bits = bits;
    return 0;
}

/* ---- change ---- */

void wf_vec_rows_kill(wf_vec_rows *it, size_t row)
{
    it->live[row / 64] &= ~(UINT64_C(1) << row % 64);
    it->live_count--;
    if (it->has_graph)
        wf_hnsw_remove(&it->graph, (uint32_t)row);
    wf_vec_row_unref(it->rows[row]);
    it->rows[row] = NULL;
}

/* The row's record stands at its place already. */
static void bring_to_life(const weft_vec *store, wf_vec_rows *it, size_t row)
{
    size_t place = place_of(store, it, it->rows[row]->id);
    if (it->places[place] != 0)
        wf_vec_rows_kill(it, it->places[place] - 1);
    it->places[place] = (uint32_t)row + 1;
    it->live[row / 64] |= UINT64_C(1) << row % 64;
    it->live_count++;
}

int wf_vec_rows_put(weft_vec *store, wf_vec_rows *it, wf_vec_row *row, const float *numbers,
                    const wf_job *job)
{
    size_t count = it->vectors.count;
    bool is_full = it->live_count >= store->options.count_max || count >= ROWS_MAX;
    if (is_full && (count >= ROWS_MAX || wf_vec_rows_find(store, it, row->id) == SIZE_MAX))
        return -WEFT_ELIMIT;
    int rc = reserve_rows(it, count + 1);
    if (rc == 0)
        rc = reserve_places(store, it, count + 1);
    if (rc == 0)
        rc = wf_vectors_grow(&it->vectors, count + 1);
    if (rc < 0)
        return rc;
    wf_vectors_set(&it->vectors, count, numbers);
    if (it->has_graph) {
        rc = wf_hnsw_reserve(&it->graph, count + 1);
        if (rc == 0)
            rc = wf_hnsw_add(&it->graph, &it->vectors, (uint32_t)count, &store->desk, job);
    }
    if (rc < 0) {
        it->vectors.count = count;
        if (it->has_graph)
            it->graph.count = count; /* no node's place */
        return rc;
    }
    it->rows[count] = row;
    bring_to_life(store, it, count);
    return 0;
}

/* ---- closing up ---- */

/* The living rows and their vectors, in `out`; where each went, in `number`. */
static int copy_rows(const weft_vec *store, wf_vec_rows *out, uint32_t *number, const wf_job *job)
{
    const wf_vec_rows *from = &store->it;
    int rc = reserve_rows(out, from->live_count + 1);
    size_t at = 0;
    for (size_t row = 0; row < from->vectors.count && rc == 0; row++) {
        number[row] = WF_HNSW_NOWHERE;
        if (row % ROWS_A_POLL == 0)
            rc = wf_job_poll(job);
        if (rc < 0 || !is_live(from, row))
            continue;
        number[row] = (uint32_t)at;
        out->rows[at] = from->rows[row];
        out->live[at / 64] |= UINT64_C(1) << at % 64;
        wf_vectors_copy(&out->vectors, at++, &from->vectors, row);
    }
    out->live_count = at;
    return rc < 0 ? rc : reserve_places(store, out, at + 1);
}

static int copy_graph(weft_vec *store, wf_vec_rows *out, const uint32_t *number, const wf_job *job)
{
    wf_hnsw_move move = {.from = &store->it.graph, .number = number};
    wf_hnsw_init(&out->graph, &store->it.graph.options);
    int rc = wf_hnsw_reserve(&out->graph, out->live_count);
    while (rc == 0 && !wf_hnsw_move_is_done(&move))
        rc = wf_hnsw_move_some(&move, &out->graph, &out->vectors, &store->desk, job);
    out->has_graph = true;
    return rc;
}

int wf_vec_rows_close_up(weft_vec *store, bool whole, const wf_job *job)
{
    size_t count = store->it.vectors.count, dead = count - store->it.live_count;
    if (dead == 0 || (!whole && (dead < DEAD_MIN || dead < count / 4)))
        return 0;
    wf_vec_rows out = {0};
    uint32_t *number = wf_array(count, sizeof(*number));
    int rc = number != NULL ? wf_vec_rows_init(store, &out, store->it.live_count) : -ENOMEM;
    if (rc == 0)
        rc = copy_rows(store, &out, number, job);
    if (rc == 0 && store->it.has_graph && out.live_count != 0)
        rc = copy_graph(store, &out, number, job);
    wf_free(number);
    if (rc < 0) {
        free_arrays(&out);
        return rc;
    }
    free_arrays(&store->it);
    store->it = out;
    return 0;
}

/* ---- the graph ---- */

static bool wants_graph(const weft_vec *store)
{
    return store->kind == WF_VEC_HNSW
               ? store->it.live_count != 0
               : store->kind == WF_VEC_AUTO && store->it.live_count > store->options.ann_rows_min;
}

static int make_graph(weft_vec *store, const wf_job *job)
{
    wf_vec_rows *it = &store->it;
    const wf_hnsw_options options = {.m = store->options.m,
                                     .ef_construction = store->options.ef_construction,
                                     .ef = store->options.ef,
                                     .seed = store->options.seed};
    wf_hnsw_init(&it->graph, &options);
    int rc = wf_hnsw_reserve(&it->graph, it->vectors.count);
    for (size_t row = 0; row < it->vectors.count && rc == 0; row++) {
        if (is_live(it, row))
            rc = wf_hnsw_add(&it->graph, &it->vectors, (uint32_t)row, &store->desk, job);
    }
    it->has_graph = rc == 0;
    if (rc < 0)
        wf_hnsw_fini(&it->graph);
    return rc;
}

int wf_vec_rows_link(weft_vec *store, const wf_job *job)
{
    wf_vec_rows *it = &store->it;
    int rc = !it->has_graph && wants_graph(store) ? make_graph(store, job) : 0;
    if (rc == 0 && it->has_graph && wf_hnsw_wants_tuning(&it->graph))
        rc = wf_hnsw_tune(&it->graph, &it->vectors, &store->desk, job);
    return rc;
}
