/* SPDX-License-Identifier: MIT */

/* The fuzzy blocker: likeness of texts whose words stand in order. */
#include "match/block/blocker.h"

#include <string.h>

int wf_block_learn_words(weft_blocker *it, const wf_block_desk *desk)
{
    int rc = wf_block_grow(&it->points, &it->point_capacity, it->point_count + desk->term_count,
                           sizeof(*it->points));
    if (rc < 0)
        return rc;
    if (desk->term_count != 0)
        memcpy(it->points + it->point_count, desk->points,
               desk->term_count * sizeof(*desk->points));
    it->point_count += desk->term_count;
    it->point_start[it->row_done + 1] = it->point_count;
    return 0;
}

/* The length of the longest common subsequence; `line` has room for b_count + 1. */
static uint32_t common(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count,
                       uint32_t *line)
{
    memset(line, 0, (b_count + 1) * sizeof(*line));
    for (size_t i = 0; i < a_count; i++) {
        uint32_t before = 0;
        for (size_t k = 1; k <= b_count; k++) {
            uint32_t above = line[k];
            if (a[i] == b[k - 1])
                line[k] = before + 1;
            else if (line[k - 1] > above)
                line[k] = line[k - 1];
            before = above;
        }
    }
    return line[b_count];
}

int wf_block_score_words(const weft_blocker *it, wf_block_desk *desk, const wf_job *job)
{
    size_t count = desk->term_count;
    int rc = wf_block_grow(&desk->line, &desk->line_capacity, count + 1, sizeof(*desk->line));
    for (size_t row = 0; row < it->row_total && rc == 0; row++) {
        const uint32_t *points = it->points + it->point_start[row];
        size_t other = it->point_start[row + 1] - it->point_start[row];
        size_t least = count < other ? count : other;
        double both = (double)(count + other);
        rc = row % 64 == 0 ? wf_job_poll(job) : 0;
        if (both == 0 || 200 * (double)least / both < it->options.score_cutoff)
            continue; /* one is much shorter */
        double score = 200.0 * common(points, other, desk->points, count, desk->line) / both;
        desk->sums[row] = score >= it->options.score_cutoff ? (float)score : 0;
    }
    return rc;
}
