/* SPDX-License-Identifier: MIT */

/*
 * Openings: how the answers of a server begin, kept for the few pairs of status and type that it
 * answers with, for as long as the date in them is true.  A type was checked when its opening was
 * made, and is not checked again.
 */
#ifndef WF_HTTP_OPENINGS_H
#define WF_HTTP_OPENINGS_H

#include "h1/chars.h"
#include "h1/write.h"

#define WF_OPENING_COUNT 8

/* Zeroed is empty. */
struct wf_openings {
    struct wf_h1_opening of[WF_OPENING_COUNT]; /* status 0: none */
};

/* The place in the cache for an opening with this status and type. */
static inline struct wf_h1_opening *wf_openings_place(struct wf_openings *openings, int status,
                                                      weft_str type)
{
    size_t sign = type.len != 0 ? type.len ^ (unsigned char)type.ptr[type.len - 1] : 0;
    return &openings->of[(sign ^ (unsigned)status) % WF_OPENING_COUNT];
}

/* True if the opening is for this status and type. */
static inline bool wf_opening_is(const struct wf_h1_opening *opening, int status, weft_str type)
{
    return opening->status == status && opening->type_len == type.len &&
           (type.len == 0 || /* then it is nowhere */
            wf_http_identical(wf_h1_opening_type(opening).ptr, type.ptr, type.len));
}

/* Empties the cache, as the date has changed. */
void wf_openings_forget(struct wf_openings *openings);

/* Makes an opening in its place.  NULL: the type holds a control character. */
const struct wf_h1_opening *wf_opening_make(struct wf_h1_opening *opening, int status,
                                            const char *date, weft_str type);

#endif
