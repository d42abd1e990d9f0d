/* SPDX-License-Identifier: MIT */

#include "catalog/csv_parse.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

void wf_csv_init(wf_csv *csv, char delimiter, bool has_quotes, size_t row_bytes_max)
{
    *csv = (wf_csv){
        .delimiter = delimiter,
        .has_quotes = has_quotes,
        .row_bytes_max = row_bytes_max,
        .place = {1, 1},
        .text = {.bytes_max = row_bytes_max},
    };
}

void wf_csv_fini(wf_csv *csv)
{
    wf_buf_fini(&csv->text);
    wf_free(csv->ends);
    csv->ends = NULL;
}

weft_str wf_csv_field(const wf_csv *csv, size_t index)
{
    assert(index < csv->field_count);
    size_t start = index == 0 ? 0 : csv->ends[index - 1];
    return (weft_str){wf_buf_ptr(&csv->text) + start, csv->ends[index] - start};
}

static int fail_at(wf_csv *csv, wf_piece_error *error, wf_place place, const char *what)
{
    *error = (wf_piece_error){
        .rc = -WEFT_ESYNTAX,
        .is_row = true,
        .place = place,
        .field = csv->field_count,
        .what = what,
    };
    csv->state = WF_CSV_SKIP;
    return error->rc;
}

static int fail(wf_csv *csv, wf_piece_error *error, const char *what)
{
    return fail_at(csv, error, csv->place, what);
}

/* A limit, or no memory. */
static int fail_row(wf_csv *csv, wf_piece_error *error, int rc, size_t limit, const char *what)
{
    fail_at(csv, error, csv->row_place, what);
    error->rc = rc;
    error->place.column = 0;
    error->field = WF_NO_FIELD;
    error->limit = limit;
    error->is_row = rc == -WEFT_ELIMIT;
    return rc;
}

static int csv_append(wf_csv *csv, const char *bytes, size_t count, wf_piece_error *error)
{
    bool is_quoted = csv->state == WF_CSV_QUOTED;
    int rc = wf_buf_append(&csv->text, bytes, count);
    if (rc == -WEFT_ELIMIT && is_quoted) {
        fail_row(csv, error, rc, csv->row_bytes_max,
                 "the row has too many bytes; the quotes that begin here have not ended");
        error->place =
            csv->quote_place; /* most likely the slip: what follows it is all one field */
        error->field = csv->field_count;
        return rc;
    }
    if (rc == -WEFT_ELIMIT)
        return fail_row(csv, error, rc, csv->row_bytes_max, "the row has too many bytes");
    return rc < 0 ? fail_row(csv, error, rc, 0, "no memory") : 0;
}

static int csv_end_field(wf_csv *csv, wf_piece_error *error)
{
    if (csv->field_count == WF_CSV_FIELD_COUNT_MAX)
        return fail_row(csv, error, -WEFT_ELIMIT, WF_CSV_FIELD_COUNT_MAX,
                        "the row has too many fields");
    size_t *ends = wf_more(csv->ends, csv->field_count, &csv->ends_capacity, sizeof(*ends));
    if (ends == NULL)
        return fail_row(csv, error, -ENOMEM, 0, "no memory");
    csv->ends = ends;
    csv->ends[csv->field_count++] = wf_buf_bytes(&csv->text);
    return 0;
}

/* The row's last field ends.  1, or what is wrong with the row. */
static int csv_end_row(wf_csv *csv, wf_piece_error *error)
{
    int rc = csv_end_field(csv, error);
    csv->state = WF_CSV_ROW; /* its line is over, whatever is wrong */
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < csv->field_count; i++) {
        weft_str field = wf_csv_field(csv, i);
        if (wf_utf8_is_valid(field.ptr, field.len))
            continue;
        wf_place place = {csv->row_place.line, 0};
        csv->field_count = i;
        fail_at(csv, error, place, "is not UTF-8");
        csv->state = WF_CSV_ROW;
        return error->rc;
    }
    csv->is_row_ready = true;
    return 1;
}

static void csv_begin_row(wf_csv *csv)
{
    wf_buf_reset(&csv->text);
    csv->field_count = 0;
    csv->is_row_ready = false;
    csv->row_place = csv->place;
}

/* ---- one step: takes at least one byte; 1, 0 or negative as feed ---- */

/* Bytes from here on that mean nothing in this state but themselves. */
static size_t plain_run(const wf_csv *csv, const char *bytes, size_t count)
{
    size_t run = 0;
    while (run < count && bytes[run] != '\0') {
        char c = bytes[run];
        if (csv->state == WF_CSV_QUOTED
                ? c == '"'
                : c == csv->delimiter || c == '\n' || c == '\r' || (c == '"' && csv->has_quotes))
            break;
        run++;
    }
    return run;
}

