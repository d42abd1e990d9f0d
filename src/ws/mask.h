/* SPDX-License-Identifier: MIT */

/* Masking (RFC 6455 5.3): every byte XOR the byte of the key that stands at its place mod 4. */
#ifndef WF_WS_MASK_H
#define WF_WS_MASK_H

#include <stddef.h>
#include <stdint.h>

/* Copies `count` bytes masked; the first of them stands at place `at` of the frame's payload.  The
 * memories are the same or do not overlap. */
void wf_ws_mask(char *out, const char *in, size_t count, const uint8_t key[4], uint64_t at);

#endif
