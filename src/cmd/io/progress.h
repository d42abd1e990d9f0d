/* SPDX-License-Identifier: MIT */

/* Progress on standard error: a bar with rate and time left on a terminal, nothing elsewhere, or,
 * if asked for, "done/total" lines. */
#ifndef WF_CMD_PROGRESS_H
#define WF_CMD_PROGRESS_H

#include <weft/base.h>

enum progress_mode { PROGRESS_SILENT, PROGRESS_BAR, PROGRESS_LINES };

struct progress {
    enum progress_mode mode;
    uint64_t done, total; /* total 0: not known */
    uint64_t done_before; /* by an earlier run */
    weft_time begun_at, shown_at;
    bool is_on_screen;
};

void progress_init(struct progress *progress, bool is_wanted, bool is_for_file);

/* Of what is to be done, so much was done by an earlier run. */
void progress_begin_at(struct progress *progress, uint64_t done);

/* Shows it, at most ten times a second, and when it is done. */
void progress_step(struct progress *progress, uint64_t done);

/* All is done: says the last count, if the total was not known before. */
void progress_end(struct progress *progress);

/* Takes the bar off the screen, for other output. */
void progress_hide(struct progress *progress);

/* For calls of the library that tell how far they are: weft_m_progress_fn. */
int progress_show(size_t done, size_t total, void *progress);

#endif
