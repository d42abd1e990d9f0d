/* SPDX-License-Identifier: MIT */

/*
 * Values stand in libjansson's types; no other file knows that.  The library is linked statically
 * and its symbols stay hidden, so its process-wide settings below are ours alone and an embedding
 * program may use another copy of it, or json-c, which has the same names.
 */
#include "json/value_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "json/key.h"

#include <jansson.h>
#include <stdatomic.h>
#include <string.h>

static void *value_alloc(size_t bytes)
{
    return wf_alloc(bytes);
}

/* Before main: no thread can be using the library yet. */
__attribute__((constructor)) static void value_use_platform_memory(void)
{
    json_set_alloc_funcs(value_alloc, wf_free);
}

int wf_jv_setup(void)
{
    static atomic_bool is_seeded;
    if (atomic_load_explicit(&is_seeded, memory_order_acquire))
        return 0;
    uint32_t secret;
    int rc = wf_sys_random(&secret, sizeof(secret));
    if (rc < 0)
        return rc;
    json_object_seed(secret |
                     1); /* 0 would make the library read /dev/urandom; first caller wins */
    atomic_store_explicit(&is_seeded, true, memory_order_release);
    return 0;
}

static weft_json *wrap(json_t *value)
{
    return (weft_json *)value;
}

static json_t *unwrap(const weft_json *value)
{
    return (json_t *)(uintptr_t)value;
}

/* ---- making ---- */

weft_json *wf_jv_null(void)
{
    return wrap(json_null());
}

weft_json *wf_jv_bool(bool is_true)
{
    return wrap(json_boolean(is_true));
}

weft_json *wf_jv_integer(int64_t number)
{
    return wrap(json_integer(number));
}

weft_json *wf_jv_double(double number)
{
    return wrap(json_real(number));
}

weft_json *wf_jv_string(weft_str text)
{
    return wrap(json_stringn_nocheck(text.ptr, text.len));
}

weft_json *wf_jv_array(void)
{
    return wrap(json_array());
}

weft_json *wf_jv_object(void)
{
    return wrap(json_object());
}

int wf_jv_append(weft_json *array, weft_json *item)
{
    return json_array_append_new(unwrap(array), unwrap(item)) < 0 ? -ENOMEM : 0;
}

int wf_jv_set(weft_json *object, weft_str key, weft_json *value)
{
    return wf_jkey_set(unwrap(object), key, unwrap(value));
}

/* ---- looking ---- */

void weft_json_free(weft_json *root)
{
    json_decref(unwrap(root));
}

enum weft_json_kind weft_json_kind(const weft_json *value)
{
    if (value == NULL)
        return WEFT_JSON_NONE;
    switch (json_typeof(unwrap(value))) {
    case JSON_OBJECT:
        return WEFT_JSON_OBJECT;
    case JSON_ARRAY:
        return WEFT_JSON_ARRAY;
    case JSON_STRING:
        return WEFT_JSON_STRING;
    case JSON_INTEGER:
        return WEFT_JSON_INTEGER;
    case JSON_REAL:
        return WEFT_JSON_DOUBLE;
    case JSON_TRUE:
    case JSON_FALSE:
        return WEFT_JSON_BOOL;
    case JSON_NULL:
        return WEFT_JSON_NULL;
    }
    return WEFT_JSON_NONE;
}

const char *weft_json_kind_name(enum weft_json_kind kind)
{
    static const char *const names[] = {
        [WEFT_JSON_NONE] = "nothing",       [WEFT_JSON_NULL] = "null",
        [WEFT_JSON_BOOL] = "true or false", [WEFT_JSON_INTEGER] = "an integer",
        [WEFT_JSON_DOUBLE] = "a number",    [WEFT_JSON_STRING] = "a string",
        [WEFT_JSON_ARRAY] = "an array",     [WEFT_JSON_OBJECT] = "an object",
    };
    return names[kind];
}

weft_str weft_json_string(const weft_json *value)
{
    const json_t *string = unwrap(value);
    return (weft_str){json_string_value(string), json_string_length(string)};
}

bool weft_json_bool(const weft_json *value)
{
    return json_is_true(unwrap(value));
}

int64_t weft_json_integer(const weft_json *value)
{
    return json_integer_value(unwrap(value));
}

double weft_json_double(const weft_json *value)
{
    return json_number_value(unwrap(value));
}

size_t weft_json_count(const weft_json *value)
{
    return json_is_object(unwrap(value)) ? json_object_size(unwrap(value))
                                         : json_array_size(unwrap(value));
}

const weft_json *weft_json_item(const weft_json *array, size_t index)
{
    return wrap(json_array_get(unwrap(array), index));
}

const weft_json *weft_json_get_str(const weft_json *object, weft_str key)
{
    return wrap(wf_jkey_get(unwrap(object), key));
}

const weft_json *weft_json_get(const weft_json *object, const char *key)
{
    return weft_json_get_str(object, (weft_str){key, strlen(key)});
}

bool weft_json_next(const weft_json *object, weft_json_member *member)
{
    json_t *map = unwrap(object);
    void *at = member->priv_at == NULL ? json_object_iter(map)
                                       : json_object_iter_next(map, member->priv_at);
    if (at == NULL)
        return false;
    member->priv_at = at;
    member->key = wf_jkey_at(at);
    member->value = wrap(json_object_iter_value(at));
    return true;
}
