/* SPDX-License-Identifier: MIT */

#include "h1/head_priv.h"

#include "h1/chars.h"
#include "h1/run.h"

#include <assert.h>
#include <string.h>

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

static int head_too_large(struct wf_h1_head *head)
{
    const char *message = head->is_answer ? "The head of the answer is too large."
                                          : "The head of the request is too large.";
    return wf_h1_head_over(head, 431, message, "head_bytes_max", head->limits->head_bytes_max);
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
        return wf_h1_head_over(head, 414,
                               head->is_answer ? "The status line is too long."
                                               : "The request line is too long.",
                               "line_bytes_max", head->limits->line_bytes_max);
    return wf_h1_head_over(head, 431, "A field is too long.", "field_bytes_max",
                           head->limits->field_bytes_max);
}

/* ---- bytes ---- */

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

static int head_empty_line(struct wf_h1_head *head, const char *buf)
{
    if (buf[head->at] != '\r') {
        head->state = METHOD;
        head->method_at = head->at;
        return 0;
    }
    if (head->empty_line_count == head->limits->empty_line_count_max)
        return wf_h1_head_over(head, 400, "There are too many empty lines before the request.",
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
        return wf_h1_head_bad(head, "The method is not a token followed by one space.");
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
        return wf_h1_head_bad(head, "The target is not visible characters followed by one space.");
    head->target_len = head->at - head->target_at;
    head->at++;
    head->state = VERSION;
    return 0;
}

static int head_version(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    uint32_t version_at = head->target_at + head->target_len + 1;
    if (head->at == version_at && stop - head->at >= WF_H1_VERSION_BYTES &&
        memcmp(buf + head->at, "HTTP/1.1", WF_H1_VERSION_BYTES) == 0) { /* nearly always */
        head->major_seen = 1;
        head->minor_seen = 1;
        head->at += WF_H1_VERSION_BYTES;
    }
    while (head->at < stop && head->at - version_at < WF_H1_VERSION_BYTES) {
        if (!version_take(head, head->at - version_at, buf[head->at]))
            return wf_h1_head_bad(head, "The request line does not end in HTTP/1.1 or HTTP/1.0.");
        head->at++;
    }
    if (head->at - version_at == WF_H1_VERSION_BYTES)
        head->state = VERSION_CR;
    return 0;
}

static int head_answer(struct wf_h1_head *head, const char *buf, uint32_t stop)
{
    head->at = (uint32_t)wf_http_value_end(buf, head->at, stop);
    if (head->at == stop)
        return 0;
    if (buf[head->at] != '\r')
        return wf_h1_head_bad(head, "The status line holds a control character.");
    head->at++;
    head->state = ANSWER_LF;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The LF behind a CR; what ended with it is taken. */
static int head_line_end(struct wf_h1_head *head, const char *buf)
{
    uint8_t state = head->state;
    int rc = 0;
    if (buf[head->at] != '\n')
        return wf_h1_head_bad(head, "A CR is not followed by LF.");
    head->at++;
    head->state = FIELD;
    switch (state) {
    case EMPTY_LF:
        head->state = EMPTY_LINE;
        break;
    case VERSION_LF:
        rc = wf_h1_head_take_request_line(head, buf);
        break;
    case ANSWER_LF:
        rc = wf_h1_head_take_status_line(head, buf);
        break;
    case VALUE_LF:
        rc = wf_h1_head_take_field(head, buf);
        break;
    default:
        rc = wf_h1_head_finish(head);
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
        return wf_h1_head_bad(head, "A field begins with white space; folding is not accepted.");
    if (head->field_count == head->limits->field_count_max)
        return wf_h1_head_over(head, 431, "There are too many fields.", "field_count_max",
                               head->limits->field_count_max);
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
        return wf_h1_head_bad(head, "A field's name is not a token followed by a colon.");
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
        return wf_h1_head_bad(head, "A field's value holds a control character.");
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
    switch ((enum wf_h1_head_state)head->state) {
    case EMPTY_LINE:
        return head_empty_line(head, buf);
    case METHOD:
        return head_method(head, buf, stop);
    case TARGET:
        return head_target(head, buf, stop);
    case VERSION:
        return head_version(head, buf, stop);
    case VERSION_CR:
        if (buf[head->at] != '\r')
            return wf_h1_head_bad(head, "The version is not followed by CRLF.");
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
    switch ((enum wf_h1_head_state)head->state) {
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

int wf_h1_head_take_steps(struct wf_h1_head *head, const char *buf, size_t len)
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
