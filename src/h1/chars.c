/* SPDX-License-Identifier: MIT */

#include "h1/chars.h"

#define IN(c, first, last) ((c) >= (first) && (c) <= (last))
#define IS_DIGIT(c) IN(c, '0', '9')
#define IS_HEX(c) (IS_DIGIT(c) || IN(c, 'a', 'f') || IN(c, 'A', 'F'))
#define IS_LETTER(c) (IN(c, 'a', 'z') || IN(c, 'A', 'Z'))
#define IS_HOST(c) (IS_LETTER(c) || IS_DIGIT(c) || (c) == '-' || (c) == '_')
#define IS_TOKEN(c)                                                                                \
    (IS_HOST(c) || (c) == '!' || (c) == '#' || (c) == '$' || (c) == '%' || (c) == '&' ||           \
     (c) == '\'' || (c) == '*' || (c) == '+' || (c) == '.' || (c) == '^' || (c) == '`' ||          \
     (c) == '|' || (c) == '~')
#define IS_VISIBLE(c) IN(c, 0x21, 0x7e)
#define IS_HIGH(c) ((c) >= 0x80)
#define IS_TARGET(c) ((IS_VISIBLE(c) && (c) != '#') || IS_HIGH(c))
#define IS_PATH(c) (IS_TARGET(c) && (c) != '/' && (c) != '%' && (c) != '\\')
#define IS_VALUE(c) (IS_VISIBLE(c) || IS_HIGH(c) || (c) == ' ' || (c) == '\t')

#define CLASS(c)                                                                                   \
    ((IS_TOKEN(c) ? WF_TOKEN : 0) | (IS_VALUE(c) ? WF_VALUE : 0) |                                 \
     (IS_TARGET(c) ? WF_TARGET : 0) | (IS_DIGIT(c) ? WF_DIGIT : 0) | (IS_HEX(c) ? WF_HEX : 0) |    \
     (IS_HOST(c) ? WF_HOST : 0) | (IS_VISIBLE(c) ? WF_VISIBLE : 0) | (IS_PATH(c) ? WF_PATH : 0))

#define ROW4(c) CLASS(c), CLASS((c) + 1), CLASS((c) + 2), CLASS((c) + 3)
#define ROW16(c) ROW4(c), ROW4((c) + 4), ROW4((c) + 8), ROW4((c) + 12)

const uint8_t wf_http_classes[256] = {
    ROW16(0x00), ROW16(0x10), ROW16(0x20), ROW16(0x30), ROW16(0x40), ROW16(0x50),
    ROW16(0x60), ROW16(0x70), ROW16(0x80), ROW16(0x90), ROW16(0xa0), ROW16(0xb0),
    ROW16(0xc0), ROW16(0xd0), ROW16(0xe0), ROW16(0xf0),
};
