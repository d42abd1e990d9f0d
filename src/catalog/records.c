/* SPDX-License-Identifier: MIT */

#include "catalog/records.h"

#include "base/alloc.h"
#include "catalog/columns.h"
#include "catalog/format.h"

#include <weft/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ROW_BYTES_MAX ((size_t)1 << 20)
#define ROW_DEPTH_MAX 32 /* of JSON; extra keys are written again, and the writer has a limit */

/* ---- errors ---- */

int wf_records_fail(const wf_records *records, weft_catalog_error *error, int rc, size_t line,
                    const char *format, ...)
{
    size_t bytes = strlen(records->name), room = sizeof(error->file) - 1;
    *error = (weft_catalog_error){.rc = rc, .line = line};
    snprintf(error->file, sizeof(error->file), "%s",
             records->name + (bytes > room ? bytes - room : 0));
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    return rc;
}

int wf_records_fail_row(const wf_records *records, weft_catalog_error *error)
{
    size_t used = strlen(error->text), item = records->array.item_count;
    error->is_row = true;
    if (records->format == WEFT_FILE_JSON && item != 0)
        snprintf(error->text + used, sizeof(error->text) - used, " (item %zu of the array)", item);
    return error->rc;
}

int wf_records_told(int rc, const weft_catalog_error *error)
{
    char text[WEFT_ERROR_TEXT_BYTES];
    if (rc >= 0 || rc == -ECANCELED)
        return rc;
    weft_catalog_error_text(error, text, sizeof(text));
    return weft_fail(rc, "%s", text);
}

int wf_records_fail_system(const wf_records *records, weft_catalog_error *error, int rc)
{
    return wf_records_fail(records, error, rc, 0, "%s", weft_strerror(rc));
}

static int fail_delimiter(const wf_records *records, weft_catalog_error *error)
{
    wf_records_fail(records, error, -EINVAL, 0,
                    "the delimiter must be a tab or a sign of ASCII, but none of \" . + -");
    error->option = "delimiter";
    return error->rc;
}

static int fail_piece(const wf_records *records, const wf_piece_error *piece,
                      weft_catalog_error *error)
{
    if (piece->limit != 0)
        wf_records_fail(records, error, piece->rc, piece->place.line, "%s (limit %zu)", piece->what,
                        piece->limit);
    else
        wf_records_fail(records, error, piece->rc, piece->place.line, "%s", piece->what);
    error->column = piece->place.column;
    error->is_row = piece->is_row;
    error->limit = piece->limit;
    if (piece->field < records->column_count)
        snprintf(error->field, sizeof(error->field), "%s", records->columns[piece->field]);
    return piece->rc;
}

/* ---- the file ---- */

int wf_records_open(wf_records *records, const char *name, const weft_catalog_options *options,
                    const wf_wanted *wanted, weft_catalog_read_fn *read, void *arg,
                    weft_catalog_error *error)
{
    *records = (wf_records){
        .name = name,
        .format = options->format,
        .row_bytes_max = options->row_bytes_max != 0 ? options->row_bytes_max : ROW_BYTES_MAX,
        .delimiter = options->delimiter,
        .columns_wanted = *wanted,
        .source.fd = -1,
    };
    if (records->format == WEFT_FILE_AUTO)
        records->format = wf_format_of_name(name);
    if (records->delimiter != '\0' && !wf_delimiter_is_valid(records->delimiter))
        return fail_delimiter(records, error);
    int rc = wf_source_open(&records->source, name, read, arg);
    return rc < 0 ? wf_records_fail_system(records, error, rc) : 0;
}

void wf_records_close(wf_records *records)
{
    wf_source_close(&records->source);
    wf_csv_fini(&records->csv);
    wf_lines_fini(&records->lines);
    wf_array_fini(&records->array);
    weft_json_free(records->json);
    records->json = NULL;
    for (size_t i = 0; i < records->column_count; i++)
        wf_free(records->columns[i]);
    wf_free(records->columns);
    records->columns = NULL;
    records->column_count = 0;
}

/* ---- pieces ---- */

/* The splitter of the format: one table instead of a switch at each use. */
static int feed(wf_records *records, const char *bytes, size_t count, size_t *used,
                wf_piece_error *error)
{
    switch (records->format) {
    case WEFT_FILE_CSV:
    case WEFT_FILE_TSV:
        return wf_csv_feed(&records->csv, bytes, count, used, error);
    case WEFT_FILE_JSON:
        return wf_array_feed(&records->array, bytes, count, used, error);
    default:
        return wf_lines_feed(&records->lines, bytes, count, used, error);
    }
}

static int feed_end(wf_records *records, wf_piece_error *error)
{
    switch (records->format) {
    case WEFT_FILE_CSV:
    case WEFT_FILE_TSV:
        return wf_csv_end(&records->csv, error);
    case WEFT_FILE_JSON:
        return wf_array_end(&records->array, error);
    default:
        return wf_lines_end(&records->lines, error);
    }
}

