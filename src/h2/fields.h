/* SPDX-License-Identifier: MIT */

/* Fields for nghttp2: lines "Name: value\r\n", as HTTP/1 writes them, and what else is sent.  Pure.
 */
#ifndef WF_H2_FIELDS_H
#define WF_H2_FIELDS_H

#include <weft/base.h>

#include <nghttp2/nghttp2.h>

/* `flags`: NGHTTP2_NV_FLAG_…; nothing is copied here. */
nghttp2_nv wf_h2_field(weft_str name, weft_str value, uint8_t flags);

size_t wf_h2_line_count(weft_str lines);

/* Puts a field for each line into `fields`, but for those HTTP/2 has no place for.  They point into
 * the lines, whose names become lower case where they are.  Returns how many. */
size_t wf_h2_put_lines(nghttp2_nv *fields, weft_str lines, uint8_t flags);

#endif
