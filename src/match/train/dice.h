/* SPDX-License-Identifier: MIT */

/* Dice: numbers that look random, the same from the same seed on every machine (SplitMix64: G.
 * Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014). */
#ifndef WF_MATCH_DICE_H
#define WF_MATCH_DICE_H

#include <stdint.h>

static inline uint64_t wf_dice_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static inline uint64_t wf_dice_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    return wf_dice_mix(*state);
}

/* 0 … below - 1; `below` is not 0.  The bias is below / 2^32. */
static inline uint32_t wf_dice_below(uint64_t *state, uint32_t below)
{
    return (uint32_t)((wf_dice_next(state) >> 32) * below >> 32);
}

/* In [0, 1). */
static inline double wf_dice_part(uint64_t *state)
{
    return (double)(wf_dice_next(state) >> 11) * 0x1p-53;
}

#endif
