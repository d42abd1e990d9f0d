/* SPDX-License-Identifier: MIT */

/* Kernels: each gives the bits of the portable one, and what the definitions say. */
#include "match/transformer/kernel.h"

#include "make.h"

#include <math.h>

static float some(dice *d)
{
    return ((float)roll(d, 20001) - 10000) / 2500;
}

static void check_product(dice *d, size_t rows, size_t depth, size_t columns)
{
    static float a[40 * 80], panel[80 * WF_PANEL], bias[WF_PANEL], out[40 * 48], other[40 * 48];
    for (size_t i = 0; i < rows * 80; i++)
        a[i] = some(d);
    for (size_t i = 0; i < depth * WF_PANEL; i++)
        panel[i] = some(d);
    for (size_t i = 0; i < WF_PANEL; i++)
        bias[i] = some(d);
    wf_product product = {a, 80, rows, depth, panel, bias, out, 48, columns};
    memset(out, 0x55, sizeof(out));
    wf_kernel_portable.product(&product);
    for (size_t r = 0; r < rows; r++) {
        double sum = (double)bias[columns - 1];
        for (size_t k = 0; k < depth; k++)
            sum += (double)a[r * 80 + k] * (double)panel[k * WF_PANEL + columns - 1];
        CHECK_NEAR(out[r * 48 + columns - 1], sum, 1e-3);
    }
    product.out = other;
    for (size_t i = 0; wf_kernel_all()[i] != NULL; i++) {
        memset(other, 0x55, sizeof(other));
        wf_kernel_all()[i]->product(&product);
        CHECK(memcmp(out, other, sizeof(out)) == 0); /* nothing else is written either */
    }
}

TEST(kernels_make_the_same_products)
{
    dice d = {7};
    for (size_t i = 0; i < 300; i++)
        check_product(&d, 1 + roll(&d, 40), 1 + roll(&d, 80), 1 + roll(&d, WF_PANEL));
}

/* One row through everything a kernel does to rows. */
static void run_row(const wf_kernel *kernel, const float *in, size_t count, float out[8][128])
{
    for (size_t i = 0; i < 8; i++)
        memcpy(out[i], in, 128 * sizeof(float));
    kernel->softmax(out[0], count, 0.25f, NULL);
    kernel->softmax(out[1], count, 0.25f, in + 1);
    kernel->norm(out[2], in + 1, in, in + 2, count, 1e-5f);
    kernel->activate(out[3], count, WF_ACT_GELU);
    kernel->activate(out[4], count, WF_ACT_GELU_TANH);
    kernel->activate(out[5], count, WF_ACT_TANH);
    kernel->activate(out[6], count, WF_ACT_SIGMOID);
    kernel->activate(out[7], count, WF_ACT_RELU);
}

TEST(kernels_do_the_same_to_rows)
{
    static float in[160], out[8][128], other[8][128];
    dice d = {11};
    for (size_t count = 1; count < 128; count++) {
        for (size_t i = 0; i < 160; i++)
            in[i] = some(&d);
        run_row(&wf_kernel_portable, in, count, out);
        for (size_t i = 0; wf_kernel_all()[i] != NULL; i++) {
            run_row(wf_kernel_all()[i], in, count, other);
            CHECK(memcmp(out, other, sizeof(out)) == 0);
        }
    }
}

enum { TRAINED_ROWS = 9, TRAINED_WIDTH = 160 };

/* What training does to rows, from the same numbers. */
struct trained {
    float to[TRAINED_WIDTH], rows[TRAINED_ROWS][TRAINED_WIDTH];
    float at[TRAINED_WIDTH], slope[TRAINED_WIDTH], means[TRAINED_WIDTH], squares[TRAINED_WIDTH];
};

static void train_rows(const wf_kernel *kernel, struct trained *it, const wf_picked *picked)
{
    const wf_pace pace = {.rate = 0.01f, .least = 1e-8f, .keep = 0.999f};
    kernel->sum(it->to, it->rows[0], picked);
    kernel->spread(it->rows[0], it->to, picked);
    for (size_t i = 0; i < 3; i++) {
        memcpy(it->slope, it->rows[i], sizeof(it->slope));
        kernel->move(it->at, it->slope, it->means, it->squares, picked->width, &pace);
    }
}

TEST(kernels_learn_the_same)
{
    static struct trained begin, out, other;
    static const uint32_t indexes[] = {7, 0, 3, 3, 8};
    dice d = {12};
    for (size_t width = 1; width <= TRAINED_WIDTH; width++) {
        float factors[TRAINED_ROWS], *numbers = &begin.to[0];
        for (size_t i = 0; i < sizeof(begin) / sizeof(float); i++)
            numbers[i] = some(&d);
        memset(begin.squares, 0, sizeof(begin.squares));
        for (size_t i = 0; i < TRAINED_ROWS; i++)
            factors[i] = some(&d);
        const wf_picked picked = {.factors = factors,
                                  .indexes = width % 2 == 0 ? indexes : NULL,
                                  .count = width % 2 == 0 ? 5 : TRAINED_ROWS,
                                  .stride = TRAINED_WIDTH,
                                  .width = width};
        double sum = (double)begin.to[width - 1];
        for (size_t i = 0; i < picked.count; i++)
            sum +=
                (double)factors[i] * (double)begin.rows[width % 2 == 0 ? indexes[i] : i][width - 1];
        out = begin;
        train_rows(&wf_kernel_portable, &out, &picked);
        CHECK_NEAR(out.to[width - 1], sum, 1e-3);
        CHECK(out.slope[width - 1] == 0);
        for (size_t i = 0; wf_kernel_all()[i] != NULL; i++) {
            other = begin;
            train_rows(wf_kernel_all()[i], &other, &picked);
            CHECK(memcmp(&out, &other, sizeof(out)) == 0); /* nothing else is written either */
        }
    }
}

TEST(kernels_know_their_functions)
{
    const wf_kernel *kernel = wf_kernel_best();
    for (float x = -30; x < 30; x += 0.0137f) {
        float y[4] = {x, x, x, x};
        double wide = (double)x;
        kernel->activate(&y[0], 1, WF_ACT_GELU);
        kernel->activate(&y[1], 1, WF_ACT_GELU_TANH);
        kernel->activate(&y[2], 1, WF_ACT_TANH);
        kernel->activate(&y[3], 1, WF_ACT_SIGMOID);
        double slack = 2e-7 * (1 + fabs(wide));
        CHECK_NEAR(y[0], wide / 2 * (1 + erf(wide / sqrt(2))), slack);
        CHECK_NEAR(y[1],
                   wide / 2 *
                       (1 + tanh(sqrt(2 / acos(-1)) * (wide + 0.044715 * wide * wide * wide))),
                   slack);
        CHECK_NEAR(y[2], tanh(wide), 2e-7);
        CHECK_NEAR(y[3], 1 / (1 + exp(-wide)), 2e-7);
    }
}

TEST(kernels_keep_large_scores)
{
    float row[3] = {1e4f, -1e4f, 1e4f};
    wf_kernel_best()->softmax(row, 3, 1, NULL);
    CHECK_NEAR(row[0], 0.5, 1e-6);
    CHECK_NEAR(row[1], 0, 1e-6);
}
