/* SPDX-License-Identifier: MIT */

/*
 * Vectors: the rows' dense vectors, each of length 1 (or zero).
 *
 * Beside each row stands its copy in bytes, a quarter of the size.  It bounds each cosine: |row ·
 * query - scale * product of bytes| is at most what rounding took from the row plus what it took
 * from the query (Cauchy and Schwarz).  sweep.h searches by that.  The copy may be left out: then
 * the floats are read, four times as much memory, and every answer is the same.
 */
#ifndef WF_MATCH_VECTORS_H
#define WF_MATCH_VECTORS_H

#include "match/file/image.h"

#define WF_VECTOR_DIM_MAX 16384u

typedef struct wf_vectors {
    size_t dim, count, capacity;
    size_t float_width, byte_width; /* numbers a row */
    float *rows;                    /* at a multiple of 64 */
    void *memory;                   /* that holds them; NULL: an image's */
    bool is_of_image;

    bool has_bytes; /* else what follows is NULL */
    int8_t *bytes;
    int32_t *sums;    /* of a row's bytes */
    float *scales;    /* of a row: number = scale * byte, nearly */
    float *residuals; /* the length of what "nearly" leaves out, rounded up */
} wf_vectors;

/* Room for `count` rows, all zero.  0 or -ENOMEM: fini is allowed all the same. */
int wf_vectors_init(wf_vectors *vectors, size_t dim, size_t count);

/* The same without copies in bytes. */
int wf_vectors_init_floats(wf_vectors *vectors, size_t dim, size_t count);
void wf_vectors_fini(wf_vectors *vectors);

/* Room for `count` rows in all, of which the new ones are to be set; not of an image.  Memory is
 * not touched before that.  0 or -ENOMEM: as before. */
int wf_vectors_grow(wf_vectors *vectors, size_t count);

/* Makes row `row` of `dim` numbers, divided by their length. */
void wf_vectors_set(wf_vectors *vectors, size_t row, const float *numbers);

/* Makes row `row` the same as one of others of this dimension, which may have no copies. */
void wf_vectors_copy(wf_vectors *vectors, size_t row, const wf_vectors *from, size_t from_row);

/* The memory of the rows there are. */
size_t wf_vectors_bytes(const wf_vectors *vectors);

void wf_vectors_save(const wf_vectors *vectors, wf_pack *pack);

/* True of an image whose rows have copies in bytes. */
bool wf_vectors_are_quantized(const wf_image *image);

/* With copies if the image has them. */
int wf_vectors_load(wf_vectors *vectors, const wf_image *image, size_t dim, size_t count);

/* A query made ready, and one thread's memory.  Zeroed is ready. */
typedef struct wf_glance {
    float *query; /* float_width; of length 1, or zero */
    int8_t *bytes;
    float scale, residual;
    size_t dim;
} wf_glance;

void wf_glance_fini(wf_glance *glance);

/* Room for queries of `dim` numbers.  0 or -ENOMEM. */
int wf_glance_reserve(wf_glance *glance, const wf_vectors *vectors);

/* Takes glance->query[0, dim): divides by the length and makes its copy in bytes. */
void wf_glance_take(wf_glance *glance, const wf_vectors *vectors);

/* The product of two rows. */
float wf_vectors_between(const wf_vectors *vectors, size_t a, size_t b);

/* What the floats' product of a row and a query says. */
float wf_cosine_of(float product);

/* The cosine with one row. */
float wf_vectors_cosine(const wf_vectors *vectors, const wf_glance *glance, size_t row);

#endif
