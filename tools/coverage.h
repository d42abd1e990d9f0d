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
void __gcov_reset(void);

/* The argument first: it may be what the process does.  Reset, or what a handler does after it is
 * not written any more. */
#define _exit(status)                                                                              \
    __extension__({                                                                                \
        int status_ = (status);                                                                    \
        __gcov_dump();                                                                             \
        _exit(status_);                                                                            \
    })
#define abort() (__gcov_dump(), __gcov_reset(), abort())
#define raise(number) (__gcov_dump(), __gcov_reset(), raise(number))

#endif
#endif
