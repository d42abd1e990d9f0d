/* SPDX-License-Identifier: MIT */

#include "match/file/crc.h"

#include <string.h>

#define POLYNOMIAL 0x82F63B78u /* 0x1EDC6F41, the low bit first */

/* A byte at a time, by a table that is made anew: two thousand steps, which is nothing beside a
 * section that is worth a table, and leaves no state behind. */
uint32_t wf_crc32c_plain(uint32_t crc, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (POLYNOMIAL & -(value & 1));
        table[i] = value;
    }
    crc = ~crc;
    for (size_t i = 0; i < count; i++)
        crc = crc >> 8 ^ table[(crc ^ at[i]) & 255];
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *at,
                                                                 size_t count)
{
    uint64_t sum = ~crc;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        sum = __builtin_ia32_crc32di(sum, word);
    }
    for (; count > 0; at++, count--)
        sum = __builtin_ia32_crc32qi((uint32_t)sum, *at);
    return ~(uint32_t)sum;
}

uint32_t wf_crc32c(uint32_t crc, const void *bytes, size_t count)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, bytes, count)
                                            : wf_crc32c_plain(crc, bytes, count);
}

#else

uint32_t wf_crc32c(uint32_t crc, const void *bytes, size_t count)
{
    return wf_crc32c_plain(crc, bytes, count);
}

#endif
