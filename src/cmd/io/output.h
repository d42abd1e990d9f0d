/* SPDX-License-Identifier: MIT */

/* Standard output, whole lines at a time; how answers become such lines. */
#ifndef WF_CMD_OUTPUT_H
#define WF_CMD_OUTPUT_H

#include "base/buf.h"

#include <weft/text.h>

/* True if a person is looking. */
bool output_is_terminal(void);

/* How wide their terminal is; 0: nobody knows. */
size_t output_columns(void);

/* Appends a line: the text that a weft_m_*_json function has made, or nothing if it failed with
 * `rc`.  Frees the text.  0, `rc`, or what the buffer fails with. */
int output_put(wf_buf *lines, int rc, weft_text *text);

/* Runs fn(arg), which makes lines of answers, beside the loop; also in a task that is cancelled:
 * what was answered is written out.  What fn returned. */
WEFT_WAITS int output_make(weft_fn *fn, void *arg);

/* Writes what is in `lines` and empties it.  When cancelled meanwhile, it still tries to bring out
 * the rest, for a moment.  0, -ECANCELED, -EPIPE, -ENOSPC …; what the buffer failed with. */
WEFT_WAITS int output_lines(wf_buf *lines);

/* Both: makes lines by fn(arg), which appends to `lines`, and writes them. */
WEFT_WAITS int output_answers(wf_buf *lines, weft_fn *fn, void *arg);

#endif
