/* SPDX-License-Identifier: MIT */

#include <stdlib.h>

#include "h1/chars.h"
#include "h1/target.h"

#include "parse_help.h"

#define H "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define END "\r\n"

/* status 0: accepted; -1: not complete. */
struct row {
    const char *text;
    int status;
    size_t len; /* for texts with a NUL inside; 0: strlen */
};

#define ROW(text_, status_)                                                                        \
    {                                                                                              \
        .text = (text_), .status = (status_), .len = sizeof(text_) - 1                             \
    }

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note("row %zu: %s", i, rows[i].text);
        struct head_outcome out;
        head_parse(&out, rows[i].text, rows[i].len);
        if (rows[i].status == -1) {
            CHECK_EQ(out.rc, 0);
        } else if (rows[i].status == 0) {
            CHECK_EQ(out.head.fault.message == NULL ? 0 : out.head.fault.offset, 0);
            CHECK_EQ(out.rc, 1);
        } else {
            CHECK_LT(out.rc, 0);
            CHECK_EQ(out.head.fault.status, rows[i].status);
            CHECK(out.head.fault.code != NULL);
            CHECK(out.head.fault.message != NULL);
            CHECK_LE(out.head.fault.offset, rows[i].len);
            CHECK_EQ(wf_h1_head_feed(&out.head, rows[i].text, rows[i].len), out.rc);
        }
    }
}

#define CHECK_ROWS(rows_) check_rows((rows_), sizeof(rows_) / sizeof(rows_)[0])

/* Only the same bytes pass unseen. */
TEST(a_host_that_was_seen_is_not_judged_again)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {GET "Host: b!d\r\n" END, 1}, /* would be refused, were it not seen */
        {GET "Host: b!\r\n" END, -WEFT_ESYNTAX},
        {GET "Host: b!e\r\n" END, -WEFT_ESYNTAX},
        {GET "Host: \r\n" END, -WEFT_ESYNTAX},
        {GET "Host: good\r\n" END, 1},
        {"GET http://b!d/ HTTP/1.1\r\n" H END, 1},
        {"GET http://b!/ HTTP/1.1\r\n" H END, -WEFT_ESYNTAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_h1_field fields[FIELDS_MAX];
        struct wf_h1_head head;
        note("row %zu", i);
        wf_h1_head_init(&head, &head_limits, fields);
        head.host_seen = weft_str_of("b!d");
        CHECK_EQ(wf_h1_head_feed(&head, rows[i].text, strlen(rows[i].text)), rows[i].rc);
    }
}

/* Splitting and decoding would change nothing. */
static void check_plain_target(weft_str target)
{
    char out[64];
    struct wf_http_fault fault = {0};
    size_t bytes = 0;
    struct wf_http_target split = wf_http_target_split(target);
    CHECK(split.query.ptr == NULL);
    CHECK_OK(wf_http_path_decode(split.raw_path, out, &bytes, &fault));
    CHECK_BYTES(out, bytes, target.ptr, target.len);
    for (size_t at = 0; at < target.len; at++)
        CHECK((unsigned char)target.ptr[at] < 0x80);
}

/* Whether the target of that length is called plain, if there is such a one. */
static bool target_is_plain(const char *text, size_t len)
{
    char request[128];
    struct head_outcome out;
    int bytes = snprintf(request, sizeof request, "GET %.*s HTTP/1.1\r\n" H END, (int)len, text);
    wf_h1_head_init(&out.head, &head_limits, out.fields);
    if (wf_h1_head_feed(&out.head, request, (size_t)bytes) != 1 || !out.head.is_target_plain)
        return false;
    CHECK_EQ(out.head.target_len, len);
    return out.head.target_form == WF_H1_ORIGIN;
}

/* Of any length, and with the byte that is not plain at any place. */
TEST(a_plain_target_is_its_own_path)
{
    char text[40];
    for (size_t len = 1; len < sizeof text; len++) {
        memset(text, 'a', len);
        text[0] = '/';
        CHECK(target_is_plain(text, len));
        for (size_t at = 0; at < len; at++) {
            char kept = text[at];
            for (int c = 1; c < 256; c++) {
                text[at] = (char)c;
                if (target_is_plain(text, len))
                    check_plain_target((weft_str){text, len});
            }
            text[at] = kept;
        }
    }
    CHECK(!target_is_plain("/a/../b", 7));
    CHECK(!target_is_plain("/a?", 3));
}

