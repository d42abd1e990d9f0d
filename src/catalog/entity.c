/* SPDX-License-Identifier: MIT */

#include "catalog/entity.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "catalog/parents.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void wf_entity_draft_fini(wf_entity_draft *draft)
{
    wf_free(draft->aliases);
    draft->aliases = NULL;
    weft_json_writer_free(draft->extra);
    draft->extra = NULL;
}

static int fail(const wf_entity_draft *draft, weft_catalog_error *error, size_t line,
                const char *field, const char *what)
{
    wf_records_fail(draft->records, error, -WEFT_M_EVALID, line, "%s", what);
    snprintf(error->field, sizeof(error->field), "%s", field);
    return wf_records_fail_row(draft->records, error);
}

/* Of a field that the caller may call otherwise; `index` of an item of its array, or SIZE_MAX. */
static int fail_key(const wf_entity_draft *draft, weft_catalog_error *error, size_t line,
                    weft_str key, size_t index, const char *what)
{
    char field[64];
    int shown = wf_utf8_shown(key.ptr, key.len, 40);
    if (index == SIZE_MAX)
        snprintf(field, sizeof(field), "%.*s", shown, key.ptr);
    else
        snprintf(field, sizeof(field), "%.*s[%zu]", shown, key.ptr, index);
    return fail(draft, error, line, field, what);
}

static int fail_memory(const wf_entity_draft *draft, weft_catalog_error *error)
{
    return wf_records_fail(draft->records, error, -ENOMEM, 0, "%s", weft_strerror(-ENOMEM));
}

int wf_entity_draft_init(wf_entity_draft *draft, const wf_records *records, wf_field_set *seen,
                         const weft_catalog_options *options, weft_catalog_error *error)
{
    *draft = (wf_entity_draft){.records = records,
                               .seen = seen,
                               .merges = options->merges,
                               .text_bytes_max = wf_text_bytes_max(options)};
    wf_field_names_init(&draft->names, options);
    return weft_json_writer_new(&draft->extra, 0) < 0 ? fail_memory(draft, error) : 0;
}

static int add_alias(wf_entity_draft *draft, weft_str alias)
{
    size_t count = draft->entity.alias_count;
    weft_str *aliases = wf_more(draft->aliases, count, &draft->alias_capacity, sizeof(*aliases));
    if (aliases == NULL)
        return -ENOMEM;
    draft->aliases = aliases;
    draft->aliases[count] = alias;
    draft->entity.alias_count = count + 1;
    draft->entity.aliases = draft->aliases;
    return 0;
}

/* ---- CSV and TSV ---- */

static size_t column_of(const wf_entity_draft *draft, weft_str name)
{
    return wf_records_column(draft->records, name.ptr, name.len);
}

static int note_columns(const wf_entity_draft *draft, weft_catalog_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < draft->records->column_count && rc == 0; i++)
        rc = wf_field_set_add(draft->seen, weft_str_of(draft->records->columns[i]),
                              /* is_column= */ true);
    return rc < 0 ? fail_memory(draft, error) : 0;
}

/* The first two are there, or the records would have said so. */
static int find_columns(wf_entity_draft *draft, weft_catalog_error *error)
{
    draft->id_column = column_of(draft, draft->names.id);
    draft->name_column = column_of(draft, draft->names.name);
    draft->text_column = column_of(draft, draft->names.text);
    for (size_t i = 0; i < draft->names.alias_count; i++)
        draft->alias_columns[i] = column_of(draft, draft->names.aliases[i]);
    draft->parents_column = column_of(draft, draft->names.parents);
    if (column_of(draft, weft_str_of("hierarchy")) != WF_NO_FIELD)
        draft->parents_column = WF_NO_FIELD; /* the key is taken */
    draft->has_columns = true;
    return note_columns(draft, error);
}

