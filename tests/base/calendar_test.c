/* SPDX-License-Identifier: MIT */

#include "base/calendar.h"

#include "harness/harness.h"

TEST(known_days_have_their_dates)
{
    static const struct {
        int64_t days;
        wf_date date;
    } rows[] = {
        {0, {1970, 1, 1}},       {-1, {1969, 12, 31}},      {59, {1970, 3, 1}},
        {11016, {2000, 2, 29}},  {11017, {2000, 3, 1}},     {-25509, {1900, 2, 28}},
        {-25508, {1900, 3, 1}},  {-719468, {0, 3, 1}},      {-719469, {0, 2, 29}},
        {-719529, {-1, 12, 31}}, {2932896, {9999, 12, 31}}, {19782, {2024, 2, 29}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        wf_date date = wf_date_of_days(rows[i].days);
        CHECK_EQ(date.year, rows[i].date.year);
        CHECK_EQ(date.month, rows[i].date.month);
        CHECK_EQ(date.day, rows[i].date.day);
        CHECK_EQ(wf_days_of_date(rows[i].date), rows[i].days);
    }
}

/* Each day is one further than the one before, through more than an era on both sides of year 0. */
TEST(days_follow_one_another)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    wf_date last = wf_date_of_days(-900000);
    for (int64_t days = -899999; days < 100000; days++) {
        wf_date date = wf_date_of_days(days);
        bool is_leap = (last.year % 4 == 0 && last.year % 100 != 0) || last.year % 400 == 0;
        bool is_end = last.day == lengths[last.month - 1] + (last.month == 2 && is_leap);
        bool is_next =
            is_end ? date.day == 1 && date.month == last.month % 12 + 1 &&
                         date.year == last.year + (last.month == 12)
                   : date.day == last.day + 1 && date.month == last.month && date.year == last.year;
        if (!is_next || wf_days_of_date(date) != days) {
            CHECK_EQ(days, 0); /* says which */
            return;
        }
        last = date;
    }
}
