/* SPDX-License-Identifier: MIT */

/* The rules of fields, whatever their values come from, and what is said when one is broken. */

#include "json/schema_priv.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- fields ---- */

const char *wf_field_name(const weft_field *field)
{
    return field->alias != NULL ? field->alias : field->name;
}

size_t wf_field_bytes(const weft_field *field)
{
    switch (field->type) {
    case WEFT_TYPE_INTEGER:
        return sizeof(int64_t);
    case WEFT_TYPE_DOUBLE:
        return sizeof(double);
    case WEFT_TYPE_BOOL:
        return sizeof(bool);
    case WEFT_TYPE_STRING:
        return sizeof(weft_str);
    case WEFT_TYPE_OBJECT:
        return field->schema->bytes;
    case WEFT_TYPE_ARRAY:
        return sizeof(weft_items);
    case WEFT_TYPE_ANY:
        return sizeof(const weft_json *);
    }
    assert(!"a field without a type");
    return 0;
}

void *wf_field_member(const weft_field *field, void *structure)
{
    return (char *)structure + field->at;
}

void wf_field_set_present(const weft_field *field, void *structure)
{
    if (field->present_at != 0)
        *(bool *)((char *)structure + field->present_at - 1) = true;
}

void wf_schema_init(const weft_schema *schema, void *structure)
{
    if (schema->preset != NULL) {
        memcpy(structure, schema->preset, schema->bytes);
        return;
    }
    memset(structure, 0, schema->bytes);
    for (size_t i = 0; i < schema->field_count; i++) {
        const weft_field *field = &schema->fields[i];
        if (field->type == WEFT_TYPE_OBJECT)
            wf_schema_init(field->schema, wf_field_member(field, structure));
    }
}

/* ---- places ---- */

static void path_add(struct wf_schema_fill *fill, const char *format, ...) WEFT_PRINTF(2, 3);

static void path_add(struct wf_schema_fill *fill, const char *format, ...)
{
    size_t room = sizeof(fill->path) - fill->path_len;
    va_list args;
    va_start(args, format);
    int count = vsnprintf(fill->path + fill->path_len, room, format, args);
    va_end(args);
    fill->path_len += (size_t)count < room ? (size_t)count : room - 1;
}

size_t wf_fill_enter_member(struct wf_schema_fill *fill, const char *name, size_t len)
{
    size_t before = fill->path_len, dot = before != 0;
    size_t room = sizeof(fill->path) - 1 - before;
    size_t shown = room > dot ? wf_utf8_cut(name, len, room - dot) : 0;
    path_add(fill, "%s%.*s", dot ? "." : "", (int)shown, name);
    return before;
}

size_t wf_fill_enter_item(struct wf_schema_fill *fill, size_t index)
{
    size_t before = fill->path_len;
    path_add(fill, "[%zu]", index);
    return before;
}

void wf_fill_leave(struct wf_schema_fill *fill, size_t path_len)
{
    fill->path_len = path_len;
    fill->path[path_len] = '\0';
}

/* ---- issues ---- */

static void issue_add(weft_issues *issues, const char *in, const char *path, const char *format,
                      va_list args)
{
    if (issues->count++ >= WEFT_ISSUE_MAX)
        return;
    weft_issue_item *issue = &issues->items[issues->count - 1];
    snprintf(issue->path, sizeof(issue->path), "%s", path);
    vsnprintf(issue->text, sizeof(issue->text), format, args);
    issue->in = in;
}

void weft_issue(weft_issues *issues, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    issue_add(issues, /* in= */ NULL, path, format, args);
    va_end(args);
}

void wf_fill_issue(struct wf_schema_fill *fill, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    issue_add(fill->issues, fill->in, fill->path, format, args);
    va_end(args);
}

