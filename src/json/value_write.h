/* SPDX-License-Identifier: MIT */

/* A value that was read, written again by the one writer.  A header, because layers above are
 * libraries of their own and write into buffers of their own. */
#ifndef WF_JSON_VALUE_WRITE_H
#define WF_JSON_VALUE_WRITE_H

#include "base/json_write.h"

#include <weft/error.h>
#include <weft/json.h>

/* Where no container can be opened any more: null stands for it, and the buffer has failed. */
static inline bool wf_json_has_room_below(wf_json *json)
{
    if (json->depth + 1 < WF_JSON_DEPTH_MAX)
        return true;
    if (json->out->rc == 0)
        json->out->rc = -WEFT_ELIMIT;
    return false;
}

/* Absent (NULL) is null.  Recursive, as the value nests: at most WF_JSON_DEPTH_MAX deep. */
static inline void wf_json_value(wf_json *json, const weft_json *value)
{
    enum weft_json_kind kind = weft_json_kind(value);
    weft_json_member member = {0};
    if ((kind == WEFT_JSON_ARRAY || kind == WEFT_JSON_OBJECT) && !wf_json_has_room_below(json))
        kind = WEFT_JSON_NULL;
    switch (kind) {
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
            wf_json_value(json, weft_json_item(value, i));
        wf_json_array_end(json);
        break;
    case WEFT_JSON_OBJECT:
        wf_json_object(json);
        while (weft_json_next(value, &member)) {
            wf_json_key_str(json, member.key);
            wf_json_value(json, member.value);
        }
        wf_json_object_end(json);
        break;
    }
}

#endif
