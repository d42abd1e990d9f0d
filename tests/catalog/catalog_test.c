/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include "stream.h"
#include <weft/error.h>

#include "base/buf.h"

#include <stdlib.h>

static void put_str(wf_buf *log, const char *before, weft_str text)
{
    wf_buf_puts(log, before);
    if (text.ptr != NULL)
        wf_buf_append(log, text.ptr, text.len);
}

/* "LINE|id|name|alias;alias|text|extra" lines; an integer id has a '#'. */
static void put_entities(wf_buf *log, const weft_catalog *catalog)
{
    size_t count;
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    for (size_t i = 0; i < count; i++) {
        const weft_m_entity *e = &entities[i];
        wf_buf_printf(log, "%zu", weft_catalog_line(catalog, i));
        put_str(log, e->id_is_integer ? "|#" : "|", e->id);
        put_str(log, "|", e->name);
        for (size_t k = 0; k < e->alias_count; k++)
            put_str(log, k == 0 ? "|" : ";", e->aliases[k]);
        put_str(log, e->alias_count == 0 ? "||" : "|", e->text);
        put_str(log, "|", e->extra);
        wf_buf_putc(log, '\n');
    }
}

static void put_skipped(const weft_catalog_error *error, void *arg)
{
    char text[600];
    weft_catalog_error_text(error, text, sizeof(text));
    wf_buf_printf(arg, "- %s\n", text);
}

/* All that comes of a file: what was skipped, the entities, the error.  Static storage. */
static const char *read_all(const char *name, const char *text, size_t bytes, size_t piece,
                            bool skip_bad, size_t row_bytes_max)
{
    static char said[8192];
    wf_buf log = {0};
    struct stream stream = {.text = text, .bytes = bytes, .piece = piece};
    weft_catalog_options options = {
        .skip_bad = skip_bad,
        .on_skip = put_skipped,
        .on_skip_arg = &log,
        .row_bytes_max = row_bytes_max,
    };
    weft_catalog *catalog = NULL;
    weft_catalog_error error = {0};
    CHECK_OK(weft_catalog_new(&catalog));
    int rc = weft_catalog_read(catalog, name, &options, &error, stream_read, &stream);
    put_entities(&log, catalog);
    if (rc < 0) {
        CHECK_EQ(error.rc, rc);
        char message[600];
        weft_catalog_error_text(&error, message, sizeof(message));
        wf_buf_printf(&log, "! %s\n", message);
    }
    weft_catalog_free(catalog);
    wf_buf_putc(&log, '\0');
    snprintf(said, sizeof(said), "%s", wf_buf_ptr(&log));
    wf_buf_fini(&log);
    return said;
}

#define T(literal) literal, sizeof(literal) - 1

struct file_row {
    const char *name;
    const char *text;
    size_t bytes;
    const char *said;
};

static void check_files(const struct file_row *rows, size_t count, bool skip_bad)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t piece = 0; piece < 9; piece++) {
            note("row %zu, %s in pieces of %zu: %s", i, rows[i].name, piece, rows[i].text);
            CHECK_STR(read_all(rows[i].name, rows[i].text, rows[i].bytes, piece, skip_bad, 0),
                      rows[i].said);
        }
    }
}