static weft_str trim(weft_str text)
{
    while (text.len > 0 && text.ptr[0] == ' ') {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && text.ptr[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* The next of "a|b|c", without what is blank between two bars; false: there is none. */
static bool next_part(const wf_entity_draft *draft, weft_str *rest, weft_str *out)
{
    while (rest->len != 0) {
        const char *bar = memchr(rest->ptr, draft->names.separator, rest->len);
        size_t bytes = bar == NULL ? rest->len : (size_t)(bar - rest->ptr);
        size_t used = bytes + (bar != NULL);
        *out = trim((weft_str){rest->ptr, bytes});
        *rest = (weft_str){rest->ptr + used, rest->len - used};
        if (!wf_utf8_is_blank(*out))
            return true;
    }
    return false;
}

static int split_aliases(wf_entity_draft *draft, weft_str text)
{
    weft_str alias;
    int rc = 0;
    while (rc == 0 && next_part(draft, &text, &alias))
        rc = add_alias(draft, alias);
    return rc;
}

static bool is_own_column(const wf_entity_draft *draft, size_t column)
{
    bool is_own = column == draft->parents_column || column == draft->id_column ||
                  column == draft->name_column || column == draft->text_column;
    for (size_t i = 0; i < draft->names.alias_count; i++)
        is_own |= column == draft->alias_columns[i];
    return is_own;
}

/* Of "a|b"; nothing of a blank field. */
static bool extra_of_parents(wf_entity_draft *draft, weft_str text)
{
    weft_str id;
    if (!next_part(draft, &text, &id))
        return false;
    wf_parents_begin(draft->extra);
    do
        weft_json_put_str(draft->extra, id);
    while (next_part(draft, &text, &id));
    wf_parents_end(draft->extra);
    return true;
}

/* The other columns that are not empty, as one JSON object.  False: it would have two of no name;
 * spreadsheets write such columns, but empty. */
static bool extra_of_fields(wf_entity_draft *draft, const wf_csv *fields)
{
    weft_json_writer *json = draft->extra;
    size_t nameless_count = 0;
    bool has_any = draft->parents_column != WF_NO_FIELD &&
                   extra_of_parents(draft, wf_csv_field(fields, draft->parents_column));
    for (size_t i = 0; i < fields->field_count; i++) {
        weft_str field = wf_csv_field(fields, i);
        if (is_own_column(draft, i) || field.len == 0)
            continue;
        if (!has_any)
            weft_json_begin_object(json);
        has_any = true;
        nameless_count += draft->records->columns[i][0] == '\0';
        weft_json_put_key(json, draft->records->columns[i]);
        weft_json_put_str(json, field);
    }
    if (has_any)
        weft_json_end_object(json);
    return nameless_count <= 1;
}

static int read_fields(wf_entity_draft *draft, const wf_record *record, weft_catalog_error *error)
{
    const wf_csv *fields = record->fields;
    weft_m_entity *entity = &draft->entity;
    int rc = draft->has_columns ? 0 : find_columns(draft, error);
    if (rc < 0)
        return rc;

    entity->id = wf_csv_field(fields, draft->id_column);
    if (wf_utf8_is_blank(entity->id))
        return fail_key(draft, error, record->line, draft->names.id, SIZE_MAX, "is empty");
    entity->name = wf_csv_field(fields, draft->name_column);
    if (wf_utf8_is_blank(entity->name))
        return fail_key(draft, error, record->line, draft->names.name, SIZE_MAX, "is empty");
    if (draft->text_column != WF_NO_FIELD && wf_csv_field(fields, draft->text_column).len != 0)
        entity->text = wf_csv_field(fields, draft->text_column);
    for (size_t i = 0; i < draft->names.alias_count && rc == 0; i++) {
        if (draft->alias_columns[i] != WF_NO_FIELD)
            rc = split_aliases(draft, wf_csv_field(fields, draft->alias_columns[i]));
    }
    if (rc < 0)
        return fail_memory(draft, error);
    return extra_of_fields(draft, fields)
               ? 0
               : fail(draft, error, record->line, "", "values in two columns without a name");
}

/* ---- JSON ---- */

static void extra_of_object(wf_entity_draft *draft, const weft_json *object,
                            const weft_json *parents)
{
    weft_json_writer *json = draft->extra;
    weft_json_member member = {0};
    bool has_any = parents != NULL;
    if (parents != NULL)
        wf_parents_put(draft->extra, parents);
    while (weft_json_next(object, &member)) {
        if (wf_field_names_has(&draft->names, member.key) ||
            (parents != NULL && wf_str_equals(member.key, draft->names.parents)))
            continue;
        if (!has_any)
            weft_json_begin_object(json);
        has_any = true;
        weft_json_put_key_str(json, member.key);
        weft_json_put_value(json, member.value);
    }
    if (has_any)
        weft_json_end_object(json);
}

/* What is wrong with the id, or NULL.  An integer becomes its digits. */
static const char *take_id(wf_entity_draft *draft, const weft_json *id, char digits[24])
{
    weft_m_entity *entity = &draft->entity;
    switch (weft_json_kind(id)) {
    case WEFT_JSON_NONE:
        return "is missing";
    case WEFT_JSON_STRING:
        entity->id = weft_json_string(id);
        return wf_utf8_is_blank(entity->id) ? "is empty" : NULL;
    case WEFT_JSON_INTEGER: {
        int bytes = snprintf(digits, 24, "%lld", (long long)weft_json_integer(id));
        entity->id = (weft_str){digits, (size_t)bytes};
        entity->id_is_integer = true;
        return NULL;
    }
    default:
        return "must be a string or an integer";
    }
}

static const char *take_name(weft_m_entity *entity, const weft_json *name)
{
    entity->name = weft_json_string(name);
    if (name == NULL)
        return "is missing";
    if (entity->name.ptr == NULL)
        return "must be a string";
    return wf_utf8_is_blank(entity->name) ? "is empty" : NULL;
}

static const char *take_text(weft_m_entity *entity, const weft_json *text)
{
    if (text == NULL || weft_json_kind(text) == WEFT_JSON_NULL)
        return NULL;
    entity->text = weft_json_string(text);
    return entity->text.ptr == NULL ? "must be a string" : NULL;
}

static int take_alias(wf_entity_draft *draft, const weft_json *value, size_t line, weft_str key,
                      size_t index, weft_catalog_error *error)
{
    weft_str alias = weft_json_string(value);
    if (alias.ptr == NULL || wf_utf8_is_blank(alias))
        return fail_key(draft, error, line, key, index,
                        alias.ptr == NULL ? "must be a string" : "is empty");
    return add_alias(draft, alias) < 0 ? fail_memory(draft, error) : 0;
}

/* What was a field of CSV, and became JSON as it stood. */
static int take_string(wf_entity_draft *draft, weft_str text, size_t line, weft_str key,
                       weft_catalog_error *error)
{
    if (wf_utf8_is_blank(text))
        return fail_key(draft, error, line, key, SIZE_MAX, "is empty");
    return split_aliases(draft, text) < 0 ? fail_memory(draft, error) : 0;
}

static int take_aliases(wf_entity_draft *draft, const weft_json *aliases, size_t line, weft_str key,
                        weft_catalog_error *error)
{
    int rc = 0;
    if (aliases == NULL || weft_json_kind(aliases) == WEFT_JSON_NULL)
        return 0;
    if (weft_json_kind(aliases) == WEFT_JSON_STRING)
        return take_string(draft, weft_json_string(aliases), line, key, error);
    if (weft_json_kind(aliases) != WEFT_JSON_ARRAY)
        return fail_key(draft, error, line, key, SIZE_MAX, "must be an array of strings");
    for (size_t i = 0; i < weft_json_count(aliases) && rc == 0; i++)
        rc = take_alias(draft, weft_json_item(aliases, i), line, key, i, error);
    return rc;
}

static int note_keys(const wf_entity_draft *draft, const weft_json *object,
                     weft_catalog_error *error)
{
    weft_json_member member = {0};
    int rc = 0;
    while (rc == 0 && weft_json_next(object, &member))
        rc = wf_field_set_add(draft->seen, member.key, /* is_column= */ false);
    return rc < 0 ? fail_memory(draft, error) : 0;
}

static int read_object(wf_entity_draft *draft, const wf_record *record, weft_catalog_error *error)
{
    const weft_json *object = record->json;
    if (weft_json_kind(object) != WEFT_JSON_OBJECT)
        return fail(draft, error, record->line, "", "the row must be an object");
    if (note_keys(draft, object, error) < 0)
        return error->rc;
    const char *wrong =
        take_id(draft, weft_json_get_str(object, draft->names.id), draft->id_digits);
    if (wrong != NULL)
        return fail_key(draft, error, record->line, draft->names.id, SIZE_MAX, wrong);
    wrong = take_name(&draft->entity, weft_json_get_str(object, draft->names.name));
    if (wrong != NULL)
        return fail_key(draft, error, record->line, draft->names.name, SIZE_MAX, wrong);
    wrong = take_text(&draft->entity, weft_json_get(object, "text"));
    if (wrong != NULL)
        return fail(draft, error, record->line, "text", wrong);
    int rc = 0;
    for (size_t i = 0; i < draft->names.alias_count && rc == 0; i++) {
        weft_str key = draft->names.aliases[i];
        rc = take_aliases(draft, weft_json_get_str(object, key), record->line, key, error);
    }
    if (rc < 0)
        return rc;
    const weft_json *parents = wf_parents_find(&draft->names, object);
    size_t bad;
    wrong = wf_parents_check(parents, &bad);
    if (wrong != NULL)
        return fail_key(draft, error, record->line, draft->names.parents, bad, wrong);
    extra_of_object(draft, object, parents);
    return 0;
}

/* ---- both ---- */

static int take_extra(wf_entity_draft *draft, const wf_record *record, weft_catalog_error *error)
{
    weft_str extra;
    int rc = weft_json_writer_get(draft->extra, &extra);
    if (rc == -WEFT_ELIMIT)
        return fail(draft, error, record->line, "", "a value of another key is nested too deep");
    if (rc < 0)
        return fail_memory(draft, error);
    if (extra.len != 0)
        draft->entity.extra = extra;
    return 0;
}

static int check_bytes(const wf_entity_draft *draft, size_t line, weft_str text, weft_str key,
                       weft_catalog_error *error)
{
    char what[64];
    if (text.len <= draft->text_bytes_max)
        return 0;
    snprintf(what, sizeof(what), "has too many bytes (limit %zu)", draft->text_bytes_max);
    fail_key(draft, error, line, key, SIZE_MAX, what);
    error->limit = draft->text_bytes_max;
    return error->rc = -WEFT_ELIMIT;
}

/* What the matcher would refuse, with all the others, is one bad row here. */
static int check_texts(const wf_entity_draft *draft, size_t line, weft_catalog_error *error)
{
    const weft_m_entity *entity = &draft->entity;
    int rc = check_bytes(draft, line, entity->id, draft->names.id, error);
    if (rc == 0)
        rc = check_bytes(draft, line, entity->name, draft->names.name, error);
    if (rc == 0)
        rc = check_bytes(draft, line, entity->text, draft->names.text, error);
    for (size_t i = 0; i < entity->alias_count && rc == 0; i++)
        rc = check_bytes(draft, line, entity->aliases[i], draft->names.aliases[0], error);
    return rc;
}

int wf_entity_read(wf_entity_draft *draft, const wf_record *record, weft_catalog_error *error)
{
    draft->entity = (weft_m_entity){0};
    weft_json_writer_reset(draft->extra);
    int rc = record->fields != NULL ? read_fields(draft, record, error)
                                    : read_object(draft, record, error);
    if (rc == 0)
        rc = check_texts(draft, record->line, error);
    return rc < 0 ? rc : take_extra(draft, record, error);
}

/* Places for so many aliases; with merging as many as the next power of two, so that the places of
 * an entity are known by its count. */
static size_t alias_places(const wf_entity_draft *draft, size_t count)
{
    size_t places = 1;
    if (!draft->merges)
        return count;
    while (places < count)
        places *= 2;
    return places;
}

int wf_entity_copy(const wf_entity_draft *draft, wf_arena *arena, weft_m_entity *out)
{
    const weft_m_entity *from = &draft->entity;
    weft_m_entity copy = *from;
    weft_str *aliases = NULL;
    if (!wf_arena_copy(arena, from->id, &copy.id) ||
        !wf_arena_copy(arena, from->name, &copy.name) ||
        !wf_arena_copy(arena, from->text, &copy.text) ||
        !wf_arena_copy(arena, from->extra, &copy.extra))
        return -ENOMEM;
    if (from->alias_count != 0)
        aliases = wf_arena_array(arena, alias_places(draft, from->alias_count), sizeof(*aliases));
    if (from->alias_count != 0 && aliases == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < from->alias_count; i++) {
        if (!wf_arena_copy(arena, from->aliases[i], &aliases[i]))
            return -ENOMEM;
    }
    copy.aliases = aliases;
    *out = copy;
    return 0;
}

static bool has_text(const weft_m_entity *entity, weft_str text)
{
    bool has = wf_str_equals(entity->name, text);
    for (size_t i = 0; i < entity->alias_count && !has; i++)
        has = wf_str_equals(entity->aliases[i], text);
    return has;
}

int wf_entity_merge(const wf_entity_draft *draft, wf_arena *arena, weft_m_entity *out)
{
    const weft_m_entity *from = &draft->entity;
    weft_m_entity merged = *out;
    weft_str *all = (weft_str *)(uintptr_t)out->aliases; /* the arena's, which is ours */
    size_t count_max = out->alias_count + from->alias_count + 1;
    if (count_max > WF_ALIAS_COUNT_MAX)
        return -WEFT_ELIMIT;
    if (out->alias_count == 0 || alias_places(draft, out->alias_count) < count_max) {
        all = wf_arena_array(arena, alias_places(draft, count_max), sizeof(*all));
        if (all == NULL)
            return -ENOMEM;
        if (out->alias_count != 0)
            memcpy(all, out->aliases, out->alias_count * sizeof(*all));
    }
    merged.aliases = all;
    for (size_t i = 0; i <= from->alias_count; i++) {
        weft_str text = i == 0 ? from->name : from->aliases[i - 1];
        if (has_text(&merged, text))
            continue;
        if (!wf_arena_copy(arena, text, &all[merged.alias_count]))
            return -ENOMEM;
        merged.alias_count++;
    }
    *out = merged;
    return 0;
}
