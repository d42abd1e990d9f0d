/* SPDX-License-Identifier: MIT */

/* Numbers by chance: of a seed, below a bound, as likely as each other. */

#include "harness/harness.h"

#include <weft.h>

#include <string.h>

static int draw(void *out)
{
    int64_t *numbers = out;
    int seen = 0; /* bit n: n was drawn */
    for (int i = 0; i < 20; i++) {
        numbers[i] = weft_random_below(INT64_MAX);
        CHECK_GE(numbers[i], 0);
    }
    for (int i = 0; i < 200; i++)
        seen |= 1 << weft_random_below(6);
    return seen;
}

TEST(random_numbers_are_by_the_seed_and_below_their_bound)
{
    int64_t a[20], b[20], c[20];
    CHECK_EQ(weft_sim_run(5, draw, a), 0x3f); /* each of 0 to 5, and no other */
    CHECK_EQ(weft_sim_run(5, draw, b), 0x3f);
    CHECK_BYTES(a, sizeof a, b, sizeof b);
    CHECK_EQ(weft_sim_run(6, draw, c), 0x3f);
    CHECK(memcmp(a, c, sizeof a) != 0);
}

/* A source that gives the least, the greatest, what its caller may not take, or nothing. */
static uint64_t given[2];
static size_t given_count;

static int give(void *out, size_t bytes)
{
    CHECK_EQ(bytes, sizeof given[0]);
    if (given_count == 2)
        return -EIO;
    memcpy(out, &given[given_count++], bytes);
    return 0;
}

TEST(random_numbers_are_as_likely_as_each_other)
{
    static const struct {
        uint64_t given[2];
        int64_t bound, number;
    } rows[] = {{{0, 17}, 1, 0},           {{0, 17}, 4, 0},       {{UINT64_MAX, 17}, 4, 3},
                {{0, 17}, 3, 17 % 3},      {{1, 17}, 3, 1},       {{3, 17}, 10, 17 % 10},
                {{5, 17}, 10, 17 % 10},    {{6, 17}, 10, 6},      {{INT64_MAX, 0}, INT64_MAX, 0},
                {{0, 1}, INT64_MAX, -EIO}, {{1, 5}, INT64_MAX, 5}};
    weft_platform platform = *weft_platform_get();
    platform.random = give;
    const weft_platform *before = weft_platform_set(&platform);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu", i);
        memcpy(given, rows[i].given, sizeof given);
        given_count = 0;
        CHECK_EQ(weft_random_below(rows[i].bound), rows[i].number);
    }
    CHECK_EQ(weft_random_below(0), -EINVAL);
    CHECK_EQ(weft_random_below(-1), -EINVAL);
    weft_platform_set(before);
}
