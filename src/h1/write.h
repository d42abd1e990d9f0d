/* SPDX-License-Identifier: MIT */

/*
 * Head of an HTTP/1 answer, written into memory the caller has measured.  What goes in is checked
 * here, so that no value can end a line and begin another.
 */
#ifndef WF_H1_WRITE_H
#define WF_H1_WRITE_H

#include <weft/base.h>

#include "base/buf.h"

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

struct wf_h1_answer {
    int status;       /* 100 to 599 */
    const char *date; /* WF_H1_DATE_BYTES of it; NULL: no Date */
    weft_str type;    /* Content-Type, checked by the caller; ptr NULL: none */
    weft_str fields;  /* lines made by wf_h1_write_field */
    enum wf_h1_framing framing;
    uint64_t length;        /* with WF_H1_BODY_LENGTH */
    const char *connection; /* "close", "keep-alive" or NULL */
};

/* The most that wf_h1_write_answer writes for this answer: status line, framing and date besides
 * what it is given. */
#define WF_H1_ANSWER_BYTES_MAX 256
static inline size_t wf_h1_answer_bytes_max(const struct wf_h1_answer *answer)
{
    return WF_H1_ANSWER_BYTES_MAX + answer->type.len + answer->fields.len;
}

/* Writes status line, fields and the empty line; returns the bytes. */
size_t wf_h1_write_answer(char *out, const struct wf_h1_answer *answer);

/* The line before a chunk of `count` bytes, into at least WF_H1_CHUNK_LINE_BYTES; returns its
 * bytes. */
#define WF_H1_CHUNK_LINE_BYTES 18
size_t wf_h1_write_chunk_line(char *out, size_t count);

/* "Sun, 06 Nov 1994 08:49:37 GMT" of a time since 1970 in seconds, without NUL. */
#define WF_H1_DATE_BYTES 29
void wf_h1_write_date(char *out, int64_t seconds);

#endif
