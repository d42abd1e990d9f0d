/* SPDX-License-Identifier: MIT */

#include "match/model/tape.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/work.h"

#include <langinfo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES_MAX 64u

/* Items between two looks at whether to go on. */
#define POLL_ITEMS 4096u

/* Invariant: open[0, depth) are the containers around `at`, outermost first. */
struct reader {
    wf_tape *tape;
    const char *text;
    size_t at, bytes;
    uint32_t open[WF_TAPE_DEPTH_MAX];
    size_t depth;
    wf_reason *reason;
};

static int fail(struct reader *reader, const char *what)
{
    return wf_reason_set(reader->reason, "its JSON is wrong at byte %zu: %s", reader->at, what);
}

/* The byte at hand; 0, which is no byte of JSON, at the end. */
static char peek(const struct reader *reader)
{
    return reader->at < reader->bytes ? reader->text[reader->at] : '\0';
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->bytes && reader->text[reader->at] != '\0' &&
           strchr(" \t\n\r", reader->text[reader->at]) != NULL)
        reader->at++;
}

static int value_new(struct reader *reader, enum wf_value_kind kind, wf_value **out)
{
    wf_tape *tape = reader->tape;
    if (tape->count == WF_TAPE_VALUES_MAX)
        return fail(reader, "too many values");
    if (tape->count == tape->capacity) {
        size_t larger = tape->capacity < 64 ? 64 : tape->capacity * 2;
        wf_value *values = wf_grow(tape->values, larger, sizeof(*values));
        if (values == NULL)
            return -ENOMEM;
        tape->values = values;
        tape->capacity = larger;
    }
    *out = &tape->values[tape->count++];
    **out = (wf_value){
        .kind = (uint8_t)kind, .start = (uint32_t)reader->at, .after = (uint32_t)tape->count};
    return 0;
}

/* ---- strings ---- */

static int read_hex(struct reader *reader, uint32_t *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = peek(reader);
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 16;
        if (digit == 16)
            return fail(reader, "four hexadecimal digits must follow \\u");
        value = value << 4 | digit;
        reader->at++;
    }
    *out = value;
    return 0;
}

static bool is_surrogate(uint32_t c, uint32_t first)
{
    return c >= first && c < first + 0x400;
}

/* Behind "\u". */
static int read_point(struct reader *reader, uint32_t *out)
{
    int rc = read_hex(reader, out);
    if (rc < 0 || (*out & 0xF800) != 0xD800)
        return rc;
    uint32_t low = 0;
    if (!is_surrogate(*out, 0xD800) || peek(reader) != '\\')
        return fail(reader, "half a surrogate pair");
    reader->at++;
    if (peek(reader) != 'u')
        return fail(reader, "half a surrogate pair");
    reader->at++;
    rc = read_hex(reader, &low);
    if (rc == 0 && !is_surrogate(low, 0xDC00))
        return fail(reader, "half a surrogate pair");
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return rc;
}

/* Behind a backslash. */
static int read_escape(struct reader *reader, wf_buf *out)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    char c = peek(reader), encoded[WF_UTF8_BYTES_MAX];
    const char *found = c != '\0' ? strchr(names, c) : NULL;
    if (found != NULL) {
        reader->at++;
        return wf_buf_putc(out, bytes[found - names]);
    }
    if (c != 'u')
        return fail(reader, "an unknown escape");
    reader->at++;
    uint32_t point;
    int rc = read_point(reader, &point);
    return rc < 0 ? rc : wf_buf_append(out, encoded, wf_utf8_write(point, encoded));
}

/* The rest of a string in which the first backslash is at hand. */
static int read_escaped(struct reader *reader, wf_value *value)
{
    wf_buf *out = &reader->tape->decoded;
    size_t start = wf_buf_bytes(out);
    int rc = wf_buf_append(out, reader->text + value->start, reader->at - value->start);
    while (rc == 0 && peek(reader) != '"') {
        size_t plain = reader->at;
        while ((unsigned char)peek(reader) >= ' ' && peek(reader) != '"' && peek(reader) != '\\')
            reader->at++;
        rc = wf_buf_append(out, reader->text + plain, reader->at - plain);
        if (rc < 0 || peek(reader) == '"')
            break;
        if (peek(reader) != '\\')
            return fail(reader, "a string without its end");
        reader->at++;
        rc = read_escape(reader, out);
    }
    value->start = (uint32_t)start;
    value->bytes = (uint32_t)(wf_buf_bytes(out) - start);
    value->is_decoded = true;
    reader->at++;
    return rc;
}

