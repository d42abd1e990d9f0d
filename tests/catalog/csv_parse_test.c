/* SPDX-License-Identifier: MIT */

#include "split.h"

#include "catalog/csv_parse.h"

static int feed(void *csv, const char *bytes, size_t count, size_t *used, wf_piece_error *error)
{
    return wf_csv_feed(csv, bytes, count, used, error);
}

static int end(void *csv, wf_piece_error *error)
{
    return wf_csv_end(csv, error);
}

static void row(void *splitter, wf_buf *log)
{
    const wf_csv *csv = splitter;
    CHECK(csv->is_row_ready);
    wf_buf_printf(log, "%zu", csv->row_place.line);
    for (size_t i = 0; i < csv->field_count; i++) {
        weft_str field = wf_csv_field(csv, i);
        wf_buf_putc(log, '|');
        wf_buf_append(log, field.ptr, field.len);
    }
    wf_buf_putc(log, '\n');
}

static const struct split_kind kind = {feed, end, row};

static const char *run(char delimiter, bool has_quotes, const char *text, size_t bytes, size_t cut,
                       size_t bytes_max)
{
    wf_csv csv;
    wf_csv_init(&csv, delimiter, has_quotes, bytes_max);
    const char *said = split_run(&kind, &csv, text, bytes, cut);
    wf_csv_fini(&csv);
    return said;
}

static void with_delimiter(char *text, size_t bytes, char delimiter)
{
    for (size_t i = 0; i < bytes; i++)
        text[i] = text[i] == ',' ? delimiter : text[i];
}

#define T(literal) literal, sizeof(literal) - 1

static const struct {
    const char *text;
    size_t bytes;
    const char *said;
} csv_rows[] = {
    /* rows and fields */
    {T(""), ""},
    {T("a"), "1|a\n"},
    {T("a\n"), "1|a\n"},
    {T("a,b\nc,d"), "1|a|b\n2|c|d\n"},
    {T("a,b\r\nc,d\r\n"), "1|a|b\n2|c|d\n"},
    {T(","), "1||\n"},
    {T(",\n"), "1||\n"},
    {T(" a , b "), "1| a | b \n"},
    {T("é,日本\n"), "1|é|日本\n"},

    /* blank lines are none */
    {T("\n\r\n\na\n\n\nb\n\n"), "4|a\n7|b\n"},
    {T("\"\"\n"), "1|\n"},
    {T("\"\"\r\n"), "1|\n"},

    /* quotes */
    {T("\"a\",\"b\"\n"), "1|a|b\n"},
    {T("\"a,b\",c"), "1|a,b|c\n"},
    {T("\"a\nb\",c\nd,e"), "1|a\nb|c\n3|d|e\n"},
    {T("\"a\r\nb\"\r\nc"), "1|a\r\nb\n3|c\n"},
    {T("\"a\rb\""), "1|a\rb\n"},
    {T("\"say \"\"hi\"\"\""), "1|say \"hi\"\n"},
    {T("\"\"\"\""), "1|\"\n"},
    {T("\"\",\"\"\"\"\"\""), "1||\"\"\n"},

    /* what is wrong, where, in which field; the next line is read again */
    {T("a,b\"c\nd"), "!1:4 a quote inside a field that does not begin with one [1]\n2|d\n"},
    {T("\"a\"b,c\nd"), "!1:4 text behind the closing quote [0]\n2|d\n"},
    {T("\"a\" ,c\nd"), "!1:4 text behind the closing quote [0]\n2|d\n"},
    {T("a\rb\nc"), "!1:3 a carriage return without a line feed behind it [0]\n2|c\n"},
    {T("x\na,\"b\nc\n"), "1|x\n!2:3 the file ends inside the quotes that begin here [1]\n"},
    {T("a\r"), "!1:3 a carriage return without a line feed behind it [0]\n"},
    {T("a\0b,c\nd"), "!1:2 a NUL byte [0]\n2|d\n"},
    {T("\"a\0b\",c\nd"), "!1:3 a NUL byte [0]\n2|d\n"},
    {T("\0\nd"), "!1:1 a NUL byte [0]\n2|d\n"},
    {T("a,\xC3,\xA9\nb"), "!1:0 is not UTF-8 [1]\n2|b\n"},
    {T("a,\xED\xA0\x80"), "!1:0 is not UTF-8 [1]\n"},
    {T("\"1\n2\n3\"x\ny"), "!3:3 text behind the closing quote [0]\n4|y\n"},
};

