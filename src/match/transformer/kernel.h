/* SPDX-License-Identifier: MIT */

/*
 * Kernel: the arithmetic of a transformer, and of what learns without one, by the widest
 * instructions that the processor has.
 *
 * Every kernel gives the same bits, and a row's numbers do not depend on the rows beside it.  A
 * number of a product is one chain of fused multiply-adds in the order of the depth, which each
 * lane of each register can do by itself; sums over a row are 16 chains, one for each place modulo
 * 16, added in one fixed order; exp, tanh and erf are polynomials of the same form.  So a text has
 * one vector, whatever it was encoded with and wherever.
 */
#ifndef WF_MATCH_KERNEL_H
#define WF_MATCH_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Columns of a matrix that stand together: a panel is [depth][WF_PANEL]. */
#define WF_PANEL 32u

/* Rows of activations have room for a multiple of WF_LANES numbers. */
#define WF_LANES 16u

/* out[r][c] = (bias[c]) + sum over k of a[r][k] * panel[k][c], for c < columns. */
typedef struct wf_product {
    const float *a; /* rows, a_stride apart */
    size_t a_stride, rows, depth;
    const float *panel;
    const float *bias; /* WF_PANEL numbers, or NULL: zeros */
    float *out;
    size_t out_stride, columns; /* at most WF_PANEL */
} wf_product;

enum wf_activation {
    WF_ACT_IDENTITY,
    WF_ACT_GELU,      /* x/2 (1 + erf(x/sqrt 2)) */
    WF_ACT_GELU_TANH, /* its approximation by tanh */
    WF_ACT_RELU,
    WF_ACT_TANH,
    WF_ACT_SIGMOID,
};

/* Rows of `width` numbers, `stride` apart, each with a factor. */
typedef struct wf_picked {
    const float *factors;
    const uint32_t *indexes; /* which rows; NULL: the first `count` */
    size_t count, stride, width;
} wf_picked;

/* A step of Adam (D. Kingma, J. Ba, 2015); the corrections for means that began at zero are in the
 * rate and in what is the least. */
#define WF_ADAM_MEAN 0.9f
#define WF_ADAM_SQUARE 0.999f

typedef struct wf_pace {
    float rate, least, keep; /* keep: of each number, of what is held down */
} wf_pace;

typedef struct wf_kernel {
    const char *name;
    void (*product)(const wf_product *product);

    /* row = softmax(row * scale + bias); `bias` may be NULL. */
    void (*softmax)(float *row, size_t count, float scale, const float *bias);

    /* row = norm(row + added) * weight + bias; `added` may be NULL. */
    void (*norm)(float *row, const float *added, const float *weight, const float *bias,
                 size_t width, float epsilon);

    void (*activate)(float *row, size_t width, enum wf_activation activation);

    /* to += factor * row, of one row after the other; nothing is fused: the compiler's own code for
     * any machine gives the same. */
    void (*sum)(float *to, const float *rows, const wf_picked *picked);

    /* row += factor * from, of each row. */
    void (*spread)(float *rows, const float *from, const wf_picked *picked);

    /* Moves `count` numbers by their slopes, which become zero. */
    void (*move)(float *at, float *slope, float *means, float *squares, size_t count,
                 const wf_pace *pace);
} wf_kernel;

/* The best one for this processor. */
const wf_kernel *wf_kernel_best(void);

/* All that this processor can run, the best one first; NULL behind the last. */
const wf_kernel *const *wf_kernel_all(void);

extern const wf_kernel wf_kernel_portable;

/* One a processor family: what it can run, the best one first, into `out`; returns how many, at
 * most 2. */
size_t wf_kernel_native(const wf_kernel **out);

#endif
