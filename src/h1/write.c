/* SPDX-License-Identifier: MIT */

#include "h1/write.h"

#include "base/calendar.h"
#include "h1/chars.h"
#include "h1/run.h"
#include "h1/status.h"

#include <assert.h>
#include <string.h>

/* ---- fields ---- */

int wf_h1_value_check(weft_str value)
{
    return wf_http_value_end(value.ptr, 0, value.len) == value.len ? 0 : -EINVAL;
}

int wf_h1_field_check(weft_str name, weft_str value)
{
    if (name.len == 0)
        return -EINVAL;
    for (size_t i = 0; i < name.len; i++) {
        if (!wf_http_is(name.ptr[i], WF_TOKEN))
            return -EINVAL;
    }
    return wf_h1_value_check(value);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Space around a value is none of it: HTTP/1 passes it over, RFC 9113 8.2.1 forbids it. */
static weft_str without_space(weft_str value)
{
    while (value.len > 0 && is_blank(value.ptr[value.len - 1]))
        value.len--;
    while (value.len > 0 && is_blank(value.ptr[0])) {
        value.ptr++;
        value.len--;
    }
    return value;
}

int wf_h1_write_field(wf_buf *out, weft_str name, weft_str value)
{
    int rc = wf_h1_field_check(name, value);
    if (rc < 0)
        return rc;
    char *room;
    value = without_space(value);
    size_t bytes = name.len + value.len + 4;
    rc = wf_buf_reserve(out, bytes, &room);
    if (rc < 0) {
        out->rc = 0; /* told here; the lines before stand */
        return rc;
    }
    memcpy(room, name.ptr, name.len);
    memcpy(room + name.len, ": ", 2);
    if (value.len > 0)
        memcpy(room + name.len + 2, value.ptr, value.len);
    memcpy(room + bytes - 2, "\r\n", 2);
    wf_buf_commit(out, bytes);
    return 0;
}

/* ---- pieces ---- */

/* So many that the compiler knows how many: a few moves, no call. */
#define PUT_BYTES(out, bytes, count) ((char *)memcpy((out), (bytes), (count)) + (count))
#define PUT(out, literal) PUT_BYTES((out), "" literal, sizeof(literal) - 1)

/* A type is mostly of eight to sixteen bytes: two moves, which may overlap. */
static inline char *put_str(char *out, weft_str text)
{
    if (text.len >= 8 && text.len <= 16) {
        memcpy(out, text.ptr, 8);
        memcpy(out + text.len - 8, text.ptr + text.len - 8, 8);
    } else if (text.len != 0) {
        memcpy(out, text.ptr, text.len);
    }
    return out + text.len;
}

static inline char *put_two(char *out, int number)
{
    *out++ = (char)('0' + number / 10 % 10);
    *out++ = (char)('0' + number % 10);
    return out;
}

static inline char *put_number(char *out, uint64_t number)
{
    size_t count = 1;
    if (number >= 10 && number < 100)
        return put_two(out, (int)number);
    for (uint64_t rest = number; rest >= 10; rest /= 10)
        count++;
    for (size_t at = count; at-- > 0; number /= 10)
        out[at] = (char)('0' + number % 10);
    return out + count;
}

/* ---- the head ---- */

static char *put_status_line(char *out, int status)
{
    if (status == 200)
        return PUT(out, "HTTP/1.1 200 OK\r\n");
    assert(status >= 100);
    assert(status <= 599);
    const char *phrase = wf_http_status_phrase(status);
    out = PUT(out, "HTTP/1.1 ");
    out = put_number(out, (uint64_t)status);
    *out++ = ' ';
    out = put_str(out, weft_str_of(phrase));
    return PUT(out, "\r\n");
}

static char *put_framing(char *out, const struct wf_h1_answer *answer)
{
    switch (answer->framing) {
    case WF_H1_BODY_LENGTH:
        out = PUT(out, "Content-Length: ");
        out = put_number(out, answer->length);
        return PUT(out, "\r\n");
    case WF_H1_BODY_CHUNKED:
        return PUT(out, "Transfer-Encoding: chunked\r\n");
    default:
        return out;
    }
}

size_t wf_h1_write_answer(char *out, const struct wf_h1_answer *answer)
{
    char *at = put_status_line(out, answer->status);
    if (answer->date != NULL) {
        at = PUT(at, "Date: ");
        at = PUT_BYTES(at, answer->date, WF_H1_DATE_BYTES);
        at = PUT(at, "\r\n");
    }
    if (answer->type.ptr != NULL) {
        at = PUT(at, "Content-Type: ");
        at = put_str(at, answer->type);
        at = PUT(at, "\r\n");
    }
    at = put_str(at, answer->fields);
    at = put_framing(at, answer);
    if (answer->connection != NULL) {
        at = PUT(at, "Connection: ");
        at = put_str(at, weft_str_of(answer->connection));
        at = PUT(at, "\r\n");
    }
    at = PUT(at, "\r\n");
    assert((size_t)(at - out) <= wf_h1_answer_bytes_max(answer));
    return (size_t)(at - out);
}

size_t wf_h1_write_chunk_line(char *out, size_t count)
{
    char digits[16];
    size_t at = sizeof digits, bytes;
    do {
        digits[--at] = "0123456789abcdef"[count & 15];
        count >>= 4;
    } while (count != 0);
    bytes = sizeof digits - at;
    memcpy(out, digits + at, bytes);
    memcpy(out + bytes, "\r\n", 2);
    return bytes + 2;
}

/* ---- the date ---- */

void wf_h1_write_date(char *out, int64_t seconds)
{
    static const char days[] = "ThuFriSatSunMonTueWed";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int64_t day_count = seconds / 86400, of_day = seconds % 86400;
    if (of_day < 0) {
        of_day += 86400;
        day_count--;
    }
    wf_date date = wf_date_of_days(day_count);

    out = PUT_BYTES(out, days + 3 * ((day_count % 7 + 7) % 7), 3);
    out = PUT(out, ", ");
    out = put_two(out, date.day);
    *out++ = ' ';
    out = PUT_BYTES(out, months + (size_t)3 * (size_t)(date.month - 1), 3);
    *out++ = ' ';
    out = put_two(out, date.year / 100);
    out = put_two(out, date.year % 100);
    *out++ = ' ';
    out = put_two(out, (int)(of_day / 3600));
    *out++ = ':';
    out = put_two(out, (int)(of_day / 60 % 60));
    *out++ = ':';
    out = put_two(out, (int)(of_day % 60));
    (void)PUT(out, " GMT");
}
