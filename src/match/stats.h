/* SPDX-License-Identifier: MIT */

/*
 * Stats: how often and how long.  Durations are counted in classes, eight to each power of two, so
 * that a percentile is known within 7 %.  Any thread, without locks.
 */
#ifndef WF_MATCH_STATS_H
#define WF_MATCH_STATS_H

#include <weft/match.h>

#define WF_STATS_CLASSES 512u

typedef struct wf_stats_op {
    uint64_t count; /* atomic, like all here */
    uint32_t classes[WF_STATS_CLASSES];
} wf_stats_op;

typedef struct wf_stats {
    wf_stats_op ops[WEFT_M_OP_COUNT];
    uint64_t query_count, metric_count;
} wf_stats;

void wf_stats_add(wf_stats *stats, enum weft_m_op op, weft_time duration);
void wf_stats_read(const wf_stats *stats, enum weft_m_op op, weft_m_latency *out);

#endif
