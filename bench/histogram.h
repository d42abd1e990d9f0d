/* SPDX-License-Identifier: MIT */

/*
 * A log-linear histogram of times: each octave has 32 buckets of one width, so a quantile is at
 * most 3 % too high, at any size, and adding is a few instructions.
 */
#ifndef WF_BENCH_HISTOGRAM_H
#define WF_BENCH_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BITS 5
#define HISTOGRAM_BUCKETS ((65 - HISTOGRAM_BITS) << HISTOGRAM_BITS)

struct histogram {
    uint64_t total, counts[HISTOGRAM_BUCKETS];
};

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    unsigned octave = 0;
    if (value >> HISTOGRAM_BITS != 0)
        octave = 64 - HISTOGRAM_BITS - (unsigned)__builtin_clzll(value);
    uint64_t within = octave > 1 ? value >> (octave - 1) : value;
    size_t base = octave > 1 ? (size_t)(octave - 1) << HISTOGRAM_BITS : 0;
    histogram->counts[base + within]++;
    histogram->total++;
}

/* The end of bucket `at`: no value in it is larger. */
static inline uint64_t histogram_end(size_t at)
{
    size_t octave = at >> HISTOGRAM_BITS, within = at & ((1 << HISTOGRAM_BITS) - 1);
    if (octave <= 1)
        return at;
    return (((uint64_t)within + (1 << HISTOGRAM_BITS) + 1) << (octave - 1)) - 1;
}

/* The value at or below which the part `part` of all lies; 0 if there are none. */
static inline uint64_t histogram_quantile(const struct histogram *histogram, double part)
{
    double rank = part * (double)histogram->total;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen != 0 && (double)seen >= rank)
            return histogram_end(i);
    }
    return 0;
}

#endif
