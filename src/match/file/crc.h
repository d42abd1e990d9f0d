/* SPDX-License-Identifier: MIT */

/* CRC32C (Castagnoli): the check sum of a section. */
#ifndef WF_MATCH_CRC_H
#define WF_MATCH_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from `crc`, which begins as 0. */
uint32_t wf_crc32c(uint32_t crc, const void *bytes, size_t count);

/* The same without the processor's instruction; for machines that have none, and tests. */
uint32_t wf_crc32c_plain(uint32_t crc, const void *bytes, size_t count);

#endif
