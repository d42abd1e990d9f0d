/* SPDX-License-Identifier: MIT */

/* The texts of tools/golden-tokens, where the same lists stand. */
#ifndef WF_TESTS_MATCH_TOKEN_TEXTS_H
#define WF_TESTS_MATCH_TOKEN_TEXTS_H

#include "base/utf8.h"

#include <string.h>

#define TOKEN_TEXT_BYTES 512

static const char *const token_words[] = {
    "the",
    "task",
    "waits",
    "cancelled",
    "matcher",
    "Stra\303\237e",
    "\303\251lan",
    "E\314\201cole",
    "na\303\257ve",
    "2024",
    "3.14",
    "don't",
    "we'll",
    "I'm",
    "\357\254\201ne",
    "\342\221\240\342\221\241",
    "\357\274\241\357\275\202\357\275\203",
    "\346\227\245\346\234\254\350\252\236",
    "\345\214\227\344\272\254",
    "\316\225\316\273\316\273\316\254\316\264\316\261",
    "\316\237\316\224\316\237\316\243",
    "\304\260stanbul",
    "\340\244\271\340\244\277\340\244\250\340\245\215\340\244\246\340\245\200",
    "\355\225\234\352\265\255\354\226\264",
    "\327\251\327\234\327\225\327\235",
    "\331\205\330\261\330\255\330\250\330\247",
    "\340\271\204\340\270\227\340\270\242",
    "\360\237\221\251\342\200\215\360\237\221\251\342\200\215\360\237\221\247",
    "\360\237\207\251\360\237\207\252",
    "\303\251\314\201\314\201",
    "\302\240",
    "\343\200\200",
    "\342\200\213",
    "\342\200\215",
    "\357\273\277",
    "\342\226\201",
    "##",
    "[UNK]",
    "[MASK]",
    "<unk>",
    "<s>",
    "unaffable",
    "x_y",
    "a-b",
    "``",
    "''",
    "  ",
    "\011",
    "\015\012",
    "\302\205",
    "\342\200\250",
    "<0x41>",
    "\304\240",
    "\302\275",
    "\342\205\247",
    "\302\262"};

static const struct token_range {
    uint32_t first, last;
} token_ranges[] = {{0x20, 0x7E},      {0x1, 0x1F},      {0x7F, 0xFF},     {0x100, 0x24F},
                    {0x300, 0x36F},    {0x370, 0x52F},   {0x590, 0x6FF},   {0x900, 0xDFF},
                    {0x1E00, 0x206F},  {0x2100, 0x27BF}, {0x3000, 0x33FF}, {0x4E00, 0x9FFF},
                    {0xAC00, 0xD7A3},  {0xF900, 0xFAFF}, {0xFE00, 0xFFFD}, {0x1F300, 0x1FAFF},
                    {0x20000, 0x2A6DF}};

static inline uint32_t token_roll(uint64_t *state, size_t below)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 16) % below);
}

/* Text `index`; returns its bytes. */
static inline size_t token_text(size_t index, char out[TOKEN_TEXT_BYTES])
{
    uint64_t state = (uint64_t)index * UINT64_C(0x9E3779B97F4A7C15) + 1;
    size_t used = 0;
    for (uint32_t left = 1 + token_roll(&state, 12); left > 0; left--) {
        uint32_t kind = token_roll(&state, 8);
        if (kind < 4) {
            const char *word =
                token_words[token_roll(&state, sizeof(token_words) / sizeof(token_words[0]))];
            memcpy(out + used, word, strlen(word));
            used += strlen(word);
        } else if (kind < 6) {
            out[used++] = ' ';
        } else {
            const struct token_range *range =
                &token_ranges[token_roll(&state, sizeof(token_ranges) / sizeof(token_ranges[0]))];
            uint32_t c = range->first + token_roll(&state, range->last - range->first + 1);
            used += wf_utf8_write(c, out + used);
        }
    }
    return used;
}

#endif
