/* SPDX-License-Identifier: MIT */

/*
 * Chunked bodies: outcome, data and bytes taken are the same however the input is cut: as it
 * chooses (cut.h); data never exceeds the limit nor the input; a body written from the data is read
 * back as that data.
 */

#include "cut.h"
#include "h1/body.h"
#include "h1/trailer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wf_h1_body_limits limits[] = {
    {1 << 20, 256, 16384, 8192, 32},
    {16, 8, 12, 16, 2},
};

struct outcome {
    struct wf_h1_body body;
    int rc;
    bool is_done;
    size_t used, bytes;
    wf_buf trailers;
    char *data; /* room for all of the input */
};

static void begin(struct outcome *out, const struct wf_h1_body_limits *limit, size_t room)
{
    *out = (struct outcome){.data = malloc(room + 1)};
    assert(out->data != NULL);
    wf_h1_body_init_chunked(&out->body, limit);
    out->body.trailers = &out->trailers;
}

static void end(struct outcome *out)
{
    wf_buf_fini(&out->trailers);
    free(out->data);
}

static void feed(struct outcome *out, const char *text, size_t len)
{
    if (out->rc < 0 || out->is_done)
        return;
    char *copy = malloc(len + 1);
    assert(copy != NULL);
    memcpy(copy, text, len);
    size_t at = 0, used;
    weft_str piece;
    do {
        out->rc = wf_h1_body_next(&out->body, copy + at, len - at, &used, &piece);
        assert(used <= len - at);
        if (out->rc > 0) {
            assert(piece.len > 0);
            assert(piece.ptr >= copy + at);
            assert(piece.ptr + piece.len == copy + at + used);
            memcpy(out->data + out->bytes, piece.ptr, piece.len);
            out->bytes += piece.len;
        }
        at += used;
    } while (out->rc > 0);
    out->used += at;
    out->is_done = wf_h1_body_is_done(&out->body);
    assert(out->rc < 0 || out->is_done || at == len);
    free(copy);
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
    assert(a->rc == b->rc);
    assert(a->is_done == b->is_done);
    assert(a->used == b->used);
    assert(a->bytes == b->bytes);
    assert(memcmp(a->data, b->data, a->bytes) == 0);
    assert(wf_buf_bytes(&a->trailers) == wf_buf_bytes(&b->trailers));
    assert(memcmp(wf_buf_ptr(&a->trailers), wf_buf_ptr(&b->trailers), wf_buf_bytes(&a->trailers)) ==
           0);
    assert(a->body.fault.status == b->body.fault.status);
    assert(a->body.fault.offset == b->body.fault.offset);
    assert(a->body.fault.message == b->body.fault.message);
}

static void check_written(const struct outcome *out, const struct wf_h1_body_limits *limit)
{
    char *text = malloc(out->bytes + 64);
    assert(text != NULL);
    size_t len = 0;
    if (out->bytes > 0) {
        len = (size_t)snprintf(text, 64, "%zx\r\n", out->bytes);
        memcpy(text + len, out->data, out->bytes);
        len += out->bytes;
        memcpy(text + len, "\r\n", 2);
        len += 2;
    }
    memcpy(text + len, "0\r\n\r\n", 5);
    len += 5;

    struct outcome again;
    begin(&again, limit, len);
    feed(&again, text, len);
    assert(again.is_done);
    assert(again.used == len);
    assert(again.bytes == out->bytes);
    assert(memcmp(again.data, out->data, out->bytes) == 0);
    end(&again);
    free(text);
}

static void check(const struct wf_h1_body_limits *limit, const char *text, size_t len,
                  uint64_t hash)
{
    struct cut cut = cut_of(hash, len);
    struct outcome whole, other;
    begin(&whole, limit, len);
    feed(&whole, text, len);
    assert(whole.bytes <= limit->body_bytes_max);

    begin(&other, limit, len);
    for (size_t at = 0, count; at < len; at += count) {
        count = cut_take(&cut, len - at);
        feed(&other, text + at, count);
    }
    check_same(&whole, &other);
    end(&other);

    if (whole.rc < 0) {
        assert(whole.body.fault.status == 400 || whole.body.fault.status == 413);
        assert(whole.body.fault.message != NULL);
        assert(whole.body.fault.offset <= (int64_t)len);
    }
    if (whole.is_done)
        check_written(&whole, limit);
    if (whole.is_done) {
        weft_str lines = {wf_buf_ptr(&whole.trailers), wf_buf_bytes(&whole.trailers)};
        assert(lines.len <= limit->trailer_bytes_max);
        assert(wf_h1_trailer_find(lines, weft_str_of("Content-Length")).ptr == NULL);
        (void)wf_h1_trailer_find(lines, weft_str_of("x"));
    }
    end(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        check(&limits[i], (const char *)data, size, input_hash(data, size));
    return 0;
}
