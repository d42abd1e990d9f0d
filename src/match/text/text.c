/* SPDX-License-Identifier: MIT */

#include <weft/text.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/text/chars.h"
#include "match/text/normalise.h"

void weft_text_free(weft_text *text)
{
    if (text == NULL)
        return;
    wf_free(text->ptr);
    *text = (weft_text){0};
}

const char *weft_norm_unicode_version(void)
{
    return wf_chars_version();
}

int weft_norm_text(weft_str text, const weft_norm_options *options, weft_text *out,
                   size_t *out_offset)
{
    wf_norm norm = {0};
    wf_buf buf = {0};

    size_t valid = wf_utf8_check(text.ptr, text.len);
    if (valid != text.len) {
        if (out_offset != NULL)
            *out_offset = valid;
        return -WEFT_ESYNTAX;
    }
    int rc = wf_norm_append(&norm, options, text, &buf);
    if (rc == 0)
        rc = wf_buf_putc(&buf, '\0');
    if (rc == 0) {
        *out = (weft_text){.ptr = buf.mem, .len = wf_buf_bytes(&buf) - 1};
        buf = (wf_buf){0};
    }
    wf_norm_fini(&norm);
    wf_buf_fini(&buf);
    return rc;
}
