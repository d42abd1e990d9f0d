/* SPDX-License-Identifier: MIT */

/*
 * Places: where each character of a short text stands, as the bits of one word, so that it can be
 * compared with many others in a few instructions a character.  Its characters are numbered;
 * another text is read in these numbers, 0 for every character that the short one has not.
 */
#ifndef WF_MATCH_PLACES_H
#define WF_MATCH_PLACES_H

#include "match/embed/gram.h"

/* A text in the numbers of another. */
typedef struct wf_numbered {
    const uint8_t *at;
    size_t count;
} wf_numbered;

/* Longer texts have no places; with a space at both ends it still fits a word. */
#define WF_PLACES_MAX 62u

/* The space has a number in every text. */
#define WF_PLACES_SPACE 1u

#define WF_PLACES_NUMBERS (WF_PLACES_MAX + 2)

typedef struct wf_places {
    uint64_t padded[WF_PLACES_NUMBERS]; /* by number, in the text with a space at both ends */
    uint64_t inner[WF_PLACES_NUMBERS];  /* in the text */
    uint64_t solid[WF_PLACES_NUMBERS];  /* in the text without spaces */
    uint8_t ascii[128];                 /* numbers */
    uint32_t others[WF_PLACES_MAX];     /* characters beyond ASCII … */
    uint8_t numbers[WF_PLACES_MAX];     /* … and theirs */
    size_t other_count, number_count;
    bool has_text; /* false: it was too long */
} wf_places;

/* In line: the compiler's own is a call where the machine is not known to have the instruction. */
static inline unsigned wf_count_bits(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    bits = (bits + (bits >> 4)) & UINT64_C(0x0F0F0F0F0F0F0F0F);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

void wf_places_take(wf_places *places, wf_points text);

uint8_t wf_places_number_slow(const wf_places *places, uint32_t c);

static inline uint8_t wf_places_number(const wf_places *places, uint32_t c)
{
    return c < 128 ? places->ascii[c] : wf_places_number_slow(places, c);
}

#endif
