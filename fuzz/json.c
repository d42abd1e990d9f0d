/* SPDX-License-Identifier: MIT */

/* JSON: what is read, written and read again is written the same; errors point into the text. */

#include <weft/json.h>

#include "base/json_write.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 16 };

static void write_value(wf_json *json, const weft_json *value)
{
    switch (weft_json_kind(value)) {
    case WEFT_JSON_NONE:
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
            write_value(json, weft_json_item(value, i));
        wf_json_array_end(json);
        break;
    case WEFT_JSON_OBJECT: {
        weft_json_member member = {0};
        wf_json_object(json);
        while (weft_json_next(value, &member)) {
            assert(weft_json_get_str(value, member.key) == member.value);
            wf_json_key_str(json, member.key);
            write_value(json, member.value);
        }
        wf_json_object_end(json);
        break;
    }
    }
}

static void write_tree(wf_buf *out, const weft_json *root)
{
    wf_json json = {.out = out};
    write_value(&json, root);
    assert(out->rc == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const weft_json_limits limits = {.depth_max = DEPTH_MAX, .value_count_max = 2000};
    weft_json *root = NULL;
    weft_json_error error;
    int rc = weft_json_read(&root, (const char *)data, size, &limits, &error);
    if (rc < 0) {
        assert(root == NULL);
        assert(error.rc == rc);
        assert(error.offset <= size);
        assert(error.line >= 1);
        assert(memchr(error.text, '\0', sizeof error.text) != NULL);
        return 0;
    }

    wf_buf first = {0}, second = {0};
    weft_json *again = NULL;
    write_tree(&first, root);
    rc = weft_json_read(&again, wf_buf_ptr(&first), wf_buf_bytes(&first), &limits, &error);
    assert(rc == 0);
    write_tree(&second, again);
    assert(wf_buf_bytes(&first) == wf_buf_bytes(&second));
    assert(memcmp(wf_buf_ptr(&first), wf_buf_ptr(&second), wf_buf_bytes(&first)) == 0);

    weft_json_free(root);
    weft_json_free(again);
    wf_buf_fini(&first);
    wf_buf_fini(&second);
    return 0;
}