/* Behind the opening quote. */
static int read_string(struct reader *reader)
{
    wf_value *value = NULL;
    reader->at++;
    int rc = value_new(reader, WF_VALUE_STRING, &value);
    if (value == NULL)
        return rc;
    while ((unsigned char)peek(reader) >= ' ' && peek(reader) != '"' && peek(reader) != '\\')
        reader->at++;
    if (peek(reader) == '\\')
        return read_escaped(reader, value);
    if (peek(reader) != '"')
        return fail(reader, "a string without its end");
    value->bytes = (uint32_t)(reader->at - value->start);
    reader->at++;
    return 0;
}

/* ---- the other values ---- */

static bool skip_digits(struct reader *reader)
{
    size_t start = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    return reader->at > start;
}

static int read_number(struct reader *reader)
{
    wf_value *value = NULL;
    int rc = value_new(reader, WF_VALUE_NUMBER, &value);
    if (value == NULL)
        return rc;
    reader->at += peek(reader) == '-';
    bool is_zero = peek(reader) == '0';
    size_t digits = reader->at;
    bool is_good = skip_digits(reader) && (!is_zero || reader->at == digits + 1);
    if (is_good && peek(reader) == '.') {
        reader->at++;
        is_good = skip_digits(reader);
    }
    if (is_good && (peek(reader) == 'e' || peek(reader) == 'E')) {
        reader->at++;
        reader->at += peek(reader) == '-' || peek(reader) == '+';
        is_good = skip_digits(reader);
    }
    value->bytes = (uint32_t)(reader->at - value->start);
    return is_good && value->bytes < NUMBER_BYTES_MAX ? 0 : fail(reader, "a bad number");
}

static int read_word(struct reader *reader, const char *word, enum wf_value_kind kind)
{
    wf_value *value = NULL;
    size_t bytes = strlen(word);
    if (reader->bytes - reader->at < bytes || memcmp(reader->text + reader->at, word, bytes) != 0)
        return fail(reader, "no value");
    reader->at += bytes;
    return value_new(reader, kind, &value);
}

static int open_container(struct reader *reader, enum wf_value_kind kind)
{
    wf_value *value = NULL;
    if (reader->depth == WF_TAPE_DEPTH_MAX)
        return fail(reader, "too deep");
    int rc = value_new(reader, kind, &value);
    reader->open[reader->depth++] = (uint32_t)(reader->tape->count - 1);
    reader->at++;
    return rc;
}

static int read_value(struct reader *reader)
{
    switch (peek(reader)) {
    case '"':
        return read_string(reader);
    case '[':
        return open_container(reader, WF_VALUE_ARRAY);
    case '{':
        return open_container(reader, WF_VALUE_OBJECT);
    case 't':
        return read_word(reader, "true", WF_VALUE_TRUE);
    case 'f':
        return read_word(reader, "false", WF_VALUE_FALSE);
    case 'n':
        return read_word(reader, "null", WF_VALUE_NULL);
    default:
        return read_number(reader);
    }
}

static int read_key(struct reader *reader)
{
    if (peek(reader) != '"')
        return fail(reader, "a key must stand here");
    int rc = read_string(reader);
    if (rc < 0)
        return rc;
    skip_space(reader);
    if (peek(reader) != ':')
        return fail(reader, "a colon must stand behind the key");
    reader->at++;
    skip_space(reader);
    return 0;
}

/* The next item of the innermost container, or its end. */
static int read_item(struct reader *reader)
{
    uint32_t index = reader->open[reader->depth - 1];
    bool is_object = reader->tape->values[index].kind == WF_VALUE_OBJECT;
    skip_space(reader);
    if (peek(reader) == (is_object ? '}' : ']')) {
        reader->tape->values[index].after = (uint32_t)reader->tape->count;
        reader->depth--;
        reader->at++;
        return 0;
    }
    if (reader->tape->values[index].bytes != 0) {
        if (peek(reader) != ',')
            return fail(reader, "a comma must stand here");
        reader->at++;
        skip_space(reader);
    }
    reader->tape->values[index].bytes += is_object ? 2 : 1;
    int rc = is_object ? read_key(reader) : 0;
    return rc < 0 ? rc : read_value(reader);
}

int wf_tape_read(wf_tape *tape, const char *text, size_t bytes, wf_reason *reason)
{
    struct reader reader = {.tape = tape, .text = text, .bytes = bytes, .reason = reason};
    const wf_job job = {0};
    *tape = (wf_tape){.text = text};
    if (bytes > WF_TAPE_BYTES_MAX)
        return wf_reason_set(reason, "its JSON has %zu bytes; %zu are allowed", bytes,
                             WF_TAPE_BYTES_MAX);
    size_t valid = wf_utf8_check(text, bytes);
    if (valid != bytes)
        return wf_reason_set(reason, "it is not UTF-8 at byte %zu", valid);
    skip_space(&reader);
    int rc = read_value(&reader);
    for (size_t items = 0; rc == 0 && reader.depth > 0; items++) {
        rc = items % POLL_ITEMS == 0 ? wf_job_poll(&job) : 0;
        if (rc == 0)
            rc = read_item(&reader);
    }
    skip_space(&reader);
    if (rc == 0 && reader.at != bytes)
        rc = fail(&reader, "something stands behind the value");
    return rc;
}

