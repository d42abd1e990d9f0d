/* SPDX-License-Identifier: MIT */

#include "base/utf8.h"

#include "harness/harness.h"

TEST(utf8_check_gives_the_first_bad_byte)
{
    static const struct {
        const char *text;
        size_t count, valid;
    } table[] = {
        {"", 0, 0},
        {"plain", 5, 5},
        {"\0x", 2, 2},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x92\xA1", 9, 9},
        {"12345678\xFF", 9, 8},
        {"1234567\xC3\xA9", 9, 9},
        {"a\x80", 2, 1},                /* a tail alone */
        {"a\xC3", 2, 1},                /* cut off */
        {"\xE2\x82", 2, 0},             /* cut off */
        {"\xF0\x9F\x92", 3, 0},         /* cut off */
        {"\xC3x", 2, 0},                /* no tail */
        {"\xE2\x82x", 3, 0},            /* no second tail */
        {"\xC0\x80", 2, 0},             /* overlong */
        {"\xC1\xBF", 2, 0},             /* overlong */
        {"\xE0\x9F\xBF", 3, 0},         /* overlong */
        {"\xE0\xA0\x80", 3, 3},         /* U+0800 */
        {"\xF0\x8F\xBF\xBF", 4, 0},     /* overlong */
        {"\xF0\x90\x80\x80", 4, 4},     /* U+10000 */
        {"\xED\x9F\xBF", 3, 3},         /* U+D7FF */
        {"\xED\xA0\x80", 3, 0},         /* first surrogate */
        {"\xED\xBF\xBF", 3, 0},         /* last surrogate */
        {"\xEE\x80\x80", 3, 3},         /* U+E000 */
        {"\xF4\x8F\xBF\xBF", 4, 4},     /* U+10FFFF */
        {"\xF4\x90\x80\x80", 4, 0},     /* U+110000 */
        {"\xF5\x80\x80\x80", 4, 0},     /* above */
        {"\xF8\x88\x80\x80\x80", 5, 0}, /* five bytes */
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        note("row %zu", i);
        CHECK_EQ(wf_utf8_check(table[i].text, table[i].count), table[i].valid);
    }
}

TEST(utf8_every_character_is_written_and_read_back)
{
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        char text[WF_UTF8_BYTES_MAX];
        uint32_t read = 0;
        size_t bytes = wf_utf8_write(c, text), at = 0;
        if (wf_utf8_read(text, bytes, &read) != bytes || read != c)
            FAIL("U+%04X is not read back", (unsigned)c);
        if (wf_utf8_next(text, &at) != c || at != bytes)
            FAIL("U+%04X is not decoded", (unsigned)c);
        if (bytes > 1 && wf_utf8_read(text, bytes - 1, &read) != 0)
            FAIL("U+%04X is read although it is cut off", (unsigned)c);
    }
}

TEST(utf8_cut_ends_between_characters)
{
    const char *text = "a\xC3\xA9\xF0\x9F\x92\xA1"; /* 1, 2 and 4 bytes */
    static const size_t kept[] = {0, 1, 1, 3, 3, 3, 3, 7, 7};
    for (size_t max = 0; max < sizeof(kept) / sizeof(kept[0]); max++)
        CHECK_EQ(wf_utf8_cut(text, 7, max), kept[max]);
}

TEST(utf8_shown_ends_before_what_is_no_character)
{
    CHECK_EQ(wf_utf8_shown("a\xC3\xA9z", 4, 2), 1);
    CHECK_EQ(wf_utf8_shown("a\xC3\xA9z", 4, 9), 4);
    CHECK_EQ(wf_utf8_shown("ab\xC3", 3, 9), 2);
    CHECK_EQ(wf_utf8_shown("\xFFz", 2, 9), 0);
    CHECK_EQ(wf_utf8_shown(NULL, 0, 9), 0);
}
