/* SPDX-License-Identifier: MIT */

/*
 * JSON writer: the same values give the same bytes, in every answer of every program.
 *
 *     weft_json_writer *json;
 *     WEFT_TRY(weft_json_writer_new(&json, 0));
 *     weft_json_begin_object(json);
 *     weft_json_put_key(json, "id");
 *     weft_json_put_integer(json, 7);
 *     weft_json_put_key(json, "tags");
 *     weft_json_begin_array(json);
 *     weft_json_put_text(json, "green \"tea\"");
 *     weft_json_end_array(json);
 *     weft_json_end_object(json);
 *     weft_str text;
 *     int rc = weft_json_writer_get(json, &text); // {"id":7,"tags":["green \"tea\""]}
 *     if (rc == 0)
 *         rc = weft_http_respond_json(res, 200, text);
 *     weft_json_writer_free(json);
 *
 * No white space; commas and colons come by themselves.  Failures are kept: check once, at get.
 * One key is followed by one value, what was begun is ended, and no more than 63 containers are
 * open at once; anything else is the caller's bug and asserted.
 *
 * Strings: `"`, `\`, controls, U+007F, U+2028 and U+2029 are escaped, other characters pass as they
 * are, and a byte that is not UTF-8 becomes U+FFFD.  Numbers have the fewest digits that read back
 * to the same value; those with a fraction keep a point or an exponent; what is not finite is null.
 *
 * Library: weft-json.
 */
#ifndef WEFT_JSON_WRITER_H
#define WEFT_JSON_WRITER_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

struct weft_json; /* <weft/json.h> */
typedef struct weft_json_writer weft_json_writer;

/* Makes an empty one in *out, for a text of at most `bytes_max` bytes (0: no limit).  0, -ENOMEM.
 */
WEFT_API WEFT_MUST_USE int weft_json_writer_new(weft_json_writer **out, size_t bytes_max);
WEFT_API void weft_json_writer_free(weft_json_writer *json); /* NULL is fine */

/* An object or an array: the whole text, an item of an array, or the value of the key before it.
 * What is begun is ended in reverse order. */
WEFT_API void weft_json_begin_object(weft_json_writer *json);
WEFT_API void weft_json_end_object(weft_json_writer *json);
WEFT_API void weft_json_begin_array(weft_json_writer *json);
WEFT_API void weft_json_end_array(weft_json_writer *json);

/* The key of the next value, in an object. */
WEFT_API void weft_json_put_key(weft_json_writer *json, const char *key);
WEFT_API void weft_json_put_key_str(weft_json_writer *json, weft_str key);

/* Each puts one value: the whole text, an item of an array, or the value of the key before it.  A
 * float is written with the digits that a float needs, fewer than the same number as a double. */
WEFT_API void weft_json_put_text(weft_json_writer *json, const char *text); /* NULL: null */
WEFT_API void weft_json_put_str(weft_json_writer *json, weft_str text);     /* ptr NULL: null */
WEFT_API void weft_json_put_integer(weft_json_writer *json, int64_t value);
WEFT_API void weft_json_put_double(weft_json_writer *json, double value);
WEFT_API void weft_json_put_float(weft_json_writer *json, float value);
WEFT_API void weft_json_put_bool(weft_json_writer *json, bool value);
WEFT_API void weft_json_put_null(weft_json_writer *json);

/* Puts a value that was read (<weft/json.h>), with all it holds; NULL: null.  If it nests deeper
 * than 63, with the containers around it, weft_json_writer_get() returns -WEFT_ELIMIT. */
WEFT_API void weft_json_put_value(weft_json_writer *json, const struct weft_json *value);

/* One value that is JSON already, as the matcher's weft_m_…_json calls give it. */
WEFT_API void weft_json_put_raw(weft_json_writer *json, weft_str value);

/* Gives the text in *out, once everything that was begun has been ended; borrowed until the next
 * call on the writer.  0; -ENOMEM or -WEFT_ELIMIT (past bytes_max) if any call before failed; then
 * *out is not touched. */
WEFT_API WEFT_MUST_USE int weft_json_writer_get(const weft_json_writer *json, weft_str *out);

/* Empties it for the next text; memory is kept, and a failure is forgotten. */
WEFT_API void weft_json_writer_reset(weft_json_writer *json);

WEFT_END_DECLS

#endif
