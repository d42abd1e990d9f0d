/* SPDX-License-Identifier: MIT */

/* Examples: texts and the entities they mean, read from a file, to learn from. */
#ifndef WF_CMD_EXAMPLES_H
#define WF_CMD_EXAMPLES_H

#include "base/arena.h"

#include <weft/match.h>

struct examples {
    wf_arena arena;
    weft_matcher *matcher; /* whose entities labels are */
    weft_str wrong;        /* the label that is none; of the chunk at hand */
    weft_m_example *items;
    size_t count, capacity;
};

/* Reads csv, json and ndjson with "text" and "label", or lines of a text, a tab and an id; an empty
 * id: none of the entities.  `delimiter` as in weft_catalog_options.  `examples` is zeroed but for
 * its matcher.  0; else an exit code after saying why, or -ECANCELED. */
WEFT_WAITS int examples_read(struct examples *examples, const char *path, char delimiter);
void examples_fini(struct examples *examples);

#endif
