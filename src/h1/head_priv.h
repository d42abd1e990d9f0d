/* SPDX-License-Identifier: MIT */

/* Between the parser of a head (head.c), which knows where lines end, the one of the usual lines
 * (head_plain.c) and what lines mean (head_line.c). */
#ifndef WF_H1_HEAD_PRIV_H
#define WF_H1_HEAD_PRIV_H

#include "h1/head.h"

/* What the next byte is expected to be. */
enum wf_h1_head_state {
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

#define WF_H1_VERSION_BYTES 8

/* Ends the parsing: -WEFT_ESYNTAX; at the present byte; for a limit, -WEFT_ELIMIT. */
int wf_h1_head_refuse(struct wf_h1_head *head, int status, const char *message, uint32_t offset);
int wf_h1_head_bad(struct wf_h1_head *head, const char *message);
int wf_h1_head_over(struct wf_h1_head *head, int status, const char *message,
                    const char *limit_name, uint64_t limit);

/* enum wf_h1_method */
uint8_t wf_h1_method_of(const char *text, size_t len);

/* The line that has just ended: the first one, or the field behind field_count.  0 or refused. */
int wf_h1_head_take_request_line(struct wf_h1_head *head, const char *buf);
int wf_h1_head_take_status_line(struct wf_h1_head *head, const char *buf);
int wf_h1_head_take_field(struct wf_h1_head *head, const char *buf);

/* Rules between fields, judged when all are known.  1 or refused. */
int wf_h1_head_finish(struct wf_h1_head *head);

#endif
