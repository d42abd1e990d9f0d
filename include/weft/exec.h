/* SPDX-License-Identifier: MIT */

/*
 * Executors: run functions that block or compute on threads of the loop's own, while the calling
 * task waits and the other tasks go on.
 *
 *     int rc = weft_run_blocking(ask_old_library, &request);
 *
 * Two executors are always there, one for bodies that block and one for bodies that compute, so
 * that neither kind of work can take the other's threads.  Make more for a library that may be
 * called by one thread only, or by only so many at once.  (Files have threads of their own, see
 * <weft/file.h>.)
 *
 * A body runs on a thread without a loop: waits return -EPERM there; weft_post() to a loop works,
 * and so does weft_fail(), whose text travels back with the code.
 *
 * Cancel.  A body that has not started never runs: -ECANCELED, and `arg` is the caller's again.  A
 * body that runs is told, through weft_blocking_cancelled(), and waited for to its end, since it
 * uses the caller's memory.  What it then returns is the result; a value >= 0 wins over the cancel.
 * A deadline around the call works in the same way.
 *
 * Threads are started when needed, up to a limit, and end after 30 s without work.  Bodies wait for
 * a thread in a queue, first come, first served; when the queue is full the callers wait for a
 * place in it, in order too.  The limits of the two executors are in weft_config.  In simulation
 * bodies run on the loop's own thread, at a later time that the seed decides.
 */
#ifndef WEFT_EXEC_H
#define WEFT_EXEC_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* Runs fn(arg) on a thread, for bodies that block, and returns its result.  By default at most
 * twice as many run at a time as there are processors, and at most 32; up to 1,024 more wait for a
 * thread.  -ECANCELED; -EPERM outside a task; -ENOMEM, -EAGAIN (no thread can be started): then the
 * body did not run. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking(weft_fn *fn, void *arg);

/* Like weft_run_blocking(), but returns -EAGAIN instead of waiting when the queue is full. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking_try(weft_fn *fn, void *arg);

/* Like weft_run_blocking(), for bodies that compute: as many run at a time as there are processors.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_cpu(weft_fn *fn, void *arg);

/* Runs fn(arg, 0) … fn(arg, count - 1) on the threads of weft_run_cpu(), started in this order.
 * Returns 0 when all have succeeded.  After the first negative result no further piece starts,
 * those that run see weft_blocking_cancelled(), and that result is returned when they have ended.
 * If the caller is cancelled before the last piece is done: -ECANCELED.  No piece runs after it
 * returns.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking_n(int (*fn)(void *arg, size_t index),
                                                          void *arg, size_t count);

/* Called by a body: true if its caller was cancelled, so that it should return soon, with any code.
 * Cheap enough for an inner loop.  False outside a body. */
WEFT_API bool weft_blocking_cancelled(void);

/* ---- in another process ---- */

/* Runs fn on a copy of `buf` in a worker process, and copies the buffer back: for code that may
 * crash, leak, or is not safe with threads.  fn sees the memory of this process as it was when the
 * run began, and nothing later; what it changes outside `buf` stays in the worker.  Returns its
 * result, with its text.
 *
 * -ECHILD, with the signal in the text: the worker died; the next call gets a new one.  -ECANCELED:
 * the caller was cancelled, and the worker killed.  After these two the content of `buf` is
 * undefined.  -EPERM without WEFT_RUN_WORKERS, which must be asked for when no other thread runs;
 * -E2BIG over 1 GiB; -EAGAIN: no process can be forked.  In simulation fn runs as a blocking body.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_process(weft_fn *fn, void *buf, size_t bytes);

/* Memory that this process shares with the workers, for buffers that are too large to be copied
 * there and back.  It is zeroed at first, at most 1 GiB, and the caller's from new to free.  A call
 * lends it to its body until it returns, whatever it returns: a worker that was killed is dead by
 * then, and what it had written stays.  Several calls may use it at once; what two bodies both
 * touch needs atomics.  It lies at another address in a worker, so store no pointers in it. */
typedef struct weft_shared weft_shared;

/* Makes `bytes` bytes of shared memory in *out.  -EINVAL: no bytes, or more than 1 GiB; -ENOMEM,
 * -EMFILE.  Any thread. */
WEFT_API WEFT_MUST_USE int weft_shared_new(weft_shared **out, size_t bytes);

/* Frees it.  No call may be using it.  NULL is fine. */
WEFT_API void weft_shared_free(weft_shared *shared);

/* The address of its first byte, borrowed until it is freed, and its size. */
WEFT_API void *weft_shared_get(const weft_shared *shared);
WEFT_API size_t weft_shared_bytes(const weft_shared *shared);

/* Like weft_run_process(), but fn works on the shared memory itself: nothing is copied, and the
 * bytes are defined after every outcome.  Memory that was made in a simulation is for that alone
 * (-EPERM). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_process_shared(weft_fn *fn, weft_shared *shared);

/* ---- more executors ---- */

typedef struct weft_exec weft_exec;

/* Zero means "choose for me" in every field. */
typedef struct weft_exec_options {
    uint32_t thread_max; /* bodies at a time; 0: twice the processors, at most 32 */
    uint32_t queue_max;  /* bodies that wait for a thread; 0: 1,024; past it callers wait */
    weft_time idle;      /* a thread without work ends after; 0: 30 s; WEFT_FOREVER: never */
} weft_exec_options;

/* Makes an executor in *out, which belongs to the calling thread's loop; `options` may be NULL.
 * -ENOMEM; -EPERM outside a run.  If it is not freed before, it is freed when the run ends. */
WEFT_API WEFT_MUST_USE int weft_exec_new(weft_exec **out, const weft_exec_options *options);

/* Run fn(arg) on the executor's threads: like weft_run_blocking() and weft_run_blocking_try().
 * -EPERM on another loop than its own. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exec_run(weft_exec *exec, weft_fn *fn, void *arg);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exec_run_try(weft_exec *exec, weft_fn *fn, void *arg);

/* Ends its threads and frees it.  No body may be running or queued in it.  NULL is fine. */
WEFT_API void weft_exec_free(weft_exec *exec);

WEFT_END_DECLS

#endif
