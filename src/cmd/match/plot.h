/* SPDX-License-Identifier: MIT */

/*
 * Plot: what was measured, as one SVG picture for a browser: how often answers of a score are
 * right, against the score; and how many texts have a score, known ones above the line, novel ones
 * below.
 */
#ifndef WF_CMD_PLOT_H
#define WF_CMD_PLOT_H

#include "base/buf.h"
#include "cmd/match/measure.h"

/* Appends the picture of items that measure_end has sorted.  0 or -ENOMEM. */
int plot_write(const struct measure *measure, const struct figures *figures, wf_buf *out);

#endif