TEST(a_plain_request_is_understood)
{
    static const char text[] = "POST /v1/match?x=1 HTTP/1.1\r\nHost: example.org:8080\r\n"
                               "Content-Length:  12 \t\r\nX-Empty:\r\n\r\nbehind";
    struct head_outcome out;
    head_parse(&out, text, sizeof text - 1);
    CHECK_EQ(out.rc, 1);
    CHECK_EQ(out.head.method, WF_H1_POST);
    CHECK_EQ(out.head.target_form, WF_H1_ORIGIN);
    CHECK_EQ(out.head.minor, 1);
    CHECK_BYTES(text + out.head.target_at, out.head.target_len, "/v1/match?x=1", 13);
    CHECK_BYTES(text + out.head.host_at, out.head.host_len, "example.org:8080", 16);
    CHECK(out.head.has_length);
    CHECK_EQ(out.head.content_length, 12);
    CHECK(out.head.is_keep_alive);
    CHECK(!out.head.is_chunked);
    CHECK_EQ(out.head.bytes, sizeof text - 1 - 6);
    CHECK_EQ(out.head.field_count, 3);
    weft_str empty = wf_h1_head_field(&out.head, text, "x-empty");
    CHECK(empty.ptr != NULL);
    CHECK_EQ(empty.len, 0);
    CHECK(wf_h1_head_field(&out.head, text, "absent").ptr == NULL);
}

TEST(request_line_is_token_target_version_and_crlf)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\r\n" H END, 0),
        ROW("GET / HTTP/1.0\r\n" END, 0),
        ROW("GET / HTTP/1.7\r\n" H END, 0),
        ROW("PROPFIND / HTTP/1.1\r\n" H END, 0),
        ROW("get / HTTP/1.1\r\n" H END, 0),
        ROW("GET /\xc3\xa4 HTTP/1.1\r\n" H END, 0),
        ROW("GET  / HTTP/1.1\r\n" H END, 400),
        ROW("GET /  HTTP/1.1\r\n" H END, 400),
        ROW(" GET / HTTP/1.1\r\n" H END, 400),
        ROW("GET\t/ HTTP/1.1\r\n" H END, 400),
        ROW("GET /\r\n", 400),
        ROW("GET / \r\n", 400),
        ROW("GET /a b HTTP/1.1\r\n" H END, 400),
        ROW("GET /\x7f HTTP/1.1\r\n" H END, 400),
        ROW("GET /\x01 HTTP/1.1\r\n" H END, 400),
        ROW("GET /\0 HTTP/1.1\r\n" H END, 400),
        ROW("GET /a#b HTTP/1.1\r\n" H END, 400),
        ROW("GET / HTTP/1.1 \r\n" H END, 400),
        ROW("GET / HTTP/1.10\r\n" H END, 400),
        ROW("GET / HTTP/1\r\n" H END, 400),
        ROW("GET / HTTP/1.\r\n" H END, 400),
        ROW("GET / http/1.1\r\n" H END, 400),
        ROW("GET / HTTP/0.9\r\n" H END, 400),
        ROW("GET / HTTPS/1.1\r\n" H END, 400),
        ROW("G(T / HTTP/1.1\r\n" H END, 400),
        ROW("/ HTTP/1.1\r\n" H END, 400),
        ROW("GET nowhere HTTP/1.1\r\n" H END, 400),
        ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        ROW("\x80\x2e\x01\x03", 400),
        ROW("\0\0\0\0", 400),
    };
    CHECK_ROWS(rows);
}

TEST(version_two_or_above_is_505)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/2.0\r\n" H END, 505),         ROW("GET / HTTP/9.9\r\n" H END, 505),
        ROW("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), ROW("GET / HTTP/2\r\n" H END, 400),
        ROW("GET / HTTP/2.0x\r\n" H END, 400),
    };
    CHECK_ROWS(rows);
}

