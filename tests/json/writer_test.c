/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include <weft/error.h>
#include <weft/json.h>
#include <weft/json_writer.h>

#include <string.h>

static const char wanted[] = "{\"id\":7,\"tags\":[\"green \\\"tea\\\"\",\"a\",null,[1]],\"more\":{"
                             "\"x\":0.5,\"score\":0.93,\"yes\":true},\"none\":null}";

static void write_all(weft_json_writer *json)
{
    weft_json_begin_object(json);
    weft_json_put_key(json, "id");
    weft_json_put_integer(json, 7);
    weft_json_put_key(json, "tags");
    weft_json_begin_array(json);
    weft_json_put_text(json, "green \"tea\"");
    weft_json_put_str(json, (weft_str){"ab", 1});
    weft_json_put_text(json, NULL);
    weft_json_put_raw(json, weft_str_of("[1]"));
    weft_json_end_array(json);
    weft_json_put_key_str(json, (weft_str){"moreover", 4});
    weft_json_begin_object(json);
    weft_json_put_key(json, "x");
    weft_json_put_double(json, 0.5);
    weft_json_put_key(json, "score");
    weft_json_put_float(json, 0.93f);
    weft_json_put_key(json, "yes");
    weft_json_put_bool(json, true);
    weft_json_end_object(json);
    weft_json_put_key(json, "none");
    weft_json_put_null(json);
    weft_json_end_object(json);
}

static int write_once(size_t bytes_max)
{
    weft_json_writer *json = NULL;
    weft_str text = {0};
    int rc = weft_json_writer_new(&json, bytes_max);
    if (rc < 0)
        return rc;
    write_all(json);
    rc = weft_json_writer_get(json, &text);
    if (rc == 0)
        CHECK_BYTES(text.ptr, text.len, wanted, strlen(wanted));
    else
        CHECK_EQ(text.ptr, NULL);
    weft_json_writer_free(json);
    return rc;
}

SCENARIO(writer_gives_the_whole_text_or_says_that_memory_is_short)
{
    int rc = write_once(0);
    CHECK(rc == 0 || rc == -ENOMEM);
    return rc;
}

TEST(writer_stops_at_its_limit)
{
    CHECK_OK(write_once(strlen(wanted)));
    for (size_t max = 1; max < strlen(wanted); max++)
        CHECK_EQ(write_once(max), -WEFT_ELIMIT);
}

TEST(writer_is_good_for_the_next_text_after_a_reset)
{
    weft_json_writer *json = NULL;
    weft_str text;
    CHECK_OK(weft_json_writer_new(&json, 8));
    write_all(json);
    CHECK_EQ(weft_json_writer_get(json, &text), -WEFT_ELIMIT);
    weft_json_writer_reset(json);
    weft_json_put_integer(json, -1);
    CHECK_OK(weft_json_writer_get(json, &text));
    CHECK_BYTES(text.ptr, text.len, "-1", 2);
    weft_json_writer_free(json);
}

TEST(what_the_writer_wrote_the_reader_reads)
{
    weft_json_writer *json = NULL;
    weft_json *root = NULL;
    weft_str text;
    CHECK_OK(weft_json_writer_new(&json, 0));
    weft_json_put_str(json, (weft_str){"\0\x01\x7f\"\\/\n\xe2\x80\xa8\xff", 11});
    CHECK_OK(weft_json_writer_get(json, &text));
    CHECK_OK(weft_json_read(&root, text.ptr, text.len, NULL, NULL));
    weft_str back = weft_json_string(root);
    CHECK_BYTES(back.ptr, back.len, "\0\x01\x7f\"\\/\n\xe2\x80\xa8\xef\xbf\xbd", 13);
    weft_json_free(root);
    weft_json_writer_free(json);
}

/* `count` arrays around a null. */
static weft_json *nested(size_t count)
{
    char text[256];
    weft_json *root = NULL;
    memset(text, '[', count);
    memset(text + count, ']', count);
    CHECK_OK(weft_json_read(&root, text, 2 * count, NULL, NULL));
    return root;
}

TEST(a_value_is_written_as_deep_as_the_writer_goes_and_no_deeper)
{
    weft_json_writer *json = NULL;
    weft_json *fits = nested(62), *is_too_deep = nested(63);
    weft_str text;
    CHECK_OK(weft_json_writer_new(&json, 0));
    weft_json_begin_array(json);
    weft_json_put_value(json, fits);
    weft_json_put_value(json, NULL);
    weft_json_end_array(json);
    CHECK_OK(weft_json_writer_get(json, &text));
    CHECK_EQ(text.len, 2 * 63 + strlen(",null"));
    weft_json_writer_reset(json);
    weft_json_begin_array(json);
    weft_json_put_value(json, is_too_deep);
    weft_json_end_array(json);
    CHECK_EQ(weft_json_writer_get(json, &text), -WEFT_ELIMIT);
    weft_json_free(fits);
    weft_json_free(is_too_deep);
    weft_json_writer_free(json);
}

TEST(a_c_string_is_a_str_and_no_string_is_none)
{
    static const weft_str literal = WEFT_STR("a\0b");
    CHECK_BYTES(literal.ptr, literal.len, "a\0b", 3);
    CHECK_EQ(weft_str_of("abc").len, 3);
    CHECK_EQ(weft_str_of("").len, 0);
    CHECK_NE(weft_str_of("").ptr, NULL);
    CHECK_EQ(weft_str_of(NULL).ptr, NULL);
}
