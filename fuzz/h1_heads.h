/* SPDX-License-Identifier: MIT */

/* Heads of requests and answers, fed whole, and in pieces as the input chooses (cut.h). */
#ifndef FUZZ_H1_HEADS_H
#define FUZZ_H1_HEADS_H

#include "cut.h"
#include "h1/head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 100 };

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

static inline void parse_whole(struct outcome *out, head_init *init,
                               const struct wf_h1_limits *limit, const char *text, size_t len)
{
    init(&out->head, limit, out->fields);
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

/* Between its first piece and the last, which are copies, the parser goes on in the input. */
static inline void check_cut(const struct outcome *whole, head_init *init, const char *text,
                             size_t len, uint64_t hash)
{
    struct cut cut = cut_of(hash, len);
    struct outcome other;
    init(&other.head, whole->head.limits, other.fields);
    size_t end = cut_take(&cut, len);
    other.rc = feed_copy(&other.head, text, end);
    while (end < len && other.rc == 0) {
        end += cut_take(&cut, len - end);
        other.rc =
            end < len ? wf_h1_head_feed(&other.head, text, end) : feed_copy(&other.head, text, len);
    }
    check_same(whole, &other);
}

#endif
