/* SPDX-License-Identifier: MIT */

/*
 * Head of an HTTP/1 answer, written into memory the caller has measured.  What goes in is checked
 * here, so that no value can end a line and begin another.
 */
#ifndef WF_H1_WRITE_H
#define WF_H1_WRITE_H

#include <weft/base.h>

#include "base/buf.h"
#include "h1/put.h"

#include <assert.h>

/* 0, or -EINVAL: the value holds a control character (a tab is fine); the name is no token. */
int wf_h1_value_check(weft_str value);
int wf_h1_field_check(weft_str name, weft_str value);

/* Appends "Name: value\r\n", without space around the value.  The same, or the buffer's failure;
 * then nothing was appended. */
int wf_h1_write_field(wf_buf *out, weft_str name, weft_str value);

/* How the end of the body is told. */
enum wf_h1_framing {
    WF_H1_BODY_NONE,   /* 1xx, 204, 304: no body and no length */
    WF_H1_BODY_LENGTH, /* Content-Length */
    WF_H1_BODY_CHUNKED,
    WF_H1_BODY_TO_END, /* HTTP/1.0: by the end of the connection */
};

/* How an answer begins: the status line, and the date and the type it has.  Answers of one second
 * with the same status and type begin alike: this is put together once, and copied for each. */
#define WF_H1_OPENING_BYTES 128
struct wf_h1_opening {
    char text[WF_H1_OPENING_BYTES];
    uint16_t bytes;
    uint16_t status;
    uint16_t type_at, type_len; /* of the type, in `text`; length 0: it is not in there */
};

/* `status` is 100 to 599, `date` WF_H1_DATE_BYTES of it or NULL: none.  A `type`, checked by the
 * caller, that is too long for it is left out. */
void wf_h1_opening_make(struct wf_h1_opening *opening, int status, const char *date, weft_str type);

static inline weft_str wf_h1_opening_type(const struct wf_h1_opening *opening)
{
    return (weft_str){opening->text + opening->type_at, opening->type_len};
}

struct wf_h1_answer {
    const struct wf_h1_opening *opening;
    weft_str type;   /* Content-Type, checked by the caller, in `opening` or not; ptr NULL: none */
    weft_str fields; /* lines made by wf_h1_write_field */
    enum wf_h1_framing framing;
    uint64_t length;        /* with WF_H1_BODY_LENGTH */
    const char *connection; /* "close", "keep-alive" or NULL */
};

/* The most that wf_h1_write_answer writes for an answer with a type and fields of so many bytes:
 * opening and framing besides these; it may touch no more, either. */
#define WF_H1_ANSWER_BYTES_MAX 256
static inline size_t wf_h1_answer_bytes_max(size_t type_bytes, size_t fields_bytes)
{
    return WF_H1_ANSWER_BYTES_MAX + type_bytes + fields_bytes;
}

static inline char *wf_h1_put_framing(char *out, const struct wf_h1_answer *answer)
{
    switch (answer->framing) {
    case WF_H1_BODY_LENGTH:
        out = WF_PUT(out, "Content-Length: ");
        out = wf_h1_put_number(out, answer->length);
        return WF_PUT(out, "\r\n");
    case WF_H1_BODY_CHUNKED:
        return WF_PUT(out, "Transfer-Encoding: chunked\r\n");
    default:
        return out;
    }
}

/* Writes status line, fields and the empty line; returns the bytes. */
static inline size_t wf_h1_write_answer(char *out, const struct wf_h1_answer *answer)
{
    const struct wf_h1_opening *opening = answer->opening;
    (void)WF_PUT_BYTES(out, opening->text, WF_H1_OPENING_BYTES);
    char *at = out + opening->bytes;
    if (answer->type.ptr != NULL && opening->type_len == 0)
        at = wf_h1_put_type(at, answer->type);
    if (answer->fields.len != 0)
        at = WF_PUT_BYTES(at, answer->fields.ptr, answer->fields.len);
    at = wf_h1_put_framing(at, answer);
    if (answer->connection != NULL) {
        at = WF_PUT(at, "Connection: ");
        at = wf_h1_put_str(at, weft_str_of(answer->connection));
        at = WF_PUT(at, "\r\n");
    }
    at = WF_PUT(at, "\r\n");
    assert((size_t)(at - out) <= wf_h1_answer_bytes_max(answer->type.len, answer->fields.len));
    return (size_t)(at - out);
}

/* The line before a chunk of `count` bytes, into at least WF_H1_CHUNK_LINE_BYTES; returns its
 * bytes. */
#define WF_H1_CHUNK_LINE_BYTES 18
size_t wf_h1_write_chunk_line(char *out, size_t count);

/* "Sun, 06 Nov 1994 08:49:37 GMT" of a time since 1970 in seconds, without NUL. */
#define WF_H1_DATE_BYTES 29
void wf_h1_write_date(char *out, int64_t seconds);

#endif
