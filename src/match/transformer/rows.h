/* SPDX-License-Identifier: MIT */

/*
 * What is done to a row of numbers, in plain C: the file of each kernel includes it and compiles it
 * for its own instructions, and since every step is one rounded operation (fused only where it says
 * so), all of them give the same bits.
 */
#ifndef WF_MATCH_ROWS_H
#define WF_MATCH_ROWS_H

#include "match/transformer/kernel.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* e^x = 2^n e^r with |r| <= ln 2 / 2, and e^r by Taylor's series to r^7: an error under 2e-7 of the
 * value.  x is held to where a float has an exponent for the answer. */
static inline float row_exp(float x)
{
    const float to_integer = 0x1.8p23f; /* adding it leaves no bits behind the point */
    x = x < -87.0f ? -87.0f : x;
    x = x > 88.0f ? 88.0f : x;
    float n = fmaf(x, 0x1.715476p0f, to_integer) - to_integer;
    float r = fmaf(n, -0x1.62e4p-1f, x); /* ln 2 in two parts: exact, and the rest */
    r = fmaf(n, -0x1.7f7d1cp-20f, r);
    float sum = 1.0f / 5040;
    sum = fmaf(sum, r, 1.0f / 720);
    sum = fmaf(sum, r, 1.0f / 120);
    sum = fmaf(sum, r, 1.0f / 24);
    sum = fmaf(sum, r, 1.0f / 6);
    sum = fmaf(sum, r, 0.5f);
    sum = fmaf(sum, r, 1.0f);
    sum = fmaf(sum, r, 1.0f);
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof(power));
    return sum * power;
}

/* 1 - e^-g(|x|), where g = -log erfc as a polynomial: the best of degree 8 on [0, 4] for the error
 * of erf, found by weighted least squares (Lawson's iteration).  Error under 1e-7. */
static inline float row_erf(float x)
{
    float t = fabsf(x);
    t = t > 4.0f ? 4.0f : t;
    float g = 3.144012953e-5f;
    g = fmaf(g, t, -3.088017984e-4f);
    g = fmaf(g, t, 1.032400061e-3f);
    g = fmaf(g, t, 5.369365099e-4f);
    g = fmaf(g, t, -1.958396286e-2f);
    g = fmaf(g, t, 1.029196158e-1f);
    g = fmaf(g, t, 6.365977526e-1f);
    g = fmaf(g, t, 1.128380299e0f);
    return copysignf(1.0f - row_exp(-(g * t)), x);
}

static inline float row_tanh(float x)
{
    float small = row_exp(-2.0f * fabsf(x));
    return copysignf((1.0f - small) / (1.0f + small), x);
}

static inline float row_gelu(float x)
{
    float half = 0.5f * x;
    return fmaf(half, row_erf(x * 0x1.6a09e6p-1f), half);
}

static inline float row_gelu_tanh(float x)
{
    const float root = 0x1.988454p-1f; /* sqrt(2 / pi) */
    float half = 0.5f * x;
    return fmaf(half, row_tanh(root * fmaf(0.044715f * x * x, x, x)), half);
}

static inline float row_relu(float x)
{
    return x > 0.0f ? x : 0.0f;
}

static inline float row_sigmoid(float x)
{
    return 1.0f / (1.0f + row_exp(-x));
}

#define ROW_LOOP(fn_)                                                                              \
    for (size_t i = 0; i < width; i++)                                                             \
        row[i] = fn_(row[i]);

static void rows_activate(float *row, size_t width, enum wf_activation activation)
{
    switch (activation) {
    case WF_ACT_IDENTITY:
        break;
    case WF_ACT_GELU:
        ROW_LOOP(row_gelu)
        break;
    case WF_ACT_GELU_TANH:
        ROW_LOOP(row_gelu_tanh)
        break;
    case WF_ACT_RELU:
        ROW_LOOP(row_relu)
        break;
    case WF_ACT_TANH:
        ROW_LOOP(row_tanh)
        break;
    case WF_ACT_SIGMOID:
        ROW_LOOP(row_sigmoid)
        break;
    }
}

/* ---- sums over a row ---- */

