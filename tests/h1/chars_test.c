/* SPDX-License-Identifier: MIT */

#include "h1/chars.h"
#include "h1/run.h"
#include "harness/harness.h"

#define LEN_MAX 20

/* Byte by byte, as eight at once must have it. */
static bool equals_lower(const char *text, const char *lower, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        if (wf_str_lower(text[at]) != lower[at])
            return false;
    }
    return true;
}

/* Every byte at every place of names of every length. */
TEST(names_are_compared_without_the_case_of_ascii_letters)
{
    static const char lower[] = "transfer-encoding-zz";
    char text[LEN_MAX];
    for (size_t len = 0; len <= LEN_MAX; len++) {
        memcpy(text, lower, len);
        CHECK(wf_http_equal(text, len, lower, len));
        CHECK(!wf_http_equal(text, len, lower, len + 1));
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                CHECK_EQ(wf_http_equal(text, len, lower, len), equals_lower(text, lower, len));
            }
            text[at] = lower[at];
        }
    }
    CHECK(WF_HTTP_EQUAL("HOST", 4, "host"));
    CHECK(WF_HTTP_EQUAL("Content-Length", 14, "content-length"));
    CHECK(!WF_HTTP_EQUAL("Content\rLength", 14, "content-length")); /* '-' without a bit */
    CHECK(!WF_HTTP_EQUAL("Content-Lengt\xe8", 14, "content-length"));
}

/* Whatever stands in a token. */
TEST(tokens_are_compared_without_the_case_of_ascii_letters)
{
    static const char lower[] = "transfer-encoding-zz";
    char text[LEN_MAX];
    for (size_t len = 4; len <= LEN_MAX; len++) {
        memcpy(text, lower, len);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                if (wf_http_is((char)c, WF_TOKEN))
                    CHECK_EQ(wf_http_token_is(text, lower, len), equals_lower(text, lower, len));
            }
            text[at] = lower[at];
        }
    }
}

typedef size_t run_end(const char *text, size_t at, size_t stop);

static size_t name_end(const char *text, size_t at, size_t stop)
{
    return wf_http_name_end(text, at, stop);
}

static size_t path_end(const char *text, size_t at, size_t stop)
{
    return wf_http_path_end(text, at, stop);
}

static size_t target_end(const char *text, size_t at, size_t stop)
{
    return wf_http_target_end(text, at, stop);
}

static size_t value_end(const char *text, size_t at, size_t stop)
{
    return wf_http_value_end(text, at, stop);
}

/* Runs of every length end at every byte that is none of theirs, at any place, and at the last one
 * that is theirs to look at. */
static void check_run(run_end *end, unsigned classes, char also)
{
    char text[48];
    for (size_t stop = 0; stop < sizeof text; stop++) {
        memset(text, 'a', sizeof text);
        memset(text + stop, '\n', sizeof text - stop);
        CHECK_EQ(end(text, stop / 3, stop), stop);
        memset(text + stop, 'a', sizeof text - stop);
        CHECK_EQ(end(text, stop / 3, stop), stop);
        for (size_t at = stop / 3; at < stop; at += 1 + at / 9) {
            for (int c = 0; c < 256; c++) {
                text[at] = (char)c;
                bool is_inside = wf_http_is((char)c, classes) || (c != 0 && (char)c == also);
                CHECK_EQ(end(text, stop / 3, stop), is_inside ? stop : at);
            }
            text[at] = 'a';
        }
    }
}

TEST(runs_end_where_the_table_says)
{
    check_run(name_end, WF_HOST, 0);
    check_run(path_end, WF_HOST, '/');
    check_run(target_end, WF_TARGET, 0);
    check_run(value_end, WF_VALUE, 0);
}

TEST(texts_are_the_same_byte_for_byte)
{
    char a[LEN_MAX], b[LEN_MAX];
    for (size_t len = 0; len <= LEN_MAX; len++) {
        for (size_t at = 0; at < len; at++)
            a[at] = b[at] = (char)(at * 37 + len);
        CHECK(wf_http_identical(a, b, len));
        for (size_t at = 0; at < len; at++) {
            for (int bit = 0; bit < 8; bit++) {
                b[at] = (char)(a[at] ^ 1 << bit);
                CHECK(!wf_http_identical(a, b, len));
            }
            b[at] = a[at];
        }
    }
}
