/* SPDX-License-Identifier: MIT */

/*
 * Multipart forms: verdict, parts and data are the same however the input is cut, as it
 * chooses (cut.h); data lies in the input or is a piece of the boundary; limits hold.  The first
 * line is the Content-Type.
 */

#include "http/form/multipart.h"
#include "cut.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wf_multipart_limits limits = {
    .part_count_max = 8, .head_bytes_max = 512, .name_bytes_max = 32, .part_bytes_max = 4096};

struct outcome {
    int rc;
    bool is_done;
    const char *message;
    int64_t offset;
    uint64_t digest;
    size_t parts, bytes;
};

static void add(struct outcome *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out->digest = (out->digest ^ (unsigned char)bytes[i]) * 1099511628211u;
}

static void see(struct outcome *out, const struct wf_multipart *it, int event, weft_str piece)
{
    if (event == WF_MULTIPART_DATA) {
        assert(piece.len > 0);
        add(out, piece.ptr, piece.len);
        out->bytes += piece.len;
        return;
    }
    char mark = (char)event;
    add(out, &mark, 1);
    if (event != WF_MULTIPART_PART)
        return;
    out->parts++;
    assert(it->name.ptr != NULL);
    assert(it->name.len <= limits.name_bytes_max);
    add(out, it->name.ptr, it->name.len);
    add(out, it->file_name.ptr, it->file_name.len);
    add(out, it->type.ptr, it->type.len);
}

static void feed(struct outcome *out, struct wf_multipart *it, const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    assert(copy != NULL);
    memcpy(copy, text, len);
    for (size_t at = 0; at < len && out->rc >= 0;) {
        size_t used;
        weft_str piece = {NULL, 0};
        out->rc = wf_multipart_next(it, copy + at, len - at, &used, &piece);
        assert(used <= len - at);
        if (out->rc > 0)
            see(out, it, out->rc, piece);
        at += used;
        assert(out->rc != WF_MULTIPART_MORE || at == len);
    }
    free(copy);
}

static struct outcome parse(weft_str boundary, const char *text, size_t len, struct cut cut)
{
    struct outcome out = {.digest = 1469598103934665603u};
    struct wf_multipart it;
    wf_multipart_init(&it, boundary, &limits);
    for (size_t at = 0, count; at < len; at += count) {
        count = cut_take(&cut, len - at);
        feed(&out, &it, text + at, count);
    }
    out.is_done = wf_multipart_is_done(&it);
    out.message = it.fault.message;
    out.offset = it.fault.offset;
    out.rc = out.rc < 0 ? out.rc : 0;
    wf_multipart_fini(&it);
    return out;
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->rc == b->rc);
    assert(a->rc < 0 || a->is_done == b->is_done);
    assert(a->message == b->message);
    assert(a->offset == b->offset);
    assert(a->digest == b->digest);
    assert(a->parts == b->parts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    size_t line = end != NULL ? (size_t)(end - text) : size;
    weft_str boundary;
    if (!wf_multipart_boundary((weft_str){text, line}, &boundary))
        boundary = (weft_str)WEFT_STR("B");
    const char *body = end != NULL ? end + 1 : text;
    size_t len = end != NULL ? size - line - 1 : size;
    struct outcome whole = parse(boundary, body, len, CUT_NOWHERE);
    assert(whole.parts <= limits.part_count_max);
    assert(whole.bytes <= len);
    assert(whole.offset <= (int64_t)len);
    struct outcome pieces = parse(boundary, body, len, cut_of(input_hash(data, size), len));
    check_same(&whole, &pieces);
    return 0;
}
