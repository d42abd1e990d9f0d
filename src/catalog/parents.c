/* SPDX-License-Identifier: MIT */

#include "catalog/parents.h"

const weft_json *wf_parents_find(const wf_field_names *names, const weft_json *object)
{
    bool is_asked = names->has_parents && weft_json_get(object, "hierarchy") == NULL;
    const weft_json *value = is_asked ? weft_json_get_str(object, names->parents) : NULL;
    return weft_json_kind(value) != WEFT_JSON_NULL ? value : NULL;
}

static bool is_id(const weft_json *value)
{
    return weft_json_kind(value) == WEFT_JSON_STRING || weft_json_kind(value) == WEFT_JSON_INTEGER;
}

/* An id by itself is a list of one. */
const char *wf_parents_check(const weft_json *parents, size_t *out_index)
{
    *out_index = SIZE_MAX;
    if (parents == NULL || is_id(parents))
        return NULL;
    if (weft_json_kind(parents) != WEFT_JSON_ARRAY)
        return "must be an id or an array of ids";
    for (size_t i = 0; i < weft_json_count(parents); i++) {
        *out_index = i;
        if (!is_id(weft_json_item(parents, i)))
            return "must be an id: a string or an integer";
    }
    return NULL;
}

void wf_parents_begin(weft_json_writer *extra)
{
    weft_json_begin_object(extra);
    weft_json_put_key(extra, "hierarchy");
    weft_json_begin_object(extra);
    weft_json_put_key(extra, "parents");
    weft_json_begin_array(extra);
}

void wf_parents_end(weft_json_writer *extra)
{
    weft_json_end_array(extra);
    weft_json_end_object(extra);
}

void wf_parents_put(weft_json_writer *extra, const weft_json *parents)
{
    bool is_list = weft_json_kind(parents) == WEFT_JSON_ARRAY;
    wf_parents_begin(extra);
    if (!is_list)
        weft_json_put_value(extra, parents);
    for (size_t i = 0; is_list && i < weft_json_count(parents); i++)
        weft_json_put_value(extra, weft_json_item(parents, i));
    wf_parents_end(extra);
}
