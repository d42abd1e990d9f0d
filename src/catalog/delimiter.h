/* SPDX-License-Identifier: MIT */

/*
 * Delimiter: what separates the fields of a CSV, where nobody has said it.  The first record is
 * split at each of the usual characters, and the one that gives the columns that are wanted is
 * taken.  Fed with bytes as the splitters are, and as they are says the same wherever these were
 * cut.
 */
#ifndef WF_DELIMITER_H
#define WF_DELIMITER_H

#include "catalog/csv_parse.h"

#define WF_DELIMITERS ",;\t|" /* the first wins where none gives what is wanted */
#define WF_DELIMITER_COUNT (sizeof(WF_DELIMITERS) - 1)

/* The columns without which a file is of no use. */
typedef struct wf_wanted {
    weft_str names[3];
    const char *options[3]; /* of weft_catalog_options, which call each otherwise */
    size_t count;
    bool is_any; /* one of them will do */
} wf_wanted;

typedef struct wf_delimiter {
    struct wf_delimiter_head {
        wf_csv csv;
        int rc; /* 0: not yet a whole record; 1: it is ready; < 0: it is none when split so */
    } heads[WF_DELIMITER_COUNT];
} wf_delimiter;

void wf_delimiter_init(wf_delimiter *it, size_t row_bytes_max);
void wf_delimiter_fini(wf_delimiter *it);

/* 1: the first record is there, as each would split it; 0: more bytes are needed; -ENOMEM. */
int wf_delimiter_feed(wf_delimiter *it, const char *bytes, size_t count);
int wf_delimiter_end(wf_delimiter *it); /* the file has no more: 0 or -ENOMEM */

/* Which it is; and in *out_rival another that would do as well, or '\0'.  True if the one that is
 * returned gives what is wanted. */
bool wf_delimiter_choose(const wf_delimiter *it, const wf_wanted *wanted, char *out,
                         char *out_rival);

/* The record that spreadsheets put before the first to say what separates: "sep=;". */
bool wf_delimiter_is_told(const wf_csv *csv);

/* "commas", "semicolons"; NULL: none of the usual. */
const char *wf_delimiter_name(char delimiter);

/* Could separate fields: a tab or a sign of ASCII that is no quote, nor stands in numbers. */
bool wf_delimiter_is_valid(char delimiter);

#endif
