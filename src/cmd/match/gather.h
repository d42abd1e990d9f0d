/* SPDX-License-Identifier: MIT */

/* Gather: all texts of a file or of standard input at once, for commands that look at them
 * together. */
#ifndef WF_CMD_GATHER_H
#define WF_CMD_GATHER_H

#include "cmd/match/texts.h"

struct gather {
    wf_arena arena;
    weft_str *texts;
    size_t count, capacity;
    size_t most;      /* more are refused */
    const char *path; /* for what is said then; borrowed */
};

/* Reads `path`; `gather` has `most` and is else zero.  0; an exit code after saying why, or
 * -ECANCELED; fini in any case. */
WEFT_WAITS int gather_texts(struct gather *gather, const char *path,
                            const weft_catalog_options *options);
void gather_fini(struct gather *gather);

#endif
