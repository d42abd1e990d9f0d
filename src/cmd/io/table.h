/* SPDX-License-Identifier: MIT */

/* Lines for people: columns of a fixed width on the screen, text escaped. */
#ifndef WF_CMD_TABLE_H
#define WF_CMD_TABLE_H

#include "base/buf.h"

/* Appends `text` filled to `width` columns, or cut, with an ellipsis in the last one; width 0: as
 * it is. */
void table_cell(wf_buf *out, weft_str text, size_t width);
void table_text(wf_buf *out, const char *text, size_t width);

/* The same at the end of a line, which is not filled. */
void table_last(wf_buf *out, weft_str text, size_t width);

/* Items with commas between them, on as many lines as a terminal of `columns` needs; 0: on one. */
struct table_list {
    wf_buf *out;
    size_t columns, indent; /* where further lines begin */
    size_t used;            /* of the line */
    bool has_items;
};

/* Appends `item`, which is shown as it is: escaped already. */
void table_item(struct table_list *list, weft_str item);

/* The width of each of `parts` columns that share what a terminal of `columns` has beside `fixed`:
 * 7 to 30; 30 where `columns` is 0. */
size_t table_share(size_t columns, size_t fixed, size_t parts);

#endif
