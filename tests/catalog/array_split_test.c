/* SPDX-License-Identifier: MIT */

#include "split.h"

#include "catalog/array_split.h"

static int feed(void *array, const char *bytes, size_t count, size_t *used, wf_piece_error *error)
{
    return wf_array_feed(array, bytes, count, used, error);
}

static int end(void *array, wf_piece_error *error)
{
    return wf_array_end(array, error);
}

static void row(void *splitter, wf_buf *log)
{
    const wf_array_split *array = splitter;
    weft_str text = wf_array_text(array);
    wf_buf_printf(log, "%zu|", array->row_place.line);
    wf_buf_append(log, text.ptr, text.len);
    wf_buf_putc(log, '\n');
}

static const struct split_kind kind = {feed, end, row};

static const struct {
    const char *text;
    const char *said;
} array_rows[] = {
    {"[]", ""},
    {" [ \n ] \n", ""},
    {"[{}]", "1|{}\n"},
    {"[{\"a\":1},\n {\"b\":[2]}]\n", "1|{\"a\":1}\n2|{\"b\":[2]}\n"},
    {"[[1,[2]],[]]", "1|[1,[2]]\n1|[]\n"},
    {"[{\"a\":\"}]\\\"{\"},{}]", "1|{\"a\":\"}]\\\"{\"}\n1|{}\n"},
    {"[{\"a\":\"\\\\\"},{}]", "1|{\"a\":\"\\\\\"}\n1|{}\n"},
    {"[\"a,]\\\"\",\"\"]", "1|\"a,]\\\"\"\n1|\"\"\n"},
    {"[1,-2.5e3 ,null\n]", "1|1\n1|-2.5e3\n1|null\n"},
    {"[{\n\"a\":1\n},\n2]", "1|{\n\"a\":1\n}\n4|2\n"},

    /* left to the reader of the item */
    {"[nul,{]},{}]", "1|nul\n1|{]\n!1:8 a comma or ] must stand here .\n"},

    /* the array itself is broken */
    {"", "!1:1 the file ends before the array does .\n"},
    {"{}", "!1:1 the file must be one array: [ must stand here .\n"},
    {"[", "!1:2 the file ends before the array does .\n"},
    {"[1", "!1:2 the file ends inside the item that begins here .\n"},
    {"[1,", "1|1\n!1:4 the file ends before the array does .\n"},
    {"[1,\n{\"a\":\"]", "1|1\n!2:1 the file ends inside the item that begins here .\n"},
    {"[,1]", "!1:2 an item must stand here .\n"},
    {"[1,]", "1|1\n!1:4 an item must stand here .\n"},
    {"[{} {}]", "1|{}\n!1:5 a comma or ] must stand here .\n"},
    {"[] x", "!1:4 more text behind the array .\n"},
    {"[]]", "!1:3 more text behind the array .\n"},

    /* an item of more than 20 bytes is left out; the next one is read */
    {"[\"12345678901234567890\",{\"a\":12345678901234567890},1234567890123456789012,7]",
     "!1:0 the item has too many bytes\n!1:0 the item has too many bytes\n"
     "!1:0 the item has too many bytes\n1|7\n"},
};

TEST(array_items_are_the_same_however_they_are_cut)
{
    for (size_t i = 0; i < sizeof(array_rows) / sizeof(*array_rows); i++) {
        size_t bytes = strlen(array_rows[i].text);
        for (size_t k = 0; k <= bytes + 1; k++) {
            size_t cut = k <= bytes ? k : SIZE_MAX;
            wf_array_split array;
            note("row %zu: %s cut at %zu", i, array_rows[i].text, cut);
            wf_array_init(&array, 20);
            CHECK_STR(split_run(&kind, &array, array_rows[i].text, bytes, cut), array_rows[i].said);
            wf_array_fini(&array);
        }
    }
}
