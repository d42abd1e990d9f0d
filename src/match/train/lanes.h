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

#endif
