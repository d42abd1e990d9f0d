/* SPDX-License-Identifier: MIT */

#include "catalog/entity.h"
#include "catalog/id_set.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define ENTITY_COUNT_MAX ((size_t)10 * 1000 * 1000)

#define FILE_SHOWN_BYTES 60u

/* Where entities came from: those from `first` on. */
struct catalog_file {
    weft_str name; /* with a NUL behind it */
    size_t first;
};

struct weft_catalog {
    wf_arena arena;             /* strings of the entities */
    struct catalog_file *files; /* those that had any */
    size_t file_count, file_capacity;
    weft_m_entity *entities;
    size_t *lines; /* one an entity */
    size_t count, capacity, line_capacity;
    size_t skip_count, merge_count;
    wf_id_set ids;
    wf_field_set fields; /* of all records, bad ones too */
};

int weft_catalog_new(weft_catalog **out)
{
    weft_catalog *catalog = wf_alloc(sizeof(*catalog));
    if (catalog == NULL)
        return -ENOMEM;
    int rc = wf_id_set_init(&catalog->ids);
    if (rc < 0) {
        wf_free(catalog);
        return rc;
    }
    *out = catalog;
    return 0;
}

void weft_catalog_free(weft_catalog *catalog)
{
    if (catalog == NULL)
        return;
    wf_arena_fini(&catalog->arena);
    wf_id_set_fini(&catalog->ids);
    wf_field_set_fini(&catalog->fields);
    wf_free(catalog->entities);
    wf_free(catalog->lines);
    wf_free(catalog->files);
    wf_free(catalog);
}

const weft_m_entity *weft_catalog_entities(const weft_catalog *catalog, size_t *out_count)
{
    *out_count = catalog->count;
    return catalog->entities;
}

size_t weft_catalog_line(const weft_catalog *catalog, size_t entity)
{
    return entity < catalog->count ? catalog->lines[entity] : 0;
}

const char *weft_catalog_file(const weft_catalog *catalog, size_t entity)
{
    for (size_t i = catalog->file_count; i-- > 0 && entity < catalog->count;) {
        if (catalog->files[i].first <= entity)
            return catalog->files[i].name.ptr;
    }
    return "";
}

size_t weft_catalog_skip_count(const weft_catalog *catalog)
{
    return catalog->skip_count;
}

size_t weft_catalog_merge_count(const weft_catalog *catalog)
{
    return catalog->merge_count;
}

bool weft_catalog_has_field(const weft_catalog *catalog, weft_str name)
{
    return wf_field_set_has(&catalog->fields, name);
}

size_t weft_catalog_field_count(const weft_catalog *catalog)
{
    return catalog->fields.count;
}

weft_str weft_catalog_field(const weft_catalog *catalog, size_t index)
{
    return index < catalog->fields.count ? catalog->fields.items[index].name : (weft_str){0};
}

/* ---- reading ---- */

static int catalog_reserve(weft_catalog *catalog)
{
    weft_m_entity *entities =
        wf_more(catalog->entities, catalog->count, &catalog->capacity, sizeof(*entities));
    if (entities == NULL)
        return -ENOMEM;
    catalog->entities = entities;
    size_t *lines =
        wf_more(catalog->lines, catalog->count, &catalog->line_capacity, sizeof(*lines));
    if (lines == NULL)
        return -ENOMEM;
    catalog->lines = lines;
    return 0;
}

/* Before its first entity: `draft` is of this file. */
static int note_file(weft_catalog *catalog, const wf_entity_draft *draft)
{
    const char *name = draft->records->name;
    if (draft->has_added)
        return 0;
    struct catalog_file *files =
        wf_more(catalog->files, catalog->file_count, &catalog->file_capacity, sizeof(*files));
    if (files == NULL)
        return -ENOMEM;
    catalog->files = files;
    struct catalog_file *file = &catalog->files[catalog->file_count];
    file->first = catalog->count;
    if (!wf_arena_copy(&catalog->arena, (weft_str){name, strlen(name) + 1}, &file->name))
        return -ENOMEM;
    catalog->file_count++;
    return 0;
}

