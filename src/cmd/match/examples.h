/* SPDX-License-Identifier: MIT */

/* Examples: texts and the entities they mean, read from a file, to learn from. */
#ifndef WF_CMD_EXAMPLES_H
#define WF_CMD_EXAMPLES_H

#include "base/arena.h"

#include <weft/match.h>

struct examples {
    wf_arena arena;
    weft_matcher *matcher; /* whose entities labels are */
    const char *path;      /* at hand */
    weft_m_example *items;
    size_t count, capacity;
};

/* Reads them as labelled_each() does.  `examples` is zeroed but for its matcher.  0; else an exit
 * code after saying why, or -ECANCELED. */
WEFT_WAITS int examples_read(struct examples *examples, const char *path, char delimiter);
void examples_fini(struct examples *examples);

#endif
