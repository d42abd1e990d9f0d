/* SPDX-License-Identifier: MIT */

/* What the parser tests share: default limits, and parsing a text under every way to cut it. */
#ifndef TESTS_H1_PARSE_HELP_H
#define TESTS_H1_PARSE_HELP_H

#include "h1/body.h"
#include "h1/head.h"
#include "harness/harness.h"

#define FIELDS_MAX 100

static const struct wf_h1_limits head_limits = {
    .head_bytes_max = 64 * 1024,
    .line_bytes_max = 8 * 1024,
    .field_bytes_max = 16 * 1024,
    .field_count_max = FIELDS_MAX,
    .empty_line_count_max = 4,
};

static const struct wf_h1_body_limits body_limits = {
    .body_bytes_max = 8 * 1024 * 1024,
    .chunk_line_bytes_max = 256,
    .extension_bytes_max = 16 * 1024,
    .trailer_bytes_max = 8 * 1024,
    .trailer_count_max = 32,
};

struct head_outcome {
    int rc;
    struct wf_h1_head head;
    struct wf_h1_field fields[FIELDS_MAX];
};

/* wf_h1_head_init() or wf_h1_head_init_answer(). */
typedef void head_init(struct wf_h1_head *head, const struct wf_h1_limits *limits,
                       struct wf_h1_field *fields);

/* Feeds the text in two pieces, the first of `cut` bytes.  Each feed sees its own copy, so that a
 * read past `len` is found by the sanitizer and a kept pointer by its content. */
static inline void head_parse_cut(struct head_outcome *out, head_init *init, const char *text,
                                  size_t len, size_t cut)
{
    init(&out->head, &head_limits, out->fields);
    char *first = malloc(cut + 1);
    memcpy(first, text, cut);
    out->rc = wf_h1_head_feed(&out->head, first, cut);
    memset(first, '#', cut + 1);
    free(first);
    if (out->rc == 0)
        out->rc = wf_h1_head_feed(&out->head, text, len);
}

static inline void head_check_equal(const struct head_outcome *a, const struct head_outcome *b)
{
    CHECK_EQ(a->rc, b->rc);
    CHECK_EQ(a->head.status, b->head.status);
    CHECK_EQ(a->head.bytes, b->head.bytes);
    CHECK_EQ(a->head.fault.status, b->head.fault.status);
    CHECK_EQ(a->head.fault.offset, b->head.fault.offset);
    CHECK_EQ((const void *)a->head.fault.message, (const void *)b->head.fault.message);
    if (a->rc != 1)
        return;
    CHECK_EQ(a->head.method, b->head.method);
    CHECK_EQ(a->head.target_at, b->head.target_at);
    CHECK_EQ(a->head.target_len, b->head.target_len);
    CHECK_EQ(a->head.content_length, b->head.content_length);
    CHECK_EQ(a->head.is_chunked, b->head.is_chunked);
    CHECK_EQ(a->head.is_keep_alive, b->head.is_keep_alive);
    CHECK_EQ(a->head.host_at, b->head.host_at);
    CHECK_EQ(a->head.field_count, b->head.field_count);
    CHECK_EQ(memcmp(a->fields, b->fields, a->head.field_count * sizeof a->fields[0]), 0);
}

/* Parses whole, then at every cut and byte by byte, and checks that nothing differs. */
static inline void head_parse_as(struct head_outcome *out, head_init *init, const char *text,
                                 size_t len)
{
    head_parse_cut(out, init, text, len, len);
    struct head_outcome other;
    size_t step = len < 600 ? 1 : len / 300;
    for (size_t cut = 0; cut < len; cut += step) {
        head_parse_cut(&other, init, text, len, cut);
        head_check_equal(out, &other);
    }
    init(&other.head, &head_limits, other.fields);
    other.rc = 0;
    for (size_t end = 1; end <= len && other.rc == 0; end++)
        other.rc = wf_h1_head_feed(&other.head, text, end);
    head_check_equal(out, &other);
}

static inline void head_parse(struct head_outcome *out, const char *text, size_t len)
{
    head_parse_as(out, wf_h1_head_init, text, len);
}

#endif
