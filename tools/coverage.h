/* SPDX-License-Identifier: MIT */

/* Included before every file of a coverage build: processes that end without exit() leave their
 * counts behind too.  (And -fno-builtin-fork: gcc would forget what handlers of a fork counted.) */
#ifndef WF_TOOLS_COVERAGE_H
#define WF_TOOLS_COVERAGE_H
#ifndef __ASSEMBLER__

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void __gcov_dump(void);

#define _exit(status) (__gcov_dump(), _exit(status))
#define abort() (__gcov_dump(), abort())
#define raise(number) (__gcov_dump(), raise(number))

#endif
#endif
