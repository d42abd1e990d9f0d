/* SPDX-License-Identifier: MIT */

#include "h1/head.h"

#include "h1/chars.h"
#include "h1/host.h"

#include <assert.h>
#include <string.h>

/* What the next byte is expected to be. */
enum head_state {
    EMPTY_LINE, /* CR of an empty line, or the method's first byte */
    EMPTY_LF,
    METHOD,
    TARGET,
    VERSION, /* "HTTP/d.d" */
    VERSION_CR,
    VERSION_LF,
    ANSWER, /* all of a status line */
    ANSWER_LF,
    FIELD, /* the first byte of a name, or the CR that ends the head */
    NAME,
    VALUE_START, /* white space before a value */
    VALUE,
    VALUE_LF,
    END_LF,
    DONE,
    REFUSED,
};

enum connection_option { CLOSE = 1, KEEP_ALIVE = 2 };

#define VERSION_BYTES 8

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

void wf_h1_head_init(struct wf_h1_head *head, const struct wf_h1_limits *limits,
                     struct wf_h1_field *fields)
{
    *head = (struct wf_h1_head){.limits = limits, .fields = fields, .state = EMPTY_LINE};
}

void wf_h1_head_init_answer(struct wf_h1_head *head, const struct wf_h1_limits *limits,
                            struct wf_h1_field *fields)
{
    wf_h1_head_init(head, limits, fields);
    head->is_answer = true;
    head->state = ANSWER;
}

bool wf_h1_head_has_begun(const struct wf_h1_head *head)
{
    return head->state != EMPTY_LINE && head->state != EMPTY_LF;
}

weft_str wf_h1_head_field(const struct wf_h1_head *head, const char *buf, const char *lower)
{
    size_t lower_len = strlen(lower);
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct wf_h1_field *field = &head->fields[i];
        if (wf_http_equal(buf + field->name_at, field->name_len, lower, lower_len))
            return (weft_str){buf + field->value_at, field->value_len};
    }
    return (weft_str){NULL, 0};
}

/* ---- refusals ---- */

static int head_refuse(struct wf_h1_head *head, int status, const char *message, uint32_t offset)
{
    head->fault = wf_http_fault(status, message, offset);
    head->state = REFUSED;
    return -WEFT_ESYNTAX;
}

static int head_bad(struct wf_h1_head *head, const char *message)
{
    return head_refuse(head, 400, message, head->at);
}

static int head_over(struct wf_h1_head *head, int status, const char *message,
                     const char *limit_name, uint64_t limit)
{
    head->fault = wf_http_fault_limit(status, message, limit_name, limit, limit + 1, head->at);
    head->state = REFUSED;
    return -WEFT_ELIMIT;
}

static int head_too_large(struct wf_h1_head *head)
{
    const char *message = head->is_answer ? "The head of the answer is too large."
                                          : "The head of the request is too large.";
    return head_over(head, 431, message, "head_bytes_max", head->limits->head_bytes_max);
}

static bool head_is_in_first_line(const struct wf_h1_head *head)
{
    return head->state <= ANSWER_LF;
}

/* A run of bytes ended at `stop` although more bytes are there: some limit is reached. */
static int head_over_line(struct wf_h1_head *head)
{
    if (head->at == head->limits->head_bytes_max)
        return head_too_large(head);
    if (head_is_in_first_line(head))
        return head_over(head, 414,
                         head->is_answer ? "The status line is too long."
                                         : "The request line is too long.",
                         "line_bytes_max", head->limits->line_bytes_max);
    return head_over(head, 431, "A field is too long.", "field_bytes_max",
                     head->limits->field_bytes_max);
}

/* ---- the request line ---- */

static uint8_t method_of(const char *text, size_t len)
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

static bool head_host_is_valid(const struct wf_h1_head *head, const char *host, size_t len)
{
    const weft_str *seen = &head->host_seen;
    if (len != 0 && len == seen->len && memcmp(host, seen->ptr, len) == 0)
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
        return head_refuse(head, 400, "The authority of the target is not valid.", head->host_at);
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
            return head_refuse(head, 400, "The target * is for OPTIONS only.", head->target_at);
        return 0;
    }
    if (head->method == WF_H1_CONNECT) {
        head->target_form = WF_H1_AUTHORITY;
        return 0;
    }
    return head_refuse(head, 400, "The target is neither a path nor an http URL.", head->target_at);
}