void wf_fill_check(struct wf_schema_fill *fill, const weft_field *field, size_t issues_before,
                   const void *member)
{
    weft_issues *issues = fill->issues;
    if (field->check == NULL || issues->count != issues_before || fill->has_no_memory)
        return;
    field->check(issues, fill->path, member);
    for (size_t i = issues_before; i < issues->count && i < WEFT_ISSUE_MAX; i++)
        issues->items[i].in = fill->in;
}

/* ---- rules ---- */

static bool range_allows(const weft_range *range, int64_t value)
{
    return !range->is_set || (value >= range->min && value <= range->max);
}

static bool interval_allows(const weft_interval *interval, double value)
{
    return !interval->is_set || (value >= interval->min && value <= interval->max);
}

void wf_fill_integer(struct wf_schema_fill *fill, const weft_field *field, bool is_integer,
                     int64_t value, void *member)
{
    const weft_range *range = &field->range;
    if (is_integer && range_allows(range, value))
        memcpy(member, &value, sizeof(value));
    else if (!range->is_set)
        wf_fill_issue(fill, "must be an integer");
    else if (range->max == INT64_MAX)
        wf_fill_issue(fill, "must be an integer of at least %" PRId64, range->min);
    else if (range->min == INT64_MIN)
        wf_fill_issue(fill, "must be an integer of at most %" PRId64, range->max);
    else
        wf_fill_issue(fill, "must be an integer from %" PRId64 " to %" PRId64, range->min,
                      range->max);
}

/* A bound as it would be written: 1000000, not 1e+06. */
static const char *bound_text(char out[32], double bound)
{
    bool is_integer = bound > -1e15 && bound < 1e15 && bound == (double)(int64_t)bound;
    snprintf(out, 32, is_integer ? "%.0f" : "%.15g", bound);
    return out;
}

static void issue_interval(struct wf_schema_fill *fill, const weft_interval *interval)
{
    char min[32], max[32];
    (void)bound_text(min, interval->min);
    (void)bound_text(max, interval->max);
    if (isinf(interval->max))
        wf_fill_issue(fill, "must be a number of at least %s", min);
    else if (isinf(interval->min))
        wf_fill_issue(fill, "must be a number of at most %s", max);
    else
        wf_fill_issue(fill, "must be a number from %s to %s", min, max);
}

void wf_fill_double(struct wf_schema_fill *fill, const weft_field *field, bool is_number,
                    double value, void *member)
{
    const weft_interval *interval = &field->interval;
    if (is_number && interval_allows(interval, value))
        memcpy(member, &value, sizeof(value));
    else if (!interval->is_set)
        wf_fill_issue(fill, "must be a number");
    else
        issue_interval(fill, interval);
}

void wf_fill_bool(struct wf_schema_fill *fill, bool is_bool, bool value, void *member)
{
    if (is_bool)
        memcpy(member, &value, sizeof(value));
    else
        wf_fill_issue(fill, "must be true or false");
}

/* A length out of bounds: "must have at least 1 character, has 0". */
static void issue_length(struct wf_schema_fill *fill, const weft_range *range, size_t count,
                         const char *noun)
{
    bool is_short = (int64_t)count < range->min;
    int64_t bound = is_short ? range->min : range->max;
    wf_fill_issue(fill, "must have at %s %" PRId64 " %s%s, has %zu", is_short ? "least" : "most",
                  bound, noun, bound == 1 ? "" : "s", count);
}

static bool is_choice(const char *const *choices, weft_str value)
{
    for (; *choices != NULL; choices++) {
        if (strlen(*choices) == value.len && memcmp(*choices, value.ptr, value.len) == 0)
            return true;
    }
    return false;
}

static void issue_choices(struct wf_schema_fill *fill, const char *const *choices)
{
    char list[100] = "";
    size_t used = 0;
    for (size_t i = 0; choices[i] != NULL; i++) {
        const char *between = i == 0 ? "" : choices[i + 1] == NULL ? " or " : ", ";
        int count = snprintf(list + used, sizeof(list) - used, "%s%s", between, choices[i]);
        used += (size_t)count;
        if (used >= sizeof(list)) {
            memcpy(list + sizeof(list) - 4, "...", 4);
            break;
        }
    }
    wf_fill_issue(fill, "must be %s", list);
}

