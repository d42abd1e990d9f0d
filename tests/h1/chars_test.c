/* SPDX-License-Identifier: MIT */

#include "h1/chars.h"
#include "harness/harness.h"

#define LEN_MAX 20

/* Byte by byte, as eight at once must have it. */
static bool equals_lower(const char *text, const char *lower, size_t len)
{
    for (size_t at = 0; at < len; at++) {
        if (wf_http_lower(text[at]) != lower[at])
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
