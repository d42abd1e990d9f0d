/* SPDX-License-Identifier: MIT */

#include <weft/error.h>
#include <weft/http_sse.h>

#include "base/buf.h"

#include <string.h>

int weft_http_sse_begin(weft_http_response *res)
{
    weft_str type = WEFT_STR("text/event-stream"), no_store = WEFT_STR("no-store");
    WEFT_TRY(weft_http_set_field(res, "Content-Type", type));
    WEFT_TRY(weft_http_set_field(res, "Cache-Control", no_store));
    return weft_http_write(res, NULL, 0);
}

static bool has_line_end(weft_str text)
{
    return text.len > 0 &&
           (memchr(text.ptr, '\n', text.len) != NULL || memchr(text.ptr, '\r', text.len) != NULL);
}

static void put_line(wf_buf *out, const char *name, weft_str value)
{
    (void)wf_buf_puts(out, name);
    (void)wf_buf_append(out, value.ptr, value.len);
    (void)wf_buf_putc(out, '\n');
}

/* Bytes before the first line end, or all. */
static size_t line_bytes(weft_str text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] != '\n' && text.ptr[len] != '\r')
        len++;
    return len;
}

/* A line each; a CR, an LF and both together end one. */
static void put_data(wf_buf *out, weft_str data)
{
    for (;;) {
        size_t len = line_bytes(data);
        put_line(out, "data: ", (weft_str){data.ptr, len});
        if (len == data.len)
            return;
        bool is_both = data.ptr[len] == '\r' && len + 1 < data.len && data.ptr[len + 1] == '\n';
        data.ptr += len + 1 + is_both;
        data.len -= len + 1 + is_both;
    }
}

int weft_http_sse_send(weft_http_response *res, const weft_sse_event *event)
{
    if (has_line_end(event->event) || has_line_end(event->id) ||
        (event->id.len > 0 && memchr(event->id.ptr, 0, event->id.len) != NULL))
        return weft_fail(-EINVAL, "an event's type and id are one line, an id without NUL");
    wf_buf text = {0};
    if (event->event.len > 0)
        put_line(&text, "event: ", event->event);
    if (event->id.len > 0)
        put_line(&text, "id: ", event->id);
    if (event->retry > 0)
        (void)wf_buf_printf(&text, "retry: %lld\n", (long long)(event->retry / WEFT_MS));
    if (event->data.len > 0)
        put_data(&text, event->data);
    (void)wf_buf_putc(&text, '\n');
    int rc = text.rc;
    if (rc == 0)
        rc = weft_http_write(res, wf_buf_ptr(&text), wf_buf_bytes(&text));
    wf_buf_fini(&text);
    return rc;
}

int weft_http_sse_keep_alive(weft_http_response *res)
{
    return weft_http_write(res, ":\n\n", 3);
}

weft_str weft_http_sse_last_id(const weft_http_request *req)
{
    weft_str id = weft_http_field(req, "last-event-id");
    return id.ptr != NULL ? id : (weft_str){"", 0};
}
