/* SPDX-License-Identifier: MIT */

#include "cmd/io/rows.h"

#include "base/json_write.h"

#include <string.h>

static bool must_be_quoted(struct rows rows, weft_str text)
{
    const char special[4] = {rows.delimiter, '"', '\r', '\n'};
    for (size_t i = 0; i < text.len; i++)
        if (memchr(special, text.ptr[i], sizeof(special)) != NULL)
            return true;
    return text.len != 0 && (text.ptr[0] == ' ' || text.ptr[text.len - 1] == ' ');
}

static void put_quoted(wf_buf *out, weft_str text)
{
    wf_buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"')
            wf_buf_putc(out, '"');
        wf_buf_putc(out, text.ptr[i]);
    }
    wf_buf_putc(out, '"');
}

static void put_unquoted(wf_buf *out, weft_str text)
{
    for (size_t i = 0; i < text.len; i++)
        wf_buf_putc(out, memchr("\t\r\n", text.ptr[i], 3) != NULL ? ' ' : text.ptr[i]);
}

static void put_text(struct rows rows, wf_buf *out, weft_str text)
{
    if (!rows.has_quotes)
        put_unquoted(out, text);
    else if (must_be_quoted(rows, text))
        put_quoted(out, text);
    else
        wf_buf_append(out, text.ptr, text.len);
}

void rows_head(struct rows rows, wf_buf *out)
{
    char d = rows.delimiter;
    wf_buf_printf(out, "query%cid%cscore%cname%cmatched\n", d, d, d, d);
}

static void put_hit(struct rows rows, wf_buf *out, weft_str query, const weft_m_hit *hit)
{
    wf_json score = {.out = out};
    put_text(rows, out, query);
    wf_buf_putc(out, rows.delimiter);
    put_text(rows, out, hit->id);
    wf_buf_putc(out, rows.delimiter);
    wf_json_float(&score, hit->score);
    wf_buf_putc(out, rows.delimiter);
    put_text(rows, out, hit->name);
    wf_buf_putc(out, rows.delimiter);
    put_text(rows, out, hit->matched);
    wf_buf_putc(out, '\n');
}

void rows_put(struct rows rows, wf_buf *out, weft_str query, const weft_m_hit *hits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_hit(rows, out, query, &hits[i]);
    if (count != 0)
        return;
    put_text(rows, out, query);
    for (int i = 0; i < 4; i++)
        wf_buf_putc(out, rows.delimiter);
    wf_buf_putc(out, '\n');
}
