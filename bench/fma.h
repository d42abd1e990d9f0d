/* SPDX-License-Identifier: MIT */

/* What the processor computes at most: fused multiply-adds in registers. */
#ifndef BENCH_FMA_H
#define BENCH_FMA_H

#include "bench.h"

typedef float fma_wide __attribute__((vector_size(64)));

#ifdef __x86_64__
#define FMA_WIDEST __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define FMA_WIDEST
#endif

/* Twelve sums hide how long one takes. */
FMA_WIDEST static float fma_multiply(size_t rounds, const fma_wide *at)
{
    const fma_wide by = *at;
    fma_wide sums[12];
    for (size_t k = 0; k < 12; k++)
        sums[k] = by + (float)k;
    for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (size_t k = 0; k < 12; k++)
            sums[k] = sums[k] * by + by;
    }
    for (size_t k = 1; k < 12; k++)
        sums[0] += sums[k];
    return sums[0][0];
}

/* Multiply-adds in a nanosecond of this thread; `sink` keeps the compiler from leaving them out. */
static inline double fma_per_ns(size_t rounds, double *sink)
{
    const fma_wide by = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f,
                         0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f};
    double start = bench_cpu();
    *sink += (double)fma_multiply(rounds, &by);
    return (double)rounds * 12 * 16 / (bench_cpu() - start);
}

#endif
