/* SPDX-License-Identifier: MIT */

/*
 * The reader: one pass, one state, a stack of the open containers on the heap.  A value joins its
 * container as soon as it begins, so whatever fails, freeing the root frees it all.
 */
#include "base/alloc.h"
#include "json/lex.h"
#include "json/value_priv.h"

#include <weft/error.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum reader_state {
    AT_VALUE,      /* a value must come */
    AT_FIRST_ITEM, /* behind '[': a value or ']' */
    AT_FIRST_KEY,  /* behind '{': a key or '}' */
    AT_KEY,        /* behind ',' in an object */
    BEHIND_VALUE,  /* ',' or the end of the container; white space alone outside of all */
};

struct reader {
    wf_json_text text;
    weft_json_limits limits;
    enum reader_state state;
    weft_json *root;

    /* Invariant: open[0, depth) are the containers around `text.at`, outermost first. */
    weft_json **open;
    uint32_t depth, open_capacity;
    size_t value_count;

    weft_str key;   /* of the value that comes next in an object; in the text or in key_buf */
    wf_buf key_buf; /* unescaped */
    wf_buf string_buf;
};

static size_t pick(size_t given, size_t otherwise)
{
    return given != 0 ? given : otherwise;
}

static uint32_t pick32(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

static weft_json_limits limits_fill(const weft_json_limits *given)
{
    weft_json_limits l = given != NULL ? *given : (weft_json_limits){0};
    l.bytes_max = pick(l.bytes_max, (size_t)8 << 20);
    l.value_count_max = pick(l.value_count_max, 250000);
    l.depth_max = pick32(l.depth_max, 128);
    l.digit_count_max = pick32(l.digit_count_max, 64);
    l.key_count_max = pick32(l.key_count_max, 100000);
    if (l.depth_max > WEFT_JSON_DEPTH_CEILING)
        l.depth_max = WEFT_JSON_DEPTH_CEILING;
    return l;
}

static int fail(struct reader *reader, const char *what)
{
    return wf_json_fail(&reader->text, -WEFT_ESYNTAX, reader->text.at, what);
}

static int fail_limit(struct reader *reader, size_t limit, const char *what)
{
    reader->text.limit = limit;
    return wf_json_fail(&reader->text, -WEFT_ELIMIT, reader->text.at, what);
}

static weft_json *innermost(const struct reader *reader)
{
    return reader->depth == 0 ? NULL : reader->open[reader->depth - 1];
}

/* Puts a new value (NULL: there was no memory for it) where it belongs.  Takes it. */
static int add(struct reader *reader, weft_json *value)
{
    weft_json *parent = innermost(reader);
    if (value == NULL)
        return -ENOMEM;
    reader->state = BEHIND_VALUE;
    if (parent == NULL) {
        assert(reader->root == NULL);
        reader->root = value;
        return 0;
    }
    if (weft_json_kind(parent) == WEFT_JSON_ARRAY)
        return wf_jv_append(parent, value);
    return wf_jv_set(parent, reader->key, value);
}

static int open_reserve(struct reader *reader)
{
    if (reader->depth < reader->open_capacity)
        return 0;
    uint32_t capacity = reader->open_capacity == 0 ? 16 : reader->open_capacity * 2;
    weft_json **open = wf_grow(reader->open, capacity, sizeof(*open));
    if (open == NULL)
        return -ENOMEM;
    reader->open = open;
    reader->open_capacity = capacity;
    return 0;
}

static int read_open(struct reader *reader, bool is_array)
{
    if (reader->depth == reader->limits.depth_max)
        return fail_limit(reader, reader->limits.depth_max, "nested too deep");
    int rc = open_reserve(reader);
    if (rc < 0)
        return rc;
    weft_json *container = is_array ? wf_jv_array() : wf_jv_object();
    rc = add(reader, container);
    if (rc < 0)
        return rc;
    reader->open[reader->depth++] = container; /* its parent owns it */
    reader->state = is_array ? AT_FIRST_ITEM : AT_FIRST_KEY;
    reader->text.at++;
    return 0;
}

static void read_close(struct reader *reader)
{
    reader->depth--;
    reader->state = BEHIND_VALUE;
    reader->text.at++;
}

static int read_word(struct reader *reader, const char *word, weft_json *(*make)(void))
{
    wf_json_text *text = &reader->text;
    size_t bytes = strlen(word), i = 0;
    while (i < bytes && text->at + i < text->count && text->bytes[text->at + i] == word[i])
        i++;
    if (i < bytes)
        return fail(reader, "a value must stand here");
    text->at += bytes;
    return add(reader, make());
}

static weft_json *make_true(void)
{
    return wf_jv_bool(true);
}

static weft_json *make_false(void)
{
    return wf_jv_bool(false);
}

static int read_string(struct reader *reader)
{
    weft_str string;
    int rc = wf_json_lex_string(&reader->text, &reader->string_buf, &string);
    return rc < 0 ? rc : add(reader, wf_jv_string(string));
}

static int read_number(struct reader *reader)
{
    wf_json_number number;
    int rc = wf_json_lex_number(&reader->text, reader->limits.digit_count_max, &number);
    if (rc < 0)
        return rc;
    return add(reader,
               number.is_integer ? wf_jv_integer(number.integer) : wf_jv_double(number.real));
}

static int read_value(struct reader *reader)
{
    if (reader->value_count == reader->limits.value_count_max)
        return fail_limit(reader, reader->limits.value_count_max, "too many values");
    reader->value_count++;
    switch (reader->text.bytes[reader->text.at]) {
    case '{':
        return read_open(reader, /* is_array= */ false);
    case '[':
        return read_open(reader, /* is_array= */ true);
    case '"':
        return read_string(reader);
    case 't':
        return read_word(reader, "true", make_true);
    case 'f':
        return read_word(reader, "false", make_false);
    case 'n':
        return read_word(reader, "null", wf_jv_null);
    default:
        break;
    }
    char c = reader->text.bytes[reader->text.at];
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(reader);
    return fail(reader, "a value must stand here");
}

static void skip_space(wf_json_text *text)
{
    while (text->at < text->count) {
        char c = text->bytes[text->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return;
        text->at++;
    }
}

static int read_key(struct reader *reader)
{
    wf_json_text *text = &reader->text;
    weft_json *object = innermost(reader);
    size_t start = text->at;

    if (text->bytes[start] != '"')
        return fail(reader, "a key in quotes must stand here");
    if (weft_json_count(object) >= reader->limits.key_count_max)
        return fail_limit(reader, reader->limits.key_count_max, "too many keys in one object");
    int rc = wf_json_lex_string(text, &reader->key_buf, &reader->key);
    if (rc < 0)
        return rc;
    if (weft_json_get_str(object, reader->key) != NULL)
        return wf_json_fail(text, -WEFT_ESYNTAX, start, "a key stands twice in one object");
    skip_space(text);
    if (text->at == text->count || text->bytes[text->at] != ':')
        return fail(reader, "a colon must stand behind the key");
    text->at++;
    reader->state = AT_VALUE;
    return 0;
}

/* Behind a value inside a container. */
static int read_separator(struct reader *reader)
{
    bool is_array = weft_json_kind(innermost(reader)) == WEFT_JSON_ARRAY;
    char c = reader->text.bytes[reader->text.at];
    if (c == (is_array ? ']' : '}')) {
        read_close(reader);
        return 0;
    }
    if (c != ',')
        return fail(reader,
                    is_array ? "a comma or ] must stand here" : "a comma or } must stand here");
    reader->text.at++;
    reader->state = is_array ? AT_VALUE : AT_KEY;
    return 0;
}

/* One step from a byte that is no white space. */
static int read_step(struct reader *reader)
{
    char c = reader->text.bytes[reader->text.at];
    if ((reader->state == AT_FIRST_ITEM && c == ']') ||
        (reader->state == AT_FIRST_KEY && c == '}')) {
        read_close(reader);
        return 0;
    }
    switch (reader->state) {
    case AT_VALUE:
    case AT_FIRST_ITEM:
        return read_value(reader);
    case AT_FIRST_KEY:
    case AT_KEY:
        return read_key(reader);
    case BEHIND_VALUE:
        if (reader->depth == 0)
            return fail(reader, "more text behind the value");
        return read_separator(reader);
    }
    return 0;
}

static int read_all(struct reader *reader)
{
    if (reader->text.count > reader->limits.bytes_max)
        return fail_limit(reader, reader->limits.bytes_max, "the text is too long");
    int rc = wf_jv_setup();
    if (rc < 0)
        return wf_json_fail(&reader->text, rc, 0, "no random numbers");
    for (;;) {
        skip_space(&reader->text);
        if (reader->text.at == reader->text.count)
            break;
        rc = read_step(reader);
        if (rc < 0)
            return rc;
    }
    if (reader->depth != 0 || reader->state != BEHIND_VALUE)
        return fail(reader, "the text ends too early");
    return 0;
}

static void error_fill(weft_json_error *error, const wf_json_text *text, int rc)
{
    const char *what = text->what != NULL ? text->what : "no memory";
    *error = (weft_json_error){.rc = rc, .offset = text->at, .line = 1, .limit = text->limit};
    size_t line_start = 0;
    for (size_t i = 0; i < text->at; i++) {
        if (text->bytes[i] == '\n') {
            error->line++;
            line_start = i + 1;
        }
    }
    error->column = text->at - line_start + 1;
    if (text->limit != 0)
        snprintf(error->text, sizeof(error->text), "%s (limit %zu)", what, text->limit);
    else
        snprintf(error->text, sizeof(error->text), "%s", what);
}

static int read_failed(weft_json_error *error, const wf_json_text *text, int rc)
{
    weft_json_error ignored;
    if (error == NULL)
        error = &ignored;
    error_fill(error, text, rc);
    return weft_fail(rc, "line %zu column %zu: %s", error->line, error->column, error->text);
}

int weft_json_read(weft_json **out, const char *text, size_t bytes, const weft_json_limits *limits,
                   weft_json_error *error)
{
    struct reader reader = {
        .text = {.bytes = text, .count = bytes},
        .limits = limits_fill(limits),
    };

    int rc = read_all(&reader);
    if (rc == 0)
        *out = reader.root;
    else
        weft_json_free(reader.root);
    wf_free(reader.open);
    wf_buf_fini(&reader.key_buf);
    wf_buf_fini(&reader.string_buf);
    return rc < 0 ? read_failed(error, &reader.text, rc) : 0;
}
