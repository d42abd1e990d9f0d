/* SPDX-License-Identifier: MIT */

/*
 * Head of a request: the outcome is the same for every way to cut the input; what is accepted is
 * made of lines that end in CRLF, of pieces in order, and is understood the same when written
 * again. Each input is tried with the usual limits and with ones so small that they are reached.
 */

#include "cut.h"
#include "h1/chars.h"
#include "h1_heads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct wf_h1_limits limits[] = {
    {65536, 8192, 16384, FIELDS_MAX, 4},
    {160, 40, 48, 4, 1},
};

static void check_refused(const struct outcome *out, size_t len)
{
    const struct wf_http_fault *fault = &out->head.fault;
    assert(fault->status >= 400);
    assert(fault->status <= 505);
    assert(fault->code != NULL);
    assert(fault->message != NULL);
    assert(fault->offset <= (int64_t)len);
    if (fault->limit_name != NULL)
        assert(fault->seen > fault->limit);
}

/* A second look at what was accepted, with other means. */
static void check_accepted(const struct outcome *out, const char *text, size_t len)
{
    const struct wf_h1_head *head = &out->head;
    assert(head->bytes <= len);
    assert(head->bytes >= 4);
    assert(memcmp(text + head->bytes - 4, "\r\n\r\n", 4) == 0);
    for (size_t i = 0; i < head->bytes; i++) {
        if (text[i] == '\n')
            assert(i > 0 && text[i - 1] == '\r');
        if (text[i] == '\r')
            assert(text[i + 1] == '\n');
        assert(text[i] != 0);
    }
    uint32_t at = head->target_at + head->target_len;
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct wf_h1_field *field = &out->fields[i];
        assert(field->name_at > at);
        assert(field->name_len > 0);
        assert(field->value_at > field->name_at + field->name_len);
        assert(text[field->name_at + field->name_len] == ':');
        assert(memchr(text + field->value_at, '\n', field->value_len) == NULL);
        at = field->value_at + field->value_len;
    }
    assert(at < head->bytes);
    assert(!(head->is_chunked && head->has_length));
}

static size_t put(char *out, size_t at, const char *text, size_t len)
{
    memcpy(out + at, text, len);
    return at + len;
}

/* Written again without optional white space it says the same. */
static void check_written(const struct outcome *out, const char *text)
{
    const struct wf_h1_head *head = &out->head;
    char *again = malloc(head->bytes + 1);
    assert(again != NULL);
    size_t len = put(again, 0, text + head->method_at, head->method_len);
    len = put(again, len, " ", 1);
    len = put(again, len, text + head->target_at, head->target_len);
    len = put(again, len, head->minor == 0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n", 11);
    for (uint32_t i = 0; i < head->field_count; i++) {
        len = put(again, len, text + out->fields[i].name_at, out->fields[i].name_len);
        len = put(again, len, ":", 1);
        len = put(again, len, text + out->fields[i].value_at, out->fields[i].value_len);
        len = put(again, len, "\r\n", 2);
    }
    len = put(again, len, "\r\n", 2);
    assert(len <= head->bytes);

    struct outcome second;
    parse_whole(&second, wf_h1_head_init, &limits[0], again, len);
    assert(second.rc == 1);
    assert(second.head.bytes == len);
    assert(second.head.method == head->method);
    assert(second.head.content_length == head->content_length);
    assert(second.head.is_chunked == head->is_chunked);
    assert(second.head.is_keep_alive == head->is_keep_alive);
    assert(second.head.expect == head->expect);
    assert(second.head.field_count == head->field_count);
    free(again);
}

static void check(const struct wf_h1_limits *limit, const char *text, size_t len, uint64_t hash)
{
    struct outcome whole;
    parse_whole(&whole, wf_h1_head_init, limit, text, len);
    check_cut(&whole, wf_h1_head_init, text, len, hash);
    assert(whole.head.at <= limit->head_bytes_max);
    if (whole.rc < 0)
        check_refused(&whole, len);
    if (whole.rc == 1) {
        check_accepted(&whole, text, len);
        check_written(&whole, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t hash = input_hash(data, size);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        check(&limits[i], (const char *)data, size, hash);
    return 0;
}