static int head_take_request_line(struct wf_h1_head *head, const char *buf)
{
    head->method = method_of(buf + head->method_at, head->method_len);
    if (head->major_seen >= 2)
        return head_refuse(head, 505, "This version of HTTP is not spoken here.", head->at);
    if (head->major_seen == 0)
        return head_bad(head, "There is no such version of HTTP.");
    head->minor = head->minor_seen == 0 ? 0 : 1;
    return head_take_target(head, buf);
}

/* One byte of "HTTP/d.d". */
static bool version_take(struct wf_h1_head *head, uint32_t index, char c)
{
    if (index == 5 || index == 7) {
        if (!wf_http_is(c, WF_DIGIT))
            return false;
        *(index == 5 ? &head->major_seen : &head->minor_seen) = (uint8_t)(c - '0');
        return true;
    }
    return c == "HTTP/d.d"[index];
}

/* ---- the status line ---- */

/* "HTTP/1.1 200 OK"; the reason may be empty, and old servers leave out the space before it. */
static int head_take_status_line(struct wf_h1_head *head, const char *buf)
{
    const char *line = buf + head->line_at;
    size_t len = head->at - 2 - head->line_at;
    if (len < VERSION_BYTES + 4 || memcmp(line, "HTTP/1.", VERSION_BYTES - 1) != 0 ||
        (line[7] != '1' && line[7] != '0') || line[8] != ' ')
        return head_refuse(head, 400, "The answer does not begin with HTTP/1.1 or HTTP/1.0.",
                           head->line_at);
    const char *code = line + VERSION_BYTES + 1;
    for (int i = 0; i < 3; i++) {
        if (!wf_http_is(code[i], WF_DIGIT))
            return head_refuse(head, 400, "The status is not three digits.", head->line_at);
        head->status = (uint16_t)(head->status * 10 + (code[i] - '0'));
    }
    if (head->status < 100 || (len > VERSION_BYTES + 4 && code[3] != ' '))
        return head_refuse(head, 400, "The status is not three digits.", head->line_at);
    head->minor = (uint8_t)(line[7] - '0');
    return 0;
}

/* ---- fields with a meaning for the framing ---- */

static int take_host(struct wf_h1_head *head, const char *buf, const struct wf_h1_field *field)
{
    if (head->has_host)
        return head_refuse(head, 400, "There are two Host fields.", field->name_at);
    head->has_host = true;
    if (!head_host_is_valid(head, buf + field->value_at, field->value_len))
        return head_refuse(head, 400, "Host is not a name or address with an optional port.",
                           field->value_at);
    if (head->target_form != WF_H1_ABSOLUTE) {
        head->host_at = field->value_at;
        head->host_len = field->value_len;
    }
    return 0;
}

static int take_length(struct wf_h1_head *head, const char *buf, const struct wf_h1_field *field)
{
    if (head->has_length)
        return head_refuse(head, 400, "Content-Length is given twice.", field->name_at);
    head->has_length = true;
    if (field->value_len == 0 || field->value_len > 19)
        return head_refuse(head, 400, "Content-Length is not 1 to 19 digits.", field->value_at);

    uint64_t length = 0; /* 19 digits always fit 64 bits */
    for (uint32_t i = 0; i < field->value_len; i++) {
        char c = buf[field->value_at + i];
        if (!wf_http_is(c, WF_DIGIT))
            return head_refuse(head, 400, "Content-Length is not 1 to 19 digits.",
                               field->value_at + i);
        length = length * 10 + (uint64_t)(c - '0');
    }
    if (length > INT64_MAX)
        return head_refuse(head, 400, "Content-Length is above 2^63 - 1.", field->value_at);
    head->content_length = length;
    return 0;
}

static void take_coding(struct wf_h1_head *head, const char *buf, const struct wf_h1_field *field)
{
    head->codings = head->codings == 0 ? 1 : 2;
    head->is_coding_chunked = WF_HTTP_EQUAL(buf + field->value_at, field->value_len, "chunked");
}