static const struct file_row good_files[] = {
    /* CSV */
    {"a.csv", T("id,name,aliases\nDE,Germany,Deutschland|GER\nUS,United States,\n"),
     "2|DE|Germany|Deutschland;GER||\n3|US|United States|||\n"},
    {"a.csv", T("\xEF\xBB\xBFid,name\r\nDE,Germany\r\n"), "2|DE|Germany|||\n"},
    {"a.csv", T("NAME,Id\n\"Korea, South\",KR"), "2|KR|Korea, South|||\n"},
    {"a.csv", T("id,name,aliases\n1,a, b | |c||\n"), "2|1|a|b;c||\n"},
    {"a.csv", T("id,text,name,note,type\n1,shown,a,\"x\"\"y\",\n2,,b,,\n"),
     "2|1|a||shown|{\"note\":\"x\\\"y\"}\n3|2|b|||\n"},
    {"a.csv", T("id,name\n\n\n1,a\n\n"), "4|1|a|||\n"},
    {"a.csv", T("id,parents,name,note\n1,|,a,x\n2, 1 |,b,\n3,2|1,c,y\n"),
     "2|1|a|||{\"note\":\"x\"}\n3|2|b|||{\"hierarchy\":{\"parents\":[\"1\"]}}\n"
     "4|3|c|||{\"hierarchy\":{\"parents\":[\"2\",\"1\"]},\"note\":\"y\"}\n"},
    {"a.csv", T("id,parents,name,hierarchy\n2,1,b,h\n"),
     "2|2|b|||{\"parents\":\"1\",\"hierarchy\":\"h\"}\n"},
    {"a.csv", T("id,name\n"), ""},

    {"a.csv", T(",id,name\n0,1,a\n"), "2|1|a|||{\"\":\"0\"}\n"},
    {"a.csv", T("id,name,,\n1,a,,\n2,b,,x\n"), "2|1|a|||\n3|2|b|||{\"\":\"x\"}\n"},

    /* CSV with another delimiter, as the columns that must be there say */
    {"a.csv", T("\xEF\xBB\xBFid;name;aliases;price\r\n1;\"a;\"\"b\"\"\";x|y;3,50\r\n"),
     "2|1|a;\"b\"|x;y||{\"price\":\"3,50\"}\n"},
    {"a.csv", T("\"id\";\"name\"\n\"1\";\"a\nb\"\n2;c\n"), "2|1|a\nb|||\n4|2|c|||\n"},
    {"a.csv", T("\"id\"\t\"name\"\n1\t\"a\tb\"\n"), "2|1|a\tb|||\n"},
    {"a.csv", T("id|name|aliases\n1|a|\"x|y\"\n"), "2|1|a|x;y||\n"},
    {"-", T("\n\nname;id;price, EUR\na;1;2,5\n"), "4|1|a|||{\"price, EUR\":\"2,5\"}\n"},
    {"a.csv", T("id,name,a;b\n1,a;b,c\n"), "2|1|a;b|||{\"a;b\":\"c\"}\n"},
    {"a.csv", T("\xEF\xBB\xBFsep=;\r\nid;name\r\n1;a\r\n"), "3|1|a|||\n"},
    {"a.csv", T("sep=,\nid,name\n1,a;b\n"), "3|1|a;b|||\n"},
    {"dir.tsv/noending", T("id,name\n1,\"a\tb\"\n"), "2|1|a\tb|||\n"},

    /* TSV */
    {"a.tsv", T("id\tname\taliases\n1\tThe \"A\"\tb|c\n"), "2|1|The \"A\"|b;c||\n"},
    {"-", T("id\tname\n1\ta,b\n"), "2|1|a,b|||\n"},

    /* JSON */
    {"a.json",
     T("[{\"id\":\"DE\",\"name\":\"Germany\",\"aliases\":[\"Deutschland\",\"GER\"]},\n"
       " {\"id\":7,\"name\":\"seven\",\"aliases\":null,\"text\":\"VII\"}]"),
     "1|DE|Germany|Deutschland;GER||\n2|#7|seven||VII|\n"},
    {"-", T("\xEF\xBB\xBF\n[]"), ""},
    {"a.JSON",
     T("[{\"type\":\"x\",\"id\":-1,\"hierarchy\":{\"parents\":[\"a\"],\"level\":2},"
       "\"name\":\"n\",\"aliases\":[],\"w\":[1.5,true,null]}]"),
     "1|#-1|n|||{\"type\":\"x\",\"hierarchy\":{\"parents\":[\"a\"],\"level\":2},"
     "\"w\":[1.5,true,null]}\n"},

    /* NDJSON */
    {"a.ndjson", T("{\"id\":\"a\",\"name\":\"A\"}\n\n  \n{\"id\":\"b\",\"name\":\"B\"}\r\n"),
     "1|a|A|||\n4|b|B|||\n"},
    {"a.jsonl", T(" {\"id\":\"a\",\"name\":\"\\u00e9\"} "), "1|a|é|||\n"},
    {"-", T("{\"id\":\"a\",\"name\":\"A\"}"), "1|a|A|||\n"},
    {"a.ndjson", T("{\"id\":1,\"name\":\"a\",\"aliases\":\"b| c;d |\"}\n"), "1|#1|a|b;c;d||\n"},
};

TEST(catalog_reads_each_format_in_pieces_of_any_size)
{
    check_files(good_files, sizeof(good_files) / sizeof(*good_files), false);
}

