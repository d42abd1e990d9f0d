/* SPDX-License-Identifier: MIT */

/*
 * Stack overflow: turns the SIGSEGV of a task that ran into its guard into one line on stderr that
 * names the task.  The process still dies of the signal, so that a core dump shows the place.
 */
#ifndef WF_STACK_OVERFLOW_H
#define WF_STACK_OVERFLOW_H

#include <weft/base.h>

typedef struct wf_overflow {
    const char *name;   /* of the task; NULL: unknown */
    const char *site;   /* where it was spawned; NULL: unknown */
    size_t stack_bytes; /* of its stack */
} wf_overflow;

/* Says whose guard `addr` is in: true and *out, or false if it is nobody's.  Runs inside a signal
 * handler: no locks, no allocation; wf_stack_is_guard() helps. */
typedef bool wf_overflow_find_fn(void *arg, const void *addr, wf_overflow *out);

/* Gives the calling thread an alternate stack, unless it has one, and names who knows its tasks.
 * The first call in a process installs the handler.  -ENOMEM, -EBUSY if the thread has begun. */
int wf_overflow_thread_begin(wf_overflow_find_fn *find, void *arg);
void wf_overflow_thread_end(void);

/* The calling thread has begun, has none of the signals of faults blocked, and their handler is
 * still ours.  Async-signal-safe. */
bool wf_overflow_handles_faults(void);

/* Prints the line and aborts: for a canary that was found broken. */
_Noreturn void wf_overflow_die(const wf_overflow *overflow);

#endif
