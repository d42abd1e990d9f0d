/* SPDX-License-Identifier: MIT */

#include "split.h"

#include "catalog/line_split.h"

static int feed(void *lines, const char *bytes, size_t count, size_t *used, wf_piece_error *error)
{
    return wf_lines_feed(lines, bytes, count, used, error);
}

static int end(void *lines, wf_piece_error *error)
{
    return wf_lines_end(lines, error);
}

static void row(void *splitter, wf_buf *log)
{
    const wf_lines *lines = splitter;
    weft_str text = wf_lines_text(lines);
    wf_buf_printf(log, "%zu|", lines->row_place.line);
    wf_buf_append(log, text.ptr, text.len);
    wf_buf_putc(log, '\n');
}

static const struct split_kind kind = {feed, end, row};

#define T(literal) literal, sizeof(literal) - 1

static const struct {
    const char *text;
    size_t bytes;
    const char *said;
} line_rows[] = {
    {T(""), ""},
    {T("\n"), "1|\n"},
    {T("\r\n"), "1|\n"},
    {T("a"), "1|a\n"},
    {T("a\n"), "1|a\n"},
    {T("a\r\nb\r\n"), "1|a\n2|b\n"},
    {T("a\n\nb"), "1|a\n2|\n3|b\n"},
    {T("a\rb\n"), "1|a\rb\n"},
    {T("a\r\r\n"), "1|a\r\n"},
    {T("a\r"), "1|a\r\n"},
    {T("日本\n"), "1|日本\n"},
    {T("ab\xFFz\nc"), "!1:3 a byte that is not UTF-8\n2|c\n"},
    {T("\xC3\n\xA9"), "!1:1 a byte that is not UTF-8\n!2:1 a byte that is not UTF-8\n"},

    /* the limit is 6 */
    {T("123456\n1\n"), "1|123456\n2|1\n"},
    {T("123456\r\n1\n"), "1|123456\n2|1\n"},
    {T("1234567\n1\n"), "!1:0 the line has too many bytes\n2|1\n"},
    {T("1234567"), "!1:0 the line has too many bytes\n"},
    {T("123456789\n\n1"), "!1:0 the line has too many bytes\n2|\n3|1\n"},
    {T("123456789"), "!1:0 the line has too many bytes\n"},
    {T("1\n123456789abc\n123456789abc\n2\n"),
     "1|1\n!2:0 the line has too many bytes\n!3:0 the line has too many bytes\n4|2\n"},
};

TEST(lines_are_the_same_however_they_are_cut)
{
    for (size_t i = 0; i < sizeof(line_rows) / sizeof(*line_rows); i++) {
        for (size_t k = 0; k <= line_rows[i].bytes + 1; k++) {
            size_t cut = k <= line_rows[i].bytes ? k : SIZE_MAX;
            wf_lines lines;
            note("row %zu: %s cut at %zu", i, line_rows[i].text, cut);
            wf_lines_init(&lines, 6);
            CHECK_STR(split_run(&kind, &lines, line_rows[i].text, line_rows[i].bytes, cut),
                      line_rows[i].said);
            wf_lines_fini(&lines);
        }
    }
}
