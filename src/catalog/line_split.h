/* SPDX-License-Identifier: MIT */

/* Lines: bytes in, lines out.  LF ends a line, a CR before it goes too; lines are UTF-8. */
#ifndef WF_LINE_SPLIT_H
#define WF_LINE_SPLIT_H

#include "catalog/piece.h"

#include <weft/base.h>

typedef struct wf_lines {
    size_t row_bytes_max;
    wf_place place, row_place;
    wf_buf text; /* of the line; it has one byte more to spare, for the CR */
    bool is_begun, is_skipping;
} wf_lines;

void wf_lines_init(wf_lines *lines, size_t row_bytes_max);
void wf_lines_fini(wf_lines *lines);
int wf_lines_feed(wf_lines *lines, const char *bytes, size_t count, size_t *out_used,
                  wf_piece_error *error);
int wf_lines_end(wf_lines *lines, wf_piece_error *error);

/* The line that is ready.  Borrowed until the next call. */
weft_str wf_lines_text(const wf_lines *lines);

#endif