int wf_records_next_piece(wf_records *records, weft_catalog_error *error)
{
    wf_source *source = &records->source;
    wf_piece_error piece = {0};
    int rc = 0;
    while (rc == 0 && !records->is_ended) {
        int more = wf_source_fill(source);
        if (more < 0)
            return wf_records_fail_system(records, error, more);
        size_t used = 0;
        if (more == 0) {
            records->is_ended = true;
            rc = feed_end(records, &piece);
        } else {
            rc = feed(records, source->mem + source->at, source->end - source->at, &used, &piece);
        }
        source->at += used;
    }
    return rc < 0 ? fail_piece(records, &piece, error) : rc;
}

/* ---- the head of the file ---- */

/* Looks at as many bytes as it takes, however few come at a time. */
static int choose_format(wf_records *records)
{
    wf_source *source = &records->source;
    int rc = wf_source_fill(source);
    while (rc > 0 && records->format == WEFT_FILE_AUTO) {
        records->format = wf_format_of_bytes(source->mem + source->at, source->end - source->at);
        if (records->format == WEFT_FILE_TSV && records->delimiter != '\0')
            records->format = WEFT_FILE_CSV;
        if (records->format == WEFT_FILE_AUTO)
            rc = wf_source_more(source);
    }
    if (rc == 0 && records->format == WEFT_FILE_AUTO)
        records->format = WEFT_FILE_CSV;
    return rc;
}

/* Before the first row: which format, and what its columns are. */
static int begin(wf_records *records, weft_catalog_error *error)
{
    int rc = choose_format(records);
    if (rc < 0)
        return wf_records_fail_system(records, error, rc);
    if (records->source.alien != NULL)
        return wf_records_fail(records, error, -WEFT_ESYNTAX, 0, "%s", records->source.alien);
    wf_lines_init(&records->lines, records->row_bytes_max);
    wf_array_init(&records->array, records->row_bytes_max);
    bool is_table = records->format == WEFT_FILE_CSV || records->format == WEFT_FILE_TSV;
    return is_table ? wf_columns_read(records, error) : 0;
}

size_t wf_records_column(const wf_records *records, const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < records->column_count; i++) {
        const char *column = records->columns[i];
        if (strlen(column) == name_bytes && strncasecmp(column, name, name_bytes) == 0)
            return i;
    }
    return WF_NO_FIELD;
}

/* ---- rows ---- */

static int take_fields(wf_records *records, wf_record *out, weft_catalog_error *error)
{
    size_t line = records->csv.row_place.line;
    if (records->csv.field_count != records->column_count) {
        wf_records_fail(records, error, -WEFT_ESYNTAX, line,
                        "the row has %zu field%s, the first row has %zu", records->csv.field_count,
                        records->csv.field_count == 1 ? "" : "s", records->column_count);
        error->is_row = true;
        return error->rc;
    }
    *out = (wf_record){.line = line, .fields = &records->csv};
    return 1;
}

static int take_json(wf_records *records, weft_str text, wf_place place, wf_record *out,
                     weft_catalog_error *error)
{
    weft_json_limits limits = {.bytes_max = records->row_bytes_max, .depth_max = ROW_DEPTH_MAX};
    weft_json_error inner;
    int rc = weft_json_read(&records->json, text.ptr, text.len, &limits, &inner);
    if (rc == 0) {
        *out = (wf_record){.line = place.line, .json = records->json};
        return 1;
    }
    if (rc != -WEFT_ESYNTAX && rc != -WEFT_ELIMIT)
        return wf_records_fail_system(records, error, rc);
    wf_records_fail(records, error, rc, place.line + inner.line - 1, "%s", inner.text);
    error->column = inner.line == 1 ? place.column + inner.column - 1 : inner.column;
    error->limit = inner.limit;
    error->is_row = true;
    return rc;
}

static bool is_blank(weft_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != ' ' && text.ptr[i] != '\t')
            return false;
    }
    return true;
}

static int next_row(wf_records *records, wf_record *out, weft_catalog_error *error)
{
    weft_json_free(records->json);
    records->json = NULL;
    if (!records->is_begun) {
        int rc = begin(records, error);
        if (rc < 0)
            return rc;
        records->is_begun = true;
    }
    for (;;) {
        int rc = wf_records_next_piece(records, error);
        if (rc <= 0)
            return rc;
        switch (records->format) {
        case WEFT_FILE_CSV:
        case WEFT_FILE_TSV:
            return take_fields(records, out, error);
        case WEFT_FILE_JSON:
            return take_json(records, wf_array_text(&records->array), records->array.row_place, out,
                             error);
        case WEFT_FILE_NDJSON:
            if (is_blank(wf_lines_text(&records->lines)))
                continue;
            return take_json(records, wf_lines_text(&records->lines), records->lines.row_place, out,
                             error);
        default:
            *out = (wf_record){
                .line = records->lines.row_place.line,
                .text = wf_lines_text(&records->lines),
            };
            return 1;
        }
    }
}

int wf_records_next(wf_records *records, wf_record *out, weft_catalog_error *error)
{
    if (records->failed.rc < 0) {
        *error = records->failed;
        return error->rc;
    }
    int rc = next_row(records, out, error);
    if (rc < 0 && !error->is_row)
        records->failed = *error;
    return rc;
}
