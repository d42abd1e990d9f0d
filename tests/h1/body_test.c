/* SPDX-License-Identifier: MIT */

#include <stdlib.h>

#include "h1/trailer.h"
#include "parse_help.h"

struct outcome {
    int rc;
    bool is_done;
    size_t used;
    size_t bytes;
    char data[1024];
    struct wf_http_fault fault;
};

static void feed(struct wf_h1_body *body, struct outcome *out, const char *in, size_t len)
{
    char *copy = malloc(len + 1); /* exact, so that a read behind the end is found */
    memcpy(copy, in, len);
    size_t at = 0, used;
    weft_str piece;
    do {
        out->rc = wf_h1_body_next(body, copy + at, len - at, &used, &piece);
        at += used;
        if (out->rc > 0) {
            CHECK_GT(piece.len, 0);
            CHECK_LE(out->bytes + piece.len, sizeof out->data);
            memcpy(out->data + out->bytes, piece.ptr, piece.len);
            out->bytes += piece.len;
        }
    } while (out->rc > 0);
    free(copy);
    out->used += at;
    out->is_done = wf_h1_body_is_done(body);
    out->fault = body->fault;
    if (out->rc == 0 && !out->is_done)
        CHECK_EQ(at, len);
}

static void decode_cut(struct outcome *out, const char *text, size_t len, size_t cut)
{
    struct wf_h1_body body;
    wf_h1_body_init_chunked(&body, &body_limits);
    *out = (struct outcome){0};
    feed(&body, out, text, cut);
    if (out->rc == 0 && !out->is_done)
        feed(&body, out, text + cut, len - cut);
}

static void check_equal(const struct outcome *a, const struct outcome *b)
{
    CHECK_EQ(a->rc, b->rc);
    CHECK_EQ(a->is_done, b->is_done);
    CHECK_EQ(a->used, b->used);
    CHECK_BYTES(a->data, a->bytes, b->data, b->bytes);
    CHECK_EQ(a->fault.status, b->fault.status);
    CHECK_EQ(a->fault.offset, b->fault.offset);
}

static void decode(struct outcome *out, const char *text, size_t len)
{
    decode_cut(out, text, len, len);
    struct outcome other = {0};
    size_t step = len < 600 ? 1 : len / 300;
    for (size_t cut = 0; cut < len; cut += step) {
        decode_cut(&other, text, len, cut);
        check_equal(out, &other);
    }
    struct wf_h1_body body;
    wf_h1_body_init_chunked(&body, &body_limits);
    other = (struct outcome){0};
    for (size_t i = 0; i < len && other.rc == 0 && !other.is_done; i++)
        feed(&body, &other, text + i, 1);
    check_equal(out, &other);
}

struct row {
    const char *text;
    size_t len;
    int status;       /* 0: complete; -1: not yet */
    const char *data; /* of a complete one */
};

#define ROW(text_, status_, data_)                                                                 \
    {                                                                                              \
        .text = (text_), .len = sizeof(text_) - 1, .status = (status_), .data = (data_)            \
    }

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note("row %zu: %s", i, rows[i].text);
        struct outcome out;
        decode(&out, rows[i].text, rows[i].len);
        CHECK_EQ(out.fault.status, rows[i].status > 0 ? rows[i].status : 0);
        CHECK_EQ(out.is_done, rows[i].status == 0);
        CHECK_EQ(out.rc<0, rows[i].status> 0);
        if (rows[i].data != NULL)
            CHECK_BYTES(out.data, out.bytes, rows[i].data, strlen(rows[i].data));
    }
}

#define CHECK_ROWS(rows_) check_rows((rows_), sizeof(rows_) / sizeof(rows_)[0])

