/* SPDX-License-Identifier: MIT */

/* Heads of requests and answers, fed in two pieces. */
#ifndef FUZZ_H1_HEADS_H
#define FUZZ_H1_HEADS_H

#include "h1/head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 100, CUTS_MAX = 24 };

struct outcome {
    int rc;
    struct wf_h1_head head;
    struct wf_h1_field fields[FIELDS_MAX];
};

/* wf_h1_head_init() or wf_h1_head_init_answer(). */
typedef void head_init(struct wf_h1_head *head, const struct wf_h1_limits *limits,
                       struct wf_h1_field *fields);

/* Bytes behind `len` are not ours: a copy of its own finds a read there. */
static inline int feed_copy(struct wf_h1_head *head, const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    assert(copy != NULL);
    memcpy(copy, text, len);
    int rc = wf_h1_head_feed(head, copy, len);
    free(copy);
    return rc;
}

static inline void parse_cut(struct outcome *out, head_init *init, const struct wf_h1_limits *limit,
                             const char *text, size_t len, size_t cut)
{
    init(&out->head, limit, out->fields);
    out->rc = feed_copy(&out->head, text, cut);
    if (out->rc == 0)
        out->rc = feed_copy(&out->head, text, len);
}

/* However a head was cut, its outcome is one. */
static inline void check_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->rc == b->rc);
    assert(a->head.fault.status == b->head.fault.status);
    assert(a->head.fault.offset == b->head.fault.offset);
    assert(a->head.fault.message == b->head.fault.message);
    assert(a->head.at == b->head.at);
    assert(a->head.state == b->head.state);
    assert(a->head.field_count == b->head.field_count);
    assert(a->head.status == b->head.status);
    assert(a->head.bytes == b->head.bytes);
    if (a->rc != 1)
        return;
    assert(a->head.bytes == b->head.bytes);
    assert(a->head.content_length == b->head.content_length);
    assert(a->head.is_chunked == b->head.is_chunked);
    assert(a->head.is_keep_alive == b->head.is_keep_alive);
    assert(memcmp(a->fields, b->fields, a->head.field_count * sizeof a->fields[0]) == 0);
}

#endif
