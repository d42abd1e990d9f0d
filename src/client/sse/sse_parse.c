/* SPDX-License-Identifier: MIT */

#include "client/sse/sse_parse.h"

#include "base/str.h"
#include <string.h>

#define RETRY_DIGITS_MAX 9

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
    parser->bom_at = 0;
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

/* ---- bytes ---- */

/* True while the byte belongs to a byte order mark at the very start. */
static bool is_bom(struct wf_sse_parser *parser, char c)
{
    static const char bom[] = "\xef\xbb\xbf";
    if (parser->bom_at == 3)
        return false;
    if (c == bom[parser->bom_at]) {
        parser->bom_at++;
        return true;
    }
    (void)wf_buf_append(&parser->line, bom, parser->bom_at); /* it was none */
    parser->bom_at = 3;
    return false;
}

int wf_sse_feed(struct wf_sse_parser *parser, const char *in, size_t len, size_t *out_used,
                weft_sse_event *out)
{
    int rc = 0;
    size_t at = 0;
    if (parser->was_given)
        event_reset(parser);
    while (at < len && rc == 0) {
        char c = in[at++];
        bool is_rest = parser->was_cr && c == '\n';
        parser->was_cr = c == '\r';
        if (is_rest || is_bom(parser, c))
            continue;
        if (c != '\r' && c != '\n')
            rc = wf_buf_putc(&parser->line, c);
        else
            rc = wf_buf_bytes(&parser->line) == 0 ? take_event(parser, out) : take_line(parser);
    }
    *out_used = at;
    return rc;
}
