/* SPDX-License-Identifier: MIT */

/*
 * Plot: what was measured, as one SVG picture for a browser: how often answers of a score are
 * right, against the score; how many texts have a score, known ones above the line, novel ones
 * below; and how many are answered at a threshold, and how many of these right.
 */
#ifndef WF_CMD_PLOT_H
#define WF_CMD_PLOT_H

#include "base/buf.h"
#include "cmd/match/measure.h"

/* Appends the picture of items that measure_end has sorted.  0 or -ENOMEM. */
int plot_write(const struct measure *measure, const struct figures *figures, wf_buf *out);

#endif
