/* SPDX-License-Identifier: MIT */

/* Row: what a store keeps of an item beside its numbers; one block of memory, shared by reference
 * count with answers. */
#ifndef WF_MATCH_VEC_ROW_H
#define WF_MATCH_VEC_ROW_H

#include <weft/vec.h>

typedef struct wf_vec_row {
    unsigned refs; /* atomic */
    uint32_t tag_count;
    weft_str id;
    weft_vec_tag tags[];
} wf_vec_row;

/* A copy.  NULL: no memory. */
wf_vec_row *wf_vec_row_new(weft_str id, const weft_vec_tag *tags, size_t tag_count);

wf_vec_row *wf_vec_row_ref(wf_vec_row *row);
void wf_vec_row_unref(wf_vec_row *row); /* NULL is fine */

/* True if it has each tag of a filter. */
bool wf_vec_row_passes(const wf_vec_row *row, const weft_vec_tag *filter, size_t filter_count);

size_t wf_vec_row_bytes(const wf_vec_row *row);

#endif
