/* SPDX-License-Identifier: MIT */

/* JSON: what is read, written and read again is written the same; errors point into the text. */

#include <weft/json.h>

#include "json/value_write.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 16 };

/* Each member is what its key finds. */
static void check_members(const weft_json *value)
{
    weft_json_member member = {0};
    while (weft_json_next(value, &member)) {
        assert(weft_json_get_str(value, member.key) == member.value);
        check_members(member.value);
    }
    for (size_t i = 0; weft_json_kind(value) == WEFT_JSON_ARRAY && i < weft_json_count(value); i++)
        check_members(weft_json_item(value, i));
}

static void write_tree(wf_buf *out, const weft_json *root)
{
    wf_json json = {.out = out};
    wf_json_value(&json, root);
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

    check_members(root);
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
