/* SPDX-License-Identifier: MIT */

#include "catalog/records.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define FIELD_SHOWN_BYTES 40u

struct weft_queries {
    wf_records records;
    char *name;
    weft_catalog_options options;
    char *field;                 /* the key or column to take; NULL: the first of the usual ones */
    char *label_field;           /* NULL: there are no labels */
    size_t column, label_column; /* CSV, TSV */
    bool has_column;
    weft_str label;
    char digits[24]; /* of a label */
    size_t skip_count;
};

static const char *const usual_fields[] = {"query", "text", "name"};
#define USUAL_COUNT (sizeof(usual_fields) / sizeof(*usual_fields))

void weft_queries_close(weft_queries *queries)
{
    if (queries == NULL)
        return;
    wf_records_close(&queries->records);
    wf_free(queries->name);
    wf_free(queries->field);
    wf_free(queries->label_field);
    wf_free(queries);
}

/* The caller's, or any of the usual; with labels both. */
static wf_wanted wanted_columns(const weft_queries *queries)
{
    wf_wanted wanted = {.options = {"field", "field", "field"}, .is_any = true};
    if (queries->field != NULL)
        wanted.names[wanted.count++] = weft_str_of(queries->field);
    if (queries->label_field != NULL) {
        wanted.options[wanted.count] = "label_field";
        wanted.names[wanted.count++] = weft_str_of(queries->label_field);
        wanted.is_any = false;
    }
    for (size_t i = 0; queries->field == NULL && i < USUAL_COUNT; i++)
        wanted.names[wanted.count++] = weft_str_of(usual_fields[i]);
    return wanted;
}

static int dup_name(weft_str name, char **out)
{
    *out = name.len != 0 ? wf_strdup(name.ptr, name.len) : NULL;
    return name.len == 0 || *out != NULL ? 0 : -ENOMEM;
}

static int name_fields(weft_queries *queries)
{
    weft_str field = queries->options.field, label = queries->options.label_field;
    if (field.len == 0 && label.len != 0)
        field = weft_str_of("text");
    int rc = dup_name(field, &queries->field);
    return rc == 0 ? dup_name(label, &queries->label_field) : rc;
}

static int queries_new(weft_queries **out, const char *name, const weft_catalog_options *options,
                       weft_catalog_read_fn *read, void *arg, weft_catalog_error *error)
{
    *error = (weft_catalog_error){.rc = -ENOMEM};
    snprintf(error->text, sizeof(error->text), "%s", weft_strerror(-ENOMEM));
    weft_queries *queries = wf_alloc(sizeof(*queries));
    if (queries == NULL)
        return -ENOMEM;
    queries->records.source.fd = -1;
    queries->options = options != NULL ? *options : (weft_catalog_options){0};
    int rc = name_fields(queries);
    queries->name = wf_strdup(name, strlen(name));
    if (rc < 0 || queries->name == NULL) {
        rc = -ENOMEM;
        goto out;
    }
    const wf_wanted wanted = wanted_columns(queries);
    rc = wf_records_open(&queries->records, queries->name, &queries->options, &wanted, read, arg,
                         error);
    if (rc < 0)
        goto out;
    /* The bytes are not asked: a text may begin with a bracket. */
    if (queries->records.format == WEFT_FILE_AUTO)
        queries->records.format = WEFT_FILE_LINES;
    if (queries->records.format == WEFT_FILE_LINES && queries->options.row_bytes_max == 0)
        queries->records.row_bytes_max = wf_text_bytes_max(&queries->options);
    *out = queries;
    queries = NULL;
out:
    weft_queries_close(queries);
    return wf_records_told(rc, error);
}

int weft_queries_open(weft_queries **out, const char *path, const weft_catalog_options *options,
                      weft_catalog_error *error)
{
    weft_catalog_error ignored;
    return queries_new(out, path, options, NULL, NULL, error != NULL ? error : &ignored);
}

int weft_queries_open_read(weft_queries **out, const char *name,
                           const weft_catalog_options *options, weft_catalog_read_fn *read,
                           void *arg)
{
    weft_catalog_error ignored;
    return queries_new(out, name, options, read, arg, &ignored);
}

/* What is no text, or label: of the field that was asked for, if the row has fields at all. */
static int fail_row(const weft_queries *queries, weft_catalog_error *error, const wf_record *record,
                    const char *field)
{
    const char *what = "the row must be a string, or an object with a string in its field";
    bool is_object = weft_json_kind(record->json) == WEFT_JSON_OBJECT;
    bool is_named = is_object && field != NULL;
    if (is_named && weft_json_get(record->json, field) == NULL)
        what = "is missing";
    else if (is_named)
        what =
            field == queries->label_field ? "must be a string or an integer" : "must be a string";
    else if (queries->label_field != NULL)
        what = "the row must be an object";
    wf_records_fail(&queries->records, error, -WEFT_M_EVALID, record->line, "%s", what);
    if (is_named)
        snprintf(error->field, sizeof(error->field), "%.*s",
                 (int)wf_utf8_cut(field, strlen(field), FIELD_SHOWN_BYTES), field);
    return wf_records_fail_row(&queries->records, error);
}

