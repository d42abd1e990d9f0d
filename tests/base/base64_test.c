/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include "base/base64.h"

static const struct {
    const char *bytes, *text;
} pairs[] = {
    /* RFC 4648, section 10 */
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

TEST(base64_is_written_and_read_as_the_rfc_has_it)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        size_t count = strlen(pairs[i].bytes);
        char text[16] = "", bytes[16] = "";
        note("%s", pairs[i].text);
        CHECK_EQ(WF_BASE64_BYTES(count), strlen(pairs[i].text));
        wf_base64_write(pairs[i].bytes, count, text);
        CHECK_STR(text, pairs[i].text);
        CHECK_EQ(wf_base64_read(weft_str_of(text), bytes), count);
        CHECK_STR(bytes, pairs[i].bytes);
    }
}

TEST(every_byte_at_every_place_comes_back)
{
    for (unsigned value = 0; value < 256; value++) {
        for (size_t at = 0; at < 5; at++) {
            uint8_t bytes[5] = {1, 2, 3, 4, 5}, again[6];
            char text[WF_BASE64_BYTES(5)];
            bytes[at] = (uint8_t)value;
            wf_base64_write(bytes, 5, text);
            CHECK_EQ(wf_base64_read((weft_str){text, sizeof(text)}, again), 5u);
            CHECK(memcmp(bytes, again, 5) == 0);
        }
    }
}

TEST(what_is_no_base64_is_refused)
{
    static const char *const wrong[] = {
        "Zg", "Zg=", "Zg==Z", "Z===", "=Zg=", "Zm9\n", "Zm 9", "Zm9-", "Zm9_"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char bytes[16];
        note("%s", wrong[i]);
        CHECK_EQ(wf_base64_read(weft_str_of(wrong[i]), bytes), SIZE_MAX);
    }
}
