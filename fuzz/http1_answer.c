/* SPDX-License-Identifier: MIT */

/*
 * Head of an answer, and the body behind it: the outcome is the same for every way to cut the head;
 * what is accepted is made of lines that end in CRLF and of a status that stands there; the body's
 * bytes are those of the input, in order.
 */

#include "cut.h"
#include "h1/body.h"
#include "h1_heads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wf_h1_limits limits[] = {
    {65536, 8192, 16384, FIELDS_MAX, 0},
    {160, 40, 48, 4, 0},
};

static const struct wf_h1_body_limits body_limits = {1 << 20, 256, 1024, 1024, 8};

static void check_accepted(const struct outcome *out, const char *text, size_t len)
{
    const struct wf_h1_head *head = &out->head;
    assert(head->bytes <= len);
    assert(memcmp(text, "HTTP/1.", 7) == 0);
    assert(memcmp(text + head->bytes - 4, "\r\n\r\n", 4) == 0);
    assert(head->status == (text[9] - '0') * 100 + (text[10] - '0') * 10 + (text[11] - '0'));
    assert(head->status >= 100);
    for (size_t i = 0; i < head->bytes; i++) {
        assert(text[i] != 0);
        if (text[i] == '\n')
            assert(i > 0 && text[i - 1] == '\r');
    }
    assert(!(head->is_chunked && head->has_length));
}

/* What is handed out stands in the input, piece behind piece. */
static void check_body(const struct wf_h1_head *head, const char *text, size_t len)
{
    struct wf_h1_body body;
    const char *at = text + head->bytes, *end = text + len;
    if (head->is_chunked)
        wf_h1_body_init_chunked(&body, &body_limits);
    else
        wf_h1_body_init_length(&body, head->has_length ? head->content_length : UINT64_MAX);
    int rc = 1;
    uint64_t total = 0;
    while (rc > 0) {
        size_t used;
        weft_str data;
        rc = wf_h1_body_next(&body, at, (size_t)(end - at), &used, &data);
        assert(used <= (size_t)(end - at));
        if (rc > 0) {
            assert(data.len > 0 && data.ptr >= at && data.ptr + data.len <= at + used);
            total += data.len;
        }
        at += used;
    }
    if (!head->is_chunked && head->has_length)
        assert(total <= head->content_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    uint64_t hash = input_hash(data, size);
    for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
        struct outcome whole;
        parse_whole(&whole, wf_h1_head_init_answer, &limits[l], text, size);
        check_cut(&whole, wf_h1_head_init_answer, text, size, hash);
        if (whole.rc == 1) {
            check_accepted(&whole, text, size);
            check_body(&whole.head, text, size);
        }
    }
    return 0;
}
