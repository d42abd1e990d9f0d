/* SPDX-License-Identifier: MIT */

/*
 * JSON text, written in one way: the same values give the same bytes wherever they are written.
 *
 *     wf_json json = {.out = &buf};
 *     wf_json_object(&json);
 *     wf_json_key(&json, "id");
 *     wf_json_text(&json, "DE");
 *     wf_json_key(&json, "score");
 *     wf_json_float(&json, 0.93f);
 *     wf_json_object_end(&json);        // {"id":"DE","score":0.93}
 *
 * No white space; commas and colons come by themselves.  A key must be followed by one value.
 * Failures of the buffer are sticky there: check buf.rc once at the end.
 *
 * Strings: `"`, `\`, controls, U+007F, U+2028 and U+2029 are escaped, other characters pass as they
 * are; a byte that is not UTF-8 becomes U+FFFD.  Numbers with a fraction: the fewest digits that
 * read back to the same value, always with a point or an exponent; not finite: null.
 */
#ifndef WF_JSON_WRITE_H
#define WF_JSON_WRITE_H

#include "base/buf.h"

#include <weft/base.h>

#define WF_JSON_DEPTH_MAX 64

/* Bit d of `has_items`: the container at depth d holds something.  Invariant: depth is below
 * WF_JSON_DEPTH_MAX (asserted; depth is the writer's own, never the input's). */
typedef struct wf_json {
    wf_buf *out;
    uint64_t has_items;
    unsigned depth;
    bool is_after_key;
    bool is_for_people; /* what nobody sees (wf_utf8_is_hidden) is escaped too */
} wf_json;

void wf_json_object(wf_json *json);
void wf_json_object_end(wf_json *json);
void wf_json_array(wf_json *json);
void wf_json_array_end(wf_json *json);

void wf_json_key(wf_json *json, const char *key);
void wf_json_key_str(wf_json *json, weft_str key);

void wf_json_text(wf_json *json, const char *text);                    /* NULL: null */
void wf_json_str(wf_json *json, weft_str text);                        /* ptr NULL: null */
void wf_json_strs(wf_json *json, const weft_str *texts, size_t count); /* an array of them */
void wf_json_int(wf_json *json, int64_t value);
void wf_json_uint(wf_json *json, uint64_t value);
void wf_json_double(wf_json *json, double value);
void wf_json_float(wf_json *json, float value);
void wf_json_bool(wf_json *json, bool value);
void wf_json_null(wf_json *json);

/* A key and its value. */
static inline void wf_json_put_text(wf_json *json, const char *key, const char *text)
{
    wf_json_key(json, key);
    wf_json_text(json, text);
}

static inline void wf_json_put_str(wf_json *json, const char *key, weft_str text)
{
    wf_json_key(json, key);
    wf_json_str(json, text);
}

static inline void wf_json_put_strs(wf_json *json, const char *key, const weft_str *texts,
                                    size_t count)
{
    wf_json_key(json, key);
    wf_json_strs(json, texts, count);
}

static inline void wf_json_put_uint(wf_json *json, const char *key, uint64_t value)
{
    wf_json_key(json, key);
    wf_json_uint(json, value);
}

static inline void wf_json_put_double(wf_json *json, const char *key, double value)
{
    wf_json_key(json, key);
    wf_json_double(json, value);
}

static inline void wf_json_put_float(wf_json *json, const char *key, float value)
{
    wf_json_key(json, key);
    wf_json_float(json, value);
}

static inline void wf_json_put_bool(wf_json *json, const char *key, bool value)
{
    wf_json_key(json, key);
    wf_json_bool(json, value);
}

/* A character as JSON escapes it, inside a string. */
void wf_json_escape(wf_buf *out, uint32_t c);

/* One value that is JSON already, copied as it is. */
void wf_json_raw(wf_json *json, weft_str value);

#endif
