/* SPDX-License-Identifier: MIT */

/* UTF-8 in pieces: as strict as that in one, and told at the first byte that is wrong. */

#include "harness/harness.h"

#include "base/utf8.h"
#include "ws/text.h"

static bool is_text(const char *bytes, size_t count, size_t cut)
{
    struct wf_ws_text text = {0};
    return wf_ws_text_feed(&text, bytes, cut) && wf_ws_text_feed(&text, bytes + cut, count - cut) &&
           wf_ws_text_is_whole(&text);
}

TEST(text_of_every_character_is_right)
{
    char bytes[4];
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        size_t count = wf_utf8_write(c, bytes);
        for (size_t cut = 0; cut <= count; cut++)
            CHECK(is_text(bytes, count, cut));
    }
}

/* All of three bytes, against the check of whole texts. */
TEST(text_of_three_bytes_is_judged_like_a_whole_one)
{
    for (uint32_t i = 0; i < 1u << 24; i += 1 + (i & 0x7f7f7f) % 3) {
        char bytes[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
        CHECK_EQ(is_text(bytes, 3, i % 4), wf_utf8_is_valid(bytes, 3));
    }
}

TEST(text_is_judged_the_same_at_every_place_of_a_block)
{
    static const char *const wrong[] = {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                        "\xc3"};
    char bytes[200];
    for (size_t at = 0; at < 100; at++) {
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            memset(bytes, 'a', sizeof bytes);
            CHECK(is_text(bytes, 150, at));
            memcpy(bytes + at, wrong[i], strlen(wrong[i]));
            CHECK(!is_text(bytes, 150, at));
            CHECK(!is_text(bytes, 150, at + 1));
        }
        memset(bytes, 'a', sizeof bytes);
        memcpy(bytes + at, "\xf0\x9f\x98\x80", 4);
        for (size_t cut = 0; cut < 150; cut++)
            CHECK(is_text(bytes, 150, cut));
    }
}

/* A byte that no other could make right is told without the others. */
TEST(text_is_told_wrong_at_the_first_wrong_byte)
{
    static const char *const wrong[] = {"\x80",
                                        "\xbf",
                                        "\xc0",
                                        "\xc1",
                                        "\xf5",
                                        "\xff",
                                        "\xe0\x9f",
                                        "\xed\xa0",
                                        "\xf0\x8f",
                                        "\xf4\x90",
                                        "\xc3\x28",
                                        "\xe2\x82\x28",
                                        "\xf0\x9f\x98\x61"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct wf_ws_text text = {0};
        size_t count = strlen(wrong[i]);
        note("row %zu", i);
        CHECK(wf_ws_text_feed(&text, wrong[i], count - 1));
        CHECK(!wf_ws_text_feed(&text, wrong[i] + count - 1, 1));
    }
}
