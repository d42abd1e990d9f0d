/* SPDX-License-Identifier: MIT */

/*
 * Tape: JSON of a model's files, as a flat array of its values in the order of the text.  A
 * tokenizer has a quarter of a million texts and numbers: sixteen bytes each here, and no memory
 * for itself; those without escapes are read in place.  Strict RFC 8259 but for keys that stand
 * twice: the first counts.
 */
#ifndef WF_MATCH_TAPE_H
#define WF_MATCH_TAPE_H

#include "base/buf.h"
#include "match/model/reason.h"

#define WF_TAPE_BYTES_MAX ((size_t)256 << 20)
#define WF_TAPE_VALUES_MAX ((size_t)16 << 20)
#define WF_TAPE_DEPTH_MAX 64u

/* No value: what a look-up that finds nothing returns, and what every call allows. */
#define WF_NO_VALUE UINT32_MAX

enum wf_value_kind {
    WF_VALUE_NONE,
    WF_VALUE_NULL,
    WF_VALUE_FALSE,
    WF_VALUE_TRUE,
    WF_VALUE_NUMBER,
    WF_VALUE_STRING,
    WF_VALUE_ARRAY,
    WF_VALUE_OBJECT,
};

/* Behind a container stand its items; of an object each key, a string, before its value. */
typedef struct wf_value {
    uint32_t start; /* of a number or a string: in the text or, with escapes, in `decoded` */
    uint32_t bytes; /* of a container: items, or keys and values */
    uint32_t after; /* the value behind this one and all in it */
    uint8_t kind;
    bool is_decoded;
} wf_value;

typedef struct wf_tape {
    const char *text;
    wf_value *values; /* the root is values[0] */
    size_t count, capacity;
    wf_buf decoded;
} wf_tape;

/* `text` is borrowed for the tape's life and may hold any bytes.  0, -ENOMEM, -WEFT_M_EMODEL,
 * -ECANCELED. */
int wf_tape_read(wf_tape *tape, const char *text, size_t bytes, wf_reason *reason);
void wf_tape_fini(wf_tape *tape);

enum wf_value_kind wf_tape_kind(const wf_tape *tape, uint32_t at);

/* A string's bytes, UTF-8; ptr NULL if it is none. */
weft_str wf_tape_string(const wf_tape *tape, uint32_t at);
bool wf_tape_is(const wf_tape *tape, uint32_t at, const char *text);

/* A number as it is written; ptr NULL if it is none. */
weft_str wf_tape_number(const wf_tape *tape, uint32_t at);

/* False, and *out is not touched, if it is no number, or none of that kind and range. */
bool wf_tape_double(const wf_tape *tape, uint32_t at, double *out);
bool wf_tape_size(const wf_tape *tape, uint32_t at, size_t *out);

/* True or false; `otherwise` if it is neither. */
bool wf_tape_bool(const wf_tape *tape, uint32_t at, bool otherwise);

/* The value of a key of an object. */
uint32_t wf_tape_get(const wf_tape *tape, uint32_t object, const char *key);

/* Items of an array; keys and values of an object together:
 *
 *     for (uint32_t at = wf_tape_first(t, array); at != WF_NO_VALUE; at = wf_tape_next(t, array,
 *                                                                                      at))
 */
size_t wf_tape_count(const wf_tape *tape, uint32_t container);
uint32_t wf_tape_first(const wf_tape *tape, uint32_t container);
uint32_t wf_tape_next(const wf_tape *tape, uint32_t container, uint32_t at);

#endif
