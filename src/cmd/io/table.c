/* SPDX-License-Identifier: MIT */

#include "cmd/io/table.h"

#include "base/utf8.h"
#include "cmd/say.h"

#include <string.h>

#define SHARE_MIN 7u /* as the longest head */
#define SHARE_MAX 30u

/* Columns a character takes; what terminals agree on. */
static size_t columns_of(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36F) || (c >= 0x591 && c <= 0x5BD) || (c >= 0x610 && c <= 0x61A) ||
        (c >= 0x64B && c <= 0x65F) || (c >= 0x1AB0 && c <= 0x1AFF) ||
        (c >= 0x20D0 && c <= 0x20FF) || (c >= 0xFE00 && c <= 0xFE0F) ||
        (c >= 0xFE20 && c <= 0xFE2F))
        return 0;
    if ((c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
        (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
        (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
        (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1F64F) ||
        (c >= 0x1F900 && c <= 0x1F9FF) || (c >= 0x20000 && c <= 0x3FFFD))
        return 2;
    return 1;
}

/* Where the first characters of `text` end that take at most `width` columns. */
static size_t fitting(weft_str text, size_t width, size_t *out_columns)
{
    size_t used = 0, at = 0;
    while (at < text.len) {
        size_t next = at;
        size_t columns = columns_of(wf_utf8_next(text.ptr, &next));
        if (used + columns > width)
            break;
        used += columns;
        at = next;
    }
    *out_columns = used;
    return at;
}

/* What `text` took of `width` columns. */
static size_t put_cut(wf_buf *out, weft_str text, size_t width)
{
    wf_buf shown = {0};
    say_escaped(&shown, text);
    weft_str escaped = {wf_buf_ptr(&shown), wf_buf_bytes(&shown)};
    size_t used, bytes = fitting(escaped, width != 0 ? width : SIZE_MAX, &used);
    bool is_cut = bytes < escaped.len;
    if (is_cut)
        bytes = fitting(escaped, width - 1, &used);
    wf_buf_append(out, escaped.ptr, bytes);
    if (is_cut)
        wf_buf_puts(out, "…");
    wf_buf_fini(&shown);
    return used + is_cut;
}

void table_cell(wf_buf *out, weft_str text, size_t width)
{
    for (size_t used = put_cut(out, text, width); used < width; used++)
        wf_buf_putc(out, ' ');
}

void table_last(wf_buf *out, weft_str text, size_t width)
{
    put_cut(out, text, width);
}

void table_item(struct table_list *list, weft_str item)
{
    size_t width;
    fitting(item, SIZE_MAX, &width);
    bool is_first = !list->has_items;
    if (!is_first)
        wf_buf_putc(list->out, ',');
    if (!is_first && list->columns != 0 && list->used + width + 3 > list->columns) {
        wf_buf_printf(list->out, "\n%*s", (int)list->indent - 1, "");
        list->used = list->indent - 1;
    }
    wf_buf_putc(list->out, ' ');
    wf_buf_append(list->out, item.ptr, item.len);
    list->used += width + 1 + !is_first;
    list->has_items = true;
}

size_t table_share(size_t columns, size_t fixed, size_t parts)
{
    if (columns == 0)
        return SHARE_MAX;
    size_t share = columns > fixed ? (columns - fixed) / parts : 0;
    if (share < SHARE_MIN)
        return SHARE_MIN;
    return share < SHARE_MAX ? share : SHARE_MAX;
}

void table_text(wf_buf *out, const char *text, size_t width)
{
    table_cell(out, (weft_str){text, strlen(text)}, width);
}
