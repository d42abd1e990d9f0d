/* SPDX-License-Identifier: MIT */

/*
 * Vec: a store of vectors under ids, and those nearest to a query by cosine.
 *
 *     weft_vec *store;
 *     if (weft_vec_new(&store, 384, NULL, &error) < 0)
 *         ... error.message ...
 *     weft_vec_item items[] = {{.id = WEFT_STR("apple"), .numbers = apple},
 *                              {.id = WEFT_STR("pear"), .numbers = pear}};
 *     rc = weft_vec_put(store, items, 2, &error);
 *     weft_vec_results *found;
 *     rc = weft_vec_find(store, query, 1, NULL, &found, &error);
 *     size_t count;
 *     const weft_vec_hit *hits = weft_vec_results_hits(found, 0, &count);
 *     for (size_t i = 0; i < count; i++)
 *         ... hits[i].id, hits[i].score ...
 *     weft_vec_results_free(found);
 *     weft_vec_free(store);
 *
 * It is the index of the matcher's dense scores (<weft/match.h>) by itself, for vectors that come
 * from elsewhere.  A vector is divided by its length; one of length 0 scores 0.
 *
 * Kinds.  "exact": every vector is looked at, in a few milliseconds for some hundred thousand.
 * "hnsw": a graph of neighbours leads to the nearest ones, of which it may miss one in a hundred;
 * it costs time when vectors are put.  "auto", the default: exact, and by a graph above
 * ann_rows_min.  A question with a filter is exact in every kind.  The same calls in the same order
 * give the same answers.
 *
 * Quantization.  "int8", the default: beside its numbers each vector has a copy of one byte a
 * number, which questions read; only vectors that could be among the best are computed in full.
 * "none": without the copies, so a question reads four times as much memory.  Answers are the same
 * to the bit, so it is memory against time: of 10,000 vectors of 256 numbers one query takes 3
 * times as long, each of 200 together twice as long.
 *
 * Memory, of the numbers as floats (256 each, short ids, put one by one, no graph; what the process
 * really holds): 1.06 to 1.08 with "none", 1.33 to 1.35 with "int8", at 10,000, 100,000 and
 * 1,000,000 vectors.  Address space is reserved ahead for half as many again.  What is removed or
 * replaced stays until it is a quarter; then, and before a save, the rest moves, which needs room
 * for all of it once more.  So does loading, and a save needs the file's bytes.
 *
 * Threads: every call from any thread and any loop; questions go side by side, changes one by one.
 *
 * Waiting: a call marked WEFT_WAITS that is made in a task runs on the executor, the loop goes on,
 * and cancelling the task ends it with -ECANCELED.  Outside any loop it works in the calling
 * thread.
 *
 * Errors: 0 or a negative code; `error` is the caller's, may be NULL, and is written on failure
 * only.
 *
 * Library: weft-match.
 */
#ifndef WEFT_VEC_H
#define WEFT_VEC_H

#include <weft/match.h>

WEFT_BEGIN_DECLS

typedef struct weft_vec weft_vec;
typedef struct weft_vec_results weft_vec_results;

/* Fill with weft_vec_options_init, then change what you want. */
typedef struct weft_vec_options {
    size_t size;
    const char *kind;         /* "auto", "exact" or "hnsw" */
    size_t ann_rows_min;      /* auto: with more vectors there is a graph; 200,000 */
    size_t count_max;         /* vectors, at most 2^31 - 1; 10,000,000 */
    size_t id_bytes_max;      /* of an id, and of a tag's key and value; 1,024 */
    uint32_t m;               /* graph: neighbours of a vector, 2 to 128; 16 */
    uint32_t ef_construction; /* graph: vectors looked at for a new one's neighbours; 200 */
    uint32_t ef;              /* graph: vectors looked at for a question, or more; 200 */
    uint64_t seed;            /* graph: 42 */
    const char *quantization; /* "int8" or "none"; NULL: "int8", of a file its own */
} weft_vec_options;
WEFT_API void weft_vec_options_init(weft_vec_options *options);

/* Makes an empty store of vectors of `dimension` (1 to 16,384) numbers.  `options` may be NULL.
 * -WEFT_M_EVALID, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_vec_new(weft_vec **out, size_t dimension,
                                        const weft_vec_options *options, weft_m_error *error);

/* Frees the store.  No call may be under way.  NULL is fine. */
WEFT_API void weft_vec_free(weft_vec *store);

/* ---- change ---- */

