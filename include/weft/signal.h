/* SPDX-License-Identifier: MIT */

/*
 * Signals.  While a run lasts, SIGINT and SIGTERM ask it to end: the first cancels the main task,
 * with the signal's name as reason; a second writes the task tree to stderr and then does what the
 * signal does by default.  A loop that no longer turns ends with the third.  The same of the two
 * again within 100 ms is no other one, by the loop's clock, or the real one while the loop does not
 * turn: timeout(1) sends it to a process and then to its group.  This holds for signals that had
 * their default action when the run began, and not with WEFT_RUN_KEEP_SIGNALS; SIGPIPE is ignored
 * meanwhile.  Everything is as before when the run has ended.
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

WEFT_BEGIN_DECLS

/* Waits for the signal and returns its number.  Whoever waits takes it: SIGINT and SIGTERM then do
 * not end the run, and one again within 100 ms is still the same.  All who wait for one signal are
 * told.  Other signals than those two are kept from the first wait on: one that comes between two
 * waits ends the second at once, several of them count as one.
 *
 * -ECANCELED; -EPERM outside a task; -EINVAL: no such signal, or one that cannot be waited for
 * (SIGKILL, SIGSTOP, those of faults, and SIGURG, by which a process is looked at); -EBUSY: another
 * loop of the process has it. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_signal_wait(int signal_number);

/* "SIGINT" …; "SIG?" for one without a usual name.  Static storage. */
WEFT_API const char *weft_signal_name(int signal_number);

WEFT_END_DECLS

#endif
