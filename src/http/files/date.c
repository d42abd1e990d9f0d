/* SPDX-License-Identifier: MIT */

#include "http/files/date.h"

#include "base/calendar.h"

/* Takes bytes of the text one after the other; what does not fit makes it bad for good. */
struct cursor {
    const char *at, *end;
    bool is_bad;
};

static char take(struct cursor *cursor)
{
    if (cursor->at == cursor->end) {
        cursor->is_bad = true;
        return 0;
    }
    return *cursor->at++;
}

static void expect(struct cursor *cursor, const char *literal)
{
    for (; *literal != 0; literal++)
        cursor->is_bad |= take(cursor) != *literal;
}

static int number(struct cursor *cursor, int digits)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = take(cursor);
        cursor->is_bad |= c < '0' || c > '9';
        value = value * 10 + (c - '0');
    }
    return cursor->is_bad ? 0 : value;
}

/* The index of the three letters that come in `names`. */
static int name3(struct cursor *cursor, const char *names, int count)
{
    const char letters[3] = {take(cursor), take(cursor), take(cursor)};
    for (int i = 0; i < count && !cursor->is_bad; i++) {
        if (memcmp(names + (size_t)3 * (size_t)i, letters, 3) == 0)
            return i;
    }
    cursor->is_bad = true;
    return 0;
}

static int day_name(struct cursor *cursor)
{
    return name3(cursor, "ThuFriSatSunMonTueWed", 7); /* 1970 began with a Thursday */
}

static int month(struct cursor *cursor)
{
    return name3(cursor, "JanFebMarAprMayJunJulAugSepOctNovDec", 12) + 1;
}

struct date {
    int year, month, day, hour, minute, second, day_name;
};

static void time_of_day(struct cursor *cursor, struct date *date)
{
    date->hour = number(cursor, 2);
    expect(cursor, ":");
    date->minute = number(cursor, 2);
    expect(cursor, ":");
    date->second = number(cursor, 2);
}

/* ---- the forms ---- */

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static void form_fixed(struct cursor *cursor, struct date *date)
{
    date->day_name = day_name(cursor);
    expect(cursor, ", ");
    date->day = number(cursor, 2);
    expect(cursor, " ");
    date->month = month(cursor);
    expect(cursor, " ");
    date->year = number(cursor, 4);
    expect(cursor, " ");
    time_of_day(cursor, date);
    expect(cursor, " GMT");
}

/* "Sun Nov  6 08:49:37 1994" */
static void form_asctime(struct cursor *cursor, struct date *date)
{
    date->day_name = day_name(cursor);
    expect(cursor, " ");
    date->month = month(cursor);
    expect(cursor, " ");
    bool is_short = cursor->at != cursor->end && *cursor->at == ' ';
    if (is_short)
        expect(cursor, " ");
    date->day = number(cursor, is_short ? 1 : 2);
    expect(cursor, " ");
    time_of_day(cursor, date);
    expect(cursor, " ");
    date->year = number(cursor, 4);
}

/* "Sunday, 06-Nov-94 08:49:37 GMT" */
static void form_rfc850(struct cursor *cursor, struct date *date)
{
    static const char *const rests[] = {"rsday", "day", "urday", "day", "day", "sday", "nesday"};
    date->day_name = day_name(cursor);
    expect(cursor, rests[date->day_name]);
    expect(cursor, ", ");
    date->day = number(cursor, 2);
    expect(cursor, "-");
    date->month = month(cursor);
    expect(cursor, "-");
    date->year = number(cursor, 2);
    expect(cursor, " ");
    time_of_day(cursor, date);
    expect(cursor, " GMT");
}

/* ---- days ---- */

static int days_in(int year, int month_number)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month_number - 1] + (month_number == 2 && is_leap);
}

static bool is_possible(const struct date *date)
{
    return date->year >= 1 && date->day >= 1 && date->day <= days_in(date->year, date->month) &&
           date->hour <= 23 && date->minute <= 59 && date->second <= 60; /* a leap second */
}

static int64_t seconds_of(const struct date *date)
{
    return wf_days_of_date((wf_date){date->year, date->month, date->day}) * 86400 +
           (int64_t)date->hour * 3600 + (int64_t)date->minute * 60 + date->second;
}

/* Not more than 50 years from now on. */
static int century_of(int two_digits, int64_t now)
{
    int year = (int)(1970 + now / 31556952); /* of the mean year, exact enough */
    int guess = year - year % 100 + two_digits;
    return guess > year + 50 ? guess - 100 : guess;
}

bool wf_http_date_parse(weft_str text, int64_t now, int64_t *out)
{
    struct cursor cursor = {text.ptr, text.ptr + text.len, text.len < 24};
    struct date date = {.month = 1};
    if (cursor.is_bad)
        return false;
    bool has_short_name = text.ptr[3] == ',', is_asctime = text.ptr[3] == ' ';
    if (has_short_name)
        form_fixed(&cursor, &date);
    else if (is_asctime)
        form_asctime(&cursor, &date);
    else
        form_rfc850(&cursor, &date);
    if (cursor.is_bad || cursor.at != cursor.end)
        return false;
    if (!has_short_name && !is_asctime)
        date.year = century_of(date.year, now);
    if (!is_possible(&date))
        return false;
    *out = seconds_of(&date);
    return true;
}
