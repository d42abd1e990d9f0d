/* SPDX-License-Identifier: MIT */

#include "base/json_write.h"

#include "harness/harness.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

static wf_buf buf;
static wf_json json;

static void begin(void)
{
    wf_buf_fini(&buf);
    json = (wf_json){.out = &buf};
}

#define CHECK_JSON(wanted_)                                                                        \
    do {                                                                                           \
        CHECK_OK(wf_buf_putc(&buf, '\0'));                                                         \
        CHECK_STR(wf_buf_ptr(&buf), (wanted_));                                                    \
        wf_buf_fini(&buf);                                                                         \
    } while (0)

TEST(json_commas_and_colons_come_by_themselves)
{
    begin();
    wf_json_object(&json);
    wf_json_key(&json, "empty");
    wf_json_array(&json);
    wf_json_array_end(&json);
    wf_json_key(&json, "list");
    wf_json_array(&json);
    wf_json_object(&json);
    wf_json_object_end(&json);
    wf_json_null(&json);
    wf_json_bool(&json, true);
    wf_json_bool(&json, false);
    wf_json_raw(&json, (weft_str){"[1]", 3});
    wf_json_array_end(&json);
    wf_json_key_str(&json, (weft_str){"k\"", 2});
    wf_json_text(&json, NULL);
    wf_json_object_end(&json);
    CHECK_JSON("{\"empty\":[],\"list\":[{},null,true,false,[1]],\"k\\\"\":null}");
}

TEST(json_strings_are_escaped_where_they_must)
{
    static const struct {
        const char *text;
        size_t len;
        const char *wanted;
    } table[] = {
        {"", 0, "\"\""},
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
        {"\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\""},
        {"\0\x01\x1F\x7F", 4, "\"\\u0000\\u0001\\u001f\\u007f\""},
        {"\xC3\xA9\xF0\x9F\x92\xA1", 6, "\"\xC3\xA9\xF0\x9F\x92\xA1\""},
        {"\xE2\x80\xA8\xE2\x80\xA9", 6, "\"\\u2028\\u2029\""},
        {"a\xFFz", 3, "\"a\xEF\xBF\xBDz\""},
        {"\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xC3", 1, "\"\xEF\xBF\xBD\""},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        note("row %zu", i);
        begin();
        wf_json_str(&json, (weft_str){table[i].text, table[i].len});
        CHECK_JSON(table[i].wanted);
    }
}

TEST(json_integers_are_exact)
{
    begin();
    wf_json_array(&json);
    wf_json_int(&json, 0);
    wf_json_int(&json, -1);
    wf_json_int(&json, INT64_MIN);
    wf_json_int(&json, INT64_MAX);
    wf_json_uint(&json, UINT64_MAX);
    wf_json_array_end(&json);
    CHECK_JSON("[0,-1,-9223372036854775808,9223372036854775807,18446744073709551615]");
}

TEST(json_fractions_are_short_and_keep_their_point)
{
    begin();
    wf_json_array(&json);
    wf_json_float(&json, 0.7f);
    wf_json_float(&json, 1.0f);
    wf_json_float(&json, 0.1f);
    wf_json_float(&json, 1e-10f);
    wf_json_float(&json, 16777216.0f);
    wf_json_float(&json, NAN);
    wf_json_double(&json, 0.1);
    wf_json_double(&json, -2.0);
    wf_json_double(&json, 1e300);
    wf_json_double(&json, 1.0 / 3);
    wf_json_double(&json, INFINITY);
    wf_json_array_end(&json);
    CHECK_JSON("[0.7,1.0,0.1,1e-10,16777216.0,null,0.1,-2.0,1e+300,0.3333333333333333,null]");
}

TEST(json_fractions_of_few_bits_have_few_digits)
{
    begin();
    wf_json_array(&json);
    wf_json_double(&json, 0x1p-1074);
    wf_json_double(&json, 0.0);
    wf_json_double(&json, -0.0);
    wf_json_float(&json, 0x1p-149f);
    wf_json_array_end(&json);
    CHECK_JSON("[5e-324,0.0,-0.0,1e-45]");
}

static uint64_t dice = 88172645463325252u;

static uint64_t roll(void)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice;
}

TEST(json_fractions_read_back_to_the_same_value)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = roll();
        double wide;
        float narrow;
        memcpy(&wide, &bits, sizeof(wide));
        memcpy(&narrow, &bits, sizeof(narrow));
        if (!isfinite(wide) || !isfinite(narrow))
            continue;
        begin();
        wf_json_double(&json, wide);
        CHECK_OK(wf_buf_putc(&buf, '\0'));
        CHECK(strtod(wf_buf_ptr(&buf), NULL) == wide);
        begin();
        wf_json_float(&json, narrow);
        CHECK_OK(wf_buf_putc(&buf, '\0'));
        CHECK(strtof(wf_buf_ptr(&buf), NULL) == narrow);
        CHECK_LE(wf_buf_bytes(&buf), 17);
    }
    wf_buf_fini(&buf);
}

TEST(json_says_once_at_the_end_that_memory_was_short)
{
    wf_buf small = {.bytes_max = 8};
    wf_json writer = {.out = &small};
    wf_json_array(&writer);
    for (int i = 0; i < 100; i++)
        wf_json_text(&writer, "more");
    wf_json_array_end(&writer);
    CHECK_EQ(small.rc, -WEFT_ELIMIT);
    wf_buf_fini(&small);
}
