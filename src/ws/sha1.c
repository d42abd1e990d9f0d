/* SPDX-License-Identifier: MIT */

#include "ws/sha1.h"

#include <string.h>

#define BLOCK_BYTES 64

static uint32_t turn(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

static uint32_t load(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void store(uint8_t *at, uint32_t word)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(word >> (24 - 8 * i));
}

/* The function and the constant of a round (FIPS 180-4, 4.1.1 and 4.2.1). */
static uint32_t mix(unsigned round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20)
        return ((b & c) ^ (~b & d)) + 0x5a827999u;
    if (round < 40)
        return (b ^ c ^ d) + 0x6ed9eba1u;
    if (round < 60)
        return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdcu;
    return (b ^ c ^ d) + 0xca62c1d6u;
}

static void take_block(uint32_t state[5], const uint8_t block[BLOCK_BYTES])
{
    uint32_t words[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 16; i++)
        words[i] = load(block + (size_t)4 * i);
    for (unsigned i = 16; i < 80; i++)
        words[i] = turn(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t next = turn(a, 5) + mix(i, b, c, d) + e + words[i];
        e = d;
        d = c;
        c = turn(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

void wf_sha1(const void *bytes, size_t count, uint8_t out[WF_SHA1_BYTES])
{
    uint32_t state[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    const uint8_t *at = bytes;
    size_t left = count;
    for (; left >= BLOCK_BYTES; left -= BLOCK_BYTES, at += BLOCK_BYTES)
        take_block(state, at);

    /* A one bit, zeros, and the length in bits at the end of a block. */
    uint8_t tail[2 * BLOCK_BYTES] = {0};
    size_t tail_bytes = left < BLOCK_BYTES - 8 ? BLOCK_BYTES : sizeof tail;
    if (left > 0)
        memcpy(tail, at, left);
    tail[left] = 0x80;
    store(tail + tail_bytes - 8, (uint32_t)((uint64_t)count >> 29));
    store(tail + tail_bytes - 4, (uint32_t)(count << 3));
    take_block(state, tail);
    if (tail_bytes > BLOCK_BYTES)
        take_block(state, tail + BLOCK_BYTES);
    for (size_t i = 0; i < 5; i++)
        store(out + 4 * i, state[i]);
}
