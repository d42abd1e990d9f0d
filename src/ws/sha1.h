/* SPDX-License-Identifier: MIT */

/* SHA-1 (FIPS 180-4), which the opening handshake wants as a sign of life, not as a protection. */
#ifndef WF_WS_SHA1_H
#define WF_WS_SHA1_H

#include <stddef.h>
#include <stdint.h>

#define WF_SHA1_BYTES 20

void wf_sha1(const void *bytes, size_t count, uint8_t out[WF_SHA1_BYTES]);

#endif
