/* SPDX-License-Identifier: MIT */

#include "h1/target.h"
#include "harness/harness.h"

#define ROW(literal)                                                                               \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define STR(literal) ((weft_str)ROW(literal))

TEST(targets_are_cut_into_path_and_query)
{
    static const struct {
        const char *target, *path, *query;
    } rows[] = {
        {"/", "/", NULL},
        {"/a/b", "/a/b", NULL},
        {"/a?b=c", "/a", "b=c"},
        {"/a?", "/a", ""},
        {"/a?b?c", "/a", "b?c"},
        {"/a://b", "/a://b", NULL},
        {"*", "*", NULL},
        {"http://h", "/", NULL},
        {"http://h/", "/", NULL},
        {"http://h/a?b", "/a", "b"},
        {"https://h?b/c", "/", "b/c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu: %s", i, rows[i].target);
        weft_str text = {rows[i].target, strlen(rows[i].target)};
        struct wf_http_target target = wf_http_target_split(text);
        CHECK_BYTES(target.raw_path.ptr, target.raw_path.len, rows[i].path, strlen(rows[i].path));
        CHECK_EQ(target.query.ptr == NULL, rows[i].query == NULL);
        if (rows[i].query != NULL)
            CHECK_BYTES(target.query.ptr, target.query.len, rows[i].query, strlen(rows[i].query));
    }
}

TEST(class_23_paths_that_could_mean_two_things_are_refused)
{
    static const struct {
        weft_str path;
        const char *plain; /* NULL: refused */
        size_t offset;
    } rows[] = {
        {ROW("/"), "/", 0},
        {ROW("/a%20b"), "/a b", 0},
        {ROW("/%41%c3%a4"), "/A\xc3\xa4", 0},
        {ROW("/a+b"), "/a+b", 0},
        {ROW("/%252e%252e"), "/%2e%2e", 0},
        {ROW("/..a/a../..."), "/..a/a../...", 0},
        {ROW("/./a"), "/./a", 0},
        {ROW("/a\0b"), NULL, 2},
        {ROW("/a%00"), NULL, 2},
        {ROW("/a%2fb"), NULL, 2},
        {ROW("/a%2Fb"), NULL, 2},
        {ROW("/a%5cb"), NULL, 2},
        {ROW("/a%5Cb"), NULL, 2},
        {ROW("/a\\b"), NULL, 2},
        {ROW("/.."), NULL, 3},
        {ROW("/../a"), NULL, 3},
        {ROW("/a/../b"), NULL, 5},
        {ROW("/a/%2e%2E/b"), NULL, 9},
        {ROW("/.%2e"), NULL, 5},
        {ROW("/%"), NULL, 1},
        {ROW("/%4"), NULL, 1},
        {ROW("/%zz"), NULL, 1},
        {ROW("/%4g"), NULL, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu: %s", i, rows[i].path.ptr);
        char out[64];
        size_t out_len = 0;
        struct wf_http_fault fault = {0};
        int rc = wf_http_path_decode(rows[i].path, out, &out_len, &fault);
        if (rows[i].plain == NULL) {
            CHECK_EQ(rc, -WEFT_ESYNTAX);
            CHECK_EQ(fault.status, 400);
            CHECK_EQ(fault.offset, rows[i].offset);
        } else {
            CHECK_EQ(rc, 0);
            CHECK_BYTES(out, out_len, rows[i].plain, strlen(rows[i].plain));
        }
    }
}

TEST(a_path_may_be_decoded_in_place)
{
    char text[] = "/%41/%42";
    size_t len;
    struct wf_http_fault fault;
    CHECK_OK(wf_http_path_decode((weft_str){text, strlen(text)}, text, &len, &fault));
    CHECK_BYTES(text, len, "/A/B", 4);
}

TEST(queries_fall_into_names_and_values)
{
    weft_str query = STR("&a=1&&b&c=x=y&=z&"), name, value;
    static const struct {
        const char *name, *value;
    } rows[] = {{"a", "1"}, {"b", ""}, {"c", "x=y"}, {"", "z"}};
    CHECK_EQ(wf_http_query_count(query), 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK(wf_http_query_next(&query, &name, &value));
        CHECK_BYTES(name.ptr, name.len, rows[i].name, strlen(rows[i].name));
        CHECK_BYTES(value.ptr, value.len, rows[i].value, strlen(rows[i].value));
    }
    CHECK(!wf_http_query_next(&query, &name, &value));
    CHECK_EQ(wf_http_query_count((weft_str){NULL, 0}), 0);
}

TEST(query_text_is_decoded_with_plus_as_space)
{
    char out[32];
    size_t len;
    CHECK_OK(wf_http_query_decode(STR("a+b%2B%00%C3%A9"), out, &len));
    CHECK_BYTES(out, len, "a b+\0\xc3\xa9", 7);
    CHECK_EQ(wf_http_query_decode(STR("%"), out, &len), -WEFT_ESYNTAX);
    CHECK_EQ(wf_http_query_decode(STR("a%4"), out, &len), -WEFT_ESYNTAX);
    CHECK_EQ(wf_http_query_decode(STR("%xy"), out, &len), -WEFT_ESYNTAX);
}
