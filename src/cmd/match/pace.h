/* SPDX-License-Identifier: MIT */

/*
 * Pace: how many texts a chunk has, by how long those before took.  A rerank may take a second a
 * text, and nobody wants to wait for the answers to thousands, or to lose them.
 */
#ifndef WF_CMD_PACE_H
#define WF_CMD_PACE_H

#include <weft/base.h>

/* How long a chunk shall take to match: a run that is killed loses two. */
#define PACE_TIME WEFT_SEC

struct pace {
    size_t least; /* enough to keep the processors busy; the first chunk has so many */
    size_t most;  /* so many can be held; >= least */
};

/* `top_k` answers a text are held; a processor matches `batch` texts at a time. */
struct pace pace_of(size_t top_k, size_t batch, size_t processors);

/* The size of a chunk after one of `count` texts that took `took`. */
size_t pace_next(const struct pace *pace, size_t count, weft_time took);

#endif
