/* SPDX-License-Identifier: MIT */

/* JSON Schema (draft 2020-12) out of a table. */

#include "json/schema_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put_bound(weft_json_writer *json, const char *key, int64_t bound, int64_t none)
{
    if (bound == none)
        return;
    weft_json_put_key(json, key);
    weft_json_put_integer(json, bound);
}

static void put_range(weft_json_writer *json, const weft_range *range, const char *min_key,
                      const char *max_key)
{
    if (!range->is_set)
        return;
    put_bound(json, min_key, range->min, INT64_MIN);
    put_bound(json, max_key, range->max, INT64_MAX);
}

static void put_interval(weft_json_writer *json, const weft_interval *interval)
{
    if (!interval->is_set)
        return;
    if (isfinite(interval->min)) {
        weft_json_put_key(json, "minimum");
        weft_json_put_double(json, interval->min);
    }
    if (isfinite(interval->max)) {
        weft_json_put_key(json, "maximum");
        weft_json_put_double(json, interval->max);
    }
}

/* A null must be among them too: "enum" holds whatever "type" says. */
static void put_choices(weft_json_writer *json, const weft_field *field)
{
    if (field->choices == NULL)
        return;
    weft_json_put_key(json, "enum");
    weft_json_begin_array(json);
    for (const char *const *choice = field->choices; *choice != NULL; choice++)
        weft_json_put_text(json, *choice);
    if ((field->flags & WEFT_NULLABLE) != 0)
        weft_json_put_null(json);
    weft_json_end_array(json);
}

static void put_reference(weft_json_writer *json, const weft_schema *schema)
{
    char reference[160];
    snprintf(reference, sizeof(reference), "#/components/schemas/%s",
             schema->alias != NULL ? schema->alias : schema->name);
    weft_json_put_key(json, "$ref");
    weft_json_put_text(json, reference);
}

/* A reference stands alone, so null is another alternative. */
static void put_object(weft_json_writer *json, const weft_field *field)
{
    if ((field->flags & WEFT_NULLABLE) == 0) {
        put_reference(json, field->schema);
        return;
    }
    weft_json_put_key(json, "anyOf");
    weft_json_begin_array(json);
    weft_json_begin_object(json);
    put_reference(json, field->schema);
    weft_json_end_object(json);
    weft_json_begin_object(json);
    weft_json_put_key(json, "type");
    weft_json_put_text(json, "null");
    weft_json_end_object(json);
    weft_json_end_array(json);
}

/* "type":"integer", or ["integer","null"]. */
static void put_type(weft_json_writer *json, const weft_field *field, const char *type)
{
    weft_json_put_key(json, "type");
    if ((field->flags & WEFT_NULLABLE) == 0) {
        weft_json_put_text(json, type);
        return;
    }
    weft_json_begin_array(json);
    weft_json_put_text(json, type);
    weft_json_put_text(json, "null");
    weft_json_end_array(json);
}

static void put_rules(weft_json_writer *json, const weft_field *field)
{
    switch (field->type) {
    case WEFT_TYPE_INTEGER:
        put_type(json, field, "integer");
        put_range(json, &field->range, "minimum", "maximum");
        return;
    case WEFT_TYPE_DOUBLE:
        put_type(json, field, "number");
        put_interval(json, &field->interval);
        return;
    case WEFT_TYPE_BOOL:
        put_type(json, field, "boolean");
        return;
    case WEFT_TYPE_STRING:
        put_type(json, field, "string");
        put_range(json, &field->range, "minLength", "maxLength");
        put_choices(json, field);
        return;
    case WEFT_TYPE_ARRAY:
        put_type(json, field, "array");
        weft_json_put_key(json, "items");
        weft_field_describe(field->item, /* preset= */ NULL, json);
        put_range(json, &field->range, "minItems", "maxItems");
        return;
    case WEFT_TYPE_OBJECT:
        put_object(json, field);
        return;
    case WEFT_TYPE_ANY:
        return;
    }
}

/* What the preset says of a plain field that may be left out. */
static void put_default(weft_json_writer *json, const weft_field *field, const void *preset)
{
    union {
        int64_t integer;
        double real;
        bool boolean;
        weft_str text;
    } value;
    bool is_always_there = (field->flags & WEFT_REQUIRED) != 0 || field->in == WEFT_IN_PATH;
    if (preset == NULL || is_always_there || field->present_at != 0)
        return;
    if (field->type < WEFT_TYPE_INTEGER || field->type > WEFT_TYPE_STRING)
        return;
    const char *member = (const char *)preset + field->at;
    if (!wf_field_allows(field, member)) /* says that it is absent, and is none to be sent */
        return;
    memcpy(&value, member, wf_field_bytes(field));
    if ((field->type == WEFT_TYPE_DOUBLE && !isfinite(value.real)) ||
        (field->type == WEFT_TYPE_STRING && value.text.ptr == NULL))
        return;
    weft_json_put_key(json, "default");
    if (field->type == WEFT_TYPE_INTEGER)
        weft_json_put_integer(json, value.integer);
    else if (field->type == WEFT_TYPE_DOUBLE)
        weft_json_put_double(json, value.real);
    else if (field->type == WEFT_TYPE_BOOL)
        weft_json_put_bool(json, value.boolean);
    else
        weft_json_put_str(json, value.text);
}

void weft_field_describe(const weft_field *field, const void *preset, weft_json_writer *json)
{
    if (field->raw_json != NULL) {
        weft_json_put_raw(json, weft_str_of(field->raw_json));
        return;
    }
    weft_json_begin_object(json);
    if (field->about != NULL) {
        weft_json_put_key(json, "description");
        weft_json_put_text(json, field->about);
    }
    put_rules(json, field);
    put_default(json, field, preset);
    weft_json_end_object(json);
}

static void put_required(const weft_schema *schema, weft_json_writer *json)
{
    bool has_begun = false;
    for (size_t i = 0; i < schema->field_count; i++) {
        if ((schema->fields[i].flags & WEFT_REQUIRED) == 0)
            continue;
        if (!has_begun) {
            weft_json_put_key(json, "required");
            weft_json_begin_array(json);
            has_begun = true;
        }
        weft_json_put_text(json, wf_field_name(&schema->fields[i]));
    }
    if (has_begun)
        weft_json_end_array(json);
}

void weft_schema_describe(const weft_schema *schema, weft_json_writer *json)
{
    if (schema->is_bare) {
        weft_field_describe(schema->fields, schema->preset, json);
        return;
    }
    weft_json_begin_object(json);
    weft_json_put_key(json, "type");
    weft_json_put_text(json, "object");
    if (schema->about != NULL) {
        weft_json_put_key(json, "description");
        weft_json_put_text(json, schema->about);
    }
    weft_json_put_key(json, "properties");
    weft_json_begin_object(json);
    for (size_t i = 0; i < schema->field_count; i++) {
        weft_json_put_key(json, wf_field_name(&schema->fields[i]));
        weft_field_describe(&schema->fields[i], schema->preset, json);
    }
    weft_json_end_object(json);
    put_required(schema, json);
    if (!schema->is_open) {
        weft_json_put_key(json, "additionalProperties");
        weft_json_put_bool(json, false);
    }
    weft_json_end_object(json);
}
