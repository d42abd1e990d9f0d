/* SPDX-License-Identifier: MIT */

/* Names: what to tell somebody who gave a name that does not exist, but is close to one that does.
 */
#ifndef WF_NAMES_H
#define WF_NAMES_H

#include <weft/base.h>

#include <stddef.h>

/* The name that `text` was most likely meant to be, at most a third of whose letters differ; or
 * NULL. */
const char *wf_names_nearest(weft_str text, const char *const *names, size_t count);

/* Writes "a, b, c", or as many names as there is room for, "a, b and 7 more"; NUL-terminated, and
 * no name is cut.  `room`: at least 32. */
void wf_names_list(const char *const *names, size_t count, char *out, size_t room);

/* Writes what follows "TEXT is none of them": "; did you mean b?", or "; there are a, b, c", or ";
 * there are none".  `room`: at least 48, or no name may fit. */
void wf_names_hint(weft_str text, const char *const *names, size_t count, char *out, size_t room);

#endif
