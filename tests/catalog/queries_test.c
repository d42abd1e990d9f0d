/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"
#include "stream.h"

#include "base/buf.h"

/* "LINE|text" lines; a bad row "! …", and reading goes on if it can.  Static storage. */
static const char *read_all(const char *name, const char *text, size_t bytes, size_t piece,
                            weft_catalog_options *options)
{
    static char said[4096];
    wf_buf log = {0};
    struct stream stream = {.text = text, .bytes = bytes, .piece = piece};
    weft_queries *queries = NULL;
    CHECK_OK(weft_queries_open_read(&queries, name, options, stream_read, &stream));
    for (int rc = 1; rc != 0;) {
        weft_catalog_error error;
        weft_str query;
        size_t line;
        char message[600];
        rc = weft_queries_next(queries, &query, &line, &error);
        if (rc > 0) {
            wf_buf_printf(&log, "%zu|", line);
            wf_buf_append(&log, query.ptr, query.len);
            wf_buf_putc(&log, '\n');
        } else if (rc < 0) {
            weft_catalog_error_text(&error, message, sizeof(message));
            wf_buf_printf(&log, "! %s\n", message);
            rc = error.is_row;
        }
    }
    if (weft_queries_skip_count(queries) != 0)
        wf_buf_printf(&log, "skipped %zu\n", weft_queries_skip_count(queries));
    weft_queries_close(queries);
    wf_buf_putc(&log, '\0');
    snprintf(said, sizeof(said), "%s", wf_buf_ptr(&log));
    wf_buf_fini(&log);
    return said;
}

#define T(literal) literal, sizeof(literal) - 1

static const struct {
    const char *name;
    const char *field;
    enum weft_file_format format;
    const char *text;
    size_t bytes;
    const char *said;
} query_files[] = {
    /* Lines, unless the name says otherwise; blank ones count: answers stand beside them. */
    {"-", "", 0, T("usa\n\n  germny \r\nlast"), "1|usa\n2|\n3|  germny \n4|last\n"},
    {"-", "", 0, T("[odd]\n{\"odd\"\n"), "1|[odd]\n2|{\"odd\"\n"},
    {"q.txt", "", 0, T("\xEF\xBB\xBFusa\n"), "1|usa\n"},
    {"q", "", 0, T(""), ""},
    {"q", "", 0, T("a\n\xFF\nb"), "1|a\n! q:2:1: a byte that is not UTF-8\n3|b\n"},

    /* A column */
    {"q.csv", "", 0, T("n,query\n1,usa\n2,\"a,b\"\n"), "2|usa\n3|a,b\n"},
    {"q.csv", "", 0, T("name,text\nx,y\n"), "2|y\n"},
    {"q.csv", "", 0, T("anything\nx\n"), "2|x\n"},
    {"q.csv", "name", 0, T("name,text\nx,y\n"), "2|x\n"},
    {"q.csv", "town", 0, T("name,text\nx,y\n"),
     "! q.csv:1: no column town; the first row has \"name\", \"text\"\n"},
    {"q.csv", "", 0, T("a,b\nx,y\n"),
     "! q.csv:1: no column query, text or name; the first row has \"a\", \"b\"\n"},
    {"q.csv", "", 0, T("n;query\r\n1;usa\r\n2;\"a;b\"\r\n3;a,b\r\n"), "2|usa\n3|a;b\n4|a,b\n"},
    {"q.csv", "frage", 0, T("sep=|\nnr|Frage\n1|usa\n"), "3|usa\n"},
    {"q.csv", "", 0, T("frage;nr\nusa;1\n"),
     "! q.csv:1: no column query, text or name; the first row, split at semicolons, has \"frage\", "
     "\"nr\"\n"},
    {"q.csv", "", 0, T("name;x,text\na;b,c\n"),
     "! q.csv:1: the first row can be split at commas and at semicolons: say which by the "
     "delimiter\n"},
    {"q.csv", "", 0, T("query\na;b\nc,d\n"),
     "2|a;b\n! q.csv:3: the row has 2 fields, the first row has 1\n"},
    {"q.csv", "", 0, T("i\0d\0"), "! q.csv: is UTF-16; save it as UTF-8\n"},
    {"-", "", 0, T("a;b\nc,d\n"), "1|a;b\n2|c,d\n"},
    {"-", "", WEFT_FILE_TSV, T("a\tquery\nx\ty\n"), "2|y\n"},

    /* A key, or strings */
    {"q.ndjson", "", 0, T("{\"query\":\"a\"}\n\"b\"\n{\"text\":\"c\"}\n"), "1|a\n2|b\n3|c\n"},
    {"q.jsonl", "", 0, T("{\"query\":1}\n{}\n{\"query\":\"a\"}\n"),
     "! q.jsonl:1: the row must be a string, or an object with a string in its field\n"
     "! q.jsonl:2: the row must be a string, or an object with a string in its field\n3|a\n"},
    {"q.json", "", 0, T("[\"a\",\n{\"name\":\"b\"}]"), "1|a\n2|b\n"},
    {"q.json", "", 0, T("[\"a\",5,\"b\",{}]"),
     "1|a\n! q.json:1: the row must be a string, or an object with a string in its field (item 2 "
     "of the array)\n1|b\n! q.json:1: the row must be a string, or an object with a string in its "
     "field (item 4 of the array)\n"},
    {"q.ndjson", "label", 0, T("{\"label\":7}\n{\"x\":1}\n5\n{\"label\":\"\"}\n"),
     "! q.ndjson:1: label: must be a string\n! q.ndjson:2: label: is missing\n"
     "! q.ndjson:3: the row must be a string, or an object with a string in its field\n4|\n"},
    {"q.json", "k", 0, T("[{\"k\":\"a\",\"query\":\"b\"}]"), "1|a\n"},
};

