/* SPDX-License-Identifier: MIT */

/* Letters that decomposition leaves alone, written with Latin ones. */
#include "match/text/fold.h"

/* Cyrillic from U+0430 to U+045F.  What decomposes (й, ё, ї …) has become its base letter. */
static const char *const cyrillic[] = {
    "a", "b", "v",  "g", "d", "e",  "zh", "z",  "i",  "i",    "k",  "l", "m", "n", "o",  "p",
    "r", "s", "t",  "u", "f", "h",  "ts", "ch", "sh", "shch", "",   "y", "",  "e", "yu", "ya",
    "e", "e", "dj", "g", "e", "dz", "i",  "i",  "j",  "lj",   "nj", "c", "k", "i", "u",  "dz",
};

/* Greek from U+03B1 to U+03C9; the upsilon of "ou" is seen to by its neighbour. */
static const char *const greek[] = {
    "a", "v", "g", "d", "e", "z", "i", "th", "i", "k",  "l",  "m", "n",
    "x", "o", "p", "r", "s", "s", "t", "y",  "f", "ch", "ps", "o",
};

/* Letters of their own, ascending. */
static const struct {
    uint32_t c;
    const char *latin;
} single[] = {
    {0x00DF, "ss"}, {0x00E6, "ae"}, {0x00F0, "d"}, {0x00F8, "o"}, {0x00FE, "th"}, {0x0111, "d"},
    {0x0127, "h"},  {0x0131, "i"},  {0x0138, "k"}, {0x0142, "l"}, {0x014B, "ng"}, {0x0153, "oe"},
    {0x0167, "t"},  {0x0180, "b"},  {0x0199, "k"}, {0x01DD, "e"}, {0x0253, "b"},  {0x0254, "o"},
    {0x0257, "d"},  {0x0259, "e"},  {0x025B, "e"}, {0x0268, "i"}, {0x026B, "l"},  {0x0289, "u"},
    {0x0491, "g"},  {0x0493, "g"},  {0x0497, "j"}, {0x0499, "z"}, {0x049B, "k"},  {0x04A3, "n"},
    {0x04A5, "ng"}, {0x04AB, "s"},  {0x04AF, "u"}, {0x04B1, "u"}, {0x04B3, "h"},  {0x04BB, "h"},
    {0x04D9, "a"},  {0x04E9, "o"},
};

const char *wf_latin_of(uint32_t c)
{
    if (c >= 0x0430 && c < 0x0430 + sizeof(cyrillic) / sizeof(*cyrillic))
        return cyrillic[c - 0x0430];
    if (c >= 0x03B1 && c < 0x03B1 + sizeof(greek) / sizeof(*greek))
        return greek[c - 0x03B1];
    size_t low = 0, high = sizeof(single) / sizeof(*single);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (single[middle].c < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof(single) / sizeof(*single) && single[low].c == c ? single[low].latin : NULL;
}
