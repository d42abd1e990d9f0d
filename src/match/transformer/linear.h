/* SPDX-License-Identifier: MIT */

/* Linear: rows times a matrix plus a bias.  The matrix is kept in panels of WF_PANEL columns, as
 * the kernels want it. */
#ifndef WF_MATCH_LINEAR_H
#define WF_MATCH_LINEAR_H

#include "match/transformer/kernel.h"
#include "match/work.h"

/* Numbers at a multiple of 64 bytes, zeroed. */
typedef struct wf_floats {
    void *block;
    float *at;
} wf_floats;

int wf_floats_new(wf_floats *floats, size_t count); /* 0 or -ENOMEM */
void wf_floats_fini(wf_floats *floats);

/* A width that rows of `width` numbers may have in memory: no power of two, for those would
 * compete for the same places of the cache. */
static inline size_t wf_stride(size_t width)
{
    return (width + WF_PANEL - 1) / WF_PANEL * WF_PANEL + WF_LANES;
}

/* Multiply-adds between two looks at whether to go on: half a millisecond where instructions are
 * wide, some tens where there are none. */
#define WF_PRODUCTS_A_POLL ((size_t)16 << 20)

/* Toil: computing that looks at its job now and then. */
typedef struct wf_toil {
    const wf_job *job;
    size_t products; /* since it looked */
} wf_toil;

/* So many multiply-adds are done: 0, or what the job is halted with. */
static inline int wf_toil_add(wf_toil *toil, size_t products)
{
    toil->products += products;
    if (toil->products < WF_PRODUCTS_A_POLL)
        return 0;
    toil->products = 0;
    return wf_job_poll(toil->job);
}

typedef struct wf_linear {
    wf_floats panels, bias; /* zeros behind the last column */
    size_t in, out;
} wf_linear;

/* Zeros.  0 or -ENOMEM. */
int wf_linear_init(wf_linear *linear, size_t in, size_t out);
void wf_linear_fini(wf_linear *linear); /* of a zeroed one too */

/* Columns [first, first + count), at most WF_PANEL of which lie in one panel: weights[c] are the
 * `in` numbers that make column first + c. */
void wf_linear_set(wf_linear *linear, size_t first, size_t count, const float *weights);

/* out = in * matrix + bias, for `rows` rows.  0, or what the job is halted with. */
int wf_linear_run(const wf_linear *linear, const wf_kernel *kernel, const float *in,
                  size_t in_stride, size_t rows, float *out, size_t out_stride, const wf_job *job);

#endif