/* It is there, or the records would have said so. */
static void find_column(weft_queries *queries)
{
    const wf_records *records = &queries->records;
    queries->column = WF_NO_FIELD;
    if (queries->field != NULL)
        queries->column = wf_records_column(records, queries->field, strlen(queries->field));
    for (size_t i = 0; queries->field == NULL && i < USUAL_COUNT; i++) {
        if (queries->column == WF_NO_FIELD)
            queries->column = wf_records_column(records, usual_fields[i], strlen(usual_fields[i]));
    }
    if (queries->field == NULL && records->column_count == 1)
        queries->column = 0;
    if (queries->label_field != NULL)
        queries->label_column =
            wf_records_column(records, queries->label_field, strlen(queries->label_field));
    queries->has_column = true;
}

static weft_str text_of_json(const weft_queries *queries, const weft_json *json)
{
    bool is_object = weft_json_kind(json) == WEFT_JSON_OBJECT;
    if (!is_object)
        return queries->label_field == NULL ? weft_json_string(json) : (weft_str){NULL, 0};
    if (queries->field != NULL)
        return weft_json_string(weft_json_get(json, queries->field));
    for (size_t i = 0; i < USUAL_COUNT; i++) {
        const weft_json *value = weft_json_get(json, usual_fields[i]);
        if (value != NULL)
            return weft_json_string(value);
    }
    return (weft_str){NULL, 0};
}

static weft_str label_of_json(weft_queries *queries, const weft_json *json)
{
    const weft_json *value = weft_json_get(json, queries->label_field);
    enum weft_json_kind kind = weft_json_kind(value);
    if (kind == WEFT_JSON_NULL)
        return (weft_str){"", 0};
    if (kind != WEFT_JSON_INTEGER)
        return weft_json_string(value);
    int bytes = snprintf(queries->digits, sizeof(queries->digits), "%lld",
                         (long long)weft_json_integer(value));
    return (weft_str){queries->digits, (size_t)bytes};
}

static int check_bytes(const weft_queries *queries, const wf_record *record, weft_str text,
                       weft_catalog_error *error)
{
    size_t limit = wf_text_bytes_max(&queries->options);
    if (text.len <= limit || record->text.ptr != NULL)
        return 1;
    wf_records_fail(&queries->records, error, -WEFT_ELIMIT, record->line,
                    "the text has too many bytes (limit %zu)", limit);
    error->limit = limit;
    return wf_records_fail_row(&queries->records, error);
}

static int take_text(weft_queries *queries, const wf_record *record, weft_str *out,
                     weft_catalog_error *error)
{
    if (record->fields != NULL) {
        if (!queries->has_column)
            find_column(queries);
        *out = wf_csv_field(record->fields, queries->column);
        return check_bytes(queries, record, *out, error);
    }
    weft_str text = record->json != NULL ? text_of_json(queries, record->json) : record->text;
    if (text.ptr == NULL)
        return fail_row(queries, error, record, queries->field);
    *out = text;
    return check_bytes(queries, record, text, error);
}

/* The text's was taken. */
static int take_label(weft_queries *queries, const wf_record *record, weft_catalog_error *error)
{
    queries->label = (weft_str){"", 0};
    if (queries->label_field == NULL)
        return 1;
    if (record->fields != NULL) {
        queries->label = wf_csv_field(record->fields, queries->label_column);
    } else if (record->json != NULL) {
        queries->label = label_of_json(queries, record->json);
        if (queries->label.ptr == NULL)
            return fail_row(queries, error, record, queries->label_field);
    }
    return check_bytes(queries, record, queries->label, error);
}

int weft_queries_next(weft_queries *queries, weft_str *out_text, size_t *out_line,
                      weft_catalog_error *error)
{
    weft_catalog_error ignored;
    if (error == NULL)
        error = &ignored;
    for (;;) {
        wf_record record;
        weft_str text;
        int rc = wf_records_next(&queries->records, &record, error);
        if (rc > 0)
            rc = take_text(queries, &record, &text, error);
        if (rc > 0)
            rc = take_label(queries, &record, error);
        if (rc == 0)
            return 0;
        if (rc > 0) {
            *out_text = text;
            *out_line = record.line;
            return 1;
        }
        if (!queries->options.skip_bad || !error->is_row)
            return wf_records_told(rc, error);
        queries->skip_count++;
        if (queries->options.on_skip != NULL)
            queries->options.on_skip(error, queries->options.on_skip_arg);
    }
}

weft_str weft_queries_label(const weft_queries *queries)
{
    return queries->label;
}

bool weft_queries_must_wait(const weft_queries *queries)
{
    const wf_source *source = &queries->records.source;
    return source->at == source->end && !source->is_ended;
}

char weft_queries_delimiter(const weft_queries *queries)
{
    const wf_records *records = &queries->records;
    return records->is_begun && records->format == WEFT_FILE_CSV ? records->csv.delimiter : '\0';
}

size_t weft_queries_skip_count(const weft_queries *queries)
{
    return queries->skip_count;
}

uint64_t weft_queries_bytes(const weft_queries *queries)
{
    return queries->records.source.bytes;
}
