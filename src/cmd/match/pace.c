/* SPDX-License-Identifier: MIT */

#include "cmd/match/pace.h"

/* Answers of one chunk: few enough to be held, many enough to keep the processors busy. */
#define HITS_MAX 65536u
#define COUNT_MAX 4096u
#define COUNT_MIN 64u

#define BATCHES_MIN 4u /* for each processor: the last one's end leaves few idle */

static size_t within(size_t count, size_t least, size_t most)
{
    if (count < least)
        return least;
    return count < most ? count : most;
}

struct pace pace_of(size_t top_k, size_t batch, size_t processors)
{
    size_t most = within(HITS_MAX / top_k, COUNT_MIN, COUNT_MAX);
    return (struct pace){.least = within(batch * processors * BATCHES_MIN, 1, most), .most = most};
}

size_t pace_next(const struct pace *pace, size_t count, weft_time took)
{
    if (took <= 0)
        return pace->most;
    return within((size_t)(PACE_TIME * (weft_time)count / took), pace->least, pace->most);
}
