/* SPDX-License-Identifier: MIT */

/*
 * The civil (Gregorian) calendar, in UTC and for any year: days since 1970-01-01 and dates.
 * H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2014.
 */
#ifndef WF_CALENDAR_H
#define WF_CALENDAR_H

#include <stdint.h>

typedef struct wf_date {
    int year, month, day; /* months and days from 1 */
} wf_date;

int64_t wf_days_of_date(wf_date date);
wf_date wf_date_of_days(int64_t days);

#endif
