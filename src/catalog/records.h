/* SPDX-License-Identifier: MIT */

/*
 * Records: a file of any format, row by row.  Puts together the bytes of a source, the splitter of
 * the format and, where rows are JSON, its reader.
 */
#ifndef WF_RECORDS_H
#define WF_RECORDS_H

#include "catalog/array_split.h"
#include "catalog/csv_parse.h"
#include "catalog/delimiter.h"
#include "catalog/line_split.h"
#include "catalog/source.h"

#include <weft/json.h>

typedef struct wf_records {
    const char *name; /* of the file; borrowed */
    wf_source source;
    enum weft_file_format format; /* AUTO until the first bytes are there */
    size_t row_bytes_max;
    bool is_begun, is_ended;
    char delimiter; /* of CSV, as the caller says; '\0': by the first record */
    char rival;     /* would have done as well as what was taken; '\0': nothing */
    wf_wanted columns_wanted;

    /* By the format one of these. */
    wf_csv csv;
    wf_lines lines;
    wf_array_split array;

    /* CSV, TSV: what the columns are called. */
    char **columns;
    size_t column_count, head_line;

    weft_json *json;           /* of the row at hand */
    weft_catalog_error failed; /* as a whole: what was read is lost, and nothing more is */
} wf_records;

/* A row: fields (CSV, TSV: as many as columns), a value (JSON, NDJSON), or text (LINES).  Borrowed
 * until the next call. */
typedef struct wf_record {
    size_t line;
    const wf_csv *fields;
    const weft_json *json;
    weft_str text;
} wf_record;

/* Of one text: the caller's, or what the matcher takes. */
#define WF_TEXT_BYTES_MAX ((size_t)64 * 1024)
static inline size_t wf_text_bytes_max(const weft_catalog_options *options)
{
    return options->text_bytes_max != 0 ? options->text_bytes_max : WF_TEXT_BYTES_MAX;
}

/* `records` must not move until close; the names wanted are borrowed until then.  `read` NULL:
 * opens the file.  Close it on failure too. */
int wf_records_open(wf_records *records, const char *name, const weft_catalog_options *options,
                    const wf_wanted *wanted, weft_catalog_read_fn *read, void *arg,
                    weft_catalog_error *error);
void wf_records_close(wf_records *records);

/* 1 and *out, 0 at the end, or negative with *error; if error->is_row, reading can go on, else
 * each further call says the same. */
int wf_records_next(wf_records *records, wf_record *out, weft_catalog_error *error);

/* The column of this name, without regard to ASCII case, or WF_NO_FIELD. */
size_t wf_records_column(const wf_records *records, const char *name, size_t name_bytes);

/* The next row of the splitter, whatever it holds: 1, 0 at the end of the file, or negative. */
int wf_records_next_piece(wf_records *records, weft_catalog_error *error);

/* Fills *error, except `field` and `column`; returns rc. */
int wf_records_fail(const wf_records *records, weft_catalog_error *error, int rc, size_t line,
                    const char *format, ...) WEFT_PRINTF(5, 6);

/* The same of what the system has said; returns rc. */
int wf_records_fail_system(const wf_records *records, weft_catalog_error *error, int rc);

/* What wf_records_fail told is about the row at hand alone; of a JSON array, whose items may share
 * a line, it says which.  Returns error->rc. */
int wf_records_fail_row(const wf_records *records, weft_catalog_error *error);

/* The end of a public call: leaves the error's text for weft_error_text() and returns `rc`. */
int wf_records_told(int rc, const weft_catalog_error *error);

#endif
