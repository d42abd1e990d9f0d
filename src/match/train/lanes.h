/* SPDX-License-Identifier: MIT */

/* Lanes: sums over long rows of floats, four at a time on every machine, always in one order. */
#ifndef WF_MATCH_LANES_H
#define WF_MATCH_LANES_H

#include <stddef.h>
#include <string.h>

typedef float wf_four __attribute__((vector_size(16)));
typedef double wf_two __attribute__((vector_size(16)));

/* to += factor * from */
static inline void wf_add_scaled(float *to, float factor, const float *from, size_t count)
{
    const wf_four factors = {factor, factor, factor, factor};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        wf_four a, b;
        memcpy(&a, to + i, sizeof(a));
        memcpy(&b, from + i, sizeof(b));
        a += factors * b;
        memcpy(to + i, &a, sizeof(a));
    }
    for (; i < count; i++)
        to[i] += factor * from[i];
}

/* In double. */
static inline double wf_dot(const float *a, const float *b, size_t count)
{
    wf_two low = {0}, high = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        wf_four x, y;
        memcpy(&x, a + i, sizeof(x));
        memcpy(&y, b + i, sizeof(y));
        low += (wf_two){(double)x[0], (double)x[1]} * (wf_two){(double)y[0], (double)y[1]};
        high += (wf_two){(double)x[2], (double)x[3]} * (wf_two){(double)y[2], (double)y[3]};
    }
    double sum = low[0] + low[1] + high[0] + high[1];
    for (; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* ---- of very long rows: more sums at once ---- */

/* Eight sums of every eighth product, in double. */
typedef struct wf_eight {
    wf_two sums[4];
} wf_eight;

typedef float wf_half __attribute__((vector_size(8)));
typedef union wf_halves {
    wf_four four;
    wf_half half[2];
} wf_halves;

static inline void wf_multiply_four(wf_two sums[2], wf_four a, wf_four b)
{
    wf_halves x = {a}, y = {b};
    sums[0] +=
        __builtin_convertvector(x.half[0], wf_two) * __builtin_convertvector(y.half[0], wf_two);
    sums[1] +=
        __builtin_convertvector(x.half[1], wf_two) * __builtin_convertvector(y.half[1], wf_two);
}

static inline wf_four wf_four_at(const float *at)
{
    wf_four four;
    memcpy(&four, at, sizeof(four));
    return four;
}

static inline double wf_eight_sum(const wf_eight *it)
{
    wf_two two = (it->sums[0] + it->sums[2]) + (it->sums[1] + it->sums[3]);
    return two[0] + two[1];
}

static inline double wf_dot_long(const float *a, const float *b, size_t count)
{
    wf_eight eight = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        wf_multiply_four(eight.sums, wf_four_at(a + i), wf_four_at(b + i));
        wf_multiply_four(eight.sums + 2, wf_four_at(a + i + 4), wf_four_at(b + i + 4));
    }
    double sum = wf_eight_sum(&eight);
    for (; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* to += factor * from; returns the product of the sum with `with`, as wf_dot_long: what was read
 * need not come from memory again. */
static inline double wf_add_scaled_dot(float *to, float factor, const float *from,
                                       const float *with, size_t count)
{
    const wf_four factors = {factor, factor, factor, factor};
    wf_eight eight = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        wf_four low = wf_four_at(to + i) + factors * wf_four_at(from + i);
        wf_four high = wf_four_at(to + i + 4) + factors * wf_four_at(from + i + 4);
        memcpy(to + i, &low, sizeof(low));
        memcpy(to + i + 4, &high, sizeof(high));
        wf_multiply_four(eight.sums, low, wf_four_at(with + i));
        wf_multiply_four(eight.sums + 2, high, wf_four_at(with + i + 4));
    }
    double sum = wf_eight_sum(&eight);
    for (; i < count; i++) {
        to[i] += factor * from[i];
        sum += (double)to[i] * (double)with[i];
    }
    return sum;
}

/* out = factor * from */
static inline void wf_scale(float *out, float factor, const float *from, size_t count)
{
    const wf_four factors = {factor, factor, factor, factor};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        wf_four four = factors * wf_four_at(from + i);
        memcpy(out + i, &four, sizeof(four));
    }
    for (; i < count; i++)
        out[i] = factor * from[i];
}

/* out = a + factor * b */
static inline void wf_add_to(float *out, const float *a, float factor, const float *b, size_t count)
{
    const wf_four factors = {factor, factor, factor, factor};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        wf_four four = wf_four_at(a + i) + factors * wf_four_at(b + i);
        memcpy(out + i, &four, sizeof(four));
    }
    for (; i < count; i++)
        out[i] = a[i] + factor * b[i];
}

#endif