static int step_run(wf_csv *csv, const char *bytes, size_t count, size_t *used,
                    wf_piece_error *error)
{
    size_t run = plain_run(csv, bytes, count);
    size_t room = csv->row_bytes_max - wf_buf_bytes(&csv->text);
    size_t taken = run < room ? run : room; /* stop at the limit, however the bytes were cut */
    int rc = csv_append(csv, bytes, taken, error);
    wf_place_pass(&csv->place, bytes, taken);
    *used += taken;
    return rc == 0 && taken < run ? csv_append(csv, bytes + taken, 1, error) : rc;
}

/* Behind a whole field. */
static int step_delimiter(wf_csv *csv, char c, wf_piece_error *error)
{
    if (c == csv->delimiter) {
        csv->state = WF_CSV_FIELD;
        return csv_end_field(csv, error);
    }
    if (c == '\n')
        return csv_end_row(csv, error);
    if (c == '\r') {
        csv->state = WF_CSV_CR;
        return 0;
    }
    if (csv->state == WF_CSV_QUOTE)
        return fail(csv, error, "text behind the closing quote");
    if (c == '"')
        return fail(csv, error, "a quote inside a field that does not begin with one");
    return fail(csv, error, "a NUL byte");
}

static int step_cr(wf_csv *csv, char c, wf_piece_error *error)
{
    if (c != '\n')
        return fail(csv, error, "a carriage return without a line feed behind it");
    bool is_blank = csv->field_count == 0 && wf_buf_bytes(&csv->text) == 0 &&
                    csv->place.line == csv->row_place.line &&
                    csv->place.column == csv->row_place.column + 1;
    if (is_blank) {
        csv->state = WF_CSV_ROW;
        return 0;
    }
    return csv_end_row(csv, error);
}

static int step_byte(wf_csv *csv, char c, wf_piece_error *error)
{
    switch (csv->state) {
    case WF_CSV_SKIP:
        if (c == '\n')
            csv->state = WF_CSV_ROW;
        return 0;
    case WF_CSV_CR:
        return step_cr(csv, c, error);
    case WF_CSV_ROW:
        if (c == '\n')
            return 0;
        /* fall through */
    case WF_CSV_FIELD:
        csv->state = WF_CSV_PLAIN;
        if (c == '"' && csv->has_quotes) {
            csv->state = WF_CSV_QUOTED;
            csv->quote_place = csv->place;
            return 0;
        }
        break;
    case WF_CSV_QUOTED:
        if (c == '\0')
            return fail(csv, error, "a NUL byte");
        csv->state = WF_CSV_QUOTE;
        return 0;
    case WF_CSV_QUOTE:
        if (c == '"') {
            csv->state = WF_CSV_QUOTED;
            return csv_append(csv, "\"", 1, error);
        }
        break;
    case WF_CSV_PLAIN:
        break;
    }
    return step_delimiter(csv, c, error);
}

static bool is_run_state(const wf_csv *csv)
{
    return csv->state == WF_CSV_PLAIN || csv->state == WF_CSV_QUOTED;
}

int wf_csv_feed(wf_csv *csv, const char *bytes, size_t count, size_t *out_used,
                wf_piece_error *error)
{
    size_t used = 0;
    int rc = 0;
    while (used < count && rc == 0) {
        if (csv->state == WF_CSV_ROW)
            csv_begin_row(csv);
        bool is_first = csv->state == WF_CSV_ROW || csv->state == WF_CSV_FIELD;
        if (is_first && plain_run(csv, bytes + used, 1) == 1)
            csv->state = WF_CSV_PLAIN;
        if (is_run_state(csv)) {
            size_t before = used;
            rc = step_run(csv, bytes + used, count - used, &used, error);
            if (rc < 0 || used != before)
                continue;
        }
        char c = bytes[used];
        rc = step_byte(csv, c, error);
        wf_place_pass(&csv->place, &c, 1);
        used++;
    }
    *out_used = used;
    return rc;
}

int wf_csv_end(wf_csv *csv, wf_piece_error *error)
{
    switch (csv->state) {
    case WF_CSV_ROW:
    case WF_CSV_SKIP:
        csv->state = WF_CSV_ROW;
        return 0;
    case WF_CSV_QUOTED:
        fail_at(csv, error, csv->quote_place, "the file ends inside the quotes that begin here");
        csv->state = WF_CSV_ROW;
        return error->rc;
    case WF_CSV_CR:
        fail(csv, error, "a carriage return without a line feed behind it");
        csv->state = WF_CSV_ROW;
        return error->rc;
    case WF_CSV_FIELD:
    case WF_CSV_PLAIN:
    case WF_CSV_QUOTE:
        break;
    }
    return csv_end_row(csv, error);
}
