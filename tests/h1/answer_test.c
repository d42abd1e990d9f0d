/* SPDX-License-Identifier: MIT */

/* Heads of answers: the status line, and what differs from a request's.  Fields are the same code,
 * tested in head_test.c. */

#include <stdlib.h>

#include "parse_help.h"

#define END "\r\n"
#define OK "HTTP/1.1 200 OK\r\n"

static void parse(struct head_outcome *out, const char *text, size_t len)
{
    head_parse_as(out, wf_h1_head_init_answer, text, len);
}

TEST(status_lines)
{
    static const struct {
        const char *text;
        int status; /* 0: refused; -1: not complete */
    } rows[] = {
        {OK END, 200},
        {"HTTP/1.1 404 Not Found\r\n\r\n", 404},
        {"HTTP/1.1 100 \r\n\r\n", 100},
        {"HTTP/1.1 100\r\n\r\n", 100},
        {"HTTP/1.0 999 x\r\n\r\n", 999},
        {"HTTP/1.1 200 \xc3\xa4\t!\r\n\r\n", 200},
        {"HTTP/1.1 099 x\r\n\r\n", 0},
        {"HTTP/1.1 20 x\r\n\r\n", 0},
        {"HTTP/1.1 2000\r\n\r\n", 0},
        {"HTTP/1.1 20x OK\r\n\r\n", 0},
        {"HTTP/1.1 -20 OK\r\n\r\n", 0},
        {"HTTP/1.1  200 OK\r\n\r\n", 0},
        {"HTTP/1.1\t200 OK\r\n\r\n", 0},
        {"HTTP/1.2 200 OK\r\n\r\n", 0},
        {"HTTP/2.0 200 OK\r\n\r\n", 0},
        {"HTTP/11 200 OK\r\n\r\n", 0},
        {"http/1.1 200 OK\r\n\r\n", 0},
        {"ICY 200 OK\r\n\r\n", 0},
        {"\r\n" OK END, 0},
        {" " OK END, 0},
        {"HTTP/1.1 200 OK\n\r\n", 0},
        {"HTTP/1.1 200 O\x01K\r\n\r\n", 0},
        {"HTTP/1.1 200 OK\r\r\n\r\n", 0},
        {"HTTP/1.1 200 OK\r\n", -1},
        {"HTTP", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct head_outcome out;
        note("row %zu: %s", i, rows[i].text);
        parse(&out, rows[i].text, strlen(rows[i].text));
        CHECK_EQ(out.rc, rows[i].status > 0 ? 1 : rows[i].status == 0 ? -WEFT_ESYNTAX : 0);
        if (out.rc == 1)
            CHECK_EQ(out.head.status, rows[i].status);
    }
}

TEST(hosts_and_expectations_mean_nothing_in_an_answer)
{
    static const char text[] = OK "Host: a\r\nHost: b c\r\nExpect: 100-continue\r\n" END;
    struct head_outcome out;
    parse(&out, text, sizeof text - 1);
    CHECK_EQ(out.rc, 1);
    CHECK_EQ(out.head.expect, WF_H1_EXPECT_NONE);
    CHECK_EQ(out.head.field_count, 3);
}

TEST(connections_go_on_as_the_version_says)
{
    static const struct {
        const char *text;
        bool is_keep_alive;
    } rows[] = {
        {OK END, true},
        {OK "Connection: close\r\n" END, false},
        {OK "Connection: x, Close\r\n" END, false},
        {"HTTP/1.0 200 OK\r\n" END, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" END, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct head_outcome out;
        parse(&out, rows[i].text, strlen(rows[i].text));
        CHECK_EQ(out.rc, 1);
        CHECK_EQ(out.head.is_keep_alive, rows[i].is_keep_alive);
    }
}

TEST(a_status_line_has_a_limit)
{
    static char text[9000];
    struct head_outcome out;
    memset(text, 'x', sizeof text);
    memcpy(text, "HTTP/1.1 200 ", 13);
    memcpy(text + head_limits.line_bytes_max, "\r\n\r\n", 4);
    head_parse_cut(&out, wf_h1_head_init_answer, text, sizeof text, 100);
    CHECK_EQ(out.rc, 1);
    text[head_limits.line_bytes_max] = 'x';
    head_parse_cut(&out, wf_h1_head_init_answer, text, sizeof text, 100);
    CHECK_EQ(out.rc, -WEFT_ELIMIT);
    CHECK_STR(out.head.fault.message, "The status line is too long.");
}
