/* SPDX-License-Identifier: MIT */

/* Life and changes of a store. */
#include "match/vec/vec_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/error.h"

#include <math.h>
#include <string.h>

#define COUNT_MAX ((size_t)INT32_MAX)

/* ---- settings ---- */

void weft_vec_options_init(weft_vec_options *options)
{
    wf_hnsw_options graph;
    wf_hnsw_options_init(&graph);
    *options = (weft_vec_options){.size = sizeof(*options),
                                  .kind = "auto",
                                  .ann_rows_min = WF_HNSW_ROWS_MIN,
                                  .count_max = 10000000,
                                  .id_bytes_max = 1024,
                                  .m = graph.m,
                                  .ef_construction = graph.ef_construction,
                                  .ef = graph.ef,
                                  .seed = graph.seed};
}

static int fail(weft_m_error *error, const char *field, const char *message)
{
    wf_m_fail(error, -WEFT_M_EVALID, "%s", message);
    wf_m_error_field(error, "%s", field);
    return -WEFT_M_EVALID;
}

static int take_kind(weft_vec *store, weft_m_error *error)
{
    static const char *const names[] = {"auto", "exact", "hnsw"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (store->options.kind != NULL && strcmp(store->options.kind, names[i]) == 0) {
            store->kind = (enum wf_vec_kind)i;
            store->options.kind = names[i];
            return 0;
        }
    }
    wf_m_error_suggest(error, "Use 'auto', 'exact' or 'hnsw'");
    return fail(error, "kind", "there is no such kind of store");
}

int wf_vec_check_quantization(const char *name, weft_m_error *error)
{
    if (name == NULL || strcmp(name, "int8") == 0 || strcmp(name, "none") == 0)
        return 0;
    wf_m_error_suggest(error, "Use 'int8' or 'none'");
    return fail(error, "quantization", "there is no such quantization");
}

static int take_quantization(weft_vec *store, weft_m_error *error)
{
    const char *name = store->options.quantization;
    int rc = wf_vec_check_quantization(name, error);
    store->has_bytes = name == NULL || strcmp(name, "none") != 0;
    store->options.quantization = store->has_bytes ? "int8" : "none"; /* that was the caller's */
    return rc;
}

static int check_options(weft_vec *store, weft_m_error *error)
{
    const weft_vec_options *options = &store->options;
    if (store->dim < 1 || store->dim > WF_VECTOR_DIM_MAX)
        return fail(error, "dimension", "dimension must be between 1 and 16,384");
    if (options->count_max > COUNT_MAX)
        return fail(error, "count_max", "count_max must be below 2^31");
    if (options->m < 2 || options->m > WF_HNSW_M_MAX)
        return fail(error, "m", "m must be between 2 and 128");
    if (options->ef < 1 || options->ef > WF_HNSW_EF_MAX)
        return fail(error, "ef", "ef must be between 1 and 65,536");
    if (options->ef_construction < 1 || options->ef_construction > WF_HNSW_EF_MAX)
        return fail(error, "ef_construction", "ef_construction must be between 1 and 65,536");
    int rc = take_quantization(store, error);
    return rc == 0 ? take_kind(store, error) : rc;
}

/* ---- life ---- */

int weft_vec_new(weft_vec **out, size_t dimension, const weft_vec_options *options,
                 weft_m_error *error)
{
    weft_vec *store = wf_alloc(sizeof(*store));
    if (store == NULL)
        return wf_m_fail_plain(error, -ENOMEM);
    weft_vec_options_init(&store->options);
    if (options != NULL)
        memcpy(&store->options, options,
               options->size < sizeof(*options) ? options->size : sizeof(*options));
    store->dim = dimension;
    wf_gate_init(&store->gate);
    wf_spares_init(&store->desks);
    int rc = check_options(store, error);
    if (rc == 0) {
        rc = wf_sys_random(&store->key, sizeof(store->key));
        if (rc == 0)
            rc = wf_vec_rows_init(store, &store->it, 0);
        rc = rc < 0 ? wf_m_fail_plain(error, rc) : 0;
    }
    if (rc < 0)
        weft_vec_free(store);
    else
        *out = store;
    return rc;
}

void weft_vec_free(weft_vec *store)
{
    if (store == NULL)
        return;
    wf_vec_rows_fini(&store->it);
    wf_hnsw_desk_fini(&store->desk);
    wf_spares_fini(&store->desks, wf_vec_desk_free);
    wf_gate_fini(&store->gate);
    wf_free(store);
}

/* ---- changes ---- */

struct change {
    weft_vec *store;
    const weft_vec_item *items;
    const weft_str *ids; /* to be removed, without items */
    size_t count, removed;
};

static int put_items(const struct change *change, const wf_job *job)
{
    weft_vec *store = change->store;
    int rc = 0;
    for (size_t i = 0; i < change->count && rc == 0; i++) {
        const weft_vec_item *item = &change->items[i];
        wf_vec_row *row = wf_vec_row_new(item->id, item->tags, item->tag_count);
        rc = row != NULL ? wf_job_poll(job) : -ENOMEM;
        if (rc == 0)
            rc = wf_vec_rows_put(store, &store->it, row, item->numbers, job);
        if (rc < 0)
            wf_vec_row_unref(row);
    }
    return rc;
}

