/* SPDX-License-Identifier: MIT */

#include "match/file/sha256.h"

#include <stdbool.h>
#include <string.h>

/* FIPS 180-4, 4.2.2: of the cube roots of the first primes. */
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t word, unsigned bits)
{
    return word >> bits | word << (32 - bits);
}

static uint32_t load(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void expand(const uint8_t *block, uint32_t words[64])
{
    for (size_t i = 0; i < 16; i++)
        words[i] = load(block + 4 * i);
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + words[i - 7] +
                   (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
}

void wf_sha256_blocks_plain(uint32_t state[8], const uint8_t *at, size_t blocks)
{
    for (; blocks > 0; blocks--, at += WF_SHA256_BLOCK) {
        uint32_t words[64], s[8];
        expand(at, words);
        memcpy(s, state, sizeof(s));
        for (size_t i = 0; i < 64; i++) {
            uint32_t a = s[0], e = s[4];
            uint32_t first = s[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
                             ((e & s[5]) ^ (~e & s[6])) + constants[i] + words[i];
            uint32_t second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) +
                              ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
            memmove(s + 1, s, 7 * sizeof(*s));
            s[4] += first;
            s[0] = first + second;
        }
        for (size_t i = 0; i < 8; i++)
            state[i] += s[i];
    }
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

#define ASKING_BLOCKS 64u /* to ask the processor takes as long, in a virtual machine */

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

/* Four rounds; the instruction keeps the state as {a, b, e, f} and {c, d, g, h}. */
WITH_SHA static void four_rounds(__m128i *abef, __m128i *cdgh, __m128i words, size_t round)
{
    __m128i sum = _mm_add_epi32(words, _mm_load_si128((const __m128i *)&constants[round]));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sum);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

/* The four words behind w[0] … w[3]. */
WITH_SHA static __m128i next_words(const __m128i w[4])
{
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w[0], w[1]), _mm_alignr_epi8(w[3], w[2], 4));
    return _mm_sha256msg2_epu32(sum, w[3]);
}

WITH_SHA static void by_instruction(uint32_t state[8], const uint8_t *at, size_t blocks)
{
    const __m128i swap = _mm_set_epi64x(0x0C0D0E0F08090A0B, 0x0405060700010203);
    __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xB1);
    __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
    for (; blocks > 0; blocks--, at += WF_SHA256_BLOCK) {
        __m128i w[4], abef_before = abef, cdgh_before = cdgh;
        for (size_t i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(at + 16 * i)), swap);
        for (size_t round = 0; round < 64; round += 4) {
            __m128i next = next_words(w);
            four_rounds(&abef, &cdgh, w[0], round);
            w[0] = w[1];
            w[1] = w[2];
            w[2] = w[3];
            w[3] = next;
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1B), dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

void wf_sha256_blocks(uint32_t state[8], const uint8_t *at, size_t blocks)
{
    unsigned a, b, c, d;
    bool has_sha =
        blocks >= ASKING_BLOCKS && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) != 0;
    if (has_sha && __builtin_cpu_supports("sse4.1"))
        by_instruction(state, at, blocks);
    else
        wf_sha256_blocks_plain(state, at, blocks);
}

#else

void wf_sha256_blocks(uint32_t state[8], const uint8_t *at, size_t blocks)
{
    wf_sha256_blocks_plain(state, at, blocks);
}

#endif

void wf_sha256_init(wf_sha256 *it)
{
    *it = (wf_sha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void wf_sha256_add(wf_sha256 *it, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    size_t used = it->count % WF_SHA256_BLOCK;
    if (count == 0)
        return;
    it->count += count;
    if (used != 0) {
        size_t room = WF_SHA256_BLOCK - used, some = count < room ? count : room;
        memcpy(it->block + used, at, some);
        at += some;
        count -= some;
        if (some < room)
            return;
        wf_sha256_blocks(it->state, it->block, 1);
    }
    wf_sha256_blocks(it->state, at, count / WF_SHA256_BLOCK);
    if (count % WF_SHA256_BLOCK != 0)
        memcpy(it->block, at + count / WF_SHA256_BLOCK * WF_SHA256_BLOCK, count % WF_SHA256_BLOCK);
}

/* A one bit, zeros, and the length in bits at the end of a block. */
void wf_sha256_end(wf_sha256 *it, uint8_t out[WF_SHA256_BYTES])
{
    static const uint8_t padding[WF_SHA256_BLOCK] = {0x80};
    uint64_t bits = it->count * 8;
    uint8_t length[8];
    size_t used = it->count % WF_SHA256_BLOCK, end = WF_SHA256_BLOCK - sizeof(length);
    for (size_t i = 0; i < sizeof(length); i++)
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    wf_sha256_add(it, padding, (used < end ? end : end + WF_SHA256_BLOCK) - used);
    wf_sha256_add(it, length, sizeof(length));
    for (size_t i = 0; i < WF_SHA256_BYTES; i++)
        out[i] = (uint8_t)(it->state[i / 4] >> (24 - 8 * (i % 4)));
}
