/* SPDX-License-Identifier: MIT */

/*
 * SHA-256 (FIPS 180-4), of bytes that come piece by piece: which model's files a saved matcher was
 * made with.  Of its own because nothing else here needs a library of cryptography.
 */
#ifndef WF_MATCH_SHA256_H
#define WF_MATCH_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define WF_SHA256_BYTES 32u
#define WF_SHA256_BLOCK 64u

typedef struct wf_sha256 {
    uint32_t state[8];
    uint64_t count; /* bytes so far */
    uint8_t block[WF_SHA256_BLOCK];
} wf_sha256;

void wf_sha256_init(wf_sha256 *it);
void wf_sha256_add(wf_sha256 *it, const void *bytes, size_t count);
void wf_sha256_end(wf_sha256 *it, uint8_t out[WF_SHA256_BYTES]);

/* Whole blocks, without the processor's instructions; for machines that have none, and tests. */
void wf_sha256_blocks_plain(uint32_t state[8], const uint8_t *at, size_t blocks);

/* The same by the best way of this machine. */
void wf_sha256_blocks(uint32_t state[8], const uint8_t *at, size_t blocks);

#endif
