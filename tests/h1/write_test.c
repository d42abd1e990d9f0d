/* SPDX-License-Identifier: MIT */

#include "h1/write.h"
#include "harness/harness.h"

#define STR(literal) ((weft_str){(literal), sizeof(literal) - 1})

TEST(class_24_fields_that_would_split_an_answer_are_refused)
{
    static const weft_str none = {NULL, 0};
    wf_buf out = {0};
    CHECK_EQ(wf_h1_write_field(&out, STR("X\r\nY"), STR("a")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X"), STR("a\r\nSet-Cookie: b")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X"), STR("a\nb")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X"), STR("a\rb")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X"), STR("a\0b")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X"), STR("\x1b[0m")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X"), STR("\x7f")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X "), STR("a")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, STR("X:"), STR("a")), -EINVAL);
    CHECK_EQ(wf_h1_write_field(&out, none, STR("a")), -EINVAL);
    CHECK_EQ(wf_buf_bytes(&out), 0);
    CHECK_OK(wf_h1_write_field(&out, STR("X-Y"), STR("a\tb \xc3\xa4")));
    CHECK_OK(wf_h1_write_field(&out, STR("Z"), none));
    CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), "X-Y: a\tb \xc3\xa4\r\nZ: \r\n", 18);
    wf_buf_fini(&out);
}

TEST(fields_past_the_limit_are_refused_and_the_others_stand)
{
    wf_buf out = {.bytes_max = 10};
    CHECK_OK(wf_h1_write_field(&out, STR("A"), STR("b")));
    CHECK_EQ(wf_h1_write_field(&out, STR("C"), STR("d")), -WEFT_ELIMIT);
    CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), "A: b\r\n", 6);
    wf_buf_fini(&out);
}

static void check_head(struct wf_h1_answer *answer, int status, const char *date,
                       const char *expected)
{
    char out[1024];
    struct wf_h1_opening opening;
    memset(&opening, 'x', sizeof opening);
    wf_h1_opening_make(&opening, status, date, answer->type);
    CHECK_EQ(opening.status, status);
    answer->opening = &opening;
    size_t max = wf_h1_answer_bytes_max(answer->type.len, answer->fields.len);
    CHECK_LE(max, sizeof out);
    memset(out, '#', sizeof out);
    size_t bytes = wf_h1_write_answer(out, answer);
    CHECK_BYTES(out, bytes, expected, strlen(expected));
    for (size_t i = max; i < sizeof out; i++)
        CHECK_EQ(out[i], '#');
}

static const char some_date[] = "Sun, 06 Nov 1994 08:49:37 GMT";

TEST(heads_of_answers)
{
    check_head(&(struct wf_h1_answer){.type = STR("text/plain"),
                                      .framing = WF_H1_BODY_LENGTH,
                                      .length = 18446744073709551615u},
               200, some_date,
               "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
               "Content-Type: text/plain\r\nContent-Length: 18446744073709551615\r\n\r\n");
    check_head(&(struct wf_h1_answer){.fields = STR("X: y\r\n"),
                                      .framing = WF_H1_BODY_CHUNKED,
                                      .connection = "close"},
               404, NULL,
               "HTTP/1.1 404 Not Found\r\nX: y\r\nTransfer-Encoding: chunked\r\n"
               "Connection: close\r\n\r\n");
    check_head(&(struct wf_h1_answer){.framing = WF_H1_BODY_NONE}, 204, NULL,
               "HTTP/1.1 204 No Content\r\n\r\n");
    check_head(&(struct wf_h1_answer){.type = STR(""), .framing = WF_H1_BODY_TO_END}, 599, NULL,
               "HTTP/1.1 599 \r\nContent-Type: \r\n\r\n");
}

/* The longest status line: none leaves less room.  Types of each length up to one that does not fit
 * any more, and is written behind. */
TEST(types_are_in_the_opening_as_far_as_they_fit)
{
    static const char line[] = "HTTP/1.1 431 Request Header Fields Too Large\r\n";
    char type[WF_H1_OPENING_BYTES], expected[512];
    size_t head = sizeof line - 1 + sizeof "Date: \r\n" - 1 + WF_H1_DATE_BYTES;
    size_t room = WF_H1_OPENING_BYTES - head - (sizeof "Content-Type: \r\n" - 1);
    memset(type, 't', sizeof type);
    for (size_t len = 1; len < sizeof type; len++) {
        struct wf_h1_opening opening;
        wf_h1_opening_make(&opening, 431, some_date, (weft_str){type, len});
        CHECK_EQ(opening.type_len, len <= room ? len : 0);
        if (opening.type_len != 0)
            CHECK_BYTES(wf_h1_opening_type(&opening).ptr, len, type, len);
        snprintf(expected, sizeof expected, "%sDate: %s\r\nContent-Type: %.*s\r\n\r\n", line,
                 some_date, (int)len, type);
        check_head(&(struct wf_h1_answer){.type = {type, len}}, 431, some_date, expected);
    }
}

TEST(chunk_lines_are_the_size_in_hex)
{
    char out[WF_H1_CHUNK_LINE_BYTES];
    CHECK_BYTES(out, wf_h1_write_chunk_line(out, 1), "1\r\n", 3);
    CHECK_BYTES(out, wf_h1_write_chunk_line(out, 0xabc), "abc\r\n", 5);
    CHECK_BYTES(out, wf_h1_write_chunk_line(out, SIZE_MAX), "ffffffffffffffff\r\n", 18);
}

TEST(dates_are_in_the_form_of_the_standard)
{
    static const struct {
        int64_t seconds;
        const char *date;
    } rows[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {951868799, "Tue, 29 Feb 2000 23:59:59 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {1798761599, "Thu, 31 Dec 2026 23:59:59 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[WF_H1_DATE_BYTES];
        wf_h1_write_date(out, rows[i].seconds);
        CHECK_BYTES(out, sizeof out, rows[i].date, strlen(rows[i].date));
    }
}
