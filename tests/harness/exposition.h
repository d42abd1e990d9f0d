/* SPDX-License-Identifier: MIT */

/*
 * A strict reader of the text exposition format 0.0.4 of Prometheus, for tests: each line, the
 * order of the families, names, escapes, and what histograms must hold.
 */
#ifndef WF_TESTS_EXPOSITION_H
#define WF_TESTS_EXPOSITION_H

#include <weft/base.h>

/* NULL, or what is wrong with the text and where (static storage). */
const char *exposition_check(const char *text, size_t bytes);

/* The value of the line "NAME{LABELS} VALUE", written as it stands there; NAN if there is none. */
double exposition_value(const char *text, size_t bytes, const char *name_and_labels);

#endif
