/* SPDX-License-Identifier: MIT */

/* A structure out of a JSON value. */

#include "json/schema_priv.h"

#include "base/names.h"

#include <string.h>

#define NAMES_MAX 64 /* of fields, to say which there are */

static void fill_value(struct wf_schema_fill *fill, const weft_field *field, const weft_json *value,
                       void *member);

static bool knows(const weft_schema *schema, weft_str key)
{
    for (size_t i = 0; i < schema->field_count; i++) {
        const char *name = wf_field_name(&schema->fields[i]);
        if (strlen(name) == key.len && memcmp(name, key.ptr, key.len) == 0)
            return true;
    }
    return false;
}

static void say_unknown(struct wf_schema_fill *fill, const weft_schema *schema, weft_str key)
{
    static const char text[] = "is not a field of this request";
    const char *names[NAMES_MAX];
    char hint[sizeof(fill->issues->items[0].text) - sizeof(text) + 1] = "";
    size_t count = 0;
    for (; count < schema->field_count && count < NAMES_MAX; count++)
        names[count] = wf_field_name(&schema->fields[count]);
    if (fill->issues->count < WEFT_ISSUE_MAX) /* a body may have a hundred thousand of them */
        wf_names_hint(key, names, count, hint, sizeof(hint));
    wf_fill_issue(fill, "%s%s", text, hint);
}

static void fill_unknown(struct wf_schema_fill *fill, const weft_schema *schema,
                         const weft_json *object)
{
    weft_json_member member = {0};
    while (!schema->is_open && weft_json_next(object, &member)) {
        if (knows(schema, member.key))
            continue;
        size_t at = wf_fill_enter_member(fill, member.key.ptr, member.key.len);
        say_unknown(fill, schema, member.key);
        wf_fill_leave(fill, at);
    }
}

static void fill_member(struct wf_schema_fill *fill, const weft_field *field,
                        const weft_json *object, void *structure)
{
    const char *name = wf_field_name(field);
    const weft_json *value = weft_json_get(object, name);
    bool is_null = (field->flags & WEFT_NULLABLE) != 0 && weft_json_kind(value) == WEFT_JSON_NULL;
    if ((value == NULL || is_null) && (field->flags & WEFT_REQUIRED) == 0)
        return;
    size_t at = wf_fill_enter_member(fill, name, strlen(name));
    if (value == NULL || is_null) {
        wf_fill_issue(fill, "is required");
    } else {
        wf_field_set_present(field, structure);
        fill_value(fill, field, value, wf_field_member(field, structure));
    }
    wf_fill_leave(fill, at);
}

static void fill_object(struct wf_schema_fill *fill, const weft_schema *schema,
                        const weft_json *value, void *structure)
{
    if (schema->is_bare) {
        wf_field_set_present(schema->fields, structure);
        fill_value(fill, schema->fields, value, wf_field_member(schema->fields, structure));
        return;
    }
    if (weft_json_kind(value) != WEFT_JSON_OBJECT) {
        wf_fill_issue(fill, "must be an object, is %s", weft_json_kind_name(weft_json_kind(value)));
        return;
    }
    for (size_t i = 0; i < schema->field_count; i++)
        fill_member(fill, &schema->fields[i], value, structure);
    fill_unknown(fill, schema, value);
}

static void fill_items(struct wf_schema_fill *fill, const weft_field *field, const weft_json *value,
                       void *member)
{
    if (weft_json_kind(value) != WEFT_JSON_ARRAY) {
        wf_fill_no_array(fill, field);
        return;
    }
    size_t count = weft_json_count(value), bytes = wf_field_bytes(field->item);
    char *items = wf_fill_array(fill, field, count, member);
    for (size_t i = 0; i < count && items != NULL; i++) {
        size_t at = wf_fill_enter_item(fill, i);
        if (field->item->type == WEFT_TYPE_OBJECT)
            wf_schema_init(field->item->schema, items + i * bytes);
        fill_value(fill, field->item, weft_json_item(value, i), items + i * bytes);
        wf_fill_leave(fill, at);
    }
}

static void fill_text(struct wf_schema_fill *fill, const weft_field *field, const weft_json *value,
                      void *member)
{
    weft_str text = weft_json_string(value);
    if (text.ptr != NULL)
        wf_fill_string(fill, field, text, member);
    else
        wf_fill_issue(fill, "must be a string, is %s", weft_json_kind_name(weft_json_kind(value)));
}

/* Recursive, as the schema nests; at most WF_SCHEMA_DEPTH_MAX deep. */
static void fill_value(struct wf_schema_fill *fill, const weft_field *field, const weft_json *value,
                       void *member)
{
    enum weft_json_kind kind = weft_json_kind(value);
    size_t issues_before = fill->issues->count;
    if (fill->depth == WF_SCHEMA_DEPTH_MAX) {
        wf_fill_issue(fill, "nests too deep");
        return;
    }
    fill->depth++;
    switch (field->type) {
    case WEFT_TYPE_INTEGER:
        wf_fill_integer(fill, field, kind == WEFT_JSON_INTEGER, weft_json_integer(value), member);
        break;
    case WEFT_TYPE_DOUBLE:
        wf_fill_double(fill, field, kind == WEFT_JSON_INTEGER || kind == WEFT_JSON_DOUBLE,
                       weft_json_double(value), member);
        break;
    case WEFT_TYPE_BOOL:
        wf_fill_bool(fill, kind == WEFT_JSON_BOOL, weft_json_bool(value), member);
        break;
    case WEFT_TYPE_STRING:
        fill_text(fill, field, value, member);
        break;
    case WEFT_TYPE_OBJECT:
        fill_object(fill, field->schema, value, member);
        break;
    case WEFT_TYPE_ARRAY:
        fill_items(fill, field, value, member);
        break;
    case WEFT_TYPE_ANY:
        memcpy(member, &value, sizeof(value));
        break;
    }
    wf_fill_check(fill, field, issues_before, member);
    fill->depth--;
}

int weft_schema_read(const weft_schema *schema, const weft_json *value, weft_issues *issues,
                     void **out)
{
    struct wf_schema_fill fill = {.issues = issues};
    size_t issues_before = issues->count;
    void *structure = wf_schema_block(schema);
    if (structure == NULL)
        return -ENOMEM;
    fill_object(&fill, schema, value, structure);
    return wf_fill_finish(&fill, issues_before, structure, out);
}
