/* SPDX-License-Identifier: MIT */

/* Range: what is asked for, joined, ignored and refused. */

#include "http/files/range.h"

#include "harness/harness.h"

struct row {
    const char *field;
    uint64_t length;
    int count;
    struct wf_range ranges[4];
};

#define NONE WF_RANGE_NONE_SATISFIABLE

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct wf_range ranges[WF_RANGE_COUNT_MAX];
        note("%s of %llu", rows[i].field, (unsigned long long)rows[i].length);
        CHECK_EQ(wf_range_parse(weft_str_of(rows[i].field), rows[i].length, ranges), rows[i].count);
        for (int r = 0; r < rows[i].count; r++) {
            CHECK_EQ(ranges[r].first, rows[i].ranges[r].first);
            CHECK_EQ(ranges[r].count, rows[i].ranges[r].count);
        }
    }
}

#define CHECK_ROWS(rows_) check_rows((rows_), sizeof(rows_) / sizeof(rows_)[0])

TEST(range_gives_what_is_asked_for_within_the_length)
{
    static const struct row rows[] = {
        {"bytes=0-0", 10, 1, {{0, 1}}},
        {"bytes=0-9", 10, 1, {{0, 10}}},
        {"BYTES=2-4", 10, 1, {{2, 3}}},
        {"bytes=5-", 10, 1, {{5, 5}}},
        {"bytes=9-", 10, 1, {{9, 1}}},
        {"bytes=5-100", 10, 1, {{5, 5}}},
        {"bytes=-3", 10, 1, {{7, 3}}},
        {"bytes=-100", 10, 1, {{0, 10}}},
        {"bytes=0-1,4-5", 10, 2, {{0, 2}, {4, 2}}},
        {"bytes= 8-9 ,\t0-1 ", 10, 2, {{8, 2}, {0, 2}}},
        {"bytes=0-0,,2-2,", 10, 2, {{0, 1}, {2, 1}}},
        {"bytes=0-0,99-", 10, 1, {{0, 1}}},
        {"bytes=0-18446744073709551615", 10, 1, {{0, 10}}},
        {"bytes=0-99999999999999999999999999", 10, 1, {{0, 10}}},
        {"bytes=18446744073709551614-", UINT64_MAX, 1, {{UINT64_MAX - 1, 1}}},
    };
    CHECK_ROWS(rows);
}

TEST(range_joins_what_overlaps_or_touches)
{
    static const struct row rows[] = {
        {"bytes=0-4,3-6", 10, 1, {{0, 7}}},
        {"bytes=0-4,5-6", 10, 1, {{0, 7}}},
        {"bytes=5-6,0-4", 10, 1, {{0, 7}}},
        {"bytes=0-,0-,0-,0-,0-", 10, 1, {{0, 10}}},
        {"bytes=0-1,4-5,8-9,1-4", 10, 2, {{0, 6}, {8, 2}}},
        {"bytes=8-9,0-1,4-5,2-3", 10, 2, {{8, 2}, {0, 6}}},
        {"bytes=0-0,2-2,4-4,6-6", 10, 4, {{0, 1}, {2, 1}, {4, 1}, {6, 1}}},
        {"bytes=0-0,2-2,4-4,-10", 10, 1, {{0, 10}}},
    };
    CHECK_ROWS(rows);
}

TEST(range_that_is_none_is_ignored)
{
    static const struct row rows[] = {
        {"", 10, 0, {{0, 0}}},
        {"bytes", 10, 0, {{0, 0}}},
        {"bytes=", 10, 0, {{0, 0}}},
        {"bytes=,", 10, 0, {{0, 0}}},
        {"bytes=-", 10, 0, {{0, 0}}},
        {"bytes=a-b", 10, 0, {{0, 0}}},
        {"bytes=1", 10, 0, {{0, 0}}},
        {"bytes=5-4", 10, 0, {{0, 0}}},
        {"bytes=1-2-3", 10, 0, {{0, 0}}},
        {"bytes=+1-2", 10, 0, {{0, 0}}},
        {"bytes=1 -2", 10, 0, {{0, 0}}},
        {"bytes=--1", 10, 0, {{0, 0}}},
        {"bytes =0-1", 10, 0, {{0, 0}}},
        {"bytes=0-1,x", 10, 0, {{0, 0}}},
        {"lines=0-1", 10, 0, {{0, 0}}},
        {"bytes=0-1", 0, 0, {{0, 0}}},
    };
    CHECK_ROWS(rows);
}

TEST(range_behind_the_end_cannot_be_satisfied)
{
    static const struct row rows[] = {
        {"bytes=10-", 10, NONE, {{0, 0}}},
        {"bytes=10-20", 10, NONE, {{0, 0}}},
        {"bytes=-0", 10, NONE, {{0, 0}}},
        {"bytes=99999999999999999999-", 10, NONE, {{0, 0}}},
        {"bytes=10-,20-30", 10, NONE, {{0, 0}}},
    };
    CHECK_ROWS(rows);
}

TEST(range_takes_sixteen_and_not_one_more)
{
    char field[256] = "bytes=";
    struct wf_range ranges[WF_RANGE_COUNT_MAX];
    for (int i = 0; i < WF_RANGE_COUNT_MAX; i++)
        snprintf(field + strlen(field), 16, "%d-%d,", 3 * i, 3 * i);
    CHECK_EQ(wf_range_parse(weft_str_of(field), 1000, ranges), WF_RANGE_COUNT_MAX);
    CHECK_EQ(ranges[15].first, 45u);
    snprintf(field + strlen(field), 16, "0-0");
    CHECK_EQ(wf_range_parse(weft_str_of(field), 1000, ranges), 0);
}
