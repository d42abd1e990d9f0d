/* SPDX-License-Identifier: MIT */

#include "match/text/sound.h"

#define SILENT 0u
#define VOWEL ('a' - 'a' + 1)
#define K ('k' - 'a' + 1)
#define S ('s' - 'a' + 1)
#define F ('f' - 'a' + 1)
#define V ('v' - 'a' + 1)
#define DIGITS 27u /* ten of them */
#define OTHERS 37u

/* Of a to z by themselves. */
static const uint8_t letters[26] = {
    VOWEL, 2,     K,  4, VOWEL, 6, 7,  8,     VOWEL, VOWEL, 11, 12,    13,
    14,    VOWEL, 16, K, 18,    S, 20, VOWEL, V,     V,     K,  VOWEL, S,
};

static bool is_front(uint32_t c)
{
    return c == 'e' || c == 'i' || c == 'y' || c == 'z';
}

/* Before and after: 0 at the ends. */
static uint8_t sound_of(uint32_t c, uint32_t before, uint32_t after)
{
    if (c - 'a' > 25u) {
        uint32_t digit = c - '0';
        return (uint8_t)(digit < 10 ? DIGITS + digit : OTHERS + c % (WF_SOUND_KINDS - OTHERS));
    }
    if (c == 'h' && before != 0)
        return SILENT;
    if (c == 'c' && before == 's' && after == 'h')
        return SILENT;
    if (c == 'c' && is_front(after))
        return S;
    return c == 'p' && after == 'h' ? F : letters[c - 'a'];
}

size_t wf_sound(wf_points text, uint8_t out[WF_SOUND_MAX])
{
    size_t count = 0;
    uint8_t last = SILENT;
    for (size_t i = 0; i < text.count && count < WF_SOUND_MAX; i++) {
        uint32_t c = text.at[i], before = i > 0 ? text.at[i - 1] : 0;
        uint8_t sound = sound_of(c, before, i + 1 < text.count ? text.at[i + 1] : 0);
        bool is_double = sound == last && (sound < DIGITS || sound >= OTHERS);
        if (sound == SILENT || is_double)
            continue;
        out[count++] = last = sound;
        if (c == 'x' && count < WF_SOUND_MAX)
            out[count++] = last = S;
    }
    return count;
}
