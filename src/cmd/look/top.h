/* SPDX-License-Identifier: MIT */

/* weft top: what is known of a process at one look, the sum of its loops. */
#ifndef WF_CMD_TOP_H
#define WF_CMD_TOP_H

#include "base/buf.h"

#include <sys/types.h>

enum top_number {
    TOP_TASKS_MADE,
    TOP_TASKS_DONE,
    TOP_TASKS_LIVE,
    TOP_SWITCHES,
    TOP_PASSES,
    TOP_TURNS,
    TOP_CANCELS,
    TOP_HOGS,
    TOP_TIMERS_FIRED,
    TOP_OPS,
    TOP_OPS_LIVE,
    TOP_NUMBERS
};

#define TOP_BOUNDS 14 /* of a histogram's buckets, the endless one included */
#define TOP_ROWS 64
#define TOP_TEXT_BYTES 120

struct top_times {
    double bounds[TOP_BOUNDS]; /* seconds */
    double below[TOP_BOUNDS];  /* so many were not longer */
};

struct top_row {
    char text[TOP_TEXT_BYTES];
    double count;
};

struct top_look {
    weft_time at;
    unsigned loops;
    char backend[16];
    double numbers[TOP_NUMBERS];
    struct top_times passes, waits;
    struct top_row sites[TOP_ROWS], states[TOP_ROWS]; /* the largest first */
    size_t site_count, state_count;
    double samples;
    char silent[200]; /* what a loop that does not answer was said to do, or "" */
};

/* ---- top_read.c ---- */

/* Takes a line of the answer. */
void top_read_line(struct top_look *look, weft_str line);
void top_read_end(struct top_look *look);

/* ---- top_show.c ---- */

/* What happened between two looks, for a person or as one line of JSON. */
void top_show(const struct top_look *before, const struct top_look *now, pid_t pid, int width,
              int height, wf_buf *out);
void top_json(const struct top_look *before, const struct top_look *now, pid_t pid, wf_buf *out);

#endif
