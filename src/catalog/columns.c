/* SPDX-License-Identifier: MIT */

#include "catalog/columns.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define COLUMN_SHOWN_BYTES 40u

/* ---- what separates them ---- */

/* More than one character would do; so nobody guesses. */
static int fail_doubt(const wf_records *records, char delimiter, size_t line,
                      weft_catalog_error *error)
{
    wf_records_fail(records, error, -WEFT_ESYNTAX, line,
                    "the first row can be split at %s and at %s: say which by the delimiter",
                    wf_delimiter_name(delimiter), wf_delimiter_name(records->rival));
    error->option = "delimiter";
    return error->rc;
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
    size_t line = it.heads[0].csv.row_place.line;
    wf_delimiter_fini(&it);
    if (rc < 0)
        return wf_records_fail_system(records, error, rc);
    bool is_certain = records->rival == '\0' || (*out == ',' && !is_wanted);
    return is_certain ? 0 : fail_doubt(records, *out, line, error);
}

/* ---- what they are called ---- */

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

static bool has_column_before(const wf_records *records, const char *name)
{
    for (size_t i = 0; i < records->column_count; i++) {
        if (strcasecmp(records->columns[i], name) == 0)
            return true;
    }
    return false;
}

/* The first record, behind the one that may tell the delimiter. */
static int next_head(wf_records *records, weft_catalog_error *error)
{
    int rc = wf_records_next_piece(records, error);
    if (rc > 0 && wf_delimiter_is_told(&records->csv))
        rc = wf_records_next_piece(records, error);
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
        return wf_records_fail_system(records, error, -ENOMEM);
    for (size_t i = 0; i < records->csv.field_count; i++) {
        weft_str field = wf_csv_field(&records->csv, i);
        char *name = wf_strdup(field.ptr, field.len);
        if (name == NULL)
            return wf_records_fail_system(records, error, -ENOMEM);
        bool is_twice = field.len != 0 && has_column_before(records, name);
        records->columns[records->column_count++] = name;
        if (is_twice)
            return wf_records_fail(records, error, -WEFT_ESYNTAX, records->csv.row_place.line,
                                   "the column %.*s stands twice in the first row",
                                   wf_utf8_shown(name, field.len, 64), name);
    }
    return check_columns(records, error);
}

int wf_columns_read(wf_records *records, weft_catalog_error *error)
{
    bool is_csv = records->format == WEFT_FILE_CSV;
    char delimiter = '\t';
    int rc = is_csv ? find_delimiter(records, &delimiter, error) : 0;
    if (rc < 0)
        return rc;
    wf_csv_init(&records->csv, delimiter, is_csv, records->row_bytes_max);
    return read_columns(records, error);
}
