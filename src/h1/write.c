/* SPDX-License-Identifier: MIT */

#include "h1/write.h"

#include "base/calendar.h"
#include "base/str.h"
#include "h1/chars.h"
#include "h1/put.h"
#include "h1/run.h"
#include "h1/status.h"

#include <assert.h>
#include <string.h>

/* ---- fields ---- */

int wf_h1_value_check(weft_str value)
{
    if (value.len == 0) /* and no bytes anywhere */
        return 0;
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

int wf_h1_write_field(wf_buf *out, weft_str name, weft_str value)
{
    int rc = wf_h1_field_check(name, value);
    if (rc < 0)
        return rc;
    char *room;
    value = wf_str_trim(value); /* HTTP/1 ignores space around it, RFC 9113 8.2.1 forbids it */
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

/* ---- the opening ---- */

static char *put_status_line(char *out, int status)
{
    if (status == 200)
        return WF_PUT(out, "HTTP/1.1 200 OK\r\n");
    assert(status >= 100);
    assert(status <= 599);
    const char *phrase = wf_http_status_phrase(status);
    out = WF_PUT(out, "HTTP/1.1 ");
    out = wf_h1_put_number(out, (uint64_t)status);
    *out++ = ' ';
    out = wf_h1_put_str(out, weft_str_of(phrase));
    return WF_PUT(out, "\r\n");
}

void wf_h1_opening_make(struct wf_h1_opening *opening, int status, const char *date, weft_str type)
{
    char *at = put_status_line(opening->text, status), *end = opening->text + WF_H1_OPENING_BYTES;
    if (date != NULL) {
        at = WF_PUT(at, "Date: ");
        at = WF_PUT_BYTES(at, date, WF_H1_DATE_BYTES);
        at = WF_PUT(at, "\r\n");
    }
    bool has_room = type.len + WF_H1_TYPE_LINE_BYTES <= (size_t)(end - at);
    opening->status = (uint16_t)status;
    opening->type_at = (uint16_t)(at + WF_H1_TYPE_NAME_BYTES - opening->text);
    opening->type_len = has_room ? (uint16_t)type.len : 0;
    if (opening->type_len != 0)
        at = wf_h1_put_type(at, type);
    opening->bytes = (uint16_t)(at - opening->text);
    memset(at, 0, (size_t)(end - at));
}

/* ---- chunks ---- */

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

    out = WF_PUT_BYTES(out, days + 3 * ((day_count % 7 + 7) % 7), 3);
    out = WF_PUT(out, ", ");
    out = wf_h1_put_two(out, date.day);
    *out++ = ' ';
    out = WF_PUT_BYTES(out, months + (size_t)3 * (size_t)(date.month - 1), 3);
    *out++ = ' ';
    out = wf_h1_put_two(out, date.year / 100);
    out = wf_h1_put_two(out, date.year % 100);
    *out++ = ' ';
    out = wf_h1_put_two(out, (int)(of_day / 3600));
    *out++ = ':';
    out = wf_h1_put_two(out, (int)(of_day / 60 % 60));
    *out++ = ':';
    out = wf_h1_put_two(out, (int)(of_day % 60));
    (void)WF_PUT(out, " GMT");
}
