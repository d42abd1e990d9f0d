/* SPDX-License-Identifier: MIT */

#include "ws/mask.h"

#include <string.h>

/* 32 bytes a step: what the compiler makes of it are the widest words the target is sure to have.
 */
typedef uint64_t block __attribute__((vector_size(32)));

void wf_ws_mask(char *out, const char *in, size_t count, const uint8_t key[4], uint64_t at)
{
    uint8_t turned[8];
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = key[(at + i) & 3];
    uint64_t word;
    memcpy(&word, turned, sizeof word);
    block four = {word, word, word, word};

    size_t i = 0;
    for (; count - i >= sizeof four; i += sizeof four) {
        block bytes;
        memcpy(&bytes, in + i, sizeof bytes);
        bytes ^= four;
        memcpy(out + i, &bytes, sizeof bytes);
    }
    for (; count - i >= sizeof word; i += sizeof word) {
        uint64_t bytes;
        memcpy(&bytes, in + i, sizeof bytes);
        bytes ^= word;
        memcpy(out + i, &bytes, sizeof bytes);
    }
    for (; i < count; i++)
        out[i] = (char)(in[i] ^ turned[i & 3]);
}