void wf_tape_fini(wf_tape *tape)
{
    wf_free(tape->values);
    wf_buf_fini(&tape->decoded);
    *tape = (wf_tape){0};
}

/* ---- looking ---- */

enum wf_value_kind wf_tape_kind(const wf_tape *tape, uint32_t at)
{
    return at < tape->count ? (enum wf_value_kind)tape->values[at].kind : WF_VALUE_NONE;
}

weft_str wf_tape_string(const wf_tape *tape, uint32_t at)
{
    if (wf_tape_kind(tape, at) != WF_VALUE_STRING)
        return (weft_str){NULL, 0};
    const wf_value *value = &tape->values[at];
    const char *base = value->is_decoded ? wf_buf_ptr(&tape->decoded) : tape->text;
    return (weft_str){base + value->start, value->bytes};
}

weft_str wf_tape_number(const wf_tape *tape, uint32_t at)
{
    if (wf_tape_kind(tape, at) != WF_VALUE_NUMBER)
        return (weft_str){NULL, 0};
    return (weft_str){tape->text + tape->values[at].start, tape->values[at].bytes};
}

static bool same(weft_str text, const char *word)
{
    return text.ptr != NULL && text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

bool wf_tape_is(const wf_tape *tape, uint32_t at, const char *text)
{
    return same(wf_tape_string(tape, at), text);
}

/* strtod() is exact, but wants the point of the program's locale. */
bool wf_tape_double(const wf_tape *tape, uint32_t at, double *out)
{
    char digits[NUMBER_BYTES_MAX + 8];
    size_t used = 0;
    if (wf_tape_kind(tape, at) != WF_VALUE_NUMBER)
        return false;
    const wf_value *value = &tape->values[at];
    for (size_t i = 0; i < value->bytes; i++) {
        char c = tape->text[value->start + i];
        const char *point = c == '.' ? nl_langinfo(RADIXCHAR) : NULL;
        size_t bytes = point != NULL ? strnlen(point, 8) : 1;
        memcpy(digits + used, point != NULL ? point : &c, bytes);
        used += bytes;
    }
    digits[used] = '\0';
    double number = strtod(digits, NULL);
    if (isfinite(number))
        *out = number;
    return isfinite(number);
}

bool wf_tape_size(const wf_tape *tape, uint32_t at, size_t *out)
{
    if (wf_tape_kind(tape, at) != WF_VALUE_NUMBER)
        return false;
    const wf_value *value = &tape->values[at];
    size_t number = 0;
    for (size_t i = 0; i < value->bytes; i++) {
        char c = tape->text[value->start + i];
        if (c < '0' || c > '9' || !wf_mul_ok(number, 10, &number) ||
            !wf_add_ok(number, (size_t)(c - '0'), &number))
            return false;
    }
    *out = number;
    return true;
}

bool wf_tape_bool(const wf_tape *tape, uint32_t at, bool otherwise)
{
    enum wf_value_kind kind = wf_tape_kind(tape, at);
    return kind == WF_VALUE_TRUE || (kind != WF_VALUE_FALSE && otherwise);
}

size_t wf_tape_count(const wf_tape *tape, uint32_t container)
{
    enum wf_value_kind kind = wf_tape_kind(tape, container);
    bool is_container = kind == WF_VALUE_ARRAY || kind == WF_VALUE_OBJECT;
    return is_container ? tape->values[container].bytes : 0;
}

uint32_t wf_tape_first(const wf_tape *tape, uint32_t container)
{
    return wf_tape_count(tape, container) != 0 ? container + 1 : WF_NO_VALUE;
}

uint32_t wf_tape_next(const wf_tape *tape, uint32_t container, uint32_t at)
{
    uint32_t next = tape->values[at].after;
    return next < tape->values[container].after ? next : WF_NO_VALUE;
}

uint32_t wf_tape_get(const wf_tape *tape, uint32_t object, const char *key)
{
    if (wf_tape_kind(tape, object) != WF_VALUE_OBJECT)
        return WF_NO_VALUE;
    for (uint32_t at = wf_tape_first(tape, object); at != WF_NO_VALUE;) {
        uint32_t value = wf_tape_next(tape, object, at);
        if (wf_tape_is(tape, at, key))
            return value;
        at = wf_tape_next(tape, object, value);
    }
    return WF_NO_VALUE;
}
