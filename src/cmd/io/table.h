/* SPDX-License-Identifier: MIT */

/* Lines for people: columns of a fixed width on the screen, text escaped. */
#ifndef WF_CMD_TABLE_H
#define WF_CMD_TABLE_H

#include "base/buf.h"

/* Appends `text` filled to `width` columns, or cut, with an ellipsis in the last one; width 0: as
 * it is. */
void table_cell(wf_buf *out, weft_str text, size_t width);
void table_text(wf_buf *out, const char *text, size_t width);

#endif
