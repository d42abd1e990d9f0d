/* SPDX-License-Identifier: MIT */

/* Run lines: what the answers of a run depend on, as lines of "name: value", so that two runs can
 * be told apart and a person can see why.  Of a file: its path, bytes and time of change. */
#ifndef WF_CMD_RUN_LINES_H
#define WF_CMD_RUN_LINES_H

#include "base/buf.h"
#include "cmd/match/load.h"

/* `text` and `path` NULL: no line.  The first error of a file is left in *rc, if that is 0. */
void run_lines_text(wf_buf *out, const char *name, const char *text);
WEFT_WAITS void run_lines_file(wf_buf *out, const char *name, const char *path, int *rc);

/* The program's version, and the options and files of a matcher. */
WEFT_WAITS void run_lines_load(wf_buf *out, const struct load *load, int *rc);

#endif
