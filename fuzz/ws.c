/* SPDX-License-Identifier: MIT */

/*
 * WebSocket frames and what is compressed in them: what comes out, the fault and its place are the
 * same however the input is cut, as it chooses (cut.h); text let through is UTF-8 as the check of
 * whole texts has it; nothing grows past its limit; and a message of the input, compressed, comes
 * back.
 *
 * The first byte chooses the side, and whether compression was agreed on and keeps its window.
 */

#include "base/buf.h"
#include "base/utf8.h"
#include "cut.h"
#include "ws/deflate.h"
#include "ws/frame.h"
#include "ws/mask.h"
#include "ws/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wf_ws_frame_limits limits = {
    .frame_bytes_max = 4096, .message_bytes_max = 8192, .fragment_count_max = 8};
/* The ratio is judged where a piece ends, so it is left out here. */
static const struct wf_ws_inflate_limits inflate_limits = {.message_bytes_max = 100000,
                                                           .ratio_max = 1u << 20};

struct reader {
    struct wf_ws_parser parser;
    struct wf_ws_deflate *deflate;
    struct wf_ws_text text;
    wf_buf message; /* under way */
    uint64_t sum;   /* of all that came */
    int rc;
    bool is_closed;
};

static void add(struct reader *reader, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++)
        reader->sum = (reader->sum ^ at[i]) * 1099511628211u;
    reader->sum = (reader->sum ^ 0x100) * 1099511628211u;
}

static void begin(struct reader *reader, uint8_t choice)
{
    const struct wf_ws_deflate_terms terms = {.is_on = true,
                                              .out_keeps = (choice & 4) != 0,
                                              .in_keeps = (choice & 4) != 0,
                                              .out_bits = 9 + (choice >> 4) % 7};
    memset(reader, 0, sizeof *reader);
    reader->sum = 1469598103934665603u;
    wf_ws_parser_init(&reader->parser, &limits, (choice & 1) != 0);
    if ((choice & 2) == 0 || !wf_ws_deflate_is_there())
        return;
    reader->deflate = wf_ws_deflate_new(&terms);
    assert(reader->deflate != NULL);
    reader->parser.has_deflate = true;
}

static void end(struct reader *reader)
{
    wf_ws_deflate_free(reader->deflate);
    wf_buf_fini(&reader->message);
}

/* As src/ws/receive.c does it. */
static void take_piece(struct reader *reader, const struct wf_ws_piece *piece)
{
    char plain[4096];
    size_t count = piece->bytes.len, before = wf_buf_bytes(&reader->message);
    assert(count <= sizeof plain);
    wf_ws_mask(plain, piece->bytes.ptr, count, piece->key, piece->at);
    if (piece->is_compressed)
        reader->rc = wf_ws_inflate(reader->deflate, (weft_str){plain, count}, piece->is_end,
                                   &inflate_limits, &reader->message, &reader->parser.fault);
    else
        reader->rc = wf_buf_append(&reader->message, plain, count);
    assert(wf_buf_bytes(&reader->message) <= inflate_limits.message_bytes_max + 65536);
    if (reader->rc < 0)
        return;
    const char *bytes = wf_buf_ptr(&reader->message);
    size_t have = wf_buf_bytes(&reader->message);
    if (piece->opcode == WF_WS_TEXT) {
        bool is_right = wf_ws_text_feed(&reader->text, bytes + before, have - before);
        bool is_whole = is_right && wf_ws_text_is_whole(&reader->text);
        if (!is_right || (piece->is_end && !is_whole))
            reader->rc = -WEFT_ESYNTAX;
        assert(!piece->is_end || is_whole == wf_utf8_is_valid(bytes, have));
    }
    if (reader->rc < 0 || !piece->is_end)
        return;
    add(reader, bytes, have);
    wf_buf_reset(&reader->message);
    reader->text = (struct wf_ws_text){0};
}

static void feed(struct reader *reader, const uint8_t *data, size_t size)
{
    size_t at = 0;
    char *copy = malloc(size + 1);
    assert(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    while (at < size && reader->rc >= 0 && !reader->is_closed) {
        size_t used;
        struct wf_ws_piece piece;
        int event = wf_ws_parse(&reader->parser, copy + at, size - at, &used, &piece);
        assert(used <= size - at);
        assert(used > 0 || event < 0);
        at += used;
        reader->rc = event < 0 ? event : 0;
        assert((event < 0) == (reader->parser.fault.code != 0));
        if (event == WF_WS_DATA)
            take_piece(reader, &piece);
        if (event >= WF_WS_PING)
            add(reader, reader->parser.control, reader->parser.control_bytes);
        reader->is_closed = event == WF_WS_CLOSE;
    }
    free(copy);
}

static void check_same(const struct reader *a, const struct reader *b)
{
    assert(a->sum == b->sum);
    assert((a->rc < 0) == (b->rc < 0));
    assert(a->is_closed == b->is_closed);
    if (a->deflate != NULL)
        return; /* of two things wrong in a compressed message either may be told */
    assert(a->rc == b->rc);
    assert(a->parser.fault.code == b->parser.fault.code);
}

static void check_cut(uint8_t choice, const uint8_t *data, size_t size)
{
    struct reader whole, other;
    begin(&whole, choice);
    feed(&whole, data, size);
    struct cut cut = cut_of(input_hash(data, size), size);
    begin(&other, choice);
    for (size_t at = 0, count; at < size; at += count) {
        count = cut_take(&cut, size - at);
        feed(&other, data + at, count);
    }
    check_same(&whole, &other);
    end(&other);
    end(&whole);
}

/* What the reader has kept of messages before does not matter to what it makes of this one. */
static void check_round(uint8_t choice, const uint8_t *data, size_t size)
{
    struct reader reader;
    struct wf_ws_fault fault = {0, NULL};
    const struct wf_ws_inflate_limits lax = {1u << 30, 1u << 20};
    begin(&reader, choice);
    for (int i = 0; i < 2 && reader.deflate != NULL; i++) {
        wf_buf small = {0}, back = {0};
        int rc = wf_ws_compress(reader.deflate, (weft_str){(const char *)data, size}, &small);
        assert(rc == 0);
        weft_str piece = {wf_buf_ptr(&small), wf_buf_bytes(&small)};
        rc = wf_ws_inflate(reader.deflate, piece, true, &lax, &back, &fault);
        assert(rc == 0);
        assert(wf_buf_bytes(&back) == size);
        assert(size == 0 || memcmp(wf_buf_ptr(&back), data, size) == 0);
        wf_buf_fini(&small);
        wf_buf_fini(&back);
    }
    end(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check_cut(data[0], data + 1, size - 1);
    /* One choice in sixteen, with windows kept and not, and of these one input in eight: dear. */
    if ((data[0] & 0x1b) == 2 && input_hash(data, size) % 8 == 0)
        check_round(data[0], data + 1, size - 1);
    return 0;
}
