/* SPDX-License-Identifier: MIT */

#include "h1/body.h"

#include "h1/chars.h"
#include "h1/trailer.h"

#include <string.h>

/* What the next byte is expected to be. */
enum body_state {
    DONE = 0, /* as the header says */
    REFUSED,
    LENGTH, /* `left` bytes of a body with a length */
    SIZE,   /* a digit of a chunk's size, or what ends it */
    EXTENSION,
    SIZE_LF,
    DATA, /* `left` bytes of a chunk */
    DATA_CR,
    DATA_LF,
    TRAILER, /* a trailer's first byte, or the CR that ends the body */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
};

#define SIZE_DIGITS_MAX 16

void wf_h1_body_init_empty(struct wf_h1_body *body)
{
    *body = (struct wf_h1_body){.state = DONE};
}

void wf_h1_body_init_length(struct wf_h1_body *body, uint64_t length)
{
    *body = (struct wf_h1_body){
        .state = length == 0 ? DONE : LENGTH,
        .left = length,
        .bytes = length,
    };
}

void wf_h1_body_init_chunked(struct wf_h1_body *body, const struct wf_h1_body_limits *limits)
{
    *body = (struct wf_h1_body){.state = SIZE, .limits = limits};
}

/* ---- refusals ---- */

static int body_bad(struct wf_h1_body *body, const char *message)
{
    body->fault = wf_http_fault(400, message, (int64_t)body->offset);
    body->state = REFUSED;
    return -WEFT_ESYNTAX;
}

static int body_over(struct wf_h1_body *body, const char *message, const char *limit_name,
                     uint64_t limit)
{
    body->fault =
        wf_http_fault_limit(400, message, limit_name, limit, limit + 1, (int64_t)body->offset);
    body->state = REFUSED;
    return -WEFT_ELIMIT;
}

static int body_too_large(struct wf_h1_body *body)
{
    uint64_t seen = 0;
    if (__builtin_add_overflow(body->bytes, body->left, &seen))
        seen = UINT64_MAX;
    body->fault = wf_http_fault_limit(413, "The body is too large.", "body_bytes_max",
                                      body->limits->body_bytes_max, seen, (int64_t)body->offset);
    body->state = REFUSED;
    return -WEFT_ELIMIT;
}

/* ---- one byte of the chunks' framing ---- */

static int body_size(struct wf_h1_body *body, char c)
{
    if (wf_http_is(c, WF_HEX)) {
        if (body->digit_count == SIZE_DIGITS_MAX)
            return body_bad(body, "The size of a chunk has more than 16 digits.");
        body->digit_count++;
        body->left = body->left << 4 | wf_http_hex(c);
        return 0;
    }
    if (body->digit_count == 0 || (c != ';' && c != '\r'))
        return body_bad(body, "The size of a chunk is not hex digits.");
    body->state = c == ';' ? EXTENSION : SIZE_LF;
    return 0;
}

static int body_extension(struct wf_h1_body *body, char c)
{
    if (c == '\r') {
        body->state = SIZE_LF;
        return 0;
    }
    if (!wf_http_is(c, WF_VALUE))
        return body_bad(body, "A chunk extension holds a control character.");
    if (body->extension_bytes == body->limits->extension_bytes_max)
        return body_over(body, "The chunk extensions of the body are too long.",
                         "extension_bytes_max", body->limits->extension_bytes_max);
    body->extension_bytes++;
    return 0;
}

/* Sizes and extensions are lines with a limit of their own. */
static int body_chunk_line(struct wf_h1_body *body, char c)
{
    if (c != '\r' && body->line_bytes == body->limits->chunk_line_bytes_max)
        return body_over(body, "The line of a chunk's size is too long.", "chunk_line_bytes_max",
                         body->limits->chunk_line_bytes_max);
    body->line_bytes++;
    return body->state == SIZE ? body_size(body, c) : body_extension(body, c);
}

/* The size is known: room for the chunk is judged before its first byte comes. */
static int body_begin_chunk(struct wf_h1_body *body)
{
    if (body->left == 0) {
        body->state = TRAILER;
        return 0;
    }
    if (body->left > body->limits->body_bytes_max ||
        body->bytes > body->limits->body_bytes_max - body->left)
        return body_too_large(body);
    body->bytes += body->left;
    body->state = DATA;
    return 0;
}

static void body_begin_size(struct wf_h1_body *body)
{
    body->state = SIZE;
    body->left = 0;
    body->digit_count = 0;
    body->line_bytes = 0;
}

