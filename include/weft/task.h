/* SPDX-License-Identifier: MIT */

/*
 * Task: a body that runs on a stack of its own, on one loop, and always on that loop's thread.
 *
 * A task is owned by the task that spawned it (or by a group, see group.h) and never outlives its
 * owner: when a body returns, its children are joined, after being cancelled if it failed.
 *
 * A handle is a value: copy it, keep it, drop it.  Once the task's record is freed the handle is
 * stale, and every call on it returns -ESRCH instead of touching another task.  A spawn that failed
 * returns a handle that carries the error; await returns that error, so spawn needs no check of its
 * own.
 *
 * A task's result is kept until its owner ends, or until weft_release().  An owner that keeps on
 * spawning should release the handles it will not ask again, or use weft_group_spawn(), which keeps
 * no results.  This holds for weft_detach() too, where the owner is the loop.
 *
 * A wait preserves what any function call preserves.  Each task also has its own errno, and its own
 * rounding mode and traps of floating point.  The floating-point exception flags (fetestexcept())
 * belong to the thread: read them before you wait.
 */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef struct weft_task {
    uint64_t id;
} weft_task;

#define WEFT_TEXT_(x) #x
#define WEFT_TEXT(x) WEFT_TEXT_(x)

/* "name at file:line": where a task was spawned, for dumps and error texts. */
#define WEFT_SITE(name) name " at " __FILE__ ":" WEFT_TEXT(__LINE__)

/* Starts fn(arg) as a child of this task.  It returns before the child runs; children start in the
 * order they were spawned.  A body that was created always runs, even if it was cancelled first
 * (its first wait then fails), since it owns its argument.
 *
 * Errors, in the handle: -ENOMEM, -EAGAIN (task_count_max), -EPERM (outside a task), -EINVAL (`fn`
 * is NULL).  The body then never runs, and `arg` stays the caller's. */
#define weft_spawn(fn, arg) weft_spawn_at((fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_spawn_at(weft_fn *fn, void *arg, const char *site);

/* Like weft_spawn(), with a stack of `stack_bytes` (at least 16 KiB) instead of the loop's default.
 */
#define weft_spawn_stack(fn, arg, stack_bytes)                                                     \
    weft_spawn_stack_at((fn), (arg), (stack_bytes), WEFT_SITE(#fn))
WEFT_API weft_task weft_spawn_stack_at(weft_fn *fn, void *arg, size_t stack_bytes,
                                       const char *site);

/* Like weft_spawn(), but copies the `bytes` bytes at `arg` to the child's stack (aligned to 16) and
 * passes it the copy's address; the source may go as soon as this returns.  -E2BIG in the handle if
 * they are more than a quarter of the stack.  weft_spawn_copy(fn, value) copies `value`. */
#define weft_spawn_sized(fn, arg, bytes) weft_spawn_sized_at((fn), (arg), (bytes), WEFT_SITE(#fn))
#ifndef __cplusplus
#define weft_spawn_copy(fn, ...) weft_spawn_sized((fn), &(__VA_ARGS__), sizeof(__VA_ARGS__))
#else
#define weft_spawn_copy(fn, ...) weft_spawn_copy_at_((fn), (__VA_ARGS__), WEFT_SITE(#fn))
#endif
WEFT_API weft_task weft_spawn_sized_at(weft_fn *fn, const void *arg, size_t bytes,
                                       const char *site);

/* Like weft_spawn(), but the loop owns the task: it may outlive this one and is cancelled at the
 * end of the run.  If it fails, the error goes to weft_config.unhandled.  Release the handle,
 * unless the result is wanted. */
#define weft_detach(fn, arg) weft_detach_at((fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_detach_at(weft_fn *fn, void *arg, const char *site);

/* The calling task; id 0 outside a task. */
WEFT_API weft_task weft_self(void);

/* Waits until the task is done and returns its result.  If the caller is cancelled it returns
 * -ECANCELED and the task goes on: weft_gather() is the wait that leaves nothing running.  Any
 * number of tasks may wait for one, from other loops too.  -EDEADLK for oneself or for a task that
 * waits for this one, -ESRCH for a stale handle. */
WEFT_API WEFT_WAITS int weft_await(weft_task task);

/* Like weft_await(), with a timeout: when it expires the task is cancelled and waited for, however
 * long that takes, and the result is -ETIMEDOUT, unless the task ended with a value or another
 * error than -ECANCELED all the same.  If the caller is cancelled, before or meanwhile, the task is
 * cancelled and awaited too. */
WEFT_API WEFT_WAITS int weft_await_for(weft_task task, weft_time timeout);

/* Asks the task to end: from now on its waits, and those of all tasks below it, fail with
 * -ECANCELED.  Returns at once.  `why` must stay valid (use a literal); NULL is fine.  Any thread.
 * 1: asked; 0: it is done already; -ESRCH: stale handle; -EPERM: the task belongs to the process
 * that forked this one. */
WEFT_API int weft_cancel(weft_task task, const char *why);

/* 1 and the result in *out_result (may be NULL) if the task is done, 0 if not, -ESRCH for a stale
 * handle, -EPERM as weft_cancel().  Any thread; but only on the task's own loop does an error bring
 * its text (weft_error_text()). */
WEFT_API int weft_done(weft_task task, int *out_result);

/* Gives up the task's result, so that its record can be freed as soon as it is done; the handle is
 * stale from then on.  Does not stop the task.  Any thread; from another than its loop's it takes
 * effect soon, not at once. */
WEFT_API void weft_release(weft_task task);

/* Names the calling task, for dumps and error texts: copied, cut to 31 bytes, control characters
 * replaced by blanks.  Without it a task has the name of its body. */
WEFT_API void weft_set_name(const char *name);

/* Copies the calling task's name to `out`, cut to fit; "" outside a task. */
WEFT_API void weft_get_name(char *out, size_t out_bytes);

/* ---- pauses ---- */

/* Lets every other ready task run once.  0 or -ECANCELED. */
WEFT_API WEFT_WAITS int weft_yield(void);

/* Waits until every other task of the loop waits too (in a simulation with several loops: every
 * other task of all of them).  By then all ready tasks have run and all messages and completions
 * that had arrived were delivered; a virtual clock has not moved.  For tests: "by now it must be
 * waiting for the lock".  Several tasks may wait like this at once; all are woken.  0 or
 * -ECANCELED; -EPERM outside a task. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_wait_idle(void);

/* Waits for `duration`; if that is <= 0, the same as weft_yield().  0 or -ECANCELED. */
WEFT_API WEFT_WAITS int weft_sleep(weft_time duration);

/* Asks, without waiting, whether this task should stop: 0, or -ECANCELED if the current scope is
 * cancelled or past its deadline.  Never switches to another task. */
WEFT_API int weft_check(void);

/* The time on the loop's clock, which never runs backwards; outside a loop, on the platform's. */
WEFT_API weft_time weft_now(void);

/* weft_now() + duration, at most WEFT_FOREVER: a deadline. */
WEFT_API weft_time weft_after(weft_time duration);

WEFT_END_DECLS

#ifdef __cplusplus
template <typename Arg> weft_task weft_spawn_copy_at_(weft_fn *fn, const Arg &arg, const char *site)
{
    static_assert(__is_trivially_copyable(Arg), "it is copied byte by byte and never destroyed");
    return weft_spawn_sized_at(fn, &arg, sizeof(arg), site);
}
#endif

#endif
