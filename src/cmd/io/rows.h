/* SPDX-License-Identifier: MIT */

/* Answers as rows of a table for other programs: CSV (RFC 4180, with any delimiter) or TSV, where
 * tabs and line ends inside a text become spaces.  The columns are query, id, score, name and
 * matched, a row a hit; a text without a match has one row, with nothing behind it. */
#ifndef WF_CMD_ROWS_H
#define WF_CMD_ROWS_H

#include "base/buf.h"

#include <weft/match.h>

struct rows {
    char delimiter;  /* nothing a number is written with */
    bool has_quotes; /* false: TSV */
};

void rows_head(struct rows rows, wf_buf *out);
void rows_put(struct rows rows, wf_buf *out, weft_str query, const weft_m_hit *hits, size_t count);

#endif
