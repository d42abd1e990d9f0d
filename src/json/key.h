/* SPDX-License-Identifier: MIT */

/*
 * Keys of an object, by length: one of two files, by what the installed libjansson can do.
 * key_counted.c: 2.14 and newer.  key_terminated.c: older, where a key ends at its first NUL; a key
 * that holds U+0000 is then refused rather than cut.
 */
#ifndef WF_JSON_KEY_H
#define WF_JSON_KEY_H

#include <weft/base.h>

#include <jansson.h>

/* The object takes the value, also on failure.  0, -ENOMEM, or -WEFT_ELIMIT for a key that this
 * libjansson cannot hold. */
int wf_jkey_set(json_t *object, weft_str key, json_t *value);

/* Borrowed; NULL if there is none. */
json_t *wf_jkey_get(const json_t *object, weft_str key);

/* The key an iterator stands on; borrowed. */
weft_str wf_jkey_at(void *iter);

#endif