TEST(class_04_forms_of_chunks)
{
    static const struct row rows[] = {
        ROW("0\r\n\r\n", 0, ""),
        ROW("5\r\nhello\r\n0\r\n\r\n", 0, "hello"),
        ROW("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 0, "hello world"),
        ROW("A\r\n0123456789\r\n000\r\n\r\n", 0, "0123456789"),
        ROW("0000000000000005\r\nhello\r\n0\r\n\r\n", 0, "hello"),
        ROW("5;a\r\nhello\r\n0;b=\"c;\"\r\n\r\n", 0, "hello"),
        ROW("5; a = b\r\nhello\r\n0\r\n\r\n", 0, "hello"),
        ROW("2\r\n\r\n\r\n0\r\n\r\n", 0, "\r\n"),
        ROW("5\r\nhel", -1, "hel"),
        ROW("5\r\nhello\r\n0\r\n", -1, "hello"),
        ROW("00000000000000005\r\nhello\r\n", 400, NULL),
        ROW("\r\nhello\r\n", 400, NULL),
        ROW(";a\r\n", 400, NULL),
        ROW("-5\r\nhello\r\n", 400, NULL),
        ROW("+5\r\nhello\r\n", 400, NULL),
        ROW("0x5\r\nhello\r\n", 400, NULL),
        ROW(" 5\r\nhello\r\n", 400, NULL),
        ROW("5 \r\nhello\r\n", 400, NULL),
        ROW("5\t;a\r\nhello\r\n", 400, NULL),
        ROW("g\r\n", 400, NULL),
        ROW("5\nhello\r\n0\r\n\r\n", 400, NULL),
        ROW("5\r\nhello\n0\r\n\r\n", 400, NULL),
        ROW("5\r\nhello0\r\n\r\n", 400, NULL),
        ROW("5\r\nhello\r0\r\n\r\n", 400, NULL),
        ROW("5\r\nhello!\r\n0\r\n\r\n", 400, NULL),
        ROW("5\rhello\r\n0\r\n\r\n", 400, NULL),
        ROW("5;\na\r\nhello\r\n", 400, NULL),
        ROW("5;a\x00\r\nhello\r\n", 400, NULL),
        ROW("5;a\rb\r\nhello\r\n", 400, NULL),
        ROW("800001\r\n", 413, NULL),
        ROW("ffffffffffffffff\r\n", 413, NULL),
        ROW("5\r\nhello\r\nffffffffffffffff\r\n", 413, NULL),
    };
    CHECK_ROWS(rows);
}

TEST(class_10_trailers)
{
    static const struct row rows[] = {
        ROW("0\r\nX: y\r\n\r\n", 0, ""),
        ROW("0\r\nX:\r\nY: z\r\n\r\n", 0, ""),
        ROW("0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: b\r\n\r\n", 0, ""),
        ROW("0\r\nX\r\n\r\n", 400, NULL),
        ROW("0\r\nX : y\r\n\r\n", 400, NULL),
        ROW("0\r\n X: y\r\n\r\n", 400, NULL),
        ROW("0\r\n: y\r\n\r\n", 400, NULL),
        ROW("0\r\nX: y\n\r\n", 400, NULL),
        ROW("0\r\nX: y\r\n z\r\n\r\n", 400, NULL),
        ROW("0\r\nX: \x01\r\n\r\n", 400, NULL),
        ROW("0\r\n\rX", 400, NULL),
    };
    CHECK_ROWS(rows);
}

/* Kept as lines however they are cut; what belongs into a head is not. */
TEST(class_10_trailers_are_kept_but_for_those_of_a_head)
{
    static const char text[] = "0\r\nHost: b\r\nDigest:  a b \r\nContent-Length: 5\r\nX:\r\n"
                               "transfer-encoding: chunked\r\nAUTHORIZATION: me\r\nLast: c\r\n\r\n";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct wf_h1_body body;
        struct outcome out = {0};
        wf_buf kept = {0};
        wf_h1_body_init_chunked(&body, &body_limits);
        body.trailers = &kept;
        feed(&body, &out, text, cut);
        if (!out.is_done)
            feed(&body, &out, text + cut, sizeof text - 1 - cut);
        CHECK(out.is_done);
        static const char lines[] = "Digest:  a b \r\nX:\r\nLast: c\r\n";
        CHECK_BYTES(wf_buf_ptr(&kept), wf_buf_bytes(&kept), lines, sizeof lines - 1);
        weft_str all = {wf_buf_ptr(&kept), wf_buf_bytes(&kept)};
        weft_str value = wf_h1_trailer_find(all, weft_str_of("digest"));
        CHECK_BYTES(value.ptr, value.len, "a b", 3);
        value = wf_h1_trailer_find(all, weft_str_of("x"));
        CHECK(value.ptr != NULL);
        CHECK_EQ(value.len, 0u);
        CHECK(wf_h1_trailer_find(all, weft_str_of("Host")).ptr == NULL);
        wf_buf_fini(&kept);
    }
}

