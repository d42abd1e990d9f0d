/* SPDX-License-Identifier: MIT */

#include "catalog/records.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "catalog/format.h"

#include <weft/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ROW_BYTES_MAX ((size_t)1 << 20)
#define COLUMN_SHOWN_BYTES 40u
#define ROW_DEPTH_MAX 32 /* of JSON; extra keys are written again, and the writer has a limit */

/* ---- errors ---- */

/* What the columns are called, as "id", "name", ...: as many as fit, none of them cut. */
static void list_columns(const wf_records *records, char *out, size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < records->column_count; i++) {
        const char *name = records->columns[i], *comma = i == 0 ? "" : ", ";
        if (used + strlen(name) + sizeof(", \"\", ...") > bytes) {
            snprintf(out + used, bytes - used, "%s...", comma);
            return;
        }
        used += (size_t)snprintf(out + used, bytes - used, "%s\"%s\"", comma, name);
    }
}

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

static int fail_system(const wf_records *records, weft_catalog_error *error, int rc)
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
    return rc < 0 ? fail_system(records, error, rc) : 0;
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

/* The next row of the splitter: 1, 0 at the end of the file, or negative. */
static int next_piece(wf_records *records, weft_catalog_error *error)
{
    wf_source *source = &records->source;
    wf_piece_error piece = {0};
    int rc = 0;
    while (rc == 0 && !records->is_ended) {
        int more = wf_source_fill(source);
        if (more < 0)
            return fail_system(records, error, more);
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

static bool has_column_before(const wf_records *records, const char *name)
{
    for (size_t i = 0; i < records->column_count; i++) {
        if (strcasecmp(records->columns[i], name) == 0)
            return true;
    }
    return false;
}

/* More than one character would do; so nobody guesses. */
static int fail_doubt(const wf_records *records, char delimiter, weft_catalog_error *error)
{
    wf_records_fail(records, error, -WEFT_ESYNTAX, 1,
                    "the first row can be split at %s and at %s: say which by the delimiter",
                    wf_delimiter_name(delimiter), wf_delimiter_name(records->rival));
    error->option = "delimiter";
    return error->rc;
}

/* The first record, behind the one that may tell the delimiter. */
static int next_head(wf_records *records, weft_catalog_error *error)
{
    int rc = next_piece(records, error);
    if (rc > 0 && wf_delimiter_is_told(&records->csv))
        rc = next_piece(records, error);
    records->head_line = records->csv.row_place.line;
    return rc;
}

static int fail_column(const wf_records *records, const char *missing, const char *option,
                       weft_catalog_error *error)
{
    char there[100], split[32] = "";
    const char *between = wf_delimiter_name(records->csv.delimiter);
    bool is_told = records->csv.delimiter != ',' || records->rival != '\0';
    if (records->format == WEFT_FILE_CSV && between != NULL && is_told)
        snprintf(split, sizeof(split), ", split at %s,", between);
    list_columns(records, there, sizeof(there));
    wf_records_fail(records, error, -WEFT_M_EVALID, records->head_line,
                    "no column %s; the first row%s has %s", missing, split, there);
    error->option = records->rival != '\0' ? "delimiter" : option;
    return error->rc;
}

/* Of the usual names: "query, text or name". */
static int fail_all(const wf_records *records, weft_catalog_error *error)
{
    const wf_wanted *wanted = &records->columns_wanted;
    char names[COLUMN_SHOWN_BYTES + 1] = "";
    for (size_t i = 0; i < wanted->count; i++) {
        size_t used = strlen(names);
        const char *between = i == 0 ? "" : i + 1 < wanted->count ? ", " : " or ";
        snprintf(names + used, sizeof(names) - used, "%s%.*s", between, (int)wanted->names[i].len,
                 wanted->names[i].ptr);
    }
    return fail_column(records, names, wanted->options[0], error);
}

static int fail_one(const wf_records *records, size_t index, weft_catalog_error *error)
{
    const wf_wanted *wanted = &records->columns_wanted;
    weft_str name = wanted->names[index];
    char shown[COLUMN_SHOWN_BYTES + 1];
    snprintf(shown, sizeof(shown), "%.*s", (int)wf_utf8_cut(name.ptr, name.len, COLUMN_SHOWN_BYTES),
             name.ptr);
    return fail_column(records, shown, wanted->options[index], error);
}

/* Are those there without which the file is of no use?  Where any of several will do, so will a
 * table of one column. */
static int check_columns(const wf_records *records, weft_catalog_error *error)
{
    const wf_wanted *wanted = &records->columns_wanted;
    if (wanted->is_any && wanted->count > 1 && records->column_count == 1)
        return 0;
    for (size_t i = 0; i < wanted->count; i++) {
        weft_str name = wanted->names[i];
        bool is_there = wf_records_column(records, name.ptr, name.len) != WF_NO_FIELD;
        if (is_there == wanted->is_any)
            return is_there ? 0 : fail_one(records, i, error);
    }
    if (!wanted->is_any)
        return 0;
    return wanted->count > 1 ? fail_all(records, error) : fail_one(records, 0, error);
}

static int read_columns(wf_records *records, weft_catalog_error *error)
{
    int rc = next_head(records, error);
    if (rc == 0)
        return wf_records_fail(records, error, -WEFT_ESYNTAX, 0,
                               "is empty; its first row must name the columns");
    if (rc < 0) {
        error->is_row = false; /* without its first row a file means nothing */
        return rc;
    }
    records->columns = wf_array(records->csv.field_count, sizeof(*records->columns));
    if (records->columns == NULL)
        return fail_system(records, error, -ENOMEM);
    for (size_t i = 0; i < records->csv.field_count; i++) {
        weft_str field = wf_csv_field(&records->csv, i);
        char *name = wf_strdup(field.ptr, field.len);
        if (name == NULL)
            return fail_system(records, error, -ENOMEM);
        bool is_twice = field.len != 0 && has_column_before(records, name);
        records->columns[records->column_count++] = name;
        if (is_twice)
            return wf_records_fail(records, error, -WEFT_ESYNTAX, records->csv.row_place.line,
                                   "the column %.64s stands twice in the first row", name);
    }
    return check_columns(records, error);
}

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

/* Shows `it` all bytes that are needed; what has come once is not looked at again. */
static int feed_delimiter(wf_records *records, wf_delimiter *it)
{
    wf_source *source = &records->source;
    int rc = wf_source_fill(source);
    for (size_t at = source->at; rc > 0;) {
        int is_done = wf_delimiter_feed(it, source->mem + at, source->end - at);
        if (is_done != 0)
            return is_done < 0 ? is_done : 0;
        at = source->end;
        rc = wf_source_more(source);
    }
    return rc < 0 ? rc : wf_delimiter_end(it);
}

/* What separates the fields of this CSV: *out, or negative with *error. */
static int find_delimiter(wf_records *records, char *out, weft_catalog_error *error)
{
    wf_delimiter it;
    *out = records->delimiter;
    if (*out != '\0')
        return 0;
    wf_delimiter_init(&it, records->row_bytes_max);
    int rc = feed_delimiter(records, &it);
    bool is_wanted = wf_delimiter_choose(&it, &records->columns_wanted, out, &records->rival);
    wf_delimiter_fini(&it);
    if (rc < 0)
        return fail_system(records, error, rc);
    return records->rival == '\0' || (*out == ',' && !is_wanted) ? 0
                                                                 : fail_doubt(records, *out, error);
}

/* Before the first row: which format, and what its columns are. */
static int begin(wf_records *records, weft_catalog_error *error)
{
    char delimiter = '\t';
    int rc = choose_format(records);
    if (rc < 0)
        return fail_system(records, error, rc);
    if (records->source.alien != NULL)
        return wf_records_fail(records, error, -WEFT_ESYNTAX, 0, "%s", records->source.alien);
    wf_lines_init(&records->lines, records->row_bytes_max);
    wf_array_init(&records->array, records->row_bytes_max);
    bool is_csv = records->format == WEFT_FILE_CSV;
    if (is_csv)
        rc = find_delimiter(records, &delimiter, error);
    if (rc < 0)
        return rc;
    wf_csv_init(&records->csv, delimiter, is_csv, records->row_bytes_max);
    return is_csv || records->format == WEFT_FILE_TSV ? read_columns(records, error) : 0;
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
        return fail_system(records, error, rc);
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

int wf_records_next(wf_records *records, wf_record *out, weft_catalog_error *error)
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
        int rc = next_piece(records, error);
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