static const struct file_row bad_files[] = {
    /* the file as a whole */
    {"a.csv", T(""), "! a.csv: is empty; its first row must name the columns\n"},
    {"a.csv", T("sep=;\n"), "! a.csv: is empty; its first row must name the columns\n"},
    {"a.csv", T("code;title\n1;a\n"),
     "! a.csv:1: no column id; the first row, split at semicolons, has \"code\", \"title\"\n"},
    {"a.csv", T("\xEF\xBB\xBFsep=;\r\nid;title\n1;a\n"),
     "! a.csv:2: no column name; the first row, split at semicolons, has \"id\", \"title\"\n"},
    {"a.csv", T("id;title, short\n1;a\n"),
     "! a.csv:1: no column id; the first row, split at commas, has \"id;title\", \" short\"\n"},
    {"a.csv", T("code;title|short\n1;a\n"),
     "! a.csv:1: the first row can be split at semicolons and at bars: say which by the "
     "delimiter\n"},
    {"a.csv", T("\n\r\nid;name;x,id,name\n1;a,2,b;c\n"),
     "! a.csv:3: the first row can be split at commas and at semicolons: say which by the "
     "delimiter\n"},
    {"a.tsv", T("id;name\n1;a\n"), "! a.tsv:1: no column id; the first row has \"id;name\"\n"},
    {"a.csv", T("\xFF\xFEi\0d\0"), "! a.csv: is UTF-16; save it as UTF-8\n"},
    {"a.csv", T("\xFE\xFF\0i\0d"), "! a.csv: is UTF-16; save it as UTF-8\n"},
    {"a.xlsx", T("PK\x03\x04\x14\0\x06"),
     "! a.xlsx: is a zip archive, as .xlsx and .ods are; save the sheet as CSV\n"},
    {"a.csv.gz", T("\x1F\x8B\x08\0\0"), "! a.csv.gz: is compressed by gzip; unpack it\n"},
    {"a.xls", T("\xD0\xCF\x11\xE0\xA1"),
     "! a.xls: is a file of an old office program, as .xls is; save it as CSV\n"},
    {"a.csv.zst", T("\x28\xB5\x2F\xFD"), "! a.csv.zst: is compressed by zstd; unpack it\n"},
    {"a.csv.xz", T("\xFD\x37\x7AXZ\0"), "! a.csv.xz: is compressed by xz; unpack it\n"},
    {"a.parquet", T("PAR1\x15\x04\x15"), "! a.parquet: is Parquet; write it as CSV or NDJSON\n"},
    {"a.weftm", T("WEFTM\r\n\x1A\0\0"), "! a.weftm: is a saved matcher, and no table\n"},
    {"a.csv", T("WEFTM\r\n1\r\n"), "! a.csv:1: no column id; the first row has \"WEFTM\"\n"},
    {"a.csv", T("PAR1"), "! a.csv:1: no column id; the first row has \"PAR1\"\n"},
    {"a.csv", T("PK,id,name\nx,1,a\n\"\"y"),
     "2|1|a|||{\"PK\":\"x\"}\n! a.csv:3:3: PK: text behind the closing quote\n"},
    {"a.json", T("[\0]\0"), "! a.json: is UTF-16; save it as UTF-8\n"},
    {"-", T("\0i\0d"), "! -: is UTF-16; save it as UTF-8\n"},
    {"a.csv", T("name\na\n"), "! a.csv:1: no column id; the first row has \"name\"\n"},
    {"a.csv", T("ID, name\n1,a\n"),
     "! a.csv:1: no column name; the first row has \"ID\", \" name\"\n"},
    {"a.csv",
     T("name,first of those that fit in here all of it,second of those that do not fit at all as "
       "it is longer,x\na,b,c,d\n"),
     "! a.csv:1: no column id; the first row has \"name\", \"first of those that fit in here all "
     "of it\", ...\n"},
    {"a.csv", T("id,name,ID\n1,a,2\n"), "! a.csv:1: the column ID stands twice in the first row\n"},
    {"a.csv", T("id,\"na\nme\"x\n1,a\n"), "! a.csv:2:4: text behind the closing quote\n"},
    {"a.txt", T("Germany\n"), "! a.txt: holds lines; entities are csv, tsv, json or ndjson\n"},
    {"a.json", T("{\"id\":1}"), "! a.json:1:1: the file must be one array: [ must stand here\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\"a\"}\n{}]"),
     "1|1|a|||\n! a.json:2:1: a comma or ] must stand here\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\"a\"},\n {\"id\":"),
     "1|1|a|||\n! a.json:2:2: the file ends inside the item that begins here\n"},

    /* a row */
    {"a.csv", T("id,name\n1,a\n2\n"),
     "2|1|a|||\n! a.csv:3: the row has 1 field, the first row has 2\n"},
    {"a.csv", T("id,name\n1,a,\n"), "! a.csv:2: the row has 3 fields, the first row has 2\n"},
    {"a.csv", T("id,name,,\n1,a,x,y\n"), "! a.csv:2: values in two columns without a name\n"},
    {"a.csv", T("id,name\n1,a\"b\n"),
     "! a.csv:2:4: name: a quote inside a field that does not begin with one\n"},
    {"a.csv", T("id,name\n1,a\xFF\n"), "! a.csv:2: name: is not UTF-8\n"},
    {"a.csv", T("id,name\n1,\"a\n"),
     "! a.csv:2:3: name: the file ends inside the quotes that begin here\n"},
    {"a.csv", T("id,name\n1, \n"), "! a.csv:2: name: is empty\n"},
    {"a.csv", T("id,name\n,a\n"), "! a.csv:2: id: is empty\n"},
    {"a.csv", T("id,name\n1,a\n2,b\n1,c\n"),
     "2|1|a|||\n3|2|b|||\n! a.csv:4: id: 1 is there already, from line 2\n"},
    {"a.ndjson", T("{\"id\":\"1\",\"name\":\"a\"}\n{\"id\" 2}\n"),
     "1|1|a|||\n! a.ndjson:2:7: a colon must stand behind the key\n"},
    {"a.json", T("[\n  {\"id\":\"1\",\n   \"id\":\"2\"}]"),
     "! a.json:3:4: a key stands twice in one object\n"},
    {"a.json", T("[5]"), "! a.json:1: the row must be an object (item 1 of the array)\n"},
    {"a.json", T("[{\"name\":\"a\"}]"), "! a.json:1: id: is missing (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"\",\"name\":\"a\"}]"),
     "! a.json:1: id: is empty (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":1.0,\"name\":\"a\"}]"),
     "! a.json:1: id: must be a string or an integer (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":null,\"name\":\"a\"}]"),
     "! a.json:1: id: must be a string or an integer (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\"}]"), "! a.json:1: name: is missing (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"},{\"id\":3},5]"),
     "1|#1|a|||\n1|#2|b|||\n! a.json:1: name: is missing (item 3 of the array)\n"},
    {"a.json", T("[{\"id\":1,\"name\":\"a\"},{\"id\":1,\"name\":\"b\"}]"),
     "1|#1|a|||\n! a.json:1: id: 1 is there already, from line 1 (item 2 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":null}]"),
     "! a.json:1: name: must be a string (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\" \\t\"}]"),
     "! a.json:1: name: is empty (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\"a\",\"aliases\":\" \"}]"),
     "! a.json:1: aliases: is empty (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\"a\",\"aliases\":{\"b\":1}}]"),
     "! a.json:1: aliases: must be an array of strings (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\"a\",\"aliases\":[\"b\",5]}]"),
     "! a.json:1: aliases[1]: must be a string (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\"a\",\"aliases\":[\"\"]}]"),
     "! a.json:1: aliases[0]: is empty (item 1 of the array)\n"},
    {"a.json", T("[{\"id\":\"1\",\"name\":\"a\",\"text\":5}]"),
     "! a.json:1: text: must be a string (item 1 of the array)\n"},
};