static int catalog_add(weft_catalog *catalog, wf_entity_draft *draft, size_t line)
{
    int rc = catalog_reserve(catalog);
    if (rc == 0)
        rc = note_file(catalog, draft);
    if (rc == 0)
        rc = wf_entity_copy(draft, &catalog->arena, &catalog->entities[catalog->count]);
    if (rc == 0)
        rc = wf_id_set_add(&catalog->ids, catalog->entities, (uint32_t)catalog->count);
    if (rc < 0)
        return rc;
    catalog->lines[catalog->count++] = line;
    draft->has_added = true;
    return 0;
}

/* What the first line of an id is a line of, unless that is the file at hand: its end, if it is
 * long. */
static const char *other_file(const weft_catalog *catalog, const wf_records *records, size_t first)
{
    const char *name = weft_catalog_file(catalog, first);
    size_t bytes = strlen(name);
    if (strcmp(name, records->name) == 0)
        return NULL;
    return bytes > FILE_SHOWN_BYTES ? name + bytes - FILE_SHOWN_BYTES : name;
}

static int fail_twice(const weft_catalog *catalog, const wf_entity_draft *draft, size_t first,
                      size_t line, weft_catalog_error *error)
{
    const wf_records *records = draft->records;
    weft_str id = draft->entity.id, key = draft->names.id;
    const char *file = other_file(catalog, records, first);
    wf_records_fail(records, error, -WEFT_M_EVALID, line,
                    "%.*s is there already, from line %zu%s%s",
                    (int)wf_utf8_cut(id.ptr, id.len, 64), id.ptr, catalog->lines[first],
                    file != NULL ? " of " : "", file != NULL ? file : "");
    snprintf(error->field, sizeof(error->field), "%.*s", (int)wf_utf8_cut(key.ptr, key.len, 40),
             key.ptr);
    error->first_line = catalog->lines[first];
    return wf_records_fail_row(records, error);
}

static size_t entity_count_max(const weft_catalog_options *options)
{
    size_t max = options->entity_count_max;
    return max == 0 || max > UINT32_MAX - 1 ? ENTITY_COUNT_MAX : max;
}

static int merge_row(weft_catalog *catalog, const wf_records *records, const wf_entity_draft *draft,
                     int64_t first, size_t line, weft_catalog_error *error)
{
    int rc = wf_entity_merge(draft, &catalog->arena, &catalog->entities[first]);
    if (rc == -WEFT_ELIMIT) {
        wf_records_fail(records, error, rc, line, "too many aliases of one entity (limit %d)",
                        WF_ALIAS_COUNT_MAX);
        error->limit = WF_ALIAS_COUNT_MAX;
        return wf_records_fail_row(records, error);
    }
    if (rc < 0)
        return wf_records_fail(records, error, rc, 0, "%s", weft_strerror(rc));
    catalog->merge_count++;
    return 1;
}

/* One row: 1 it is in, or negative. */
static int take_row(weft_catalog *catalog, const wf_records *records, const wf_record *row,
                    wf_entity_draft *draft, const weft_catalog_options *options,
                    weft_catalog_error *error)
{
    size_t count_max = entity_count_max(options);
    int rc = wf_entity_read(draft, row, error);
    if (rc < 0)
        return rc;
    weft_str id = draft->entity.id;
    int64_t first = wf_id_set_find(&catalog->ids, catalog->entities, id);
    if (first >= 0 && options->merges)
        return merge_row(catalog, records, draft, first, row->line, error);
    if (first >= 0)
        return fail_twice(catalog, draft, (size_t)first, row->line, error);
    if (catalog->count >= count_max) {
        wf_records_fail(records, error, -WEFT_ELIMIT, row->line, "too many entities (limit %zu)",
                        count_max);
        error->limit = count_max;
        return error->rc;
    }
    rc = catalog_add(catalog, draft, row->line);
    return rc < 0 ? wf_records_fail(records, error, rc, 0, "%s", weft_strerror(rc)) : 1;
}

/* The next one: 1, 0 the file is over, or negative. */
static int read_row(weft_catalog *catalog, wf_records *records, wf_entity_draft *draft,
                    const weft_catalog_options *options, weft_catalog_error *error)
{
    wf_record row;
    int rc = wf_records_next(records, &row, error);
    return rc <= 0 ? rc : take_row(catalog, records, &row, draft, options, error);
}

/* What a row came to, or 1 if it was bad and is left out. */
static int leave_out(weft_catalog *catalog, const weft_catalog_options *options,
                     const weft_catalog_error *error, int rc)
{
    if (rc >= 0 || !options->skip_bad || !error->is_row)
        return rc;
    catalog->skip_count++;
    if (options->on_skip != NULL)
        options->on_skip(error, options->on_skip_arg);
    return 1;
}