TEST(targets_come_in_four_forms)
{
    static const struct row rows[] = {
        ROW("OPTIONS * HTTP/1.1\r\n" H END, 0),
        ROW("GET * HTTP/1.1\r\n" H END, 400),
        ROW("OPTIONS *x HTTP/1.1\r\n" H END, 400),
        ROW("GET http://b:80/x HTTP/1.1\r\n" H END, 0),
        ROW("GET HTTPS://b HTTP/1.1\r\n" H END, 0),
        ROW("GET http://b?q HTTP/1.1\r\n" H END, 0),
        ROW("GET http:///x HTTP/1.1\r\n" H END, 400),
        ROW("GET http://u@b/ HTTP/1.1\r\n" H END, 400),
        ROW("GET ftp://b/ HTTP/1.1\r\n" H END, 400),
        ROW("GET http://b/ HTTP/1.1\r\n" END, 400),
        ROW("CONNECT b:443 HTTP/1.1\r\n" H END, 0),
    };
    CHECK_ROWS(rows);

    static const char text[] = "GET http://other:81/x HTTP/1.1\r\n" H END;
    struct head_outcome out;
    head_parse(&out, text, sizeof text - 1);
    CHECK_EQ(out.head.target_form, WF_H1_ABSOLUTE);
    CHECK_BYTES(text + out.head.host_at, out.head.host_len, "other:81", 8);
}

