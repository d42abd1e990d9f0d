/* SPDX-License-Identifier: MIT */

#include "catalog/line_split.h"

#include "base/utf8.h"

#include <string.h>

void wf_lines_init(wf_lines *lines, size_t row_bytes_max)
{
    *lines = (wf_lines){
        .row_bytes_max = row_bytes_max,
        .place = {1, 1},
        .text = {.bytes_max = row_bytes_max + 1},
    };
}

void wf_lines_fini(wf_lines *lines)
{
    wf_buf_fini(&lines->text);
}

weft_str wf_lines_text(const wf_lines *lines)
{
    return (weft_str){wf_buf_ptr(&lines->text), wf_buf_bytes(&lines->text)};
}

static int fail(wf_lines *lines, wf_piece_error *error, int rc, size_t column, const char *what)
{
    *error = (wf_piece_error){
        .rc = rc,
        .is_row = rc != -ENOMEM,
        .place = {lines->row_place.line, column},
        .field = WF_NO_FIELD,
        .limit = rc == -WEFT_ELIMIT ? lines->row_bytes_max : 0,
        .what = what,
    };
    return rc;
}

static int fail_limit(wf_lines *lines, wf_piece_error *error)
{
    return fail(lines, error, -WEFT_ELIMIT, 0, "the line has too many bytes");
}

/* The line is complete. */
static int lines_finish(wf_lines *lines, bool has_newline, wf_piece_error *error)
{
    lines->is_begun = false;
    weft_str text = wf_lines_text(lines);
    if (has_newline && text.len > 0 && text.ptr[text.len - 1] == '\r')
        lines->text.end--;
    text = wf_lines_text(lines);
    if (text.len > lines->row_bytes_max)
        return fail_limit(lines, error);
    size_t valid = wf_utf8_check(text.ptr, text.len);
    if (valid < text.len)
        return fail(lines, error, -WEFT_ESYNTAX, valid + 1, "a byte that is not UTF-8");
    return 1;
}

static void lines_begin(wf_lines *lines)
{
    if (lines->is_begun)
        return;
    wf_buf_reset(&lines->text);
    lines->row_place = lines->place;
    lines->is_begun = true;
}

/* Leaves out the rest of the line, which may be over already. */
static void lines_skip(wf_lines *lines, bool is_over)
{
    lines->is_skipping = !is_over;
    lines->is_begun = !is_over;
}

/* Takes the bytes of at most one line. */
static int lines_step(wf_lines *lines, const char *bytes, size_t count, size_t *used,
                      wf_piece_error *error)
{
    const char *newline = memchr(bytes, '\n', count);
    bool is_over = newline != NULL;
    size_t run = is_over ? (size_t)(newline - bytes) : count;

    lines_begin(lines);
    wf_place_pass(&lines->place, bytes, run + is_over);
    *used += run + is_over;
    if (lines->is_skipping) {
        lines_skip(lines, is_over);
        return 0;
    }
    int rc = wf_buf_append(&lines->text, bytes, run);
    if (rc == -ENOMEM)
        return fail(lines, error, rc, 0, "no memory");
    if (rc < 0) {
        lines_skip(lines, is_over);
        return fail_limit(lines, error);
    }
    return is_over ? lines_finish(lines, /* has_newline= */ true, error) : 0;
}

int wf_lines_feed(wf_lines *lines, const char *bytes, size_t count, size_t *out_used,
                  wf_piece_error *error)
{
    size_t used = 0;
    int rc = 0;
    while (used < count && rc == 0)
        rc = lines_step(lines, bytes + used, count - used, &used, error);
    *out_used = used;
    return rc;
}

int wf_lines_end(wf_lines *lines, wf_piece_error *error)
{
    bool is_whole = lines->is_begun && !lines->is_skipping;
    lines->is_begun = false;
    lines->is_skipping = false;
    return is_whole ? lines_finish(lines, /* has_newline= */ false, error) : 0;
}
