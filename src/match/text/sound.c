/* SPDX-License-Identifier: MIT */

#include "match/text/sound.h"

#define SILENT 0u
#define VOWEL ('a' - 'a' + 1)
#define H ('h' - 'a' + 1)
#define P ('p' - 'a' + 1)
#define K ('k' - 'a' + 1)
#define S ('s' - 'a' + 1)
#define F ('f' - 'a' + 1)
#define V ('v' - 'a' + 1)
#define DIGITS 27u /* ten of them */
#define OTHERS 37u

/* Of a letter by itself; with ASKS what stands beside it matters. */
#define ASKS 0x80u
static const uint8_t letters[26] = {
    VOWEL, 2,     ASKS, 4, VOWEL, 6, 7,  ASKS,  VOWEL, VOWEL, 11,   12,    13,
    14,    VOWEL, ASKS, K, 18,    S, 20, VOWEL, V,     V,     ASKS, VOWEL, S,
};

static bool is_front(uint32_t c)
{
    return c == 'e' || c == 'i' || c == 'y' || c == 'z';
}

/* Of c, h, p and x.  Before and after: 0 at the ends. */
static uint8_t sound_among(uint32_t c, uint32_t before, uint32_t after)
{
    switch (c) {
    case 'c':
        if (before == 's' && after == 'h')
            return SILENT;
        return is_front(after) ? S : K;
    case 'h':
        return before != 0 ? SILENT : H;
    case 'p':
        return after == 'h' ? F : P;
    default:
        return K; /* and S */
    }
}

static uint8_t sound_of(uint32_t c)
{
    if (c - 'a' < 26)
        return letters[c - 'a'];
    uint32_t digit = c - '0';
    return (uint8_t)(digit < 10 ? DIGITS + digit : OTHERS + c % (WF_SOUND_KINDS - OTHERS));
}

size_t wf_sound(wf_points text, uint8_t out[WF_SOUND_MAX])
{
    size_t count = 0;
    uint8_t last = SILENT;
    for (size_t i = 0; i < text.count && count < WF_SOUND_MAX; i++) {
        uint32_t c = text.at[i];
        uint8_t sound = sound_of(c);
        if (sound == ASKS)
            sound =
                sound_among(c, i > 0 ? text.at[i - 1] : 0, i + 1 < text.count ? text.at[i + 1] : 0);
        bool is_double = sound == last && (sound < DIGITS || sound >= OTHERS);
        if (sound == SILENT)
            continue;
        if (!is_double && (sound != VOWEL || count == 0))
            out[count++] = sound;
        last = sound;
        if (c == 'x' && count < WF_SOUND_MAX)
            out[count++] = last = S;
    }
    return count;
}
