/* SPDX-License-Identifier: MIT */

#include "cmd/io/rows.h"

#include "base/json_write.h"

#include <string.h>

static bool must_be_quoted(weft_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (memchr(",\"\r\n", text.ptr[i], 4) != NULL)
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

static void put_text(wf_buf *out, char separator, weft_str text)
{
    if (separator == '\t')
        put_unquoted(out, text);
    else if (must_be_quoted(text))
        put_quoted(out, text);
    else
        wf_buf_append(out, text.ptr, text.len);
}

void rows_head(wf_buf *out, char separator)
{
    wf_buf_puts(out, separator == ',' ? "query,id,score,name,matched\n"
                                      : "query\tid\tscore\tname\tmatched\n");
}

static void put_hit(wf_buf *out, char separator, weft_str query, const weft_m_hit *hit)
{
    wf_json score = {.out = out};
    put_text(out, separator, query);
    wf_buf_putc(out, separator);
    put_text(out, separator, hit->id);
    wf_buf_putc(out, separator);
    wf_json_float(&score, hit->score);
    wf_buf_putc(out, separator);
    put_text(out, separator, hit->name);
    wf_buf_putc(out, separator);
    put_text(out, separator, hit->matched);
    wf_buf_putc(out, '\n');
}

void rows_put(wf_buf *out, char separator, weft_str query, const weft_m_hit *hits, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_hit(out, separator, query, &hits[i]);
    if (count != 0)
        return;
    put_text(out, separator, query);
    wf_buf_puts(out, separator == ',' ? ",,,,\n" : "\t\t\t\t\n");
}
