/* SPDX-License-Identifier: MIT */

#include "base/calendar.h"

/* Years begin with March here, so that the leap day is the last; eras are 400 years, which all have
 * the same days. */
#define ERA_DAYS 146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

static int64_t days_before_month(int64_t month) /* 0: March */
{
    return (153 * month + 2) / 5;
}

int64_t wf_days_of_date(wf_date date)
{
    int64_t year = date.month > 2 ? date.year : (int64_t)date.year - 1;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year =
        days_before_month(date.month > 2 ? date.month - 3 : date.month + 9) + date.day - 1;
    return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

wf_date wf_date_of_days(int64_t days)
{
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - (ERA_DAYS - 1)) / ERA_DAYS,
            of_era = days - era * ERA_DAYS;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    wf_date date = {.day = (int)(of_year - days_before_month(month) + 1),
                    .month = (int)(month < 10 ? month + 3 : month - 9)};
    date.year = (int)(year + era * 400 + (date.month <= 2));
    return date;
}
