/* SPDX-License-Identifier: MIT */

/* Distances against the tables they stand for. */
#include "make.h"

#include "match/score/distance.h"

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The whole table, cell by cell. */
static size_t distance_by_table(wf_points a, wf_points b)
{
    static uint16_t cells[601][601];
    for (size_t i = 0; i <= a.count; i++) {
        for (size_t k = 0; k <= b.count; k++) {
            size_t cell = i == 0 ? k : i;
            if (i > 0 && k > 0) {
                bool same = a.at[i - 1] == b.at[k - 1];
                cell = least(cells[i - 1][k - 1] + !same,
                             least(cells[i - 1][k], cells[i][k - 1]) + 1u);
                if (i > 1 && k > 1 && a.at[i - 1] == b.at[k - 2] && a.at[i - 2] == b.at[k - 1])
                    cell = least(cell, cells[i - 2][k - 2] + 1u);
            }
            cells[i][k] = (uint16_t)cell;
        }
    }
    return cells[a.count][b.count];
}

/* A copy with some edits, or something else altogether. */
static wf_points vary(dice *d, wf_points a, uint32_t *out, unsigned letters)
{
    size_t count = 0;
    bool is_other = roll(d, 4) == 0;
    for (size_t i = 0; i < a.count && count < 590; i++) {
        size_t what = roll(d, 12);
        if (what == 0)
            continue;
        if (what == 1)
            out[count++] = 'a' + (uint32_t)roll(d, letters);
        if (what == 2 && i + 1 < a.count) {
            out[count++] = a.at[i + 1];
            out[count++] = a.at[i++];
            continue;
        }
        out[count++] = is_other ? 'a' + (uint32_t)roll(d, letters) : a.at[i];
    }
    return (wf_points){out, count};
}

TEST(distance_is_that_of_the_table)
{
    static uint32_t left[600], right[600];
    static const size_t lengths[] = {1, 3, 8, 20, 63, 64, 65, 127, 128, 129, 200, 480};
    dice d = {7};
    for (size_t round = 0; round < 1500; round++) {
        size_t length = lengths[round % 12];
        length = length < 4 || roll(&d, 2) == 0 ? length : 1 + roll(&d, length);
        unsigned letters = 2 + (unsigned)roll(&d, round % 5 == 0 ? 300 : 20);
        for (size_t i = 0; i < length; i++)
            left[i] = 'a' + (uint32_t)roll(&d, letters);
        wf_points a = {left, length}, b = vary(&d, a, right, letters);
        b.count = least(b.count, WF_DISTANCE_MAX);
        note("round %zu, %zu and %zu characters", round, a.count, b.count);
        CHECK_EQ(wf_distance(a, b), distance_by_table(a, b));
        CHECK_EQ(wf_distance(b, a), wf_distance(a, b));
    }
}

TEST(distance_looks_at_the_first_characters_only)
{
    static uint32_t left[WF_DISTANCE_MAX + 9], right[WF_DISTANCE_MAX + 9];
    for (size_t i = 0; i < WF_DISTANCE_MAX + 9; i++)
        left[i] = right[i] = 'x';
    right[WF_DISTANCE_MAX + 3] = 'y';
    wf_points a = {left, WF_DISTANCE_MAX + 9}, b = {right, WF_DISTANCE_MAX + 9};
    CHECK_EQ(wf_distance(a, b), 0);
    right[WF_DISTANCE_MAX - 1] = 'y';
    CHECK_EQ(wf_distance(a, b), 1);
}