TEST(catalog_says_what_is_wrong_and_where)
{
    check_files(bad_files, sizeof(bad_files) / sizeof(*bad_files), false);
}

static const struct file_row skip_files[] = {
    {"a.csv", T("id,name\n1,a\n2\n1,b\n3,\"c\"d\n4,\xFF\n5,e\n"),
     "- a.csv:3: the row has 1 field, the first row has 2\n"
     "- a.csv:4: id: 1 is there already, from line 2\n"
     "- a.csv:5:6: name: text behind the closing quote\n"
     "- a.csv:6: name: is not UTF-8\n"
     "2|1|a|||\n7|5|e|||\n"},
    {"a.ndjson", T("nope\n{\"id\":1}\n{\"id\":1,\"name\":\"a\"}\n\xFF\n{\"id\":2,\"name\":\"b\"}"),
     "- a.ndjson:1:1: a value must stand here\n"
     "- a.ndjson:2: name: is missing\n"
     "- a.ndjson:4:1: a byte that is not UTF-8\n"
     "3|#1|a|||\n5|#2|b|||\n"},
    {"a.json", T("[{\"id\":1},{5},{\"id\":2,\"name\":\"b\"} {}]"),
     "- a.json:1: name: is missing (item 1 of the array)\n"
     "- a.json:1:12: a key in quotes must stand here\n"
     "1|#2|b|||\n! a.json:1:35: a comma or ] must stand here\n"},
    {"a.csv", T("id,name,name\n1,a,b\n"),
     "! a.csv:1: the column name stands twice in the first row\n"},
};

TEST(catalog_leaves_bad_rows_out_if_asked)
{
    check_files(skip_files, sizeof(skip_files) / sizeof(*skip_files), true);
}

TEST(catalog_row_has_a_limit_in_each_format)
{
    CHECK_STR(read_all("a.csv", T("id,name\n1,1234567890\n2,b\n"), 0, true, 10),
              "- a.csv:2: the row has too many bytes (limit 10)\n3|2|b|||\n");
    CHECK_STR(
        read_all("a.csv", T("id,name\n1,a\n2,\"34567890\n3,b\n4,c\n"), 0, false, 10),
        "2|1|a|||\n! a.csv:3:3: name: the row has too many bytes; the quotes that begin here have "
        "not ended (limit 10)\n");
    CHECK_STR(read_all("a.json",
                       T("[{\"id\":1,\"name\":\"1234567890\"},{\"id\":2,\"name\":\"b\"}]"), 0, true,
                       20),
              "- a.json:1: the item has too many bytes (limit 20)\n1|#2|b|||\n");
    CHECK_STR(read_all("a.ndjson",
                       T("{\"id\":1,\"name\":\"1234567890\"}\n{\"id\":2,\"name\":\"b\"}\n"), 0,
                       true, 20),
              "- a.ndjson:1: the line has too many bytes (limit 20)\n2|#2|b|||\n");
}