static size_t count_characters(weft_str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & 0xC0) != 0x80;
    return count;
}

void wf_fill_string(struct wf_schema_fill *fill, const weft_field *field, weft_str value,
                    void *member)
{
    if (field->choices != NULL && !is_choice(field->choices, value)) {
        issue_choices(fill, field->choices);
        return;
    }
    size_t count = field->range.is_set ? count_characters(value) : 0;
    if (range_allows(&field->range, (int64_t)count))
        memcpy(member, &value, sizeof(value));
    else
        issue_length(fill, &field->range, count, "character");
}

bool wf_field_allows(const weft_field *field, const void *member)
{
    int64_t integer;
    double real;
    weft_str text;
    switch (field->type) {
    case WEFT_TYPE_INTEGER:
        memcpy(&integer, member, sizeof integer);
        return range_allows(&field->range, integer);
    case WEFT_TYPE_DOUBLE:
        memcpy(&real, member, sizeof real);
        return interval_allows(&field->interval, real);
    case WEFT_TYPE_STRING:
        memcpy(&text, member, sizeof text);
        return (field->choices == NULL || is_choice(field->choices, text)) &&
               range_allows(&field->range, (int64_t)count_characters(text));
    default:
        return true;
    }
}

/* ---- arrays ---- */

void wf_fill_no_array(struct wf_schema_fill *fill, const weft_field *field)
{
    static const char *const nouns[] = {
        [WEFT_TYPE_INTEGER] = " of integers",
        [WEFT_TYPE_DOUBLE] = " of numbers",
        [WEFT_TYPE_BOOL] = " of booleans",
        [WEFT_TYPE_STRING] = " of strings",
        [WEFT_TYPE_OBJECT] = " of objects",
        [WEFT_TYPE_ARRAY] = " of arrays",
        [WEFT_TYPE_ANY] = "",
    };
    wf_fill_issue(fill, "must be an array%s", nouns[field->item->type]);
}

char *wf_fill_array(struct wf_schema_fill *fill, const weft_field *field, size_t count,
                    void *member)
{
    if (!range_allows(&field->range, (int64_t)count)) {
        issue_length(fill, &field->range, count, "item");
        return NULL;
    }
    char *items = wf_arena_array(&fill->arena, count != 0 ? count : 1, wf_field_bytes(field->item));
    if (items == NULL) {
        fill->has_no_memory = true;
        return NULL;
    }
    weft_items value = {items, count};
    memcpy(member, &value, sizeof(value));
    return items;
}

/* ---- the structure ---- */

/* What stands in front of a structure that was handed out. */
struct block {
    wf_arena arena;
    alignas(max_align_t) char structure[];
};

void *wf_schema_block(const weft_schema *schema)
{
    size_t bytes;
    if (!wf_add_ok(sizeof(struct block), schema->bytes, &bytes))
        return NULL;
    struct block *block = wf_alloc(bytes);
    if (block == NULL)
        return NULL;
    wf_schema_init(schema, block->structure);
    return block->structure;
}

static struct block *block_of(void *structure)
{
    return (struct block *)(void *)((char *)structure - offsetof(struct block, structure));
}

void weft_schema_free(void *structure)
{
    if (structure == NULL)
        return;
    struct block *block = block_of(structure);
    wf_arena_fini(&block->arena);
    wf_free(block);
}

int wf_fill_finish(struct wf_schema_fill *fill, size_t issues_before, void *structure, void **out)
{
    block_of(structure)->arena = fill->arena;
    bool is_right = fill->issues->count == issues_before;
    if (is_right && !fill->has_no_memory) {
        *out = structure;
        return 0;
    }
    weft_schema_free(structure);
    return fill->has_no_memory ? -ENOMEM : -EINVAL;
}
