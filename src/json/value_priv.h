/* SPDX-License-Identifier: MIT */

/*
 * Making values: what the reader builds its tree from.  The library that stores the values is known
 * to value.c alone.
 */
#ifndef WF_JSON_VALUE_PRIV_H
#define WF_JSON_VALUE_PRIV_H

#include <weft/json.h>

/* Once before the first value: gives the hash tables their secret.  Any thread. */
int wf_jv_setup(void);

/* NULL: no memory. */
weft_json *wf_jv_null(void);
weft_json *wf_jv_bool(bool is_true);
weft_json *wf_jv_integer(int64_t number);
weft_json *wf_jv_double(double number);
weft_json *wf_jv_string(weft_str text); /* UTF-8, checked by the caller */
weft_json *wf_jv_array(void);
weft_json *wf_jv_object(void);

/* The container takes the value, also on failure.  0, -ENOMEM, or what key.h says. */
int wf_jv_append(weft_json *array, weft_json *item);
int wf_jv_set(weft_json *object, weft_str key, weft_json *value);

#endif
