/* SPDX-License-Identifier: MIT */

#include "client/cookies/cookie_parse.h"

#include "base/calendar.h"
#include "base/str.h"
#include "h1/chars.h"

#include <string.h>

/* Cuts what stands before the first `c` off *rest, which goes on behind it; without one, all. */
static weft_str cut(weft_str *rest, char c)
{
    const char *at = rest->len > 0 ? memchr(rest->ptr, c, rest->len) : NULL;
    weft_str head = {rest->ptr, at != NULL ? (size_t)(at - rest->ptr) : rest->len};
    size_t used = head.len + (at != NULL);
    *rest = (weft_str){rest->ptr + used, rest->len - used};
    return head;
}

/* ---- dates ---- */

struct date {
    int day, month, year, hour, minute, second; /* -1: not seen yet */
};

static bool is_delimiter(char c)
{
    unsigned char u = (unsigned char)c;
    return u == 0x09 || (u >= 0x20 && u <= 0x2f) || (u >= 0x3b && u <= 0x40) ||
           (u >= 0x5b && u <= 0x60) || (u >= 0x7b && u <= 0x7e);
}

/* The number at the start, of at most `digits_max` digits: how many there were. */
static size_t digits(weft_str text, size_t digits_max, int *out)
{
    size_t count = 0;
    *out = 0;
    while (count < text.len && count < digits_max && wf_http_is(text.ptr[count], WF_DIGIT))
        *out = *out * 10 + (text.ptr[count++] - '0');
    bool goes_on = count < text.len && wf_http_is(text.ptr[count], WF_DIGIT);
    return goes_on ? 0 : count;
}

static bool take_time(weft_str token, struct date *date)
{
    int parts[3];
    for (int i = 0; i < 3; i++) {
        size_t count = digits(token, 2, &parts[i]);
        bool has_colon = count < token.len && token.ptr[count] == ':';
        if (count == 0 || (i < 2 && !has_colon))
            return false;
        count += i < 2;
        token = (weft_str){token.ptr + count, token.len - count};
    }
    date->hour = parts[0], date->minute = parts[1], date->second = parts[2];
    return true;
}

static bool take_month(weft_str token, struct date *date)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; i < 12 && token.len >= 3; i++) {
        if (wf_http_equal(token.ptr, 3, names + (size_t)i * 3, 3)) {
            date->month = i + 1;
            return true;
        }
    }
    return false;
}

static void take_token(weft_str token, struct date *date)
{
    int number;
    if (date->hour < 0 && take_time(token, date))
        return;
    size_t count = digits(token, 4, &number);
    if (date->day < 0 && (count == 1 || count == 2)) {
        date->day = number;
        return;
    }
    if (date->month < 0 && take_month(token, date))
        return;
    if (date->year < 0 && (count == 2 || count == 4))
        date->year = count == 4 ? number : number + (number >= 70 ? 1900 : 2000);
}

bool wf_cookie_date(weft_str text, int64_t *out)
{
    struct date date = {-1, -1, -1, -1, -1, -1};
    while (text.len > 0) {
        size_t len = 0;
        while (len < text.len && !is_delimiter(text.ptr[len]))
            len++;
        take_token((weft_str){text.ptr, len}, &date);
        len += len < text.len;
        text = (weft_str){text.ptr + len, text.len - len};
    }
    if (date.hour < 0 || date.hour > 23 || date.minute > 59 || date.second > 59 || date.day < 1 ||
        date.day > 31 || date.month < 1 || date.year < 1601)
        return false;
    *out = wf_days_of_date((wf_date){date.year, date.month, date.day}) * 86400 +
           (int64_t)date.hour * 3600 + (int64_t)date.minute * 60 + date.second;
    return true;
}

/* ---- attributes ---- */

#define AGE_MAX ((int64_t)1 << 40) /* seconds; any larger one means the same */

static bool seconds_of(weft_str text, int64_t *out)
{
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    int64_t value = 0;
    if (text.len == is_negative)
        return false;
    for (size_t i = is_negative; i < text.len; i++) {
        if (!wf_http_is(text.ptr[i], WF_DIGIT))
            return false;
        value = value < AGE_MAX ? value * 10 + (text.ptr[i] - '0') : AGE_MAX;
    }
    *out = is_negative ? -value : value;
    return true;
}

static void take_attribute(struct wf_cookie_line *line, weft_str name, weft_str value)
{
    if (value.len > WF_COOKIE_ATTR_BYTES_MAX)
        return;
    if (WF_HTTP_EQUAL(name.ptr, name.len, "secure")) {
        line->is_secure = true;
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "path")) {
        line->path = value.len > 0 && value.ptr[0] == '/' ? value : (weft_str){0};
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "domain")) {
        bool has_dot = value.len > 0 && value.ptr[0] == '.';
        line->domain = (weft_str){value.ptr + has_dot, value.len - has_dot};
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "max-age")) {
        int64_t age;
        if (seconds_of(value, &age))
            line->max_age = age, line->has_max_age = true;
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "expires")) {
        int64_t at;
        if (wf_cookie_date(value, &at))
            line->expires = at, line->has_expires = true;
    }
}

static bool has_control(weft_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

bool wf_cookie_parse(struct wf_cookie_line *out, weft_str text)
{
    *out = (struct wf_cookie_line){0};
    if (has_control(text))
        return false;
    weft_str pair = cut(&text, ';');
    if (pair.len == 0 || memchr(pair.ptr, '=', pair.len) == NULL)
        return false; /* what browsers take for a value without a name no server means */
    out->name = wf_str_trim(cut(&pair, '='));
    out->value = wf_str_trim(pair);
    if (out->name.len == 0 || out->name.len + out->value.len > WF_COOKIE_BYTES_MAX)
        return false;
    while (text.len > 0) {
        weft_str attribute = cut(&text, ';');
        weft_str name = wf_str_trim(cut(&attribute, '='));
        take_attribute(out, name, wf_str_trim(attribute));
    }
    return true;
}