static int body_trailer_start(struct wf_h1_body *body, char c)
{
    if (c == '\r') {
        body->state = END_LF;
        return 0;
    }
    if (!wf_http_is(c, WF_TOKEN))
        return body_bad(body, "A trailer does not begin with a name.");
    if (body->trailer_count == body->limits->trailer_count_max)
        return body_over(body, "There are too many trailers.", "trailer_count_max",
                         body->limits->trailer_count_max);
    body->trailer_count++;
    if (body->trailers != NULL)
        body->trailer_start = (uint32_t)wf_buf_bytes(body->trailers);
    body->state = TRAILER_NAME;
    return 0;
}

static int body_trailer_name(struct wf_h1_body *body, char c)
{
    if (c == ':')
        body->state = TRAILER_VALUE;
    else if (!wf_http_is(c, WF_TOKEN))
        return body_bad(body, "A trailer's name is not a token followed by a colon.");
    return 0;
}

static int body_trailer_value(struct wf_h1_body *body, char c)
{
    if (c == '\r')
        body->state = TRAILER_LF;
    else if (!wf_http_is(c, WF_VALUE))
        return body_bad(body, "A trailer's value holds a control character.");
    return 0;
}

/* A trailer is whole. */
static void body_judge_trailer(struct wf_h1_body *body)
{
    size_t bytes = wf_buf_bytes(body->trailers) - body->trailer_start;
    const char *line = wf_buf_ptr(body->trailers) + body->trailer_start;
    const char *colon = memchr(line, ':', bytes);
    if (!wf_h1_trailer_is_allowed((weft_str){line, (size_t)(colon - line)}))
        wf_buf_drop(body->trailers, bytes);
}

/* A byte of the trailers was right. */
static int body_keep_trailer(struct wf_h1_body *body, char c)
{
    int rc = body->state == END_LF || body->state == DONE ? 0 : wf_buf_putc(body->trailers, c);
    if (rc == 0 && c == '\n' && body->state == TRAILER)
        body_judge_trailer(body);
    return rc;
}

static int body_trailer_step(struct wf_h1_body *body, char c)
{
    if (body->state != END_LF && !(body->state == TRAILER && c == '\r')) {
        if (body->trailer_bytes == body->limits->trailer_bytes_max)
            return body_over(body, "The trailers are too long.", "trailer_bytes_max",
                             body->limits->trailer_bytes_max);
        body->trailer_bytes++;
    }
    switch (body->state) {
    case TRAILER:
        return body_trailer_start(body, c);
    case TRAILER_NAME:
        return body_trailer_name(body, c);
    case TRAILER_VALUE:
        return body_trailer_value(body, c);
    default:
        break;
    }
    if (c != '\n')
        return body_bad(body, "A CR is not followed by LF.");
    body->state = body->state == END_LF ? DONE : TRAILER;
    return 0;
}

static int body_step(struct wf_h1_body *body, char c)
{
    int rc;
    switch (body->state) {
    case SIZE:
    case EXTENSION:
        return body_chunk_line(body, c);
    case SIZE_LF:
        return c == '\n' ? body_begin_chunk(body) : body_bad(body, "A CR is not followed by LF.");
    case DATA_CR:
        if (c != '\r')
            return body_bad(body, "A chunk is not followed by CRLF.");
        body->state = DATA_LF;
        return 0;
    case DATA_LF:
        if (c != '\n')
            return body_bad(body, "A chunk is not followed by CRLF.");
        body_begin_size(body);
        return 0;
    default:
        rc = body_trailer_step(body, c);
        return rc == 0 && body->trailers != NULL ? body_keep_trailer(body, c) : rc;
    }
}

/* ---- runs of data ---- */

static size_t body_data(struct wf_h1_body *body, const char *in, size_t len, weft_str *out_data)
{
    size_t count = body->left < len ? (size_t)body->left : len;
    *out_data = (weft_str){in, count};
    body->left -= count;
    body->offset += count;
    if (body->left == 0)
        body->state = body->state == LENGTH ? DONE : DATA_CR;
    return count;
}

int wf_h1_body_next(struct wf_h1_body *body, const char *in, size_t len, size_t *out_used,
                    weft_str *out_data)
{
    size_t at = 0;
    int rc = 0;
    if (body->state == REFUSED)
        rc = body->fault.limit_name != NULL ? -WEFT_ELIMIT : -WEFT_ESYNTAX;
    while (rc == 0 && at < len && body->state != DONE) {
        if (body->state == LENGTH || body->state == DATA) {
            at += body_data(body, in + at, len - at, out_data);
            rc = 1;
            break;
        }
        rc = body_step(body, in[at]);
        if (rc == 0) {
            at++;
            body->offset++;
        }
    }
    *out_used = at;
    return rc;
}
