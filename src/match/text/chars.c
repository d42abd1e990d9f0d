/* SPDX-License-Identifier: MIT */

#include "match/text/chars.h"

#include <assert.h>
#include <utf8proc.h>

const char *wf_chars_version(void)
{
    return utf8proc_unicode_version();
}

static utf8proc_category_t category(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c);
}

bool wf_char_is_alnum(uint32_t c)
{
    switch (category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return true;
    default:
        return false;
    }
}

bool wf_char_is_mark(uint32_t c)
{
    utf8proc_category_t kind = category(c);
    return kind == UTF8PROC_CATEGORY_MN || kind == UTF8PROC_CATEGORY_MC ||
           kind == UTF8PROC_CATEGORY_ME;
}

/* Categories are numbered in groups: letters, marks, numbers, punctuation, symbols, spaces, others.
 */
static bool is_between(uint32_t c, utf8proc_category_t first, utf8proc_category_t last)
{
    utf8proc_category_t kind = category(c);
    return kind >= first && kind <= last;
}

bool wf_char_is_plain_letter(uint32_t c)
{
    return is_between(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}

bool wf_char_is_letter(uint32_t c)
{
    return wf_char_is_plain_letter(c) || category(c) == UTF8PROC_CATEGORY_NL;
}

bool wf_char_is_number(uint32_t c)
{
    return is_between(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool wf_char_is_digit(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_ND;
}

bool wf_char_is_punctuation(uint32_t c)
{
    return is_between(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO);
}

bool wf_char_is_connector(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_PC;
}

bool wf_char_is_nonspacing(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_MN;
}

bool wf_char_is_other(uint32_t c)
{
    return is_between(c, UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CO);
}

/* Letters by category, and Other_Lowercase and Other_Uppercase where they are not ignorable. */
bool wf_char_is_cased(uint32_t c)
{
    utf8proc_category_t kind = category(c);
    if (kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LL ||
        kind == UTF8PROC_CATEGORY_LT)
        return true;
    return c == 0xAA || c == 0xBA || (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9) ||
           (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
           (c >= 0x1F170 && c <= 0x1F189);
}

/* Word_Break MidLetter, MidNumLet and Single_Quote. */
static bool is_inside_words(uint32_t c)
{
    switch (c) {
    case 0x27:
    case 0x2E:
    case 0x3A:
    case 0xB7:
    case 0x387:
    case 0x55F:
    case 0x5F4:
    case 0x2018:
    case 0x2019:
    case 0x2024:
    case 0x2027:
    case 0xFE13:
    case 0xFE52:
    case 0xFE55:
    case 0xFF07:
    case 0xFF0E:
    case 0xFF1A:
        return true;
    default:
        return false;
    }
}

bool wf_char_is_case_ignorable(uint32_t c)
{
    switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        return is_inside_words(c);
    }
}

unsigned wf_char_class(uint32_t c)
{
    return (unsigned)utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
}

uint32_t wf_char_lower(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
}

static size_t decompose(uint32_t c, uint32_t out[WF_CHAR_PARTS_MAX], utf8proc_option_t options)
{
    if (c < 0x80) {
        out[0] = c;
        return 1;
    }
    utf8proc_int32_t parts[WF_CHAR_PARTS_MAX];
    int bound = 0;
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)c, parts, WF_CHAR_PARTS_MAX, options, &bound);
    assert(count >= 1);
    assert(count <= WF_CHAR_PARTS_MAX);
    for (utf8proc_ssize_t i = 0; i < count; i++)
        out[i] = (uint32_t)parts[i];
    return (size_t)count;
}

size_t wf_char_decompose(uint32_t c, uint32_t out[WF_CHAR_PARTS_MAX])
{
    return decompose(c, out, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
}

size_t wf_char_decompose_canonical(uint32_t c, uint32_t out[WF_CHAR_PARTS_MAX])
{
    return decompose(c, out, UTF8PROC_DECOMPOSE);
}

bool wf_char_is_border(uint32_t before, uint32_t after, int32_t *state)
{
    return utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)after,
                                            state);
}

size_t wf_chars_compose(uint32_t *points, size_t count)
{
    utf8proc_ssize_t left = utf8proc_normalize_utf32(
        (utf8proc_int32_t *)points, (utf8proc_ssize_t)count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    assert(left >= 0);
    return (size_t)left;
}