/* Nested deeper than the writer of extra keys can follow. */
TEST(catalog_refuses_a_row_nested_too_deep)
{
    char text[200] = "{\"id\":1,\"name\":\"a\",\"x\":";
    memset(text + strlen(text), '[', 40);
    memset(text + strlen(text), ']', 40);
    strcat(text, "}");
    CHECK_STR(read_all("a.ndjson", text, strlen(text), 0, false, 0),
              "! a.ndjson:1:55: nested too deep (limit 32)\n");
}

TEST(catalog_takes_several_files_and_limits_the_entities)
{
    weft_catalog *catalog;
    weft_catalog_error error;
    weft_catalog_options options = {.entity_count_max = 3};
    CHECK_OK(weft_catalog_new(&catalog));
    struct stream first = {.text = "id,name\n1,a\n2,b\n", .bytes = 16};
    CHECK_OK(weft_catalog_read(catalog, "1.csv", &options, &error, stream_read, &first));
    struct stream second = {.text = "id,name\n3,c\n4,d\n", .bytes = 16};
    CHECK_EQ(weft_catalog_read(catalog, "2.csv", &options, &error, stream_read, &second),
             -WEFT_ELIMIT);
    CHECK_EQ(error.limit, 3u);
    CHECK_EQ(error.line, 3u);
    CHECK(!error.is_row);
    size_t count;
    weft_catalog_entities(catalog, &count);
    CHECK_EQ(count, 3u);
    weft_catalog_free(catalog);
    weft_catalog_free(NULL);
}

TEST(catalog_finds_the_one_id_of_many_that_stands_twice)
{
    enum { COUNT = 20000 };
    wf_buf text = {0};
    wf_buf_puts(&text, "id,name\n");
    for (int i = 0; i < COUNT; i++)
        wf_buf_printf(&text, "entity-%d,n\n", i);
    wf_buf_puts(&text, "entity-12345,n\n");
    struct stream stream = {.text = wf_buf_ptr(&text), .bytes = wf_buf_bytes(&text)};
    weft_catalog *catalog;
    weft_catalog_error error;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_EQ(weft_catalog_read(catalog, "a.csv", NULL, &error, stream_read, &stream),
             -WEFT_M_EVALID);
    CHECK_STR(error.text, "entity-12345 is there already, from line 12347");
    weft_catalog_free(catalog);
    wf_buf_fini(&text);
}

TEST(catalog_reads_files_and_says_why_it_cannot)
{
    weft_catalog *catalog;
    weft_catalog_error error;
    char text[600];
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_EQ(weft_catalog_read_file(catalog, "/nonexistent/x.csv", NULL, &error), -ENOENT);
    weft_catalog_error_text(&error, text, sizeof(text));
    CHECK_STR(text, "/nonexistent/x.csv: No such file or directory");
    CHECK_EQ(weft_catalog_read_file(catalog, "/", NULL, &error), -EISDIR);
    CHECK_EQ(weft_catalog_error_text(&error, text, 4), 3u);
    CHECK_STR(text, "/: ");
    weft_catalog_free(catalog);
}

/* Memory does not grow with bytes that become nothing. */
TEST(catalog_of_endless_bad_rows_holds_little_memory)
{
    weft_catalog *catalog;
    CHECK_OK(weft_catalog_new(&catalog));
    wf_buf text = {0};
    wf_buf_puts(&text, "id,name\n");
    while (wf_buf_bytes(&text) < 4 << 20)
        wf_buf_puts(&text, "1,\"broken\"x\n");
    size_t before = live_bytes();
    struct stream stream = {.text = wf_buf_ptr(&text), .bytes = wf_buf_bytes(&text)};
    weft_catalog_options options = {.skip_bad = true};
    uint64_t blocks = blocks_made();
    CHECK_OK(weft_catalog_read(catalog, "a.csv", &options, NULL, stream_read, &stream));
    CHECK_LT(blocks_made() - blocks, 100u);
    CHECK_EQ(live_bytes(), before);
    CHECK_GT(weft_catalog_skip_count(catalog), 300000u);
    weft_catalog_free(catalog);
    wf_buf_fini(&text);
}

/* ---- memory and system calls that fail ---- */

static int load(const char *path)
{
    weft_catalog *catalog = NULL;
    weft_catalog_error error;
    int rc = weft_catalog_new(&catalog);
    if (rc == 0)
        rc = weft_catalog_read_file(catalog, path, NULL, &error);
    weft_catalog_free(catalog);
    return rc;
}

