/* SPDX-License-Identifier: MIT */

/*
 * Common: words that names have wherever one looks, folded: articles, legal forms, and what bodies
 * are called whatever they do.  A small catalogue cannot show that "company" says less than
 * "siemens" when each is in one of its thirty names.  What tells one body from another is not here,
 * however frequent: where one name has "museum", a museum means that.
 */
#ifndef WF_MATCH_COMMON_H
#define WF_MATCH_COMMON_H

#include "match/embed/gram.h"

#include <stdbool.h>

bool wf_is_common(wf_points word);

#endif
