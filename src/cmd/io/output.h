/* SPDX-License-Identifier: MIT */

/* Standard output, whole lines at a time. */
#ifndef WF_CMD_OUTPUT_H
#define WF_CMD_OUTPUT_H

#include "base/buf.h"

/* True if a person is looking. */
bool output_is_terminal(void);

/* Writes what is in `lines` and empties it.  When cancelled meanwhile, it still tries to bring out
 * the rest, for a moment.  0, -ECANCELED, -EPIPE, -ENOSPC …; what the buffer failed with. */
WEFT_WAITS int output_lines(wf_buf *lines);

#endif
