/* SPDX-License-Identifier: MIT */

/*
 * Head of an HTTP/1 request or answer: the first line and the fields, parsed strictly by RFC 9112.
 *
 *     struct wf_h1_head head;
 *     wf_h1_head_init(&head, &limits, fields);
 *     while ((rc = wf_h1_head_feed(&head, buf, len)) == 0)
 *         ... more bytes behind the first len of buf ...
 *     rc == 1: the head is buf[0, head.bytes), everything in it by offset
 *     rc < 0:  head.fault says what to answer; the connection must end
 *
 * Pure: no I/O, no clock, no memory of its own, each byte looked at once.  The buffer may move
 * between two feeds.  The outcome, its fault and its offset do not depend on how the bytes were cut
 * into feeds: every check belongs to one byte, and bytes are taken in order.
 *
 * What is refused beyond the RFC's own rules, because two parsers could disagree on it: a bare LF,
 * obsolete folding, a list or a repeat of Content-Length, any coding but `chunked`, a '#' in the
 * target, user information in an authority, a Host that is no name or address.  Of an answer the
 * fault's status means nothing: it says what is wrong with what the server sent.
 */
#ifndef WF_H1_HEAD_H
#define WF_H1_HEAD_H

#include <weft/base.h>

#include "h1/fault.h"

#include <stddef.h>
#include <string.h>

/* A limit is the largest size that passes.  Lines count without their CRLF. */
struct wf_h1_limits {
    uint32_t head_bytes_max;       /* all of the head; at most 2^31 */
    uint32_t line_bytes_max;       /* the request or status line */
    uint32_t field_bytes_max;      /* one field line */
    uint32_t field_count_max;      /* also the room in `fields` */
    uint32_t empty_line_count_max; /* before the request line */
};

struct wf_h1_field {
    uint32_t name_at, name_len;
    uint32_t value_at, value_len; /* without the white space around it */
};

enum wf_h1_method {
    WF_H1_UNKNOWN, /* a token that is none of these: 501 */
    WF_H1_GET,
    WF_H1_HEAD,
    WF_H1_POST,
    WF_H1_PUT,
    WF_H1_DELETE,
    WF_H1_PATCH,
    WF_H1_OPTIONS,
    WF_H1_TRACE,
    WF_H1_CONNECT,
};

enum wf_h1_target_form {
    WF_H1_ORIGIN,    /* /path?query */
    WF_H1_ABSOLUTE,  /* http://authority/path?query */
    WF_H1_ASTERISK,  /* * */
    WF_H1_AUTHORITY, /* host:port, CONNECT only */
};

enum wf_h1_expect { WF_H1_EXPECT_NONE, WF_H1_EXPECT_CONTINUE, WF_H1_EXPECT_OTHER };

struct wf_h1_head {
    /* The result. */
    uint32_t bytes; /* of the whole head, empty lines before it included */
    uint8_t method; /* enum wf_h1_method */
    uint8_t target_form;
    uint8_t minor;         /* 0 or 1; a higher one is served as 1 */
    uint8_t expect;        /* enum wf_h1_expect; NONE in 1.0, which has no such field */
    uint16_t status;       /* of an answer: 100 to 999 */
    bool is_answer;        /* then no method, target, host and expect */
    bool is_chunked;       /* the body is chunked */
    bool has_length;       /* the body is `content_length` bytes */
    bool is_keep_alive;    /* the peer wants to go on after the answer */
    bool is_target_plain;  /* a path of letters, digits, '-', '_' and '/'; false: perhaps */
    uint32_t cookie_count; /* pieces of all Cookie fields, well-formed or not */
    uint32_t request_id;   /* the first X-Request-Id, as a count of fields up to it; 0: none */
    uint64_t content_length;
    uint32_t method_at, method_len;
    uint32_t target_at, target_len;
    uint32_t host_at,
        host_len; /* the authority: of an absolute target, else of Host; may be empty */
    uint32_t field_count;

    /* Progress. */
    uint32_t empty_line_count;
    uint32_t at;      /* bytes taken */
    uint32_t line_at; /* where the present line begins */
    uint8_t state;
    uint8_t major_seen, minor_seen;
    uint8_t connection; /* options seen in Connection */
    uint8_t codings;    /* how often Transfer-Encoding was seen, up to 2 */
    bool is_coding_chunked;
    bool has_host;

    struct wf_http_fault fault; /* after a refusal; else its status is 0 */

    /* What one head leaves to the next. */
    const struct wf_h1_limits *limits;
    struct wf_h1_field *fields; /* in order */

    /* An authority that was found valid before, borrowed; len 0: none.  Requests come for the same
     * host again and again, and the same bytes need not be judged again. */
    weft_str host_seen;
};

/* Ready for a new head; `host_seen` may be set behind it.  `limits` and `fields` (field_count_max
 * of them) are borrowed. */
void wf_h1_head_init(struct wf_h1_head *head, const struct wf_h1_limits *limits,
                     struct wf_h1_field *fields);

/* The same for the head of an answer. */
void wf_h1_head_init_answer(struct wf_h1_head *head, const struct wf_h1_limits *limits,
                            struct wf_h1_field *fields);

/* Ready for the next request's head with the same limits and fields; `host_seen` stays. */
static inline void wf_h1_head_renew(struct wf_h1_head *head)
{
    memset(head, 0, offsetof(struct wf_h1_head, fault));
    head->fault.status = 0;
}

/* The two halves of it: the lines that are there whole and are as lines mostly are, up to the first
 * other one (head_plain.c); what is left, byte by byte. */
int wf_h1_head_take_plain(struct wf_h1_head *head, const char *buf, size_t len);
int wf_h1_head_take_steps(struct wf_h1_head *head, const char *buf, size_t len);

/* Goes on where it stopped; buf[0, len) are all bytes since the head began.  1: complete; 0: not
 * yet; -WEFT_ESYNTAX or -WEFT_ELIMIT: refused, see `fault`; the same again for ever. */
static inline int wf_h1_head_feed(struct wf_h1_head *head, const char *buf, size_t len)
{
    int rc = wf_h1_head_take_plain(head, buf, len);
    return rc != 0 ? rc : wf_h1_head_take_steps(head, buf, len);
}

/* True once a byte of the request itself has come (empty lines do not count). */
bool wf_h1_head_has_begun(const struct wf_h1_head *head);

/* The value of the first field of that name (lower case), or one with ptr NULL. */
weft_str wf_h1_head_field(const struct wf_h1_head *head, const char *buf, const char *lower);

#endif