TEST(nothing_behind_the_end_is_taken)
{
    static const char text[] = "3\r\nabc\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n";
    struct outcome out;
    decode(&out, text, sizeof text - 1);
    CHECK(out.is_done);
    CHECK_EQ(out.used, sizeof text - 1 - 16);
}

TEST(a_length_ends_a_body_exactly)
{
    struct wf_h1_body body;
    struct outcome out = {0};
    wf_h1_body_init_length(&body, 5);
    feed(&body, &out, "hel", 3);
    CHECK(!out.is_done);
    feed(&body, &out, "lo, world", 9);
    CHECK(out.is_done);
    CHECK_BYTES(out.data, out.bytes, "hello", 5);
    CHECK_EQ(out.used, 5);

    wf_h1_body_init_length(&body, 0);
    CHECK(wf_h1_body_is_done(&body));
    wf_h1_body_init_empty(&body);
    CHECK(wf_h1_body_is_done(&body));
}

static void check_limit(const char *text, size_t len, bool is_over, const char *limit_name,
                        uint64_t limit)
{
    struct outcome out;
    decode(&out, text, len);
    if (!is_over) {
        CHECK_EQ(out.fault.status, 0);
        return;
    }
    CHECK_EQ(out.rc, -WEFT_ELIMIT);
    CHECK_EQ(out.fault.status, 400);
    CHECK_STR(out.fault.limit_name, limit_name);
    CHECK_EQ(out.fault.limit, limit);
    CHECK_EQ(out.fault.seen, limit + 1);
}

TEST(class_04_chunk_line_at_its_limit)
{
    char text[600];
    for (size_t over = 0; over < 2; over++) {
        memset(text, 'e', sizeof text);
        memcpy(text, "1;", 2);
        memcpy(text + 256 + over, "\r\n", 2);
        check_limit(text, 258 + over, over != 0, "chunk_line_bytes_max", 256);
    }
}

TEST(class_04_extensions_of_a_body_at_their_limit)
{
    char *text = malloc(64 * 1024);
    for (size_t over = 0; over < 2; over++) {
        size_t len = 0;
        for (size_t i = 0; i < 64; i++) { /* 64 x 256 bytes */
            memset(text + len, 'e', 300);
            memcpy(text + len, "1;", 2);
            size_t line = i == 0 ? 254 : 256; /* all but the size and ';' count */
            line = i < 63 ? 258 - 2 : line;
            memcpy(text + len + line, "\r\nx\r\n", 5);
            len += line + 5;
        }
        size_t rest = 16 * 1024 - 64 * 254 + over;
        memset(text + len, 'e', 300);
        memcpy(text + len, "1;", 2);
        memcpy(text + len + 2 + rest, "\r\n", 2);
        check_limit(text, len + 4 + rest, over != 0, "extension_bytes_max", 16 * 1024);
    }
    free(text);
}

TEST(class_10_trailers_at_their_limits)
{
    char *text = malloc(64 * 1024);
    for (size_t over = 0; over < 2; over++) {
        size_t len = (size_t)sprintf(text, "0\r\n");
        for (size_t i = 0; i < 32 + over; i++)
            len += (size_t)sprintf(text + len, "a:b\r\n");
        len += (size_t)sprintf(text + len, "\r\n");
        check_limit(text, len, over != 0, "trailer_count_max", 32);

        len = (size_t)sprintf(text, "0\r\na:");
        memset(text + len, 'b', 8 * 1024 - 4 + over);
        len += 8 * 1024 - 4 + over;
        len += (size_t)sprintf(text + len, "\r\n\r\n");
        check_limit(text, len, over != 0, "trailer_bytes_max", 8 * 1024);
    }
    free(text);
}
