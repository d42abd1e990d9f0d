/* SPDX-License-Identifier: MIT */

#include "catalog/array_split.h"

void wf_array_init(wf_array_split *array, size_t row_bytes_max)
{
    *array = (wf_array_split){
        .row_bytes_max = row_bytes_max,
        .place = {1, 1},
        .text = {.bytes_max = row_bytes_max},
    };
}

void wf_array_fini(wf_array_split *array)
{
    wf_buf_fini(&array->text);
}

weft_str wf_array_text(const wf_array_split *array)
{
    return (weft_str){wf_buf_ptr(&array->text), wf_buf_bytes(&array->text)};
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_in_item(const wf_array_split *array)
{
    return array->state >= WF_ARRAY_IN_NESTED && array->state <= WF_ARRAY_IN_STRING;
}

/* The array is broken: no way to find the next item. */
static int fail(wf_array_split *array, wf_place place, const char *what)
{
    array->failure = (wf_piece_error){
        .rc = -WEFT_ESYNTAX,
        .place = place,
        .field = WF_NO_FIELD,
        .what = what,
    };
    return array->failure.rc;
}

/* One byte of an item. */
static int array_keep(wf_array_split *array, char c, wf_piece_error *error)
{
    int rc = array->is_skipping ? 0 : wf_buf_putc(&array->text, c);
    if (rc == 0)
        return 0;
    *error = (wf_piece_error){
        .rc = rc,
        .is_row = rc == -WEFT_ELIMIT,
        .place = {array->row_place.line, 0},
        .field = WF_NO_FIELD,
        .limit = rc == -WEFT_ELIMIT ? array->row_bytes_max : 0,
        .what = rc == -WEFT_ELIMIT ? "the item has too many bytes" : "no memory",
    };
    array->is_skipping = true;
    return rc;
}

static int item_begin(wf_array_split *array, char c, wf_piece_error *error)
{
    if (c == ',' || c == ']' || c == '}' || c == ':')
        return fail(array, array->place, "an item must stand here");
    wf_buf_reset(&array->text);
    array->row_place = array->place;
    array->item_count++;
    array->is_skipping = false;
    array->is_escaped = false;
    array->is_in_string = c == '"';
    array->depth = c == '{' || c == '[';
    array->state = array->depth != 0 ? WF_ARRAY_IN_NESTED
                   : c == '"'        ? WF_ARRAY_IN_STRING
                                     : WF_ARRAY_IN_WORD;
    return array_keep(array, c, error);
}

/* The item ended with the byte before (a word) or with this one; tells it unless it was too long.
 */
static int item_finish(wf_array_split *array)
{
    array->state = WF_ARRAY_BEHIND;
    return array->is_skipping ? 0 : 1;
}

/* True if this byte ends a string. */
static bool string_step(wf_array_split *array, char c)
{
    bool is_end = c == '"' && !array->is_escaped;
    array->is_escaped = c == '\\' && !array->is_escaped;
    array->is_in_string = !is_end;
    return is_end;
}

static int nested_step(wf_array_split *array, char c, wf_piece_error *error)
{
    int rc = array_keep(array, c, error);
    if (array->is_in_string) {
        string_step(array, c);
    } else if (c == '"') {
        array->is_in_string = true;
        array->is_escaped = false;
    } else if (c == '{' || c == '[') {
        array->depth++;
    } else if (c == '}' || c == ']') {
        array->depth--;
    }
    if (array->depth != 0)
        return rc;
    int ready = item_finish(array);
    return rc < 0 ? rc : ready;
}

static int item_string_step(wf_array_split *array, char c, wf_piece_error *error)
{
    int rc = array_keep(array, c, error);
    if (!string_step(array, c))
        return rc;
    int ready = item_finish(array);
    return rc < 0 ? rc : ready;
}

static int behind_step(wf_array_split *array, char c)
{
    if (c == ',')
        array->state = WF_ARRAY_ITEM;
    else if (c == ']')
        array->state = WF_ARRAY_OVER;
    else if (!is_space(c))
        return fail(array, array->place, "a comma or ] must stand here");
    return 0;
}

static int step(wf_array_split *array, char c, wf_piece_error *error)
{
    switch (array->state) {
    case WF_ARRAY_IN_NESTED:
        return nested_step(array, c, error);
    case WF_ARRAY_IN_STRING:
        return item_string_step(array, c, error);
    case WF_ARRAY_IN_WORD:
        return array_keep(array, c, error);
    case WF_ARRAY_BEHIND:
        return behind_step(array, c);
    default:
        break;
    }
    if (is_space(c))
        return 0;
    if (array->state == WF_ARRAY_OVER)
        return fail(array, array->place, "more text behind the array");
    if (array->state == WF_ARRAY_BEFORE) {
        if (c != '[')
            return fail(array, array->place, "the file must be one array: [ must stand here");
        array->state = WF_ARRAY_FIRST;
        return 0;
    }
    if (array->state == WF_ARRAY_FIRST && c == ']') {
        array->state = WF_ARRAY_OVER;
        return 0;
    }
    return item_begin(array, c, error);
}

int wf_array_feed(wf_array_split *array, const char *bytes, size_t count, size_t *out_used,
                  wf_piece_error *error)
{
    size_t used = 0;
    int rc = array->failure.rc;
    while (used < count && rc == 0) {
        char c = bytes[used];
        if (array->state == WF_ARRAY_IN_WORD && (is_space(c) || c == ',' || c == ']')) {
            rc = item_finish(array); /* this byte stands behind it */
            continue;
        }
        rc = step(array, c, error);
        wf_place_pass(&array->place, &c, 1);
        used++;
    }
    *out_used = used;
    if (array->failure.rc < 0)
        *error = array->failure;
    return rc;
}

int wf_array_end(wf_array_split *array, wf_piece_error *error)
{
    if (array->failure.rc == 0 && array->state != WF_ARRAY_OVER) {
        if (is_in_item(array))
            fail(array, array->row_place, "the file ends inside the item that begins here");
        else
            fail(array, array->place, "the file ends before the array does");
    }
    if (array->failure.rc == 0)
        return 0;
    *error = array->failure;
    return error->rc;
}
