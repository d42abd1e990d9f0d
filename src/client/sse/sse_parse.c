/* SPDX-License-Identifier: MIT */

#include "client/sse/sse_parse.h"

#include "base/str.h"
#include <string.h>

#define RETRY_DIGITS_MAX 9
#define BOM "\xef\xbb\xbf" /* a byte order mark, which a stream may begin with */
#define BOM_BYTES (sizeof BOM - 1)

void wf_sse_init(struct wf_sse_parser *parser)
{
    *parser = (struct wf_sse_parser){
        .line.bytes_max = WF_SSE_LINE_BYTES_MAX,
        .data.bytes_max = WF_SSE_EVENT_BYTES_MAX,
        .event.bytes_max = WF_SSE_LINE_BYTES_MAX,
        .id.bytes_max = WF_SSE_LINE_BYTES_MAX,
        .last_id.bytes_max = WF_SSE_LINE_BYTES_MAX,
    };
}

void wf_sse_fini(struct wf_sse_parser *parser)
{
    wf_buf_fini(&parser->line);
    wf_buf_fini(&parser->data);
    wf_buf_fini(&parser->event);
    wf_buf_fini(&parser->id);
    wf_buf_fini(&parser->last_id);
}

static void event_reset(struct wf_sse_parser *parser)
{
    wf_buf_reset(&parser->data);
    wf_buf_reset(&parser->event);
    parser->was_given = false;
}

static int buf_set(wf_buf *buf, const char *bytes, size_t count)
{
    wf_buf_reset(buf);
    return wf_buf_append(buf, bytes, count);
}

void wf_sse_restart(struct wf_sse_parser *parser)
{
    event_reset(parser);
    wf_buf_reset(&parser->line);
    (void)buf_set(&parser->id, wf_buf_ptr(&parser->last_id), wf_buf_bytes(&parser->last_id));
    parser->was_cr = false;
    parser->is_begun = false;
}

/* ---- lines ---- */

static weft_str text_of(const wf_buf *buf)
{
    return (weft_str){wf_buf_ptr(buf), wf_buf_bytes(buf)};
}

static void take_retry(struct wf_sse_parser *parser, weft_str value)
{
    weft_time ms = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < '0' || value.ptr[i] > '9' || i == RETRY_DIGITS_MAX)
            return;
        ms = ms * 10 + (value.ptr[i] - '0');
    }
    if (value.len > 0) {
        parser->retry = ms * WEFT_MS;
        parser->has_retry = true;
    }
}

static int take_field(struct wf_sse_parser *parser, weft_str name, weft_str value)
{
    if (wf_str_is(name, "data")) {
        int rc = wf_buf_append(&parser->data, value.ptr, value.len);
        return rc < 0 ? rc : wf_buf_putc(&parser->data, '\n');
    }
    if (wf_str_is(name, "event"))
        return buf_set(&parser->event, value.ptr, value.len);
    if (wf_str_is(name, "id") && memchr(value.ptr, 0, value.len) == NULL)
        return buf_set(&parser->id, value.ptr, value.len);
    if (wf_str_is(name, "retry"))
        take_retry(parser, value);
    return 0;
}

/* "name: value", "name:value", "name"; ":" begins a comment. */
static int take_line(struct wf_sse_parser *parser)
{
    weft_str line = text_of(&parser->line);
    const char *colon = memchr(line.ptr, ':', line.len);
    weft_str name = line, value = {line.ptr + line.len, 0};
    if (colon != NULL) {
        name.len = (size_t)(colon - line.ptr);
        value = (weft_str){colon + 1, line.len - name.len - 1};
        if (value.len > 0 && value.ptr[0] == ' ') {
            value.ptr++;
            value.len--;
        }
    }
    int rc = name.len == 0 ? 0 : take_field(parser, name, value);
    wf_buf_reset(&parser->line);
    return rc;
}

/* An empty line: what was collected is an event if it has data. */
static int take_event(struct wf_sse_parser *parser, weft_sse_event *out)
{
    int rc = buf_set(&parser->last_id, wf_buf_ptr(&parser->id), wf_buf_bytes(&parser->id));
    if (rc < 0)
        return rc;
    if (wf_buf_bytes(&parser->data) == 0) {
        wf_buf_reset(&parser->event);
        return 0;
    }
    *out = (weft_sse_event){
        .data = {wf_buf_ptr(&parser->data), wf_buf_bytes(&parser->data) - 1},
        .event = text_of(&parser->event),
        .id = text_of(&parser->last_id),
        .retry = parser->retry,
    };
    if (out->event.len == 0)
        out->event = (weft_str)WEFT_STR("message");
    parser->was_given = true;
    return 1;
}

/* The end of a line: of an event, if the line is empty. */
static int take_end(struct wf_sse_parser *parser, weft_sse_event *out)
{
    weft_str line = text_of(&parser->line);
    if (!parser->is_begun && line.len >= BOM_BYTES && memcmp(line.ptr, BOM, BOM_BYTES) == 0)
        wf_buf_consume(&parser->line, BOM_BYTES);
    parser->is_begun = true;
    return wf_buf_bytes(&parser->line) == 0 ? take_event(parser, out) : take_line(parser);
}

/* ---- bytes ---- */

/* How many bytes there are before the end of the line. */
static size_t span_of(const char *bytes, size_t len)
{
    size_t count = 0;
    while (count < len && bytes[count] != '\r' && bytes[count] != '\n')
        count++;
    return count;
}

int wf_sse_feed(struct wf_sse_parser *parser, const char *in, size_t len, size_t *out_used,
                weft_sse_event *out)
{
    int rc = 0;
    size_t at = 0;
    if (parser->was_given)
        event_reset(parser);
    while (at < len && rc == 0) {
        char c = in[at];
        bool is_rest = parser->was_cr && c == '\n';
        size_t count = c == '\r' || c == '\n' ? 0 : span_of(in + at, len - at);
        parser->was_cr = c == '\r';
        if (count > 0)
            rc = wf_buf_append(&parser->line, in + at, count);
        else if (!is_rest)
            rc = take_end(parser, out);
        at += count > 0 ? count : 1;
    }
    *out_used = at;
    return rc;
}
