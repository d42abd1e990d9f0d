/* SPDX-License-Identifier: MIT */

#include "http/log/log_line.h"

#include "base/calendar.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <math.h>
#include <string.h>

static void put_digits(char *out, unsigned value, size_t count)
{
    while (count-- > 0) {
        out[count] = (char)('0' + value % 10);
        value /= 10;
    }
}

void wf_log_time(char out[WF_LOG_TIME_BYTES], weft_time wall)
{
    int64_t ms = wall / WEFT_MS, seconds = ms / 1000;
    unsigned of_day = (unsigned)(seconds % 86400);
    memcpy(out, "0000-00-00T00:00:00.000Z", WF_LOG_TIME_BYTES);
    wf_date date = wf_date_of_days(seconds / 86400);
    put_digits(out, (unsigned)date.year, 4);
    put_digits(out + 5, (unsigned)date.month, 2);
    put_digits(out + 8, (unsigned)date.day, 2);
    put_digits(out + 11, of_day / 3600, 2);
    put_digits(out + 14, of_day / 60 % 60, 2);
    put_digits(out + 17, of_day % 60, 2);
    put_digits(out + 20, (unsigned)(ms % 1000), 3);
}

/* To the microsecond. */
static double took_ms(const weft_http_record *record)
{
    return round((double)record->took / 1000) / 1000;
}

static const char *peer_of(const weft_http_record *record, char *out, size_t room)
{
    bool is_known = record->peer != NULL && weft_addr_format(record->peer, out, room) >= 0;
    return is_known ? out : NULL;
}

void wf_log_line_json(wf_buf *out, const weft_http_record *record)
{
    char time[WF_LOG_TIME_BYTES], peer[WEFT_ADDR_TEXT_BYTES];
    wf_json json = {.out = out, .is_for_people = true};
    wf_log_time(time, record->at);
    wf_json_object(&json);
    wf_json_put_text(&json, "time", time);
    wf_json_put_text(&json, "peer", peer_of(record, peer, sizeof peer));
    wf_json_put_text(&json, "version", record->version);
    wf_json_put_str(&json, "method", record->method);
    wf_json_put_str(&json, "host", record->host);
    wf_json_put_str(&json, "path", record->path);
    wf_json_put_text(&json, "route", record->route);
    wf_json_put_uint(&json, "status", (uint64_t)record->status);
    wf_json_key(&json, "whole");
    wf_json_bool(&json, record->is_whole);
    wf_json_put_text(&json, "end", record->end);
    wf_json_key(&json, "took_ms");
    wf_json_double(&json, took_ms(record));
    wf_json_put_uint(&json, "received_bytes", record->received_bytes);
    wf_json_put_uint(&json, "sent_bytes", record->sent_bytes);
    wf_json_put_text(&json, "request_id", record->request_id);
    if (record->trace != NULL) {
        wf_json_put_text(&json, "trace_id", record->trace->trace_id);
        wf_json_put_text(&json, "span_id", record->trace->span_id);
    }
    wf_json_object_end(&json);
    (void)wf_buf_putc(out, '\n');
}

/* As in JSON, without the quotes around it: what a terminal or a reader of lines could take for
 * something else is escaped. */
static void put_escaped(wf_buf *out, weft_str text)
{
    if (text.len == 0) {
        (void)wf_buf_putc(out, '-');
        return;
    }
    for (size_t at = 0; at < text.len;) {
        uint32_t c;
        size_t bytes = wf_utf8_read(text.ptr + at, text.len - at, &c);
        bool is_odd = bytes == 0 || c == '"' || c == '\\' || wf_utf8_is_hidden(c);
        if (!is_odd)
            (void)wf_buf_append(out, text.ptr + at, bytes);
        else if (bytes != 0 && c > 0xFFFF)
            wf_json_escape(out, c);
        else
            (void)wf_buf_printf(out, "\\u%04x", bytes != 0 ? (unsigned)c : 0xfffdu);
        at += bytes != 0 ? bytes : 1;
    }
}

void wf_log_line_text(wf_buf *out, const weft_http_record *record)
{
    char time[WF_LOG_TIME_BYTES], peer[WEFT_ADDR_TEXT_BYTES];
    const char *name = peer_of(record, peer, sizeof peer);
    wf_log_time(time, record->at);
    (void)wf_buf_printf(out, "%s %s \"", time, name != NULL && name[0] != 0 ? name : "-");
    put_escaped(out, record->method);
    (void)wf_buf_putc(out, ' ');
    put_escaped(out, record->path);
    (void)wf_buf_printf(out, "\" %d %llu %.3fms ", record->status,
                        (unsigned long long)record->sent_bytes, took_ms(record));
    put_escaped(out, weft_str_of(record->request_id));
    (void)wf_buf_printf(out, record->is_whole ? "\n" : " %s\n", record->end);
}
