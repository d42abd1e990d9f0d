/* SPDX-License-Identifier: MIT */

/* Base64 (RFC 4648, section 4), with padding. */
#ifndef WF_BASE64_H
#define WF_BASE64_H

#include <weft/base.h>

#define WF_BASE64_BYTES(count_) (((count_) + 2) / 3 * 4)

/* Writes WF_BASE64_BYTES(count) characters, without a NUL. */
void wf_base64_write(const void *bytes, size_t count, char *out);

/* Decodes `text` into `out`, at most text.len / 4 * 3 bytes, and returns their count; SIZE_MAX if
 * it is not valid.  Unused bits after the last byte are not checked. */
size_t wf_base64_read(weft_str text, void *out);

#endif