static size_t sweep(unsigned classes, const char *path)
{
    for (uint64_t nth = 1;; nth++) {
        weft_fault_plan plan = {.classes = classes, .nth = nth};
        weft_fault_arm(&plan);
        int rc = load(path);
        weft_fault_arm(NULL);
        note("%s: point %llu, %s", path, (unsigned long long)nth, plan.point ? plan.point : "");
        CHECK_EQ(live_blocks(), 0u);
        if (plan.point == NULL) {
            CHECK_OK(rc);
            return nth - 1;
        }
        CHECK_LT(rc, 0);
    }
}

TEST(catalog_survives_every_allocation_and_call_that_fails)
{
    CHECK_GT(sweep(WEFT_FAULT_ALLOC, test_source("tests/catalog/data/small.csv")), 10u);
    CHECK_GT(sweep(WEFT_FAULT_ALLOC, test_source("tests/catalog/data/small.json")), 20u);
    CHECK_GT(sweep(WEFT_FAULT_CALL, test_source("tests/catalog/data/small.csv")), 2u);
    CHECK_GT(sweep(WEFT_FAULT_CALL, test_source("tests/catalog/data/small.json")), 2u);
}

TEST(what_is_wrong_with_a_file_is_the_text_of_the_error)
{
    weft_catalog *catalog = NULL;
    weft_queries *queries = NULL;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_EQ(weft_catalog_read_file(catalog, "/nowhere.csv", NULL, NULL), -ENOENT);
    CHECK_STR(weft_error_text(), "/nowhere.csv: No such file or directory");
    CHECK_EQ(weft_queries_open(&queries, "/nowhere.txt", NULL, NULL), -ENOENT);
    CHECK_STR(weft_error_text(), "/nowhere.txt: No such file or directory");
    weft_catalog_free(catalog);
}

/* ---- fields that are called otherwise, rows that are merged ---- */

static const char *read_with(const char *name, const char *text, weft_catalog_options options)
{
    static char said[4096];
    wf_buf log = {0};
    struct stream stream = {.text = text, .bytes = strlen(text), .piece = 7};
    weft_catalog *catalog = NULL;
    weft_catalog_error error = {0};
    options.on_skip = put_skipped;
    options.on_skip_arg = &log;
    CHECK_OK(weft_catalog_new(&catalog));
    int rc = weft_catalog_read(catalog, name, &options, &error, stream_read, &stream);
    put_entities(&log, catalog);
    if (rc < 0)
        put_skipped(&error, &log);
    wf_buf_printf(&log, "%zu merged\n", weft_catalog_merge_count(catalog));
    snprintf(said, sizeof(said), "%s", wf_buf_ptr(&log));
    CHECK_LT(wf_buf_bytes(&log), sizeof(said));
    said[wf_buf_bytes(&log)] = '\0';
    wf_buf_fini(&log);
    weft_catalog_free(catalog);
    return said;
}

static const weft_catalog_options renamed = {
    .id_field = {"code", 4},
    .name_field = {"title", 5},
    .aliases_field = {"alt,short", 9},
    .alias_separator = ';',
};

TEST(fields_may_be_called_otherwise)
{
    CHECK_STR(
        read_with("a.csv", "Code,title,alt,short,id,aliases\n1,Germany,D;BRD,DE,x,a|b\n", renamed),
        "2|1|Germany|D;BRD;DE||{\"id\":\"x\",\"aliases\":\"a|b\"}\n0 merged\n");
    CHECK_STR(read_with("a.csv", "id,name\n1,Germany\n", renamed),
              "- a.csv:1: no column code; the first row has \"id\", \"name\"\n0 merged\n");
    CHECK_STR(read_with("a.ndjson",
                        "{\"code\":7,\"title\":\"Germany\",\"alt\":[\"D\",\"BRD\"],"
                        "\"short\":\"DE\",\"name\":null}\n",
                        renamed),
              "1|#7|Germany|D;BRD;DE||{\"name\":null}\n0 merged\n");
    CHECK_STR(read_with("a.ndjson", "{\"code\":7,\"title\":\"G\",\"alt\":\"D; BRD\"}\n", renamed),
              "1|#7|G|D;BRD||\n0 merged\n");
    CHECK_STR(read_with("a.ndjson", "{\"code\":7,\"title\":\"G\",\"alt\":[1]}\n", renamed),
              "- a.ndjson:1: alt[0]: must be a string\n0 merged\n");
    CHECK_STR(read_with("a.ndjson", "{\"code\":7,\"title\":\"G\",\"short\":\" \"}\n", renamed),
              "- a.ndjson:1: short: is empty\n0 merged\n");
    CHECK_STR(read_with("a.csv", "code;title;alt;short\n1;Germany;D;DE\n;a;;\n", renamed),
              "2|1|Germany|D;DE||\n- a.csv:3: code: is empty\n0 merged\n");
    CHECK_STR(read_with("a.csv", "code,title\n1,a\n1,b\n", renamed),
              "2|1|a|||\n- a.csv:3: code: 1 is there already, from line 2\n0 merged\n");
    CHECK_STR(read_with("a.ndjson", "{\"code\":7,\"title\":5}\n", renamed),
              "- a.ndjson:1: title: must be a string\n0 merged\n");
    CHECK_STR(read_with("a.ndjson", "{\"title\":\"x\"}\n", renamed),
              "- a.ndjson:1: code: is missing\n0 merged\n");
    const weft_catalog_options usual = {0};
    CHECK_STR(read_with("a.ndjson", "{\"id\":7,\"name\":\"G\",\"aliases\":5}\n", usual),
              "- a.ndjson:1: aliases: must be an array of strings\n0 merged\n");
}

