/* SPDX-License-Identifier: MIT */

/* Filling a weft_m_error.  Every function takes NULL for "nobody asks" and returns the code. */
#ifndef WF_MATCH_ERROR_H
#define WF_MATCH_ERROR_H

#include <weft/match.h>

/* Starts the error with its message; field, entity and suggestion are added after. */
int wf_m_fail(weft_m_error *error, int rc, const char *format, ...) WEFT_PRINTF(3, 4);

void wf_m_error_field(weft_m_error *error, const char *format, ...) WEFT_PRINTF(2, 3);
void wf_m_error_suggest(weft_m_error *error, const char *format, ...) WEFT_PRINTF(2, 3);
/* The `index`-th of the list that was given. */
void wf_m_error_entity(weft_m_error *error, const weft_m_entity *entity, size_t index);

/* `what` has `seen` of something of which there may be `limit`. */
int wf_m_fail_limit(weft_m_error *error, const char *what, const char *name, size_t limit,
                    size_t seen);

/* A failure that needs no more words than its code has: -ENOMEM, -ECANCELED, -WEFT_M_ECLOSED. */
int wf_m_fail_plain(weft_m_error *error, int rc);

#endif
