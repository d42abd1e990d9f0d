/* SPDX-License-Identifier: MIT */

/*
 * Terminals whose modes the process has changed.  They are the process's, not a loop's: a signal
 * that ends or stops it must find them, whichever thread it meets.
 */
#ifndef WF_TERMINAL_PRIV_H
#define WF_TERMINAL_PRIV_H

#include <weft/terminal.h>

#include <termios.h>

/* Gives the terminal `mode` and remembers what it had.  A number for wf_terminal_give_back(), or
 * -ENOTTY, -EMFILE. */
int wf_terminal_take(int fd, const struct termios *mode);
void wf_terminal_give_back(int number);

/* Restores the modes of all terminals, as the process is about to end.  Async-signal-safe. */
void wf_terminals_give_back(void);

/* Those that a run has left open. */
struct wf_sched;
void wf_terminal_fini(struct wf_sched *sched);

#endif
