/* SPDX-License-Identifier: MIT */

/*
 * The hash of a feature, the same on every machine and in every run.  Each character enters a
 * running state by s = rotl((s ^ c) * M, 29), from a start that tells words and the lengths of runs
 * apart; the end is the finaliser of MurmurHash3 (public domain, A. Appleby).  Two features with
 * one hash among 2^64 would share their weight; no other harm.
 */
#ifndef WF_MATCH_GRAM_H
#define WF_MATCH_GRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WF_GRAM_MIN 2
#define WF_GRAM_MAX 4

#define WF_HASH_WORD UINT64_C(0x9AE16A3B2F90404F)
#define WF_HASH_GRAM UINT64_C(0xC949D7C7509E6557) /* add the length before the end */

static inline uint64_t wf_hash_step(uint64_t state, uint32_t c)
{
    uint64_t mixed = (state ^ c) * UINT64_C(0xFF51AFD7ED558CCD);
    return mixed << 29 | mixed >> 35;
}

static inline uint64_t wf_hash_end(uint64_t state)
{
    state ^= state >> 33;
    state *= UINT64_C(0xFF51AFD7ED558CCD);
    state ^= state >> 33;
    state *= UINT64_C(0xC4CEB9FE1A85EC53);
    state ^= state >> 33;
    return state != 0 ? state : 1; /* 0 marks an empty place in tables */
}

typedef struct wf_points {
    const uint32_t *at;
    size_t count;
} wf_points;

static inline uint64_t wf_hash_word(wf_points word)
{
    uint64_t state = WF_HASH_WORD;
    for (size_t i = 0; i < word.count; i++)
        state = wf_hash_step(state, word.at[i]);
    return wf_hash_end(state);
}

/* The lowest bit tells words from runs. */
static inline uint64_t wf_hash_tagged(uint64_t hash, bool is_word)
{
    hash = (hash & ~UINT64_C(1)) | is_word;
    return hash != 0 ? hash : 2;
}

static inline bool wf_hash_is_word(uint64_t hash)
{
    return (hash & 1) != 0;
}

#endif
