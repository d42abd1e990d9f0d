/* SPDX-License-Identifier: MIT */

/* What the lines of a head mean, each judged when it has ended, and the head when it has. */

#include "h1/head_priv.h"

#include "h1/chars.h"
#include "h1/host.h"

#include <string.h>

enum connection_option { CLOSE = 1, KEEP_ALIVE = 2 };

#define NAME(literal)                                                                              \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }
static const weft_str method_names[] = {
    [WF_H1_GET] = NAME("GET"),         [WF_H1_HEAD] = NAME("HEAD"),
    [WF_H1_POST] = NAME("POST"),       [WF_H1_PUT] = NAME("PUT"),
    [WF_H1_DELETE] = NAME("DELETE"),   [WF_H1_PATCH] = NAME("PATCH"),
    [WF_H1_OPTIONS] = NAME("OPTIONS"), [WF_H1_TRACE] = NAME("TRACE"),
    [WF_H1_CONNECT] = NAME("CONNECT"),
};

/* ---- refusals ---- */

/* Out of line here too, like what few fields need: the usual ones then save no registers for it. */
#define RARE __attribute__((noinline))

RARE int wf_h1_head_refuse(struct wf_h1_head *head, int status, const char *message,
                           uint32_t offset)
{
    head->fault = wf_http_fault(status, message, offset);
    head->state = REFUSED;
    return -WEFT_ESYNTAX;
}

RARE int wf_h1_head_bad(struct wf_h1_head *head, const char *message)
{
    return wf_h1_head_refuse(head, 400, message, head->at);
}

RARE int wf_h1_head_over(struct wf_h1_head *head, int status, const char *message,
                         const char *limit_name, uint64_t limit)
{
    head->fault = wf_http_fault_limit(status, message, limit_name, limit, limit + 1, head->at);
    head->state = REFUSED;
    return -WEFT_ELIMIT;
}

/* ---- the request line ---- */

uint8_t wf_h1_method_of(const char *text, size_t len)
{
    for (unsigned i = WF_H1_GET; i <= WF_H1_CONNECT; i++) {
        if (method_names[i].len == len && memcmp(text, method_names[i].ptr, len) == 0)
            return (uint8_t)i;
    }
    return WF_H1_UNKNOWN;
}

/* Bytes of "http://" or "https://" at the start, or 0. */
static size_t scheme_bytes(const char *text, size_t len)
{
    if (len >= 7 && WF_HTTP_EQUAL(text, 7, "http://"))
        return 7;
    return len >= 8 && WF_HTTP_EQUAL(text, 8, "https://") ? 8 : 0;
}

static inline bool head_host_is_valid(const struct wf_h1_head *head, const char *host, size_t len)
{
    const weft_str *seen = &head->host_seen;
    if (len != 0 && len == seen->len && wf_http_identical(host, seen->ptr, len))
        return true;
    return wf_http_host_is_valid(host, len);
}

static int head_take_absolute(struct wf_h1_head *head, const char *buf, size_t scheme)
{
    uint32_t at = head->target_at + (uint32_t)scheme, end = head->target_at + head->target_len;
    head->target_form = WF_H1_ABSOLUTE;
    head->host_at = at;
    while (at < end && buf[at] != '/' && buf[at] != '?')
        at++;
    head->host_len = at - head->host_at;
    if (!head_host_is_valid(head, buf + head->host_at, head->host_len))
        return wf_h1_head_refuse(head, 400, "The authority of the target is not valid.",
                                 head->host_at);
    return 0;
}

static int head_take_target(struct wf_h1_head *head, const char *buf)
{
    const char *target = buf + head->target_at;
    size_t len = head->target_len;

    head->target_form = WF_H1_ORIGIN;
    if (target[0] == '/')
        return 0;
    size_t scheme = scheme_bytes(target, len);
    if (scheme != 0)
        return head_take_absolute(head, buf, scheme);
    if (len == 1 && target[0] == '*') {
        head->target_form = WF_H1_ASTERISK;
        if (head->method != WF_H1_OPTIONS)
            return wf_h1_head_refuse(head, 400, "The target * is for OPTIONS only.",
                                     head->target_at);
        return 0;
    }
    if (head->method == WF_H1_CONNECT) {
        head->target_form = WF_H1_AUTHORITY;
        return 0;
    }
    return wf_h1_head_refuse(head, 400, "The target is neither a path nor an http URL.",
                             head->target_at);
}

