/* SPDX-License-Identifier: MIT */

/* Names: what is told to somebody who gave one that is none of those there are. */
#ifndef WF_NAMES_H
#define WF_NAMES_H

#include <weft/base.h>

#include <stddef.h>

/* The one that `text` was most likely meant to be, or NULL: at most a third of its letters are
 * otherwise. */
const char *wf_names_nearest(weft_str text, const char *const *names, size_t count);

/* Writes "a, b, c"; or as many as there is room for, "a, b and 7 more".  Cut between names alone,
 * and NUL-terminated.  `room`: 32 and more. */
void wf_names_list(const char *const *names, size_t count, char *out, size_t room);

/* Writes what comes behind "TEXT is none of them": "; did you mean b?", or "; there are a, b, c",
 * or "; there are none".  `room`: for some names, 48 and more. */
void wf_names_hint(weft_str text, const char *const *names, size_t count, char *out, size_t room);

#endif
