/* SPDX-License-Identifier: MIT */

/*
 * Signals.  While a run lasts, SIGINT and SIGTERM ask it to end: the first cancels the main task,
 * with the signal's name as reason; a second writes the task tree to stderr and then does what the
 * signal does by default.  A loop that no longer turns ends with the third.  A repetition of the
 * same signal within 100 ms does not count: timeout(1) signals a process and then its group.  (The
 * time is the loop's clock, or the real one while the loop does not turn.) All this is for signals
 * that had their default action when the run began, and not with WEFT_RUN_KEEP_SIGNALS.  SIGPIPE is
 * ignored during a run.  When the run has ended everything is as it was before.
 *
 *     for (;;) {
 *         int rc = weft_signal_wait(SIGHUP);
 *         if (rc < 0)
 *             return rc;
 *         reload();
 *     }
 */
#ifndef WEFT_SIGNAL_H
#define WEFT_SIGNAL_H

#include <weft/base.h>

#include <signal.h>

WEFT_BEGIN_DECLS

/* Waits for the signal and returns its number.  While a task waits for SIGINT or SIGTERM, that
 * signal wakes it and does not end the run; here too a repetition within 100 ms does not count.
 * All tasks that wait for a signal are woken.  Other signals are remembered from the first wait on:
 * one that comes between two waits makes the second return at once, and several count as one.
 *
 * -ECANCELED; -EPERM outside a task; -EINVAL: no such signal, or one that cannot be waited for
 * (SIGKILL, SIGSTOP, those of faults, and SIGURG, by which a process is looked at); -EBUSY: another
 * loop of the process has it. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_signal_wait(int signal_number);

/* The name of a signal, "SIGINT"; "SIG?" for one without a usual name.  Static storage. */
WEFT_API const char *weft_signal_name(int signal_number);

WEFT_END_DECLS

#endif
