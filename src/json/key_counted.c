/* SPDX-License-Identifier: MIT */

#include "json/key.h"

int wf_jkey_set(json_t *object, weft_str key, json_t *value)
{
    return json_object_setn_new_nocheck(object, key.ptr, key.len, value) < 0 ? -ENOMEM : 0;
}

json_t *wf_jkey_get(const json_t *object, weft_str key)
{
    return json_object_getn(object, key.ptr, key.len);
}

weft_str wf_jkey_at(void *iter)
{
    return (weft_str){json_object_iter_key(iter), json_object_iter_key_len(iter)};
}
