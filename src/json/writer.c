/* SPDX-License-Identifier: MIT */

/* The public face of the one writer of JSON, with a buffer of its own. */

#include <weft/json_writer.h>

#include "base/alloc.h"
#include "base/json_write.h"
#include "json/value_write.h"

#include <assert.h>

struct weft_json_writer {
    wf_buf buf;
    wf_json json; /* writes into buf */
};

int weft_json_writer_new(weft_json_writer **out, size_t bytes_max)
{
    weft_json_writer *made = wf_alloc(sizeof(*made));
    if (made == NULL)
        return -ENOMEM;
    *made = (weft_json_writer){.buf.bytes_max = bytes_max, .json.out = &made->buf};
    *out = made;
    return 0;
}

void weft_json_writer_free(weft_json_writer *json)
{
    if (json == NULL)
        return;
    wf_buf_fini(&json->buf);
    wf_free(json);
}

void weft_json_writer_reset(weft_json_writer *json)
{
    wf_buf_reset(&json->buf);
    json->json = (wf_json){.out = &json->buf};
}

int weft_json_writer_get(const weft_json_writer *json, weft_str *out)
{
    if (json->buf.rc < 0)
        return json->buf.rc;
    assert(json->json.depth == 0);
    assert(!json->json.is_after_key);
    *out = (weft_str){wf_buf_ptr(&json->buf), wf_buf_bytes(&json->buf)};
    return 0;
}

void weft_json_begin_object(weft_json_writer *json)
{
    wf_json_object(&json->json);
}

void weft_json_end_object(weft_json_writer *json)
{
    wf_json_object_end(&json->json);
}

void weft_json_begin_array(weft_json_writer *json)
{
    wf_json_array(&json->json);
}

void weft_json_end_array(weft_json_writer *json)
{
    wf_json_array_end(&json->json);
}

void weft_json_put_key(weft_json_writer *json, const char *key)
{
    wf_json_key(&json->json, key);
}

void weft_json_put_key_str(weft_json_writer *json, weft_str key)
{
    wf_json_key_str(&json->json, key);
}

void weft_json_put_text(weft_json_writer *json, const char *text)
{
    wf_json_text(&json->json, text);
}

void weft_json_put_str(weft_json_writer *json, weft_str text)
{
    wf_json_str(&json->json, text);
}

void weft_json_put_integer(weft_json_writer *json, int64_t value)
{
    wf_json_int(&json->json, value);
}

void weft_json_put_double(weft_json_writer *json, double value)
{
    wf_json_double(&json->json, value);
}

void weft_json_put_float(weft_json_writer *json, float value)
{
    wf_json_float(&json->json, value);
}

void weft_json_put_bool(weft_json_writer *json, bool value)
{
    wf_json_bool(&json->json, value);
}

void weft_json_put_null(weft_json_writer *json)
{
    wf_json_null(&json->json);
}

void weft_json_put_raw(weft_json_writer *json, weft_str value)
{
    wf_json_raw(&json->json, value);
}

void weft_json_put_value(weft_json_writer *json, const weft_json *value)
{
    wf_json_value(&json->json, value);
}