/* What the matcher would refuse, and all the others with it, is one bad row. */
TEST(texts_that_no_matcher_takes_are_bad_rows)
{
    const weft_catalog_options options = {.skip_bad = true, .text_bytes_max = 8};
    CHECK_STR(
        read_with("a.csv", "id,name\n1,\xC2\xA0\n2,\xE3\x80\x80x\n\xE2\x80\x83,y\n", options),
        "- a.csv:2: name: is empty\n- a.csv:4: id: is empty\n3|2|\xE3\x80\x80x|||\n0 merged\n");
    CHECK_STR(read_with("a.csv", "id,name,aliases\n1,a,b|\xC2\xA0|c\n", options),
              "2|1|a|b;c||\n0 merged\n");
    CHECK_STR(
        read_with("a.ndjson", "{\"id\":1,\"name\":\"a\",\"aliases\":[\"\xC2\xA0\"]}\n", options),
        "- a.ndjson:1: aliases[0]: is empty\n0 merged\n");
    CHECK_STR(read_with("a.csv",
                        "id,name,aliases,text\n123456789,a,,\n1,123456789,,\n"
                        "1,a,b|123456789,\n1,a,,123456789\n1,12345678,,\n",
                        options),
              "- a.csv:2: id: has too many bytes (limit 8)\n"
              "- a.csv:3: name: has too many bytes (limit 8)\n"
              "- a.csv:4: aliases: has too many bytes (limit 8)\n"
              "- a.csv:5: text: has too many bytes (limit 8)\n6|1|12345678|||\n0 merged\n");
}

/* What the reader is told goes before what the first row looks like; other formats have none. */
TEST(catalog_splits_at_the_delimiter_it_is_told)
{
    static const struct {
        const char *name, *text, *said;
        char delimiter;
    } rows[] = {
        {"a.csv", "id;name,id,name\n1;a,2,b\n", "2|2|b|||{\"id;name\":\"1;a\"}\n0 merged\n", ','},
        {"a.csv", "id:name\n1:\"a:b\"\n", "2|1|a:b|||\n0 merged\n", ':'},
        {"a.csv", "id,name\n1,a\n",
         "- a.csv:1: no column id; the first row, split at semicolons, has \"id,name\"\n0 merged\n",
         ';'},
        {"a.csv", "id~name~x, y\n1~a~\n", "2|1|a|||\n0 merged\n", '~'},
        {"-", "id\tname\n1\t\"a\tb\"\n", "2|1|a\tb|||\n0 merged\n", '\t'},
        {"a.tsv", "id\tname\n1\ta;b\n", "2|1|a;b|||\n0 merged\n", ';'},
        {"-", "[{\"id\":1,\"name\":\"a;b\"}]", "1|#1|a;b|||\n0 merged\n", ';'},
        {"a.csv", "sep=;\nid;name\n1;a\n", "3|1|a|||\n0 merged\n", ';'},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const weft_catalog_options options = {.delimiter = rows[i].delimiter};
        CHECK_STR(read_with(rows[i].name, rows[i].text, options), rows[i].said);
    }
    static const char wrong[] = {'"', '\n', '\r', 'a', '7', '.', '-', '\x01', '\x7F', '\xC3'};
    for (size_t i = 0; i < sizeof(wrong); i++) {
        const weft_catalog_options options = {.delimiter = wrong[i]};
        CHECK_STR(read_with("a.csv", "id,name\n1,a\n", options),
                  "- a.csv: the delimiter must be a tab or a sign of ASCII, but none of \" . + -\n"
                  "0 merged\n");
    }
}

