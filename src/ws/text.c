/* SPDX-License-Identifier: MIT */

#include "ws/text.h"

#include <string.h>

#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Bytes of ASCII at the front, in whole blocks. */
static size_t ascii_blocks(const char *bytes, size_t count)
{
    size_t at = 0;
    uint64_t words[4];
    for (; count - at >= sizeof words; at += sizeof words) {
        memcpy(words, bytes + at, sizeof words);
        if (((words[0] | words[1] | words[2] | words[3]) & HIGH_BITS) != 0)
            return at;
    }
    return at;
}

/* The first byte of a character says how many follow and, if it leads to overlong forms,
 * surrogates or beyond U+10FFFF, what the second may be. */
static bool text_begin(struct wf_ws_text *text, uint8_t lead)
{
    if (lead < 0xc2 || lead > 0xf4)
        return false;
    text->need = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    text->low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    text->high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    return true;
}

static bool text_step(struct wf_ws_text *text, uint8_t byte)
{
    if (text->need == 0)
        return byte < 0x80 || text_begin(text, byte);
    if (byte < text->low || byte > text->high)
        return false;
    text->need--;
    text->low = 0x80;
    text->high = 0xbf;
    return true;
}

bool wf_ws_text_feed(struct wf_ws_text *text, const char *bytes, size_t count)
{
    size_t at = 0;
    while (at < count) {
        if (text->need == 0)
            at += ascii_blocks(bytes + at, count - at);
        /* Text of other scripts has no such blocks: look for one again a while later. */
        size_t end = count - at < 32 ? count : at + 32;
        for (; at < end; at++) {
            if (!text_step(text, (uint8_t)bytes[at]))
                return false;
        }
    }
    return true;
}
