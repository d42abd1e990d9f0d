/* SPDX-License-Identifier: MIT */

#include "json/key.h"

#include "base/alloc.h"

#include <string.h>

int wf_jkey_set(json_t *object, weft_str key, json_t *value)
{
    bool fits = key.len == 0 || memchr(key.ptr, '\0', key.len) == NULL;
    char *text = fits ? wf_strdup(key.ptr, key.len) : NULL;
    if (text == NULL) {
        json_decref(value);
        return fits ? -ENOMEM : -WEFT_ELIMIT;
    }
    int rc = json_object_set_new_nocheck(object, text, value);
    wf_free(text);
    return rc < 0 ? -ENOMEM : 0;
}

/* Without memory for a copy of a long key: O(n). */
static json_t *key_search(json_t *map, weft_str key)
{
    for (void *at = json_object_iter(map); at != NULL; at = json_object_iter_next(map, at)) {
        weft_str here = wf_jkey_at(at);
        if (here.len == key.len && memcmp(here.ptr, key.ptr, key.len) == 0)
            return json_object_iter_value(at);
    }
    return NULL;
}

json_t *wf_jkey_get(const json_t *object, weft_str key)
{
    char small[256];
    char *text = key.len < sizeof(small) ? small : wf_strdup(key.ptr, key.len);
    if (text == NULL)
        return key_search((json_t *)(uintptr_t)object, key);
    if (text == small && key.len != 0)
        memcpy(small, key.ptr, key.len);
    text[key.len] = '\0';
    bool fits = strlen(text) == key.len;
    json_t *value = fits ? json_object_get(object, text) : NULL;
    if (text != small)
        wf_free(text);
    return value;
}

weft_str wf_jkey_at(void *iter)
{
    const char *text = json_object_iter_key(iter);
    return (weft_str){text, strlen(text)};
}
