/* SPDX-License-Identifier: MIT */

/*
 * What the three splitters of a file (rows of CSV, lines, items of a JSON array) have in common.
 * Each is pure: it is fed bytes in pieces of any size and answers, wherever they were cut, with the
 * same rows and the same errors.
 *
 *     feed:  1   a row is ready; it stays until the next call
 *            0   all bytes were taken, no row yet
 *           < 0  *error says what is wrong; if error->is_row, feeding on goes on behind the bad row
 *     end:  the same for what is left when the file is over
 */
#ifndef WF_CATALOG_PIECE_H
#define WF_CATALOG_PIECE_H

#include "base/buf.h"

#define WF_NO_FIELD ((size_t)-1)

/* Where the next byte stands, from 1. */
typedef struct wf_place {
    size_t line, column;
} wf_place;

typedef struct wf_piece_error {
    int rc; /* 0: none yet */
    bool is_row;
    wf_place place;   /* column 0: the row as a whole */
    size_t field;     /* of a CSV row, from 0; WF_NO_FIELD */
    size_t limit;     /* of -WEFT_ELIMIT */
    const char *what; /* static */
} wf_piece_error;

static inline void wf_place_pass(wf_place *place, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        place->column++;
        if (bytes[i] == '\n') {
            place->line++;
            place->column = 1;
        }
    }
}

#endif
