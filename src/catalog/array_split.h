/* SPDX-License-Identifier: MIT */

/*
 * A JSON array, item by item: bytes in, the text of one item after the other out.  Only brackets,
 * commas and strings are looked at here; what an item really is, its reader says.
 */
#ifndef WF_ARRAY_SPLIT_H
#define WF_ARRAY_SPLIT_H

#include "catalog/piece.h"

#include <weft/base.h>

enum wf_array_state {
    WF_ARRAY_BEFORE,    /* before '[' */
    WF_ARRAY_FIRST,     /* behind '[': an item or ']' */
    WF_ARRAY_ITEM,      /* behind ',': an item */
    WF_ARRAY_IN_NESTED, /* inside {…} or […] */
    WF_ARRAY_IN_WORD,   /* inside a number or a word */
    WF_ARRAY_IN_STRING, /* inside an item that is a string */
    WF_ARRAY_BEHIND,    /* behind an item: ',' or ']' */
    WF_ARRAY_OVER,      /* behind ']' */
};

typedef struct wf_array_split {
    size_t row_bytes_max;
    enum wf_array_state state;
    uint64_t depth; /* of brackets inside the item */
    bool is_in_string, is_escaped;
    bool is_skipping; /* the item passed the limit, which was said; it ends unseen */
    wf_place place, row_place;
    size_t item_count; /* begun so far */
    wf_buf text;
    wf_piece_error failure; /* of the array itself: stays */
} wf_array_split;

void wf_array_init(wf_array_split *array, size_t row_bytes_max);
void wf_array_fini(wf_array_split *array);
int wf_array_feed(wf_array_split *array, const char *bytes, size_t count, size_t *out_used,
                  wf_piece_error *error);
int wf_array_end(wf_array_split *array, wf_piece_error *error);

/* The item that is ready.  Borrowed until the next call. */
weft_str wf_array_text(const wf_array_split *array);

#endif
