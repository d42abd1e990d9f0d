/* SPDX-License-Identifier: MIT */

/*
 * Labelled: texts with the ids they mean, from a file or standard input, some at a time.  By the
 * format that is given or else the name: csv, json or ndjson with "text" and "label"; else lines of
 * a text, a tab and a label, behind which another tab and anything may stand, and blank ones, which
 * are none.  An empty label: none of the entities.
 */
#ifndef WF_CMD_LABELLED_H
#define WF_CMD_LABELLED_H

#include "cmd/match/texts.h"

/* Calls fn(chunk, arg) with all there are; `format` and `delimiter` as in weft_catalog_options.  0;
 * an exit code after saying why, or -ECANCELED. */
WEFT_WAITS int labelled_each(const char *path, enum weft_file_format format, char delimiter,
                             texts_fn *fn, void *arg);

/* Whether `label`, which no entity has as its id, is such an id with ".0" behind it: what integers
 * become where a column with empty cells is read as numbers and written again. */
bool labelled_is_id_with_point(weft_matcher *matcher, weft_str label);

/* What to say behind such a label. */
#define LABELLED_WITH_POINT                                                                        \
    ", but without \".0\" there is one: pandas writes integers so whose column has empty cells, "  \
    "unless they are of type Int64"

#endif