TEST(class_01_length_and_chunked_conflict)
{
    static const struct row rows[] = {
        ROW(GET H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, 400),
        ROW(GET H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END, 400),
        ROW(GET H "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END, 400),
        ROW(GET H "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n" END, 400),
        ROW("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END, 400),
    };
    CHECK_ROWS(rows);
}

TEST(class_02_forms_of_content_length)
{
    static const struct row rows[] = {
        ROW(GET H "Content-Length: 0\r\n" END, 0),
        ROW(GET H "Content-Length: 0000000000000000005\r\n" END, 0),
        ROW(GET H "content-LENGTH:5\r\n" END, 0),
        ROW(GET H "Content-Length: 9223372036854775807\r\n" END, 0),
        ROW(GET H "Content-Length: 9223372036854775808\r\n" END, 400),
        ROW(GET H "Content-Length: 9999999999999999999\r\n" END, 400),
        ROW(GET H "Content-Length: 00000000000000000005\r\n" END, 400),
        ROW(GET H "Content-Length: \r\n" END, 400),
        ROW(GET H "Content-Length: +5\r\n" END, 400),
        ROW(GET H "Content-Length: -1\r\n" END, 400),
        ROW(GET H "Content-Length: 0x5\r\n" END, 400),
        ROW(GET H "Content-Length: 5 5\r\n" END, 400),
        ROW(GET H "Content-Length: 5, 5\r\n" END, 400),
        ROW(GET H "Content-Length: 5.0\r\n" END, 400),
        ROW(GET H "Content-Length: 5\r\nContent-Length: 5\r\n" END, 400),
        ROW(GET H "Content-Length: 5\r\nContent-Length: 6\r\n" END, 400),
    };
    CHECK_ROWS(rows);
}

TEST(class_03_forms_of_transfer_encoding)
{
    static const struct row rows[] = {
        ROW(GET H "Transfer-Encoding: chunked\r\n" END, 0),
        ROW(GET H "transfer-encoding:\tCHUNKED \r\n" END, 0),
        ROW(GET H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, 400),
        ROW(GET H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n" END, 400),
        ROW(GET H "Transfer-Encoding: gzip, chunked\r\n" END, 501),
        ROW(GET H "Transfer-Encoding: chunked, chunked\r\n" END, 501),
        ROW(GET H "Transfer-Encoding: chunked,\r\n" END, 501),
        ROW(GET H "Transfer-Encoding: identity\r\n" END, 501),
        ROW(GET H "Transfer-Encoding: xchunked\r\n" END, 501),
        ROW(GET H "Transfer-Encoding: \"chunked\"\r\n" END, 501),
        ROW(GET H "Transfer-Encoding: chunked;q=1\r\n" END, 501),
        ROW(GET H "Transfer-Encoding:\r\n" END, 501),
        ROW(GET H "Transfer-Encoding: \x0b"
                  "chunked\r\n" END,
            400),
    };
    CHECK_ROWS(rows);
}

TEST(class_05_bare_cr_and_lf)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\n" H END, 400),
        ROW("GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
        ROW("GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
        ROW("GET / HTTP/1.1\rX: y\r\n" H END, 400),
        ROW("GET / HTTP/1.1\r\r\n" H END, 400),
        ROW(GET H "X: a\rb\r\n" END, 400),
        ROW(GET H "X: a\nY: b\r\n" END, 400),
        ROW(GET H "X: a\r\r\n" END, 400),
        ROW("\nGET / HTTP/1.1\r\n" H END, 400),
        ROW("\r\rGET / HTTP/1.1\r\n" H END, 400),
        ROW(GET H "\rX", 400),
    };
    CHECK_ROWS(rows);
}

TEST(class_06_folding_and_space_before_colon)
{
    static const struct row rows[] = {
        ROW(GET H "X : y\r\n" END, 400),      ROW(GET H "X\t: y\r\n" END, 400),
        ROW(GET H "X: y\r\n z\r\n" END, 400), ROW(GET H "X: y\r\n\tz\r\n" END, 400),
        ROW(GET " Host: a\r\n" END, 400),     ROW(GET H "no colon\r\n" END, 400),
        ROW(GET H "nocolon\r\n" END, 400),    ROW(GET H ": empty\r\n" END, 400),
        ROW(GET H "na(me: x\r\n" END, 400),   ROW(GET H "n\xc3\xa4me: x\r\n" END, 400),
    };
    CHECK_ROWS(rows);
}

TEST(class_07_nul_and_control_characters)
{
    static const struct row rows[] = {
        ROW(GET H "X: a\tb \xc3\xa4 \"c\"\r\n" END, 0),
        ROW(GET H "X: a\0b\r\n" END, 400),
        ROW(GET H "X\0: a\r\n" END, 400),
        ROW(GET H "X: a\x7f\r\n" END, 400),
        ROW(GET H "X: \x1b[31m\r\n" END, 400),
        ROW("GET\0 / HTTP/1.1\r\n" H END, 400),
    };
    CHECK_ROWS(rows);
    for (int c = 0; c < 256; c++) {
        char text[] = GET H "X: a?b\r\n" END;
        *strchr(text, '?') = (char)c;
        struct head_outcome out;
        head_parse(&out, text, sizeof text - 1);
        note("byte %d", c);
        CHECK_EQ(out.rc == 1, c == '\t' || (c >= 0x20 && c != 0x7f));
    }
}

TEST(class_08_forms_of_host)
{
    static const struct row rows[] = {
        ROW(GET "Host: example.org\r\n" END, 0),
        ROW(GET "Host: example.org.\r\n" END, 0),
        ROW(GET "Host: a_b-c:0\r\n" END, 0),
        ROW(GET "Host: 127.0.0.1:65535\r\n" END, 0),
        ROW(GET "Host: [::1]:80\r\n" END, 0),
        ROW(GET "Host: [fe80::1]\r\n" END, 0),
        ROW(GET END, 400),
        ROW(GET "Host:\r\n" END, 400),
        ROW(GET "Host: a\r\nHost: a\r\n" END, 400),
        ROW("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n" END, 400),
        ROW(GET "Host: a:65536\r\n" END, 400),
        ROW(GET "Host: a:\r\n" END, 400),
        ROW(GET "Host: a:x\r\n" END, 400),
        ROW(GET "Host: a:80:80\r\n" END, 400),
        ROW(GET "Host: a b\r\n" END, 400),
        ROW(GET "Host: a/b\r\n" END, 400),
        ROW(GET "Host: a@b\r\n" END, 400),
        ROW(GET "Host: a,b\r\n" END, 400),
        ROW(GET "Host: a..b\r\n" END, 400),
        ROW(GET "Host: .a\r\n" END, 400),
        ROW(GET "Host: 256.1.1.1\r\n" END, 400),
        ROW(GET "Host: 1.2.3\r\n" END, 400),
        ROW(GET "Host: [::1\r\n" END, 400),
        ROW(GET "Host: [::1]x\r\n" END, 400),
        ROW(GET "Host: [::g]\r\n" END, 400),
        ROW(GET "Host: [1.2.3.4]\r\n" END, 400),
        ROW(GET "Host: []\r\n" END, 400),
        ROW(GET "Host: ::1\r\n" END, 400),
        ROW(GET "Host: http://a\r\n" END, 400),
        ROW(GET "Host: \xc3\xa4\r\n" END, 400),
    };
    CHECK_ROWS(rows);
}

TEST(empty_lines_before_a_request_are_few)
{
    static const struct row rows[] = {
        ROW("\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" H END, 0),
        ROW("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" H END, 400),
        ROW("\r\n\r\n", -1),
        ROW("\rGET / HTTP/1.1\r\n" H END, 400),
    };
    CHECK_ROWS(rows);
    struct head_outcome out;
    head_parse_cut(&out, wf_h1_head_init, "\r\n\r", 3, 3);
    CHECK(!wf_h1_head_has_begun(&out.head));
    head_parse_cut(&out, wf_h1_head_init, "\r\nG", 3, 3);
    CHECK(wf_h1_head_has_begun(&out.head));
}

TEST(keep_alive_follows_version_and_connection)
{
    static const struct {
        const char *text;
        bool is_keep_alive;
    } rows[] = {
        {"GET / HTTP/1.1\r\n" H END, true},
        {"GET / HTTP/1.1\r\n" H "Connection: close\r\n" END, false},
        {"GET / HTTP/1.1\r\n" H "Connection: x, CLOSE ,y\r\n" END, false},
        {"GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\nConnection: close\r\n" END, false},
        {"GET / HTTP/1.1\r\n" H "Connection: closed\r\n" END, true},
        {"GET / HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n" END, true},
        {"GET / HTTP/1.0\r\n" END, false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" END, true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n" END, false},
        {"GET / HTTP/1.1\r\n" H "Connection: ,,\r\n" END, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu: %s", i, rows[i].text);
        struct head_outcome out;
        head_parse(&out, rows[i].text, strlen(rows[i].text));
        CHECK_EQ(out.rc, 1);
        CHECK_EQ(out.head.is_keep_alive, rows[i].is_keep_alive);
    }
}

TEST(expect_is_continue_or_something_else)
{
    static const struct {
        const char *text;
        int expect;
    } rows[] = {
        {GET H END, WF_H1_EXPECT_NONE},
        {GET H "Expect: 100-continue\r\n" END, WF_H1_EXPECT_CONTINUE},
        {GET H "expect: 100-CONTINUE\r\n" END, WF_H1_EXPECT_CONTINUE},
        {GET H "Expect: 100-continue, x\r\n" END, WF_H1_EXPECT_OTHER},
        {GET H "Expect: x\r\nExpect: 100-continue\r\n" END, WF_H1_EXPECT_OTHER},
        {GET H "Expect:\r\n" END, WF_H1_EXPECT_OTHER},
        {"GET / HTTP/1.0\r\nExpect: x\r\n" END, WF_H1_EXPECT_NONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu: %s", i, rows[i].text);
        struct head_outcome out;
        head_parse(&out, rows[i].text, strlen(rows[i].text));
        CHECK_EQ(out.rc, 1);
        CHECK_EQ(out.head.expect, rows[i].expect);
    }
}

/* ---- class 14: heads at and over each limit ---- */

static char *repeat(char *out, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(text);
        memcpy(out, text, len);
        out += len;
    }
    return out;
}

static char *put(char *out, const char *text)
{
    return repeat(out, text, 1);
}

static void check_limit(const char *text, const char *end, int status, const char *limit_name,
                        uint64_t limit)
{
    struct head_outcome out;
    head_parse(&out, text, (size_t)(end - text));
    CHECK_EQ(out.head.fault.status, status);
    if (status == 0) {
        CHECK_EQ(out.rc, 1);
        return;
    }
    CHECK_EQ(out.rc, -WEFT_ELIMIT);
    CHECK_STR(out.head.fault.limit_name, limit_name);
    CHECK_EQ(out.head.fault.limit, limit);
    CHECK_EQ(out.head.fault.seen, limit + 1);
}

TEST(class_14_request_line_at_its_limit)
{
    char *text = malloc(100 * 1024);
    for (size_t over = 0; over < 3; over++) {
        char *end = put(text, "GET /");
        end = repeat(end, "a", 8 * 1024 - 14 + over);
        end = put(end, " HTTP/1.1\r\n" H END);
        check_limit(text, end, over == 0 ? 0 : 414, "line_bytes_max", 8 * 1024);
    }
    char *end = repeat(text, "A", 9 * 1024);
    check_limit(text, end, 414, "line_bytes_max", 8 * 1024);
    free(text);
}

TEST(class_14_one_field_at_its_limit)
{
    char *text = malloc(100 * 1024);
    for (size_t over = 0; over < 3; over++) {
        char *end = put(text, GET H "X: ");
        end = repeat(end, "a", 16 * 1024 - 3 + over);
        end = put(end, "\r\n" END);
        check_limit(text, end, over == 0 ? 0 : 431, "field_bytes_max", 16 * 1024);

        end = put(text, GET H "X:");
        end = repeat(end, " ", 16 * 1024 - 2 + over);
        end = put(end, "\r\n" END);
        check_limit(text, end, over == 0 ? 0 : 431, "field_bytes_max", 16 * 1024);
    }
    char *end = put(text, GET H);
    end = repeat(end, "n", 17 * 1024);
    check_limit(text, end, 431, "field_bytes_max", 16 * 1024);
    free(text);
}

TEST(class_14_number_of_fields_at_its_limit)
{
    char *text = malloc(100 * 1024);
    for (size_t over = 0; over < 2; over++) {
        char *end = put(text, GET H);
        end = repeat(end, "a: b\r\n", FIELDS_MAX - 1 + over);
        end = put(end, END);
        check_limit(text, end, over == 0 ? 0 : 431, "field_count_max", FIELDS_MAX);
    }
    free(text);
}

TEST(class_14_whole_head_at_its_limit)
{
    char *text = malloc(200 * 1024);
    for (size_t over = 0; over < 3; over++) {
        char *end = put(text, GET H);
        size_t left = 64 * 1024 - (size_t)(end - text) - 2 + over;
        while (left > 0) {
            size_t line = left > 20000 ? 16000 : left > 16000 ? 8000 : left;
            end = put(end, "a:");
            end = repeat(end, "b", line - 4);
            end = put(end, "\r\n");
            left -= line;
        }
        end = put(end, END);
        check_limit(text, end, over == 0 ? 0 : 431, "head_bytes_max", 64 * 1024);
    }
    free(text);
}

/* Any head that is accepted, written again from what was understood, is understood the same. */
TEST(parse_of_written_is_the_same)
{
    static const char text[] = "PUT /a%20b?c HTTP/1.1\r\nHost: [::1]:8\r\nX-Y:\t z z \r\n"
                               "Transfer-Encoding: Chunked\r\nx-y:\r\n\r\n";
    struct head_outcome a, b;
    head_parse(&a, text, sizeof text - 1);
    CHECK_EQ(a.rc, 1);

    char again[512];
    size_t len = (size_t)snprintf(again, sizeof again, "%.*s %.*s HTTP/1.%d\r\n",
                                  (int)a.head.method_len, text + a.head.method_at,
                                  (int)a.head.target_len, text + a.head.target_at, a.head.minor);
    for (uint32_t i = 0; i < a.head.field_count; i++)
        len += (size_t)snprintf(again + len, sizeof again - len, "%.*s:%.*s\r\n",
                                (int)a.fields[i].name_len, text + a.fields[i].name_at,
                                (int)a.fields[i].value_len, text + a.fields[i].value_at);
    memcpy(again + len, "\r\n", 2);
    head_parse(&b, again, len + 2);

    CHECK_EQ(b.rc, 1);
    CHECK_EQ(a.head.method, b.head.method);
    CHECK_EQ(a.head.is_chunked, b.head.is_chunked);
    CHECK_EQ(a.head.field_count, b.head.field_count);
    for (uint32_t i = 0; i < a.head.field_count; i++) {
        CHECK_BYTES(text + a.fields[i].name_at, a.fields[i].name_len, again + b.fields[i].name_at,
                    b.fields[i].name_len);
        CHECK_BYTES(text + a.fields[i].value_at, a.fields[i].value_len,
                    again + b.fields[i].value_at, b.fields[i].value_len);
    }
}
