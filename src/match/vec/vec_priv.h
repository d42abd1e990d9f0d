/* SPDX-License-Identifier: MIT */

/*
 * The record of a store.
 *
 * Rows are in the order in which they were put.  A row that is removed or replaced stays, dead,
 * until a quarter is; then the living ones close up, into arrays that take the old ones' place at
 * once.
 */
#ifndef WF_MATCH_VEC_PRIV_H
#define WF_MATCH_VEC_PRIV_H

#include "base/hash.h"
#include "match/gate.h"
#include "match/index/hnsw.h"
#include "match/model/spares.h"
#include "match/vec/row.h"

#include <weft/vec.h>

/* What changes with the rows. */
typedef struct wf_vec_rows {
    wf_vectors vectors;
    wf_vec_row **rows; /* NULL: dead */
    uint64_t *live;    /* bit n: row n is not dead */
    size_t live_capacity, live_count;

    /* Open addressing by id: a row and 1; those of dead rows are passed over. */
    uint32_t *places;
    unsigned place_bits;

    wf_hnsw graph;
    bool has_graph; /* of all rows but the dead */
} wf_vec_rows;

enum wf_vec_kind { WF_VEC_AUTO, WF_VEC_EXACT, WF_VEC_HNSW };

struct weft_vec {
    wf_gate gate; /* shared: asks; exclusive: changes */
    size_t dim;
    bool has_bytes; /* rows have copies in bytes: quantization "int8" */
    weft_vec_options options;
    enum wf_vec_kind kind;
    wf_hash_key key;
    wf_vec_rows it;
    wf_hnsw_desk desk; /* of the one who changes */
    wf_spares desks;   /* of those who ask */
};

/* 0, or -WEFT_M_EVALID; NULL is fine. */
int wf_vec_check_quantization(const char *name, weft_m_error *error);

/* ---- rows (rows.c) ---- */

void wf_vec_rows_fini(wf_vec_rows *it);

/* Room for rows as the store's are.  0 or -ENOMEM: fini is allowed all the same. */
int wf_vec_rows_init(const weft_vec *store, wf_vec_rows *it, size_t count);

/* A living row of an id; SIZE_MAX: none. */
size_t wf_vec_rows_find(const weft_vec *store, const wf_vec_rows *it, weft_str id);

/* Puts a row behind the others: takes `row`, if it succeeds, in the place of one with its id.  0,
 * -ENOMEM, -WEFT_ELIMIT, or what the job says. */
int wf_vec_rows_put(weft_vec *store, wf_vec_rows *it, wf_vec_row *row, const float *numbers,
                    const wf_job *job);

void wf_vec_rows_kill(wf_vec_rows *it, size_t row);

/* Closes up if a quarter is dead, or `whole`. */
int wf_vec_rows_close_up(weft_vec *store, bool whole, const wf_job *job);

/* Makes the graph if there should be one, and tunes it if it changed. */
int wf_vec_rows_link(weft_vec *store, const wf_job *job);

/* Does the graph answer what has no filter? */
static inline bool wf_vec_uses_graph(const weft_vec *store)
{
    const wf_vec_rows *it = &store->it;
    return it->has_graph && it->live_count != 0 &&
           (store->kind == WF_VEC_HNSW || it->live_count > store->options.ann_rows_min) &&
           wf_hnsw_is_worth(&it->graph);
}

/* ---- asking (find.c) ---- */

void wf_vec_desk_free(wf_spare *spare);

/* ---- files (vec_file.c) ---- */

/* The bytes of its file, the caller's.  0, -ENOMEM, or what the job says. */
int wf_vec_bytes(weft_vec *store, const wf_job *job, weft_bytes *out);

/* Of bytes in memory; for tests and fuzzing. */
int wf_vec_of_bytes(weft_vec **out, const void *bytes, size_t count, weft_m_error *error);

#endif
