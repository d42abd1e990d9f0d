/* SPDX-License-Identifier: MIT */

/* What the processor computes at most: multiply-adds in registers, of floats and of bytes. */
#ifndef BENCH_FMA_H
#define BENCH_FMA_H

#include "bench.h"

#include <stdbool.h>

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

/* ---- by the instructions that a kernel of the scan has ---- */

#ifdef __x86_64__
#include <immintrin.h>

__attribute__((target("avx2,fma"))) static float fma_floats_avx2(size_t rounds)
{
    const __m256 by = _mm256_set1_ps(0.5f);
    __m256 sums[12];
    for (size_t k = 0; k < 12; k++)
        sums[k] = _mm256_set1_ps((float)k);
    for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (size_t k = 0; k < 12; k++)
            sums[k] = _mm256_fmadd_ps(sums[k], by, by);
    }
    for (size_t k = 1; k < 12; k++)
        sums[0] = _mm256_add_ps(sums[0], sums[k]);
    return _mm256_cvtss_f32(sums[0]);
}

/* By name, for gcc 12 copies the sums around each. */
#define DOT(sum) "vpdpbusd %[by], %[by], %[" #sum "]\n"

__attribute__((target("avx512f,avx512vnni"))) static int fma_bytes_vnni(size_t rounds)
{
    const __m512i by = _mm512_set1_epi8(1);
    __m512i a = by, b = by, c = by, d = by, e = by, f = by, g = by, h = by, i = by, j = by, k = by,
            l = by, m = by, n = by;
    for (size_t round = 0; round < rounds; round++)
        __asm__(DOT(a) DOT(b) DOT(c) DOT(d) DOT(e) DOT(f) DOT(g) DOT(h) DOT(i) DOT(j) DOT(k) DOT(l)
                    DOT(m) DOT(n)
                : [a] "+v"(a), [b] "+v"(b), [c] "+v"(c), [d] "+v"(d), [e] "+v"(e), [f] "+v"(f),
                  [g] "+v"(g), [h] "+v"(h), [i] "+v"(i), [j] "+v"(j), [k] "+v"(k), [l] "+v"(l),
                  [m] "+v"(m), [n] "+v"(n)
                : [by] "v"(by));
    a = _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
    e = _mm512_add_epi32(_mm512_add_epi32(e, f), _mm512_add_epi32(g, h));
    i = _mm512_add_epi32(_mm512_add_epi32(i, j), _mm512_add_epi32(k, l));
    a = _mm512_add_epi32(_mm512_add_epi32(a, e), _mm512_add_epi32(i, _mm512_add_epi32(m, n)));
    return _mm512_reduce_add_epi32(a);
}

/* Products of twos, which another instruction adds up. */
__attribute__((target("avx2"))) static int fma_bytes_avx2(size_t rounds)
{
    __m256i by = _mm256_set1_epi16(1), sums[12];
    for (size_t k = 0; k < 12; k++)
        sums[k] = _mm256_set1_epi32((int)k);
    for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (size_t k = 0; k < 12; k++) {
            __asm__("" : "+x"(by)); /* or one product would do for all */
            sums[k] = _mm256_add_epi32(sums[k], _mm256_madd_epi16(by, by));
        }
    }
    for (size_t k = 1; k < 12; k++)
        sums[0] = _mm256_add_epi32(sums[0], sums[k]);
    return _mm256_extract_epi32(sums[0], 0);
}

/* Multiply-adds in a nanosecond; 0: the limit of this kernel is not known. */
static inline double fma_floats_of(const char *kernel, size_t rounds, double *sink)
{
    if (strcmp(kernel, "avx2") != 0)
        return fma_per_ns(rounds, sink);
    double start = bench_cpu();
    *sink += (double)fma_floats_avx2(rounds);
    return (double)rounds * 12 * 8 / (bench_cpu() - start);
}

static inline double fma_bytes_of(const char *kernel, size_t rounds, double *sink)
{
    bool has_vnni = strcmp(kernel, "avx512-vnni") == 0;
    if (!has_vnni && strncmp(kernel, "avx", 3) != 0)
        return 0;
    double start = bench_cpu();
    *sink += has_vnni ? fma_bytes_vnni(rounds) : fma_bytes_avx2(rounds);
    return (double)rounds * (has_vnni ? 14 * 64 : 12 * 16) / (bench_cpu() - start);
}
#else
static inline double fma_floats_of(const char *kernel, size_t rounds, double *sink)
{
    (void)kernel;
    return fma_per_ns(rounds, sink);
}

static inline double fma_bytes_of(const char *kernel, size_t rounds, double *sink)
{
    (void)kernel;
    (void)rounds;
    (void)sink;
    return 0;
}
#endif

#endif
