/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include <weft/error.h>
#include <weft/json.h>
#include <weft/json_writer.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/sys.h"

#include <stdlib.h>
#include <string.h>

/* A text with its length: it may hold any byte. */
#define T(literal) literal, sizeof(literal) - 1

struct good {
    const char *text;
    size_t bytes;
    const char *written;
};

static const struct good goods[] = {
    /* one value */
    {T("null"), "null"},
    {T("true"), "true"},
    {T("false"), "false"},
    {T("0"), "0"},
    {T("-0"), "0"},
    {T("\"\""), "\"\""},
    {T("[]"), "[]"},
    {T("{}"), "{}"},
    {T(" \t\r\n[ \n] \t"), "[]"},

    /* integers, up to the ends of their range */
    {T("[1,-1,10,9223372036854775807,-9223372036854775808]"),
     "[1,-1,10,9223372036854775807,-9223372036854775808]"},

    /* numbers with a fraction */
    {T("[1.5,-0.25,1e2,1E+2,1e-2,0e1,0.0,0E-9]"), "[1.5,-0.25,100.0,100.0,0.01,0.0,0.0,0.0]"},
    {T("[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]"),
     "[-1e-78]"},
    {T("[1.7976931348623157e308,2.2250738585072014e-308]"),
     "[1.7976931348623157e+308,2.2250738585072014e-308]"},
    {T("[1e-400]"), "[0.0]"},

    /* strings */
    {T("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\\"\\\\/\\b\\f\\n\\r\\t\""},
    {T("\"a\\u0062\\u00e9\\u20AC\\uD83D\\uDE00z\""), "\"abé€😀z\""},
    {T("\"\\u0000\""), "\"\\u0000\""},
    {T("\"é€😀\""), "\"é€😀\""},
    {T("\"\\uFFFF\\uDBFF\\uDFFF\""), "\"\uFFFF\U0010FFFF\""},
    {T("\"\x7f\""), "\"\\u007f\""},
    {T("\"\\\\u0041\""), "\"\\\\u0041\""},

    /* containers keep their order */
    {T("{\"b\":1,\"a\":[2,{\"c\":null}],\"\":{}}"), "{\"b\":1,\"a\":[2,{\"c\":null}],\"\":{}}"},
#if WF_JSON_HAS_COUNTED_KEYS
    {T("{\"a\\u0000b\":1,\"a\":2}"), "{\"a\\u0000b\":1,\"a\":2}"},
#endif
    {T("{\"\\u00e9\":\"\\u00e9\"}"), "{\"é\":\"é\"}"},
    {T("[[[[]],[]],[[],{}]]"), "[[[[]],[]],[[],{}]]"},
};

TEST(json_read_takes_what_rfc8259_allows)
{
    weft_json_writer *writer = NULL;
    CHECK_OK(weft_json_writer_new(&writer, 0));
    for (size_t i = 0; i < sizeof(goods) / sizeof(*goods); i++) {
        note("text: %s", goods[i].text);
        weft_json *root = NULL;
        weft_json_error error;
        CHECK_OK(weft_json_read(&root, goods[i].text, goods[i].bytes, NULL, &error));
        weft_str text;
        weft_json_writer_reset(writer);
        weft_json_put_value(writer, root);
        CHECK_OK(weft_json_writer_get(writer, &text));
        CHECK_BYTES(text.ptr, text.len, goods[i].written, strlen(goods[i].written));
        weft_json_free(root);
    }
    weft_json_writer_free(writer);
}

struct bad {
    const char *text;
    size_t bytes;
    size_t offset;
};

static const struct bad bads[] = {
    /* nothing, or not all of it */
    {T(""), 0},
    {T("  "), 2},
    {T("["), 1},
    {T("{\"a\""), 4},
    {T("\"abc"), 4},

    /* something else */
    {T("nul"), 0},
    {T("True"), 0},
    {T("NaN"), 0},
    {T("-Infinity"), 1},
    {T("'a'"), 0},
    {T("/**/1"), 0},
    {T("\xEF\xBB\xBF{}"), 0},
    {T("[\xE2\x81\xA0]"), 1},
    {T("[\f]"), 1},
    {T("[1]\0"), 3},

    /* more than one value */
    {T("1 2"), 2},
    {T("[]]"), 2},
    {T("{}}"), 2},
    {T("nullx"), 4},

    /* arrays and objects */
    {T("[1,]"), 3},
    {T("[,1]"), 1},
    {T("[1,,2]"), 3},
    {T("[1 2]"), 3},
    {T("[1}"), 2},
    {T("[1:2]"), 2},
    {T("{]"), 1},
    {T("{,}"), 1},
    {T("{\"a\":1,}"), 7},
    {T("{\"a\" 1}"), 5},
    {T("{\"a\":}"), 5},
    {T("{\"a\":1 \"b\":2}"), 7},
    {T("{\"a\",1}"), 4},
    {T("{1:1}"), 1},
    {T("{a:1}"), 1},
    {T("{\"a\":1]"), 6},

    /* the same key twice, however it is written */
    {T("{\"a\":1,\"a\":1}"), 7},
    {T("{\"a\":1,\"\\u0061\":1}"), 7},
    {T("{\"x\":{\"a\":1,\"b\":2,\"a\":3}}"), 18},

    /* numbers */
    {T("01"), 0},
    {T("-01"), 1},
    {T("+1"), 0},
    {T("-"), 1},
    {T("-a"), 1},
    {T(".5"), 0},
    {T("1."), 2},
    {T("1.e1"), 2},
    {T("1e"), 2},
    {T("1e+"), 3},
    {T("0x10"), 1},
    {T("1_000"), 1},
    {T("[1.2.3]"), 4},
    {T("9223372036854775808"), 0},
    {T("-9223372036854775809"), 0},
    {T("[1e309]"), 1},
    {T("\xEF\xBC\x91"), 0},

    /* strings */
    {T("\"\t\""), 1},
    {T("\"a\nb\""), 2},
    {T("\"a\0b\""), 2},
    {T("\"\\x41\""), 1},
    {T("\"\\\""), 3},
    {T("\"\\u12\""), 5},
    {T("\"\\u12G4\""), 5},
    {T("\"\\U0041\""), 1},
    {T("\"\\"), 1},
    {T("[\"\\u"), 4},

    /* half a pair */
    {T("\"\\uD800\""), 1},
    {T("\"\\uDC00\""), 1},
    {T("\"\\uD800\\n\""), 1},
    {T("\"\\uD800\\uD800\""), 1},
    {T("\"\\uD800\\u0041\""), 1},
    {T("\"xy\\uDE00\\uD83D\""), 3},

    /* not UTF-8: overlong, surrogate, above the last, cut, stray */
    {T("\"\xC0\xAF\""), 1},
    {T("\"a\xE0\x80\xAF\""), 2},
    {T("\"\xED\xA0\x80\""), 1},
    {T("\"\xF4\x90\x80\x80\""), 1},
    {T("\"\xE2\x82\""), 1},
    {T("\"\x80\""), 1},
    {T("\"\xFF\""), 1},
    {T("{\"\xFF\":1}"), 2},
};

TEST(json_read_refuses_the_rest_and_says_where)
{
    for (size_t i = 0; i < sizeof(bads) / sizeof(*bads); i++) {
        note("row %zu: %s", i, bads[i].text);
        weft_json *root = NULL;
        weft_json_error error = {0};
        CHECK_EQ(weft_json_read(&root, bads[i].text, bads[i].bytes, NULL, &error), -WEFT_ESYNTAX);
        CHECK(root == NULL);
        CHECK_EQ(error.rc, -WEFT_ESYNTAX);
        CHECK_EQ(error.offset, bads[i].offset);
        CHECK(error.text[0] != '\0');
        CHECK_EQ(error.limit, 0u);
    }
}

TEST(json_read_refuses_every_beginning_of_a_text)
{
    static const char text[] =
        "{\"id\":\"D\\u00c9\\uD83D\\uDE00\",\"n\":[-1.5e+10,true,false,null,0],"
        "\"o\":{\"é\":[]}}";
    for (size_t cut = 0; cut < sizeof(text) - 1; cut++) {
        note("cut at %zu", cut);
        weft_json *root = NULL;
        char *exact = wf_dup(text, cut); /* a byte too far is seen by the sanitizer */
        CHECK_EQ(weft_json_read(&root, exact, cut, NULL, NULL), -WEFT_ESYNTAX);
        wf_free(exact);
    }
    weft_json *root = NULL;
    CHECK_OK(weft_json_read(&root, text, sizeof(text) - 1, NULL, NULL));
    weft_json_free(root);
}

TEST(json_read_tells_line_and_column)
{
    static const char text[] = "{\n  \"a\": 1,\n  \"b\": x\n}";
    weft_json *root = NULL;
    weft_json_error error;
    CHECK_EQ(weft_json_read(&root, text, sizeof(text) - 1, NULL, &error), -WEFT_ESYNTAX);
    CHECK_EQ(error.line, 3u);
    CHECK_EQ(error.column, 8u);
    CHECK_STR(error.text, "a value must stand here");
}

/* ---- limits ---- */

static int read_text(const char *text, size_t bytes, const weft_json_limits *limits, size_t *limit)
{
    weft_json *root = NULL;
    weft_json_error error = {0};
    int rc = weft_json_read(&root, text, bytes, limits, &error);
    *limit = error.limit;
    weft_json_free(root);
    return rc;
}

static char *nest(size_t depth, const char *open, char close, size_t *bytes)
{
    size_t width = strlen(open);
    char *text = wf_alloc(depth * (width + 1) + 1);
    for (size_t i = 0; i < depth; i++)
        memcpy(text + i * width, open, width);
    text[depth * width] = '1';
    memset(text + depth * width + 1, close, depth);
    *bytes = depth * (width + 1) + 1;
    return text;
}

static int read_nested(size_t depth, uint32_t depth_max, size_t *limit)
{
    size_t bytes;
    char *text = nest(depth, "[", ']', &bytes);
    int rc = read_text(text, bytes, &(weft_json_limits){.depth_max = depth_max}, limit);
    wf_free(text);
    return rc;
}

TEST(class_28_json_read_limits_the_depth)
{
    size_t limit;
    CHECK_OK(read_nested(128, 0, &limit));
    CHECK_EQ(read_nested(129, 0, &limit), -WEFT_ELIMIT);
    CHECK_EQ(limit, 128u);
    CHECK_OK(read_nested(512, 512, &limit));
    CHECK_EQ(read_nested(513, 512, &limit), -WEFT_ELIMIT);
    CHECK_EQ(read_nested(513, 100000, &limit), -WEFT_ELIMIT); /* no way above the ceiling */
    CHECK_EQ(limit, (size_t)WEFT_JSON_DEPTH_CEILING);
    CHECK_EQ(read_nested(3, 2, &limit), -WEFT_ELIMIT);
}

static void read_deep_object(void *arg)
{
    size_t bytes;
    char *text = nest(512, "{\"a\":", '}', &bytes);
    weft_json *root = NULL;
    *(int *)arg = weft_json_read(&root, text, bytes, &(weft_json_limits){.depth_max = 512}, NULL);
    weft_json_free(root);
    wf_free(text);
}

/* The stack of a task is 64 KiB. */
TEST(json_read_and_free_of_the_deepest_text_fit_a_task_stack)
{
    int rc = -1;
    weft_thread thread;
    CHECK_OK(wf_sys_thread_start(&thread, read_deep_object, &rc, 64 * 1024));
    wf_sys_thread_join(thread);
    CHECK_OK(rc);
}

TEST(class_28_json_read_limits_the_digits_of_a_number)
{
    char text[400];
    size_t limit;
    memset(text, '1', sizeof(text));
    text[1] = '.';
    CHECK_OK(read_text(text, 65, NULL, &limit)); /* 64 digits */
    CHECK_EQ(read_text(text, 66, NULL, &limit), -WEFT_ELIMIT);
    CHECK_EQ(limit, 64u);
    CHECK_OK(read_text(text, 5, &(weft_json_limits){.digit_count_max = 4}, &limit));
    CHECK_EQ(read_text(text, 6, &(weft_json_limits){.digit_count_max = 4}, &limit), -WEFT_ELIMIT);

    /* Zeros in front are no digits of the value; still there is an end to them. */
    memset(text, '0', sizeof(text));
    text[1] = '.';
    CHECK_OK(read_text(text, 256, NULL, &limit));
    CHECK_EQ(read_text(text, 257, NULL, &limit), -WEFT_ELIMIT);
}

TEST(class_28_json_read_takes_a_hundred_thousand_keys_of_an_object)
{
    for (int count = 100000; count <= 100001; count++) {
        wf_buf text = {0};
        size_t limit;
        for (int i = 0; i < count; i++)
            wf_buf_printf(&text, "%c\"%d\":%d", i == 0 ? '{' : ',', i, i);
        wf_buf_putc(&text, '}');
        int rc = read_text(wf_buf_ptr(&text), wf_buf_bytes(&text), NULL, &limit);
        CHECK_EQ(rc, count == 100000 ? 0 : -WEFT_ELIMIT);
        CHECK_EQ(limit, count == 100000 ? 0u : 100000u);
        wf_buf_fini(&text);
    }
}

TEST(class_28_json_read_limits_bytes_values_and_keys)
{
    size_t limit;
    CHECK_OK(read_text("[1,2]", 5, &(weft_json_limits){.bytes_max = 5}, &limit));
    CHECK_EQ(read_text("[1,2] ", 6, &(weft_json_limits){.bytes_max = 5}, &limit), -WEFT_ELIMIT);
    CHECK_EQ(limit, 5u);
    CHECK_OK(read_text("[1,2]", 5, &(weft_json_limits){.value_count_max = 3}, &limit));
    CHECK_EQ(read_text("[1,[]]", 6, &(weft_json_limits){.value_count_max = 2}, &limit),
             -WEFT_ELIMIT);
    CHECK_EQ(limit, 2u);
    CHECK_OK(read_text("{\"a\":{\"b\":1}}", 13, &(weft_json_limits){.key_count_max = 1}, &limit));
    CHECK_EQ(read_text("{\"a\":1,\"b\":1}", 13, &(weft_json_limits){.key_count_max = 1}, &limit),
             -WEFT_ELIMIT);
    CHECK_EQ(limit, 1u);
}

/* ---- values ---- */

TEST(json_double_is_the_one_nearest_to_the_text)
{
    uint64_t state = test_seed() | 1;
    for (int i = 0; i < 20000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        double number;
        memcpy(&number, &state, sizeof(number));
        if (number != number || number - number != 0)
            continue; /* not finite */
        char text[64];
        int bytes = snprintf(text, sizeof(text), "%.17e", number);
        weft_json *root = NULL;
        note("%s", text);
        CHECK_OK(weft_json_read(&root, text, (size_t)bytes, NULL, NULL));
        double back = weft_json_double(root);
        CHECK(memcmp(&back, &number, sizeof(number)) == 0);
        weft_json_free(root);
    }
}

TEST(json_accessors_allow_every_kind_and_nothing)
{
    static const char text[] = "[null,true,7,2.5,\"s\",[1],{\"k\":1}]";
    weft_json *root = NULL;
    CHECK_OK(weft_json_read(&root, text, sizeof(text) - 1, NULL, NULL));
    CHECK_EQ(weft_json_count(root), 7u);
    for (size_t i = 0; i <= 7; i++) { /* the last is none */
        const weft_json *item = weft_json_item(root, i);
        note("item %zu", i);
        CHECK_EQ(weft_json_kind(item), i == 7 ? 0 : i + 1);
        CHECK_EQ(weft_json_bool(item), i == 1);
        CHECK_EQ(weft_json_integer(item), i == 2 ? 7 : 0);
        CHECK_EQ(weft_json_double(item), i == 2 ? 7.0 : i == 3 ? 2.5 : 0.0);
        CHECK_EQ(weft_json_string(item).len, i == 4 ? 1 : 0);
        CHECK_EQ(weft_json_string(item).ptr != NULL, i == 4);
        CHECK_EQ(weft_json_count(item), i == 5 || i == 6 ? 1 : 0);
        CHECK_EQ(weft_json_item(item, 0) != NULL, i == 5);
        CHECK_EQ(weft_json_get(item, "k") != NULL, i == 6);
        CHECK(weft_json_get(item, "") == NULL);
        weft_json_member member = {0};
        CHECK_EQ(weft_json_next(item, &member), i == 6);
    }
    weft_json_free(root);
    weft_json_free(NULL);
}

TEST(json_object_finds_each_of_many_keys)
{
    enum { COUNT = 5000 };
    wf_buf text = {0};
    wf_buf_putc(&text, '{');
    for (int i = 0; i < COUNT; i++)
        wf_buf_printf(&text, "%s\"key%d\":%d", i == 0 ? "" : ",", i, i);
    wf_buf_putc(&text, '}');
    weft_json *root = NULL;
    CHECK_OK(weft_json_read(&root, wf_buf_ptr(&text), wf_buf_bytes(&text), NULL, NULL));
    CHECK_EQ(weft_json_count(root), (size_t)COUNT);
    weft_json_member member = {0};
    for (int i = 0; i < COUNT; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%d", i);
        CHECK_EQ(weft_json_integer(weft_json_get(root, key)), i);
        CHECK(weft_json_next(root, &member));
        CHECK_EQ(weft_json_integer(member.value), i);
    }
    CHECK(!weft_json_next(root, &member));
    weft_json_free(root);
    wf_buf_fini(&text);
}

/* ---- what the outside does ---- */

TEST(json_read_survives_every_allocation_that_fails)
{
    static const char text[] =
        "{\"a\\n\":[1,2.5,\"x\\ty\",{\"b\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]],"
        "\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0}]}";
    size_t failures = 0;
    for (uint64_t nth = 1;; nth++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = nth};
        weft_json *root = NULL;
        weft_json_error error;
        weft_fault_arm(&plan);
        int rc = weft_json_read(&root, text, sizeof(text) - 1, NULL, &error);
        weft_fault_arm(NULL);
        note("allocation %llu", (unsigned long long)nth);
        if (plan.point == NULL) {
            CHECK_OK(rc);
            weft_json_free(root);
            break;
        }
        CHECK_EQ(rc, -ENOMEM);
        CHECK_EQ(error.rc, -ENOMEM);
        CHECK_EQ(live_blocks(), 0u);
        failures++;
    }
    CHECK_GT(failures, 40u);
}

TEST(json_read_needs_chance_once)
{
    weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = 1};
    size_t limit;
    weft_fault_arm(&plan);
    CHECK_EQ(read_text("1", 1, NULL, &limit), -EIO);
    CHECK_OK(read_text("1", 1, NULL, &limit));
    CHECK_OK(read_text("1", 1, NULL, &limit));
    weft_fault_arm(NULL);
    CHECK_EQ(plan.hits, 2u);
}

TEST(what_is_wrong_is_the_text_of_the_error)
{
    weft_json *root = NULL;
    CHECK_EQ(weft_json_read(&root, "{\n\"a\" 1}", 8, NULL, NULL), -WEFT_ESYNTAX);
    CHECK_STR(weft_error_text(), "line 2 column 5: a colon must stand behind the key");
}