TEST(queries_come_from_lines_columns_and_keys)
{
    for (size_t i = 0; i < sizeof(query_files) / sizeof(*query_files); i++) {
        const char *field = query_files[i].field;
        weft_catalog_options options = {
            .format = query_files[i].format,
            .field = {field, strlen(field)},
        };
        for (size_t piece = 0; piece < 5; piece++) {
            note("row %zu in pieces of %zu: %s", i, piece, query_files[i].text);
            CHECK_STR(read_all(query_files[i].name, query_files[i].text, query_files[i].bytes,
                               piece, &options),
                      query_files[i].said);
        }
    }
}

/* Once the first row was read; answers are written with it. */
TEST(queries_say_what_separates_the_fields)
{
    static const struct {
        const char *name, *text;
        char given, found;
    } rows[] = {
        {"q.csv", "query;n\n", '\0', ';'},         {"q.csv", "query\n", '\0', ','},
        {"q.csv", "n\tquery\na\tb\n", '\0', '\t'}, {"q.csv", "n:query\na:b\n", ':', ':'},
        {"q.tsv", "query\tn\n", '\0', '\0'},       {"q.txt", "query;n\n", ';', '\0'},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stream stream = {.text = rows[i].text, .bytes = strlen(rows[i].text)};
        const weft_catalog_options options = {.delimiter = rows[i].given};
        weft_queries *queries;
        weft_str text;
        size_t line;
        CHECK_OK(weft_queries_open_read(&queries, rows[i].name, &options, stream_read, &stream));
        CHECK_EQ(weft_queries_delimiter(queries), '\0');
        CHECK_GE(weft_queries_next(queries, &text, &line, NULL), 0);
        CHECK_EQ(weft_queries_delimiter(queries), rows[i].found);
        weft_queries_close(queries);
    }
}

static ssize_t read_and_fail(void *buf, size_t bytes, void *arg)
{
    ssize_t count = stream_read(buf, bytes, arg);
    return count != 0 ? count : -EIO;
}

/* What is wrong with the file as a whole stays wrong: no row of its middle is taken for its head.
 */
TEST(queries_end_with_what_is_wrong_as_a_whole)
{
    static const struct {
        const char *name, *text;
        int rc;
        bool fails;
    } files[] = {
        {"q.csv", "a,b\nquery,b\nusa,2\n", -WEFT_M_EVALID, false},
        {"q.csv", "query,query\nquery,b\nusa,2\n", -WEFT_ESYNTAX, false},
        {"q.json", "[1 2]", -WEFT_ESYNTAX, false},
        {"q.csv", "query,b\nusa", -EIO, true},
        {"q.txt", "usa", -EIO, true},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct stream stream = {.text = files[i].text, .bytes = strlen(files[i].text)};
        weft_queries *queries;
        weft_catalog_error error = {0}, again;
        weft_str text;
        size_t line;
        int rc;
        CHECK_OK(weft_queries_open_read(&queries, files[i].name, NULL,
                                        files[i].fails ? read_and_fail : stream_read, &stream));
        do
            rc = weft_queries_next(queries, &text, &line, &error);
        while (rc > 0 || (rc < 0 && error.is_row));
        CHECK_EQ(rc, files[i].rc);
        CHECK_EQ(weft_queries_next(queries, &text, &line, &again), files[i].rc);
        CHECK_STR(again.text, error.text);
        CHECK_EQ(again.line, error.line);
        weft_queries_close(queries);
    }
}

TEST(queries_leave_bad_rows_out_if_asked)
{
    weft_catalog_options options = {.skip_bad = true, .row_bytes_max = 8};
    CHECK_STR(read_all("-", T("a\n\xFF\n123456789\nb\n"), 0, &options), "1|a\n4|b\nskipped 2\n");
}