int wf_h1_head_take_request_line(struct wf_h1_head *head, const char *buf)
{
    head->method = wf_h1_method_of(buf + head->method_at, head->method_len);
    if (head->major_seen >= 2)
        return wf_h1_head_refuse(head, 505, "This version of HTTP is not spoken here.", head->at);
    if (head->major_seen == 0)
        return wf_h1_head_bad(head, "There is no such version of HTTP.");
    head->minor = head->minor_seen == 0 ? 0 : 1;
    return head_take_target(head, buf);
}

/* ---- the status line ---- */

/* "HTTP/1.1 200 OK"; the reason may be empty, and old servers leave out the space before it. */
int wf_h1_head_take_status_line(struct wf_h1_head *head, const char *buf)
{
    const char *line = buf + head->line_at;
    size_t len = head->at - 2 - head->line_at;
    if (len < WF_H1_VERSION_BYTES + 4 || memcmp(line, "HTTP/1.", WF_H1_VERSION_BYTES - 1) != 0 ||
        (line[7] != '1' && line[7] != '0') || line[8] != ' ')
        return wf_h1_head_refuse(head, 400, "The answer does not begin with HTTP/1.1 or HTTP/1.0.",
                                 head->line_at);
    const char *code = line + WF_H1_VERSION_BYTES + 1;
    for (int i = 0; i < 3; i++) {
        if (!wf_http_is(code[i], WF_DIGIT))
            return wf_h1_head_refuse(head, 400, "The status is not three digits.", head->line_at);
        head->status = (uint16_t)(head->status * 10 + (code[i] - '0'));
    }
    if (head->status < 100 || (len > WF_H1_VERSION_BYTES + 4 && code[3] != ' '))
        return wf_h1_head_refuse(head, 400, "The status is not three digits.", head->line_at);
    head->minor = (uint8_t)(line[7] - '0');
    return 0;
}

/* ---- fields with a meaning for the framing ---- */

static int take_host(struct wf_h1_head *head, const char *buf, const struct wf_h1_field *field)
{
    if (head->has_host)
        return wf_h1_head_refuse(head, 400, "There are two Host fields.", field->name_at);
    head->has_host = true;
    if (!head_host_is_valid(head, buf + field->value_at, field->value_len))
        return wf_h1_head_refuse(head, 400, "Host is not a name or address with an optional port.",
                                 field->value_at);
    if (head->target_form != WF_H1_ABSOLUTE) {
        head->host_at = field->value_at;
        head->host_len = field->value_len;
    }
    return 0;
}

static RARE int take_length(struct wf_h1_head *head, const char *buf,
                            const struct wf_h1_field *field)
{
    if (head->has_length)
        return wf_h1_head_refuse(head, 400, "Content-Length is given twice.", field->name_at);
    head->has_length = true;
    if (field->value_len == 0 || field->value_len > 19)
        return wf_h1_head_refuse(head, 400, "Content-Length is not 1 to 19 digits.",
                                 field->value_at);

    uint64_t length = 0; /* 19 digits always fit 64 bits */
    for (uint32_t i = 0; i < field->value_len; i++) {
        char c = buf[field->value_at + i];
        if (!wf_http_is(c, WF_DIGIT))
            return wf_h1_head_refuse(head, 400, "Content-Length is not 1 to 19 digits.",
                                     field->value_at + i);
        length = length * 10 + (uint64_t)(c - '0');
    }
    if (length > INT64_MAX)
        return wf_h1_head_refuse(head, 400, "Content-Length is above 2^63 - 1.", field->value_at);
    head->content_length = length;
    return 0;
}

static RARE void take_coding(struct wf_h1_head *head, const char *buf,
                             const struct wf_h1_field *field)
{
    head->codings = head->codings == 0 ? 1 : 2;
    head->is_coding_chunked = WF_HTTP_EQUAL(buf + field->value_at, field->value_len, "chunked");
}

