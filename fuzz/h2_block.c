/* SPDX-License-Identifier: MIT */

/*
 * Header blocks of HTTP/2 as heads of HTTP/1: whatever the fields hold, the text is one head, with
 * the fields that were put in and no other, or it is refused.
 *
 * Input: a length and so many bytes of a name, a length and so many of a value, and so on.
 */

#include "h2/block.h"

#include "h1/chars.h"
#include "h1/head.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 32, HEAD_BYTES_MAX = 1024 };

static bool take(const uint8_t **at, const uint8_t *end, weft_str *out)
{
    if (*at == end)
        return false;
    size_t len = *(*at)++;
    if (len > (size_t)(end - *at))
        len = (size_t)(end - *at);
    *out = (weft_str){(const char *)*at, len};
    *at += len;
    return true;
}

/* What was put in under the names that keep it as it is. */
struct given {
    weft_str method, path;
    size_t plain; /* fields that stand for themselves */
    size_t extra; /* at most: Host of an authority, a cookie of crumbs */
};

static void note_field(struct given *given, weft_str name, weft_str value)
{
    if (WF_HTTP_EQUAL(name.ptr, name.len, ":method"))
        given->method = value;
    else if (WF_HTTP_EQUAL(name.ptr, name.len, ":path"))
        given->path = value;
    else if (WF_HTTP_EQUAL(name.ptr, name.len, ":authority"))
        given->extra++;
    else if (WF_HTTP_EQUAL(name.ptr, name.len, "host") ||
             WF_HTTP_EQUAL(name.ptr, name.len, "cookie"))
        given->extra++;
    else if (name.len != 0 && name.ptr[0] != ':')
        given->plain++;
}

static void check_head(const struct wf_h1_head *head, weft_str text, const struct given *given)
{
    weft_str method = {text.ptr + head->method_at, head->method_len};
    weft_str target = {text.ptr + head->target_at, head->target_len};
    assert(head->bytes == text.len);
    assert(head->minor == 1);
    assert(method.len == given->method.len);
    assert(memcmp(method.ptr, given->method.ptr, method.len) == 0);
    if (head->method != WF_H1_CONNECT) {
        assert(target.len == given->path.len);
        assert(memcmp(target.ptr, given->path.ptr, target.len) == 0);
    }
    assert(head->field_count >= given->plain);
    assert(head->field_count <= given->plain + given->extra);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct wf_h1_limits limits = {
        .head_bytes_max = HEAD_BYTES_MAX,
        .line_bytes_max = HEAD_BYTES_MAX / 2,
        .field_bytes_max = HEAD_BYTES_MAX / 2,
        .field_count_max = FIELDS_MAX,
        .empty_line_count_max = 0,
    };
    struct wf_h1_field fields[FIELDS_MAX];
    struct wf_h1_head head;
    struct wf_h2_block block = {0};
    struct given given = {0};
    weft_str name, value, text;
    const uint8_t *at = data, *end = data + size;

    wf_h2_block_begin(&block, HEAD_BYTES_MAX);
    while (take(&at, end, &name) && take(&at, end, &value)) {
        note_field(&given, name, value);
        assert(wf_h2_block_add(&block, name, value) == 0);
        assert(wf_buf_bytes(&block.text) <= HEAD_BYTES_MAX + 2 * UINT8_MAX + 64);
    }
    if (wf_h2_block_end(&block, &text) == 0) {
        wf_h1_head_init(&head, &limits, fields);
        int rc = wf_h1_head_feed(&head, text.ptr, text.len);
        assert(rc != 0); /* a whole head, or one that is refused; never half of one */
        if (rc > 0)
            check_head(&head, text, &given);
    }
    wf_h2_block_fini(&block);
    return 0;
}
