/* SPDX-License-Identifier: MIT */

/*
 * Origin: how much of a text comes of the first character of what was given, while a step makes one
 * text of another.  It is a part at the beginning: steps keep the order.  What the public
 * implementation calls the offset 0, with its rules, is counted only as far as that part goes.
 */
#ifndef WF_MATCH_ORIGIN_H
#define WF_MATCH_ORIGIN_H

#include <stddef.h>

typedef struct wf_origin {
    size_t source; /* so many characters of the step's source come of the first one */
    size_t taken;  /* of the source, by what has been put */
    size_t put;    /* of what has been put, so many come of the first one */
} wf_origin;

/* `count` more characters of what was taken last. */
static inline void wf_origin_add(wf_origin *it, size_t count)
{
    it->put += it->taken <= it->source ? count : 0;
}

/* The next character takes `takes` of the source and comes of the first of them; of none: one more
 * of what was taken last. */
static inline void wf_origin_put(wf_origin *it, size_t takes)
{
    it->put += takes > 0 ? it->taken < it->source : it->taken <= it->source;
    it->taken += takes;
}

/* `count` characters are as they were. */
static inline void wf_origin_copy(wf_origin *it, size_t count)
{
    size_t left = it->taken < it->source ? it->source - it->taken : 0;
    it->put += left < count ? left : count;
    it->taken += count;
}

/* `count` characters of the source are dropped. */
static inline void wf_origin_skip(wf_origin *it, size_t count)
{
    it->taken += count;
}

#endif
