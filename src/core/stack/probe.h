/* SPDX-License-Identifier: MIT */

/*
 * Probe: runs code that may read unmapped memory, and returns if it does.  Unwinders are such code:
 * they believe the tables of whatever they walk through.  Some tables are wrong, if only between
 * two instructions, and the walk goes on at whatever lay in the place of a return address.
 * (glibc's lazy binding on AArch64 is one: its table has the stack 16 bytes too low.)
 */
#ifndef WF_PROBE_H
#define WF_PROBE_H

#include <weft/base.h>

#include <signal.h>

/* The signals of faults, whose handler is stack_overflow.c's. */
#define WF_PROBE_SIGNALS                                                                           \
    {                                                                                              \
        SIGSEGV, SIGBUS, SIGILL                                                                    \
    } /* SIGILL: a signed pointer that is none */

/* fn(arg), on a thread that runs a loop; in a signal handler, too.  False: a fault has cut it off,
 * or it did not run, because a handler of the program's has taken the place of ours since. */
bool wf_probe_run(void (*fn)(void *arg), void *arg);

/* Called by the handler of faults; does not return if a probe caused the fault. */
void wf_probe_on_fault(const siginfo_t *info);

#endif
