/* SPDX-License-Identifier: MIT */

/* Gather: a matcher and all texts of a file or of standard input at once, for commands that look at
 * them together. */
#ifndef WF_CMD_GATHER_H
#define WF_CMD_GATHER_H

#include "cmd/match/load.h"
#include "cmd/match/texts.h"

/* What is done with them.  0; an exit code after saying why, or a negative code. */
typedef int gather_fn(weft_matcher *matcher, const weft_str *texts, size_t count, void *arg);

/* Checks the options of such a command, whose texts come from --file and not from its words.  0, or
 * EXIT_USAGE after saying why. */
int gather_check(struct load *load, struct texts_from *from, int argc, const char *command);

/* Makes the matcher, reads the file, at most `count_max` texts, and calls fn.  0; an exit code
 * after saying why, or -ECANCELED. */
WEFT_WAITS int gather_run(struct load *load, const struct texts_from *from, size_t count_max,
                          gather_fn *fn, void *arg);

#endif
