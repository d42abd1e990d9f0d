/* SPDX-License-Identifier: MIT */

/* Changes to a matcher's file, whose check sums are made right again, so that what lies behind them
 * is reached. */
#ifndef WEFT_FUZZ_WEFTM_H
#define WEFT_FUZZ_WEFTM_H

#include "match/file/crc.h"

#include <string.h>

#define WEFTM_HEAD_BYTES 32u
#define WEFTM_ENTRY_BYTES 24u
#define WEFTM_CHANGE_BYTES 8u

static inline size_t weftm_sections(const uint8_t *file)
{
    uint32_t count;
    memcpy(&count, file + 12, sizeof(count));
    return count;
}

static inline void weftm_place(const uint8_t *file, size_t section, uint64_t *start,
                               uint64_t *bytes)
{
    const uint8_t *entry = file + WEFTM_HEAD_BYTES + section * WEFTM_ENTRY_BYTES;
    memcpy(start, entry + 8, sizeof(*start));
    memcpy(bytes, entry + 16, sizeof(*bytes));
}

/* Each change: a section, a place in it, and four bytes that go there. */
static inline void weftm_change(uint8_t *file, const uint8_t *data, size_t size)
{
    for (; size >= WEFTM_CHANGE_BYTES; data += WEFTM_CHANGE_BYTES, size -= WEFTM_CHANGE_BYTES) {
        uint64_t start, bytes;
        size_t at = data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16;
        weftm_place(file, data[0] % weftm_sections(file), &start, &bytes);
        if (bytes >= 4)
            memcpy(file + start + at % (bytes / 4) * 4, data + 4, 4);
    }
}

static inline void weftm_seal(uint8_t *file)
{
    static const uint8_t zero[4] = {0};
    size_t count = weftm_sections(file);
    for (size_t i = 0; i < count; i++) {
        uint64_t start, bytes;
        weftm_place(file, i, &start, &bytes);
        uint32_t crc = wf_crc32c(0, file + start, bytes);
        memcpy(file + WEFTM_HEAD_BYTES + i * WEFTM_ENTRY_BYTES + 4, &crc, sizeof(crc));
    }
    uint32_t crc = wf_crc32c(0, file, 24);
    crc = wf_crc32c(crc, zero, sizeof(zero));
    crc = wf_crc32c(crc, file + 28, 4 + count * WEFTM_ENTRY_BYTES);
    memcpy(file + 24, &crc, sizeof(crc));
}

#endif
