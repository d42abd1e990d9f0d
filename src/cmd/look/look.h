/* SPDX-License-Identifier: MIT */

/* Looking into another process: what ps, stack and top have in common. */
#ifndef WF_CMD_LOOK_H
#define WF_CMD_LOOK_H

#include "cmd/args.h"

#include <sys/types.h>

/* The PID a word stands for, or 0 after saying what is wrong with it.  `command` is "ps". */
pid_t look_pid(const char *command, const char *word);

/* Asks and prints the answers: an exit code, or -ECANCELED.  If they are about one task alone, it
 * is a failure that no loop has it.  NULL: about all. */
WEFT_WAITS int look_print(pid_t pid, const char *question, const char *task);

/* Says why asking a process failed with `rc`: an exit code, or -ECANCELED. */
int look_failed(pid_t pid, int rc);

#endif