TEST(csv_gives_the_same_rows_and_errors_however_it_is_cut)
{
    for (size_t i = 0; i < sizeof(csv_rows) / sizeof(*csv_rows); i++) {
        const char *text = csv_rows[i].text;
        size_t bytes = csv_rows[i].bytes;
        for (size_t cut = 0; cut <= bytes; cut++) {
            note("row %zu: %s cut at %zu", i, text, cut);
            CHECK_STR(run(',', true, text, bytes, cut, 1000), csv_rows[i].said);
        }
        note("row %zu: %s byte by byte", i, text);
        CHECK_STR(run(',', true, text, bytes, SIZE_MAX, 1000), csv_rows[i].said);
    }
}

/* Any other delimiter: the same, with it in the place of each comma. */
TEST(csv_has_the_delimiter_it_is_given)
{
    static const char delimiters[] = ";|\t~";
    for (size_t i = 0; i < sizeof(csv_rows) / sizeof(*csv_rows); i++) {
        for (const char *d = delimiters; *d != '\0'; d++) {
            char text[64], said[128];
            size_t bytes = csv_rows[i].bytes;
            memcpy(text, csv_rows[i].text, bytes);
            snprintf(said, sizeof(said), "%s", csv_rows[i].said);
            with_delimiter(text, bytes, *d);
            with_delimiter(said, strlen(said), *d);
            for (size_t cut = 0; cut <= bytes; cut++) {
                note("row %zu: %.*s cut at %zu", i, (int)bytes, text, cut);
                CHECK_STR(run(*d, /* has_quotes= */ true, text, bytes, cut, 1000), said);
            }
            CHECK_STR(run(*d, /* has_quotes= */ true, text, bytes, SIZE_MAX, 1000), said);
        }
    }
}

TEST(tsv_has_no_quotes)
{
    CHECK_STR(run('\t', false, T("a\t\"b\"c\td,e\n\"x\ty"), 0, 1000), "1|a|\"b\"c|d,e\n2|\"x|y\n");
}

/* The limit holds for the bytes of the fields together; the row is left out, the next one read. */
TEST(csv_row_past_its_limit_is_left_out_however_it_is_cut)
{
    static const char text[] = "12,34\n12,345\n\"1\n2345\",x\n\"a\"\"b\"\"c\"\n1234\n";
    static const char said[] =
        "1|12|34\n!2:0 the row has too many bytes\n"
        "!3:1 the row has too many bytes; the quotes that begin here have not ended [0]\n"
        "!5:1 the row has too many bytes; the quotes that begin here have not ended [0]\n"
        "6|1234\n";
    for (size_t cut = 0; cut < sizeof(text); cut++) {
        note("cut at %zu", cut);
        CHECK_STR(run(',', true, text, sizeof(text) - 1, cut, 4), said);
    }
    CHECK_STR(run(',', true, text, sizeof(text) - 1, SIZE_MAX, 4), said);
}

TEST(csv_row_has_a_limit_of_fields)
{
    char text[WF_CSV_FIELD_COUNT_MAX + 4];
    memset(text, ',', sizeof(text));
    text[WF_CSV_FIELD_COUNT_MAX - 1] = '\n'; /* one field more than commas */
    CHECK_EQ(strlen(run(',', true, text, WF_CSV_FIELD_COUNT_MAX, 0, 1000)),
             WF_CSV_FIELD_COUNT_MAX + 2);
    text[WF_CSV_FIELD_COUNT_MAX - 1] = ',';
    text[WF_CSV_FIELD_COUNT_MAX] = '\n';
    text[WF_CSV_FIELD_COUNT_MAX + 1] = 'a';
    CHECK_STR(run(',', true, text, WF_CSV_FIELD_COUNT_MAX + 2, 0, 1000),
              "!1:0 the row has too many fields\n2|a\n");
}

/* Random bytes of the characters that matter: every way of cutting says the same. */
TEST(csv_of_random_bytes_says_the_same_in_one_piece_and_byte_by_byte)
{
    static const char letters[] = "a\",\n\r\"\nb,\xC3\xA9\0";
    uint64_t state = test_seed() * 2 + 1;
    for (int i = 0; i < 3000; i++) {
        char text[24];
        for (size_t k = 0; k < sizeof(text); k++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            text[k] = letters[(state >> 33) % (sizeof(letters) - 1)];
        }
        size_t bytes_max = 2 + (state >> 40) % 12;
        note("round %d", i);
        CHECK_STR(run(',', true, text, sizeof(text), SIZE_MAX, bytes_max),
                  run(',', true, text, sizeof(text), 0, bytes_max));
    }
}
