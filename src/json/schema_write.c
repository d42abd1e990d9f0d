/* SPDX-License-Identifier: MIT */

/* JSON out of a structure. */

#include "json/schema_priv.h"

#include <assert.h>
#include <string.h>

static void write_value(const weft_field *field, const void *member, weft_json_writer *json);

static const void *member_at(const weft_field *field, const void *structure)
{
    return (const char *)structure + field->at;
}

/* What an optional field has that was never set. */
static bool is_absent(const weft_field *field, const void *structure)
{
    const void *member = member_at(field, structure);
    weft_str text;
    if (field->type == WEFT_TYPE_ANY)
        return true;
    if (field->present_at != 0)
        return !*(const bool *)((const char *)structure + field->present_at - 1);
    if ((field->flags & WEFT_REQUIRED) != 0 || field->type != WEFT_TYPE_STRING)
        return false;
    memcpy(&text, member, sizeof(text));
    return text.ptr == NULL;
}

static void write_items(const weft_field *field, const void *member, weft_json_writer *json)
{
    weft_items items;
    size_t bytes = wf_field_bytes(field->item);
    memcpy(&items, member, sizeof(items));
    weft_json_begin_array(json);
    for (size_t i = 0; i < items.count; i++)
        write_value(field->item, (const char *)items.ptr + i * bytes, json);
    weft_json_end_array(json);
}

static void write_value(const weft_field *field, const void *member, weft_json_writer *json)
{
    union {
        int64_t integer;
        double real;
        bool boolean;
        weft_str text;
    } value = {0};
    memcpy(&value, member, wf_field_bytes(field) <= sizeof(value) ? wf_field_bytes(field) : 0);
    switch (field->type) {
    case WEFT_TYPE_INTEGER:
        weft_json_put_integer(json, value.integer);
        return;
    case WEFT_TYPE_DOUBLE:
        weft_json_put_double(json, value.real);
        return;
    case WEFT_TYPE_BOOL:
        weft_json_put_bool(json, value.boolean);
        return;
    case WEFT_TYPE_STRING:
        weft_json_put_str(json, value.text);
        return;
    case WEFT_TYPE_OBJECT:
        weft_schema_write(field->schema, member, json);
        return;
    case WEFT_TYPE_ARRAY:
        write_items(field, member, json);
        return;
    case WEFT_TYPE_ANY:
        weft_json_put_null(json);
        return;
    }
}

void weft_schema_write(const weft_schema *schema, const void *structure, weft_json_writer *json)
{
    if (schema->is_bare) {
        write_value(schema->fields, member_at(schema->fields, structure), json);
        return;
    }
    weft_json_begin_object(json);
    for (size_t i = 0; i < schema->field_count; i++) {
        const weft_field *field = &schema->fields[i];
        if (is_absent(field, structure))
            continue;
        weft_json_put_key(json, wf_field_name(field));
        write_value(field, member_at(field, structure), json);
    }
    weft_json_end_object(json);
}