static int read_rows(weft_catalog *catalog, wf_records *records,
                     const weft_catalog_options *options, weft_catalog_error *error)
{
    wf_entity_draft draft;
    int rc = wf_entity_draft_init(&draft, records, &catalog->fields, options, error);
    for (bool has_more = rc == 0; has_more; has_more = rc > 0) {
        rc = read_row(catalog, records, &draft, options, error);
        rc = leave_out(catalog, options, error, rc);
    }
    wf_entity_draft_fini(&draft);
    return rc;
}

static int catalog_read(weft_catalog *catalog, const char *name,
                        const weft_catalog_options *options, weft_catalog_error *error,
                        weft_catalog_read_fn *read, void *arg)
{
    const weft_catalog_options defaults = {0};
    weft_catalog_error ignored;
    wf_records records;
    if (options == NULL)
        options = &defaults;
    if (error == NULL)
        error = &ignored;
    wf_field_names names;
    wf_field_names_init(&names, options);
    const wf_wanted wanted = {
        .names = {names.id, names.name}, .options = {"id_field", "name_field"}, .count = 2};
    int rc = wf_records_open(&records, name, options, &wanted, read, arg, error);
    if (rc == 0 && records.format == WEFT_FILE_LINES) {
        rc = wf_records_fail(&records, error, -EINVAL, 0,
                             "holds lines; entities are csv, tsv, json or ndjson");
        error->option = "format";
    } else if (rc == 0)
        rc = read_rows(catalog, &records, options, error);
    wf_records_close(&records);
    return wf_records_told(rc, error);
}

int weft_catalog_read_file(weft_catalog *catalog, const char *path,
                           const weft_catalog_options *options, weft_catalog_error *error)
{
    return catalog_read(catalog, path, options, error, NULL, NULL);
}

int weft_catalog_read(weft_catalog *catalog, const char *name, const weft_catalog_options *options,
                      weft_catalog_error *error, weft_catalog_read_fn *read, void *arg)
{
    return catalog_read(catalog, name, options, error, read, arg);
}

int weft_catalog_read_json(weft_catalog *catalog, const char *name, const weft_json *array,
                           const weft_catalog_options *options, weft_catalog_error *error)
{
    const weft_catalog_options defaults = {0};
    weft_catalog_error ignored;
    wf_records records = {.name = name, .format = WEFT_FILE_JSON};
    wf_entity_draft draft;
    if (options == NULL)
        options = &defaults;
    if (error == NULL)
        error = &ignored;
    if (weft_json_kind(array) != WEFT_JSON_ARRAY)
        return wf_records_told(
            wf_records_fail(&records, error, -WEFT_ESYNTAX, 0, "must be an array of entities"),
            error);
    int rc = wf_entity_draft_init(&draft, &records, &catalog->fields, options, error);
    for (size_t i = 0; i < weft_json_count(array) && rc >= 0; i++) {
        const wf_record row = {.line = i + 1, .json = weft_json_item(array, i)};
        rc = take_row(catalog, &records, &row, &draft, options, error);
        rc = leave_out(catalog, options, error, rc);
    }
    wf_entity_draft_fini(&draft);
    return rc > 0 ? 0 : wf_records_told(rc, error);
}

/* ---- errors ---- */

static void put(char *out, size_t bytes, size_t *used, const char *text)
{
    int more = snprintf(out + *used, bytes - *used, "%s", text);
    if (more > 0)
        *used += (size_t)more < bytes - *used ? (size_t)more : bytes - *used - 1;
}

size_t weft_catalog_error_text(const weft_catalog_error *error, char *out, size_t bytes)
{
    size_t used = 0;
    if (bytes == 0)
        return 0;
    out[0] = '\0';
    put(out, bytes, &used, error->file);
    const size_t numbers[] = {error->line, error->line != 0 ? error->column : 0};
    for (size_t i = 0; i < 2; i++) {
        char number[24];
        snprintf(number, sizeof(number), ":%zu", numbers[i]);
        if (numbers[i] != 0)
            put(out, bytes, &used, number);
    }
    put(out, bytes, &used, ": ");
    if (error->field[0] != '\0') {
        put(out, bytes, &used, error->field);
        put(out, bytes, &used, ": ");
    }
    put(out, bytes, &used, error->text);
    return used;
}
