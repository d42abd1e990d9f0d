/* SPDX-License-Identifier: MIT */

/* A tree written back as text, by the one JSON writer: what a test compares. */
#ifndef WF_TESTS_JSON_DUMP_H
#define WF_TESTS_JSON_DUMP_H

#include "base/json_write.h"

#include <weft/json.h>

static void dump_value(wf_json *json, const weft_json *value)
{
    weft_json_member member = {0};
    switch (weft_json_kind(value)) {
    case WEFT_JSON_NONE:
        break;
    case WEFT_JSON_NULL:
        wf_json_null(json);
        break;
    case WEFT_JSON_BOOL:
        wf_json_bool(json, weft_json_bool(value));
        break;
    case WEFT_JSON_INTEGER:
        wf_json_int(json, weft_json_integer(value));
        break;
    case WEFT_JSON_DOUBLE:
        wf_json_double(json, weft_json_double(value));
        break;
    case WEFT_JSON_STRING:
        wf_json_str(json, weft_json_string(value));
        break;
    case WEFT_JSON_ARRAY:
        wf_json_array(json);
        for (size_t i = 0; i < weft_json_count(value); i++)
            dump_value(json, weft_json_item(value, i));
        wf_json_array_end(json);
        break;
    case WEFT_JSON_OBJECT:
        wf_json_object(json);
        while (weft_json_next(value, &member)) {
            wf_json_key_str(json, member.key);
            dump_value(json, member.value);
        }
        wf_json_object_end(json);
        break;
    }
}

/* NUL-terminated text in `out`. */
static const char *dump(const weft_json *value, wf_buf *out)
{
    wf_buf_reset(out);
    wf_json json = {.out = out};
    dump_value(&json, value);
    wf_buf_putc(out, '\0');
    return wf_buf_ptr(out);
}

#endif