/* What the matcher would refuse, and all the others with it, is one bad row. */
TEST(queries_take_no_text_that_no_matcher_takes)
{
    weft_catalog_options options = {.skip_bad = true, .text_bytes_max = 3};
    CHECK_STR(read_all("q.csv", T("query\nabcd\nabc\n"), 0, &options), "3|abc\nskipped 1\n");
    CHECK_STR(read_all("q.ndjson", T("\"abcd\"\n{\"text\":\"abcd\"}\n\"abc\"\n"), 0, &options),
              "3|abc\nskipped 2\n");
    CHECK_STR(read_all("q.txt", T("abcd\nabc\n"), 0, &options), "2|abc\nskipped 1\n");
    options = (weft_catalog_options){.text_bytes_max = 3};
    CHECK_STR(read_all("q.json", T("[\"abcd\"]"), 0, &options),
              "! q.json:1: the text has too many bytes (limit 3) (item 1 of the array)\n");
}

/* Texts with the labels beside them, "text=label". */
TEST(queries_have_labels_if_asked)
{
    static const struct {
        const char *name, *text, *said;
    } rows[] = {
        {"q.csv", "nr;label;text\n1;DE;usa\n2;;\"a\nb\"\n\n3;7;\n", "usa=DE a\nb= =7 "},
        {"q.tsv", "text\tlabel\nusa\tUS\n", "usa=US "},
        {"q.ndjson", "{\"text\":\"a\",\"label\":7}\n{\"label\":null,\"text\":\"b\"}\n", "a=7 b= "},
        {"q.ndjson", "{\"text\":\"a\",\"label\":\"\"}\n{\"text\":\"b\"}\n\"c\"\n",
         "a= ! q.ndjson:2: label: is missing ! q.ndjson:3: the row must be an object "},
        {"q.json", "[{\"text\":\"a\",\"label\":1.5},{\"text\":\"b\",\"label\":\"B\"}]",
         "! q.json:1: label: must be a string or an integer (item 1 of the array) b=B "},
        {"q.csv", "query,label\nusa,US\n",
         "! q.csv:1: no column text; the first row has \"query\", \"label\" "},
        {"q.csv", "text,id\nusa,US\n",
         "! q.csv:1: no column label; the first row has \"text\", \"id\" "},
        {"q.csv", "text,label\nusa,12345678901\nb,1\n",
         "! q.csv:2: the text has too many bytes (limit 10) b=1 "},
        {"q.txt", "usa\n", "usa= "},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (size_t piece = 0; piece < 40; piece += 13) {
            weft_catalog_options options = {.label_field = {"label", 5}, .text_bytes_max = 10};
            struct stream stream = {
                .text = rows[i].text, .bytes = strlen(rows[i].text), .piece = piece};
            weft_queries *queries;
            wf_buf log = {0};
            CHECK_OK(
                weft_queries_open_read(&queries, rows[i].name, &options, stream_read, &stream));
            for (int rc = 1; rc != 0;) {
                weft_catalog_error error;
                weft_str text;
                size_t line;
                char message[600];
                rc = weft_queries_next(queries, &text, &line, &error);
                weft_str label = weft_queries_label(queries);
                if (rc > 0)
                    wf_buf_printf(&log, "%.*s=%.*s ", (int)text.len, text.ptr, (int)label.len,
                                  label.ptr);
                if (rc < 0) {
                    weft_catalog_error_text(&error, message, sizeof(message));
                    wf_buf_printf(&log, "! %s ", message);
                    rc = error.is_row;
                }
            }
            wf_buf_putc(&log, '\0');
            CHECK_STR(wf_buf_ptr(&log), rows[i].said);
            weft_queries_close(queries);
            wf_buf_fini(&log);
        }
    }
}

TEST(queries_open_says_why_it_cannot)
{
    weft_queries *queries = NULL;
    weft_catalog_error error;
    char text[600];
    CHECK_EQ(weft_queries_open(&queries, "/nonexistent/q", NULL, &error), -ENOENT);
    CHECK(queries == NULL);
    weft_catalog_error_text(&error, text, sizeof(text));
    CHECK_STR(text, "/nonexistent/q: No such file or directory");
    weft_queries_close(NULL);
}

TEST(queries_survive_every_allocation_that_fails)
{
    for (uint64_t nth = 1;; nth++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = nth};
        weft_queries *queries = NULL;
        weft_catalog_options options = {.field = {"name", 4}, .label_field = {"id", 2}};
        weft_str text;
        size_t line;
        weft_fault_arm(&plan);
        int rc = weft_queries_open(&queries, test_source("tests/catalog/data/small.json"), &options,
                                   NULL);
        while (rc == 0 && (rc = weft_queries_next(queries, &text, &line, NULL)) > 0)
            rc = 0;
        weft_queries_close(queries);
        weft_fault_arm(NULL);
        note("allocation %llu", (unsigned long long)nth);
        CHECK_EQ(live_blocks(), 0u);
        if (plan.point == NULL)
            break;
        CHECK_EQ(rc, -ENOMEM);
        CHECK_LT(nth, 1000u);
    }
}
