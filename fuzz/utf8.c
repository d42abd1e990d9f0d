/* SPDX-License-Identifier: MIT */

/* UTF-8: the checker, the reader and the trusting decoder agree on any bytes, and what is read is
 * written back the same. */

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    size_t valid = wf_utf8_check(text, size);
    assert(valid <= size);

    size_t at = 0;
    for (uint32_t c; at < size;) {
        size_t bytes = wf_utf8_read(text + at, size - at, &c);
        if (bytes == 0)
            break;
        size_t trusted = at;
        assert(wf_utf8_next(text, &trusted) == c);
        assert(trusted == at + bytes);
        assert(c <= 0x10FFFF);
        assert(c < 0xD800 || c > 0xDFFF);
        char written[WF_UTF8_BYTES_MAX];
        assert(wf_utf8_write(c, written) == bytes);
        assert(memcmp(written, text + at, bytes) == 0);
        at += bytes;
    }
    assert(at == valid);

    for (size_t max = 0; max <= valid && max < 16; max++) {
        size_t cut = wf_utf8_cut(text, valid, max);
        assert(cut <= max);
        assert(wf_utf8_is_valid(text, cut));
        assert(max - cut < WF_UTF8_BYTES_MAX);
    }
    return 0;
}
