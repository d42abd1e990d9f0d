/* SPDX-License-Identifier: MIT */

/* How many texts a chunk has. */
#include "cmd/match/pace.h"
#include "harness/harness.h"

TEST(a_first_chunk_has_some_batches_for_each_processor)
{
    struct pace pace = pace_of(/* top_k= */ 1, /* batch= */ 32, /* processors= */ 2);
    CHECK_EQ(pace.least, 256u);
    CHECK_EQ(pace.most, 4096u);
    CHECK_EQ(pace_of(1, 1, 1).least, 4u);
}

TEST(a_chunk_has_as_many_answers_as_can_be_held)
{
    CHECK_EQ(pace_of(64, 32, 2).most, 1024u);
    CHECK_EQ(pace_of(1000, 32, 2).most, 65u);
    CHECK_EQ(pace_of(1000, 32, 2).least, 65u);
    CHECK_EQ(pace_of(1, 10000, 64).least, 4096u);
}

TEST(a_chunk_takes_about_a_second)
{
    const struct pace pace = pace_of(1, 32, 2);
    CHECK_EQ(pace_next(&pace, 256, 0), 4096u);
    CHECK_EQ(pace_next(&pace, 256, 256 * WEFT_US), 4096u);
    CHECK_EQ(pace_next(&pace, 256, 256 * WEFT_MS), 1000u);
    CHECK_EQ(pace_next(&pace, 1000, 2 * WEFT_SEC), 500u);
    CHECK_EQ(pace_next(&pace, 500, 250 * WEFT_MS), 2000u);
    CHECK_EQ(pace_next(&pace, 256, 3600 * WEFT_SEC), 256u); /* slower, but not idle */
}