/* Something known of a vector, to filter by and to get back. */
typedef struct weft_vec_tag {
    weft_str key, value;
} weft_vec_tag;

/* All is borrowed for the call; the store keeps copies. */
typedef struct weft_vec_item {
    weft_str id;          /* not empty */
    const float *numbers; /* as many as the dimension, finite */
    const weft_vec_tag *tags;
    size_t tag_count;
} weft_vec_item;

/* Puts vectors in.  One whose id is there already gets the new numbers and tags, and counts as put
 * now.  All items are checked before any is put: -WEFT_M_EVALID, or -WEFT_ELIMIT for a text that is
 * too long.  After -WEFT_ELIMIT for count_max, -ECANCELED and -ENOMEM some items have been put and
 * others not; putting all again is harmless. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_vec_put(weft_vec *store, const weft_vec_item *items,
                                                   size_t item_count, weft_m_error *error);

/* Removes vectors; unknown ids are ignored.  *out_removed (may be NULL) is how many were removed,
 * also after -ECANCELED and -ENOMEM; their memory is then given back by a later change. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_vec_remove(weft_vec *store, const weft_str *ids,
                                                      size_t id_count, size_t *out_removed,
                                                      weft_m_error *error);

/* ---- ask ---- */

/* The settings of one question.  Fill with weft_vec_query_init. */
typedef struct weft_vec_query {
    size_t size;
    size_t top_k;               /* at least 1; 10 */
    float threshold;            /* least score of a hit; -1 */
    const weft_vec_tag *filter; /* only vectors that have each of these tags; NULL: all */
    size_t filter_count;
} weft_vec_query;
WEFT_API void weft_vec_query_init(weft_vec_query *query);

/* Strings live as long as the results. */
typedef struct weft_vec_hit {
    weft_str id;
    float score; /* the cosine; 1 - score is the distance */
    const weft_vec_tag *tags;
    size_t tag_count;
} weft_vec_hit;

/* Finds the vectors nearest to each of `query_count` queries, whose numbers follow one another.
 * `query` may be NULL.  *out is the caller's.  -WEFT_M_EVALID, -ECANCELED, -ENOMEM. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_vec_find(weft_vec *store, const float *numbers,
                                                    size_t query_count, const weft_vec_query *query,
                                                    weft_vec_results **out, weft_m_error *error);

/* The hits of query `index`, best first, equal scores in the order in which they were put.
 * Borrowed. */
WEFT_API const weft_vec_hit *weft_vec_results_hits(const weft_vec_results *results, size_t index,
                                                   size_t *out_count);
WEFT_API void weft_vec_results_free(weft_vec_results *results); /* NULL is fine */

/* Copies the numbers of a vector, normalised to length 1, to `out`, which must have room for them.
 * 0, -ENOENT, -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_vec_get(weft_vec *store, weft_str id, float *out);

/* ---- look ---- */

typedef struct weft_vec_info {
    size_t size; /* sizeof(weft_vec_info); set by the caller */
    size_t dimension, count;
    size_t bytes;     /* memory of vectors, ids, tags and graph */
    const char *kind; /* what answers now, where there is no filter: "exact" or "hnsw" */
    uint32_t ef;      /* hnsw: vectors looked at for a question; it is measured */
    bool has_graph; /* there is one, also where "exact" answers: where a walk would take longer than
                       a scan, or not find enough, and below ann_rows_min again */
    const char *quantization; /* "int8" or "none" */
} weft_vec_info;

/* Fills *out.  0, or -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_vec_info_get(weft_vec *store, weft_vec_info *out);

/* ---- files ---- */

/* Saves vectors, tags and graph, with a checksum.  The file is replaced atomically: whoever looks
 * at `path`, also after a crash, finds all of the old file or all of the new one.  0; -errno of the
 * file, -ENOMEM, -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_vec_save(weft_vec *store, const char *path,
                                                    weft_m_error *error);

/* Makes a store in *out from a file; it answers as the one that was saved did.  Kind and graph are
 * the file's; so is the quantization, unless `options`, which may be NULL, name one: copies are
 * then made or left out.  Otherwise the limits of `options` are used.  Nothing in a file is
 * trusted: -WEFT_M_EPERSIST, -WEFT_ELIMIT, -errno of the file, -ENOMEM, -ECANCELED; -WEFT_M_EVALID
 * for an unknown quantization. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_vec_load(weft_vec **out, const char *path,
                                                    const weft_vec_options *options,
                                                    weft_m_error *error);

WEFT_END_DECLS

#endif