/* Which of the options may be what is missing. */
TEST(catalog_names_the_option_that_may_help)
{
    static const struct {
        const char *name, *text, *option;
    } rows[] = {
        {"a.csv", "code;title|x\n", "delimiter"},  {"a.csv", "id;name,x\n1;2,3\n", "delimiter"},
        {"a.csv", "code;name\n1;a\n", "id_field"}, {"a.csv", "id\n1\n", "name_field"},
        {"a.csv", "id,name\n1\n", NULL},           {"a.txt", "id,name\n1,a\n", "format"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stream stream = {.text = rows[i].text, .bytes = strlen(rows[i].text)};
        weft_catalog *catalog;
        weft_catalog_error error;
        CHECK_OK(weft_catalog_new(&catalog));
        CHECK_LT(weft_catalog_read(catalog, rows[i].name, NULL, &error, stream_read, &stream), 0);
        CHECK_STR(error.option != NULL ? error.option : "",
                  rows[i].option != NULL ? rows[i].option : "");
        weft_catalog_free(catalog);
    }
}

/* Where an entity came from, however many files there are. */
TEST(catalog_knows_the_file_of_each_entity)
{
    static const char *const names[] = {"a.csv", "empty.csv", "b.csv", "b.csv"};
    static const char *const files[] = {"id,name\n1,a\n2,b\n", "id,name\n", "id,name\n3,c\n",
                                        "id,name\n4,d\n\n2,e\n"};
    weft_catalog *catalog;
    weft_catalog_error error;
    char text[600];
    CHECK_OK(weft_catalog_new(&catalog));
    for (size_t i = 0; i < 4; i++) {
        struct stream stream = {.text = files[i], .bytes = strlen(files[i])};
        CHECK_EQ(weft_catalog_read(catalog, names[i], NULL, &error, stream_read, &stream),
                 i < 3 ? 0 : -WEFT_M_EVALID);
    }
    weft_catalog_error_text(&error, text, sizeof(text));
    CHECK_STR(text, "b.csv:4: id: 2 is there already, from line 3 of a.csv");
    CHECK_STR(weft_catalog_file(catalog, 0), "a.csv");
    CHECK_STR(weft_catalog_file(catalog, 1), "a.csv");
    CHECK_STR(weft_catalog_file(catalog, 2), "b.csv");
    CHECK_EQ(weft_catalog_line(catalog, 3), 2);
    CHECK_STR(weft_catalog_file(catalog, 3), "b.csv");
    CHECK_STR(weft_catalog_file(catalog, 4), "");
    weft_catalog_free(catalog);
}

TEST(rows_of_one_id_are_merged_if_asked)
{
    const weft_catalog_options merges = {.merges = true};
    CHECK_STR(read_with("a.csv",
                        "id,name,aliases\n1,Germany,D\n2,France,\n1,Deutschland,D|BRD\n"
                        "1,Germany,\n2,Gaule,F\n",
                        merges),
              "2|1|Germany|D;Deutschland;BRD||\n3|2|France|Gaule;F||\n3 merged\n");
    CHECK_STR(read_with("a.csv", "id,name\n1,Germany\n1,Deutschland\n",
                        (weft_catalog_options){.skip_bad = true}),
              "- a.csv:3: id: 1 is there already, from line 2\n2|1|Germany|||\n0 merged\n");
}

TEST(merged_aliases_have_a_limit)
{
    wf_buf text = {0};
    wf_buf_puts(&text, "id,name\n");
    for (int i = 0; i < 10003; i++)
        wf_buf_printf(&text, "1,name %d\n", i);
    wf_buf_putc(&text, '\0');
    struct stream stream = {
        .text = wf_buf_ptr(&text), .bytes = wf_buf_bytes(&text) - 1, .piece = 999};
    weft_catalog *catalog;
    weft_catalog_error error;
    const weft_catalog_options merges = {.merges = true};
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_EQ(weft_catalog_read(catalog, "a.csv", &merges, &error, stream_read, &stream),
             -WEFT_ELIMIT);
    CHECK_EQ(error.limit, 10000);
    CHECK_EQ(error.line, 10003);
    CHECK_EQ(weft_catalog_merge_count(catalog), 10000);
    weft_catalog_free(catalog);
    wf_buf_fini(&text);
}

TEST(a_key_of_its_own_that_is_nested_too_deep_is_said_of_its_row)
{
    char text[400] = "[{\"id\":\"a\",\"name\":\"A\",\"x\":";
    char *end = text + strlen(text);
    memset(end, '[', 70);
    memset(end + 70, ']', 70);
    memcpy(end + 140, "}]", 3);
    weft_json *array = NULL;
    weft_catalog *catalog = NULL;
    weft_catalog_error error = {0};
    CHECK_OK(weft_json_read(&array, text, strlen(text), NULL, NULL));
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_EQ(weft_catalog_read_json(catalog, "body", array, NULL, &error), -WEFT_M_EVALID);
    CHECK_EQ(error.line, 1);
    CHECK_STR(error.text, "a value of another key is nested too deep");
    weft_catalog_free(catalog);
    weft_json_free(array);
}