static inline float lanes_fold(const float lanes[WF_LANES])
{
    float half[8], quarter[4];
    for (size_t i = 0; i < 8; i++)
        half[i] = lanes[i] + lanes[i + 8];
    for (size_t i = 0; i < 4; i++)
        quarter[i] = half[i] + half[i + 4];
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

static inline float row_max(const float *row, size_t count)
{
    float lanes[WF_LANES], max = row[0];
    size_t i = 0;
    for (size_t lane = 0; lane < WF_LANES; lane++)
        lanes[lane] = max;
    for (; i + WF_LANES <= count; i += WF_LANES) {
        for (size_t lane = 0; lane < WF_LANES; lane++)
            lanes[lane] = row[i + lane] > lanes[lane] ? row[i + lane] : lanes[lane];
    }
    for (; i < count; i++)
        max = row[i] > max ? row[i] : max;
    for (size_t lane = 0; lane < WF_LANES; lane++)
        max = lanes[lane] > max ? lanes[lane] : max;
    return max;
}

static inline float row_sum(const float *row, size_t count)
{
    float lanes[WF_LANES] = {0};
    size_t i = 0;
    for (; i + WF_LANES <= count; i += WF_LANES) {
        for (size_t lane = 0; lane < WF_LANES; lane++)
            lanes[lane] += row[i + lane];
    }
    for (size_t lane = 0; i < count; i++, lane++)
        lanes[lane] += row[i];
    return lanes_fold(lanes);
}

/* Of the squared distances from `mean`. */
static inline float row_squares(const float *row, float mean, size_t count)
{
    float lanes[WF_LANES] = {0};
    size_t i = 0;
    for (; i + WF_LANES <= count; i += WF_LANES) {
        for (size_t lane = 0; lane < WF_LANES; lane++) {
            float off = row[i + lane] - mean;
            lanes[lane] = fmaf(off, off, lanes[lane]);
        }
    }
    for (size_t lane = 0; i < count; i++, lane++) {
        float off = row[i] - mean;
        lanes[lane] = fmaf(off, off, lanes[lane]);
    }
    return lanes_fold(lanes);
}

static void rows_softmax(float *row, size_t count, float scale, const float *bias)
{
    for (size_t i = 0; i < count; i++)
        row[i] *= scale;
    for (size_t i = 0; bias != NULL && i < count; i++)
        row[i] += bias[i];
    float max = row_max(row, count);
    for (size_t i = 0; i < count; i++)
        row[i] = row_exp(row[i] - max);
    float share = 1.0f / row_sum(row, count);
    for (size_t i = 0; i < count; i++)
        row[i] *= share;
}

/* Layer normalisation (Ba, Kiros, Hinton, 2016) of the sum of two rows. */
static void rows_norm(float *row, const float *added, const float *weight, const float *bias,
                      size_t width, float epsilon)
{
    for (size_t i = 0; added != NULL && i < width; i++)
        row[i] += added[i];
    float mean = row_sum(row, width) / (float)width;
    float variance = row_squares(row, mean, width) / (float)width;
    float scale = 1.0f / sqrtf(variance + epsilon);
    for (size_t i = 0; i < width; i++)
        row[i] = fmaf((row[i] - mean) * scale, weight[i], bias[i]);
}

/* ---- training: each number by itself ---- */

typedef float row_lanes __attribute__((vector_size(64)));

#define ROW_LANES(x_)                                                                              \
    {                                                                                              \
        x_, x_, x_, x_, x_, x_, x_, x_, x_, x_, x_, x_, x_, x_, x_, x_                             \
    }

static inline size_t row_start(const wf_picked *it, size_t i)
{
    return (it->indexes != NULL ? it->indexes[i] : i) * it->stride;
}

/* Sums of 4 * WF_LANES numbers stay in registers. */
static inline void sum_wide(float *to, const float *rows, const wf_picked *it)
{
    row_lanes a[4], b[4];
    memcpy(a, to, sizeof(a));
    for (size_t i = 0; i < it->count; i++) {
        const row_lanes factor = ROW_LANES(it->factors[i]);
        memcpy(b, rows + row_start(it, i), sizeof(b));
        a[0] += factor * b[0];
        a[1] += factor * b[1];
        a[2] += factor * b[2];
        a[3] += factor * b[3];
    }
    memcpy(to, a, sizeof(a));
}

static inline void sum_lanes(float *to, const float *rows, const wf_picked *it)
{
    row_lanes a, b;
    memcpy(&a, to, sizeof(a));
    for (size_t i = 0; i < it->count; i++) {
        const row_lanes factor = ROW_LANES(it->factors[i]);
        memcpy(&b, rows + row_start(it, i), sizeof(b));
        a += factor * b;
    }
    memcpy(to, &a, sizeof(a));
}

static void rows_sum(float *to, const float *rows, const wf_picked *it)
{
    const size_t wide = (size_t)4 * WF_LANES;
    size_t at = 0;
    for (; at + wide <= it->width; at += wide)
        sum_wide(to + at, rows + at, it);
    for (; at + WF_LANES <= it->width; at += WF_LANES)
        sum_lanes(to + at, rows + at, it);
    for (size_t i = 0; i < it->count && at < it->width; i++) {
        const float *row = rows + row_start(it, i);
        for (size_t k = at; k < it->width; k++)
            to[k] += it->factors[i] * row[k];
    }
}

static void rows_spread(float *rows, const float *from, const wf_picked *it)
{
    for (size_t i = 0; i < it->count; i++) {
        float *restrict row = rows + row_start(it, i);
        const float *restrict source = from;
        const float factor = it->factors[i];
        for (size_t k = 0, width = it->width; k < width; k++)
            row[k] += factor * source[k];
    }
}

static void rows_move(float *restrict at, float *restrict slope, float *restrict means,
                      float *restrict squares, size_t count, const wf_pace *it)
{
    const wf_pace pace = *it;
    for (size_t i = 0; i < count; i++) {
        float g = slope[i];
        means[i] = WF_ADAM_MEAN * means[i] + (1 - WF_ADAM_MEAN) * g;
        squares[i] = WF_ADAM_SQUARE * squares[i] + (1 - WF_ADAM_SQUARE) * g * g;
        at[i] = pace.keep * at[i] - pace.rate * means[i] / (sqrtf(squares[i]) + pace.least);
        slope[i] = 0;
    }
}

#endif
