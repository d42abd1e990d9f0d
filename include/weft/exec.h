/* SPDX-License-Identifier: MIT */

/*
 * Executors: run functions that block or compute on threads of the loop's own, while the calling
 * task waits and the other tasks go on.
 *
 *     int rc = weft_run_blocking(ask_old_library, &request);
 *
 * Two are always there, so that the one kind of work cannot keep the other from its threads: for
 * bodies that block, and for bodies that compute.  Make more where a library bears one thread only,
 * or so many calls at once.  (Files have threads of their own, see <weft/file.h>.)
 *
 * A body runs on a thread without a loop: waits there return -EPERM; weft_post() to a loop works;
 * weft_fail() works and its text travels back with the code.
 *
 * Cancel.  A body that has not started is withdrawn: -ECANCELED, and `arg` is the caller's again. A
 * body that runs is only told, through weft_blocking_cancelled(), and waited for to its end, since
 * it uses the caller's memory.  What it then returns is the result; a value >= 0 wins over the
 * cancel.  Deadlines around the call work the same way.
 *
 * Threads are started when needed, up to a limit, and end after 30 s without work.  Bodies wait for
 * one first come first served; when too many do, callers wait to get in, in order too.  Limits of
 * the two are in weft_config.  In simulation bodies run on the loop's own thread, at a seeded later
 * time.
 */
#ifndef WEFT_EXEC_H
#define WEFT_EXEC_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* Runs fn(arg) on a thread and returns its result: for bodies that block.  Up to twice as many at a
 * time as there are processors, at most 32; up to 1,024 more wait for a thread.  -ECANCELED; -EPERM
 * outside a task; -ENOMEM, -EAGAIN (no thread can be started): then the body did not run. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking(weft_fn *fn, void *arg);

/* The same, but -EAGAIN instead of waiting to get in when the pool is full. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking_try(weft_fn *fn, void *arg);

/* The same for bodies that compute: as many at a time as there are processors. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_cpu(weft_fn *fn, void *arg);

/* Runs fn(arg, 0) … fn(arg, count - 1), as weft_run_cpu() would, in order of
 * their start.  At the first negative result no further piece starts, those that run see
 * weft_blocking_cancelled(), and that result is returned when they have ended.  Cancelled before
 * the last piece was done: -ECANCELED.  0 when all have succeeded; no piece runs after it returns.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_blocking_n(int (*fn)(void *arg, size_t index),
                                                          void *arg, size_t count);

/* True if nobody wants the body that calls this any more: return soon, with any code.  Cheap enough
 * for an inner loop.  False outside a body. */
WEFT_API bool weft_blocking_cancelled(void);

/* ---- in another process ---- */

/* Runs fn on a copy of `buf` in a worker process and copies it back: for code that may crash, leak,
 * or bears no threads.  fn sees the process as it was when the run began, and nothing else of it;
 * what it changes outside `buf` stays there.  Its result, with its text.
 *
 * A worker that dies gives -ECHILD and a text with its signal; the next call gets a new one.
 * Cancelled, the worker is killed: -ECANCELED.  After these two the content of `buf` is not
 * defined.  -EPERM without WEFT_RUN_WORKERS, which must be asked for when no other thread runs;
 * -E2BIG over 1 GiB; -EAGAIN: no process can be forked.  In simulation fn runs as a blocking body.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_process(weft_fn *fn, void *buf, size_t bytes);

/* Memory of this process that workers see too, for buffers that are too large to be copied there
 * and back.  It is zeroed, at most 1 GiB, and the caller's from new to free; a call lends it to its
 * body, and has it back when it returns, whatever it returns: a worker that was killed is dead by
 * then, and what it had written stands.  Several calls may have it at once; what two bodies both
 * touch needs atomics, and pointers into it mean nothing there, as it lies elsewhere. */
typedef struct weft_shared weft_shared;

/* -EINVAL: no bytes or too many; -ENOMEM, -EMFILE.  Any thread. */
WEFT_API WEFT_MUST_USE int weft_shared_new(weft_shared **out, size_t bytes);

/* No call may have it.  NULL is fine. */
WEFT_API void weft_shared_free(weft_shared *shared);

/* Its first byte, borrowed until it is freed, and how many there are. */
WEFT_API void *weft_shared_get(const weft_shared *shared);
WEFT_API size_t weft_shared_bytes(const weft_shared *shared);

/* weft_run_process() with fn on the memory itself: nothing is copied.  The bytes are defined after
 * every outcome.  Memory that was made in a simulation is for calls there (-EPERM). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_run_process_shared(weft_fn *fn, weft_shared *shared);

/* ---- more executors ---- */

typedef struct weft_exec weft_exec;

/* Zero means "choose for me" in every field. */
typedef struct weft_exec_options {
    uint32_t thread_max; /* bodies at a time; 0: twice the processors, at most 32 */
    uint32_t queue_max;  /* bodies that wait for a thread; 0: 1,024; past it callers wait */
    weft_time idle;      /* a thread without work ends after; 0: 30 s; WEFT_FOREVER: never */
} weft_exec_options;

/* Makes an executor of the calling thread's loop; `options` may be NULL.  -ENOMEM; -EPERM outside a
 * run.  One that is left is freed when the run ends. */
WEFT_API WEFT_MUST_USE int weft_exec_new(weft_exec **out, const weft_exec_options *options);

/* Runs fn(arg) there, as weft_run_blocking() does; the second does not wait to get in but gives
 * -EAGAIN.  -EPERM on another loop. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exec_run(weft_exec *exec, weft_fn *fn, void *arg);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exec_run_try(weft_exec *exec, weft_fn *fn, void *arg);

/* Ends its threads, which have nothing to do: no body may be in it.  NULL is fine. */
WEFT_API void weft_exec_free(weft_exec *exec);

WEFT_END_DECLS

#endif