static void remove_ids(struct change *change)
{
    weft_vec *store = change->store;
    for (size_t i = 0; i < change->count; i++) {
        size_t row = wf_vec_rows_find(store, &store->it, change->ids[i]);
        if (row != SIZE_MAX) {
            wf_vec_rows_kill(&store->it, row);
            change->removed++;
        }
    }
}

static int change_body(void *arg)
{
    struct change *change = arg;
    const wf_job job = {0};
    int rc = 0;
    if (change->items != NULL)
        rc = put_items(change, &job);
    else
        remove_ids(change);
    if (rc == 0)
        rc = wf_vec_rows_close_up(change->store, /* whole= */ false, &job);
    return rc < 0 ? rc : wf_vec_rows_link(change->store, &job);
}

static int run_change(struct change *change, weft_m_error *error)
{
    int rc = wf_gate_enter(&change->store->gate, WF_GATE_EXCLUSIVE);
    if (rc == 0) {
        rc = wf_work_run(change_body, change);
        wf_gate_leave(&change->store->gate, WF_GATE_EXCLUSIVE);
    }
    if (rc == -WEFT_ELIMIT)
        return wf_m_fail_limit(error, "the store", "vectors", change->store->options.count_max,
                               change->store->options.count_max + 1);
    return rc < 0 ? wf_m_fail_plain(error, rc) : 0;
}

static int check_text(const weft_vec *store, weft_str text, const char *what, size_t index,
                      weft_m_error *error)
{
    size_t most = store->options.id_bytes_max;
    if (text.len <= most)
        return 0;
    wf_m_fail_limit(error, what, "bytes", most, text.len);
    wf_m_error_field(error, "items[%zu].%s", index, what);
    return -WEFT_ELIMIT;
}

static int check_item(const weft_vec *store, const weft_vec_item *item, size_t index,
                      weft_m_error *error)
{
    bool is_finite = true;
    for (size_t i = 0; i < store->dim; i++)
        is_finite &= isfinite(item->numbers[i]) != 0;
    if (item->id.len == 0 || !is_finite) {
        wf_m_fail(error, -WEFT_M_EVALID, "%s",
                  is_finite ? "a vector's id is empty" : "a vector's numbers are not finite");
        wf_m_error_field(error, "items[%zu].%s", index, is_finite ? "id" : "numbers");
        return -WEFT_M_EVALID;
    }
    int rc = check_text(store, item->id, "id", index, error);
    for (size_t i = 0; i < item->tag_count && rc == 0; i++) {
        rc = check_text(store, item->tags[i].key, "key", index, error);
        if (rc == 0)
            rc = check_text(store, item->tags[i].value, "value", index, error);
    }
    return rc;
}

int weft_vec_put(weft_vec *store, const weft_vec_item *items, size_t item_count,
                 weft_m_error *error)
{
    struct change change = {.store = store, .items = items, .count = item_count};
    for (size_t i = 0; i < item_count; i++) {
        int rc = check_item(store, &items[i], i, error);
        if (rc < 0)
            return rc;
    }
    return item_count != 0 ? run_change(&change, error) : 0;
}

int weft_vec_remove(weft_vec *store, const weft_str *ids, size_t id_count, size_t *out_removed,
                    weft_m_error *error)
{
    struct change change = {.store = store, .ids = ids, .count = id_count};
    int rc = id_count != 0 ? run_change(&change, error) : 0;
    if (out_removed != NULL)
        *out_removed = change.removed;
    return rc;
}

/* ---- look ---- */

int weft_vec_get(weft_vec *store, weft_str id, float *out)
{
    int rc = wf_gate_enter(&store->gate, WF_GATE_SHARED);
    if (rc < 0)
        return rc;
    size_t row = wf_vec_rows_find(store, &store->it, id);
    if (row != SIZE_MAX)
        memcpy(out, store->it.vectors.rows + row * store->it.vectors.float_width,
               store->dim * sizeof(*out));
    wf_gate_leave(&store->gate, WF_GATE_SHARED);
    return row != SIZE_MAX ? 0 : -ENOENT;
}

static size_t bytes_of(const weft_vec *store)
{
    const wf_vec_rows *it = &store->it;
    size_t count = it->vectors.count;
    size_t bytes = sizeof(*store) + wf_vectors_bytes(&it->vectors) + wf_hnsw_bytes(&it->graph) +
                   count * sizeof(wf_vec_row *) + it->live_capacity / 8;
    if (it->places != NULL)
        bytes += ((size_t)1 << it->place_bits) * sizeof(*it->places);
    for (size_t row = 0; row < count; row++)
        bytes += it->rows[row] != NULL ? wf_vec_row_bytes(it->rows[row]) : 0;
    return bytes;
}

int weft_vec_info_get(weft_vec *store, weft_vec_info *out)
{
    weft_vec_info info = {.size = out->size, .dimension = store->dim};
    int rc = wf_gate_enter(&store->gate, WF_GATE_SHARED);
    if (rc < 0)
        return rc;
    bool is_graph = wf_vec_uses_graph(store);
    info.count = store->it.live_count;
    info.bytes = bytes_of(store);
    info.kind = is_graph ? "hnsw" : "exact";
    info.ef = is_graph ? store->it.graph.options.ef : 0;
    info.quantization = store->options.quantization;
    info.has_graph = store->it.has_graph;
    wf_gate_leave(&store->gate, WF_GATE_SHARED);
    memcpy(out, &info, out->size < sizeof(info) ? out->size : sizeof(info));
    return 0;
}
