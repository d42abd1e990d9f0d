/* SPDX-License-Identifier: MIT */

#include "match/stats.h"

#define FRACTION_BITS 3u

/* Numbers below 8 have a class each; above, the three bits behind the leading one choose. */
static unsigned class_of(uint64_t value)
{
    if (value < 1u << FRACTION_BITS)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - FRACTION_BITS;
    return (shift << FRACTION_BITS) + (unsigned)(value >> shift);
}

/* The middle of a class. */
static double value_of(unsigned class)
{
    if (class < 2u << FRACTION_BITS)
        return class;
    unsigned shift = (class >> FRACTION_BITS) - 1;
    double low = (double)((class & 7u) + 8u), width = (double)(UINT64_C(1) << shift);
    return (low + 0.5) * width;
}

void wf_stats_add(wf_stats *stats, enum weft_m_op op, weft_time duration)
{
    wf_stats_op *counts = &stats->ops[op];
    unsigned class = class_of(duration > 0 ? (uint64_t)duration : 0);
    __atomic_add_fetch(&counts->count, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&counts->classes[class], 1, __ATOMIC_RELAXED);
}

static double percentile(const wf_stats_op *counts, uint64_t total, double share)
{
    uint64_t wanted = (uint64_t)((double)total * share) + 1, seen = 0;
    for (unsigned i = 0; i < WF_STATS_CLASSES; i++) {
        seen += __atomic_load_n(&counts->classes[i], __ATOMIC_RELAXED);
        if (seen >= wanted || seen == total)
            return value_of(i) / (double)WEFT_SEC;
    }
    return 0;
}

void wf_stats_read(const wf_stats *stats, enum weft_m_op op, weft_m_latency *out)
{
    const wf_stats_op *counts = &stats->ops[op];
    uint64_t total = 0; /* of the classes: a moving count may be ahead of them */
    for (unsigned i = 0; i < WF_STATS_CLASSES; i++)
        total += __atomic_load_n(&counts->classes[i], __ATOMIC_RELAXED);
    *out = (weft_m_latency){.count = __atomic_load_n(&counts->count, __ATOMIC_RELAXED)};
    if (total == 0)
        return;
    out->p50 = percentile(counts, total, 0.5);
    out->p95 = percentile(counts, total, 0.95);
    out->p99 = percentile(counts, total, 0.99);
}
