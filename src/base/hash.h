/* SPDX-License-Identifier: MIT */

/*
 * Keyed hash of bytes, for tables whose keys come from outside: SipHash-1-3 (Aumasson and
 * Bernstein, "SipHash: a fast short-input PRF", 2012).  Without the key nobody can choose inputs
 * that collide.
 */
#ifndef WF_HASH_H
#define WF_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Fill it with random bytes, once for each table. */
typedef struct wf_hash_key {
    uint64_t k0, k1;
} wf_hash_key;

uint64_t wf_hash(const wf_hash_key *key, const void *bytes, size_t count);

#endif
