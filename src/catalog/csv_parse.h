/* SPDX-License-Identifier: MIT */

/*
 * CSV as RFC 4180 has it, and TSV: bytes in, rows of fields out.  Stricter than the RFC is silent:
 * a quote stands only around a whole field or doubled inside it; CR stands only before LF or inside
 * quotes; NUL nowhere; fields are UTF-8.  Blank lines are no rows.
 */
#ifndef WF_CSV_PARSE_H
#define WF_CSV_PARSE_H

#include "catalog/piece.h"

#include <weft/base.h>

#define WF_CSV_FIELD_COUNT_MAX 1024

enum wf_csv_state {
    WF_CSV_ROW,    /* before the first byte of a row */
    WF_CSV_FIELD,  /* before the first byte of a field */
    WF_CSV_PLAIN,  /* in a field without quotes */
    WF_CSV_QUOTED, /* between quotes */
    WF_CSV_QUOTE,  /* behind a quote that ends the field or is the first of two */
    WF_CSV_CR,     /* behind a CR that must be followed by LF */
    WF_CSV_SKIP,   /* in what is left of a bad row's line */
};

typedef struct wf_csv {
    char delimiter;
    bool has_quotes; /* false (TSV): a quote is a character as others are */
    enum wf_csv_state state;
    bool is_row_ready;
    size_t row_bytes_max;
    wf_place place, row_place, quote_place;

    /* The row: field i is text[end of i - 1, ends[i]). */
    wf_buf text;
    size_t *ends;
    size_t field_count, ends_capacity;
} wf_csv;

void wf_csv_init(wf_csv *csv, char delimiter, bool has_quotes, size_t row_bytes_max);
void wf_csv_fini(wf_csv *csv);

/* *out_used: the bytes taken; a row that is ready ends the call early. */
int wf_csv_feed(wf_csv *csv, const char *bytes, size_t count, size_t *out_used,
                wf_piece_error *error);
int wf_csv_end(wf_csv *csv, wf_piece_error *error);

/* Field `index` < field_count of the row that is ready.  Borrowed until the next call. */
weft_str wf_csv_field(const wf_csv *csv, size_t index);

#endif