static RARE void take_connection(struct wf_h1_head *head, const char *buf,
                                 const struct wf_h1_field *field)
{
    const char *p = buf + field->value_at, *end = p + field->value_len;
    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const char *stop = comma == NULL ? end : comma, *last = stop;
        while (p < last && (*p == ' ' || *p == '\t'))
            p++;
        while (last > p && (last[-1] == ' ' || last[-1] == '\t'))
            last--;
        if (WF_HTTP_EQUAL(p, (size_t)(last - p), "close"))
            head->connection |= CLOSE;
        else if (WF_HTTP_EQUAL(p, (size_t)(last - p), "keep-alive"))
            head->connection |= KEEP_ALIVE;
        p = stop + 1;
    }
}

static RARE void take_expect(struct wf_h1_head *head, const char *buf,
                             const struct wf_h1_field *field)
{
    bool is_continue = WF_HTTP_EQUAL(buf + field->value_at, field->value_len, "100-continue");
    if (head->expect != WF_H1_EXPECT_OTHER)
        head->expect = is_continue ? WF_H1_EXPECT_CONTINUE : WF_H1_EXPECT_OTHER;
}

static RARE void count_cookies(struct wf_h1_head *head, const char *buf,
                               const struct wf_h1_field *field)
{
    const char *at = buf + field->value_at, *end = at + field->value_len;
    head->cookie_count += field->value_len != 0;
    while (at < end && (at = memchr(at, ';', (size_t)(end - at))) != NULL)
        head->cookie_count += ++at < end;
}

/* The field that has just ended. */
int wf_h1_head_take_field(struct wf_h1_head *head, const char *buf)
{
    struct wf_h1_field *field = &head->fields[head->field_count++];
    const char *name = buf + field->name_at;

    switch (field->name_len) {
    case 4:
        if (!head->is_answer && wf_http_token_is(name, "host", 4))
            return take_host(head, buf, field);
        return 0;
    case 6:
        if (!head->is_answer && wf_http_token_is(name, "expect", 6))
            take_expect(head, buf, field);
        else if (!head->is_answer && wf_http_token_is(name, "cookie", 6))
            count_cookies(head, buf, field);
        return 0;
    case 10:
        if (wf_http_token_is(name, "connection", 10))
            take_connection(head, buf, field);
        return 0;
    case 12:
        if (head->request_id == 0 && wf_http_token_is(name, "x-request-id", 12))
            head->request_id = head->field_count;
        return 0;
    case 14:
        return wf_http_token_is(name, "content-length", 14) ? take_length(head, buf, field) : 0;
    case 17:
        if (wf_http_token_is(name, "transfer-encoding", 17))
            take_coding(head, buf, field);
        return 0;
    default:
        return 0;
    }
}

/* Rules between fields, judged when all are known. */
int wf_h1_head_finish(struct wf_h1_head *head)
{
    if (head->minor == 1 && !head->has_host && !head->is_answer)
        return wf_h1_head_bad(head, "Host is missing.");
    if (head->codings != 0 && head->has_length)
        return wf_h1_head_bad(head, "Content-Length and Transfer-Encoding exclude each other.");
    if (head->codings != 0 && head->minor == 0)
        return wf_h1_head_bad(head, "HTTP/1.0 has no Transfer-Encoding.");
    if (head->codings > 1)
        return wf_h1_head_bad(head, "Transfer-Encoding is given twice.");
    if (head->codings == 1 && !head->is_coding_chunked)
        return wf_h1_head_refuse(head, 501, "The only Transfer-Encoding spoken here is chunked.",
                                 head->at);

    head->is_chunked = head->codings == 1;
    if (head->minor == 0)
        head->expect = WF_H1_EXPECT_NONE;
    head->is_keep_alive =
        head->minor == 1 ? (head->connection & CLOSE) == 0 : head->connection == KEEP_ALIVE;
    head->bytes = head->at;
    head->state = DONE;
    return 1;
}
