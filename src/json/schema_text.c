/* SPDX-License-Identifier: MIT */

/* A structure out of texts: parameters of a request, fields of a form. */

#include "json/lex.h"
#include "json/schema_priv.h"

#include "base/utf8.h"

#include <string.h>

#define DIGIT_COUNT_MAX 64

/* Where texts come from. */
struct texts {
    weft_schema_text_fn *get;
    void *arg;
};

static const char *const places[] = {
    [WEFT_IN_QUERY] = "query",
    [WEFT_IN_PATH] = "path",
    [WEFT_IN_HEADER] = "header",
    [WEFT_IN_COOKIE] = "cookie",
};

/* All of the text is one number as JSON writes it. */
static bool take_number(weft_str text, wf_json_number *out)
{
    wf_json_text lexed = {.bytes = text.ptr, .count = text.len};
    *out = (wf_json_number){0};
    return text.len != 0 && wf_json_lex_number(&lexed, DIGIT_COUNT_MAX, out) == 0 &&
           lexed.at == text.len;
}

static bool text_is(weft_str text, const char *word)
{
    return strlen(word) == text.len && memcmp(text.ptr, word, text.len) == 0;
}

static void fill_bool(struct wf_schema_fill *fill, weft_str text, void *member)
{
    bool is_true = text_is(text, "true") || text_is(text, "1");
    bool is_false = text_is(text, "false") || text_is(text, "0");
    wf_fill_bool(fill, is_true || is_false, is_true, member);
}

static void fill_string(struct wf_schema_fill *fill, const weft_field *field, weft_str text,
                        void *member)
{
    if (wf_utf8_is_valid(text.ptr, text.len))
        wf_fill_string(fill, field, text, member);
    else
        wf_fill_issue(fill, "must be UTF-8");
}

static void fill_one(struct wf_schema_fill *fill, const weft_field *field, weft_str text,
                     void *member)
{
    size_t issues_before = fill->issues->count;
    wf_json_number number;
    bool is_number;
    switch (field->type) {
    case WEFT_TYPE_INTEGER:
        is_number = take_number(text, &number);
        wf_fill_integer(fill, field, is_number && number.is_integer, number.integer, member);
        break;
    case WEFT_TYPE_DOUBLE:
        is_number = take_number(text, &number);
        wf_fill_double(fill, field, is_number,
                       number.is_integer ? (double)number.integer : number.real, member);
        break;
    case WEFT_TYPE_BOOL:
        fill_bool(fill, text, member);
        break;
    case WEFT_TYPE_STRING:
        fill_string(fill, field, text, member);
        break;
    default:
        wf_fill_issue(fill, "cannot be given as text");
        return;
    }
    wf_fill_check(fill, field, issues_before, member);
}

static void fill_all(struct wf_schema_fill *fill, const weft_field *field,
                     const struct texts *texts, void *member)
{
    size_t count = 0, bytes = wf_field_bytes(field->item), issues_before = fill->issues->count;
    weft_str text;
    while (texts->get(texts->arg, field, count, &text))
        count++;
    char *items = wf_fill_array(fill, field, count, member);
    for (size_t i = 0; i < count && items != NULL; i++) {
        size_t at = wf_fill_enter_item(fill, i);
        (void)texts->get(texts->arg, field, i, &text);
        fill_one(fill, field->item, text, items + i * bytes);
        wf_fill_leave(fill, at);
    }
    wf_fill_check(fill, field, issues_before, member);
}

static void fill_field(struct wf_schema_fill *fill, const weft_field *field,
                       const struct texts *texts, void *structure)
{
    const char *name = wf_field_name(field);
    weft_str text;
    bool is_there = texts->get(texts->arg, field, 0, &text);
    if (!is_there && (field->flags & WEFT_REQUIRED) == 0)
        return;
    size_t at = wf_fill_enter_member(fill, name, strlen(name));
    void *member = wf_field_member(field, structure);
    fill->in = fill->in != NULL ? places[field->in] : NULL;
    if (!is_there) {
        wf_fill_issue(fill, "is required");
    } else {
        wf_field_set_present(field, structure);
        if (field->type == WEFT_TYPE_ARRAY)
            fill_all(fill, field, texts, member);
        else
            fill_one(fill, field, text, member);
    }
    wf_fill_leave(fill, at);
}

int weft_schema_read_texts(const weft_schema *schema, weft_schema_text_fn *text, void *arg,
                           weft_issues *issues, void **out)
{
    struct wf_schema_fill fill = {.issues = issues, .in = ""};
    struct texts texts = {text, arg};
    size_t issues_before = issues->count;
    void *structure = wf_schema_block(schema);
    if (structure == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < schema->field_count; i++)
        fill_field(&fill, &schema->fields[i], &texts, structure);
    return wf_fill_finish(&fill, issues_before, structure, out);
}