static void take_connection(struct wf_h1_head *head, const char *buf,
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

static void take_expect(struct wf_h1_head *head, const char *buf, const struct wf_h1_field *field)
{
    bool is_continue = WF_HTTP_EQUAL(buf + field->value_at, field->value_len, "100-continue");
    if (head->expect != WF_H1_EXPECT_OTHER)
        head->expect = is_continue ? WF_H1_EXPECT_CONTINUE : WF_H1_EXPECT_OTHER;
}

static void count_cookies(struct wf_h1_head *head, const char *buf, const struct wf_h1_field *field)
{
    const char *at = buf + field->value_at, *end = at + field->value_len;
    head->cookie_count += field->value_len != 0;
    while (at < end && (at = memchr(at, ';', (size_t)(end - at))) != NULL)
        head->cookie_count += ++at < end;
}

/* The field that has just ended. */
static int head_take_field(struct wf_h1_head *head, const char *buf)
{
    struct wf_h1_field *field = &head->fields[head->field_count++];
    const char *name = buf + field->name_at;

    switch (field->name_len) {
    case 4:
        if (!head->is_answer && WF_HTTP_EQUAL(name, 4, "host"))
            return take_host(head, buf, field);
        return 0;
    case 6:
        if (!head->is_answer && WF_HTTP_EQUAL(name, 6, "expect"))
            take_expect(head, buf, field);
        else if (!head->is_answer && WF_HTTP_EQUAL(name, 6, "cookie"))
            count_cookies(head, buf, field);
        return 0;
    case 10:
        if (WF_HTTP_EQUAL(name, 10, "connection"))
            take_connection(head, buf, field);
        return 0;
    case 14:
        return WF_HTTP_EQUAL(name, 14, "content-length") ? take_length(head, buf, field) : 0;
    case 17:
        if (WF_HTTP_EQUAL(name, 17, "transfer-encoding"))
            take_coding(head, buf, field);
        return 0;
    default:
        return 0;
    }
}

/* Rules between fields, judged when all are known. */
static int head_finish(struct wf_h1_head *head)
{
    if (head->minor == 1 && !head->has_host && !head->is_answer)
        return head_bad(head, "Host is missing.");
    if (head->codings != 0 && head->has_length)
        return head_bad(head, "Content-Length and Transfer-Encoding exclude each other.");
    if (head->codings != 0 && head->minor == 0)
        return head_bad(head, "HTTP/1.0 has no Transfer-Encoding.");
    if (head->codings > 1)
        return head_bad(head, "Transfer-Encoding is given twice.");
    if (head->codings == 1 && !head->is_coding_chunked)
        return head_refuse(head, 501, "The only Transfer-Encoding spoken here is chunked.",
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

/* ---- bytes ---- */

/* Where the present line must end at the latest, given that `len` bytes are there. */
static uint32_t head_stop(const struct wf_h1_head *head, size_t len)
{
    uint64_t line_max =
        head_is_in_first_line(head) ? head->limits->line_bytes_max : head->limits->field_bytes_max;
    uint64_t stop = head->line_at + line_max;
    if (stop > head->limits->head_bytes_max)
        stop = head->limits->head_bytes_max;
    return (uint32_t)(stop < len ? stop : len);
}

/* The usual request line, all of it there, is taken at once; false: the steps take it, and find
 * what is wrong with it. */
static inline bool head_plain_line(struct wf_h1_head *head, const char *buf, size_t stop)
{
    static const char rest[] = {' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n'};
    size_t method_end = wf_http_run_end(buf, head->at, stop, WF_TOKEN), target_at = method_end + 1;
    if (method_end == head->at || method_end == stop || buf[method_end] != ' ')
        return false;
    size_t end = wf_http_target_end(buf, target_at, stop);
    if (end == target_at || stop - end < sizeof rest || memcmp(buf + end, rest, sizeof rest) != 0)
        return false;
    head->method_at = head->at;
    head->method_len = (uint32_t)method_end - head->at;
    head->target_at = (uint32_t)target_at;
    head->target_len = (uint32_t)(end - target_at);
    head->major_seen = head->minor_seen = 1;
    head->at = head->line_at = (uint32_t)(end + sizeof rest);
    head->state = FIELD;
    return true;
}

static int head_empty_line(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    if (head_plain_line(head, buf, stop))
        return head_take_request_line(head, buf);
    if (buf[head->at] != '\r') {
        head->state = METHOD;
        head->method_at = head->at;
        return 0;
    }
    if (head->empty_line_count == head->limits->empty_line_count_max)
        return head_over(head, 400, "There are too many empty lines before the request.",
                         "empty_line_count_max", head->limits->empty_line_count_max);
    head->empty_line_count++;
    head->state = EMPTY_LF;
    head->at++;
    return 0;
}

static int head_method(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    head->at = (uint32_t)wf_http_run_end(buf, head->at, stop, WF_TOKEN);
    if (head->at == stop)
        return 0;
    if (buf[head->at] != ' ' || head->at == head->method_at)
        return head_bad(head, "The method is not a token followed by one space.");
    head->method_len = head->at - head->method_at;
    head->target_at = ++head->at;
    head->state = TARGET;
    return 0;
}

static int head_target(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    head->at = (uint32_t)wf_http_target_end(buf, head->at, stop);
    if (head->at == stop)
        return 0;
    if (buf[head->at] != ' ' || head->at == head->target_at)
        return head_bad(head, "The target is not visible characters followed by one space.");
    head->target_len = head->at - head->target_at;
    head->at++;
    head->state = VERSION;
    return 0;
}

static int head_version(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    uint32_t version_at = head->target_at + head->target_len + 1;
    if (head->at == version_at && stop - head->at >= VERSION_BYTES &&
        memcmp(buf + head->at, "HTTP/1.1", VERSION_BYTES) == 0) { /* nearly always */
        head->major_seen = 1;
        head->minor_seen = 1;
        head->at += VERSION_BYTES;
    }
    while (head->at < stop && head->at - version_at < VERSION_BYTES) {
        if (!version_take(head, head->at - version_at, buf[head->at]))
            return head_bad(head, "The request line does not end in HTTP/1.1 or HTTP/1.0.");
        head->at++;
    }
    if (head->at - version_at == VERSION_BYTES)
        head->state = VERSION_CR;
    return 0;
}

static int head_answer(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    head->at = (uint32_t)wf_http_value_end(buf, head->at, stop);
    if (head->at == stop)
        return 0;
    if (buf[head->at] != '\r')
        return head_bad(head, "The status line holds a control character.");
    head->at++;
    head->state = ANSWER_LF;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The usual field: all of it is there, a space before the value and none behind it.  It is taken at
 * once; false: the steps take it, and find what is wrong with it. */
static inline bool head_plain_field(struct wf_h1_head *head, const char *buf, size_t stop)
{
    size_t colon = wf_http_run_end(buf, head->at, stop, WF_TOKEN), value_at = colon + 2;
    if (colon == head->at || value_at >= stop || buf[colon] != ':' || buf[colon + 1] != ' ')
        return false;
    size_t end = wf_http_value_end(buf, value_at, stop);
    if (stop - end < 2 || buf[end] != '\r' || buf[end + 1] != '\n' || is_blank(buf[value_at]) ||
        is_blank(buf[end - 1]))
        return false;
    head->fields[head->field_count] = (struct wf_h1_field){
        .name_at = head->at,
        .name_len = (uint32_t)colon - head->at,
        .value_at = (uint32_t)value_at,
        .value_len = (uint32_t)(end - value_at),
    };
    head->at = head->line_at = (uint32_t)end + 2;
    return true;
}

/* The LF behind a CR; what ended with it is taken. */
static int head_line_end(struct wf_h1_head *head, const char *buf)
{
    uint8_t state = head->state;
    int rc = 0;
    if (buf[head->at] != '\n')
        return head_bad(head, "A CR is not followed by LF.");
    head->at++;
    head->state = FIELD;
    switch (state) {
    case EMPTY_LF:
        head->state = EMPTY_LINE;
        break;
    case VERSION_LF:
        rc = head_take_request_line(head, buf);
        break;
    case ANSWER_LF:
        rc = head_take_status_line(head, buf);
        break;
    case VALUE_LF:
        rc = head_take_field(head, buf);
        break;
    default:
        rc = head_finish(head);
    }
    head->line_at = head->at;
    return rc;
}

static int head_field(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    char c = buf[head->at];
    if (c == '\r') {
        head->state = END_LF;
        head->at++;
        return head->at < stop ? head_line_end(head, buf) : 0;
    }
    if (is_blank(c))
        return head_bad(head, "A field begins with white space; folding is not accepted.");
    if (head->field_count == head->limits->field_count_max)
        return head_over(head, 431, "There are too many fields.", "field_count_max",
                         head->limits->field_count_max);
    if (head_plain_field(head, buf, stop))
        return head_take_field(head, buf);
    head->fields[head->field_count].name_at = head->at;
    head->state = NAME;
    return 0;
}

static int head_name(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    struct wf_h1_field *field = &head->fields[head->field_count];
    head->at = (uint32_t)wf_http_run_end(buf, head->at, stop, WF_TOKEN);
    if (head->at == stop)
        return 0;
    if (buf[head->at] != ':' || head->at == field->name_at)
        return head_bad(head, "A field's name is not a token followed by a colon.");
    field->name_len = head->at - field->name_at;
    head->at++;
    head->state = VALUE_START;
    return 0;
}

static int head_value(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    struct wf_h1_field *field = &head->fields[head->field_count];
    head->at = (uint32_t)wf_http_value_end(buf, head->at, stop);
    if (head->at == stop)
        return 0;
    if (buf[head->at] != '\r')
        return head_bad(head, "A field's value holds a control character.");
    uint32_t end = head->at;
    while (end > field->value_at && is_blank(buf[end - 1]))
        end--;
    field->value_len = end - field->value_at;
    head->at++;
    head->state = VALUE_LF;
    return 0;
}

static void head_value_start(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    while (head->at < stop && is_blank(buf[head->at]))
        head->at++;
    if (head->at == stop)
        return;
    head->fields[head->field_count].value_at = head->at;
    head->state = VALUE;
}

/* Once no byte is wanted any more: 1 or why it was refused. */
static int head_verdict(const struct wf_h1_head *head)
{
    if (head->state == DONE)
        return 1;
    return head->fault.limit_name != NULL ? -WEFT_ELIMIT : -WEFT_ESYNTAX;
}

static int head_step(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    switch ((enum head_state)head->state) {
    case EMPTY_LINE:
        return head_empty_line(head, buf, stop);
    case METHOD:
        return head_method(head, buf, stop);
    case TARGET:
        return head_target(head, buf, stop);
    case VERSION:
        return head_version(head, buf, stop);
    case VERSION_CR:
        if (buf[head->at] != '\r')
            return head_bad(head, "The version is not followed by CRLF.");
        head->at++;
        head->state = VERSION_LF;
        return 0;
    case ANSWER:
        return head_answer(head, buf, stop);
    case FIELD:
        return head_field(head, buf, stop);
    case NAME:
        return head_name(head, buf, stop);
    case VALUE_START:
        head_value_start(head, buf, stop);
        return 0;
    case VALUE:
        return head_value(head, buf, stop);
    case EMPTY_LF:
    case VERSION_LF:
    case ANSWER_LF:
    case VALUE_LF:
    case END_LF:
        return head_line_end(head, buf);
    case DONE:
    case REFUSED:
        break;
    }
    return head_verdict(head);
}

/* A line of exactly the greatest length is followed by its CRLF, which does not count. */
static bool head_may_pass_stop(const struct wf_h1_head *head, char c)
{
    if (head->at == head->limits->head_bytes_max)
        return false;
    switch ((enum head_state)head->state) {
    case METHOD:
    case TARGET:
    case VERSION:
    case NAME:
        return false;
    case ANSWER:
    case VALUE_START:
    case VALUE:
        return c == '\r';
    default:
        return true;
    }
}

int wf_h1_head_feed(struct wf_h1_head *head, const char *buf, size_t len)
{
    int rc = head->state >= DONE ? head_verdict(head) : 0;
    while (rc == 0 && head->at < len) {
        uint32_t stop = head_stop(head, len);
        if (head->at >= stop) {
            if (!head_may_pass_stop(head, buf[head->at]))
                return head_over_line(head);
            stop = head->at + 1;
        }
        uint32_t line_at = head->line_at;
        do /* what is left of the line shares its limits */
            rc = head_step(head, buf, stop);
        while (rc == 0 && head->at < stop && head->line_at == line_at);
    }
    return rc;
}
