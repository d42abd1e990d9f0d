/* SPDX-License-Identifier: MIT */

/* Signals of a run, as the run and the simulator see them. */
#ifndef WF_SIGNALS_PRIV_H
#define WF_SIGNALS_PRIV_H

#include <weft/sys/loop.h>

/* While any loop lives SIGPIPE is ignored: a write to a pipe whose reader has gone raises it, and
 * no flag of the call prevents that (rule I07).  Each loop calls hold once, and release once. */
void wf_signals_hold_pipe(void);
void wf_signals_release_pipe(void);

/* Takes over SIGINT and SIGTERM as <weft/signal.h> says, unless `keeps`.  -ENOMEM. */
int wf_signals_install(weft_loop *loop, bool keeps);

/* Restores the actions from before; signals that have arrived are handled first. */
void wf_signals_remove(weft_loop *loop);

/* True in a signal handler on the loop's thread, where what it interrupted may be half done; also
 * in a task that holds signals back which the run's start did not.  Async-signal-safe. */
struct wf_sched;
bool wf_signals_in_handler(const struct wf_sched *sched);

/* The signal has arrived; on the loop's thread. */
void wf_signals_arrive(weft_loop *loop, int signal_number);

#endif
