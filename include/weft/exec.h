/* SPDX-License-Identifier: MIT */

/*
 * Blocking work: runs functions that block or compute on threads of the loop's own pool, while the
 * calling task waits and the other tasks go on.
 *
 *     int rc = weft_run_blocking(read_big_file, &request);
 *
 * A body runs on a thread without a loop: waits there return -EPERM; weft_post() to a loop works;
 * weft_fail() works and its text travels back with the code.
 *
 * Cancel.  A body that has not started is withdrawn: -ECANCELED, and `arg` is the caller's again. A
 * body that runs is only told, through weft_blocking_cancelled(), and waited for to its end, since
 * it uses the caller's memory.  What it then returns is the result; a value >= 0 wins over the
 * cancel.  Deadlines around the call work the same way.
 *
 * Threads are started when needed, up to twice the processors and at most 32, and end after 30 s
 * without work; up to 1,024 bodies wait for one, then callers wait to get in.  All in weft_config.
 * In simulation bodies run on the loop's own thread, at a seeded later time.
 */
#ifndef WEFT_EXEC_H
#define WEFT_EXEC_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* Runs fn(arg) on a pool thread and returns its result.  -ECANCELED; -EPERM outside a task;
 * -ENOMEM, -EAGAIN (no thread can be started): then the body did not run. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking(weft_fn *fn, void *arg);

/* The same, but -EAGAIN instead of waiting to get in when the pool is full. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking_try(weft_fn *fn, void *arg);

/* Runs fn(arg, 0) … fn(arg, count - 1), as many at a time as there are processors, in order of
 * their start.  At the first negative result no further piece starts, those that run see
 * weft_blocking_cancelled(), and that result is returned when they have ended.  Cancelled before
 * the last piece was done: -ECANCELED.  0 when all have succeeded; no piece runs after it returns.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking_n(int (*fn)(void *arg, size_t index),
                                                          void *arg, size_t count);

/* True if nobody wants the body that calls this any more: return soon, with any code.  Cheap enough
 * for an inner loop.  False outside a body. */
WEFT_API bool weft_blocking_cancelled(void);

WEFT_END_DECLS

#endif
